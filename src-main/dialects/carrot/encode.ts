/** Tasks as django-carrot's messages, byte for byte as its publisher writes them. */
import type { MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import type { CarrotDialect } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { writeJson } from '../json/write.ts';

/** What to publish. */
export interface CarrotCall {
	/** Dotted path of the callable. */
	readonly name: string;
	readonly call: CallArguments;
	readonly queue: string;
	/** 0 to 255; null: 0, which carrot sends too. */
	readonly priority: number | null;
	/** What correlates the message with everything else; carrot uses a uuid4 in lower case. */
	readonly messageId: string;
	/** Default: the default exchange. */
	readonly exchange?: string;
	/** Default: the queue. */
	readonly routingKey?: string;
}

/**
 * Builds the message of a call. Its properties are carrot's own five; a delivery mode only where the dialect asks for
 * persistent messages (carrot's are transient). The body is what Python's `json.dumps` gives, with `args` and `kwargs` only
 * where there are some, in this order. Fails (`invalid-input`, `unsupported`) for what a message cannot hold, naming the path.
 */
export function encodeCarrot(call: CarrotCall, dialect: CarrotDialect): Result<OutgoingMessage> {
	if (call.name.trim() === '') return fail('invalid-input', 'A task needs a name: the dotted path of a callable.');
	if (!call.name.isWellFormed())
		return fail('invalid-input', 'The task name holds half a character (a lone surrogate).');
	const priority = call.priority ?? 0;
	if (!Number.isInteger(priority) || priority < 0 || priority > 255) {
		return fail('invalid-input', `The priority is ${priority}; it should be a whole number from 0 to 255.`);
	}
	const exchange = call.exchange ?? '';
	const routingKey = call.routingKey ?? call.queue;
	const short = {
		exchange,
		'routing key': routingKey,
		'message id': call.messageId,
		'message type': dialect.messageType,
	};
	for (const [what, text] of Object.entries(short)) {
		if (!text.isWellFormed()) return fail('invalid-input', `The ${what} holds half a character (a lone surrogate).`);
		const bytes = Buffer.byteLength(text);
		if (bytes > 255) return fail('invalid-input', `The ${what} has ${bytes} bytes; AMQP allows 255.`);
	}
	const body = encodeBody(call.call, dialect);
	if (!body.ok) return body;
	const properties: MessageProperties = {
		contentType: 'application/json',
		headers: [[dialect.typeHeader, { type: 'longstr', text: call.name }]],
		...(dialect.persistent ? { deliveryMode: 2 } : {}),
		priority,
		messageId: call.messageId,
		type: dialect.messageType,
	};
	return ok({ exchange, routingKey, properties, body: new TextEncoder().encode(body.value) });
}

/** The body's text alone: what `encodeCarrot` would send. Fails as it does, naming the path (`args[0]`, `kwargs.user`). */
export function encodeBody(call: CallArguments, dialect: CarrotDialect): Result<string> {
	const keys = new Set(call.kwargs.map(([key]) => key));
	if (keys.size < call.kwargs.length) return fail('invalid-input', 'A keyword argument is given twice.');
	const entries: string[] = [];
	const add = (key: string, value: Value): Result<void> => {
		const name = writeJson({ kind: 'str', value: key }, 'python');
		const text = writeJson(value, 'python', key);
		if (!name.ok) return name;
		if (!text.ok) return text;
		entries.push(`${name.value}: ${text.value}`);
		return ok(undefined);
	};
	if (call.args.length > 0) {
		const added = add(dialect.argsKey, { kind: 'list', items: call.args });
		if (!added.ok) return added;
	}
	if (call.kwargs.length > 0) {
		const pairs = call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const);
		const added = add(dialect.kwargsKey, { kind: 'dict', entries: pairs });
		if (!added.ok) return added;
	}
	return ok(`{${entries.join(', ')}}`);
}
