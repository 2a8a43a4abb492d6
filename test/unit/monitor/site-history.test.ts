import { describe, expect, it } from 'vitest';
import { forecastRequeue, scheduleArgsText } from '#main/dialects/carrot/row-forecast.ts';
import { messageOfRow, requeueOp } from '#main/dialects/carrot/row-message.ts';
import { profileId, taskId } from '#main/domain/ids.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { exceptionOfRow, type KnownAttempt, opsOfRow } from '#main/monitor/carrot-site/history.ts';
import { siteRow } from './site-rows.ts';

const profile = profileId('p');

function ops(
	row: ReturnType<typeof siteRow>,
	known: readonly KnownAttempt[] = [],
	settled = true,
): readonly HistoryOp[] {
	return opsOfRow(row, { profile, dialect: CARROT_DIALECT, now: 5_000_000, known, settled });
}
const kinds = (list: readonly HistoryOp[]) => list.map((op) => op.kind);

describe('rows as history', () => {
	it('knows a waiting row as a waiting task with its arguments, types kept', () => {
		const [op] = ops(siteRow({ argsText: "(1, 'a, b', (2, 3))", content: '{"big": 9007199254740993}' }));
		if (op?.kind !== 'waiting') throw new Error('no waiting task');
		expect(op.task?.argsJson).toBe('[1, "a, b", [2, 3]]');
		expect(op.task?.kwargsJson).toBe('{"big": 9007199254740993}');
		expect(op.message.queue).toBe('default');
	});

	it('tells a finished row from its beginning, with the times its log has', () => {
		const log = 'q-consumer-2 1970-01-01 00:20:00,000 INFO:: Starting task tasks.add';
		const row = siteRow({ status: 'COMPLETED', log, completedAt: 1_201_000, output: '{"a": 1}' });
		const list = ops(row);
		expect(kinds(list)).toEqual(['waiting', 'started', 'log', 'finished']);
		expect(list[1]).toMatchObject({ at: 1_200_000, worker: 'site:q-consumer-2' });
		expect(list[3]).toMatchObject({
			runtimeMs: 1_000,
			outcome: { state: 'succeeded', result: { kind: 'json', text: '{"a": 1}' } },
		});
	});

	it('tells why a row failed, with the exception named by its traceback', () => {
		const traceback = 'Traceback (most recent call last):\n  File "x", line 1\nshop.errors.NoStock: none left\n';
		const list = ops(siteRow({ status: 'FAILED', failedAt: 9, exception: 'none left', traceback }));
		expect(list.at(-1)).toMatchObject({
			outcome: { state: 'failed', exception: { type: 'shop.errors.NoStock', message: 'none left' }, traceback },
		});
		expect(exceptionOfRow({ exception: "No module named 'x'", traceback: null }).type).toBe('Exception');
	});

	it("leaves alone what a consumer of Warren's own ran", () => {
		const row = siteRow({ status: 'COMPLETED', completedAt: 2 });
		expect(ops(row, [{ state: 'succeeded', worker: 'host:1:abc' }])).toEqual([]);
		expect(ops(row, [{ state: 'running', worker: 'host:1:abc' }])).toEqual([]);
	});

	it('ends an attempt that it had told as running, and nothing twice', () => {
		const row = siteRow({ status: 'COMPLETED', completedAt: 2 });
		expect(kinds(ops(row, [{ state: 'running', worker: 'site' }]))).toEqual(['finished']);
		expect(ops(row, [{ state: 'succeeded', worker: 'site' }])).toEqual([]);
	});

	it('says no more of a row that changed this moment than that its message exists', () => {
		expect(kinds(ops(siteRow({ status: 'IN_PROGRESS' }), [], false))).toEqual(['waiting']);
	});

	it('keeps a row whose arguments are no data as a task that nobody can run by accident', () => {
		const row = siteRow({ argsText: '(<object at 0x7f>,)' });
		const { message, task, fault } = messageOfRow(row, CARROT_DIALECT);
		expect(task).toBeNull();
		expect(message.body.byteLength).toBe(0);
		expect(fault?.exceptionType).toBe('UnreadableRow');
	});

	it('ties the new row of a requeue to the old task', () => {
		const row = siteRow({ argsText: '(1,)' });
		const op = requeueOp(row, { messageId: 'new', at: 77 }, taskId('old'), { profile, dialect: CARROT_DIALECT });
		expect(op).toMatchObject({ kind: 'published', at: 77, requeueOf: 'old', cause: 'requeued', queue: 'default' });
	});
});

describe("the forecast of the site's own requeue", () => {
	it.each(['()', '(1,)', "(1, 'a', None, True)", '([1],)', '({},)', "('x',)"])('%s survives', (argsText) => {
		expect(forecastRequeue(siteRow({ status: 'FAILED', argsText })).siteCan).toBe(true);
	});

	it.each(["('a, b',)", '([1, 2],)', '((1, 2),)', "({'a': 1, 'b': 2},)", '(nan,)', null])('%s fails', (argsText) => {
		const forecast = forecastRequeue(siteRow({ status: 'FAILED', argsText }));
		expect(forecast.siteCan).toBe(false);
		expect(forecast.reason).not.toBeNull();
	});

	it('warns of rows that run or wait', () => {
		expect(forecastRequeue(siteRow({ status: 'IN_PROGRESS' })).warnings.join()).toContain('second time');
		expect(forecastRequeue(siteRow({ status: 'PUBLISHED' })).warnings.join()).toContain('stalls a worker');
		expect(forecastRequeue(siteRow({ status: 'FAILED' })).warnings).toEqual([]);
	});
});

describe('arguments of a schedule that runs once', () => {
	it('are possible for none, and for strings that are literals themselves', () => {
		expect(scheduleArgsText([])).toBe('');
		expect(
			scheduleArgsText([
				{ kind: 'str', value: '12' },
				{ kind: 'str', value: 'None' },
			]),
		).toBe('12, None');
	});

	it('are refused wherever the site would turn a value into another', () => {
		expect(scheduleArgsText([{ kind: 'int', text: '1' }])).toBeNull();
		expect(scheduleArgsText([{ kind: 'str', value: 'plain words' }])).toBeNull();
		expect(scheduleArgsText([{ kind: 'str', value: "'a', 'b'" }])).toBeNull();
	});
});
