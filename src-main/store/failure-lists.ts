/** Reads failure groups: which there are among the tasks that match, one with all about it, and the ids of its tasks. */
import {
	type FailureGroup,
	type FailureGroupDetail,
	type FailureGroupList,
	type GroupPrint,
	type GroupRequest,
	type GroupState,
	groupState,
	type Share,
	TREND_WINDOWS,
	type TrendWindow,
} from '#main/domain/failure-group.ts';
import { FINGERPRINT_VERSION, type WhyGrouped } from '#main/domain/failure-print.ts';
import { type ProfileId, type TaskId, taskId } from '#main/domain/ids.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { countsByState } from './counts.ts';
import { findGroup, MARK_COLUMNS, marksOf, noGroup } from './failure-groups.ts';
import { FAILING_CODES } from './failure-keeper.ts';
import type { ReadHandle, SqlValue } from './handles.ts';
import { failedMatches, type ListReader } from './lists.ts';
import { profileKeyOf, revisionOf } from './profile-keys.ts';
import { type ListedRow, TASK_COLUMNS, taskRowOf } from './tasks.ts';

/** Newest tasks of a fingerprint that names, queues and workers are counted on. */
const LOOKED = 200;
const SHARES = 8;

interface Counted {
	readonly print: number;
	readonly n: number;
	readonly first: number | null;
	readonly last: number | null;
}

interface PrintedRow {
	readonly id: number;
	readonly hash: string;
	readonly grp: number;
	readonly type: string;
	readonly message: string;
	readonly frame: string | null;
	readonly n: number;
	readonly first_at: number;
	readonly last_at: number;
	readonly key: string;
	readonly resolved_at: number | null;
	readonly regressed_at: number | null;
	readonly ignore_until: number | null;
	readonly ignore_count: number | null;
	readonly ignore_from: number;
	readonly note: string;
}

interface Gathered {
	readonly prints: PrintedRow[];
	tasks: number;
	failures: number;
	firstAt: number;
	lastAt: number;
}

/** The groups that failed tasks which match are in. */
export function failureGroups(reader: ListReader, request: GroupRequest, now: number): Result<FailureGroupList> {
	const { db } = reader;
	return db.snapshot(() => {
		const key = profileKeyOf(db, request.profile);
		const { ms, buckets } = TREND_WINDOWS[request.window];
		const stepMs = ms / buckets;
		// Steps begin at round times, so that a trend moves on by whole steps.
		const from = (Math.floor(now / stepMs) + 1 - buckets) * stepMs;
		const states: Record<GroupState, number> = { open: 0, regressed: 0, resolved: 0, ignored: 0 };
		const revision = revisionOf(db, request.profile);
		const trend = { from, stepMs };
		if (key === null) return ok({ items: [], total: 0, tasks: 0, states, ungrouped: 0, trend, revision });
		const counted = countedPrints(reader, key, request, now);
		if (!counted.ok) return counted;
		const gathered = gather(db, key, counted.value);
		const wanted: { readonly id: number; readonly one: Gathered; readonly state: GroupState }[] = [];
		for (const [id, one] of gathered) {
			const [row] = one.prints;
			if (row === undefined) continue;
			const state = groupState(marksOf(row), one.failures, now);
			states[state] += 1;
			if (request.states.length > 0 && !request.states.includes(state)) continue;
			wanted.push({ id, one, state });
		}
		const { sort } = request;
		wanted.sort((a, b) => b.one[sort] - a.one[sort] || a.id - b.id);
		const shown = wanted.slice(0, request.limit);
		const trends = trendsOf(
			db,
			shown.flatMap(({ one }) => one.prints.map((print) => print.id)),
			from,
			stepMs,
			buckets,
		);
		const items = shown.map(({ one, state }) => groupOf(db, key, one, state, trends));
		const tasks = wanted.reduce((sum, { one }) => sum + one.tasks, 0);
		return ok({ items, total: wanted.length, tasks, states, ungrouped: ungrouped(db, key), trend, revision });
	});
}

/** One group with why its failures are together, and its newest failed tasks; also one that has no failed task just now. */
export function failureGroup(
	reader: ListReader,
	profile: ProfileId,
	text: string,
	window: TrendWindow,
	limit: number,
	now: number,
): Result<FailureGroupDetail> {
	const { db } = reader;
	return db.snapshot(() => {
		const profileKey = profileKeyOf(db, profile);
		const found = findGroup(db, profileKey, text);
		if (!found.ok) return found;
		if (profileKey === null) return noGroup(text);
		const { ms, buckets } = TREND_WINDOWS[window];
		const stepMs = ms / buckets;
		const from = (Math.floor(now / stepMs) + 1 - buckets) * stepMs;
		const rows = db
			.read<PrintedRow & { readonly why: string; readonly part: string | null }>(
				'prints of a group',
				`SELECT p.id, p.hash, p.grp, p.type, p.message, p.frame, p.n, p.first_at, p.last_at, p.why, p.part, g.key, ${MARK_COLUMNS}
				FROM failure_prints p JOIN failure_groups g ON g.id = p.grp WHERE p.grp = ? ORDER BY p.n DESC, p.id LIMIT 500`,
			)
			.all(found.value.id);
		const count = db.read<Counted>(
			'tasks of print',
			`SELECT failure AS print, count(*) AS n, min(finished_at) AS first, max(finished_at) AS last FROM tasks
			WHERE profile = ? AND failure = ? AND removed_at IS NULL GROUP BY failure`,
		);
		const counted = rows.flatMap((row) => count.all(profileKey, row.id));
		const one = gather(db, profileKey, [
			...counted,
			...rows
				.filter((row) => !counted.some((some) => some.print === row.id))
				.map((row) => ({ print: row.id, n: 0, first: null, last: null })),
		]).get(found.value.id);
		if (one === undefined) return noGroup(text);
		const [first] = one.prints;
		const state = first === undefined ? 'open' : groupState(marksOf(first), one.failures, now);
		const trends = trendsOf(
			db,
			rows.map((row) => row.id),
			from,
			stepMs,
			buckets,
		);
		const newest = db
			.read<ListedRow>(
				'newest of group',
				`SELECT ${TASK_COLUMNS} FROM tasks t JOIN task_texts x ON x.seq = t.seq WHERE t.profile = ? AND t.failure IN
					(SELECT id FROM failure_prints WHERE grp = ?) AND t.removed_at IS NULL ORDER BY t.finished_at DESC, t.seq DESC LIMIT ?`,
			)
			.all(profileKey, found.value.id, limit);
		const why: GroupPrint[] = rows.map((row) => ({
			hash: row.hash,
			failures: row.n,
			firstAt: row.first_at,
			lastAt: row.last_at,
			why: JSON.parse(row.why) as WhyGrouped,
			part: row.part === null ? null : (JSON.parse(row.part) as GroupPrint['part']),
		}));
		return ok({ ...groupOf(db, profileKey, one, state, trends), why, newest: newest.map(taskRowOf) });
	});
}

/** The ids of a group's failed tasks that match a query, at most `limit`. What reviews freeze. */
export function groupIds(
	reader: ListReader,
	profile: ProfileId,
	text: string,
	query: string,
	limit: number,
	now: number,
): Result<readonly TaskId[]> {
	const { db } = reader;
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		const found = findGroup(db, key, text);
		if (!found.ok || key === null) return found.ok ? ok([]) : found;
		const from = failedMatches(reader, key, query, now);
		if (!from.ok) return from;
		const rows = db
			.read<{ id: string }>(
				'ids of group',
				`SELECT t.id AS id ${from.value.sql} AND t.failure IN (SELECT id FROM failure_prints WHERE grp = ?) LIMIT ?`,
				true,
			)
			.all(...from.value.values, found.value.id, limit);
		return ok(rows.map((row) => taskId(row.id)));
	});
}

/** Failed tasks by fingerprint. */
function countedPrints(
	reader: ListReader,
	key: number,
	request: GroupRequest,
	now: number,
): Result<readonly Counted[]> {
	const { db } = reader;
	if (request.query.trim() === '') {
		const all = db.read<Counted>(
			'failures by print',
			`SELECT failure AS print, count(*) AS n, min(finished_at) AS first, max(finished_at) AS last
			FROM tasks INDEXED BY tasks_failure WHERE profile = ? AND failure IS NOT NULL AND removed_at IS NULL GROUP BY failure`,
		);
		return ok(all.all(key));
	}
	const from = failedMatches(reader, key, request.query, now);
	if (!from.ok) return from;
	return ok(
		db
			.read<Counted>(
				'matching failures by print',
				`SELECT t.failure AS print, count(*) AS n, min(t.finished_at) AS first, max(t.finished_at) AS last
				${from.value.sql} AND t.failure IS NOT NULL GROUP BY t.failure`,
				true,
			)
			.all(...from.value.values),
	);
}

/** Fingerprints by their group. */
function gather(db: ReadHandle, profile: number, counted: readonly Counted[]): Map<number, Gathered> {
	const rows = db
		.read<PrintedRow & { readonly tasks: number; readonly first: number | null; readonly last: number | null }>(
			'groups of prints',
			`SELECT p.id, p.hash, p.grp, p.type, p.message, p.frame, p.n, p.first_at, p.last_at, g.key, ${MARK_COLUMNS},
				c.value ->> 1 AS tasks, c.value ->> 2 AS first, c.value ->> 3 AS last
			FROM json_each(?) c CROSS JOIN failure_prints p ON p.id = c.value ->> 0 CROSS JOIN failure_groups g ON g.id = p.grp
			WHERE p.profile = ?`,
		)
		.all(JSON.stringify(counted.map((one) => [one.print, one.n, one.first, one.last])), profile);
	const groups = new Map<number, Gathered>();
	for (const row of rows) {
		const known = groups.get(row.grp) ?? { prints: [], tasks: 0, failures: 0, firstAt: row.first_at, lastAt: 0 };
		known.prints.push(row);
		known.tasks += row.tasks;
		known.failures += row.n;
		known.firstAt = Math.min(known.firstAt, row.first_at);
		known.lastAt = Math.max(known.lastAt, row.last ?? row.last_at);
		groups.set(row.grp, known);
	}
	return groups;
}

function groupOf(
	db: ReadHandle,
	profile: number,
	one: Gathered,
	state: GroupState,
	trends: ReadonlyMap<number, readonly number[]>,
): FailureGroup {
	// The fingerprint that the group is named after speaks for it, so that a row does not change its words as counts change.
	const head = one.prints.find((print) => print.hash === print.key) ?? one.prints.toSorted((a, b) => a.id - b.id)[0];
	if (head === undefined) throw new Error('A group without fingerprints was gathered');
	const touched = db.read<{ name: string; queue: string | null; worker: string | null }>(
		'touched by failures',
		`SELECT name, queue, worker FROM tasks INDEXED BY tasks_failure WHERE profile = ? AND failure = ? AND removed_at IS NULL
		ORDER BY finished_at DESC LIMIT ${LOOKED}`,
	);
	const rows = one.prints.slice(0, 10).flatMap((print) => touched.all(profile, print.id));
	const trend = one.prints
		.map((print) => trends.get(print.id))
		.reduce<number[]>((sum, some) => (some === undefined ? sum : some.map((n, at) => n + (sum[at] ?? 0))), []);
	return {
		key: head.key,
		state,
		type: head.type,
		message: head.message,
		frame: head.frame,
		tasks: one.tasks,
		failures: one.failures,
		firstAt: one.firstAt,
		lastAt: one.lastAt,
		trend,
		names: sharesOf(rows.map((row) => row.name)),
		queues: sharesOf(rows.map((row) => row.queue)),
		workers: sharesOf(rows.map((row) => row.worker)),
		looked: rows.length,
		prints: one.prints.length,
		marks: marksOf(head),
	};
}

function sharesOf(texts: readonly (string | null)[]): readonly Share[] {
	const counts = new Map<string, number>();
	for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1);
	return [...counts]
		.map(([text, count]) => ({ text, count }))
		.sort((a, b) => b.count - a.count || (a.text < b.text ? -1 : 1))
		.slice(0, SHARES);
}

function trendsOf(
	db: ReadHandle,
	prints: readonly number[],
	from: number,
	stepMs: number,
	buckets: number,
): ReadonlyMap<number, readonly number[]> {
	const trends = new Map(prints.map((print) => [print, new Array<number>(buckets).fill(0)]));
	const values: SqlValue[] = [from, stepMs, JSON.stringify(prints), from];
	const rows = db
		.read<{ print: number; step: number; n: number }>(
			'trend of failures',
			`SELECT f.print AS print, CAST((f.at - ?) / ? AS INTEGER) AS step, count(*) AS n
			FROM json_each(?) c CROSS JOIN failures f ON f.print = c.value WHERE f.at >= ? GROUP BY 1, 2`,
		)
		.all(...values);
	for (const { print, step, n } of rows) {
		const trend = trends.get(print);
		if (trend !== undefined) trend[Math.min(step, buckets - 1)] = (trend[Math.min(step, buckets - 1)] ?? 0) + n;
	}
	return trends;
}

/** Failed tasks that have no fingerprint yet, while older history is being looked at. */
function ungrouped(db: ReadHandle, key: number): number {
	const mark = db
		.read<{ done: number; version: number }>('failure mark', 'SELECT done, version FROM failure_mark WHERE id = 1')
		.get();
	if (mark !== undefined && mark.done === 1 && mark.version >= FINGERPRINT_VERSION) return 0;
	const counts = countsByState(db, key);
	const failing = FAILING_CODES.reduce((sum, code) => sum + (counts[code] ?? 0), 0);
	const grouped =
		db
			.read<{ n: number }>(
				'grouped tasks',
				'SELECT count(*) AS n FROM tasks INDEXED BY tasks_failure WHERE profile = ? AND failure IS NOT NULL AND removed_at IS NULL',
			)
			.get(key)?.n ?? 0;
	return Math.max(0, failing - grouped);
}
