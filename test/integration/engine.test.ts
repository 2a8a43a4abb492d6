/** The engine as hosts see it, with the built-in broker and the sandbox: nothing installed, nothing faked. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'sandbox';
let engine: TestEngine;

beforeAll(async () => {
	engine = await bootEngine();
});
afterAll(async () => {
	await engine?.[Symbol.asyncDispose]();
});

async function runUntilEmpty(): Promise<void> {
	const set = await engine.call('consumer.run', { profile, queues: ['default'], concurrency: 2, untilEmpty: true });
	await waitFor('the consumer to stop', async () => {
		const { items } = await engine.call('consumer.list', { profile });
		return items.find((one) => one.id === set.id)?.state === 'stopped';
	});
}
const counts = async () => (await engine.call('profile.show', { name: profile })).counts;
const failed = async (query = 'state:failed') => (await engine.call('task.list', { profile, query })).items;

describe('the sandbox, from the first start', () => {
	it('has tasks waiting that say what they are', async () => {
		const { items, total } = await engine.call('task.list', { profile, query: 'state:queued' });
		expect(total).toBe(items.length);
		expect(items.length).toBeGreaterThanOrEqual(12);
		expect(items.map((task) => task.name)).toContain('orders.charge_card');
	});

	it('runs them, so that some succeed and some fail with a traceback and a log', async () => {
		using lines = await engine.open('console.watch', { profile });
		await runUntilEmpty();
		const now = await counts();
		expect(now.queued + now.running).toBe(0);
		expect(now.succeeded).toBeGreaterThan(0);
		expect(now.failed).toBeGreaterThan(0);
		const charge = (await failed('state:failed name:charge_card 88213'))[0];
		const shown = await engine.call('task.show', { profile, id: charge?.id ?? '' });
		expect(shown.exception?.type).toBe('GatewayTimeout');
		expect(shown.traceback).toContain('orders.mjs');
		const log = await engine.call('task.log', { profile, attempt: shown.history[0]?.id ?? 0 });
		expect(log.lines.length).toBeGreaterThan(0);
		expect(lines.items.some((line) => line.taskId === shown.id)).toBe(true);
	});

	it('lets a requeue succeed, and keeps the failed attempt', async () => {
		const charge = (await failed('name:charge_card 88213'))[0];
		const id = charge?.id ?? '';
		const review = await engine.call('task.review', { profile, action: 'requeue', ids: [id] });
		expect(review.count).toBe(1);
		const outcome = await engine.call('task.requeue', { profile, review: review.token });
		expect(outcome).toMatchObject({ done: 1, failed: 0, cancelled: false });
		expect((await engine.call('task.show', { profile, id })).state).toBe('queued');
		await runUntilEmpty();
		const shown = await engine.call('task.show', { profile, id });
		expect(shown.history.map((attempt) => [attempt.state, attempt.cause])).toEqual([
			['failed', 'published'],
			['succeeded', 'requeued'],
		]);
		expect(shown.history[0]?.traceback).toContain('GatewayTimeout');
		expect([shown.priority, shown.argsJson, shown.kwargsJson]).toEqual([
			charge?.priority,
			charge?.argsJson,
			charge?.kwargsJson,
		]);
		// Its other name, the id of the message that carried the second attempt, finds it too.
		const again = await engine.call('task.show', { profile, id: outcome.items[0]?.messageId ?? '' });
		expect(again.id).toBe(id);
	});
});

describe('what a person does', () => {
	it('publishes with typed arguments, which wait with all their digits', async () => {
		const { id } = await engine.call('task.publish', {
			profile,
			name: 'orders.total',
			args: '9007199254740993, -1',
			priority: 9,
		});
		const waiting = await engine.call('task.show', { profile, id });
		expect(waiting).toMatchObject({ state: 'queued', priority: 9, argsJson: '[9007199254740993, -1]' });
		const peeked = await engine.call('queue.peek', { profile, queue: 'default' });
		expect(peeked.cost.kind).toBe('free');
		expect(Buffer.from(peeked.items[0]?.raw ?? '', 'base64').toString()).toBe('{"args": [9007199254740993, -1]}');
		await runUntilEmpty();
		expect((await engine.call('task.show', { profile, id })).state).toBe('succeeded');
	});

	it('is told at which place arguments are wrong, and nothing is published', async () => {
		const before = await counts();
		const refused = await engine.refusal('task.publish', { profile, name: 'a.b', kwargs: '{"tags": [vip]}' });
		expect(refused.code).toBe('invalid-input');
		expect(refused.details).toMatchObject({ field: 'kwargs', line: 1, column: 11 });
		const literals = await engine.refusal('task.publish', { profile, name: 'a.b', args: "1, 'two" });
		expect(literals.details).toMatchObject({ field: 'args' });
		const sets = await engine.refusal('task.publish', { profile, name: 'a.b', args: '{1, 2}' });
		expect(sets.message).toContain('set');
		expect((await counts()).queued).toBe(before.queued);
	});

	it('publishes to a queue that a profile on the built-in broker names, before anything consumed it', async () => {
		await engine.call('profile.duplicate', { name: profile, as: 'second' });
		const { published } = await engine.call('task.publish', { profile: 'second', name: 'orders.total', args: '1' });
		expect(published).toBe(1);
		await engine.call('profile.remove', { name: 'second' });
	});

	it('leaves no trace in history when no queue takes the message', async () => {
		const refused = await engine.refusal('task.publish', { profile, name: 'a.b', queue: 'nowhere' });
		expect(refused.code).toBe('unroutable');
		expect((await engine.call('task.count', { profile, query: 'queue:nowhere' })).total).toBe(0);
	});

	it('gets a failed task back as it was when a requeue does not reach the broker', async () => {
		const [task] = await failed();
		const id = task?.id ?? '';
		const outcome = await engine.call('task.requeue', { profile, ids: [id], queue: 'nowhere' });
		expect(outcome).toMatchObject({ done: 0, failed: 1 });
		const shown = await engine.call('task.show', { profile, id });
		expect(shown.state).toBe('failed');
		expect(shown.history).toHaveLength(1);
	});

	it('deletes a waiting task from its queue as well, so that it never runs', async () => {
		const { id } = await engine.call('task.publish', { profile, name: 'orders.total', args: '1' });
		const { id: other } = await engine.call('task.publish', { profile, name: 'orders.total', args: '2' });
		const outcome = await engine.call('task.delete', { profile, ids: [id] });
		expect(outcome).toMatchObject({ done: 1, failed: 0 });
		await runUntilEmpty();
		expect((await engine.call('task.show', { profile, id: other })).state).toBe('succeeded');
		const gone = await engine.call('task.show', { profile, id });
		expect(gone.removedAt).not.toBeNull();
		expect(gone.startedAt).toBeNull();
		expect((await engine.call('task.count', { profile, query: `id:${id}` })).total).toBe(0);
	});

	it('says what a change would do without doing it', async () => {
		const before = await counts();
		const outcome = await engine.call('task.delete', { profile, where: 'state:failed', dryRun: true });
		expect(outcome).toMatchObject({ dryRun: true, done: before.failed });
		expect((await counts()).failed).toBe(before.failed);
	});

	it('publishes many at once and deletes exactly what was reviewed', async () => {
		await engine.call('task.publish', { profile, name: 'orders.total', args: '5', count: 700 });
		const review = await engine.call('task.review', { profile, action: 'delete', where: 'state:queued' });
		expect(review.count).toBe(700);
		const { id: late } = await engine.call('task.publish', { profile, name: 'orders.total', args: '6' });
		const outcome = await engine.call('task.delete', { profile, review: review.token });
		expect(outcome.done).toBe(700);
		const left = await engine.call('task.list', { profile, query: 'state:queued' });
		expect(left.items.map((task) => task.id)).toEqual([late]);
		expect((await engine.refusal('task.delete', { profile, review: review.token })).code).toBe('conflict');
	});
});

describe('streams', () => {
	it('tell of changes by ticks that carry the counts', async () => {
		using ticks = await engine.open('task.watch', { profile });
		const before = ticks.items.at(-1)?.tick.counts.queued ?? 0;
		await engine.call('task.publish', { profile, name: 'orders.total', args: '7' });
		await waitFor('a tick', () => ticks.items.at(-1)?.tick.counts.queued === before + 1);
	});

	it('follow a log to its end, over attempts', async () => {
		const { id } = await engine.call('task.publish', {
			profile,
			name: 'emails.send_receipt',
			args: '1',
			kwargs: '{"to": "ada@example.com"}',
		});
		using lines = await engine.open('task.follow', { profile, id });
		await runUntilEmpty();
		const shown = await engine.call('task.show', { profile, id });
		expect(shown.state).toBe('succeeded');
		const stored = await engine.call('task.log', { profile, attempt: shown.history[0]?.id ?? 0 });
		expect(stored.total).toBeGreaterThan(0);
		await waitFor('all its lines', () => lines.items.length === stored.total);
		expect(lines.items.map((line) => line.text)).toEqual(stored.lines.map((line) => line.text));
	});
});

describe('guards', () => {
	it('refuse every change of a read-only profile and still show everything', async () => {
		await engine.call('profile.duplicate', { name: profile, as: 'museum' });
		await engine.call('profile.edit', { name: 'museum', readOnly: true });
		expect((await engine.refusal('task.publish', { profile: 'museum', name: 'a.b' })).code).toBe('read-only');
		expect((await engine.call('task.list', { profile: 'museum' })).total).toBe(0);
		await engine.call('profile.edit', { name: 'museum', readOnly: false });
		await engine.call('profile.remove', { name: 'museum' });
	});

	it('ask for the name before destroying anything on production', async () => {
		await engine.call('profile.duplicate', { name: profile, as: 'live' });
		await engine.call('profile.edit', { name: 'live', environment: 'production' });
		expect((await engine.refusal('task.delete', { profile: 'live', where: '' })).code).toBe('not-confirmed');
		expect((await engine.refusal('task.delete', { profile: 'live', where: '' }, 'Live')).code).toBe('not-confirmed');
		expect((await engine.call('task.delete', { profile: 'live', where: '' }, 'live')).done).toBe(0);
		await engine.call('profile.remove', { name: 'live' }, 'live');
	});

	it('write one audit line per command, the refused ones too', async () => {
		await engine.refusal('task.publish', { profile, name: 'a.b', queue: 'nowhere' });
		const { items } = await engine.call('audit.list', { limit: 1 });
		expect(items[0]).toMatchObject({ route: 'task.publish', profile, outcome: 'unroutable' });
	});
});
