/**
 * Schedules: what a person decides about one, the books that keep them, edits that wait to be sent to a book, and what is known of
 * their runs. Times are epoch milliseconds.
 */
import type { ProfileId, TaskId } from './ids.ts';
import type { ConnectionState } from './profile.ts';
import type { Recurrence, Timing } from './timing.ts';

/**
 * A place that keeps schedules. local: this home's SQLite. shared: a Redis that several consoles and services work on. carrot: the
 * site's own, through its monitor. redbeat: RedBeat's keys in Redis.
 */
export type BookKind = 'local' | 'shared' | 'carrot' | 'redbeat';
export const BOOK_KINDS: readonly BookKind[] = ['local', 'shared', 'carrot', 'redbeat'];

/** What becomes of due times that passed while nobody was there to publish them. */
export type MissedPolicy =
	| { readonly kind: 'skip' }
	/** The newest of them runs once, late. */
	| { readonly kind: 'once' }
	/** All of them run, oldest first, the newest `most` at most. */
	| { readonly kind: 'all'; readonly most: number };

/** What a person decides about a schedule. Each field is edited, merged and kept by itself. */
export interface ScheduleDefinition {
	/** Unique within its book. */
	readonly name: string;
	/** Dotted path of the task. */
	readonly task: string;
	readonly queue: string;
	/** Empty: the default exchange, which routes by queue name. */
	readonly exchange: string;
	/** Empty: the queue's name. */
	readonly routingKey: string;
	/** Null: the book's own default. */
	readonly priority: number | null;
	readonly recurrence: Recurrence;
	/** IANA name. */
	readonly zone: string;
	/** No run before, and none at or after; null: no bound. */
	readonly startAt: number | null;
	readonly endAt: number | null;
	readonly jitterMs: number;
	readonly missed: MissedPolicy;
	/** Positional arguments as Python literals without outer brackets, as typed. */
	readonly args: string;
	/** Keyword arguments: a JSON object as text, all digits kept. */
	readonly kwargs: string;
	/** Whatever else the book publishes with (RedBeat: apply_async's options): a JSON object as text, `{}` for none. */
	readonly options: string;
	readonly active: boolean;
	readonly description: string;
}

export type ScheduleField = keyof ScheduleDefinition;

/** All fields, in the order in which they are shown. */
export const SCHEDULE_FIELDS: readonly ScheduleField[] = [
	'name',
	'task',
	'queue',
	'exchange',
	'routingKey',
	'priority',
	'recurrence',
	'zone',
	'startAt',
	'endAt',
	'jitterMs',
	'missed',
	'args',
	'kwargs',
	'options',
	'active',
	'description',
];

/** A definition to start from; name, task and queue are to be filled in. */
export const NEW_SCHEDULE: ScheduleDefinition = {
	name: '',
	task: '',
	queue: 'default',
	exchange: '',
	routingKey: '',
	priority: null,
	recurrence: { kind: 'every', count: 1, unit: 'hours', align: 'clock' },
	zone: 'UTC',
	startAt: null,
	endAt: null,
	jitterMs: 0,
	missed: { kind: 'once' },
	args: '',
	kwargs: '{}',
	options: '{}',
	active: true,
	description: '',
};

/** Its timing, as due times are worked out from it. */
export function timingOf(definition: ScheduleDefinition): Timing {
	const { recurrence, zone, startAt, endAt, jitterMs } = definition;
	return { recurrence, zone, startAt, endAt, jitterMs };
}

/** Something a person should know about a schedule in its book. */
export interface ScheduleRemark {
	readonly tone: 'info' | 'warning';
	readonly words: string;
}

/** One schedule as its book has it. */
export interface BookEntry {
	/** What the book knows it by, whatever it is called: stays through a rename where the book allows that. */
	readonly key: string;
	/** Changes whenever the definition does, and never by a run. */
	readonly version: string;
	readonly definition: ScheduleDefinition;
	/** Epoch ms since when it is as it is, where the book knows; else null. What intervals after the last run count from. */
	readonly changedAt: number | null;
	readonly lastRunAt: number | null;
	/** As the book says; null: it does not, or never again. */
	readonly nextRunAt: number | null;
	readonly totalRuns: number | null;
	readonly remarks: readonly ScheduleRemark[];
}

/** Something in a book that is no schedule anybody could read: shown, and left alone. */
export interface BrokenEntry {
	readonly key: string;
	readonly name: string;
	/** What is wrong, and what would be right. */
	readonly reason: string;
	/** As the book has it, at most 4,000 characters. */
	readonly raw: string;
}

/** Something about the book as a whole: who rules it, how late it is. */
export interface BookFact {
	readonly label: string;
	/** In words. */
	readonly value: string;
	readonly tone: 'info' | 'warning';
}

/** Everything in a book, at one moment. */
export interface BookReading {
	readonly at: number;
	readonly entries: readonly BookEntry[];
	readonly broken: readonly BrokenEntry[];
	readonly facts: readonly BookFact[];
}

/** One change of a book. `expect` is the version that it was made against: a book that has another one by now refuses. */
export type BookWrite =
	| {
			readonly kind: 'create';
			/** The key it is to have, in books that let us choose (local, shared); ignored by the others. */
			readonly key: string;
			readonly definition: ScheduleDefinition;
	  }
	| {
			readonly kind: 'change';
			readonly key: string;
			readonly expect: string;
			readonly definition: ScheduleDefinition;
	  }
	| { readonly kind: 'remove'; readonly key: string; readonly expect: string };

/** What became of a write. */
export type WriteOutcome =
	/** In force. `entry` is null after a removal. */
	| { readonly kind: 'written'; readonly entry: BookEntry | null }
	/** Nothing was written: the book has something else by now (null: nothing of that key). */
	| { readonly kind: 'changed'; readonly current: BookEntry | null }
	/** Nothing was written: another schedule of the book has that name. */
	| { readonly kind: 'name-taken'; readonly by: string };

/** What a book can keep and do. What it cannot keep must stand at `NEW_SCHEDULE`'s value. */
export interface BookCapabilities {
	/** Who publishes when a schedule is due: consoles and services of ours, the site's service, or Celery's beat. */
	readonly runBy: 'warren' | 'site' | 'beat';
	readonly fields: readonly ScheduleField[];
	/** Kinds of recurrence, with the units of intervals. */
	readonly recurrences: readonly Recurrence['kind'][];
	readonly units: readonly ('seconds' | 'minutes' | 'hours' | 'days' | 'weeks')[];
	readonly aligns: readonly ('clock' | 'last-run')[];
	/** The one zone of all its schedules; absent: each has its own. */
	readonly zone?: string;
	/** A rename keeps the key; false: it is a new schedule there. */
	readonly renames: boolean;
	/** What a person should know about this kind of book, in sentences. */
	readonly notes: readonly string[];
}

/** Where an edit that is not in its book yet stands. */
export interface ScheduleChange {
	readonly profile: ProfileId;
	readonly book: BookKind;
	/** The entry's key; for one that was made here and no book has yet, one of our own. */
	readonly key: string;
	readonly kind: 'create' | 'change' | 'remove';
	/** The last version both sides had; null: made here. */
	readonly base: ScheduleDefinition | null;
	readonly baseVersion: string | null;
	/** As it is to be; null: removed. */
	readonly mine: ScheduleDefinition | null;
	/** Both sides changed the same fields, and a person has to choose; null: not (so far as is known). */
	readonly conflict: ScheduleConflict | null;
	/** Being written to the book; still there afterwards when nobody knows whether it arrived. */
	readonly sending: { readonly at: number; readonly definition: ScheduleDefinition | null } | null;
	/** Why the book would not have it, in words; null: it was not refused. */
	readonly problem: string | null;
	readonly createdAt: number;
	readonly updatedAt: number;
}

/** Two sides that changed the same thing. */
export interface ScheduleConflict {
	/** As the book has it; null: it was removed there. */
	readonly theirs: ScheduleDefinition | null;
	readonly theirVersion: string | null;
	/** Fields that both sides changed, differently; all that one side changed where the other removed it. */
	readonly fields: readonly ScheduleField[];
	/** What was chosen so far. */
	readonly choices: Readonly<Partial<Record<ScheduleField, 'mine' | 'theirs'>>>;
	readonly seenAt: number;
}

/** One entry of a schedule's past: what it was before, so that nothing that was overwritten is lost. */
export interface ScheduleVersion {
	/** The store's number; 0 before it is stored. */
	readonly id: number;
	readonly profile: ProfileId;
	readonly book: BookKind;
	readonly key: string;
	readonly name: string;
	readonly at: number;
	/** here: by this Warren. elsewhere: it was found changed. merge: this Warren's and others' edits put together. */
	readonly by: 'here' | 'elsewhere' | 'merge';
	readonly what: 'created' | 'changed' | 'removed' | 'reverted';
	/** Null: it was not there. */
	readonly before: ScheduleDefinition | null;
	readonly after: ScheduleDefinition | null;
	/** Values that were given up for others in this step, by field: the losing side of a merge or conflict. */
	readonly overwritten: Readonly<Partial<ScheduleDefinition>> | null;
	readonly note: string | null;
}

export type ScheduleRunState =
	/** Somebody has taken it on and is publishing. */
	| 'claimed'
	/** Publishing failed and is tried again. */
	| 'retrying'
	| 'fired'
	/** Given up, or refused for good. */
	| 'failed'
	/** Passed while nobody was there, and left out by the schedule's policy. */
	| 'missed'
	/** Who had taken it on died, and it cannot be told whether it was published. It is not published again. */
	| 'uncertain';

/** One due time (or one run by hand) and what became of it. */
export interface ScheduleRun {
	readonly profile: ProfileId;
	readonly book: BookKind;
	readonly key: string;
	readonly name: string;
	/** The due time; for a run by hand the moment it was asked for. */
	readonly dueAt: number;
	readonly manual: boolean;
	readonly state: ScheduleRunState;
	/** When it was published; null: it was not, or (`fired`) was left to somebody who does not say when. */
	readonly firedAt: number | null;
	readonly messageId: string | null;
	readonly taskId: TaskId | null;
	/** Who published it: `host:pid:…`. */
	readonly by: string;
	/** How often publishing was tried. */
	readonly tries: number;
	/** Why it failed, was missed or is uncertain; null otherwise. */
	readonly note: string | null;
	readonly updatedAt: number;
}

/** Where a book stands. */
export type BookState =
	/** Not set up in this profile. */
	{ readonly kind: 'not-set' } | ConnectionState;

/** What syncing one schedule came to. */
export interface SyncItem {
	readonly book: BookKind;
	readonly key: string;
	readonly name: string;
	readonly outcome: /** Ours went there. */
		| 'sent'
		/** Both sides had changed different fields; the book has both now. */
		| 'merged'
		/** Theirs came here. */
		| 'received'
		/** Both sides changed the same; a person has to choose. */
		| 'conflict'
		/** The book would not have it; `message` says why. */
		| 'refused'
		/** Not reached before the connection dropped. */
		| 'waiting';
	/** Fields that changed there (sent, merged) or here (received), or are in conflict. */
	readonly fields: readonly ScheduleField[];
	/** It was under way when the last sync broke off. `already`: it had arrived. `again`: it was sent again. */
	readonly resumed: 'already' | 'again' | null;
	readonly message: string | null;
	/** The key it had here until now, where its book gave it another one: when it was made, or renamed where names are keys. */
	readonly formerKey?: string;
}

/** What one sync of one book did, or would do. */
export interface SyncReport {
	readonly book: BookKind;
	readonly at: number;
	/** partly: the connection dropped midway; what is left waits, and nothing is half written. */
	readonly state: 'done' | 'partly' | 'offline';
	readonly dryRun: boolean;
	/** What has something to say; schedules that were the same on both sides are only counted. */
	readonly items: readonly SyncItem[];
	readonly unchanged: number;
	/** Why it is not `done`, in words; null when it is. */
	readonly note: string | null;
}

/** A definition as one text that is the same for the same definition, whoever put it together: what versions are digests of. */
export function canonicalText(definition: ScheduleDefinition): string {
	return JSON.stringify(definition, (_key, value: unknown) =>
		typeof value === 'object' && value !== null && !Array.isArray(value)
			? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
			: value,
	);
}
