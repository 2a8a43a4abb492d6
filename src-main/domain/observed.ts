/** What others tell of a task that Warren does not run itself: single facts, each from one event, in any order and more than once. */
import type { CallArguments } from './value.ts';

/** What a fact tells. `custom`: an event of the application's own, which ends and begins nothing. */
export type FactKind =
	| 'sent'
	| 'received'
	| 'started'
	| 'succeeded'
	| 'failed'
	| 'retried'
	| 'rejected'
	| 'revoked'
	| 'custom';

/** What begins the type of a fact that was read from a task's result rather than told by an event. */
export const FROM_RESULT = 'result-';

/** What begins the type of a fact that a worker answered when it was asked what it holds. */
export const FROM_WORKER = 'inspect-';

/** Who a fact from a result is from, where the result does not name its worker. */
export const NO_WORKER = '(result backend)';

/** One fact about a task. Two facts that are equal in kind, type, time, node, process, clock and retries are the same fact. */
export interface TaskFact {
	readonly kind: FactKind;
	/** The event's own name, e.g. `task-received`. */
	readonly type: string;
	/** Epoch ms by the sender's clock, with fractions. */
	readonly at: number;
	/** Node that told it. */
	readonly host: string;
	readonly pid: number | null;
	/** The sender's logical clock; comparable within one process only. */
	readonly clock: number | null;
	/** sent, received: how many retries led to this message. */
	readonly retries?: number;
	readonly eta?: string;
	readonly expires?: string;
	/** sent: the only fact that names the queue. */
	readonly queue?: string;
	readonly exchange?: string;
	readonly routingKey?: string;
	/** succeeded: what was returned, in Python's notation, perhaps cut by the sender. */
	readonly result?: string;
	/** The same as JSON text with every digit, where it is from a result that is kept as such; then `result` is left out. */
	readonly resultJson?: string;
	readonly runtimeMs?: number;
	/** failed, retried. */
	readonly exception?: { readonly type: string; readonly message: string };
	readonly traceback?: string;
	/** rejected. */
	readonly requeue?: boolean;
	/** revoked. */
	readonly terminated?: boolean;
	readonly expired?: boolean;
	readonly signal?: string;
	/** When it was read, epoch ms, where it is no event but the task's result or a worker's answer. */
	readonly readAt?: number;
	/** All further fields as JSON text, digits as they came. */
	readonly more?: string;
}

/** What a task was called with, as far as facts tell. */
export interface ObservedCall {
	/** Null: not told. */
	readonly name: string | null;
	/** As the sender printed them, perhaps cut; null: not told. */
	readonly argsText: string | null;
	readonly kwargsText: string | null;
	/** The same as values, where they were printed whole and could be read. */
	readonly call: CallArguments | null;
	/** JSON text of `call`'s two parts, where JSON can hold them. */
	readonly argsJson: string | null;
	readonly kwargsJson: string | null;
	readonly rootId: string | null;
	readonly parentId: string | null;
	/** Only results and messages tell. */
	readonly groupId?: string | null;
	/** Of the fact it was told by; the least of several is kept, so that their order does not matter. */
	readonly retries: number;
	readonly at: number;
}

/** Where a task stands among others. */
export interface TaskLineage {
	readonly rootId: string | null;
	readonly parentId: string | null;
	/** Its group or chord; absent: not told (events never tell). */
	readonly groupId?: string | null;
}

/** What makes two facts the same fact. */
export function factKey(fact: TaskFact): string {
	return `${fact.type} ${fact.at} ${fact.host} ${fact.pid} ${fact.clock} ${fact.retries ?? ''}`;
}

/** Facts by time; equal times by what else tells them apart, so that every order of arrival gives the same. */
export function byTime(a: TaskFact, b: TaskFact): number {
	if (a.at !== b.at) return a.at - b.at;
	if (a.pid === b.pid && a.host === b.host && a.clock !== b.clock) return (a.clock ?? 0) - (b.clock ?? 0);
	const [one, other] = [factKey(a), factKey(b)];
	return one < other ? -1 : one > other ? 1 : 0;
}
