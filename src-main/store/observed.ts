/** Folds what others tell of their tasks into rows: a message's attempts are made anew from all its facts when there are more. */

import type { ObservedCall } from '#main/domain/observed.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import type { AttemptHead, AttemptTable, ObservedColumns } from './attempts.ts';
import { ARGUMENTS_CAP, cutName } from './caps.ts';
import { SEEN, STATE_CODES } from './codes.ts';
import { UNKNOWN_NAME } from './content.ts';
import type { CountKeeper } from './counts.ts';
import { FAILING_CODES, type FailureKeeper } from './failure-keeper.ts';
import type { WriteHandle } from './handles.ts';
import { saysAll } from './json.ts';
import type { LineageTable } from './lineage.ts';
import { endingOfRun } from './observed-ending.ts';
import { EMPTY_LOG, grown, type ObservedLog } from './observed-log.ts';
import { type ObservedRun, runsOf } from './observed-runs.ts';
import { PREVIEW_LENGTH, previewOf } from './preview.ts';
import type { SearchIndex } from './search-index.ts';
import type { SeenKeeper } from './seen.ts';
import type { TaskHead, TaskTable, TaskTexts } from './tasks.ts';

type Op = Extract<HistoryOp, { kind: 'observed' }>;

/** What it writes through. */
export interface ObservedKeepers {
	readonly tasks: TaskTable;
	readonly attempts: AttemptTable;
	readonly counts: CountKeeper;
	readonly seen: SeenKeeper;
	readonly search: SearchIndex;
	readonly failures: FailureKeeper;
	readonly lineage: LineageTable;
	/** Takes an attempt with all that hangs on it. */
	readonly dropAttempt: (id: number) => void;
	readonly touched: (profile: number) => void;
}

export interface ObservedFold {
	apply(profile: number, op: Op): void;
	dropLog(attempt: number): void;
}

/** Folds into the open transaction. */
export function observedFold(db: WriteHandle, keepers: ObservedKeepers): ObservedFold {
	const { tasks, attempts, counts, seen, search, failures } = keepers;
	const log = db.read<{ body: string }>('told of message', 'SELECT body FROM attempt_events WHERE attempt = ?');
	const keep = db.write('keep what was told', 'INSERT OR REPLACE INTO attempt_events (attempt, body) VALUES (?, ?)');
	const drop = db.write('drop what was told', 'DELETE FROM attempt_events WHERE attempt = ?');

	function note(profile: number, runs: readonly ObservedRun[], name: string, at: number): void {
		seen.note(profile, SEEN.name, name, at);
		for (const run of runs) {
			seen.note(profile, SEEN.worker, run.worker === null ? null : cutName(run.worker), at);
			seen.note(profile, SEEN.queue, run.sent?.queue === undefined ? null : cutName(run.sent.queue), at);
		}
	}

	function create(profile: number, op: Op, grownLog: ObservedLog, runs: readonly ObservedRun[]): void {
		const [first] = runs;
		if (first === undefined) return;
		const name = cutName(op.call?.name ?? UNKNOWN_NAME);
		const key = cutName(op.key);
		const orphan = tasks.byId(profile, key);
		const texts = textsOf(op.call);
		const columns = columnsOf(first, name, null);
		const ending = endingOfRun(first);
		const seq =
			orphan?.seq ??
			tasks.insert({
				profile,
				id: key,
				name,
				state: columns.state,
				queue: columns.queue,
				priority: null,
				publishedAt: columns.published_at,
				startedAt: columns.started_at,
				worker: columns.worker,
				updatedAt: Math.trunc(op.at),
				texts,
				ending,
			});
		if (seq === null) throw new Error(`Task ${key} was not there a moment ago`);
		if (orphan === undefined) counts.add(profile, columns.state, 1);
		search.mark(seq);
		keepers.touched(profile);
		const before = orphan?.attempts ?? 0;
		const ids = runs.map((run, at) => insert(profile, { seq, id: key }, before + at + 1, key, run, name));
		keep.run(ids[0] ?? 0, JSON.stringify(grownLog));
		note(profile, runs, name, op.at);
		const head = orphan ?? (runs.length > 1 ? tasks.head(seq) : undefined);
		if (head !== undefined) mirror(head, op.at, true);
		else if (FAILING_CODES.includes(columns.state)) failures.failed(profile, seq, ids[0] ?? 0);
	}

	function insert(
		profile: number,
		task: Pick<TaskHead, 'seq' | 'id'>,
		number: number,
		key: string,
		run: ObservedRun,
		name: string,
	): number {
		const columns = columnsOf(run, name, null);
		return attempts.insert(
			{
				...columns,
				cause: run.cause,
				profile,
				task: task.seq,
				number,
				message_key: key,
				has_message_id: 1,
				run: null,
				priority: null,
				has_message: 0,
				truncated: 0,
				stray: key === task.id ? 0 : 1,
			},
			endingOfRun(run),
		);
	}

	function grow(profile: number, op: Op, known: readonly AttemptHead[]): void {
		const [first] = known;
		if (first === undefined) return;
		const head = tasks.head(first.task);
		if (head === undefined) return;
		const body = log.get(first.id)?.body;
		const more = grown(body === undefined ? EMPTY_LOG : (JSON.parse(body) as ObservedLog), op.facts, op.call);
		if (more === null) return;
		const runs = runsOf(more.log.facts);
		const told = more.log.call?.name ?? null;
		const name = told === null ? first.name : cutName(told);
		keep.run(first.id, JSON.stringify(more.log));
		for (const [at, run] of runs.entries()) {
			const row = known[at];
			if (row === undefined) insert(profile, head, Number.MAX_SAFE_INTEGER, first.message_key, run, name);
			else attempts.observe(row.id, columnsOf(run, name, at === 0 ? row : null), endingOfRun(run));
		}
		for (const row of known.slice(runs.length))
			if (row.has_message === 0 && row.log_lines === 0) keepers.dropAttempt(row.id);
		if (runs.length !== known.length) renumber(head.seq, first.message_key);
		if (more.called && op.call !== null) describe(head, op.call);
		note(profile, runs, name, op.at);
		mirror(head, op.at, runs.length > known.length);
	}

	/** A message's attempts stand together, where the first of them stands. */
	function renumber(seq: number, key: string): void {
		const all = attempts.ofTask(seq);
		const mine = all.filter((one) => one.message_key === key).sort((a, b) => a.id - b.id);
		const place = all.findIndex((one) => one.message_key === key);
		const others = all.filter((one) => one.message_key !== key);
		const before = all.slice(0, place).filter((one) => one.message_key !== key).length;
		const order = [...others.slice(0, before), ...mine, ...others.slice(before)];
		for (const [at, one] of order.entries()) if (one.number !== at + 1) attempts.move(one.id, seq, at + 1);
	}

	/** What its message said is better than what events print of it. */
	function describe(head: TaskHead, call: ObservedCall): void {
		const before = tasks.texts(head.seq);
		const own = attempts.ofTask(head.seq).some((one) => one.has_message === 1);
		if (own && (before.args !== null || before.typed !== null)) return;
		tasks.setTexts(head.seq, textsOf(call));
		search.mark(head.seq);
	}

	function mirror(before: TaskHead, at: number, begun: boolean): void {
		const all = attempts.ofTask(before.seq);
		const last = all.at(-1);
		if (last === undefined) return;
		const relisted = before.removed_at !== null && begun;
		if (relisted) tasks.setRemoved(before.seq, null, Math.trunc(at));
		tasks.mirror(before.seq, last.id, all.length, Math.trunc(at));
		if (before.removed_at === null) counts.add(before.profile, before.state, -1);
		if (before.removed_at === null || relisted) counts.add(before.profile, last.state, 1);
		if (FAILING_CODES.includes(last.state)) failures.failed(before.profile, before.seq, last.id);
		else if (FAILING_CODES.includes(before.state)) failures.left(before.seq);
		search.mark(before.seq);
		keepers.touched(before.profile);
	}

	return {
		apply(profile, op) {
			if (op.call !== null) keepers.lineage.note(profile, op.key, op.call);
			const known = attempts.byMessage(profile, cutName(op.key));
			if (known.length > 0) {
				grow(profile, op, known);
				return;
			}
			const more = grown(EMPTY_LOG, op.facts, op.call);
			if (more !== null) create(profile, op, more.log, runsOf(more.log.facts));
		},
		dropLog: (attempt) => void drop.run(attempt),
	};
}

/** A run in columns. `kept`: the row it is written to, of which some things are known better. */
function columnsOf(run: ObservedRun, name: string, kept: AttemptHead | null): ObservedColumns {
	const queuedAt = whole(run.sent?.at ?? run.received?.at ?? null);
	// Of a message that we have or had ourselves.
	const own = kept !== null && kept.has_message === 1 ? kept : null;
	return {
		// What Warren published itself says why by itself.
		cause: kept !== null && kept.number > 1 ? null : run.cause,
		state: STATE_CODES[run.state],
		name,
		queue: run.sent?.queue === undefined ? (own?.queue ?? null) : cutName(run.sent.queue),
		worker: run.worker === null ? null : cutName(run.worker),
		published_at: whole(run.sent?.at ?? null),
		queued_at: own?.queued_at ?? queuedAt,
		started_at: whole(run.started?.at ?? null),
	};
}

/** Arguments in columns. */
function textsOf(call: ObservedCall | null): TaskTexts {
	if (call === null) return { args: null, kwargs: null, preview: '', typed: null };
	if (call.call === null) {
		const shown = [
			call.argsText?.replace(/^\((.*?),?\)$/s, '$1'),
			call.kwargsText === '{}' ? undefined : call.kwargsText,
		]
			.filter((text) => text !== undefined && text !== null && text !== '')
			.join(', ');
		const cut =
			shown.length > PREVIEW_LENGTH ? `${shown.slice(0, PREVIEW_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…` : shown;
		return { args: null, kwargs: null, preview: cut, typed: null };
	}
	const { argsJson, kwargsJson } = call;
	const small = (text: string | null) => text !== null && text.length <= ARGUMENTS_CAP;
	const complete = argsJson !== null && kwargsJson !== null && saysAll(call.call, argsJson, kwargsJson);
	return {
		args: small(argsJson) ? argsJson : null,
		kwargs: small(kwargsJson) ? kwargsJson : null,
		preview: previewOf(call.call),
		typed: complete ? null : JSON.stringify(call.call),
	};
}

function whole(at: number | null): number | null {
	return at === null ? null : Math.trunc(at);
}
