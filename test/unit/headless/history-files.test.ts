/** History out to files and back in, by the command line in this process. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readCsv } from '#main/dialects/csv.ts';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { testIo } from '#test/support/cli-io.ts';
import { waitFor } from '#test/support/wait.ts';

vi.setConfig({ testTimeout: 60_000 });

let home: string;
beforeAll(async () => {
	home = mkdtempSync(join(tmpdir(), 'warren-files-'));
	for (const name of ['log', 'other', 'third']) {
		const added = await run(['profile', 'add', name, '--framework', 'celery', '--broker', 'redis://127.0.0.1:1/0']);
		expect(added.code).toBe(0);
	}
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function run(args: readonly string[], lines: readonly string[] = []) {
	const io = testIo(['--home', home, ...args], { lines });
	const code = await runCommandLine(io);
	return { code, out: io.out(), err: io.err() };
}
async function json(args: readonly string[]) {
	const ran = await run(['--json', ...args]);
	return { ...ran, doc: JSON.parse(ran.out) };
}

const HEADER =
	'id;app_name;exception;parent_id;priority;retries;received;runtime;started;state;task_id;task_name;timestamp\r\n';
const LOG = `${HEADER}\
1;shop;Retry;;4;0;2024-02-29 12:00:00.125000+00:00;0.5;2024-02-29 12:00:01+00:00;retry;t-1;shop.tasks.charge;2024-02-29 12:00:01.500000+00:00\r
2;shop;ValueError;;4;1;2024-02-29 12:01:00+00:00;0.25;2024-02-29 12:01:01+00:00;failure;t-1;shop.tasks.charge;2024-02-29 12:01:01.250000+00:00\r
3;mail;;;;0;2024-02-29 13:00:00+00:00;1.5;2024-02-29 13:00:00+00:00;success;t-2;mail.tasks.send;2024-02-29 13:00:01.500000+00:00\r
`;

describe('task import and task export', () => {
	it('give an aa-taskmonitor log back as it came, but for its numbers of entries', async () => {
		const file = join(home, 'tasklogs.csv');
		writeFileSync(file, LOG);
		expect(await json(['--profile', 'log', 'task', 'import', file])).toMatchObject({
			code: 0,
			doc: { taken: 3, known: 0, refused: 0 },
		});
		const list = await json(['--profile', 'log', 'task', 'list', 'state:failed']);
		expect(list.doc.items).toMatchObject([
			{ id: 't-1', name: 'shop.tasks.charge', attempts: 2, worker: null, exception: { type: 'ValueError' } },
		]);
		const out = await run(['--profile', 'log', 'task', 'export', '--format', 'csv']);
		const [header, ...records] = readCsv(out.out, ';', true).records;
		const [, ...given] = readCsv(LOG, ';', true).records;
		expect(header?.join(';')).toBe(HEADER.trim());
		// A priority is not among what facts say of a run; its column stays empty.
		const known = (record: readonly string[]) => record.filter((_, column) => column !== 0 && column !== 4);
		expect(records.map(known)).toEqual(given.map(known));
	});

	it('change nothing when the same file is taken in again, in another order', async () => {
		const before = await run(['--profile', 'log', 'task', 'export']);
		const file = join(home, 'again.csv');
		const [, ...records] = LOG.trimEnd().split('\r\n');
		writeFileSync(file, HEADER + records.toReversed().join('\r\n'));
		expect((await json(['--profile', 'log', 'task', 'import', file])).doc).toMatchObject({ taken: 3 });
		const after = await run(['--profile', 'log', 'task', 'export']);
		const timeless = (text: string) => text.replaceAll(/"updatedAt":[\d.]+/g, '').replaceAll(/"id":\d+/g, '');
		expect(timeless(after.out)).toBe(timeless(before.out));
	});

	it('write JSON Lines with all digits that another profile takes in', async () => {
		const id = (
			await json([
				'task',
				'publish',
				'orders.total',
				'--args',
				"9223372036854775808, 1.50, '=1+1'",
				'--kwargs',
				'{"a": 10.10}',
			])
		).doc.id as string;
		const file = join(home, 'tasks.jsonl');
		const wrote = await json(['--profile', 'sandbox', 'task', 'export', `id:${id}`, '--out', file]);
		expect(wrote.doc).toEqual({ file, rows: 1 });
		const text = readFileSync(file, 'utf8');
		expect(text).toContain('"args":[9223372036854775808,1.50,"=1+1"]');
		expect(text.trimEnd().split('\n')).toHaveLength(1);
		expect((await json(['--profile', 'other', 'task', 'import', file])).doc).toMatchObject({ taken: 1, refused: 0 });
		const shown = await run(['--profile', 'other', '--json', 'task', 'show', id]);
		expect(shown.out).toContain('"args":[9223372036854775808,1.50,"=1+1"]');
		expect(JSON.parse(shown.out)).toMatchObject({ name: 'orders.total', state: 'queued', kwargs: { a: 10.1 } });
		// What Warren knows from elsewhere stays as it is.
		expect((await json(['--profile', 'sandbox', 'task', 'import', file])).doc).toMatchObject({ taken: 0, known: 1 });
	});

	it('keep formulas from spreadsheets, unless asked not to', async () => {
		const full = ['--profile', 'sandbox', 'task', 'export', '--format', 'csv', '--full'];
		await run(['task', 'publish', '=cmd()']);
		const [header = [], ...records] = readCsv((await run(full)).out, ';', true).records;
		const name = header.indexOf('task_name');
		expect(records.map((record) => record[name])).toContain("'=cmd()");
		const bare = readCsv((await run([...full, '--formulas'])).out, ';', true).records;
		expect(bare.map((record) => record[name])).toContain('=cmd()');
	});

	it('say which records cannot be read, and take in the others', async () => {
		const lines = [...LOG.trimEnd().split('\r\n'), '4;;;;;0;;;;done;t-4;x;2024-02-29 13:00:00+00:00'];
		const ran = await run(['--profile', 'third', 'task', 'import', '-'], lines);
		expect(ran.code).toBe(1);
		expect(ran.out).toContain('Took in 3 records.');
		expect(ran.err).toContain('Record 4: state: "done" is none of success, retry, failure.');
	});

	it('leave a file as it was where they are stopped, and say so', async () => {
		const out = join(home, 'kept.jsonl');
		writeFileSync(out, 'before');
		const io = testIo(['--home', home, '--profile', 'log', 'task', 'export', '--out', out]);
		const exit: { code: number | null } = { code: null };
		const running = runCommandLine(io).then((code) => {
			exit.code = code;
		});
		// Whenever it listens: nothing may be written at any moment before the end.
		await waitFor('the end', () => {
			io.interrupt();
			return exit.code !== null;
		});
		await running;
		expect(exit.code).toBe(1);
		expect(io.err()).toMatch(/Stopped|cancelled/i);
		expect(readFileSync(out, 'utf8')).toBe('before');
		expect(readdirSync(home).filter((name) => name.includes('.part'))).toEqual([]);
	});

	it('refuse files of another kind, and leave nothing behind where they cannot write', async () => {
		const file = join(home, 'notes.csv');
		writeFileSync(file, 'a;b\r\n1;2\r\n');
		expect((await run(['--profile', 'log', 'task', 'import', file])).err).toContain(
			'The first line is not that of a task log',
		);
		expect((await run(['--profile', 'log', 'task', 'import', join(home, 'none.csv')])).err).toContain('cannot be read');
		const nowhere = await run(['--profile', 'log', 'task', 'export', '--out', join(home, 'no', 'where.csv')]);
		expect(nowhere.code).not.toBe(0);
		const wrong = await run(['--profile', 'log', 'task', 'export', 'state:', '--out', join(home, 'out.csv')]);
		expect(wrong.code).toBe(2);
		expect(readdirSync(home).filter((name) => name.includes('.part') || name === 'out.csv')).toEqual([]);
	});
});
