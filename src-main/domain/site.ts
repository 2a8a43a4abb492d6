/**
 * A django-carrot deployment as its own monitor shows it: the rows and schedules of its database, and what does not fit between
 * them and the broker. One field of the monitor's answers has no place here: `virtual_host` carries the broker's password, and
 * is dropped where the answer is read.
 */
import type { LogLine } from './task.ts';
import type { Value } from './value.ts';

/** The monitor's three lists of messages. `published` holds those in progress too. */
export type SiteTab = 'published' | 'failed' | 'completed';

export const SITE_TABS: readonly SiteTab[] = ['published', 'failed', 'completed'];

export type SiteRowStatus = 'PUBLISHED' | 'IN_PROGRESS' | 'FAILED' | 'COMPLETED';

/** One row of the site's message table. Times are epoch ms. */
export interface SiteRow {
	/** The row's number; a requeue gives a new one. */
	readonly id: number;
	/** The message's id: the only tie between row and message. Not unique by the database's rules. */
	readonly uuid: string;
	readonly status: SiteRowStatus;
	readonly task: string;
	readonly queue: string | null;
	/** Empty: the default exchange. */
	readonly exchange: string | null;
	readonly routingKey: string | null;
	readonly priority: number;
	/** The tuple of positional arguments as Python prints it; null in rows that others wrote. */
	readonly argsText: string | null;
	/** Keyword arguments as JSON text. */
	readonly content: string | null;
	readonly exception: string | null;
	readonly traceback: string | null;
	readonly output: string | null;
	readonly log: string | null;
	readonly publishedAt: number | null;
	readonly failedAt: number | null;
	readonly completedAt: number | null;
	/** Minutes east of UTC at which the site writes its times; null: it did not say, and they were taken as UTC. */
	readonly utcOffset: number | null;
}

/** A row as a list shows it: without its long texts, with arguments read where they could be. */
export interface SiteRowView
	extends Omit<SiteRow, 'log' | 'traceback' | 'output' | 'argsText' | 'content' | 'utcOffset'> {
	/** Positional arguments as JSON text; null where they are no plain data, or cannot be read. */
	readonly argsJson: string | null;
	readonly kwargsJson: string | null;
	/** At most 200 characters in Python's notation. */
	readonly preview: string;
	readonly logLines: number;
	/** The task's id in Warren's history; null: not there (yet). */
	readonly taskId: string | null;
}

/** One row with everything. */
export interface SiteRowDetail {
	readonly row: SiteRowView;
	/** Typed arguments; null: unreadable, and `argumentsProblem` says why. */
	readonly args: readonly Value[] | null;
	readonly kwargs: readonly (readonly [string, Value])[] | null;
	readonly argumentsProblem: string | null;
	/** As the row holds them. */
	readonly argsText: string | null;
	readonly content: string | null;
	readonly output: string | null;
	readonly traceback: string | null;
	readonly log: SiteRowLog;
	/** What a requeue would do. */
	readonly forecast: RequeueForecast;
}

/** A row's log, read. */
export interface SiteRowLog {
	readonly lines: readonly LogLine[];
	/** The worker thread's name, e.g. `default-consumer-1`. */
	readonly worker: string | null;
	/** Epoch ms of its first line, which is when the task began; null: not told. */
	readonly startedAt: number | null;
	/** True: the text is a leftover of the worker's previous task, and `lines` is empty. */
	readonly stale: boolean;
}

/** One page of a list, as the site cut it (50 rows each). */
export interface SitePage<T> {
	readonly items: readonly T[];
	/** Rows in all pages. */
	readonly total: number;
	/** From 1. */
	readonly page: number;
	readonly more: boolean;
	/** Epoch ms, by our clock. */
	readonly at: number;
	/** Rows that could not be read, and why; they are missing in `items`. */
	readonly unreadable: readonly string[];
}

/** What a requeue of a row by the site itself would do. */
export interface RequeueForecast {
	/** The site can read its own arguments again. When it cannot, it answers 500. */
	readonly siteCan: boolean;
	/** Why not. */
	readonly reason: string | null;
	/** What a person should know first. */
	readonly warnings: readonly string[];
}

/** One schedule of the site's own scheduler. */
export interface SiteSchedule {
	readonly id: number;
	/** Unique by the API, null or repeated in older databases. */
	readonly name: string | null;
	/** False: this release keeps no names (before 1.2), and a name that is sent is dropped. */
	readonly keepsName: boolean;
	readonly task: string;
	readonly queue: string | null;
	readonly exchange: string | null;
	readonly routingKey: string | null;
	/** At least 1 by the API; 0 can only come from elsewhere. */
	readonly intervalCount: number;
	/** seconds, minutes, hours or days; others are counted as seconds by the site's scheduler. */
	readonly intervalType: string;
	/** Positional arguments without brackets. They are published as text, piece by piece between commas. */
	readonly argsText: string | null;
	readonly content: string | null;
	readonly active: boolean;
	/** Milliseconds between two runs. */
	readonly intervalMs: number;
}

/** What a schedule of the site's is made of, as its API takes it. */
export interface SiteScheduleFields {
	readonly name: string;
	readonly task: string;
	readonly queue: string;
	readonly exchange: string | null;
	readonly routingKey: string | null;
	readonly intervalCount: number;
	readonly intervalType: 'seconds' | 'minutes' | 'hours' | 'days';
	/** Positional arguments, split at every comma and published as text by the site. */
	readonly argsText: string;
	/** JSON object. */
	readonly content: string;
	readonly active: boolean;
}

/** A change of a schedule: five fields that the API wants every time, and any of the others. What is left out stays there. */
export type SiteScheduleEdit = Pick<SiteScheduleFields, 'name' | 'task' | 'queue' | 'intervalCount' | 'intervalType'> &
	Partial<SiteScheduleFields>;

/** One page of the site's schedules, with what of it could not be read. */
export interface SiteSchedulePage extends SitePage<SiteSchedule> {
	/** One for each of `unreadable`: why, and the row as JSON, at most 4,000 characters. */
	readonly broken: readonly { readonly reason: string; readonly raw: string }[];
}

/** What a release of carrot's monitor offers; null: not known. */
export interface SiteFeatures {
	readonly schedules: boolean | null;
	readonly taskChoices: boolean | null;
	readonly validateArgs: boolean | null;
	/** Schedules have names (from 1.2 on). */
	readonly taskNames: boolean | null;
	/** In words: which releases answer like this. */
	readonly release: string;
}

export interface SiteDoorView {
	readonly door: 'monitor' | 'broker' | 'database';
	readonly state: 'open' | 'closed' | 'not-set';
	/** What it gives, or what is missing without it, or why it is closed and what to do. */
	readonly words: string;
}

export interface SiteStatus {
	readonly url: string | null;
	readonly doors: readonly SiteDoorView[];
	readonly features: SiteFeatures | null;
	readonly counts: Readonly<Record<SiteTab, number>> | null;
	readonly login: 'none' | 'session' | 'unknown';
	/** What a person should know: passwords over plain HTTP, an open monitor, times without a zone. */
	readonly warnings: readonly string[];
	readonly at: number;
}

/** A row and what a requeue made of it. */
export interface SiteLink {
	readonly id: number;
	readonly uuid: string;
	/** Null: it was published, but its row could not be told from others. */
	readonly newId: number | null;
	readonly newUuid: string | null;
	/** By which way: the site's own requeue, a row and a message of ours, or a schedule that ran once. */
	readonly way: 'site' | 'database' | 'schedule';
}

export type SiteFindingKind =
	| 'rows-without-messages'
	| 'messages-without-rows'
	| 'running-without-consumer'
	| 'dead-schedule'
	| 'fewer-consumers';

/** One number behind a finding, and when and where it was read. */
export interface SiteFact {
	readonly label: string;
	readonly value: number;
	readonly unit: 'count' | 'ms' | 'time';
	/** Epoch ms. */
	readonly at: number;
	readonly source: 'site' | 'broker' | 'person' | 'warren';
}

/** Something that does not fit, with cause and next action. */
export interface SiteFinding {
	readonly kind: SiteFindingKind;
	/** certain: nothing else explains it. likely: something that passes by itself could, too. */
	readonly certainty: 'certain' | 'likely';
	readonly title: string;
	readonly queue: string | null;
	readonly count: number;
	/** Which, where that is known; at most 100. */
	readonly rows: readonly { readonly id: number; readonly uuid: string }[];
	/** Ids of messages, where the finding is about messages; at most 100. */
	readonly messages: readonly string[];
	readonly evidence: readonly SiteFact[];
	readonly cause: string;
	readonly next: string;
}

/** A question that could not be answered, and what would answer it. */
export interface SiteBlindSpot {
	readonly kind: SiteFindingKind;
	readonly queue: string | null;
	readonly reason: string;
	readonly cure: string;
}

export interface SiteReconciliation {
	readonly at: number;
	readonly findings: readonly SiteFinding[];
	readonly cannotTell: readonly SiteBlindSpot[];
}

/** What a requeue or delete of rows would do, without doing it. */
export interface SiteReview {
	/** Row numbers that would be changed, to be handed back as they are. */
	readonly ids: readonly number[];
	/** The first of them, at most twenty. */
	readonly sample: readonly { readonly row: SiteRowView; readonly forecast: RequeueForecast }[];
	readonly skipped: readonly { readonly reason: string; readonly count: number }[];
	readonly warnings: readonly string[];
}
