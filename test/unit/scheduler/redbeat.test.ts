import { describe, expect, it } from 'vitest';
import { newRedbeatMeta } from '#main/dialects/celery/redbeat-meta.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { checkRedbeat } from '#main/scheduler/books/redbeat-check.ts';
import { freshScore, instantOfTime, nextRunBy } from '#main/scheduler/books/redbeat-due.ts';
import { type RedbeatRaw, readSight, redbeatKeys, type SightWorld } from '#main/scheduler/books/redbeat-entry.ts';
import { type RedbeatAnswers, redbeatFacts } from '#main/scheduler/books/redbeat-facts.ts';
import { knowsZone } from '#main/scheduler/zones.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const MINUTE = 60_000;
const HOUR = 3_600_000;
const WORLD: SightWorld = { zone: 'Europe/Berlin', knowsZone, now: NOW, editedAt: () => null };
const EXT: ScheduleDefinition = {
	...NEW_SCHEDULE,
	name: 'ext',
	task: 'labapp.add',
	queue: '',
	zone: 'Europe/Berlin',
	recurrence: { kind: 'every', count: 1, unit: 'hours', align: 'last-run' },
};
const HOURLY = '{"__type__":"interval","every":3600,"relative":false}';

function raw(more: Partial<RedbeatRaw> & { readonly schedule?: string; readonly enabled?: boolean } = {}): RedbeatRaw {
	const { schedule = HOURLY, enabled = true, ...rest } = more;
	return {
		key: 'redbeat:ext',
		name: 'ext',
		definition: `{"name":"ext","task":"labapp.add","args":[],"kwargs":{},"options":{},"schedule":${schedule},"enabled":${enabled}}`,
		meta: ran(NOW - 30 * MINUTE),
		score: (NOW + 30 * MINUTE) / 1_000,
		isStatic: false,
		...rest,
	};
}

function ran(at: number, times = 3): string {
	return newRedbeatMeta(at).replace(/}$/, `,"total_run_count":${times}}`);
}

function sight(more: Parameters<typeof raw>[0] = {}, world: SightWorld = WORLD) {
	const read = readSight(raw(more), world);
	if (!read.ok) throw new Error(read.error.message);
	return read.value;
}

function remarks(more: Parameters<typeof raw>[0] = {}, world: SightWorld = WORLD): string {
	return sight(more, world)
		.entry.remarks.map(({ words }) => words)
		.join('\n');
}

describe('a score', () => {
	it('is the last run and an interval, or now when that has passed', () => {
		expect(freshScore(EXT, NOW - 30 * MINUTE, NOW)).toBe((NOW + 30 * MINUTE) / 1_000);
		expect(freshScore(EXT, NOW - 3 * HOUR, NOW)).toBe(NOW / 1_000);
		expect(freshScore(EXT, null, NOW)).toBe(NOW / 1_000);
		expect(freshScore(EXT, NOW - 30 * MINUTE + 999, NOW)).toBe((NOW + 30 * MINUTE) / 1_000);
	});

	it("is the next time of a crontab in the app's zone", () => {
		const cron = { ...EXT, recurrence: { kind: 'cron', expression: '0 9 * * *' } } as const;
		expect(freshScore(cron, NOW, NOW)).toBe(Date.UTC(2026, 10, 22, 8) / 1_000);
		expect(freshScore({ ...cron, zone: 'UTC' }, NOW, NOW)).toBe(Date.UTC(2026, 10, 22, 9) / 1_000);
	});

	it('is -1 for never, and now for what only beat can work out', () => {
		expect(freshScore({ ...EXT, recurrence: { kind: 'once', at: NOW - HOUR } }, NOW, NOW)).toBe(-1);
		expect(freshScore({ ...EXT, recurrence: { kind: 'once', at: NOW + HOUR } }, NOW, NOW)).toBe((NOW + HOUR) / 1_000);
		expect(freshScore({ ...EXT, recurrence: { kind: 'foreign', rule: '{}' } }, NOW, NOW)).toBe(NOW / 1_000);
	});
});

describe('the next run', () => {
	it('is what the later of score and due time says, since beat waits for both', () => {
		const last = NOW - 30 * MINUTE;
		expect(nextRunBy(EXT, (NOW + 30 * MINUTE) / 1_000, last, NOW)).toBe(NOW + 30 * MINUTE);
		// An outside edit that left the old score.
		expect(nextRunBy(EXT, (NOW - HOUR) / 1_000, last, NOW)).toBe(NOW + 30 * MINUTE);
		expect(nextRunBy(EXT, (NOW + HOUR) / 1_000, last, NOW)).toBe(NOW + HOUR);
		expect(nextRunBy(EXT, NOW / 1_000, null, NOW)).toBe(NOW);
	});

	it('is none where it is paused, over, or unknown to beat', () => {
		expect(nextRunBy({ ...EXT, active: false }, NOW / 1_000, null, NOW)).toBeNull();
		expect(nextRunBy(EXT, -1, null, NOW)).toBeNull();
		expect(nextRunBy(EXT, null, null, NOW)).toBeNull();
		const rule = { ...EXT, recurrence: { kind: 'foreign', rule: '{}' } } as const;
		expect(nextRunBy(rule, (NOW + HOUR) / 1_000, NOW, NOW)).toBe(NOW + HOUR);
		expect(nextRunBy(rule, (NOW - HOUR) / 1_000, NOW, NOW)).toBeNull();
	});

	it('counts from a last run in whatever zone that is written', () => {
		const local = Date.UTC(2026, 6, 1, 12);
		expect(instantOfTime({ local, zone: 'UTC' })).toBe(local);
		expect(instantOfTime({ local, zone: 'Europe/Berlin' })).toBe(local - 2 * HOUR);
		expect(instantOfTime({ local, zone: -5 * HOUR })).toBe(local + 5 * HOUR);
	});
});

describe('an entry of RedBeat', () => {
	it('tells its runs, and takes the moment of saving for none', () => {
		expect(sight().entry).toMatchObject({
			key: 'redbeat:ext',
			definition: EXT,
			lastRunAt: NOW - 30 * MINUTE,
			nextRunAt: NOW + 30 * MINUTE,
			changedAt: null,
			totalRuns: 3,
			remarks: [],
		});
		const saved = sight({ meta: newRedbeatMeta(NOW - MINUTE) }).entry;
		expect(saved).toMatchObject({ lastRunAt: null, changedAt: NOW - MINUTE, totalRuns: null });
		expect(sight({ meta: null }).entry).toMatchObject({ lastRunAt: null, changedAt: null, totalRuns: null });
	});

	it('has another version after an edit, and the same after a run', () => {
		const { version } = sight().entry;
		expect(sight({ meta: ran(NOW, 4), score: 1 }).entry.version).toBe(version);
		expect(sight({ enabled: false }).entry.version).not.toBe(version);
		expect(sight({ score: null }).entry.version).not.toBe(version);
	});

	it('is paused where beat does not know it, and says so', () => {
		const unknown = sight({ score: null });
		expect(unknown.entry.definition.active).toBe(false);
		expect(unknown.enabled).toBe(true);
		expect(remarks({ score: null })).toContain('Resume it to give it one.');
	});

	it('warns of what the app writes anew, and of what ends beat', () => {
		expect(remarks({ isStatic: true })).toContain('Duplicate it for a schedule that stays');
		expect(remarks({ schedule: '{"__type__":"solar"}' })).toMatch(/"solar".*Beat ends when it reaches this/);
		expect(remarks({ meta: '{}' })).toContain('Beat drops this');
	});

	it('says what a rule is that Warren only keeps', () => {
		expect(remarks({ schedule: '{"__type__":"interval","every":0.5,"relative":false}' })).toContain(
			'Every 0.5 seconds',
		);
		expect(remarks({ schedule: '{"__type__":"interval","every":7200,"relative":true}' })).toContain(
			'Every 7,200 seconds after the last run, rounded down to the full hour',
		);
		const rule = '{"__type__":"rrule","freq":2,"interval":2,"count":5,"byweekday":[0,2],"dtstart":1893456000}';
		expect(remarks({ schedule: rule })).toContain('every 2 weeks, further said by byweekday, 5 times at most');
	});

	it('says by when beat has noticed an edit, until then', () => {
		const edited = (ago: number): SightWorld => ({ ...WORLD, editedAt: () => NOW - ago });
		expect(remarks({}, edited(MINUTE))).toContain('by 2026-11-21 13:04:00 (Europe/Berlin)');
		expect(remarks({}, edited(5 * MINUTE))).toBe('');
	});

	it('lies under keys of its prefix, whatever that holds', () => {
		const keys = redbeatKeys('a[*]?\\:');
		expect(keys.all).toBe('a\\[\\*\\]\\?\\\\:*');
		expect(keys.schedule).toBe('a[*]?\\::schedule');
		expect(keys.nameOf(keys.of('x'))).toBe('x');
		expect(keys.nameOf('other')).toBeNull();
		expect(keys.nameOf('a[*]?\\:')).toBeNull();
	});
});

describe('what is told of beat', () => {
	const sound: RedbeatAnswers = {
		keys: { lock: 'redbeat::lock' },
		lockMs: 24_000,
		memory: 'maxmemory_policy:noeviction\r\n',
		replication: 'role:master\r\n',
		unsought: null,
		now: NOW,
	};
	const told = (more: Partial<RedbeatAnswers>, sights: Parameters<typeof redbeatFacts>[1] = []) =>
		redbeatFacts({ ...sound, ...more }, sights).map(({ label, value, tone }) => `${tone} ${label}: ${value}`);

	it('is that it runs, and how soon it notices an edit', () => {
		expect(told({})).toEqual([
			'info Beat: Runs, and holds redbeat::lock for another 24 seconds unless it renews it.',
			expect.stringContaining('info Notices edits: Within 5 minutes'),
		]);
	});

	it('is a warning when nobody holds the lock', () => {
		expect(told({ lockMs: -2 })).toEqual([expect.stringMatching(/^warning Beat: No beat is running/)]);
		expect(told({ lockMs: null })).toEqual([expect.stringMatching(/^warning Beat: Whether beat runs/)]);
	});

	it('is that it is late, by the entry that has waited longest, and never by one that need not run', () => {
		const due = (name: string, ago: number, enabled = true) =>
			sight({ name, key: `redbeat:${name}`, enabled, meta: ran(NOW - HOUR - ago), score: (NOW - ago) / 1_000 });
		expect(told({}, [due('a', 30_000), due('b', 40_000)])).toContainEqual(
			'info Late: "b" (and 1 more) was due 40 seconds ago and did not run.',
		);
		expect(told({}, [due('a', 20 * MINUTE)])).toContainEqual(
			expect.stringMatching(/^warning Late: "a" was due 20 minutes/),
		);
		expect(told({}, [due('a', 3_000), due('b', HOUR, false)])).toHaveLength(2);
		// Its score is old, and it is not due: an outside edit, which beat has seen.
		expect(told({}, [sight({ meta: ran(NOW - MINUTE), score: (NOW - HOUR) / 1_000 })])).toHaveLength(2);
	});

	it('is what ends it or holds it up, by name', () => {
		const solar = sight({ schedule: '{"__type__":"solar"}' });
		expect(told({}, [solar])).toContainEqual(
			expect.stringMatching(/^warning Ends beat: .*"ext"\. Mend or remove it\.$/),
		);
		const never = sight({ schedule: '{"__type__":"crontab","day_of_month":"30","month_of_year":"2"}' });
		expect(told({}, [never])).toContainEqual(expect.stringMatching(/^warning Holds beat up: .*"ext"/));
		// Beat never comes to what it does not know.
		expect(told({}, [sight({ schedule: '{"__type__":"solar"}', score: null })])).toHaveLength(2);
	});

	it('is what Redis may do to the schedules', () => {
		expect(told({ memory: 'maxmemory_policy:allkeys-lru\r\n' })).toContainEqual(
			expect.stringMatching(/^warning Memory: .*allkeys-lru.*schedules too/),
		);
		expect(told({ replication: 'role:slave\r\n' })).toContainEqual(expect.stringMatching(/^warning Replica/));
		expect(told({ unsought: 'Too many.' })).toContainEqual('warning Not looked for: Too many.');
	});
});

describe('what RedBeat does not keep', () => {
	const fields = (more: Partial<ScheduleDefinition>) =>
		checkRedbeat({ ...EXT, ...more }, WORLD).map(({ field }) => field);

	it('is nothing of an ordinary schedule', () => {
		expect(fields({})).toEqual([]);
		expect(fields({ queue: 'q', exchange: 'x', routingKey: 'r', priority: 3, options: '{"expires": 60}' })).toEqual([]);
		expect(fields({ recurrence: { kind: 'cron', expression: '0 9 1-7 * +mon' } })).toEqual([]);
	});

	it('is said at its field, once', () => {
		expect(fields({ startAt: 1 })).toEqual(['startAt']);
		expect(fields({ jitterMs: 1_000 })).toEqual(['jitterMs']);
		expect(fields({ missed: { kind: 'skip' } })).toEqual(['missed']);
		expect(fields({ description: 'x' })).toEqual(['description']);
		expect(fields({ zone: 'Europe/London' })).toEqual(['zone']);
		expect(fields({ zone: 'Mars/Base' })).toEqual(['zone']);
		expect(fields({ name: ':schedule' })).toEqual(['name']);
		expect(fields({ task: '' })).toEqual(['task']);
		expect(fields({ kwargs: '[' })).toEqual(['kwargs']);
		expect(fields({ recurrence: { kind: 'every', count: 5, unit: 'minutes', align: 'clock' } })).toEqual([
			'recurrence',
		]);
		expect(fields({ recurrence: { kind: 'cron', expression: '0 0 1 JAN *' } })).toEqual(['recurrence']);
		expect(fields({ recurrence: { kind: 'foreign', rule: '{"__type__":"solar"}' } })).toEqual(['recurrence']);
	});
});
