/** Routes about tasks: lists, one task, and what a person does to them. */
import * as z from 'zod';
import type { ActionOutcome, ActionProgress, Review } from '#main/domain/action.ts';
import type { ConsoleLine } from '#main/domain/consumer.ts';
import type { FieldTable } from '#main/domain/message.ts';
import { type Page, TASK_SORT_FIELDS, type TaskSortField, type TaskTick } from '#main/domain/page.ts';
import type { LogLevel, TaskDetail, TaskRow } from '#main/domain/task.ts';
import type { Value } from '#main/domain/value.ts';
import type { ControlOutcome, RevokedTask } from '#main/domain/worker-control.ts';
import {
	kwargsJson,
	limit,
	literals,
	logLevel,
	priority,
	profileName,
	queryText,
	queueName,
	reviewToken,
	taskIds,
} from './fields.ts';
import { command, query, returns, stream } from './route.ts';

export interface TaskLogLine {
	readonly seq: number;
	readonly at: number;
	readonly level: LogLevel;
	readonly source: 'log' | 'stdout' | 'stderr' | 'warren';
	readonly logger: string | null;
	readonly text: string;
}

/** The raw message of an attempt. Bytes are base64, cut at 64 KiB unless `whole` was asked for. */
export interface RawMessage {
	readonly exchange: string;
	readonly routingKey: string;
	readonly properties: Readonly<Record<string, string | number>>;
	readonly headers: FieldTable;
	readonly bodyBase64: string;
	readonly bodyBytes: number;
	/** The body as text where it is UTF-8; null otherwise. */
	readonly bodyText: string | null;
	readonly cut: boolean;
}

const selection = {
	profile: profileName,
	ids: taskIds.optional(),
	where: queryText.optional().describe('All tasks that match this query'),
	review: reviewToken.optional().describe('Exactly what a review froze'),
	dryRun: z.boolean().optional().describe('Only say what would be done'),
};

const savedView = z.string().min(1).max(80).optional().describe('Only what this saved view has');

export const taskRoutes = {
	'task.list': query({
		scope: 'deployment',
		summary: 'List tasks that match a query',
		input: z.strictObject({
			profile: profileName,
			query: queryText.default(''),
			view: savedView,
			limit: limit.default(50),
			sort: z
				.enum(TASK_SORT_FIELDS as [TaskSortField, ...TaskSortField[]])
				.optional()
				.describe("Field to order by (default: the view's, else updatedAt)"),
			ascending: z.boolean().optional().describe('Smallest first'),
			cursor: z.string().max(2_000).optional().describe('From another page'),
			patience: z
				.int()
				.min(0)
				.max(60_000)
				.optional()
				.describe('Milliseconds after which what was found so far is given (default: a whole page)'),
		}),
		output: returns<Page<TaskRow>>(),
		cli: { positional: ['query'] },
	}),
	'task.count': query({
		scope: 'deployment',
		summary: 'Count tasks that match a query',
		input: z.strictObject({ profile: profileName, query: queryText.default(''), view: savedView }),
		output: returns<{ readonly total: number }>(),
		cli: { positional: ['query'] },
	}),
	'task.show': query({
		scope: 'deployment',
		summary: 'Show one task with its attempts',
		input: z.strictObject({ profile: profileName, id: z.string().min(1).max(400) }),
		output: returns<TaskDetail>(),
		cli: { positional: ['id'] },
	}),
	'task.log': query({
		scope: 'deployment',
		summary: "Read an attempt's log",
		input: z.strictObject({
			profile: profileName,
			attempt: z.int().min(1),
			afterSeq: z.int().min(-1).default(-1),
			limit: z.int().min(1).max(5_000).default(1_000),
			level: logLevel.default('debug').describe('Least severe level to show'),
			search: z.string().max(400).default('').describe('Only lines with this text, or that match /a pattern/'),
		}),
		output: returns<{ readonly lines: readonly TaskLogLine[]; readonly total: number }>(),
	}),
	/** Looks at some lines a call; `seen` goes into `afterSeq` of the next. */
	'task.find': query({
		scope: 'deployment',
		summary: "Where in an attempt's log the lines of a level and a search are",
		input: z.strictObject({
			profile: profileName,
			attempt: z.int().min(1),
			afterSeq: z.int().min(-1).default(-1),
			level: logLevel.default('debug'),
			search: z.string().max(400).default(''),
		}),
		output: returns<{
			readonly seqs: readonly number[];
			readonly seen: number;
			readonly lines: number;
			readonly done: boolean;
		}>(),
		cli: { hidden: 'log find' },
	}),
	'task.lines': query({
		scope: 'deployment',
		summary: "Lines of an attempt's log by their numbers",
		input: z.strictObject({
			profile: profileName,
			attempt: z.int().min(1),
			seqs: z.array(z.int().min(0)).max(1_000),
		}),
		output: returns<{ readonly lines: readonly TaskLogLine[] }>(),
		cli: { hidden: 'log show' },
	}),
	'task.message': query({
		scope: 'deployment',
		summary: 'Show the raw message of an attempt',
		input: z.strictObject({ profile: profileName, attempt: z.int().min(1), whole: z.boolean().optional() }),
		output: returns<RawMessage>(),
	}),
	'task.names': query({
		scope: 'deployment',
		summary: 'Names of tasks seen here, and of those the consumers offer',
		input: z.strictObject({ profile: profileName }),
		output: returns<{ readonly items: readonly string[] }>(),
	}),
	'task.publish': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Publish a task',
		input: z.strictObject({
			profile: profileName,
			name: z.string().min(1).max(400).describe('Dotted path of the task'),
			queue: queueName.optional().describe('Queue (default: the first of the profile, or default)'),
			args: literals.default(''),
			kwargs: kwargsJson.default('{}'),
			priority: priority.default(0),
			exchange: z.string().max(255).default('').describe('Exchange (default: the default one)'),
			routingKey: z.string().max(255).optional().describe('Routing key (default: the queue)'),
			count: z.int().min(1).max(100_000).default(1).describe('How many to publish'),
			label: z.string().min(1).max(100).optional().describe('django-q: name of this task (default: made of its id)'),
			group: z.string().min(1).max(100).optional().describe('django-q: group'),
			hook: z.string().min(1).max(256).optional().describe('django-q: path of the function that gets the result'),
			timeout: z.int().min(-1).max(1_000_000_000).optional().describe('django-q: seconds it may run (-1: for ever)'),
		}),
		/** `note`: what was taken for granted; null: nothing. */
		output: returns<{ readonly id: string; readonly published: number; readonly note: string | null }>(),
		cli: { positional: ['name'] },
	}),
	'task.review': query({
		scope: 'deployment',
		summary: 'Freeze what a requeue or delete would change, and show it',
		input: z.strictObject({
			profile: profileName,
			action: z.enum(['requeue', 'delete']),
			ids: taskIds.optional(),
			where: queryText.optional(),
			group: z.string().min(4).max(16).optional().describe('The failed tasks of this group (that match, with where)'),
			given: z.boolean().optional().describe('requeue: a person gives the arguments'),
		}),
		output: returns<Review>(),
		cli: { hidden: 'requeue and delete take --dry-run' },
	}),
	'task.requeue': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Send tasks again: a new attempt with the same arguments and priority',
		input: z.strictObject({
			...selection,
			queue: queueName.optional().describe('Another queue than the original'),
			args: literals.optional().describe('Other positional arguments, for one task; both kinds are replaced'),
			kwargs: kwargsJson.optional().describe('Other keyword arguments, for one task; both kinds are replaced'),
		}),
		output: returns<ActionOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	'task.delete': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: 'Delete tasks from history, and from their queue if they still wait there',
		input: z.strictObject(selection),
		output: returns<ActionOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	'task.revoke': command({
		scope: 'deployment',
		needs: 'write',
		destroys: (input) => input.terminate === true,
		summary: "Tell Celery's workers not to run tasks, and with --terminate to end them where they run",
		input: z.strictObject({
			profile: profileName,
			ids: z.array(z.string().min(1).max(400)).min(1).max(10_000).describe('Task ids'),
			terminate: z.boolean().optional().describe("End a running task's process too"),
			signal: z.string().max(20).optional().describe('Signal for that (default: SIGTERM)'),
			destination: z.array(z.string().min(1).max(1_000)).optional().describe('Only these workers, by node name'),
			timeout: z.number().min(0.1).max(600).default(2).describe('Seconds to wait for answers'),
		}),
		output: returns<ControlOutcome & { readonly done: number; readonly tasks: readonly RevokedTask[] }>(),
		cli: { positional: ['ids…'] },
	}),
	/** One item: the newest tick of this profile's tasks. */
	'task.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: 'A tick whenever tasks change',
		input: z.strictObject({ profile: profileName }),
		item: returns<{ readonly key: string; readonly tick: TaskTick }>(),
		cli: { hidden: 'task list reads the same' },
	}),
	/** The log of a task's newest attempt, from its first line on, as it grows. */
	'task.follow': stream({
		scope: 'deployment',
		fold: 'append',
		summary: "Follow a task's log while it runs",
		input: z.strictObject({ profile: profileName, id: z.string().min(1).max(400) }),
		item: returns<TaskLogLine & { readonly attempt: number }>(),
		cli: { positional: ['id'] },
	}),
	/** All log lines of this profile's consumers, live, with the last 500 as a start. */
	'console.watch': stream({
		scope: 'deployment',
		fold: 'append',
		summary: 'Live log of everything that runs here',
		input: z.strictObject({ profile: profileName }),
		item: returns<ConsoleLine>(),
	}),
	/** Keyed by `key`. */
	'action.watch': stream({
		scope: 'console',
		fold: 'latest',
		summary: 'Progress of changes under way',
		input: z.strictObject({}),
		item: returns<ActionProgress>(),
		cli: { hidden: 'commands show their own progress' },
	}),
	'action.cancel': command({
		scope: 'console',
		needs: 'write',
		summary: 'Stop a change after the item it is at',
		input: z.strictObject({ key: z.string().min(1).max(100) }),
		output: returns<{ readonly cancelled: boolean }>(),
		cli: { hidden: 'Ctrl+C does it' },
	}),
	'argument.check': query({
		scope: 'deployment',
		summary: 'Read arguments as they would be sent, or say what is wrong at which line and column',
		input: z.strictObject({ profile: profileName, args: literals.default(''), kwargs: kwargsJson.default('{}') }),
		output: returns<{
			readonly args: readonly Value[] | null;
			readonly kwargs: Value | null;
			readonly argsProblem: ArgumentProblem | null;
			readonly kwargsProblem: ArgumentProblem | null;
			/** The body that would be sent; null while there is a problem. */
			readonly body: string | null;
		}>(),
	}),
};

/** A mistake in what was typed; line and column count from 1, offsets from 0 in UTF-16 units. */
export interface ArgumentProblem {
	readonly message: string;
	readonly line: number;
	readonly column: number;
	readonly offset: number;
}
