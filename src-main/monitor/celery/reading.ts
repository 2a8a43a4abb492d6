/** Messages as they were heard, into events, by how the broker carries them. */
import type { HeardMessage } from '#main/brokers/topic.ts';
import { readEventEnvelope } from '#main/dialects/celery/event-envelope.ts';
import { type ReadEvents, readEvents } from '#main/dialects/celery/events.ts';

/** Reads a message of RabbitMQ, whose body is the event itself, or of Redis, where kombu's envelope is around it. */
export function readHeard(carrier: 'amqp' | 'redis', message: HeardMessage): ReadEvents {
	if (carrier === 'amqp') return readEvents(message.body, message.contentType);
	const opened = readEventEnvelope(Buffer.from(message.body).toString('utf8'));
	if (!opened.ok) return { events: [], bad: [{ reason: opened.error.message, text: null }], textOf: () => '' };
	return readEvents(opened.value.body, opened.value.contentType);
}
