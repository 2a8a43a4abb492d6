import { describe, expect, it } from 'vitest';
import { Slot } from '#main/consumer/slot.ts';
import { NO_LIMITS, type TaskLimits } from '#main/domain/consumer.ts';
import { silentLog } from '#main/domain/log.ts';
import type { LogLine } from '#main/domain/task.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';
import { FakeRunners, returned } from './fakes.ts';

const JOB = { run: 'r', name: 'n', messageId: 'm', attempt: 1, queue: 'q', argsJson: '[]', kwargsJson: '{}' };

async function ready(limits: Partial<TaskLimits> = {}): Promise<{
	readonly slot: Slot;
	readonly runners: FakeRunners;
	readonly clock: ManualClock;
	readonly said: LogLine[];
}> {
	const runners = new FakeRunners();
	const clock = manualClock();
	const said: LogLine[] = [];
	const slot = new Slot({
		number: 1,
		spec: { kind: 'node', modules: [], project: '/', env: {} },
		limits: { ...NO_LIMITS, ...limits },
		startRunner: runners.start,
		clock,
		log: silentLog,
		onStray: (_slot, lines) => said.push(...lines),
		onChange: () => {},
	});
	slot.start();
	await clock.advance(0);
	return { slot, runners, clock, said };
}

describe('a slot', () => {
	it('kills an idle runner that gives no sign of life, says so, and starts another', async () => {
		const { slot, runners, clock, said } = await ready();
		runners.deaf = true;
		await clock.advance(44_000);
		expect(runners.started).toBe(1);
		await clock.advance(2000);
		expect(runners.started).toBe(2);
		expect(said.map((line) => [line.level, line.source])).toEqual([['error', 'warren']]);
		expect(said[0]?.text).toContain('no sign of life for 30 s');
		expect(slot.free).toBe(true);
		await slot[Symbol.asyncDispose]();
	});

	it('gives a task back that a hung runner never began', async () => {
		const { slot, runners, clock } = await ready();
		await clock.advance(10_000);
		runners.deaf = true;
		runners.behaviour = (_job, _lines, killed) =>
			killed.then(() => ({ kind: 'died', exitCode: null, signal: 'SIGKILL', lastWords: '' }));
		const end = slot.run(JOB, () => {});
		await clock.advance(31_000);
		expect(await end).toMatchObject({ kind: 'unavailable', reason: expect.stringContaining('no sign of life') });
		await slot[Symbol.asyncDispose]();
	});

	it('never takes a long task for a hung runner', async () => {
		const { slot, runners, clock } = await ready();
		const over = Promise.withResolvers<void>();
		runners.behaviour = () => over.promise.then(() => returned());
		const end = slot.run(JOB, () => {});
		await clock.advance(3_600_000);
		over.resolve();
		expect(await end).toMatchObject({ kind: 'returned' });
		expect(runners.started).toBe(1);
		await slot[Symbol.asyncDispose]();
	});

	it('tells a task its soft limit, and kills it at its hard one', async () => {
		const { slot, runners, clock } = await ready({ softMs: 100, hardMs: 500 });
		runners.behaviour = (_job, _lines, killed) =>
			killed.then(() => ({ kind: 'died', exitCode: null, signal: 'SIGKILL', lastWords: '' }));
		const end = slot.run(JOB, () => {});
		await clock.advance(499);
		expect(runners.jobs[0]?.softMs).toBe(100);
		await clock.advance(1);
		expect(await end).toEqual({ kind: 'killed', why: { kind: 'time', limitMs: 500 } });
		await slot[Symbol.asyncDispose]();
	});

	it('stays usable while its runner is replaced after a task', async () => {
		const { slot, runners, clock } = await ready({ recycleAfter: 1 });
		await slot.run(JOB, () => {});
		expect(slot.usable).toBe(true);
		await clock.advance(0);
		expect([slot.free, runners.started]).toEqual([true, 2]);
		await slot[Symbol.asyncDispose]();
	});
});
