import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SCHEDULE_FIELDS, type ScheduleDefinition, type ScheduleField } from '#main/domain/schedule.ts';
import { differing, identical, identicalDefinitions, same, sameDefinitions } from '#main/sync/meaning.ts';
import { mergeDefinitions } from '#main/sync/merge.ts';
import { DEFINITION, editOf, PATIENCE_MS, RUNS, schedule, THREE } from './definitions.ts';

const base = schedule('nightly', { args: '1', kwargs: '{"a": 1}', queue: 'default' });
const edit = (more: Partial<ScheduleDefinition>): ScheduleDefinition => ({ ...base, ...more });
const property = <T>(values: fc.Arbitrary<T>, holds: (value: T) => void) =>
	fc.assert(fc.property(values, holds), { numRuns: RUNS });

describe('what a field means', () => {
	const means = (field: ScheduleField, a: unknown, b: unknown) =>
		same(field, { ...base, [field]: a }, { ...base, [field]: b });

	it('is the same for JSON whatever its spaces and order, and another one for every digit', () => {
		expect(means('kwargs', '{"a": 1, "b": [true, null]}', '{"b":[true,null],\n"a":1}')).toBe(true);
		expect(means('kwargs', '{"a": {"x": 1, "y": 2}}', '{"a": {"y": 2, "x": 1}}')).toBe(true);
		expect(means('options', '{"expires": 60}', '{ "expires" : 60 }')).toBe(true);
		expect(means('kwargs', '{"a": 1}', '{"a": 1.0}')).toBe(false);
		expect(means('kwargs', '{"a": 1.0}', '{"a": 1.00}')).toBe(false);
		expect(means('kwargs', '{"a": 12345678901234567890}', '{"a": 12345678901234567891}')).toBe(false);
		expect(means('kwargs', '{"a": [1, 2]}', '{"a": [2, 1]}')).toBe(false);
		expect(means('kwargs', '{"a": "1"}', '{"a": 1}')).toBe(false);
	});

	it('is the same for positional arguments that are the same literals', () => {
		expect(means('args', "1, 'x'", '1,"x"')).toBe(true);
		expect(means('args', "{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}")).toBe(true);
		expect(means('args', '{1, 2}', '{2, 1}')).toBe(true);
		expect(means('args', '(1, 2)', '1, 2')).toBe(false);
		expect(means('args', '(1, 2)', '[1, 2]')).toBe(false);
		expect(means('args', 'True', '1')).toBe(false);
		expect(means('args', '9007199254740993', '9007199254740992')).toBe(false);
	});

	it('is what stands there where it cannot be read', () => {
		expect(means('args', 'oops(', 'oops(')).toBe(true);
		expect(means('args', 'oops(', 'oops( ')).toBe(false);
		expect(means('kwargs', '{', '{ ')).toBe(false);
		const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
		expect(means('kwargs', deep, `${deep} `)).toBe(false);
	});

	it('knows recurrences by what they say', () => {
		const every = { kind: 'every', count: 1, unit: 'hours', align: 'clock' } as const;
		expect(means('recurrence', every, { align: 'clock', unit: 'hours', count: 1, kind: 'every' })).toBe(true);
		expect(means('recurrence', every, { ...every, align: 'last-run' })).toBe(false);
		expect(
			means('recurrence', { kind: 'cron', expression: '0 9 * * *' }, { kind: 'cron', expression: ' 0  9 * * *' }),
		).toBe(true);
		expect(
			means('recurrence', { kind: 'foreign', rule: '{"a":1,"b":2}' }, { kind: 'foreign', rule: '{"b":2, "a":1}' }),
		).toBe(true);
		expect(means('missed', { kind: 'all', most: 3 }, { kind: 'all', most: 4 })).toBe(false);
		expect(means('description', 'a', 'a ')).toBe(false);
	});
});

describe('a merge', () => {
	it('puts edits of different fields together', () => {
		const { definition, conflicts } = mergeDefinitions(base, edit({ queue: 'bulk' }), edit({ priority: 5 }));
		expect(definition).toEqual(edit({ queue: 'bulk', priority: 5 }));
		expect(conflicts).toEqual([]);
	});

	it('takes a rename on one side and an edit on the other', () => {
		const merged = mergeDefinitions(base, edit({ name: 'hourly' }), edit({ args: '2' }));
		expect(merged).toMatchObject({ definition: edit({ name: 'hourly', args: '2' }), conflicts: [] });
	});

	it('leaves what both changed differently to a person, and takes the rest', () => {
		const merged = mergeDefinitions(
			base,
			edit({ queue: 'mine', priority: 1 }),
			edit({ queue: 'theirs', zone: 'Asia/Tokyo' }),
		);
		expect(merged.conflicts).toEqual(['queue']);
		expect(merged.definition).toEqual(edit({ queue: 'mine', priority: 1, zone: 'Asia/Tokyo' }));
	});

	it('sees no conflict in equal edits, and keeps the text that the book has', () => {
		const merged = mergeDefinitions(base, edit({ kwargs: '{"b":2}' }), edit({ kwargs: '{ "b": 2 }' }));
		expect(merged).toMatchObject({ conflicts: [], definition: { kwargs: '{ "b": 2 }' } });
	});

	it('keeps spaces and quotes of a person where nobody changed the meaning, and lets them go where somebody did', () => {
		const spaced = '{\n  "a": 1\n}';
		expect(mergeDefinitions(base, edit({ kwargs: spaced }), edit({ queue: 'x' })).definition.kwargs).toBe(spaced);
		expect(mergeDefinitions(base, edit({ kwargs: spaced }), edit({ kwargs: '{"a": 2}' }))).toMatchObject({
			conflicts: [],
			definition: { kwargs: '{"a": 2}' },
		});
		expect(mergeDefinitions(base, edit({ kwargs: '{"a": 2}' }), edit({ kwargs: spaced }))).toMatchObject({
			conflicts: [],
			definition: { kwargs: '{"a": 2}' },
		});
	});

	it('merges a zone from here and a recurrence from there, and says that nobody has seen them together', () => {
		const cron = { kind: 'cron', expression: '0 9 * * *' } as const;
		const merged = mergeDefinitions(base, edit({ zone: 'Europe/London' }), edit({ recurrence: cron }));
		expect(merged).toMatchObject({ conflicts: [], definition: { zone: 'Europe/London', recurrence: cron } });
		expect(merged.notes).toEqual(['When it runs was changed on both sides: look at its next runs.']);
		expect(mergeDefinitions(base, edit({ task: 'a.b' }), edit({ args: '2' })).notes).toHaveLength(1);
		expect(mergeDefinitions(base, edit({ queue: 'q' }), edit({ exchange: 'e' })).notes).toHaveLength(1);
		expect(mergeDefinitions(base, edit({ zone: 'Asia/Tokyo', recurrence: cron }), edit({ args: '2' })).notes).toEqual(
			[],
		);
	});

	it('asks about a start and an end that exclude each other', () => {
		const [mine, theirs] = [edit({ startAt: 5_000 }), edit({ endAt: 4_000 })];
		expect(mergeDefinitions(base, mine, theirs).conflicts).toEqual(['startAt', 'endAt']);
		expect(mergeDefinitions(base, mine, edit({ endAt: 6_000 })).conflicts).toEqual([]);
		const chosen = mergeDefinitions(base, mine, theirs, { startAt: 'theirs', endAt: 'theirs' });
		expect(chosen).toMatchObject({ conflicts: [], definition: { startAt: null, endAt: 4_000 } });
	});

	it('follows choices, for fields in conflict only', () => {
		const [mine, theirs] = [edit({ queue: 'mine', args: '2' }), edit({ queue: 'theirs', args: '3' })];
		const half = mergeDefinitions(base, mine, theirs, { queue: 'theirs', zone: 'theirs' });
		expect(half).toMatchObject({ conflicts: ['args'], chosen: ['queue'], definition: { queue: 'theirs' } });
		const all = mergeDefinitions(base, mine, theirs, { queue: 'theirs', args: 'mine' });
		expect(all).toMatchObject({ conflicts: [], definition: { queue: 'theirs', args: '2' } });
	});

	it('asks about every difference where there was no common version', () => {
		const merged = mergeDefinitions(null, edit({ queue: 'a', kwargs: '{"a":1}' }), edit({ queue: 'b' }));
		expect(merged.conflicts).toEqual(['queue']);
		expect(merged.definition.kwargs).toBe('{"a": 1}');
	});
});

describe('whatever is merged', { timeout: PATIENCE_MS }, () => {
	it('stays as it is where one side did nothing', () => {
		property(THREE, ([start, mine]) => {
			expect(mergeDefinitions(start, mine, start)).toMatchObject({ conflicts: [], definition: mine });
			expect(mergeDefinitions(start, start, mine)).toMatchObject({ conflicts: [], definition: mine });
			expect(mergeDefinitions(start, mine, mine)).toMatchObject({ conflicts: [], definition: mine });
		});
	});

	it('comes to the same whoever merges, in meaning and in conflicts', () => {
		property(THREE, ([start, mine, theirs]) => {
			const here = mergeDefinitions(start, mine, theirs);
			const there = mergeDefinitions(start, theirs, mine);
			expect(there.conflicts).toEqual(here.conflicts);
			for (const field of SCHEDULE_FIELDS.filter((one) => !here.conflicts.includes(one))) {
				expect(same(field, here.definition, there.definition)).toBe(true);
			}
		});
	});

	it('invents nothing: each value is one of either side, and an untouched one is the base’s', () => {
		property(THREE, ([start, mine, theirs]) => {
			const { definition } = mergeDefinitions(start, mine, theirs);
			for (const field of SCHEDULE_FIELDS) {
				expect(identical(field, definition, mine) || identical(field, definition, theirs)).toBe(true);
			}
			expect(Object.keys(definition).toSorted()).toEqual([...SCHEDULE_FIELDS].toSorted());
		});
	});

	it('loses nothing in silence: an edit holds, is the other side’s too, yields only its spaces, or is in conflict', () => {
		property(THREE, ([start, mine, theirs]) => {
			const { definition, conflicts } = mergeDefinitions(start, mine, theirs);
			for (const side of [mine, theirs]) {
				for (const field of SCHEDULE_FIELDS.filter((one) => !same(one, side, start))) {
					expect(same(field, definition, side) || conflicts.includes(field)).toBe(true);
				}
			}
		});
	});

	it('comes to the same when it is merged once more', () => {
		property(THREE, ([start, mine, theirs]) => {
			const { definition, conflicts } = mergeDefinitions(start, mine, theirs);
			if (conflicts.length > 0) return;
			expect(mergeDefinitions(theirs, definition, theirs).definition).toEqual(definition);
			expect(mergeDefinitions(start, definition, theirs)).toMatchObject({ conflicts: [], definition });
		});
	});

	it('is one side or the other when every choice is that side', () => {
		property(THREE, ([start, mine, theirs]) => {
			const all = (side: 'mine' | 'theirs') => Object.fromEntries(SCHEDULE_FIELDS.map((field) => [field, side]));
			const { conflicts } = mergeDefinitions(start, mine, theirs);
			for (const side of ['mine', 'theirs'] as const) {
				const chosen = mergeDefinitions(start, mine, theirs, all(side));
				expect(chosen.conflicts).toEqual([]);
				for (const field of conflicts) {
					expect(identical(field, chosen.definition, side === 'mine' ? mine : theirs)).toBe(true);
				}
			}
		});
	});

	it('gives three people who sync in any order the same, where nobody is in conflict', () => {
		const four = DEFINITION.chain((start) => fc.tuple(fc.constant(start), editOf(start), editOf(start), editOf(start)));
		property(four, ([start, a, b, c]) => {
			const through = (...sides: ScheduleDefinition[]) =>
				sides.reduce<ScheduleDefinition | null>((book, side) => {
					if (book === null) return null;
					const merged = mergeDefinitions(start, side, book);
					return merged.conflicts.length === 0 ? merged.definition : null;
				}, start);
			const [one, two, three] = [through(a, b, c), through(c, a, b), through(b, c, a)];
			if (one === null || two === null || three === null) return;
			expect(sameDefinitions(one, two) && sameDefinitions(two, three)).toBe(true);
		});
	});

	it('agrees with itself about what differs', () => {
		property(THREE, ([, mine, theirs]) => {
			expect(differing(mine, theirs).length === 0).toBe(identicalDefinitions(mine, theirs));
			if (identicalDefinitions(mine, theirs)) expect(sameDefinitions(mine, theirs)).toBe(true);
		});
	});
});
