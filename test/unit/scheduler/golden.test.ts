/**
 * Due times against those that Python's zoneinfo gives by brute force (`test/fixtures/schedules/golden.py`): twenty zones, four years,
 * every clock change.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { IntervalUnit, Recurrence, Timing } from '#main/domain/timing.ts';
import { readMoment } from '#main/scheduler/moment.ts';
import { countDues, nextDue } from '#main/scheduler/recurrence.ts';
import { clockChanges } from '#main/scheduler/zones.ts';
import { ZONES } from '#test/support/zones.ts';

type Case =
	| { readonly kind: 'every'; readonly count: number; readonly unit: IntervalUnit; readonly start: string | null }
	| { readonly kind: 'cron'; readonly expression: string };

/** Of one year: how many, and the beginning of the SHA-256 of all as epoch seconds. */
type Year = readonly [count: number, digest: string];

interface Golden {
	readonly cases: readonly (Case & { readonly often: boolean })[];
	readonly zones: Readonly<
		Record<string, { readonly changes: readonly number[]; readonly dues: readonly (readonly Year[])[] }>
	>;
}

const golden = JSON.parse(
	readFileSync(new URL('../../fixtures/schedules/golden.json', import.meta.url), 'utf8'),
) as Golden;
const YEARS = [2024, 2025, 2026, 2027];
const BEGIN = Date.UTC(2024, 0, 1);
const END = Date.UTC(2028, 0, 1);
const DAY = 86_400_000;
const facts = { lastRunAt: null, createdAt: 0 };

interface Stretch {
	readonly begin: number;
	readonly end: number;
}

/** Where rules are looked at that are due often: within two days of a clock change, and of a first of July. */
function windowsOf(changes: readonly number[]): readonly Stretch[] {
	const moments = [...changes.map((at) => at * 1_000), ...YEARS.map((year) => Date.UTC(year, 6, 1))];
	return moments
		.map((at) => ({ begin: Math.max(BEGIN, at - 2 * DAY), end: Math.min(END, at + 2 * DAY) }))
		.sort((a, b) => a.begin - b.begin);
}

function timingOf(one: Case, zone: string): Timing {
	const unbounded = { zone, startAt: null, endAt: null, jitterMs: 0 };
	if (one.kind === 'cron') return { ...unbounded, recurrence: one };
	const recurrence: Recurrence = { kind: 'every', count: one.count, unit: one.unit, align: 'clock' };
	if (one.start === null) return { ...unbounded, recurrence };
	const start = readMoment(one.start, zone);
	if (!start.ok) throw new Error(start.error.message);
	return { ...unbounded, recurrence, startAt: start.value };
}

/** Whether this platform and the oracle's knew of the same clock changes in a year and close to it. */
function agree(zone: string, year: number, theirs: readonly number[]): boolean {
	const begin = Date.UTC(year, 0, 1) - 3 * DAY;
	const end = Date.UTC(year + 1, 0, 1) + 3 * DAY;
	const ours = clockChanges(zone, begin, end).map((change) => change.at);
	const same = theirs.map((at) => at * 1_000).filter((at) => at > begin && at <= end);
	return JSON.stringify(ours.filter((at) => at >= BEGIN && at < END)) === JSON.stringify(same);
}

/** Each due time once, in order, though windows may overlap. */
function duesOf(timing: Timing, windows: readonly Stretch[]): readonly number[] {
	const dues: number[] = [];
	let seen = BEGIN - 1;
	for (const { begin, end } of windows) {
		seen = Math.max(seen, begin - 1);
		for (let due = nextDue(timing, seen, facts); due !== null && due < end; due = nextDue(timing, due, facts)) {
			dues.push(due);
			seen = due;
		}
	}
	return dues;
}

function titleOf(one: Case): string {
	if (one.kind === 'cron') return one.expression;
	return `every ${one.count} ${one.unit}${one.start === null ? '' : ` from ${one.start}`}`;
}

describe('due times over four years, against an oracle that knows nothing of this code', () => {
	it('are there for all twenty zones', () => {
		expect(Object.keys(golden.zones)).toEqual([...ZONES]);
		expect(golden.cases.length).toBeGreaterThan(30);
	});

	it.each(ZONES)('are the same in %s', { timeout: 120_000 }, (zone) => {
		const { changes, dues } = golden.zones[zone] ?? { changes: [], dues: [] };
		const years = YEARS.filter((year) => agree(zone, year, changes));
		// Tables of zones are newer or older; what both of them knew for certain is enough, and must not be nothing.
		expect(years.length, 'years with the same clock changes in both tables').toBeGreaterThanOrEqual(2);
		for (const [at, one] of golden.cases.entries()) {
			const timing = timingOf(one, zone);
			const all = duesOf(timing, one.often ? windowsOf(changes) : [{ begin: BEGIN, end: END }]);
			for (const year of years) {
				const [count, digest] = dues[at]?.[YEARS.indexOf(year)] ?? [Number.NaN, ''];
				const title = `${titleOf(one)} in ${zone}, ${year} (case ${at})`;
				const found = all.filter((due) => due >= Date.UTC(year, 0, 1) && due < Date.UTC(year + 1, 0, 1));
				const text = found.map((due) => `${due / 1_000}\n`).join('');
				expect([found.length, createHash('sha256').update(text).digest('hex').slice(0, 16)], title).toEqual([
					count,
					digest,
				]);
				if (one.often) continue;
				const counted = countDues(timing, Date.UTC(year, 0, 1) - 1, Date.UTC(year + 1, 0, 1) - 1, facts, 10_000_000);
				expect(counted, `${title}, counted`).toEqual({ count, exact: true });
			}
		}
	});
});
