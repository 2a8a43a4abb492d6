/** How much waits over time, sampled from a real RabbitMQ: it rises and falls, is a gap while the broker is down, and is asked for by command line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FigureHistory } from '#main/domain/figure.ts';
import { ok } from '#main/domain/result.ts';
import type { FigureRoundView, FigureStanding } from '#main/ipc/contract/figure.ts';
import { type Bench, must, rabbitBench } from '#test/support/brokers.ts';
import { warren, warrenJson } from '#test/support/cli.ts';
import { bootEngine, memoryVault, type TestEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';

const MAIN = fileURLToPath(new URL('../../src-main/headless/cli/main.ts', import.meta.url));
const PROFILE = ['--profile', 'lab'];
const QUEUE = 'figures.orders';

let stack: AsyncDisposableStack;
let server: RabbitServer;
let bench: Bench;
let home: string;
beforeAll(async () => {
	stack = new AsyncDisposableStack();
	// A line of configuration makes it a server of our own, since it is killed.
	server = await startRabbit({ config: ['max_message_size = 33554432'] });
	stack.defer(() => server.stop());
	bench = stack.use(await rabbitBench(server));
	home = await mkdtemp(join(tmpdir(), 'warren-figures-'));
	stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
	await warrenJson(home, ['profile', 'add', 'lab', '--framework', 'carrot', '--broker', server.url]);
}, 180_000);
afterAll(() => stack?.disposeAsync());

const history = (engine: TestEngine) =>
	engine.call('queue.history', { profile: 'lab', queue: QUEUE, since: '1h', bucket: '1m', figures: ['ready'] });
const lineOf = (told: FigureHistory) => told.items.find(({ name }) => name === QUEUE)?.figures.ready;
const numbers = (values: readonly (number | null)[] | undefined): readonly number[] =>
	(values ?? []).filter((value) => value !== null);
const readyIn = (round: FigureRoundView | undefined): number | null =>
	round?.samples.find(({ name }) => name === QUEUE)?.values.ready ?? null;

describe('a queue that is sampled', () => {
	it('is told to be, by command line, within bounds and with what is wrong where something is', async () => {
		const before = await warrenJson<FigureStanding>(home, [...PROFILE, 'queue', 'sampling']);
		expect(before).toMatchObject({ on: true, everySeconds: 15, by: null, trouble: null });
		const after = await warrenJson<FigureStanding>(home, [...PROFILE, 'queue', 'sample', '--every-seconds', '2']);
		expect(after).toMatchObject({ on: true, everySeconds: 2, minuteDays: 7 });
		const nothing = await warren(home, [...PROFILE, 'queue', 'sample']);
		expect(nothing.code).not.toBe(0);
		expect(nothing.stderr).toContain('--every-seconds');
		const both = await warren(home, [...PROFILE, 'queue', 'sample', '--on', '--off']);
		expect(both.code).not.toBe(0);
		expect(both.stderr).toContain('not both');
		const often = await warren(home, [...PROFILE, 'queue', 'sample', '--every-seconds', '1']);
		expect(often.code).toBe(2);
	}, 400_000);

	it('rises and falls, is a gap and no nought while its broker is down, and comes back', async () => {
		const driver = await bench.driver();
		must(await driver.ensureQueue({ queue: QUEUE, durable: true, maxPriority: null, carrotExchange: false }));
		const vault = { ...memoryVault(), get: async () => ok('guest') };
		await using engine = await bootEngine({ home, ports: { vault } });
		const publish = (count: number) =>
			engine.call('task.publish', { profile: 'lab', name: 'shop.charge', queue: QUEUE, count });
		await publish(5);
		using watch = await engine.open('queue.watch', { profile: 'lab' });
		const comes = (what: string, is: (round: FigureRoundView) => boolean) =>
			waitFor(
				what,
				() => {
					const last = watch.items.at(-1);
					return last !== undefined && is(last);
				},
				120_000,
			);
		await comes('the queue to be measured', (round) => readyIn(round) === 5);
		await publish(4);
		await comes('it to rise', (round) => readyIn(round) === 9);
		const { items } = await engine.call('queue.peek', { profile: 'lab', queue: QUEUE, limit: 7 });
		expect(items).toHaveLength(7);
		const ids = items.map(({ task }) => task?.messageId ?? '');
		await engine.call('message.delete', { profile: 'lab', queue: QUEUE, ids });
		await comes('it to fall', (round) => readyIn(round) === 2);

		await server.kill9();
		await comes('the broker to be missed', ({ trouble }) => trouble !== null);
		const missed = watch.items.at(-1);
		// Nothing is said of the queue: not that it was empty.
		expect(missed?.samples).toEqual([]);
		expect((await engine.call('queue.sampling', { profile: 'lab' })).trouble).toBe(missed?.trouble);
		expect(Math.min(...numbers(lineOf(await history(engine))?.min))).toBe(2);

		await server.start();
		await comes('it to be measured again', (round) => readyIn(round) === 2 && round.trouble === null);
		const told = lineOf(await history(engine));
		expect(Math.max(...numbers(told?.max))).toBe(9);
		expect(Math.min(...numbers(told?.min))).toBe(2);
		expect(numbers(told?.last).at(-1)).toBe(2);
	}, 400_000);

	it('is sampled by one process of a home at a time, until that one ends', async () => {
		const args = ['--home', home, '--json', ...PROFILE, 'queue', 'watch'];
		const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
		const ended = once(child, 'close');
		let said = '';
		child.stdout.setEncoding('utf8').on('data', (text: string) => {
			said += text;
		});
		const lines = () =>
			said
				.split('\n')
				.slice(0, -1)
				.map((line) => JSON.parse(line) as FigureRoundView);
		await waitFor(
			'two rounds with the queue in them',
			() => lines().filter((round) => readyIn(round) === 2).length > 1,
			120_000,
		);
		const standing = await warrenJson<FigureStanding>(home, [...PROFILE, 'queue', 'sampling']);
		expect(standing.by).not.toBeNull();
		const second = await warren(home, [...PROFILE, 'queue', 'watch']);
		expect(second.code).not.toBe(0);
		expect(second.stderr).toContain('Another process of this home samples "lab" already');
		child.kill('SIGINT');
		await ended;
		expect((await warrenJson<FigureStanding>(home, [...PROFILE, 'queue', 'sampling'])).by).toBeNull();
		const told = await warrenJson<FigureHistory>(home, [
			...[...PROFILE, 'queue', 'history', QUEUE],
			...['--since', '1h', '--bucket', '1m', '--figures', 'ready'],
		]);
		expect(told).toMatchObject({ bucket: '1m', total: 1 });
		expect(numbers(lineOf(told)?.last).at(-1)).toBe(2);
		const shown = await warren(home, [...PROFILE, 'queue', 'history', QUEUE, '--since', '1h']);
		expect(shown.code).toBe(0);
		expect(shown.stdout).toContain(QUEUE);
		const odd = await warren(home, [...PROFILE, 'queue', 'history', QUEUE, '--since', 'whenever']);
		expect(odd.code).not.toBe(0);
		expect(odd.stderr).toContain('is no time');
	}, 400_000);
});
