/**
 * What kombu publishes on a fanout or topic exchange over Redis: PUB/SUB, heard on a connection of its own. Redis keeps nothing for
 * whoever is not there, and cuts off whoever reads too slowly (`client-output-buffer-limit pubsub`), so every loss is a gap.
 */
import type { ConnectionState } from '../../domain/profile.ts';
import { ok, type Result } from '../../domain/result.ts';
import { inGlob } from '../keyspace.ts';
import type { Session } from '../session.ts';
import type { TopicFeed, TopicIntent } from '../topic.ts';
import type { RedisDriverOptions } from './driver.ts';
import { type ChannelOptions, channelOf, channelsOfAny } from './keys.ts';
import type { Link } from './link.ts';
import { unreachable } from './problems.ts';
import { redisSession } from './sessions.ts';

/** Makes a feed; `connect` starts it. Bodies are kombu's envelopes, as they were published. */
export function createRedisTopicFeed(options: RedisDriverOptions, intent: TopicIntent): TopicFeed {
	return new RedisTopicFeed(options, intent);
}

/**
 * Names under which an exchange publishes, before the routing key. As kombu calls it by itself, and without its prefix, since
 * kombu 3 had none and whoever still writes so publishes on that one alone; where a deployment has a prefix of its own, that.
 */
export function namesOf(address: ChannelOptions, exchange: string): readonly string[] {
	const names = channelsOfAny(address, exchange);
	return address.fanoutPrefix === undefined ? [...names, channelOf({ ...address, fanoutPrefix: '' }, exchange)] : names;
}

/**
 * Channels to hear, as globs. A publisher whose `fanout_patterns` is off leaves out the routing key, so each name is heard without
 * one too: a message is published on one of them.
 */
export function channelsOf(address: ChannelOptions, exchange: string, patterns: readonly string[]): readonly string[] {
	const keys =
		address.fanoutPatterns === false ? [] : patterns.map((pattern) => pattern.split('#').map(inGlob).join('*'));
	return namesOf(address, exchange)
		.map(inGlob)
		.flatMap((name) => [name, ...keys.map((key) => `${name}/${key}`)]);
}

/** The routing key in a channel's name; empty: there is none. */
export function routingKeyOf(names: readonly string[], channel: string): string {
	const name = names.find((one) => channel.startsWith(`${one}/`));
	return name === undefined ? '' : channel.slice(name.length + 1);
}

class RedisTopicFeed implements TopicFeed {
	readonly #options: RedisDriverOptions;
	readonly #intent: TopicIntent;
	readonly #session: Session<Link>;
	readonly #watch: Disposable;
	#lostAt: number | null = null;
	#reason: string | null = null;
	#ending = false;

	constructor(options: RedisDriverOptions, intent: TopicIntent) {
		this.#options = options;
		this.#intent = intent;
		this.#session = redisSession(options, ', hearing events');
		this.#watch = this.#session.onLink((link) => void this.#listen(link));
	}

	connect(): void {
		this.#session.connect();
	}

	state(): ConnectionState {
		return this.#session.state();
	}

	onState(listener: (state: ConnectionState) => void): Disposable {
		return this.#session.onState(listener);
	}

	async lag(): Promise<Result<number | null>> {
		return this.#session.link() === null ? unreachable('It does not listen at the moment.') : ok(null);
	}

	settle(): void {
		// Redis keeps nothing that could be settled.
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#ending = true;
		this.#watch[Symbol.dispose]();
		await this.#session[Symbol.asyncDispose]();
	}

	async #listen(link: Link): Promise<void> {
		const { clock, address } = this.#options;
		const { exchange, patterns } = this.#intent;
		const names = namesOf(address, exchange);
		link.onPattern((channel, body) => {
			this.#intent.onMessage({
				routingKey: routingKeyOf(names, channel),
				contentType: null,
				body,
				receivedAt: clock.now(),
			});
		});
		const done = await link.subscribePatterns(channelsOf(address, exchange, patterns));
		if (done.ok) this.#intent.onStart({ at: clock.now(), complete: false, lostAt: this.#lostAt, reason: this.#reason });
		else if (link.alive()) this.#intent.onTrouble(done.error.message);
		const reason = await link.closed;
		if (this.#ending) return;
		// Without having heard, nothing new is missing: the gap goes on from where it began.
		if (done.ok) this.#lostAt = clock.now();
		this.#reason = reason;
		this.#intent.onTrouble(reason);
	}
}
