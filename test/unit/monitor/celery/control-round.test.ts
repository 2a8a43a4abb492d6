import { describe, expect, it } from 'vitest';
import type { ControlReply } from '#main/dialects/celery/control.ts';
import type { WorkerLiveness } from '#main/domain/worker.ts';
import { ControlRound, globPattern, type RoundOptions } from '#main/monitor/celery/control-round.ts';

const reply = (node: string, kind: ControlReply['kind'] = 'ok', words: string | null = 'pong'): ControlReply => ({
	node,
	kind,
	words,
	value: { kind: 'none' },
	json: 'null',
});
const nodes = (...known: readonly (readonly [string, WorkerLiveness])[]) => new Map(known);

function round(options: Partial<RoundOptions> = {}): ControlRound {
	const made = new ControlRound({
		method: 'ping',
		arguments: {},
		destination: null,
		pattern: null,
		known: new Map(),
		watched: true,
		startedAt: 1_000,
		...options,
	});
	return made;
}

describe('a round', () => {
	it('waits for those that live, not for those that are lost, and lingers for a second process of one name', () => {
		const one = round({ known: nodes(['a', 'online'], ['b', 'late'], ['c', 'lost'], ['d', 'stopped']) });
		one.sent(1_000, null);
		expect(one.left()).toBe('wait');
		one.take([reply('a')], 1_010);
		expect(one.left()).toBe('wait');
		one.take([reply('b')], 1_020);
		expect(one.left()).toBe('linger');
		one.end(1_030);
		expect(one.outcome(2_000)).toMatchObject({ answered: 2, silent: 0, total: 2, tookMs: 30, complete: true });
	});

	it('ends at once where nobody received the request, and says so', () => {
		const one = round({ known: nodes(['a', 'online']) });
		one.sent(1_000, 0);
		expect(one.left()).toBe('now');
		one.end(1_001);
		const { items, notes } = one.outcome(1_001);
		expect(items).toMatchObject([{ node: 'a', state: 'silent', note: expect.stringContaining('Nobody received') }]);
		expect(notes[0]).toContain('Nobody received it');
	});

	it('counts receivers where the broker tells how many there are', () => {
		const one = round({ known: nodes(['a', 'online']) });
		one.sent(1_000, 2);
		one.take([reply('a')], 1_010);
		expect(one.left()).toBe('wait');
		one.take([reply('stranger')], 1_020);
		expect(one.left()).toBe('now');
	});

	it('has only time to tell the end where nobody is known', () => {
		const one = round({ watched: false });
		one.sent(1_000, null);
		one.take([reply('a')], 1_010);
		expect(one.left()).toBe('wait');
	});

	it('blames nobody for silence where it was cut short, and says what cut it', () => {
		const known = nodes(['a', 'online'], ['b', 'online']);
		const cut = round({ known });
		cut.sent(1_000, null);
		cut.take([reply('a')], 1_010);
		cut.end(1_500, 'cancelled');
		expect(cut.outcome(1_500)).toMatchObject({
			silent: 1,
			items: [{ state: 'answered' }, { state: 'silent', note: expect.stringContaining('was cancelled') }],
			notes: [expect.stringContaining('cancelled after it had been sent')],
		});
		const deaf = round({ known });
		deaf.sent(1_000, null);
		deaf.end(3_000, 'deaf');
		const { items, notes } = deaf.outcome(3_000);
		expect(items.map(({ note }) => note)).toEqual([
			expect.stringContaining('may have been lost'),
			expect.stringContaining('may have been lost'),
		]);
		expect(notes).toEqual([expect.stringContaining('connection to the broker broke')]);
	});

	it('counts no worker that ends by itself as told to, where the pattern is for others', () => {
		const one = round({ method: 'shutdown', pattern: { text: 'a*', matcher: 'glob' }, known: nodes(['a1', 'online']) });
		one.sent(1_000, null);
		one.stopped('b1');
		one.stopped('a2');
		one.stopped('a1');
		one.end(2_000);
		one.stopped('a3');
		expect(one.outcome(2_000).items.map(({ node }) => node)).toEqual(['a1', 'a2']);
	});

	it('never says that a silent worker is gone, but why it may be silent', () => {
		const one = round({ destination: ['a', 'b', 'c'], known: nodes(['a', 'online'], ['b', 'lost']) });
		one.sent(1_000, null);
		one.end(3_000);
		const { items, silent, notes } = one.outcome(3_000);
		expect(silent).toBe(3);
		expect(items.map((item) => item.note)).toEqual([
			expect.stringContaining('solo pool'),
			expect.stringContaining('silent before'),
			expect.stringContaining('spelling'),
		]);
		expect(notes[0]).toContain('not "gone"');
	});

	it('tells two answers of one name, and an answer that refuses', () => {
		const one = round();
		one.sent(1_000, 3);
		one.take([reply('a'), reply('a'), reply('b', 'error', 'unknown task')], 1_010);
		one.end(1_020);
		const { items, answered, failed } = one.outcome(1_020);
		expect([answered, failed]).toEqual([1, 1]);
		expect(items[0]?.note).toContain('share');
		expect(items[1]).toMatchObject({ state: 'failed', answers: [{ ok: false }] });
	});

	it('takes nothing once it has ended, and counts what could not be read', () => {
		const one = round();
		one.sent(1_000, null);
		one.unreadable();
		one.end(1_010);
		one.take([reply('late')], 1_020);
		expect(one.outcome(1_030)).toMatchObject({ total: 0, unreadable: 1 });
	});

	it('sees workers stop that were told to', () => {
		const one = round({ method: 'shutdown', known: nodes(['a', 'online'], ['b', 'online']) });
		one.sent(1_000, null);
		one.stopped('a');
		expect(one.left()).toBe('wait');
		one.stopped('b');
		expect(one.left()).toBe('linger');
		expect(one.outcome(1_000).items.map((item) => item.state)).toEqual(['stopped', 'stopped']);
	});
});

it('reads globs as Python does', () => {
	const fits = (glob: string, name: string) => globPattern(glob).test(name);
	expect(fits('mail*@h', 'mail1@h')).toBe(true);
	expect(fits('w?', 'w12')).toBe(false);
	expect(fits('w[!1]', 'w1')).toBe(false);
	expect(fits('w[!1]', 'w2')).toBe(true);
	expect(fits('a.b', 'axb')).toBe(false);
	expect(fits('[', '[')).toBe(true);
	expect(fits('[z-a]', 'z')).toBe(false);
});
