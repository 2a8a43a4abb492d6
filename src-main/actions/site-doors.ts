/** The doors to a carrot site, as far as changes need them: its monitor, its database, and the broker behind both. */
import type { Result } from '#main/domain/result.ts';
import type { SitePage, SiteRow, SiteSchedule, SiteTab } from '#main/domain/site.ts';
import type { ActionTarget } from './deployment.ts';

/** The part of the site's monitor that changes need. Failures of changes say in `details.sent` whether they may have arrived. */
export interface SiteDoor {
	row(id: number): Promise<Result<SiteRow>>;
	page(tab: SiteTab, page: number, search: string): Promise<Result<SitePage<SiteRow>>>;
	requeue(id: number): Promise<Result<SiteRow>>;
	remove(id: number): Promise<Result<void>>;
	addSchedule(fields: OnceSchedule): Promise<Result<SiteSchedule>>;
	runSchedule(id: number): Promise<Result<void>>;
	removeSchedule(id: number): Promise<Result<void>>;
}

/** A schedule that is made to run once by hand, and never by the site's scheduler. */
export interface OnceSchedule {
	readonly name: string;
	readonly task: string;
	readonly queue: string;
	readonly exchange: string | null;
	readonly routingKey: string | null;
	readonly intervalCount: number;
	readonly intervalType: 'days';
	readonly argsText: string;
	readonly content: string;
	readonly active: false;
}

/** A row as the site's publisher inserts it. */
export interface NewSiteRow {
	readonly uuid: string;
	readonly task: string;
	readonly queue: string | null;
	readonly exchange: string | null;
	readonly routingKey: string | null;
	readonly priority: number;
	readonly argsText: string;
	readonly content: string;
}

/** The site's database, where somebody gave Warren the project. */
export interface SiteDatabase {
	/** Inserts a row that waits, committed when it answers; its number. */
	insert(row: NewSiteRow): Promise<Result<number>>;
	/** Takes back a row that still waits; false: it does not, or is gone. */
	takeBack(id: number, uuid: string): Promise<Result<boolean>>;
}

export interface SiteTarget {
	readonly broker: ActionTarget;
	readonly door: SiteDoor;
	readonly database: SiteDatabase | null;
	/** Keeps rows in history before they change. */
	readonly keep: (rows: readonly SiteRow[]) => Promise<void>;
}
