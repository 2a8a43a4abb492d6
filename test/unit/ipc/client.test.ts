import { describe, expect, it } from 'vitest';
import { createClient } from '#main/ipc/client.ts';
import type { DownFrame, UpFrame, Wire } from '#main/ipc/frames.ts';
import { wirePair } from '#main/ipc/wires/pair.ts';
import { manualClock } from '#test/support/manual-clock.ts';

/** An engine played by hand at the other end of a pair. */
function playedEngine(greet = true) {
	const [engine, page] = wirePair<DownFrame, UpFrame>();
	const heard: UpFrame[] = [];
	engine.listen(
		(frame) => heard.push(frame),
		() => {},
	);
	if (greet) engine.send({ kind: 'hello', protocol: 1, build: 'b' });
	return { engine, page, heard, kinds: () => heard.map((frame) => frame.kind) };
}

/** Collects work that a page would do in its next animation frame. */
function frames() {
	const waiting: (() => void)[] = [];
	return {
		schedule: (apply: () => void) => void waiting.push(apply),
		next: () => {
			for (const apply of waiting.splice(0)) apply();
		},
	};
}

const reader = (log: unknown[]) => ({
	snapshot: (items: readonly unknown[]) => log.push(['snapshot', ...items]),
	change: (items: readonly unknown[], lost: number) => log.push(['change', ...items, lost]),
	end: (error: unknown) => log.push(['end', error]),
});

describe('the client', () => {
	it('says hello before anything else, whatever was asked for first', async () => {
		const { page, heard } = playedEngine();
		const clock = manualClock();
		const client = createClient(page, { build: 'b', clock });
		client.open('task.watch', { profile: 'p' }, reader([]));
		void client.call('app.info', {});
		await clock.advance(0);
		expect(heard.map((frame) => frame.kind).toSorted()).toEqual(['hello', 'open', 'request']);
		expect(heard[0]).toEqual({ kind: 'hello', protocol: 1, build: 'b' });
	});

	it('acknowledges a frame once it was applied, not when it came', async () => {
		const { engine, page, heard, kinds } = playedEngine();
		const clock = manualClock();
		const paint = frames();
		const client = createClient(page, { build: 'b', clock, schedule: paint.schedule });
		const log: unknown[] = [];
		client.open('task.follow', { profile: 'p', id: 't' }, reader(log));
		await clock.advance(0);
		const id = (heard.at(-1) as { readonly id: number }).id;
		engine.send({ kind: 'snapshot', id, rev: 1, items: ['a'] });
		engine.send({ kind: 'change', id, rev: 2, items: ['b'], lost: 3 });
		await clock.advance(0);
		expect(log).toEqual([]);
		expect(kinds()).not.toContain('ack');
		paint.next();
		await clock.advance(0);
		expect(log).toEqual([
			['snapshot', 'a'],
			['change', 'b', 3],
		]);
		expect(kinds().filter((kind) => kind === 'ack')).toHaveLength(2);
	});

	it('opens a stream anew when a revision is missing, and hears nothing of the old one', async () => {
		const { engine, page, heard } = playedEngine();
		const clock = manualClock();
		const client = createClient(page, { build: 'b', clock });
		const log: unknown[] = [];
		client.open('task.watch', { profile: 'p' }, reader(log));
		await clock.advance(0);
		const first = (heard.at(-1) as { readonly id: number }).id;
		engine.send({ kind: 'snapshot', id: first, rev: 1, items: ['a'] });
		engine.send({ kind: 'change', id: first, rev: 3, items: ['c'], lost: 0 });
		engine.send({ kind: 'change', id: first, rev: 4, items: ['d'], lost: 0 });
		await clock.advance(0);
		const [closing, opening] = heard.slice(-2);
		expect(closing).toEqual({ kind: 'close', id: first });
		expect(opening).toMatchObject({ kind: 'open', stream: 'task.watch', input: { profile: 'p' } });
		engine.send({ kind: 'snapshot', id: (opening as { readonly id: number }).id, rev: 1, items: ['fresh'] });
		await clock.advance(0);
		expect(log).toEqual([
			['snapshot', 'a'],
			['snapshot', 'fresh'],
		]);
	});

	it('tells the engine again that nobody sees the page, after it connected', async () => {
		const { page, heard } = playedEngine();
		const clock = manualClock();
		const client = createClient(page, { build: 'b', clock });
		client.setVisible(false);
		await clock.advance(0);
		expect(heard).toContainEqual({ kind: 'visible', visible: false });
	});

	it('tries again with growing pauses for as long as there is no engine', async () => {
		const clock = manualClock();
		let tries = 0;
		const client = createClient(
			async (): Promise<Wire<UpFrame, DownFrame>> => {
				tries += 1;
				throw new Error('nobody there');
			},
			{ build: 'b', clock, jitter: 0 },
		);
		await clock.advance(0);
		const pauses: number[] = [];
		for (let i = 0; i < 8; i += 1) {
			const state = client.state();
			if (state.kind !== 'waiting') throw new Error(state.kind);
			expect(state.reason).toBe('nobody there');
			const pause = state.nextTryAt - clock.now();
			pauses.push(pause);
			await clock.advance(pause);
		}
		expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
		expect(tries).toBe(9);
	});

	it('lets a call wait a little for a lost engine, and not for ever', async () => {
		const clock = manualClock();
		const client = createClient(() => Promise.reject(new Error('nobody there')), { build: 'b', clock, jitter: 0 });
		await clock.advance(0);
		let answer: unknown = null;
		void client.call('app.info', {}).then((given) => {
			answer = given;
		});
		await clock.advance(4_000);
		expect(answer).toBeNull();
		await clock.advance(2_000);
		expect(answer).toMatchObject({ ok: false, error: { code: 'unreachable', retryable: true } });
	});

	it('never sends a call that was cancelled before there was an engine', async () => {
		const { page, engine, kinds } = playedEngine(false);
		const clock = manualClock();
		const client = createClient(page, { build: 'b', clock });
		const abort = new AbortController();
		const early = client.call('app.info', {}, { signal: abort.signal });
		abort.abort();
		expect(await early).toMatchObject({ error: { code: 'cancelled' } });
		expect(await client.call('app.info', {}, { signal: abort.signal })).toMatchObject({ error: { code: 'cancelled' } });
		engine.send({ kind: 'hello', protocol: 1, build: 'b' });
		await clock.advance(0);
		expect(kinds()).toEqual(['hello']);
	});

	it('ends its calls and streams when it is disposed of', async () => {
		const { page } = playedEngine();
		const clock = manualClock();
		const client = createClient(page, { build: 'b', clock });
		const log: unknown[] = [];
		client.open('task.watch', { profile: 'p' }, reader(log));
		const answer = client.call('app.info', {});
		await clock.advance(0);
		client[Symbol.dispose]();
		expect(await answer).toMatchObject({ ok: false });
		expect(log).toMatchObject([['end', { code: 'unreachable' }]]);
		expect(client.state().kind).toBe('closed');
	});
});
