import { describe, expect, test } from 'vitest';
import type { ActionOutcome, Review } from '#main/domain/action.ts';
import { Actions, type ActionTarget } from '#renderer/state/actions.svelte.ts';
import { TaskList } from '#renderer/state/task-list.svelte.ts';
import { TaskTicks } from '#renderer/state/task-ticks.ts';
import { Toasts } from '#renderer/state/toasts.svelte.ts';
import { FakeEngine, failure, row, settle } from './fake-engine.ts';

function outcome(action: 'requeue' | 'delete', done: number, more: Partial<ActionOutcome> = {}): ActionOutcome {
	return { action, done, failed: 0, skipped: 0, cancelled: false, dryRun: false, items: [], ...more };
}

function setUp(): { readonly engine: FakeEngine; readonly toasts: Toasts; readonly actions: Actions } {
	const engine = new FakeEngine();
	const toasts = new Toasts();
	engine.handlers.set('task.review', (input) => {
		const ids = input.ids as readonly string[] | undefined;
		const review: Review = {
			token: `frozen:${ids === undefined ? String(input.where) : ids.join(',')}`,
			action: input.action as 'requeue' | 'delete',
			count: ids?.length ?? 412,
			sample: [],
			skipped: [],
			warnings: [],
		};
		return { ok: true, value: review };
	});
	engine.handlers.set('task.delete', () => ({ ok: true, value: outcome('delete', 2) }));
	engine.handlers.set('task.requeue', () => ({ ok: true, value: outcome('requeue', 1) }));
	return { engine, toasts, actions: new Actions(engine, toasts) };
}

const TWO: ActionTarget = { profile: 'p', environment: 'development', scope: { ids: ['a', 'b'] } };

describe('actions', () => {
	test('A1: five hundred refreshes while the question is open change nothing, and nothing runs without an answer', async () => {
		const { engine, actions } = setUp();
		const ticks = new TaskTicks(engine, 'p');
		const list = new TaskList(engine, ticks, {
			profile: 'p',
			base: 'state:failed',
			sort: { field: 'updatedAt', ascending: false },
		});
		engine.put(row('a'), row('b'), row('c'));
		list.show('', list.sort);
		await settle();
		list.selection.set(['a', 'b'], true);
		const scope = list.selection.scope;
		if (scope === null) throw new Error('Nothing is chosen');
		await actions.start('delete', { ...TWO, scope });
		for (let update = 0; update < 500; update += 1) {
			engine.put(row(`n${update}`, { updatedAt: 100 + update }));
			engine.tick();
			if (update % 25 === 0) await settle();
		}
		await settle();
		expect(actions.stage).toMatchObject({ kind: 'asking', review: { count: 2 } });
		expect(engine.called('task.delete')).toEqual([]);
		await actions.confirm();
		expect(engine.called('task.delete').map((call) => call.input)).toEqual([{ profile: 'p', review: 'frozen:a,b' }]);
		list[Symbol.dispose]();
	});

	test('A2: what runs is what was reviewed, although filter and selection are others by then', async () => {
		const { engine, actions } = setUp();
		await actions.start('requeue', { ...TWO, scope: { where: 'state:failed (pay)' } });
		const question = actions.stage;
		expect(question).toMatchObject({ kind: 'asking', review: { count: 412 } });
		await actions.start('delete', { ...TWO, scope: { where: 'state:running' } });
		expect(actions.stage).toBe(question);
		await actions.confirm();
		expect(engine.called('task.requeue').map((call) => call.input)).toEqual([
			{ profile: 'p', review: 'frozen:state:failed (pay)' },
		]);
		expect(engine.called('task.delete')).toEqual([]);
	});

	test('A3: one task is sent again by its id, whatever place it has by then', async () => {
		const { engine, actions } = setUp();
		expect(await actions.start('requeue', { ...TWO, scope: { ids: ['b'] } })).toBe(true);
		expect(engine.called('task.requeue').map((call) => call.input)).toEqual([{ profile: 'p', ids: ['b'] }]);
	});

	test('one task is never deleted without a question', async () => {
		const { engine, actions } = setUp();
		await actions.start('delete', { ...TWO, scope: { ids: ['b'] } });
		expect(engine.called('task.delete')).toEqual([]);
		expect(actions.stage).toMatchObject({ kind: 'asking', guarded: false, review: { count: 1 } });
	});

	test('on production a delete asks for the name and passes on what was typed', async () => {
		const { engine, actions } = setUp();
		await actions.start('delete', { ...TWO, environment: 'production' });
		expect(actions.stage).toMatchObject({ kind: 'asking', guarded: true });
		await actions.confirm('shop-eu');
		expect(engine.called('task.delete').map((call) => call.confirm)).toEqual(['shop-eu']);
	});

	test('a question that was closed does not open when its review arrives', async () => {
		const { engine, actions } = setUp();
		let answer = (): void => {};
		engine.gate = () =>
			new Promise((resolve) => {
				answer = resolve;
			});
		const started = actions.start('delete', TWO);
		actions.dismiss();
		answer();
		await started;
		expect(actions.stage.kind).toBe('none');
		expect(await actions.confirm()).toBe(false);
		expect(engine.called('task.delete')).toEqual([]);
	});

	test('a stale review is said and can be taken again', async () => {
		const { engine, actions } = setUp();
		engine.handlers.set('task.delete', () => failure('conflict', 'The review is older than ten minutes.'));
		await actions.start('delete', TWO);
		await actions.confirm();
		expect(actions.stage).toMatchObject({ kind: 'failed', error: { code: 'conflict' } });
		await actions.retry();
		expect(actions.stage).toMatchObject({ kind: 'asking', review: { count: 2 } });
	});

	test('what did not work is told with its reason, and which, on request', async () => {
		const { engine, toasts, actions } = setUp();
		engine.handlers.set('task.requeue', () => ({
			ok: true,
			value: outcome('requeue', 1, {
				failed: 1,
				items: [{ id: 'b', outcome: 'failed', reason: 'Nothing takes from queue old.', messageId: null }],
			}),
		}));
		await actions.start('requeue', TWO);
		await actions.confirm();
		const toast = toasts.items.at(-1);
		expect(toast).toMatchObject({
			tone: 'failed',
			title: '1 task requeued, 1 failed',
			text: 'Nothing takes from queue old.',
		});
		toast?.action?.run();
		expect(actions.stage).toMatchObject({ kind: 'report', outcome: { failed: 1 } });
	});

	test('one task whose arguments are not certain opens what could be read of them, and is sent once that was mended', async () => {
		const { engine, actions, toasts } = setUp();
		const repair = { args: '42, <cut>', kwargs: '{}', words: 'positional argument 2 was cut' };
		engine.handlers.set('task.requeue', (input) => ({
			ok: true,
			value:
				input.args === undefined
					? outcome('requeue', 0, {
							skipped: 1,
							items: [{ id: 'b', outcome: 'skipped', reason: 'not certain', messageId: null, repair }],
						})
					: outcome('requeue', 1),
		}));
		expect(await actions.start('requeue', { ...TWO, scope: { ids: ['b'] } })).toBe(false);
		expect(actions.stage).toMatchObject({ kind: 'repair', id: 'b', repair, busy: false, error: null });
		expect(toasts.items).toEqual([]);
		expect(await actions.mend('42, 7', '{}')).toBe(true);
		expect(engine.called('task.requeue').at(-1)?.input).toEqual({
			profile: 'p',
			ids: ['b'],
			args: '42, 7',
			kwargs: '{}',
		});
		expect(actions.stage).toEqual({ kind: 'none' });
		expect(toasts.items).toMatchObject([{ title: '1 task requeued' }]);
	});

	test('what is mended stays on the screen when it is refused, with the reason', async () => {
		const { engine, actions } = setUp();
		const repair = { args: '<cut>', kwargs: '{}', words: 'cut' };
		engine.handlers.set('task.requeue', (input) =>
			input.args === undefined
				? {
						ok: true,
						value: outcome('requeue', 0, {
							skipped: 1,
							items: [{ id: 'b', outcome: 'skipped', reason: null, messageId: null, repair }],
						}),
					}
				: failure('unreachable', 'The broker does not answer.'),
		);
		await actions.start('requeue', { ...TWO, scope: { ids: ['b'] } });
		expect(await actions.mend('7', '{}')).toBe(false);
		expect(actions.stage).toMatchObject({ kind: 'repair', busy: false, error: { code: 'unreachable' } });
	});
});
