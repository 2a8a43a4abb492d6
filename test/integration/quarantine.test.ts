/** Messages that nothing may run: set aside by a real consumer, looked at, mended, released, sent on, discarded; and clean-up. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDriver } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { MessageProperties } from '#main/domain/message.ts';
import { driverContext, must } from '#test/support/brokers.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'sandbox';
const QUEUE = 'strange';

let stack: AsyncDisposableStack;
let engine: TestEngine;
let driver: BrokerDriver;

beforeEach(async () => {
	stack = new AsyncDisposableStack();
	engine = stack.use(await bootEngine());
	const folder = join(engine.home, 'profiles', 'sandbox');
	driver = stack.use(createDriver({ kind: 'embedded' }, driverContext({ folder, password: null })));
	driver.connect();
	must(await driver.ready(10_000));
	for (const queue of [QUEUE, 'other']) {
		must(await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: false }));
	}
});
afterEach(() => stack.disposeAsync());

async function send(body: Uint8Array | string, properties: MessageProperties = {}): Promise<void> {
	const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
	must(await driver.publish({ exchange: '', routingKey: QUEUE, properties, body: bytes }));
}
/** Has a consumer empty the queue. */
async function consume(queue = QUEUE): Promise<void> {
	const set = await engine.call('consumer.run', { profile, queues: [queue], untilEmpty: true });
	await waitFor('the queue to be empty', async () => {
		const { items } = await engine.call('consumer.list', { profile });
		return items.find((one) => one.id === set.id)?.state === 'stopped';
	});
}
const held = () => engine.call('quarantine.list', { profile });
const waitingIn = async (queue: string) => must(await driver.look(queue, { limit: 10, deadlineMs: 5_000 })).messages;
const named = (name: string) => [['type', { type: 'longstr', text: name }]] as const;

describe('a message that cannot be read', () => {
	it('is set aside with every byte, and its task says why it failed', async () => {
		const body = Uint8Array.from([0x7b, 0xff, 0x00]);
		await send(body, { messageId: 'bad-1', headers: named('orders.total'), priority: 7 });
		await consume();
		const { items } = await held();
		expect(items).toMatchObject([
			{
				cause: 'undecodable',
				queue: QUEUE,
				messageId: 'bad-1',
				name: 'orders.total',
				taskId: 'bad-1',
				bytes: 3,
				state: 'held',
			},
		]);
		const shown = await engine.call('quarantine.show', { profile, id: items[0]?.id ?? 0 });
		expect(Buffer.from(shown.bodyBase64, 'base64')).toEqual(Buffer.from(body));
		expect(shown).toMatchObject({ bodyText: null, properties: { messageId: 'bad-1', priority: 7 }, task: null });
		expect(shown.fault?.reason).toBe(items[0]?.reason);
		expect((await engine.call('task.show', { profile, id: 'bad-1' })).state).toBe('failed');
		expect(await waitingIn(QUEUE)).toEqual([]);
	});

	it('goes back to its queue as it was when it is released', async () => {
		const body = Uint8Array.from([1, 2, 255]);
		const properties: MessageProperties = {
			messageId: 'bad-1',
			correlationId: 'c',
			headers: [['x', { type: 'bool', value: true }]],
		};
		await send(body, properties);
		await consume();
		const id = (await held()).items[0]?.id ?? 0;
		const dry = await engine.call('quarantine.release', { profile, ids: [id], dryRun: true });
		expect(dry).toMatchObject({ done: 1, dryRun: true, items: [{ queue: QUEUE }] });
		expect((await held()).held).toBe(1);
		expect(await engine.call('quarantine.release', { profile, ids: [id] })).toMatchObject({ done: 1, failed: 0 });
		const [back] = await waitingIn(QUEUE);
		expect(back?.properties).toEqual(properties);
		expect(back?.body).toEqual(body);
		expect((await held()).held).toBe(0);
		const again = await engine.call('quarantine.release', { profile, ids: [id] });
		expect(again).toMatchObject({ done: 0, skipped: 1, items: [{ reason: `went back to ${QUEUE} already` }] });
	});

	it('runs once it is mended and sent on, under the id by which its site knows it', async () => {
		await send('nonsense', { messageId: 'bad-1' });
		await consume();
		const id = (await held()).items[0]?.id ?? 0;
		const refused = await engine.call('quarantine.send', { profile, ids: [id], queue: 'other', args: '1' });
		expect(refused.items[0]?.reason).toContain('names no task');
		const sent = await engine.call('quarantine.send', {
			profile,
			ids: [id],
			queue: 'other',
			task: 'orders.total',
			kwargs: '{"items": []}',
			headers: { trace: 'abc' },
		});
		expect(sent).toMatchObject({ done: 1, items: [{ queue: 'other' }] });
		const [message] = await waitingIn('other');
		expect(message?.properties.messageId).toBe('bad-1');
		expect(message?.properties.headers).toEqual([
			['trace', { type: 'longstr', text: 'abc' }],
			['type', { type: 'longstr', text: 'orders.total' }],
		]);
		expect(new TextDecoder().decode(message?.body)).toBe('{"kwargs": {"items": []}}');
		await consume('other');
		const task = await engine.call('task.show', { profile, id: 'bad-1' });
		expect(task.name).toBe('orders.total');
		expect(task.history).toHaveLength(2);
		const list = await engine.call('quarantine.list', { profile, state: 'sent' });
		expect(list.items).toMatchObject([{ id, settledTo: 'other' }]);
	});

	it('stays where it is when the queue that it is sent to does not exist', async () => {
		await send('nonsense', { messageId: 'bad-1' });
		await consume();
		const id = (await held()).items[0]?.id ?? 0;
		const failed = await engine.call('quarantine.send', { profile, ids: [id], queue: 'nowhere' });
		expect(failed).toMatchObject({ done: 0, failed: 1 });
		expect((await held()).held).toBe(1);
	});

	it('is discarded on purpose only, and can be had back', async () => {
		await send('one', { messageId: 'a' });
		await send('two', { messageId: 'b' });
		await consume();
		expect((await engine.refusal('quarantine.discard', { profile })).message).toContain('--all');
		expect(await engine.call('quarantine.discard', { profile, all: true, from: 'other' })).toMatchObject({ done: 0 });
		expect(await engine.call('quarantine.discard', { profile, all: true, from: QUEUE })).toMatchObject({ done: 2 });
		expect((await held()).held).toBe(0);
		const { items } = await engine.call('quarantine.list', { profile, state: 'discarded' });
		expect(await engine.call('quarantine.restore', { profile, ids: items.map((item) => item.id) })).toMatchObject({
			done: 2,
		});
		expect((await held()).held).toBe(2);
		const audited = (await engine.call('audit.list', {})).items.map((line) => [line.route, line.outcome, line.changed]);
		expect(audited).toContainEqual(['quarantine.discard', 'done', 2]);
		expect(audited).toContainEqual(['quarantine.restore', 'done', 2]);
	});

	it('asks for the name before it is discarded on production, and is left alone on a read-only profile', async () => {
		await engine.call('profile.duplicate', { name: profile, as: 'live' });
		await engine.call('profile.edit', { name: 'live', environment: 'production' });
		const refused = await engine.refusal('quarantine.discard', { profile: 'live', all: true });
		expect(refused.code).toBe('not-confirmed');
		await engine.call('profile.edit', { name: 'live', readOnly: true });
		expect((await engine.refusal('quarantine.release', { profile: 'live', all: true })).code).toBe('read-only');
		await engine.call('profile.edit', { name: 'live', readOnly: false });
		await engine.call('profile.remove', { name: 'live' }, 'live');
	});
});

describe('a message of another program', () => {
	it('is set aside, reads once the profile says what it is, and then runs when it is released', async () => {
		await send('{"items": []}', { correlationId: 'paid-1' });
		await consume();
		const id = (await held()).items[0]?.id ?? 0;
		expect((await engine.call('quarantine.show', { profile, id })).task).toBeNull();
		await engine.call('profile.edit', { name: profile, foreignTask: 'orders.total', foreignBody: 'kwargs' });
		expect((await engine.call('quarantine.show', { profile, id })).task).toMatchObject({
			editable: true,
			name: 'orders.total',
			messageId: 'paid-1',
			kwargsJson: '{"items": []}',
		});
		await engine.call('quarantine.release', { profile, ids: [id] });
		await consume();
		expect((await engine.call('task.show', { profile, id: 'paid-1' })).name).toBe('orders.total');
		expect((await held()).held).toBe(0);
	});
});

describe('a task that nobody here has', () => {
	it('fails by name, and its message is set aside too', async () => {
		await engine.call('task.publish', { profile, name: 'not.here', queue: QUEUE });
		await consume();
		expect((await held()).items).toMatchObject([{ cause: 'unknown-task', name: 'not.here' }]);
	});
});

describe('clean-up', () => {
	it('shows what would go under these rules or others, and takes just that', async () => {
		await consume('default');
		const { succeeded, failed } = await engine.call('task.list', { profile, query: '' }).then(async () => {
			const count = async (query: string) => (await engine.call('task.count', { profile, query })).total;
			return { succeeded: await count('state:succeeded'), failed: await count('state:failed') };
		});
		expect(succeeded).toBeGreaterThan(1);
		expect((await engine.call('retention.preview', { profile })).rows).toBe(0);
		const what = await engine.call('retention.preview', { profile, states: ['succeeded'], max: 1 });
		expect(what).toMatchObject({ rows: succeeded - 1, shares: [{ what: 'succeeded', rows: succeeded - 1 }] });
		expect(what.bytesAbout).toBeGreaterThan(500);
		expect((await engine.call('retention.show', { profile })).isDefault).toBe(true);

		const set = await engine.call('retention.set', { profile, states: ['succeeded'], max: 1, after: 'never' });
		expect(set).toMatchObject({ isDefault: false, policy: { states: { succeeded: { afterMs: null, maxRows: 1 } } } });
		expect(await engine.call('retention.run', { profile })).toMatchObject({ done: succeeded - 1 });
		expect((await engine.call('task.count', { profile, query: 'state:succeeded' })).total).toBe(1);
		expect((await engine.call('task.count', { profile, query: 'state:failed' })).total).toBe(failed);
		expect((await engine.call('retention.show', { profile })).ranAt).not.toBeNull();
		await engine.call('retention.set', { profile, default: true });
		expect((await engine.call('retention.show', { profile })).isDefault).toBe(true);
	});

	it('refuses rules that do not make sense', async () => {
		const refusal = async (input: object) => (await engine.refusal('retention.set', { profile, ...input })).message;
		expect(await refusal({})).toContain('Say what to change');
		expect(await refusal({ states: ['failed'] })).toContain('--after');
		expect(await refusal({ after: '3' })).toContain('is no time');
		expect(await refusal({ max: 1, noMax: true })).toContain('not both');
		expect(await refusal({ deleted: 'never' })).toContain('takes a time');
	});
});
