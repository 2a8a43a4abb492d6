/** Random queries on random tasks: what the store lists, counts and freezes, against the plain meaning in `query-oracle.ts`. */
import { describe, expect, it } from 'vitest';
import { fingerprint } from '#main/domain/failure-print.ts';
import type { TaskSort, TaskSortField } from '#main/domain/page.ts';
import { formatQuery } from '#main/domain/query-format.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import type { AttemptCause, HistoryOp } from '#main/domain/task.ts';
import { LIST_LIMITS, type ListLimits } from '#main/store/lists.ts';
import { randomFrom } from '#test/support/deployment.ts';
import {
	decoded,
	failed,
	finished,
	line,
	logged,
	PROFILE,
	published,
	removed,
	started,
} from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';
import * as ask from './query-oracle.ts';

const QUERIES = process.env.WARREN_LONG === undefined ? 500 : 20_000;
const PER_WORLD = 50;
const TASKS = 90;
const NOW = Date.UTC(2026, 10, 20, 12);

/** Each way of finding rows, which so few tasks would never reach by themselves. */
const EVERY_WAY: readonly ListLimits[] = [
	LIST_LIMITS,
	{ few: 2, many: 20, walkMs: 0, counted: 0, countedProposals: 1_000 },
	{ few: 0, many: 0, walkMs: 1_000, counted: 0, countedProposals: 0 },
	{ few: 0, many: 1_000, walkMs: 0, counted: 0, countedProposals: 1_000 },
];
const SORTS: readonly TaskSortField[] = [
	...(['finishedAt', 'publishedAt', 'startedAt', 'updatedAt', 'name', 'queue', 'priority'] as const),
	...(['runtimeMs', 'state'] as const),
];

/** Words that meet one another, and those that trip up what takes upper and lower case for an ASCII matter. */
const WORDS = [
	'Timeout',
	'time',
	'OUT',
	'mail',
	'ord',
	'k',
	'\u212a',
	'\u0130stanbul',
	'stra\u00dfe',
	'\u03a3\u03a3',
	'\u03c3',
	'\u{1f40d}',
];
const MORE = ['a b', '100%', '_', '[x]', '42', 'aa', 'aaa', 'Oslo', 'oslo', '7', '(', 'x:y', 'true', 'a,b'];
const TEXTS = [...WORDS, ...MORE];
const NAMES = ['shop.mail.send', 'shop.order', 'Reports.Timeout', 'billing.tasks.charge', 'billing.tasks.k', 'x'];
const QUEUES = ['mail', 'Mail', 'mail.slow', 'default'];
const WORKERS = ['w1', 'w2:x', 'W1'];
const TYPES = ['TimeoutError', 'smtplib.SMTPError', 'k'];
const KEYS = ['id', 'user', 'a.b', 'full name'];
const PATTERNS = [
	'time|ord',
	'a+$',
	'[0-9]{2}',
	'k',
	'[^a]b',
	'tim(e)?out',
	'ma?il',
	'shop.order',
	'\\bmail\\b',
	'^shop',
	'st.{3}e',
];

class Chance {
	readonly #next: () => number;
	constructor(seed: number) {
		this.#next = randomFrom(seed);
	}
	below(count: number): number {
		return Math.floor(this.#next() * count);
	}
	one<T>(items: readonly T[]): T {
		return items[this.below(items.length)] as T;
	}
	some<T>(items: readonly T[]): readonly T[] {
		return Array.from({ length: 1 + this.below(2) }, () => this.one(items));
	}
	odds(percent: number): boolean {
		return this.below(100) < percent;
	}
}

function value(chance: Chance, depth = 0): ask.Plain {
	const kind = chance.below(depth > 1 ? 4 : 6);
	if (kind === 0) return chance.one([0, 7, 41.5, 42, 43, -3, -0.25, 1_000_000_000_000_000, -281_474_976_710_656]);
	if (kind === 1) return chance.one([true, false, null]);
	if (kind < 4) return chance.one(TEXTS);
	if (kind === 4) return Array.from({ length: chance.below(3) }, () => value(chance, depth + 1));
	return dict(chance, depth + 1);
}

function dict(chance: Chance, depth: number): { readonly [key: string]: ask.Plain } {
	return Object.fromEntries(Array.from({ length: chance.below(3) }, () => [chance.one(KEYS), value(chance, depth)]));
}

/** As a list's cell shows it: Python's notation. None of these texts needs an escape. */
function python(plain: ask.Plain): string {
	if (plain === null) return 'None';
	if (typeof plain === 'boolean') return plain ? 'True' : 'False';
	if (typeof plain === 'number') return String(plain);
	if (typeof plain === 'string') return `'${plain}'`;
	if (Array.isArray(plain)) return `[${plain.map(python).join(', ')}]`;
	return `{${Object.entries(plain)
		.map(([key, item]) => `'${key}': ${python(item)}`)
		.join(', ')}}`;
}

function shown(args: readonly ask.Plain[], kwargs: { readonly [key: string]: ask.Plain }): string {
	const all = [...args.map(python), ...Object.entries(kwargs).map(([key, item]) => `${key}=${python(item)}`)].join(
		', ',
	);
	return all.length > 200 ? `${all.slice(0, 199)}\u2026` : all;
}

/** One task's life: told to the store as operations, and to the oracle as what became of it. */
function life(
	chance: Chance,
	seq: number,
): { readonly known: ask.KnownTask; readonly ops: readonly HistoryOp[]; readonly gone: boolean } {
	const id = `${chance.one(['id', 'ID', 'mail'])}-${seq}`;
	const [args, kwargs] = [Array.from({ length: chance.below(3) }, () => value(chance)), dict(chance, 0)];
	const first = {
		id,
		name: chance.one(NAMES),
		queue: chance.one(QUEUES),
		args,
		kwargs,
		priority: chance.one([null, 0, 1, 2, 9]),
	};
	const call = decoded(first);
	const ops: HistoryOp[] = [];
	let attempts: ask.KnownTask['attempts'] = [];
	let known: ask.KnownTask | null = null;
	const runs = chance.odds(25) ? 2 : 1;
	let now = NOW - 40 + chance.below(8);
	for (let number = 1; number <= runs; number += 1) {
		const unseen = number === 1 && chance.odds(15);
		const publishedAt = unseen ? null : NOW - 50 + chance.below(12);
		const cause: AttemptCause = number === 1 ? 'published' : chance.one(['requeued', 'retried'] as const);
		const message = { ...first, id: number === 1 ? id : `${id}-again`, publishedAt, worker: chance.one(WORKERS) };
		let traceback: string | null = null;
		let log: readonly string[] = [];
		let base = {
			worker: null,
			startedAt: null,
			finishedAt: null,
			runtime: null,
			exception: null,
			result: null,
		} as Pick<ask.KnownTask, 'worker' | 'startedAt' | 'finishedAt' | 'runtime' | 'exception' | 'result'>;
		let state = 'queued';
		if (!unseen) ops.push(published(now, message, number === 1 ? {} : { requeueOf: id, cause }));
		let updatedAt = now;
		if (unseen || number < runs || chance.odds(80)) {
			now += chance.below(4);
			const run = `run-${seq}-${number}`;
			ops.push(started(now, run, message));
			log = Array.from({ length: chance.below(3) }, () => chance.one(TEXTS));
			if (log.length > 0)
				ops.push(
					logged(
						run,
						log.map((text) => line(now, text)),
						0,
					),
				);
			base = { ...base, worker: message.worker, startedAt: now };
			[state, updatedAt] = ['running', now];
			if (number < runs || chance.odds(85)) {
				now += chance.below(4);
				const runtime = chance.one([null, 0, 1.5, 2_000]);
				const end = chance.below(4);
				if (end < 2) {
					const result = chance.odds(50) ? chance.one(TEXTS) : null;
					ops.push(
						finished(
							now,
							run,
							{ state: 'succeeded', result: result === null ? null : { kind: 'text', text: result, type: 'str' } },
							runtime,
						),
					);
					base = { ...base, result };
					state = 'succeeded';
				} else {
					const exception = { type: chance.one(TYPES), message: chance.one(TEXTS) };
					const outcome = failed(exception.type, exception.message);
					const ending = chance.one(['failed', 'failed', 'rejected', 'revoked', 'lost'] as const);
					traceback = outcome.state === 'failed' && chance.odds(80) ? outcome.traceback : null;
					ops.push(finished(now, run, { state: ending, exception, traceback }, runtime));
					base = { ...base, exception };
					state = ending;
				}
				base = { ...base, finishedAt: now, runtime };
				updatedAt = now;
			}
		}
		attempts = [...attempts, { cause, traceback, log }];
		known = {
			...{ id, seq, name: first.name, queue: first.queue, priority: first.priority, args, kwargs },
			...{ argsText: call.argsJson, kwargsText: call.kwargsJson, preview: shown(args, kwargs) },
			...{ state, publishedAt, updatedAt, attempts },
			...base,
			group: groupOf(first.name, state, base.exception, traceback),
		};
		now += chance.below(3);
	}
	const gone = chance.odds(8);
	if (gone) ops.push(removed(now, [id]));
	if (known === null) throw new Error('no life without an attempt');
	return { known, ops, gone };
}

/** The name of a failure's group: that nobody has merged or split any is known here. */
function groupOf(task: string, state: string, exception: ask.KnownTask['exception'], traceback: string | null) {
	if (exception === null || !['failed', 'rejected', 'lost'].includes(state)) return null;
	return fingerprint({ task, ...exception, traceback }).hash;
}

function query(chance: Chance, groups: readonly string[], depth = 0): ask.Asked {
	const kind = chance.below(depth > 2 ? 13 : 21);
	const op = chance.one(['', '<', '<=', '>', '>='] as const);
	switch (kind) {
		case 0:
			return ask.word(chance.one([...TEXTS, ...NAMES, 'shop', 'id-1', 'error', 'None', '": ']));
		case 1:
			return ask.pattern(chance.one(PATTERNS));
		case 2:
			return ask.state(chance.some(['queued', 'running', 'succeeded', 'failed', 'rejected', 'revoked', 'lost']));
		case 3:
		case 4: {
			const how = chance.one(['plain', 'plain', 'exact', 'pattern'] as const);
			const words = [...TEXTS, ...NAMES, ...QUEUES, ...WORKERS, ...TYPES, 'billing', 'shop', 'id-1', 'Traceback'];
			return ask.field(chance.one(ask.TEXT_NAMES), how, chance.some(how === 'pattern' ? PATTERNS : words));
		}
		case 5:
			return ask.number(chance.one(['priority', 'attempts', 'runtime', 'waited']), op, chance.one([0, 1, 2, 2_000]));
		case 6: {
			const low = chance.odds(70) ? chance.below(3) : null;
			return ask.range(
				chance.one(['priority', 'attempts']),
				low,
				low === null || chance.odds(60) ? chance.below(4) : null,
			);
		}
		case 7:
		case 8: {
			const how = chance.one(['since', 'until', 'before', 'after', 'published', 'started', 'finished'] as const);
			return ask.time(how, op, NOW - 52 + chance.below(40));
		}
		case 9: {
			const parts = chance.some(['0', '1', ...KEYS]);
			const how = chance.one(['plain', 'quoted', 'exists', '<', '<=', '>', '>='] as const);
			const texts = /[<>]/.test(how)
				? ['0', '7', '41.5', '42', '-3', '1e15', '0.000001']
				: ['42', '7', 'true', 'null', 'Oslo', 'mail', '-3'];
			return ask.path(chance.one(['args', 'kwargs']), parts, how, chance.one(texts));
		}
		case 10:
			return ask.has(chance.one(['traceback', 'log', 'args', 'kwargs', 'exception', 'result', 'worker', 'priority']));
		case 11:
			return ask.is(chance.one(['requeued', 'retried', 'redelivered', 'open', 'done']));
		case 12: {
			const parts = chance.some([...groups, 'F', '0a']).map((key) => key.slice(0, chance.one([1, 2, 4, 16])));
			return ask.group(chance.odds(30) ? parts.map((part) => part.toUpperCase()) : parts);
		}
		case 13:
		case 14:
			return ask.not(query(chance, groups, depth + 1), chance.one(['-', 'NOT ']));
		case 15:
		case 16:
		case 17:
			return ask.both(query(chance, groups, depth + 1), query(chance, groups, depth + 1), chance.one([' ', ' AND ']));
		default:
			return ask.either(query(chance, groups, depth + 1), query(chance, groups, depth + 1));
	}
}

/** All ids of a list, page by page, and the totals that pages gave. */
function listed(
	store: DirectStore,
	text: string,
	{ field, descending, limit, patienceMs }: TaskSort & { readonly limit: number; readonly patienceMs?: number },
) {
	const ids: string[] = [];
	const totals = new Set<number | null>();
	let cursor: string | null = null;
	do {
		const asked = { profile: PROFILE, query: text, sort: { field, descending }, limit, cursor };
		const page = store.calls.page(patienceMs === undefined ? asked : { ...asked, patienceMs }, NOW);
		if (!page.ok) throw new Error(`${text}: ${page.error.message}`);
		ids.push(...page.value.items.map((row) => row.id));
		totals.add(page.value.total);
		cursor = page.value.next;
	} while (cursor !== null && ids.length <= TASKS);
	return { ids, totals: [...totals].filter((total) => total !== null) };
}

function check(seed: number): void {
	const chance = new Chance(seed);
	using store = directStore(chance.one(EVERY_WAY));
	const tasks: ask.KnownTask[] = [];
	for (let seq = 0; seq < TASKS; seq += 1) {
		const { known, ops, gone } = life(chance, seq);
		store.apply(...ops);
		if (!gone) tasks.push(known);
		// Some worlds are searched while the index is behind.
		if (seq === 60 && seed % 3 !== 0) store.settle();
	}
	if (seed % 3 === 1) store.settle();
	const groups = tasks.map((task) => task.group).filter((key) => key !== null);
	for (let count = 0; count < PER_WORLD; count += 1) {
		const asked = query(chance, groups);
		const [field, descending] = [chance.one(SORTS), chance.odds(50)];
		const expected = ask.ordered(tasks.filter(asked.means), field, descending);
		const where = { seed, text: asked.text, field, descending };
		const limit = chance.one([1, 7, 40, 500]);
		const { ids, totals } = listed(store, asked.text, { field, descending, limit });
		expect({ ...where, ids }).toEqual({ ...where, ids: expected });
		// The same in pieces, each of which gives up at the first chance.
		const pieces = listed(store, asked.text, { field, descending, limit: 7, patienceMs: 0 });
		expect({ ...where, pieces: pieces.ids }).toEqual({ ...where, pieces: expected });
		totals.push(...pieces.totals);
		for (const total of totals) expect({ ...where, total }).toEqual({ ...where, total: expected.length });
		expect({ ...where, counted: store.calls.count(PROFILE, asked.text, NOW) }).toEqual({
			...where,
			counted: { ok: true, value: expected.length },
		});
		const frozen = store.calls.ids(PROFILE, asked.text, 10_000, NOW);
		expect({ ...where, frozen: frozen.ok ? [...frozen.value].sort() : frozen.error }).toEqual({
			...where,
			frozen: expected.toSorted(),
		});
		const parsed = parseQuery(asked.text, NOW);
		if (parsed.ok) expect(parseQuery(formatQuery(parsed.value), NOW)).toEqual(parsed);
	}
}

describe('random queries on random tasks', () => {
	it('list, count and freeze exactly what they mean, in order, whatever way it is found', {
		timeout: 3_600_000,
	}, () => {
		for (let seed = 1; seed <= QUERIES / PER_WORLD; seed += 1) check(seed);
	});
});

describe('a task that several of its attempts propose', () => {
	it('is counted and frozen once', () => {
		using store = directStore({ few: 0, many: 0, walkMs: 0, counted: 0, countedProposals: 1_000 });
		for (let n = 0; n < 20; n += 1) {
			const made = { id: `t${n}`, worker: n < 2 ? 'w1' : 'w2' };
			store.apply(started(NOW, `a${n}`, made), finished(NOW + 1, `a${n}`, failed('ValueError')));
			if (n > 1) continue;
			for (const again of ['b', 'c']) {
				store.apply(
					published(NOW + 2, made),
					started(NOW + 3, `${again}${n}`, made),
					finished(NOW + 4, `${again}${n}`, failed('ValueError')),
				);
			}
		}
		// With a part that can match nothing.
		for (const text of ['attempts:>=2 worker:nobody', 'attempts:>=2 -is:redelivered app:nowhere']) {
			expect({ text, counted: store.calls.count(PROFILE, text, NOW) }).toEqual({
				text,
				counted: { ok: true, value: 0 },
			});
		}
		for (const text of ['worker:w1', 'attempts:>=2']) {
			expect({ text, counted: store.calls.count(PROFILE, text, NOW) }).toEqual({
				text,
				counted: { ok: true, value: 2 },
			});
			const ids = store.calls.ids(PROFILE, text, 100, NOW);
			expect({ text, ids: ids.ok && [...ids.value].sort() }).toEqual({ text, ids: ['t0', 't1'] });
		}
	});
});
