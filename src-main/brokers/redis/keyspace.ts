/**
 * Keys of a Redis, by up to three connections, each opened when first needed: one for everything (its state is the keyspace's), one
 * that listens to channels, one for changes under WATCH, which belong to a connection rather than to a command.
 */
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import type { RedisAddress } from '../../domain/profile.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { KeyCommand, KeyReply, KeyScript, Keyspace } from '../keyspace.ts';
import type { Session } from '../session.ts';
import { SessionDriver } from '../session-driver.ts';
import { digestOf, type Link } from './link.ts';
import { Listening } from './listening.ts';
import { redisSession } from './sessions.ts';

/** How long an answer may take, in ms. */
const PATIENCE = 10_000;
/** Keys that Redis looks at in one step of a scan: enough to be quick, few enough to hold nobody up. */
const SCAN_STEP = 2_000;
/** How long a scan may take in all, in ms: a keyspace of a hundred million keys is not gone through. */
const SCAN_LIMIT = 30_000;

/** What would change the connection's own state, hold it up, or every other client: none of it is a look at keys. */
const NOT_HERE = new Set(
	`KEYS FLUSHALL FLUSHDB SHUTDOWN DEBUG MONITOR SYNC PSYNC AUTH HELLO QUIT RESET SELECT SWAPDB MULTI EXEC DISCARD WATCH UNWATCH
	SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE BLPOP BRPOP BLMOVE BLMPOP BRPOPLPUSH BZPOPMIN BZPOPMAX
	BZMPOP WAIT WAITAOF`.split(/\s+/),
);

export interface RedisKeyspaceOptions {
	/** Asked for at each connect; null: none was given. */
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly log: Log;
	/** How Warren's connections are called in Redis's own tools, which see its blanks as dashes. */
	readonly clientName: string;
	/** How long an answer may take, in ms; 10 s by default. */
	readonly patience?: number;
}

/** Makes a keyspace; `connect` starts it. */
export function createRedisKeyspace(address: RedisAddress, options: RedisKeyspaceOptions): Keyspace {
	return new RedisKeyspace(address, options);
}

class RedisKeyspace extends SessionDriver<Link> implements Keyspace {
	readonly #clock: Clock;
	readonly #patience: number;
	readonly #hearing: Session<Link>;
	readonly #watching: Session<Link>;
	readonly #listening: Listening;
	/** Changes under WATCH one after the other, since they share a connection. */
	#queue: Promise<unknown> = Promise.resolve();

	constructor(address: RedisAddress, options: RedisKeyspaceOptions) {
		const { clock, log, patience = PATIENCE } = options;
		super(redisSession({ ...options, address, patience }, ''), 'Redis');
		this.#clock = clock;
		this.#patience = patience;
		this.#hearing = redisSession({ ...options, address, patience }, ', listening');
		this.#watching = redisSession({ ...options, address, patience }, ', watching');
		this.#listening = new Listening(this.#hearing, log);
	}

	override connect(): void {
		super.connect();
		if (this.#listening.size > 0) this.#hearing.connect();
	}

	async call(...command: KeyCommand): Promise<Result<KeyReply>> {
		const wrong = outOfPlace([command]);
		if (wrong !== null) return wrong;
		const link = await this.#link();
		return link.ok ? link.value.call(command) : link;
	}

	async bytes(...command: KeyCommand): Promise<Result<Uint8Array | null>> {
		const wrong = outOfPlace([command]);
		if (wrong !== null) return wrong;
		const link = await this.#link();
		if (!link.ok) return link;
		const answer = await link.value.bytes(command);
		if (!answer.ok) return answer;
		return answer.value === null || answer.value instanceof Uint8Array
			? ok(answer.value)
			: fail('invalid-input', `${command[0]} answers with something else than a text.`);
	}

	async pipeline(commands: readonly KeyCommand[]): Promise<Result<readonly Result<KeyReply>[]>> {
		const wrong = outOfPlace(commands);
		if (wrong !== null) return wrong;
		if (commands.length === 0) return ok([]);
		const link = await this.#link();
		return link.ok ? link.value.pipeline(commands) : link;
	}

	async transaction(
		commands: readonly KeyCommand[],
		guard?: Parameters<Keyspace['transaction']>[1],
	): Promise<Result<readonly KeyReply[] | null>> {
		const wrong = outOfPlace(commands);
		if (wrong !== null) return wrong;
		if (guard !== undefined) {
			const turn = this.#queue.then(() => this.#guarded(commands, guard));
			this.#queue = turn.catch(() => undefined);
			return turn;
		}
		const link = await this.#link();
		return link.ok ? link.value.multi(commands) : link;
	}

	async script(
		script: KeyScript,
		keys: readonly string[],
		args: readonly (string | number)[],
	): Promise<Result<KeyReply>> {
		const link = await this.#link();
		if (!link.ok) return link;
		const known = await link.value.call(['EVALSHA', digestOf(script.lua), keys.length, ...keys, ...args]);
		if (known.ok || known.error.details?.reply !== 'NOSCRIPT') return known;
		return link.value.call(['EVAL', script.lua, keys.length, ...keys, ...args]);
	}

	async scan(
		pattern: string,
		most: number,
	): Promise<Result<{ readonly keys: readonly string[]; readonly complete: boolean }>> {
		const link = await this.#link();
		if (!link.ok) return link;
		const keys = new Set<string>();
		const end = this.#clock.monotonic() + SCAN_LIMIT;
		let cursor = '0';
		do {
			const step = await link.value.call(['SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_STEP]);
			if (!step.ok) return step;
			const [next, found] = step.value as readonly [string, readonly string[]];
			// A key may come twice.
			for (const key of found) keys.add(key);
			cursor = next;
			if (keys.size > most || (cursor !== '0' && this.#clock.monotonic() > end)) {
				return ok({ keys: [...keys].slice(0, most), complete: false });
			}
		} while (cursor !== '0');
		return ok({ keys: [...keys], complete: true });
	}

	subscribe(channel: string, hear: (text: string) => void, onGap: () => void): Disposable {
		const subscription = this.#listening.add(channel, { hear, onGap });
		if (this.idle() === null) this.#hearing.connect();
		return subscription;
	}

	protected override async close(): Promise<void> {
		this.#listening[Symbol.dispose]();
		await Promise.all([this.main, this.#hearing, this.#watching].map((session) => session[Symbol.asyncDispose]()));
	}

	async #guarded(
		commands: readonly KeyCommand[],
		guard: NonNullable<Parameters<Keyspace['transaction']>[1]>,
	): Promise<Result<readonly KeyReply[] | null>> {
		const idle = this.idle();
		if (idle !== null) return idle;
		this.#watching.connect();
		const ready = await this.#watching.ready(this.#patience);
		if (!ready.ok) return ready;
		const link = ready.value;
		const watched = await link.call(['WATCH', ...guard.watch]);
		if (!watched.ok) return watched;
		let done = false;
		try {
			const yes = await guard.check(async (...command) => outOfPlace([command]) ?? link.call(command));
			if (!yes.ok) return yes;
			if (!yes.value) return ok(null);
			done = true;
			// On the same link, so after WATCH, or not at all.
			return await link.multi(commands);
		} finally {
			if (!done && link.alive()) await link.call(['UNWATCH']);
		}
	}

	/** The connection; waits for it only while it is opened for the first time. */
	async #link(): Promise<Result<Link>> {
		if (this.state().kind === 'connecting') await this.#tried();
		return this.link(0);
	}

	/** Resolves when the first attempt has come to something, whatever that is. */
	#tried(): Promise<void> {
		return new Promise((resolve) => {
			const watch = this.onState(() => {
				watch[Symbol.dispose]();
				resolve();
			});
		});
	}
}

function outOfPlace(commands: readonly KeyCommand[]): ReturnType<typeof fail> | null {
	const found = commands.find(([command]) => NOT_HERE.has(command.toUpperCase()));
	return found === undefined ? null : fail('unsupported', `Warren does not run ${found[0].toUpperCase()} in Redis.`);
}
