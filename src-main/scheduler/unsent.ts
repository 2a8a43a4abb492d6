/**
 * Claims of this process that were surely not sent, each by its attempt. The ledger only says that such a run was claimed, which anybody
 * else has to take for one that may have been published; whoever claimed it knows better, also after the right was lost and came back.
 */
import type { ScheduleRun } from '#main/domain/schedule.ts';

/** What is forgotten is judged as any claim of which nobody knows anything: nothing is published twice for it. */
const MOST_KEPT = 10_000;

export class Unsent {
	/** The longest known first. */
	readonly #attempts = new Set<string>();

	/** Notes an attempt, as it stands in the ledger or may stand there. */
	note(run: ScheduleRun): void {
		this.#attempts.add(attemptOf(run));
		for (const oldest of this.#attempts) {
			if (this.#attempts.size <= MOST_KEPT) break;
			this.#attempts.delete(oldest);
		}
	}

	/** It is about to be sent after all: one of the same moment may have been noted before. */
	forget(run: ScheduleRun): void {
		this.#attempts.delete(attemptOf(run));
	}

	has(run: ScheduleRun): boolean {
		return this.#attempts.has(attemptOf(run));
	}
}

function attemptOf({ key, dueAt, tries, updatedAt }: ScheduleRun): string {
	return `${dueAt} ${tries} ${updatedAt} ${key}`;
}
