/**
 * Celery's remote control as bytes: requests to its workers, and their answers (4.x to 5.6 write the same). An answer is an object of
 * one member, the node's name, and says whatever the method says; by custom `{"ok": words}` or `{"error": words}`.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { toPlain, writeJson } from '../json/write.ts';
import { readBody } from './body.ts';

/** The exchange of requests, and that of answers, for a deployment's `control_exchange`. */
export function controlExchanges(name: string): { readonly requests: string; readonly answers: string } {
	return { requests: `${name}.pidbox`, answers: `reply.${name}.pidbox` };
}

/** A request. Without a ticket nobody answers. */
export interface ControlRequest {
	readonly method: string;
	/** JSON values. */
	readonly arguments: Readonly<Record<string, unknown>>;
	/** Node names; null: everybody. */
	readonly destination: readonly string[] | null;
	readonly pattern: { readonly text: string; readonly matcher: 'glob' | 'pcre' } | null;
	readonly reply: { readonly ticket: string; readonly exchange: string; readonly routingKey: string } | null;
}

/** One node's answer. */
export interface ControlReply {
	readonly node: string;
	readonly value: Value;
	/** What it says of itself: `{"ok": …}`, `{"error": …}`, or just a value. */
	readonly kind: 'ok' | 'error' | 'value';
	/** The words of `ok` and `error`. */
	readonly words: string | null;
	/** The value as JSON text. What JSON cannot hold (of a pickle) stands there as text. */
	readonly json: string;
}

/** Answers are large where arguments are; larger ones are no answers that anybody could want. */
const REPLY_BYTES = 64 * 1024 * 1024;
const LONGEST_NAME = 1_000;

/** Writes a request. */
export function writeControlRequest(request: ControlRequest): Uint8Array {
	const { method, destination, pattern, reply } = request;
	const body = {
		method,
		arguments: request.arguments,
		destination,
		pattern: pattern?.text ?? null,
		matcher: pattern?.matcher ?? null,
		...(reply === null
			? {}
			: { ticket: reply.ticket, reply_to: { exchange: reply.exchange, routing_key: reply.routingKey } }),
	};
	return Buffer.from(JSON.stringify(body));
}

/** Reads an answer's body; a pickle as inert data. Never throws; `undecodable` and others say what is wrong. */
export function readControlReply(
	bytes: Uint8Array,
	contentType: string | null,
	contentEncoding: string | null,
): Result<readonly ControlReply[]> {
	const read = readBody(
		{ contentType: contentType ?? 'application/json', contentEncoding, compression: null, bytes },
		{ bytes: REPLY_BYTES },
	);
	if (!read.ok) return read;
	const { value } = read.value;
	if (value.kind !== 'dict' || value.entries.length === 0) {
		return fail('undecodable', "An answer is an object with the node's name; this is none.");
	}
	const replies: ControlReply[] = [];
	for (const [key, answer] of value.entries) {
		if (key.kind !== 'str' || key.value === '') return fail('undecodable', 'It does not say which node answers.');
		if (key.value.length > LONGEST_NAME)
			return fail('undecodable', `Its node's name has ${key.value.length} characters.`);
		replies.push(replyOf(key.value, answer));
	}
	return ok(replies);
}

function replyOf(node: string, value: Value): ControlReply {
	const written = writeJson(value, 'readable');
	const json = written.ok ? written.value : toPlain(value);
	const [only] = value.kind === 'dict' && value.entries.length === 1 ? value.entries : [];
	if (only?.[0].kind === 'str' && (only[0].value === 'ok' || only[0].value === 'error')) {
		const [key, said] = only;
		const words = said.kind === 'str' ? said.value : toPlain(said);
		return { node, value, kind: key.value as 'ok' | 'error', words, json };
	}
	return { node, value, kind: 'value', words: null, json };
}

/** A worker's error with what to do about it, where that is known. */
export function explainControlError(method: string, error: string): string {
	if (error === `KeyError('${method}')`) {
		return `This worker does not know ${method}: its Celery is older than that command, or its application took it out.`;
	}
	const hints: readonly (readonly [RegExp, string])[] = [
		[/^unknown task$/, 'This worker has no task of that name registered ("worker inspect registered" lists them).'],
		[/Autoscale not enabled/, 'It was started without --autoscale; use pool_grow and pool_shrink.'],
		[/not supported with autoscale/, 'It was started with --autoscale; use autoscale.'],
		[/Pool restarts not enabled/, 'Its setting worker_pool_restarts is off.'],
		[/All processes busy/, 'A busy pool cannot shrink; try again when a process is idle.'],
	];
	const hint = hints.find(([pattern]) => pattern.test(error))?.[1];
	return hint === undefined ? error : `${error}. ${hint}`;
}
