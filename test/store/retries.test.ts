import { describe, expect, it } from 'vitest';
import { taskId } from '#main/domain/ids.ts';
import type { AttemptOutcome, TaskDetail } from '#main/domain/task.ts';
import {
	finished,
	outgoing,
	PROFILE,
	published,
	removed,
	restored,
	SUCCEEDED,
	started,
} from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';

function retrying(messageId: string, dueAt: number, tries = 1): AttemptOutcome {
	return {
		state: 'retrying',
		exception: { type: 'TimeoutError', message: 'too slow' },
		traceback: null,
		retry: { messageId, dueAt, tries },
	};
}

function detail(store: DirectStore, id = 'm1'): TaskDetail {
	const found = store.calls.detail(PROFILE, taskId(id));
	if (found === null) throw new Error(`There is no task ${id}`);
	return found;
}

const states = (store: DirectStore) => detail(store).history.map((one) => [one.messageId, one.cause, one.state]);
const pending = (store: DirectStore, now = 1_000_000) => store.calls.retries(PROFILE, now, 10);

describe('a retry that a rule has planned', () => {
	it('is kept with the outcome, and due with the original message when its time comes', () => {
		using store = directStore();
		store.apply(started(10, 'r1', { id: 'm1', args: [1] }), finished(20, 'r1', retrying('m2', 500)));
		expect(detail(store)).toMatchObject({ state: 'retrying', exception: { type: 'TimeoutError' } });
		expect(pending(store, 499)).toEqual({ due: [], nextAt: 500, pending: 1 });
		expect(pending(store, 500).due).toMatchObject([
			{ messageId: 'm2', dueAt: 500, taskId: 'm1', queue: 'default', message: outgoing({ id: 'm1', args: [1] }) },
		]);
	});

	it('becomes a new attempt of the same task, is due no more once sent, and says which try it is', () => {
		using store = directStore();
		store.apply(started(10, 'r1', { id: 'm1' }), finished(20, 'r1', retrying('m2', 500)));
		const again = published(500, { id: 'm2' }, { requeueOf: 'm1', cause: 'retried' });
		store.apply(again);
		expect(pending(store).due).toMatchObject([{ messageId: 'm2', begun: false }]);
		store.apply(again, { kind: 'retried', profile: PROFILE, at: 501, messageId: 'm2' });
		expect(pending(store)).toEqual({ due: [], nextAt: null, pending: 0 });
		expect(store.apply(started(600, 'r2', { id: 'm2' }))[0]).toMatchObject({
			taskId: 'm1',
			attemptNumber: 2,
			tries: 1,
		});
		store.apply(finished(700, 'r2', SUCCEEDED));
		expect(states(store)).toEqual([
			['m1', 'published', 'retrying'],
			['m2', 'retried', 'succeeded'],
		]);
		expect(detail(store).state).toBe('succeeded');
	});

	it('is taken back when somebody sends the task again by hand', () => {
		using store = directStore();
		store.apply(started(10, 'r1', { id: 'm1' }), finished(20, 'r1', retrying('m2', 500)));
		store.apply(published(30, { id: 'm3' }, { requeueOf: 'm1' }));
		expect(pending(store).pending).toBe(0);
	});

	it('is taken back when somebody deletes the task, which is a failed one should it be restored', () => {
		using store = directStore();
		store.apply(started(10, 'r1', { id: 'm1' }), finished(20, 'r1', retrying('m2', 500)));
		store.apply(removed(30, ['m1']));
		expect(pending(store).pending).toBe(0);
		store.apply(restored(40, ['m1']));
		expect(detail(store).state).toBe('failed');
		expect(store.calls.counts(PROFILE)).toMatchObject({ failed: 1, retrying: 0 });
	});

	it('is not planned by an attempt that another one has followed', () => {
		using store = directStore();
		store.apply(started(10, 'r1', { id: 'm1' }), started(15, 'r2', { id: 'm1' }));
		store.apply(finished(20, 'r1', retrying('m2', 500)));
		expect(pending(store).pending).toBe(0);
		expect(detail(store).history[0]?.state).toBe('failed');
	});

	it('is not planned twice by a delivery that only repeats the outcome, and that delivery hides no later attempt', () => {
		using store = directStore();
		store.apply(started(10, 'r1', { id: 'm1' }), finished(20, 'r1', retrying('m2', 500)));
		store.apply(published(500, { id: 'm2' }, { requeueOf: 'm1', cause: 'retried' }));
		store.apply(started(600, 'r2', { id: 'm2' }), finished(700, 'r2', SUCCEEDED));
		expect(store.apply(started(800, 'r3', { id: 'm1' }))[0]).toMatchObject({ earlierOutcome: 'retrying' });
		store.apply({ ...finished(810, 'r3', retrying('m9', 900)), repeat: true });
		expect(states(store)).toEqual([
			['m1', 'published', 'retrying'],
			['m1', 'redelivered', 'retrying'],
			['m2', 'retried', 'succeeded'],
		]);
		expect(detail(store)).toMatchObject({ state: 'succeeded', attempts: 3 });
		expect(store.calls.counts(PROFILE)).toMatchObject({ succeeded: 1, retrying: 0, running: 0 });
		expect(pending(store).due).toMatchObject([{ messageId: 'm2', begun: true }]);
	});
});
