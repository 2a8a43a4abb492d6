/**
 * A change from its review to the note that it is done, whatever is changed: what a person is asked about, what runs, what
 * came of it. What runs is what was reviewed.
 */
import type { WireError } from '#main/ipc/codes.ts';
import type { Answer, CallOptions } from './engine.ts';

/** P: what is wanted. R: what the review found. O: what came of it. */
export type ChangeStage<P, R, O> =
	| { readonly kind: 'none' }
	| { readonly kind: 'reviewing'; readonly plan: P }
	| {
			readonly kind: 'asking';
			readonly plan: P;
			readonly review: R;
			/** A review of the plan as it is now is on its way; nothing can be confirmed until it is there. */
			readonly stale: boolean;
			readonly error: WireError | null;
	  }
	/** hidden: out of the way; it goes on, and tells when it is done. */
	| { readonly kind: 'running'; readonly plan: P; readonly review: R; readonly hidden: boolean }
	| { readonly kind: 'failed'; readonly plan: P; readonly error: WireError }
	| { readonly kind: 'report'; readonly plan: P; readonly outcome: O };

/** How one kind of change is done. */
export interface ChangeHow<P, R, O> {
	review(plan: P): Promise<Answer<R>>;
	run(plan: P, review: R, options: CallOptions): Promise<Answer<O>>;
	/** It is over: brings lists up to date and says so. */
	done(plan: P, outcome: O): void;
	/** It failed while nobody was looking at it. */
	failed(plan: P, error: WireError): void;
}

export class Change<P, R, O> implements Disposable {
	stage: ChangeStage<P, R, O> = $state.raw({ kind: 'none' });
	readonly #how: ChangeHow<P, R, O>;
	/** An answer to a question that was closed or put anew must not open it again. */
	#turn = 0;
	#abort: AbortController | null = null;

	constructor(how: ChangeHow<P, R, O>) {
		this.#how = how;
	}

	/** Whether another change can begin. */
	get free(): boolean {
		return this.stage.kind === 'none' || this.stage.kind === 'report';
	}

	/** Reviews what is wanted, then asks. */
	async ask(plan: P): Promise<void> {
		if (!this.free) return;
		this.stage = { kind: 'reviewing', plan };
		await this.#review(plan);
	}

	/** The question stays on the screen while what is wanted changes and is reviewed again. */
	async revise(plan: P): Promise<void> {
		const stage = this.stage;
		if (stage.kind !== 'asking') return;
		this.stage = { ...stage, plan, stale: true, error: null };
		await this.#review(plan);
	}

	/** Carries out what was reviewed. `name`: as typed, where it is asked for. Null: nothing came of it. */
	async confirm(name?: string): Promise<O | null> {
		const stage = this.stage;
		if (stage.kind !== 'asking' || stage.stale) return null;
		const { plan, review } = stage;
		const turn = ++this.#turn;
		const abort = new AbortController();
		this.#abort = abort;
		this.stage = { kind: 'running', plan, review, hidden: false };
		const answer = await this.#how.run(plan, review, {
			signal: abort.signal,
			...(name === undefined ? {} : { confirm: name }),
		});
		if (turn !== this.#turn) return null;
		const hidden = this.stage.kind === 'running' && this.stage.hidden;
		if (!answer.ok) {
			const { error } = answer;
			// Mistyped names and the like are mended where they were typed.
			if (error.code === 'not-confirmed' || error.code === 'invalid-input')
				this.stage = { kind: 'asking', plan, review, stale: false, error };
			else if (hidden) {
				this.stage = { kind: 'none' };
				this.#how.failed(plan, error);
			} else this.stage = { kind: 'failed', plan, error };
			return null;
		}
		this.stage = { kind: 'none' };
		this.#how.done(plan, answer.value);
		return answer.value;
	}

	/** Asks the engine to stop after the item it is at; what is done by then stays done and is told. */
	stop(): void {
		this.#abort?.abort();
	}

	/** Closes question or report; something that runs goes on, out of the way. */
	dismiss(): void {
		if (this.stage.kind === 'running') {
			this.stage = { ...this.stage, hidden: true };
			return;
		}
		this.#turn += 1;
		this.stage = { kind: 'none' };
	}

	/** From a failure back to a fresh review of the same. */
	async retry(): Promise<void> {
		const stage = this.stage;
		if (stage.kind !== 'failed') return;
		this.dismiss();
		await this.ask(stage.plan);
	}

	/** Opens what came of a change, item by item. */
	report(plan: P, outcome: O): void {
		if (this.free) this.stage = { kind: 'report', plan, outcome };
	}

	[Symbol.dispose](): void {
		this.#turn += 1;
	}

	async #review(plan: P): Promise<void> {
		const turn = ++this.#turn;
		const answer = await this.#how.review(plan);
		if (turn !== this.#turn) return;
		this.stage = answer.ok
			? { kind: 'asking', plan, review: answer.value, stale: false, error: null }
			: { kind: 'failed', plan, error: answer.error };
	}
}
