/**
 * Keys in a Redis server, as far as Warren's books need them. Like a driver it owns a connection that comes back with back-off for
 * ever. Failures say by `details.sent` whether it may have been carried out: `unreachable` while it is away (false) or when it was
 * lost before the answer (true), `timeout` without an answer in time (true), `refused` with the server's words (false; its first
 * word, as `WRONGTYPE`, is `details.reply`). A call waits for the connection only while it is opened for the first time.
 * Commands that are about the connection itself, block it or run through all keys (`KEYS`) are `unsupported`.
 */
import type { ConnectionState } from '#main/domain/profile.ts';
import type { Result } from '#main/domain/result.ts';

/** Text in a glob, standing for itself: names may hold what globs mean something by. */
export function inGlob(text: string): string {
	return text.replaceAll(/[*?[\]\\]/g, '\\$&');
}

/** A command with its arguments, as Redis takes it. */
export type KeyCommand = readonly [command: string, ...args: readonly (string | number)[]];

/** What Redis answers; errors inside an answer become failures. Numbers are integers, bulk strings are UTF-8 text. */
export type KeyReply = string | number | null | readonly KeyReply[];

/** A Lua script, sent whole once per server and by its digest afterwards. */
export interface KeyScript {
	/** For the log. */
	readonly name: string;
	readonly lua: string;
}

export interface Keyspace extends AsyncDisposable {
	/** Starts connecting, once; resolves at once. */
	connect(): void;
	state(): ConnectionState;
	onState(listener: (state: ConnectionState) => void): Disposable;
	/** Resolves when connected, or with the reason when `deadlineMs` passes or the server refuses. */
	ready(deadlineMs: number): Promise<Result<void>>;
	call(...command: KeyCommand): Promise<Result<KeyReply>>;
	/** One bulk string as the bytes it is, null where there is none. For what need not be text. */
	bytes(...command: KeyCommand): Promise<Result<Uint8Array | null>>;
	/** Commands in one round trip, one after the other, each with its own answer; not atomic. Fails as a whole when the connection went. */
	pipeline(commands: readonly KeyCommand[]): Promise<Result<readonly Result<KeyReply>[]>>;
	/**
	 * Commands in one MULTI: all or none. `watch`: keys that must not have changed since they were read by `check` (which runs
	 * after WATCH on a connection of its own, and says false to give up); null: they changed, or `check` gave up, and nothing was done.
	 * Redis undoes nothing: a command that fails for the kind of its key (`WRONGTYPE`) leaves the others done, `details.sent` true.
	 */
	transaction(
		commands: readonly KeyCommand[],
		guard?: {
			readonly watch: readonly string[];
			readonly check: (read: (...command: KeyCommand) => Promise<Result<KeyReply>>) => Promise<Result<boolean>>;
		},
	): Promise<Result<readonly KeyReply[] | null>>;
	script(script: KeyScript, keys: readonly string[], args: readonly (string | number)[]): Promise<Result<KeyReply>>;
	/** All keys that match a glob, by SCAN, at most `most` of them; `complete` is false when there are more. */
	scan(
		pattern: string,
		most: number,
	): Promise<Result<{ readonly keys: readonly string[]; readonly complete: boolean }>>;
	/** Messages of a channel, also after reconnects. `onGap`: from now on, and some may have been missed; the first time too. */
	subscribe(channel: string, hear: (text: string) => void, onGap: () => void): Disposable;
}
