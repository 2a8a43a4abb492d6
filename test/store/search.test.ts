import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Query, TextMatch } from '#main/domain/query.ts';
import { formatQuery } from '#main/domain/query-format.ts';
import { matches } from '#main/domain/query-match.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import { type HistoryOp, TASK_STATES } from '#main/domain/task.ts';
import type { Value } from '#main/domain/value.ts';
import { LIST_LIMITS, type ListLimits } from '#main/store/lists.ts';
import { failed, finished, line, logged, PROFILE, published, removed, started } from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';

const RUNS = process.env.WARREN_LONG === undefined ? 100 : 5_000;
const NOW = Date.UTC(2026, 10, 20, 12);

/** Words that meet each other, and those that trip up what takes upper and lower case for an ASCII matter. */
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
	'a b',
	'100%',
	'"q"',
	"it's",
	'_',
	'[x]',
	'42',
	'',
	'\\d',
	'aa',
	'aaa',
];
const NAMES = ['shop.mail.send', 'shop.order', 'Reports.Timeout', 'x'];
const QUEUES = ['mail', 'Mail', 'mail.slow', 'default'];

const word = fc.constantFrom(...WORDS);
const scalar: fc.Arbitrary<Value> = fc.oneof(
	word.map((value): Value => ({ kind: 'str', value })),
	fc
		.constantFrom('0', '-0', '42', '7', '9007199254740993', '9007199254740992')
		.map((text): Value => ({ kind: 'int', text })),
	fc
		.constantFrom('42.0', '4.2e1', 'NaN', 'Infinity', '-Infinity', '0.5')
		.map((text): Value => ({ kind: 'float', text })),
	fc.constantFrom<Value>({ kind: 'bool', value: true }, { kind: 'bool', value: false }, { kind: 'none' }),
);
const KEYS = ['id', 'user', '0', 'a.b'];
const { value } = fc.letrec<{ value: Value }>((tie) => ({
	value: fc.oneof(
		{ depthSize: 'small', withCrossShrink: true },
		scalar,
		fc.array(tie('value'), { maxLength: 3 }).map((items): Value => ({ kind: 'list', items })),
		fc.array(tie('value'), { maxLength: 2 }).map((items): Value => ({ kind: 'tuple', items })),
		fc.uniqueArray(fc.tuple(fc.constantFrom(...KEYS), tie('value')), { maxLength: 3, selector: ([key]) => key }).map(
			(entries): Value => ({
				kind: 'dict',
				entries: entries.map(([key, item]) => [{ kind: 'str', value: key }, item] as const),
			}),
		),
	),
}));

const task = fc.record({
	name: fc.constantFrom(...NAMES),
	queue: fc.constantFrom(...QUEUES),
	args: fc.array(value, { maxLength: 2 }),
	kwargs: fc.uniqueArray(fc.tuple(fc.constantFrom(...KEYS), value), { maxLength: 2, selector: ([key]) => key }),
	priority: fc.option(fc.integer({ min: 0, max: 3 })),
	publishedAt: fc.option(fc.integer({ min: NOW - 5, max: NOW })),
	worker: fc.constantFrom('w1', 'w2:x', 'W1'),
	fate: fc.constantFrom('queued', 'running', 'succeeded', 'failed', 'rejected', 'twice', 'removed'),
	words: word,
	runtime: fc.option(fc.constantFrom(0, 1.5, 2_000)),
	result: fc.option(word),
	// One line at most: the store compares line by line, the definition the whole log.
	log: fc.array(word, { maxLength: 1 }),
});

/** What the oracle is told of a task that the store was told by operations. */
interface Known {
	readonly log: string | null;
	readonly ops: readonly HistoryOp[];
}

function known(made: typeof task extends fc.Arbitrary<infer T> ? T : never, at: number): Known {
	const { name, queue, args, kwargs, priority, publishedAt, worker } = made;
	const id = `id-${at}`;
	const message = { id, name, queue, priority, publishedAt, worker, call: { args, kwargs } };
	const ops: HistoryOp[] = [published(NOW - 3, message)];
	let log: string | null = null;
	if (made.fate !== 'queued') {
		ops.push(started(NOW - 2, `run-${at}`, message));
		ops.push(
			logged(
				`run-${at}`,
				made.log.map((text) => line(NOW - 2, text)),
				0,
			),
		);
		log = made.log[0] ?? null;
	}
	if (made.fate === 'failed' || made.fate === 'twice')
		ops.push(finished(NOW - 1, `run-${at}`, failed('x.TimeoutError', made.words), made.runtime));
	if (made.fate === 'rejected') {
		const exception = { type: made.words, message: 'no' };
		ops.push(finished(NOW - 1, `run-${at}`, { state: 'rejected', exception, traceback: null }, made.runtime));
	}
	if (made.fate === 'succeeded' || made.fate === 'removed') {
		const result = made.result === null ? null : ({ kind: 'text', text: made.result, type: 'str' } as const);
		ops.push(finished(NOW - 1, `run-${at}`, { state: 'succeeded', result }, made.runtime));
	}
	if (made.fate === 'twice') ops.push(published(NOW, { ...message, id: `again-${at}` }, { requeueOf: id }));
	if (made.fate === 'removed') ops.push(removed(NOW, [id]));
	return { log, ops };
}

const matchText = fc.oneof(
	word.filter((text) => text !== ''),
	fc.constantFrom('shop', 'order', 'TIMEOUT', 'mail.slow', 'id-1', 'w1'),
);
const textMatch: fc.Arbitrary<TextMatch> = fc.oneof(
	fc.record({ kind: fc.constantFrom('contains' as const), text: matchText }),
	fc.record({ kind: fc.constantFrom('equals' as const, 'prefix' as const), text: matchText }),
	fc.constantFrom('*mail*', 'Time*', '*', 'a*a').map((text) => ({ kind: 'glob' as const, text })),
	fc
		.constantFrom(
			'time|ord',
			'^a+$',
			'\\d+',
			'k',
			'[^a]b',
			'tim(e)?out',
			'shop\\.mail',
			'ma?il',
			'Time+out',
			'x{0}mail',
			'ord(er)?',
			'shop.order$',
			'\\bmail\\b',
			'[ts]hop',
			'\\x6dail',
			'st(?=anbul)',
		)
		.map((source) => ({ kind: 'regex' as const, source })),
);
const op = fc.constantFrom('=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const);
const path = fc.array(fc.constantFrom('id', 'user', '0', '1', 'a.b'), { minLength: 1, maxLength: 3 });
const { query } = fc.letrec<{ query: Query }>((tie) => ({
	query: fc.oneof(
		{ depthSize: 'small', withCrossShrink: true },
		fc.record({
			kind: fc.constant('text' as const),
			match: textMatch.filter((match) => match.kind === 'contains' || match.kind === 'regex'),
		}),
		fc.record({ kind: fc.constant('state' as const), any: fc.subarray([...TASK_STATES], { minLength: 1 }) }),
		fc.record({
			kind: fc.constant('field' as const),
			field: fc.constantFrom('name', 'queue', 'worker', 'id', 'exception', 'args', 'kwargs', 'result', 'log'),
			any: fc.array(textMatch, { minLength: 1, maxLength: 2 }),
		}),
		fc.record({
			kind: fc.constant('number' as const),
			field: fc.constantFrom('priority', 'attempts', 'runtime', 'waited'),
			op,
			value: fc.constantFrom(0, 1, 1.5, 2, 2_000),
		}),
		fc.record({
			kind: fc.constant('time' as const),
			field: fc.constantFrom('published', 'started', 'finished', 'activity'),
			op: fc.constantFrom('>=' as const, '<' as const),
			at: fc.integer({ min: NOW - 6, max: NOW + 1 }),
		}),
		fc.record({
			kind: fc.constant('path' as const),
			root: fc.constantFrom('args' as const, 'kwargs' as const),
			path,
			any: fc.array(
				fc.oneof(
					fc.record({
						kind: fc.constant('is' as const),
						text: fc.oneof(
							matchText,
							fc.constantFrom('42', '42.0', 'true', 'None', 'NaN', '-0', '0', '9007199254740993'),
						),
						quoted: fc.boolean(),
					}),
					fc.record({ kind: fc.constant('compare' as const), op, value: fc.constantFrom(0, 7, 42) }),
					fc.constantFrom('*', 't*e', '4*').map((text) => ({ kind: 'glob' as const, text })),
					fc.constant({ kind: 'exists' as const }),
				),
				{ minLength: 1, maxLength: 2 },
			),
		}),
		tie('query').map((part): Query => ({ kind: 'not', part })),
		fc.array(tie('query'), { minLength: 2, maxLength: 3 }).map((parts): Query => ({ kind: 'and', parts })),
		fc.array(tie('query'), { minLength: 2, maxLength: 3 }).map((parts): Query => ({ kind: 'or', parts })),
	),
}));

/** Each way of finding rows, which the sizes of a test would never reach by themselves. */
const EVERY_WAY: readonly ListLimits[] = [
	LIST_LIMITS,
	{ few: 2, many: 4, walkMs: 0, counted: 0, countedProposals: 1_000 },
	{ few: 0, many: 0, walkMs: 1_000, counted: 0, countedProposals: 0 },
	{ few: 0, many: 1_000, walkMs: 0, counted: 0, countedProposals: 1_000 },
];

/** The ids that the oracle finds among what the store lists. */
function oracle(
	store: DirectStore,
	meant: Query,
	all: readonly { readonly id: string; readonly log: string | null }[],
): readonly string[] {
	return all
		.filter(({ id, log }) => {
			const detail = store.calls.detail(PROFILE, id as never);
			if (detail === null || detail.removedAt !== null) return false;
			return matches(meant, { ...detail, call: detail.arguments, log });
		})
		.map(({ id }) => id)
		.sort();
}

function found(store: DirectStore, text: string): readonly string[] {
	const ids = store.calls.ids(PROFILE, text, 10_000, NOW);
	if (!ids.ok) throw new Error(ids.error.message);
	return [...ids.value].sort();
}

describe('a query over the store', () => {
	it('finds exactly what the definition of the language says, whether all, some or none of it is indexed yet', () => {
		fc.assert(
			fc.property(
				fc.array(task, { minLength: 1, maxLength: 12 }),
				fc.array(query, { minLength: 4, maxLength: 8 }),
				fc.nat({ max: 13 }),
				fc.constantFrom(...EVERY_WAY),
				(tasks, queries, indexed, limits) => {
					using store = directStore(limits);
					const all: { id: string; log: string | null }[] = [];
					for (const [at, made] of tasks.entries()) {
						const { ops, log } = known(made, at);
						store.apply(...ops);
						all.push({ id: `id-${at}`, log });
						if (at < indexed) store.settle();
					}
					for (const meant of queries) {
						const text = formatQuery(meant);
						const parsed = parseQuery(text, NOW);
						if (!parsed.ok) continue;
						const expected = oracle(store, parsed.value, all);
						expect({ text, ids: found(store, text) }).toEqual({ text, ids: expected });
						expect(store.calls.count(PROFILE, text, NOW)).toEqual({ ok: true, value: expected.length });
						const page = store.calls.page(
							{
								profile: PROFILE,
								query: text,
								sort: { field: 'updatedAt', descending: true },
								limit: 500,
								cursor: null,
							},
							NOW,
						);
						expect(page.ok ? page.value.items.map((row) => row.id).sort() : page.error).toEqual(expected);
						const total = page.ok ? page.value.total : page.error;
						expect([null, expected.length]).toContain(total);
					}
				},
			),
			{ numRuns: RUNS },
		);
	});

	it('says where it does not parse', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }));
		const result = store.calls.count(PROFILE, 'state:failed (', NOW);
		expect(result).toMatchObject({
			ok: false,
			error: { code: 'invalid-input', details: { position: expect.any(Number) } },
		});
	});

	it('finds nothing, and does not fail, in a profile without history', () => {
		using store = directStore();
		expect(store.calls.count(PROFILE, 'x', NOW)).toEqual({ ok: true, value: 0 });
		expect(store.calls.ids(PROFILE, 'x', 5, NOW)).toEqual({ ok: true, value: [] });
	});
});
