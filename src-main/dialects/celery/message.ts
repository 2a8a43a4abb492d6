/** Celery's messages, protocols 1 and 2, as tasks with all that they say. */
import type { CeleryMessage } from '#main/domain/celery.ts';
import type { FieldTable, MessageProperties } from '#main/domain/message.ts';
import type { Result } from '#main/domain/result.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import type { Value } from '#main/domain/value.ts';
import { toPlain, writeJson } from '../json/write.ts';
import { type BodyLimits, type ReadBody, readBody } from './body.ts';
import { callOf } from './message-call.ts';
import { bodyFacts, headerFacts, type MessageFacts } from './message-facts.ts';
import { chainOf, EMBED, memberOf, signatureOf, signaturesOf } from './message-signatures.ts';

/** What came of reading a message: a task and what else it says, or why not and what could be read all the same. */
export type DecodedCelery =
	| { readonly kind: 'task'; readonly task: DecodedTask; readonly celery: CeleryMessage }
	| { readonly kind: 'fault'; readonly fault: UndecodableTask };

/**
 * Reads a message. Never throws, whatever the bytes, and runs nothing of what they hold. Fault types: `UnknownTask` (nothing names a
 * task), `MessageTooLarge` (over a limit), `UnsupportedBody` (a serializer or compression that Warren does not read) and
 * `InvalidMessage`. Headers are read first, so that an unreadable body still has a name and an id.
 */
export function decodeCelery(
	message: { readonly properties: MessageProperties; readonly body: Uint8Array },
	limits: BodyLimits = {},
): DecodedCelery {
	const { properties } = message;
	const headers = properties.headers ?? [];
	const heads = headerFacts(headers);
	const body = readBody(
		{
			contentType: properties.contentType ?? 'application/json',
			contentEncoding: properties.contentEncoding ?? null,
			compression: heads.compression,
			bytes: message.body,
		},
		limits,
	);
	if (heads.task !== null) return protocolTwo(properties, heads, body);
	return protocolOne(properties, heads, body);
}

function faultOf(
	properties: MessageProperties,
	known: { readonly name: string | null; readonly id: string | null },
	exceptionType: string,
	reason: string,
): DecodedCelery {
	const { name } = known;
	const messageId = known.id ?? (properties.correlationId || properties.messageId || null);
	return { kind: 'fault', fault: { name, messageId, priority: properties.priority ?? null, reason, exceptionType } };
}

const FAULTS: Readonly<Record<string, string>> = { 'too-large': 'MessageTooLarge', unsupported: 'UnsupportedBody' };

function protocolTwo(properties: MessageProperties, heads: MessageFacts, body: Result<ReadBody>): DecodedCelery {
	const known = { name: heads.task, id: heads.id };
	if (!body.ok) {
		return faultOf(properties, known, FAULTS[body.error.code] ?? 'InvalidMessage', body.error.message);
	}
	const { value } = body.value;
	if ((value.kind !== 'list' && value.kind !== 'tuple') || value.items.length !== 3) {
		const found =
			value.kind === 'list' || value.kind === 'tuple' ? `a list of ${value.items.length}` : `a ${value.kind}`;
		return faultOf(properties, known, 'InvalidMessage', `The body is ${found}; it should be [args, kwargs, options].`);
	}
	const [args, kwargs, embed] = value.items as readonly [Value, Value, Value];
	return finished(properties, heads, body.value, 2, { args, kwargs, embed });
}

/** Protocol 1 has everything in the body, which is an object; its headers are empty. */
function protocolOne(properties: MessageProperties, heads: MessageFacts, body: Result<ReadBody>): DecodedCelery {
	const unnamed = { name: null, id: heads.id };
	if (!body.ok) {
		const reason = `No header "task" names a task. ${body.error.message}`;
		return faultOf(properties, unnamed, FAULTS[body.error.code] ?? 'UnknownTask', reason);
	}
	const { value } = body.value;
	const facts = value.kind === 'dict' ? bodyFacts(value) : null;
	if (facts === null || facts.task === null) {
		const reason =
			'Neither a header "task" nor a member "task" of the body names a task: this is no message of Celery\'s.';
		return faultOf(properties, unnamed, 'UnknownTask', reason);
	}
	const none: Value = { kind: 'none' };
	const parts = { args: memberOf(value, 'args') ?? none, kwargs: memberOf(value, 'kwargs') ?? none, embed: value };
	return finished(properties, { ...facts, custom: heads.custom, compression: heads.compression }, body.value, 1, parts);
}

function finished(
	properties: MessageProperties,
	facts: MessageFacts,
	body: ReadBody,
	protocol: 1 | 2,
	parts: { readonly args: Value; readonly kwargs: Value; readonly embed: Value },
): DecodedCelery {
	const name = facts.task ?? '';
	const call = callOf(parts.args, parts.kwargs);
	if (!call.ok) return faultOf(properties, { name, id: facts.id }, 'InvalidMessage', call.error.message);
	const doubts = [...facts.doubts];
	if (facts.id === null) doubts.push('It has no id; a worker refuses it.');
	if (properties.contentType === undefined)
		doubts.push('It does not say of what type its body is; it was read as JSON.');
	if (parts.embed.kind !== 'dict')
		doubts.push(`The third part of its body is a ${parts.embed.kind}; it should be an object.`);
	const id = facts.id ?? (properties.correlationId || null);
	const priority = properties.priority ?? null;
	const publishedAt = properties.timestamp === undefined ? null : properties.timestamp * 1_000;
	const chain = chainOf(memberOf(parts.embed, EMBED.chain));
	const chord = memberOf(parts.embed, EMBED.chord);
	const celery: CeleryMessage = {
		protocol,
		id: id ?? '',
		retries: facts.retries,
		eta: facts.eta,
		expires: facts.expires,
		group: facts.group,
		groupIndex: facts.groupIndex,
		rootId: facts.rootId,
		parentId: facts.parentId,
		timeLimits: facts.timeLimits,
		shadow: facts.shadow,
		origin: facts.origin,
		replyTo: properties.replyTo || null,
		ignoreResult: facts.ignoreResult,
		argsRepr: facts.argsRepr,
		kwargsRepr: facts.kwargsRepr,
		custom: facts.custom,
		callbacks: signaturesOf(memberOf(parts.embed, EMBED.callbacks)),
		errbacks: signaturesOf(memberOf(parts.embed, EMBED.errbacks)),
		chain,
		chord: chord === null ? null : signatureOf(chord),
		body: {
			contentType: properties.contentType ?? 'application/json',
			contentEncoding: properties.contentEncoding ?? null,
			compression: facts.compression,
			signed: body.signed,
		},
		doubts,
	};
	const argsJson = jsonOf({ kind: 'list', items: call.value.args });
	const kwargsJson = jsonOf({
		kind: 'dict',
		entries: call.value.kwargs.map(([key, item]) => [{ kind: 'str', value: key }, item] as const),
	});
	const { rootId, parentId, group: groupId } = facts;
	const task: DecodedTask = {
		name,
		messageId: id,
		priority,
		publishedAt,
		call: call.value,
		argsJson,
		kwargsJson,
		lineage: { rootId, parentId, groupId },
	};
	return { kind: 'task', task, celery };
}

/** JSON that says all where JSON can, else what it can say: what the values are stands in the call beside it. */
function jsonOf(value: Value): string {
	const written = writeJson(value, 'readable');
	return written.ok ? written.value : toPlain(value);
}

/** A message's headers that brokers add when they hand it out or put it aside. */
export function isBrokerHeader(name: string): boolean {
	return /^x-(?:death|first-death-|last-death-|delivery-count$|acquired-count$|opt-)/.test(name);
}

/** Headers other than those. */
export function withoutBrokerHeaders(headers: FieldTable): FieldTable {
	return headers.filter(([name]) => !isBrokerHeader(name));
}
