/** What follows from the end of a run: another try by rule, or quarantine. */
import type { Clock } from '#main/domain/clock.ts';
import type { RetryRule } from '#main/domain/consumer.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { QuarantineCause } from '#main/domain/quarantine.ts';
import type { AttemptOutcome, HistoryOp, StartedFacts } from '#main/domain/task.ts';
import type { Flight } from './flight.ts';
import { ownLine } from './outcome.ts';
import { retryDelay } from './retry-rules.ts';

export interface RetryWays {
	readonly clock: Clock;
	readonly newRun: () => string;
	/** A random number from 0 to 1. */
	readonly chance: () => number;
}

/** The outcome, or a retry in its place where a rule says so, with a line about it. */
export async function withRetry(
	flight: Flight,
	outcome: AttemptOutcome,
	rules: readonly RetryRule[],
	started: Promise<StartedFacts | null>,
	{ clock, newRun, chance }: RetryWays,
): Promise<AttemptOutcome> {
	if (outcome.state !== 'failed' || rules.length === 0) return outcome;
	const tries = (await started)?.tries ?? 0;
	const delay = retryDelay(rules, outcome.exception, tries, chance());
	if (delay === null) return outcome;
	const retry = { messageId: newRun(), dueAt: Math.round(clock.now() + delay), tries: tries + 1 };
	const text = `It failed and will be tried again in ${delay} ms (retry ${retry.tries}).`;
	flight.add([ownLine(clock.now(), 'warning', text)]);
	return { ...outcome, state: 'retrying', retry };
}

/** The fact that a message waits for a person's decision. */
export function setAside(
	flight: Flight,
	profile: ProfileId,
	at: number,
	cause: QuarantineCause,
	reason?: string,
): HistoryOp {
	const { decoded } = flight.held;
	const words = decoded.kind === 'fault' ? decoded.fault.reason : `No task here is named "${decoded.task.name}".`;
	return {
		kind: 'quarantined',
		profile,
		at,
		run: flight.run,
		cause,
		reason: reason ?? words,
		name: decoded.kind === 'task' ? decoded.task.name : decoded.fault.name,
		messageId: flight.message.properties.messageId ?? null,
		message: flight.message,
	};
}
