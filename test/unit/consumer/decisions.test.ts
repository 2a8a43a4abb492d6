import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainStart } from '#main/consumer/child-runner.ts';
import { runnerEnvironment } from '#main/consumer/environment.ts';
import type { Held } from '#main/consumer/flight.ts';
import { outcomeOf, repeatedOutcome } from '#main/consumer/outcome.ts';
import { Shelf } from '#main/consumer/shelf.ts';
import { afterTask, firstWindow, narrowed } from '#main/consumer/window.ts';
import type { RunnerSpec } from '#main/domain/consumer.ts';

const python: Extract<RunnerSpec, { kind: 'python' }> = {
	kind: 'python',
	executable: 'python3',
	project: '/project',
	settingsModule: null,
	env: {},
};

describe('the window of messages held', () => {
	it('is as wide as there are slots at first, and while tasks take long', () => {
		let window = firstWindow(4);
		for (let index = 0; index < 1000; index += 1) window = afterTask(window, 4, 2000);
		expect(window.size).toBe(4);
	});

	it('widens after a row of short tasks, once more after a long row of them, and no further', () => {
		let window = firstWindow(2);
		for (let index = 0; index < 16; index += 1) window = afterTask(window, 2, 1);
		expect(window.size).toBeGreaterThan(2);
		expect(window.size).toBeLessThan(256);
		for (let index = 0; index < 5000; index += 1) window = afterTask(window, 2, 1);
		expect(window.size).toBe(256);
	});

	it('holds many more while all of them are begun within a moment', () => {
		const widened = (slots: number, ms: number) => {
			let window = firstWindow(slots);
			for (let index = 0; index < 5000; index += 1) window = afterTask(window, slots, ms);
			return window;
		};
		expect(widened(2, 0.5).size).toBe(768);
		expect(widened(2, 0.2).size).toBe(1536);
		expect(widened(8, 0.5).size).toBe(1536);
		expect(widened(8, 4).size).toBe(256);
		expect(narrowed(widened(2, 0.5), 2).size).toBe(2);
	});

	it('is as a person chose it, however short the tasks are', () => {
		let window = firstWindow(2, 10);
		for (let index = 0; index < 5000; index += 1) window = afterTask(window, 2, 0.1);
		expect(window.size).toBe(10);
	});

	it('waits longer before it widens again each time that was wrong', () => {
		let window = firstWindow(2);
		const tries: number[] = [];
		for (let round = 0; round < 4; round += 1) {
			let count = 0;
			while (window.size === 2) {
				window = afterTask(window, 2, 1);
				count += 1;
			}
			tries.push(count);
			window = narrowed(window, 2);
		}
		expect(tries).toEqual([16, 32, 64, 128]);
	});

	it('is never narrower than the slots, nor beyond reason', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 64 }),
				fc.array(fc.oneof(fc.nat(1000), fc.double({ min: 0, max: 2, noNaN: true }), fc.constant(-1)), {
					maxLength: 2000,
				}),
				(slots, steps) => {
					let window = firstWindow(slots);
					for (const step of steps) window = step < 0 ? narrowed(window, slots) : afterTask(window, slots, step);
					expect(window.size).toBeGreaterThanOrEqual(slots);
					expect(window.size).toBeLessThanOrEqual(Math.max(slots, 1536));
				},
			),
		);
	});
});

describe('waiting deliveries', () => {
	const held = (queue: string, key: string) => ({ queue, key }) as Held;

	it('come in their order within a queue, with queues taking turns, and none is lost', () => {
		fc.assert(
			fc.property(fc.array(fc.constantFrom('a', 'b', 'c')), (queues) => {
				const shelf = new Shelf();
				for (const [index, queue] of queues.entries()) shelf.put(held(queue, String(index)));
				const out: Held[] = [];
				for (let next = shelf.next(); next !== null; next = shelf.next()) out.push(next);
				expect(out).toHaveLength(queues.length);
				for (const queue of ['a', 'b', 'c']) {
					const keys = out.filter((one) => one.queue === queue).map((one) => Number(one.key));
					expect(keys).toEqual(keys.toSorted((x, y) => x - y));
				}
				expect(shelf.empty).toBe(true);
			}),
		);
	});

	it('that were taken and come back find their places again, in whatever order they come', () => {
		fc.assert(
			fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5]), (back) => {
				const shelf = new Shelf();
				const all = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => ({ queue: 'q', key: String(number) }) as Held);
				for (const one of all) shelf.put(one);
				const taken = [0, 1, 2, 3, 4, 5].map(() => shelf.next() as Held);
				for (const number of back) shelf.putBack(taken[number] as Held);
				const left = [...back.toSorted((a, b) => a - b), 6, 7];
				expect(left.map(() => shelf.next()?.key)).toEqual(left.map(String));
				expect(shelf.empty).toBe(true);
			}),
		);
	});

	it('let no queue go twice while another waits', () => {
		const shelf = new Shelf();
		for (const key of ['1', '2', '3']) shelf.put(held('a', key));
		for (const key of ['1', '2']) shelf.put(held('b', key));
		const order = Array.from({ length: 5 }, () => shelf.next()?.queue);
		expect(order).toEqual(['a', 'b', 'a', 'b', 'a']);
	});
});

describe("a runner's environment", () => {
	it('holds what programs need and what was given, and nothing else of Warren', () => {
		const own = {
			PATH: '/bin',
			HOME: '/home/a',
			LC_ALL: 'C',
			WARREN_VAULT_KEY: 'secret',
			AWS_TOKEN: 'secret',
			PYTHONPATH: '/x',
		};
		expect(runnerEnvironment({ ...python, env: { SHOP: '1' } }, own, 'linux')).toEqual({
			PATH: '/bin',
			HOME: '/home/a',
			LC_ALL: 'C',
			SHOP: '1',
			PYTHONUNBUFFERED: '1',
			PYTHONPATH: '/project',
		});
	});

	it('puts the project before a path that was given, and names the Django settings', () => {
		const env = runnerEnvironment(
			{ ...python, settingsModule: 'site.settings', env: { PYTHONPATH: '/lib' } },
			{},
			'linux',
		);
		expect(env).toMatchObject({ PYTHONPATH: '/project:/lib', DJANGO_SETTINGS_MODULE: 'site.settings' });
	});

	it('passes on what Windows programs need there', () => {
		const own = { SystemRoot: 'C:\\Windows', SECRET: 'x' };
		expect(runnerEnvironment({ kind: 'node', modules: [], project: '/p', env: {} }, own, 'win32')).toEqual({
			SystemRoot: 'C:\\Windows',
		});
	});
});

describe("a job's end", () => {
	it('of a dead process says how it died and what it said last', () => {
		const outcome = outcomeOf({ kind: 'died', exitCode: null, signal: 'SIGSEGV', lastWords: 'oh' });
		expect(outcome).toMatchObject({ state: 'failed', exception: { type: 'WorkerLost' } });
		expect(JSON.stringify(outcome)).toMatch(/SIGSEGV \(a crash inside native code\).*oh/);
		expect(JSON.stringify(outcomeOf({ kind: 'died', exitCode: 9, signal: null, lastWords: '' }))).toContain(
			'exit code 9',
		);
	});

	it('is repeated with its own exception when a message comes again', () => {
		expect(repeatedOutcome('failed', null)).toMatchObject({ state: 'failed', exception: { type: 'Exception' } });
		expect(repeatedOutcome('succeeded', null)).toEqual({ state: 'succeeded', result: null });
	});
});

describe('why a runner cannot start', () => {
	const ended = { exitCode: 2, signal: null, error: null };

	it('is said with what it printed', () => {
		expect(explainStart(python, { kind: 'ended', end: ended }, 'unknown option -u')).toBe(
			'python3 ended with exit code 2 before it was ready. It said: unknown option -u',
		);
		expect(explainStart(python, { kind: 'deadline', afterMs: 60_000 }, '')).toBe(
			'python3 did not get ready within 60 s. Check that it is a Python interpreter, and what its start waits for.',
		);
	});

	it('names the settings module that Django could not load', () => {
		const told = { kind: 'told', message: 'ImportError: no', traceback: 'Traceback' } as const;
		expect(explainStart({ ...python, settingsModule: 'site.settings' }, told, '')).toMatch(
			/^Django .*"site\.settings": ImportError: no/,
		);
		expect(explainStart(python, told, '')).toContain('python3 could not get ready: ImportError: no');
	});
});
