/** Small decisions of the fold. */
import { createHash } from 'node:crypto';
import type { HistoryOp, TaskState } from '#main/domain/task.ts';
import type { AttemptHead, Ending } from './attempts.ts';
import { STATE_CODES, stateName } from './codes.ts';
import { endingOf } from './content.ts';

const { queued: QUEUED, running: RUNNING, succeeded: SUCCEEDED } = STATE_CODES;

/** Success of any earlier attempt of the message, else how the last one ended; what still runs when handed out again is lost. */
export function earlierOutcome(earlier: readonly Pick<AttemptHead, 'state'>[]): TaskState | null {
	if (earlier.some((attempt) => attempt.state === SUCCEEDED)) return 'succeeded';
	const last = earlier.findLast((attempt) => attempt.state !== QUEUED);
	if (last === undefined) return null;
	return last.state === RUNNING ? 'lost' : stateName(last.state);
}

/** The end of an attempt that nobody will tell about any more. */
export function lostEnding(at: number, words: string): Ending {
	return endingOf({ state: 'lost', exception: { type: 'WorkerLost', message: words }, traceback: null }, at, null);
}

/** A key for a message of ours without an id: the same for the same fact. */
export function ownKey(op: Extract<HistoryOp, { kind: 'published' }>): string {
	const said = JSON.stringify([op.at, op.queue, op.task.name, op.task.argsJson, op.task.kwargsJson]);
	return `warren-${createHash('sha256').update(said).digest('hex').slice(0, 32)}`;
}
