import { describe, expect, it } from 'vitest';
import { languageOf } from '#main/domain/query-languages.ts';
import { subjectMatches } from '#main/domain/query-match.ts';
import { parseQueryOf } from '#main/domain/query-parse.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { scheduleSubject } from '#main/engine/schedule-search.ts';
import { chosen, nextRunOf, type Overlaid, overlay } from '#main/engine/schedule-views.ts';
import { Chance, type KnownThing, randomQuery, type Vocabulary } from '#test/support/plain-oracle.ts';

const NOW = Date.UTC(2026, 10, 26, 12, 0, 30);
const QUERIES = process.env.WARREN_LONG === undefined ? 2_000 : 20_000;
const WORDS = ['mail', 'Mail', 'shop', 'k', 'stra\u00dfe', 'a b', '42', 'shop.tasks.mail', 'UTC', 'every', '0 3 * * *'];

function madeOf(chance: Chance, at: number): Overlaid {
	const definition: ScheduleDefinition = {
		...NEW_SCHEDULE,
		name: `${chance.one(WORDS)} ${at}`,
		task: chance.one(['shop.tasks.mail', 'billing.tasks.k', 'shop.mail']),
		queue: chance.one(['default', 'mail', 'Mail']),
		recurrence: chance.one([
			{ kind: 'every', count: 5, unit: 'minutes', align: 'clock' },
			{ kind: 'cron', expression: '0 3 * * *' },
			{ kind: 'once', at: NOW + 50 },
		] as const),
		zone: chance.one(['UTC', 'Europe/Berlin']),
		priority: chance.odds(50) ? chance.below(3) : null,
		args: chance.one(['', "1, 'mail'", '42']),
		kwargs: chance.one(['{}', '{"user": {"id": 42}}', '{"mail": "k"}']),
		active: chance.odds(70),
		description: chance.one(['', 'Mail to all', 'k']),
	};
	const totalRuns = chance.odds(50) ? chance.below(3) : null;
	const lastRunAt = chance.odds(50) ? NOW - 40 + chance.below(40) : null;
	const facts = { version: 'v', changedAt: NOW, nextRunAt: null, remarks: [], seenAt: NOW };
	const [one] = overlay(
		[{ book: chance.one(['local', 'shared'] as const), key: String(at), definition, totalRuns, lastRunAt, ...facts }],
		[],
	);
	if (one === undefined) throw new Error('There is none');
	return one;
}

const about: Vocabulary = {
	texts: {
		...{ name: 'contains', task: 'contains', app: 'equals', queue: 'equals', zone: 'contains', book: 'choice' },
		...{ args: 'contains', kwargs: 'contains', description: 'contains' },
	},
	numbers: ['priority', 'runs'],
	times: ['next', 'last'],
	bounded: null,
	has: ['next', 'last', 'description', 'args', 'kwargs', 'priority'],
	is: ['active', 'paused', 'interval', 'cron', 'once', 'edited', 'conflict', 'troubled'],
	words: [...WORDS, 'user', 'Berlin', 'billing'],
	choices: { book: ['local', 'shared', 'carrot'] },
	amounts: [0, 1, 2],
	from: NOW - 40,
	span: 100,
};

function known(one: Overlaid, troubled: boolean): KnownThing {
	const { definition: d, entry } = one;
	const last = entry?.lastRunAt ?? null;
	const next = nextRunOf(one, NOW);
	return {
		free: [d.name, d.task, d.queue, d.args, d.kwargs, d.description],
		texts: {
			...{ name: [d.name], task: [d.task], app: [d.task.split('.')[0] ?? ''], queue: [d.queue], zone: [d.zone] },
			...{ book: [one.book], args: [d.args], kwargs: [d.kwargs], description: [d.description] },
		},
		numbers: { priority: d.priority, runs: entry?.totalRuns ?? null },
		times: { next, last },
		has: {
			...{ next: next !== null, last: last !== null, description: d.description !== '', priority: d.priority !== null },
			...{ args: d.args !== '', kwargs: d.kwargs !== '{}' },
		},
		is: {
			...{ active: d.active, paused: !d.active, edited: false, conflict: false, troubled },
			...{
				interval: d.recurrence.kind === 'every',
				cron: d.recurrence.kind === 'cron',
				once: d.recurrence.kind === 'once',
			},
		},
	};
}

describe('queries over schedules', () => {
	it('choose exactly what they mean', () => {
		const chance = new Chance(11);
		const rows = Array.from({ length: 60 }, (_, at) => madeOf(chance, at));
		const troubled = new Map(rows.filter((_, at) => at % 7 === 0).map((one) => [`${one.book}/${one.key}`, 1]));
		for (let n = 0; n < QUERIES; n += 1) {
			const asked = randomQuery(chance, about);
			const query = parseQueryOf('schedules', asked.text, NOW);
			if (!query.ok) throw new Error(`${asked.text}: ${query.error.message}`);
			const matches = (one: Overlaid) => subjectMatches(query.value, scheduleSubject(one, { now: NOW, troubled }));
			const found = chosen(rows, { show: 'all', sort: 'name', matches }, troubled, NOW).map(({ key }) => key);
			const expected = rows.filter((one) => asked.means(known(one, troubled.has(`${one.book}/${one.key}`))));
			expect({ text: asked.text, found: found.toSorted() }).toEqual({
				text: asked.text,
				found: expected.map(({ key }) => key).toSorted(),
			});
		}
	});

	const find = (text: string, more: Partial<ScheduleDefinition>): boolean => {
		const [one] = overlay(
			[
				{
					...{
						book: 'local',
						key: '1',
						version: 'v',
						definition: { ...NEW_SCHEDULE, name: 'n', task: 'shop.n', ...more },
					},
					...{ changedAt: NOW, lastRunAt: null, nextRunAt: null, totalRuns: null, remarks: [], seenAt: NOW },
				},
			],
			[],
		);
		const query = parseQueryOf('schedules', text, NOW);
		if (!query.ok) throw new Error(query.error.message);
		return one !== undefined && subjectMatches(query.value, scheduleSubject(one, { now: NOW, troubled: new Map() }));
	};

	it.each<[string, Partial<ScheduleDefinition>, boolean]>([
		['kwargs.user.id:42', { kwargs: '{"user": {"id": 42}}' }, true],
		['kwargs.user.id:43', { kwargs: '{"user": {"id": 42}}' }, false],
		['args[1]:mail', { args: "1, 'mail'" }, true],
		// What cannot be read has no places.
		['args[0]:1', { args: '1, (' }, false],
		['timing:"every 5 minutes"', { recurrence: { kind: 'every', count: 5, unit: 'minutes', align: 'clock' } }, true],
		['timing:"3 * * *"', { recurrence: { kind: 'cron', expression: '0 3 * * *' } }, true],
		['next:<1h', { recurrence: { kind: 'every', count: 5, unit: 'minutes', align: 'clock' } }, true],
		['next:<1m', { recurrence: { kind: 'every', count: 5, unit: 'minutes', align: 'clock' } }, false],
		['next:<1h', { active: false }, false],
		['-next:<1h', { active: false }, true],
	])('reads %s', (text, more, expected) => {
		expect(find(text, more)).toBe(expected);
	});

	it('knows every field it names, by its example', () => {
		for (const field of languageOf('schedules').fields) {
			expect(() => find(field.example, {})).not.toThrow();
		}
	});
});
