/** The attempts table: one row per run of a task. */
import { attemptId } from '#main/domain/ids.ts';
import type { Attempt, AttemptCause, TaskException, TaskResult } from '#main/domain/task.ts';
import { attemptsByMessage, STRAY } from './attempts-by-message.ts';
import { STATE_CODES, stateName } from './codes.ts';
import type { ReadHandle, SqlValue, WriteHandle } from './handles.ts';

export interface AttemptRow {
	readonly id: number;
	readonly profile: number;
	readonly task: number;
	readonly number: number;
	readonly cause: AttemptCause;
	/** The message's id, or Warren's own key where it had none (`has_message_id` 0). */
	readonly message_key: string;
	readonly has_message_id: number;
	readonly run: string | null;
	readonly state: number;
	readonly name: string;
	readonly queue: string | null;
	readonly priority: number | null;
	readonly worker: string | null;
	readonly published_at: number | null;
	readonly queued_at: number | null;
	readonly started_at: number | null;
	readonly finished_at: number | null;
	readonly runtime_ms: number | null;
	readonly exception_type: string | null;
	readonly exception_message: string | null;
	readonly traceback: string | null;
	readonly result_kind: string | null;
	readonly result_text: string | null;
	readonly result_type: string | null;
	readonly log_lines: number;
	readonly log_bytes: number;
	readonly log_full: number;
	readonly has_message: number;
	readonly truncated: number;
	/** Whether its message is another than the one that its task is called by. */
	readonly stray: number;
}

/** An attempt of a task, oldest first. */
export function attemptsOf(db: ReadHandle, task: number): readonly AttemptRow[] {
	return db.read<AttemptRow>('attempts', 'SELECT * FROM attempts WHERE task = ? ORDER BY number').all(task);
}

/** The row as the rest of Warren sees it. */
export function attemptOf(row: AttemptRow): Attempt {
	return {
		id: attemptId(row.id),
		number: row.number,
		cause: row.cause,
		messageId: row.has_message_id === 1 ? row.message_key : '',
		state: stateName(row.state),
		queue: row.queue,
		worker: row.worker,
		queuedAt: row.queued_at,
		startedAt: row.started_at,
		finishedAt: row.finished_at,
		runtimeMs: row.runtime_ms,
		exception: exceptionOf(row.exception_type, row.exception_message),
		traceback: row.traceback,
		result: resultOf(row),
		logLines: row.log_lines + row.log_full,
		hasMessage: row.has_message === 1,
		truncated: row.truncated === 1,
	};
}

export function exceptionOf(type: string | null, message: string | null): TaskException | null {
	return type === null ? null : { type, message: message ?? '' };
}

export function resultOf(row: AttemptRow): TaskResult | null {
	if (row.result_text === null) return null;
	return row.result_kind === 'json'
		? { kind: 'json', text: row.result_text }
		: { kind: 'text', text: row.result_text, type: row.result_type ?? '' };
}

/** What a new attempt begins with. */
export type NewAttempt = Pick<
	AttemptRow,
	| 'profile'
	| 'task'
	| 'number'
	| 'cause'
	| 'message_key'
	| 'has_message_id'
	| 'run'
	| 'state'
	| 'name'
	| 'queue'
	| 'priority'
	| 'worker'
	| 'published_at'
	| 'queued_at'
	| 'started_at'
	| 'has_message'
	| 'truncated'
	| 'stray'
>;

/** How an attempt ended, in columns. */
export type Ending = Pick<
	AttemptRow,
	| 'state'
	| 'finished_at'
	| 'runtime_ms'
	| 'exception_type'
	| 'exception_message'
	| 'traceback'
	| 'result_kind'
	| 'result_text'
	| 'result_type'
	| 'truncated'
>;

/** What the fold needs to know of an attempt; short, since it is read for every operation. */
export type AttemptHead = Pick<
	AttemptRow,
	| 'id'
	| 'task'
	| 'number'
	| 'state'
	| 'name'
	| 'message_key'
	| 'queue'
	| 'queued_at'
	| 'started_at'
	| 'log_lines'
	| 'log_bytes'
	| 'log_full'
	| 'has_message'
>;

const HEAD =
	'id, task, number, state, name, message_key, queue, queued_at, started_at, log_lines, log_bytes, log_full, has_message';

/** An attempt that others told of, in the columns that they tell. */
export type ObservedColumns = Pick<
	AttemptRow,
	'state' | 'name' | 'queue' | 'worker' | 'published_at' | 'queued_at' | 'started_at'
> & { /** Null: as it is. */ readonly cause: AttemptCause | null };

export interface AttemptTable {
	byRun(profile: number, run: string): AttemptHead | undefined;
	/** Oldest first. */
	byMessage(profile: number, key: string): readonly AttemptHead[];
	/** Oldest first. */
	ofTask(task: number): readonly AttemptHead[];
	runningOf(profile: number, worker: string): readonly AttemptHead[];
	/** `ending`: it is over already. */
	insert(attempt: NewAttempt, ending: Ending | null): number;
	begin(id: number, run: string, worker: string, startedAt: number, queue: string): void;
	end(id: number, ending: Ending): void;
	setState(id: number, state: number): void;
	describe(id: number, name: string, priority: number | null, publishedAt: number | null): void;
	queued(id: number, cause: AttemptCause, queuedAt: number, publishedAt: number | null): void;
	keptMessage(id: number, truncated: boolean): void;
	move(id: number, task: number, number: number): void;
	/** Makes it say what others told, in everything that they tell; what they don't tell stays. */
	observe(id: number, columns: ObservedColumns, ending: Ending | null): void;
	drop(id: number): void;
}

export function attemptTable(db: WriteHandle): AttemptTable {
	const byRun = db.read<AttemptHead>('attempt by run', `SELECT ${HEAD} FROM attempts WHERE profile = ? AND run = ?`);
	const byMessage = attemptsByMessage<AttemptHead>(db, HEAD);
	const ofTask = db.read<AttemptHead>('attempts of task', `SELECT ${HEAD} FROM attempts WHERE task = ?`);
	const running = db.read<AttemptHead>(
		'running attempts of a worker',
		`SELECT ${HEAD} FROM attempts WHERE profile = ? AND worker = ? AND state = ${STATE_CODES.running}`,
	);
	const insert = db.write(
		'new attempt',
		`INSERT INTO attempts (profile, task, number, cause, message_key, has_message_id, run, state, name, queue, priority, worker,
			published_at, queued_at, started_at, has_message, truncated, stray, finished_at, runtime_ms, exception_type, exception_message,
			traceback, result_kind, result_text, result_type)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	);
	const begin = db.write(
		'begin attempt',
		`UPDATE attempts SET run = ?, worker = ?, started_at = ?, queue = ?, state = ${STATE_CODES.running} WHERE id = ?`,
	);
	const end = db.write(
		'end attempt',
		`UPDATE attempts SET state = ?, finished_at = ?, runtime_ms = ?, exception_type = ?, exception_message = ?, traceback = ?,
			result_kind = ?, result_text = ?, result_type = ?, truncated = max(truncated, ?) WHERE id = ?`,
	);
	const setState = db.write('attempt state', 'UPDATE attempts SET state = ? WHERE id = ?');
	const describe = db.write(
		'describe attempt',
		'UPDATE attempts SET name = ?, priority = ?, published_at = coalesce(?, published_at) WHERE id = ?',
	);
	const queued = db.write(
		'attempt was queued',
		'UPDATE attempts SET cause = ?, queued_at = ?, published_at = coalesce(published_at, ?) WHERE id = ?',
	);
	const kept = db.write(
		'attempt has message',
		'UPDATE attempts SET has_message = 1 - ?, truncated = max(truncated, ?) WHERE id = ?',
	);
	const move = db.write('move attempt', `UPDATE attempts SET task = ?, number = ?, stray = ${STRAY} WHERE id = ?`);
	const observe = db.write(
		'attempt as told',
		`UPDATE attempts SET cause = coalesce(?, cause), state = ?, name = ?, queue = ?, worker = ?,
			published_at = CASE has_message WHEN 1 THEN coalesce(?, published_at) ELSE ? END, queued_at = ?, started_at = ?, finished_at = ?, runtime_ms = ?, exception_type = ?,
			exception_message = ?, traceback = ?, result_kind = ?, result_text = ?, result_type = ?,
			truncated = CASE has_message WHEN 1 THEN max(truncated, ?) ELSE ? END WHERE id = ?`,
	);
	const drop = db.write('drop attempt', 'DELETE FROM attempts WHERE id = ?');
	return {
		byRun: (profile, run) => byRun.get(profile, run),
		// Sorted here: mostly one row, for which ORDER BY alone was measured to cost as much as the rest of the statement.
		byMessage: (profile, key) => byMessage(profile, key).toSorted((a, b) => a.id - b.id),
		ofTask: (task) => ofTask.all(task).sort((a, b) => a.number - b.number),
		runningOf: (profile, worker) => running.all(profile, worker),
		insert(row, ending) {
			const values: SqlValue[] = [
				row.profile,
				row.task,
				row.number,
				row.cause,
				row.message_key,
				row.has_message_id,
				row.run,
			];
			values.push(row.state, row.name, row.queue, row.priority, row.worker, row.published_at, row.queued_at);
			values.push(row.started_at, row.has_message, row.truncated, row.stray);
			values.push(ending?.finished_at ?? null, ending?.runtime_ms ?? null, ending?.exception_type ?? null);
			values.push(ending?.exception_message ?? null, ending?.traceback ?? null, ending?.result_kind ?? null);
			values.push(ending?.result_text ?? null, ending?.result_type ?? null);
			return insert.run(...values).lastInsertRowid;
		},
		begin: (id, run, worker, startedAt, queue) => void begin.run(run, worker, startedAt, queue, id),
		end(id, row) {
			const values: SqlValue[] = [
				row.state,
				row.finished_at,
				row.runtime_ms,
				row.exception_type,
				row.exception_message,
			];
			end.run(...values, row.traceback, row.result_kind, row.result_text, row.result_type, row.truncated, id);
		},
		setState: (id, state) => void setState.run(state, id),
		describe: (id, name, priority, publishedAt) => void describe.run(name, priority, publishedAt, id),
		queued: (id, cause, queuedAt, publishedAt) => void queued.run(cause, queuedAt, publishedAt, id),
		keptMessage: (id, cut) => void kept.run(cut ? 1 : 0, cut ? 1 : 0, id),
		move: (id, task, number) => void move.run(task, number, task, id),
		observe(id, row, ending) {
			const values: SqlValue[] = [row.cause, row.state, row.name, row.queue, row.worker, row.published_at];
			values.push(
				row.published_at,
				row.queued_at,
				row.started_at,
				ending?.finished_at ?? null,
				ending?.runtime_ms ?? null,
			);
			values.push(ending?.exception_type ?? null, ending?.exception_message ?? null, ending?.traceback ?? null);
			values.push(ending?.result_kind ?? null, ending?.result_text ?? null, ending?.result_type ?? null);
			observe.run(...values, ending?.truncated ?? 0, ending?.truncated ?? 0, id);
		},
		drop: (id) => void drop.run(id),
	};
}
