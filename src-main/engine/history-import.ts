/**
 * History from files, as facts that were told about tasks: they fold as events do, so a file that is taken in twice, or in pieces, or
 * in any order, gives the same tasks.
 */
import { readCsv, restored } from '#main/dialects/csv.ts';
import { itemsOf, memberText } from '#main/dialects/json/members.ts';
import { readJson } from '#main/dialects/json/read.ts';
import { isEntryHeader, type LogEntry, readEntry } from '#main/dialects/taskmonitor/entry.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { ObservedCall, TaskFact } from '#main/domain/observed.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import type { CallArguments } from '#main/domain/value.ts';

/** What marks a fact as taken from a file. */
const IMPORTED = 'import-';

/** Whether what was told of a task comes from files. */
export function isImported(facts: readonly TaskFact[] | undefined): boolean {
	return facts?.some((fact) => fact.type.startsWith(IMPORTED)) ?? false;
}

/** One record of a file. */
export interface HistoryRecord {
	readonly taskId: string;
	readonly facts: readonly TaskFact[];
	readonly call: ObservedCall;
}

/** Records of a piece of a file. */
export interface HistoryPiece {
	readonly records: readonly HistoryRecord[];
	/** Number of the record in its piece, from 1, and what is wrong with it. */
	readonly problems: readonly { readonly record: number; readonly reason: string }[];
	readonly rest: string;
	readonly header: string | null;
}

/** Reads a piece of aa-taskmonitor's CSV; with the first one, its line of columns. */
export function readLogFile(text: string, header: string | undefined, last: boolean): Result<HistoryPiece> {
	const known = header === undefined ? undefined : readCsv(header, ';', true).records[0];
	// Spreadsheets write a mark before the first byte.
	const clean = header === undefined ? text.replace(/^\uFEFF/, '') : text;
	const { records, read, open } = readCsv(clean, ';', last);
	if (last && open) return fail('invalid-input', 'The file ends inside of quotes: a part of it is missing.');
	const columns = known ?? records[0];
	if (columns === undefined) return ok({ records: [], problems: [], rest: clean.slice(read), header: null });
	if (!isEntryHeader(columns)) {
		return fail(
			'invalid-input',
			'The first line is not that of a task log: it names task_id, task_name, state, timestamp and so on, with ; between them.',
		);
	}
	const found: HistoryRecord[] = [];
	const problems: { record: number; reason: string }[] = [];
	for (const [at, record] of records.slice(known === undefined ? 1 : 0).entries()) {
		const entry = readEntry(record, columns);
		if (entry.ok) found.push(ofEntry(entry.value));
		else problems.push({ record: at + 1, reason: entry.error.message });
	}
	return ok({ records: found, problems, rest: clean.slice(read), header: columns.join(';') });
}

function ofEntry(entry: LogEntry): HistoryRecord {
	const base = { host: '', pid: null, clock: null } as const;
	const began = entry.started ?? (entry.runtime === null ? null : entry.timestamp - entry.runtime * 1000);
	const kind = entry.state === 'success' ? 'succeeded' : entry.state === 'retry' ? 'retried' : 'failed';
	const facts: TaskFact[] = [
		{
			...base,
			kind: 'received',
			type: `${IMPORTED}received`,
			at: entry.received ?? began ?? entry.timestamp,
			retries: entry.retries,
		},
	];
	if (began !== null) facts.push({ ...base, kind: 'started', type: `${IMPORTED}started`, at: began });
	facts.push({
		...base,
		kind,
		type: `${IMPORTED}${entry.state}`,
		at: entry.timestamp,
		...(entry.runtime === null ? {} : { runtimeMs: entry.runtime * 1000 }),
		...(entry.state === 'success' ? {} : { exception: { type: restored(entry.exception), message: '' } }),
	});
	return { taskId: entry.taskId, facts, call: callOf(restored(entry.taskName), entry, null, null) };
}

function callOf(
	name: string,
	of: { readonly retries: number; readonly timestamp: number; readonly parentId: string | null },
	argsJson: string | null,
	kwargsJson: string | null,
): ObservedCall {
	return {
		name,
		argsText: null,
		kwargsText: null,
		call: null,
		argsJson,
		kwargsJson,
		rootId: null,
		parentId: of.parentId,
		retries: of.retries,
		at: of.timestamp,
	};
}

/** The operations that take records in, those of one task together. */
export function opsOf(profile: ProfileId, at: number, records: readonly HistoryRecord[]): readonly HistoryOp[] {
	const byTask = new Map<string, HistoryRecord[]>();
	for (const record of records) {
		const some = byTask.get(record.taskId);
		if (some === undefined) byTask.set(record.taskId, [record]);
		else some.push(record);
	}
	return [...byTask].map(([key, some]) => ({
		kind: 'observed',
		profile,
		at,
		key,
		facts: some.flatMap((record) => record.facts),
		call: some.map((record) => record.call).sort((a, b) => a.retries - b.retries || a.at - b.at)[0] ?? null,
	}));
}

/** Reads a piece of Warren's JSON Lines. */
export function readTaskLines(text: string, last: boolean): HistoryPiece {
	const end = last ? text.length : text.lastIndexOf('\n') + 1;
	const records: HistoryRecord[] = [];
	const problems: { record: number; reason: string }[] = [];
	let number = 0;
	for (const line of text.slice(0, end).split('\n')) {
		if (line.trim() === '') continue;
		number += 1;
		const record = ofLine(line);
		if (record.ok) records.push(record.value);
		else problems.push({ record: number, reason: record.error.message });
	}
	return { records, problems, rest: text.slice(end), header: null };
}

/** A task's line, as far as facts can say it again. */
interface Line {
	readonly id?: unknown;
	readonly name?: unknown;
	readonly queue?: unknown;
	readonly publishedAt?: unknown;
	readonly rootId?: unknown;
	readonly parentId?: unknown;
	readonly attempts?: unknown;
}

function ofLine(line: string): Result<HistoryRecord> {
	const read = readPlain(line);
	if (!read.ok) return read;
	const task = read.value;
	if (typeof task.id !== 'string' || task.id === '' || task.id.length > 400) {
		return fail('invalid-input', 'id: is no text, or empty, or too long.');
	}
	if (!Array.isArray(task.attempts) || task.attempts.length === 0) {
		return fail('invalid-input', 'attempts: a list of at least one is needed, as "task export" writes it.');
	}
	const facts: TaskFact[] = [];
	const results = itemsOf(memberText(line, 'attempts') ?? '[]').map((one) => memberText(one, 'result'));
	for (const [at, attempt] of (task.attempts as readonly unknown[]).entries()) {
		const told = factsOf(attempt, at, results[at] ?? null, task);
		if (!told.ok) return told;
		facts.push(...told.value);
	}
	const argsJson = memberText(line, 'args');
	const kwargsJson = memberText(line, 'kwargs');
	return ok({
		taskId: task.id,
		facts,
		call: {
			...callOf(
				text(task.name) ?? '',
				{ retries: 0, timestamp: time(task.publishedAt) ?? facts[0]?.at ?? 0, parentId: text(task.parentId) },
				argsJson,
				kwargsJson,
			),
			call: valuesOf(argsJson, kwargsJson),
			rootId: text(task.rootId),
		},
	});
}

const ENDINGS: Readonly<Record<string, TaskFact['kind']>> = {
	succeeded: 'succeeded',
	failed: 'failed',
	// What became of it nobody told, so that what Warren made of that is kept as its exception.
	lost: 'failed',
	retrying: 'retried',
	revoked: 'revoked',
	rejected: 'rejected',
};

function factsOf(attempt: unknown, number: number, result: string | null, task: Line): Result<readonly TaskFact[]> {
	if (typeof attempt !== 'object' || attempt === null) return fail('invalid-input', 'attempts: holds no objects.');
	const one = attempt as Readonly<Record<string, unknown>>;
	const state = text(one.state);
	if (state === null || (ENDINGS[state] === undefined && state !== 'queued' && state !== 'running')) {
		return fail('invalid-input', `attempts: "${String(one.state)}" is no state.`);
	}
	const base = { host: text(one.worker) ?? '', pid: null, clock: null } as const;
	const finished = time(one.finishedAt);
	const started = time(one.startedAt);
	const at = time(one.queuedAt) ?? started ?? finished ?? time(task.publishedAt);
	if (at === null) return fail('invalid-input', `attempts: number ${number + 1} has no time.`);
	const queue = text(one.queue) ?? text(task.queue);
	const facts: TaskFact[] = [];
	if (queue !== null) {
		const sent = number === 0 ? (time(task.publishedAt) ?? at) : at;
		facts.push({ ...base, kind: 'sent', type: `${IMPORTED}sent`, at: sent, retries: number, queue });
	}
	if (state !== 'queued' || queue === null) {
		facts.push({ ...base, kind: 'received', type: `${IMPORTED}received`, at, retries: number });
	}
	if (started !== null) facts.push({ ...base, kind: 'started', type: `${IMPORTED}started`, at: started });
	const kind = ENDINGS[state];
	if (kind === undefined) return ok(facts);
	const runtime = time(one.runtimeMs);
	const traceback = text(one.traceback);
	const exception = one.exception as { readonly type?: unknown; readonly message?: unknown } | null | undefined;
	facts.push({
		...base,
		kind,
		type: `${IMPORTED}${state}`,
		at: finished ?? started ?? at,
		...(runtime === null ? {} : { runtimeMs: runtime }),
		...(traceback === null ? {} : { traceback }),
		...(result === null || result === 'null' || kind !== 'succeeded' ? {} : { result }),
		...(typeof exception?.type === 'string'
			? { exception: { type: exception.type, message: text(exception.message) ?? '' } }
			: {}),
	});
	return ok(facts);
}

function valuesOf(argsJson: string | null, kwargsJson: string | null): CallArguments | null {
	if (argsJson === null || kwargsJson === null) return null;
	const args = readJson(argsJson);
	const kwargs = readJson(kwargsJson);
	if (!args.ok || !kwargs.ok || args.value.kind !== 'list' || kwargs.value.kind !== 'dict') return null;
	const named = kwargs.value.entries.map(([key, value]) => [key.kind === 'str' ? key.value : '', value] as const);
	return { args: args.value.items, kwargs: named };
}

/** The line without its digits, which times and counts don't need. What it was called with is read from the text itself. */
function readPlain(line: string): Result<Line> {
	try {
		const plain: unknown = JSON.parse(line);
		return typeof plain === 'object' && plain !== null && !Array.isArray(plain)
			? ok(plain)
			: fail('invalid-input', 'The line is no JSON object.');
	} catch (error) {
		return fail('invalid-input', `The line is no JSON: ${error instanceof Error ? error.message : String(error)}.`);
	}
}

function text(value: unknown): string | null {
	return typeof value === 'string' ? value : null;
}

/** Milliseconds. */
function time(value: unknown): number | null {
	return typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= 8.64e15 ? value : null;
}
