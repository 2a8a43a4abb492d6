/** One run of a command against an engine: how it calls, asks, prints and ends. */
import type { Failure } from '#main/domain/result.ts';
import { EXIT, exitCodeOf, type WireError } from '#main/ipc/codes.ts';
import type { CallerInput, CallName, Item, Output, StreamName } from '#main/ipc/contract.ts';
import type { CallContext, Sink } from '#main/ipc/handlers.ts';
import type { Host } from '../host.ts';
import type { Io } from './io.ts';
import type { Globals } from './parse.ts';
import { queryMistake } from './query-mistake.ts';
import { harmless, paint, type Style } from './text.ts';

/** A failure that ends the command, with its exit code. */
export class CommandError extends Error {
	readonly error: Failure | WireError;

	constructor(error: Failure | WireError) {
		super(error.message);
		this.error = error;
	}
}

export class Session {
	readonly io: Io;
	readonly globals: Globals;
	readonly host: Host;
	readonly style: Style;
	/** Aborted by Ctrl+C, unless a command takes that over. */
	readonly signal: AbortSignal;

	constructor(io: Io, globals: Globals, host: Host, style: Style, signal: AbortSignal) {
		this.io = io;
		this.globals = globals;
		this.host = host;
		this.style = style;
		this.signal = signal;
	}

	/** Calls a route; throws a `CommandError` for what goes wrong. */
	async call<R extends CallName>(route: R, input: CallerInput<R>, confirm?: string): Promise<Output<R>> {
		const answer = await this.host.engine.router.call(route, input, this.context(), confirm);
		if (!answer.ok) throw new CommandError(answer.error);
		return answer.data as Output<R>;
	}

	/** Opens a stream; throws a `CommandError` when it is refused. */
	async open<S extends StreamName>(stream: S, input: CallerInput<S>, sink: Sink<Item<S>>): Promise<Disposable> {
		const answer = await this.host.engine.router.open(stream, input, sink as Sink<unknown>, this.context());
		if (!answer.ok) throw new CommandError(answer.error);
		return answer.value;
	}

	context(): CallContext {
		return { host: 'cli', actor: this.host.actor, signal: this.signal };
	}

	/** One JSON document or line. */
	json(value: unknown): void {
		this.io.stdout.write(`${JSON.stringify(value)}\n`);
	}

	/** The answer for a person. */
	say(text: string): void {
		if (!this.globals.json) this.io.stdout.write(`${text}\n`);
	}

	/** Progress and remarks; never part of the answer. */
	note(text: string): void {
		this.io.stderr.write(`${text}\n`);
	}

	/** The profile's name or id: as asked, else the last one used, else the sandbox. */
	async profile(): Promise<string> {
		const asked = this.globals.profile ?? (this.io.env.WARREN_PROFILE || undefined);
		if (asked !== undefined) return asked;
		const last = this.host.ports.settings.get().lastProfile;
		if (last === null) return 'sandbox';
		// It may have been removed since; that is no reason to fail a command that named none.
		const known = await this.host.engine.router.call('profile.show', { name: last }, this.context());
		return known.ok ? last : 'sandbox';
	}
}

/** Prints a failure where it belongs (with `--json` as the one document) and gives the exit code. */
export function reportFailure(io: Io, json: boolean, style: Style, error: Failure | WireError): number {
	if (json) io.stdout.write(`${JSON.stringify({ error })}\n`);
	else {
		const mistake = queryMistake(error, style);
		io.stderr.write(`${paint(style, 'red', 'warren:')} ${harmless(error.message)}\n`);
		if (mistake !== null) io.stderr.write(`${mistake}\n`);
	}
	return exitCodeOf(error.code);
}

/** The same for a command line that makes no sense. */
export function reportUsage(io: Io, json: boolean, style: Style, message: string): number {
	reportFailure(io, json, style, { code: 'invalid-input', message, retryable: false });
	return EXIT.usage;
}
