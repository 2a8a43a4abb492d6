/** What workers answer about the tasks that they hold, beside what events tell of them. */
import { describe, expect, it } from 'vitest';
import { taskId } from '#main/domain/ids.ts';
import type { HistoryOp, TaskDetail } from '#main/domain/task.ts';
import { heldInLists, heldInQuery, observedAnswer } from '#main/monitor/celery/answered-fold.ts';
import { historyOf } from '#main/monitor/celery/fold.ts';
import { celeryEvent, type Told } from '#test/support/celery/events.ts';
import { PROFILE } from '#test/support/history.ts';
import { directStore } from './open.ts';

const BEGAN = 1_790_000_000_000;
const ASKED = BEGAN + 5_000;

function answer(json: string) {
	const one = { at: ASKED, tookMs: 3, ok: true, words: null, json };
	return { items: [{ node: 'w1@h', answers: [one] }] } as unknown as Parameters<typeof heldInQuery>[0];
}
const info = (more: string) =>
	`{"id": "t", "name": "shop.charge", "args": [18446744073709551616, {"__type__": "decimal", "__value__": "1.50"}],
	"kwargs": {"retry": null}, "worker_pid": 77, "delivery_info": {"routing_key": "mails"}, ${more}}`;
const active = heldInQuery(answer(`{"t": ["active", ${info(`"time_start": ${BEGAN / 1_000}`)}]}`));
const reserved = heldInQuery(answer(`{"t": ["reserved", ${info('"time_start": null')}], "u": ["ready", {"id": "u"}]}`));

/** What comes of operations in this order. */
function told(...ops: readonly HistoryOp[]): TaskDetail {
	using store = directStore();
	for (const op of ops) store.apply(op);
	const found = store.calls.detail(PROFILE, taskId('t'));
	if (found === null) throw new Error('There is no such task.');
	return found;
}
const answers = (held: typeof active) => held.map((one) => observedAnswer(PROFILE, one, ASKED));
const events = (...all: readonly Told[]) => historyOf(PROFILE, all.map(celeryEvent), ASKED);

/** What must not depend on which came first. */
const shape = ({ name, state, attempts, history, startedAt, worker }: TaskDetail) => ({
	name,
	state,
	attempts,
	causes: history.map(({ cause }) => cause),
	startedAt,
	worker,
});

describe('a task that a worker names when it is asked', () => {
	it('is known by name and true arguments, with every digit, and by when it began', () => {
		expect(told(...answers(active))).toMatchObject({
			name: 'shop.charge',
			state: 'running',
			attempts: 1,
			startedAt: BEGAN,
			worker: 'w1@h',
			argsJson: expect.stringContaining('18446744073709551616'),
			kwargsJson: '{"retry": null}',
			events: [{ type: 'inspect-active', host: 'w1@h', pid: 77, readAt: ASKED }],
		});
	});

	it('waits where it only is held, and what is over is left to events', () => {
		expect(reserved).toHaveLength(1);
		expect(told(...answers(reserved))).toMatchObject({
			name: 'shop.charge',
			state: 'queued',
			attempts: 1,
			worker: 'w1@h',
		});
		const scheduled = heldInLists(
			'scheduled',
			answer(`[{"eta": "2030-01-01T00:00:00", "request": ${info('"time_start": null')}}]`),
		);
		expect(told(...answers(scheduled))).toMatchObject({ state: 'queued', events: [{ type: 'inspect-scheduled' }] });
	});

	it('gives its name to a run of which only the end was told, whichever comes first', () => {
		const end = events({ type: 'task-succeeded', at: BEGAN + 9_000, result: '3', runtime: 9 });
		const first = told(...answers(active), ...end);
		expect(first).toMatchObject({ name: 'shop.charge', state: 'succeeded', attempts: 1, startedAt: BEGAN });
		expect(shape(told(...end, ...answers(active)))).toEqual(shape(first));
	});

	it('is one run where its events were on their way when the worker was asked', () => {
		const own = events(
			{ type: 'task-received', at: BEGAN - 2, name: 'shop.charge', args: '(…)', kwargs: '{}' },
			{ type: 'task-started', at: BEGAN },
		);
		for (const held of [active, reserved]) {
			for (const order of [
				[...answers(held), ...own],
				[...own, ...answers(held)],
			]) {
				expect(shape(told(...order))).toMatchObject({ state: 'running', attempts: 1, causes: ['published'] });
			}
		}
	});

	it('is retried as the next run where it began before anybody listened', () => {
		const retry = events(
			{ type: 'task-retried', at: BEGAN + 6_000, exception: "ValueError('no')", traceback: '' },
			{ type: 'task-received', at: BEGAN + 6_100, name: 'shop.charge', retries: 1, args: '()', kwargs: '{}' },
		);
		const first = told(...answers(active), ...retry);
		expect(first.history.map(({ state }) => state)).toEqual(['retrying', 'queued']);
		expect(shape(told(...retry, ...answers(active)))).toEqual(shape(first));
	});

	it('makes nothing of answers that are no lists of tasks', () => {
		for (const json of [
			'[]',
			'null',
			'{"t": "active"}',
			'{"t": ["active", null]}',
			'[{"id": 5}, 3]',
			'{"error": "KeyError"}',
		]) {
			expect([...heldInQuery(answer(json)), ...heldInLists('active', answer(json))]).toEqual([]);
		}
	});
});
