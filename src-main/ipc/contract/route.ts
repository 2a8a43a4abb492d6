/** How a route is declared. A route is data: the router, the command line's help and the page's types all read it. */
import type * as z from 'zod';

declare const carried: unique symbol;
/** Carries a type without a value: what goes down the wire is ours, so it is typed, not parsed. */
export interface Carries<T> {
	readonly [carried]?: T;
}

/** Declares what a route answers with. */
export function returns<T>(): Carries<T> {
	return {};
}

/**
 * What a route touches. `deployment`: its input names a `profile`, whose read-only switch and environment guard it.
 * `console`: Warren's own things only (profiles, settings, local records).
 */
export type Scope = 'deployment' | 'console';

/** How the command line spells a route; without it, `noun.verb` is `warren noun verb` and every field is a flag. */
export interface CliHints {
	/** Fields given by position, in order; a name ending in `…` takes all the rest. */
	readonly positional?: readonly string[];
	/** True: the command line has a command of its own for it, or it makes no sense there (says which in `why`). */
	readonly hidden?: string;
}

interface Common<I extends z.ZodType> {
	readonly scope: Scope;
	/** One sentence: the command line's help and the palette show it. */
	readonly summary: string;
	/** One strict object. */
	readonly input: I;
	readonly cli?: CliHints;
}

/** Changes nothing; may be repeated. */
export interface QueryRoute<I extends z.ZodType, O> extends Common<I> {
	readonly kind: 'query';
	readonly output: Carries<O>;
}

/** Changes something; never retried by machinery. `destroy` asks for the profile's name on production. */
export interface CommandRoute<I extends z.ZodType, O> extends Common<I> {
	readonly kind: 'command';
	readonly needs: 'write' | 'destroy';
	/** Where only some inputs destroy: whether this one does, and then it is guarded as `destroy` is. */
	readonly destroys?: (input: Readonly<Record<string, unknown>>) => boolean;
	readonly output: Carries<O>;
}

/**
 * A snapshot, then changes. `latest`: items have a key and the newest wins. `append`: items follow one another, and a reader
 * that is too slow loses the oldest, which is counted.
 */
export interface StreamRoute<I extends z.ZodType, Item> extends Common<I> {
	readonly kind: 'stream';
	readonly fold: 'latest' | 'append';
	readonly item: Carries<Item>;
}

export function query<I extends z.ZodType, O>(route: Omit<QueryRoute<I, O>, 'kind'>): QueryRoute<I, O> {
	return { kind: 'query', ...route };
}
export function command<I extends z.ZodType, O>(route: Omit<CommandRoute<I, O>, 'kind'>): CommandRoute<I, O> {
	return { kind: 'command', ...route };
}
export function stream<I extends z.ZodType, Item>(route: Omit<StreamRoute<I, Item>, 'kind'>): StreamRoute<I, Item> {
	return { kind: 'stream', ...route };
}

/** What a command with this (parsed) input needs. */
export function needsOf(
	route: { readonly needs: 'write' | 'destroy'; readonly destroys?: CommandRoute<z.ZodType, unknown>['destroys'] },
	input: Readonly<Record<string, unknown>>,
): 'write' | 'destroy' {
	return route.destroys?.(input) === true ? 'destroy' : route.needs;
}
