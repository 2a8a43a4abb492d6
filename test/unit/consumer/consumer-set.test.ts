import { describe, expect, it } from 'vitest';
import type { ConsoleLine } from '#main/domain/consumer.ts';
import { attemptId } from '#main/domain/ids.ts';
import { LOG_LINES_CAP } from '#main/domain/log-bounds.ts';
import type { LogLine } from '#main/domain/task.ts';
import type { StoredLogLine } from '#main/store/store.ts';
import { waitFor } from '#test/support/wait.ts';
import { returned, world } from './fakes.ts';

const line = (text: string): LogLine => ({ at: 1, level: 'info', source: 'log', logger: 'shop', text });
const ids = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

describe('a consumer set', () => {
	it('runs every waiting task once, stores its outcome and acknowledges it', async () => {
		await using here = world();
		for (const id of ids(50)) here.broker.task('default', id);
		const set = here.start({ untilEmpty: true });
		const view = await set.finished;
		expect(view).toMatchObject({ state: 'stopped', succeeded: 50, failed: 0, note: null });
		expect(here.broker.acked.toSorted()).toEqual(ids(50).toSorted());
		expect(here.runners.jobs).toHaveLength(50);
		for (const id of ids(50)) expect(here.history.of(id).map((one) => one.outcome?.state)).toEqual(['succeeded']);
	});

	it('acknowledges no task before its outcome is committed', async () => {
		await using here = world();
		const early: string[] = [];
		here.broker.onAck = (id) => {
			if (here.history.of(id).at(-1)?.outcome == null) early.push(id);
		};
		for (const id of ids(200)) here.broker.task('default', id);
		await here.start({ untilEmpty: true, concurrency: 4 }).finished;
		expect(here.broker.acked).toHaveLength(200);
		expect(early).toEqual([]);
	});

	it('gathers the facts of many short tasks into few transactions', async () => {
		await using here = world();
		for (const id of ids(500)) here.broker.task('default', id);
		await here.start({ untilEmpty: true, concurrency: 2 }).finished;
		expect(here.history.attempts).toHaveLength(500);
		expect(here.history.transactions).toBeLessThan(500);
	});

	it('does the same with a store that cannot foresee', async () => {
		await using here = world();
		for (const id of ids(30)) here.broker.task('default', id);
		const { apply, detail } = here.history;
		const view = await here.start({ untilEmpty: true }, { history: { apply, detail } }).finished;
		expect(view.succeeded).toBe(30);
		expect(here.runners.jobs.map((job) => job.attempt)).toEqual(Array(30).fill(1));
	});

	it('tells a task which attempt it is, and of which task', async () => {
		await using here = world();
		here.history.attempts.push({ id: 1, key: 'a', run: 'old', worker: 'w', lines: [], outcome: null });
		here.broker.task('default', 'a');
		await here.start({ untilEmpty: true }).finished;
		expect(here.runners.jobs.map((job) => [job.messageId, job.attempt, job.origin])).toEqual([['a', 2, 'a']]);
	});

	it('lets queues take turns', async () => {
		await using here = world();
		for (const id of ids(3)) {
			here.broker.task('one', `one-${id}`, 'one');
			here.broker.task('two', `two-${id}`, 'two');
		}
		await here.start({ queues: ['one', 'two'], concurrency: 1, untilEmpty: true }).finished;
		const names = here.runners.jobs.map((job) => job.queue);
		expect(names.toSorted()).toEqual(['one', 'one', 'one', 'two', 'two', 'two']);
		expect(names.slice(0, 2).toSorted()).toEqual(['one', 'two']);
	});

	it('holds no more messages than it has slots while tasks take long', async () => {
		await using here = world();
		const open = Promise.withResolvers<void>();
		here.runners.behaviour = async () => {
			await open.promise;
			return returned();
		};
		for (const id of ids(20)) here.broker.task('default', id);
		const set = here.start({ concurrency: 3 });
		await waitFor('three running slots', () => set.view().slots.every((slot) => slot.state.kind === 'running'));
		expect(here.broker.held).toBe(3);
		open.resolve();
		await waitFor('all of them', () => here.broker.acked.length === 20);
	});

	it('gives back what it took ahead when a task turns out long', async () => {
		await using here = world();
		const open = Promise.withResolvers<void>();
		here.runners.behaviour = async (job) => {
			if (job.name === 'long') await open.promise;
			return returned();
		};
		for (const id of ids(100)) here.broker.task('default', id, 'short');
		here.broker.task('default', 'long', 'long');
		for (const id of ids(100)) here.broker.task('default', `after-${id}`, 'long');
		const set = here.start({ concurrency: 1 });
		await waitFor(
			'the messages taken ahead to go back',
			() => here.broker.released.length > 0 && here.broker.held === 1,
		);
		expect(here.history.attempts.filter((one) => one.key.startsWith('after-'))).toEqual([]);
		open.resolve();
		await waitFor('all of them', () => here.broker.acked.length === 201);
		expect(set.view().succeeded).toBe(201);
	});

	it('records messages that cannot be read as failed, with the reason, and goes on', async () => {
		await using here = world();
		here.broker.task('default', 'a', 'bad');
		here.broker.task('default', null, 'bad too');
		here.broker.task('default', 'b', 'throw');
		here.broker.task('default', 'c', 'fine');
		const view = await here.start({ untilEmpty: true }).finished;
		expect(view).toMatchObject({ succeeded: 1, failed: 3 });
		expect(here.history.of('a')[0]?.outcome).toEqual({
			state: 'failed',
			exception: { type: 'InvalidMessage', message: 'It is bad.' },
			traceback: null,
		});
		expect(here.broker.acked).toHaveLength(4);
	});

	it('runs equal messages without an id each for itself', async () => {
		await using here = world();
		for (let index = 0; index < 5; index += 1) here.broker.task('default', null, 'same');
		const view = await here.start({ untilEmpty: true }).finished;
		expect(view.succeeded).toBe(5);
		expect(new Set(here.history.attempts.map((one) => one.key)).size).toBe(5);
	});

	it('runs an id that was sent twice twice, since the broker calls neither a redelivery', async () => {
		await using here = world();
		here.broker.task('default', 'a', 'first');
		here.broker.task('default', 'a', 'second');
		await here.start({ untilEmpty: true }).finished;
		expect(here.runners.jobs.map((job) => job.name)).toEqual(['first', 'second']);
		expect(here.history.of('a').map((one) => one.outcome?.state)).toEqual(['succeeded', 'succeeded']);
	});

	it.each(['succeeded', 'failed'] as const)(
		'does not run again what had %s when only its acknowledgement was lost',
		async (state) => {
			await using here = world();
			const exception = { type: 'KeyError', message: "'EUR'" };
			const outcome =
				state === 'succeeded'
					? { state, result: { kind: 'json' as const, text: '42' } }
					: { state, exception, traceback: 'Traceback …' };
			here.history.attempts.push({ id: 1, key: 'a', run: 'old', worker: 'w', lines: [], outcome });
			here.broker.send('default', 'a', { body: Buffer.from('shop.work'), redelivered: true });
			await here.start({ untilEmpty: true }).finished;
			expect(here.runners.jobs).toEqual([]);
			expect(here.broker.acked).toEqual(['a']);
			const repeat = here.history.of('a')[1];
			expect(repeat?.outcome).toEqual(outcome);
			expect(repeat?.lines.map((one) => [one.source, one.text])).toEqual([
				['warren', expect.stringContaining(`had already ${state}`)],
			]);
		},
	);

	it('runs it again where that was asked for', async () => {
		await using here = world();
		const outcome = { state: 'succeeded' as const, result: null };
		here.history.attempts.push({ id: 1, key: 'a', run: 'old', worker: 'w', lines: [], outcome });
		here.broker.send('default', 'a', { body: Buffer.from('shop.work'), redelivered: true });
		await here.start({ untilEmpty: true, onKnownOutcome: 'run' }).finished;
		expect(here.runners.jobs.map((job) => job.attempt)).toEqual([2]);
	});

	it('sets such a message aside for a person where that was asked for', async () => {
		await using here = world();
		const outcome = { state: 'succeeded' as const, result: null };
		here.history.attempts.push({ id: 1, key: 'a', run: 'old', worker: 'w', lines: [], outcome });
		here.broker.send('default', 'a', { body: Buffer.from('shop.work'), redelivered: true });
		await here.start({ untilEmpty: true, onKnownOutcome: 'ask' }).finished;
		expect(here.runners.jobs).toEqual([]);
		expect(here.history.quarantined).toEqual([['known-outcome', 'a']]);
		expect(here.broker.acked).toEqual(['a']);
	});

	it('sets messages aside that cannot be read, and those of which nobody here knows the task', async () => {
		await using here = world();
		here.broker.send('default', 'a', { body: Buffer.from('bad') });
		here.broker.task('default', 'b', 'shop.nowhere');
		const exception = { type: 'TaskNotFound', message: 'No such task.' };
		here.runners.behaviour = () => ({ kind: 'not-found', exception, traceback: null });
		await here.start({ untilEmpty: true }).finished;
		expect(here.history.quarantined.toSorted()).toEqual([
			['undecodable', 'a'],
			['unknown-task', 'b'],
		]);
		expect(here.history.of('b')[0]?.outcome?.state).toBe('failed');
	});

	it.each(['run', 'ask', 'drop'] as const)(
		'plans no second retry when a message comes again whose retry is planned (policy %s)',
		async (onKnownOutcome) => {
			await using here = world();
			const exception = { type: 'KeyError', message: 'x' };
			const retry = { messageId: 'later', dueAt: 5, tries: 1 };
			const outcome = { state: 'retrying' as const, exception, traceback: null, retry };
			here.history.attempts.push({ id: 1, key: 'a', run: 'old', worker: 'w', lines: [], outcome });
			here.broker.send('default', 'a', { body: Buffer.from('shop.work'), redelivered: true });
			await here.start({ untilEmpty: true, onKnownOutcome }).finished;
			expect(here.runners.jobs).toEqual([]);
			expect(here.history.quarantined).toEqual([]);
			expect(here.broker.acked).toEqual(['a']);
		},
	);

	it('says of a first attempt that its message had been handed out before', async () => {
		await using here = world();
		here.broker.send('default', 'a', { body: Buffer.from('shop.work'), redelivered: true });
		await here.start({ untilEmpty: true }).finished;
		expect(here.history.of('a')[0]?.lines.map((one) => one.text)).toEqual([
			expect.stringContaining('may have begun to run it'),
		]);
	});

	it('runs again what was lost with its worker', async () => {
		await using here = world();
		const outcome = { state: 'lost' as const, exception: { type: 'Lost', message: '' }, traceback: null };
		here.history.attempts.push({ id: 1, key: 'a', run: 'old', worker: 'w', lines: [], outcome });
		here.broker.send('default', 'a', { body: Buffer.from('shop.work'), redelivered: true });
		await here.start({ untilEmpty: true }).finished;
		expect(here.runners.jobs.map((job) => job.attempt)).toEqual([2]);
	});

	it('keeps the outcome of a task that outlives its connection, and does not run its message again', async () => {
		await using here = world();
		const open = Promise.withResolvers<void>();
		here.runners.behaviour = async () => {
			await open.promise;
			return returned('7');
		};
		here.broker.task('default', 'a');
		const set = here.start({ concurrency: 2 });
		await waitFor('the task to run', () => here.runners.jobs.length === 1);
		here.broker.drop();
		expect(set.view().state).toBe('waiting-for-broker');
		expect(set.view().note).toBe('The broker went away.');
		here.broker.reconnect();
		await waitFor('the redelivery', () => here.broker.held === 1);
		open.resolve();
		await waitFor('the acknowledgement', () => here.broker.acked.length === 1);
		expect(here.runners.jobs).toHaveLength(1);
		expect(here.history.of('a').map((one) => one.outcome?.state)).toEqual(['succeeded', 'succeeded']);
	});

	it('does not begin what it held when the connection is lost', async () => {
		await using here = world();
		const open = Promise.withResolvers<void>();
		here.runners.behaviour = async () => {
			await open.promise;
			return returned();
		};
		here.broker.task('one', 'a');
		here.broker.task('two', 'b');
		here.start({ queues: ['one', 'two'], concurrency: 1 });
		await waitFor('both to be held', () => here.broker.held === 2 && here.runners.jobs.length === 1);
		here.broker.drop();
		open.resolve();
		await waitFor('the first to be stored', () => here.history.attempts.every((one) => one.outcome !== null));
		expect(here.runners.jobs).toHaveLength(1);
		here.broker.reconnect();
		await waitFor('both to be acknowledged', () => here.broker.acked.length === 2);
		expect(here.runners.jobs).toHaveLength(2);
	});

	it('keeps messages unacknowledged while outcomes cannot be stored, says so, and catches up', async () => {
		await using here = world();
		here.history.refuse = () => 'disk full';
		for (const id of ids(10)) here.broker.task('default', id);
		const set = here.start();
		await waitFor('the note', () => set.view().note?.includes('disk full'));
		expect(here.broker.acked).toEqual([]);
		here.history.refuse = () => null;
		await waitFor('all of them', () => here.broker.acked.length === 10);
		expect(set.view().note).toBeNull();
		for (const id of ids(10)) expect(here.history.of(id).at(-1)?.outcome?.state).toBe('succeeded');
	});

	it('lets one task whose facts the store refuses stop no other', async () => {
		await using here = world();
		here.history.refuse = (ops) => (ops.some((op) => op.kind === 'started' && op.key === 'm3') ? 'strange' : null);
		for (const id of ids(10)) here.broker.task('default', id);
		here.start({ concurrency: 4 });
		await waitFor('the others', () => here.broker.acked.length >= 4);
		expect(here.broker.acked).not.toContain('m3');
		here.history.refuse = () => null;
		await waitFor('all of them', () => here.broker.acked.length === 10);
	});

	it('records a task whose process died as failed, with its last words, and goes on with a new process', async () => {
		await using here = world();
		here.runners.behaviour = (job) =>
			job.name === 'crash' ? { kind: 'died', exitCode: 3, signal: null, lastWords: 'out of paper' } : returned();
		here.broker.task('default', 'a', 'crash');
		here.broker.task('default', 'b', 'fine');
		const view = await here.start({ concurrency: 1, untilEmpty: true }).finished;
		expect(view).toMatchObject({ succeeded: 1, failed: 1 });
		expect(here.runners.started).toBe(2);
		const outcome = here.history.of('a')[0]?.outcome;
		expect(outcome).toMatchObject({ state: 'failed', exception: { type: 'WorkerLost' } });
		expect(JSON.stringify(outcome)).toContain('out of paper');
		expect(here.broker.acked).toContain('a');
	});

	it('leaves messages in their queue while no runner can be started, and says why', async () => {
		await using here = world();
		here.runners.refuse = 'python9 was not found.';
		here.broker.task('default', 'a');
		const set = here.start();
		await waitFor('the note', () => set.view().note === 'python9 was not found.');
		expect(here.broker.waiting).toBe(1);
		here.runners.refuse = null;
		await waitFor('the task', () => here.broker.acked.length === 1);
		expect(here.history.of('a').map((one) => one.outcome?.state)).toEqual(['succeeded']);
		expect(set.view().note).toBeNull();
	});

	it('gives up with the reason when it runs until empty and no runner can be started', async () => {
		await using here = world();
		here.runners.refuse = 'python9 was not found.';
		here.broker.task('default', 'a');
		const view = await here.start({ untilEmpty: true, concurrency: 1 }).finished;
		expect(view).toMatchObject({ state: 'stopped', note: 'python9 was not found.' });
		expect(here.broker.waiting).toBe(1);
	});

	it('runs a task in a fresh process when the runner asks to be replaced', async () => {
		await using here = world();
		here.runners.behaviour = () =>
			here.runners.started === 1 ? { kind: 'declined', reason: 'shop.py changed on disk' } : returned();
		here.broker.task('default', 'a');
		await here.start({ concurrency: 1, untilEmpty: true }).finished;
		expect(here.runners.jobs).toHaveLength(2);
		expect(here.history.of('a').map((one) => one.outcome?.state)).toEqual(['succeeded']);
	});

	it('lets running tasks end when it drains, and takes no more', async () => {
		await using here = world();
		const open = Promise.withResolvers<void>();
		here.runners.behaviour = async () => {
			await open.promise;
			return returned();
		};
		for (const id of ids(5)) here.broker.task('default', id);
		const set = here.start({ concurrency: 2 });
		await waitFor('two running', () => here.runners.jobs.length === 2);
		const stopped = set.stop('drain');
		expect(set.view().state).toBe('draining');
		open.resolve();
		await stopped;
		expect(set.view().state).toBe('stopped');
		expect(here.broker.acked).toHaveLength(2);
		expect(here.broker.waiting).toBe(3);
	});

	it('kills running tasks when it stops now, records them as lost and gives their messages back', async () => {
		await using here = world();
		here.runners.behaviour = async (_job, _lines, killed) => {
			await killed;
			return { kind: 'died', exitCode: null, signal: 'SIGKILL', lastWords: '' };
		};
		for (const id of ids(3)) here.broker.task('default', id);
		const set = here.start({ concurrency: 2 });
		await waitFor('two running', () => here.runners.jobs.length === 2);
		await set.stop('now');
		expect(here.broker.acked).toEqual([]);
		expect(here.broker.waiting).toBe(3);
		expect(here.history.attempts.map((one) => one.outcome)).toEqual([
			expect.objectContaining({ state: 'lost', exception: expect.objectContaining({ type: 'ConsumerStopped' }) }),
			expect.objectContaining({ state: 'lost' }),
		]);
	});

	it('escalates from draining to stopping now', async () => {
		await using here = world();
		here.runners.behaviour = async (_job, _lines, killed) => {
			await killed;
			return { kind: 'died', exitCode: null, signal: 'SIGKILL', lastWords: '' };
		};
		here.broker.task('default', 'a');
		const set = here.start();
		await waitFor('it running', () => here.runners.jobs.length === 1);
		const drained = set.stop('drain');
		await set.stop('now');
		await drained;
		expect(set.view().state).toBe('stopped');
		expect(here.broker.waiting).toBe(1);
	});

	it('holds a lease under its worker name while it lives', async () => {
		await using here = world();
		const set = here.start();
		await waitFor('the lease', () => here.leases.get('consumer:test:host:1:set') === 'host:1:set');
		await set.stop('drain');
		expect([...here.leases]).toEqual([]);
	});

	it("stores a task's lines in order and shows them on the console with where they came from", async () => {
		await using here = world();
		here.runners.behaviour = async (_job, lines) => {
			for (let index = 0; index < 1000; index += 1) await lines([line(`line ${index}`)]);
			return returned();
		};
		here.broker.task('default', 'a', 'shop.work');
		const seen: ConsoleLine[] = [];
		const set = here.start();
		using _ = set.onLines((lines) => seen.push(...lines));
		await waitFor('the end', () => seen.some((one) => one.text.startsWith('succeeded')));
		const texts = Array.from({ length: 1000 }, (_, index) => `line ${index}`);
		expect(here.history.of('a')[0]?.lines.map((one) => one.text)).toEqual(texts);
		expect(seen.filter((one) => one.source === 'log').map((one) => one.text)).toEqual(texts);
		expect(seen[0]).toMatchObject({ taskId: 'a', attemptId: 1, taskName: 'shop.work', slot: '1' });
	});

	it('keeps a bounded log of a task that prints without end, and says what it left out', async () => {
		await using here = world();
		const many = Array.from({ length: 50_000 }, (_, index) => line(String(index)));
		here.runners.behaviour = async (_job, lines) => {
			for (let round = 0; round < 21; round += 1) await lines(many);
			return returned();
		};
		here.broker.task('default', 'a');
		await here.start({ untilEmpty: true }).finished;
		const lines = here.history.of('a')[0]?.lines ?? [];
		expect(lines).toHaveLength(LOG_LINES_CAP - 9);
		expect(lines.at(-1)?.text).toContain('50010 more lines were not kept');
	});

	it("lets somebody follow a running attempt's committed lines without a gap, until it ends", async () => {
		await using here = world();
		const open = Promise.withResolvers<void>();
		here.runners.behaviour = async (_job, lines) => {
			await lines([line('one')]);
			await open.promise;
			await lines([line('two'), line('three')]);
			return returned();
		};
		here.broker.task('default', 'a');
		const set = here.start();
		await waitFor('the first line', () => here.history.of('a')[0]?.lines.length === 1);
		const seen: StoredLogLine[] = [];
		const ended = Promise.withResolvers<void>();
		const following = set.follow(attemptId(1), { lines: (lines) => seen.push(...lines), ended: ended.resolve });
		expect(following).not.toBeNull();
		open.resolve();
		await ended.promise;
		expect(seen.map((one) => [one.seq, one.text])).toEqual([
			[1, 'two'],
			[2, 'three'],
		]);
		expect(set.follow(attemptId(1), { lines() {}, ended() {} })).toBeNull();
	});
});
