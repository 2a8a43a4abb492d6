/** What dead workers and askers left behind in Redis: how much, looked at while somebody looks, and what is done about it. */
import type { ActionOutcome } from '#main/domain/action.ts';
import { Change } from './change.svelte.ts';
import type { Answer, Engine, Output } from './engine.ts';
import { Reading } from './reading.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

/** rescue: messages go back to their queues. clean: answers that nobody fetched are removed. */
export type LeftoverAction = 'rescue' | 'clean';

export interface LeftoverPlan {
	readonly action: LeftoverAction;
}

/** Workers are asked for each look, so looks are few. In ms. */
const LOOK_MS = 60_000;

export class Leftovers implements Disposable {
	readonly orphans: Reading<Output<'queue.orphans'>>;
	readonly replies: Reading<Output<'queue.replies'>>;
	readonly change: Change<LeftoverPlan, ActionOutcome, ActionOutcome>;

	constructor(engine: Engine, profile: string, toasts: Toasts) {
		this.orphans = new Reading(() => engine.call('queue.orphans', { profile, limit: 50 }));
		this.replies = new Reading(() => engine.call('queue.replies', { profile }));
		const route = ({ action }: LeftoverPlan) => (action === 'rescue' ? 'queue.rescue' : 'queue.clean');
		this.change = new Change<LeftoverPlan, ActionOutcome, ActionOutcome>({
			review: (plan) => engine.call(route(plan), { profile, all: true, dryRun: true }),
			run: (plan, review, options): Promise<Answer<ActionOutcome>> =>
				// Exactly those that were reviewed; what is no longer so is left out and told.
				engine.call(route(plan), { profile, ids: meant(review).map(({ id }) => id) }, options),
			done: (plan, outcome) => {
				const { done, failed, skipped } = outcome;
				const what = plan.action === 'rescue' ? `${done} given back` : `${done} removed`;
				const rest = failed + skipped === 0 ? '' : `, ${failed + skipped} not`;
				const reason = outcome.items.find((item) => item.outcome !== 'done')?.reason ?? '';
				toasts.show(failed > 0 ? 'failed' : 'done', `${what}${rest}`, {
					text: reason,
					action: failed === 0 ? null : { label: 'Show', run: () => this.change.report(plan, outcome) },
				});
				void this.#read();
			},
			failed: (_plan, error) => toasts.show('failed', 'It was not done', { text: error.message }),
		});
	}

	/** Looks now and then while the page can be seen, until disposed of. */
	watch(): Disposable {
		const looking = [this.orphans.every(LOOK_MS), this.replies.every(LOOK_MS)];
		return {
			[Symbol.dispose]() {
				for (const one of looking) one[Symbol.dispose]();
			},
		};
	}

	async #read(): Promise<void> {
		await Promise.all([this.orphans.read(), this.replies.read()]);
	}

	[Symbol.dispose](): void {
		this.orphans[Symbol.dispose]();
		this.replies[Symbol.dispose]();
		this.change[Symbol.dispose]();
	}
}

/** What a review found that would be done. */
export function meant(review: ActionOutcome): ActionOutcome['items'] {
	return review.items.filter(({ outcome }) => outcome === 'done');
}
