/** Finding one's way through a log that is too long to be read: by level, by words, by pattern, in pieces. */
import { describe, expect, it } from 'vitest';
import { type AttemptId, taskId } from '#main/domain/ids.ts';
import { isFrom, readLogSearch } from '#main/domain/log-search.ts';
import type { LogLevel, LogLine } from '#main/domain/task.ts';
import { line, logged, PROFILE, published, started } from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';

/** A million takes half a minute to write down. */
const LONG = process.env.WARREN_LONG !== undefined;
const LINES = LONG ? 1_000_000 : 20_000;

function lineAt(at: number): LogLine {
	const level: LogLevel = at % 4_000 === 3_999 ? 'error' : at % 100 === 7 ? 'warning' : at % 3 === 0 ? 'debug' : 'info';
	const text =
		at % 2_500 === 17 ? `card \u001b[31mref\u001b[0mused for order ${at}` : `step ${at} of the import went well`;
	return line(at, text, { level, ...(at % 1_000 === 1 ? { source: 'stderr' as const, logger: null } : {}) });
}

function long(store: DirectStore, lines = LINES): AttemptId {
	store.apply(published(1, { id: 'm1' }), started(2, 'run', { id: 'm1' }));
	for (let from = 0; from < lines; from += 20_000) {
		store.apply(
			logged(
				'run',
				Array.from({ length: Math.min(20_000, lines - from) }, (_, at) => lineAt(from + at)),
				from,
			),
		);
	}
	const attempt = store.calls.detail(PROFILE, taskId('m1'))?.history[0]?.id;
	if (attempt === undefined) throw new Error('There is no attempt');
	return attempt;
}

function findAll(store: DirectStore, attempt: AttemptId, minLevel: LogLevel, search: string) {
	const seqs: number[] = [];
	let calls = 0;
	for (let afterSeq = -1; ; ) {
		const found = store.calls.findLines(attempt, { afterSeq, minLevel, search });
		if (!found.ok) throw new Error(found.error.message);
		seqs.push(...found.value.seqs);
		calls += 1;
		if (found.value.done) return { seqs, calls, lines: found.value.lines };
		expect(found.value.seen).toBeGreaterThan(afterSeq);
		afterSeq = found.value.seen;
	}
}

describe('a long log', () => {
	it('is searched to its end, in pieces, and finds exactly what a look at every line finds', () => {
		using store = directStore();
		const attempt = long(store);
		for (const [level, typed] of [
			['debug', 'CARD REFUSED'],
			['debug', '/order \\d*17$/'],
			['warning', ''],
			['error', ''],
			['warning', 'import'],
			['debug', 'not there'],
			['debug', 'app'],
			['debug', 'level:>=warning (text:import OR line:<500)'],
			['info', '-text:order -level:error'],
		] as const) {
			const search = readLogSearch(typed);
			if (!search.ok) throw new Error(search.error.message);
			const expected: number[] = [];
			for (let at = 0; at < LINES; at += 1) {
				const one = lineAt(at);
				if (isFrom(one, level) && (search.value?.test({ ...one, seq: at }) ?? true)) expected.push(at);
			}
			const found = findAll(store, attempt, level, typed);
			expect(found.seqs).toEqual(expected);
			expect(found.lines).toBe(LINES);
			// No single call looks at all of a long log by its words.
			if (typed !== '' && LONG) expect(found.calls).toBeGreaterThan(10);
		}
	}, 600_000);

	it('is read at any place by the numbers of lines', () => {
		using store = directStore();
		const attempt = long(store);
		const seqs = [0, 5, 17, LINES - 1];
		expect(store.calls.linesAt(attempt, [...seqs, LINES + 5]).map((one) => [one.seq, one.text])).toEqual(
			seqs.map((seq) => [seq, lineAt(seq).text]),
		);
		const last = store.calls.log(attempt, { afterSeq: LINES - 3, limit: 500, minLevel: 'debug', search: '' });
		expect(last).toMatchObject({ ok: true, value: { lines: [{ seq: LINES - 2 }, { seq: LINES - 1 }], total: LINES } });
	}, 600_000);

	it('is searched on from where a search ended, when lines have come since', () => {
		using store = directStore();
		const attempt = long(store, 3_000);
		const first = store.calls.findLines(attempt, { afterSeq: -1, minLevel: 'debug', search: 'card' });
		expect(first).toMatchObject({ ok: true, value: { seqs: [17, 2_517], seen: 2_999, done: true } });
		store.apply(logged('run', [line(9, 'nothing'), line(9, 'another card')], 3_000));
		const more = store.calls.findLines(attempt, { afterSeq: 2_999, minLevel: 'debug', search: 'card' });
		expect(more).toMatchObject({ ok: true, value: { seqs: [3_001], seen: 3_001, lines: 3_002, done: true } });
		const none = store.calls.findLines(attempt, { afterSeq: 3_001, minLevel: 'debug', search: 'card' });
		expect(none).toMatchObject({ ok: true, value: { seqs: [], seen: 3_001, done: true } });
	});

	it('says what is wrong with a pattern or a query', () => {
		using store = directStore();
		const attempt = long(store, 10);
		const found = store.calls.findLines(attempt, { afterSeq: -1, minLevel: 'debug', search: '/(/' });
		expect(found).toMatchObject({ ok: false, error: { code: 'invalid-input', details: { field: 'search' } } });
		const unknown = store.calls.findLines(attempt, { afterSeq: -1, minLevel: 'debug', search: 'card levl:error' });
		expect(unknown).toMatchObject({
			ok: false,
			error: { code: 'invalid-input', details: { field: 'search', position: 5, length: 4 } },
		});
		// A lone slash, and two of them, are texts like any other.
		expect(store.calls.findLines(attempt, { afterSeq: -1, minLevel: 'debug', search: '//' })).toMatchObject({
			ok: true,
			value: { seqs: [] },
		});
	});

	it('comes in shorter pages where its lines are long', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }), started(2, 'run', { id: 'm1' }));
		store.apply(
			logged(
				'run',
				Array.from({ length: 50 }, (_, at) => line(at, `${at} ${'x'.repeat(200_000)}`)),
				0,
			),
		);
		const attempt = store.calls.detail(PROFILE, taskId('m1'))?.history[0]?.id as AttemptId;
		const seqs: number[] = [];
		for (;;) {
			const page = store.calls.log(attempt, {
				afterSeq: seqs.at(-1) ?? -1,
				limit: 1_000,
				minLevel: 'debug',
				search: '',
			});
			if (!page.ok || page.value.lines.length === 0) break;
			expect(page.value.lines.length).toBeLessThanOrEqual(3);
			expect(store.calls.linesAt(attempt, [...Array(50).keys()]).length).toBeLessThanOrEqual(3);
			seqs.push(...page.value.lines.map((one) => one.seq));
		}
		expect(seqs).toEqual(Array.from({ length: 50 }, (_, at) => at));
	});
});
