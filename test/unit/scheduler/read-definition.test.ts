import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalText, NEW_SCHEDULE, SCHEDULE_FIELDS, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { readDefinition } from '#main/scheduler/read-definition.ts';
import { definitionVersion } from '#main/scheduler/version.ts';
import { schedule } from '#test/support/schedule-samples.ts';

const samples: readonly ScheduleDefinition[] = [
	NEW_SCHEDULE,
	schedule('a', { priority: 3, startAt: 1, endAt: 2, missed: { kind: 'skip' } }),
	schedule('b', { recurrence: { kind: 'cron', expression: '* * * * *' }, missed: { kind: 'all', most: 5 } }),
	schedule('c', { recurrence: { kind: 'once', at: 5 } }),
	schedule('d', { recurrence: { kind: 'foreign', rule: '{}' } }),
];

/** A copy with its members, at every depth, in another order. */
function shuffled<T>(value: T, order: (a: string, b: string) => number): T {
	if (typeof value !== 'object' || value === null) return value;
	const entries = Object.entries(value).map(([name, member]) => [name, shuffled(member, order)] as const);
	return Object.fromEntries(entries.toSorted(([a], [b]) => order(a, b))) as T;
}

describe('a definition that somebody else wrote', () => {
	it.each(samples)('is taken when it is one ($name)', (definition) => {
		expect(readDefinition(JSON.parse(JSON.stringify(definition)))).toEqual({ ok: true, value: definition });
	});

	it.each(SCHEDULE_FIELDS)('is refused without "%s", and with something else there', (field) => {
		const { [field]: _left, ...less } = schedule('a');
		expect(readDefinition(less)).toMatchObject({
			error: { code: 'undecodable', message: expect.stringContaining(`"${field}"`) },
		});
		expect(readDefinition({ ...schedule('a'), [field]: [] })).toMatchObject({
			error: { code: 'undecodable', message: expect.stringContaining(`"${field}" should be`) },
		});
	});

	it.each<[string, unknown, string]>([
		['a list', [], 'an object'],
		['nothing', null, 'an object'],
		['a text', 'x', 'an object'],
		['a field more', { ...schedule('a'), colour: 1 }, '"colour"'],
		['a number that is none', { ...schedule('a'), jitterMs: Number.NaN }, '"jitterMs" should be a number'],
		[
			'a unit unheard of',
			{ ...schedule('a'), recurrence: { kind: 'every', count: 1, unit: 'eons', align: 'clock' } },
			'unit',
		],
		['a rule with more', { ...schedule('a'), recurrence: { kind: 'once', at: 1, count: 2 } }, '"count"'],
		['a rule named as what all objects have', { ...schedule('a'), missed: { kind: 'constructor' } }, 'kind'],
	])('is refused as %s', (_what, value, words) => {
		expect(readDefinition(value)).toMatchObject({
			error: { code: 'undecodable', message: expect.stringContaining(words) },
		});
	});

	it('never throws, whatever it is', () => {
		fc.assert(
			fc.property(fc.anything(), fc.constantFrom(...SCHEDULE_FIELDS), (value, field) => {
				readDefinition(value);
				readDefinition({ ...schedule('a'), [field]: value });
			}),
		);
	});
});

describe('a version', () => {
	it('is the same for the same definition in whatever order its members come, at every depth', () => {
		for (const definition of samples) {
			const version = definitionVersion(definition);
			for (const order of [(a: string, b: string) => (a < b ? 1 : -1), (a: string, b: string) => a.length - b.length]) {
				expect(definitionVersion(shuffled(definition, order))).toBe(version);
			}
		}
	});

	it('is another one when any field is', () => {
		const versions = new Set(samples.map(definitionVersion));
		expect(versions.size).toBe(samples.length);
		const base = schedule('a');
		for (const field of SCHEDULE_FIELDS) {
			const other = { ...base, [field]: field === 'active' ? false : 'other' } as ScheduleDefinition;
			expect(definitionVersion(other)).not.toBe(definitionVersion(base));
		}
	});

	it('is what everybody can work out from the canonical text', () => {
		const text = canonicalText(schedule('a'));
		expect(JSON.parse(text)).toEqual(schedule('a'));
		expect(definitionVersion(schedule('a'))).toBe(createHash('sha256').update(text).digest('hex').slice(0, 24));
	});
});
