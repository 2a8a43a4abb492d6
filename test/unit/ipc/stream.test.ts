import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DownFrame } from '#main/ipc/frames.ts';
import {
	Flow,
	FRAME_CHARS,
	FRAME_ITEMS,
	HIDDEN_GAP_MS,
	MOST_CREDIT,
	TAIL_ITEMS,
	VISIBLE_GAP_MS,
} from '#main/ipc/stream.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';

type Sent = Extract<DownFrame, { readonly kind: 'snapshot' | 'change' | 'end' }>;

function flowOf(fold: 'latest' | 'append', credit = 4) {
	const clock: ManualClock = manualClock();
	const sent: { readonly at: number; readonly frame: Sent }[] = [];
	let ended = 0;
	const flow = new Flow({
		id: 1,
		fold,
		credit,
		clock,
		gapMs: VISIBLE_GAP_MS,
		send: (frame) => sent.push({ at: clock.monotonic(), frame: frame as Sent }),
		ended: () => {
			ended += 1;
		},
	});
	const items = () => sent.flatMap(({ frame }) => ('items' in frame ? frame.items : []));
	return { flow, clock, sent, items, ended: () => ended };
}

const numbered = (from: number, count: number) => Array.from({ length: count }, (_, i) => ({ seq: from + i }));

describe('a flow', () => {
	it('sends nothing before its source accepted, then a snapshot', async () => {
		const { flow, clock, sent } = flowOf('append');
		flow.snapshot([{ seq: 1 }]);
		await clock.advance(1_000);
		expect(sent).toEqual([]);
		flow.opened();
		await clock.advance(0);
		expect(sent.map(({ frame }) => frame)).toEqual([{ kind: 'snapshot', id: 1, rev: 1, items: [{ seq: 1 }] }]);
	});

	it('sends no more frames than it has credit for, and one more per acknowledgement', async () => {
		const { flow, clock, sent } = flowOf('append', 2);
		flow.opened();
		for (let i = 0; i < 10; i += 1) {
			flow.put(numbered(i, 1));
			await clock.advance(100);
		}
		expect(sent).toHaveLength(2);
		flow.ack();
		await clock.advance(100);
		expect(sent).toHaveLength(3);
		expect(sent[2]?.frame).toMatchObject({ kind: 'change', rev: 3, lost: 0 });
	});

	it('gives a reader no more credit than it may hold, however much it claims', async () => {
		const { flow, clock, sent } = flowOf('append', 1_000_000);
		flow.opened();
		for (let i = 0; i < 50; i += 1) {
			flow.put(numbered(i, 1));
			await clock.advance(100);
		}
		expect(sent).toHaveLength(MOST_CREDIT);
	});

	it('leaves a gap between frames that is longer when nobody sees the page', async () => {
		const { flow, clock, sent } = flowOf('append', 16);
		flow.opened();
		for (let i = 0; i < 100; i += 1) {
			flow.put(numbered(i, 1));
			await clock.advance(1);
		}
		expect(sent.map(({ at }) => at)).toEqual([0, 33, 66, 99]);
		flow.pace(HIDDEN_GAP_MS);
		flow.put(numbered(100, 1));
		await clock.advance(900);
		expect(sent).toHaveLength(4);
		await clock.advance(200);
		expect(sent).toHaveLength(5);
		flow.put(numbered(101, 1));
		await clock.advance(100);
		flow.pace(VISIBLE_GAP_MS);
		await clock.advance(0);
		expect(sent).toHaveLength(6);
	});

	it('cuts what is too much for one frame into several, by count and by size', async () => {
		const { flow, clock, sent, items } = flowOf('append', 16);
		flow.snapshot(numbered(0, FRAME_ITEMS * 2 + 1));
		flow.opened();
		await clock.advance(1_000);
		expect(sent.map(({ frame }) => [frame.kind, 'items' in frame ? frame.items.length : 0])).toEqual([
			['snapshot', FRAME_ITEMS],
			['change', FRAME_ITEMS],
			['change', 1],
		]);
		expect(items()).toEqual(numbered(0, FRAME_ITEMS * 2 + 1));
		const large = 'x'.repeat(FRAME_CHARS);
		flow.put([{ large }, { seq: 1 }, { large }]);
		await clock.advance(1_000);
		expect(sent.slice(3).map(({ frame }) => ('items' in frame ? frame.items.length : 0))).toEqual([1, 1, 1]);
	});

	it('sends all that came before its end, then the end, once', async () => {
		const { flow, clock, sent, ended } = flowOf('append', 1);
		flow.opened();
		await clock.advance(0);
		flow.put(numbered(0, 1));
		flow.end();
		flow.end();
		await clock.advance(1_000);
		expect(sent).toHaveLength(1);
		flow.ack();
		await clock.advance(1_000);
		expect(sent.map(({ frame }) => frame.kind)).toEqual(['snapshot', 'change', 'end']);
		expect(ended()).toBe(1);
	});

	it('is silent once it is closed, and leaves no timer behind', async () => {
		const { flow, clock, sent } = flowOf('append', 16);
		flow.opened();
		await clock.advance(0);
		flow.put(numbered(0, 1));
		await clock.advance(1);
		expect(clock.waiting).toBe(1);
		flow[Symbol.dispose]();
		flow.put(numbered(1, 1));
		await clock.advance(1_000);
		expect(sent).toHaveLength(1);
		expect(clock.waiting).toBe(0);
	});
});

describe('a flow without credit', () => {
	it('keeps the newest item per key and nothing of the others', async () => {
		const { flow, clock, sent } = flowOf('latest', 1);
		flow.opened();
		await clock.advance(0);
		for (let i = 0; i < 200_000; i += 1) flow.put([{ key: `k${i % 5}`, i }]);
		flow.ack();
		await clock.advance(100);
		expect(sent).toHaveLength(2);
		expect(sent[1]?.frame).toMatchObject({
			kind: 'change',
			lost: 0,
			items: [199_995, 199_996, 199_997, 199_998, 199_999].map((i) => ({ key: `k${i % 5}`, i })),
		});
	});

	it('keeps a tail and counts what fell off', async () => {
		const { flow, clock, sent, items } = flowOf('append', 1);
		flow.opened();
		await clock.advance(0);
		flow.put(numbered(0, 10_000));
		flow.put(numbered(10_000, 1));
		for (let i = 0; i < 8; i += 1) {
			flow.ack();
			await clock.advance(100);
		}
		expect(items()).toEqual(numbered(10_001 - TAIL_ITEMS, TAIL_ITEMS));
		const lost = sent.map(({ frame }) => (frame.kind === 'change' ? frame.lost : 0));
		expect(lost).toEqual([0, 10_001 - TAIL_ITEMS, 0, 0, 0]);
	});

	it('starts afresh with the newest snapshot', async () => {
		const { flow, clock, sent } = flowOf('latest', 1);
		flow.opened();
		await clock.advance(0);
		flow.put([{ key: 'a', n: 1 }]);
		flow.snapshot([{ key: 'b', n: 2 }]);
		flow.put([{ key: 'c', n: 3 }]);
		flow.ack();
		await clock.advance(100);
		expect(sent[1]?.frame).toEqual({
			kind: 'snapshot',
			id: 1,
			rev: 2,
			items: [
				{ key: 'b', n: 2 },
				{ key: 'c', n: 3 },
			],
		});
	});
});

describe('whatever a source and a reader do', () => {
	const step = fc.oneof(
		fc.record({ kind: fc.constant('put' as const), count: fc.integer({ min: 1, max: 900 }) }),
		fc.record({ kind: fc.constant('ack' as const) }),
		fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 80 }) }),
		fc.record({ kind: fc.constant('pace' as const), hidden: fc.boolean() }),
	);

	it('an append stream delivers every item once and in order, or counts it as lost', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 6 }), async (steps, credit) => {
				const { flow, clock, sent, items } = flowOf('append', credit);
				flow.opened();
				let written = 0;
				for (const one of steps) {
					if (one.kind === 'put') {
						flow.put(numbered(written, one.count));
						written += one.count;
					} else if (one.kind === 'ack') flow.ack();
					else if (one.kind === 'pace') flow.pace(one.hidden ? HIDDEN_GAP_MS : VISIBLE_GAP_MS);
					else await clock.advance(one.ms);
				}
				for (let i = 0; i < 10; i += 1) {
					flow.ack();
					await clock.advance(HIDDEN_GAP_MS);
				}
				const got = items().map((item) => (item as { readonly seq: number }).seq);
				const lost = sent.reduce((sum, { frame }) => sum + (frame.kind === 'change' ? frame.lost : 0), 0);
				expect(got.length + lost).toBe(written);
				expect(got).toEqual(got.toSorted((a, b) => a - b));
				expect(new Set(got).size).toBe(got.length);
				if (written > 0) expect(got.at(-1)).toBe(written - 1);
				expect(sent.map(({ frame }) => ('rev' in frame ? frame.rev : 0))).toEqual(sent.map((_, i) => i + 1));
			}),
			{ numRuns: process.env.WARREN_LONG ? 1_000 : 60 },
		);
	});
});
