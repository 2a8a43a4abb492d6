/** The Python runner and a site's own rows: Debian's Django, a real SQLite database, the runner as it ships. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startChildRunner } from '#main/consumer/child-runner.ts';
import type { JobEnd, Runner } from '#main/consumer/runner.ts';
import { parseLog, parseLogLine } from '#main/dialects/carrot/log-lines.ts';
import { systemClock } from '#main/domain/clock.ts';
import { silentLog } from '#main/domain/log.ts';
import type { LogLine } from '#main/domain/task.ts';
import { type DatabaseRow, makeSiteProject, type SiteProject } from '#test/support/carrot-site/project.ts';
import { waitFor } from '#test/support/wait.ts';

const RESOURCES = fileURLToPath(new URL('../../resources', import.meta.url));
const start = startChildRunner({ resources: RESOURCES, clock: systemClock, log: silentLog });

let site: SiteProject;
let naive: SiteProject;
const open: Runner[] = [];

beforeAll(async () => {
	site = await makeSiteProject();
	naive = await makeSiteProject({ SITE_USE_TZ: '0', SITE_DEBUG: '1' });
});
afterEach(async () => {
	await Promise.all(open.splice(0).map((runner) => runner[Symbol.asyncDispose]()));
});
afterAll(() => {
	site[Symbol.dispose]();
	naive[Symbol.dispose]();
});

async function launch(project: SiteProject, more: Parameters<SiteProject['spec']>[0] = {}): Promise<Runner> {
	const env = { WARREN_CARROT_WAIT: '0.2', ...more.env };
	const runner = start(project.spec({ ...more, env }), () => {});
	open.push(runner);
	await runner.started;
	return runner;
}

interface Ran {
	readonly end: JobEnd;
	readonly lines: readonly LogLine[];
}

let runs = 0;
function run(
	runner: Runner,
	uuid: string,
	name: string,
	args: readonly unknown[] = [],
	onLines: (lines: readonly LogLine[]) => void = () => {},
	origin: string | null = null,
): Promise<Ran> {
	const lines: LogLine[] = [];
	const job = {
		run: `run-${++runs}`,
		name,
		messageId: uuid,
		origin,
		attempt: origin === null ? 1 : 2,
		queue: 'default',
		argsJson: JSON.stringify(args),
		kwargsJson: '{}',
	};
	return runner
		.run(job, (batch) => {
			lines.push(...batch);
			onLines(lines);
		})
		.then((end) => ({ end, lines }));
}

/** A row for a message, the task run, and the row afterwards. */
async function through(
	project: SiteProject,
	runner: Runner,
	uuid: string,
	name: string,
	args: readonly unknown[] = [],
) {
	await project.add({ uuid, task: name, queue: 'default', task_args: '()', content: '{}' });
	const ran = await run(runner, uuid, name, args);
	const row = (await project.rows()).find((one) => one.uuid === uuid);
	if (row === undefined) throw new Error('the row is gone');
	return { ...ran, row };
}

const notes = (lines: readonly LogLine[]) =>
	lines.filter((line) => line.logger === 'warren.carrot').map((line) => line.text);
const near = (time: string | null, zone = '') => Math.abs(Date.parse(`${time ?? ''}${zone}`) - Date.now()) < 60_000;

describe("a site's row", () => {
	it('is completed with time, output and a log that the stock monitor can show', async () => {
		const runner = await launch(site);
		const { row, end, lines } = await through(site, runner, 'ok-1', 'carrotsite.tasks.add', [2, 3]);
		expect(end).toMatchObject({ kind: 'returned', result: { text: '5' } });
		expect(notes(lines)).toEqual([]);
		expect(row).toMatchObject({ status: 'COMPLETED', output: '5', exception: null, failure_time: null });
		expect(near(row.completion_time)).toBe(true);
		const { records, lead } = parseLog(row.log ?? '');
		expect(lead).toBe('');
		expect(records.map((record) => [record.level, record.text])).toEqual([
			['info', 'Starting task carrotsite.tasks.add'],
			['info', 'adding 2 and 3'],
			['warning', 'from another logger'],
			['info', 'Task carrotsite.tasks.add completed successfully with response 5'],
		]);
		for (const record of records) expect(record.thread).toMatch(/^default-warren-\d+$/);
	});

	it("has its first and last line in UTC and the task's in the project's zone, as carrot writes them", async () => {
		const runner = await launch(site);
		const { row } = await through(site, runner, 'zone-1', 'carrotsite.tasks.add', [1]);
		const clocks = parseLog(row.log ?? '').records.map((record) => record.clock);
		expect(Math.abs((clocks[0] ?? 0) - Date.now())).toBeLessThan(60_000);
		const hours = Math.round(((clocks[0] ?? 0) - (clocks[1] ?? 0)) / 3_600_000);
		// Chicago is five or six hours behind.
		expect([5, 6]).toContain(hours);
		expect(Math.abs((clocks[3] ?? 0) - Date.now())).toBeLessThan(60_000);
	});

	it('keeps a dict as JSON, nothing as NULL, and what is no JSON as it prints', async () => {
		const runner = await launch(site);
		const order = await through(site, runner, 'out-1', 'carrotsite.tasks.order', [7]);
		expect(order.row.output).toBe('{"order": 7, "total": 9.5}');
		expect((await through(site, runner, 'out-2', 'carrotsite.tasks.nothing')).row).toMatchObject({
			status: 'COMPLETED',
			output: null,
		});
		const odd = await through(site, runner, 'out-3', 'carrotsite.tasks.odd');
		expect(odd.row).toMatchObject({ status: 'COMPLETED', output: "{'not json': {1, 2}}" });
		expect(notes(odd.lines)[0]).toContain('no JSON');
		const halves = await through(site, runner, 'out-4', 'carrotsite.tasks.halves');
		expect(halves.row.output).toBe('nul \\x00 and half \\ud83d');
	});

	it('is failed with exception, traceback and log', async () => {
		const runner = await launch(site);
		const { row, end } = await through(site, runner, 'bad-1', 'carrotsite.tasks.broken', ['no such order']);
		expect(end.kind).toBe('raised');
		expect(row).toMatchObject({ status: 'FAILED', exception: 'no such order', output: null, completion_time: null });
		expect(near(row.failure_time)).toBe(true);
		expect(row.traceback).toMatch(/^Traceback \(most recent call last\):\n[\s\S]*ValueError: no such order\n$/);
		expect(row.traceback).not.toContain('warren_runner.py');
		const { records } = parseLog(row.log ?? '');
		expect(records.map((record) => record.text)).toEqual([
			'Starting task carrotsite.tasks.broken',
			'about to fail\non two lines',
		]);
		// The second line of a record has no prefix of its own.
		expect(parseLogLine('on two lines')).toBeNull();
	});

	it("is failed when there is no such task, without another task's log", async () => {
		const runner = await launch(site);
		await through(site, runner, 'gone-0', 'carrotsite.tasks.add', [1]);
		const { row, end } = await through(site, runner, 'gone-1', 'carrotsite.tasks.nowhere');
		expect(end.kind).toBe('not-found');
		expect(row).toMatchObject({
			status: 'FAILED',
			exception: "module 'carrotsite.tasks' has no attribute 'nowhere'",
			log: null,
		});
	});

	it('is in progress while the task runs', async () => {
		const runner = await launch(site);
		const { end } = await through(site, runner, 'run-1', 'carrotsite.tasks.own_rows');
		expect(end).toMatchObject({ result: { text: '1' } });
	});

	it('gets its outcome although the task left a transaction open', async () => {
		const runner = await launch(site);
		const { row } = await through(site, runner, 'open-1', 'carrotsite.tasks.leave_transaction_open');
		expect(row.status).toBe('COMPLETED');
		expect((await through(site, runner, 'open-2', 'carrotsite.tasks.add', [1])).row.status).toBe('COMPLETED');
	});

	it('has naive local times where the project has no time zones, and no SQL of ours in its log', async () => {
		const runner = await launch(naive);
		const { row, lines } = await through(naive, runner, 'naive-1', 'carrotsite.tasks.add', [1]);
		expect(row.status).toBe('COMPLETED');
		expect(row.completion_time).not.toContain('+');
		const behind = Math.round((Date.now() - Date.parse(`${row.completion_time}Z`)) / 3_600_000);
		expect([5, 6]).toContain(behind);
		expect(lines.filter((line) => line.logger?.startsWith('django.db') === true)).toEqual([]);
	});

	it('is found by its table alone where no app of the project knows it', async () => {
		const runner = await launch(site, { settings: 'carrotsite.modelless' });
		const { row } = await through(site, runner, 'table-1', 'carrotsite.tasks.add', [4]);
		expect(row).toMatchObject({ status: 'COMPLETED', output: '4' });
	});
});

describe('rows that are not as they should be', () => {
	it('a missing one: the task runs, and history says so', async () => {
		const runner = await launch(site);
		const { end, lines } = await run(runner, 'missing-1', 'carrotsite.tasks.add', [1]);
		expect(end.kind).toBe('returned');
		expect(notes(lines)[0]).toContain('The site has no row for message missing-1');
		expect((await site.rows()).some((row) => row.uuid === 'missing-1')).toBe(false);
	});

	it('one that is committed after its message came is waited for', async () => {
		const runner = await launch(site, { env: { WARREN_CARROT_WAIT: '30' } });
		const running = run(runner, 'late-1', 'carrotsite.tasks.own_rows');
		await site.add({ uuid: 'late-1', task: 'carrotsite.tasks.own_rows' });
		const { end, lines } = await running;
		expect(end).toMatchObject({ result: { text: '1' } });
		expect(notes(lines)).toEqual([]);
	});

	it('one that appears while the task runs gets the outcome', async () => {
		const runner = await launch(site, { env: { WARREN_CARROT_WAIT: '0' } });
		const flag = join(site.folder, 'late-flag');
		let seen: readonly LogLine[] = [];
		const running = run(runner, 'late-2', 'carrotsite.tasks.wait_for', [flag], (lines) => {
			seen = lines;
		});
		await waitFor('the note of the missing row', () => notes(seen).length > 0);
		await site.add({ uuid: 'late-2', task: 'carrotsite.tasks.wait_for' });
		writeFileSync(flag, '');
		const { lines } = await running;
		expect(notes(lines).at(-1)).toContain('appeared while the task ran');
		expect(rowOf(await site.rows(), 'late-2')).toMatchObject({ status: 'COMPLETED', output: 'waited' });
	});

	it('several with one message id are all noted and all kept in step', async () => {
		const runner = await launch(site);
		const numbers = [await site.add({ uuid: 'twin', task: 'a' }), await site.add({ uuid: 'twin', task: 'a' })];
		const { end, lines } = await run(runner, 'twin', 'carrotsite.tasks.add', [1]);
		expect(end.kind).toBe('returned');
		expect(notes(lines)[0]).toContain(`(numbers ${numbers.join(', ')})`);
		const twins = (await site.rows()).filter((row) => row.uuid === 'twin');
		expect(twins.map((row) => row.status)).toEqual(['COMPLETED', 'COMPLETED']);
	});

	it('one in progress is taken over from the run that did not end it', async () => {
		const runner = await launch(site);
		await site.add({ uuid: 'again-1', task: 'a', status: 'IN_PROGRESS' });
		const { lines } = await run(runner, 'again-1', 'carrotsite.tasks.add', [1]);
		expect(notes(lines)[0]).toContain('was in progress already');
		expect(rowOf(await site.rows(), 'again-1').status).toBe('COMPLETED');
	});

	it('one of the first message tells of a later attempt, which has no row of its own', async () => {
		const runner = await launch(site);
		const first = await through(site, runner, 'first-1', 'carrotsite.tasks.broken', ['not yet']);
		expect(first.row.status).toBe('FAILED');
		await run(runner, 'second-1', 'carrotsite.tasks.add', [1], () => {}, 'first-1');
		const row = rowOf(await site.rows(), 'first-1');
		expect(row).toMatchObject({
			status: 'COMPLETED',
			output: '1',
			exception: null,
			traceback: null,
			failure_time: null,
		});
		expect((await site.rows()).some((one) => one.uuid === 'second-1')).toBe(false);
		const again = await run(runner, 'third-1', 'carrotsite.tasks.add', [2], () => {}, 'first-1');
		expect(notes(again.lines)[0]).toContain('has completed');
		expect(rowOf(await site.rows(), 'first-1').output).toBe('1');
	});

	it('one that has ended keeps what it says', async () => {
		const runner = await launch(site);
		await site.add({ uuid: 'ended-1', task: 'a', status: 'FAILED', exception: 'the first time' });
		const { lines } = await run(runner, 'ended-1', 'carrotsite.tasks.add', [1]);
		expect(notes(lines)[0]).toContain('has ended already (FAILED)');
		expect(rowOf(await site.rows(), 'ended-1')).toMatchObject({ status: 'FAILED', exception: 'the first time' });
	});
});

describe('a database that refuses', () => {
	it('while it is locked is asked again until it takes the outcome', async () => {
		const locked = await makeSiteProject({ SITE_TIMEOUT: '0.05' });
		try {
			const runner = await launch(locked);
			await locked.add({ uuid: 'lock-1', task: 'a' });
			const flag = join(locked.folder, 'flag');
			let seen: readonly LogLine[] = [];
			const running = run(runner, 'lock-1', 'carrotsite.tasks.wait_for', [flag], (lines) => {
				seen = lines;
			});
			await waitFor('the row in progress', async () => rowOf(await locked.rows(), 'lock-1').status === 'IN_PROGRESS');
			const release = await locked.lock();
			writeFileSync(flag, '');
			await waitFor('the first refusal', () => notes(seen).some((text) => text.includes('it is tried again')));
			await release();
			const { end } = await running;
			expect(end.kind).toBe('returned');
			expect(rowOf(await locked.rows(), 'lock-1')).toMatchObject({ status: 'COMPLETED', output: 'waited' });
			expect(seen.every((line) => line.level !== 'error')).toBe(true);
		} finally {
			locked[Symbol.dispose]();
		}
	});

	it('for good leaves the outcome with Warren, says so, and does not end the runner', async () => {
		const locked = await makeSiteProject({ SITE_TIMEOUT: '0.05' });
		try {
			const runner = await launch(locked, { env: { WARREN_CARROT_PATIENCE: '0.3' } });
			await locked.add({ uuid: 'lock-2', task: 'a' });
			const flag = join(locked.folder, 'flag');
			const running = run(runner, 'lock-2', 'carrotsite.tasks.wait_for', [flag]);
			await waitFor('the row in progress', async () => rowOf(await locked.rows(), 'lock-2').status === 'IN_PROGRESS');
			const release = await locked.lock();
			writeFileSync(flag, '');
			const { end, lines } = await running;
			expect(end).toMatchObject({ kind: 'returned', result: { text: '"waited"' } });
			expect(notes(lines).some((text) => text.includes('it is tried again') && text.includes('locked'))).toBe(true);
			expect(notes(lines).at(-1)).toContain('could not be written to the row of message lock-2');
			await release();
			const next = await run(runner, 'lock-3', 'carrotsite.tasks.add', [1]);
			expect(next.end.kind).toBe('returned');
		} finally {
			locked[Symbol.dispose]();
		}
	});
});

function rowOf(rows: readonly DatabaseRow[], uuid: string): DatabaseRow {
	const row = rows.find((one) => one.uuid === uuid);
	if (row === undefined) throw new Error(`there is no row ${uuid}`);
	return row;
}
