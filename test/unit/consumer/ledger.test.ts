import { describe, expect, it } from 'vitest';
import { Ledger } from '#main/consumer/ledger.ts';
import { systemClock } from '#main/domain/clock.ts';
import { attemptId, profileId, taskId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import type { HistoryOp, StartedFacts } from '#main/domain/task.ts';
import { waitFor } from '#test/support/wait.ts';

const PROFILE = profileId('shop');
/** More than the ledger waits for before it writes. */
const MANY = 200;
const FACTS: StartedFacts = {
	taskId: taskId('t'),
	attemptId: attemptId(1),
	attemptNumber: 1,
	earlierOutcome: null,
};

interface Call {
	readonly ops: readonly HistoryOp[];
	readonly settle: PromiseWithResolvers<readonly (StartedFacts | null)[]>;
}

/** A store whose transactions end when the test says so. */
function world() {
	const calls: Call[] = [];
	const apply = (ops: readonly HistoryOp[]) => {
		const settle = Promise.withResolvers<readonly (StartedFacts | null)[]>();
		calls.push({ ops, settle });
		return settle.promise;
	};
	const ledger = new Ledger({ apply }, systemClock, silentLog, () => {});
	const told: string[] = [];
	const write = (run: string, op: HistoryOp) => void ledger.write(run, [op]).then(() => told.push(`${op.kind} ${run}`));
	const take = (at: number) => {
		const call = calls[at];
		call?.settle.resolve(call.ops.map(() => FACTS));
	};
	const called = (count: number) => waitFor(`${count} transactions`, () => calls.length >= count);
	return { calls, told, write, take, called };
}

function begun(run: string): HistoryOp {
	const fault = { name: null, messageId: run, priority: null, reason: 'none', exceptionType: 'InvalidMessage' };
	const message = {
		queue: 'q',
		redelivered: false,
		deliveryCount: null,
		exchange: '',
		routingKey: 'q',
		properties: {},
	};
	const body = new Uint8Array();
	return {
		kind: 'started',
		profile: PROFILE,
		at: 1,
		key: run,
		run,
		task: null,
		fault,
		message: { ...message, body },
		worker: 'w',
	};
}

function ended(run: string): HistoryOp {
	const outcome = { state: 'succeeded', result: null } as const;
	return { kind: 'finished', profile: PROFILE, at: 2, run, runtimeMs: 1, outcome };
}

function line(run: string): HistoryOp {
	const lines = [{ at: 1, level: 'info', source: 'stdout', logger: null, text: 'words' }] as const;
	return { kind: 'log', profile: PROFILE, run, lines, from: 0 };
}

const runs = (from: number) => Array.from({ length: MANY }, (_, at) => `run-${from + at}`);
const said = (ops: readonly HistoryOp[]) => ops.map((op) => `${op.kind} ${'run' in op ? op.run : ''}`);

describe('the ledger of a consumer set', () => {
	it('has the next transaction wait at the store while one is written, and no third', async () => {
		const { calls, told, write, take, called } = world();
		for (const run of runs(0)) write(run, begun(run));
		await called(1);
		for (const run of runs(0)) write(run, ended(run));
		await called(2);
		for (const run of runs(MANY)) write(run, begun(run));
		await new Promise(setImmediate);
		await new Promise(setImmediate);
		expect(calls).toHaveLength(2);
		expect(told).toEqual([]);
		take(0);
		await called(3);
		expect(told).toEqual(runs(0).map((run) => `started ${run}`));
	});

	it('writes anew what followed a refused transaction, behind it, before anybody is told', async () => {
		const { calls, told, write, take, called } = world();
		for (const run of runs(0)) write(run, begun(run));
		await called(1);
		for (const run of runs(0)) write(run, ended(run));
		await called(2);
		// The ends are taken, and say nothing, since nothing began: they must be said again.
		take(1);
		calls[0]?.settle.reject(new Error('the writer crashed'));
		for (let at = 2; told.length < 2 * MANY; at += 1) {
			await called(at + 1);
			take(at);
			await new Promise(setImmediate);
		}
		const again = calls.slice(2).flatMap(({ ops }) => said(ops));
		for (const run of runs(0)) {
			const own = again.filter((words) => words.endsWith(` ${run}`));
			expect(own).toEqual([`started ${run}`, `finished ${run}`]);
		}
		expect(again).toHaveLength(2 * MANY);
	});

	it('sends nothing more until what was refused is tried again', async () => {
		const { calls, write, take, called } = world();
		for (const run of runs(0)) write(run, begun(run));
		await called(1);
		calls[0]?.settle.reject(new Error('disk full'));
		await called(2);
		for (const run of runs(MANY)) write(run, begun(run));
		await new Promise(setImmediate);
		await new Promise(setImmediate);
		expect(calls).toHaveLength(2);
		expect(said(calls[1]?.ops ?? [])).toEqual(['started run-0']);
		take(1);
		await called(3);
		expect(said(calls[2]?.ops ?? [])).toEqual(['started run-1']);
	});

	it('lets nothing follow log lines that are not written yet', async () => {
		const { calls, write, take, called } = world();
		for (const run of runs(0)) write(run, begun(run));
		write('run-0', line('run-0'));
		await called(1);
		for (const run of runs(0)) write(run, ended(run));
		await new Promise(setImmediate);
		await new Promise(setImmediate);
		expect(calls).toHaveLength(1);
		take(0);
		await called(2);
		expect(said(calls[1]?.ops ?? [])).toEqual(runs(0).map((run) => `finished ${run}`));
	});
});
