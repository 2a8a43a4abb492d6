/**
 * django-carrot's messages as tasks. What is executed is named by one header, and the arguments are a JSON object with `args` and
 * `kwargs`, each only where there are some. This reader is kinder than carrot's own consumer, whose worker thread dies of a
 * null or of missing headers: null arguments count as none, and everything else that is wrong becomes a fault in words.
 */
import type { MessageProperties } from '#main/domain/message.ts';
import type { CarrotDialect, ForeignMessages } from '#main/domain/profile.ts';
import type { Result } from '#main/domain/result.ts';
import { assertNever } from '#main/domain/result.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import type { Value } from '#main/domain/value.ts';
import { JSON_DEPTH, JSON_VALUES, readJson } from '../json/read.ts';
import { writeJson } from '../json/write.ts';
import { firstInvalidByte } from './utf8.ts';

/** What protects the reader from a message. */
export interface DecodeLimits {
	/** Bytes of body; beyond it nothing is read at all. Default 64 MiB. */
	readonly bytes?: number;
	/** Containers inside each other in the body, its own object included. Default 1,000. */
	readonly depth?: number;
	/** Values in the body. Default 2,000,000. */
	readonly values?: number;
}

export const BODY_LIMIT = 64 * 1024 * 1024;

/** What came of reading a message: a task, or why not and what could be read all the same. */
export type Decoded =
	| { readonly kind: 'task'; readonly task: DecodedTask }
	| { readonly kind: 'fault'; readonly fault: UndecodableTask };

/**
 * Reads a message. Never throws, whatever the bytes. Fault types: `UnknownTask` (the header does not name a task),
 * `MessageTooLarge` (over a limit), `InvalidMessage` (the body is not what carrot sends). Whether the named task exists is not
 * looked at. Keys of the body other than the two are ignored, as carrot ignores them.
 */
export function decodeCarrot(
	message: { readonly properties: MessageProperties; readonly body: Uint8Array },
	dialect: CarrotDialect,
	limits: DecodeLimits = {},
): Decoded {
	const { properties } = message;
	const messageId = properties.messageId === undefined || properties.messageId === '' ? null : properties.messageId;
	const priority = properties.priority ?? null;
	const named = nameOf(properties, dialect);
	const foreign = dialect.foreign ?? null;
	if (named.kind === 'missing' && named.absent && foreign !== null) {
		return decodeForeign(message, dialect, foreign, limits);
	}
	const fault = (exceptionType: string, reason: string): Decoded => ({
		kind: 'fault',
		fault: { name: named.kind === 'name' ? named.name : null, messageId, priority, reason, exceptionType },
	});
	if (named.kind === 'missing') return fault('UnknownTask', named.reason);
	const parts = readBody(message.body, dialect, limits);
	if (!parts.ok)
		return fault(parts.error.code === 'too-large' ? 'MessageTooLarge' : 'InvalidMessage', parts.error.message);
	const { args, kwargs, argsJson, kwargsJson } = parts.value;
	const publishedAt = properties.timestamp === undefined ? null : properties.timestamp * 1_000;
	const task: DecodedTask = {
		name: named.name,
		messageId,
		priority,
		publishedAt,
		call: { args, kwargs },
		argsJson,
		kwargsJson,
	};
	return { kind: 'task', task };
}

type Named =
	| { readonly kind: 'name'; readonly name: string }
	/** `absent`: there is no such header at all, as in other programs' messages. */
	| { readonly kind: 'missing'; readonly reason: string; readonly absent: boolean };

function nameOf(properties: MessageProperties, dialect: CarrotDialect): Named {
	const wanted = `the header "${dialect.typeHeader}" with the task's dotted path`;
	if (properties.headers === undefined)
		return { kind: 'missing', absent: true, reason: `The message has no headers; carrot sends ${wanted}.` };
	const found = properties.headers.find(([key]) => key === dialect.typeHeader)?.[1];
	if (found === undefined) {
		const others = properties.headers.map(([key]) => `"${key.slice(0, 40)}"`).slice(0, 5);
		const instead = others.length === 0 ? 'has no headers' : `has only ${others.join(', ')}`;
		const reason = `The message does not name its task: it ${instead}; carrot sends ${wanted}.`;
		return { kind: 'missing', absent: true, reason };
	}
	if (found.type !== 'longstr') {
		return {
			kind: 'missing',
			absent: false,
			reason: `The header "${dialect.typeHeader}" is no text (${found.type}); it should be the task's dotted path.`,
		};
	}
	if (found.text.trim() === '') {
		return {
			kind: 'missing',
			absent: false,
			reason: `The header "${dialect.typeHeader}" is empty; it should be the task's dotted path.`,
		};
	}
	return { kind: 'name', name: found.text };
}

interface Parts {
	readonly args: readonly Value[];
	readonly kwargs: readonly (readonly [string, Value])[];
	readonly argsJson: string;
	readonly kwargsJson: string;
}

function bad(message: string, code: 'undecodable' | 'too-large' = 'undecodable'): Result<never> {
	return { ok: false, error: { code, message, retryable: false } };
}

/** A message of another program, read as the profile says such are. */
function decodeForeign(
	message: { readonly properties: MessageProperties; readonly body: Uint8Array },
	dialect: CarrotDialect,
	foreign: ForeignMessages,
	limits: DecodeLimits,
): Decoded {
	const { properties } = message;
	const priority = properties.priority ?? null;
	const root = readRoot(message.body, limits);
	const messageId = foreignId(properties, foreign, root.ok ? root.value : null);
	const named = root.ok && foreign.taskKey !== null ? entryOf(root.value, foreign.taskKey) : null;
	const name = named?.kind === 'str' && named.value.trim() !== '' ? named.value : foreign.task;
	const fault = (exceptionType: string, reason: string): Decoded => ({
		kind: 'fault',
		fault: { name, messageId, priority, reason, exceptionType },
	});
	if (!root.ok)
		return fault(root.error.code === 'too-large' ? 'MessageTooLarge' : 'InvalidMessage', root.error.message);
	if (name === null) {
		const where = foreign.taskKey === null ? '' : ` and its body has no "${foreign.taskKey}" that does`;
		return fault('UnknownTask', `The message has no header "${dialect.typeHeader}" that names a task${where}.`);
	}
	const parts = foreignParts(root.value, dialect, foreign);
	if (!parts.ok) return fault('InvalidMessage', parts.error.message);
	const { args, kwargs, argsJson, kwargsJson } = parts.value;
	const publishedAt = properties.timestamp === undefined ? null : properties.timestamp * 1_000;
	const task = { name, messageId, priority, publishedAt, call: { args, kwargs }, argsJson, kwargsJson };
	return { kind: 'task', task };
}

function foreignId(properties: MessageProperties, foreign: ForeignMessages, root: Value | null): string | null {
	const own = properties.messageId;
	if (own !== undefined && own !== '') return own;
	if (foreign.idKey === null) return properties.correlationId || null;
	const found = root === null ? null : entryOf(root, foreign.idKey);
	// An id becomes a message id when it is sent again, which AMQP holds to 255 bytes.
	const text = found?.kind === 'str' ? found.value : found?.kind === 'int' ? found.text : '';
	return text === '' || text.length > 63 ? null : text;
}

function foreignParts(root: Value, dialect: CarrotDialect, foreign: ForeignMessages): Result<Parts> {
	switch (foreign.body) {
		case 'envelope':
			return readParts(root, dialect);
		case 'argument':
			return partsOf([root], []);
		case 'kwargs': {
			if (root.kind !== 'dict')
				return bad(`The body is ${described(root)}; it should be an object of keyword arguments.`);
			const given = root.entries.filter(([key]) => !(key.kind === 'str' && key.value === foreign.taskKey));
			return partsOf([], given);
		}
		default:
			return assertNever(foreign.body);
	}
}

function entryOf(root: Value, wanted: string): Value | null {
	return root.kind === 'dict' ? entry(root, wanted) : null;
}

function readBody(body: Uint8Array, dialect: CarrotDialect, limits: DecodeLimits): Result<Parts> {
	const root = readRoot(body, limits);
	return root.ok ? readParts(root.value, dialect) : root;
}

/** The body's JSON value. */
function readRoot(body: Uint8Array, limits: DecodeLimits): Result<Value> {
	const most = limits.bytes ?? BODY_LIMIT;
	if (body.byteLength > most) {
		return bad(
			`The body has ${megabytes(body.byteLength)}, more than the ${megabytes(most)} that are read.`,
			'too-large',
		);
	}
	if (body.byteLength === 0) return bad('The body is empty. A call without arguments is {}.');
	const text = decodeUtf8(body);
	if (!text.ok) return text;
	const read = readJson(text.value, { depth: limits.depth ?? JSON_DEPTH, values: limits.values ?? JSON_VALUES });
	if (!read.ok) {
		// Deep nesting is a malformed message; only sheer size is "too large".
		const deep = read.error.message.startsWith('Nested');
		return bad(
			`The body cannot be read as JSON. ${read.error.message}`,
			read.error.code === 'too-large' && !deep ? 'too-large' : 'undecodable',
		);
	}
	return read;
}

function readParts(root: Value, dialect: CarrotDialect): Result<Parts> {
	if (root.kind !== 'dict') {
		return bad(
			`The body is ${described(root)}; it should be an object with "${dialect.argsKey}" and "${dialect.kwargsKey}".`,
		);
	}
	const args = entry(root, dialect.argsKey);
	const kwargs = entry(root, dialect.kwargsKey);
	if (args !== null && args.kind !== 'list') {
		return bad(
			`"${dialect.argsKey}" is ${described(args)}; it should be a list of the positional arguments, such as [1, 2].`,
		);
	}
	if (kwargs !== null && kwargs.kind !== 'dict') {
		return bad(
			`"${dialect.kwargsKey}" is ${described(kwargs)}; it should be an object of the keyword arguments, such as {"x": 1}.`,
		);
	}
	return partsOf(args?.items ?? [], kwargs?.entries ?? []);
}

function partsOf(args: readonly Value[], kwargs: readonly (readonly [Value, Value])[]): Result<Parts> {
	const argsJson = writeJson({ kind: 'list', items: args }, 'readable');
	if (!argsJson.ok) return argsJson;
	const kwargsJson = writeJson({ kind: 'dict', entries: kwargs }, 'readable');
	if (!kwargsJson.ok) return kwargsJson;
	const pairs = kwargs.map(([key, value]) => [key.kind === 'str' ? key.value : '', value] as const);
	return { ok: true, value: { args, kwargs: pairs, argsJson: argsJson.value, kwargsJson: kwargsJson.value } };
}

/** The value of a key, null counting as absent. */
function entry(root: Value & { kind: 'dict' }, wanted: string): Value | null {
	const found = root.entries.find(([key]) => key.kind === 'str' && key.value === wanted)?.[1];
	return found === undefined || found.kind === 'none' ? null : found;
}

function described(value: Value): string {
	switch (value.kind) {
		case 'none':
			return 'null';
		case 'bool':
			return String(value.value);
		case 'int':
		case 'float':
			return 'a number';
		case 'str':
			return 'a string';
		case 'list':
			return 'a list';
		case 'dict':
			return 'an object';
		case 'tuple':
		case 'set':
		case 'frozenset':
		case 'bytes':
		case 'opaque':
			return value.kind;
		default:
			return assertNever(value);
	}
}

/** Made once: making one costs more than it takes to read a short message. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(body: Uint8Array): Result<string> {
	try {
		return { ok: true, value: UTF8.decode(body) };
	} catch {
		// The decoder says no more than that it failed; the place is for the person who has to mend it.
		const at = firstInvalidByte(body);
		const byte = body[at]?.toString(16).padStart(2, '0') ?? '';
		return bad(`The body is not UTF-8 text: byte ${at + 1} (0x${byte}) does not fit.`);
	}
}

function megabytes(bytes: number): string {
	return bytes < 1024 * 1024 ? `${bytes} bytes` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
