import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argumentsRemark, argumentsTrouble, publishedStrings, strip } from '#main/dialects/carrot/schedule-args.ts';
import { carrotProblems } from '#main/dialects/carrot/schedule-check.ts';
import { exportCarrot, isCarrotExport, readCarrotExport } from '#main/dialects/carrot/schedule-export.ts';
import {
	definitionOfRow,
	fieldsOfDefinition,
	plainRow,
	remarksOfRow,
	type ScheduleRow,
} from '#main/dialects/carrot/schedules.ts';
import type { Result } from '#main/domain/result.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { RUNS, TEXT } from './values.ts';

const ROW: ScheduleRow = {
	id: 7,
	name: 'nightly',
	keepsName: true,
	task: 'shop.tasks.tidy',
	queue: 'slow',
	exchange: null,
	routingKey: null,
	intervalCount: 2,
	intervalType: 'hours',
	argsText: null,
	content: '{"deep": true, "id": 90071992547409931234}',
	active: true,
};

const GOOD: ScheduleDefinition = {
	...NEW_SCHEDULE,
	name: 'nightly',
	task: 'shop.tasks.tidy',
	queue: 'slow',
	recurrence: { kind: 'every', count: 2, unit: 'hours', align: 'last-run' },
	kwargs: '{"deep": true}',
};

function value<T>(result: Result<T>): T {
	if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
	return result.value;
}
const words = (row: ScheduleRow, namesakes?: readonly number[]) =>
	remarksOfRow(row, namesakes)
		.map((remark) => remark.words)
		.join('\n');
const wrong = (more: Partial<ScheduleDefinition>) => carrotProblems({ ...GOOD, ...more });

describe("a site's row as a definition", () => {
	it('has every field that carrot keeps, all digits of its arguments, and defaults for the rest', () => {
		expect(definitionOfRow(ROW)).toEqual({
			...NEW_SCHEDULE,
			name: 'nightly',
			task: 'shop.tasks.tidy',
			queue: 'slow',
			recurrence: { kind: 'every', count: 2, unit: 'hours', align: 'last-run' },
			kwargs: '{"deep": true, "id": 90071992547409931234}',
		});
		expect(words(ROW)).toBe('');
	});

	it('comes back as the same row from what is sent', () => {
		fc.assert(
			fc.property(
				TEXT.filter((text) => text.isWellFormed() && !text.includes('\0') && strip(text) !== ''),
				fc.constantFrom('seconds', 'minutes', 'hours', 'days'),
				fc.integer({ min: 1, max: 2_147_483_647 }),
				fc.boolean(),
				(name, intervalType, intervalCount, active) => {
					const row = { ...ROW, name: strip(name), intervalType, intervalCount, active };
					expect(plainRow(value(fieldsOfDefinition(definitionOfRow(row))))).toEqual(plainRow(row));
				},
			),
			{ numRuns: RUNS },
		);
	});

	it.each([null, '', '"{}"', '"anything"'])('has no keyword arguments when its content is %j', (content) => {
		expect(definitionOfRow({ ...ROW, content }).kwargs).toBe('{}');
		expect(words({ ...ROW, content })).toBe('');
	});

	it('is shown by task and number when the database has no name, and says what the next change does', () => {
		for (const name of [null, '', '  ']) {
			expect(definitionOfRow({ ...ROW, name }).name).toBe('shop.tasks.tidy (number 7)');
			expect(words({ ...ROW, name })).toContain('no name for it');
		}
		expect(words({ ...ROW, name: null, keepsName: false })).toContain('This release of carrot keeps no names');
		expect(carrotProblems(definitionOfRow({ ...ROW, name: null, task: `a.${'b'.repeat(198)}` }))).toEqual([]);
	});

	it('tells of namesakes that the API would not allow', () => {
		expect(words(ROW, [9, 12])).toContain('same name as number 9, 12');
	});

	it('counts units that carrot does not know as seconds, as carrot does, and says so', () => {
		const weekly = { ...ROW, intervalType: 'weeks' };
		expect(definitionOfRow(weekly).recurrence).toMatchObject({ count: 2, unit: 'seconds' });
		expect(words(weekly)).toContain('"weeks", which carrot does not know and counts as seconds');
	});

	it('warns of an interval of 0, which carrot publishes without any pause', () => {
		expect(definitionOfRow({ ...ROW, intervalCount: 0 }).recurrence).toMatchObject({ count: 1 });
		expect(words({ ...ROW, intervalCount: 0 })).toContain('without any pause');
	});

	it('names the queue that carrot takes where the database names none', () => {
		expect(definitionOfRow({ ...ROW, queue: null }).queue).toBe('default');
		expect(words({ ...ROW, queue: null })).toContain('names no queue');
	});

	it.each([
		['[1]', 'an object'],
		['null', 'an object'],
		['5', 'an object'],
		['{oops', 'Line 1'],
		['{"queue": "x"}', '"queue" for itself'],
	])('says that keyword arguments %s end its thread, and how to revive it', (content, reason) => {
		const told = words({ ...ROW, content });
		expect(told).toContain('end its thread');
		expect(told).toContain(reason);
		expect(told).toContain('wait two seconds and resume it');
		expect(definitionOfRow({ ...ROW, content }).kwargs).toBe(content);
	});

	it('says of long intervals that a restart of the service starts them over, and of paused ones nothing', () => {
		const daily = { ...ROW, intervalType: 'days', intervalCount: 1 };
		expect(words(daily)).toContain('starts over at each restart');
		expect(words({ ...ROW, intervalCount: 24 })).toContain('starts over');
		expect(words({ ...daily, active: false })).toBe('');
	});
});

describe("positional arguments of a site's schedule", () => {
	it('arrive as text, and the remark says exactly as which', () => {
		expect(argumentsRemark('1, 2')?.words).toContain("1, 2 arrives as '1' and '2'.");
		expect(argumentsRemark("'test'")?.words).toContain(`'test' arrives as "'test'".`);
		expect(argumentsRemark('[1, 2], None')?.words).toContain("arrives as '[1', '2]' and 'None'.");
		expect(argumentsRemark(' 7 ,')?.words).toContain("7 , arrives as '7'.");
		expect(argumentsRemark('1,2,3,4,5,6,7,8')?.words).toContain("'6', and 2 more the same way");
		expect(argumentsRemark('')).toBeNull();
		expect(argumentsRemark(' \n')).toBeNull();
	});

	it('are cut as Python cuts: at every comma, empty pieces dropped before space is', () => {
		expect(publishedStrings('1,,2')).toEqual(['1', '2']);
		expect(publishedStrings('1, ')).toEqual(['1', '']);
		expect(publishedStrings('')).toEqual([]);
	});

	it.each(['[1,2]', "{'a': 1, 'b': 2}", "'a,b'", "1, (2, 3), 'x'", '"a, b", 2'])(
		'are refused with a way out where the site would cut a value apart: %s',
		(text) => {
			expect(argumentsTrouble(text)).toContain('keyword argument');
		},
	);

	it('name the piece and its mistake where it is no literal', () => {
		expect(argumentsTrouble('abc')).toBe("The site refuses abc: A word needs quotes: 'abc'.");
		expect(argumentsTrouble('1, true')).toContain('True');
		expect(argumentsTrouble('nan')).toBe('The site refuses nan: it is no literal for Python.');
		expect(argumentsTrouble('1, 2,')).toContain('comma at the end');
		expect(argumentsTrouble('1,,2')).toContain('nothing between them');
	});

	it('may be what the site takes', () => {
		for (const text of ['', '  ', '1', "1, 'two', None, 3.5", '[1], {}, (2)', "'nan', 'set()'", '1,\n2']) {
			expect(argumentsTrouble(text), text).toBeNull();
		}
	});

	it('are judged as Python judges them, piece by piece', () => {
		const atom = fc.constantFrom(
			...[
				'1',
				'-2.5',
				'+0',
				'--1',
				'0x1f',
				'1_0',
				'01',
				'1e999',
				'2j',
				'1+2j',
				'None',
				'True',
				'none',
				'x',
				'nan',
				'-inf',
			],
			...[
				"'a'",
				'"b"',
				"'it\\'s'",
				"b'x'",
				'u"y"',
				'f"z"',
				"'a' 'b'",
				"'nan'",
				'"inf, set()"',
				"'''t'''",
				"'open",
				'...',
				'{}',
			],
			...[
				'[1]',
				'[1',
				'2]',
				'(3,)',
				'(3)',
				'()',
				"{'k': 1}",
				'{1}',
				'[nan]',
				'frozenset()',
				'',
				' ',
				'\t7\x1f',
				'\u00a08',
				'\ufeff9',
			],
			...[
				"{'a': [1",
				'[[[]]]',
				'1 2',
				'*1',
				'a=1',
				'1\n',
				'\n2',
				'(\n1)',
				"'a'\n'b'",
				'1;2',
				'`1`',
				'Ellipsis',
				'not 1',
			],
		);
		const texts = fc.sample(
			fc
				.array(atom, { minLength: 1, maxLength: 4 })
				.chain((parts) => fc.constantFrom(',', ', ').map((comma) => parts.join(comma))),
			{ numRuns: RUNS * 10, seed: 20261127 },
		);
		const theirs = siteAccepts(texts);
		const unlike = texts.filter((text, index) => (argumentsTrouble(text) === null) !== theirs[index]);
		expect(unlike).toEqual([]);
		expect(theirs.filter(Boolean).length).toBeGreaterThan(texts.length / 10);
	});
});

/** What carrot's own check says, run by Python itself on each text as REST framework hands it over: stripped. */
function siteAccepts(texts: readonly string[]): readonly boolean[] {
	const script = `
import ast, json, sys, warnings
warnings.simplefilter('ignore')
def accepts(text):
    text = text.strip()
    try:
        for piece in (text.split(',') if text else []):
            ast.literal_eval(piece.strip())
        return True
    except Exception:
        return False
json.dump([accepts(text) for text in json.load(sys.stdin)], sys.stdout)`;
	const run = spawnSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(texts), encoding: 'utf8' });
	if (run.status !== 0) throw new Error(`python3: ${run.error?.message ?? run.stderr}`);
	return JSON.parse(run.stdout) as readonly boolean[];
}

describe('a definition for a carrot site', () => {
	it('is taken as it is', () => {
		expect(carrotProblems(GOOD)).toEqual([]);
		expect(value(fieldsOfDefinition({ ...GOOD, name: ' nightly\n', args: ' 1 ', exchange: ' ' }))).toEqual({
			name: 'nightly',
			task: 'shop.tasks.tidy',
			queue: 'slow',
			exchange: null,
			routingKey: null,
			intervalCount: 2,
			intervalType: 'hours',
			argsText: '1',
			content: '{"deep": true}',
			active: true,
		});
	});

	const every = (count: number, unit: 'weeks' | 'days', align: 'clock' | 'last-run' = 'last-run') =>
		({ kind: 'every', count, unit, align }) as const;
	it.each([
		['name', { name: ' ' }, 'name'],
		['name', { name: 'x'.repeat(201) }, '200 characters'],
		['name', { name: 'a\0b' }, 'null character'],
		['task', { task: '' }, 'dotted path'],
		['task', { task: 'add' }, 'dotted path'],
		['task', { task: 'shop..add' }, 'dotted path'],
		['queue', { queue: '' }, 'queue'],
		['queue', { queue: 'ä'.repeat(150) }, '255 bytes'],
		['exchange', { exchange: 'x'.repeat(201) }, '200'],
		['routingKey', { routingKey: '\ud800' }, 'surrogate'],
		['priority', { priority: 3 }, 'priority 0'],
		['recurrence', { recurrence: every(2, 'weeks') }, 'write 14 days'],
		['recurrence', { recurrence: every(1, 'days', 'clock') }, 'after the last run'],
		['recurrence', { recurrence: every(0, 'days') }, 'whole number from 1'],
		['recurrence', { recurrence: every(2_147_483_648, 'days') }, '2,147,483,647'],
		['recurrence', { recurrence: { kind: 'cron', expression: '0 9 * * 1-5' } }, 'no cron'],
		['recurrence', { recurrence: { kind: 'once', at: 1 } }, 'once at a time'],
		['recurrence', { recurrence: { kind: 'foreign', rule: '{}' } }, 'own book'],
		['zone', { zone: 'Europe/London' }, 'UTC'],
		['startAt', { startAt: 1 }, 'start'],
		['endAt', { endAt: 1 }, 'end'],
		['jitterMs', { jitterMs: 1 }, 'jitter'],
		['missed', { missed: { kind: 'all', most: 3 } }, 'missed'],
		['options', { options: '{"expires": 1}' }, 'options'],
		['description', { description: 'x' }, 'descriptions'],
		['args', { args: '[1, 2]' }, 'keyword argument'],
		['args', { args: "'\0'" }, 'null character'],
		['kwargs', { kwargs: '' }, '{}'],
		['kwargs', { kwargs: '[1]' }, 'an object'],
		['kwargs', { kwargs: 'null' }, 'an object'],
		['kwargs', { kwargs: '"{}"' }, 'an object'],
		['kwargs', { kwargs: '{"a": 1, "a": 2}' }, 'a'],
		['kwargs', { kwargs: '{"a": 1,}' }, 'Line 1, column'],
		['kwargs', { kwargs: '{"routing_key": 1}' }, 'another name'],
	] satisfies readonly [string, Partial<ScheduleDefinition>, string][])(
		'is refused at %s for %j, and told what would be right',
		(field, more, part) => {
			const problems = wrong(more);
			expect(problems.map((problem) => problem.field)).toEqual([field]);
			expect(problems[0]?.message).toContain(part);
			expect(fieldsOfDefinition({ ...GOOD, ...more }).ok).toBe(false);
		},
	);

	it('is told where its keyword arguments break', () => {
		expect(wrong({ kwargs: '{\n "a": 1,\n "a": 2}' })[0]?.at).toEqual({ line: 3, column: 2, offset: 12 });
		expect(wrong({ kwargs: '[1]' })[0]?.at).toBeUndefined();
	});

	it('tells everything that is wrong at once', () => {
		expect(wrong({ name: '', zone: 'Asia/Tokyo', args: 'x' }).map((one) => one.field)).toEqual([
			'name',
			'zone',
			'args',
		]);
	});
});

describe("carrot's form of schedules", () => {
	it('reads back what it wrote', () => {
		const many = [
			GOOD,
			{ ...GOOD, name: 'two', active: false, args: "1, 'é'", exchange: 'x', kwargs: '{"n": 12345678901234567890}' },
		];
		const written = exportCarrot(many);
		expect(JSON.parse(written.text)).toMatchObject([
			{ task_name: 'nightly', interval_type: 'hours' },
			{ active: false },
		]);
		expect(written.skipped).toEqual([]);
		expect(value(readCarrotExport(written.text))).toMatchObject({ definitions: many, refused: [] });
	});

	it('leaves out what carrot cannot keep, and says which and why', () => {
		const cron = { ...GOOD, name: 'weekdays', recurrence: { kind: 'cron', expression: '0 9 * * 1-5' } as const };
		const written = exportCarrot([cron, GOOD]);
		expect(JSON.parse(written.text)).toHaveLength(1);
		expect(written.skipped).toHaveLength(1);
		expect(written.skipped[0]).toMatch(/^weekdays: .*no cron/);
	});

	it('reads a raw page of the API, with its helper’s texts, and says when more pages exist', () => {
		const row = {
			task: 'a.b',
			interval_display: 'Every 5 seconds',
			active: true,
			id: 4,
			queue: null,
			exchange: null,
			routing_key: null,
			interval_type: 'seconds',
			interval_count: 5,
			content: '"{}"',
			task_args: '1, 2',
			task_name: null,
		};
		const page = { count: 51, next: 'http://site/carrot/api/scheduled-tasks/?page=2', previous: null, results: [row] };
		const read = value(readCarrotExport(JSON.stringify(page)));
		expect(read.definitions).toMatchObject([{ name: 'a.b (number 4)', queue: 'default', kwargs: '{}', args: '1, 2' }]);
		expect(read.notes.join('\n')).toContain('one page of several');
		expect(read.notes.join('\n')).toContain("arrives as '1' and '2'");
		expect(value(readCarrotExport(JSON.stringify(row))).definitions).toEqual(read.definitions);
	});

	it("reads rows of Django's dumpdata, and arguments that people wrote as an object, with all digits", () => {
		const fields =
			'{"task": "a.b", "task_name": "n", "interval_type": "days", "interval_count": 1, "queue": "q", "content": {"id": 12345678901234567890}}';
		const read = value(readCarrotExport(`[{"model": "carrot.scheduledtask", "pk": 3, "fields": ${fields}}]`));
		expect(read.definitions).toMatchObject([{ name: 'n', kwargs: '{"id": 12345678901234567890}', active: true }]);
	});

	it('reads what can be read, and names each entry that cannot', () => {
		const good = { task: 'a.b', task_name: 'n', interval_type: 'days', interval_count: 1, queue: 'q' };
		const bad = [
			7,
			{ ...good, task: undefined },
			{ ...good, interval_count: 'often' },
			{ ...good, interval_type: null },
			{ ...good, active: 'yes' },
			{ ...good, content: [1] },
			{ ...good, task_args: [1] },
		];
		const read = value(readCarrotExport(JSON.stringify([...bad, good])));
		expect(read.definitions).toHaveLength(1);
		expect(read.refused.map((one) => one.name)).toEqual(['number 1', 'n', 'n', 'n', 'n', 'n', 'n']);
		expect(read.refused[2]?.reason).toContain('interval_count');
	});

	it('says where broken JSON breaks, and what other text should have been', () => {
		const broken = readCarrotExport('[{"task": }]');
		expect(broken.ok ? null : broken.error.details).toMatchObject({ line: 1, column: 11 });
		for (const text of ['{}', '5', '"x"', '{"results": 3}']) {
			const read = readCarrotExport(text);
			expect(read.ok ? '' : read.error.message, text).toContain('api/scheduled-tasks/');
		}
	});

	it('is told from other forms by what its entries hold', () => {
		const row = { task: 'a.b', interval_type: 'days' };
		for (const json of [[row], { results: [7, row] }, row, [{ model: 'carrot.scheduledtask', fields: row }]]) {
			expect(isCarrotExport(json), JSON.stringify(json)).toBe(true);
		}
		for (const json of [[], {}, null, 'x', [{ task: 'a.b' }], { format: 'warren-schedules', schedules: [] }]) {
			expect(isCarrotExport(json), JSON.stringify(json)).toBe(false);
		}
		expect(isCarrotExport(JSON.parse(exportCarrot([GOOD]).text))).toBe(true);
	});
});
