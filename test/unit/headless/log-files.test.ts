/** An attempt's log by the command line in this process: shown, searched, followed, written to a file. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { silentLog } from '#main/domain/log.ts';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { type OpenStore, openStore } from '#main/store/client.ts';
import { testIo } from '#test/support/cli-io.ts';
import { failed, finished, line, logged, published, SUCCEEDED, started } from '#test/support/history.ts';
import { waitFor } from '#test/support/wait.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const LINES = 3_000;
let home: string;
let store: OpenStore;

beforeAll(async () => {
	home = mkdtempSync(join(tmpdir(), 'warren-logs-'));
	expect((await run(['profile', 'list'])).code).toBe(0);
	const thread = new URL('../../../src-main/store/thread.ts', import.meta.url);
	const opened = await openStore({ home, thread, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	store = opened.value;
	const lines = Array.from({ length: LINES }, (_, at) =>
		line(at, at % 1_000 === 999 ? `row ${at} failed\nfor good` : `row ${at}\u001b]0;title\u0007`, {
			level: at % 1_000 === 999 ? 'error' : 'info',
		}),
	);
	await store.history.apply([
		published(1, { id: 'past' }),
		started(2, 'one', { id: 'past' }),
		logged('one', lines, 0),
		finished(3, 'one', failed()),
	]);
});
afterAll(async () => {
	await store?.[Symbol.asyncDispose]();
	rmSync(home, { recursive: true, force: true });
});

async function run(args: readonly string[]) {
	const io = testIo(['--home', home, '--profile', 'sandbox', ...args]);
	const code = await runCommandLine(io);
	return { code, out: io.out(), err: io.err() };
}
const seqs = (out: string) =>
	out
		.trimEnd()
		.split('\n')
		.map((one) => (JSON.parse(one) as { seq: number }).seq);

describe('the log of a task', () => {
	it('is shown whole, from a level, by words, and by its last lines', async () => {
		expect(seqs((await run(['--json', 'log', 'show', 'past'])).out)).toEqual(
			Array.from({ length: LINES }, (_, at) => at),
		);
		expect(seqs((await run(['--json', 'log', 'show', 'past', '--level', 'error'])).out)).toEqual([999, 1999, 2999]);
		expect(seqs((await run(['--json', 'log', 'show', 'past', '--grep', '/row 1?999 /'])).out)).toEqual([999, 1999]);
		expect(seqs((await run(['--json', 'log', 'show', 'past', '--tail', '2'])).out)).toEqual([2998, 2999]);
		expect(seqs((await run(['--json', 'log', 'show', 'past', '--tail', '2', '--level', 'error'])).out)).toEqual([
			1999, 2999,
		]);
		// More than there are is all of them.
		expect(seqs((await run(['--json', 'log', 'show', 'past', '--tail', '9000'])).out)).toHaveLength(LINES);
		const shown = await run(['log', 'show', 'past', '--tail', '1']);
		expect(shown.out).toContain('error    shop row 2999 failed');
	});

	it('is shown whole with its task as well, where its lines are long', async () => {
		const wide = Array.from({ length: 60 }, (_, at) => line(at, `${at} ${'x'.repeat(100_000)}`));
		await store.history.apply([
			published(1, { id: 'wide' }),
			started(2, 'wide', { id: 'wide' }),
			logged('wide', wide, 0),
			finished(3, 'wide', SUCCEEDED),
		]);
		const { log } = JSON.parse((await run(['--json', 'task', 'show', 'wide'])).out) as { log: { text: string }[] };
		expect(log.map(({ text }) => Number.parseInt(text, 10))).toEqual(wide.map((_, at) => at));
	});

	it('is searched with the numbers of lines, and ends like grep', async () => {
		const found = await run(['log', 'find', 'past', 'row', '2999']);
		expect(found).toMatchObject({ code: 0, err: '1 line matches.\n' });
		expect(found.out).toMatch(/^ +3,000 {2}.*row 2999 failed/);
		expect(await run(['log', 'find', 'past', 'nothing'])).toMatchObject({ code: 1, out: '' });
		const wrong = await run(['log', 'find', 'past', '/(/']);
		expect(wrong.code).not.toBe(0);
		expect(wrong.err).toContain('a ( without its )');
		// A line is looked for by the number that stands before it.
		expect((await run(['log', 'find', 'past', 'line:3000'])).out).toMatch(/^ +3,000 {2}.*row 2999 failed/);
		const loud = await run(['log', 'show', 'past', '--grep', 'level:loud']);
		expect(loud).toMatchObject({ code: 2, out: '' });
		expect(loud.err).toMatch(
			/^warren: --grep: "loud" is nothing that "level:" knows.*\(At character 7 of the query\.\)/,
		);
	});

	it('is written to a file, without what would drive a terminal, or not at all', async () => {
		const file = join(home, 'past.log');
		expect((await run(['--json', 'log', 'export', 'past', '--out', file])).out).toBe(
			`${JSON.stringify({ file, lines: LINES })}\n`,
		);
		const text = readFileSync(file, 'utf8');
		expect(text.match(/^\d{4}/gm)).toHaveLength(LINES);
		expect(text).not.toContain('\u001b');
		expect(text).toContain('ERROR    shop: row 2999 failed\n    for good\n');
		const lost = await run(['log', 'export', 'past', '--out', join(home, 'nowhere', 'x.log')]);
		expect(lost.code).not.toBe(0);
		expect(lost.err).toContain('cannot be written');
		expect(readdirSync(home).filter((name) => name.includes('.part'))).toEqual([]);
	});

	it('names the attempts there are', async () => {
		const asked = await run(['log', 'show', 'past', '--attempt', '7']);
		expect(asked.code).not.toBe(0);
		expect(asked.err).toContain('no attempt 7; its last is 1');
	});

	it('is followed until its task has ended, and nothing is missing', async () => {
		await store.history.apply([
			published(10, { id: 'going' }),
			started(11, 'two', { id: 'going' }),
			logged('two', [line(12, 'first')], 0),
		]);
		const io = testIo(['--home', home, '--profile', 'sandbox', '--json', 'log', 'show', 'going', '--follow']);
		const following = runCommandLine(io);
		await waitFor('the first line', () => io.out().includes('first'), 60_000);
		await store.history.apply([logged('two', [line(13, 'second')], 1)]);
		await waitFor('the second line', () => io.out().includes('second'), 60_000);
		await store.history.apply([logged('two', [line(14, 'last')], 2), finished(15, 'two', failed())]);
		expect(await following).toBe(0);
		expect(seqs(io.out())).toEqual([0, 1, 2]);
		expect(io.err()).toMatch(/^Attempt 1 has ended: failed.*: /m);
	});

	it('is followed from while its task waits, through a second attempt, to the end', async () => {
		await store.history.apply([published(20, { id: 'later' })]);
		const io = testIo(['--home', home, '--profile', 'sandbox', 'log', 'show', 'later', '--follow', '--tail', '5']);
		const following = runCommandLine(io);
		await waitFor('the word that it waits', () => io.err().includes('It waits in its queue'), 60_000);
		await store.history.apply([started(21, 'three', { id: 'later' }), logged('three', [line(22, 'tried once')], 0)]);
		await waitFor('the first line', () => io.out().includes('tried once'), 60_000);
		await store.history.apply([
			logged('three', [line(23, 'gave up')], 1),
			finished(24, 'three', failed()),
			published(25, { id: 'later-again' }, { requeueOf: 'later' }),
		]);
		await waitFor('the end of the first attempt', () => io.out().includes('gave up'), 60_000);
		await store.history.apply([
			started(26, 'four', { id: 'later-again' }),
			logged('four', [line(27, 'tried twice')], 0),
			finished(28, 'four', SUCCEEDED),
		]);
		expect(await following).toBe(0);
		expect(io.out()).toMatch(/tried once\n.*gave up\n.*tried twice\n$/);
		expect(io.err()).toMatch(/^Attempt 2 has ended: succeeded/m);
	});

	it('is told whole by task follow too, however late somebody asks, each line with its attempt', async () => {
		const told = (await run(['--json', 'task', 'follow', 'past'])).out.trimEnd().split('\n');
		expect(told).toHaveLength(LINES);
		expect(JSON.parse(told.at(-1) ?? '')).toMatchObject({ seq: LINES - 1, level: 'error', attempt: 1 });
	});
});
