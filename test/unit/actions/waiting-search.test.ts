import { describe, expect, it } from 'vitest';
import { messageSubject } from '#main/actions/waiting-search.ts';
import type { WaitingMessage } from '#main/brokers/waiting.ts';
import type { ReadMessage } from '#main/dialects/messages.ts';
import type { FieldTable } from '#main/domain/message.ts';
import { languageOf } from '#main/domain/query-languages.ts';
import { subjectMatches } from '#main/domain/query-match.ts';
import { parseQueryOf } from '#main/domain/query-parse.ts';
import { decoded, delivered } from '#test/support/history.ts';

const NOW = Date.UTC(2026, 10, 26, 12);
const MADE = {
	...{ id: '312a7e71-1', name: 'shop.tasks.mail', queue: 'mail', priority: 5, publishedAt: NOW - 60_000 },
	...{ args: [42, 'Anna'], kwargs: { user: { id: 7 } } },
};
const DEAD: FieldTable = [
	[
		'x-death',
		{
			type: 'array',
			items: [
				{
					type: 'table',
					fields: [
						['queue', { type: 'longstr', text: 'orders' }],
						['reason', { type: 'longstr', text: 'rejected' }],
					],
				},
			],
		},
	],
];

const base: WaitingMessage = { ...delivered(MADE), print: '9f2c', entry: null, exchange: 'shop', deliveryCount: 2 };
const task: ReadMessage = { kind: 'task', task: decoded(MADE), celery: null };
const fault: ReadMessage = {
	kind: 'fault',
	fault: {
		reason: 'The body is no JSON',
		exceptionType: 'InvalidMessage',
		name: null,
		messageId: null,
		priority: null,
	},
};

function find(text: string, message: WaitingMessage = base, read: ReadMessage = task): boolean {
	const query = parseQueryOf('messages', text, NOW);
	if (!query.ok) throw new Error(query.error.message);
	return subjectMatches(query.value, messageSubject(message, read));
}

describe('queries over waiting messages', () => {
	it.each([
		...['mail', 'anna', '312A7E71', 'name:tasks.mail', 'app:shop', 'id:312a', 'print:9f', 'queue:mail', 'args[0]:42'],
		...['kwargs.user.id:7', 'priority:>4', 'exchange:shop', 'routing:mail', 'deliveries:2', 'size:>10', 'since:2m'],
		...[
			'published:2026-11-26',
			'has:args',
			'has:priority',
			'-is:redelivered',
			'-is:dead',
			'-has:origin',
			'-is:unreadable',
		],
	])('find a message by %s', (text) => {
		expect(find(text)).toBe(true);
		expect(find(`-(${text})`)).toBe(false);
	});

	it.each(['name:other', 'args[0]:43', 'queue:Mail', 'before:2026-11-26', 'origin:orders', 'priority:<5', 'until:5m'])(
		'leave it out by %s',
		(text) => expect(find(text)).toBe(false),
	);

	it('find dead letters by where they died, and what cannot be read by why', () => {
		const dead = { ...base, redelivered: true, properties: { ...base.properties, headers: DEAD } };
		expect(find('is:dead origin:orders has:origin is:redelivered', dead)).toBe(true);
		expect(find('is:unreadable fault:json', base, fault)).toBe(true);
		// Nothing is known of its arguments, so that their negation holds.
		expect(find('-args[0]:42 -has:args', base, fault)).toBe(true);
		expect(find('published:2026-11-26', base, fault)).toBe(false);
	});

	it('name their own fields, and say so of a field that only tasks have', () => {
		for (const { example } of languageOf('messages').fields) expect(() => find(example)).not.toThrow();
		expect(parseQueryOf('messages', 'mail state:failed', NOW)).toMatchObject({
			ok: false,
			error: { code: 'invalid-input', details: { position: 5, length: 5 } },
		});
	});
});
