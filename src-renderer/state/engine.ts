/** The engine as the page's state sees it: calls and streams by the contract's names, whatever wire they cross. */
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput, CallName, Item, Output, StreamName } from '#main/ipc/contract.ts';

/** What a call came to. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: WireError };

/** Where a stream is read. After a reconnect a new snapshot comes; `end` comes at most once and is final. */
export interface StreamReader<T> {
	snapshot(items: readonly T[]): void;
	/** `lost`: how many appended items were dropped since the last frame because the page was too slow. */
	change(items: readonly T[], lost: number): void;
	/** The engine refused the stream or closed it. Null: it simply ended. */
	end(error: WireError | null): void;
}

export interface CallOptions {
	/** The profile's name as the person typed it, for destructive commands on production. */
	readonly confirm?: string;
	readonly signal?: AbortSignal;
}

/** Calls never reject: what goes wrong is an answer. Streams re-open by themselves after a reconnect. */
export interface Engine {
	call<R extends CallName>(route: R, input: CallerInput<R>, options?: CallOptions): Promise<Answer<Output<R>>>;
	open<S extends StreamName>(stream: S, input: CallerInput<S>, reader: StreamReader<Item<S>>): Disposable;
}

/** Something being read: not yet, read, or refused. An old value may stay beside an error. */
export type Loaded<T> =
	| { readonly kind: 'loading' }
	| { readonly kind: 'ready'; readonly value: T }
	| { readonly kind: 'failed'; readonly error: WireError };

export const LOADING: { readonly kind: 'loading' } = { kind: 'loading' };

/** Turns an answer into something to show. */
export function loaded<T>(answer: Answer<T>): Loaded<T> {
	return answer.ok ? { kind: 'ready', value: answer.value } : { kind: 'failed', error: answer.error };
}
