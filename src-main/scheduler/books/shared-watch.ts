/** Notices what others change in a shared book: by their messages, after every reconnect, and by asking, should a message be lost. */
import type { Keyspace } from '#main/brokers/keyspace.ts';
import type { Clock } from '#main/domain/clock.ts';
import type { SharedKeys } from './shared-layout.ts';

/** How often the revision is asked for, in ms. */
const LOOK_EVERY = 3_000;

export class RevisionWatch implements Disposable {
	readonly #keyspace: Keyspace;
	readonly #keys: SharedKeys;
	readonly #clock: Clock;
	readonly #listeners = new Set<() => void>();
	#watching: DisposableStack | null = null;
	/** The revision that everybody was told of; null: the book has none; undefined: not known yet. */
	#known: string | null | undefined;

	constructor(keyspace: Keyspace, keys: SharedKeys, clock: Clock) {
		this.#keyspace = keyspace;
		this.#keys = keys;
		this.#clock = clock;
	}

	add(listener: () => void): Disposable {
		const own = () => listener();
		this.#listeners.add(own);
		this.#watching ??= this.#start();
		return {
			[Symbol.dispose]: () => {
				if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#stop();
			},
		};
	}

	/** Somebody has read the book as of this revision, before anything was known of it. */
	knows(revision: string | null): void {
		if (this.#watching !== null && this.#known === undefined) this.#known = revision;
	}

	[Symbol.dispose](): void {
		this.#listeners.clear();
		this.#stop();
	}

	#start(): DisposableStack {
		const stack = new DisposableStack();
		let timer: Disposable | null = null;
		const again = () => {
			timer = this.#clock.after(LOOK_EVERY, () => {
				void this.#look().then(() => {
					if (!stack.disposed) again();
				});
			});
		};
		stack.defer(() => timer?.[Symbol.dispose]());
		stack.use(
			this.#keyspace.subscribe(
				this.#keys.changes,
				(revision) => this.#learn(revision),
				() => void this.#look(),
			),
		);
		stack.use(
			this.#keyspace.onState((state) => {
				if (state.kind === 'connected') this.#tell();
			}),
		);
		again();
		return stack;
	}

	#stop(): void {
		this.#watching?.[Symbol.dispose]();
		this.#watching = null;
		this.#known = undefined;
	}

	async #look(): Promise<void> {
		if (this.#keyspace.state().kind !== 'connected') return;
		const revision = await this.#keyspace.call('GET', this.#keys.revision);
		// Whatever went wrong: the next look comes soon, or the next connection.
		if (revision.ok && this.#watching !== null) this.#learn(typeof revision.value === 'string' ? revision.value : null);
	}

	/** Any other revision counts, also a lower one: then the book was emptied or is an older copy. */
	#learn(revision: string | null): void {
		const first = this.#known === undefined;
		if (this.#known === revision) return;
		this.#known = revision;
		if (!first) this.#tell();
	}

	#tell(): void {
		for (const listener of [...this.#listeners]) listener();
	}
}
