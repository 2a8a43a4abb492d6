/**
 * What kombu publishes on a fanout or topic exchange over Redis: PUB/SUB, heard on a connection of its own. Redis keeps nothing for
 * whoever is not there, and cuts off whoever reads too slowly (`client-output-buffer-limit pubsub`), so every loss is a gap.
 */
import type { ConnectionState, RedisBrokerAddress } from '../../domain/profile.ts';
import { ok, type Result } from '../../domain/result.ts';
import type { Session } from '../session.ts';
import type { TopicFeed, TopicIntent } from '../topic.ts';
import type { RedisDriverOptions } from './driver.ts';
import type { Link } from './link.ts';
import { unreachable } from './problems.ts';
import { redisSession } from './sessions.ts';

/** Makes a feed; `connect` starts it. Bodies are kombu's envelopes, as they were published. */
export function createRedisTopicFeed(options: RedisDriverOptions, intent: TopicIntent): TopicFeed {
	return new RedisTopicFeed(options, intent);
}

/**
 * Channels of an exchange. The database stands in the name, since PUB/SUB knows none; `fanout_prefix` off leaves it out, and
 * `fanout_patterns` off leaves out the routing key. All four are heard: a message is published on one of them.
 */
export function channelsOf(
	address: Pick<RedisBrokerAddress, 'keyPrefix' | 'db'>,
	exchange: string,
	patterns: readonly string[],
): readonly string[] {
	const names = [`/${address.db}.${exchange}`, exchange].map((name) => escaped(address.keyPrefix + name));
	const keys = patterns.map((pattern) => pattern.split('#').map(escaped).join('*'));
	return names.flatMap((name) => [name, ...keys.map((key) => `${name}/${key}`)]);
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
		link.onPattern((channel, body) => {
			const at = channel.lastIndexOf('/');
			const routingKey = at > 0 ? channel.slice(at + 1) : '';
			this.#intent.onMessage({ routingKey, contentType: null, body, receivedAt: clock.now() });
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

/** A name in a glob, standing for itself. */
function escaped(text: string): string {
	return text.replaceAll(/[*?[\]\\]/g, '\\$&');
}
