/** Results as Celery's backends keep them: bytes without a content type, so what wrote them is told by how they begin. */
import type { CeleryResult, ResultNode, ResultSerializer } from '#main/domain/celery-result.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { TaskState } from '#main/domain/task.ts';
import type { Value } from '#main/domain/value.ts';
import { writeJson } from '../json/write.ts';
import { safeRepr } from '../python/repr.ts';
import { writeLiteral } from '../python/write.ts';
import { readBody } from './body.ts';
import { memberOf } from './message-signatures.ts';

/** How much of a result is read, in bytes. */
export const RESULT_BYTES = 8 * 1024 * 1024;
/** Characters of a printed value. */
const SHOWN = 100_000;
/** How deep a tree of results is followed, and how many tasks it may have in all. */
const DEEPEST = 50;
const MOST_CHILDREN = 10_000;

const TYPES: Readonly<Record<ResultSerializer, string>> = {
	json: 'application/json',
	pickle: 'application/x-python-serialize',
	yaml: 'application/x-yaml',
	msgpack: 'application/x-msgpack',
};

const STATES: Readonly<Record<string, TaskState>> = {
	PENDING: 'queued',
	RECEIVED: 'queued',
	STARTED: 'running',
	SUCCESS: 'succeeded',
	FAILURE: 'failed',
	RETRY: 'retrying',
	REVOKED: 'revoked',
	REJECTED: 'rejected',
	IGNORED: 'rejected',
};
const READY = new Set(['SUCCESS', 'FAILURE', 'REVOKED']);
const RAISED = new Set(['FAILURE', 'RETRY', 'REVOKED']);

/** Which serializer wrote these bytes, by their beginning; a guess that reading confirms. */
export function serializerOf(bytes: Uint8Array): ResultSerializer {
	const [first = 0, second = 0] = bytes;
	if (first === 0x80 && second >= 2 && second <= 5) return 'pickle';
	if ((first >= 0x81 && first <= 0x8f) || first === 0xde || first === 0xdf) return 'msgpack';
	// Protocols 0 and 1: an empty dict, or a mark before it.
	if ((first === 0x28 && second === 0x64) || (first === 0x7d && second === 0x71)) return 'pickle';
	return first === 0x7b || first === 0x5b ? 'json' : 'yaml';
}

/** Bytes of a backend as one value, with who wrote them. Never runs anything of what they hold. */
export function readResultValue(
	bytes: Uint8Array,
): Result<{ readonly value: Value; readonly serializer: ResultSerializer }> {
	const guess = serializerOf(bytes);
	const tried = readAs(bytes, guess);
	if (tried.ok) return ok({ value: tried.value, serializer: guess });
	// YAML in flow style begins as JSON does.
	if (guess === 'json') {
		const yaml = readAs(bytes, 'yaml');
		if (yaml.ok) return ok({ value: yaml.value, serializer: 'yaml' });
	}
	return fail(tried.error.code, tried.error.message.replace(/^The body/, 'The result'));
}

function readAs(bytes: Uint8Array, serializer: ResultSerializer): Result<Value> {
	const contentEncoding = serializer === 'pickle' || serializer === 'msgpack' ? 'binary' : 'utf-8';
	const packed = { contentType: TYPES[serializer], contentEncoding, compression: null, bytes };
	const read = readBody(packed, { bytes: RESULT_BYTES });
	return read.ok ? ok(read.value.value) : read;
}

/** Reads a task's result. `undecodable` and `too-large` say what is wrong with it. */
export function readResult(bytes: Uint8Array, id: string): Result<CeleryResult> {
	const read = readResultValue(bytes);
	if (!read.ok) return read;
	const { value: meta, serializer } = read.value;
	if (meta.kind !== 'dict')
		return fail('undecodable', `The result is a ${meta.kind}; a task's result is an object with its status.`);
	const status = textIn(meta, 'status');
	if (status === null) return fail('undecodable', 'The result has no status, so it is no result of a task.');
	const result = memberOf(meta, 'result') ?? { kind: 'none' };
	const raised = RAISED.has(status);
	const date = textIn(meta, 'date_done');
	const budget = { left: MOST_CHILDREN };
	const children = memberOf(meta, 'children');
	return ok({
		id: textIn(meta, 'task_id') ?? id,
		status,
		state: Object.hasOwn(STATES, status) ? (STATES[status] ?? null) : null,
		ready: READY.has(status),
		value: raised ? null : result,
		valueJson: raised ? null : exactJson(result),
		valueText: raised ? null : safeRepr(result, SHOWN, 20),
		exception: raised ? exceptionIn(result) : null,
		traceback: textIn(meta, 'traceback'),
		children: children === null ? [] : nodesOf(children, 0, budget),
		doneAt: date === null ? null : momentOf(date),
		groupId: textIn(meta, 'group_id'),
		parentId: textIn(meta, 'parent_id'),
		name: textIn(meta, 'name'),
		args: memberOf(meta, 'args'),
		kwargs: memberOf(meta, 'kwargs'),
		worker: textIn(meta, 'worker'),
		retries: wholeIn(meta, 'retries'),
		queue: textIn(meta, 'queue'),
		serializer,
	});
}

function textIn(meta: Value, name: string): string | null {
	const value = memberOf(meta, name);
	if (value === null) return null;
	if (value.kind === 'str') return value.value;
	// A pickle holds a date as an object.
	return value.kind === 'opaque' ? value.text : null;
}

function wholeIn(meta: Value, name: string): number | null {
	const value = memberOf(meta, name);
	const number = value?.kind === 'int' ? Number(value.text) : Number.NaN;
	return Number.isSafeInteger(number) ? number : null;
}

function exactJson(value: Value): string | null {
	const written = writeJson(value, 'readable');
	return written.ok ? written.value : null;
}

/** ISO 8601, of which one without a zone is UTC; or a date as a pickle shows it: `datetime.datetime(2026, 1, 2, 3, 4, 5, 6)`. */
function momentOf(text: string): number | null {
	const shown = /^datetime\.datetime\((\d+), (\d+), (\d+)(?:, (\d+))?(?:, (\d+))?(?:, (\d+))?(?:, (\d+))?/.exec(text);
	if (shown !== null) {
		const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, micro = 0] = shown
			.slice(1)
			.map((part) => Number(part ?? 0));
		return Date.UTC(year, month - 1, day, hour, minute, second) + micro / 1_000;
	}
	const iso = text.replace(' ', 'T');
	const at = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
	if (!Number.isFinite(at)) return null;
	// Node reads milliseconds; what is finer tells the order of things that come close together.
	const finer = /\.\d{3}(\d{1,3})/.exec(iso)?.[1];
	return finer === undefined ? at : at + Number(finer.padEnd(3, '0')) / 1_000;
}

function exceptionIn(result: Value): CeleryResult['exception'] {
	const type = textIn(result, 'exc_type');
	if (type === null) {
		// A pickle holds the exception itself, which is shown as its class and arguments.
		const shown = result.kind === 'opaque' ? result.text : writeLiteral(result);
		const printed = /^([\p{L}_][\p{L}\p{N}_.]*)\((.*)\)$/su.exec(shown);
		const whole = result.kind === 'opaque' && result.type !== '' ? result.type : (printed?.[1] ?? 'Exception');
		const type = whole.replace(/^(?:builtins|exceptions)\./, '');
		return { type, message: printed?.[2] ?? shown, module: null, args: [] };
	}
	const module = textIn(result, 'exc_module');
	const said = memberOf(result, 'exc_message');
	const args = said === null ? [] : said.kind === 'list' || said.kind === 'tuple' ? said.items : [said];
	const message = args.map((one) => (one.kind === 'str' ? one.value : safeRepr(one, SHOWN, 20))).join(', ');
	const builtin = module === null || module === 'builtins' || module === 'exceptions';
	return { type: builtin ? type : `${module}.${type}`, message, module, args };
}

/** Children as `[[id, parent], null]`, groups as `[[id, parent], [member, …]]`. */
function nodesOf(value: Value, depth: number, budget: { left: number }): readonly ResultNode[] {
	if ((value.kind !== 'list' && value.kind !== 'tuple') || depth > DEEPEST) return [];
	const nodes: ResultNode[] = [];
	for (const item of value.items) {
		if (budget.left <= 0) break;
		budget.left -= 1;
		const node = nodeOf(item, depth, budget);
		if (node !== null) nodes.push(node);
	}
	return nodes;
}

function nodeOf(item: Value, depth: number, budget: { left: number }): ResultNode | null {
	// An old backend writes nothing but the id.
	if (item.kind === 'str') return { id: item.value, members: null };
	if (item.kind !== 'list' && item.kind !== 'tuple') return null;
	const [own, members] = item.items;
	const first = own?.kind === 'list' || own?.kind === 'tuple' ? own.items[0] : own;
	if (first?.kind !== 'str') return null;
	const inner = members === undefined || members.kind === 'none' ? null : nodesOf(members, depth + 1, budget);
	return { id: first.value, members: inner };
}

/** A saved group: `{"result": [[id, parent], [member, …]]}`. Null: it is none. */
export function readGroup(bytes: Uint8Array): ResultNode | null {
	const read = readResultValue(bytes);
	if (!read.ok) return null;
	const saved = memberOf(read.value.value, 'result');
	return saved === null ? null : nodeOf(saved, 0, { left: MOST_CHILDREN });
}

/** One member that has counted for its chord: `[1, id, state, result]`. Null: it is none. */
export function readCounted(bytes: Uint8Array): { readonly id: string; readonly status: string } | null {
	const read = readResultValue(bytes);
	if (!read.ok || (read.value.value.kind !== 'list' && read.value.value.kind !== 'tuple')) return null;
	const [, id, status] = read.value.value.items;
	return id?.kind === 'str' && status?.kind === 'str' ? { id: id.value, status: status.value } : null;
}
