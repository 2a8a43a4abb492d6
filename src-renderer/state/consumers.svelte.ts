/** This console's consumers of one profile, live, and how to start and stop them. */

import type { ConsumerSetView } from '#main/domain/consumer.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import type { Answer, Engine } from './engine.ts';

export class Consumers implements Disposable {
	sets: readonly ConsumerSetView[] = $state.raw([]);
	/** False until the first snapshot. */
	known = $state(false);
	error: WireError | null = $state.raw(null);
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #stream: Disposable;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
		this.#stream = engine.open(
			'consumer.watch',
			{ profile },
			{
				snapshot: (items) => {
					this.sets = items.flatMap((item) => (item.set === null ? [] : [item.set]));
					this.known = true;
					this.error = null;
				},
				change: (items) => {
					const next = new Map(this.sets.map((set) => [set.id as string, set]));
					for (const { key, set } of items) {
						if (set === null) next.delete(key);
						else next.set(key, set);
					}
					this.sets = [...next.values()];
				},
				end: (error) => {
					this.error = error;
				},
			},
		);
	}

	/** Sets that run, or will as soon as they can. */
	get live(): readonly ConsumerSetView[] {
		return this.sets.filter((set) => set.state !== 'stopped');
	}

	/** Slots that run a task right now. */
	get busy(): number {
		return this.live.reduce((sum, set) => sum + set.slots.filter((slot) => slot.state.kind === 'running').length, 0);
	}

	/** Whether one of these takes from a queue. */
	takesFrom(queue: string): boolean {
		return this.live.some((set) => set.state !== 'draining' && set.intent.queues.includes(queue));
	}

	async start(input: Omit<CallerInput<'consumer.run'>, 'profile'>): Promise<Answer<ConsumerSetView>> {
		const answer = await this.#engine.call('consumer.run', { ...input, profile: this.#profile });
		if (answer.ok && !this.sets.some((set) => set.id === answer.value.id)) this.sets = [...this.sets, answer.value];
		return answer;
	}

	/** Lets running tasks finish; `now` gives them back instead. */
	stop(id: string, now: boolean): Promise<Answer<ConsumerSetView>> {
		return this.#engine.call('consumer.stop', { profile: this.#profile, id, now });
	}

	[Symbol.dispose](): void {
		this.#stream[Symbol.dispose]();
	}
}
