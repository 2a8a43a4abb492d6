/**
 * Celery's monitoring events: what workers and clients tell while they work (Celery 4 to 5.6 send the same fields). A message holds one
 * event or, from a busy worker, a list of them. Each is read for itself: one that makes no sense is handed back with its reason,
 * and the others count.
 */
import type { FactKind, TaskFact } from '#main/domain/observed.ts';
import { firstInvalidByte } from '../carrot/utf8.ts';
import { itemsOf } from '../json/members.ts';
import { readJson } from '../json/read.ts';
import type { ToldCall } from './event-call.ts';
import { exceptionOf } from './event-exception.ts';
import { EventFields, plainOf } from './event-fields.ts';

/** What every event says. */
export interface EventHead {
	readonly type: string;
	/** Node name; of a client `gen<pid>@host`. */
	readonly hostname: string;
	readonly pid: number | null;
	readonly clock: number | null;
	/** In hours, positive to the west. Only shown: `at` is epoch time whatever it says. */
	readonly utcoffset: number | null;
	/** Epoch ms, with fractions, by the sender's clock. */
	readonly at: number;
}

export interface TaskEvent extends EventHead {
	readonly group: 'task';
	readonly uuid: string;
	readonly fact: TaskFact;
	/** sent and received only; `observedCall` reads its arguments. */
	readonly call: ToldCall | null;
}

export interface WorkerEvent extends EventHead {
	readonly group: 'worker';
	readonly what: 'online' | 'heartbeat' | 'offline';
	/** Seconds between heartbeats. */
	readonly freq: number | null;
	/** Tasks that run and that were done since its start; null where it does not say, as in answers to a broadcast. */
	readonly active: number | null;
	readonly processed: number | null;
	readonly loadavg: readonly number[] | null;
	readonly software: { readonly ident: string | null; readonly version: string | null; readonly system: string | null };
	readonly more: string | null;
}

/** Gossip between workers, and events of whoever sends others. */
export interface OtherEvent extends EventHead {
	readonly group: 'other';
	readonly more: string | null;
}

export type CeleryEvent = TaskEvent | WorkerEvent | OtherEvent;

/** An event, or a whole message, that cannot be read. */
export interface BadEvent {
	/** For a person: what is wrong, and what would be right. */
	readonly reason: string;
	/** The event as it stands in the message; null: the whole message is meant. */
	readonly text: string | null;
}

/** A message's events in their order. */
export interface ReadEvents {
	readonly events: readonly CeleryEvent[];
	readonly bad: readonly BadEvent[];
	/** The text of the nth of `events`, exactly as it stands in the message. */
	textOf(index: number): string;
}

/** Larger messages are not events that anybody could want; Celery's own hold 24 at most. */
export const EVENT_BYTES = 16 * 1024 * 1024;
const LONGEST_NAME = 1_000;
/**
 * Where plain JSON would lose digits, or refuse what Python writes. Only at places where a value can begin: within texts digits are
 * safe, and a uuid in three holds what would be a huge exponent.
 */
const DELICATE = /(?:^|[\s:,[])-?(?:NaN|Infinity|\d{16}|\d+(?:\.\d*)?[eE][+-]?\d{3})/;
const LAST_MOMENT = 8.64e12;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

const KINDS: Readonly<Record<string, FactKind>> = {
	'task-sent': 'sent',
	'task-received': 'received',
	'task-started': 'started',
	'task-succeeded': 'succeeded',
	'task-failed': 'failed',
	'task-retried': 'retried',
	'task-rejected': 'rejected',
	'task-revoked': 'revoked',
};

/** Reads a message's body. Never throws. */
export function readEvents(body: Uint8Array, contentType: string | null): ReadEvents {
	if (contentType !== null && !/^application\/json\b/i.test(contentType)) {
		return unreadable(
			`It is ${clip(contentType)}; Warren reads events in JSON, which is Celery's default (event_serializer).`,
		);
	}
	if (body.byteLength > EVENT_BYTES) {
		return unreadable(`It has ${body.byteLength} bytes; events are read up to ${EVENT_BYTES}.`);
	}
	let text: string;
	try {
		text = UTF8.decode(body);
	} catch {
		return unreadable(`It is not UTF-8: byte ${firstInvalidByte(body)} belongs to no character.`);
	}
	const read = parse(text);
	if (!read.ok) return unreadable(read.reason);
	const { value } = read;
	let texts: readonly string[] | null = null;
	const itemText = (index: number): string => {
		if (!Array.isArray(value)) return text.trim();
		texts ??= itemsOf(text);
		return texts[index] ?? '';
	};
	const events: CeleryEvent[] = [];
	const places: number[] = [];
	const bad: BadEvent[] = [];
	for (const [index, item] of (Array.isArray(value) ? value : [value]).entries()) {
		const event = readEvent(item, () => itemText(index));
		if (typeof event === 'string') bad.push({ reason: event, text: itemText(index) });
		else {
			events.push(event);
			places.push(index);
		}
	}
	return { events, bad, textOf: (index) => itemText(places[index] ?? 0) };
}

function unreadable(reason: string): ReadEvents {
	return { events: [], bad: [{ reason, text: null }], textOf: () => '' };
}

function parse(
	text: string,
): { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string } {
	if (!DELICATE.test(text)) {
		try {
			return { ok: true, value: JSON.parse(text) };
		} catch {
			// The careful reader says where and why.
		}
	}
	const read = readJson(text);
	return read.ok ? { ok: true, value: plainOf(read.value) } : { ok: false, reason: read.error.message };
}

/** The event, or why it is none. */
function readEvent(item: unknown, text: () => string): CeleryEvent | string {
	if (typeof item !== 'object' || item === null || Array.isArray(item)) return 'An event is an object; this is none.';
	const fields = new EventFields(item as Readonly<Record<string, unknown>>);
	const type = fields.text('type');
	if (type === null || type === '') return 'It has no type, such as task-received.';
	if (type.length > LONGEST_NAME) return `Its type has ${type.length} characters.`;
	const hostname = fields.text('hostname');
	if (hostname === null || hostname === '') return 'It does not say who sent it (hostname).';
	if (hostname.length > LONGEST_NAME) return `Its hostname has ${hostname.length} characters.`;
	const seconds = fields.number('timestamp');
	if (seconds === null || Math.abs(seconds) > LAST_MOMENT) return 'Its timestamp is not a time in seconds since 1970.';
	const head: EventHead = {
		type,
		hostname,
		pid: fields.count('pid'),
		clock: fields.count('clock'),
		utcoffset: fields.number('utcoffset'),
		at: seconds * 1_000,
	};
	if (type.startsWith('task-')) return taskEvent(head, fields, text);
	if (type === 'worker-online' || type === 'worker-heartbeat' || type === 'worker-offline') {
		return workerEvent(head, type.slice(7) as WorkerEvent['what'], fields, text);
	}
	return { ...head, group: 'other', more: fields.more(text) };
}

function taskEvent(head: EventHead, fields: EventFields, text: () => string): TaskEvent | string {
	const uuid = fields.text('uuid');
	if (uuid === null || uuid === '') return 'It names no task (uuid).';
	if (uuid.length > LONGEST_NAME) return `Its uuid has ${uuid.length} characters.`;
	const kind = KINDS[head.type] ?? 'custom';
	let call: ToldCall | null = null;
	const fact: { -readonly [K in keyof TaskFact]: TaskFact[K] } = {
		kind,
		type: head.type,
		at: head.at,
		host: head.hostname,
		pid: head.pid,
		clock: head.clock,
	};
	switch (kind) {
		case 'sent':
		case 'received':
			fact.retries = fields.count('retries') ?? 0;
			give(fact, 'eta', fields.text('eta'));
			give(fact, 'expires', fields.text('expires'));
			call = callIn(head, fact.retries, fields);
			if (kind === 'sent') {
				give(fact, 'queue', fields.text('queue'));
				give(fact, 'exchange', fields.text('exchange'));
				give(fact, 'routingKey', fields.text('routing_key'));
			}
			break;
		case 'succeeded': {
			give(fact, 'result', fields.text('result'));
			const runtime = fields.number('runtime');
			if (runtime !== null) fact.runtimeMs = runtime * 1_000;
			break;
		}
		case 'failed':
		case 'retried': {
			const traceback = fields.text('traceback');
			fact.exception = exceptionOf(fields.text('exception'), traceback);
			give(fact, 'traceback', traceback);
			break;
		}
		case 'rejected':
			give(fact, 'requeue', fields.flag('requeue'));
			break;
		case 'revoked': {
			give(fact, 'terminated', fields.flag('terminated'));
			give(fact, 'expired', fields.flag('expired'));
			// A number where the worker killed it, a text where the pool says so.
			const number = fields.number('signum');
			give(fact, 'signal', number === null ? fields.text('signum') : String(number));
			break;
		}
		case 'started':
		case 'custom':
			break;
	}
	give(fact, 'more', fields.more(text));
	return { ...head, group: 'task', uuid, fact, call };
}

function give<F extends object, K extends keyof F>(fact: F, key: K, value: F[K] | null | undefined): void {
	if (value !== null && value !== undefined) fact[key] = value;
}

function callIn(head: EventHead, retries: number, fields: EventFields): ToldCall {
	return {
		name: fields.text('name'),
		argsText: fields.text('args'),
		kwargsText: fields.text('kwargs'),
		rootId: fields.text('root_id'),
		parentId: fields.text('parent_id'),
		retries,
		at: head.at,
	};
}

function workerEvent(head: EventHead, what: WorkerEvent['what'], fields: EventFields, text: () => string): WorkerEvent {
	return {
		...head,
		group: 'worker',
		what,
		freq: fields.number('freq'),
		active: fields.count('active'),
		processed: fields.count('processed'),
		loadavg: fields.numbers('loadavg', 3),
		software: { ident: fields.text('sw_ident'), version: fields.text('sw_ver'), system: fields.text('sw_sys') },
		more: fields.more(text),
	};
}

function clip(text: string): string {
	return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
