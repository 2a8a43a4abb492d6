/** Routes about running tasks: consumers of this process, and the saved sets they are started from. */
import * as z from 'zod';
import type { ConsumerSetView, SavedConsumerSet } from '#main/domain/consumer.ts';
import { profileName, queueName } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

const path = z.string().min(1).max(4_000);
const duration = z.string().min(1).max(40);
const setName = z.string().min(1).max(80);
/** A running consumer's id, or a saved set's id or name. */
const setId = z.string().min(1).max(100);

/** What runs the tasks, and how. Left out: as it was, or the default. */
const how = {
	python: path.optional().describe('Python interpreter'),
	project: path.optional().describe('Folder of the tasks (default: the current one)'),
	settings: z.string().min(1).max(400).optional().describe('Django settings module'),
	node: z.array(path).max(100).optional().describe('ES modules with tasks, instead of Python'),
	env: z.record(z.string(), z.string()).optional().describe('Environment for the tasks'),
	declare: z.boolean().optional().describe("Declare missing queues, exactly as carrot's consumers do"),
	prefetch: z
		.int()
		.min(1)
		.max(65_535)
		.optional()
		.describe('Messages held at most (default: what keeps the slots busy)'),
	priority: z.int().min(-1_000).max(1_000).optional().describe("RabbitMQ's priority among the consumers of a queue"),
	softLimit: duration.optional().describe('Time after which a task is asked to end, e.g. 30s'),
	hardLimit: duration.optional().describe('Time after which its process is killed, e.g. 1m'),
	memory: z.int().min(16).max(4_194_304).optional().describe('MiB beyond which its process is killed'),
	recycle: z.int().min(1).max(1_000_000).optional().describe('Tasks after which a runner is replaced'),
	retries: z.int().min(0).max(1_000).optional().describe('Tries after the first, when a task fails'),
	retryDelay: duration.optional().describe('Wait before the first of them (default: 1s)'),
	retryFactor: z.number().min(1).max(100).optional().describe('Each further wait is so many times longer (default: 2)'),
	retryMaxDelay: duration.optional().describe('Longest wait (default: 10m)'),
	retryJitter: z.number().min(0).max(1).optional().describe('Share of a wait that is left to chance (default: 0.1)'),
	retryOn: z.array(z.string().min(1).max(400)).max(100).optional().describe('Exception to retry (default: any)'),
	retryNever: z.array(z.string().min(1).max(400)).max(100).optional().describe('Exception never to retry'),
	onFailureRun: z
		.array(z.string().min(1).max(4_000))
		.max(20)
		.optional()
		.describe('Command to run when a task has failed; it reads the failure as JSON'),
	onFailurePost: z.array(z.string().min(1).max(4_000)).max(20).optional().describe('URL to POST the failure to'),
	onFailureCall: z
		.array(z.string().min(1).max(400))
		.max(20)
		.optional()
		.describe("Function of the project to call with (log, exception), as carrot's failure hooks"),
	hookTimeout: duration.optional().describe('Time that a hook may take (default: 30s)'),
	onKnownOutcome: z
		.enum(['run', 'ask', 'drop'])
		.optional()
		.describe(
			'What to do with a message that comes again although its outcome is known (default: drop, with a record)',
		),
};

/** Settings of a saved set that can be taken back to nothing; the others take an empty list, or 0. */
export const CLEARABLE = ['settings', 'prefetch', 'priority', 'softLimit', 'hardLimit', 'memory', 'recycle'] as const;

/** A saved set with what runs of it in this process. Values of its environment stay in the vault: they are empty here. */
export interface SavedSetView {
	readonly set: SavedConsumerSet;
	readonly running: ConsumerSetView | null;
}

/** What became of one set that was to be started. */
export interface SetStart {
	readonly name: string;
	readonly outcome: 'started' | 'already' | 'refused';
	readonly reason: string | null;
	readonly set: ConsumerSetView | null;
}

/** What became of one queue of carrot's settings. */
export interface ImportedQueue {
	readonly queue: string;
	readonly outcome: 'added' | 'changed' | 'skipped';
	/** Why it was skipped, and what of it Warren does otherwise. */
	readonly remarks: readonly string[];
}

export const consumerRoutes = {
	'consumer.list': query({
		scope: 'deployment',
		summary: "List this profile's consumers in this process",
		input: z.strictObject({ profile: profileName }),
		output: returns<{ readonly items: readonly ConsumerSetView[]; readonly total: number }>(),
	}),
	'consumer.run': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Run tasks from queues',
		input: z.strictObject({
			profile: profileName,
			queues: z.array(queueName).min(1).max(100),
			concurrency: z.int().min(1).max(64).default(1).describe('Tasks at a time'),
			...how,
			untilEmpty: z.boolean().optional().describe('Stop once the queues are empty'),
			noScheduler: z.boolean().optional().describe('Leave schedules alone'),
		}),
		output: returns<ConsumerSetView>(),
		cli: { hidden: 'consumer run stays in the foreground' },
	}),
	'consumer.stop': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Stop a consumer: finish what runs, or give it back now',
		input: z.strictObject({ profile: profileName, id: setId, now: z.boolean().optional() }),
		output: returns<ConsumerSetView>(),
		cli: { hidden: 'consumer stop ends the background service; Ctrl+C ends consumer run' },
	}),
	'consumer.start': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Start saved consumer sets in this process',
		input: z.strictObject({
			profile: profileName,
			sets: z.array(setId).max(100).optional().describe('Saved set'),
			all: z.boolean().optional().describe('All that start by themselves'),
			noScheduler: z.boolean().optional().describe('Leave schedules alone'),
		}),
		output: returns<{ readonly items: readonly SetStart[]; readonly total: number }>(),
		cli: { hidden: 'consumer start runs them in the background service' },
	}),
	'consumer.restart': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Stop a consumer and start it again as it is saved now',
		input: z.strictObject({ profile: profileName, id: setId, now: z.boolean().optional() }),
		output: returns<ConsumerSetView>(),
		cli: { hidden: 'consumer restart restarts the background service' },
	}),
	'consumer.resize': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Change how many tasks a running consumer runs at a time',
		input: z.strictObject({
			profile: profileName,
			id: setId.describe('Running consumer: its id, or the name of its saved set'),
			concurrency: z.int().min(1).max(64).describe('Tasks at a time'),
			save: z.boolean().optional().describe('In its saved set too'),
		}),
		output: returns<ConsumerSetView>(),
		cli: { positional: ['id', 'concurrency'] },
	}),
	'consumer.cancel': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Cancel one running task; its process is ended where it must be',
		input: z.strictObject({ profile: profileName, task: z.string().min(1).max(400).describe('Task id') }),
		output: returns<{ readonly cancelled: boolean }>(),
		cli: { positional: ['task'] },
	}),
	'consumer.sets': query({
		scope: 'deployment',
		summary: 'List saved consumer sets',
		input: z.strictObject({ profile: profileName }),
		output: returns<{ readonly items: readonly SavedSetView[]; readonly total: number }>(),
	}),
	'consumer.save': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Save a consumer set, or change a saved one; what is left out stays',
		input: z.strictObject({
			profile: profileName,
			name: setName.describe('Name of the set'),
			rename: setName.optional().describe('New name'),
			queues: z.array(queueName).min(1).max(100).optional().describe('Queue'),
			notConsumed: z.array(queueName).max(100).optional().describe('Queue that is listed and not consumed'),
			concurrency: z.int().min(1).max(64).optional().describe('Tasks at a time (default: 1)'),
			autoStart: z.boolean().optional().describe('Start with the app and the service'),
			...how,
			copyOf: setId.optional().describe('Saved set that a new one begins as, its environment included'),
			keepEnv: z
				.array(z.string().min(1).max(400))
				.max(1_000)
				.optional()
				.describe('Variable that keeps its saved value, beside what --env sets'),
			clear: z.array(z.enum(CLEARABLE)).max(CLEARABLE.length).optional().describe('Setting to take back'),
		}),
		output: returns<SavedSetView>(),
		cli: { positional: ['name'] },
	}),
	'consumer.forget': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Remove a saved set; one that runs goes on until it is stopped',
		input: z.strictObject({ profile: profileName, name: setId.describe('Name or id of the set') }),
		output: returns<{ readonly forgotten: string }>(),
		cli: { positional: ['name'] },
	}),
	'consumer.import': command({
		scope: 'deployment',
		needs: 'write',
		summary: "Save a set per queue of a site's CARROT settings, given as JSON or as the Python dict",
		input: z.strictObject({
			profile: profileName,
			carrot: z.string().min(2).max(1_000_000).describe("The settings' CARROT dict"),
			autoStart: z.boolean().optional().describe('Start with the app and the service'),
			dryRun: z.boolean().optional().describe('Only say what would be saved'),
			...how,
		}),
		output: returns<{ readonly items: readonly ImportedQueue[]; readonly total: number }>(),
	}),
	/** Keyed by set id; null: forgotten. */
	'consumer.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: 'Consumers and their slots, as they change',
		input: z.strictObject({ profile: profileName }),
		item: returns<{ readonly key: string; readonly set: ConsumerSetView | null }>(),
		cli: { hidden: 'consumer run shows its own' },
	}),
};
