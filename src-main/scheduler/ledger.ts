/** What makes "never twice" true: who may run a book's schedules, and which due times somebody has taken on. */
import type { Result } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';

/** The right to run a book's schedules, until it is not renewed in time. */
export interface Hold {
	/** `host:pid:…`. */
	readonly holder: string;
	/** Rises with every new holder: what an earlier one still does is told by it, and refused. */
	readonly fence: number;
}

/**
 * The ledger of one book. A due time is claimed before its message is published and settled after the broker has confirmed it, so a due
 * time has one claim whoever asks; a claim whose holder died is found by `open` and judged, never simply repeated.
 */
export interface RunLedger {
	/** Takes or renews the right. `busy` (`details.holder`, `details.until`) while somebody else has it. */
	hold(holder: string, ttlMs: number): Promise<Result<Hold>>;
	release(hold: Hold): Promise<void>;
	/** Who has the right now, for whoever only wants to know; null: nobody. */
	holder(): Promise<Result<string | null>>;
	/**
	 * Claims due times, each by its schedule's key and `dueAt`; all in one step. One entry per claim: null where it is ours now, else
	 * the run as it stands. `conflict` when the hold was lost meanwhile: then nothing was claimed.
	 */
	claim(claims: readonly ScheduleRun[], hold: Hold): Promise<Result<readonly (ScheduleRun | null)[]>>;
	/**
	 * Writes what became of claims, and gives per run whether it stands there now. An outcome is the truth also after the hold was lost;
	 * one that was published stays so, and none gives way to `uncertain`. What only says that a run is open (it is tried again, it is
	 * about to be published again) is written by whoever has the right, and never over an outcome.
	 */
	settle(runs: readonly ScheduleRun[], hold: Hold | null): Promise<Result<readonly boolean[]>>;
	/** Claims that are not settled (`claimed`, `retrying`), of whomever. */
	open(): Promise<Result<readonly ScheduleRun[]>>;
	/** By key the newest due time (not by hand) that has a run of any state: what catching up counts from. */
	cursors(): Promise<Result<ReadonlyMap<string, number>>>;
}
