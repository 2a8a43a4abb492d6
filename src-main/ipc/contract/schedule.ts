/** Routes about schedules: their books, edits (offline too), syncing, runs, and due times. */
import * as z from 'zod';
import type {
	BookCapabilities,
	BookFact,
	BookKind,
	BookState,
	BrokenEntry,
	ScheduleConflict,
	ScheduleDefinition,
	ScheduleField,
	ScheduleRemark,
	ScheduleRun,
	ScheduleVersion,
	SyncReport,
} from '#main/domain/schedule.ts';
import { BOOK_KINDS, SCHEDULE_FIELDS } from '#main/domain/schedule.ts';
import { limit, priority, profileName, queueName } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

const book = z.enum(BOOK_KINDS as [BookKind, ...BookKind[]]).describe('Book: local, shared, carrot or redbeat');
const reference = z.string().min(1).max(400).describe('Schedule, by name or key');
const references = z.array(reference).min(1).max(10_000).describe('Schedules, by name or key');
const field = z.enum(SCHEDULE_FIELDS as [ScheduleField, ...ScheduleField[]]);
const time = z.string().min(1).max(100);
const text = z.string().max(1_000_000);

/**
 * A schedule as a person writes it: what is left out stays, or has its default. Times are `2026-12-24T18:00` in the schedule's zone,
 * or with an offset, or epoch ms; `never` (or an empty text) takes a bound away.
 */
const draft = {
	task: z.string().min(1).max(1_000).optional().describe('Dotted path of the task'),
	queue: queueName.optional(),
	every: z.string().min(1).max(100).optional().describe("Interval, e.g. '5 seconds'"),
	cron: z.string().min(1).max(200).optional().describe('Cron expression: five fields, or six with seconds first'),
	at: time.optional().describe('Once, e.g. 2026-12-24T18:00 in the zone'),
	align: z
		.enum(['clock', 'last-run'])
		.optional()
		.describe('Intervals run on a grid of the wall clock (default), or so long after the last run'),
	zone: z.string().min(1).max(100).optional().describe('Time zone, e.g. Europe/London (default: UTC)'),
	start: z.string().max(100).optional().describe('No run before this time; never: no bound'),
	end: z.string().max(100).optional().describe('No run at or after this time; never: no bound'),
	jitter: z.string().max(40).optional().describe('Run up to this much later, e.g. 30s; 0: on time'),
	missed: z
		.string()
		.regex(/^(skip|once|all(:\d{1,4})?)$/, 'skip, once, all or all:N')
		.optional()
		.describe('Runs missed while nobody was there: skip, once (default), all, or all:N for the newest N'),
	args: text.optional().describe("Positional arguments as Python literals or a JSON array: 1, 'two', [3]"),
	kwargs: text.optional().describe('Keyword arguments as a JSON object'),
	options: text
		.optional()
		.describe('RedBeat: further options of apply_async as a JSON object, e.g. \'{"expires": 60}\''),
	exchange: z.string().max(255).optional().describe('Exchange (default: the default exchange)'),
	routingKey: z.string().max(255).optional().describe("Routing key (default: the queue's name)"),
	priority: priority.optional(),
	noPriority: z.boolean().optional().describe("The book's own default priority"),
	description: z.string().max(4_000).optional().describe('What it is for'),
};

/** What `schedule.add`, `edit` and `preview` take, for those who fill it in. */
export type ScheduleDraft = { readonly [K in keyof typeof draft]?: z.input<(typeof draft)[K]> };

/** A schedule as lists show it: as edited here, whether or not its book has that yet. */
export interface ScheduleView {
	readonly book: BookKind;
	/** Names it together with `book`, through renames. */
	readonly key: string;
	readonly definition: ScheduleDefinition;
	/** Changes whenever the definition does; what `schedule.edit` takes as `from`. */
	readonly fingerprint: string;
	/** Its timing in plain words. */
	readonly words: string;
	readonly lastRunAt: number | null;
	/** Null: never again, paused, or its book alone knows. */
	readonly nextRunAt: number | null;
	readonly totalRuns: number | null;
	/** Its newest run that Warren knows of. */
	readonly lastRun: ScheduleRun | null;
	/** Runs of the last day that were missed, failed or are uncertain. */
	readonly troubled: number;
	/**
	 * new, edited, removed: waits here for its book. conflict: a person has to choose. refused: the book would not have it. synced:
	 * as its book has it.
	 */
	readonly sync: 'synced' | 'new' | 'edited' | 'removed' | 'conflict' | 'refused';
	/** Fields that differ from what the book was last known to have. */
	readonly changed: readonly ScheduleField[];
	/** Why the book refused it; null otherwise. */
	readonly problem: string | null;
	readonly remarks: readonly ScheduleRemark[];
}

/** One book of a profile. */
export interface BookView {
	readonly book: BookKind;
	/** What it is called on the screen. */
	readonly title: string;
	readonly state: BookState;
	readonly capabilities: BookCapabilities;
	/** Where it is, without a password; null: nowhere in particular. */
	readonly address: string | null;
	/** When all of it was last read; null: never. */
	readonly readAt: number | null;
	readonly schedules: number;
	/** Edits that wait here, and how many of them are in conflict. */
	readonly waiting: number;
	readonly conflicts: number;
	readonly broken: readonly BrokenEntry[];
	readonly facts: readonly BookFact[];
	/** Who runs its due times. `here`: this process. Null holder: nobody; null where Warren does not run this book. */
	readonly runner: {
		readonly here: boolean;
		readonly holder: string | null;
		/** Why nobody does, or what keeps it from publishing; null: all is well. */
		readonly note: string | null;
	} | null;
}

/** Something wrong with a draft, at its field, and within it where that can be told. */
export interface DraftProblem {
	readonly field: string;
	readonly message: string;
	/** From 1; null: the field as a whole. */
	readonly line: number | null;
	readonly column: number | null;
	/** From 0, in characters; null with them. */
	readonly offset: number | null;
}

/** One coming run. `local` is the zone's wall clock; `clockChange` is by how much it jumped since the run before, in ms. */
export interface ComingRun {
	readonly at: number;
	readonly local: string;
	readonly clockChange: number;
}

/** A message as it would be sent. */
export interface MessagePreview {
	readonly exchange: string;
	readonly routingKey: string;
	readonly properties: Readonly<Record<string, string | number>>;
	readonly headers: readonly (readonly [string, string])[];
	readonly body: string;
	readonly bodyBytes: number;
}

export interface SchedulePreview {
	/** Empty: it can be saved. */
	readonly problems: readonly DraftProblem[];
	/** As it would be saved; null while there are problems. */
	readonly definition: ScheduleDefinition | null;
	readonly words: string | null;
	readonly coming: readonly ComingRun[];
	/** Things to know that are no mistakes: others at the same moment, runs that would overlap, clock changes. */
	readonly hints: readonly string[];
	/** Null while there are problems, or where somebody else makes the message; `messageNote` says which. */
	readonly message: MessagePreview | null;
	readonly messageNote: string | null;
}

/** One schedule with everything. */
export interface ScheduleDetail {
	readonly view: ScheduleView;
	/** As a person would write it: what an editor is filled with. */
	readonly draft: ScheduleDraft;
	/** As its book was last known to have it; null: it has not. */
	readonly base: ScheduleDefinition | null;
	readonly conflict: ScheduleConflict | null;
	/** The edit that waits removes it. */
	readonly removing: boolean;
	/** The other side of the conflict in words of an editor; null: there is none, or it was removed there. */
	readonly theirs: ScheduleDraft | null;
	readonly coming: readonly ComingRun[];
	readonly message: MessagePreview | null;
	readonly messageNote: string | null;
	readonly versions: readonly ScheduleVersion[];
}

/** What became of each of several schedules. */
export interface ScheduleOutcome {
	readonly items: readonly {
		readonly name: string;
		readonly book: BookKind;
		/** done: in force in its book. waiting: kept here until the book answers. */
		readonly outcome: 'done' | 'waiting' | 'conflict' | 'failed' | 'skipped';
		readonly reason: string | null;
		/** The task that was published, where one was. */
		readonly taskId: string | null;
	}[];
	readonly done: number;
	readonly waiting: number;
	readonly failed: number;
	readonly dryRun: boolean;
}

/** One schedule after a change of it. */
export interface ScheduleChanged {
	readonly schedule: ScheduleView;
	/** done: in force in its book. waiting: kept here until the book answers. */
	readonly outcome: 'done' | 'waiting' | 'conflict' | 'refused';
	/** What a person should know about it; null: nothing. */
	readonly note: string | null;
}

export interface ScheduleCounts {
	readonly all: number;
	readonly active: number;
	readonly paused: number;
	readonly edited: number;
	readonly conflict: number;
	/** Edits that their book would not have; they count among the edited as well. */
	readonly refused: number;
	/** With a run of the last day that was missed, failed or is uncertain. */
	readonly troubled: number;
}

/** The tick of a profile's schedules: lists are to be read again when `revision` changes. */
export interface ScheduleTick {
	readonly revision: number;
	readonly counts: ScheduleCounts;
	readonly books: readonly BookView[];
}

const which = { profile: profileName, book: book.optional() };
const many = { ...which, names: references, dryRun: z.boolean().optional().describe('Only say what would be done') };

export const scheduleRoutes = {
	'schedule.next': query({
		scope: 'console',
		summary: 'When something would run next, in any zone, with clock changes marked',
		input: z.strictObject({
			name: reference.optional().describe('A schedule of the profile'),
			profile: profileName.optional(),
			book: book.optional(),
			every: draft.every,
			cron: draft.cron,
			at: draft.at,
			zone: z
				.string()
				.min(1)
				.max(100)
				.optional()
				.describe("Time zone, e.g. Europe/London (default: UTC, or the schedule's own)"),
			from: time.optional().describe('Runs after this time (default: now)'),
			count: z.int().min(1).max(1_000).default(20).describe('How many'),
		}),
		output: returns<{ readonly words: string; readonly items: readonly ComingRun[]; readonly total: number }>(),
		cli: { positional: ['name'] },
	}),
	'schedule.list': query({
		scope: 'deployment',
		summary: 'List schedules of all books, as edited here',
		input: z.strictObject({
			...which,
			search: z.string().max(400).optional().describe('Part of a name, task, queue, arguments or description'),
			show: z.enum(['all', 'active', 'paused', 'edited', 'conflict', 'troubled']).default('all').describe('Only these'),
			names: references.optional().describe('Only these, by name or key'),
			sort: z.enum(['next', 'name', 'task', 'queue', 'last']).default('next').describe('Order'),
			descending: z.boolean().optional(),
			offset: z.int().min(0).max(10_000_000).default(0).describe('Leave out the first so many'),
			limit: limit.default(100),
		}),
		output: returns<{
			readonly items: readonly ScheduleView[];
			/** How many match. */
			readonly total: number;
			readonly counts: ScheduleCounts;
			readonly books: readonly BookView[];
			readonly revision: number;
		}>(),
	}),
	'schedule.show': query({
		scope: 'deployment',
		summary: 'Show one schedule: its next runs, its message, its past, and what waits to be synced',
		input: z.strictObject({ ...which, name: reference }),
		output: returns<ScheduleDetail>(),
		cli: { positional: ['name'] },
	}),
	'schedule.preview': query({
		scope: 'deployment',
		summary: 'Check a schedule before saving it: what is wrong where, its next runs, the exact message',
		input: z.strictObject({
			...which,
			name: z.string().max(400).optional().describe('Name that it would have'),
			of: reference.optional().describe('The schedule that would be changed, by name or key'),
			active: z.boolean().optional(),
			...draft,
			// Half-typed values are to be answered with what is wrong, not refused.
			task: z.string().max(1_000).optional(),
			queue: z.string().max(255).optional(),
			every: z.string().max(100).optional(),
			cron: z.string().max(1_000).optional(),
			at: z.string().max(100).optional(),
			zone: z.string().max(100).optional(),
			missed: z.string().max(40).optional(),
		}),
		output: returns<SchedulePreview>(),
		cli: { hidden: 'schedule add and edit say the same' },
	}),
	'schedule.add': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Make a schedule; where its book cannot be reached it waits here',
		input: z.strictObject({
			...which,
			name: z.string().min(1).max(200).describe('Name, unique in its book'),
			...draft,
			inactive: z.boolean().optional().describe('Paused from the start'),
		}),
		output: returns<ScheduleChanged>(),
		cli: { positional: ['name'] },
	}),
	'schedule.edit': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Change a schedule; what is left out stays',
		input: z.strictObject({
			...which,
			name: reference,
			rename: z.string().min(1).max(200).optional().describe('New name'),
			...draft,
			active: z.boolean().optional().describe('Run it'),
			inactive: z.boolean().optional().describe('Pause it'),
			/** The version the editor was filled from; refused with `conflict` when it is another by now. */
			from: z.string().max(100).optional().describe('Only if it is still as it was then (its fingerprint)'),
		}),
		output: returns<ScheduleChanged>(),
		cli: { positional: ['name'] },
	}),
	'schedule.duplicate': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Copy a schedule under a new name, paused; also into another book',
		input: z.strictObject({
			...which,
			name: reference,
			as: z.string().min(1).max(200).describe('Name of the copy'),
			to: book.optional().describe('Book of the copy (default: the same)'),
		}),
		output: returns<ScheduleChanged>(),
		cli: { positional: ['name', 'as'] },
	}),
	'schedule.remove': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: 'Remove schedules; "schedule restore" brings one back from its past',
		input: z.strictObject(many),
		output: returns<ScheduleOutcome>(),
		cli: { positional: ['names…'] },
	}),
	'schedule.pause': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Pause schedules',
		input: z.strictObject(many),
		output: returns<ScheduleOutcome>(),
		cli: { positional: ['names…'] },
	}),
	'schedule.resume': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Let paused schedules run again',
		input: z.strictObject(many),
		output: returns<ScheduleOutcome>(),
		cli: { positional: ['names…'] },
	}),
	'schedule.run': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Run schedules now, once, whether active or not; their next runs stay as they are',
		input: z.strictObject(many),
		output: returns<ScheduleOutcome>(),
		cli: { positional: ['names…'] },
	}),
	'schedule.runs': query({
		scope: 'deployment',
		summary: 'What became of due times, newest first',
		input: z.strictObject({
			...which,
			name: reference.optional().describe('Schedule, by name or key (default: all)'),
			limit: limit.default(50),
			before: z.int().min(0).optional().describe('Only those due before this time (epoch ms)'),
		}),
		output: returns<{ readonly items: readonly ScheduleRun[]; readonly total: number }>(),
		cli: { positional: ['name'] },
	}),
	'schedule.restore': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Bring a schedule back to how it was, removed ones too',
		input: z.strictObject({
			profile: profileName,
			version: z
				.union([
					z.int().min(1),
					z
						.string()
						.regex(/^\d{1,15}$/, 'a number from "schedule history"')
						.transform(Number),
				])
				.describe('Number of the version'),
			overwritten: z.boolean().optional().describe('To the values that were given up in that step'),
		}),
		output: returns<ScheduleChanged>(),
		cli: { positional: ['version'] },
	}),
	'schedule.history': query({
		scope: 'deployment',
		summary: 'Every version of a schedule, or of all: who changed what, and what was overwritten',
		input: z.strictObject({ ...which, name: reference.optional(), limit: limit.default(50) }),
		output: returns<{ readonly items: readonly ScheduleVersion[]; readonly total: number }>(),
		cli: { positional: ['name'] },
	}),
	'schedule.tasks': query({
		scope: 'deployment',
		summary: 'Tasks that a schedule could run, and where they are known from',
		input: z.strictObject({ profile: profileName, book: book.optional() }),
		output: returns<{
			readonly items: readonly {
				readonly name: string;
				readonly from: readonly ('runner' | 'site' | 'history' | 'schedule')[];
			}[];
			readonly total: number;
		}>(),
	}),
	'schedule.books': query({
		scope: 'deployment',
		summary: 'Show the books of a profile: where they are, what they can keep, who runs them',
		input: z.strictObject({ profile: profileName }),
		output: returns<{ readonly items: readonly BookView[]; readonly total: number }>(),
	}),
	'schedule.sync': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Send waiting edits to their books and fetch what changed there, merged field by field',
		input: z.strictObject({ ...which, dryRun: z.boolean().optional().describe('Only show both sides’ changes') }),
		output: returns<{ readonly items: readonly SyncReport[]; readonly total: number }>(),
	}),
	'schedule.conflicts': query({
		scope: 'deployment',
		summary: 'List schedules that were changed here and there in the same fields',
		input: z.strictObject(which),
		output: returns<{
			readonly items: readonly {
				readonly schedule: ScheduleView;
				readonly base: ScheduleDefinition | null;
				readonly mine: ScheduleDefinition | null;
				readonly conflict: ScheduleConflict;
			}[];
			readonly total: number;
		}>(),
	}),
	'schedule.resolve': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Choose, per field or for all, whose values hold; the others stay in its history',
		input: z.strictObject({
			...which,
			name: reference,
			all: z.enum(['mine', 'theirs']).optional().describe('For every field that has no choice of its own'),
			mine: z.array(field).max(20).optional().describe('Field to keep as it is here'),
			theirs: z.array(field).max(20).optional().describe('Field to take as it is in the book'),
		}),
		output: returns<ScheduleChanged>(),
		cli: { positional: ['name'] },
	}),
	'schedule.revert': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Take back edits that wait: the schedules are again as their book has them',
		input: z.strictObject({
			...which,
			names: references.optional(),
			all: z.boolean().optional().describe('All that wait'),
		}),
		output: returns<ScheduleOutcome>(),
		cli: { positional: ['names…'] },
	}),
	'schedule.export': query({
		scope: 'deployment',
		summary: "Schedules as text: Warren's JSON, carrot's fields, or RedBeat's keys",
		input: z.strictObject({
			...which,
			format: z.enum(['json', 'carrot', 'redbeat']).default('json'),
			names: references.optional(),
		}),
		output: returns<{
			readonly format: string;
			readonly text: string;
			readonly total: number;
			readonly skipped: readonly string[];
		}>(),
		cli: { positional: ['names…'] },
	}),
	'schedule.import': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Make schedules of text that "schedule export" wrote, or of rows of carrot or keys of RedBeat',
		input: z.strictObject({
			...which,
			text: z.string().min(2).max(20_000_000).describe('The text'),
			replace: z.boolean().optional().describe('Change schedules that have the same name (default: leave them out)'),
			inactive: z.boolean().optional().describe('Paused, whatever the text says'),
			dryRun: z.boolean().optional().describe('Only say what would be made'),
		}),
		output: returns<ScheduleOutcome>(),
	}),
	/** One item, keyed by profile id. While somebody watches, books are kept connected and read. */
	'schedule.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: 'A tick whenever schedules, their books or their runs change',
		input: z.strictObject({ profile: profileName }),
		item: returns<{ readonly key: string; readonly tick: ScheduleTick }>(),
	}),
};
