/** Which keys kombu keeps in a Redis, which Warren adds while it consumes, and how kombu finds the queues of a message. Pure. */
import type { RedisBrokerAddress } from '../../domain/profile.ts';
import { inGlob } from '../keyspace.ts';

/** kombu's limits for what a message may ask for (`min_priority`, `max_priority`). */
export const HIGHEST_PRIORITY = 9;

/** One member of a binding set. */
export interface Binding {
	readonly exchange: string;
	readonly routingKey: string;
	/** What kombu made of the routing key of a topic exchange; empty for direct ones. */
	readonly pattern: string;
	readonly queue: string;
}

export type KeyOptions = Pick<
	RedisBrokerAddress,
	'keyPrefix' | 'prioritySteps' | 'separator' | 'unackedKey' | 'unackedIndexKey'
>;

/** What of an address says how channels of broadcasts are called. */
export type ChannelOptions = Pick<
	RedisBrokerAddress,
	'keyPrefix' | 'db' | 'fanoutPrefix' | 'fanoutPatterns' | 'sentinel'
>;

const NUMBER = '{db}';

/**
 * The channel of a fanout exchange, without a routing key. PUB/SUB knows no databases, so their number stands in the name; but kombu's
 * transport over sentinels never fills it in (seen with 5.2.4), so that whoever meets there does so on a channel with braces in its name.
 */
export function channelOf(
	{ keyPrefix, db, fanoutPrefix = `/${NUMBER}.`, sentinel }: ChannelOptions,
	exchange: string,
): string {
	const prefix = sentinel === undefined ? fanoutPrefix.replaceAll(NUMBER, String(db)) : fanoutPrefix;
	return `${keyPrefix}${prefix}${exchange}`;
}

/** The same, and where that has braces in it the one without, should another kombu fill in the number: whoever listens does on one of them. */
export function channelsOfAny(options: ChannelOptions, exchange: string): readonly string[] {
	const { sentinel: _sentinel, ...direct } = options;
	return [...new Set([channelOf(options, exchange), channelOf(direct, exchange)])];
}

const BINDINGS = '_kombu.binding.';

export class Keys {
	/** What is held, by anybody: tag to `[envelope, exchange, routing key]`. */
	readonly unacked: string;
	/** When it was taken, in seconds. */
	readonly index: string;
	/** Warren's consumers, by their sessions' ids. */
	readonly sessions: string;
	readonly #options: KeyOptions;

	constructor(options: KeyOptions) {
		this.#options = options;
		this.unacked = this.own(options.unackedKey);
		this.index = this.own(options.unackedIndexKey);
		this.sessions = this.own('warren.sessions');
	}

	/** A key with the deployment's prefix. */
	own(name: string): string {
		return `${this.#options.keyPrefix}${name}`;
	}

	/** There as long as the session of a consumer lives. */
	alive(session: string): string {
		return this.own(`warren.alive.${session}`);
	}

	/** What a session holds: tag to where it came from. */
	held(session: string): string {
		return this.own(`warren.held.${session}`);
	}

	/** Entries that a session holds and that kombu could not give back, since they are no envelopes. */
	aside(session: string): string {
		return this.own(`warren.aside.${session}`);
	}

	/** The lists of a queue, in the order in which they are handed out. */
	steps(queue: string): readonly string[] {
		return this.#options.prioritySteps.map((step) => this.#step(queue, step));
	}

	/** The priorities that have a list of their own, in the same order. */
	get priorities(): readonly number[] {
		return this.#options.prioritySteps;
	}

	/** The list for a message of this priority: the largest step that is not above it. */
	stepFor(queue: string, priority: number | undefined): string {
		const wanted = Math.min(HIGHEST_PRIORITY, Math.max(0, priority ?? 0));
		return this.#step(queue, this.#options.prioritySteps.findLast((step) => step <= wanted) ?? 0);
	}

	/** The set of an exchange's bindings. */
	binding(exchange: string): string {
		return this.own(`${BINDINGS}${exchange}`);
	}

	/** A glob that all sets of bindings match. */
	allBindings(): string {
		return `${this.glob(BINDINGS)}*`;
	}

	/** A key as a glob that matches nothing else. */
	glob(name: string): string {
		return inGlob(this.own(name));
	}

	/** A key without the deployment's prefix. */
	nameOf(key: string): string {
		return key.slice(this.#options.keyPrefix.length);
	}

	/** The exchange whose bindings a key holds. */
	exchangeOf(key: string): string {
		return key.slice(this.own(BINDINGS).length);
	}

	/** The member that binds a queue to its exchange. */
	member({ routingKey, pattern, queue }: Omit<Binding, 'exchange'>): string {
		return [routingKey, pattern, queue].join(this.#options.separator);
	}

	/** Reads a member; null: it is none. */
	readMember(exchange: string, member: string): Binding | null {
		const parts = member.split(this.#options.separator);
		const [routingKey = '', pattern = '', queue = ''] = parts;
		return parts.length < 3 || queue === '' ? null : { exchange, routingKey, pattern, queue };
	}

	#step(queue: string, step: number): string {
		return this.own(step === 0 ? queue : `${queue}${this.#options.separator}${step}`);
	}
}

/**
 * The queues that a message goes to. Redis does not keep an exchange's kind: a binding with a pattern is of a topic exchange, every
 * other is taken for a direct one. Fanout exchanges have no lists on Redis, so nothing is routed by them.
 */
export function route(bindings: readonly Binding[], routingKey: string): readonly string[] {
	const found = bindings.filter((binding) =>
		binding.pattern === '' ? binding.routingKey === routingKey : topicMatches(binding.routingKey, routingKey),
	);
	return [...new Set(found.map((binding) => binding.queue))];
}

/** Whether a topic's pattern of words covers a routing key: `*` is one word, `#` any number of them. */
export function topicMatches(pattern: string, routingKey: string): boolean {
	const words = routingKey === '' ? [] : routingKey.split('.');
	/** Positions among the words that the pattern may have come to; steps are bounded by words times parts. */
	let places = new Set([0]);
	for (const part of pattern.split('.')) {
		const next = new Set<number>();
		for (const place of places) {
			if (part === '#') for (let to = place; to <= words.length; to++) next.add(to);
			else if (place < words.length && (part === '*' || part === words[place])) next.add(place + 1);
		}
		places = next;
	}
	return places.has(words.length);
}

/** Queues of kombu's own doings, which hold no tasks: events (of the exchange of that name), remote control and its answers. */
export function isPlumbing({ exchange }: Pick<Binding, 'exchange'>, events: string): boolean {
	return exchange === events || exchange.endsWith('.pidbox') || exchange === 'pidbox';
}
