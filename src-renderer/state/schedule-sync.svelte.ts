/** The review of edits that wait: what a sync would do on both sides, the sync itself, and what came of it. */
import type { BookKind, SyncReport } from '#main/domain/schedule.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { ScheduleDetail, ScheduleView } from '#main/ipc/contract/schedule-answers.ts';
import type { Engine, Loaded } from './engine.ts';
import { LOADING, loaded } from './engine.ts';
import { scheduleId } from './schedule-id.ts';

export type SyncStage =
	| { readonly kind: 'closed' }
	| { readonly kind: 'looking' }
	/** What would be done. */
	| { readonly kind: 'review'; readonly reports: readonly SyncReport[] }
	| { readonly kind: 'syncing'; readonly reports: readonly SyncReport[] }
	/** What was done. */
	| { readonly kind: 'done'; readonly reports: readonly SyncReport[] }
	| { readonly kind: 'failed'; readonly error: WireError };

/** Edits of one book that a review lists. */
const MOST = 500;

export class ScheduleSync implements Disposable {
	stage: SyncStage = $state.raw({ kind: 'closed' });
	/** Null: all books. */
	book: BookKind | null = $state(null);
	/** The edits that wait here, whether or not their books answer. */
	waiting: readonly ScheduleView[] = $state.raw([]);
	/** More wait than are listed. */
	waitingTotal = $state(0);
	/** Edits that were unfolded, with both sides. */
	details: ReadonlyMap<string, Loaded<ScheduleDetail>> = $state.raw(new Map());
	/** An edit is being taken back. */
	reverting: string | null = $state(null);
	/** Why the last edit could not be taken back. */
	problem: WireError | null = $state.raw(null);
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #changed: () => void;
	#turn = 0;

	/** `changed` is called when schedules may be others than before. */
	constructor(engine: Engine, profile: string, changed: () => void) {
		this.#engine = engine;
		this.#profile = profile;
		this.#changed = changed;
	}

	get open(): boolean {
		return this.stage.kind !== 'closed';
	}

	/** Opens the review for one book, or for all. `mayChange` false: nothing may be asked of the books. */
	async review(book: BookKind | null, mayChange = true): Promise<void> {
		const turn = ++this.#turn;
		this.book = book;
		this.problem = null;
		this.details = new Map();
		this.stage = { kind: 'looking' };
		await Promise.all([this.#readWaiting(turn), this.#dryRun(turn, mayChange)]);
	}

	/** Sends and fetches for real. */
	async sync(): Promise<void> {
		const stage = this.stage;
		if (stage.kind === 'syncing' || stage.kind === 'looking' || stage.kind === 'closed') return;
		const turn = ++this.#turn;
		this.stage = { kind: 'syncing', reports: stage.kind === 'failed' ? [] : stage.reports };
		const answer = await this.#engine.call('schedule.sync', this.#of(false));
		this.#changed();
		if (turn !== this.#turn) return;
		this.details = new Map();
		this.stage = answer.ok ? { kind: 'done', reports: answer.value.items } : { kind: 'failed', error: answer.error };
		await this.#readWaiting(turn);
	}

	/** Takes an edit back: its schedule is again as its book has it. */
	async revert(of: { readonly book: BookKind; readonly key: string }, mayChange = true): Promise<void> {
		const id = scheduleId(of);
		this.reverting = id;
		this.problem = null;
		const answer = await this.#engine.call('schedule.revert', {
			profile: this.#profile,
			book: of.book,
			names: [of.key],
		});
		this.reverting = null;
		this.#changed();
		if (!answer.ok) this.problem = answer.error;
		else {
			const left = answer.value.items.find((item) => item.outcome !== 'done');
			if (left?.reason != null) this.problem = { code: 'refused', message: left.reason, retryable: false, ref: '' };
		}
		if (this.open) {
			const kept = this.problem;
			await this.review(this.book, mayChange);
			this.problem = kept;
		}
	}

	/** Reads both sides of an edit. */
	async unfold(of: { readonly book: BookKind; readonly key: string }): Promise<void> {
		const id = scheduleId(of);
		if (this.details.has(id)) return;
		const turn = this.#turn;
		this.details = new Map([...this.details, [id, LOADING]]);
		const { book, key: name } = of;
		const answer = await this.#engine.call('schedule.show', { profile: this.#profile, book, name });
		if (turn !== this.#turn) return;
		this.details = new Map([...this.details, [id, loaded(answer)]]);
	}

	close(): void {
		// A sync that is under way goes on in the engine; its end is told by the list.
		this.#turn += 1;
		this.stage = { kind: 'closed' };
	}

	[Symbol.dispose](): void {
		this.#turn += 1;
	}

	#of(dryRun: boolean) {
		return {
			profile: this.#profile,
			...(this.book === null ? {} : { book: this.book }),
			...(dryRun ? { dryRun } : {}),
		};
	}

	async #dryRun(turn: number, mayChange: boolean): Promise<void> {
		if (!mayChange) {
			this.stage = { kind: 'review', reports: [] };
			return;
		}
		const answer = await this.#engine.call('schedule.sync', this.#of(true));
		if (turn !== this.#turn) return;
		this.stage = answer.ok ? { kind: 'review', reports: answer.value.items } : { kind: 'failed', error: answer.error };
	}

	async #readWaiting(turn: number): Promise<void> {
		const answer = await this.#engine.call('schedule.list', {
			profile: this.#profile,
			show: 'edited',
			sort: 'name',
			limit: MOST,
			...(this.book === null ? {} : { book: this.book }),
		});
		if (turn !== this.#turn || !answer.ok) return;
		this.waiting = answer.value.items;
		this.waitingTotal = answer.value.total;
	}
}
