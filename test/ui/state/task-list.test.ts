import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ListSort, TaskList } from '#renderer/state/task-list.svelte.ts';
import { TaskTicks } from '#renderer/state/task-ticks.ts';
import { FakeEngine, row, settle } from './fake-engine.ts';

const NEWEST: ListSort = { field: 'updatedAt', ascending: false };
const open: Disposable[] = [];

afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
});

function number(index: number): string {
	return `t${String(index).padStart(6, '0')}`;
}

function setUp(count: number): { readonly engine: FakeEngine; readonly ticks: TaskTicks; readonly list: TaskList } {
	const engine = new FakeEngine();
	engine.put(...Array.from({ length: count }, (_, index) => row(number(index), { updatedAt: index })));
	const ticks = new TaskTicks(engine, 'p');
	const list = new TaskList(engine, ticks, { profile: 'p', base: 'state:failed', sort: NEWEST });
	open.push(ticks, list);
	return { engine, ticks, list };
}

function ids(list: TaskList, from: number, to: number): (string | undefined)[] {
	const found: (string | undefined)[] = [];
	for (let place = from; place <= to; place += 1) found.push(list.at(place)?.row.id);
	return found;
}

async function scrollTo(list: TaskList, from: number, to: number): Promise<void> {
	list.look(from, to);
	for (let turn = 0; turn < 400 && ids(list, from, Math.min(to, list.count - 1)).includes(undefined); turn += 1)
		await settle();
}

describe('a long list', () => {
	test('shows any place of 20,000 rows, the end without reading the middle', async () => {
		const { engine, list } = setUp(20_000);
		list.show('', NEWEST);
		await settle();
		expect(list.count).toBe(20_000);
		await scrollTo(list, 19_970, 19_999);
		expect(ids(list, 19_998, 19_999)).toEqual([number(1), number(0)]);
		expect(engine.called('task.list').length).toBeLessThan(4);
		await scrollTo(list, 7_000, 7_030);
		expect(ids(list, 7_000, 7_001)).toEqual([number(12_999), number(12_998)]);
	});

	test('asks for nothing again that it has', async () => {
		const { engine, list } = setUp(300);
		list.show('', NEWEST);
		await settle();
		await scrollTo(list, 0, 50);
		const before = engine.called('task.list').length;
		await scrollTo(list, 10, 60);
		expect(engine.called('task.list').length).toBe(before);
	});
});

describe('a list of what is rare', () => {
	test('shows what was found in time, says that it searches on, and then has every row and the right count', async () => {
		const { engine, list } = setUp(3);
		const rest = Promise.withResolvers<void>();
		const newest = engine.tasks.get(number(2));
		engine.handlers.set('task.list', async (input) => {
			if (input.patience !== undefined)
				return {
					ok: true,
					value: { items: [newest], total: null, revision: 1, next: 'on', previous: null, unfinished: true },
				};
			expect(input.cursor).toBe('on');
			await rest.promise;
			const items = [1, 0].map((at) => engine.tasks.get(number(at)));
			return { ok: true, value: { items, total: null, revision: 1, next: null, previous: null } };
		});
		const counted = Promise.withResolvers<void>();
		engine.gate = (called) => (called.route === 'task.count' ? counted.promise : Promise.resolve());
		list.show('', NEWEST);
		await settle();
		expect({ first: list.at(0)?.row.id, searching: list.searching, counting: list.counting }).toEqual({
			...{ first: number(2), searching: true, counting: true },
		});
		rest.resolve();
		await settle();
		expect({ shown: ids(list, 0, 2), total: list.total, searching: list.searching, counting: list.counting }).toEqual({
			...{ shown: [number(2), number(1), number(0)], total: 3, searching: false, counting: false },
		});
		counted.resolve();
		await settle();
		expect(list.total).toBe(3);
	});

	test('says that nothing matches once everything was looked through', async () => {
		const { engine, list } = setUp(3);
		engine.handlers.set('task.list', (input) => ({
			ok: true,
			value: {
				...{ items: [], total: null, revision: 1, previous: null },
				...(input.patience === undefined ? { next: null } : { next: 'on', unfinished: true }),
			},
		}));
		engine.handlers.set('task.count', () => ({ ok: true, value: { total: 0 } }));
		list.show('', NEWEST);
		await settle();
		expect({ count: list.count, status: list.status, searching: list.searching }).toEqual({
			...{ count: 0, status: 'ready', searching: false },
		});
	});
});

describe('a list that holds still', () => {
	test('A16: under 500 updates the row under the pointer stays the same task', async () => {
		const { engine, list } = setUp(200);
		list.show('', NEWEST);
		await settle();
		await scrollTo(list, 0, 30);
		list.point(true);
		const before = ids(list, 0, 30);
		for (let update = 0; update < 500; update += 1) {
			engine.put(row(`new${update}`, { updatedAt: 1_000 + update }));
			if (update % 3 === 0) engine.put(row(number(update % 200), { updatedAt: 2_000 + update }));
			if (update % 7 === 0) engine.put(row(number((update * 5) % 200), { state: 'queued' }));
			engine.tick();
			await settle();
			expect(ids(list, 0, 30)).toEqual(before);
		}
		expect(list.pending?.added).toBeGreaterThan(0);
	});

	test('the selection is the same ids after 500 updates, a new order and a reload', async () => {
		const { engine, list } = setUp(200);
		list.show('', NEWEST);
		await settle();
		const chosen = [number(190), number(150), number(101)];
		list.selection.set(chosen, true);
		for (let update = 0; update < 500; update += 1) {
			engine.put(row(`new${update}`, { updatedAt: 1_000 + update }));
			engine.tick();
			if (update % 50 === 0) await settle();
		}
		await settle();
		list.show('', { field: 'name', ascending: true });
		await settle();
		list.reload();
		await settle();
		expect([...list.selection.ids]).toEqual(chosen);
		expect(list.selection.scope).toEqual({ ids: chosen });
	});

	test('counts what has come, exactly, and shows it when asked', async () => {
		const { engine, list } = setUp(50);
		list.show('', NEWEST);
		await settle();
		list.point(true);
		engine.put(row('a', { updatedAt: 900 }), row('b', { updatedAt: 901 }));
		engine.tick();
		await settle();
		expect(list.pending).toEqual({ added: 2, gone: 0 });
		list.reload();
		await settle();
		expect(list.pending).toBeNull();
		expect(ids(list, 0, 1)).toEqual(['b', 'a']);
	});

	test('a row that has left stays in its place, says so, and shows its new state', async () => {
		const { engine, list } = setUp(50);
		list.show('', NEWEST);
		await settle();
		await scrollTo(list, 0, 20);
		list.point(true);
		engine.put(row(number(48), { state: 'running' }));
		engine.tick();
		await settle();
		expect(list.at(1)).toMatchObject({ gone: true, row: { id: number(48), state: 'running' } });
		expect(list.pending).toEqual({ added: 0, gone: 1 });
	});

	test('a change that moves nothing is shown at once, also under the pointer', async () => {
		const { engine, list } = setUp(50);
		list.show('', NEWEST);
		await settle();
		await scrollTo(list, 0, 20);
		list.point(true);
		engine.put(row(number(49), { updatedAt: 49, attempts: 7 }));
		engine.tick();
		await settle();
		expect(list.at(0)?.row.attempts).toBe(7);
		expect(list.pending).toBeNull();
	});

	test('with nobody pointing, holding or standing on a row, the top follows', async () => {
		const { engine, list } = setUp(50);
		list.show('', NEWEST);
		await settle();
		engine.put(row('a', { updatedAt: 900 }));
		engine.tick();
		await settle();
		expect(list.at(0)?.row.id).toBe('a');
		expect(list.pending).toBeNull();
	});

	test('where all rows in view are others each time, it is drawn anew now and then, and ends with the newest', async () => {
		const { engine, list } = setUp(50);
		list.show('', NEWEST);
		await settle();
		const rush = (name: string, since: number) => {
			engine.put(...Array.from({ length: 60 }, (_, index) => row(`${name}${index}`, { updatedAt: since + index })));
			engine.tick();
			return settle();
		};
		await rush('a', 1_000);
		expect(list.at(0)?.row.id).toBe('a59');
		const before = engine.called('task.list').length;
		await rush('b', 2_000);
		await rush('c', 3_000);
		expect(engine.called('task.list').length).toBe(before);
		await vi.waitFor(() => expect(list.at(0)?.row.id).toBe('c59'), { timeout: 30_000 });
	});

	test('with one of its rows at the keyboard it does not', async () => {
		const { engine, list } = setUp(50);
		list.show('', NEWEST);
		await settle();
		list.moveFocus(1);
		engine.put(row('a', { updatedAt: 900 }));
		engine.tick();
		await settle();
		expect(list.at(0)?.row.id).toBe(number(49));
		expect(list.focused).toBe(number(49));
	});
});

describe('switching', () => {
	test('200 fast changes of filter and view never show a row of another list', async () => {
		const engine = new FakeEngine();
		for (let index = 0; index < 60; index += 1) {
			engine.put(row(`f${index}`, { state: 'failed', updatedAt: index, name: `failed.${index % 2 ? 'odd' : 'even'}` }));
			engine.put(row(`q${index}`, { state: 'queued', updatedAt: index, name: `queued.${index % 2 ? 'odd' : 'even'}` }));
		}
		// Answers come late and out of order.
		let turn = 0;
		engine.gate = () => {
			turn += 1;
			return new Promise((resolve) => setTimeout(resolve, (turn * 7) % 5));
		};
		const ticks = new TaskTicks(engine, 'p');
		const failed = new TaskList(engine, ticks, { profile: 'p', base: 'state:failed', sort: NEWEST });
		const queued = new TaskList(engine, ticks, { profile: 'p', base: 'state:queued', sort: NEWEST });
		open.push(ticks, failed, queued);
		const holds = (): void => {
			for (const [list, letter] of [
				[failed, 'f'],
				[queued, 'q'],
			] as const) {
				for (let place = 0; place < list.count; place += 1) {
					const task = list.at(place);
					if (task === undefined) continue;
					expect(task.row.id.startsWith(letter)).toBe(true);
					if (!task.gone) expect(task.row.name).toContain(list.filter);
				}
			}
		};
		for (let change = 0; change < 200; change += 1) {
			const list = change % 3 === 0 ? queued : failed;
			list.show(['odd', 'even', ''][change % 3] ?? '', change % 5 === 0 ? { field: 'name', ascending: true } : NEWEST);
			list.look(0, 40);
			if (change % 4 === 0) engine.tick();
			if (change % 11 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
			holds();
		}
		for (let wait = 0; wait < 20; wait += 1) await new Promise((resolve) => setTimeout(resolve, 5));
		holds();
		expect(failed.status).toBe('ready');
		expect(queued.status).toBe('ready');
		expect(failed.count).toBeGreaterThan(0);
	});

	test('everything that was chosen under one filter is let go under another', async () => {
		const { list } = setUp(50);
		list.show('', NEWEST);
		await settle();
		list.selectEverything();
		expect(list.selection.count).toBe(50);
		list.show('pay', NEWEST);
		await settle();
		expect(list.selection.empty).toBe(true);
	});

	test('everything less a few is spelled out for the review', async () => {
		const { list } = setUp(50);
		list.show('', NEWEST);
		await settle();
		list.selectEverything();
		list.selection.toggle(number(3));
		expect(list.selection.count).toBe(49);
		expect(list.selection.scope).toEqual({ where: `state:failed -id:"${number(3)}"` });
	});
});

describe('a list that cannot be read', () => {
	test('says why, and reads again when asked', async () => {
		const { engine, list } = setUp(5);
		const good = engine.handlers.get('task.list');
		engine.handlers.set('task.list', () => ({
			ok: false,
			error: { code: 'invalid-input', message: 'Too many at once.', retryable: false, ref: 'x' },
		}));
		list.show('x', NEWEST);
		await settle();
		expect(list.status).toBe('failed');
		expect(list.error?.message).toBe('Too many at once.');
		if (good !== undefined) engine.handlers.set('task.list', good);
		list.show('', NEWEST);
		await settle();
		expect(list.status).toBe('ready');
	});

	test('says what is wrong with a filter at its place in the filter, and asks for nothing that reaches beyond its list', async () => {
		const { engine, list } = setUp(5);
		const asked: unknown[] = [];
		engine.handlers.set('task.list', (input) => {
			asked.push(input);
			return { ok: false, error: { code: 'internal', message: 'not to be asked', retryable: false, ref: 'x' } };
		});
		list.show('a) OR (b', NEWEST);
		await settle();
		expect(list.error).toMatchObject({ code: 'invalid-input', details: { position: 1 } });
		expect(asked).toEqual([]);
	});

	test('keeps the rows it has when a refresh fails', async () => {
		const { engine, list } = setUp(5);
		list.show('', NEWEST);
		await settle();
		engine.handlers.set('task.list', () => ({
			ok: false,
			error: { code: 'timeout', message: 'No answer.', retryable: true, ref: 'x' },
		}));
		engine.tick();
		await settle();
		expect(ids(list, 0, 4)).not.toContain(undefined);
		expect(list.status).toBe('ready');
	});
});
