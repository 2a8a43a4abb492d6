/** Saved consumer sets, quarantine and clean-up through the routes of a whole engine, over the embedded broker. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ok } from '#main/domain/result.ts';
import { bootEngine, memoryVault, type TestEngine } from '#test/support/engine.ts';
import { waitFor } from '#test/support/wait.ts';

const SAMPLES = fileURLToPath(new URL('../../resources/sandbox', import.meta.url));
const profile = 'sandbox';

let engine: TestEngine;
let stack: AsyncDisposableStack;

beforeEach(async () => {
	stack = new AsyncDisposableStack();
	engine = stack.use(await bootEngine());
});
afterEach(() => stack.disposeAsync());

const state = async (name: string) => {
	const { items } = await engine.call('consumer.sets', { profile });
	return items.find(({ set }) => set.name === name)?.running?.state ?? 'none';
};

describe('a saved set', () => {
	it('is started, shown as running, restarted and stopped by its name', async () => {
		await engine.call('consumer.save', { profile, name: 'main', queues: ['default'], concurrency: 1 });
		const { items } = await engine.call('consumer.start', { profile, sets: ['main'] });
		expect(items).toMatchObject([{ name: 'main', outcome: 'started' }]);
		await waitFor('the set to run', async () => (await state('main')) === 'running');
		expect((await engine.call('consumer.start', { profile, sets: ['main'] })).items).toMatchObject([
			{ outcome: 'already' },
		]);

		const first = (await engine.call('consumer.list', { profile })).items[0];
		expect(first?.saved?.name).toBe('main');
		await engine.call('consumer.save', { profile, name: 'main', concurrency: 2 });
		const again = await engine.call('consumer.restart', { profile, id: 'main' });
		expect(again).toMatchObject({ id: first?.id, intent: { concurrency: 2 } });
		expect(again.worker).not.toBe(first?.worker);
		expect((await engine.call('consumer.list', { profile })).items).toHaveLength(1);

		await engine.call('consumer.stop', { profile, id: 'main', now: true });
		await waitFor('the set to stop', async () => (await state('main')) === 'none');
	});

	it('changes how many tasks it runs at a time, and remembers it where asked', async () => {
		await engine.call('consumer.save', { profile, name: 'main', queues: ['quiet'], concurrency: 1 });
		await engine.call('consumer.start', { profile, sets: ['main'] });
		await waitFor('the set to run', async () => (await state('main')) === 'running');
		await engine.call('consumer.resize', { profile, id: 'main', concurrency: 3, save: true });
		await waitFor('three slots', async () => {
			const { items } = await engine.call('consumer.list', { profile });
			const idle = items.find((one) => one.state === 'running')?.slots.filter((slot) => slot.state.kind === 'idle');
			return idle?.length === 3;
		});
		expect((await engine.call('consumer.sets', { profile })).items[0]?.set.intent.concurrency).toBe(3);
		expect((await engine.refusal('consumer.resize', { profile, id: 'nobody', concurrency: 2 })).code).toBe('not-found');
	});

	it('lists queues that it does not consume', async () => {
		await engine.call('consumer.save', { profile, name: 'main', queues: ['default', 'bulk'], notConsumed: ['bulk'] });
		const { items } = await engine.call('consumer.start', { profile, sets: ['main'] });
		expect(items[0]?.set?.intent.queues).toEqual(['default']);
		await engine.call('consumer.save', { profile, name: 'idle', queues: ['bulk'], notConsumed: ['bulk'] });
		expect((await engine.call('consumer.start', { profile, sets: ['idle'] })).items).toMatchObject([
			{ outcome: 'refused', reason: 'None of its queues is consumed.' },
		]);
	});

	it('keeps what a later save leaves out, and is renamed and forgotten', async () => {
		await engine.call('consumer.save', {
			profile,
			name: 'main',
			queues: ['default'],
			concurrency: 4,
			prefetch: 9,
			softLimit: '30s',
			hardLimit: '1m',
			retries: 3,
			retryDelay: '2s',
			retryOn: ['ValueError'],
			retryNever: ['KeyError'],
			onFailureRun: ["notify --text 'it failed'"],
			onKnownOutcome: 'ask',
		});
		const { set } = await engine.call('consumer.save', { profile, name: 'main', rename: 'first', autoStart: true });
		expect(set).toMatchObject({
			name: 'first',
			autoStart: true,
			intent: {
				concurrency: 4,
				prefetch: 9,
				limits: { softMs: 30_000, hardMs: 60_000 },
				retries: [
					{ exceptions: ['KeyError'], times: 0 },
					{ exceptions: ['ValueError'], times: 3, delayMs: 2_000 },
				],
				hooks: [{ kind: 'command', command: ['notify', '--text', 'it failed'], timeoutMs: 30_000 }],
				onKnownOutcome: 'ask',
			},
		});
		await engine.call('consumer.forget', { profile, name: 'first' });
		expect((await engine.call('consumer.sets', { profile })).total).toBe(0);
		expect((await engine.refusal('consumer.forget', { profile, name: 'first' })).message).toContain(
			'None is saved yet',
		);
	});

	it('keeps the time that its failure hooks may take, whatever they are', async () => {
		const hooks = async (input: object) => {
			const { set } = await engine.call('consumer.save', { profile, name: 'hooked', queues: ['default'], ...input });
			return set.intent.hooks;
		};
		const call = { kind: 'function', path: 'shop.hook' };
		const run = { kind: 'command', command: ['notify'] };
		expect(await hooks({ onFailureCall: ['shop.hook'], hookTimeout: '5s' })).toEqual([{ ...call, timeoutMs: 5000 }]);
		expect(await hooks({ onFailureRun: ['notify'] })).toEqual([
			{ ...run, timeoutMs: 5000 },
			{ ...call, timeoutMs: 5000 },
		]);
		expect(await hooks({ hookTimeout: '2m' })).toMatchObject([{ timeoutMs: 120_000 }, { timeoutMs: 120_000 }]);
		await engine.call('consumer.forget', { profile, name: 'hooked' });
	});

	it('is refused in words that say what to mend', async () => {
		const save = async (input: object) =>
			(await engine.refusal('consumer.save', { profile, name: 'x', queues: ['default'], ...input })).message;
		expect(await save({ queues: undefined })).toContain('name its queues');
		expect(await save({ concurrency: 4, prefetch: 2 })).toContain('cannot keep 4 slots busy');
		expect(await save({ softLimit: '2m', hardLimit: '1m' })).toContain('has to come before');
		expect(await save({ softLimit: '30' })).toContain('30s');
		expect(await save({ softLimit: 'soon' })).toContain('is no time');
		expect(await save({ retryDelay: '2s' })).toContain('--retries');
		expect(await save({ onFailurePost: ['ftp://x'] })).toContain('http or https');
		expect(await save({ onFailurePost: ['https://me:secret@x/'] })).not.toContain('secret');
		expect(await save({ onFailureRun: ["echo 'open"] })).toContain('quote');
		expect(await save({ onFailureCall: ['nodots'] })).toContain('dotted path');
		expect(await save({ env: { 'A=B': 'x' } })).toContain('no name of a variable');
		expect(await save({ autoStart: true, notConsumed: ['default'] })).toContain('nothing to start');
		await engine.call('consumer.save', { profile, name: 'taken', queues: ['default'] });
		await engine.call('consumer.save', { profile, name: 'other', queues: ['default'] });
		expect((await engine.refusal('consumer.save', { profile, name: 'other', rename: 'taken' })).code).toBe('conflict');
	});

	it('keeps the values of its environment in the vault, and shows them to nobody', async () => {
		const vault = memoryVault();
		const kept: string[] = [];
		await using other = await bootEngine({
			ports: {
				vault: {
					...vault,
					set: async (key, secret) => {
						kept.push(secret);
						return vault.set(key, secret);
					},
				},
			},
		});
		const env = { SHOP_DB: 'postgres://me:hunter2@db/shop' };
		await other.call('consumer.save', { profile, name: 'main', queues: ['default'], env });
		expect(kept).toEqual([JSON.stringify(env)]);
		const { items } = await other.call('consumer.start', { profile, sets: ['main'] });
		const shown = JSON.stringify([
			items,
			await other.call('consumer.sets', { profile }),
			await other.call('consumer.list', { profile }),
			await other.call('audit.list', {}),
		]);
		expect(shown).toContain('SHOP_DB');
		expect(shown).not.toContain('hunter2');
		// Changing something else keeps them.
		await other.call('consumer.save', { profile, name: 'main', concurrency: 2 });
		expect((await other.call('consumer.restart', { profile, id: 'main', now: true })).intent.concurrency).toBe(2);
		await other.call('consumer.forget', { profile, name: 'main' });
		expect(await vault.get(`consumer-set/${items[0]?.set?.id}/env`)).toEqual(ok(null));
	});

	it('changes one variable and keeps the values of others, and takes them along into a copy', async () => {
		const vault = memoryVault();
		await using other = await bootEngine({ ports: { vault } });
		const valuesOf = async (id: string) => {
			const kept = await vault.get(`consumer-set/${id}/env`);
			return kept.ok && kept.value !== null ? (JSON.parse(kept.value) as unknown) : null;
		};
		const env = { SHOP_DB: 'postgres://me:hunter2@db/shop', REGION: 'eu' };
		const main = await other.call('consumer.save', { profile, name: 'main', queues: ['default'], env });
		await other.call('consumer.save', { profile, name: 'main', keepEnv: ['SHOP_DB'], env: { REGION: 'us' } });
		expect(await valuesOf(main.set.id)).toEqual({ SHOP_DB: env.SHOP_DB, REGION: 'us' });
		const copy = await other.call('consumer.save', { profile, name: 'second', copyOf: 'main', concurrency: 3 });
		expect(copy.set).toMatchObject({ name: 'second', queues: main.set.queues, intent: { concurrency: 3 } });
		expect(await valuesOf(copy.set.id)).toEqual({ SHOP_DB: env.SHOP_DB, REGION: 'us' });
		await other.call('consumer.save', { profile, name: 'main', keepEnv: [] });
		expect(await valuesOf(main.set.id)).toBeNull();
		expect(await valuesOf(copy.set.id)).not.toBeNull();
		expect((await other.refusal('consumer.save', { profile, name: 'second', copyOf: 'main' })).code).toBe('conflict');
		expect(
			(await other.refusal('consumer.save', { profile, name: 'second', keepEnv: ['NOWHERE'] })).details,
		).toMatchObject({ field: 'keepEnv' });
	});

	it('takes single settings back, and leaves the others', async () => {
		const all = { queues: ['default'], concurrency: 2, prefetch: 9, priority: 5, softLimit: '30s', hardLimit: '1m' };
		await engine.call('consumer.save', { profile, name: 'main', ...all, memory: 512, recycle: 100 });
		const { set } = await engine.call('consumer.save', {
			profile,
			name: 'main',
			clear: ['prefetch', 'priority', 'hardLimit', 'recycle'],
			softLimit: '2m',
		});
		expect(set.intent).toMatchObject({
			concurrency: 2,
			prefetch: null,
			priority: null,
			limits: { softMs: 120_000, hardMs: null, memoryMb: 512, recycleAfter: null },
		});
	});

	it('starts with an engine that stays, and not with one command', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'warren-auto-'));
		stack.defer(() => rmSync(folder, { recursive: true, force: true }));
		const home = join(folder, 'home');
		{
			await using first = await bootEngine({ home, ports: { host: 'cli' } });
			await first.call('consumer.save', { profile, name: 'main', queues: ['default'], autoStart: true });
			await first.call('consumer.save', { profile, name: 'by hand', queues: ['default'] });
			expect((await first.call('consumer.list', { profile })).total).toBe(0);
		}
		await using served = await bootEngine({ home, ports: { host: 'serve' } });
		await waitFor('the set to run by itself', async () => {
			const { items } = await served.call('consumer.list', { profile });
			return items.length === 1 && items[0]?.saved?.name === 'main' && items[0].state === 'running';
		});
	});
});

describe("a site's CARROT settings", () => {
	const SETTINGS = `CARROT = {
		'default_broker': 'amqp://guest:guest@localhost:5672/',
		'queues': [
			{'name': 'default', 'host': 'amqp://shop:hunter2@broker:5672/shop', 'concurrency': 5},
			{'name': 'bulk', 'host': {'host': 'broker', 'name': 'shop', 'username': 'a', 'password': 'b'}, 'consumable': False,
			 'durable': True, 'queue_arguments': {'x-max-priority': 10, 'x-message-ttl': 1000}},
			{'name': 'far', 'host': 'amqp://shop:hunter2@elsewhere:5672/shop', 'consumer_class': 'shop.MyConsumer'},
		],
	}`;

	it('become one set per queue of this broker, with its number, its switch and its priorities', async () => {
		await engine.call('profile.add', { name: 'shop', framework: 'carrot', broker: 'amqp://me@broker:5672/shop' });
		const input = {
			profile: 'shop',
			carrot: SETTINGS,
			project: SAMPLES,
			python: 'python3',
			settings: 'shop.settings',
			autoStart: true,
		};
		const dry = await engine.call('consumer.import', { ...input, dryRun: true });
		expect((await engine.call('consumer.sets', { profile: 'shop' })).total).toBe(0);
		const real = await engine.call('consumer.import', input);
		expect(real).toEqual(dry);
		expect(real.items.map(({ queue, outcome }) => [queue, outcome])).toEqual([
			['default', 'added'],
			['bulk', 'added'],
			['far', 'skipped'],
		]);
		expect(real.items[1]?.remarks.join(' ')).toContain('x-message-ttl');
		expect(real.items[2]?.remarks[0]).toContain('another broker');
		expect(JSON.stringify([real, await engine.call('audit.list', {})])).not.toContain('hunter2');
		const { items } = await engine.call('consumer.sets', { profile: 'shop' });
		expect(items.map(({ set }) => [set.name, set.queues, set.intent.concurrency, set.autoStart])).toEqual([
			['bulk', [{ queue: 'bulk', consumable: false, maxPriority: 10 }], 1, false],
			['default', [{ queue: 'default', consumable: true, maxPriority: 255 }], 5, true],
		]);
		expect((await engine.call('consumer.import', input)).items[0]?.outcome).toBe('changed');
	});

	it('are refused with the place of what is wrong', async () => {
		const refusal = async (carrot: string) => (await engine.refusal('consumer.import', { profile, carrot })).message;
		expect(await refusal('{"queues": 3}')).toContain('"queues" should be a list');
		expect(await refusal('{"queues": [{"host": "x"}]}')).toContain('queues[0] has no "name"');
		expect(await refusal('{"queues": [{"name": "q", "concurrency": 0}]}')).toContain('"concurrency"');
		expect(await refusal('nonsense(')).toContain('neither JSON');
		expect(await refusal('{}')).toContain('no "queues"');
	});
});
