/** How a run that others told of ended, in columns. */
import type { AttemptOutcome } from '#main/domain/task.ts';
import type { Ending } from './attempts.ts';
import { STATE_CODES } from './codes.ts';
import { endingOf } from './content.ts';
import type { ObservedRun } from './observed-runs.ts';

/** The type that Celery itself writes for a revoked task's result. */
const REVOKED = 'TaskRevokedError';

/** Null: it is not over. */
export function endingOfRun(run: ObservedRun): Ending | null {
	const fact = run.ending;
	if (fact === null) return null;
	const runtime = fact.runtimeMs ?? (run.started === null ? null : Math.max(0, fact.at - run.started.at));
	const ending = endingOf(outcomeOf(run, fact), fact.at, runtime);
	// Whoever rejects a message raises nothing that an event would tell.
	if (fact.kind === 'rejected') return { ...ending, exception_type: null, exception_message: null };
	return fact.kind === 'retried' ? { ...ending, state: STATE_CODES.retrying } : ending;
}

function outcomeOf(run: ObservedRun, fact: NonNullable<ObservedRun['ending']>): AttemptOutcome {
	switch (fact.kind) {
		case 'succeeded':
			return {
				state: 'succeeded',
				result:
					fact.resultJson !== undefined
						? { kind: 'json', text: fact.resultJson }
						: fact.result === undefined
							? null
							: { kind: 'text', text: fact.result, type: '' },
			};
		case 'revoked':
			return { state: 'revoked', exception: { type: REVOKED, message: revokedWords(fact) }, traceback: null };
		case 'rejected':
			return { state: 'rejected', exception: { type: '', message: '' }, traceback: null };
		default:
			return {
				state: 'failed',
				exception: fact.exception ?? {
					type: 'Unknown',
					message: `It ended as ${run.state}, and nothing more was told.`,
				},
				traceback: fact.traceback ?? null,
			};
	}
}

function revokedWords(fact: NonNullable<ObservedRun['ending']>): string {
	if (fact.expired === true) return 'expired';
	if (fact.terminated !== true) return 'revoked';
	return fact.signal === undefined ? 'terminated' : `terminated (signal ${fact.signal})`;
}
