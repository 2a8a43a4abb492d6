/**
 * Runs of which nobody can tell from here whether they were published: a confirm that never came, a holder that died. Each is judged by
 * what is known of its message id elsewhere, and none is published again without proof that it was not.
 */
import type { Clock } from '#main/domain/clock.ts';
import { taskId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { Result } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';

/**
 * Whether a message of this id is known in a queue or in history: true, it was published; false, it surely was not; null, that cannot
 * be told.
 */
export type ProveSent = (messageId: string) => Promise<Result<boolean | null>>;

export interface DoubtDeps {
	readonly proven: ProveSent | null;
	readonly clock: Clock;
	readonly log: Log;
	readonly settle: (run: ScheduleRun) => void;
	/** It was surely not published. */
	readonly onUnsent: (run: ScheduleRun) => void;
}

interface Doubt {
	readonly run: ScheduleRun;
	readonly why: string;
}

const PAUSE_MS = 5_000;

export class Doubts implements AsyncDisposable {
	readonly #deps: DoubtDeps;
	readonly #open = new Map<string, Doubt>();
	#judging: Promise<void> | null = null;
	#timer: Disposable | null = null;
	#ended = false;

	constructor(deps: DoubtDeps) {
		this.#deps = deps;
	}

	get size(): number {
		return this.#open.size;
	}

	has(run: ScheduleRun): boolean {
		return this.#open.has(idOf(run));
	}

	/** Has a run judged; `why` says what happened, in a sentence. */
	add(run: ScheduleRun, why: string): void {
		if (this.#ended) return;
		this.#open.set(idOf(run), { run, why });
		this.#judge();
	}

	/** The right is lost: they are somebody else's. */
	drop(): void {
		this.#open.clear();
	}

	/** Asks again at once about those that could not be asked about. */
	nudge(): void {
		if (this.#open.size > 0) this.#judge();
	}

	/** Those that are not judged yet stay open in the ledger, for whoever comes next. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#ended = true;
		this.#open.clear();
		this.#timer?.[Symbol.dispose]();
		await this.#judging;
	}

	#judge(): void {
		if (this.#judging !== null || this.#ended) return;
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
		this.#judging = this.#judgeAll().finally(() => {
			this.#judging = null;
			if (this.#open.size === 0 || this.#ended) return;
			this.#timer = this.#deps.clock.after(PAUSE_MS, () => this.#judge());
		});
	}

	async #judgeAll(): Promise<void> {
		// With those that come meanwhile.
		for (const doubt of this.#open.values()) {
			if (this.#ended) return;
			const sent = await this.#ask(doubt.run);
			const id = idOf(doubt.run);
			// The right may have been lost while it was asked.
			if (this.#open.get(id) !== doubt) continue;
			if (!sent.ok) continue;
			this.#open.delete(id);
			this.#conclude(doubt, sent.value);
		}
	}

	async #ask({ messageId }: ScheduleRun): Promise<Result<boolean | null>> {
		const { proven, log } = this.#deps;
		if (proven === null || messageId === null) return { ok: true, value: null };
		try {
			const answer = await proven(messageId);
			if (!answer.ok) log.warn('schedules.unproven', { message: messageId, reason: answer.error.message });
			return answer;
		} catch (error) {
			// The guard around one message: what cannot be asked about stays uncertain, and keeps no other from being judged.
			log.error('schedules.unproven', { message: messageId, reason: String(error) });
			return { ok: true, value: null };
		}
	}

	#conclude({ run, why }: Doubt, sent: boolean | null): void {
		const { clock, settle, onUnsent } = this.#deps;
		const now = clock.now();
		if (sent === false) {
			onUnsent({ ...run, state: 'retrying', note: why, updatedAt: now });
		} else if (sent === true) {
			const id = run.messageId === null ? null : taskId(run.messageId);
			settle({
				...run,
				state: 'fired',
				firedAt: run.firedAt ?? run.updatedAt,
				taskId: run.taskId ?? id,
				note: null,
				updatedAt: now,
			});
		} else {
			const note = `${why} It cannot be told whether it was published, and it is not published again.`;
			settle({ ...run, state: 'uncertain', note, updatedAt: now });
		}
	}
}

function idOf(run: ScheduleRun): string {
	return `${run.key}\n${run.dueAt}\n${run.manual}`;
}
