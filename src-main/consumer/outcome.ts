/** What a flight is as a job, and what a job's end means for its attempt. Pure. */
import { assertNever } from '#main/domain/result.ts';
import type { Attempt, AttemptOutcome, DecodedTask, LogLine, TaskState } from '#main/domain/task.ts';
import type { Flight } from './flight.ts';
import type { Job, KillReason, SlotEnd } from './runner.ts';

/** The job of a flight, for a runner. `origin`: the task's first message, where this is a later attempt. */
export function jobOf(flight: Flight, task: DecodedTask, attempt: number, origin: string | null): Job {
	const { run, held } = flight;
	const { name, argsJson, kwargsJson } = task;
	return { run, name, messageId: held.key, origin, attempt, queue: held.queue, argsJson, kwargsJson };
}

/** The outcome of a job that came to an end in its runner. */
export function outcomeOf(end: Exclude<SlotEnd, { readonly kind: 'unavailable' }>): AttemptOutcome {
	switch (end.kind) {
		case 'returned':
			return { state: 'succeeded', result: end.result };
		case 'raised':
		case 'not-found':
			return { state: 'failed', exception: end.exception, traceback: end.traceback };
		case 'killed':
			return outcomeOfKill(end.why);
		case 'died':
			return { state: 'failed', exception: { type: 'WorkerLost', message: describeDeath(end) }, traceback: null };
		default:
			return assertNever(end);
	}
}

function outcomeOfKill(why: KillReason): AttemptOutcome {
	switch (why.kind) {
		case 'time': {
			const message = `It ran longer than its limit of ${why.limitMs} ms, so its process was killed.`;
			return { state: 'failed', exception: { type: 'TimeLimitExceeded', message }, traceback: null };
		}
		case 'memory': {
			const message = `Its process and what it had started used ${why.usedMb} MiB, over the limit of ${why.limitMb} MiB, and were killed.`;
			return { state: 'failed', exception: { type: 'MemoryLimitExceeded', message }, traceback: null };
		}
		case 'revoked': {
			const message = `Cancelled by ${why.by} at ${new Date(why.at).toISOString()}, while it ran.`;
			return { state: 'revoked', exception: { type: 'TaskRevoked', message }, traceback: null };
		}
		case 'hung': {
			const message = `Its process gave no sign of life for ${why.afterMs} ms and was killed.`;
			return { state: 'failed', exception: { type: 'WorkerLost', message }, traceback: null };
		}
		default:
			return assertNever(why);
	}
}

const SIGNAL_WORDS: Readonly<Record<string, string>> = {
	SIGKILL: ' (killed from outside; often by the system because memory ran out)',
	SIGSEGV: ' (a crash inside native code)',
	SIGABRT: ' (native code gave up)',
	SIGTERM: ' (asked to end from outside)',
};

function describeDeath(end: Extract<SlotEnd, { readonly kind: 'died' }>): string {
	const how =
		end.signal === null
			? `ended with exit code ${end.exitCode ?? 'unknown'}`
			: `was ended by ${end.signal}${SIGNAL_WORDS[end.signal] ?? ''}`;
	const words = end.lastWords === '' ? '' : ` Its last words:\n${end.lastWords.slice(-2000)}`;
	return `The process that ran this task ${how}.${words}`;
}

/** Whether a message that ended so needs no further run when the broker hands it out again. */
export function isSettled(state: TaskState | null): state is Settled {
	return state !== null && state !== 'queued' && state !== 'running' && state !== 'lost';
}

type Settled = Exclude<TaskState, 'queued' | 'running' | 'lost'>;

/** Said in the log of a first attempt whose message the broker had handed out before. */
export const HANDED_OUT_BEFORE =
	'The broker had handed this message out before, and nothing is known of that: whoever had it may have begun to run it.';

/** Said in the log of an attempt that was not run, because the message had come to an end before. */
export function repeatWords(state: Settled, ask: boolean): string {
	const ended = state === 'retrying' ? 'failed, and its retry is planned' : state;
	const then = ask ? 'it waits in quarantine until somebody decides' : 'it was not run a second time';
	return `The broker handed this message out again, because its acknowledgement was lost. It had already ${ended}, so ${then}.`;
}

/**
 * The outcome of a delivery that was not run because the same message had ended before: the earlier one again, so that the
 * task keeps its true state, result and exception.
 */
export function repeatedOutcome(state: Settled, earlier: Attempt | null): AttemptOutcome {
	if (state === 'succeeded') return { state, result: earlier?.result ?? null };
	const more = state === 'retrying' ? { state, retry: { messageId: '', dueAt: 0, tries: 0 } } : { state };
	return {
		...more,
		exception: earlier?.exception ?? {
			type: 'Exception',
			message: 'The exception of the earlier attempt is not known.',
		},
		traceback: earlier?.traceback ?? null,
	};
}

/** A line of Warren's own in a task's log. */
export function ownLine(at: number, level: LogLine['level'], text: string): LogLine {
	return { at, level, source: 'warren', logger: null, text };
}
