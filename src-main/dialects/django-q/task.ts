/**
 * What django-q enqueues: a packet that holds a dict with a function's path, its arguments and options. Reading runs nothing. Writing makes
 * packets that clusters of Django 3.2 to 5.2 run. Source: django-q's `tasks.py`.
 */
import type { QueuedCall } from '#main/domain/queued-call.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { PICKLE_VALUES, readPickleNodes } from '../python/pickle.ts';
import type { PickleNode } from '../python/pickle-nodes.ts';
import { pickleValue } from '../python/pickle-values.ts';
import { writeLiteral } from '../python/write.ts';
import { type PickledRecord, writePickle } from '../python/write-pickle.ts';
import { type Packet, pickleOf, type Signing, TASK_LIMIT, writePacket } from './packet.ts';

/** Members that have a place of their own in a `QueuedCall`. */
const PLACED = new Set(['id', 'name', 'func', 'args', 'kwargs', 'group', 'hook', 'timeout', 'cluster', 'chain']);
/** Characters that the site's database has room for. */
const ROOM = { name: 100, func: 256, group: 100, hook: 256, cluster: 100 } as const;
const ID = /^[0-9a-f]{32}$/;
const PATH = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)+$/u;

/** Reads what a packet would have a cluster do. `undecodable` or `too-large` with the reason; the signature is not looked at. */
export function readTask(packet: Packet): Result<QueuedCall> {
	const pickle = pickleOf(packet, TASK_LIMIT);
	if (!pickle.ok) return pickle;
	const root = readPickleNodes(pickle.value, { values: PICKLE_VALUES });
	if (!root.ok) return root;
	if (root.value.kind !== 'dict') return fail('undecodable', 'This packet holds no task of django-q (no dict).');
	const members = new Map<string, Value>();
	for (const [key, node] of root.value.entries) {
		// When it was enqueued stands in the envelope too, which is signed and needs no class of Python's.
		if (key.kind !== 'scalar' || key.value.kind !== 'str' || key.value.value === 'started') continue;
		const value = key.value.value === 'func' ? functionOf(node) : pickleValue(node);
		if (!value.ok) return value;
		members.set(key.value.value, value.value);
	}
	const text = (name: string) => textOf(members.get(name));
	const [id, func] = [text('id'), text('func')];
	if (id === null || func === null) {
		return fail(
			'undecodable',
			`This packet holds no task of django-q: its "${id === null ? 'id' : 'func'}" is missing.`,
		);
	}
	const chain = members.get('chain');
	return ok({
		id,
		name: text('name') ?? '',
		func,
		arguments: callOf(members.get('args'), members.get('kwargs')),
		enqueuedAt: packet.signedAt,
		group: text('group'),
		hook: text('hook'),
		timeout: secondsOf(members.get('timeout')),
		cluster: text('cluster'),
		chained: chain?.kind === 'list' ? chain.items.length : 0,
		chain: chain ?? null,
		options: [...members].filter(([name]) => !PLACED.has(name)),
	});
}

/** A call to enqueue. `id` as `QueuedCall` has it, new for each: a cluster drops the result of one that has succeeded before. */
export interface NewCall {
	readonly id: string;
	readonly name: string;
	readonly func: string;
	readonly arguments: CallArguments;
	readonly group: string | null;
	readonly hook: string | null;
	readonly timeout: number | null;
	readonly cluster: string | null;
	/** Calls that are to follow, and all else, as `QueuedCall` has them; absent: none. */
	readonly chain?: Value | null;
	readonly options?: readonly (readonly [string, Value])[];
}

/**
 * Writes a call as a signed packet. `aware`: the site has `USE_TZ`, so that its times have zones. `invalid-input` names what the site could
 * not store or find, `unsupported` the path of an argument that cannot be written.
 */
export function writeTask(
	call: NewCall,
	signing: Signing,
	{ now, aware, compress }: { readonly now: number; readonly aware: boolean; readonly compress: boolean },
): Result<string> {
	if (!ID.test(call.id)) return fail('invalid-input', 'The id of a task of django-q has 32 hexadecimal digits.');
	if (!PATH.test(call.func)) {
		return fail('invalid-input', `"${call.func}" is no dotted path of a function, as shop.tasks.send is.`);
	}
	for (const [field, most] of Object.entries(ROOM)) {
		const length = [...(call[field as keyof typeof ROOM] ?? '')].length;
		if (length > most) return fail('invalid-input', `The ${field} has ${length} characters; the site keeps ${most}.`);
	}
	const str = (value: string): Value => ({ kind: 'str', value });
	const given = (name: string, value: string | null) => (value === null ? [] : [[name, str(value)] as const]);
	const record: PickledRecord = {
		kind: 'record',
		fields: [
			['id', str(call.id)],
			['name', str(call.name)],
			['func', str(call.func)],
			['args', { kind: 'tuple', items: call.arguments.args }],
			...given('hook', call.hook),
			...given('group', call.group),
			...given('cluster', call.cluster),
			...(call.timeout === null ? [] : [['timeout', { kind: 'int', text: String(call.timeout) }] as const]),
			...(call.options ?? []),
			...(call.chain == null ? [] : [['chain', call.chain] as const]),
			['kwargs', { kind: 'dict', entries: call.arguments.kwargs.map(([name, value]) => [str(name), value]) }],
			['started', { kind: 'datetime', at: now, aware }],
		],
	};
	const pickle = writePickle(record);
	return pickle.ok ? ok(writePacket(pickle.value, signing, { now, compress })) : pickle;
}

/** A function is named by its path or pickled by reference; of what is made by a call (a bound method), what it looks like. */
function functionOf(node: PickleNode): Result<Value> {
	if (node.kind === 'name') return ok({ kind: 'str', value: `${node.module}.${node.name}` });
	const value = pickleValue(node);
	if (!value.ok || value.value.kind === 'str') return value;
	return ok({ kind: 'str', value: value.value.kind === 'opaque' ? value.value.text : writeLiteral(value.value) });
}

function callOf(args: Value | undefined, kwargs: Value | undefined): CallArguments | null {
	if (args?.kind !== 'tuple' && args?.kind !== 'list') return null;
	if (kwargs?.kind !== 'dict') return null;
	const named = kwargs.entries.flatMap(([key, value]) => (key.kind === 'str' ? [[key.value, value] as const] : []));
	return named.length === kwargs.entries.length ? { args: args.items, kwargs: named } : null;
}

function textOf(value: Value | undefined): string | null {
	return value?.kind === 'str' ? value.value : null;
}

function secondsOf(value: Value | undefined): number | null {
	if (value?.kind !== 'int' && value?.kind !== 'float') return null;
	const seconds = Number(value.text);
	return Number.isFinite(seconds) ? seconds : null;
}
