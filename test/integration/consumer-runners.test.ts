/** The Python and Node runners as real processes. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startChildRunner } from '#main/consumer/child-runner.ts';
import type { Job, JobEnd, Runner } from '#main/consumer/runner.ts';
import { systemClock } from '#main/domain/clock.ts';
import type { RunnerSpec } from '#main/domain/consumer.ts';
import { silentLog } from '#main/domain/log.ts';
import type { LogLine } from '#main/domain/task.ts';
import { waitFor } from '#test/support/wait.ts';

const RESOURCES = fileURLToPath(new URL('../../resources', import.meta.url));
const WORKSHOP = fileURLToPath(new URL('../fixtures/projects/workshop', import.meta.url));
const PYTHON = '/usr/bin/python3';

let folder: string;
const open: Runner[] = [];

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'warren-runners-'));
});
afterEach(async () => {
	await Promise.all(open.splice(0).map((runner) => runner[Symbol.asyncDispose]()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = startChildRunner({
	resources: RESOURCES,
	clock: systemClock,
	log: silentLog,
	environment: { ...process.env, WARREN_VAULT_KEY: 'never to be seen', LC_TEST: 'passed on' },
});

function launch(spec: RunnerSpec): Runner {
	const runner = start(spec, () => {});
	open.push(runner);
	return runner;
}

/** A runner over a private copy of the workshop. */
async function python(more: Partial<Extract<RunnerSpec, { kind: 'python' }>> = {}) {
	const project = mkdtempSync(join(folder, 'project-'));
	cpSync(WORKSHOP, project, { recursive: true });
	const runner = launch({ kind: 'python', executable: PYTHON, project, settingsModule: null, env: {}, ...more });
	await runner.started;
	return { runner, project };
}

async function node(source: string, more: { readonly file?: string } = {}) {
	const project = mkdtempSync(join(folder, 'project-'));
	const file = more.file ?? 'tasks.mjs';
	writeFileSync(join(project, file), source);
	const runner = launch({ kind: 'node', modules: [file], project, env: {} });
	await runner.started;
	return { runner, project };
}

let runs = 0;
async function run(
	runner: Runner,
	name: string,
	args: readonly unknown[] | string = [],
	more: Partial<Job> = {},
): Promise<{ readonly end: JobEnd; readonly lines: readonly LogLine[] }> {
	const lines: LogLine[] = [];
	const job: Job = {
		run: `run-${++runs}`,
		name,
		messageId: 'm',
		attempt: 1,
		queue: 'default',
		argsJson: typeof args === 'string' ? args : JSON.stringify(args),
		kwargsJson: '{}',
		...more,
	};
	const end = await runner.run(job, (batch) => {
		lines.push(...batch);
	});
	return { end, lines };
}

const texts = (lines: readonly LogLine[]) => lines.map((line) => line.text);
const resultOf = (end: JobEnd): unknown => {
	if (end.kind !== 'returned') throw new Error(`It did not return: ${JSON.stringify(end)}`);
	return end.result?.kind === 'json' ? JSON.parse(end.result.text) : end.result;
};
const alive = (pid: number) => {
	try {
		process.kill(pid, 0);
		// A killed process whose parent has not asked for its end is still listed.
		return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
	} catch {
		return false;
	}
};

describe('the Python runner', () => {
	it('passes arguments with their types and digits, and hands results back as JSON', async () => {
		const { runner } = await python();
		const args = '[1, 12345678901234567890, 1.50, NaN, "ü", null, true, [{"a": 1}]]';
		const { end } = await run(runner, 'workshop.tasks.echo', args, { kwargsJson: '{"x": {"y": -Infinity}}' });
		expect(end).toMatchObject({
			kind: 'returned',
			result: {
				kind: 'json',
				text: '{"args": [1, 12345678901234567890, 1.5, NaN, "ü", null, true, [{"a": 1}]], "kwargs": {"x": {"y": -Infinity}}}',
			},
		});
	});

	it('captures prints, loggers of every name and level, and exceptions, in their order', async () => {
		const { runner } = await python();
		const { end, lines } = await run(runner, 'workshop.tasks.talk');
		expect(lines.map((line) => [line.source, line.level, line.logger, line.text.split('\n')[0]])).toEqual([
			['stdout', 'info', null, 'one'],
			['log', 'debug', 'carrot', 'two'],
			['log', 'info', 'shop.orders', 'three'],
			['stderr', 'warning', null, 'four'],
			['log', 'warning', 'carrot', 'five'],
			['log', 'critical', 'root', 'six'],
			['log', 'error', 'carrot', 'seven'],
			['stdout', 'info', null, 'eight'],
		]);
		expect(lines[4]?.text).toBe('five\nsecond line');
		expect(lines[6]?.text).toContain('ZeroDivisionError: division by zero');
		expect(end).toMatchObject({ kind: 'returned', result: null });
	});

	it('captures what threads and child processes of a task print', async () => {
		const { runner } = await python();
		const threads = await run(runner, 'workshop.tasks.talk_from_thread');
		expect(texts(threads.lines)).toEqual(['from a thread', 'logged by a thread']);
		const children = await run(runner, 'workshop.tasks.talk_from_children');
		expect(texts(children.lines).toSorted()).toEqual(['from a child', 'from the raw descriptor']);
	});

	it('reports an exception with its traceback, own code first', async () => {
		const { runner } = await python();
		const { end } = await run(runner, 'workshop.tasks.fail');
		expect(end).toMatchObject({ kind: 'raised', exception: { type: 'KeyError', message: "'EUR'" } });
		const traceback = end.kind === 'raised' ? (end.traceback ?? '') : '';
		expect(traceback).toMatch(
			/^Traceback \(most recent call last\):\n {2}File ".*workshop\/tasks\.py", line \d+, in fail\n/,
		);
		expect(traceback).toContain('in inner');
		expect(traceback).not.toContain('warren_runner');
		expect(traceback.trimEnd()).toMatch(/KeyError: 'EUR'$/);
	});

	it('reports chained causes', async () => {
		const { runner } = await python();
		const { end } = await run(runner, 'workshop.tasks.fail_with_cause');
		expect(end).toMatchObject({ kind: 'raised', exception: { type: 'ValueError', message: 'no rate for ü' } });
		const traceback = end.kind === 'raised' ? end.traceback : '';
		expect(traceback).toContain('The above exception was the direct cause of the following exception');
	});

	it.each([
		['workshop.tasks.fail_unprintably', 'workshop.tasks.fail_unprintably.<locals>.Mute', 'failed'],
		['workshop.tasks.leave', 'SystemExit', '4'],
		['workshop.tasks.interrupt', 'KeyboardInterrupt', ''],
	])('survives %s', async (name, type, message) => {
		const { runner } = await python();
		const { end } = await run(runner, name);
		expect(end).toMatchObject({ kind: 'raised', exception: { type, message: expect.stringContaining(message) } });
		expect(resultOf((await run(runner, 'workshop.tasks.echo', [1])).end)).toEqual({ args: [1], kwargs: {} });
	});

	it.each([
		['nowhere.task', 'ModuleNotFoundError', "No module named 'nowhere'", false],
		[
			'workshop.tasks.nothing_like_it',
			'AttributeError',
			"module 'workshop.tasks' has no attribute 'nothing_like_it'",
			false,
		],
		['task', 'ValueError', 'Empty module name', false],
		['workshop.needy.task', 'ModuleNotFoundError', "No module named 'no_such_dependency'", true],
	])('says why %s cannot be found', async (name, type, message, hasTraceback) => {
		const { runner } = await python();
		const { end } = await run(runner, name);
		expect(end).toMatchObject({ kind: 'not-found', exception: { type, message: expect.stringContaining(message) } });
		expect(end.kind === 'not-found' && end.traceback !== null).toBe(hasTraceback);
	});

	it('reports a module with a syntax error as raised, and runs it once it is mended', async () => {
		const { runner, project } = await python();
		const { end } = await run(runner, 'workshop.broken.task');
		expect(end).toMatchObject({ kind: 'raised', exception: { type: 'SyntaxError' } });
		writeFileSync(join(project, 'workshop', 'broken.py'), 'def task():\n    return "mended"\n');
		expect(resultOf((await run(runner, 'workshop.broken.task')).end)).toBe('mended');
	});

	it('runs any importable callable, as carrot does', async () => {
		const { runner, project } = await python();
		expect(resultOf((await run(runner, 'os.getcwd')).end)).toBe(project);
	});

	it('asks to be replaced once code that it loaded changed on disk', async () => {
		const { runner, project } = await python();
		await run(runner, 'workshop.tasks.nothing');
		writeFileSync(join(project, 'workshop', 'tasks.py'), 'def nothing():\n    return "new"\n');
		const reason = await waitFor('the change to be seen', async () => {
			const { end } = await run(runner, 'workshop.tasks.nothing');
			return end.kind === 'declined' && end.reason;
		});
		expect(reason).toContain('tasks.py changed on disk');
		await runner.exited;
	});

	it('prints results that are not JSON, and cuts huge ones', async () => {
		const { runner } = await python();
		const date = await run(runner, 'workshop.tasks.a_date');
		expect(resultOf(date.end)).toEqual({ kind: 'text', text: 'datetime.date(2026, 11, 20)', type: 'datetime.date' });
		expect(resultOf((await run(runner, 'workshop.tasks.a_cycle')).end)).toMatchObject({
			kind: 'text',
			text: '[[...]]',
		});
		expect((await run(runner, 'workshop.tasks.not_a_number')).end).toMatchObject({
			result: { kind: 'json', text: '[NaN, Infinity, 1000000000000000000000000000000]' },
		});
		const big = await run(runner, 'workshop.tasks.a_lot');
		expect(resultOf(big.end)).toMatchObject({
			kind: 'text',
			type: 'str',
			text: expect.stringContaining('[cut: 5000002'),
		});
		expect(resultOf((await run(runner, 'workshop.tasks.later')).end)).toEqual([1, 2]);
	});

	it('tells how a process died, with its last words', async () => {
		const { runner } = await python();
		const { end } = await run(runner, 'workshop.tasks.vanish');
		expect(end).toEqual({ kind: 'died', exitCode: 7, signal: null, lastWords: 'last words of the process' });
		const second = await python();
		expect((await run(second.runner, 'workshop.tasks.crash')).end).toMatchObject({ kind: 'died', signal: 'SIGSEGV' });
	});

	it('tells of a process that was killed from outside', async () => {
		const { runner, project } = await python();
		const file = join(project, 'pids');
		const running = run(runner, 'workshop.tasks.start_and_wait', [file]);
		await waitFor('the task to run', () => existsSync(file));
		const [, grandchild] = readFileSync(file, 'utf8').split(' ').map(Number);
		process.kill(runner.pid as number, 'SIGKILL');
		expect((await running).end).toMatchObject({ kind: 'died', signal: 'SIGKILL' });
		await waitFor('what the task started to be gone too', () => !alive(grandchild as number));
	});

	it('ends with all that its tasks started when it is disposed of', async () => {
		const { runner, project } = await python();
		const file = join(project, 'grandchild');
		await run(runner, 'workshop.tasks.leaves_a_grandchild', [file]);
		const pid = Number(readFileSync(file, 'utf8'));
		expect(alive(pid)).toBe(true);
		await runner[Symbol.asyncDispose]();
		await waitFor('the grandchild to be gone', () => !alive(pid));
	});

	it('survives a flood of output without losing a line, while its reader is slow', async () => {
		const { runner } = await python();
		const lines: LogLine[] = [];
		const job = { run: 'flood', name: 'workshop.tasks.flood', messageId: 'm', attempt: 1, queue: 'q' };
		const end = await runner.run({ ...job, argsJson: '[50000]', kwargsJson: '{}' }, async (batch) => {
			lines.push(...batch);
			await new Promise((resolve) => setImmediate(resolve));
		});
		expect(end.kind).toBe('returned');
		expect(texts(lines)).toEqual(Array.from({ length: 50_000 }, (_, index) => `line ${index}`));
	});

	it('sends an endless line in pieces', async () => {
		const { runner } = await python();
		const { lines } = await run(runner, 'workshop.tasks.endless_line', [1_000_000]);
		expect(lines.length).toBeGreaterThan(1);
		expect(texts(lines).join('')).toBe('x'.repeat(1_000_000));
	});

	it('survives binary garbage, closed output, and nonsense on its own channel', async () => {
		const { runner } = await python();
		const garbage = await run(runner, 'workshop.tasks.garbage');
		expect(garbage.end.kind).toBe('returned');
		expect(garbage.lines.length).toBeGreaterThan(0);
		const forged = await run(runner, 'workshop.tasks.forge');
		expect(resultOf(forged.end)).toBe('still here');
		expect(texts(forged.lines).filter((text) => text.includes('unreadable')).length).toBeGreaterThan(0);
		const closed = await run(runner, 'workshop.tasks.close_output');
		expect(texts(closed.lines)).toEqual(['before', 'after']);
		expect(resultOf((await run(runner, 'workshop.tasks.echo', [2])).end)).toEqual({ args: [2], kwargs: {} });
	});

	it('answers once for a task that forks', async () => {
		const { runner } = await python();
		expect(resultOf((await run(runner, 'workshop.tasks.forks')).end)).toBe('the parent');
		expect(resultOf((await run(runner, 'workshop.tasks.echo', [3])).end)).toEqual({ args: [3], kwargs: {} });
	});

	it('gives tasks an environment of its own making and no input', async () => {
		const { runner, project } = await python({ env: { SHOP_KEY: 'given' } });
		const where = resultOf((await run(runner, 'workshop.tasks.where')).end) as {
			readonly cwd: string;
			readonly path: string;
			readonly env: Record<string, string>;
		};
		expect(where.cwd).toBe(project);
		expect(where.path).toBe(project);
		expect(where.env).toMatchObject({ SHOP_KEY: 'given', LC_TEST: 'passed on', PYTHONPATH: project });
		expect(Object.keys(where.env)).not.toContain('WARREN_VAULT_KEY');
		expect(resultOf((await run(runner, 'workshop.tasks.read_input')).end)).toBe('');
	});

	it('puts folder and output back after a task that changed them', async () => {
		const { runner, project } = await python();
		await run(runner, 'workshop.tasks.wander');
		const { end, lines } = await run(runner, 'workshop.tasks.talk');
		expect(end.kind).toBe('returned');
		expect(texts(lines)).toContain('one');
		expect(resultOf((await run(runner, 'os.getcwd')).end)).toBe(project);
	});

	it('ends a task with deeply nested arguments in a clear state', async () => {
		const { runner } = await python();
		const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
		const { end } = await run(runner, 'workshop.tasks.echo', `[${deep}]`);
		expect(end).toMatchObject({ kind: 'raised', exception: { type: 'RecursionError' } });
		expect(resultOf((await run(runner, 'workshop.tasks.echo', [4])).end)).toEqual({ args: [4], kwargs: {} });
	});

	it('sets Django up where settings are given, and hears loggers that do not propagate', async () => {
		const { runner } = await python({ settingsModule: 'workshop.settings' });
		const { end, lines } = await run(runner, 'workshop.users.check');
		expect(resultOf(end)).toEqual(['only for tests', true]);
		expect(texts(lines)).toEqual(['asked of a logger that does not propagate']);
	});

	it.each([
		[{ executable: 'python9' }, /python9 was not found\. Install it/],
		[{ project: '/nowhere/at/all' }, /The project folder \/nowhere\/at\/all does not exist/],
		[{ executable: '/usr/bin/false' }, /ended with exit code 1 before it was ready/],
		[
			{ settingsModule: 'no.such.settings' },
			/Django could not be set up with the settings module "no\.such\.settings": ModuleNotFoundError/,
		],
	])('says what to do when it cannot start with %j', async (more, words) => {
		const project = mkdtempSync(join(folder, 'project-'));
		const runner = launch({ kind: 'python', executable: PYTHON, project, settingsModule: null, env: {}, ...more });
		await expect(runner.started).rejects.toThrow(words);
		await runner.exited;
	});

	it.each(['start_and_wait', 'wait_busily'])('dies in the middle of %s when Warren is killed', async (task) => {
		const project = mkdtempSync(join(folder, 'project-'));
		cpSync(WORKSHOP, project, { recursive: true });
		const file = join(project, 'pids');
		const host = join(project, 'host.ts');
		writeFileSync(
			host,
			`import { startChildRunner } from ${JSON.stringify(fileURLToPath(new URL('../../src-main/consumer/child-runner.ts', import.meta.url)))};
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const clock = { now: Date.now, monotonic: () => performance.now(), after: () => ({ [Symbol.dispose]() {} }) };
const start = startChildRunner({ resources: ${JSON.stringify(RESOURCES)}, clock, log: silent });
const runner = start({ kind: 'python', executable: ${JSON.stringify(PYTHON)}, project: ${JSON.stringify(project)}, settingsModule: null, env: {} }, () => {});
await runner.started;
void runner.run({ run: 'r', name: 'workshop.tasks.${task}', messageId: 'm', attempt: 1, queue: 'q', argsJson: ${JSON.stringify(JSON.stringify([file]))}, kwargsJson: '{}' }, () => {});
process.kill(process.pid, 'SIGSTOP');
`,
		);
		const pids: number[] = [];
		const child = spawn(process.execPath, [host], { stdio: 'inherit' });
		try {
			await waitFor('the task to run', () => existsSync(file));
			pids.push(...readFileSync(file, 'utf8').split(' ').map(Number));
			expect(pids.every(alive)).toBe(true);
		} finally {
			child.kill('SIGKILL');
		}
		await waitFor('all of them to be gone', () => !pids.some(alive));
	});
});

describe('the Node runner', () => {
	it('runs exported functions by file and export, with arguments, attempt and log', async () => {
		const { runner } = await node(`
			export async function charge({ args, kwargs, log, id, attempt, queue, name, signal }) {
				log.debug('a %d', 1); console.log('b'); log.warning('c'); console.error('d'); log.critical('e');
				process.stdout.write('no newline');
				return { args, kwargs, id, attempt, queue, name, aborted: signal.aborted };
			}
			export const notATask = 3;
		`);
		expect(runner.taskNames).toEqual(['tasks.charge']);
		const { end, lines } = await run(runner, 'tasks.charge', '[1, "x"]', { attempt: 3, kwargsJson: '{"k": null}' });
		expect(resultOf(end)).toEqual({
			args: [1, 'x'],
			kwargs: { k: null },
			id: 'm',
			attempt: 3,
			queue: 'default',
			name: 'tasks.charge',
			aborted: false,
		});
		expect(lines.map((line) => [line.source, line.level, line.text])).toEqual([
			['log', 'debug', 'a 1'],
			['stdout', 'info', 'b'],
			['log', 'warning', 'c'],
			['stderr', 'warning', 'd'],
			['log', 'critical', 'e'],
			['stdout', 'info', 'no newline'],
		]);
	});

	it('keeps all digits of integers both ways, and reads bare NaN and Infinity', async () => {
		const { runner } = await node(`
			export const same = ({ args }) => args;
			export const kinds = ({ args }) => args.map((arg) => typeof arg + ':' + String(arg));
		`);
		const args = '[9007199254740993123, 42, -9007199254740993, 1.5, "NaN, Infinity", {"deep": 12345678901234567890}]';
		expect((await run(runner, 'tasks.same', args)).end).toMatchObject({
			result: { text: '[9007199254740993123,42,-9007199254740993,1.5,"NaN, Infinity",{"deep":12345678901234567890}]' },
		});
		const kinds = await run(
			runner,
			'tasks.kinds',
			'[NaN, -Infinity, Infinity, "NaN \\" Infinity", 12345678901234567890]',
		);
		expect(resultOf(kinds.end)).toEqual([
			'number:NaN',
			'number:-Infinity',
			'number:Infinity',
			'string:NaN " Infinity',
			'bigint:12345678901234567890',
		]);
	});

	it('names tasks of sub-folders with dots, and by their file alone', async () => {
		const project = mkdtempSync(join(folder, 'project-'));
		cpSync(join(RESOURCES, 'sandbox'), join(project, 'shop'), { recursive: true });
		const runner = launch({ kind: 'node', modules: ['shop/orders.mjs'], project, env: {} });
		await runner.started;
		expect(runner.taskNames).toContain('shop.orders.total');
		expect(resultOf((await run(runner, 'orders.total', [1, 2])).end)).toBe(3);
	});

	it('reports errors with their stack and causes, without its own frames', async () => {
		const { runner } = await node(`
			class Declined extends Error { name = 'Declined'; }
			export async function fail() { await null; throw new Declined('no', { cause: new TypeError('because') }); }
			export function failPlainly() { throw 'just words'; }
		`);
		const { end } = await run(runner, 'tasks.fail');
		expect(end).toMatchObject({ kind: 'raised', exception: { type: 'Declined', message: 'no' } });
		const traceback = end.kind === 'raised' ? (end.traceback ?? '') : '';
		expect(traceback).toMatch(/^Declined: no\n {4}at .*fail .*tasks\.mjs/);
		expect(traceback).toContain('Caused by: TypeError: because');
		expect(traceback).not.toContain('warren-runner.mjs');
		expect(traceback).not.toContain('node:internal');
		expect((await run(runner, 'tasks.failPlainly')).end).toMatchObject({
			exception: { type: 'string', message: 'just words' },
		});
	});

	it('names the tasks there are when one is not found', async () => {
		const { runner } = await node('export const here = () => 1;');
		expect((await run(runner, 'tasks.gone')).end).toMatchObject({
			kind: 'not-found',
			exception: { type: 'TaskNotFound', message: expect.stringContaining('Known here: tasks.here.') },
		});
	});

	it('ends a task whose stray error nobody awaited with that error, and the process with it', async () => {
		const { runner } = await node(`
			export const stray = () => new Promise(() => { setTimeout(() => { throw new RangeError('stray'); }, 1); });
		`);
		const { end } = await run(runner, 'tasks.stray');
		expect(end).toMatchObject({ kind: 'raised', exception: { type: 'RangeError', message: 'stray' } });
		expect(await runner.exited).toEqual({ exitCode: 1, signal: null });
	});

	it('tells of a task that ends its process, with all that it printed before', async () => {
		const { runner } = await node(`
			export function leave({ log }) { log.error('going'); console.log('bye'); process.exit(139); }
		`);
		const { end, lines } = await run(runner, 'tasks.leave');
		expect(end).toMatchObject({ kind: 'died', exitCode: 139, signal: null });
		expect(texts(lines)).toEqual(['going', 'bye']);
	});

	it('asks to be replaced once a module, or what it imports, changed on disk', async () => {
		const project = mkdtempSync(join(folder, 'project-'));
		writeFileSync(join(project, 'rates.mjs'), 'export const rate = 1;');
		writeFileSync(join(project, 'tasks.mjs'), "import { rate } from './rates.mjs'; export const now = () => rate;");
		const runner = launch({ kind: 'node', modules: ['tasks.mjs'], project, env: {} });
		await runner.started;
		expect(resultOf((await run(runner, 'tasks.now')).end)).toBe(1);
		writeFileSync(join(project, 'rates.mjs'), 'export const rate = 22;');
		await waitFor('the change to be seen', async () => (await run(runner, 'tasks.now')).end.kind === 'declined');
	});

	it('says which module could not be loaded, and why', async () => {
		const project = mkdtempSync(join(folder, 'project-'));
		writeFileSync(join(project, 'tasks.mjs'), 'export const = 3;');
		const runner = launch({ kind: 'node', modules: ['tasks.mjs'], project, env: {} });
		await expect(runner.started).rejects.toThrow(/A task module could not be loaded: SyntaxError/);
		const missing = launch({ kind: 'node', modules: ['nowhere.mjs'], project, env: {} });
		await expect(missing.started).rejects.toThrow(/nowhere\.mjs/);
	});

	it('dies in the middle of a task that never pauses when Warren is gone', async () => {
		const project = mkdtempSync(join(folder, 'project-'));
		const file = join(project, 'pid');
		writeFileSync(
			join(project, 'tasks.mjs'),
			`import fs from 'node:fs'; export function spin() { fs.writeFileSync(${JSON.stringify(file)}, String(process.pid)); for (;;); }`,
		);
		// The shell stands for Warren: it holds the runner's input, and is killed.
		const job = JSON.stringify({
			run: 'r',
			name: 'tasks.spin',
			id: 'm',
			attempt: 1,
			queue: 'q',
			args: '[]',
			kwargs: '{}',
		});
		const script = join(RESOURCES, 'runners', 'node', 'warren-runner.mjs');
		const parent = spawn(
			'/bin/sh',
			[
				'-c',
				'(echo "$JOB"; sleep 60) | "$0" "$1" --project "$2" --module tasks.mjs 3>/dev/null & wait',
				process.execPath,
				script,
				project,
			],
			{ env: { ...process.env, JOB: job }, stdio: 'ignore', detached: true },
		);
		try {
			const pid = Number(await waitFor('the task to run', () => existsSync(file) && readFileSync(file, 'utf8')));
			expect(alive(pid)).toBe(true);
			process.kill(parent.pid as number, 'SIGKILL');
			await waitFor('the runner to be gone', () => !alive(pid));
		} finally {
			try {
				process.kill(-(parent.pid as number), 'SIGKILL');
			} catch {
				// Nothing of it is left.
			}
		}
	});
});

describe('the sandbox', () => {
	const sandbox = join(RESOURCES, 'sandbox');
	const { modules, samples } = JSON.parse(readFileSync(join(sandbox, 'samples.json'), 'utf8')) as {
		readonly modules: readonly string[];
		readonly samples: readonly { readonly name: string; readonly args: string; readonly kwargs: string }[];
	};
	const inJson = (literals: string) => `[${literals.replaceAll("'", '"')}]`;

	it('has samples that succeed, fail and crash, each the same every time', async () => {
		const ends: Record<string, string[]> = {};
		let runner = launch({ kind: 'node', modules, project: sandbox, env: {} });
		await runner.started;
		for (const sample of samples) {
			const { end } = await run(runner, sample.name, inJson(sample.args), { kwargsJson: sample.kwargs });
			const words = end.kind === 'raised' || end.kind === 'not-found' ? end.exception.type : end.kind;
			ends[sample.name] = [...(ends[sample.name] ?? []), words];
			if (end.kind === 'died') {
				runner = launch({ kind: 'node', modules, project: sandbox, env: {} });
				await runner.started;
			}
		}
		expect(ends).toEqual({
			'orders.charge_card': ['GatewayTimeout', 'PaymentDeclined'],
			'orders.confirm': ['returned'],
			'emails.send_receipt': ['returned', 'returned'],
			'images.resize': ['returned'],
			'orders.total': ['returned'],
			'reports.daily': ['returned'],
			'imports.load_csv': ['UnicodeDecodeError', 'returned'],
			'inventory.sync': ['Error'],
			'emails.send_newsletter': ['TypeError'],
			'inventory.recount': ['died'],
			'loyalty.add_points': ['TaskNotFound'],
		});
	});

	it('has a failure that succeeds when it is requeued', async () => {
		const runner = launch({ kind: 'node', modules, project: sandbox, env: {} });
		await runner.started;
		const charge = { kwargsJson: '{"amount": 4990}', attempt: 2 };
		expect(resultOf((await run(runner, 'orders.charge_card', [88213], charge)).end)).toMatchObject({ charged: 4990 });
	});
});

it('finds the Python that the tests need', () => {
	expect(execFileSync(PYTHON, ['--version'], { encoding: 'utf8' })).toMatch(/^Python 3\./);
});
