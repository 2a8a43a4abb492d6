/** Routes about schedules: their books, edits (offline too), syncing, runs, and due times. */
import * as z from 'zod';
import type {
	BookKind,
	ScheduleConflict,
	ScheduleDefinition,
	ScheduleField,
	ScheduleRun,
	ScheduleVersion,
	SyncReport,
} from '#main/domain/schedule.ts';
import { BOOK_KINDS, SCHEDULE_FIELDS } from '#main/domain/schedule.ts';
import { limit, profileName, queryText } from './fields.ts';
import { command, query, returns, stream } from './route.ts';
import type {
	BookView,
	ComingRun,
	ScheduleChanged,
	ScheduleCounts,
	ScheduleDetail,
	ScheduleOutcome,
	SchedulePreview,
	ScheduleTick,
	ScheduleView,
} from './schedule-answers.ts';
import { draft, time } from './schedule-draft.ts';

const book = z.enum(BOOK_KINDS as [BookKind, ...BookKind[]]).describe('Book: local, shared, carrot or redbeat');
const reference = z.string().min(1).max(400).describe('Schedule, by name or key');
const references = z.array(reference).min(1).max(10_000).describe('Schedules, by name or key');
const field = z.enum(SCHEDULE_FIELDS as [ScheduleField, ...ScheduleField[]]);

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
			search: z.string().max(400).optional().describe('Words in a name, task, queue, arguments or description'),
			query: queryText.optional().describe("Query over schedules, e.g. 'is:active queue:mail next:<2h'"),
			show: z.enum(['all', 'active', 'paused', 'edited', 'conflict', 'troubled']).default('all').describe('Only these'),
			names: references.optional().describe('Only these, by name or key'),
			sort: z.enum(['next', 'name', 'task', 'queue', 'last']).default('next').describe('Order'),
			descending: z.boolean().optional(),
			offset: z.int().min(0).max(10_000_000).default(0).describe('Leave out the first so many'),
			limit: limit.default(100),
			fetch: z.boolean().optional().describe('Read the books first; edits that wait here are not sent'),
		}),
		output: returns<{
			readonly items: readonly ScheduleView[];
			/** How many match. */
			readonly total: number;
			readonly counts: ScheduleCounts;
			readonly books: readonly BookView[];
			/** Books that were to be read first and could not be; null: that was not asked for. */
			readonly unread: readonly { readonly book: BookKind; readonly reason: string }[] | null;
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
		output: returns<{
			readonly items: readonly ScheduleRun[];
			readonly total: number;
			/** Why what others did may be missing; null: nothing is. */
			readonly note: string | null;
		}>(),
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
