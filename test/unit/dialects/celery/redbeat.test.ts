import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asRedbeatKeeps, type RedbeatWorld, readRedbeat, writeRedbeat } from '#main/dialects/celery/redbeat.ts';
import { clearedRedbeatMeta, newRedbeatMeta, readRedbeatMeta } from '#main/dialects/celery/redbeat-meta.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import type { Recurrence } from '#main/domain/timing.ts';
import { knowsZone } from '#main/scheduler/zones.ts';
import { RUNS, TEXT } from '../values.ts';

const WORLD: RedbeatWorld = { zone: 'Europe/Berlin', knowsZone, now: 1_800_000_000_000 };
const FIXTURE = JSON.parse(
	readFileSync(new URL('../../../fixtures/celery/redbeat-2.4.2.json', import.meta.url), 'utf8'),
);

function read(text: string, name = 'x') {
	const entry = readRedbeat(text, name, WORLD);
	if (!entry.ok) throw new Error(entry.error.message);
	return entry.value;
}

function write(definition: ScheduleDefinition, before: string | null = null, name = definition.name): string {
	const text = writeRedbeat(definition, before === null ? null : { text: before, name }, WORLD);
	if (!text.ok) throw new Error(text.error.message);
	return text.value;
}

function refusal(definition: Partial<ScheduleDefinition>, before: string | null = null): readonly [string, string][] {
	const text = writeRedbeat({ ...EXT, ...definition }, before === null ? null : { text: before, name: 'ext' }, WORLD);
	if (text.ok) return [];
	expect(text.error.code).toBe('invalid-input');
	const problems = text.error.details?.problems as readonly { readonly field: string; readonly message: string }[];
	return problems.map(({ field, message }) => [field, message]);
}

const EVERY_2: Recurrence = { kind: 'every', count: 2, unit: 'seconds', align: 'last-run' };
/** The entry that the capture edits. */
const EXT: ScheduleDefinition = {
	...NEW_SCHEDULE,
	name: 'ext',
	task: 'labapp.add',
	queue: 'rbq',
	recurrence: EVERY_2,
	zone: 'Europe/Berlin',
	args: '1, 1',
};

describe('a captured entry of RedBeat', () => {
	const kept = (name: string) => {
		const text = JSON.stringify(FIXTURE.initial[`redbeat:${name}`].value.definition);
		return { text, ...read(text, name) };
	};

	it('is read as an interval', () => {
		const { definition, problems } = kept('py-interval');
		expect(problems).toEqual([]);
		expect(definition).toEqual({
			...EXT,
			name: 'py-interval',
			recurrence: { kind: 'every', count: 90, unit: 'seconds', align: 'last-run' },
			args: '1, 2',
		});
		expect(kept('static-interval').definition.recurrence).toMatchObject({ count: 1, unit: 'hours' });
	});

	it('is read as a crontab, with its options in their fields', () => {
		const { definition } = kept('static-cron');
		expect(definition.recurrence).toEqual({ kind: 'cron', expression: '*/5 8-18 * * mon-fri' });
		expect(definition).toMatchObject({ queue: 'rbq', priority: 3, options: '{"expires":60}', args: '' });
		expect(definition.kwargs).toBe('{"x":1,"y":2}');
		expect(definition.zone).toBe('Europe/Berlin');
		expect(kept('celery.backend_cleanup').definition).toMatchObject({ queue: '', options: '{"expires":43200}' });
	});

	it('is kept as a rule that Warren has no words for', () => {
		const { definition, problems, text } = kept('py-rrule');
		expect(problems).toEqual([]);
		const rule = JSON.stringify(FIXTURE.initial['redbeat:py-rrule'].value.definition.schedule);
		expect(definition.recurrence).toEqual({ kind: 'foreign', rule });
		const renamedTask = write({ ...definition, task: 'labapp.mul' }, text, 'py-rrule');
		expect(renamedTask).toBe(text.replace('labapp.add', 'labapp.mul'));
	});

	it('is unchanged by a write that changes nothing, byte for byte', () => {
		for (const [key, { type, value }] of Object.entries<{ type: string; value: { definition: unknown } }>(
			FIXTURE.initial,
		)) {
			if (type !== 'hash') continue;
			const name = key.slice('redbeat:'.length);
			for (const indent of [undefined, 1]) {
				const text = JSON.stringify(value.definition, null, indent);
				expect(write(read(text, name).definition, text, name)).toBe(text);
			}
		}
	});

	it('of solar type is shown with what it does to beat, and never written', () => {
		const text: string = FIXTURE.steps.at(-1).state.definition;
		const { definition, problems } = read(text, 'ext');
		expect(problems).toMatchObject([{ field: 'recurrence', effect: 'ends' }]);
		expect(definition.recurrence).toEqual({
			kind: 'foreign',
			rule: '{"__type__":"solar","event":"sunset","lat":1,"lon":2}',
		});
		expect(refusal({ recurrence: definition.recurrence })).toEqual([
			['recurrence', expect.stringContaining('RedBeat has no schedule of type "solar"')],
		]);
		// Nor kept by an edit of something else; another schedule mends it.
		expect(refusal({ ...definition, active: false }, text)).toHaveLength(1);
		expect(write({ ...definition, recurrence: EVERY_2 }, text, 'ext')).toBe(write(EXT));
	});
});

describe('a definition', () => {
	it('is written anew as the capture has it', () => {
		expect(write(EXT)).toBe(FIXTURE.steps[0].state.definition);
	});

	it('keeps digits, unknown keys, escapes and spacing of all that is not edited', () => {
		const before =
			'{"name": "ext", "task": "labapp.add", "args": [9223372036854775809, 1.10, "\\u00e9"], "kwargs": {"id": 1e2, "id": 2},' +
			' "options": {"queue": "rbq", "headers": {"x": 0.10}, "expires": 60}, "schedule": {"__type__": "interval", "every": 2.0,' +
			' "relative": false, "note": 1}, "enabled": true, "extra": [1.0]}';
		const { definition } = read(before, 'ext');
		expect(definition.args).toBe("9223372036854775809, 1.10, 'é'");
		expect(definition.options).toBe('{"headers": {"x": 0.10}, "expires": 60}');
		expect(write({ ...definition, active: false }, before, 'ext')).toBe(before.replace('true', 'false'));
		expect(write({ ...definition, queue: 'other' }, before, 'ext')).toBe(before.replace('rbq', 'other'));
		expect(write({ ...definition, queue: '' }, before, 'ext')).toBe(before.replace('"queue": "rbq", ', ''));
		expect(write({ ...definition, priority: 3 }, before, 'ext')).toBe(
			before.replace('"expires": 60', '"expires": 60, "priority": 3'),
		);
		expect(write({ ...definition, recurrence: { ...EVERY_2, count: 5 } }, before, 'ext')).toBe(
			before.replace('"every": 2.0', '"every": 5'),
		);
	});

	it('takes its name from its key, and an edit puts the two together', () => {
		const before = write(EXT).replace('"ext"', '"other"');
		const { definition, problems } = read(before, 'ext');
		expect(definition.name).toBe('ext');
		expect(problems).toMatchObject([{ field: 'name', effect: 'repeats' }]);
		expect(write({ ...definition, active: false }, before, 'ext')).toBe(write({ ...EXT, active: false }));
	});

	it('says what it is when it is no schedule', () => {
		const reason = (text: string) => {
			const entry = readRedbeat(text, 'x', WORLD);
			return entry.ok ? '' : entry.error.message;
		};
		expect(reason('{"name": ')).toMatch(/no JSON.*Beat ends/);
		expect(reason('[1]')).toContain('no JSON object');
		expect(reason('{"args": {}}')).toContain('args is an object; it should be a list');
		expect(reason('{"kwargs": [1]}')).toContain('kwargs is a list; it should be an object');
		expect(reason('{"options": "x"}')).toContain('options is the text "x"');
	});
});

describe('a schedule', () => {
	it('that runs once is a rule of one run', () => {
		const once: Recurrence = { kind: 'once', at: 1_893_456_000_000 };
		const text = write({ ...EXT, recurrence: once });
		expect(text).toContain(
			'"schedule":{"__type__":"rrule","freq":0,"interval":1,"wkst":null,"count":1,"bysetpos":null,"bymonth":null,' +
				'"bymonthday":null,"byyearday":null,"byeaster":null,"byweekno":null,"byweekday":null,"byhour":null,"byminute":null,' +
				'"bysecond":null,"dtstart":1893456000,"dtstart_tz":0}',
		);
		expect(read(text, 'ext').definition.recurrence).toEqual(once);
		const later = write({ ...EXT, recurrence: { kind: 'once', at: 1_893_456_060_000 } }, text, 'ext');
		expect(later).toBe(text.replace('1893456000', '1893456060'));
		expect(refusal({ recurrence: { kind: 'once', at: 1_500 } })[0]?.[1]).toContain('whole seconds');
	});

	it('counts from the last run, and a clock is offered as a crontab', () => {
		const clock = (count: number, unit: 'minutes' | 'hours' | 'days' | 'seconds') =>
			refusal({ recurrence: { kind: 'every', count, unit, align: 'clock' } })[0]?.[1];
		expect(clock(15, 'minutes')).toContain('*/15 * * * *');
		expect(clock(1, 'minutes')).toContain('cron expression * * * * *');
		expect(clock(2, 'hours')).toContain('0 */2 * * *');
		expect(clock(1, 'days')).toContain('0 0 * * *');
		expect(clock(7, 'seconds')).not.toContain('cron');
	});

	it('of fractions, or rounded to the clock, is kept and not understood', () => {
		const kind = (schedule: string) =>
			read(write(EXT).replace(/"schedule":\{[^}]*\}/, `"schedule":${schedule}`), 'ext').definition.recurrence.kind;
		expect(kind('{"__type__":"interval","every":2.5,"relative":false}')).toBe('foreign');
		expect(kind('{"__type__":"interval","every":3600,"relative":true}')).toBe('foreign');
		expect(kind('{"__type__":"interval","every":5,"relative":true}')).toBe('every');
		expect(kind('{"__type__":"interval","every":90.0,"relative":false}')).toBe('every');
		expect(kind('30')).toBe('every');
		expect(kind('null')).toBe('foreign');
		const foreign = { kind: 'foreign', rule: '{"__type__": "interval", "every": 0.5, "relative": false}' } as const;
		expect(write({ ...EXT, recurrence: foreign })).toContain(`"schedule":${foreign.rule}`);
	});
});

describe('what beat would stumble over', () => {
	it('is refused before it is written, at its field', () => {
		const cases: readonly (readonly [string, Partial<ScheduleDefinition>])[] = [
			['args', { args: '{1, 2}' }],
			['args', { args: "b'x'" }],
			['args', { args: 'now()' }],
			['args', { args: "{'__type__': 'datetime', '__value__': '2026-01-01'}" }],
			['kwargs', { kwargs: '[1]' }],
			['kwargs', { kwargs: '{"a": 1, "a": 2}' }],
			['kwargs', { kwargs: '{"a": {"__type__": "datetime", "year": 2026, "month": 2, "day": 30}}' }],
			['kwargs', { kwargs: '{"a": {"__type__": "crontab", "minute": "61"}}' }],
			['kwargs', { kwargs: `{"a": ${'9'.repeat(4_301)}}` }],
			['kwargs', { kwargs: `{"a": ${'['.repeat(500)}${']'.repeat(500)}}` }],
			['options', { options: '3' }],
			['options', { options: '{"queue": "x"}' }],
			['options', { options: '{"producer": 1}' }],
			['options', { options: '{"args": [1]}' }],
			['task', { task: '' }],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"__type__":"interval","every":"5","relative":false}' } }],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"__type__":"interval","every":5}' } }],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"__type__":"interval","every":-1,"relative":false}' } }],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"__type__":"crontab","minute":"*","second":"1"}' } }],
			[
				'recurrence',
				{ recurrence: { kind: 'foreign', rule: '{"__type__":"crontab","day_of_month":"31","month_of_year":"2"}' } },
			],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"__type__":"rrule","freq":7,"dtstart":0}' } }],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"__type__":"rrule","freq":"HOURLY"}' } }],
			[
				'recurrence',
				{ recurrence: { kind: 'foreign', rule: '{"__type__":"rrule","freq":4,"dtstart":0,"byhour":25}' } },
			],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"__type__":"weekday","wkday":1}' } }],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"every": 5}' } }],
			['recurrence', { recurrence: { kind: 'foreign', rule: '{"__type__":' } }],
			['recurrence', { recurrence: { kind: 'cron', expression: '0 0 1 JAN *' } }],
		];
		for (const [field, change] of cases) {
			const problems = refusal(change);
			expect(
				problems.map(([at]) => at),
				JSON.stringify(change),
			).toContain(field);
			for (const [, message] of problems) expect(message).toMatch(/[.)]$/);
		}
	});

	it('is named all at once', () => {
		expect(refusal({ task: '', kwargs: '[', args: '(' }).map(([field]) => field)).toEqual(['args', 'kwargs']);
		expect(refusal({ task: '', options: '{"producer": 1}' }).map(([field]) => field)).toEqual(['task', 'options']);
	});

	it('stays when a newer RedBeat may know it', () => {
		const before = write(EXT).replace('"enabled"', '"colour":"red","enabled"');
		expect(read(before, 'ext').problems).toMatchObject([{ effect: 'ends', unknownKey: 'colour' }]);
		expect(write({ ...EXT, active: false }, before, 'ext')).toBe(before.replace('true', 'false'));
	});
});

/** Schedules that RedBeat can keep, in the form in which they are read. */
const JSON_TEXT = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value));
const OBJECT_TEXT = fc
	.dictionary(
		TEXT.filter(
			(key) =>
				!['__type__', 'queue', 'exchange', 'routing_key', 'priority', 'args', 'kwargs', 'producer'].includes(key),
		),
		JSON_TEXT,
		{ maxKeys: 3 },
	)
	.map((entries) => `{${Object.entries(entries).map(([key, text]) => `${JSON.stringify(key)}: ${text}`)}}`);
const RECURRENCE: fc.Arbitrary<Recurrence> = fc.oneof(
	fc
		.integer({ min: 1, max: 10_000_000 })
		.map((seconds) => readRedbeat(`{"schedule": ${seconds}}`, 'x', WORLD))
		.map((entry) => (entry.ok ? entry.value.definition.recurrence : EVERY_2)),
	fc.integer({ min: -1_000_000_000, max: 4_000_000_000 }).map((at): Recurrence => ({ kind: 'once', at: at * 1_000 })),
	fc
		.constantFrom('* * * * *', '*/5 8-18 * * mon-fri', '0 0 1 */2 *', '0,30 9 1-7 * +1', '15 4 * 12 sat-sun')
		.map((expression): Recurrence => ({ kind: 'cron', expression })),
	fc
		.constantFrom(
			'{"__type__":"rrule","freq":"weekly","dtstart":1893456000,"byweekday":[0,{"__type__":"weekday","wkday":2}]}',
			'{ "__type__": "interval", "every": 0.25, "relative": true }',
		)
		.map((rule): Recurrence => ({ kind: 'foreign', rule })),
);
const NAME = TEXT.filter((text) => text !== '' && text.isWellFormed());
const ROUTE = fc.oneof(fc.constant(''), NAME);
const DEFINITION: fc.Arbitrary<ScheduleDefinition> = fc
	.record({
		name: NAME,
		task: NAME,
		queue: ROUTE,
		exchange: ROUTE,
		routingKey: ROUTE,
		priority: fc.option(fc.integer({ min: 0, max: 255 })),
		recurrence: RECURRENCE,
		args: fc.array(JSON_TEXT, { maxLength: 3 }).map((items) => read(`{"args": [${items}]}`).definition.args),
		kwargs: OBJECT_TEXT,
		options: OBJECT_TEXT,
		active: fc.boolean(),
	})
	.map((fields) => ({ ...NEW_SCHEDULE, zone: WORLD.zone, ...fields }));

describe('reading and writing', () => {
	it('are each other inverted, for every schedule that RedBeat can keep', () => {
		fc.assert(
			fc.property(DEFINITION, DEFINITION, (first, second) => {
				const text = write(first);
				expect(read(text, first.name)).toEqual({ definition: first, problems: [] });
				const changed = write(second, text, first.name);
				expect(read(changed, second.name)).toEqual({ definition: second, problems: [] });
				expect(write(second, changed, second.name)).toBe(changed);
				expect(asRedbeatKeeps(first, WORLD)).toEqual(first);
			}),
			{ numRuns: RUNS },
		);
	});

	it('never throw and never lose, whatever JSON stands there', () => {
		const odd = fc.oneof(
			fc.jsonValue(),
			fc.constantFrom<unknown>(null, {}, [], 0, 1, '', 'x', true, { __type__: 'x' }),
		);
		const schedule = fc.oneof(
			odd,
			fc
				.tuple(
					fc.constantFrom('interval', 'crontab', 'rrule', 'weekday', 'datetime', 'solar'),
					fc.dictionary(
						fc.constantFrom('every', 'relative', 'minute', 'day_of_week', 'freq', 'dtstart', 'count', 'byhour', 'x'),
						odd,
					),
				)
				.map(([type, rest]) => ({ __type__: type, ...rest })),
		);
		const document = fc.oneof(
			odd,
			fc.record(
				{ name: odd, task: odd, args: odd, kwargs: odd, options: odd, schedule, enabled: odd, other: odd },
				{ requiredKeys: [] },
			),
		);
		fc.assert(
			fc.property(document, fc.constantFrom(undefined, 2), (value, indent) => {
				const text = JSON.stringify(value, null, indent);
				const entry = readRedbeat(text, 'x', WORLD);
				if (!entry.ok) {
					expect(entry.error.code).toBe('undecodable');
					return;
				}
				const again = writeRedbeat(entry.value.definition, { text, name: 'x' }, WORLD);
				const mendable = entry.value.problems.every(
					({ field, unknownKey }) => field === 'name' || unknownKey !== undefined,
				);
				if (entry.value.problems.length === 0) expect(again.ok && again.value).toBe(text);
				else if (!mendable) expect(again.ok).toBe(false);
				// Everything but the edited member is still there, whatever it is.
				const paused = writeRedbeat(
					{ ...entry.value.definition, active: !entry.value.definition.active },
					{ text, name: 'x' },
					WORLD,
				);
				if (!paused.ok) return;
				const { enabled: _, name: __, ...rest } = JSON.parse(paused.value);
				const { enabled: ___, name: ____, ...was } = JSON.parse(text);
				expect(rest).toEqual(was);
			}),
			{ numRuns: RUNS * 5 },
		);
	});

	it('never throw on texts that are no JSON', () => {
		fc.assert(
			fc.property(TEXT, (text) => {
				expect(typeof readRedbeat(text, 'x', WORLD).ok).toBe('boolean');
				expect(readRedbeatMeta(text, WORLD).problems.length).toBeGreaterThanOrEqual(0);
			}),
			{ numRuns: RUNS },
		);
	});
});

describe('a meta', () => {
	it('tells when beat last ran an entry, and how often', () => {
		const meta = readRedbeatMeta(FIXTURE.steps[0].state.meta, WORLD);
		expect(meta).toEqual({
			last: { local: Date.UTC(2026, 10, 21, 4, 23, 38, 441), zone: 'UTC' },
			runs: 3,
			problems: [],
		});
		const saved = readRedbeatMeta(JSON.stringify(FIXTURE.initial['redbeat:py-interval'].value.meta), WORLD);
		expect(saved.runs).toBeNull();
		expect(readRedbeatMeta('{"last_run_at":null}', WORLD)).toEqual({ last: null, runs: null, problems: [] });
		expect(readRedbeatMeta(null, WORLD)).toEqual({ last: null, runs: null, problems: [] });
	});

	it('knows a zone by its seconds', () => {
		const text = newRedbeatMeta(1_800_000_000_250).replace('"UTC"', '-16200.0');
		expect(readRedbeatMeta(text, WORLD).last).toEqual({ local: 1_800_000_000_250, zone: -16_200_000 });
	});

	it('that beat would stumble over is told', () => {
		expect(readRedbeatMeta('{', WORLD).problems).toMatchObject([{ effect: 'ends' }]);
		expect(readRedbeatMeta('{}', WORLD).problems).toMatchObject([{ effect: 'drops' }]);
		const inside = '{"last_run_at": null, "relative": {"__type__": "datetime"}}';
		expect(readRedbeatMeta(inside, WORLD).problems).toMatchObject([{ effect: 'ends' }]);
		expect(readRedbeatMeta('{"last_run_at": 5}', WORLD).problems).toMatchObject([{ effect: 'ends' }]);
		const zone = newRedbeatMeta(0).replace('UTC', 'Mars/Base');
		expect(readRedbeatMeta(zone, WORLD).problems[0]?.message).toContain('name of a zone');
	});

	it('is cleared for a run at once, without losing the count', () => {
		expect(clearedRedbeatMeta(null)).toBe('{"last_run_at":null}');
		const cleared = clearedRedbeatMeta(FIXTURE.steps[3].state.meta);
		expect(cleared).toBe('{"last_run_at": null, "total_run_count": 4}');
	});
});
