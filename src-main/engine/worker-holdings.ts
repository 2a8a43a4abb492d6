/** What the workers of a Celery deployment say they hold: counted by queue, and by id for whoever looks for what nobody holds. */
import type { Profile } from '#main/domain/profile.ts';
import type { HeldByWorkers } from '#main/domain/queue-depth.ts';

/** Answers of one round of `inspect`, by node, as Celery gives them. */
export interface InspectAnswers {
	readonly active: ReadonlyMap<string, unknown>;
	readonly reserved: ReadonlyMap<string, unknown>;
	readonly scheduled: ReadonlyMap<string, unknown>;
	/** Workers that are alive, or may be, and did not answer all three. */
	readonly silent: readonly string[];
	/** When they were asked, epoch ms. */
	readonly at: number;
}

/** Asks all workers of a profile; a text says why they cannot be asked. `fresh`: an answer of a moment ago will not do. */
export type AskWorkers = (profile: Profile, signal: AbortSignal, fresh?: boolean) => Promise<InspectAnswers | string>;

export interface WorkerHoldings {
	/** By queue, as the task's own routing key has it. */
	readonly byQueue: ReadonlyMap<string, HeldByWorkers>;
	/** For queues that no worker holds anything of. */
	readonly none: HeldByWorkers;
	/** Ids that some worker named. */
	readonly claimed: ReadonlySet<string>;
	readonly silent: readonly string[];
	readonly at: number;
}

type Counts = { -readonly [K in 'running' | 'runningUnacked' | 'reserved' | 'scheduled']: number };

/** Adds the answers up. A task that two answers name (it began in between) is counted once, as the later of both. */
export function holdingsOf(answers: InspectAnswers): WorkerHoldings {
	const counts = new Map<string, Counts>();
	const claimed = new Set<string>();
	const add = (task: unknown, as: (counts: Counts, task: Readonly<Record<string, unknown>>) => void) => {
		if (!isRecord(task) || typeof task.id !== 'string' || claimed.has(task.id)) return;
		claimed.add(task.id);
		const info = isRecord(task.delivery_info) ? task.delivery_info : {};
		if (typeof info.routing_key !== 'string') return;
		const of = counts.get(info.routing_key) ?? { running: 0, runningUnacked: 0, reserved: 0, scheduled: 0 };
		as(of, task);
		counts.set(info.routing_key, of);
	};
	for (const task of tasksIn(answers.active)) {
		add(task, (of, { acknowledged }) => {
			of.running += 1;
			if (acknowledged !== true) of.runningUnacked += 1;
		});
	}
	for (const task of tasksIn(answers.reserved)) {
		add(task, (of) => {
			of.reserved += 1;
		});
	}
	for (const entry of tasksIn(answers.scheduled)) {
		add(isRecord(entry) ? entry.request : null, (of) => {
			of.scheduled += 1;
		});
	}
	const { silent, at } = answers;
	const answered = answers.active.size;
	return {
		byQueue: new Map([...counts].map(([queue, of]) => [queue, { ...of, at, silent, answered }])),
		none: { running: 0, runningUnacked: 0, reserved: 0, scheduled: 0, at, silent, answered },
		claimed,
		silent,
		at,
	};
}

function tasksIn(answers: ReadonlyMap<string, unknown>): readonly unknown[] {
	return [...answers.values()].flatMap((answer) => (Array.isArray(answer) ? (answer as readonly unknown[]) : []));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
