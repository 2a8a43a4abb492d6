/** The tasks table and its texts: what lists show. A row mirrors its task's last attempt. */
import { type ProfileId, type TaskId, taskId } from '#main/domain/ids.ts';
import type { TaskDetail, TaskRow } from '#main/domain/task.ts';
import type { CallArguments } from '#main/domain/value.ts';
import { type AttemptRow, attemptOf, attemptsOf, exceptionOf } from './attempts.ts';
import { attemptsByMessage } from './attempts-by-message.ts';
import { STATE_CODES, stateName } from './codes.ts';
import type { ReadHandle, SqlValue, WriteHandle } from './handles.ts';
import { readCall } from './json.ts';
import { toldOf } from './observed-read.ts';
import { profileKeyOf } from './profile-keys.ts';

/** Columns of `tasks` (as t) and `task_texts` (as x) that make a `TaskRow`. */
export const TASK_COLUMNS =
	't.seq, t.id, t.name, t.state, t.queue, t.priority, t.published_at, t.started_at, t.finished_at, t.runtime_ms, t.worker, ' +
	't.attempts, t.exception_type, t.updated_at, t.removed_at, x.args, x.kwargs, x.preview, x.exception_message';

export interface ListedRow {
	readonly seq: number;
	readonly id: string;
	readonly name: string;
	readonly state: number;
	readonly queue: string | null;
	readonly priority: number | null;
	readonly published_at: number | null;
	readonly started_at: number | null;
	readonly finished_at: number | null;
	readonly runtime_ms: number | null;
	readonly worker: string | null;
	readonly attempts: number;
	readonly exception_type: string | null;
	readonly updated_at: number;
	readonly removed_at: number | null;
	readonly args: string | null;
	readonly kwargs: string | null;
	readonly preview: string;
	readonly exception_message: string | null;
}

/** The row as lists show it. */
export function taskRowOf(row: ListedRow): TaskRow {
	return {
		id: taskId(row.id),
		name: row.name,
		state: stateName(row.state),
		queue: row.queue,
		priority: row.priority,
		argsJson: row.args,
		kwargsJson: row.kwargs,
		preview: row.preview,
		publishedAt: row.published_at,
		startedAt: row.started_at,
		finishedAt: row.finished_at,
		runtimeMs: row.runtime_ms,
		worker: row.worker,
		attempts: row.attempts,
		exception: exceptionOf(row.exception_type, row.exception_message),
		updatedAt: row.updated_at,
	};
}

/** Listed rows by id, in the order asked; removed and unknown ones left out. */
export function taskRows(db: ReadHandle, profile: ProfileId, ids: readonly TaskId[]): readonly TaskRow[] {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return [];
		const one = db.read<ListedRow>(
			'task by id',
			`SELECT ${TASK_COLUMNS} FROM tasks t JOIN task_texts x ON x.seq = t.seq
			WHERE t.profile = ? AND t.id = ? AND t.removed_at IS NULL`,
		);
		const rows: TaskRow[] = [];
		for (const id of ids.slice(0, 1_000)) {
			const row = one.get(key, id);
			if (row !== undefined) rows.push(taskRowOf(row));
		}
		return rows;
	});
}

/** A task with its attempts, removed or not; also found by the message id of any of its attempts. */
export function taskDetail(db: ReadHandle, profile: ProfileId, id: TaskId): TaskDetail | null {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		const seq = key === null ? null : (seqOf(db, key, id) ?? seqOfMessage(db, key, id));
		if (seq === null) return null;
		const row = db
			.read<ListedRow & { readonly typed: string | null }>(
				'task detail',
				`SELECT ${TASK_COLUMNS}, x.typed FROM tasks t JOIN task_texts x ON x.seq = t.seq WHERE t.seq = ?`,
			)
			.get(seq);
		if (row === undefined) return null;
		const history = attemptsOf(db, seq).map(attemptOf);
		const last = history.at(-1);
		return {
			...taskRowOf(row),
			arguments: callOf(row.typed, row.args, row.kwargs),
			traceback: last?.traceback ?? null,
			result: last?.result ?? null,
			history,
			removedAt: row.removed_at,
			...toldOf(db, seq),
		};
	});
}

/** The typed values of a row: kept as they were where JSON could not say them, else read from the JSON. */
export function callOf(typed: string | null, args: string | null, kwargs: string | null): CallArguments | null {
	return typed === null ? readCall(args, kwargs) : (JSON.parse(typed) as CallArguments);
}

/** The task that a message of a profile belongs to. */
export function taskOfMessage(db: ReadHandle, profile: ProfileId, messageId: string): TaskId | null {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		const seq = key === null ? null : seqOfMessage(db, key, messageId);
		if (seq === null) return null;
		const row = db.read<{ id: string }>('task id', 'SELECT id FROM tasks WHERE seq = ?').get(seq);
		return row === undefined ? null : taskId(row.id);
	});
}

function seqOf(db: ReadHandle, profile: number, id: string): number | null {
	return (
		db.read<{ seq: number }>('task seq', 'SELECT seq FROM tasks WHERE profile = ? AND id = ?').get(profile, id)?.seq ??
		null
	);
}

function seqOfMessage(db: ReadHandle, profile: number, messageId: string): number | null {
	const found = attemptsByMessage<{ id: number; task: number }>(db, 'id, task')(profile, messageId);
	const newest = found.reduce(
		(best: { id: number; task: number } | null, one) => (best === null || one.id > best.id ? one : best),
		null,
	);
	return newest?.task ?? null;
}

/** What the fold needs of a task. */
export interface TaskHead {
	readonly seq: number;
	readonly profile: number;
	readonly id: string;
	readonly name: string;
	readonly state: number;
	readonly attempts: number;
	readonly updated_at: number;
	readonly removed_at: number | null;
	/** Null: none of its attempts has failed so far, or the last one did not. */
	readonly exception_type: string | null;
	readonly queue: string | null;
}

/** Arguments as a row keeps them. */
export interface TaskTexts {
	readonly args: string | null;
	readonly kwargs: string | null;
	readonly preview: string;
	/** JSON of `CallArguments` where the texts don't say all. */
	readonly typed: string | null;
}

export interface NewTask {
	readonly profile: number;
	readonly id: string;
	readonly name: string;
	readonly state: number;
	readonly queue: string | null;
	readonly priority: number | null;
	readonly publishedAt: number | null;
	readonly startedAt: number | null;
	readonly worker: string | null;
	readonly updatedAt: number;
	readonly texts: TaskTexts;
	/** Of the attempt that it begins with, where that is over already. */
	readonly ending: TaskEnding | null;
}

/** What of an attempt's end a task's row shows. */
export type TaskEnding = Pick<
	AttemptRow,
	'state' | 'finished_at' | 'runtime_ms' | 'exception_type' | 'exception_message' | 'result_text'
>;

export interface TaskTable {
	head(seq: number): TaskHead | undefined;
	byId(profile: number, id: string): TaskHead | undefined;
	/** Its number; null: there is one of this id already. */
	insert(task: NewTask): number | null;
	/** Makes the row say what an attempt says, in everything. */
	mirror(seq: number, attempt: number, attempts: number, updatedAt: number): void;
	/** The queued attempt that the row shows has begun: the few columns that change, since each costs its indexes a write. */
	begin(seq: number, startedAt: number, worker: string): void;
	/** The attempt that the row shows has ended. */
	end(seq: number, ending: TaskEnding, updatedAt: number): void;
	texts(seq: number): TaskTexts;
	setTexts(seq: number, texts: TaskTexts): void;
	setRemoved(seq: number, removedAt: number | null, updatedAt: number): void;
	/** Deletes the row and its texts. */
	drop(seq: number): void;
}

export function taskTable(db: WriteHandle): TaskTable {
	const columns = 'seq, profile, id, name, state, attempts, updated_at, removed_at, exception_type, queue';
	const head = db.read<TaskHead>('task head', `SELECT ${columns} FROM tasks WHERE seq = ?`);
	const byId = db.read<TaskHead>('task head by id', `SELECT ${columns} FROM tasks WHERE profile = ? AND id = ?`);
	const insert = db.write(
		'new task',
		`INSERT INTO tasks (profile, id, name, state, queue, priority, published_at, started_at, worker, attempts, updated_at,
			finished_at, runtime_ms, exception_type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)
		ON CONFLICT (profile, id) DO NOTHING`,
	);
	const insertTexts = db.write(
		'new task texts',
		'INSERT INTO task_texts (seq, args, kwargs, preview, typed, exception_message, result_text) VALUES (?, ?, ?, ?, ?, ?, ?)',
	);
	const mirror = db.write(
		'mirror attempt',
		`UPDATE tasks SET name = a.name, state = a.state, queue = a.queue, priority = a.priority, published_at = a.published_at,
			started_at = a.started_at, finished_at = a.finished_at, runtime_ms = a.runtime_ms, worker = a.worker,
			exception_type = a.exception_type, attempts = ?, updated_at = max(updated_at, ?)
		FROM attempts a WHERE a.id = ? AND tasks.seq = ?`,
	);
	const mirrorTexts = db.write(
		'mirror attempt texts',
		`UPDATE task_texts SET exception_message = a.exception_message, result_text = a.result_text
		FROM attempts a WHERE a.id = ? AND seq = ? AND (task_texts.exception_message IS NOT a.exception_message
			OR task_texts.result_text IS NOT a.result_text)`,
	);
	const begin = db.write(
		'task begins',
		`UPDATE tasks SET state = ${STATE_CODES.running}, started_at = ?, worker = ?, updated_at = max(updated_at, ?) WHERE seq = ?`,
	);
	const end = db.write(
		'task ends',
		`UPDATE tasks SET state = ?, finished_at = ?, runtime_ms = ?, exception_type = ?, updated_at = max(updated_at, ?)
		WHERE seq = ?`,
	);
	const endTexts = db.write(
		'texts of end',
		'UPDATE task_texts SET exception_message = ?, result_text = ? WHERE seq = ?',
	);
	const texts = db.read<TaskTexts>('task texts', 'SELECT args, kwargs, preview, typed FROM task_texts WHERE seq = ?');
	const setTexts = db.write(
		'set task texts',
		'UPDATE task_texts SET args = ?, kwargs = ?, preview = ?, typed = ? WHERE seq = ?',
	);
	const setRemoved = db.write(
		'set removed',
		'UPDATE tasks SET removed_at = ?, updated_at = max(updated_at, ?) WHERE seq = ?',
	);
	const drop = db.write('drop task', 'DELETE FROM tasks WHERE seq = ?');
	const dropTexts = db.write('drop task texts', 'DELETE FROM task_texts WHERE seq = ?');
	return {
		head: (seq) => head.get(seq),
		byId: (profile, id) => byId.get(profile, id),
		insert(task) {
			const values: SqlValue[] = [task.profile, task.id, task.name, task.state, task.queue, task.priority];
			const { texts: text, ending } = task;
			values.push(task.publishedAt, task.startedAt, task.worker, task.updatedAt);
			values.push(ending?.finished_at ?? null, ending?.runtime_ms ?? null, ending?.exception_type ?? null);
			const { changes, lastInsertRowid: seq } = insert.run(...values);
			if (changes === 0) return null;
			const { exception_message: message = null, result_text: result = null } = ending ?? {};
			insertTexts.run(seq, text.args, text.kwargs, text.preview, text.typed, message, result);
			return seq;
		},
		mirror(seq, attempt, attempts, updatedAt) {
			mirror.run(attempts, updatedAt, attempt, seq);
			mirrorTexts.run(attempt, seq);
		},
		begin: (seq, startedAt, worker) => void begin.run(startedAt, worker, startedAt, seq),
		end(seq, row, updatedAt) {
			end.run(row.state, row.finished_at, row.runtime_ms, row.exception_type, updatedAt, seq);
			if (row.exception_message !== null || row.result_text !== null) {
				endTexts.run(row.exception_message, row.result_text, seq);
			}
		},
		texts: (seq) => texts.get(seq) ?? { args: null, kwargs: null, preview: '', typed: null },
		setTexts: (seq, text) => void setTexts.run(text.args, text.kwargs, text.preview, text.typed, seq),
		setRemoved: (seq, removedAt, updatedAt) => void setRemoved.run(removedAt, updatedAt, seq),
		drop(seq) {
			drop.run(seq);
			dropTexts.run(seq);
		},
	};
}
