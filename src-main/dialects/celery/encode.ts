/** Tasks as Celery's messages of protocol 2, as its own publisher writes them. */
import type { FieldTable, FieldValue, MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { writeJson } from '../json/write.ts';
import { argsRepr, kwargsRepr } from '../python/repr.ts';

/** What to publish. */
export interface CeleryCall {
	readonly name: string;
	/** A lower-case uuid, as Celery makes them. */
	readonly id: string;
	readonly call: CallArguments;
	readonly queue: string;
	/** 0 to 255; null or 0: the message says nothing of it, as Celery's own. */
	readonly priority: number | null;
	/** Who sends it: `console@user`. */
	readonly origin: string;
	/** Default: the default exchange. */
	readonly exchange?: string;
	/** Default: the queue. */
	readonly routingKey?: string;
	/** The task at the root of its tree; default: itself. */
	readonly rootId?: string;
	readonly parentId?: string | null;
}

const VOID: FieldValue = { type: 'void' };
const NOTHING_AFTER: Value = {
	kind: 'dict',
	entries: ['callbacks', 'errbacks', 'chain', 'chord'].map((name) => [{ kind: 'str', value: name }, { kind: 'none' }]),
};

/**
 * Builds the message of a call: the full set of headers that Celery 5 writes, with the arguments printed as it prints them, since
 * events show nothing else. `ignore_result` is left out, because sending `false` would override the task's own setting. Fails
 * (`invalid-input`, `unsupported`) for what a message cannot hold, naming the path.
 */
export function encodeCelery(call: CeleryCall): Result<OutgoingMessage> {
	if (call.name.trim() === '')
		return fail('invalid-input', 'A task needs a name, as it is registered with the workers.');
	if (!call.name.isWellFormed())
		return fail('invalid-input', 'The task name holds half a character (a lone surrogate).');
	const priority = call.priority ?? 0;
	if (!Number.isInteger(priority) || priority < 0 || priority > 255) {
		return fail('invalid-input', `The priority is ${priority}; it should be a whole number from 0 to 255.`);
	}
	const exchange = call.exchange ?? '';
	const routingKey = call.routingKey ?? call.queue;
	for (const [what, text] of [
		['exchange', exchange],
		['routing key', routingKey],
		['id', call.id],
	] as const) {
		if (!text.isWellFormed()) return fail('invalid-input', `The ${what} holds half a character (a lone surrogate).`);
		const bytes = Buffer.byteLength(text);
		if (bytes > 255) return fail('invalid-input', `The ${what} has ${bytes} bytes; AMQP allows 255.`);
	}
	const body = encodeCeleryBody(call.call);
	if (!body.ok) return body;
	const properties: MessageProperties = {
		contentType: 'application/json',
		contentEncoding: 'utf-8',
		headers: headersOf(call),
		deliveryMode: 2,
		...(priority === 0 ? {} : { priority }),
		correlationId: call.id,
	};
	return ok({ exchange, routingKey, properties, body: new TextEncoder().encode(body.value) });
}

function headersOf(call: CeleryCall): FieldTable {
	return [
		['lang', text('py')],
		['task', text(call.name)],
		['id', text(call.id)],
		['shadow', VOID],
		['eta', VOID],
		['expires', VOID],
		['group', VOID],
		['group_index', VOID],
		['retries', { type: 'int32', value: 0 }],
		['timelimit', { type: 'array', items: [VOID, VOID] }],
		['root_id', text(call.rootId ?? call.id)],
		['parent_id', call.parentId == null ? VOID : text(call.parentId)],
		['argsrepr', text(argsRepr(call.call))],
		['kwargsrepr', text(kwargsRepr(call.call))],
		['origin', text(call.origin)],
		['replaced_task_nesting', { type: 'int32', value: 0 }],
		['stamped_headers', VOID],
		['stamps', { type: 'table', fields: [] }],
	];
}

/** A header's text; half characters, which UTF-8 cannot hold, become U+FFFD. */
function text(value: string): FieldValue {
	return { type: 'longstr', text: value.toWellFormed() };
}

/**
 * The body's text: `[args, kwargs, {"callbacks": null, …}]`, or with another third part. Fails for what JSON cannot hold, naming the
 * path (`args[0]`, `kwargs.user`).
 */
export function encodeCeleryBody(call: CallArguments, embed: Value = NOTHING_AFTER): Result<string> {
	const keys = new Set(call.kwargs.map(([key]) => key));
	if (keys.size < call.kwargs.length) return fail('invalid-input', 'A keyword argument is given twice.');
	const args = writeJson({ kind: 'list', items: call.args }, 'python', 'args');
	if (!args.ok) return args;
	const entries = call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const);
	const kwargs = writeJson({ kind: 'dict', entries }, 'python', 'kwargs');
	if (!kwargs.ok) return kwargs;
	const after = writeJson(embed, 'python', 'options');
	return after.ok ? ok(`[${args.value}, ${kwargs.value}, ${after.value}]`) : after;
}
