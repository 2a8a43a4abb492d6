/** History operations for tests and benches: shorthand for each kind, and a seeded run of a plausible deployment. */
import { type ProfileId, profileId, type TaskId, taskId } from '#main/domain/ids.ts';
import type { BrokerMessage, OutgoingMessage } from '#main/domain/message.ts';
import type { AttemptCause, AttemptOutcome, DecodedTask, HistoryOp, LogLine } from '#main/domain/task.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';

export const PROFILE = profileId('sandbox');

export type Op<K extends HistoryOp['kind']> = Extract<HistoryOp, { kind: K }>;

/** A value of plain JSON kinds from JavaScript's own; numbers become ints where they are whole. */
export function valueFrom(plain: unknown): Value {
	if (plain === null || plain === undefined) return { kind: 'none' };
	if (typeof plain === 'boolean') return { kind: 'bool', value: plain };
	if (typeof plain === 'number') return { kind: Number.isInteger(plain) ? 'int' : 'float', text: String(plain) };
	if (typeof plain === 'bigint') return { kind: 'int', text: String(plain) };
	if (typeof plain === 'string') return { kind: 'str', value: plain };
	if (Array.isArray(plain)) return { kind: 'list', items: plain.map(valueFrom) };
	return {
		kind: 'dict',
		entries: Object.entries(plain).map(([key, value]) => [{ kind: 'str', value: key }, valueFrom(value)] as const),
	};
}

/** A value as JSON text with all its digits. */
export function jsonOf(value: Value): string {
	switch (value.kind) {
		case 'none':
			return 'null';
		case 'bool':
			return String(value.value);
		case 'int':
		case 'float':
			return value.text;
		case 'str':
			return JSON.stringify(value.value);
		case 'list':
		case 'tuple':
			return `[${value.items.map(jsonOf).join(', ')}]`;
		case 'dict':
			return `{${value.entries.map(([key, item]) => `${jsonOf(key)}: ${jsonOf(item)}`).join(', ')}}`;
		default:
			throw new Error(`JSON has no ${value.kind}`);
	}
}

export interface Made {
	readonly id?: string | null;
	readonly name?: string;
	readonly args?: readonly unknown[];
	readonly kwargs?: Readonly<Record<string, unknown>>;
	readonly call?: CallArguments;
	readonly priority?: number | null;
	readonly publishedAt?: number | null;
	readonly queue?: string;
	readonly profile?: ProfileId;
	readonly body?: Uint8Array;
}

/** What a dialect would have decoded. */
export function decoded(made: Made): DecodedTask {
	const call: CallArguments = made.call ?? {
		args: (made.args ?? []).map(valueFrom),
		kwargs: Object.entries(made.kwargs ?? {}).map(([key, value]) => [key, valueFrom(value)] as const),
	};
	return {
		name: made.name ?? 'shop.tasks.send_mail',
		messageId: made.id ?? null,
		priority: made.priority ?? null,
		publishedAt: made.publishedAt ?? null,
		call,
		argsJson: jsonOf({ kind: 'list', items: call.args }),
		kwargsJson: jsonOf({
			kind: 'dict',
			entries: call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const),
		}),
	};
}

/** A message as it would be published. */
export function outgoing(made: Made): OutgoingMessage {
	const task = decoded(made);
	return {
		exchange: '',
		routingKey: made.queue ?? 'default',
		properties: made.id === undefined || made.id === null ? {} : { messageId: made.id },
		body: made.body ?? new TextEncoder().encode(`{"args": ${task.argsJson}, "kwargs": ${task.kwargsJson}}`),
	};
}

/** A message as a broker would hand it out. */
export function delivered(made: Made): BrokerMessage {
	return { ...outgoing(made), queue: made.queue ?? 'default', redelivered: false, deliveryCount: null };
}

export function published(
	at: number,
	made: Made,
	more: { readonly requeueOf?: TaskId | string | null; readonly cause?: AttemptCause } = {},
): Op<'published'> {
	const of = more.requeueOf ?? null;
	return {
		kind: 'published',
		profile: made.profile ?? PROFILE,
		at,
		task: decoded(made),
		queue: made.queue ?? 'default',
		message: outgoing(made),
		requeueOf: of === null ? null : taskId(of),
		cause: more.cause ?? (of === null ? 'published' : 'requeued'),
	};
}

export function waiting(at: number, made: Made & { readonly key?: string }): Op<'waiting'> {
	const key = made.key ?? made.id ?? 'no-id';
	return {
		kind: 'waiting',
		profile: made.profile ?? PROFILE,
		at,
		task: decoded(made),
		fault: null,
		message: delivered(made),
		key,
	};
}

export function started(
	at: number,
	run: string,
	made: Made & { readonly key?: string; readonly worker?: string },
): Op<'started'> {
	return {
		kind: 'started',
		profile: made.profile ?? PROFILE,
		at,
		key: made.key ?? made.id ?? 'no-id',
		run,
		task: decoded(made),
		fault: null,
		message: delivered(made),
		worker: made.worker ?? 'host:1:set',
	};
}

export function line(at: number, text: string, more: Partial<LogLine> = {}): LogLine {
	return { at, level: 'info', source: 'log', logger: 'shop', text, ...more };
}

export function logged(run: string, lines: readonly LogLine[], from?: number, profile = PROFILE): Op<'log'> {
	return from === undefined ? { kind: 'log', profile, run, lines } : { kind: 'log', profile, run, lines, from };
}

export function finished(
	at: number,
	run: string,
	outcome: AttemptOutcome,
	runtimeMs: number | null = 12.5,
	profile = PROFILE,
): Op<'finished'> {
	return { kind: 'finished', profile, at, run, runtimeMs, outcome };
}

export const SUCCEEDED: AttemptOutcome = { state: 'succeeded', result: { kind: 'json', text: '{"ok": true}' } };

export function failed(type = 'ValueError', message = 'no such order'): AttemptOutcome {
	return {
		state: 'failed',
		exception: { type, message },
		traceback: `Traceback (most recent call last):\n  File "shop/tasks.py", line 7, in run\n${type}: ${message}\n`,
	};
}

export function removed(at: number, ids: readonly string[], profile = PROFILE): Op<'removed'> {
	return { kind: 'removed', profile, at, ids: ids.map((id) => taskId(id)) };
}

export function restored(at: number, ids: readonly string[], profile = PROFILE): Op<'restored'> {
	return { kind: 'restored', profile, at, ids: ids.map((id) => taskId(id)) };
}
