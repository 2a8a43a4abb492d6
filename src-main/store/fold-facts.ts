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

/**
 * The ends of runs that begin among the same operations, by run: of those whose end can be written with their beginning, since
 * nothing else here is about their message and no retry is to be planned.
 */
export function endingsWithin(ops: readonly HistoryOp[]): ReadonlyMap<string, Op<'finished'>> {
	const begun = new Map<string, Op<'started'>>();
	const keys = new Map<string, number>();
	const endings = new Map<string, Op<'finished'>>();
	for (const op of ops) {
		const key = op.kind === 'started' || op.kind === 'waiting' ? op.key : null;
		if (key !== null) keys.set(key, (keys.get(key) ?? 0) + 1);
		if (op.kind === 'started') begun.set(op.run, op);
		else if (op.kind === 'published' || op.kind === 'unpublished') return new Map();
		else if (op.kind === 'finished' && op.repeat !== true && op.outcome.state !== 'retrying') {
			const { profile } = begun.get(op.run) ?? {};
			if (profile === op.profile && !endings.has(op.run)) endings.set(op.run, op);
		}
	}
	for (const [run, op] of begun) if (keys.get(op.key) !== 1) endings.delete(run);
	return endings;
}

type Op<K extends HistoryOp['kind']> = Extract<HistoryOp, { kind: K }>;

/** The end of an attempt that nobody will tell about any more. */
export function lostEnding(at: number, words: string): Ending {
	return endingOf({ state: 'lost', exception: { type: 'WorkerLost', message: words }, traceback: null }, at, null);
}

/** A key for a message of ours without an id: the same for the same fact. */
export function ownKey(op: Extract<HistoryOp, { kind: 'published' }>): string {
	const said = JSON.stringify([op.at, op.queue, op.task.name, op.task.argsJson, op.task.kwargsJson]);
	return `warren-${createHash('sha256').update(said).digest('hex').slice(0, 32)}`;
}
