/** Channels that are listened to, on a connection of their own, also after it was lost. */
import type { Log } from '../../domain/log.ts';
import type { Session } from '../session.ts';
import type { Link } from './link.ts';

interface Ear {
	readonly hear: (text: string) => void;
	readonly onGap: () => void;
}

export class Listening implements Disposable {
	readonly #session: Session<Link>;
	readonly #log: Log;
	readonly #channels = new Map<string, Set<Ear>>();
	/** Channels that the connection there is now is subscribed to. */
	#inForce = new Set<string>();
	readonly #watch: Disposable;

	constructor(session: Session<Link>, log: Log) {
		this.#session = session;
		this.#log = log;
		this.#watch = session.onLink((link) => {
			this.#inForce = new Set();
			link.onMessage((channel, text) => {
				for (const ear of [...(this.#channels.get(channel) ?? [])]) ear.hear(text);
			});
			if (this.#channels.size > 0) void this.#subscribe(link, [...this.#channels.keys()]);
		});
	}

	/** How many channels are listened to. */
	get size(): number {
		return this.#channels.size;
	}

	add(channel: string, ear: Ear): Disposable {
		const ears = this.#channels.get(channel) ?? new Set();
		this.#channels.set(channel, ears);
		ears.add(ear);
		const link = this.#session.link();
		if (this.#inForce.has(channel)) queueMicrotask(ear.onGap);
		else if (link !== null && ears.size === 1) void this.#subscribe(link, [channel]);
		return {
			[Symbol.dispose]: () => {
				if (!ears.delete(ear) || ears.size > 0) return;
				this.#channels.delete(channel);
				this.#inForce.delete(channel);
				this.#session.link()?.unsubscribe(channel);
			},
		};
	}

	[Symbol.dispose](): void {
		this.#watch[Symbol.dispose]();
		this.#channels.clear();
	}

	async #subscribe(link: Link, channels: readonly string[]): Promise<void> {
		const done = await link.subscribe(channels);
		if (!done.ok) {
			// Lost: the next connection subscribes anew. Refused: there is nothing to hear, and readers look by themselves as well.
			if (link.alive()) this.#log.warn('redis subscription refused', { reason: done.error.message });
			return;
		}
		if (this.#session.link() !== link) return;
		for (const channel of channels) {
			const ears = this.#channels.get(channel);
			if (ears === undefined) continue;
			this.#inForce.add(channel);
			for (const ear of [...ears]) ear.onGap();
		}
	}
}
