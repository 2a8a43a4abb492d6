/** The background service as a person meets it: real commands, real processes, what becomes of them and what they end with. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskDetail } from '#main/domain/task.ts';
import { askChannel } from '#main/headless/service/channel.ts';
import { exists, identify } from '#main/headless/service/identity.ts';
import type { ServiceStatus } from '#main/headless/service/spec.ts';
import { type CliRun, warren } from '#test/support/cli.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { waitFor } from '#test/support/wait.ts';

const MODULE = `
export const quick = async () => 'done';
export const nap = async ({ args: [ms] }) => { await new Promise((resolve) => setTimeout(resolve, ms)); return ms; };
`;
const PID = 'service/sandbox.pid';

const profile = 'sandbox';

let home: string;
let project: string;
/** Looks at the same home from this process, which is quicker than a command each time. */
let engine: TestEngine;

beforeEach(async () => {
	home = mkdtempSync(join(tmpdir(), 'warren-svc-'));
	project = join(home, 'project');
	mkdirSync(project);
	writeFileSync(join(project, 'work.mjs'), MODULE);
	engine = await bootEngine({ home });
});
afterEach(async () => {
	if (existsSync(join(home, PID))) {
		// Whatever a test left running, ended by its own number.
		const status = await statusOf().catch(() => null);
		await run('stop', '--hard');
		for (const pid of [status?.pid, status?.workerPid]) {
			if (typeof pid === 'number') await waitFor(`${pid} to end`, () => !exists(pid));
		}
	}
	await engine[Symbol.asyncDispose]();
	rmSync(home, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<CliRun> => warren(home, ['consumer', ...args]);
const node = () => ['--project', project, '--node', 'work.mjs'];
const start = (...args: string[]) => run('start', '--queue', 'svc', ...node(), ...args);

/** What `consumer status --json` prints, without a command each time. */
async function statusOf(): Promise<ServiceStatus> {
	const status = await askChannel<ServiceStatus>(join(home, `${PID}.sock`), { op: 'status' }, 5_000);
	if (!status.ok) throw new Error(status.error.message);
	return status.value;
}
async function publish(name: string, args = ''): Promise<string> {
	return (await engine.call('task.publish', { profile, name, queue: 'svc', args })).id;
}
const task = (id: string) => engine.call('task.show', { profile, id });
async function inState(id: string, ...states: string[]): Promise<TaskDetail> {
	return waitFor(`${id} to be ${states.join(' or ')}`, async () => {
		const seen = await task(id);
		return states.includes(seen.state) ? seen : null;
	});
}
async function ready(): Promise<number | null> {
	const { items } = await engine.call('queue.list', { profile });
	return items.find((one) => one.name === 'svc')?.ready ?? null;
}

describe('start', () => {
	it('ends once the consumers are at work, and status then tells of process, broker and slots', async () => {
		const started = await start('--concurrency', '2');
		expect(started).toMatchObject({ code: 0, stderr: '' });
		const told = await run('status');
		expect(told.code).toBe(0);
		expect(told.stdout).toMatch(/running\. 2 of 2 slots work/);
		const json = JSON.parse((await warren(home, ['--json', 'consumer', 'status'])).stdout) as ServiceStatus;
		const status = await statusOf();
		expect(json).toMatchObject({ state: 'running', pid: status.pid, workerPid: status.workerPid, restarts: 0 });
		expect(started.stdout).toContain(String(status.pid));
		expect(exists(status.pid)).toBe(true);
		expect(status.report?.connection.kind).toBe('connected');
		expect(status.report?.sets[0]?.slots).toHaveLength(2);
		expect(status.heartbeatAgeMs).toBeLessThan(15_000);
		expect((await inState(await publish('work.quick'), 'succeeded')).history).toHaveLength(1);
	});

	it('refuses while it runs, with the number of what runs and what to do', async () => {
		await start();
		const { pid } = await statusOf();
		const again = await start();
		expect(again.code).toBe(1);
		expect(again.stderr).toContain(`as process ${pid}`);
		expect(again.stderr).toContain('consumer restart');
		expect((await statusOf()).pid).toBe(pid);
	});

	it('says why, ends with 1 and leaves nothing behind when the consumers cannot work', async () => {
		const failed = await run('start', '--queue', 'svc', '--python', join(home, 'no-python'), '--project', project);
		expect(failed.code).toBe(1);
		expect(failed.stderr).toContain('no-python');
		expect(failed.stderr).toContain('The service was not started');
		expect(existsSync(join(home, PID))).toBe(false);
		expect((await run('status')).code).toBe(1);
	});

	it('takes the place of a service that is no more, also when its number belongs to somebody else by now', async () => {
		mkdirSync(join(home, 'service'), { recursive: true });
		const record = { ...identify(), profile: 'sandbox', home, channel: '/nowhere', logFile: '/l', at: 1, token: 't' };
		// This test's own process: alive, and no service of Warren's.
		writeFileSync(join(home, PID), JSON.stringify({ ...record, started: '1' }));
		const told = await run('status');
		expect(told.code).toBe(1);
		expect(told.stdout).toContain('is gone');
		const stopped = await run('stop');
		expect(stopped).toMatchObject({ code: 0 });
		expect(stopped.stdout).toContain('A stale pid file was removed');
		writeFileSync(join(home, PID), JSON.stringify({ ...record, pid: 999_999_999 }));
		expect((await start()).code).toBe(0);
		expect((await run('status')).code).toBe(0);
	});

	it('lets one of several through that come at once', async () => {
		const runs = await Promise.all([start(), start(), start()]);
		expect(runs.map((one) => one.code).sort()).toEqual([0, 1, 1]);
		const { pid } = await statusOf();
		expect(runs.find((one) => one.code === 0)?.stdout).toContain(String(pid));
		expect(readdirSync(join(home, 'service')).sort()).toEqual(['sandbox.pid', 'sandbox.pid.sock']);
	});

	it('runs the saved sets that start by themselves, or those that are named', async () => {
		expect((await run('start')).code).toBe(2);
		await run('save', 'main', '--queue', 'svc', ...node(), '--auto-start', '--env', 'SHOP_KEY=hunter2');
		await run('save', 'other', '--queue', 'svc', ...node());
		expect((await run('start', 'nobody')).stderr).toContain('Saved are: "main", "other"');
		expect((await run('start')).code).toBe(0);
		expect((await statusOf()).report?.sets.map((set) => set.saved?.name)).toEqual(['main']);
		const resized = await run('resize', 'main', '3');
		expect(resized.code).toBe(0);
		await waitFor('three slots', async () => (await statusOf()).report?.sets[0]?.slots.length === 3);
		expect((await run('restart', 'main', 'other')).code).toBe(0);
		expect((await statusOf()).report?.sets.map((set) => set.saved?.name)).toEqual(['main', 'other']);
		const files = [...readdirSync(join(home, 'logs')).map((name) => join(home, 'logs', name)), join(home, PID)];
		expect(files.map((file) => readFileSync(file, 'utf8')).join('')).not.toContain('hunter2');
		expect(JSON.stringify(await statusOf())).not.toContain('hunter2');
	});

	it.each([
		['--hard, which is for stopping', ['start', '--queue', 'svc', '--hard']],
		['a flag that it does not have', ['start', '--consumer-class', 'shop.MyConsumer']],
		['a level that there is not', ['start', '--queue', 'svc', '--loglevel', 'loud']],
		['a verb that there is not', ['begin']],
		['sets and queues at once', ['start', 'main', '--queue', 'svc']],
	])('calls %s wrong usage, and starts nothing', async (_what, args) => {
		const told = await run(...args);
		expect(told.code).toBe(2);
		expect(told.stderr).toMatch(/^warren: .+/);
		expect(existsSync(join(home, PID))).toBe(false);
	});
});

describe('stop', () => {
	it('lets what runs end, takes nothing more, and removes the pid file', async () => {
		await start();
		const first = await publish('work.nap', '2500');
		await inState(first, 'running');
		const stopping = run('stop');
		await waitFor('the service to be stopping', async () => (await statusOf()).state === 'draining');
		const second = await publish('work.quick');
		expect(await stopping).toMatchObject({ code: 0 });
		expect((await task(first)).state).toBe('succeeded');
		expect((await task(second)).state).toBe('queued');
		expect(existsSync(join(home, PID))).toBe(false);
		expect(existsSync(join(home, `${PID}.sock`))).toBe(false);
	});

	it('gives back what runs with --hard: recorded as lost, and waiting in its queue again', async () => {
		await start();
		const id = await publish('work.nap', '600000');
		await inState(id, 'running');
		expect((await run('stop', '--hard')).code).toBe(0);
		expect((await task(id)).history.map((one) => one.state)).toEqual(['lost']);
		expect(await ready()).toBe(1);
	});

	it('gives back what runs when its time is over, and says so', async () => {
		await start();
		const id = await publish('work.nap', '600000');
		await inState(id, 'running');
		const stopped = await run('stop', '--timeout', '1');
		expect(stopped.code).toBe(0);
		expect(stopped.stderr).toContain('running tasks go back to their queues');
		expect((await task(id)).state).toBe('lost');
		expect(await ready()).toBe(1);
	});

	it('has nothing to do where nothing runs, and says that', async () => {
		const stopped = await run('stop');
		expect(stopped).toMatchObject({ code: 0, stderr: '' });
		expect(stopped.stdout).toContain('No service of sandbox was running');
	});
});

describe('restart', () => {
	it('starts the same again, and starts also where nothing ran', async () => {
		const first = await run('restart', '--queue', 'svc', ...node());
		expect(first.code).toBe(0);
		expect(first.stderr).toContain('No service was running');
		const before = await statusOf();
		expect((await run('restart')).code).toBe(0);
		const after = await statusOf();
		expect(after.pid).not.toBe(before.pid);
		expect(after.report?.sets[0]?.intent).toMatchObject({ queues: ['svc'], runner: { kind: 'node', project } });
		expect(exists(before.pid)).toBe(false);
	});
});

describe('what dies', () => {
	it('is started again when it is the worker, and what it ran is run again', async () => {
		await start();
		const id = await publish('work.nap', '4000');
		await inState(id, 'running');
		const { workerPid, pid } = await statusOf();
		if (workerPid === null) throw new Error('No worker runs.');
		process.kill(workerPid, 'SIGKILL');
		const again = await waitFor('another worker', async () => {
			const status = await statusOf();
			return status.state === 'running' && status.workerPid !== workerPid ? status : null;
		});
		expect(again).toMatchObject({ pid, restarts: 1 });
		expect(again.lastEnd).toContain('SIGKILL');
		const done = await inState(id, 'succeeded');
		expect(done.history.map((one) => one.state)).toEqual(['lost', 'succeeded']);
		expect(new Set(done.history.map((one) => one.worker)).size).toBe(2);
	});

	it('takes its worker along when it is the supervisor: the task ends, nothing is left, and start works', async () => {
		await start();
		const id = await publish('work.nap', '1500');
		await inState(id, 'running');
		const { workerPid, pid } = await statusOf();
		process.kill(pid, 'SIGKILL');
		await waitFor('the worker to end', () => workerPid !== null && !exists(workerPid));
		expect((await task(id)).state).toBe('succeeded');
		const told = await run('status');
		expect(told.code).toBe(1);
		expect(told.stdout).toContain(`the process ${pid} that it names is gone`);
		expect((await start()).code).toBe(0);
		expect((await run('status')).code).toBe(0);
	});
});

describe('in the foreground', () => {
	it('runs under another supervisor, which ends it by a signal', async () => {
		const running = start('--foreground');
		const status = await waitFor('it to run', async () => {
			const seen = await statusOf();
			return seen.state === 'running' ? seen : null;
		});
		const id = await publish('work.nap', '1000');
		await inState(id, 'running');
		process.kill(status.pid, 'SIGTERM');
		const ended = await running;
		expect(ended.code).toBe(0);
		expect(ended.stdout).toContain('Stopping once running tasks have ended');
		expect((await task(id)).state).toBe('succeeded');
		expect(existsSync(join(home, PID))).toBe(false);
	});
});
