/** A carrot site's schedules as the book needs them; the monitor's client has all of it. */
import type { Result } from '#main/domain/result.ts';
import type { SiteSchedule, SiteScheduleEdit, SiteScheduleFields, SiteSchedulePage } from '#main/domain/site.ts';

/**
 * Failures: `unreachable`, `timeout`, `refused` (login, permission, certificate, 5xx), `not-found` (`details.answered`: by carrot
 * itself, rather than by a server that knows no such address), `invalid-input` (`details.problems`, in the site's words and fields),
 * `unsupported`, `undecodable`, `too-large`, `cancelled`. `details.status` is the HTTP status of the answer, where there was one;
 * `details.sent` says that a request which got none may have arrived.
 */
export interface SiteSchedules {
	/** One page of 50, in no order; a page beyond the last is `not-found`. */
	schedules(page: number, signal?: AbortSignal): Promise<Result<SiteSchedulePage>>;
	schedule(id: number, signal?: AbortSignal): Promise<Result<SiteSchedule>>;
	addSchedule(fields: SiteScheduleFields): Promise<Result<SiteSchedule>>;
	/** What is left out keeps its value. */
	editSchedule(id: number, fields: SiteScheduleEdit): Promise<Result<SiteSchedule>>;
	removeSchedule(id: number): Promise<Result<void>>;
	/** Publishes a schedule's task now, active or not. Sent once. */
	runSchedule(id: number): Promise<Result<void>>;
	/** Null: this release has no such list. */
	taskChoices(): Promise<Result<readonly string[] | null>>;
}
