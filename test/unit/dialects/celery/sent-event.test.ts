import { expect, it } from 'vitest';
import { encodeCelery } from '#main/dialects/celery/encode.ts';
import { readEvents } from '#main/dialects/celery/events.ts';
import { sentEvent } from '#main/dialects/celery/sent-event.ts';
import { readLiteral } from '#main/dialects/python/read.ts';

const SENDER = { host: 'console@ops', pid: 7, clock: 3, now: 1_790_000_000_500, minutesWest: -330 };

function call() {
	const args = readLiteral("(1, 'ä')");
	if (!args.ok || args.value.kind !== 'tuple') throw new Error('no arguments');
	const id = '11111111-2222-3333-4444-555555555555';
	const made = encodeCelery({
		name: 'shop.charge',
		id,
		call: { args: args.value.items, kwargs: [['eur', { kind: 'bool', value: true }]] },
		queue: 'payments',
		priority: null,
		origin: 'console@ops',
	});
	if (!made.ok) throw new Error(made.error.message);
	return made.value;
}

it('says of a message what Celery’s own publishers say, and is read as theirs is', () => {
	const event = JSON.parse(Buffer.from(sentEvent(call(), SENDER) ?? []).toString());
	expect(event).toEqual({
		type: 'task-sent',
		uuid: '11111111-2222-3333-4444-555555555555',
		name: 'shop.charge',
		args: "(1, 'ä')",
		kwargs: "{'eur': True}",
		retries: 0,
		eta: null,
		expires: null,
		root_id: '11111111-2222-3333-4444-555555555555',
		parent_id: null,
		queue: 'payments',
		exchange: '',
		routing_key: 'payments',
		hostname: 'console@ops',
		pid: 7,
		clock: 3,
		utcoffset: -6,
		timestamp: 1_790_000_000.5,
	});
	const read = readEvents(sentEvent(call(), SENDER) ?? new Uint8Array(), 'application/json');
	expect(read.bad).toEqual([]);
	expect(read.events).toMatchObject([{ type: 'task-sent', at: 1_790_000_000_500 }]);
});

it('is not made of messages that name no task in their headers', () => {
	const { properties, ...rest } = call();
	expect(sentEvent({ ...rest, properties: { ...properties, headers: [] } }, SENDER)).toBeNull();
});
