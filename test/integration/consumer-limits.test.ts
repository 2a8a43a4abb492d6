/** Limits, cancelling and changes while tasks run, over the built-in broker with real processes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NO_LIMITS } from '#main/domain/consumer.ts';
import { taskId } from '#main/domain/ids.ts';
import { waitFor } from '#test/support/wait.ts';
import { openPlace, type Place } from './consumer-place.ts';

const TASKS = `
import os, subprocess, sys, time
HERE = os.environ['PLACE']

def pid():
    return os.getpid()

def sleep(seconds):
    print('begun', flush=True)
    time.sleep(seconds)

def tidy(seconds):
    from warren import SoftTimeLimitExceeded
    try:
        time.sleep(seconds)
    except SoftTimeLimitExceeded:
        return 'tidied up'

def stubborn():
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
    with open(os.path.join(HERE, 'child'), 'w') as file:
        file.write(str(child.pid))
    while True:
        pass

def eat(megabytes):
    held = []
    for _ in range(megabytes):
        held.append(bytearray(os.urandom(1024) * 1024))
        time.sleep(0.002)
    time.sleep(600)

def hold(name):
    open(os.path.join(HERE, name), 'w').close()
    while not os.path.exists(os.path.join(HERE, 'go')):
        time.sleep(0.01)
`;

const NODE_TASKS = `
export async function patient({ signal }) {
	await new Promise((resolve, reject) => {
		signal.addEventListener('abort', () => reject(signal.reason), { once: true });
		setTimeout(resolve, 600_000);
	});
}
export function pid() { return process.pid; }
export function spin() { for (;;); }
`;

async function place(): Promise<Place> {
	const here = await openPlace();
	here.write('tasks.py', TASKS);
	here.write('tasks.mjs', NODE_TASKS);
	return here;
}

const alive = (pid: number) => {
	try {
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
	} catch {
		return false;
	}
};

describe('a soft time limit', () => {
	const limits = { ...NO_LIMITS, softMs: 300 };

	it('raises SoftTimeLimitExceeded in a Python task, even in the middle of a sleep', async () => {
		await using here = await place();
		const id = await here.send('tasks.sleep', [600]);
		await here.run({ limits });
		const detail = await here.detail(id);
		expect(detail).toMatchObject({ state: 'failed', exception: { type: 'warren.SoftTimeLimitExceeded' } });
		expect(detail.traceback).toContain('time.sleep(seconds)');
		expect((await here.log(id)).map((line) => line.text)).toContain('The soft time limit of 300 ms was reached.');
	});

	it('lets a Python task tidy up and succeed, and leaves the next one alone', async () => {
		await using here = await place();
		const tidy = await here.send('tasks.tidy', [600]);
		const next = await here.send('tasks.pid');
		await here.run({ limits });
		expect((await here.detail(tidy)).result).toEqual({ kind: 'json', text: '"tidied up"' });
		expect((await here.detail(next)).state).toBe('succeeded');
	});

	it("aborts a Node task's signal", async () => {
		await using here = await place();
		const id = await here.send('tasks.patient');
		await here.run({ limits, runner: here.node });
		expect(await here.detail(id)).toMatchObject({ state: 'failed', exception: { type: 'SoftTimeLimitExceeded' } });
	});
});

describe('a hard time limit', () => {
	it.each(['python', 'node'] as const)('kills a %s task that never pauses, records it, and goes on', async (kind) => {
		await using here = await place();
		const id = await here.send(kind === 'python' ? 'tasks.stubborn' : 'tasks.spin');
		const next = await here.send('tasks.pid');
		await here.run({ limits: { ...NO_LIMITS, hardMs: 1500 }, runner: here[kind] });
		expect(await here.detail(id)).toMatchObject({ state: 'failed', exception: { type: 'TimeLimitExceeded' } });
		expect((await here.detail(id)).exception?.message).toContain('1500 ms');
		expect((await here.detail(next)).state).toBe('succeeded');
		if (kind === 'node') return;
		const child = Number(readFileSync(join(here.folder, 'child'), 'utf8'));
		await waitFor('what the task had started to be gone', () => !alive(child));
	});
});

describe('a memory limit', () => {
	it('kills a task that outgrows it, and records how much it used', async () => {
		await using here = await place();
		const id = await here.send('tasks.eat', [400]);
		const next = await here.send('tasks.pid');
		await here.run({ limits: { ...NO_LIMITS, memoryMb: 150 } });
		const detail = await here.detail(id);
		expect(detail).toMatchObject({ state: 'failed', exception: { type: 'MemoryLimitExceeded' } });
		expect(detail.exception?.message).toMatch(/used \d+ MiB, over the limit of 150 MiB/);
		expect((await here.detail(next)).state).toBe('succeeded');
	});
});

describe('recycling', () => {
	it.each(['python', 'node'] as const)('replaces a %s runner after so many tasks', async (kind) => {
		await using here = await place();
		const ids = [];
		for (let index = 0; index < 5; index += 1) ids.push(await here.send('tasks.pid'));
		await here.run({ limits: { ...NO_LIMITS, recycleAfter: 2 }, runner: here[kind] });
		const pids = await Promise.all(ids.map(async (id) => (await here.detail(id)).result?.text));
		expect(new Set(pids).size).toBe(3);
		expect(pids[0]).toBe(pids[1]);
		expect(pids[1]).not.toBe(pids[2]);
	});
});

describe('cancelling', () => {
	it('kills the task, records who did it and when, and never runs its message again', async () => {
		await using here = await place();
		const id = await here.send('tasks.sleep', [600]);
		const set = here.start();
		await here.reaches(id, 'running');
		expect(await set.cancel(taskId(id), 'ada')).toBe('cancelled');
		const detail = await here.detail(id);
		expect(detail).toMatchObject({ state: 'revoked', exception: { type: 'TaskRevoked' }, attempts: 1 });
		expect(detail.exception?.message).toMatch(/^Cancelled by ada at \d{4}-\d\d-\d\dT/);
		await set.stop('drain');
		expect(await here.driver.queues([here.queue])).toMatchObject({ value: [{ ready: 0 }] });
	});

	it('says that a task does not run here when it does not', async () => {
		await using here = await place();
		expect(await here.start().cancel(taskId('somebody-elses'))).toBe('not-running');
	});
});

describe('changing the number of slots', () => {
	it('begins more at once, and lets running tasks end when there are to be fewer', async () => {
		await using here = await place();
		const names = ['a', 'b', 'c'];
		const ids = [];
		for (const name of names) ids.push(await here.send('tasks.hold', [name]));
		const set = here.start({ concurrency: 1 });
		const held = () => names.filter((name) => existsSync(join(here.folder, name)));
		await waitFor('the first to run', () => held().length === 1);
		set.resize(3);
		await waitFor('all to run', () => held().length === 3);
		const view = set.view();
		expect(view.intent.concurrency).toBe(3);
		expect(view.slots.map((slot) => [slot.number, slot.pid !== null, slot.state.kind])).toEqual([
			[1, true, 'running'],
			[2, true, 'running'],
			[3, true, 'running'],
		]);
		set.resize(1);
		here.write('../go', '');
		for (const id of ids) await here.reaches(id, 'succeeded');
		await waitFor('two slots to be gone', () => set.view().slots.length === 1);
		const last = await here.send('tasks.pid');
		await here.reaches(last, 'succeeded');
	});
});

describe("a slot's memory", () => {
	it('is shown with what the task has started', async () => {
		await using here = await place();
		const set = here.start({ limits: { ...NO_LIMITS, memoryMb: 4000 } });
		await waitFor('a figure', () => (set.view().slots[0]?.rssBytes ?? 0) > 4_000_000);
	});
});
