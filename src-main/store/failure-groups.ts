/** What people do to failure groups: resolve, ignore, note, merge, split. Each works in the open transaction. */
import type { GroupChange, GroupChanged, GroupMarks, SplitBy } from '#main/domain/failure-group.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { FAILING_SQL, PRINT_COLUMNS, type PrintRow, partHash } from './failure-keeper.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { profileKeyOf } from './profile-keys.ts';

interface GroupRow {
	readonly id: number;
	readonly key: string;
	readonly resolved_at: number | null;
	readonly regressed_at: number | null;
	readonly ignore_until: number | null;
	readonly ignore_count: number | null;
	readonly ignore_from: number;
	readonly note: string;
}

/** Columns of a group's marks. */
export const MARK_COLUMNS = 'resolved_at, regressed_at, ignore_until, ignore_count, ignore_from, note';

/** Parts that a split makes at most. */
const MOST_PARTS = 200;

/** The marks in a row. */
export function marksOf(row: Omit<GroupRow, 'id' | 'key'>): GroupMarks {
	return {
		resolvedAt: row.resolved_at,
		regressedAt: row.regressed_at,
		ignoreUntil: row.ignore_until,
		ignoreCount: row.ignore_count,
		ignoreFrom: row.ignore_from,
		note: row.note,
	};
}

/** A group by its key or an unambiguous beginning of four characters or more. */
export function findGroup(
	db: ReadHandle,
	profile: number | null,
	text: string,
): Result<{ readonly id: number; readonly key: string }> {
	const wanted = text.toLowerCase();
	const found =
		profile === null || !/^[0-9a-f]{4,16}$/.test(wanted)
			? []
			: db
					.read<{ id: number; key: string }>(
						'failure group',
						`SELECT id, key FROM failure_groups g WHERE profile = ? AND key >= ? AND key < ?
						AND EXISTS (SELECT 1 FROM failure_prints p WHERE p.grp = g.id) LIMIT 2`,
					)
					.all(profile, wanted, `${wanted}g`);
	const [first, second] = found;
	if (first === undefined) return noGroup(text);
	if (second !== undefined)
		return fail('invalid-input', `More than one failure group begins with "${text}". Give more of it.`);
	return ok(first);
}

/** What is said where no group is called so. */
export function noGroup(text: string): Result<never> {
	return fail('not-found', `There is no failure group "${text}" in this profile. "group list" shows what there is.`);
}

export interface GroupTable {
	change(profile: ProfileId, key: string, change: GroupChange, now: number): Result<GroupChanged>;
}

/** `changed`: fingerprints have moved, so nothing remembered of them holds. */
export function groupTable(db: WriteHandle, changed: () => void): GroupTable {
	const group = db.read<GroupRow>('group', `SELECT id, key, ${MARK_COLUMNS} FROM failure_groups WHERE id = ?`);
	const prints = db.read<PrintRow & { readonly n: number }>(
		'prints of group',
		`SELECT ${PRINT_COLUMNS}, n FROM failure_prints WHERE grp = ?`,
	);
	const setMarks = db.write(
		'set group marks',
		`UPDATE failure_groups SET resolved_at = ?, regressed_at = ?, ignore_until = ?, ignore_count = ?, ignore_from = ? WHERE id = ?`,
	);
	const setNote = db.write('set group note', 'UPDATE failure_groups SET note = ? WHERE id = ?');
	const move = db.write('move prints', 'UPDATE failure_prints SET grp = ? WHERE grp = ?');
	const moveOne = db.write('move a print', 'UPDATE failure_prints SET grp = ? WHERE id = ?');
	const home = db.read<{ id: number }>('home group', 'SELECT id FROM failure_groups WHERE profile = ? AND key = ?');
	const newGroup = db.write('new group', 'INSERT INTO failure_groups (profile, key) VALUES (?, ?)');

	function homeOf(profile: number, key: string): number {
		return home.get(profile, key)?.id ?? newGroup.run(profile, key).lastInsertRowid;
	}

	function merge(
		profile: number,
		into: GroupRow,
		others: readonly string[],
	): Result<Record<string, readonly string[]>> {
		const before: Record<string, readonly string[]> = {};
		for (const other of others) {
			const found = findGroup(db, profile, other);
			if (!found.ok) return found;
			if (found.value.id === into.id) return fail('invalid-input', 'A group cannot be merged into itself.');
			before[found.value.key] = prints.all(found.value.id).map((print) => print.hash);
			move.run(into.id, found.value.id);
		}
		changed();
		return ok(before);
	}

	/** Each fingerprint becomes a group of its own again; the first keeps what people said about the group. */
	function unmerge(profile: number, of: GroupRow, all: readonly PrintRow[]): Result<readonly string[]> {
		if (all.length < 2) {
			return fail(
				'invalid-input',
				'All failures of this group have one fingerprint. Split it by message, task or queue.',
			);
		}
		const own = all.find((print) => print.hash === of.key) ?? all[0];
		const keys = [of.key];
		for (const print of all) {
			if (print === own) continue;
			moveOne.run(homeOf(profile, print.hash), print.id);
			keys.push(print.hash);
		}
		changed();
		return ok(keys);
	}

	function splitBy(
		profile: number,
		of: GroupRow,
		all: readonly PrintRow[],
		by: Exclude<SplitBy, 'cause'>,
	): Result<readonly string[]> {
		if (all.some((print) => print.hash !== print.base)) {
			return fail(
				'conflict',
				'This group is a part of one that was split already. Merge the parts, or split by another group.',
			);
		}
		const column = {
			task: 'a.name',
			queue: "coalesce(a.queue, '')",
			message: "substr(coalesce(a.exception_message, ''), 1, 500)",
		}[by];
		const values = db.read<{ value: string; n: number; first: number; last: number }>(
			'values of split',
			`SELECT ${column} AS value, count(*) AS n, min(f.at) AS first, max(f.at) AS last FROM failures f
				JOIN attempts a ON a.id = f.attempt WHERE f.print = ? GROUP BY 1 ORDER BY n DESC LIMIT ${MOST_PARTS + 1}`,
		);
		const parts = all.map((print) => ({ print, values: values.all(print.id) }));
		const count = parts.reduce((sum, part) => sum + part.values.length, 0);
		if (count > MOST_PARTS) {
			return fail(
				'too-large',
				`Split by ${by}, this group would be more than ${MOST_PARTS} groups. Split it by something else.`,
			);
		}
		if (new Set(parts.flatMap((part) => part.values.map((one) => one.value))).size < 2) {
			return fail('invalid-input', `All failures of this group have the same ${by}: there is nothing to split.`);
		}
		const rule = db.write('split rule', 'INSERT OR REPLACE INTO failure_rules (profile, base, by) VALUES (?, ?, ?)');
		const copy = db.write(
			'part of print',
			`INSERT INTO failure_prints (profile, hash, base, place, version, grp, type, message, frame, why, part, n, first_at, last_at)
			SELECT profile, ?, base, place, version, ?, type, CASE WHEN ? THEN ? ELSE message END, frame, why, ?, ?, ?, ? FROM failure_prints WHERE id = ?`,
		);
		const take = db.write(
			'failures of part',
			`UPDATE failures SET print = ? WHERE print = ? AND attempt IN
				(SELECT a.id FROM failures f JOIN attempts a ON a.id = f.attempt WHERE f.print = ? AND ${column} = ?)`,
		);
		const tasks = db.write(
			'tasks of part',
			`UPDATE tasks SET failure = (SELECT f.print FROM attempts a JOIN failures f ON f.attempt = a.id WHERE a.task = tasks.seq
				ORDER BY a.number DESC LIMIT 1) WHERE profile = ? AND failure = ? AND state IN (${FAILING_SQL})`,
		);
		const drop = db.write('whole print', 'DELETE FROM failure_prints WHERE id = ?');
		const keys: string[] = [];
		for (const { print, values: some } of parts) {
			rule.run(profile, print.base, by);
			for (const one of some) {
				const hash = partHash(print.base, by, one.value);
				// The largest part goes on as the group that was split, with its note and all.
				const into = keys.length === 0 ? of.id : homeOf(profile, hash);
				const said = by === 'message' ? 1 : 0;
				const part = JSON.stringify({ by, value: one.value });
				const id = copy.run(
					hash,
					into,
					said,
					one.value.slice(0, 300),
					part,
					one.n,
					one.first,
					one.last,
					print.id,
				).lastInsertRowid;
				take.run(id, print.id, print.id, one.value);
				keys.push(keys.length === 0 ? of.key : hash);
			}
			tasks.run(profile, print.id);
			drop.run(print.id);
		}
		changed();
		return ok(keys);
	}

	return {
		change(profile, key, change, now) {
			const profileKey = profileKeyOf(db, profile);
			const found = findGroup(db, profileKey, key);
			if (!found.ok) return found;
			const of = group.get(found.value.id);
			if (profileKey === null || of === undefined) return noGroup(key);
			const all = prints.all(of.id);
			const marks = marksOf(of);
			const before: Record<string, readonly string[]> = { [of.key]: all.map((print) => print.hash) };
			const done = (groups: readonly string[] = [of.key]): Result<GroupChanged> =>
				ok({ key: of.key, groups, before: { marks, prints: before } });
			switch (change.kind) {
				case 'resolve':
					setMarks.run(Math.trunc(now), null, null, null, 0, of.id);
					return done();
				case 'reopen':
					setMarks.run(null, null, null, null, 0, of.id);
					return done();
				case 'ignore': {
					const failures = all.reduce((sum, print) => sum + print.n, 0);
					setMarks.run(null, null, change.until, change.count, failures, of.id);
					return done();
				}
				case 'note':
					setNote.run(change.note, of.id);
					return done();
				case 'merge': {
					const merged = merge(profileKey, of, change.others);
					if (!merged.ok) return merged;
					Object.assign(before, merged.value);
					return done();
				}
				case 'split': {
					const parts = change.by === 'cause' ? unmerge(profileKey, of, all) : splitBy(profileKey, of, all, change.by);
					return parts.ok ? done(parts.value) : parts;
				}
			}
		},
	};
}
