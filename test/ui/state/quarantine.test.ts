import { afterEach, describe, expect, test } from 'vitest';
import type { QuarantineItem } from '#main/domain/quarantine.ts';
import { Quarantine } from '#renderer/state/quarantine.svelte.ts';
import { TaskTicks } from '#renderer/state/task-ticks.ts';
import { Toasts } from '#renderer/state/toasts.svelte.ts';
import { type Called, FakeEngine, failure, settle } from './fake-engine.ts';

const open: Disposable[] = [];
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
});

function item(id: number, more: Partial<QuarantineItem> = {}): QuarantineItem {
	return {
		id,
		at: id,
		state: 'held',
		cause: 'undecodable',
		reason: 'The body is not JSON.',
		queue: 'default',
		name: null,
		messageId: `m${id}`,
		taskId: null,
		attemptId: null,
		bytes: 3,
		alike: 1,
		settledAt: null,
		settledTo: null,
		...more,
	};
}

/** A quarantine of so many held messages in memory, answering as the routes do. */
function start(count: number): {
	readonly engine: FakeEngine;
	readonly list: Quarantine;
	readonly kept: Map<number, QuarantineItem>;
	readonly toasts: Toasts;
} {
	const engine = new FakeEngine();
	const kept = new Map<number, QuarantineItem>();
	for (let id = 1; id <= count; id += 1) kept.set(id, item(id));
	engine.handlers.set('quarantine.list', (input) => {
		const all = [...kept.values()]
			.filter((each) => input.state === 'any' || each.state === (input.state ?? 'held'))
			.filter((each) => input.queue === undefined || each.queue === input.queue)
			.sort((a, b) => b.id - a.id);
		const page = all.filter((each) => input.before === undefined || each.id < Number(input.before));
		const held = [...kept.values()].filter((each) => each.state === 'held').length;
		return { ok: true, value: { items: page.slice(0, Number(input.limit)), total: all.length, held } };
	});
	for (const action of ['release', 'discard', 'restore'] as const) {
		engine.handlers.set(`quarantine.${action}`, (input) => {
			const steps = (input.ids as readonly number[]).map((id) => {
				const found = kept.get(id);
				const fits = found !== undefined && found.state === (action === 'restore' ? 'discarded' : 'held');
				if (fits && input.dryRun !== true)
					kept.set(id, {
						...found,
						state: action === 'release' ? 'released' : action === 'discard' ? 'discarded' : 'held',
					});
				return { id, outcome: fits ? 'done' : 'skipped', reason: fits ? null : 'is not held', queue: 'default' };
			});
			const done = steps.filter((step) => step.outcome === 'done').length;
			const rest = [
				...steps.filter((step) => step.outcome !== 'done'),
				...steps.filter((step) => step.outcome === 'done'),
			];
			return {
				ok: true,
				value: {
					action,
					done,
					failed: 0,
					skipped: steps.length - done,
					dryRun: input.dryRun === true,
					items: rest.slice(0, 1_000),
				},
			};
		});
	}
	const toasts = new Toasts();
	const ticks = new TaskTicks(engine, 'p');
	const list = new Quarantine(engine, ticks, 'p', toasts);
	open.push(ticks, list);
	return { engine, list, kept, toasts };
}
const ids = (call: Called | undefined): readonly number[] => (call?.input.ids ?? []) as readonly number[];

describe('the quarantine', () => {
	test('knows how many are held before anybody looks, and reads no list for it', async () => {
		const { list, engine } = start(3);
		await settle();
		expect(list.held).toBe(3);
		expect(list.items).toEqual([]);
		expect(engine.called('quarantine.list').map((call) => call.input.limit)).toEqual([1]);
	});

	test('reads as far as somebody looks, page after page, and no further', async () => {
		const { list, engine } = start(2_000);
		list.show(list.filter);
		await settle();
		expect([list.items.length, list.total]).toEqual([500, 2_000]);
		list.look(1_200);
		await settle();
		expect(list.items.length).toBe(1_500);
		expect(new Set(list.items.map((each) => each.id)).size).toBe(1_500);
		expect(engine.called('quarantine.list').filter((call) => call.input.limit === 500).length).toBe(3);
	});

	test('does not move rows for what comes later, but counts and offers it', async () => {
		const { list, kept } = start(2);
		list.show(list.filter);
		await settle();
		kept.set(3, item(3));
		await list.count();
		expect(list.items.map((each) => each.id)).toEqual([2, 1]);
		expect([list.pending, list.held]).toEqual([1, 3]);
		list.reload();
		await settle();
		expect(list.items.map((each) => each.id)).toEqual([3, 2, 1]);
		expect(list.pending).toBeNull();
	});

	test('an answer about an earlier filter is dropped', async () => {
		const { list, engine, kept } = start(1);
		kept.set(9, item(9, { state: 'discarded' }));
		await settle();
		let release = (): void => {};
		engine.gate = (called) =>
			called.input.state === 'held' ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
		list.show({ state: 'held', cause: null, queue: null });
		list.show({ state: 'discarded', cause: null, queue: null });
		await settle();
		release();
		await settle();
		expect(list.items.map((each) => each.id)).toEqual([9]);
	});

	test('a decision runs by the numbers that were reviewed, less those that the review left out', async () => {
		const { list, engine, kept, toasts } = start(4);
		list.show(list.filter);
		await settle();
		kept.set(2, item(2, { state: 'released' }));
		list.selection.set(['1', '2', '3'], true);
		await list.change.ask({ action: 'discard', ids: list.aim });
		expect(list.change.stage).toMatchObject({ kind: 'asking', review: { done: 2, skipped: 1 } });
		// What comes meanwhile is not touched.
		kept.set(5, item(5));
		await list.change.confirm('shop');
		const [review, run] = engine.called('quarantine.discard');
		expect([ids(review), review?.input.dryRun]).toEqual([[1, 2, 3], true]);
		expect([ids(run), run?.confirm]).toEqual([[1, 3], 'shop']);
		expect(list.items.map((each) => each.id)).toEqual([4, 2]);
		expect(list.selection.empty).toBe(true);
		expect(toasts.items.at(-1)?.title).toBe('2 messages discarded');
	});

	test('more than the thousand outcomes that are listed are carried out all the same', async () => {
		const { list, engine } = start(1_300);
		list.show(list.filter);
		await settle();
		await list.selectEverything();
		expect(list.selection.count).toBe(1_300);
		await list.change.ask({ action: 'release', ids: list.aim });
		await list.change.confirm();
		await settle();
		expect(ids(engine.called('quarantine.release').at(-1)).length).toBe(1_300);
		expect([list.total, list.held]).toEqual([0, 0]);
	});

	test('a question that was closed is not opened again by its late review', async () => {
		const { list, engine } = start(1);
		await settle();
		let release = (): void => {};
		engine.gate = () => new Promise((resolve) => (release = resolve));
		const asked = list.change.ask({ action: 'release', ids: [1] });
		list.change.dismiss();
		release();
		await asked;
		expect(list.change.stage.kind).toBe('none');
	});

	test('a name that was mistyped leaves the question open, and what cannot be reached says so and offers another look', async () => {
		const { list, engine } = start(1);
		await settle();
		await list.change.ask({ action: 'discard', ids: [1] });
		const answer = engine.handlers.get('quarantine.discard');
		engine.handlers.set('quarantine.discard', () => failure('not-confirmed', 'Type shop.'));
		await list.change.confirm('sho');
		expect(list.change.stage).toMatchObject({ kind: 'asking', error: { code: 'not-confirmed' } });
		engine.handlers.set('quarantine.discard', () => failure('unreachable', 'The broker does not answer.'));
		await list.change.confirm('shop');
		expect(list.change.stage).toMatchObject({ kind: 'failed', error: { code: 'unreachable' } });
		if (answer !== undefined) engine.handlers.set('quarantine.discard', answer);
		await list.change.retry();
		expect(list.change.stage.kind).toBe('asking');
	});

	test('the keyboard stays at its row while others go, and takes the next when its own has gone', async () => {
		const { list } = start(5);
		list.show(list.filter);
		await settle();
		list.cursor.at(2);
		await list.change.ask({ action: 'discard', ids: [5] });
		await list.change.confirm();
		expect([list.cursor.id, list.cursor.place]).toEqual(['3', 1]);
		await list.change.ask({ action: 'discard', ids: [3] });
		await list.change.confirm();
		expect(list.cursor.id).toBe('2');
	});
});
