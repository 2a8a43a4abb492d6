/**
 * Remote control over Redis as kombu has it: requests are published on the fanout exchange's channel, answers are laid into a list
 * that a binding names, and fetched from there on a connection of its own. What is ours is taken away again: by the mailbox that made
 * it, and after a process was killed by the next one, since lists of answers that nobody fetches are a leak that kombu is known for.
 */
import { randomUUID } from 'node:crypto';
import type { ConnectionState } from '../../domain/profile.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import {
	ADDRESS_STEM,
	ANSWER_TTL,
	type Letter,
	type Mailbox,
	type MailboxIntent,
	type SendOptions,
	type Sent,
} from '../mailbox.ts';
import type { Session } from '../session.ts';
import type { RedisDriverOptions } from './driver.ts';
import { readEntry } from './envelope.ts';
import { channelsOfAny, Keys } from './keys.ts';
import type { ByteReply, Link } from './link.ts';
import { redisSession } from './sessions.ts';

/** How long a connection for fetching is waited for, in ms. */
const PATIENCE = 20_000;
/** How long a fetch waits in Redis: less than an answer may take. */
const FETCH_SECONDS = 2;
/** After how long without a request a mailbox counts as dead, in ms: others may take its things away then. */
const ALIVE = 600_000;
/** Members of the set of bindings in one step of a sweep, and steps at most. */
const SWEEP_STEP = 1_000;
const SWEEP_STEPS = 100;

/** Makes a mailbox; `connect` starts it. */
export function createRedisMailbox(options: RedisDriverOptions, intent: MailboxIntent): Mailbox {
	return new RedisMailbox(options, intent);
}

class RedisMailbox implements Mailbox {
	readonly address = `${ADDRESS_STEM}${randomUUID()}`;
	readonly #options: RedisDriverOptions;
	readonly #intent: MailboxIntent;
	readonly #keys: Keys;
	readonly #sending: Session<Link>;
	readonly #fetching: Session<Link>;
	/** The link on which our binding was last laid down. */
	#bound: Link | null = null;
	#swept = false;
	#listeners = 0;
	/** Fetches that failed: each may have lost an answer on its way. */
	#losses = 0;
	#fetch: Promise<void> | null = null;
	#ending = false;

	constructor(options: RedisDriverOptions, intent: MailboxIntent) {
		this.#options = options;
		this.#intent = intent;
		this.#keys = new Keys(options.address);
		this.#sending = redisSession(options, ', remote control');
		this.#fetching = redisSession(options, ', answers');
	}

	connect(): void {
		this.#sending.connect();
	}

	state(): ConnectionState {
		return this.#sending.state();
	}

	listen(): Disposable {
		this.#listeners += 1;
		this.#fetching.connect();
		if (this.#fetch === null && !this.#ending) {
			this.#fetch = this.#run();
		}
		let mine = true;
		return {
			[Symbol.dispose]: () => {
				if (mine) this.#listeners -= 1;
				mine = false;
			},
		};
	}

	async send(body: Uint8Array, options: SendOptions): Promise<Result<Sent>> {
		const link = await this.#sending.ready(options.deadlineMs, options.signal);
		if (!link.ok) return link;
		// A binding laid down after ours was taken away would stay.
		if (this.#ending) return fail('gone', 'The mailbox was closed.');
		const bound = await this.#bind(link.value);
		if (!bound.ok) return bound;
		if (options.signal.aborted) return fail('cancelled', 'It was cancelled before it was sent.');
		const losses = this.#losses;
		const envelope = this.#envelope(body, options);
		let receivers: number | null = 0;
		for (const channel of channelsOfAny(this.#options.address, this.#intent.exchange)) {
			const sent = await link.value.bytes(['PUBLISH', channel, envelope]);
			if (!sent.ok) return sent;
			receivers = typeof sent.value === 'number' && receivers !== null ? receivers + sent.value : null;
		}
		return ok({ receivers, deaf: () => this.#losses !== losses || this.#fetching.link() === null });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#ending = true;
		const link = this.#sending.link();
		if (link !== null && this.#bound !== null) await this.#remove(link, this.address);
		await Promise.all([this.#sending[Symbol.asyncDispose](), this.#fetching[Symbol.asyncDispose]()]);
		await this.#fetch;
	}

	/** kombu's envelope, with what its producer puts there for a fanout exchange. */
	#envelope(body: Uint8Array, { clock, expires }: SendOptions): string {
		return JSON.stringify({
			body: Buffer.from(body).toString('base64'),
			'content-encoding': 'utf-8',
			'content-type': 'application/json',
			headers: { clock, expires },
			properties: {
				delivery_mode: 1,
				delivery_info: { exchange: this.#intent.exchange, routing_key: '' },
				priority: 0,
				body_encoding: 'base64',
				delivery_tag: randomUUID(),
			},
		});
	}

	#list(address: string): string {
		return `${address}.${this.#intent.replyExchange}`;
	}

	/** Says where answers go. Again with each request: the mark that we live has an end, and a restarted Redis may know nothing. */
	async #bind(link: Link): Promise<Result<void>> {
		const { replyExchange } = this.#intent;
		const member = this.#keys.member({ routingKey: this.address, pattern: '', queue: this.#list(this.address) });
		const bound = await link.pipeline([
			['SADD', this.#keys.binding(replyExchange), member],
			['SET', this.#keys.alive(this.address), '1', 'PX', ALIVE],
		]);
		if (!bound.ok) return bound;
		for (const part of bound.value) if (!part.ok) return part;
		this.#bound = link;
		if (!this.#swept) {
			this.#swept = true;
			await this.#sweep(link);
		}
		return ok(undefined);
	}

	async #remove(link: Link, address: string): Promise<void> {
		const member = this.#keys.member({ routingKey: address, pattern: '', queue: this.#list(address) });
		// Should Redis be gone, the next mailbox sweeps.
		await link.pipeline([
			['SREM', this.#keys.binding(this.#intent.replyExchange), member],
			['DEL', this.#keys.own(this.#list(address)), this.#keys.alive(address)],
		]);
	}

	/** Takes away what killed processes of ours left: never anybody else's, whose tools may be waiting. */
	async #sweep(link: Link): Promise<void> {
		const { replyExchange } = this.#intent;
		const key = this.#keys.binding(replyExchange);
		let cursor = '0';
		for (let step = 0; step < SWEEP_STEPS; step += 1) {
			const found = await link.bytes(['SSCAN', key, cursor, 'COUNT', SWEEP_STEP, 'MATCH', `${ADDRESS_STEM}*`]);
			if (!found.ok || !Array.isArray(found.value)) return;
			const [next, members] = found.value as readonly ByteReply[];
			for (const member of Array.isArray(members) ? members : []) {
				const address = this.#keys.readMember(replyExchange, String(member))?.routingKey;
				if (address === undefined || address === this.address || !address.startsWith(ADDRESS_STEM)) continue;
				const alive = await link.bytes(['EXISTS', this.#keys.alive(address)]);
				if (!alive.ok) return;
				if (alive.value === 0) await this.#remove(link, address);
			}
			cursor = String(next);
			if (cursor === '0') return;
		}
	}

	/** Fetches answers as long as somebody listens. */
	async #run(): Promise<void> {
		const list = this.#keys.own(this.#list(this.address));
		while (this.#listeners > 0 && !this.#ending) {
			const link = await this.#fetching.ready(PATIENCE);
			if (!link.ok) {
				if (link.error.code === 'gone') break;
				this.#options.log.warn('answers cannot be fetched', { reason: link.error.message });
				await this.#pause();
				continue;
			}
			const got = await link.value.bytes(['BRPOP', list, FETCH_SECONDS]);
			if (!got.ok) {
				if (this.#ending) break;
				this.#losses += 1;
				this.#options.log.warn('answers cannot be fetched', { reason: got.error.message });
				await this.#pause();
			} else if (Array.isArray(got.value)) {
				const [, raw] = got.value as readonly ByteReply[];
				if (Buffer.isBuffer(raw)) this.#take(raw);
				// Should this process be killed now, what comes later goes by itself.
				const left = await link.value.bytes(['PEXPIRE', list, ANSWER_TTL]);
				if (!left.ok) this.#options.log.debug('no end for a list of answers', { why: left.error.message });
			}
		}
		// Not a turn later: whoever listens from now on needs another.
		this.#fetch = null;
	}

	#take(raw: Buffer): void {
		try {
			this.#intent.onLetter(this.#letterOf(raw));
		} catch (error) {
			// A defect of the owner; the loop would end on it, and later answers would be fetched by nobody.
			this.#options.log.error('handler of answers threw', { why: String(error) });
		}
	}

	#letterOf(raw: Buffer): Letter {
		const { message, readable } = readEntry(raw, '');
		const { properties, body } = message;
		const ticket = properties.headers?.find(([key]) => key === 'ticket')?.[1];
		return {
			contentType: properties.contentType ?? null,
			contentEncoding: properties.contentEncoding ?? null,
			body,
			ticket: ticket?.type === 'longstr' ? ticket.text : null,
			receivedAt: this.#options.clock.now(),
			fault: readable ? null : "It is no message in kombu's envelope.",
		};
	}

	#pause(): Promise<void> {
		return new Promise((resolve) => void this.#options.clock.after(500, resolve));
	}
}
