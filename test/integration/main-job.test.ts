/** The main job on real input: carrot's messages on a real RabbitMQ, run, failed, explained, mended, requeued. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishCarrot } from '#test/support/carrot.ts';
import { warren, warrenJson } from '#test/support/cli.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';

const BILLING = fileURLToPath(new URL('../fixtures/projects/billing', import.meta.url));

interface List {
	readonly items: readonly { readonly id: string; readonly name: string; readonly state: string }[];
	readonly total: number;
}
interface Shown {
	readonly state: string;
	readonly args: unknown;
	readonly kwargs: unknown;
	readonly priority: number;
	readonly traceback: string | null;
	readonly exception: { readonly type: string; readonly message: string } | null;
	readonly result: unknown;
	readonly runtimeMs: number | null;
	readonly attempts: readonly {
		readonly number: number;
		readonly state: string;
		readonly traceback: string | null;
		readonly cause: string;
	}[];
	readonly log: readonly { readonly level: string; readonly logger: string | null; readonly text: string }[];
}

let rabbit: RabbitServer;
let folder: string;
let home: string;
let project: string;

const consume = () =>
	warren(home, [
		...['--profile', 'billing', 'consumer', 'run', 'default', '--concurrency', '2'],
		...['--python', '/usr/bin/python3', '--project', project, '--until-empty'],
	]);
const profiled = <T>(...args: readonly string[]) => warrenJson<T>(home, ['--profile', 'billing', ...args]);

beforeAll(async () => {
	rabbit = await startRabbit();
	folder = mkdtempSync(join(tmpdir(), 'warren-main-job-'));
	home = join(folder, 'home');
	project = join(folder, 'project');
	cpSync(BILLING, project, { recursive: true });
});
afterAll(async () => {
	await rabbit?.stop();
	rmSync(folder, { recursive: true, force: true });
});

describe('the main job', () => {
	it('saves a profile whose password is in no file of the home but the vault', async () => {
		const added = await warrenJson<{ readonly brokerUrl: string }>(home, [
			...['profile', 'add', 'billing', '--framework', 'carrot', '--broker', rabbit.url],
		]);
		expect(added.brokerUrl).toMatch(/^amqp:\/\//);
		const tested = await warrenJson<{ readonly passed: boolean }>(home, ['profile', 'test', 'billing']);
		expect(tested.passed).toBe(true);
	});

	it('runs what carrot published, and tells why one of them failed', async () => {
		const ids = await publishCarrot(
			rabbit.url,
			'default',
			[
				{ task: 'billing.tasks.add', args: [1, 2], kwargs: { x: 4 } },
				{ task: 'billing.tasks.charge', args: [88213], kwargs: { amount: 12 }, priority: 7 },
				{ task: 'billing.tasks.echo', args: [9223372036854775000, 'ü', null, true, [1, { a: 2 }]] },
			],
			{ declare: true },
		);
		const run = await consume();
		expect(run.stderr + run.stdout).not.toContain('internal');
		expect(run.code).toBe(0);

		const all = await profiled<List>('task', 'list');
		expect(all.total).toBe(3);
		expect(Object.fromEntries(all.items.map((item) => [item.id, item.state]))).toEqual({
			[ids[0] as string]: 'succeeded',
			[ids[1] as string]: 'failed',
			[ids[2] as string]: 'succeeded',
		});
		const failed = await profiled<List>('task', 'list', 'state:failed');
		expect(failed.items.map((item) => item.id)).toEqual([ids[1]]);

		const shown = await profiled<Shown>('task', 'show', ids[1] as string);
		expect(shown.args).toEqual([88213]);
		expect(shown.kwargs).toEqual({ amount: 12 });
		expect(shown.priority).toBe(7);
		expect(shown.exception).toEqual({ type: 'KeyError', message: "'EUR'" });
		expect(shown.traceback).toContain('in capture');
		expect(shown.traceback).toContain("KeyError: 'EUR'");
		expect(shown.log.map((line) => [line.level, line.logger, line.text])).toEqual(
			expect.arrayContaining([
				['info', 'carrot', 'charging order 88213'],
				['warning', 'carrot', 'the gateway is slow today'],
			]),
		);
		expect(shown.log.map((line) => line.text)).toContain('sent to the gateway');

		const added = await profiled<Shown>('task', 'show', ids[0] as string);
		expect(added.result).toBe(7);
		expect(added.runtimeMs).toBeGreaterThanOrEqual(0);
	});

	it('succeeds on requeue once the cause is mended, and keeps the failed attempt', async () => {
		const failed = await profiled<List>('task', 'list', 'state:failed');
		const id = failed.items[0]?.id as string;
		writeFileSync(join(project, 'billing', 'rates.py'), 'RATES = {"USD": 1.1, "EUR": 2}\n');
		const outcome = await profiled<{ readonly done: number }>('task', 'requeue', id);
		expect(outcome.done).toBe(1);
		expect((await profiled<Shown>('task', 'show', id)).state).toBe('queued');
		const run = await consume();
		expect(run.code).toBe(0);

		const shown = await profiled<Shown>('task', 'show', id);
		expect(shown.state).toBe('succeeded');
		expect(shown.result).toEqual({ order: 88213, total: 24 });
		expect(shown.priority).toBe(7);
		expect(shown.attempts.map((attempt) => [attempt.number, attempt.state, attempt.cause])).toEqual([
			[1, 'failed', 'published'],
			[2, 'succeeded', 'requeued'],
		]);
		expect(shown.attempts[0]?.traceback).toContain("KeyError: 'EUR'");
		expect((await profiled<List>('task', 'list', 'state:failed')).total).toBe(0);
	});
});
