import { spawn } from 'node:child_process';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { profileId, taskId } from '#main/domain/ids.ts';
import {
	DEFAULT_RETENTION,
	FINISHED_STATES,
	type FinishedState,
	type RetentionPolicy,
	type RetentionRule,
} from '#main/domain/retention.ts';
import type { AttemptOutcome, HistoryOp, TaskState } from '#main/domain/task.ts';
import { openForReading } from '#main/store/handles.ts';
import {
	delivered,
	finished,
	line,
	logged,
	PROFILE,
	published,
	removed,
	started,
	waiting,
} from '#test/support/history.ts';
import { waitFor } from '#test/support/wait.ts';
import { type DirectStore, directStore, storeOf, type TestHome, testHome } from './open.ts';

const LONG = process.env.WARREN_LONG !== undefined;
const DAY = 86_400_000;
const FOR_EVER: RetentionRule = { afterMs: null, maxRows: null };
const NOTHING: RetentionPolicy = {
	states: { succeeded: FOR_EVER, failed: FOR_EVER, revoked: FOR_EVER, rejected: FOR_EVER, lost: FOR_EVER },
	deletedAfterMs: Number.MAX_SAFE_INTEGER,
	quarantineAfterMs: Number.MAX_SAFE_INTEGER,
};

function rules(states: Partial<Record<FinishedState, Partial<RetentionRule>>>): RetentionPolicy {
	const made = FINISHED_STATES.map((state) => [state, { ...FOR_EVER, ...states[state] }] as const);
	return { ...NOTHING, states: Object.fromEntries(made) as RetentionPolicy['states'] };
}

function outcome(state: TaskState): AttemptOutcome {
	if (state === 'succeeded') return { state, result: null };
	const ended = state as 'failed' | 'rejected' | 'revoked' | 'lost';
	return { state: ended, exception: { type: 'E', message: 'no' }, traceback: null };
}

/** A task that came to be at `at` and, where it is over, ended then. */
function life(id: string, state: TaskState, at: number): readonly HistoryOp[] {
	if (state === 'queued') return [published(at, { id })];
	const begun = [published(at, { id }), started(at, `run-${id}`, { id })];
	if (state === 'running') return begun;
	return [...begun, logged(`run-${id}`, [line(at, 'a line')]), finished(at, `run-${id}`, outcome(state))];
}

function sweep(store: DirectStore, policy: RetentionPolicy, now: number, limit = 1_000): number {
	const [done] = store.writer.run([{ name: 'sweep', args: [PROFILE, policy, now, limit] }]);
	if (done?.ok !== true) throw new Error(done?.failure.message);
	return done.value as number;
}

function sweepAll(store: DirectStore, policy: RetentionPolicy, now: number, limit: number): number {
	let total = 0;
	for (;;) {
		const done = sweep(store, policy, now, limit);
		total += done;
		if (done < limit) return total;
	}
}

const has = (store: DirectStore, id: string) => store.calls.detail(PROFILE, taskId(id)) !== null;

/** Rows that hang on nothing, by table. */
function orphans(db: DirectStore['db']): number {
	const of = (sql: string) => db.read<{ n: number }>('orphans', sql, true).get()?.n ?? 0;
	return (
		of('SELECT count(*) AS n FROM attempts WHERE task NOT IN (SELECT seq FROM tasks)') +
		of('SELECT count(*) AS n FROM task_texts WHERE seq NOT IN (SELECT seq FROM tasks)') +
		of('SELECT count(*) AS n FROM messages WHERE attempt NOT IN (SELECT id FROM attempts)') +
		of('SELECT count(*) AS n FROM log_lines WHERE attempt NOT IN (SELECT id FROM attempts)') +
		of('SELECT count(*) AS n FROM retries WHERE task NOT IN (SELECT seq FROM tasks)') +
		of('SELECT count(*) AS n FROM search_dirty WHERE seq NOT IN (SELECT seq FROM tasks)')
	);
}

describe('a clean-up', () => {
	it('takes success that is older than three days, and nothing that went wrong, unless told otherwise', () => {
		using store = directStore();
		const now = 10 * DAY;
		store.apply(
			...life('old', 'succeeded', now - 3 * DAY - 1),
			...life('young', 'succeeded', now - 3 * DAY),
			...life('failed', 'failed', 1),
			...life('lost', 'lost', 1),
			...life('waits', 'queued', 1),
			...life('runs', 'running', 1),
		);
		expect(sweep(store, DEFAULT_RETENTION, now)).toBe(1);
		expect(['old', 'young', 'failed', 'lost', 'waits', 'runs'].filter((id) => has(store, id))).toEqual([
			'young',
			'failed',
			'lost',
			'waits',
			'runs',
		]);
		expect(store.calls.counts(PROFILE)).toMatchObject({ succeeded: 1, failed: 1, lost: 1, queued: 1, running: 1 });
	});

	it('leaves no part of a task behind, in no table and not in the search index', () => {
		using store = directStore();
		store.apply(
			published(1, { id: 'a', args: ['findme'] }),
			started(2, 'r1', { id: 'a' }),
			logged('r1', [line(2, 'x')]),
			finished(3, 'r1', outcome('failed')),
			published(4, { id: 'b', args: ['findme', 2] }, { requeueOf: 'a' }),
			started(5, 'r2', { id: 'b' }),
			finished(6, 'r2', outcome('succeeded')),
		);
		store.settle();
		expect(sweep(store, rules({ succeeded: { afterMs: 1 } }), 100)).toBe(1);
		store.settle();
		expect(orphans(store.db)).toBe(0);
		for (const table of ['tasks', 'attempts', 'messages', 'log_lines', 'task_texts', 'attempt_texts']) {
			expect([table, store.db.read<{ n: number }>('n', `SELECT count(*) AS n FROM ${table}`).get()?.n]).toEqual([
				table,
				0,
			]);
		}
		expect(store.calls.count(PROFILE, 'findme', 100)).toMatchObject({ value: 0 });
	});

	it('keeps the newest of a state where a number is set, whatever their age', () => {
		using store = directStore();
		for (let n = 0; n < 10; n += 1) store.apply(...life(`t${n}`, 'failed', 1_000 + n));
		expect(sweep(store, rules({ failed: { maxRows: 4 } }), 2_000)).toBe(6);
		expect(['t5', 't6', 't9'].map((id) => has(store, id))).toEqual([false, true, true]);
	});

	it('removes at most as many as it was told, the oldest first', () => {
		using store = directStore();
		for (let n = 0; n < 10; n += 1) store.apply(...life(`t${n}`, 'succeeded', 100 - n));
		expect(sweep(store, rules({ succeeded: { afterMs: 1 } }), 10_000, 3)).toBe(3);
		expect(['t9', 't8', 't7', 't6'].map((id) => has(store, id))).toEqual([false, false, false, true]);
	});

	it('takes what a person deleted once it can no longer be taken back, but never what runs', () => {
		using store = directStore();
		store.apply(...life('gone', 'failed', 1), ...life('late', 'failed', 1), ...life('runs', 'running', 1));
		store.apply(removed(10, ['gone', 'runs']), removed(90, ['late']));
		expect(sweep(store, { ...NOTHING, deletedAfterMs: 50 }, 100)).toBe(1);
		expect([has(store, 'gone'), has(store, 'late'), has(store, 'runs')]).toEqual([false, true, true]);
	});

	it('raises the revision, so that lists which show those rows read again', () => {
		using store = directStore();
		store.apply(...life('a', 'succeeded', 1));
		const before = store.calls.counts(PROFILE).revision;
		sweep(store, rules({ succeeded: { afterMs: 1 } }), 100);
		expect(store.calls.counts(PROFILE).revision).toBeGreaterThan(before);
	});

	it('touches no other profile', () => {
		using store = directStore();
		const other = profileId('other');
		store.apply(
			published(1, { id: 'a', profile: other }),
			{ ...started(1, 'r', { id: 'a', profile: other }) },
			finished(1, 'r', outcome('succeeded'), 1, other),
		);
		expect(sweep(store, rules({ succeeded: { afterMs: 1 } }), 1_000)).toBe(0);
		expect(store.calls.detail(other, taskId('a'))).not.toBeNull();
	});

	it('gives unused pages of the file back', () => {
		using store = directStore();
		const body = new Uint8Array(100_000);
		for (let n = 0; n < 30; n += 1) store.apply(...life(`t${n}`, 'succeeded', 1), waiting(1, { id: `w${n}`, body }));
		store.apply(
			removed(
				2,
				Array.from({ length: 30 }, (_, n) => `w${n}`),
			),
		);
		sweep(store, { ...NOTHING, deletedAfterMs: 1 }, 1_000);
		const pages = () =>
			store.db.read<{ n: number }>('pages', 'SELECT page_count AS n FROM pragma_page_count').get()?.n ?? 0;
		const before = pages();
		let left = 1;
		for (let tries = 0; left > 0 && tries < 100; tries += 1) {
			const [done] = store.writer.run([{ name: 'compact', args: [200] }]);
			if (done?.ok !== true) throw new Error(done?.failure.message);
			left = done.value as number;
		}
		expect(left).toBe(0);
		expect(pages()).toBeLessThan(before - 500);
	});
});

describe('the rule that nothing younger, and nothing of another state, goes', () => {
	const state = fc.constantFrom<TaskState>('queued', 'running', 'succeeded', 'failed', 'revoked', 'rejected', 'lost');
	const task = fc.record({
		state,
		at: fc.integer({ min: 1, max: 1_000 }),
		removedAt: fc.option(fc.integer({ min: 1_001, max: 1_500 })),
	});
	const rule = fc.record({
		afterMs: fc.option(fc.integer({ min: 0, max: 1_200 })),
		maxRows: fc.option(fc.integer({ min: 0, max: 12 })),
	});
	const policy = fc.tuple(rule, rule, rule, rule, rule, fc.integer({ min: 0, max: 800 })).map(
		([succeeded, failed, revoked, rejected, lost, deletedAfterMs]): RetentionPolicy => ({
			states: { succeeded, failed, revoked, rejected, lost },
			deletedAfterMs,
			quarantineAfterMs: 1_000,
		}),
	);

	it('holds for any history, policy and batch size, and the preview counts just what goes', () => {
		fc.assert(
			fc.property(
				fc.array(task, { maxLength: 40 }),
				policy,
				fc.integer({ min: 1, max: 7 }),
				fc.integer({ min: 1_500, max: 2_300 }),
				(tasks, keep, limit, now) => {
					using store = directStore();
					for (const [n, { state: one, at, removedAt }] of tasks.entries()) {
						store.apply(...life(`t${n}`, one, at));
						if (removedAt !== null) store.apply(removed(removedAt, [`t${n}`]));
					}
					const preview = store.calls.previewRetention(PROFILE, keep, now);
					const gone = sweepAll(store, keep, now, limit);
					expect(preview.rows).toBe(gone);
					const left = tasks.map((one, n) => ({ ...one, n })).filter(({ n }) => has(store, `t${n}`));
					expect(tasks.length - left.length).toBe(gone);
					const stays = new Set(left.map(({ n }) => n));
					for (const [n, one] of tasks.entries()) {
						const over = FINISHED_STATES.find((name) => name === one.state);
						if (one.removedAt !== null) {
							const due = one.state !== 'running' && one.removedAt < now - keep.deletedAfterMs;
							expect([n, stays.has(n)]).toEqual([n, !due]);
						} else if (over === undefined) {
							expect([n, stays.has(n)]).toEqual([n, true]);
						} else {
							const { afterMs, maxRows } = keep.states[over];
							const peers = tasks
								.map((peer, m) => ({ ...peer, m }))
								.filter((p) => p.state === over && p.removedAt === null);
							const newer = peers.filter((p) => p.at > one.at || (p.at === one.at && p.m > n)).length;
							const due = (afterMs !== null && one.at < now - afterMs) || (maxRows !== null && newer >= maxRows);
							expect([n, stays.has(n)]).toEqual([n, !due]);
						}
					}
					const counts = store.calls.counts(PROFILE);
					for (const name of ['queued', 'running', ...FINISHED_STATES] as const) {
						expect([name, counts[name]]).toEqual([
							name,
							left.filter((one) => one.state === name && one.removedAt === null).length,
						]);
					}
					expect(orphans(store.db)).toBe(0);
				},
			),
			{ numRuns: LONG ? 600 : 40 },
		);
	});
});

describe('a policy', () => {
	it('is the default until one is set, and again when it is unset', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		expect(await store.retention.settings(PROFILE)).toEqual({
			policy: DEFAULT_RETENTION,
			isDefault: true,
			ranAt: null,
		});
		await store.retention.set(PROFILE, NOTHING);
		await store.retention.noteRun(PROFILE, 77);
		expect(await store.retention.settings(PROFILE)).toEqual({ policy: NOTHING, isDefault: false, ranAt: 77 });
		await store.retention.set(PROFILE, null);
		expect(await store.retention.settings(PROFILE)).toMatchObject({ isDefault: true, ranAt: 77 });
	});
});

describe('a clean-up that is killed in the middle', () => {
	let home: TestHome;
	beforeEach(() => {
		home = testHome();
	});
	afterEach(() => home[Symbol.dispose]());

	it('leaves every task whole or gone, and the next one goes on', async () => {
		const total = LONG ? 20_000 : 3_000;
		{
			await using store = await storeOf(home.home);
			const ops: HistoryOp[] = [];
			for (let n = 0; n < total; n += 1) ops.push(...life(`t${n}`, n % 10 === 0 ? 'failed' : 'succeeded', 1 + n));
			for (let at = 0; at < ops.length; at += 2_000) await store.history.apply(ops.slice(at, at + 2_000));
			await store.history.apply([
				{ ...started(1, 'q', { id: 'q' }), message: delivered({ id: 'q' }) },
				{
					kind: 'quarantined',
					profile: PROFILE,
					at: 1,
					run: 'q',
					cause: 'undecodable',
					reason: 'no',
					name: null,
					messageId: 'q',
					message: delivered({ id: 'q' }),
				},
			]);
		}
		const policy = rules({ succeeded: { afterMs: 1 } });
		const cleaner = spawn(process.execPath, [new URL('./cleaner.ts', import.meta.url).pathname], {
			env: { ...process.env, CLEANER: JSON.stringify({ home: home.home, policy, now: 1_000_000_000, limit: 25 }) },
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		const gone = new Promise((resolve) => cleaner.once('exit', resolve));
		let said = '';
		cleaner.stdout.setEncoding('utf8').on('data', (text: string) => {
			said += text;
		});
		await waitFor('some batches', () => said.split('\n').length > 6);
		cleaner.kill('SIGKILL');
		await gone;

		await using store = await storeOf(home.home);
		const left = await store.history.counts(PROFILE);
		expect(left.failed).toBe(total / 10);
		expect(left.running).toBe(1);
		expect(left.succeeded).toBeGreaterThan(0);
		expect(left.succeeded).toBeLessThan(total - total / 10);
		using db = openForReading(home.file, () => {});
		expect(db.read<{ n: number }>('n', 'SELECT count(*) AS n FROM tasks WHERE state = 2').get()?.n).toBe(
			left.succeeded,
		);
		expect(orphans(db)).toBe(0);
		while ((await store.retention.sweep(PROFILE, policy, 1_000_000_000, 500)) > 0);
		expect(await store.history.counts(PROFILE)).toMatchObject({ succeeded: 0, failed: total / 10, running: 1 });
		expect(
			(await store.quarantine.page(PROFILE, { state: null, cause: null, queue: null, limit: 5, before: null })).held,
		).toBe(1);
	});
});
