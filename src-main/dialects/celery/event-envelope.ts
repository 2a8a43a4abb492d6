/**
 * Events as Redis carries them: kombu's envelope around the body, published on a channel whose name ends in the routing key. How the
 * body is written stands in `properties.body_encoding`; some transports are set to leave it plain.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import { readJson } from '../json/read.ts';
import { plainOf } from './event-fields.ts';

export interface EventEnvelope {
	readonly body: Uint8Array;
	readonly contentType: string | null;
	readonly routingKey: string | null;
}

/** Unpacks an envelope. `undecodable` says what is wrong with it. */
export function readEventEnvelope(text: string): Result<EventEnvelope> {
	const read = readJson(text);
	if (!read.ok) return fail('undecodable', `The envelope is not JSON. ${read.error.message}`);
	const envelope = plainOf(read.value);
	if (!isRecord(envelope)) return fail('undecodable', 'The envelope is not an object.');
	const { body, properties } = envelope;
	if (typeof body !== 'string') return fail('undecodable', 'The envelope has no text as its body.');
	const told = isRecord(properties) ? properties : {};
	const encoding = told.body_encoding ?? 'utf-8';
	const info = isRecord(told.delivery_info) ? told.delivery_info : {};
	const contentType = envelope['content-type'];
	const rest = {
		contentType: typeof contentType === 'string' ? contentType : null,
		routingKey: typeof info.routing_key === 'string' ? info.routing_key : null,
	};
	if (encoding === 'base64') {
		if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(body))
			return fail('undecodable', 'Its body is said to be base64, and is not.');
		return ok({ body: Buffer.from(body, 'base64'), ...rest });
	}
	if (typeof encoding !== 'string' || !/^utf-?8$/i.test(encoding)) {
		return fail('undecodable', `Its body is written in ${JSON.stringify(encoding)}; kombu writes base64 or utf-8.`);
	}
	return ok({ body: Buffer.from(body, 'utf8'), ...rest });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
