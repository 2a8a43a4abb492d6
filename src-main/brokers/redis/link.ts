/**
 * One live connection to Redis: dialled once, dead for ever once it is closed; whoever wants another dials again.
 *
 * ioredis carries the bytes; what it would decide by itself is switched off here, since it is decided above: it reconnects without
 * telling which commands were sent, queues while it is away, sends unanswered commands again, and goes on in database 0 when it
 * may not have the one asked for. Login, database and name are given here too, so that every answer to them is read. RESP2,
 * because answers are the same for us and every Redis and every proxy speaks it.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import './unasked.ts';
import type { Clock } from '../../domain/clock.ts';
import type { RedisAddress } from '../../domain/profile.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { KeyCommand, KeyReply, KeyScript } from '../keyspace.ts';
import { tlsSettings } from '../network.ts';
import type { SessionLink } from '../session.ts';
import {
	AtPrimary,
	ClusterNode,
	cutOff,
	endingWords,
	type Failed,
	NoPrimary,
	replyCode,
	replyFailure,
	Silence,
	silent,
} from './problems.ts';
import { primaryOf } from './sentinel.ts';

/** How long Redis may be silent while connecting, in ms. */
const GREETING = 10_000;
/** How long an orderly goodbye may take before the socket is dropped, in ms. */
const GOODBYE = 500;
/** How often an idle connection is asked whether it lives, in ms: the network may have lost it without a word. */
const BEAT = 15_000;

export type ByteArgument = string | number | Buffer;
export type ByteCommand = readonly [command: string, ...args: readonly ByteArgument[]];
/** What Redis answers, with bulk strings as bytes. */
export type ByteReply = Buffer | number | null | readonly ByteReply[];

export interface Link extends SessionLink {
	call(command: KeyCommand): Promise<Result<KeyReply>>;
	/** All in one round trip. Fails as a whole when the connection went before the last answer. */
	pipeline(commands: readonly KeyCommand[]): Promise<Result<readonly Result<KeyReply>[]>>;
	/** One MULTI; null: a watched key had changed, and nothing was done. */
	multi(commands: readonly KeyCommand[]): Promise<Result<readonly KeyReply[] | null>>;
	/** A command whose arguments and answer need not be text. */
	bytes(command: ByteCommand): Promise<Result<ByteReply>>;
	/** A script with bytes: by its digest, and whole where the server does not know it yet. */
	script(script: KeyScript, keys: readonly string[], args: readonly ByteArgument[]): Promise<Result<ByteReply>>;
	subscribe(channels: readonly string[]): Promise<Result<void>>;
	unsubscribe(channel: string): void;
	onMessage(listener: (channel: string, text: string) => void): void;
	/** Subscribes to channels by globs. */
	subscribePatterns(patterns: readonly string[]): Promise<Result<void>>;
	/** Messages of channels that were subscribed to by globs, bytes as they came. */
	onPattern(listener: (channel: string, body: Uint8Array) => void): void;
}

export interface Dial {
	readonly address: RedisAddress;
	readonly password: string | null;
	/** Shown by `CLIENT LIST`, where it has no blanks. */
	readonly name: string;
	/** How long an answer may take, in ms. */
	readonly patience: number;
	readonly clock: Clock;
	/** Ends the attempt. */
	readonly signal: AbortSignal;
}

/** Connects, or rejects with what the network, TLS or Redis said (read it with `connectProblem`). */
export async function dial(options: Dial): Promise<Link> {
	const { sentinel, ...rest } = options.address;
	if (sentinel === undefined) return dialOne(options);
	const primary = await primaryOf({ ...rest, sentinel }, options.password, options.signal);
	const address: RedisAddress = { ...rest, ...primary };
	try {
		const link = await dialOne({ ...options, address });
		if (!link.replica) return link;
		await link.close();
	} catch (error) {
		throw new AtPrimary(address, error);
	}
	throw new AtPrimary(address, new NoPrimary());
}

async function dialOne(options: Dial): Promise<RedisLink> {
	const { address } = options;
	const tls = address.tls === null ? null : await tlsSettings(address.tls);
	// Loaded with the first connection: whoever is on another broker never pays for it.
	const { Redis } = await import('ioredis');
	options.signal.throwIfAborted();
	const redis = new Redis({
		...(address.socket === undefined
			? { host: address.host, port: address.port, family: 0 }
			: { path: address.socket }),
		...(tls === null ? {} : { tls }),
		lazyConnect: true,
		connectTimeout: GREETING,
		disconnectTimeout: GOODBYE,
		keepAlive: 10_000,
		noDelay: true,
		retryStrategy: null,
		reconnectOnError: null,
		maxRetriesPerRequest: null,
		enableOfflineQueue: false,
		autoResendUnfulfilledCommands: false,
		autoResubscribe: false,
		enableReadyCheck: false,
		enableAutoPipelining: false,
		disableClientInfo: true,
		protocol: 2,
		replyMapping: 'legacy',
		stringNumbers: false,
		keyPrefix: '',
		db: 0,
	});
	const link = new RedisLink(redis, options);
	const hangUp = () => redis.disconnect();
	options.signal.addEventListener('abort', hangUp, { once: true });
	try {
		await link.greet(options);
	} catch (error) {
		redis.disconnect();
		throw error;
	} finally {
		options.signal.removeEventListener('abort', hangUp);
	}
	return link;
}

class RedisLink implements Link {
	readonly #redis: Redis;
	readonly #clock: Clock;
	readonly #patience: number;
	readonly #ended = Promise.withResolvers<string>();
	/** The first that was heard of its end; what follows is noise. */
	#said: Error | null = null;
	#dropped = false;
	#server = 'Redis';
	#replica = false;
	#beat: Disposable | null = null;

	constructor(redis: Redis, options: Pick<Dial, 'clock' | 'patience'>) {
		this.#redis = redis;
		this.#clock = options.clock;
		this.#patience = options.patience;
		// Without a listener ioredis prints, and Node would end the process.
		redis.on('error', (error) => {
			this.#said ??= error;
			// The network broke, or answers no longer fit the questions.
			if (this.alive()) this.#drop(endingWords(error));
		});
		redis.on('end', () => {
			this.#beat?.[Symbol.dispose]();
			this.#ended.resolve(endingWords(this.#said));
		});
	}

	get closed(): Promise<string> {
		return this.#ended.promise;
	}

	get server(): string {
		return this.#server;
	}

	/** It said so while greeting. */
	get replica(): boolean {
		return this.#replica;
	}

	alive(): boolean {
		return !this.#dropped && this.#redis.status === 'ready';
	}

	/** Everything between the open socket and the first command. */
	async greet(options: Dial): Promise<void> {
		const { address, password } = options;
		try {
			await this.#redis.connect();
		} catch (error) {
			throw this.#said ?? error;
		}
		if (address.username !== null) await this.#greeting('AUTH', address.username, password ?? '');
		else if (password !== null && password !== '') {
			await this.#greeting('AUTH', password).catch((error: Error) => {
				// A password for a Redis that wants none does no harm.
				if (!/no password is set|without any password configured/i.test(error.message)) throw error;
			});
		}
		await this.#greeting('PING').catch((error: Error) => {
			// A user who may do little may still do what is asked of him here.
			if (replyCode(error.message) !== 'NOPERM') throw error;
		});
		if (address.db !== 0) await this.#greeting('SELECT', address.db);
		await this.#greeting('CLIENT', 'SETNAME', options.name.replace(/[^!-~]+/g, '-')).catch(ignoreAnswer);
		const info = await this.#greeting('INFO').catch(ignoreAnswer);
		if (typeof info === 'string') {
			const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
			this.#server = `${field('server_name') === 'valkey' ? 'Valkey' : 'Redis'} ${
				field('valkey_version') ?? field('redis_version') ?? ''
			}`.trim();
			if (field('redis_mode') === 'cluster' || field('cluster_enabled') === '1') throw new ClusterNode();
			this.#replica = field('role') === 'slave';
		}
		this.#nextBeat();
	}

	async call([command, ...args]: KeyCommand): Promise<Result<KeyReply>> {
		// In capitals ioredis passes a command and its answer through as they are. As a list, since there may be very many.
		const answer = await this.#await(this.#redis.call(command.toUpperCase(), [...args]));
		return answer.ok ? this.#read(answer.value) : answer;
	}

	async pipeline(commands: readonly KeyCommand[]): Promise<Result<readonly Result<KeyReply>[]>> {
		const batch = this.#redis.pipeline();
		for (const [command, ...args] of commands) batch.call(command.toUpperCase(), [...args]);
		const answer = await this.#await(batch.exec());
		if (!answer.ok) return answer;
		const results: Result<KeyReply>[] = [];
		for (const [error, value] of answer.value ?? []) {
			if (error !== null && !isReply(error)) return this.#lost(error);
			results.push(this.#read(error ?? value));
		}
		return ok(results);
	}

	async multi(commands: readonly KeyCommand[]): Promise<Result<readonly KeyReply[] | null>> {
		const answers = await this.pipeline([['MULTI'], ...commands, ['EXEC']]);
		if (!answers.ok) return answers;
		const end = answers.value.at(-1);
		if (end === undefined) return fail('internal', 'A transaction has no answer.');
		if (!end.ok) {
			// EXECABORT tells that nothing was done; what was wrong stands at the command that was wrong.
			const wrong = answers.value.find((answer) => !answer.ok);
			if (end.error.details?.reply === 'EXECABORT') return wrong?.ok === false ? wrong : end;
			return fail('refused', `A part of the change failed, and the rest was done: ${end.error.message}`, {
				details: { ...end.error.details, sent: true },
			});
		}
		return ok(Array.isArray(end.value) ? (end.value as readonly KeyReply[]) : null);
	}

	async bytes([command, ...args]: ByteCommand): Promise<Result<ByteReply>> {
		const answer = await this.#await(this.#redis.callBuffer(command.toUpperCase(), [...args]));
		if (!answer.ok) return answer;
		const error = errorWithin(answer.value);
		return error === null ? ok(answer.value as ByteReply) : this.#refusal(error);
	}

	async script(script: KeyScript, keys: readonly string[], args: readonly ByteArgument[]): Promise<Result<ByteReply>> {
		const known = await this.bytes(['EVALSHA', digestOf(script.lua), keys.length, ...keys, ...args]);
		if (known.ok || known.error.details?.reply !== 'NOSCRIPT') return known;
		return this.bytes(['EVAL', script.lua, keys.length, ...keys, ...args]);
	}

	async subscribe(channels: readonly string[]): Promise<Result<void>> {
		const answer = await this.#await(this.#redis.subscribe(...channels));
		return answer.ok ? ok(undefined) : answer;
	}

	unsubscribe(channel: string): void {
		void this.#await(this.#redis.unsubscribe(channel));
	}

	async subscribePatterns(patterns: readonly string[]): Promise<Result<void>> {
		const answer = await this.#await(this.#redis.psubscribe(...patterns));
		return answer.ok ? ok(undefined) : answer;
	}

	onPattern(listener: (channel: string, body: Uint8Array) => void): void {
		this.#redis.on('pmessageBuffer', (_pattern: unknown, channel: Buffer | string, body: Buffer) =>
			listener(String(channel), body),
		);
	}

	onMessage(listener: (channel: string, text: string) => void): void {
		this.#redis.on('message', listener);
	}

	async close(): Promise<void> {
		this.#beat?.[Symbol.dispose]();
		if (this.#redis.status === 'end') return;
		const ended = new Promise<void>((resolve) => this.#redis.once('end', () => resolve()));
		this.#redis.disconnect();
		await ended;
	}

	/** The answer, or why there is none. A server that is silent for too long is taken for lost, whatever TCP says. */
	async #await<T>(asked: Promise<T>): Promise<Result<T>> {
		try {
			return ok(await this.#within(this.#patience, asked));
		} catch (error) {
			if (error instanceof Silence) {
				this.#drop(error.message);
				return silent(this.#patience);
			}
			return isReply(error) ? this.#refusal(error) : this.#lost(error);
		}
	}

	/** Reads an answer, in which errors may stand anywhere. */
	#read(value: unknown): Result<KeyReply> {
		const error = errorWithin(value);
		return error === null ? ok(value as KeyReply) : this.#refusal(error);
	}

	#refusal(error: Error): Failed {
		// It was the primary and is none any more: the name may lead to the new one by now.
		if (replyCode(error.message) === 'READONLY' && !this.#replica) this.#drop('Redis has become a read-only replica.');
		return replyFailure(error.message);
	}

	#lost(error: unknown): Failed {
		return cutOff(endingWords(this.#said ?? error));
	}

	#drop(reason: string): void {
		this.#beat?.[Symbol.dispose]();
		this.#dropped = true;
		this.#ended.resolve(reason);
		this.#redis.disconnect();
	}

	async #greeting(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
		try {
			return await this.#within(GREETING, this.#redis.call(command, ...args));
		} catch (error) {
			throw isReply(error) ? error : (this.#said ?? error);
		}
	}

	#within<T>(ms: number, asked: Promise<T>): Promise<T> {
		return new Promise((resolve, reject) => {
			const timer = this.#clock.after(ms, () => reject(new Silence(`Redis did not answer within ${ms / 1000} s.`)));
			asked.then(resolve, reject).finally(() => timer[Symbol.dispose]());
		});
	}

	#nextBeat(): void {
		this.#beat = this.#clock.after(BEAT, () => {
			if (!this.alive()) return;
			void this.#await(this.#redis.call('PING')).then(() => {
				if (this.alive()) this.#nextBeat();
			});
		});
	}
}

const digests = new Map<string, string>();

/** A script's name in Redis. */
export function digestOf(lua: string): string {
	const known = digests.get(lua);
	if (known !== undefined) return known;
	const digest = createHash('sha1').update(lua).digest('hex');
	digests.set(lua, digest);
	return digest;
}

/** Whether Redis itself said it; everything else is the connection's or the client's. */
function isReply(error: unknown): error is Error {
	return error instanceof Error && error.name === 'ReplyError';
}

/** An answer without which the connection is as good. */
function ignoreAnswer(error: unknown): null {
	if (isReply(error)) return null;
	throw error;
}

function errorWithin(value: unknown): Error | null {
	if (value instanceof Error) return value;
	if (!Array.isArray(value)) return null;
	for (const part of value) {
		const error = errorWithin(part);
		if (error !== null) return error;
	}
	return null;
}
