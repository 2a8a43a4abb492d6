/** The closed list of error codes and the numbers that hosts make of them. Free of zod, so that the page may import it. */
import type { FailureCode } from '#main/domain/result.ts';

/** An error as it crosses the wire: `ref` names the line in Warren's log that has the rest. */
export interface WireError {
	readonly code: FailureCode;
	readonly message: string;
	readonly retryable: boolean;
	readonly details?: Readonly<Record<string, unknown>>;
	readonly ref: string;
}

/** The command line's exit codes. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, unreachable: 4 } as const;

const EXITS: Readonly<Record<FailureCode, number>> = {
	'invalid-input': EXIT.usage,
	'not-found': EXIT.failed,
	conflict: EXIT.failed,
	'read-only': EXIT.refused,
	'not-confirmed': EXIT.refused,
	unreachable: EXIT.unreachable,
	refused: EXIT.unreachable,
	timeout: EXIT.unreachable,
	unsupported: EXIT.failed,
	unroutable: EXIT.failed,
	undecodable: EXIT.failed,
	'too-large': EXIT.failed,
	cancelled: EXIT.failed,
	gone: EXIT.failed,
	busy: EXIT.failed,
	internal: EXIT.failed,
};

/** The exit code for a failure. */
export function exitCodeOf(code: FailureCode): number {
	return EXITS[code];
}
