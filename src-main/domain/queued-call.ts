/** A call that waits in a list of django-q's, as its packet says it. */
import type { CallArguments, Value } from './value.ts';

export interface QueuedCall {
	/** 32 hex digits, key of the result. */
	readonly id: string;
	/** Words made of the id, or a name that was given. */
	readonly name: string;
	/** Dotted path; of other callables, what could be shown. */
	readonly func: string;
	/** Null: they are not what can be passed to a function. */
	readonly arguments: CallArguments | null;
	/** When it was enqueued, epoch ms. */
	readonly enqueuedAt: number;
	readonly group: string | null;
	readonly hook: string | null;
	/** Seconds; -1: none. Null: the cluster's own. */
	readonly timeout: number | null;
	/** Queue that it was sent to by name; null: the default one. */
	readonly cluster: string | null;
	/** Calls that follow it. */
	readonly chained: number;
	/** Those calls as django-q writes them, a list of tuples; null: none. */
	readonly chain: Value | null;
	/** All else that the packet holds, by name. */
	readonly options: readonly (readonly [string, Value])[];
}
