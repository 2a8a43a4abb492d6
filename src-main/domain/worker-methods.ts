/**
 * What Celery's workers can be asked and told (remote control), with the arguments that each method takes: data, from which the
 * contract, the command line's help and the checks before sending are made. Two of Celery's methods are left out on purpose:
 * `election`, which ends a worker that is alone in its cluster, and `hello`, by which workers greet one another.
 */
import { fail, ok, type Result } from './result.ts';

/** Methods without side effects. */
export const INSPECT_METHODS = [
	'ping',
	'active',
	'reserved',
	'scheduled',
	'revoked',
	'registered',
	'stats',
	'active_queues',
	'conf',
	'report',
	'query_task',
	'clock',
	'memsample',
	'memdump',
	'objgraph',
] as const;
export type InspectMethod = (typeof INSPECT_METHODS)[number];

/** Names of old guides and of Celery's own aliases. */
export const INSPECT_ALIASES = {
	dump_active: 'active',
	dump_reserved: 'reserved',
	dump_schedule: 'scheduled',
	dump_revoked: 'revoked',
	dump_tasks: 'registered',
	registered_tasks: 'registered',
	dump_conf: 'conf',
} as const satisfies Readonly<Record<string, InspectMethod>>;
export type InspectAlias = keyof typeof INSPECT_ALIASES;

/** Methods that change something. */
export const CONTROL_METHODS = [
	'revoke',
	'terminate',
	'revoke_by_stamped_headers',
	'rate_limit',
	'time_limit',
	'pool_grow',
	'pool_shrink',
	'pool_restart',
	'autoscale',
	'add_consumer',
	'cancel_consumer',
	'enable_events',
	'disable_events',
	'heartbeat',
	'shutdown',
] as const;
export type ControlMethod = (typeof CONTROL_METHODS)[number];
export type WorkerMethod = InspectMethod | ControlMethod;

/** Arguments by the names that the contract gives them. */
export interface MethodValues {
	readonly values?: readonly string[] | undefined;
	readonly [name: string]: unknown;
}

type Kind = 'text' | 'texts' | 'count' | 'seconds' | 'rate' | 'switch' | 'signal' | 'stamps';

interface Argument {
	/** In the contract. */
	readonly field: string;
	/** On the wire; the field's own name when left out. */
	readonly wire?: string;
	readonly kind: Kind;
	readonly required?: boolean;
	/** Least and largest, for counts and seconds. */
	readonly from?: number;
	readonly to?: number;
	/** What is sent where nothing was given. */
	readonly otherwise?: unknown;
	/** e.g. `shop.tasks.charge`. */
	readonly example: string;
}

interface Method {
	readonly args: readonly Argument[];
	/** Fields that plain words stand for, in their order; a list takes all the rest. */
	readonly words: readonly string[];
	/** How long an answer is waited for, in seconds, unless somebody says otherwise. */
	readonly waitS: number;
	/** What cannot be taken back: needs the profile's name on production. */
	readonly destroys?: boolean;
}

const WAIT_S = 2;
const ids: Argument = { field: 'ids', wire: 'task_id', kind: 'texts', required: true, example: 'a task id' };
const signal: Argument = { field: 'signal', kind: 'signal', otherwise: 'SIGTERM', example: 'SIGKILL' };
const terminate: Argument = { field: 'terminate', kind: 'switch', otherwise: false, example: 'true' };
const taskName: Argument = {
	field: 'taskName',
	wire: 'task_name',
	kind: 'text',
	required: true,
	example: 'shop.tasks.charge',
};
const queue: Argument = { field: 'queue', kind: 'text', required: true, example: 'emails' };
const processes: Argument = { field: 'n', kind: 'count', from: 1, to: 1_000, otherwise: 1, example: '2' };
const plain = (waitS = WAIT_S): Method => ({ args: [], words: [], waitS });

const METHODS: Readonly<Record<WorkerMethod, Method>> = {
	ping: plain(),
	active: {
		args: [{ field: 'safe', kind: 'switch', otherwise: false, example: 'true' }],
		words: [],
		waitS: WAIT_S,
	},
	reserved: plain(),
	scheduled: plain(),
	revoked: plain(),
	registered: {
		args: [
			{ field: 'attributes', wire: 'taskinfoitems', kind: 'texts', example: 'rate_limit' },
			{ field: 'builtins', kind: 'switch', example: 'true' },
		],
		words: ['attributes'],
		waitS: WAIT_S,
	},
	stats: plain(),
	active_queues: plain(),
	conf: {
		args: [{ field: 'withDefaults', wire: 'with_defaults', kind: 'switch', otherwise: false, example: 'true' }],
		words: [],
		waitS: WAIT_S,
	},
	report: plain(5),
	query_task: { args: [{ ...ids, wire: 'ids' }], words: ['ids'], waitS: WAIT_S },
	clock: plain(),
	memsample: plain(),
	memdump: {
		args: [{ field: 'samples', kind: 'count', from: 1, to: 10_000, otherwise: 10, example: '10' }],
		words: ['samples'],
		waitS: 10,
	},
	objgraph: {
		args: [
			{ field: 'type', kind: 'text', otherwise: 'Request', example: 'Request' },
			{ field: 'num', kind: 'count', from: 1, to: 10_000, otherwise: 200, example: '200' },
			{ field: 'maxDepth', wire: 'max_depth', kind: 'count', from: 1, to: 100, otherwise: 10, example: '10' },
		],
		words: ['type', 'num', 'maxDepth'],
		waitS: 60,
	},
	revoke: { args: [ids, terminate, signal], words: ['ids'], waitS: WAIT_S },
	terminate: { args: [ids, signal], words: ['ids'], waitS: WAIT_S, destroys: true },
	revoke_by_stamped_headers: {
		args: [{ field: 'headers', kind: 'stamps', required: true, example: 'batch=b-9' }, terminate, signal],
		words: [],
		waitS: WAIT_S,
		destroys: true,
	},
	rate_limit: {
		args: [
			taskName,
			{ field: 'rateLimit', wire: 'rate_limit', kind: 'rate', required: true, example: '10/m (0: no limit)' },
		],
		words: ['taskName', 'rateLimit'],
		waitS: WAIT_S,
	},
	time_limit: {
		args: [
			taskName,
			{ field: 'soft', kind: 'seconds', from: 0, to: 31_536_000, example: '30' },
			{ field: 'hard', kind: 'seconds', from: 0, to: 31_536_000, example: '60' },
		],
		words: ['taskName', 'soft', 'hard'],
		waitS: WAIT_S,
	},
	pool_grow: { args: [processes], words: ['n'], waitS: WAIT_S },
	pool_shrink: { args: [processes], words: ['n'], waitS: WAIT_S },
	pool_restart: {
		args: [
			{ field: 'modules', kind: 'texts', otherwise: null, example: 'shop.tasks' },
			{ field: 'reload', kind: 'switch', otherwise: false, example: 'true' },
		],
		words: ['modules'],
		waitS: 15,
		destroys: true,
	},
	autoscale: {
		args: [
			{ field: 'max', kind: 'count', from: 1, to: 10_000, required: true, example: '10' },
			{ field: 'min', kind: 'count', from: 0, to: 10_000, example: '2' },
		],
		words: ['max', 'min'],
		waitS: WAIT_S,
	},
	add_consumer: {
		args: [
			queue,
			{ field: 'exchange', kind: 'text', otherwise: null, example: 'emails' },
			{ field: 'exchangeType', wire: 'exchange_type', kind: 'text', otherwise: 'direct', example: 'direct' },
			{ field: 'routingKey', wire: 'routing_key', kind: 'text', otherwise: null, example: 'emails' },
		],
		words: ['queue', 'exchange', 'exchangeType', 'routingKey'],
		waitS: 5,
	},
	cancel_consumer: { args: [queue], words: ['queue'], waitS: 5 },
	enable_events: plain(),
	disable_events: plain(),
	heartbeat: plain(),
	shutdown: { ...plain(10), destroys: true },
};

/** Signals that a process may be ended with, as Python names them. */
const SIGNALS = ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGABRT', 'SIGALRM'];

/** The method that a name stands for. */
export function inspectMethod(name: InspectMethod | InspectAlias): InspectMethod {
	return Object.hasOwn(INSPECT_ALIASES, name) ? INSPECT_ALIASES[name as InspectAlias] : (name as InspectMethod);
}

/** How long an answer is waited for, in ms. */
export function waitOf(method: WorkerMethod): number {
	return METHODS[method].waitS * 1_000;
}

/** Whether a method with these arguments cannot be taken back. */
export function destroysBy(method: unknown, values: MethodValues): boolean {
	if (typeof method !== 'string' || !Object.hasOwn(METHODS, method)) return true;
	return METHODS[method as WorkerMethod].destroys === true || (method === 'revoke' && values.terminate === true);
}

/** The arguments of a method as they go out. `invalid-input` says what is missing, too much or wrong, and what to give. */
export function methodArguments(method: WorkerMethod, given: MethodValues): Result<Readonly<Record<string, unknown>>> {
	const { args, words } = METHODS[method];
	const { values = [], ...named } = given;
	const all: Record<string, unknown> = {};
	for (const [field, value] of Object.entries(named)) if (value !== undefined) all[field] = value;
	let rest = values;
	for (const field of words) {
		if (rest.length === 0) break;
		const argument = args.find((one) => one.field === field);
		if (argument === undefined || Object.hasOwn(all, field)) continue;
		all[field] = argument.kind === 'texts' ? rest : rest[0];
		rest = argument.kind === 'texts' ? [] : rest.slice(1);
	}
	if (rest.length > 0) return wrong(method, `does not know what to do with "${rest[0]}".`);
	const unknown = Object.keys(all).find((field) => args.every((one) => one.field !== field));
	if (unknown !== undefined) return wrong(method, `takes no ${spoken(unknown)}.`, unknown);
	const wire: Record<string, unknown> = {};
	for (const argument of args) {
		const { field } = argument;
		if (!Object.hasOwn(all, field)) {
			if (argument.required === true) return wrong(method, `needs ${spoken(field)}, e.g. ${argument.example}.`, field);
			if (argument.otherwise !== undefined) wire[argument.wire ?? field] = argument.otherwise;
			continue;
		}
		const read = readArgument(argument, all[field]);
		if (!read.ok) return wrong(method, `${spoken(field)} ${read.error.message}`, field);
		wire[argument.wire ?? field] = read.value;
	}
	return fits(method, wire);
}

/** What single arguments cannot say. */
function fits(
	method: WorkerMethod,
	wire: Readonly<Record<string, unknown>>,
): Result<Readonly<Record<string, unknown>>> {
	const { soft, hard, min, max } = wire;
	if (method === 'time_limit') {
		if (soft === undefined && hard === undefined)
			return wrong(method, 'needs a soft limit, a hard limit or both, in seconds.', 'soft');
		if (typeof soft === 'number' && typeof hard === 'number' && hard > 0 && soft >= hard)
			return wrong(method, `a soft limit of ${soft} s never comes before a hard one of ${hard} s.`, 'soft');
	}
	if (method === 'autoscale' && typeof min === 'number' && typeof max === 'number' && min > max)
		return wrong(method, `min is ${min} and max is ${max}: min may not be larger.`, 'min');
	return ok(wire);
}

function readArgument(argument: Argument, value: unknown): Result<unknown> {
	const { kind, from = 0, to = 0, example } = argument;
	switch (kind) {
		case 'text':
			return typeof value === 'string' && value.trim() !== '' ? ok(value) : bad(`must not be empty, e.g. ${example}.`);
		case 'texts': {
			const texts = typeof value === 'string' ? [value] : value;
			if (!Array.isArray(texts) || !texts.every((one) => typeof one === 'string' && one !== ''))
				return bad(`must be texts that are not empty, e.g. ${example}.`);
			return texts.length === 0 && argument.required === true ? bad(`is empty; give e.g. ${example}.`) : ok(texts);
		}
		case 'count':
		case 'seconds': {
			const fit = typeof value === 'string' ? /^\d+(\.\d+)?$/.test(value) : typeof value === 'number';
			const number = Number(value);
			const whole = kind === 'seconds' || Number.isInteger(number);
			return fit && whole && number >= from && number <= to
				? ok(number)
				: bad(`must be ${kind === 'count' ? 'a whole number' : 'a number of seconds'} from ${from} to ${to}.`);
		}
		case 'rate': {
			const text = String(value).trim();
			if (/^0+$/.test(text)) return ok(0);
			return /^\d{1,9}(\.\d{1,6})?(\/[smh])?$/.test(text)
				? ok(text)
				: bad(`must be a number per second, minute or hour such as 10/s, 5/m or 100/h, or 0 for no limit.`);
		}
		case 'switch':
			if (typeof value === 'boolean') return ok(value);
			return value === 'true' || value === 'false' ? ok(value === 'true') : bad('is true or false.');
		case 'signal': {
			const text = String(value).toUpperCase();
			const name = text.startsWith('SIG') ? text : `SIG${text}`;
			return SIGNALS.includes(name) ? ok(name) : bad(`must be one of ${SIGNALS.join(', ')}.`);
		}
		case 'stamps': {
			if (typeof value !== 'object' || value === null || Object.keys(value).length === 0)
				return bad(`must name at least one stamp, e.g. ${example}.`);
			// Celery compares with each of a stamp's values.
			return ok(Object.fromEntries(Object.entries(value).map(([key, one]) => [key, [one]])));
		}
	}
}

function bad(message: string): Result<never> {
	return fail('invalid-input', message);
}

/** Every refusal says what the method takes. */
function wrong(method: WorkerMethod, message: string, field?: string): Result<never> {
	const { args } = METHODS[method];
	const takes =
		args.length === 0
			? 'It takes no arguments.'
			: `It takes ${args.map((one) => `${spoken(one.field)}${one.required === true ? '' : ' (optional)'}`).join(', ')}.`;
	return fail('invalid-input', `${method} ${message} ${takes} Nothing was sent.`, {
		details: field === undefined ? { method } : { method, argument: field },
	});
}

/** A field as the command line spells it. */
function spoken(field: string): string {
	return `--${field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
