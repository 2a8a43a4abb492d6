import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { taskId } from '#main/domain/ids.ts';
import { type HistoryOp, TASK_STATES, type TaskDetail, type UndecodableTask } from '#main/domain/task.ts';
import { attemptsByMessage } from '#main/store/attempts-by-message.ts';
import {
	decoded,
	delivered,
	failed,
	finished,
	line,
	logged,
	PROFILE,
	published,
	removed,
	restored,
	SUCCEEDED,
	started,
	waiting,
} from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';

const LONG = process.env.WARREN_LONG !== undefined;

function detail(store: DirectStore, id: string): TaskDetail {
	const found = store.calls.detail(PROFILE, taskId(id));
	if (found === null) throw new Error(`There is no task ${id}`);
	return found;
}

const FAULT: UndecodableTask = {
	name: null,
	messageId: null,
	priority: null,
	reason: 'The body is not JSON.',
	exceptionType: 'InvalidMessage',
};

describe('the life of a task', () => {
	it('goes from published over started to succeeded, with what each fact said', () => {
		using store = directStore();
		const made = {
			id: 'm1',
			name: 'shop.add',
			args: [1, 'two'],
			kwargs: { deep: { x: [null] } },
			priority: 4,
			queue: 'mail',
		};
		store.apply(published(1_000, made));
		expect(detail(store, 'm1')).toMatchObject({
			state: 'queued',
			name: 'shop.add',
			queue: 'mail',
			priority: 4,
			publishedAt: 1_000,
			startedAt: null,
			attempts: 1,
			preview: "1, 'two', deep={'x': [None]}",
			argsJson: '[1, "two"]',
			updatedAt: 1_000,
		});
		const [facts] = store.apply(started(1_500, 'run', made));
		expect(facts).toMatchObject({ taskId: 'm1', attemptNumber: 1, earlierOutcome: null });
		expect(detail(store, 'm1')).toMatchObject({
			state: 'running',
			startedAt: 1_500,
			worker: 'host:1:set',
			finishedAt: null,
		});
		store.apply(logged('run', [line(1_600, 'one'), line(1_601, 'two')]), finished(2_000, 'run', SUCCEEDED, 499.5));
		expect(detail(store, 'm1')).toMatchObject({
			state: 'succeeded',
			finishedAt: 2_000,
			runtimeMs: 499.5,
			result: { kind: 'json', text: '{"ok": true}' },
			arguments: decoded(made).call,
			history: [{ number: 1, cause: 'published', messageId: 'm1', state: 'succeeded', queuedAt: 1_000, logLines: 2 }],
		});
		expect(store.calls.counts(PROFILE)).toMatchObject({ queued: 0, running: 0, succeeded: 1 });
	});

	it('keeps the exception and the whole traceback of a failure', () => {
		using store = directStore();
		store.apply(
			published(1, { id: 'm1' }),
			started(2, 'run', { id: 'm1' }),
			finished(3, 'run', failed('KeyError', "'x'")),
		);
		const task = detail(store, 'm1');
		expect(task.exception).toEqual({ type: 'KeyError', message: "'x'" });
		expect(task.traceback).toBe(
			'Traceback (most recent call last):\n  File "shop/tasks.py", line 7, in run\nKeyError: \'x\'\n',
		);
	});

	it('is begun by a worker that met a message nobody had announced', () => {
		using store = directStore();
		const [facts] = store.apply(started(5, 'run', { id: 'm1', name: 'shop.add', queue: 'mail', publishedAt: 3 }));
		expect(facts).toMatchObject({ taskId: 'm1', attemptNumber: 1, earlierOutcome: null });
		expect(detail(store, 'm1')).toMatchObject({ state: 'running', publishedAt: 3, queue: 'mail' });
		expect(detail(store, 'm1').history[0]?.queuedAt).toBeNull();
	});

	it('is known from a look into a queue, which changes nothing when it was known before', () => {
		using store = directStore();
		store.apply(waiting(5, { id: 'm1', priority: 2 }));
		expect(detail(store, 'm1')).toMatchObject({ state: 'queued', priority: 2 });
		store.apply(started(6, 'run', { id: 'm1' }), finished(7, 'run', SUCCEEDED), waiting(8, { id: 'm1' }));
		expect(detail(store, 'm1')).toMatchObject({ state: 'succeeded', attempts: 1, updatedAt: 7 });
	});

	it('has the name (unknown) and no arguments when its message cannot be read', () => {
		using store = directStore();
		const message = delivered({ body: new Uint8Array([0xff, 0x00]) });
		const op = { ...started(5, 'run', { key: 'key-1' }), task: null, fault: FAULT, message };
		store.apply(
			op,
			finished(6, 'run', { state: 'rejected', exception: { type: 'InvalidMessage', message: 'no' }, traceback: null }),
		);
		const task = detail(store, 'key-1');
		expect(task).toMatchObject({ name: '(unknown)', arguments: null, argsJson: null, state: 'rejected' });
		expect(task.history[0]).toMatchObject({ messageId: '', hasMessage: true });
		const attempt = task.history[0]?.id;
		expect(attempt === undefined ? null : store.calls.message(attempt)?.body).toEqual(new Uint8Array([0xff, 0x00]));
	});

	it('is found by the message id of any of its attempts', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), published(2, { id: 'm2' }, { requeueOf: 'm1' }));
		expect(store.calls.taskOfMessage(PROFILE, 'm2')).toBe('m1');
		expect(store.calls.taskOfMessage(PROFILE, 'nobody')).toBeNull();
		expect(detail(store, 'm2').id).toBe('m1');
	});
});

describe('attempts', () => {
	it('are added by a requeue and never overwrite what was', () => {
		using store = directStore();
		store.apply(
			published(1, { id: 'm1', args: [1] }),
			started(2, 'r1', { id: 'm1', args: [1] }),
			finished(3, 'r1', failed()),
		);
		store.apply(published(4, { id: 'm2', args: [2] }, { requeueOf: 'm1' }));
		expect(detail(store, 'm1')).toMatchObject({
			state: 'queued',
			attempts: 2,
			exception: null,
			finishedAt: null,
			argsJson: '[2]',
		});
		store.apply(started(5, 'r2', { id: 'm2', args: [2] }), finished(6, 'r2', SUCCEEDED));
		const task = detail(store, 'm1');
		expect(task.history.map((a) => [a.number, a.cause, a.messageId, a.state])).toEqual([
			[1, 'published', 'm1', 'failed'],
			[2, 'requeued', 'm2', 'succeeded'],
		]);
		expect(task.history[0]?.traceback).toContain('ValueError');
		expect(store.calls.counts(PROFILE)).toMatchObject({ succeeded: 1, failed: 0, queued: 0 });
	});

	it('of a message handed out again close the one that was open as lost', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), started(2, 'r1', { id: 'm1' }));
		const [facts] = store.apply(started(9, 'r2', { id: 'm1', worker: 'other' }));
		expect(facts).toMatchObject({ attemptNumber: 2, earlierOutcome: 'lost' });
		const task = detail(store, 'm1');
		expect(task).toMatchObject({ state: 'running', worker: 'other', attempts: 2 });
		expect(task.history.map((a) => [a.cause, a.state])).toEqual([
			['published', 'lost'],
			['redelivered', 'running'],
		]);
		expect(task.history[0]).toMatchObject({ finishedAt: 9, exception: { type: 'WorkerLost' } });
		const second = task.history[1];
		expect(second?.hasMessage).toBe(true);
		expect(second === undefined ? null : store.calls.message(second.id)?.properties.messageId).toBe('m1');
	});

	it('of a message handed out again tell how it had ended', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), started(2, 'r1', { id: 'm1' }), finished(3, 'r1', SUCCEEDED));
		expect(store.calls.foresee(PROFILE, ['m1', 'm9'])).toEqual([
			{ attemptNumber: 2, earlierOutcome: 'succeeded' },
			null,
		]);
		const [facts] = store.apply(started(9, 'r2', { id: 'm1' }));
		expect(facts).toMatchObject({ attemptNumber: 2, earlierOutcome: 'succeeded' });
	});

	it('join the requeued task even when the worker was quicker than the note of publishing', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), started(2, 'r1', { id: 'm1' }), finished(3, 'r1', failed()));
		store.apply(started(5, 'r2', { id: 'm2' }));
		expect(detail(store, 'm2').id).toBe('m2');
		store.apply(published(4, { id: 'm2' }, { requeueOf: 'm1' }), finished(6, 'r2', SUCCEEDED));
		const task = detail(store, 'm1');
		expect(task).toMatchObject({ state: 'succeeded', attempts: 2 });
		expect(task.history[1]).toMatchObject({ number: 2, cause: 'requeued', messageId: 'm2', queuedAt: 4 });
		expect(store.calls.counts(PROFILE)).toMatchObject({ succeeded: 1, running: 0, failed: 0 });
	});

	it('go again when the publish did not reach the broker, and the arguments of before come back', () => {
		using store = directStore();
		store.apply(
			published(1, { id: 'm1', args: [1] }),
			started(2, 'r1', { id: 'm1', args: [1] }),
			finished(3, 'r1', failed()),
		);
		store.apply(published(4, { id: 'm2', args: [2] }, { requeueOf: 'm1' }));
		store.apply({ kind: 'unpublished', profile: PROFILE, at: 5, messageId: 'm2' });
		expect(detail(store, 'm1')).toMatchObject({
			state: 'failed',
			attempts: 1,
			argsJson: '[1]',
			exception: { type: 'ValueError' },
		});
		store.apply(published(6, { id: 'm3' }), { kind: 'unpublished', profile: PROFILE, at: 7, messageId: 'm3' });
		expect(store.calls.detail(PROFILE, taskId('m3'))).toBeNull();
		expect(store.calls.counts(PROFILE)).toMatchObject({ failed: 1, queued: 0 });
	});

	it('come back to a task whose first one was taken back after a requeue', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), published(2, { id: 'm2' }, { requeueOf: 'm1' }));
		store.apply({ kind: 'unpublished', profile: PROFILE, at: 3, messageId: 'm1' });
		store.apply(started(4, 'r1', { id: 'm1' }));
		expect(detail(store, 'm1').history.map((a) => [a.number, a.messageId, a.state])).toEqual([
			[1, 'm2', 'queued'],
			[2, 'm1', 'running'],
		]);
	});

	it('that are under way are not taken back by a late unpublished', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), started(2, 'r1', { id: 'm1' }));
		store.apply({ kind: 'unpublished', profile: PROFILE, at: 3, messageId: 'm1' });
		expect(detail(store, 'm1').state).toBe('running');
	});

	it('become lost when their worker is gone, and may yet tell how they ended', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), started(2, 'r1', { id: 'm1', worker: 'w1' }));
		store.apply(published(1, { id: 'm2' }), started(2, 'r2', { id: 'm2', worker: 'w2' }));
		store.apply({ kind: 'abandoned', profile: PROFILE, at: 9, worker: 'w1', reason: 'Its process is gone.' });
		expect(detail(store, 'm1')).toMatchObject({
			state: 'lost',
			finishedAt: 9,
			exception: { type: 'WorkerLost', message: 'Its process is gone.' },
		});
		expect(detail(store, 'm2').state).toBe('running');
		store.apply(finished(10, 'r1', SUCCEEDED));
		expect(detail(store, 'm1')).toMatchObject({ state: 'succeeded', exception: null });
		expect(store.calls.counts(PROFILE)).toMatchObject({ lost: 0, succeeded: 1, running: 1 });
	});

	it('that end after a newer one began leave the row of the task alone', () => {
		using store = directStore();
		store.apply(
			published(1, { id: 'm1' }),
			started(2, 'r1', { id: 'm1' }),
			published(3, { id: 'm2' }, { requeueOf: 'm1' }),
		);
		store.apply(finished(4, 'r1', failed()));
		const task = detail(store, 'm1');
		expect(task).toMatchObject({ state: 'queued', exception: null, updatedAt: 3 });
		expect(task.history[0]?.state).toBe('failed');
	});
});

describe('removal', () => {
	it('takes tasks from lists and counts, not from history, and can be taken back', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), published(2, { id: 'm2' }), removed(3, ['m1', 'nobody']));
		expect(store.calls.rows(PROFILE, [taskId('m1'), taskId('m2')]).map((row) => row.id)).toEqual(['m2']);
		expect(store.calls.count(PROFILE, '', 9)).toEqual({ ok: true, value: 1 });
		expect(detail(store, 'm1').removedAt).toBe(3);
		expect(store.calls.counts(PROFILE).queued).toBe(1);
		store.apply(restored(4, ['m1']));
		expect(detail(store, 'm1').removedAt).toBeNull();
		expect(store.calls.counts(PROFILE).queued).toBe(2);
	});

	it('ends when a worker begins the task all the same', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), removed(2, ['m1']), started(3, 'r1', { id: 'm1' }));
		expect(detail(store, 'm1')).toMatchObject({ state: 'running', removedAt: null });
		expect(store.calls.counts(PROFILE)).toMatchObject({ running: 1, queued: 0 });
	});
});

describe('values', () => {
	it('come back type by type, also those that JSON cannot say', () => {
		using store = directStore();
		const call = {
			args: [
				{ kind: 'tuple', items: [{ kind: 'int', text: '1' }] },
				{ kind: 'float', text: 'NaN' },
				{ kind: 'int', text: '123456789012345678901234567890' },
				{ kind: 'float', text: '1.50' },
				{ kind: 'str', value: 'a"b\\\n\u00e9\u{1f40d}' },
			],
			kwargs: [['k', { kind: 'dict', entries: [] }]],
		} as const;
		store.apply(
			published(1, { id: 'm1', call }),
			published(2, { id: 'm2', call: { ...call, args: call.args.slice(1) } }),
		);
		expect(detail(store, 'm1').arguments).toEqual(call);
		expect(detail(store, 'm2').arguments).toEqual({ ...call, args: call.args.slice(1) });
		expect(detail(store, 'm1').argsJson).toBe('[[1], NaN, 123456789012345678901234567890, 1.50, "a\\"b\\\\\\né🐍"]');
	});
});

/** A few messages, runs and workers, so that facts meet each other in every order. */
const operation: fc.Arbitrary<HistoryOp> = fc
	.record({
		kind: fc.constantFrom(
			'published',
			'requeued',
			'waiting',
			'started',
			'log',
			'finished',
			'abandoned',
			'removed',
			'restored',
			'unpublished',
		),
		message: fc.integer({ min: 1, max: 4 }),
		of: fc.integer({ min: 1, max: 4 }),
		run: fc.integer({ min: 1, max: 5 }),
		at: fc.integer({ min: 1, max: 50 }),
		good: fc.boolean(),
	})
	.map(({ kind, message, of, run, at, good }): HistoryOp => {
		const made = { id: `m${message}`, args: [message] };
		switch (kind) {
			case 'published':
				return published(message * 100, made);
			case 'requeued':
				return published(message * 100, made, { requeueOf: `m${of}` });
			case 'waiting':
				return waiting(at, made);
			case 'started':
				// One run belongs to one message.
				return started(at, `r${run}`, { id: `m${((run - 1) % 4) + 1}`, worker: `w${run % 2}` });
			case 'log':
				return logged(`r${run}`, [line(at, `line ${at}`), line(at, 'more')], 0);
			case 'finished':
				return finished(at, `r${run}`, good ? SUCCEEDED : failed());
			case 'abandoned':
				return { kind: 'abandoned', profile: PROFILE, at, worker: `w${run % 2}`, reason: 'gone' };
			case 'removed':
				return removed(at, [`m${message}`]);
			case 'restored':
				return restored(at, [`m${message}`]);
			default:
				return { kind: 'unpublished', profile: PROFILE, at, messageId: `m${message}` };
		}
	});

/** Everything history says, without row numbers. */
function everything(store: DirectStore): unknown {
	const tasks = ['m1', 'm2', 'm3', 'm4'].map((id) => {
		const task = store.calls.detail(PROFILE, taskId(id));
		return task === null || task.id !== id
			? null
			: { ...task, history: task.history.map(({ id: _id, ...rest }) => rest) };
	});
	const { revision: _revision, ...counts } = store.calls.counts(PROFILE);
	return { tasks, counts };
}

describe('any order of facts', () => {
	it('is idempotent: a fact told twice in a row says nothing new', () => {
		fc.assert(
			fc.property(fc.array(operation, { maxLength: 25 }), (ops) => {
				using once = directStore();
				using twice = directStore();
				for (const op of ops) {
					once.apply(op);
					twice.apply(op);
					const before = twice.calls.counts(PROFILE).revision;
					twice.apply(op);
					expect(twice.calls.counts(PROFILE).revision).toBe(before);
				}
				expect(everything(twice)).toEqual(everything(once));
			}),
			{ numRuns: LONG ? 1_000 : 40 },
		);
	});

	it('says the same whether facts come in one call or each in a call of its own', () => {
		fc.assert(
			fc.property(fc.array(operation, { maxLength: 40 }), (ops) => {
				using together = directStore();
				using apart = directStore();
				const facts = together.apply(...ops);
				expect(facts).toEqual(ops.flatMap((op) => apart.apply(op)));
				expect(everything(together)).toEqual(everything(apart));
			}),
			{ numRuns: LONG ? 1_000 : 60 },
		);
	});

	it('leaves every attempt to be found by its message, through its task or by itself', () => {
		fc.assert(
			fc.property(fc.array(operation, { maxLength: 40 }), (ops) => {
				using store = directStore();
				store.apply(...ops);
				const wrong = store.db.read<{ n: number }>(
					'wrongly stray',
					'SELECT count(*) AS n FROM attempts a JOIN tasks t ON t.seq = a.task WHERE a.stray <> (a.message_key IS NOT t.id)',
					true,
				);
				expect(wrong.get()?.n).toBe(0);
				const rows = store.db.read<{ id: number; profile: number; message_key: string }>(
					'all attempts',
					'SELECT id, profile, message_key FROM attempts ORDER BY id',
					true,
				);
				const byMessage = attemptsByMessage<{ id: number }>(store.db, 'id');
				const all = rows.all();
				for (const row of all) {
					const mine = all.filter((one) => one.message_key === row.message_key).map(({ id }) => id);
					const found = byMessage(row.profile, row.message_key).map(({ id }) => id);
					expect(found.toSorted((a, b) => a - b)).toEqual(mine);
				}
			}),
			{ numRuns: LONG ? 2_000 : 60 },
		);
	});

	it('leaves counts that agree with the rows, attempts numbered without gaps, and rows that mirror the last attempt', () => {
		fc.assert(
			fc.property(fc.array(operation, { maxLength: 40 }), (ops) => {
				using store = directStore();
				store.apply(...ops);
				const counts = store.calls.counts(PROFILE);
				for (const state of TASK_STATES) {
					const rows = store.db
						.read<{ n: number }>(
							'recount',
							'SELECT count(*) AS n FROM tasks WHERE removed_at IS NULL AND state = ?',
							true,
						)
						.get(TASK_STATES.indexOf(state));
					expect({ state, n: counts[state] }).toEqual({ state, n: rows?.n });
				}
				for (const id of ['m1', 'm2', 'm3', 'm4']) {
					const task = store.calls.detail(PROFILE, taskId(id));
					if (task === null) continue;
					const last = task.history.at(-1);
					expect(task.history.map((attempt) => attempt.number)).toEqual(task.history.map((_, at) => at + 1));
					expect(task).toMatchObject({
						attempts: task.history.length,
						state: last?.state,
						worker: last?.worker,
						startedAt: last?.startedAt,
						finishedAt: last?.finishedAt,
						runtimeMs: last?.runtimeMs,
						exception: last?.exception,
					});
					expect(task.finishedAt === null).toBe(['queued', 'running', 'retrying'].includes(task.state));
				}
			}),
			{ numRuns: LONG ? 2_000 : 60 },
		);
	});
});
