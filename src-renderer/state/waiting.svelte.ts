/** Changes of waiting messages, from the review to the note that it is done, and taking them back. */
import type { WireError } from '#main/ipc/codes.ts';
import { Change } from './change.svelte.ts';
import type { Answer, Engine, Output } from './engine.ts';
import type { Toasts } from './toasts.svelte.ts';

export type WaitingAction = 'remove' | 'purge' | 'move' | 'replay' | 'hold' | 'release' | 'next';

/** What is wanted. `prints` null: all that waits there. */
export interface WaitingPlan {
	readonly action: WaitingAction;
	readonly queue: string;
	readonly prints: readonly string[] | null;
	/** Where a move goes; null: no move. */
	readonly to: string | null;
	/** Of all that waits there only these; the review freezes which they are. */
	readonly filter?: { readonly name?: string; readonly group?: string; readonly where?: string };
}

type Review = Output<'message.review'>;
type Outcome = Output<'queue.move'>;
type PacketRoute = 'packet.hold' | 'packet.release' | 'packet.next';

const DONE: Readonly<Record<WaitingAction, string>> = {
	remove: 'deleted',
	purge: 'purged',
	move: 'moved',
	replay: 'replayed',
	hold: 'held back',
	release: 'given back',
	next: 'run next',
};

export class Waiting implements Disposable {
	readonly change: Change<WaitingPlan, Review, Outcome>;
	/** Rises when messages came or went by a change from here: what is looked at is looked at again. */
	changes = $state(0);
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #toasts: Toasts;

	constructor(engine: Engine, profile: string, toasts: Toasts) {
		this.#engine = engine;
		this.#profile = profile;
		this.#toasts = toasts;
		this.change = new Change<WaitingPlan, Review, Outcome>({
			review: ({ action, queue, prints, filter }) =>
				engine.call('message.review', {
					profile,
					queue,
					action,
					...(prints === null ? {} : { prints: [...prints] }),
					...filter,
				}),
			run: (plan, review, options): Promise<Answer<Outcome>> => {
				const input = { profile, queue: plan.queue, review: review.token };
				switch (plan.action) {
					case 'remove':
						return engine.call('message.delete', input, options);
					case 'purge':
						return engine.call('queue.purge', input, options);
					case 'move':
						return engine.call('queue.move', { ...input, to: plan.to ?? '' }, options);
					case 'replay':
						return engine.call('queue.replay', input, options);
					case 'hold':
					case 'release':
					case 'next': {
						const route: PacketRoute = `packet.${plan.action}`;
						return engine.call(route, input, options);
					}
				}
			},
			done: (plan, outcome) => this.told(DONE[plan.action], outcome),
			failed: (_plan, error) => this.#failed(error),
		});
	}

	/** Says what came of a change, with the way back. */
	told(verb: string, outcome: Outcome): void {
		this.changes += 1;
		const { done, failed, skipped, undo } = outcome;
		const rest = [
			...(failed > 0 ? [`${failed} failed`] : []),
			...(skipped > 0 ? [`${skipped} no longer waited`] : []),
			...(outcome.cancelled ? ['stopped before the end'] : []),
		];
		const title = [`${messages(done)} ${verb}`, ...rest].join(', ');
		const reason = outcome.items.find((item) => item.outcome === 'failed')?.reason ?? '';
		this.#toasts.show(failed > 0 ? 'failed' : 'done', title, {
			text: reason,
			action: undo === null ? null : { label: 'Undo', run: () => void this.undo(undo) },
		});
	}

	/** Says that a copy of a packet waits, with the way back. */
	copied({ id, queue, note, undo }: Output<'packet.clone'>): void {
		this.changes += 1;
		this.#toasts.show('done', `A copy is enqueued in ${queue}`, {
			text: note ?? `Its id is ${id}.`,
			action: { label: 'Undo', run: () => void this.undo(undo) },
		});
	}

	/** Takes a change back; what could not be is said. */
	async undo(id: number): Promise<void> {
		const answer = await this.#engine.call('undo.apply', { profile: this.#profile, id });
		this.changes += 1;
		if (!answer.ok) return this.#failed(answer.error);
		const { done, failed, skipped, items } = answer.value;
		const whole = failed === 0 && skipped === 0;
		const reason = items.find((item) => item.outcome !== 'done')?.reason ?? '';
		const rest = whole ? '' : `, ${failed + skipped} could not be`;
		this.#toasts.show(whole ? 'done' : 'failed', `${done} taken back${rest}`, { text: reason });
	}

	[Symbol.dispose](): void {
		this.change[Symbol.dispose]();
	}

	#failed(error: WireError): void {
		this.#toasts.show('failed', 'It was not done', { text: error.message });
	}
}

/** "1 message", "1,284 messages". */
export function messages(count: number): string {
	return count === 1 ? '1 message' : `${count.toLocaleString('en')} messages`;
}
