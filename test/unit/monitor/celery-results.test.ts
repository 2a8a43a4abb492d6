import { describe, expect, it } from 'vitest';
import { readResult } from '#main/dialects/celery/result.ts';
import type { CeleryResult } from '#main/domain/celery-result.ts';
import { profileId } from '#main/domain/ids.ts';
import { progressOf } from '#main/monitor/celery/progress.ts';
import { observedResult } from '#main/monitor/celery/result-fold.ts';
import { resultKeys } from '#main/monitor/celery/result-keys.ts';

const result = (meta: object): CeleryResult => {
	const read = readResult(new TextEncoder().encode(JSON.stringify(meta)), 'id-1');
	if (!read.ok) throw new Error(read.error.message);
	return read.value;
};
const done = (id: string, status: string) => ({ id, status, state: null, name: null });

describe('keys of results', () => {
	it('begin with the prefix, which gets a sign between unless it ends with one', () => {
		expect(resultKeys('').task('x')).toBe('celery-task-meta-x');
		expect(resultKeys('shop').task('x')).toBe('shop_celery-task-meta-x');
		expect(resultKeys('shop:').size('g')).toBe('shop:celery-taskset-meta-g.s');
	});
});

describe('a result told to history', () => {
	it('is a fact at the time at which it was stored, with real values', () => {
		const meta = {
			status: 'SUCCESS',
			result: { a: 1 },
			date_done: '2026-01-02T03:04:05+00:00',
			name: 't',
			args: [1],
			kwargs: {},
			worker: 'w@h',
			retries: 1,
		};
		expect(observedResult(profileId('p'), result(meta), 99)).toMatchObject({
			key: 'id-1',
			at: 99,
			facts: [
				{
					kind: 'succeeded',
					at: Date.UTC(2026, 0, 2, 3, 4, 5),
					host: 'w@h',
					retries: 1,
					resultJson: '{"a": 1}',
					readAt: 99,
				},
			],
			call: { name: 't', argsJson: '[1]', kwargsJson: '{}', argsText: '[1]' },
		});
	});

	it('is none while the task runs', () => {
		expect(observedResult(profileId('p'), result({ status: 'STARTED', result: { pid: 1 } }), 9)).toBeNull();
		expect(observedResult(profileId('p'), result({ status: 'PROGRESS', result: 1 }), 9)).toBeNull();
	});
});

describe('a chord', () => {
	const found = (size: number | null, counted: readonly (readonly [string, string])[]) => ({
		members: null,
		counters: { size, counted: counted.length, expiresAt: null },
		counted: counted.map(([id, status]) => ({ id, status })),
	});

	it('that goes on is not called stuck', () => {
		expect(progressOf('g', found(3, [['a', 'SUCCESS']]), [])).toMatchObject({ size: 3, done: 1, stuck: null });
	});

	it('says what holds it up', () => {
		expect(progressOf('g', found(2, [['a', 'FAILURE']]), []).stuck).toContain('(a). Once the other 1 have ended');
		expect(
			progressOf(
				'g',
				found(1, [
					['a', 'SUCCESS'],
					['b', 'SUCCESS'],
				]),
				[],
			).stuck,
		).toContain('ran again');
		expect(progressOf('g', found(null, [['a', 'SUCCESS']]), []).stuck).toContain('size of its header is not written');
	});

	it('counts members by their results, each once', () => {
		const progress = progressOf('g', found(3, [['a', 'SUCCESS']]), [done('a', 'SUCCESS'), done('b', 'STARTED')]);
		expect(progress).toMatchObject({ done: 1, members: [{ id: 'a' }, { id: 'b' }] });
	});
});
