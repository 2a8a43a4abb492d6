/** The background service over a real RabbitMQ: a broker that is away, comes and goes, passwords, and several services at once. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askChannel } from '#main/headless/service/channel.ts';
import { exists } from '#main/headless/service/identity.ts';
import type { ServiceStatus } from '#main/headless/service/spec.ts';
import { type CliRun, warren, warrenJson } from '#test/support/cli.ts';
import { type RabbitServer, startRabbit, uniqueName } from '#test/support/rabbitmq.ts';
import { startProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

const MODULE = 'export const quick = async ({ id }) => id;\n';

let server: RabbitServer;
let proxy: TcpProxy;
let folder: string;
let queue: string;
const homes: string[] = [];

beforeAll(async () => {
	server = await startRabbit();
});
afterAll(() => server?.stop());
beforeEach(async () => {
	proxy = await startProxy({ port: server.port });
	folder = mkdtempSync(join(tmpdir(), 'warren-svc-'));
	mkdirSync(join(folder, 'project'));
	writeFileSync(join(folder, 'project', 'work.mjs'), MODULE);
	queue = uniqueName('svc');
});
afterEach(async () => {
	for (const home of homes.splice(0)) {
		if (serviceFile(home) === null) continue;
		const status = await statusOf(home).catch(() => null);
		await warren(home, ['--profile', 'shop', 'consumer', 'stop', '--hard']);
		for (const pid of [status?.pid, status?.workerPid]) {
			if (typeof pid === 'number') await waitFor(`${pid} to end`, () => !exists(pid));
		}
	}
	await proxy[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true, force: true });
});

/** A home with the profile "shop", whose password is in its vault. */
async function homeOf(name: string): Promise<string> {
	const home = join(folder, name);
	homes.push(home);
	const add = ['profile', 'add', 'shop', '--broker', `amqp://guest@127.0.0.1:${proxy.port}/`, '--password-stdin'];
	const added = await warren(home, add, { stdin: 'guest\n' });
	if (added.code !== 0) throw new Error(added.stderr);
	return home;
}
const run = (home: string, ...args: string[]): Promise<CliRun> =>
	warren(home, ['--profile', 'shop', 'consumer', ...args]);
const start = (home: string, ...args: string[]) =>
	run(
		home,
		'start',
		'--queue',
		queue,
		'--declare',
		'--project',
		join(folder, 'project'),
		'--node',
		'work.mjs',
		...args,
	);

function serviceFile(home: string): string | null {
	const place = join(home, 'service');
	const name = existsSync(place) ? readdirSync(place).find((one) => one.endsWith('.pid')) : undefined;
	return name === undefined ? null : join(place, name);
}
async function statusOf(home: string): Promise<ServiceStatus> {
	const status = await askChannel<ServiceStatus>(`${serviceFile(home)}.sock`, { op: 'status' }, 5_000);
	if (!status.ok) throw new Error(status.error.message);
	return status.value;
}

describe('a broker that is away', () => {
	it('makes start end with 4 and words, and nothing is left behind', async () => {
		const home = await homeOf('home');
		proxy.refuse();
		const failed = await start(home);
		expect(failed.code).toBe(4);
		expect(failed.stderr).toContain('The broker cannot be reached');
		expect(failed.stderr).toContain('--wait');
		expect(serviceFile(home)).toBeNull();
		expect((await run(home, 'status')).code).toBe(1);
	});

	it('is waited for with --wait, and start ends once the consumers work', async () => {
		const home = await homeOf('home');
		proxy.refuse();
		const starting = start(home, '--wait');
		await waitFor('the service to wait', async () => (await statusOf(home)).state === 'waiting-for-broker');
		expect((await run(home, 'status')).code).toBe(4);
		proxy.allow();
		expect((await starting).code).toBe(0);
		expect((await run(home, 'status')).code).toBe(0);
	});

	it('turns status from 0 to 4 while it lasts, and the service outlives it', async () => {
		const home = await homeOf('home');
		expect((await start(home)).code).toBe(0);
		const before = await statusOf(home);
		proxy.refuse();
		proxy.cut();
		await waitFor('the service to notice', async () => (await statusOf(home)).state === 'waiting-for-broker');
		const told = await run(home, 'status');
		expect(told.code).toBe(4);
		expect(told.stdout).toContain('The broker cannot be reached');
		proxy.allow();
		await waitFor('the service to work again', async () => (await statusOf(home)).state === 'running');
		const after = await statusOf(home);
		expect(after).toMatchObject({ pid: before.pid, workerPid: before.workerPid, restarts: 0 });
		const { id } = await warrenJson<{ readonly id: string }>(home, [
			'--profile',
			'shop',
			'task',
			'publish',
			'work.quick',
			'--queue',
			queue,
		]);
		await waitFor('a task to run', async () => {
			const task = await warrenJson<{ readonly state: string }>(home, ['--profile', 'shop', 'task', 'show', id]);
			return task.state === 'succeeded';
		});
	});
});

describe('a password', () => {
	it('is in no process list, no log and no pid file', async () => {
		const home = join(folder, 'secret');
		homes.push(home);
		const password = 'correct-horse-battery';
		const broker = `amqp://nobody@127.0.0.1:${proxy.port}/`;
		await warren(home, ['profile', 'add', 'shop', '--broker', broker, '--password-stdin'], { stdin: `${password}\n` });
		const starting = start(home, '--wait', '--env', 'API_KEY=correct-horse-key');
		const status = await waitFor('the service to be refused by the broker', async () => {
			const seen = await statusOf(home);
			return seen.report !== null && seen.state !== 'starting' ? seen : null;
		});
		const seen = [status.pid, status.workerPid].map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
		const files = [serviceFile(home) ?? '', ...readdirSync(join(home, 'logs')).map((name) => join(home, 'logs', name))];
		const all = [...seen, ...files.map((file) => readFileSync(file, 'utf8')), JSON.stringify(status)].join('\n');
		expect(all).toContain('consumer-worker');
		expect(all).not.toContain('correct-horse');
		await run(home, 'stop', '--hard');
		expect((await starting).code).not.toBe(0);
	});
});

describe('several services', () => {
	it('serve the same queue, also from copies of one home, and run every task once', async () => {
		const first = await homeOf('one');
		const save = [
			'save',
			'main',
			'--queue',
			queue,
			'--declare',
			'--project',
			join(folder, 'project'),
			'--node',
			'work.mjs',
			'--auto-start',
		];
		expect((await run(first, ...save)).code).toBe(0);
		const second = join(folder, 'two');
		homes.push(second);
		cpSync(first, second, { recursive: true });
		expect((await run(first, 'start')).code).toBe(0);
		expect((await run(second, 'start')).code).toBe(0);
		const workers = [await statusOf(first), await statusOf(second)].map((status) => status.report?.sets[0]);
		expect(workers[0]?.id).toBe(workers[1]?.id);
		expect(workers[0]?.worker).not.toBe(workers[1]?.worker);
		const publish = ['--profile', 'shop', 'task', 'publish', 'work.quick', '--queue', queue, '--count', '200'];
		const published = await warrenJson<{ readonly published: number }>(first, publish);
		expect(published.published).toBe(200);
		const counts = await waitFor('all tasks to have run', async () => {
			const each = [await statusOf(first), await statusOf(second)].map(
				(status) => status.report?.sets[0]?.succeeded ?? 0,
			);
			return each.reduce((sum, one) => sum + one, 0) >= 200 ? each : null;
		});
		expect(counts.reduce((sum, one) => sum + one, 0)).toBe(200);
		expect(Math.min(...counts)).toBeGreaterThan(0);
	});

	it('of one profile stand side by side with pid files of their own', async () => {
		const home = await homeOf('home');
		const other = join(folder, 'other.pid');
		expect((await start(home)).code).toBe(0);
		expect((await start(home, '--pidfile', other)).code).toBe(0);
		expect((await run(home, 'status')).code).toBe(0);
		expect((await run(home, 'status', '--pidfile', other)).code).toBe(0);
		expect((await run(home, 'stop', '--pidfile', other)).code).toBe(0);
		expect((await run(home, 'status', '--pidfile', other)).code).toBe(1);
		expect((await run(home, 'status')).code).toBe(0);
	});
});
