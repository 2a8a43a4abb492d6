/**
 * A Celery message sent again. It gets a new id, because a worker keeps results and revocations by id; its body stays as it is, byte for
 * byte, unless other arguments are given. Its place in the tree stays too: `root_id` (the old id, where it had none) and `parent_id`,
 * so that those who follow a chain or group find it where the first one was.
 */
import type { FieldTable, FieldValue, MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments } from '#main/domain/value.ts';
import { editMembers } from '../json/members.ts';
import { quoteJson } from '../json/write.ts';
import { argsRepr, kwargsRepr } from '../python/repr.ts';
import { readBody } from './body.ts';
import { encodeCeleryBody } from './encode.ts';
import { decodeCelery, withoutBrokerHeaders } from './message.ts';

export interface SendAgain {
	readonly id: string;
	/** Epoch ms: what had expired by then expires no more. */
	readonly now: number;
	/** Other arguments; absent: its own, untouched. */
	readonly call?: CallArguments;
}

/**
 * Builds the message. Retries begin at 0 again. Fails (`undecodable`, `unsupported`, `invalid-input`) for what names no task, for a
 * message of protocol 1 whose id lies in a body that cannot be changed in place, and for arguments that JSON cannot hold.
 */
export function celeryAgain(message: OutgoingMessage, again: SendAgain): Result<OutgoingMessage> {
	const headers = message.properties.headers ?? [];
	const named = headers.find(([name]) => name === 'task')?.[1];
	return named?.type === 'longstr' ? protocolTwo(message, headers, again) : protocolOne(message, headers, again);
}

function protocolTwo(message: OutgoingMessage, headers: FieldTable, again: SendAgain): Result<OutgoingMessage> {
	const old = headers.find(([name]) => name === 'id')?.[1];
	const root = headers.find(([name]) => name === 'root_id')?.[1];
	const expired = hasExpired(headers, again.now);
	const changes: Record<string, FieldValue> = { id: text(again.id), retries: { type: 'int32', value: 0 } };
	if (root === undefined || root.type === 'void') changes.root_id = old?.type === 'longstr' ? old : text(again.id);
	if (expired) changes.expires = { type: 'void' };
	const properties = propertiesOf(message.properties, again, expired);
	if (again.call === undefined) {
		return ok({ ...message, properties: { ...properties, headers: withHeaders(headers, changes) } });
	}
	const body = withArguments(message, again.call);
	if (!body.ok) return body;
	changes.argsrepr = text(argsRepr(again.call));
	changes.kwargsrepr = text(kwargsRepr(again.call));
	const plain = headers.filter(([name]) => name !== 'compression');
	const packing = { contentType: 'application/json', contentEncoding: 'utf-8' };
	return ok({
		...message,
		properties: { ...properties, ...packing, headers: withHeaders(plain, changes) },
		body: body.value,
	});
}

/** Its callbacks, chain and chord stay as they were; what of them JSON cannot hold stops it. */
function withArguments(message: OutgoingMessage, call: CallArguments): Result<Uint8Array> {
	const compression = message.properties.headers?.find(([name]) => name === 'compression')?.[1];
	const read = readBody({
		contentType: message.properties.contentType ?? 'application/json',
		contentEncoding: message.properties.contentEncoding ?? null,
		compression: compression?.type === 'longstr' ? compression.text : null,
		bytes: message.body,
	});
	if (!read.ok) {
		return fail(
			'undecodable',
			`Its callbacks and chain would be lost, because its body cannot be read: ${read.error.message}`,
		);
	}
	if (read.value.signed !== null)
		return fail('unsupported', 'Its body is signed; with other arguments no worker would accept it.');
	const { value } = read.value;
	const embed = value.kind === 'list' || value.kind === 'tuple' ? value.items[2] : undefined;
	const written = encodeCeleryBody(call, embed);
	return written.ok ? ok(new TextEncoder().encode(written.value)) : written;
}

function protocolOne(message: OutgoingMessage, headers: FieldTable, again: SendAgain): Result<OutgoingMessage> {
	const decoded = decodeCelery(message);
	if (decoded.kind === 'fault') return fail('undecodable', decoded.fault.reason);
	const { body } = decoded.celery;
	if (body.contentType !== 'application/json' || body.compression !== null) {
		return fail(
			'unsupported',
			'A message of protocol 1 holds its id in its body, and this one is not plain JSON: it cannot get a new one. Publish the task anew.',
		);
	}
	const before = new TextDecoder().decode(message.body);
	const expires = decoded.celery.expires === null ? Number.NaN : Date.parse(withOffset(decoded.celery.expires));
	const expired = expires <= again.now;
	const changes: Record<string, string> = { id: quoteJson(again.id, true), retries: '0' };
	if (expired) changes.expires = 'null';
	if (again.call !== undefined) {
		const parts = encodeCeleryBody(again.call, { kind: 'none' });
		if (!parts.ok) return parts;
		const args = encodeCeleryBody({ args: again.call.args, kwargs: [] }, { kind: 'none' });
		if (!args.ok) return args;
		// `[args, {}, null]` and `[args, kwargs, null]`: the texts of the two parts, as this dialect writes them.
		changes.args = args.value.slice(1, -', {}, null]'.length);
		changes.kwargs = parts.value.slice(changes.args.length + 3, -', null]'.length);
	}
	const properties = propertiesOf(message.properties, again, expired);
	const kept = withoutBrokerHeaders(headers);
	return ok({
		...message,
		properties: { ...properties, headers: kept },
		body: new TextEncoder().encode(editMembers(before, changes)),
	});
}

function propertiesOf(before: MessageProperties, again: SendAgain, expired: boolean): MessageProperties {
	const { expiration, messageId, ...rest } = before;
	return {
		...rest,
		...(expired || expiration === undefined ? {} : { expiration }),
		...(messageId === undefined ? {} : { messageId: again.id }),
		correlationId: again.id,
	};
}

function hasExpired(headers: FieldTable, now: number): boolean {
	const expires = headers.find(([name]) => name === 'expires')?.[1];
	return expires?.type === 'longstr' && Date.parse(withOffset(expires.text)) <= now;
}

/** Celery's naive times are UTC. */
function withOffset(iso: string): string {
	return /(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`;
}

/** Changed in their places; new ones last; the broker's own notes of the first delivery gone. */
function withHeaders(headers: FieldTable, changes: Readonly<Record<string, FieldValue>>): FieldTable {
	const kept = withoutBrokerHeaders(headers);
	const names = new Set(kept.map(([name]) => name));
	const changed = kept.map(
		([name, value]) => [name, Object.hasOwn(changes, name) ? (changes[name] as FieldValue) : value] as const,
	);
	const added = Object.entries(changes).filter(([name]) => !names.has(name));
	return [...changed, ...added];
}

function text(value: string): FieldValue {
	return { type: 'longstr', text: value.toWellFormed() };
}
