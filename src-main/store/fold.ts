/**
 * History operations into rows. Every operation is idempotent, and each finds its attempt by a fact that does not change:
 * `started` by its run, else by its message; `log` and `finished` by their run; `published` by message id and time.
 */
import { attemptId, taskId } from '#main/domain/ids.ts';
import type { BrokerMessage, OutgoingMessage } from '#main/domain/message.ts';
import { assertNever } from '#main/domain/result.ts';
import type { AttemptCause, HistoryOp, RetryPlan, StartedFacts } from '#main/domain/task.ts';
import { type AttemptTexts, attemptTexts } from './attempt-texts.ts';
import { type AttemptHead, type AttemptTable, attemptTable, type Ending, type NewAttempt } from './attempts.ts';
import { cutName } from './caps.ts';
import { SEEN, STATE_CODES } from './codes.ts';
import { type Content, contentOf, endingOf, UNKNOWN_NAME } from './content.ts';
import type { CountKeeper } from './counts.ts';
import { FAILING_CODES, type FailureKeeper } from './failure-keeper.ts';
import { earlierOutcome, endingsWithin, lostEnding, ownKey } from './fold-facts.ts';
import type { WriteHandle } from './handles.ts';
import { type LineageTable, lineageTable } from './lineage.ts';
import { type LogTable, logTable } from './log-lines.ts';
import { keepable, type MessageTable, messageTable } from './messages.ts';
import { type ObservedFold, observedFold } from './observed.ts';
import type { ProfileKeys } from './profile-keys.ts';
import type { QuarantineTable } from './quarantine.ts';
import { type RetryTable, retryTable } from './retries.ts';
import type { SearchIndex } from './search-index.ts';
import type { SeenKeeper } from './seen.ts';
import { type TaskHead, type TaskTable, taskTable } from './tasks.ts';

/** What the fold writes through, besides its own tables. */
export interface FoldKeepers {
	readonly keys: ProfileKeys;
	readonly counts: CountKeeper;
	readonly seen: SeenKeeper;
	readonly search: SearchIndex;
	readonly quarantine: QuarantineTable;
	readonly failures: FailureKeeper;
}

type Op<K extends HistoryOp['kind']> = Extract<HistoryOp, { kind: K }>;

const { queued: QUEUED, running: RUNNING, lost: LOST, failed: FAILED, retrying: RETRYING } = STATE_CODES;

/** Folds operations into the open transaction. */
export class Fold {
	readonly #keepers: FoldKeepers;
	readonly #tasks: TaskTable;
	readonly #attempts: AttemptTable;
	readonly #logs: LogTable;
	readonly #messages: MessageTable;
	readonly #attemptTexts: AttemptTexts;
	readonly #retries: RetryTable;
	readonly #lineage: LineageTable;
	readonly #observed: ObservedFold;
	readonly #touched = new Set<number>();
	/** Ends that follow in the same call, by run, until they are written. */
	#endings: ReadonlyMap<string, Op<'finished'>> = new Map();
	readonly #written = new Set<Op<'finished'>>();

	constructor(db: WriteHandle, keepers: FoldKeepers) {
		this.#keepers = keepers;
		this.#tasks = taskTable(db);
		this.#attempts = attemptTable(db);
		this.#logs = logTable(db);
		this.#messages = messageTable(db);
		this.#attemptTexts = attemptTexts(db);
		this.#retries = retryTable(db);
		this.#lineage = lineageTable(db);
		this.#observed = observedFold(db, {
			...keepers,
			lineage: this.#lineage,
			tasks: this.#tasks,
			attempts: this.#attempts,
			dropAttempt: (id) => this.#dropAttempt(id),
			touched: (profile) => this.#touched.add(profile),
		});
	}

	/** Profiles that operations have changed since the last call. */
	takeTouched(): readonly number[] {
		const touched = [...this.#touched];
		this.#touched.clear();
		return touched;
	}

	/** Forgets what is remembered, since another process or a rollback may have changed it. */
	forget(): void {
		this.#touched.clear();
		this.#retries.forget();
	}

	/**
	 * Applies operations in their order. Facts for each `started`, null for the others. A run that is over within the same call, as
	 * those of short tasks mostly are, is written once with its end instead of twice.
	 */
	applyAll(ops: readonly HistoryOp[]): readonly (StartedFacts | null)[] {
		this.#endings = endingsWithin(ops);
		this.#written.clear();
		return ops.map((op) => this.#apply(op));
	}

	#apply(op: HistoryOp): StartedFacts | null {
		const profile = this.#keepers.keys.key(op.profile);
		if ('task' in op && op.task?.lineage !== undefined) {
			this.#lineage.note(profile, op.task.messageId ?? '', op.task.lineage);
		}
		switch (op.kind) {
			case 'published':
				this.#published(profile, op);
				return null;
			case 'unpublished':
				this.#unpublished(profile, op);
				return null;
			case 'waiting':
				this.#waiting(profile, op);
				return null;
			case 'started': {
				const tries = this.#retries.tries(profile, op.key);
				const facts = this.#started(profile, op);
				return tries === 0 ? facts : { ...facts, tries };
			}
			case 'log':
				this.#log(profile, op);
				return null;
			case 'finished':
				// Written together with its `started`.
				if (!this.#written.delete(op)) this.#finished(profile, op);
				return null;
			case 'retried':
				this.#retries.sent(profile, op.messageId);
				return null;
			case 'abandoned':
				this.#abandoned(profile, op);
				return null;
			case 'quarantined':
				this.#keepers.quarantine.keep(profile, op);
				return null;
			case 'observed':
				this.#observed.apply(profile, op);
				return null;
			case 'removed':
				for (const id of op.ids) this.#setRemoved(profile, id, Math.trunc(op.at), op.at);
				return null;
			case 'restored':
				for (const id of op.ids) this.#setRemoved(profile, id, null, op.at);
				return null;
			default:
				return assertNever(op);
		}
	}

	#published(profile: number, op: Op<'published'>): void {
		const content = contentOf(op.task, null, op.message);
		const key = content.messageId ?? ownKey(op);
		const at = Math.trunc(op.at);
		const known = this.#attempts.byMessage(profile, key);
		const target = op.requeueOf === null ? undefined : this.#tasks.byId(profile, op.requeueOf);
		if (known.some((attempt) => attempt.queued_at === at)) return;
		// Who sends it again by hand does not want it tried again besides.
		if (target !== undefined && op.cause !== 'retried') this.#retries.cancel(target.seq);
		const untold = known.find((attempt) => attempt.queued_at === null);
		if (untold !== undefined) {
			// A worker (or a look into the queue) was quicker than this fact.
			this.#attempts.queued(untold.id, op.cause, at, content.publishedAt);
			if (target !== undefined && target.seq !== untold.task) this.#graft(untold.task, target, content);
			else this.#mirrorOf(untold.task, at);
			return;
		}
		if (target === undefined) {
			if (known.length > 0) return;
			this.#create(profile, key, content, {
				at,
				cause: op.cause,
				queue: op.queue,
				queuedAt: at,
				message: op.message,
				start: null,
			});
			return;
		}
		this.#setTexts(target, content);
		this.#add(target, key, content, {
			at,
			cause: op.cause,
			queue: op.queue,
			queuedAt: at,
			message: op.message,
			start: null,
		});
	}

	#unpublished(profile: number, op: Op<'unpublished'>): void {
		for (const attempt of this.#attempts.byMessage(profile, op.messageId)) {
			if (attempt.state !== QUEUED) continue;
			const task = this.#tasks.head(attempt.task);
			this.#dropAttempt(attempt.id);
			if (task === undefined) continue;
			const left = this.#attempts.ofTask(task.seq);
			const last = left.at(-1);
			if (last === undefined) {
				this.#dropTask(task);
				continue;
			}
			for (const [at, one] of left.entries()) {
				if (one.number !== at + 1) this.#attempts.move(one.id, task.seq, at + 1);
			}
			const before = this.#attemptTexts.take(last.id);
			if (before !== null) {
				this.#tasks.setTexts(task.seq, before);
				this.#keepers.search.mark(task.seq);
			}
			this.#mirror(task, op.at, false);
		}
	}

	#waiting(profile: number, op: Op<'waiting'>): void {
		const known = this.#attempts.byMessage(profile, op.key);
		if (known.length > 0) {
			this.#keepSeen(known, op);
			return;
		}
		this.#create(profile, op.key, contentOf(op.task, op.fault, op.message), {
			at: Math.trunc(op.at),
			cause: 'published',
			queue: op.message.queue,
			queuedAt: null,
			message: op.message,
			start: null,
		});
	}

	/** Others told of the task before its message was seen: the message says more than they did, and it can be sent again from it. */
	#keepSeen(known: readonly AttemptHead[], op: Op<'waiting'>): void {
		const untold = known.findLast((attempt) => attempt.state === QUEUED);
		if (untold === undefined || known.some((attempt) => attempt.has_message === 1) || !keepable(op.message)) return;
		const head = this.#tasks.head(untold.task);
		this.#messages.put(untold.id, op.message);
		this.#attempts.keptMessage(untold.id, false);
		if (head === undefined) return;
		if (op.task !== null) {
			this.#setTexts(head, contentOf(op.task, null, op.message));
			this.#keepers.search.mark(head.seq);
		}
		this.#touched.add(head.profile);
	}

	#started(profile: number, op: Op<'started'>): StartedFacts {
		const known = this.#attempts.byMessage(profile, op.key);
		// A run belongs to one message: where nothing is known of that, nothing is known of the run.
		const again = known.length === 0 ? undefined : this.#attempts.byRun(profile, op.run);
		if (again !== undefined) return this.#facts(again, known);
		const at = Math.trunc(op.at);
		const worker = cutName(op.worker);
		this.#keepers.seen.note(profile, SEEN.worker, worker, at);
		const waiting = known.findLast((attempt) => attempt.state === QUEUED);
		if (waiting !== undefined) return this.#begin(op, waiting, known, worker);
		const content = contentOf(op.task, op.fault, op.message);
		const entry = { at, queue: op.message.queue, queuedAt: null, start: { run: op.run, worker } };
		const last = known.at(-1);
		const head = last === undefined ? undefined : this.#tasks.head(last.task);
		if (last === undefined || head === undefined) {
			return this.#facts(
				this.#create(profile, op.key, content, { ...entry, cause: 'published', message: op.message }),
				[],
				op.key,
			);
		}
		for (const attempt of known) {
			if (attempt.state !== RUNNING) continue;
			this.#attempts.end(
				attempt.id,
				lostEnding(at, `The broker handed the message out again, to ${worker}, while this was still open.`),
			);
		}
		if (op.task !== null) this.#setTexts(head, content);
		const described = op.task === null && (op.fault?.name ?? null) === null ? { ...content, name: last.name } : content;
		const kept = known.some((attempt) => attempt.has_message === 1);
		const added = this.#add(head, op.key, described, {
			...entry,
			cause: 'redelivered',
			message: kept ? 'earlier' : op.message,
		});
		return this.#facts(added, known);
	}

	/** Opens the attempt that waited for this. */
	#begin(op: Op<'started'>, waiting: AttemptHead, known: readonly AttemptHead[], worker: string): StartedFacts {
		const at = Math.trunc(op.at);
		const head = this.#tasks.head(waiting.task);
		if (head === undefined) throw new Error(`Attempt ${waiting.id} has no task`);
		const queue = cutName(op.message.queue);
		this.#attempts.begin(waiting.id, op.run, worker, at, queue);
		if (waiting.has_message === 0 && keepable(op.message)) {
			this.#messages.put(waiting.id, op.message);
			this.#attempts.keptMessage(waiting.id, false);
		}
		const readable = op.task !== null && waiting.name === UNKNOWN_NAME;
		if (readable) {
			const content = contentOf(op.task, null, op.message);
			this.#attempts.describe(waiting.id, content.name, content.priority, content.publishedAt);
			this.#keepers.seen.note(head.profile, SEEN.name, content.name, at);
			this.#setTexts(head, content);
			this.#keepers.search.mark(head.seq);
		}
		const simple = !readable && head.removed_at === null && head.state === QUEUED && head.attempts === waiting.number;
		if (simple && head.queue === queue) {
			this.#tasks.begin(head.seq, at, worker);
			this.#recount(head, RUNNING);
		} else {
			this.#keepers.seen.note(head.profile, SEEN.queue, queue, at);
			this.#mirror(head, at, true);
		}
		return this.#facts(waiting, known, head.id);
	}

	#log(profile: number, op: Op<'log'>): void {
		const attempt = this.#attempts.byRun(profile, op.run);
		if (attempt !== undefined && this.#logs.append(attempt, op.lines, op.from)) this.#touched.add(profile);
	}

	#finished(profile: number, op: Op<'finished'>): void {
		const attempt = this.#attempts.byRun(profile, op.run);
		if (attempt === undefined) return;
		// What was only presumed lost may yet tell how it ended; everything else is final.
		const open = attempt.state === RUNNING || (attempt.state === LOST && op.outcome.state !== 'lost');
		if (!open) return;
		const ending = endingOf(op.outcome, op.at, op.runtimeMs);
		const planned =
			op.outcome.state !== 'retrying' || this.#plan(profile, attempt, op.outcome.retry, op.repeat === true);
		this.#end(attempt, planned ? ending : { ...ending, state: FAILED }, Math.trunc(op.at));
		if (op.repeat === true) this.#tuck(attempt, op.at);
	}

	/** Plans a retry; false where there is none to be: it is not the task's last word, or its message is not kept. */
	#plan(profile: number, attempt: AttemptHead, retry: RetryPlan, repeat: boolean): boolean {
		if (repeat) return true;
		const head = this.#tasks.head(attempt.task);
		if (head === undefined || attempt.number !== head.attempts || attempt.has_message === 0) return false;
		this.#retries.plan(profile, attempt.task, attempt.id, retry);
		return true;
	}

	/** Puts an attempt that repeats an earlier one's outcome right behind that one, before what came in between. */
	#tuck(repeat: AttemptHead, at: number): void {
		const head = this.#tasks.head(repeat.task);
		const others = this.#attempts.ofTask(repeat.task).filter((one) => one.id !== repeat.id);
		const beside = others.findLastIndex((one) => one.message_key === repeat.message_key);
		if (head === undefined || beside < 0 || beside === others.length - 1) return;
		const order = [...others.slice(0, beside + 1), repeat, ...others.slice(beside + 1)];
		for (const [index, one] of order.entries()) {
			if (one.number !== index + 1) this.#attempts.move(one.id, repeat.task, index + 1);
		}
		this.#mirror(head, at, false);
	}

	#abandoned(profile: number, op: Op<'abandoned'>): void {
		for (const attempt of this.#attempts.runningOf(profile, cutName(op.worker))) {
			if ((attempt.started_at ?? 0) <= op.at) this.#end(attempt, lostEnding(op.at, op.reason), Math.trunc(op.at));
		}
	}

	#end(attempt: AttemptHead, ending: Ending, at: number): void {
		const head = this.#tasks.head(attempt.task);
		this.#attempts.end(attempt.id, ending);
		if (head === undefined) return;
		// An earlier attempt than the one the row shows ends without a trace in it.
		if (attempt.number !== head.attempts) {
			this.#touched.add(head.profile);
			return;
		}
		if (head.exception_type === null) this.#tasks.end(head.seq, ending, at);
		else this.#tasks.mirror(head.seq, attempt.id, head.attempts, at);
		this.#recount(head, ending.state);
		this.#grouped(head, ending.state, attempt.id);
		if (ending.exception_type !== null || ending.result_text !== null) this.#keepers.search.mark(head.seq);
	}

	#setRemoved(profile: number, id: string, removedAt: number | null, at: number): void {
		const task = this.#tasks.byId(profile, id);
		if (task === undefined || (task.removed_at === null) === (removedAt === null)) return;
		if (removedAt !== null && this.#retries.cancel(task.seq)) {
			// Nothing follows any more; should it be restored, it is what it was before the rule: failed.
			const last = this.#attempts.ofTask(task.seq).at(-1);
			if (last?.state === RETRYING) {
				this.#attempts.setState(last.id, FAILED);
				this.#mirror(task, at, false);
				this.#setRemoved(profile, id, removedAt, at);
				return;
			}
		}
		this.#tasks.setRemoved(task.seq, removedAt, Math.trunc(at));
		this.#keepers.counts.add(profile, task.state, removedAt === null ? 1 : -1);
		this.#touched.add(profile);
	}

	#create(profile: number, key: string, content: Content, entry: Entry): AttemptHead {
		const { start } = entry;
		const finished = start === null ? undefined : this.#endings.get(start.run);
		const ending = finished === undefined ? null : endingOf(finished.outcome, finished.at, finished.runtimeMs);
		const state = ending?.state ?? (start === null ? QUEUED : RUNNING);
		const seq = this.#tasks.insert({
			profile,
			id: key,
			name: content.name,
			state,
			queue: cutName(entry.queue),
			priority: content.priority,
			publishedAt: content.publishedAt ?? entry.queuedAt,
			startedAt: start === null ? null : entry.at,
			worker: start?.worker ?? null,
			updatedAt: Math.max(entry.at, ending?.finished_at ?? entry.at),
			texts: content.texts,
			ending,
		});
		if (seq === null) {
			// A task outlives its first attempt where that one was taken back after a requeue.
			const orphaned = this.#tasks.byId(profile, key);
			if (orphaned === undefined) throw new Error(`Task ${key} is there and cannot be found`);
			this.#setTexts(orphaned, content);
			return this.#add(orphaned, key, content, entry);
		}
		if (finished !== undefined) this.#written.add(finished);
		this.#keepers.counts.add(profile, state, 1);
		this.#keepers.search.mark(seq);
		this.#touched.add(profile);
		const attempt = this.#insertAttempt({ seq, profile, id: key, number: 1 }, key, content, entry, ending);
		if (FAILING_CODES.includes(state)) this.#keepers.failures.failed(profile, seq, attempt.id);
		return attempt;
	}

	/** A further attempt of a known task, which thereby is listed again if it was removed. */
	#add(task: TaskHead, key: string, content: Content, entry: Entry): AttemptHead {
		const attempt = this.#insertAttempt(
			{ seq: task.seq, profile: task.profile, id: task.id, number: task.attempts + 1 },
			key,
			content,
			entry,
		);
		this.#mirror(task, entry.at, true);
		return attempt;
	}

	#insertAttempt(
		task: { readonly seq: number; readonly profile: number; readonly id: string; readonly number: number },
		key: string,
		content: Content,
		entry: Entry,
		ending: Ending | null = null,
	): AttemptHead {
		const { start, message } = entry;
		const queue = cutName(entry.queue);
		const tooLarge = message !== 'earlier' && !keepable(message);
		const row: NewAttempt = {
			profile: task.profile,
			task: task.seq,
			number: task.number,
			cause: entry.cause,
			message_key: key,
			has_message_id: content.messageId === null ? 0 : 1,
			run: start?.run ?? null,
			state: ending?.state ?? (start === null ? QUEUED : RUNNING),
			name: content.name,
			queue,
			priority: content.priority,
			worker: start?.worker ?? null,
			published_at: content.publishedAt ?? entry.queuedAt,
			queued_at: entry.queuedAt,
			started_at: start === null ? null : entry.at,
			has_message: tooLarge ? 0 : 1,
			truncated: tooLarge || content.cut ? 1 : (ending?.truncated ?? 0),
			stray: key === task.id ? 0 : 1,
		};
		const id = this.#attempts.insert(row, ending);
		if (message !== 'earlier' && !tooLarge) this.#messages.put(id, message);
		this.#keepers.seen.note(task.profile, SEEN.name, content.name, entry.at);
		this.#keepers.seen.note(task.profile, SEEN.queue, queue, entry.at);
		return { ...row, id, log_lines: 0, log_bytes: 0, log_full: 0 };
	}

	/** Moves the attempts of a task that only stood in for `target` until we knew better. */
	#graft(from: number, target: TaskHead, content: Content): void {
		const stub = this.#tasks.head(from);
		if (stub === undefined) return;
		let number = target.attempts;
		this.#setTexts(target, content);
		for (const attempt of this.#attempts.ofTask(from)) {
			number += 1;
			this.#attempts.move(attempt.id, target.seq, number);
		}
		this.#retries.move(from, target.seq);
		this.#dropTask(stub);
		this.#mirror(target, stub.updated_at, true);
		this.#keepers.search.mark(target.seq);
	}

	#mirrorOf(seq: number, at: number): void {
		const head = this.#tasks.head(seq);
		if (head !== undefined) this.#mirror(head, at, false);
	}

	/** Makes a task's row say what its last attempt says. `relist`: a removed task is listed again. */
	#mirror(before: TaskHead, at: number, relist: boolean): void {
		const attempts = this.#attempts.ofTask(before.seq);
		const last = attempts.at(-1);
		if (last === undefined) return;
		const listed = before.removed_at === null || relist;
		if (before.removed_at !== null && relist) this.#tasks.setRemoved(before.seq, null, Math.trunc(at));
		this.#tasks.mirror(before.seq, last.id, attempts.length, Math.trunc(at));
		if (before.removed_at === null) this.#keepers.counts.add(before.profile, before.state, -1);
		if (listed) this.#keepers.counts.add(before.profile, last.state, 1);
		if (last.name !== before.name) this.#keepers.search.mark(before.seq);
		this.#grouped(before, last.state, last.id);
		this.#touched.add(before.profile);
	}

	/** Whether and why a task is among the failures, after it was written that its last attempt is in this state. */
	#grouped(before: TaskHead, state: number, attempt: number): void {
		if (FAILING_CODES.includes(state)) this.#keepers.failures.failed(before.profile, before.seq, attempt);
		else if (FAILING_CODES.includes(before.state)) this.#keepers.failures.left(before.seq);
	}

	/** The counts after a task's state became another. */
	#recount(before: TaskHead, state: number): void {
		this.#touched.add(before.profile);
		if (before.removed_at !== null) return;
		this.#keepers.counts.add(before.profile, before.state, -1);
		this.#keepers.counts.add(before.profile, state, 1);
	}

	/** New arguments for a task; those of its last attempt are set aside, should this one be taken back. */
	#setTexts(task: TaskHead, content: Content): void {
		const old = this.#tasks.texts(task.seq);
		const { texts } = content;
		if (old.args === texts.args && old.kwargs === texts.kwargs && old.typed === texts.typed) return;
		const last = this.#attempts.ofTask(task.seq).at(-1);
		if (last !== undefined) this.#attemptTexts.put(last.id, old);
		this.#tasks.setTexts(task.seq, texts);
		this.#keepers.search.mark(task.seq);
	}

	#dropAttempt(id: number): void {
		this.#logs.drop(id);
		this.#messages.drop(id);
		this.#attemptTexts.drop(id);
		this.#observed.dropLog(id);
		this.#keepers.failures.dropAttempt(id);
		this.#attempts.drop(id);
	}

	#dropTask(task: TaskHead): void {
		this.#retries.drop(task.seq);
		this.#tasks.drop(task.seq);
		this.#keepers.search.drop(task.seq);
		if (task.removed_at === null) this.#keepers.counts.add(task.profile, task.state, -1);
		this.#touched.add(task.profile);
	}

	#facts(attempt: AttemptHead, known: readonly AttemptHead[], id = this.#tasks.head(attempt.task)?.id): StartedFacts {
		if (id === undefined) throw new Error(`Attempt ${attempt.id} has no task`);
		return {
			taskId: taskId(id),
			attemptId: attemptId(attempt.id),
			attemptNumber: attempt.number,
			earlierOutcome: earlierOutcome(known.filter((other) => other.id < attempt.id)),
		};
	}
}

/** How an attempt comes to be. */
interface Entry {
	readonly at: number;
	readonly cause: AttemptCause;
	readonly queue: string;
	readonly queuedAt: number | null;
	/** `earlier`: an earlier attempt keeps it. */
	readonly message: OutgoingMessage | BrokerMessage | 'earlier';
	/** Null: it waits. */
	readonly start: { readonly run: string; readonly worker: string } | null;
}
