/** What the engine gives the router: one handler per route, complete by types, and what the router guards with. */
import type { AuditEntry } from '#main/domain/audit.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Environment } from '#main/domain/profile.ts';
import type { Result } from '#main/domain/result.ts';
import type { CallName, HandlerInput, Item, Output, StreamName } from './contract.ts';

/** Who calls, and how to stop. */
export interface CallContext {
	readonly host: AuditEntry['host'];
	/** For the audit: the system's user name, and the window or address where that says more. */
	readonly actor: string;
	/** Aborted when the caller cancels or goes away. */
	readonly signal: AbortSignal;
}

/** Where a stream's source writes. It may be called at any rate: folding and credit are the machinery's business. */
export interface Sink<T> {
	/** Replaces all that was sent before; every stream starts with one. */
	snapshot(items: readonly T[]): void;
	/** Changes since: by key (`latest`) or one after another (`append`). */
	put(items: readonly T[]): void;
	/** Nothing more will come. */
	end(): void;
}

export type CallHandler<R extends CallName> = (
	input: HandlerInput<R>,
	context: CallContext,
) => Promise<Result<Output<R>>>;
export type StreamHandler<S extends StreamName> = (
	input: HandlerInput<S>,
	sink: Sink<Item<S>>,
	context: CallContext,
) => Promise<Result<Disposable>>;

export type CallHandlers = { readonly [R in CallName]: CallHandler<R> };
export type StreamHandlers = { readonly [S in StreamName]: StreamHandler<S> };

/** What the router must know of a profile before it lets a command through. */
export interface GuardedProfile {
	readonly id: ProfileId;
	readonly name: string;
	readonly environment: Environment;
	readonly readOnly: boolean;
}

export interface RouterPorts {
	readonly calls: CallHandlers;
	readonly streams: StreamHandlers;
	/** Finds a profile by name or id; `not-found` with a message that lists what there is. */
	profile(nameOrId: string): Promise<Result<GuardedProfile>>;
	audit(entry: AuditEntry): Promise<void>;
	/** Writes the stack of a defect to Warren's log under `ref`. */
	defect(ref: string, route: string, error: unknown): void;
	now(): number;
}

/** The engine as every host sees it. */
export interface Router {
	/** Parses, guards, audits, carries out. Never rejects. `confirm` is the profile's name as the person typed it. */
	call(
		route: string,
		input: unknown,
		context: CallContext,
		confirm?: string,
	): Promise<
		| { readonly ok: true; readonly data: unknown }
		| { readonly ok: false; readonly error: import('./codes.ts').WireError }
	>;
	/** Opens a stream into a sink; dispose to close. Never rejects. */
	open(
		stream: string,
		input: unknown,
		sink: Sink<unknown>,
		context: CallContext,
	): Promise<
		| { readonly ok: true; readonly value: Disposable }
		| { readonly ok: false; readonly error: import('./codes.ts').WireError }
	>;
}
