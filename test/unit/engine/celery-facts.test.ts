/** What is known of a Celery task beside its name and arguments, and from where. */
import { describe, expect, it } from 'vitest';
import { messageDialect } from '#main/dialects/messages.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { TaskFact } from '#main/domain/observed.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import { celeryFacts, type ReadMessage } from '#main/engine/celery-facts.ts';

function read(message: OutgoingMessage): ReadMessage {
	const got = messageDialect({ framework: 'celery', dialect: CARROT_DIALECT }).read(message);
	if (got.kind !== 'task' || got.celery === null) throw new Error('It is no message of Celery.');
	return { celery: got.celery, message };
}

const text = (value: string) => ({ type: 'longstr', text: value }) as const;
const message: OutgoingMessage = {
	exchange: '',
	routingKey: 'mails',
	properties: {
		contentType: 'application/json',
		contentEncoding: 'utf-8',
		priority: 6,
		replyTo: 'reply-1',
		headers: [
			['task', text('shop.charge')],
			['id', text('t2')],
			['root_id', text('r')],
			['parent_id', text('p')],
			['group', text('g')],
			['retries', { type: 'int32', value: 2 }],
			['eta', text('2030-01-01T00:00:00+00:00')],
			['timelimit', { type: 'array', items: [{ type: 'int32', value: 30 }, { type: 'void' }] }],
			['origin', text('gen7@web')],
		],
	},
	body: Buffer.from('[[], {}, {}]'),
};

function told(kind: 'sent' | 'received', more: Partial<TaskFact>): TaskFact {
	return { kind, type: `task-${kind}`, at: 1, host: 'gen1@web', pid: 1, clock: 1, ...more };
}

describe('what Celery says of a task', () => {
	it('is what its message says, in the order in which it is read', () => {
		const facts = celeryFacts(read(message), {});
		expect(facts.map(({ name, value }) => [name, value])).toEqual(
			expect.arrayContaining([
				['root_id', 'r'],
				['parent_id', 'p'],
				['group', 'g'],
				['retries', '2'],
				['timelimit', '30 s'],
				['reply_to', 'reply-1'],
				['eta', '2030-01-01T00:00:00+00:00'],
				['origin', 'gen7@web'],
				['priority', '6'],
				['exchange', '(default)'],
				['routing_key', 'mails'],
				['protocol', '2'],
			]),
		);
		expect(facts[0]?.name).toBe('root_id');
		expect(facts.every(({ source }) => source === 'message')).toBe(true);
	});

	it('is what the newest events told where no message is kept, and says so', () => {
		const events = [
			told('sent', { retries: 0, queue: 'mails', exchange: '', routingKey: 'mails' }),
			told('received', { retries: 0, host: 'w1@h' }),
			told('sent', { retries: 1, eta: '2030-01-01T00:00:03+00:00', exchange: 'x', routingKey: 'k', host: 'w1@h' }),
		];
		expect(celeryFacts(null, { events, lineage: { rootId: 'r', parentId: null } })).toEqual([
			{ name: 'root_id', value: 'r', source: 'event' },
			{ name: 'retries', value: '1', source: 'event' },
			{ name: 'eta', value: '2030-01-01T00:00:03+00:00', source: 'event' },
			{ name: 'origin', value: 'w1@h', source: 'event' },
			{ name: 'exchange', value: 'x', source: 'event' },
			{ name: 'routing_key', value: 'k', source: 'event' },
		]);
	});

	it('is nothing where nobody said anything', () => {
		expect(celeryFacts(null, {})).toEqual([]);
	});
});
