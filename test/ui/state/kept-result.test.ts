import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CanvasView } from '#main/domain/canvas.ts';
import type { GroupProgress } from '#main/domain/celery-result.ts';
import type { TaskState } from '#main/domain/task.ts';
import { KeptResult } from '#renderer/state/kept-result.svelte.ts';
import { OpenTask } from '#renderer/state/task-detail.svelte.ts';
import { TaskTicks } from '#renderer/state/task-ticks.ts';
import { FakeEngine, failure } from './fake-engine.ts';

const open: Disposable[] = [];
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
	vi.useRealTimers();
});

/** A task that has ended in a group of three of which `done` have. */
function start(done: { value: number }): { readonly engine: FakeEngine; readonly kept: KeptResult } {
	const engine = new FakeEngine();
	const result = { ready: true, status: 'SUCCESS', groupId: 'g', value: null, doneAt: 1 };
	engine.handlers.set('task.result', () => ({ ok: true, value: { words: '', result, branches: [], cut: false } }));
	engine.handlers.set('task.group', () => {
		const progress: Partial<GroupProgress> = { size: 3, done: done.value, failed: 0, stuck: null, chord: null };
		return { ok: true, value: progress };
	});
	const kept = new KeptResult(engine, 'p', 't');
	open.push(kept, kept.follow());
	return { engine, kept };
}
const doneOf = (kept: KeptResult): number | null => (kept.group?.kind === 'ready' ? kept.group.value.done : null);

describe('what a result backend keeps of the open task', () => {
	test('is followed while others of its group go on, and no longer once all have ended', async () => {
		const done = { value: 1 };
		const { engine, kept } = start(done);
		await kept.read();
		expect(doneOf(kept)).toBe(1);
		done.value = 2;
		await vi.advanceTimersByTimeAsync(10_000);
		expect(doneOf(kept)).toBe(2);
		done.value = 3;
		await vi.advanceTimersByTimeAsync(10_000);
		expect(doneOf(kept)).toBe(3);
		const asked = engine.called('task.group').length;
		await vi.advanceTimersByTimeAsync(600_000);
		expect(engine.called('task.group').length).toBe(asked);
	});

	test('is over when nothing of its group is kept any more, which is an answer', async () => {
		const { engine, kept } = start({ value: 2 });
		await kept.read();
		engine.handlers.set('task.group', () => failure('not-found', 'Nothing is kept.'));
		await vi.advanceTimersByTimeAsync(10_000);
		expect([kept.group?.kind, kept.trouble, kept.moving]).toEqual(['failed', null, false]);
	});

	test('stays on the screen when it cannot be read again, with why, until it can', async () => {
		const done = { value: 1 };
		const { engine, kept } = start(done);
		await kept.read();
		const answers = engine.handlers.get('task.result');
		engine.handlers.set('task.result', () => failure('unreachable', 'The backend is gone.'));
		await vi.advanceTimersByTimeAsync(10_000);
		expect(doneOf(kept)).toBe(1);
		expect(kept.result.kind).toBe('ready');
		expect(kept.trouble?.message).toBe('The backend is gone.');
		if (answers !== undefined) engine.handlers.set('task.result', answers);
		done.value = 3;
		await vi.advanceTimersByTimeAsync(10_000);
		expect([doneOf(kept), kept.trouble]).toEqual([3, null]);
	});

	test('is asked once at a time, and rarely of a backend that answers slowly', async () => {
		const { engine, kept } = start({ value: 1 });
		await kept.read();
		engine.gate = () => new Promise((resolve) => setTimeout(resolve, 10_000));
		await vi.advanceTimersByTimeAsync(300_000);
		// Two looks of twenty seconds at most: four hundred seconds lie between them.
		expect(engine.called('task.result').length).toBe(2);
	});
});

describe('the canvas of the open task', () => {
	test('is followed while one of it has not ended, and when tasks change', async () => {
		const engine = new FakeEngine();
		let state: TaskState = 'running';
		engine.handlers.set('task.canvas', () => {
			const nodes = [{ key: 'task:t', kind: 'task', state, counts: null }];
			return { ok: true, value: { nodes, edges: [] } as unknown as CanvasView };
		});
		const ticks = new TaskTicks(engine, 'p');
		const task = new OpenTask(engine, ticks, 'p', 't');
		open.push(ticks, task, task.followCanvas());
		await task.readCanvas();
		await vi.advanceTimersByTimeAsync(10_000);
		const asked = engine.called('task.canvas').length;
		expect(asked).toBeGreaterThan(1);
		state = 'succeeded';
		await vi.advanceTimersByTimeAsync(10_000);
		const ended = engine.called('task.canvas').length;
		await vi.advanceTimersByTimeAsync(100_000);
		expect(engine.called('task.canvas').length).toBe(ended);
		engine.tick();
		await vi.advanceTimersByTimeAsync(10_000);
		expect(engine.called('task.canvas').length).toBe(ended + 1);

		engine.handlers.set('task.canvas', () => failure('unreachable', 'The backend is gone.'));
		engine.tick();
		await vi.advanceTimersByTimeAsync(10_000);
		expect(task.canvas?.kind).toBe('ready');
		expect(task.canvasTrouble?.message).toBe('The backend is gone.');
	});
});
