import { describe, expect, it } from 'vitest';
import type { QueueFigures } from '#main/domain/queue.ts';
import { depthOf, isPlumbingName, oldestAge, untold } from '#main/domain/queue-depth.ts';
import { holdingsOf } from '#main/engine/worker-holdings.ts';

const NONE = { count: 0, source: 'AMQP passive declare', at: 5, why: null };
const figures = (more: Partial<QueueFigures> = {}): QueueFigures => ({
	name: 'mail',
	exists: true,
	ready: 7,
	unacked: 5,
	consumers: 1,
	at: 5,
	source: 'management',
	...more,
});
const held = { running: 3, runningUnacked: 1, reserved: 2, scheduled: 1, at: 4, silent: [], answered: 1 };

describe('the backlog of a queue', () => {
	it('is what is ready, handed out and delayed, whatever workers say of what they hold', () => {
		const { backlog, unclaimed, scheduled } = depthOf(figures(), held, NONE);
		expect(backlog).toMatchObject({ count: 12, atLeast: 12 });
		expect(unclaimed.count).toBe(1);
		expect(scheduled).toMatchObject({ count: 1, source: 'inspect', at: 4 });
	});

	it('counts what workers hold where the broker does not tell what is handed out, without what was acknowledged', () => {
		const { backlog, unacked } = depthOf(figures({ unacked: null, source: 'amqp' }), held, NONE);
		expect(backlog).toMatchObject({ count: 11, words: 'ready + held by workers + delayed' });
		expect(unacked).toMatchObject({ count: null, why: expect.stringContaining('management API') });
	});

	it('of packets is what waits: a cluster takes one away for good', () => {
		const { backlog } = depthOf(
			figures({ unacked: 0, consumers: null, source: 'packets' }),
			'Clusters are not asked.',
			{
				...NONE,
				source: null,
			},
		);
		expect(backlog).toMatchObject({ count: 7, atLeast: 7 });
	});

	it('is not told when a worker was silent and nobody else knows, but what is known to be there is', () => {
		const depth = depthOf(figures({ unacked: null, source: 'amqp' }), { ...held, silent: ['w2@host'] }, NONE);
		expect(depth.backlog).toMatchObject({ count: null, atLeast: 7 });
		expect(depth.reserved).toMatchObject({ count: null, why: expect.stringContaining('w2@host') });
	});

	it('is not told when somebody consumes and no worker answers, and is when nobody consumes', () => {
		const nobody = { running: 0, runningUnacked: 0, reserved: 0, scheduled: 0, at: 4, silent: [], answered: 0 };
		const consumed = depthOf(figures({ unacked: null, source: 'amqp' }), nobody, NONE);
		expect(consumed.backlog).toMatchObject({ count: null, atLeast: 7 });
		expect(consumed.reserved.why).toContain('no worker takes remote control');
		const alone = depthOf(figures({ unacked: null, source: 'amqp', consumers: 0 }), nobody, NONE);
		expect(alone.backlog).toMatchObject({ count: 7 });
	});

	it('is not told while messages are delayed that may be of any queue', () => {
		const { backlog } = depthOf(figures(), held, untold('4 are in queues of delays.'));
		expect(backlog).toMatchObject({ count: null, atLeast: 12, words: expect.stringContaining('4 are in queues') });
	});

	it('is unknown, not nothing, of a queue that is not there', () => {
		const gone = figures({ exists: false, ready: null, unacked: null });
		expect(depthOf(gone, 'Nobody asked.', NONE).backlog).toMatchObject({ count: null, atLeast: null });
	});

	it('does not count below nothing when workers say more than the broker, which lags', () => {
		expect(depthOf(figures({ unacked: 1 }), held, NONE).unclaimed.count).toBe(0);
	});
});

describe('what workers say they hold', () => {
	it('is counted by queue, and a task that two answers name only once', () => {
		const task = (id: string, more: object = {}) => ({ id, delivery_info: { routing_key: 'mail' }, ...more });
		const holdings = holdingsOf({
			active: new Map([['a@h', [task('1', { acknowledged: true }), task('2', { acknowledged: false })]]]),
			reserved: new Map([['a@h', [task('2'), task('3')]]]),
			scheduled: new Map<string, unknown>([
				['a@h', [{ eta: '2026-01-01', request: task('4') }]],
				['b@h', { error: "KeyError('x')" }],
			]),
			silent: [],
			at: 9,
		});
		expect(holdings.byQueue.get('mail')).toMatchObject({ running: 2, runningUnacked: 1, reserved: 1, scheduled: 1 });
		expect([...holdings.claimed]).toEqual(['1', '2', '3', '4']);
		expect(holdings.none).toMatchObject({ running: 0, reserved: 0, scheduled: 0 });
	});
});

it('tells the age of the next message only where it carries a time and something waits', () => {
	expect(oldestAge(figures({ more: { oldestAt: 100 } }), 350)).toBe(250);
	expect(oldestAge(figures({ more: { oldestAt: null } }), 350)).toBeNull();
	expect(oldestAge(figures({ ready: 0, more: { oldestAt: 100 } }), 350)).toBeNull();
	expect(oldestAge(figures(), 350)).toBeNull();
});

it('knows queues of Celery’s own doings by their names', () => {
	const own = ['celeryev.1b2', 'w1@host.celery.pidbox', 'ab.reply.celery.pidbox', 'celery_delayed_27', 'w1@host.dq2'];
	expect(own.filter((name) => !isPlumbingName(name))).toEqual([]);
	expect(['celery', 'celery_delayed', 'mail.events', 'celeryevents'].filter((name) => isPlumbingName(name))).toEqual(
		[],
	);
	const named = { controlExchange: 'shop', eventExchange: 'shop.events', eventQueuePrefix: 'mon' };
	const theirs = ['mon.warren.1', 'w1@web.shop.pidbox', 'warren-1.reply.shop.pidbox'];
	expect(theirs.filter((name) => !isPlumbingName(name, named))).toEqual([]);
	expect(['monday', 'celeryev.1', 'shop.pidbox'].filter((name) => isPlumbingName(name, named))).toEqual([]);
});
