/** The consumers of one profile: those of this process, live, and the saved sets they are started from. */

import type { ConsumerSetView, SavedConsumerSet } from '#main/domain/consumer.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput, Output } from '#main/ipc/contract.ts';
import type { Answer, Engine } from './engine.ts';
import { Reading } from './reading.svelte.ts';

type Without<T> = Omit<T, 'profile'>;

/** One place in the list of workers: a saved set, a run, or both. */
export interface WorkerEntry {
	readonly key: string;
	/** Null: started without being saved. */
	readonly saved: SavedConsumerSet | null;
	/** What runs of it here, or ran last; null: it has not run in this process. */
	readonly run: ConsumerSetView | null;
}

export class Consumers implements Disposable {
	sets: readonly ConsumerSetView[] = $state.raw([]);
	/** False until the first snapshot. */
	known = $state(false);
	error: WireError | null = $state.raw(null);
	readonly saved: Reading<Output<'consumer.sets'>>;
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #stream: Disposable;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
		this.saved = new Reading(() => engine.call('consumer.sets', { profile }));
		void this.saved.read();
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

	/**
	 * Saved sets by name, each with what runs of it; then what was started without being saved, newest first. An order that does
	 * not change with what they do, so that no button moves away from under the pointer.
	 */
	get entries(): readonly WorkerEntry[] {
		const saved = this.saved.value?.items ?? [];
		const known = new Set(saved.map(({ set }) => set.id as string));
		const rest = this.sets.filter((run) => !known.has(run.id));
		return [
			...saved
				.map(({ set, running }) => ({
					key: set.id as string,
					saved: set,
					run: this.sets.find((run) => run.id === set.id) ?? running,
				}))
				.sort((a, b) => a.saved.name.localeCompare(b.saved.name)),
			...rest
				.toSorted((a, b) => Number(a.state === 'stopped') - Number(b.state === 'stopped') || b.since - a.since)
				.map((run) => ({ key: run.id as string, saved: null, run })),
		];
	}

	/** Names of saved sets, but for one. */
	names(except: string | null = null): readonly string[] {
		return (this.saved.value?.items ?? []).flatMap(({ set }) => (set.id === except ? [] : [set.name]));
	}

	async save(input: Without<CallerInput<'consumer.save'>>): Promise<Answer<Output<'consumer.save'>>> {
		return this.#changing(this.#engine.call('consumer.save', { ...input, profile: this.#profile }));
	}

	async forget(id: string): Promise<Answer<Output<'consumer.forget'>>> {
		return this.#changing(this.#engine.call('consumer.forget', { profile: this.#profile, name: id }));
	}

	/** Saves a set per queue of a site's settings, or with `dryRun` only says what it would save. */
	async import(input: Without<CallerInput<'consumer.import'>>): Promise<Answer<Output<'consumer.import'>>> {
		const call = this.#engine.call('consumer.import', { ...input, profile: this.#profile });
		return input.dryRun === true ? call : this.#changing(call);
	}

	/** Starts a saved set; null: it runs. Else why it does not. */
	async startSaved(id: string): Promise<string | null> {
		const answer = await this.#engine.call('consumer.start', { profile: this.#profile, sets: [id] });
		if (!answer.ok) return answer.error.message;
		const [start] = answer.value.items;
		if (start?.set != null) this.#take(start.set);
		return start?.outcome === 'refused' ? (start.reason ?? 'It was not started.') : null;
	}

	/** Ends it as `stop` does and starts it as it is saved now; answers once it runs again. */
	restart(id: string, now: boolean): Promise<Answer<ConsumerSetView>> {
		return this.#engine.call('consumer.restart', { profile: this.#profile, id, now });
	}

	/** Changes how many tasks a running consumer runs at a time; with `save` in its saved set too. */
	async resize(id: string, concurrency: number, save: boolean): Promise<Answer<ConsumerSetView>> {
		const answer = await this.#engine.call('consumer.resize', { profile: this.#profile, id, concurrency, save });
		if (answer.ok) this.#take(answer.value);
		if (answer.ok && save) await this.saved.read();
		return answer;
	}

	/** Ends one running task; its message is done then. */
	cancel(task: string): Promise<Answer<Output<'consumer.cancel'>>> {
		return this.#engine.call('consumer.cancel', { profile: this.#profile, task });
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
		this.saved[Symbol.dispose]();
	}

	async #changing<T>(call: Promise<Answer<T>>): Promise<Answer<T>> {
		const answer = await call;
		if (answer.ok) await this.saved.read();
		return answer;
	}

	#take(run: ConsumerSetView): void {
		this.sets = [...this.sets.filter((set) => set.id !== run.id), run];
	}
}
