/** Waiting messages of real brokers: deleted, purged, moved, edited, replayed, and all of it taken back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { type WaitingMessage, withoutCounters } from '#main/brokers/waiting.ts';
import { type Bench, must, rabbitBench, redisBench, take } from '#test/support/brokers.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { startRabbit, uniqueName } from '#test/support/rabbitmq.ts';
import { startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';
import { argument, encodeCall } from '#test/support/waiting-calls.ts';

const profile = 'lab';

describe.each(['rabbitmq', 'redis'] as const)('waiting messages on %s', (kind) => {
	let stack: AsyncDisposableStack;
	let engine: TestEngine;
	let bench: Bench;
	let driver: BrokerDriver;

	beforeAll(async () => {
		stack = new AsyncDisposableStack();
		const server = await (kind === 'rabbitmq' ? startRabbit() : startRedis());
		stack.defer(() => server.stop());
		bench = stack.use(await (kind === 'rabbitmq' ? rabbitBench(server as never) : redisBench(server as never)));
		driver = await bench.driver();
		engine = stack.use(await bootEngine());
		const framework = kind === 'rabbitmq' ? 'carrot' : 'celery';
		await engine.call('profile.add', { name: profile, framework, broker: server.url });
	});
	afterAll(() => stack?.disposeAsync());

	async function queue(): Promise<string> {
		const name = uniqueName('w');
		must(await driver.ensureQueue({ queue: name, durable: true, maxPriority: 255, carrotExchange: false }));
		return name;
	}
	async function filled(count: number, name = 'shop.charge'): Promise<string> {
		const to = await queue();
		for (let n = 0; n < count; n += 1) must(await driver.publish(must(encodeCall(kind, name, to, n))));
		return to;
	}
	const look = async (name: string) => must(await driver.look(name, { limit: 500, deadlineMs: 20_000 })).messages;
	const exact = (some: readonly WaitingMessage[]) =>
		some.map(({ print, properties, body, entry }) => [print, withoutCounters(properties), body, entry]);
	const args = async (name: string) => (await look(name)).map((message) => argument(message));

	it('are purged as reviewed, and put back in their order, byte for byte', async () => {
		const name = await filled(300);
		const before = await look(name);
		const review = await engine.call('message.review', { profile, queue: name, action: 'purge' });
		expect(review).toMatchObject({ count: 300, complete: true });
		must(await driver.publish(must(encodeCall(kind, 'shop.late', name, 999))));
		const outcome = await engine.call('queue.purge', { profile, queue: name, review: review.token });
		expect(outcome).toMatchObject({ done: 300, failed: 0, cancelled: false });
		// What came in after the review was no part of it.
		expect(await args(name)).toEqual([999]);
		await engine.call('message.delete', { profile, queue: name, name: 'shop.late' });
		const taken = await engine.call('undo.apply', { profile, id: outcome.undo ?? 0 });
		expect(taken).toMatchObject({ done: 300, failed: 0, skipped: 0 });
		expect(exact(await look(name))).toEqual(exact(before));
		const again = await engine.refusal('undo.apply', { profile, id: outcome.undo ?? 0 });
		expect(again).toMatchObject({ code: 'conflict' });
		expect(await args(name)).toHaveLength(300);
	});

	it('are purged by a query, and the others stay where they were', async () => {
		const name = await filled(20);
		const outcome = await engine.call('queue.purge', { profile, queue: name, where: 'args.0:7 OR args.0:8' });
		expect(outcome.done).toBe(2);
		expect(await args(name)).toEqual(Array.from({ length: 20 }, (_, n) => n).filter((n) => n !== 7 && n !== 8));
	});

	it('are told and not changed by a dry run', async () => {
		const name = await filled(5);
		const outcome = await engine.call('queue.purge', { profile, queue: name, dryRun: true });
		expect(outcome).toMatchObject({ done: 5, dryRun: true, undo: null });
		expect(await args(name)).toHaveLength(5);
	});

	it('are moved, and moved back where no worker took them', async () => {
		const [from, to] = [await filled(12), await queue()];
		const before = await look(from);
		const outcome = await engine.call('queue.move', { profile, queue: from, to });
		expect(outcome).toMatchObject({ done: 12, failed: 0 });
		expect(await args(from)).toEqual([]);
		expect((await look(to)).map(({ body }) => body)).toEqual(before.map(({ body }) => body));
		await using worker = await take(driver, to, 1);
		const [first] = await worker.got(1);
		must((await first?.ack()) ?? { ok: true, value: undefined });
		await worker.consumption.cancel();
		for (const delivery of worker.deliveries.slice(1)) must(await delivery.release());
		await waitFor('the rest to be back', async () => (await look(to)).length === 11);
		const undone = await engine.call('undo.apply', { profile, id: outcome.undo ?? 0 });
		expect(undone).toMatchObject({ done: 11, skipped: 1 });
		expect(await look(to)).toEqual([]);
		expect(exact(await look(from))).toEqual(exact(before.slice(1)));
	});

	it('are edited: the new one waits in the place of the old, which an undo brings back', async () => {
		const name = await filled(3);
		const [, second] = await look(name);
		const outcome = await engine.call('message.edit', {
			profile,
			queue: name,
			id: second?.print ?? '',
			args: '41',
			kwargs: '{"currency": "gbp"}',
			priority: 3,
		});
		expect(outcome).toMatchObject({ done: 1, failed: 0 });
		const { items } = await engine.call('queue.peek', { profile, queue: name });
		const edited = items.find((item) => item.task?.argsJson === '[41]');
		expect(edited?.task).toMatchObject({ kwargsJson: '{"currency": "gbp"}', priority: 3 });
		expect(items).toHaveLength(3);
		await engine.call('undo.apply', { profile, id: outcome.undo ?? 0 });
		const after = await look(name);
		expect(after).toHaveLength(3);
		expect(exact(after)).toContainEqual(exact(second === undefined ? [] : [second])[0]);
	});

	it('are left alone when nobody says which, or when they are gone', async () => {
		const name = await filled(2);
		expect(await engine.refusal('message.delete', { profile, queue: name })).toMatchObject({ code: 'invalid-input' });
		expect(await engine.refusal('queue.move', { profile, queue: name, to: uniqueName('no') })).toMatchObject({
			code: 'not-found',
		});
		const review = await engine.call('message.review', { profile, queue: name, action: 'remove' });
		must(await driver.clear(name));
		const outcome = await engine.call('message.delete', { profile, queue: name, review: review.token });
		expect(outcome).toMatchObject({ done: 0, skipped: 2, undo: null });
	});

	it('are neither lost nor doubled while a worker is busy with them', async () => {
		const name = await filled(400);
		const other = await bench.driver();
		const ran: number[] = [];
		await using _worker = await take(other, name, 4, (delivery) => {
			ran.push(argument(delivery.message));
			void delivery.ack();
		});
		const outcome = await engine.call('queue.purge', { profile, queue: name });
		await waitFor('the queue to be empty', async () => {
			const [figures] = must(await driver.queues([name]));
			return figures?.ready === 0 && (figures.unacked ?? 0) === 0 && ran.length + outcome.done >= 400;
		});
		expect(ran.length + outcome.done).toBe(400);
		const ranBefore = new Set(ran);
		if (outcome.undo !== null) await engine.call('undo.apply', { profile, id: outcome.undo });
		await waitFor('all of them to have run', () => ran.length >= 400);
		expect(new Set(ran).size).toBe(400);
		expect(ran).toHaveLength(400);
		expect(ranBefore.size).toBeLessThanOrEqual(400);
	});

	it('of deleted tasks are put back, and the tasks listed again', async () => {
		const name = await queue();
		const { id } = await engine.call('task.publish', { profile, name: 'shop.report', queue: name, args: '5' });
		await engine.call('task.delete', { profile, ids: [id] });
		expect(await look(name)).toEqual([]);
		const { items } = await engine.call('undo.list', { profile });
		expect(items[0]).toMatchObject({ action: 'task.delete', able: true, kept: { removed: 1 } });
		await engine.call('undo.apply', { profile, id: items[0]?.id ?? 0 });
		expect(await args(name)).toEqual([5]);
		const listed = await engine.call('task.list', { profile, query: `queue:${name}` });
		expect(listed.items).toMatchObject([{ id, state: 'queued' }]);
	});

	it('are destroyed for good only by name', async () => {
		const name = await filled(6);
		const outcome = await engine.call('queue.purge', { profile, queue: name, withoutUndo: true });
		expect(outcome).toMatchObject({ done: 6, undo: null });
		expect(await args(name)).toEqual([]);
	});
});
