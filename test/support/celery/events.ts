/** Events as a Celery worker sends them, made through the dialect. */
import { type CeleryEvent, readEvents } from '#main/dialects/celery/events.ts';

export interface Told {
	readonly type: string;
	/** Epoch ms. */
	readonly at: number | undefined;
	readonly uuid?: string;
	readonly host?: string;
	readonly pid?: number;
	readonly clock?: number;
	readonly [field: string]: unknown;
}

/** The event's fields as they stand on the wire. `at` becomes its timestamp, `host` its hostname. */
export function celeryFields(told: Told): Readonly<Record<string, unknown>> {
	const { at, host = 'w1@h', uuid, pid = 1, clock = 0, ...rest } = told;
	const task = told.type.startsWith('task-') ? { uuid: uuid ?? 't' } : {};
	return { hostname: host, utcoffset: 0, pid, clock, ...task, timestamp: (at ?? 0) / 1_000, ...rest };
}

export function celeryBody(...told: readonly Told[]): Uint8Array {
	const fields = told.map(celeryFields);
	return Buffer.from(JSON.stringify(fields.length === 1 ? fields[0] : fields));
}

export function celeryEvent(told: Told): CeleryEvent {
	const [event] = readEvents(celeryBody(told), 'application/json').events;
	if (event === undefined) throw new Error(`No event: ${JSON.stringify(told)}`);
	return event;
}
