import { describe, expect, it } from 'vitest';
import { createActions } from '#main/actions/progress.ts';
import type { ActionItem } from '#main/domain/action.ts';

const never = new AbortController().signal;
const item = (id: string, outcome: ActionItem['outcome']): ActionItem => ({
	id,
	outcome,
	reason: null,
	messageId: null,
});

describe('a change under way', () => {
	it('counts what became of each item and lists failures first', () => {
		const action = createActions(() => 0).begin('requeue', 'p', 'Requeue 3 tasks', 3, never);
		action.record([item('a', 'done'), item('b', 'failed'), item('c', 'skipped')]);
		const outcome = action.finish();
		expect(outcome).toMatchObject({ done: 1, failed: 1, skipped: 1, cancelled: false });
		expect(outcome.items.map((one) => one.id)).toEqual(['b', 'c', 'a']);
	});

	it('keeps exact counts when there are too many items to list', () => {
		const action = createActions(() => 0).begin('delete', 'p', 'Delete', 5_000, never);
		for (let n = 0; n < 5_000; n += 1) action.record([item(`t${n}`, n === 4_999 ? 'failed' : 'done')]);
		const outcome = action.finish();
		expect(outcome.done).toBe(4_999);
		expect(outcome.items).toHaveLength(1_000);
		expect(outcome.items[0]?.id).toBe('t4999');
	});

	it('is stopped by cancel, and then says that it was cut short', () => {
		const actions = createActions(() => 0);
		const action = actions.begin('requeue', 'p', 'Requeue 2 tasks', 2, never);
		action.record([item('a', 'done')]);
		const { key } = actions.current()[0] ?? { key: '' };
		expect(actions.cancel(key)).toBe(true);
		expect(action.signal.aborted).toBe(true);
		expect(action.finish().cancelled).toBe(true);
		expect(actions.cancel(key)).toBe(false);
	});

	it('tells every listener until it is disposed of, and is forgotten half a minute after its end', () => {
		let now = 0;
		const actions = createActions(() => now);
		const heard: number[] = [];
		const watching = actions.onChange((progress) => heard.push(progress.done));
		const action = actions.begin('requeue', 'p', 'Requeue 2 tasks', 2, never);
		action.record([item('a', 'done')]);
		watching[Symbol.dispose]();
		action.record([item('b', 'done')]);
		expect(heard).toEqual([0, 1]);
		action.finish();
		expect(actions.current()[0]?.state).toBe('finished');
		now = 31_000;
		expect(actions.current()).toEqual([]);
	});
});
