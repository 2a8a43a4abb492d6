/** What can be told to Celery's workers from the page: which values each wants, what is wrong with them, and how it is called. Pure. */

import type { WorkerView } from '#main/domain/worker.ts';
import { type ControlMethod, destroysBy } from '#main/domain/worker-methods.ts';
import type { CallerInput } from './engine.ts';

/** Methods that are told to workers; those about single tasks have a road of their own. */
export type PlanMethod = Exclude<ControlMethod, 'revoke' | 'terminate' | 'revoke_by_stamped_headers' | 'heartbeat'>;

type ValueName = 'n' | 'max' | 'min' | 'queue' | 'exchange' | 'routingKey' | 'taskName' | 'rateLimit' | 'soft' | 'hard';

/** What was typed, by field. */
export type PlanValues = Readonly<Partial<Record<ValueName, string>>>;

export interface WorkerPlan {
	readonly method: PlanMethod;
	/** Nodes by name; null: every worker that takes from the queue, as the review finds them. */
	readonly nodes: readonly string[] | null;
	readonly values: PlanValues;
	/** What the first review found, so that a changed value asks nobody anew. */
	readonly found: WorkerReview | null;
}

/** Whom a plan is about, as they said themselves just now. */
export interface WorkerReview {
	/** Fixed: nobody else is told. */
	readonly nodes: readonly string[];
	readonly workers: readonly WorkerView[];
	/** Workers that live and did not say which queues they take from. */
	readonly unsure: readonly string[];
}

export interface PlanField {
	readonly name: ValueName;
	readonly label: string;
	readonly hint?: string;
	readonly mono?: boolean;
	/** `count`: a whole number from `from`. `seconds`: may have a fraction. */
	readonly kind: 'text' | 'count' | 'seconds' | 'rate';
	readonly from?: number;
	readonly required: boolean;
	readonly start?: string;
}

const QUEUE: PlanField = { name: 'queue', label: 'Queue', kind: 'text', required: true, mono: true };
const TASK: PlanField = { name: 'taskName', label: 'Task', kind: 'text', required: true, mono: true };
const PROCESSES: PlanField = { name: 'n', label: 'Processes', kind: 'count', from: 1, required: true, start: '1' };

const FIELDS: Readonly<Record<PlanMethod, readonly PlanField[]>> = {
	shutdown: [],
	pool_restart: [],
	enable_events: [],
	disable_events: [],
	pool_grow: [PROCESSES],
	pool_shrink: [PROCESSES],
	autoscale: [
		{ name: 'max', label: 'Most processes', kind: 'count', from: 1, required: true },
		{ name: 'min', label: 'Least processes', kind: 'count', from: 0, required: false, hint: 'Empty: as it is' },
	],
	cancel_consumer: [QUEUE],
	add_consumer: [
		QUEUE,
		{
			name: 'exchange',
			label: 'Exchange',
			kind: 'text',
			required: false,
			mono: true,
			hint: "Empty: as the worker's own settings have it, else named as the queue",
		},
		{
			name: 'routingKey',
			label: 'Routing key',
			kind: 'text',
			required: false,
			mono: true,
			hint: 'Empty: likewise',
		},
	],
	rate_limit: [
		TASK,
		{
			name: 'rateLimit',
			label: 'Rate for each worker',
			kind: 'rate',
			required: true,
			mono: true,
			hint: '10/s, 5/m or 100/h; 0 takes the limit away',
		},
	],
	time_limit: [
		TASK,
		{
			name: 'soft',
			label: 'Soft limit, seconds',
			kind: 'seconds',
			required: false,
			hint: 'SoftTimeLimitExceeded is raised in the task',
		},
		{ name: 'hard', label: 'Hard limit, seconds', kind: 'seconds', required: false, hint: 'Its process is ended' },
	],
};

/** What a method wants to be told, in the order of asking. */
export function planFields(method: PlanMethod): readonly PlanField[] {
	return FIELDS[method];
}

/** A plan with what its fields begin with. */
export function newPlan(method: PlanMethod, nodes: readonly string[] | null, values: PlanValues = {}): WorkerPlan {
	const start = Object.fromEntries(
		FIELDS[method].flatMap(({ name, start: text }) => (text === undefined ? [] : [[name, text]])),
	);
	return { method, nodes, values: { ...start, ...values }, found: null };
}

/** What is wrong with one field; null: nothing. */
export function fieldFault(field: PlanField, values: PlanValues): string | null {
	const text = (values[field.name] ?? '').trim();
	if (text === '') return field.required ? 'It is missing' : null;
	switch (field.kind) {
		case 'text':
			return null;
		case 'count':
			return /^\d{1,4}$/.test(text) && Number(text) >= (field.from ?? 0)
				? null
				: `A whole number from ${field.from ?? 0}`;
		case 'seconds':
			return /^\d+(\.\d+)?$/.test(text) ? null : 'A number of seconds, such as 30';
		case 'rate':
			return /^(\d+(\.\d+)?(\/[smh])?)$/.test(text) ? null : 'A number per second, minute or hour: 10/s, 5/m or 100/h';
	}
}

/** The first thing that is wrong with a plan, in words; null: it can be sent. */
export function planFault({ method, values }: Pick<WorkerPlan, 'method' | 'values'>): string | null {
	for (const field of FIELDS[method]) {
		const fault = fieldFault(field, values);
		if (fault !== null) return `${field.label}: ${fault[0]?.toLowerCase()}${fault.slice(1)}.`;
	}
	const { soft = '', hard = '', max = '', min = '' } = values;
	if (method === 'time_limit' && soft.trim() === '' && hard.trim() === '')
		return 'Give a soft limit, a hard limit or both.';
	if (method === 'time_limit' && soft.trim() !== '' && Number(hard) > 0 && Number(soft) >= Number(hard))
		return 'The soft limit must come before the hard one.';
	if (method === 'autoscale' && min.trim() !== '' && Number(min) > Number(max))
		return 'The least may not be more than the most.';
	return null;
}

/** A plan without fault as its route takes it. */
export function planInput(
	profile: string,
	{ method, values }: WorkerPlan,
	nodes: readonly string[],
): CallerInput<'worker.control'> {
	const given: Record<string, string | number> = {};
	for (const { name, kind } of FIELDS[method]) {
		const text = (values[name] ?? '').trim();
		if (text !== '') given[name] = kind === 'count' || kind === 'seconds' ? Number(text) : text;
	}
	return { profile, method, destination: [...nodes], ...given };
}

/** Whether it ends something: such a plan is confirmed by the profile's name on production. */
export function planDestroys({ method }: Pick<WorkerPlan, 'method'>): boolean {
	return destroysBy(method, {});
}

/** "w1@web", "3 workers". */
export function whoWords(nodes: readonly string[]): string {
	const [one] = nodes;
	return nodes.length === 1 && one !== undefined ? one : `${nodes.length} workers`;
}

/** The plan as a heading and as its button: "Pause emails on 2 workers". */
export function planTitle({ method, values, nodes }: WorkerPlan, review: WorkerReview | null): string {
	const names = review?.nodes ?? nodes;
	const who = names === null ? 'workers' : whoWords(names);
	const { queue = '', n = '', taskName = '' } = values;
	const what = (text: string, otherwise: string): string => (text.trim() === '' ? otherwise : text.trim());
	switch (method) {
		case 'shutdown':
			return `Shut down ${who}`;
		case 'pool_restart':
			return `Restart the pool of ${who}`;
		case 'enable_events':
			return `Have ${who} tell of tasks`;
		case 'disable_events':
			return `Have ${who} tell of tasks no more`;
		case 'pool_grow':
			return `Grow the pool of ${who}${n.trim() === '' ? '' : ` by ${n.trim()}`}`;
		case 'pool_shrink':
			return `Shrink the pool of ${who}${n.trim() === '' ? '' : ` by ${n.trim()}`}`;
		case 'autoscale':
			return `Scale ${who}`;
		case 'cancel_consumer':
			return `Pause ${what(queue, 'a queue')} on ${who}`;
		case 'add_consumer':
			return `Take ${what(queue, 'a queue')} on ${who}`;
		case 'rate_limit':
			return `Limit the rate of ${what(taskName, 'a task')} on ${who}`;
		case 'time_limit':
			return `Limit the time of ${what(taskName, 'a task')} on ${who}`;
	}
}

/** What it does and what it does not, before it is done. */
export function planWords({ method }: Pick<WorkerPlan, 'method'>): readonly string[] {
	switch (method) {
		case 'shutdown':
			return [
				'A warm shutdown: it takes no more tasks, lets those that run end, and gives back what it had only taken.',
				'Nothing here starts it again; that is for whatever runs it, such as systemd or Kubernetes.',
			];
		case 'pool_restart':
			return [
				'The processes of its pool are ended and started anew, and with them what they run at the moment.',
				'It works only where worker_pool_restarts is on.',
			];
		case 'enable_events':
			return ['It tells of its tasks from now on, until it restarts. Start it with -E to have it tell always.'];
		case 'disable_events':
			return [
				'Its tasks are not heard of from then on. A worker that was started with -E goes on telling all the same.',
			];
		case 'pool_grow':
			return ['More processes run more tasks at a time. It holds until the worker restarts.'];
		case 'pool_shrink':
			return ['Processes that run a task end after it. It holds until the worker restarts.'];
		case 'autoscale':
			return ['Only a worker that was started with --autoscale can be told. It holds until it restarts.'];
		case 'cancel_consumer':
			return [
				'They take no more from this queue; messages wait in it. What they had taken already still runs.',
				'It holds until a worker restarts, which takes from its queues again.',
			];
		case 'add_consumer':
			return ['Messages of this queue are taken and run. It holds until the worker restarts.'];
		case 'rate_limit':
			return ['Each worker starts so many at most. Tasks that wait for their turn are held by the worker, in no list.'];
		case 'time_limit':
			return [
				'It holds for tasks that begin from now on, until the worker restarts. Celery 5.2 answers that it is set and goes on with the limits it had.',
			];
	}
}
