/**
 * Expected outcomes are values. A `Result` carries either what was asked for or a `Failure` that a person can act on;
 * exceptions are left for defects, and are caught only in the router, in the per-message guard and at the top of a process.
 */

/** Why something could not be done: the closed list that every layer shares and that the wire carries. */
export const FAILURE_CODES = [
	'invalid-input', // the caller's words do not parse or do not fit together
	'not-found', // no such profile, task, queue …
	'conflict', // the world moved on: a name is taken, a review is stale, the item changed
	'read-only', // the profile refuses changes
	'not-confirmed', // a destructive act on a guarded profile lacked its confirmation
	'unreachable', // the broker or monitor does not answer
	'refused', // it answered, and said no (login, permission, 406 …)
	'timeout', // the deadline passed without an answer
	'unsupported', // this broker or framework cannot do it
	'unroutable', // published, but no queue would take the message
	'undecodable', // bytes that the dialect cannot read
	'too-large', // over a cap that protects the reader
	'cancelled', // stopped by a person
	'gone', // the thing existed in an earlier connection or process
	'busy', // held by another process under a lease
	'internal', // a defect of Warren's own
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

/** What went wrong, in words for a person: what happened, and what to do next. */
export interface Failure {
	readonly code: FailureCode;
	/** One or two sentences. Never holds a secret. */
	readonly message: string;
	/** Whether the same call may succeed later without anybody changing anything. */
	readonly retryable: boolean;
	/** Facts for programs (field names, positions, counts). JSON-safe. */
	readonly details?: Readonly<Record<string, unknown>>;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure };

/** Wraps a value as a success. */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
	return { ok: true, value };
}

/** Wraps a failure; `retryable` defaults to what the code implies. */
export function fail(
	code: FailureCode,
	message: string,
	more: { readonly retryable?: boolean; readonly details?: Readonly<Record<string, unknown>> } = {},
): { readonly ok: false; readonly error: Failure } {
	const retryable = more.retryable ?? (code === 'unreachable' || code === 'timeout' || code === 'busy');
	return {
		ok: false,
		error:
			more.details === undefined ? { code, message, retryable } : { code, message, retryable, details: more.details },
	};
}

/** Closes a switch over a union: compiles only when every member was handled. */
export function assertNever(value: never): never {
	throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
}
