/** How schedules, their books, runs and edits are told. Pure: `now` is always given. */
import type {
	BookCapabilities,
	BookKind,
	ScheduleDefinition,
	ScheduleField,
	ScheduleRun,
	ScheduleRunState,
	SyncItem,
} from '#main/domain/schedule.ts';
import { BOOK_KINDS, SCHEDULE_FIELDS } from '#main/domain/schedule.ts';
import { calendarTime, duration, relativeTime } from '../../components/format.ts';
import type { IconName } from '../../components/icon-paths.ts';
import type { Tone } from '../../components/states.ts';
import type { BookView, ScheduleView } from '../../state/engine.ts';
import { timeOfDay } from '../words.ts';

/** Shape, word and colour of something. */
export interface Look {
	readonly icon: IconName;
	readonly word: string;
	readonly tone: Tone;
}

/** Where a schedule stands between here and its book. */
export const SYNC_LOOKS: Readonly<Record<ScheduleView['sync'], Look>> = {
	synced: { icon: 'state-succeeded', word: 'synced', tone: 'neutral' },
	new: { icon: 'edited', word: 'new', tone: 'accent' },
	edited: { icon: 'edited', word: 'edited', tone: 'accent' },
	removed: { icon: 'edited', word: 'removed', tone: 'accent' },
	conflict: { icon: 'state-rejected', word: 'conflict', tone: 'failed' },
	refused: { icon: 'state-revoked', word: 'refused', tone: 'failed' },
};

/** What became of a due time, and what that means. */
const RUN_LOOKS: Readonly<Record<ScheduleRunState, Look & { readonly meaning: string }>> = {
	claimed: {
		icon: 'state-running',
		word: 'Publishing',
		tone: 'running',
		meaning: 'Somebody has taken it on and is publishing.',
	},
	retrying: {
		icon: 'state-retrying',
		word: 'Retrying',
		tone: 'warning',
		meaning: 'Publishing failed; it is tried again.',
	},
	fired: { icon: 'state-succeeded', word: 'Fired', tone: 'succeeded', meaning: 'Its message was published.' },
	failed: { icon: 'state-failed', word: 'Failed', tone: 'failed', meaning: 'Its message was not published.' },
	missed: {
		icon: 'state-lost',
		word: 'Missed',
		tone: 'warning',
		meaning: 'Nobody was there to publish it in time, and the schedule leaves such runs out.',
	},
	uncertain: {
		icon: 'state-lost',
		word: 'Uncertain',
		tone: 'warning',
		meaning:
			'Whoever had taken it on died, and it cannot be told whether it was published. It is not published again by itself, so that nothing runs twice.',
	},
};

/** A run that went to whoever publishes it and says nothing back. */
const HANDED_OVER: Look & { readonly meaning: string } = {
	icon: 'arrow-up',
	word: 'Handed over',
	tone: 'neutral',
	meaning: 'Whoever runs its book was told to publish it.',
};

/** How a run is shown. */
export function runLook({
	state,
	firedAt,
}: Pick<ScheduleRun, 'state' | 'firedAt'>): Look & { readonly meaning: string } {
	return state === 'fired' && firedAt === null ? HANDED_OVER : RUN_LOOKS[state];
}

/** What a sync does, or did, with one schedule. */
export const OUTCOME_LOOKS: Readonly<Record<SyncItem['outcome'], Look & { readonly would: string }>> = {
	sent: { icon: 'arrow-up', word: 'sent', would: 'to send', tone: 'accent' },
	received: { icon: 'arrow-down', word: 'received', would: 'to receive', tone: 'running' },
	merged: { icon: 'sort', word: 'merged', would: 'to merge', tone: 'accent' },
	conflict: { icon: 'state-rejected', word: 'in conflict', would: 'in conflict', tone: 'failed' },
	refused: { icon: 'state-revoked', word: 'refused', would: 'refused', tone: 'failed' },
	waiting: { icon: 'edited', word: 'waits', would: 'waits', tone: 'neutral' },
};

/** The fields as an editor names them. */
export const FIELD_LABELS: Readonly<Record<ScheduleField, string>> = {
	name: 'Name',
	task: 'Task',
	queue: 'Queue',
	exchange: 'Exchange',
	routingKey: 'Routing key',
	priority: 'Priority',
	recurrence: 'Runs',
	zone: 'Time zone',
	startAt: 'Not before',
	endAt: 'Not after',
	jitterMs: 'Jitter',
	missed: 'Missed runs',
	args: 'Positional',
	kwargs: 'Keyword',
	options: 'Options',
	active: 'Active',
	description: 'Description',
};

/** Short names of books, for narrow places. */
export const BOOK_WORDS: Readonly<Record<BookKind, string>> = {
	local: 'local',
	shared: 'shared',
	carrot: 'carrot',
	redbeat: 'RedBeat',
};

/** "queue, priority and zone". */
export function fieldsWords(fields: readonly ScheduleField[]): string {
	const names = fields.map((field) => FIELD_LABELS[field].toLowerCase());
	if (names.length < 2) return names[0] ?? '';
	return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** A moment in a zone, to the minute or second; in this machine's zone where that one is not known here. */
export function inZone(at: number, zone: string): string {
	const style: Intl.DateTimeFormatOptions = {
		weekday: 'short',
		day: 'numeric',
		month: 'short',
		year: 'numeric',
		hour: '2-digit',
		minute: '2-digit',
		hourCycle: 'h23',
		...(at % 60_000 === 0 ? {} : { second: '2-digit' }),
	};
	const known = ZONES.has(zone) || zone === 'UTC';
	return new Intl.DateTimeFormat('en-GB', { ...style, ...(known ? { timeZone: zone } : {}) })
		.format(at)
		.replaceAll(',', '');
}

const ZONES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('timeZone'));

/** This machine's zone. */
export function localZone(): string {
	return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Zones to choose from: this machine's, then UTC, then all. */
export function zoneOptions(): readonly { readonly value: string; readonly note?: string }[] {
	const own = localZone();
	const rest = [...ZONES].filter((zone) => zone !== own && zone !== 'UTC');
	return [
		{ value: own, note: 'this machine' },
		...(own === 'UTC' ? [] : [{ value: 'UTC' }]),
		...rest.map((value) => ({ value })),
	];
}

/** A field's value as a person reads it; an empty text has a word. */
export function valueWords(field: ScheduleField, definition: ScheduleDefinition): string {
	switch (field) {
		case 'recurrence':
			return recurrenceWords(definition);
		case 'startAt':
		case 'endAt': {
			const at = definition[field];
			return at === null ? 'no bound' : inZone(at, definition.zone);
		}
		case 'jitterMs':
			return definition.jitterMs === 0 ? 'none' : duration(definition.jitterMs);
		case 'missed': {
			const { missed } = definition;
			return missed.kind === 'skip'
				? 'left out'
				: missed.kind === 'once'
					? 'run once'
					: `run, the newest ${missed.most}`;
		}
		case 'priority':
			return definition.priority === null ? "the book's default" : String(definition.priority);
		case 'active':
			return definition.active ? 'active' : 'paused';
		case 'exchange':
			return definition.exchange === '' ? '(default)' : definition.exchange;
		case 'routingKey':
			return definition.routingKey === '' ? "(the queue's name)" : definition.routingKey;
		case 'queue':
			return definition.queue === '' ? "(Celery's routing)" : definition.queue;
		case 'args':
		case 'description':
			return definition[field] === '' ? '(none)' : definition[field];
		default:
			return definition[field];
	}
}

function recurrenceWords({ recurrence, zone }: ScheduleDefinition): string {
	switch (recurrence.kind) {
		case 'every': {
			const { count, unit, align } = recurrence;
			const every = count === 1 ? `every ${unit.slice(0, -1)}` : `every ${count} ${unit}`;
			return align === 'last-run' ? `${every} after the last run` : every;
		}
		case 'cron':
			return recurrence.expression;
		case 'once':
			return `once, ${inZone(recurrence.at, zone)}`;
		case 'foreign':
			return recurrence.rule;
	}
}

/** Fields in which two definitions differ, in the order in which they are shown. */
export function differing(a: ScheduleDefinition, b: ScheduleDefinition): readonly ScheduleField[] {
	return SCHEDULE_FIELDS.filter((field) => JSON.stringify(a[field]) !== JSON.stringify(b[field]));
}

/** The timing of a row without its zone, which stands below it; null: the words name none. */
export function timingLines({ words, definition }: ScheduleView): {
	readonly words: string;
	readonly zone: string | null;
} {
	const zone = `, ${definition.zone}`;
	const at = words.indexOf(zone);
	if (at < 0) return { words, zone: null };
	return { words: words.slice(0, at) + words.slice(at + zone.length), zone: definition.zone };
}

/** How late a run may be before it is called late: books are not read every second. */
const LATE_MS = 10_000;

/** When it runs next. */
export interface NextWords {
	/** Relative to now, or why there is no time. */
	readonly words: string;
	/** The day and time, where the relative words are coarse; null: they say enough. */
	readonly on: string | null;
	readonly at: number | null;
	readonly late: boolean;
}

export function nextWords(view: ScheduleView, now: number): NextWords {
	const { definition, nextRunAt, sync } = view;
	if (sync === 'removed') return { words: 'never again', on: null, at: null, late: false };
	if (!definition.active) return { words: 'paused', on: null, at: null, late: false };
	if (nextRunAt !== null) {
		const late = nextRunAt + definition.jitterMs < now - LATE_MS;
		if (late) return { words: `due ${relativeTime(nextRunAt, now)}`, on: null, at: nextRunAt, late };
		const on = nextRunAt - now < 3_600_000 ? null : calendarTime(nextRunAt, now);
		return { words: relativeTime(nextRunAt, now), on, at: nextRunAt, late };
	}
	const over = definition.endAt !== null && definition.endAt <= now;
	const done = definition.recurrence.kind === 'once' && definition.recurrence.at <= now;
	return { words: over || done ? 'never again' : 'its book knows', on: null, at: null, late: false };
}

/** How late a run was published, where that can be told and is worth a word. */
export function lateness(run: Pick<ScheduleRun, 'dueAt' | 'firedAt' | 'manual'>): string | null {
	if (run.firedAt === null || run.manual) return null;
	const late = run.firedAt - run.dueAt;
	return late < 1_000 ? 'on time' : `${duration(late)} late`;
}

/** A book that does not answer: since when, why, and when it is tried again; null while it does. */
export interface OfflineWords {
	readonly title: string;
	readonly text: string;
	readonly reason: string;
}

export function offlineWords(book: BookView, now: number): OfflineWords | null {
	const { state, waiting } = book;
	if (state.kind !== 'reconnecting' && state.kind !== 'refused') return null;
	const next =
		state.nextTryAt === null
			? ''
			: state.nextTryAt <= now + 500
				? ' Trying now.'
				: ` Next try ${relativeTime(state.nextTryAt, now)}.`;
	const edits =
		waiting === 0 ? 'Edits wait here until it answers.' : waiting === 1 ? '1 edit waits.' : `${waiting} edits wait.`;
	const what = state.kind === 'refused' ? 'refused' : 'offline';
	return {
		title: `${bookName(book.book)} ${what} since ${timeOfDay(state.since)}`,
		text: `${edits}${next}`,
		reason: state.reason,
	};
}

/** Books as sentences name them. */
export const BOOK_NAMES: Readonly<Record<BookKind, string>> = {
	local: "this machine's book",
	shared: 'the shared book',
	carrot: "the site's book",
	redbeat: 'RedBeat',
};

/** The same at the beginning of a sentence. */
export function bookName(book: BookKind): string {
	const name = BOOK_NAMES[book];
	return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** Books that the profile does not have yet. */
export function missingBooks(books: readonly BookView[]): readonly BookKind[] {
	return BOOK_KINDS.filter((kind) => !books.some((book) => book.book === kind && usable(book)));
}

/** Whether a schedule can be made in it now or later. */
export function usable(book: BookView): boolean {
	return book.state.kind !== 'not-set';
}

/** Fields that are offered for other books and not for this one, in words; null: all are. */
export function notKept(capabilities: BookCapabilities): string | null {
	const missing = SCHEDULE_FIELDS.filter((field) => !capabilities.fields.includes(field));
	return missing.length === 0 ? null : fieldsWords(missing);
}

/** Who publishes a book's due times, in words. */
export function runnerWords(book: BookView): {
	readonly words: string;
	readonly note: string | null;
	readonly tone: Tone;
} {
	const { runner, capabilities, state } = book;
	if (runner === null) {
		const words = { warren: 'Warren', site: "the site's own service", beat: "Celery's beat" }[capabilities.runBy];
		return { words, note: null, tone: 'neutral' };
	}
	if (state.kind === 'not-set') return { words: 'nobody', note: null, tone: 'neutral' };
	const tone = runner.note === null && runner.holder !== null ? 'neutral' : 'warning';
	if (runner.here) return { words: 'this Warren', note: runner.note, tone };
	return { words: runner.holder ?? 'nobody', note: runner.note, tone };
}

/** Which Warren took a run on: host and process, without what only tells two keepers of one process apart. */
export function consoleOf({ by }: Pick<ScheduleRun, 'by'>): string {
	return by.replace(/^(.+:\d+):[0-9a-f]{8}$/, '$1');
}

/** A wall clock as the engine writes it (`2026-12-24T18:00:00`), by day and time; a year is said where it is another one than now. */
export function wallClock(local: string, now: number): { readonly day: string; readonly time: string } {
	const [date = '', time = ''] = local.split('T');
	const at = Date.parse(`${date}T00:00:00Z`);
	if (Number.isNaN(at)) return { day: local, time: '' };
	const year = date.slice(0, 4) === String(new Date(now).getFullYear()) ? {} : ({ year: 'numeric' } as const);
	const style = { weekday: 'short', day: 'numeric', month: 'short', ...year, timeZone: 'UTC' } as const;
	const day = new Intl.DateTimeFormat('en-GB', style).format(at).replaceAll(',', '');
	return { day, time: time.endsWith(':00') ? time.slice(0, 5) : time };
}
