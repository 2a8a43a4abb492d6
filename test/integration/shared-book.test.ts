/** The shared book on a real Redis: writers at once, foreign hands, changes that are noticed, and a Redis that is killed meanwhile. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { systemClock } from '#main/domain/clock.ts';
import type { BookEntry, ScheduleDefinition } from '#main/domain/schedule.ts';
import type { ScheduleBook } from '#main/scheduler/book.ts';
import { createSharedBook } from '#main/scheduler/books/shared.ts';
import { must } from '#test/support/brokers.ts';
import { idleKeyspace, openKeyspace } from '#test/support/keyspaces.ts';
import { uniqueName } from '#test/support/rabbitmq.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { create, entryOf, schedule } from '#test/support/schedule-samples.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

let server: RedisServer;
let stack: AsyncDisposableStack;
let keyspace: Keyspace;
let prefix: string;
let book: ScheduleBook;
beforeAll(async () => {
	server = await startRedis({ own: true });
});
afterAll(() => server?.stop());
beforeEach(async () => {
	stack = new AsyncDisposableStack();
	prefix = `${uniqueName('warren')}:`;
	keyspace = stack.use(await openKeyspace(server.url));
	book = stack.use(bookOn(keyspace));
});
afterEach(() => stack.disposeAsync());

function bookOn(keys: Keyspace): ScheduleBook {
	return createSharedBook({ keyspace: keys, prefix, clock: systemClock });
}

/** Another console. */
async function another(): Promise<ScheduleBook> {
	return stack.use(bookOn(stack.use(await openKeyspace(server.url))));
}

async function names(of: ScheduleBook = book): Promise<readonly string[]> {
	return must(await of.read())
		.entries.map((entry) => entry.definition.name)
		.toSorted();
}

describe('a schedule in the shared book', () => {
	it('is made, read, changed, renamed and removed, each against the version it was read in', async () => {
		const full = schedule('nightly', {
			exchange: 'x',
			routingKey: 'r',
			priority: 7,
			recurrence: { kind: 'cron', expression: '0 9 * * 1-5' },
			zone: 'Europe/London',
			startAt: 1_700_000_000_000,
			endAt: 1_900_000_000_000,
			jitterMs: 5_000,
			missed: { kind: 'all', most: 3 },
			args: "1, 'ü', 12345678901234567890",
			kwargs: '{"big": 12345678901234567890, "text": "☃"}',
			active: false,
			description: 'two\nlines',
		});
		const made = await create(book, 'k1', full);
		expect(made).toMatchObject({ key: 'k1', definition: full, lastRunAt: null, totalRuns: 0 });
		expect(made.changedAt).toBeTypeOf('number');
		expect(must(await book.get('k1'))).toEqual(made);
		expect(must(await (await another()).read()).entries).toEqual([made]);

		const renamed = { ...full, name: 'every night' };
		expect(must(await book.write({ kind: 'change', key: 'k1', expect: 'other', definition: renamed }))).toEqual({
			kind: 'changed',
			current: made,
		});
		const changed = entryOf(await book.write({ kind: 'change', key: 'k1', expect: made.version, definition: renamed }));
		expect(changed).toMatchObject({ key: 'k1', definition: renamed });
		expect(changed.version).not.toBe(made.version);
		// The old name is free again.
		await create(book, 'k2', full);

		expect(must(await book.write({ kind: 'remove', key: 'k1', expect: made.version }))).toEqual({
			kind: 'changed',
			current: changed,
		});
		expect(must(await book.write({ kind: 'remove', key: 'k1', expect: changed.version }))).toEqual({
			kind: 'written',
			entry: null,
		});
		expect(must(await book.get('k1'))).toBeNull();
		expect(must(await book.write({ kind: 'remove', key: 'k1', expect: changed.version }))).toEqual({
			kind: 'changed',
			current: null,
		});
		expect(await names()).toEqual(['nightly']);
	});

	it('has a name of its own: a second one is told whose it is, in making and in renaming', async () => {
		await create(book, 'k1', schedule('a'));
		const other = await create(book, 'k2', schedule('b'));
		expect(must(await book.write({ kind: 'create', key: 'k3', definition: schedule('a') }))).toEqual({
			kind: 'name-taken',
			by: 'k1',
		});
		expect(
			must(await book.write({ kind: 'change', key: 'k2', expect: other.version, definition: schedule('a') })),
		).toEqual({ kind: 'name-taken', by: 'k1' });
		expect(await names()).toEqual(['a', 'b']);
	});

	it('that is made again as it is, because the answer was lost, is told as made; as something else it is not', async () => {
		const made = await create(book, 'k1', schedule('a'));
		// The same said in another order of members.
		const same = Object.fromEntries(Object.entries(schedule('a')).reverse()) as unknown as ScheduleDefinition;
		expect(await create(book, 'k1', same)).toEqual(made);
		expect(must(await book.write({ kind: 'create', key: 'k1', definition: schedule('b') }))).toEqual({
			kind: 'changed',
			current: made,
		});
	});

	it('that nobody could run, or that holds what the book does not know, is refused at its field', async () => {
		expect(
			await book.write({
				kind: 'create',
				key: 'k1',
				definition: schedule('', { recurrence: { kind: 'cron', expression: 'x' }, options: '{"a":1}' }),
			}),
		).toMatchObject({
			error: {
				code: 'invalid-input',
				details: {
					problems: expect.arrayContaining([
						expect.objectContaining({ field: 'name' }),
						expect.objectContaining({ field: 'recurrence' }),
						expect.objectContaining({ field: 'options' }),
					]),
				},
			},
		});
		const strange = { ...schedule('a'), colour: 'red' } as ScheduleDefinition;
		expect(await book.write({ kind: 'create', key: 'k1', definition: strange })).toMatchObject({
			error: { code: 'invalid-input', message: expect.stringContaining('"colour"') },
		});
		expect(await keyspace.scan(`${prefix}*`, 10)).toMatchObject({ value: { keys: [] } });
	});

	it('that several edit at once is changed by one of them, and the others are told by what', async () => {
		const made = await create(book, 'k1', schedule('a'));
		const writers = await Promise.all(Array.from({ length: 8 }, () => another()));
		for (let round = 0, { version } = made; round < 10; round += 1) {
			const expected = version;
			const outcomes = await Promise.all(
				writers.map(async (writer, index) =>
					must(
						await writer.write({
							kind: 'change',
							key: 'k1',
							expect: expected,
							definition: schedule('a', { description: `${round} by ${index}` }),
						}),
					),
				),
			);
			const written = outcomes.filter((outcome) => outcome.kind === 'written');
			expect(written).toHaveLength(1);
			const now = must(await book.get('k1')) as BookEntry;
			expect(written[0]?.entry).toEqual(now);
			for (const outcome of outcomes) if (outcome.kind === 'changed') expect(outcome.current).toEqual(now);
			version = now.version;
		}
	});

	it('of a name that several want at once is had by one of them', async () => {
		const writers = await Promise.all(Array.from({ length: 6 }, () => another()));
		const outcomes = await Promise.all(
			writers.map(async (writer, index) =>
				must(await writer.write({ kind: 'create', key: `k${index}`, definition: schedule('wanted') })),
			),
		);
		expect(outcomes.filter((outcome) => outcome.kind === 'written')).toHaveLength(1);
		expect(outcomes.filter((outcome) => outcome.kind === 'name-taken')).toHaveLength(5);
		expect(await names()).toEqual(['wanted']);
	});
});

describe('what something else wrote into the book', () => {
	const good = JSON.stringify({ format: 1, changedAt: 1, definition: schedule('by hand') });

	it.each([
		['no JSON', 'oops', 'no JSON'],
		['something else', '[1]', 'format and definition'],
		['a newer format', good.replace('"format":1', '"format":2'), 'newer Warren'],
		['a field too few', good.replace('"zone":"UTC",', ''), 'no "zone"'],
		['a field too many', good.replace('"zone"', '"colour":1,"zone"'), '"colour"'],
		['a field of another kind', good.replace('"active":true', '"active":"yes"'), '"active" should be true or false'],
		['a rule nobody could run', good.replace('"UTC"', '"Mars/Olympus"'), '"zone" is wrong'],
		['an unknown rule', good.replace('"kind":"every"', '"kind":"moon"'), 'kind is one of every, cron'],
	])('(%s) is shown with the reason and never overwritten or removed', async (_what, raw, words) => {
		await server.cli('HSET', `${prefix}entries`, 'k1', raw);
		const reading = must(await book.read());
		expect(reading.entries).toEqual([]);
		expect(reading.broken).toEqual([
			{ key: 'k1', name: expect.any(String), reason: expect.stringContaining(words), raw },
		]);
		expect(await book.get('k1')).toMatchObject({ error: { code: 'refused' } });
		for (const write of [
			{ kind: 'create', key: 'k1', definition: schedule('mine') },
			{ kind: 'change', key: 'k1', expect: 'x', definition: schedule('mine') },
			{ kind: 'remove', key: 'k1', expect: 'x' },
		] as const) {
			expect(await book.write(write)).toMatchObject({ error: { code: 'refused', details: { sent: false } } });
		}
		expect(await server.cli('HGET', `${prefix}entries`, 'k1')).toBe(raw);
	});

	it('and is one of ours in every way is a schedule; a name that is there twice then is told at both', async () => {
		const made = await create(book, 'k1', schedule('by hand'));
		await server.cli('HSET', `${prefix}entries`, 'k2', good);
		const { entries } = must(await book.read());
		expect(entries).toHaveLength(2);
		for (const entry of entries) {
			expect(entry.version).toBe(made.version);
			expect(entry.remarks).toEqual([{ tone: 'warning', words: expect.stringContaining('2 schedules') }]);
		}
		// Edited by hand since it was read: another version by now, though nobody raised the revision.
		await server.cli('HSET', `${prefix}entries`, 'k1', good.replace('"description":""', '"description":"x"'));
		expect(
			must(await book.write({ kind: 'change', key: 'k1', expect: made.version, definition: schedule('mine') })),
		).toMatchObject({ kind: 'changed', current: { definition: { description: 'x' } } });
	});

	it('under the key of the names does not stand in the way: only entries say whose a name is', async () => {
		await server.cli('HSET', `${prefix}names`, 'a', 'nobody', 'b', 'k1');
		await create(book, 'k1', schedule('a'));
		await create(book, 'k2', schedule('b'));
		expect(await names()).toEqual(['a', 'b']);
	});

	it('as a key of another kind is refused in words, and stays', async () => {
		await server.cli('SET', `${prefix}entries`, 'mine');
		expect(await book.read()).toMatchObject({ error: { code: 'refused', message: expect.stringContaining('kind') } });
		expect(await book.write({ kind: 'create', key: 'k', definition: schedule('a') })).toMatchObject({
			error: { code: 'refused' },
		});
		expect(await server.cli('GET', `${prefix}entries`)).toBe('mine');
	});
});

describe('a change elsewhere', () => {
	it('is noticed; also one whose message was missed, and after a reconnect', async () => {
		await using proxy = await startProxy({ port: server.port });
		await using keys = await openKeyspace(`redis://127.0.0.1:${proxy.port}/0`);
		await using here = bookOn(keys);
		let told = 0;
		using _watch = here.onChange(() => {
			told += 1;
		});
		await here.read();
		await waitFor('the subscription', async () =>
			(await server.cli('PUBSUB', 'NUMSUB', `${prefix}changes`)).endsWith('1'),
		);

		let before = told;
		await create(book, 'k1', schedule('a'));
		await waitFor('the first change', () => told > before);

		before = told;
		// Nobody is told of this one.
		await server.cli('INCR', `${prefix}revision`);
		await waitFor('the second change', () => told > before);

		before = told;
		proxy.refuse();
		proxy.cut();
		await waitFor('the loss', () => here.state().kind === 'reconnecting');
		proxy.allow();
		await waitFor('a look after the reconnect', () => told > before);
	});

	it('is not told where nothing changed, nor to who no longer listens', async () => {
		await create(book, 'k1', schedule('a'));
		let told = 0;
		const watch = book.onChange(() => {
			told += 1;
		});
		await book.read();
		await waitFor('the subscription', async () =>
			(await server.cli('PUBSUB', 'NUMSUB', `${prefix}changes`)).endsWith('1'),
		);
		const made = must(await book.get('k1')) as BookEntry;
		// Refused, so nothing changed.
		await book.write({ kind: 'remove', key: 'k1', expect: 'x' });
		expect(told).toBe(0);
		watch[Symbol.dispose]();
		await waitFor('the end of it', async () =>
			(await server.cli('PUBSUB', 'NUMSUB', `${prefix}changes`)).endsWith('0'),
		);
		must(await book.write({ kind: 'remove', key: 'k1', expect: made.version }));
		expect(told).toBe(0);
	});

	it('of a book on a Redis that comes up later is noticed then', async () => {
		await using late = await startRedis({ own: true });
		await late.kill9();
		await using keys = idleKeyspace(late.url);
		await using waiting = bookOn(keys);
		let told = 0;
		using _watch = waiting.onChange(() => {
			told += 1;
		});
		expect(await waiting.read()).toMatchObject({ error: { code: 'unreachable' } });
		await late.start();
		await waitFor('it to be told', () => told > 0);
		expect(must(await waiting.read()).entries).toEqual([]);
	});
});

describe('the book as a whole', () => {
	it('of 10,000 schedules is read in two round trips, the same for everybody', async () => {
		const definitions = Array.from({ length: 10_000 }, (_, i) => schedule(`s${i}`, { args: `${i}` }));
		for (let at = 0; at < definitions.length; at += 1_000) {
			await Promise.all(
				definitions.slice(at, at + 1_000).map((definition) => create(book, `key-${definition.name}`, definition)),
			);
		}
		await server.cli('CONFIG', 'RESETSTAT');
		const reading = must(await book.read());
		const commands = (await server.cli('INFO', 'commandstats')).match(/^cmdstat_/gm)?.length ?? 0;
		expect(reading.entries).toHaveLength(10_000);
		expect(reading.broken).toEqual([]);
		expect(new Set(reading.entries.map((entry) => entry.key)).size).toBe(10_000);
		// However many schedules there are, no kind of command is repeated for each.
		const calls = (await server.cli('INFO', 'commandstats')).matchAll(/calls=(\d+)/g);
		expect(commands).toBeLessThan(12);
		expect(Math.max(...[...calls].map(([, count]) => Number(count)))).toBeLessThan(12);
		expect(must(await (await another()).read()).entries.toSorted(byKey)).toEqual(reading.entries.toSorted(byKey));
	});

	it('tells who runs it, and warns of a Redis that throws away, forgets, or is a replica', async () => {
		await using careless = await startRedis({
			config: ['appendonly no', 'maxmemory 100mb', 'maxmemory-policy allkeys-lru'],
		});
		await using keys = await openKeyspace(careless.url);
		await using here = bookOn(keys);
		const labels = async () => must(await here.read()).facts.map((fact) => [fact.label, fact.tone]);
		expect(await labels()).toEqual([
			['Run by', 'warning'],
			['Memory', 'warning'],
			['Persistence', 'warning'],
		]);
		await careless.cli('CONFIG', 'SET', 'appendonly', 'yes', 'maxmemory-policy', 'noeviction');
		await careless.cli('SET', `${prefix}lease`, '3 console:1');
		await careless.cli('REPLICAOF', '127.0.0.1', '1');
		const { facts } = must(await here.read());
		expect(facts).toEqual([
			{ label: 'Run by', value: 'console:1', tone: 'info' },
			{ label: 'Replica', value: expect.stringContaining('read-only'), tone: 'warning' },
		]);
	});

	it('tells of a clock that goes wrong here', async () => {
		const wrong = { ...systemClock, now: () => Date.now() - 90_000 };
		await using here = createSharedBook({ keyspace, prefix, clock: wrong });
		const clock = must(await here.read()).facts.find((fact) => fact.label === 'Clock');
		expect(clock).toMatchObject({ tone: 'warning', value: expect.stringMatching(/90\.\d s behind/) });
	});

	it('is read by a user who may not ask Redis about itself', async () => {
		await server.cli('ACL', 'SETUSER', 'plain', 'on', '>pw', `~${prefix}*`, `&${prefix}*`, '+@all', '-info', '-config');
		await create(book, 'k1', schedule('a'));
		await using keys = await openKeyspace(`redis://plain:pw@127.0.0.1:${server.port}/0`);
		await using here = bookOn(keys);
		const made = await create(here, 'k2', schedule('b'));
		expect(made.definition.name).toBe('b');
		expect(await names(here)).toEqual(['a', 'b']);
	});

	it('is still changed by a user who may not publish to its channel', async () => {
		await server.cli('ACL', 'SETUSER', 'mute', 'on', '>pw', `~${prefix}*`, 'resetchannels', '+@all');
		await using keys = await openKeyspace(`redis://mute:pw@127.0.0.1:${server.port}/0`);
		await using here = bookOn(keys);
		const made = await create(here, 'k1', schedule('a'));
		must(await here.write({ kind: 'remove', key: 'k1', expect: made.version }));
		expect(await names()).toEqual([]);
	});
});

describe('a Redis that is killed in the middle of writing', () => {
	it('has each write in force, or nothing of it, and what was confirmed is there', async () => {
		await using frail = await startRedis({ own: true });
		const rounds = process.env.WARREN_LONG === undefined ? 4 : 60;
		let unknown = 0;
		/** What is surely there, and what may be. */
		const sure = new Map<string, ScheduleDefinition>();
		const maybe = new Map<string, ScheduleDefinition>();
		for (let round = 0; round < rounds; round += 1) {
			await using keys = await openKeyspace(frail.url);
			await using here = bookOn(keys);
			let confirmed = 0;
			const writing = Array.from({ length: 20 }, async (_, lane) => {
				for (let at = 0; ; at += 1) {
					const key = `${round}-${lane}-${at}`;
					const definition = schedule(key, { args: `'${'x'.repeat(200)}'` });
					const written = await here.write({ kind: 'create', key, definition });
					if (!written.ok) {
						if (written.error.details?.sent !== false) maybe.set(key, definition);
						return;
					}
					sure.set(key, definition);
					confirmed += 1;
				}
			});
			const kill = waitFor('some writes', () => confirmed >= 50 + 30 * round).then(() => frail.kill9());
			await Promise.all([...writing, kill]);
			unknown += maybe.size;
			await frail.start();
		}
		await using keys = await openKeyspace(frail.url);
		await using here = bookOn(keys);
		const reading = must(await here.read());
		expect(reading.broken).toEqual([]);
		const found = new Map(reading.entries.map((entry) => [entry.key, entry.definition]));
		for (const [key, definition] of sure) expect(found.get(key)).toEqual(definition);
		for (const [key, definition] of found) expect(sure.get(key) ?? maybe.get(key)).toEqual(definition);
		// The index of names fits, too: none is taken by something that is not there, none is free that is taken.
		for (const [key, definition] of [...found, ...maybe]) {
			const outcome = must(await here.write({ kind: 'create', key: 'late', definition }));
			expect(outcome.kind).toBe(found.has(key) ? 'name-taken' : 'written');
			if (outcome.kind === 'written' && outcome.entry !== null) {
				must(await here.write({ kind: 'remove', key: 'late', expect: outcome.entry.version }));
			}
		}
		expect(unknown).toBeGreaterThan(0);
	});
});

function byKey(a: BookEntry, b: BookEntry): number {
	return a.key < b.key ? -1 : 1;
}
