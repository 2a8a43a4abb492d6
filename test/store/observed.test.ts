import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CeleryEvent } from '#main/dialects/celery/events.ts';
import { taskId } from '#main/domain/ids.ts';
import type { TaskDetail, TaskState } from '#main/domain/task.ts';
import { historyOf } from '#main/monitor/celery/fold.ts';
import { eventsOf, idOf, readCapture } from '#test/support/celery/captures.ts';
import { celeryEvent, type Told } from '#test/support/celery/events.ts';
import { decoded, PROFILE, published, removed, waiting } from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';

const LONG = process.env.WARREN_LONG !== undefined;

function take(store: DirectStore, events: readonly CeleryEvent[], size = events.length): void {
	for (let at = 0; at < events.length; at += size) {
		store.apply(...historyOf(PROFILE, events.slice(at, at + size), 1_000_000 + at));
	}
}

function tell(store: DirectStore, ...told: readonly Told[]): TaskDetail {
	for (const one of told) take(store, [celeryEvent(one)]);
	return detail(store, told[0]?.uuid ?? 't');
}

function detail(store: DirectStore, id: string): TaskDetail {
	const found = store.calls.detail(PROFILE, taskId(id));
	if (found === null) throw new Error(`There is no task ${id}`);
	return found;
}

/** All that must not depend on the order of arrival. */
function shape(store: DirectStore): readonly unknown[] {
	const page = store.calls.page(
		{ profile: PROFILE, query: '', sort: { field: 'name', descending: false }, limit: 500, cursor: null },
		2_000_000_000_000,
	);
	if (!page.ok) throw new Error(page.error.message);
	return page.value.items
		.map((row) => {
			const { history, events, lineage, arguments: call, preview } = detail(store, row.id);
			const attempts = history.map(({ id: _id, ...attempt }) => attempt);
			return { id: row.id, state: row.state, name: row.name, attempts, events, lineage, call, preview };
		})
		.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function countsOf(store: DirectStore): Readonly<Record<string, number>> {
	const { revision: _revision, scheduled: _scheduled, ...counts } = store.calls.counts(PROFILE);
	return counts;
}

describe.each(['amqp-5.6.3', 'redis-5.2.6'] as const)('the capture %s', (name) => {
	const capture = readCapture(name);
	const events = eventsOf(capture);

	it('gives every task the state that Celery gave it, and counts them rightly', () => {
		using store = directStore();
		take(store, events, 40);
		const states: Readonly<Record<string, TaskState>> = { SUCCESS: 'succeeded', FAILURE: 'failed', REVOKED: 'revoked' };
		let compared = 0;
		// Celery 5.6.3 writes this result the moment it is told to revoke, while the task goes on waiting for its time: no event says so.
		const untold = name === 'amqp-5.6.3' ? ['eta2'] : [];
		for (const [which, { value }] of Object.entries(capture.results)) {
			if (untold.includes(which)) continue;
			const expected = value === null ? undefined : states[value.status];
			if (value === null || expected === undefined) continue;
			expect([value.task_id, detail(store, value.task_id).state]).toEqual([value.task_id, expected]);
			compared += 1;
		}
		expect(compared).toBeGreaterThan(20);
		const seen = new Map<string, number>();
		for (const row of shape(store) as readonly { state: string }[]) seen.set(row.state, (seen.get(row.state) ?? 0) + 1);
		for (const [state, count] of Object.entries(countsOf(store)))
			expect([state, count]).toEqual([state, seen.get(state) ?? 0]);
	});

	it('knows the attempts of a task that was retried twice', () => {
		using store = directStore();
		take(store, events, 40);
		const flaky = detail(store, idOf(capture, 'flaky'));
		expect(flaky.history.map(({ state, cause, worker }) => [state, cause, worker])).toEqual([
			['retrying', 'published', 'w1@lab'],
			['retrying', 'retried', 'w1@lab'],
			['succeeded', 'retried', 'w1@lab'],
		]);
		expect(flaky.history[0]?.exception).toEqual({ type: 'RuntimeError', message: 'not yet' });
		expect(flaky.result).toEqual({ kind: 'text', text: "{'attempts': 3}", type: '' });
		expect(flaky.name).toBe('labapp.flaky');
	});

	it('tells rejected, expired, terminated, unknown and custom apart', () => {
		using store = directStore();
		take(store, events, 40);
		const of = (which: string) => detail(store, idOf(capture, which));
		expect(of('reject')).toMatchObject({ state: 'rejected', exception: null });
		expect(of('expired')).toMatchObject({
			state: 'revoked',
			exception: { type: 'TaskRevokedError', message: 'expired' },
		});
		expect(of('run1')).toMatchObject({ state: 'revoked', exception: { message: 'terminated (signal 15)' } });
		expect(of('run1').startedAt).not.toBeNull();
		expect(of('unknown')).toMatchObject({
			state: 'failed',
			attempts: 1,
			exception: { type: 'NotRegistered' },
			traceback: null,
		});
		expect(of('hard_limited').exception?.type).toBe('billiard.exceptions.TimeLimitExceeded');
		expect(of('eta1').state).toBe('queued');
		const custom = of('custom_event').events?.find((fact) => fact.kind === 'custom');
		expect(custom).toMatchObject({ type: 'task-checkpoint' });
		expect(JSON.parse(custom?.more ?? '')).toBeTypeOf('object');
	});

	it('comes to the same whatever is shuffled within a window, told twice, or cut into other batches', () => {
		using reference = directStore();
		take(reference, events);
		const expected = shape(reference);
		fc.assert(
			fc.property(
				fc.array(fc.nat(30), { minLength: events.length, maxLength: events.length }),
				fc.array(fc.nat(events.length - 1), { maxLength: 60 }),
				fc.integer({ min: 1, max: 60 }),
				(delays, again, size) => {
					using store = directStore();
					const told = [...events.map((event, at) => ({ event, at: at + (delays[at] ?? 0) }))];
					for (const at of again) {
						const event = events[at];
						if (event !== undefined) told.push({ event, at: at + 35 });
					}
					told.sort((a, b) => a.at - b.at);
					take(
						store,
						told.map(({ event }) => event),
						size,
					);
					expect(shape(store)).toEqual(expected);
					expect(countsOf(store)).toEqual(countsOf(reference));
				},
			),
			{ numRuns: LONG ? 200 : 5 },
		);
	});
});

describe('what events tell of one task', () => {
	it('is complete without its name, until somebody tells it', () => {
		using store = directStore();
		const blind = tell(store, { type: 'task-started', at: 20 });
		expect(blind).toMatchObject({ name: '(unknown)', state: 'running', startedAt: 20, worker: 'w1@h' });
		const named = tell(store, {
			type: 'task-received',
			at: 10,
			name: 'shop.add',
			args: '(1, 2)',
			kwargs: "{'k': None}",
		});
		expect(named).toMatchObject({
			name: 'shop.add',
			state: 'running',
			attempts: 1,
			argsJson: '[1, 2]',
			kwargsJson: '{"k": null}',
		});
	});

	it('flags a second delivery with the same retries as one, and lets success stand', () => {
		using store = directStore();
		const twice = tell(
			store,
			{ type: 'task-received', at: 10 },
			{ type: 'task-started', at: 11 },
			{ type: 'task-received', at: 50, host: 'w2@h' },
			{ type: 'task-started', at: 51, host: 'w2@h' },
		);
		expect(twice.history.map(({ cause, state, worker }) => [cause, state, worker])).toEqual([
			['published', 'running', 'w1@h'],
			['redelivered', 'running', 'w2@h'],
		]);
		const done = tell(store, { type: 'task-succeeded', at: 60, result: '3', runtime: 0.5 });
		expect(done.state).toBe('succeeded');
		expect(done.history.map(({ cause, state }) => [cause, state])).toEqual([
			['redelivered', 'running'],
			['published', 'succeeded'],
		]);
	});

	it('keeps both facts when it was revoked and done all the same, in either order', () => {
		for (const [revokedAt, succeededAt] of [
			[20, 30],
			[30, 20],
		]) {
			using store = directStore();
			const both = tell(
				store,
				{ type: 'task-received', at: 10 },
				{ type: 'task-started', at: 11 },
				{ type: 'task-revoked', at: revokedAt, host: 'w2@h' },
				{ type: 'task-succeeded', at: succeededAt, result: '1' },
			);
			expect(both).toMatchObject({ state: 'succeeded', attempts: 1 });
			expect(both.events?.map((fact) => fact.kind).toSorted()).toEqual(['received', 'revoked', 'started', 'succeeded']);
		}
	});

	it('is a retry while the next message waits, and the next attempt once a worker has it', () => {
		using store = directStore();
		const waits = tell(
			store,
			{ type: 'task-received', at: 10 },
			{ type: 'task-started', at: 11 },
			{ type: 'task-sent', at: 12, host: 'gen7@h', retries: 1, queue: 'mail' },
			{ type: 'task-retried', at: 13, exception: "OSError('x')" },
		);
		expect(waits).toMatchObject({ state: 'retrying', attempts: 1 });
		const next = tell(store, { type: 'task-received', at: 40, retries: 1, host: 'w2@h' });
		expect(next).toMatchObject({ state: 'queued', attempts: 2, queue: 'mail' });
		expect(next.history.map(({ cause }) => cause)).toEqual(['published', 'retried']);
	});

	it('tells runs apart when the retry is there before the first run is told to be over', () => {
		using store = directStore();
		const task = tell(
			store,
			{ type: 'task-received', at: 10 },
			{ type: 'task-started', at: 11 },
			{ type: 'task-received', at: 12, retries: 1 },
			{ type: 'task-retried', at: 13, exception: "OSError('x')" },
			{ type: 'task-started', at: 14 },
			{ type: 'task-succeeded', at: 15, result: '1' },
		);
		expect(task.history.map(({ cause, state, startedAt }) => [cause, state, startedAt])).toEqual([
			['published', 'retrying', 11],
			['retried', 'succeeded', 14],
		]);
	});

	it('joins what a look into the queue found, whose arguments are the true ones', () => {
		using store = directStore();
		store.apply(waiting(5, { id: 't', name: 'shop.add', args: [1, 'long long text'], queue: 'mail' }));
		const joined = tell(
			store,
			{ type: 'task-received', at: 10, name: 'shop.add', args: "(1, 'long...')" },
			{ type: 'task-started', at: 12 },
		);
		expect(joined).toMatchObject({ state: 'running', attempts: 1, queue: 'mail', argsJson: '[1, "long long text"]' });
		expect(joined.history[0]).toMatchObject({ hasMessage: true, cause: 'published' });
	});

	it('belongs to the task that Warren published it for', () => {
		using store = directStore();
		store.apply(published(1_000, { id: 'first', name: 'shop.add', queue: 'q' }));
		tell(store, { uuid: 'first', type: 'task-failed', at: 1_500, exception: "ValueError('x')" });
		store.apply({
			...published(2_000, { id: 'second', name: 'shop.add', queue: 'q' }),
			requeueOf: taskId('first'),
			cause: 'requeued',
		});
		take(store, [
			celeryEvent({ uuid: 'second', type: 'task-received', at: 2_100 }),
			celeryEvent({ uuid: 'second', type: 'task-succeeded', at: 2_200 }),
		]);
		const task = detail(store, 'first');
		expect(task.history.map(({ cause, state }) => [cause, state])).toEqual([
			['published', 'failed'],
			['requeued', 'succeeded'],
		]);
		// A late word about the first message changes the first attempt alone.
		tell(
			store,
			{ uuid: 'first', type: 'task-received', at: 1_100 },
			{ uuid: 'first', type: 'task-received', at: 1_200 },
		);
		expect(detail(store, 'first').history.map(({ cause, state }) => [cause, state])).toEqual([
			['published', 'queued'],
			['redelivered', 'failed'],
			['requeued', 'succeeded'],
		]);
		expect(detail(store, 'first').state).toBe('succeeded');
	});

	it('changes nothing when it is told again, not even when the row was changed', () => {
		using store = directStore();
		const before = tell(store, { type: 'task-received', at: 10, name: 'a' }, { type: 'task-succeeded', at: 30 });
		const revision = store.calls.counts(PROFILE).revision;
		expect(tell(store, { type: 'task-received', at: 10, name: 'a' }, { type: 'task-succeeded', at: 30 })).toEqual(
			before,
		);
		expect(store.calls.counts(PROFILE).revision).toBe(revision);
	});

	it('stays out of the lists after a person removed it, unless it runs again', () => {
		using store = directStore();
		tell(store, { type: 'task-received', at: 10 });
		store.apply(removed(20, ['t']));
		expect(tell(store, { type: 'task-succeeded', at: 30 })).toMatchObject({ state: 'succeeded', removedAt: 20 });
		expect(countsOf(store)).toMatchObject({ queued: 0, succeeded: 0 });
		expect(tell(store, { type: 'task-received', at: 40, host: 'w2@h' }).removedAt).toBeNull();
		expect(countsOf(store)).toMatchObject({ succeeded: 1 });
	});

	it('is bounded: of a task that reports its progress for ever, its life is kept and the oldest reports go', () => {
		using store = directStore();
		tell(store, { type: 'task-received', at: 1, name: 'a' }, { type: 'task-started', at: 2 });
		take(
			store,
			Array.from({ length: 3_000 }, (_, at) => celeryEvent({ type: 'task-progress', at: 10 + at })),
			500,
		);
		const { events = [] } = tell(store, { type: 'task-succeeded', at: 9_000 });
		expect(events).toHaveLength(1_000);
		expect(events.map((fact) => fact.kind)).toEqual(expect.arrayContaining(['received', 'started', 'succeeded']));
		expect(events.at(-2)?.at).toBe(3_009);
	});

	it('goes with its task', () => {
		using store = directStore();
		tell(store, { type: 'task-received', at: 10 }, { type: 'task-succeeded', at: 30 });
		const [outcome] = store.writer.run([{ name: 'removeProfile', args: [PROFILE] }]);
		expect(outcome?.ok).toBe(true);
		store.settle();
		expect(store.db.read<{ n: number }>('left', 'SELECT count(*) AS n FROM attempt_events').get()?.n).toBe(0);
	});

	it('reads decoded arguments only where nothing was cut', () => {
		using store = directStore();
		const cut = tell(store, { type: 'task-received', at: 10, name: 'a', args: "('x...',)", kwargs: '{}' });
		expect(cut).toMatchObject({ argsJson: null, arguments: null, preview: "'x...'" });
		expect(decoded({ id: 'x' }).messageId).toBe('x');
	});
});
