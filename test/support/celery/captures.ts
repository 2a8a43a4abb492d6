/** Captured runs of real Celery clusters: what was on the wire, and what became of each task. */
import { readFileSync } from 'node:fs';
import { readEventEnvelope } from '#main/dialects/celery/event-envelope.ts';
import { type CeleryEvent, type ReadEvents, readEvents } from '#main/dialects/celery/events.ts';

/** One message of a capture. */
export interface CapturedMessage {
	/** Epoch ms of its arrival. */
	readonly at: number;
	readonly routingKey: string;
	readonly body: Uint8Array;
	readonly contentType: string | null;
}

export interface Capture {
	readonly name: string;
	readonly messages: readonly CapturedMessage[];
	/** Which task id was which case. */
	readonly ids: Readonly<Record<string, unknown>>;
	/** Celery's result metas, by case. */
	readonly results: Readonly<
		Record<string, { readonly value: { readonly status: string; readonly task_id: string } | null }>
	>;
}

const FOLDER = new URL('../../fixtures/celery/', import.meta.url);

function json<T>(file: string): T {
	return JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as T;
}

/** `amqp-5.6.3` or `redis-5.2.6`. */
export function readCapture(name: 'amqp-5.6.3' | 'redis-5.2.6'): Capture {
	const rows = json<
		readonly { t: number; routing_key?: string; content_type?: string; body: unknown; envelope?: unknown }[]
	>(`${name}.events.json`);
	const messages = rows.map((row): CapturedMessage => {
		if (row.envelope === undefined) {
			const body = Buffer.from(JSON.stringify(row.body));
			return { at: row.t * 1_000, routingKey: row.routing_key ?? '', body, contentType: row.content_type ?? null };
		}
		const opened = readEventEnvelope(JSON.stringify(row.envelope));
		if (!opened.ok) throw new Error(opened.error.message);
		const { body, contentType, routingKey } = opened.value;
		return { at: row.t * 1_000, routingKey: routingKey ?? '', body, contentType };
	});
	return { name, messages, ids: json(`${name}.ids.json`), results: json(`${name}.results.json`) };
}

/** Every event of a capture, in its order. */
export function eventsOf(capture: Capture): readonly CeleryEvent[] {
	return capture.messages.flatMap(({ body, contentType }) => mustRead(readEvents(body, contentType)));
}

function mustRead(read: ReadEvents): readonly CeleryEvent[] {
	if (read.bad.length > 0) throw new Error(read.bad.map((bad) => bad.reason).join('\n'));
	return read.events;
}

/** The id of a case. */
export function idOf(capture: Capture, name: string): string {
	const found = capture.ids[name];
	if (typeof found !== 'string') throw new Error(`${capture.name} has no case ${name}`);
	return found;
}
