import { describe, expect, it } from 'vitest';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { type HintWorld, hintsFor } from '#main/scheduler/hints.ts';

const NOW = Date.UTC(2026, 9, 20, 8, 30);
const schedule = (name: string, more: Partial<ScheduleDefinition>): ScheduleDefinition => ({
	...NEW_SCHEDULE,
	name,
	task: 'a.b',
	...more,
});
const cron = (expression: string) => ({ recurrence: { kind: 'cron' as const, expression } });
const hints = (definition: ScheduleDefinition, world: Partial<HintWorld> = {}) =>
	hintsFor(definition, {
		others: [],
		now: NOW,
		facts: { lastRunAt: null, createdAt: NOW },
		longestMs: null,
		...world,
	});

describe('hints about a schedule', () => {
	it('name others that run at the moment of its next run, a few of them', () => {
		const others = ['a', 'b', 'c', 'd'].map((name) => schedule(name, cron('0 9 * * *')));
		expect(hints(schedule('x', cron('0 9 * * *')), { others })).toEqual([
			'At its next run "a", "b", "c" and 1 more run at the same moment. Jitter would spread them.',
		]);
		expect(hints(schedule('x', cron('5 9 * * *')), { others })).toEqual([]);
		expect(hints(schedule('x', { ...cron('0 9 * * *'), jitterMs: 60_000 }), { others })).toEqual([]);
	});

	it('tell when the task takes longer than the time to its next run', () => {
		const often = schedule('x', { recurrence: { kind: 'every', count: 10, unit: 'seconds', align: 'clock' } });
		expect(hints(often, { longestMs: 15_000 })[0]).toContain('up to 15 seconds');
		expect(hints(often, { longestMs: 9_000 })).toEqual([]);
	});

	it('tell of times that never come, or have passed', () => {
		expect(hints(schedule('x', cron('0 0 31 2 *')))).toEqual(['No such moment comes in UTC, so it never runs.']);
		expect(hints(schedule('x', { recurrence: { kind: 'once', at: NOW - 1 } }))[0]).toContain('has passed');
		expect(hints(schedule('x', { endAt: NOW - 1 }))[0]).toContain('end has passed');
	});

	it('tell of the clocks changing among the runs that are shown', () => {
		const daily = schedule('x', { ...cron('30 2 * * *'), zone: 'Europe/Berlin' });
		expect(hints(daily)).toEqual(['Clocks in Europe/Berlin go back by 1 hour before the run of 26 Oct 2026.']);
	});

	it('stay quick beside ten thousand others', () => {
		const others = Array.from({ length: 10_000 }, (_, n) => schedule(`s${n}`, cron(`${n % 60} ${n % 24} * * *`)));
		expect(hints(schedule('x', cron('0 9 * * *')), { others }).length).toBeLessThanOrEqual(1);
	});
});
