/** One suite for every wire: what is called, streamed, cancelled and lost is the same whatever carries it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail, ok } from '#main/domain/result.ts';
import { type Client, type ClientState, createClient } from '#main/ipc/client.ts';
import type { Sink } from '#main/ipc/handlers.ts';
import { createRouter } from '#main/ipc/router.ts';
import { BAD_FRAMES, MOST_REQUESTS, MOST_STREAMS, serveWire } from '#main/ipc/server.ts';
import { type TestPorts, type TestStream, testPorts } from '#test/support/router-ports.ts';
import { waitFor } from '#test/support/wait.ts';
import { type Ends, WIRES, type WireMaker } from './wires.ts';

const BUILD = '1.2.3';

/** A reader that keeps what it hears. */
function listener() {
	const heard: { snapshots: unknown[][]; changes: unknown[]; lost: number; ends: unknown[] } = {
		snapshots: [],
		changes: [],
		lost: 0,
		ends: [],
	};
	return {
		heard,
		reader: {
			snapshot: (items: readonly unknown[]) => heard.snapshots.push([...items]),
			change(items: readonly unknown[], lost: number) {
				heard.changes.push(...items);
				heard.lost += lost;
			},
			end: (error: unknown) => heard.ends.push(error),
		},
	};
}

describe.each(WIRES)('over $name', ({ start }) => {
	let maker: WireMaker;
	let stack: AsyncDisposableStack;
	let notes: string[];

	beforeEach(async () => {
		stack = new AsyncDisposableStack();
		maker = stack.use(await start());
		notes = [];
	});
	afterEach(() => stack.disposeAsync());

	function serve(ends: Ends, ports: TestPorts, build = BUILD): void {
		stack.use(
			serveWire(ends.engine, createRouter(ports), {
				build,
				host: 'test',
				actor: 'page',
				note: (event, words) => notes.push(`${event}: ${words}`),
			}),
		);
	}

	/** A client whose every connection is served with these ports. */
	function connected(ports: TestPorts, options: { readonly build?: string } = {}): { client: Client; wires: Ends[] } {
		const wires: Ends[] = [];
		const client = stack.use(
			createClient(
				async () => {
					const ends = await maker.connect();
					wires.push(ends);
					serve(ends, ports, options.build);
					return ends.page;
				},
				{ build: BUILD, jitter: 0 },
			),
		);
		return { client, wires };
	}

	it('answers a call with its data and a refusal with its error', async () => {
		const ports = testPorts({
			calls: {
				'task.count': async () => ok({ total: 7, text: 'ü \u0000 \ud83d\ude00' }),
				'task.names': async () => fail('unreachable', 'The broker is away.', { details: { host: 'h' } }),
			},
		});
		const { client } = connected(ports);
		expect(await client.call('task.count', { profile: 'dev' })).toEqual({
			ok: true,
			value: { total: 7, text: 'ü \u0000 \ud83d\ude00' },
		});
		expect(await client.call('task.names', { profile: 'dev' })).toMatchObject({
			ok: false,
			error: { code: 'unreachable', message: 'The broker is away.', retryable: true, details: { host: 'h' } },
		});
	});

	it('carries the typed name of a profile to the router', async () => {
		const { client } = connected(testPorts());
		const input = { profile: 'Shop', ids: ['a'] };
		expect(await client.call('task.delete', input)).toMatchObject({ error: { code: 'not-confirmed' } });
		expect(await client.call('task.delete', input, { confirm: 'Shop' })).toMatchObject({ ok: true });
	});

	it('keeps many calls at once apart', async () => {
		const ports = testPorts({
			calls: { 'task.count': async (input) => ok({ total: Number((input as { query: string }).query) }) },
		});
		const { client } = connected(ports);
		const answers = await Promise.all(
			Array.from({ length: 200 }, (_, i) => client.call('task.count', { profile: 'dev', query: String(i) })),
		);
		expect(answers.map((answer) => (answer.ok ? answer.value.total : -1))).toEqual(
			Array.from({ length: 200 }, (_, i) => i),
		);
	});

	it('asks a call to stop when its caller aborts, and still brings what it came to', async () => {
		const ports = testPorts({
			calls: {
				'task.requeue': (_input, context) =>
					new Promise((resolve) => {
						context.signal.addEventListener('abort', () => resolve(ok({ done: 3, cancelled: true })));
					}),
			},
		});
		const { client } = connected(ports);
		const abort = new AbortController();
		const answer = client.call('task.requeue', { profile: 'dev', ids: ['a'] }, { signal: abort.signal });
		await waitFor('the call to arrive', () => ports.reached.length === 1);
		abort.abort();
		expect(await answer).toEqual({ ok: true, value: { done: 3, cancelled: true } });
	});

	it('begins a stream with a snapshot, goes on with changes, and ends it once', async () => {
		const feed = Promise.withResolvers<Sink<never>>();
		const stream: TestStream = async (_input, sink) => {
			feed.resolve(sink);
			sink.snapshot([{ seq: 1 }] as never);
			return ok({ [Symbol.dispose]() {} });
		};
		const { client } = connected(testPorts({ streams: { 'task.follow': stream } }));
		const { heard, reader } = listener();
		client.open('task.follow', { profile: 'dev', id: 't' }, reader);
		const sink = await feed.promise;
		await waitFor('the snapshot', () => heard.snapshots.length === 1);
		sink.put([{ seq: 2 }, { seq: 3 }] as never);
		await waitFor('the change', () => heard.changes.length === 2);
		sink.end();
		sink.put([{ seq: 4 }] as never);
		await waitFor('the end', () => heard.ends.length === 1);
		expect(heard).toEqual({ snapshots: [[{ seq: 1 }]], changes: [{ seq: 2 }, { seq: 3 }], lost: 0, ends: [null] });
	});

	it('begins a stream whose source gave no snapshot with what there is', async () => {
		const { client } = connected(testPorts());
		const { heard, reader } = listener();
		client.open('task.follow', { profile: 'dev', id: 't' }, reader);
		await waitFor('the snapshot', () => heard.snapshots.length === 1);
		expect(heard.snapshots).toEqual([[]]);
	});

	it('tells a reader why its stream was refused', async () => {
		const stream: TestStream = async () => fail('not-found', 'There is no such task.');
		const { client } = connected(testPorts({ streams: { 'task.follow': stream } }));
		const { heard, reader } = listener();
		client.open('task.follow', { profile: 'dev', id: 't' }, reader);
		await waitFor('the refusal', () => heard.ends.length === 1);
		expect(heard.ends).toMatchObject([{ code: 'not-found', message: 'There is no such task.' }]);
	});

	it('closes the source of a stream that its reader closed, even while it was still opening', async () => {
		const closed: string[] = [];
		const opening = Promise.withResolvers<void>();
		const streams = {
			'task.follow': (async () => ok({ [Symbol.dispose]: () => closed.push('open') })) as TestStream,
			'task.watch': (async () => {
				await opening.promise;
				return ok({ [Symbol.dispose]: () => closed.push('opening') });
			}) as TestStream,
		};
		const ports = testPorts({ streams });
		const { client } = connected(ports);
		const first = listener();
		const one = client.open('task.follow', { profile: 'dev', id: 't' }, first.reader);
		const two = client.open('task.watch', { profile: 'dev' }, listener().reader);
		await waitFor('both to arrive', () => ports.reached.length === 2 && first.heard.snapshots.length === 1);
		one[Symbol.dispose]();
		two[Symbol.dispose]();
		await waitFor('the open one to be closed', () => closed.includes('open'));
		// A call behind the closing on the same wire: once it is answered, the closing has arrived.
		await client.call('app.info', {});
		opening.resolve();
		await waitFor('the other to be closed', () => closed.includes('opening'));
		expect(first.heard.ends).toEqual([]);
	});

	it('connects again after a loss, and re-opens streams with a fresh snapshot', async () => {
		let opened = 0;
		const closed: number[] = [];
		const stream: TestStream = async (_input, sink) => {
			opened += 1;
			const mine = opened;
			sink.snapshot([{ key: 'k', n: mine }] as never);
			return ok({ [Symbol.dispose]: () => closed.push(mine) });
		};
		const { client, wires } = connected(testPorts({ streams: { 'task.watch': stream } }));
		const states: ClientState['kind'][] = [];
		client.onState((state) => states.push(state.kind));
		const { heard, reader } = listener();
		client.open('task.watch', { profile: 'dev' }, reader);
		await waitFor('the first snapshot', () => heard.snapshots.length === 1);
		wires[0]?.engine.close('cut');
		await waitFor('the second snapshot', () => heard.snapshots.length === 2);
		expect(heard.snapshots).toEqual([[{ key: 'k', n: 1 }], [{ key: 'k', n: 2 }]]);
		expect(heard.ends).toEqual([]);
		expect(closed).toEqual([1]);
		expect(states.slice(-3)).toEqual(['waiting', 'connecting', 'connected']);
		expect(await client.call('task.count', { profile: 'dev' })).toMatchObject({ ok: true });
	});

	it('settles a call whose wire was lost, without repeating it', async () => {
		const hangs = () => new Promise<never>(() => {});
		const ports = testPorts({ calls: { 'task.requeue': hangs } });
		const { client, wires } = connected(ports);
		const answer = client.call('task.requeue', { profile: 'dev', ids: ['a'] });
		await waitFor('the call to arrive', () => ports.reached.length === 1);
		wires[0]?.engine.close('cut');
		expect(await answer).toMatchObject({ ok: false, error: { code: 'unreachable', retryable: false } });
		await waitFor('the new connection', () => client.state().kind === 'connected');
		await client.call('app.info', {});
		expect(ports.reached.filter(({ route }) => route === 'task.requeue')).toHaveLength(1);
	});

	it('cancels what a page had asked for when its wire is lost', async () => {
		const aborted: string[] = [];
		const ports = testPorts({
			calls: {
				'task.requeue': (_input, context) => {
					context.signal.addEventListener('abort', () => aborted.push('call'));
					return new Promise<never>(() => {});
				},
			},
			streams: { 'task.watch': async () => ok({ [Symbol.dispose]: () => aborted.push('stream') }) },
		});
		const { client, wires } = connected(ports);
		void client.call('task.requeue', { profile: 'dev', ids: ['a'] });
		client.open('task.watch', { profile: 'dev' }, listener().reader);
		await waitFor('both to arrive', () => ports.reached.length === 2);
		wires[0]?.page.close('reload');
		await waitFor('both to be stopped', () => aborted.length === 2);
		expect(aborted.toSorted()).toEqual(['call', 'stream']);
	});

	it('ends for good when page and engine are of different builds', async () => {
		const { client } = connected(testPorts(), { build: '9.9.9' });
		await waitFor('the mismatch', () => client.state().kind === 'mismatch');
		expect(client.state()).toEqual({ kind: 'mismatch', build: '9.9.9' });
		expect(await client.call('app.info', {})).toMatchObject({ ok: false, error: { code: 'unreachable' } });
	});

	describe('a page that misbehaves', () => {
		/** A raw page that speaks to a served engine; `hello` unless told otherwise. */
		async function raw(ports: TestPorts, greet = true) {
			const ends = await maker.connect();
			serve(ends, ports);
			const frames: { readonly kind: string; readonly id?: number; readonly error?: { readonly code: string } }[] = [];
			const closes: string[] = [];
			ends.page.listen(
				(frame) => frames.push(frame as never),
				(reason) => closes.push(reason),
			);
			const send = (frame: unknown) => ends.page.send(frame as never);
			if (greet) send({ kind: 'hello', protocol: 1, build: BUILD });
			return { frames, closes, send };
		}

		it('gets nothing done before it said hello', async () => {
			const ports = testPorts();
			const { closes, send } = await raw(ports, false);
			send({ kind: 'request', id: 1, route: 'app.info', input: {} });
			await waitFor('the wire to close', () => closes.length === 1);
			expect(ports.reached).toEqual([]);
		});

		it('is borne for a few senseless frames, then cut off', async () => {
			const ports = testPorts();
			const { frames, closes, send } = await raw(ports);
			const senseless: readonly unknown[] = [
				null,
				7,
				'text',
				[],
				{},
				{ kind: 'nope' },
				{ kind: 'request' },
				{ kind: 'request', id: '1', route: 'app.info', input: {} },
				{ kind: 'request', id: -1, route: 'app.info', input: {} },
				{ kind: 'request', id: 2 ** 60, route: 'app.info', input: {} },
				{ kind: 'request', id: 1.5, route: 'app.info', input: {} },
				{ kind: 'request', id: 1, route: 'x'.repeat(10_000), input: {} },
				{ kind: 'request', id: 1, route: 'app.info', input: {}, confirm: {} },
				{ kind: 'open', id: 1, stream: 'task.watch', input: {}, credit: -1 },
				{ kind: 'open', id: 1, stream: 'task.watch', input: {}, credit: 'many' },
				{ kind: 'ack', id: 'x' },
				{ kind: 'visible', visible: 'yes' },
				{ kind: 'hello', protocol: 1, build: BUILD },
			];
			for (const frame of senseless) send(frame);
			send({ kind: 'request', id: 5, route: 'app.info', input: {} });
			await waitFor('the sensible one to be answered', () =>
				frames.some((frame) => frame.kind === 'reply' && frame.id === 5),
			);
			expect(notes.filter((note) => note.startsWith('bad-frame'))).toHaveLength(senseless.length);
			for (let i = senseless.length; i < BAD_FRAMES; i += 1) send({ kind: 'nope' });
			await waitFor('the wire to close', () => closes.length === 1);
		});

		it('is told when it asks for or opens too much at a time', async () => {
			const ports = testPorts({ calls: { 'app.info': () => new Promise<never>(() => {}) } });
			const { frames, send } = await raw(ports);
			for (let id = 1; id <= MOST_REQUESTS + 1; id += 1) send({ kind: 'request', id, route: 'app.info', input: {} });
			const first = 10_000;
			for (let id = first; id <= first + MOST_STREAMS; id += 1) {
				send({ kind: 'open', id, stream: 'task.watch', input: { profile: 'dev' }, credit: 4 });
			}
			await waitFor('both refusals', () => frames.filter((frame) => frame.error?.code === 'busy').length === 2);
			expect(frames.filter((frame) => frame.error?.code === 'busy').map((frame) => frame.id)).toEqual([
				MOST_REQUESTS + 1,
				first + MOST_STREAMS,
			]);
		});

		it('cannot use one id for two things at a time', async () => {
			const ports = testPorts({ calls: { 'app.info': () => new Promise<never>(() => {}) } });
			const { send } = await raw(ports);
			send({ kind: 'request', id: 1, route: 'app.info', input: {} });
			send({ kind: 'request', id: 1, route: 'app.info', input: {} });
			await waitFor('the complaint', () => notes.some((note) => note.includes('in use')));
			expect(ports.reached).toHaveLength(1);
		});

		it('may acknowledge, cancel and close what never was', async () => {
			const { frames, send } = await raw(testPorts());
			for (const kind of ['ack', 'cancel', 'close']) send({ kind, id: 77 });
			send({ kind: 'request', id: 1, route: 'app.info', input: {} });
			await waitFor('the answer', () => frames.some((frame) => frame.kind === 'reply'));
			expect(notes.filter((note) => note.startsWith('bad-frame'))).toEqual([]);
		});
	});
});
