/** Random queries over random log lines and audit lines: what the store finds, page by page, against their plain meaning. */
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '#main/domain/audit.ts';
import { FAILURE_CODES } from '#main/domain/result.ts';
import { LOG_LEVELS, type LogLevel, type LogSource } from '#main/domain/task.ts';
import { finished, line, logged, PROFILE, published, removed, SUCCEEDED, started } from '#test/support/history.ts';
import { type Asked, Chance, type KnownThing, randomQuery, type Vocabulary } from '#test/support/plain-oracle.ts';
import { directStore } from './open.ts';

const QUERIES = process.env.WARREN_LONG === undefined ? 400 : 20_000;
const PER_WORLD = 40;
const NOW = Date.UTC(2026, 10, 20, 12);
const WORDS = [
	'mail',
	'Mail',
	'shop',
	'time',
	'k',
	'\u212a',
	'stra\u00dfe',
	'a b',
	'100%',
	'42',
	'_',
	'shop.tasks.mail',
	'w1',
	'x"y',
];
const NAMES = ['shop.tasks.mail', 'shop.time', 'billing.tasks.k', 'plain'];

const appOf = (name: string) => {
	const parts = name.split('.');
	if (parts.includes('tasks')) return parts[parts.indexOf('tasks') - 1] ?? '';
	return parts.length === 2 ? (parts[0] ?? '') : '';
};

describe('random queries over the audit', () => {
	const about: Vocabulary = {
		texts: {
			route: 'prefix',
			actor: 'equals',
			profile: 'equals',
			input: 'contains',
			host: 'choice',
			outcome: 'choice',
		},
		numbers: ['changed'],
		times: [],
		bounded: 'at',
		has: ['profile', 'changed'],
		is: ['done', 'failed'],
		words: [...WORDS, 'task.', 'task.requeue', 'anna', 'done'],
		choices: { host: ['cli', 'serve', 'shell'], outcome: ['done', 'read-only', 'refused', 'timeout'] },
		amounts: [0, 1, 3],
		from: NOW,
		span: 40,
	};
	const known = (entry: AuditEntry): KnownThing => ({
		free: [entry.route, entry.actor, entry.profile, entry.input, entry.outcome],
		texts: {
			...{ route: [entry.route], actor: [entry.actor], profile: [entry.profile], input: [entry.input] },
			...{ host: [entry.host], outcome: [entry.outcome] },
		},
		numbers: { changed: entry.changed },
		times: { at: entry.at },
		has: { profile: entry.profile !== null, changed: entry.changed !== null },
		is: { done: entry.outcome === 'done', failed: entry.outcome !== 'done' },
	});

	it('list and count exactly what they mean, newest first', { timeout: 3_600_000 }, () => {
		for (let seed = 1; seed <= QUERIES / PER_WORLD; seed += 1) {
			const chance = new Chance(seed);
			using store = directStore();
			const entries = Array.from({ length: 60 }, (_, at): AuditEntry => {
				const outcome = chance.odds(50) ? 'done' : chance.one(FAILURE_CODES);
				return {
					...{ at: NOW + chance.below(40), host: chance.one(['cli', 'serve', 'shell'] as const), outcome },
					...{
						actor: chance.one(['anna', 'Anna', 'k']),
						route: chance.one(['task.requeue', 'task.delete', 'queue.purge']),
					},
					...{
						profile: chance.odds(70) ? chance.one(['shop', 'mail']) : null,
						input: JSON.stringify({ n: at, w: chance.one(WORDS) }),
					},
					changed: chance.odds(50) ? chance.below(4) : null,
				};
			});
			store.writer.run(entries.map((entry) => ({ name: 'audit', args: [entry] })));
			const newest = entries.toReversed();
			for (let n = 0; n < PER_WORLD; n += 1) {
				const asked = randomQuery(chance, about);
				const expected = newest.filter((entry) => asked.means(known(entry)));
				const found: AuditEntry[] = [];
				const totals = new Set<number>();
				let before: number | null = null;
				do {
					const page = store.calls.auditList({ query: asked.text, limit: chance.one([1, 7, 100]), before }, NOW);
					if (!page.ok) throw new Error(`${asked.text}: ${page.error.message}`);
					found.push(...page.value.items);
					totals.add(page.value.total);
					before = page.value.next;
				} while (before !== null);
				const where = { seed, text: asked.text };
				expect({ ...where, found, totals: [...totals] }).toEqual({
					...where,
					found: expected,
					totals: [expected.length],
				});
			}
		}
	});
});

interface KnownLine {
	readonly id: string;
	readonly seq: number;
	readonly attempt: number;
	readonly thing: KnownThing;
}

describe('random queries over the lines of all logs', () => {
	const about: Vocabulary = {
		texts: {
			...{ text: 'contains', logger: 'prefix', name: 'contains', app: 'equals', queue: 'equals' },
			...{ worker: 'equals', id: 'prefix', source: 'choice' },
		},
		numbers: ['attempt', 'line'],
		times: [],
		bounded: 'at',
		has: ['logger'],
		is: [],
		words: [...WORDS, 'id-1', 'shop.mail', 'billing', 'default'],
		choices: { source: ['log', 'stdout', 'stderr', 'warren'] },
		amounts: [0, 1, 2],
		from: NOW,
		span: 40,
	};

	/** A level is asked by its name, which numbers cannot say. */
	function ask(chance: Chance): Asked {
		if (!chance.odds(25)) return randomQuery(chance, about);
		const level = chance.one(Object.keys(LOG_LEVELS) as LogLevel[]);
		const op = chance.one(['', '>=', '<'] as const);
		const value = LOG_LEVELS[level];
		const rest = randomQuery(chance, about, 2);
		return {
			text: `level:${op}${level} (${rest.text})`,
			means(thing) {
				const is = thing.numbers.level ?? 0;
				return (op === '' ? is === value : op === '<' ? is < value : is >= value) && rest.means(thing);
			},
		};
	}

	it('find exactly what they mean, those of the newest attempts first, whatever the size of a page', {
		timeout: 3_600_000,
	}, () => {
		for (let seed = 1; seed <= QUERIES / PER_WORLD; seed += 1) {
			const chance = new Chance(seed);
			using store = directStore();
			const lines: KnownLine[] = [];
			let attempts = 0;
			for (let n = 0; n < 20; n += 1) {
				const id = `id-${n}`;
				const name = chance.one(NAMES);
				const queue = chance.one(['default', 'mail', 'Mail']);
				const gone = chance.odds(15);
				const runs = 1 + chance.below(2);
				for (let number = 1; number <= runs; number += 1) {
					const worker = chance.one(['w1', 'W1', 'k']);
					const run = `run-${n}-${number}`;
					const made = { id, name, queue };
					const some = Array.from({ length: chance.below(5) }, () => ({
						at: NOW + chance.below(40),
						level: chance.one(Object.keys(LOG_LEVELS) as LogLevel[]),
						source: chance.one(['log', 'stdout', 'stderr'] as LogSource[]),
						logger: chance.odds(60) ? chance.one(['shop.mail', 'shop', 'k']) : null,
						text: `${chance.one(WORDS)} ${chance.one(WORDS)}`,
					}));
					store.apply(
						...(number === 1 ? [] : [published(NOW + n, made, { cause: 'redelivered' })]),
						started(NOW + n, run, { ...made, worker }),
						logged(
							run,
							some.map((one) => ({ ...line(one.at, one.text), ...one })),
						),
						finished(NOW + n + 1, run, SUCCEEDED),
					);
					attempts += 1;
					for (const [seq, one] of some.entries()) {
						const thing: KnownThing = {
							free: [one.text, one.logger],
							texts: {
								...{ text: [one.text], logger: [one.logger], source: [one.source], name: [name], app: [appOf(name)] },
								...{ queue: [queue], worker: [worker], id: [id] },
							},
							numbers: { attempt: number, line: seq + 1, level: LOG_LEVELS[one.level] },
							times: { at: one.at },
							has: { logger: one.logger !== null },
							is: {},
						};
						if (!gone) lines.push({ id, seq, attempt: attempts, thing });
					}
				}
				if (gone) store.apply(removed(NOW + 50, [id]));
			}
			const newest = lines.toSorted((a, b) => b.attempt - a.attempt || b.seq - a.seq);
			for (let n = 0; n < PER_WORLD; n += 1) {
				const asked = ask(chance);
				const expected = newest.filter(({ thing }) => asked.means(thing)).map(({ id, seq }) => `${id} ${seq}`);
				const found: string[] = [];
				const limit = chance.one([1, 7, 500]);
				let cursor: string | null = null;
				do {
					const page = store.calls.searchLogs({ profile: PROFILE, query: asked.text, limit, cursor }, NOW);
					if (!page.ok) throw new Error(`${asked.text}: ${page.error.message}`);
					found.push(...page.value.items.map(({ id, seq }) => `${id} ${seq}`));
					if (page.value.total !== null) expect(page.value.total).toBe(expected.length);
					cursor = page.value.next;
				} while (cursor !== null);
				expect({ seed, text: asked.text, found }).toEqual({ seed, text: asked.text, found: expected });
			}
		}
	});

	it('say what is wrong with a query at its place, and refuse a cursor that is none', () => {
		using store = directStore();
		expect(
			store.calls.searchLogs({ profile: PROFILE, query: 'level:loud', limit: 1, cursor: null }, NOW),
		).toMatchObject({
			ok: false,
			error: { code: 'invalid-input', details: { position: 6, length: 4 } },
		});
		expect(store.calls.searchLogs({ profile: PROFILE, query: '', limit: 1, cursor: 'x' }, NOW)).toMatchObject({
			ok: false,
		});
		expect(store.calls.auditList({ query: 'state:failed', limit: 1, before: null }, NOW)).toMatchObject({
			ok: false,
			error: { code: 'invalid-input', details: { position: 0, length: 5 } },
		});
	});
});
