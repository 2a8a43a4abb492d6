/** Two homes on one shared book: what one runs is known in the other, with who ran it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { uniqueName } from '#test/support/rabbitmq.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { startProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'shop';
let stack: AsyncDisposableStack;
let redis: RedisServer;
let proxy: TcpProxy;
/** Runs the schedules. */
let service: TestEngine;
/** Only looks, over a network that fails. */
let console: TestEngine;

beforeAll(async () => {
	stack = new AsyncDisposableStack();
	redis = stack.use(await startRedis({ own: true }));
	proxy = stack.use(await startProxy({ port: redis.port }));
	const prefix = `${uniqueName('warren')}:`;
	const at = (port: number) => `redis://127.0.0.1:${port}/0?prefix=${prefix}`;
	service = stack.use(await bootEngine({ ports: { host: 'serve' } }));
	console = stack.use(await bootEngine());
	for (const [engine, port] of [
		[service, redis.port],
		[console, proxy.port],
	] as const) {
		await engine.call('profile.add', {
			name: profile,
			broker: 'embedded:',
			queues: ['default'],
			book: { shared: at(port) },
		});
	}
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const runsAt = async (engine: TestEngine) => engine.call('schedule.runs', { profile, limit: 500 });
const runnerAt = async (engine: TestEngine) => {
	const { items } = await engine.call('schedule.books', { profile });
	return items.find((book) => book.book === 'shared')?.runner;
};

describe('runs of a shared book', () => {
	it('are known in another home, with who ran them, and told once however often it is asked', async () => {
		await service.call('schedule.add', {
			profile,
			book: 'shared',
			name: 'often',
			task: 'orders.total',
			every: '1 second',
		});
		await waitFor('three runs there', async () => (await runsAt(service)).items.filter(isFired).length >= 3);
		await service.call('schedule.pause', { profile, names: ['often'] });
		const holder = (await runnerAt(service))?.holder;
		expect(holder).toEqual(expect.any(String));
		await waitFor('the same here', async () => {
			const [there, here] = [await runsAt(service), await runsAt(console)];
			return there.items.length === here.items.length && here.items.every((run) => run.state !== 'claimed');
		});
		const here = await runsAt(console);
		expect(here.note).toBeNull();
		expect(new Set(here.items.map((run) => run.dueAt)).size).toBe(here.items.length);
		expect(new Set(here.items.map((run) => run.by))).toEqual(new Set([holder]));
		expect(here.items).toEqual(
			(await runsAt(service)).items.map((run) => ({ ...run, profile: here.items[0]?.profile })),
		);
	});

	it('by hand are known as well, each from where it was asked for', async () => {
		await console.call('schedule.sync', { profile, book: 'shared' });
		await console.call('schedule.run', { profile, names: ['often'] });
		await waitFor('the run by hand there', async () => (await runsAt(service)).items.some((run) => run.manual));
		const byHand = (await runsAt(service)).items.filter((run) => run.manual);
		expect(byHand).toHaveLength(1);
		expect((await runsAt(console)).items.filter((run) => run.manual)).toHaveLength(1);
	});

	it('are run by somebody whom a process that runs nothing can name, or by nobody', async () => {
		const holder = (await runnerAt(service))?.holder;
		expect(await runnerAt(console)).toEqual({ here: false, holder, note: null });
	});

	it('that came while the way was broken come when it is whole again; until then it is said what is missing', async () => {
		proxy.refuse();
		proxy.cut();
		await service.call('schedule.resume', { profile, names: ['often'] });
		await waitFor('the way to be broken', async () => (await runsAt(console)).note !== null);
		const { note, items } = await runsAt(console);
		expect(note).toContain('as they were last known here');
		await waitFor(
			'more runs there',
			async () => (await runsAt(service)).items.filter(isFired).length > items.length + 1,
		);
		await service.call('schedule.pause', { profile, names: ['often'] });
		expect((await runsAt(console)).items).toHaveLength(items.length);
		proxy.allow();
		await waitFor('all of them here', async () => {
			const here = await runsAt(console);
			return here.note === null && here.items.length === (await runsAt(service)).items.length;
		});
	});

	it('end with whoever ran them, and that nobody does is said', async () => {
		await service[Symbol.asyncDispose]();
		await waitFor('nobody to run it', async () => (await runnerAt(console))?.holder === null);
		expect((await runnerAt(console))?.note).toContain('No console or service');
	});
});

function isFired(run: { readonly state: string }): boolean {
	return run.state === 'fired';
}
