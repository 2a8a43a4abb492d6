import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { taskId } from '#main/domain/ids.ts';
import { LOG_LINES_CAP, LOG_SIZE_CAP } from '#main/domain/log-bounds.ts';
import type { TaskDetail } from '#main/domain/task.ts';
import {
	ARGUMENTS_CAP,
	BODY_CAP,
	cutEnd,
	cutMiddle,
	EXCEPTION_CAP,
	LOG_LINE_CAP,
	RESULT_CAP,
	TRACEBACK_CAP,
} from '#main/store/caps.ts';
import { failed, finished, line, logged, PROFILE, published, started } from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';

function begun(store: DirectStore): TaskDetail {
	store.apply(published(1, { id: 'm1' }), started(2, 'run', { id: 'm1' }));
	return shown(store);
}

function shown(store: DirectStore): TaskDetail {
	const task = store.calls.detail(PROFILE, taskId('m1'));
	if (task === null) throw new Error('There is no task m1');
	return task;
}

function page(store: DirectStore, afterSeq = -1, more: Partial<Parameters<DirectStore['calls']['log']>[1]> = {}) {
	const attempt = shown(store).history.at(-1)?.id;
	if (attempt === undefined) throw new Error('There is no attempt');
	const read = store.calls.log(attempt, { afterSeq, limit: 10, minLevel: 'debug', search: '', ...more });
	if (!read.ok) throw new Error(read.error.message);
	return read.value;
}

/** As if so much had been logged already: to write it all down would take a minute. */
function logStandsAt(store: DirectStore, lines: number, size: number): void {
	const other = new Database(store.file);
	other.prepare('UPDATE attempts SET log_lines = ?, log_bytes = ?').run(lines, size);
	other.close();
}

describe('the log of an attempt', () => {
	it('is numbered, and read by number, level and words', () => {
		using store = directStore();
		begun(store);
		store.apply(
			logged('run', [
				line(3, 'one'),
				line(4, 'Two', { level: 'error' }),
				line(5, 'three', { level: 'debug', logger: 'two.logger' }),
				line(6, 'four', { source: 'stdout', logger: null }),
			]),
		);
		expect(page(store).lines.map((one) => [one.seq, one.text])).toEqual([
			[0, 'one'],
			[1, 'Two'],
			[2, 'three'],
			[3, 'four'],
		]);
		expect(page(store, 1, { limit: 1 })).toMatchObject({ lines: [{ seq: 2, logger: 'two.logger' }], total: 4 });
		expect(page(store, -1, { minLevel: 'warning' })).toMatchObject({
			lines: [{ text: 'Two', level: 'error' }],
			total: 1,
		});
		expect(page(store, -1, { search: 'TWO' })).toMatchObject({ lines: [{ seq: 1 }, { seq: 2 }], total: 2 });
		expect(page(store, 1, { search: 'TWO' })).toMatchObject({ lines: [{ seq: 2 }], total: 2 });
	});

	it('takes lines told twice once, when the run numbers them', () => {
		using store = directStore();
		begun(store);
		const lines = [line(3, 'one'), line(3, 'two')];
		store.apply(logged('run', lines, 0), logged('run', lines, 0), logged('run', [line(3, 'two'), line(4, 'three')], 1));
		expect(page(store).lines.map((one) => one.text)).toEqual(['one', 'two', 'three']);
	});

	it('ends with one line that says so after the most lines that are kept', () => {
		using store = directStore();
		begun(store);
		logStandsAt(store, LOG_LINES_CAP - 10, 1_000_000);
		const many = Array.from({ length: 20 }, (_, at) => line(at, 'x'));
		store.apply(logged('run', many));
		store.apply(logged('run', many));
		const task = shown(store);
		expect(task.history[0]).toMatchObject({ logLines: LOG_LINES_CAP + 1, truncated: true });
		expect(page(store, LOG_LINES_CAP - 2)).toMatchObject({
			lines: [
				{ seq: LOG_LINES_CAP - 1, text: 'x' },
				{
					seq: LOG_LINES_CAP,
					source: 'warren',
					level: 'warning',
					text: expect.stringContaining('only its first 1000000 lines'),
				},
			],
			total: LOG_LINES_CAP + 1,
		});
	});

	it('ends so too after the most text that is kept, and cuts a line that is too long', () => {
		using store = directStore();
		begun(store);
		const long = 'y'.repeat(LOG_LINE_CAP + 5);
		logStandsAt(store, 0, LOG_SIZE_CAP - 10 * LOG_LINE_CAP);
		store.apply(
			logged(
				'run',
				Array.from({ length: 16 }, () => line(3, long)),
			),
		);
		const lines = shown(store).history[0]?.logLines ?? 0;
		// A cut line is a little longer than its limit, for the words that say so.
		expect(lines).toBe(10);
		expect(page(store, -1, { limit: 1 }).lines[0]?.text).toMatch(/^y+… \[5 more characters were cut\]$/);
		expect(page(store, lines - 2).lines.at(-1)?.source).toBe('warren');
	});
});

describe('what is too large for history', () => {
	it('is cut from arguments, but not from the raw message', () => {
		using store = directStore();
		const body = new Uint8Array(ARGUMENTS_CAP + 100).fill(97);
		store.apply(published(1, { id: 'm1', args: ['z'.repeat(ARGUMENTS_CAP)], body }));
		const task = shown(store);
		expect(task).toMatchObject({
			argsJson: null,
			kwargsJson: null,
			arguments: null,
			history: [{ truncated: true, hasMessage: true }],
		});
		expect(task.preview).toHaveLength(200);
		const attempt = task.history[0]?.id;
		expect(attempt === undefined ? null : store.calls.message(attempt)?.body).toEqual(body);
	});

	it('is cut from exceptions and tracebacks, whose ends stay', () => {
		using store = directStore();
		begun(store);
		const traceback = `first line\n${'t'.repeat(TRACEBACK_CAP)}\nValueError: the end`;
		store.apply(
			finished(3, 'run', {
				state: 'failed',
				exception: { type: 'ValueError', message: 'm'.repeat(EXCEPTION_CAP + 1) },
				traceback,
			}),
		);
		const task = shown(store);
		expect(task.traceback?.length).toBeLessThan(TRACEBACK_CAP + 100);
		expect(task.traceback).toMatch(/^first line\n[\s\S]*were cut here[\s\S]*ValueError: the end$/);
		expect(task.exception?.message).toContain('1 more characters were cut');
		expect(task.history[0]?.truncated).toBe(true);
	});

	it('makes a result text of JSON that no longer is JSON', () => {
		using store = directStore();
		begun(store);
		const text = JSON.stringify('r'.repeat(RESULT_CAP));
		store.apply(finished(3, 'run', { state: 'succeeded', result: { kind: 'json', text } }));
		expect(shown(store).result).toMatchObject({ kind: 'text', type: 'json' });
		expect(shown(store).history[0]?.truncated).toBe(true);
	});

	it('leaves the raw message out when its body is enormous, and says so', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1', body: new Uint8Array(BODY_CAP + 1) }));
		expect(shown(store).history[0]).toMatchObject({ hasMessage: false, truncated: true });
	});

	it('is cut between characters, never within one', () => {
		expect(cutEnd('ab\u{1f40d}c', 3)).toBe('ab… [2 more characters were cut]');
		expect(cutEnd('abc', 3)).toBe('abc');
		expect(cutMiddle('abc', 3)).toBe('abc');
		expect(cutMiddle(`${'a'.repeat(4)}${'b'.repeat(12)}`, 8)).toBe(
			`aa\n… [8 characters were cut here] …\n${'b'.repeat(6)}`,
		);
	});

	it('does not change a failure that fits', () => {
		using store = directStore();
		begun(store);
		store.apply(finished(3, 'run', failed()));
		expect(shown(store).history[0]?.truncated).toBe(false);
	});
});
