/** Answers that come after what they answer has changed, or after a newer question: none of them is shown. */
import { afterEach, expect, test, vi } from 'vitest';
import type { FailureGroupDetail, FailureGroupList } from '#main/domain/failure-group.ts';
import type { CallName } from '#main/ipc/contract.ts';
import { FailureGroups } from '#renderer/state/failure-groups.svelte.ts';
import { Site } from '#renderer/state/site.svelte.ts';
import { OpenTask } from '#renderer/state/task-detail.svelte.ts';
import { TaskTicks } from '#renderer/state/task-ticks.ts';
import { Toasts } from '#renderer/state/toasts.svelte.ts';
import { WorkerQuestion } from '#renderer/state/worker-question.svelte.ts';
import { FakeEngine, failure, settle } from './fake-engine.ts';

const open: Disposable[] = [];
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
	vi.useRealTimers();
});

/** Answers with what is true when it is asked, and only when the test lets it go. */
function held(engine: FakeEngine, route: CallName, value: (input: Readonly<Record<string, unknown>>) => unknown) {
	const waiting: (() => void)[] = [];
	engine.handlers.set(route, (input) => {
		const answer = { ok: true, value: value(input) } as const;
		return new Promise((resolve) => waiting.push(() => resolve(answer)));
	});
	return {
		/** Lets the answer at this place go, the oldest by itself. */
		async release(at = 0) {
			waiting.splice(at, 1)[0]?.();
			await settle();
		},
		get count() {
			return waiting.length;
		},
	};
}

test('a change of a site that is told while a page is on its way is read after it', async () => {
	const engine = new FakeEngine();
	let total = 1;
	const page = held(engine, 'site.list', (input) => ({
		items: Array.from({ length: total }, (_, at) => ({ id: at + 1, status: 'FAILED' })),
		total,
		page: input.page,
		more: false,
		at: 1,
		unreadable: [],
	}));
	const site = new Site(engine, 'p', new Toasts(), () => {});
	open.push(site, site.watch());
	const list = site.list('failed');
	const tick = (revision: number) =>
		engine
			.stream('site.watch')
			.reader.change([{ key: 'p', tick: { counts: null, at: 1, revision, problem: null } }], 0);
	tick(1);
	list.find('');
	await settle();
	total = 2;
	tick(2);
	await page.release();
	expect(list.rows.length).toBe(1);
	// It is asked for once more, with nobody doing anything.
	await page.release();
	expect(list.pending?.items.length).toBe(2);

	list.find('other');
	list.showPending();
	expect(list.rows.length).toBe(1);
	await settle();
	await page.release();
	expect([list.rows.length, page.count]).toEqual([2, 0]);
});

test('a row of a site is shown as the newest look has it, in whatever order looks are answered', async () => {
	const engine = new FakeEngine();
	let status = 'PUBLISHED';
	const row = held(engine, 'site.show', () => ({ status }));
	const site = new Site(engine, 'p', new Toasts(), () => {});
	open.push(site);
	site.openRow(7);
	await settle();
	status = 'FAILED';
	void site.readOpen();
	await settle();
	await row.release(1);
	await row.release(0);
	expect(site.open?.state).toMatchObject({ kind: 'ready', value: { status: 'FAILED' } });
});

test('workers that were not asked this time keep no answer to an earlier question', async () => {
	const engine = new FakeEngine();
	const question = new WorkerQuestion(engine, 'p', 'stats', null);
	open.push(question);
	const node = (name: string, state: 'asked' | 'answered') => ({
		key: name,
		node: { node: name, state, answers: [], note: null },
		summary: null,
		failure: null,
	});
	question.ask();
	engine.stream('worker.inspect').reader.change([node('a', 'answered'), node('b', 'answered')], 0);
	engine.stream('worker.inspect').reader.end(null);
	expect(question.nodes.map((one) => one.node)).toEqual(['a', 'b']);
	question.ask();
	engine.stream('worker.inspect').reader.change([node('a', 'answered')], 0);
	// While it is asked, what was said before is all there is.
	expect(question.nodes.map((one) => one.node)).toEqual(['a', 'b']);
	engine.stream('worker.inspect').reader.end(null);
	expect(question.nodes.map((one) => one.node)).toEqual(['a']);
});

test('the beginning of a message that comes late does not take the place of all of it', async () => {
	const engine = new FakeEngine();
	engine.handlers.set('task.show', () => ({ ok: true, value: { history: [{ id: 3 }] } }));
	const message = held(engine, 'task.message', ({ whole }) => ({ whole }));
	const ticks = new TaskTicks(engine, 'p');
	const task = new OpenTask(engine, ticks, 'p', 't');
	open.push(ticks, task);
	await settle();
	void task.readMessage();
	void task.readMessage(true);
	await settle();
	await message.release(1);
	await message.release(0);
	expect(task.message).toMatchObject({ kind: 'ready', value: { whole: true } });
});

test('a failure group is shown over the span that was chosen last', async () => {
	const engine = new FakeEngine();
	const detail = held(engine, 'group.show', ({ window }) => ({ window }) as unknown as FailureGroupDetail);
	const ticks = new TaskTicks(engine, 'p');
	const groups = new FailureGroups(engine, ticks, 'p', new Toasts());
	open.push(ticks, groups);
	engine.handlers.set('group.list', () => ({
		ok: true,
		value: { items: [], tasks: 0 } as unknown as FailureGroupList,
	}));
	groups.toggle('k');
	groups.window = '7d';
	void groups.reload();
	await settle();
	await detail.release(1);
	await detail.release(0);
	expect(groups.detail).toEqual({ window: '7d' });
});

test('failure groups that could not be read at first are read once tasks change', async () => {
	vi.useFakeTimers();
	const engine = new FakeEngine();
	const ticks = new TaskTicks(engine, 'p');
	const groups = new FailureGroups(engine, ticks, 'p', new Toasts());
	open.push(ticks, groups, groups.watch());
	engine.handlers.set('group.list', () => failure('unreachable', 'The engine is away.'));
	groups.show('');
	await vi.advanceTimersByTimeAsync(10_000);
	expect([groups.error?.message, groups.list]).toEqual(['The engine is away.', null]);
	engine.handlers.set('group.list', () => ({
		ok: true,
		value: { items: [], tasks: 4 } as unknown as FailureGroupList,
	}));
	engine.tick();
	await vi.advanceTimersByTimeAsync(10_000);
	expect([groups.error, groups.list?.tasks]).toEqual([null, 4]);
});
