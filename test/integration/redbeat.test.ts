/**
 * The RedBeat book on a real Redis, beside what was captured of a real RedBeat. RedBeat is no Debian package, so beat's part is played by
 * the capture, and by Debian's Celery where it says what is due.
 */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { clearedRedbeatMeta, newRedbeatMeta } from '#main/dialects/celery/redbeat-meta.ts';
import { systemClock } from '#main/domain/clock.ts';
import { type BookEntry, NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { createRedbeatBook } from '#main/scheduler/books/redbeat.ts';
import { must } from '#test/support/brokers.ts';
import { askCelery } from '#test/support/celery/oracle.ts';
import { idleKeyspace, openKeyspace } from '#test/support/keyspaces.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { create, entryOf } from '#test/support/schedule-samples.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

type Book = ReturnType<typeof createRedbeatBook>;

interface Step {
	readonly name: string;
	readonly state: { readonly definition?: string; readonly meta?: string };
	readonly score: string | null;
}
interface Captured {
	readonly steps: readonly Step[];
	readonly initial: Readonly<Record<string, { readonly type: string; readonly value: unknown }>>;
}
const FIXTURE: Captured = JSON.parse(
	readFileSync(new URL('../fixtures/celery/redbeat-2.4.2.json', import.meta.url), 'utf8'),
);
const KEY = 'redbeat:ext';
const EXT: ScheduleDefinition = {
	...NEW_SCHEDULE,
	name: 'ext',
	task: 'labapp.add',
	queue: 'rbq',
	recurrence: { kind: 'every', count: 2, unit: 'seconds', align: 'last-run' },
	args: '1, 1',
};
const HOURLY = { kind: 'every', count: 1, unit: 'hours', align: 'last-run' } as const;

let server: RedisServer;
let stack: AsyncDisposableStack;
let keyspace: Keyspace;
let book: Book;
beforeAll(async () => {
	server = await startRedis({ own: true });
});
afterAll(() => server?.stop());
beforeEach(async () => {
	stack = new AsyncDisposableStack();
	await server.cli('FLUSHALL');
	keyspace = stack.use(await openKeyspace(server.url));
	book = stack.use(bookOn(keyspace));
});
afterEach(() => stack.disposeAsync());

function bookOn(keys: Keyspace, more: Partial<Parameters<typeof createRedbeatBook>[0]> = {}): Book {
	return createRedbeatBook({ keyspace: keys, prefix: 'redbeat:', zone: 'UTC', clock: systemClock, ...more });
}

async function texts(key = KEY): Promise<{ readonly definition?: string; readonly meta?: string }> {
	const flat = must(await keyspace.call('HGETALL', key)) as readonly string[];
	return Object.fromEntries(flat.flatMap((field, index) => (index % 2 === 0 ? [[field, flat[index + 1]]] : [])));
}

async function score(key = KEY): Promise<string | null> {
	return must(await keyspace.call('ZSCORE', 'redbeat::schedule', key)) as string | null;
}

async function put(key: string, hash: Readonly<Record<string, string>>, at: number | null): Promise<void> {
	must(await keyspace.call('HSET', key, ...Object.entries(hash).flat()));
	if (at !== null) must(await keyspace.call('ZADD', 'redbeat::schedule', at, key));
}

async function change(entry: BookEntry, more: Partial<ScheduleDefinition>): Promise<BookEntry> {
	const { key, version, definition } = entry;
	return entryOf(await book.write({ kind: 'change', key, expect: version, definition: { ...definition, ...more } }));
}

describe('the eight edits of the capture', () => {
	/** What beat wrote after an edit: its meta and score, as captured. */
	async function beat(step: Step | undefined): Promise<BookEntry> {
		await put(KEY, { meta: step?.state.meta ?? '' }, Number(step?.score));
		const entry = must(await book.get(KEY));
		if (entry === null) throw new Error('It is gone.');
		return entry;
	}

	it('leave the keys as RedBeat has them', async () => {
		const [added, disabled, hourly, scored, run, minutely, removed, solar] = FIXTURE.steps;
		const clock = manualClock(Date.UTC(2026, 10, 21, 4, 23, 34));
		book = stack.use(bookOn(keyspace, { clock }));

		await create(book, 'ignored', EXT);
		expect((await texts()).definition).toBe(added?.state.definition);
		expect(await texts()).toHaveProperty('meta', newRedbeatMeta(clock.now()));
		expect(await score()).toBe(String(clock.now() / 1_000 + 2));

		let entry = await beat(added);
		expect(entry).toMatchObject({ totalRuns: 3, lastRunAt: Date.UTC(2026, 10, 21, 4, 23, 38, 441) });
		await change(entry, { active: false });
		expect(await texts()).toEqual({ definition: disabled?.state.definition, meta: added?.state.meta });
		expect(await score()).toBe(added?.score);

		// The capture left the score as it was here; a fresh one is the last run and an hour.
		entry = await beat(disabled);
		await change(entry, { active: true, recurrence: HOURLY });
		expect(await texts()).toEqual({ definition: hourly?.state.definition, meta: disabled?.state.meta });
		expect(Number(await score())).toBe(Math.floor(Date.UTC(2026, 10, 21, 4, 23, 40, 783) / 1_000) + 3_600);

		// A score in the past runs nothing: the entry is not due, and is not shown as due.
		entry = await beat(scored);
		expect(await texts()).toEqual(scored?.state);
		expect(entry.nextRunAt).toBe(Date.UTC(2026, 10, 21, 5, 23, 40, 783));

		must(await book.runNow(KEY));
		expect(await texts()).toEqual({
			definition: run?.state.definition,
			meta: clearedRedbeatMeta(scored?.state.meta ?? ''),
		});
		expect(await score()).toBe(String(clock.now() / 1_000));

		entry = await beat(run);
		await change(entry, { recurrence: { kind: 'cron', expression: '* * * * *' } });
		expect(await texts()).toEqual({ definition: minutely?.state.definition, meta: run?.state.meta });
		expect(await score()).toBe(String(Date.UTC(2026, 10, 21, 4, 24) / 1_000));

		entry = await beat(minutely);
		expect(must(await book.write({ kind: 'remove', key: KEY, expect: entry.version }))).toEqual({
			kind: 'written',
			entry: null,
		});
		expect([await texts(), await score()]).toEqual([removed?.state, removed?.score]);

		const rule = JSON.stringify(JSON.parse(solar?.state.definition ?? '').schedule);
		const deadly = { ...EXT, recurrence: { kind: 'foreign', rule } } as const;
		const refused = await book.write({ kind: 'create', key: 'ignored', definition: deadly });
		expect(refused.ok ? '' : refused.error.message).toContain('RedBeat has no schedule of type "solar"');
		expect([await texts(), await score()]).toEqual([{}, null]);
		expect(must(await keyspace.call('DBSIZE'))).toBe(0);
	});
});

describe('the captured keys', () => {
	beforeEach(async () => {
		for (const [key, { type, value }] of Object.entries(FIXTURE.initial)) {
			if (type === 'string') must(await keyspace.call('SET', key, String(value), 'PX', 24_000));
			else if (type === 'set') must(await keyspace.call('SADD', key, ...(value as readonly string[])));
			else if (type === 'zset') {
				const flat = value as readonly string[];
				for (let at = 0; at < flat.length; at += 2) {
					must(await keyspace.call('ZADD', key, flat[at + 1] ?? '', flat[at] ?? ''));
				}
			} else {
				const hash = Object.entries(value as object).map(([field, json]) => [field, JSON.stringify(json)]);
				await put(key, Object.fromEntries(hash), null);
			}
		}
	});

	it('are all read, the static ones with a warning, and a running beat with them', async () => {
		const reading = must(await book.read());
		expect(reading.broken).toEqual([]);
		expect(reading.entries.map(({ key }) => key).toSorted()).toEqual([
			'redbeat:celery.backend_cleanup',
			'redbeat:py-interval',
			'redbeat:py-rrule',
			'redbeat:static-cron',
			'redbeat:static-interval',
		]);
		const warned = reading.entries.filter(({ remarks }) =>
			remarks.some(({ words }) => words.includes('beat_schedule')),
		);
		expect(warned.map(({ key }) => key).toSorted()).toEqual(['redbeat:static-cron', 'redbeat:static-interval']);
		expect(reading.facts).toContainEqual({
			label: 'Beat',
			value: expect.stringMatching(/^Runs, and holds redbeat::lock for another 2\d seconds/),
			tone: 'info',
		});
	});

	it('are left to the byte by looking, and no key is ever listed by KEYS', async () => {
		const dump = async () => {
			const keys = (await server.cli('KEYS', '*')).split('\n').toSorted();
			return Promise.all(keys.map(async (key) => [key, await server.cli('DUMP', key)]));
		};
		const before = await dump();
		must(await keyspace.call('CONFIG', 'RESETSTAT'));
		for (const { key } of must(await book.read()).entries) must(await book.get(key));
		const stats = await server.cli('INFO', 'commandstats');
		expect(stats).toContain('cmdstat_scan');
		expect(stats).not.toMatch(/cmdstat_keys|cmdstat_(?:hset|zadd|del|set|expire)\b/);
		expect(await dump()).toEqual(before);
	});

	it('change in the edited member only', async () => {
		const entry = must(await book.get('redbeat:py-rrule'));
		if (entry === null) throw new Error('It is gone.');
		const before = await texts('redbeat:py-rrule');
		await change(entry, { active: false });
		expect(await texts('redbeat:py-rrule')).toEqual({
			...before,
			definition: before.definition?.replace('"enabled":true', '"enabled":false'),
		});
		expect(await score('redbeat:py-rrule')).toBe('1893542399');
	});
});

describe('a new schedule', () => {
	it('is not due before its time, as it would be without a last run', async () => {
		const now = Date.UTC(2026, 10, 21, 8, 57);
		book = stack.use(bookOn(keyspace, { clock: manualClock(now) }));
		const nine = { ...EXT, recurrence: { kind: 'cron', expression: '0 9 * * *' } } as const;
		expect(await create(book, '', nine)).toMatchObject({ nextRunAt: Date.UTC(2026, 10, 21, 9), lastRunAt: null });
		const { definition = '', meta = '' } = await texts();
		const due = (at: number, text: string) =>
			askCelery({ now: at / 1_000, entries: [[definition, text]] }).entries[0]?.ok;
		expect(due(now, meta)).toBe(false);
		expect(due(now, '{"last_run_at":null}')).toBe(true);
		expect(due(Date.UTC(2026, 10, 21, 9, 0, 1), meta)).toBe(true);
	});

	it('is made once, however often its answer is lost', async () => {
		const made = await create(book, '', EXT);
		expect(await create(book, '', EXT)).toEqual(made);
		// The same by what it means.
		const spaced = { ...EXT, args: ' 1,1', recurrence: { ...EXT.recurrence } };
		expect((await create(book, '', spaced)).version).toBe(made.version);
		const other = await book.write({ kind: 'create', key: '', definition: { ...EXT, task: 'labapp.mul' } });
		expect(must(other)).toEqual({ kind: 'name-taken', by: KEY });
		expect((await texts()).definition).toContain('labapp.add');
	});

	it('takes no name that something else has, whatever that is', async () => {
		must(await keyspace.call('SET', KEY, 'x'));
		expect(await book.write({ kind: 'create', key: '', definition: EXT })).toMatchObject({ ok: false });
		expect(must(await keyspace.call('GET', KEY))).toBe('x');
	});

	it('is refused whole when anything in it would stop beat', async () => {
		for (const more of [
			{ kwargs: '[1]' },
			{ kwargs: '{"at": {"__type__": "datetime", "__value__": "2026-01-01"}}' },
			{ options: '{"producer": 1}' },
			{ recurrence: { kind: 'cron', expression: '0 0 30 2 *' } },
			{ recurrence: { kind: 'foreign', rule: '{"__type__":"crontab","minute":"61"}' } },
		] satisfies readonly Partial<ScheduleDefinition>[]) {
			const refused = await book.write({ kind: 'create', key: '', definition: { ...EXT, ...more } });
			expect(refused, JSON.stringify(more)).toMatchObject({ ok: false, error: { code: 'invalid-input' } });
		}
		expect(must(await keyspace.call('DBSIZE'))).toBe(0);
	});
});

/** A keyspace in which beat runs the entry in the middle of each of the next transactions: before it is watched, or right after. */
async function busyBeat() {
	const inner = stack.use(await openKeyspace(server.url));
	let left = 0;
	let meta = '';
	let count = 0;
	const run = async (): Promise<void> => {
		if (left === 0) return;
		left -= 1;
		count += 1;
		const now = systemClock.now();
		meta = newRedbeatMeta(now).replace(/}$/, `,"total_run_count":${count}}`);
		must(
			await keyspace.transaction([
				['HSET', KEY, 'meta', meta],
				['ZADD', 'redbeat::schedule', Math.floor(now / 1_000) + 1, KEY],
			]),
		);
	};
	const busy = new Proxy(inner, {
		get(target, property) {
			if (property === 'transaction') {
				return async (...[commands, guard]: Parameters<Keyspace['transaction']>) => {
					if (guard === undefined) return target.transaction(commands);
					if (count % 2 === 0) await run();
					return target.transaction(commands, {
						watch: guard.watch,
						check: async (read) => {
							const yes = await guard.check(read);
							await run();
							return yes;
						},
					});
				};
			}
			const value: unknown = Reflect.get(target, property, target);
			return typeof value === 'function' ? value.bind(target) : value;
		},
	});
	return {
		keyspace: busy,
		runs: (times: number) => {
			left = times;
		},
		left: () => left,
		meta: () => meta,
	};
}

describe('an edit', () => {
	it('is refused where somebody else edited in between, with what is there now', async () => {
		const mine = await create(book, '', EXT);
		await put(KEY, { definition: (await texts()).definition?.replace('labapp.add', 'labapp.mul') ?? '' }, null);
		const outcome = must(
			await book.write({ kind: 'change', key: KEY, expect: mine.version, definition: { ...EXT, active: false } }),
		);
		expect(outcome).toMatchObject({ kind: 'changed', current: { definition: { task: 'labapp.mul', active: true } } });
		const removal = must(await book.write({ kind: 'remove', key: KEY, expect: mine.version }));
		expect(removal.kind).toBe('changed');
		expect((await texts()).definition).toContain('labapp.mul');
		must(await keyspace.call('DEL', KEY));
		must(await keyspace.call('ZREM', 'redbeat::schedule', KEY));
		expect(must(await book.write({ kind: 'remove', key: KEY, expect: mine.version }))).toEqual({
			kind: 'changed',
			current: null,
		});
	});

	it('gets through when beat runs the entry meanwhile, and never touches what beat wrote', async () => {
		const entry = await create(book, '', { ...EXT, recurrence: HOURLY });
		const beat = await busyBeat();
		const far = stack.use(bookOn(beat.keyspace));
		for (const [left, more] of [
			[3, { args: '2' }],
			[5, { recurrence: EXT.recurrence }],
			[2, { name: 'other' }],
		] as const) {
			const before = must(await far.get(KEY)) ?? entry;
			beat.runs(left);
			const definition = { ...before.definition, ...more };
			const changed = entryOf(await far.write({ kind: 'change', key: KEY, expect: before.version, definition }));
			expect(changed.definition).toEqual(definition);
			expect(beat.left()).toBe(0);
			expect((await texts(changed.key)).meta).toBe(beat.meta());
			// Beat's score, or one that counts from its last run.
			const due = changed.nextRunAt ?? 0;
			expect(due).toBe((changed.lastRunAt ?? 0) + ('args' in more ? 3_600_000 : 2_000));
		}
	});

	it('is given up when that goes on and on, and nothing is written', async () => {
		const entry = await create(book, '', EXT);
		const beat = await busyBeat();
		const far = stack.use(bookOn(beat.keyspace));
		const before = (await texts()).definition;
		beat.runs(Number.POSITIVE_INFINITY);
		const definition = { ...EXT, recurrence: HOURLY };
		const given = await far.write({ kind: 'change', key: KEY, expect: entry.version, definition });
		expect(given).toMatchObject({ ok: false, error: { code: 'refused', retryable: true, details: { sent: false } } });
		expect(await far.runNow(KEY)).toMatchObject({ ok: false, error: { code: 'refused', retryable: true } });
		expect(await texts()).toEqual({ definition: before, meta: beat.meta() });
	});

	it('of two writers at once has one through, and tells the other', async () => {
		const entry = await create(book, '', EXT);
		const other = stack.use(bookOn(stack.use(await openKeyspace(server.url))));
		for (let round = 0, version = entry.version; round < 20; round += 1) {
			const outcomes = await Promise.all(
				[book, other].map((writer, index) =>
					writer.write({
						kind: 'change',
						key: KEY,
						expect: version,
						definition: { ...EXT, args: `${round}, ${index}` },
					}),
				),
			);
			const kinds = outcomes.map((outcome) => must(outcome).kind).toSorted();
			expect(kinds).toEqual(['changed', 'written']);
			version = must(await book.get(KEY))?.version ?? '';
		}
	});

	it('renames by moving all that is kept, or not at all', async () => {
		const entry = await create(book, '', EXT);
		await put(KEY, { meta: FIXTURE.steps[0]?.state.meta ?? '', more: 'x' }, 1_795_235_020);
		const renamed = await change(entry, { name: 'new name' });
		expect(renamed).toMatchObject({ key: 'redbeat:new name', definition: { name: 'new name' }, totalRuns: 3 });
		expect(await texts()).toEqual({});
		expect(await score()).toBeNull();
		expect(await texts('redbeat:new name')).toEqual({
			definition: FIXTURE.steps[0]?.state.definition?.replace('"ext"', '"new name"'),
			meta: FIXTURE.steps[0]?.state.meta,
			more: 'x',
		});
		expect(await score('redbeat:new name')).toBe('1795235020');
		await create(book, '', EXT);
		const taken = await book.write({
			kind: 'change',
			key: renamed.key,
			expect: renamed.version,
			definition: { ...renamed.definition, name: 'ext' },
		});
		expect(must(taken)).toEqual({ kind: 'name-taken', by: KEY });
		expect(must(await book.read()).entries).toHaveLength(2);
	});

	it('says until when beat has noticed it', async () => {
		expect((await create(book, '', EXT)).remarks).toEqual([
			{ tone: 'info', words: expect.stringContaining('Beat notices this edit by') },
		]);
		expect(must(await book.read()).entries[0]?.remarks).toHaveLength(1);
	});
});

describe('a run at once', () => {
	it('is due for Celery, and keeps its count', async () => {
		await create(book, '', { ...EXT, recurrence: HOURLY });
		await put(KEY, { meta: newRedbeatMeta(systemClock.now()).replace(/}$/, ',"total_run_count":7}') }, null);
		const isDue = async () => {
			const { definition = '', meta = null } = await texts();
			return askCelery({ now: systemClock.now() / 1_000, entries: [[definition, meta]] }).entries[0]?.ok;
		};
		expect(await isDue()).toBe(false);
		must(await book.runNow(KEY));
		expect(await isDue()).toBe(true);
		expect(Number(await score())).toBeLessThanOrEqual(systemClock.now() / 1_000);
		expect(JSON.parse((await texts()).meta ?? '')).toEqual({ last_run_at: null, total_run_count: 7 });
	});

	it('is refused where beat would not run it', async () => {
		const reason = async () => {
			const refused = await book.runNow(KEY);
			return refused.ok ? '' : refused.error.message;
		};
		expect(await reason()).toContain('no redbeat:ext any more');
		const entry = await create(book, '', { ...EXT, active: false });
		expect(await reason()).toContain('Resume it first');
		await change(entry, { active: true, recurrence: { kind: 'once', at: 4_000_000_000_000 } });
		const before = await texts();
		expect(await reason()).toContain('before its start');
		expect(await texts()).toEqual(before);
	});
});

describe('what else lies among the keys', () => {
	const definition = FIXTURE.steps[0]?.state.definition ?? '';

	it('is shown for what it is, and never taken for a schedule', async () => {
		await put(KEY, { definition }, null);
		await put('redbeat:left', { meta: '{"last_run_at":null}' }, null);
		await put('redbeat:odd', { definition: '[1]' }, 5);
		must(await keyspace.call('ZADD', 'redbeat::schedule', 5, 'redbeat:gone', 6, 'redbeat:text', 7, 'elsewhere:x'));
		must(await keyspace.call('SET', 'redbeat:text', 'x'));
		must(await keyspace.call('SET', 'redbeat:other', 'x'));
		must(await keyspace.call('HSET', 'redbeat:foreign', 'a', 'b'));
		// Another app, under a prefix that begins alike.
		must(await keyspace.call('ZADD', 'redbeat:two::schedule', 5, 'redbeat:two:x'));
		await put('redbeat:two:x', { definition }, null);
		const { entries, broken } = must(await book.read());
		expect(entries.map(({ key, definition: { active }, nextRunAt }) => [key, active, nextRunAt])).toEqual([
			[KEY, false, null],
		]);
		expect(Object.fromEntries(broken.map(({ key, reason }) => [key, reason]))).toEqual({
			'redbeat:left': expect.stringContaining('what is left of a schedule'),
			'redbeat:odd': expect.stringContaining('no JSON object'),
			'redbeat:gone': expect.stringContaining('beat takes it out'),
			'redbeat:text': expect.stringContaining('is no hash'),
			'elsewhere:x': expect.stringContaining('Is the prefix right'),
		});
		const odd = await book.get('redbeat:odd');
		expect(odd.ok ? '' : odd.error.message).toContain('left alone');
		expect(must(await book.get('redbeat::schedule'))).toBeNull();
		expect(must(await book.get('elsewhere:x'))).toBeNull();
	});

	it('gets a place in the schedule when it is resumed, and none by other edits', async () => {
		await put(KEY, { definition }, null);
		const [entry] = must(await book.read()).entries;
		if (entry === undefined) throw new Error('It is gone.');
		const edited = await change(entry, { args: '2' });
		expect(edited.definition.active).toBe(false);
		expect(await texts()).toEqual({ definition: definition.replace('[1,1]', '[2]') });
		expect(await score()).toBeNull();
		const resumed = await change(edited, { active: true });
		expect(resumed.definition.active).toBe(true);
		expect(await score()).not.toBeNull();
	});

	it('is mended where an edit mends it', async () => {
		const solar = FIXTURE.steps.at(-1)?.state.definition ?? '';
		await put(KEY, { definition: solar }, 5);
		const { entries, facts } = must(await book.read());
		expect(facts).toContainEqual({ label: 'Ends beat', value: expect.stringContaining('"ext"'), tone: 'warning' });
		const [entry] = entries;
		if (entry === undefined) throw new Error('It is gone.');
		const paused = { ...entry.definition, active: false };
		expect(await book.write({ kind: 'change', key: KEY, expect: entry.version, definition: paused })).toMatchObject({
			ok: false,
			error: { code: 'invalid-input' },
		});
		await change(entry, { recurrence: EXT.recurrence });
		expect((await texts()).definition).toBe(definition);
		expect(must(await book.read()).facts.map(({ label }) => label)).not.toContain('Ends beat');
	});

	it('is all listed while beat moves everything about', async () => {
		const many = 3_000;
		for (let from = 0; from < many; from += 500) {
			const commands = Array.from({ length: 500 }, (_, at) => from + at).flatMap((at) => [
				['HSET', `redbeat:n${at}`, 'definition', definition.replace('"ext"', `"n${at}"`)] as const,
				['ZADD', 'redbeat::schedule', at, `redbeat:n${at}`] as const,
			]);
			must(await keyspace.pipeline(commands));
		}
		const beat = stack.use(await openKeyspace(server.url));
		const running = { on: true };
		const turning = (async () => {
			for (let turn = 0; running.on; turn += 1) {
				const moves = Array.from(
					{ length: 200 },
					(_, at) => ['ZADD', 'redbeat::schedule', many + turn, `redbeat:n${(turn * 200 + at) % many}`] as const,
				);
				must(await beat.pipeline(moves));
			}
		})();
		try {
			for (let round = 0; round < 5; round += 1) {
				const { entries, broken } = must(await book.read());
				expect(broken).toEqual([]);
				expect(new Set(entries.map(({ key }) => key)).size).toBe(many);
				expect(entries.every(({ definition: { active } }) => active)).toBe(true);
			}
		} finally {
			running.on = false;
			await turning;
		}
	});

	it('may be thrown away by a Redis that evicts, which is told', async () => {
		must(await keyspace.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'));
		try {
			expect(must(await book.read()).facts).toContainEqual(
				expect.objectContaining({ label: 'Memory', tone: 'warning' }),
			);
		} finally {
			must(await keyspace.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction'));
		}
	});
});

describe('changes from elsewhere', () => {
	/** Somebody who listens, on a clock that the test turns from look to look. */
	async function listener(keys: Keyspace, every: number) {
		const clock = manualClock();
		const listening = stack.use(bookOn(keys, { clock }));
		let times = 0;
		stack.use(
			listening.onChange(() => {
				times += 1;
			}),
		);
		/** How often something was told by the next look. */
		const look = async (): Promise<number> => {
			times = 0;
			await clock.advance(every);
			// The next one is set when this one is over.
			await waitFor('the look to be over', () => clock.waiting === 1);
			return times;
		};
		return { clock, look };
	}

	it('are told by the next look: edits, new and removed schedules, a beat that starts', async () => {
		await create(book, '', EXT);
		const { look } = await listener(keyspace, 3_000);
		// What was read before it listened is old, for all it knows.
		expect(await look()).toBe(1);
		expect(await look()).toBe(0);
		const { definition = '' } = await texts();
		await put(KEY, { definition: definition.replace('labapp.add', 'labapp.mul') }, null);
		expect(await look()).toBe(1);
		await put('redbeat:b', { definition }, 5);
		expect(await look()).toBe(1);
		must(await keyspace.call('ZREM', 'redbeat::schedule', 'redbeat:b'));
		expect(await look()).toBe(1);
		must(await keyspace.call('SET', 'redbeat::lock', 'x'));
		expect(await look()).toBe(1);
		expect(await look()).toBe(0);
	});

	it('that are only runs are told now and then', async () => {
		await create(book, '', EXT);
		const { look } = await listener(keyspace, 3_000);
		expect(await look()).toBe(1);
		const told: number[] = [];
		for (let run = 1; run <= 10; run += 1) {
			must(await keyspace.call('ZADD', 'redbeat::schedule', run, KEY));
			told.push(await look());
		}
		expect(told).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
	});

	it('are told where Redis runs no scripts, too', async () => {
		await server.cli('ACL', 'SETUSER', 'plain', 'on', '>pw', '~*', '&*', '+@all', '-@scripting');
		const plain = stack.use(await openKeyspace(server.url.replace('redis://', 'redis://plain:pw@')));
		await create(book, '', EXT);
		const { look } = await listener(plain, 15_000);
		expect(await look()).toBe(0);
		expect(await look()).toBe(1);
		expect(await look()).toBe(0);
		await put(KEY, { definition: ((await texts()).definition ?? '').replace('labapp.add', 'labapp.mul') }, null);
		expect(await look()).toBe(1);
	});

	it('are looked for by nobody once nobody listens', async () => {
		const clock = manualClock();
		const listening = stack.use(bookOn(keyspace, { clock }));
		const listener = listening.onChange(() => {});
		expect(clock.waiting).toBe(1);
		listener[Symbol.dispose]();
		expect(clock.waiting).toBe(0);
	});

	it('are told after a reconnect, and a Redis that is away is said to be', async () => {
		await using proxy = await startProxy({ port: server.port });
		const far = stack.use(idleKeyspace(`redis://127.0.0.1:${proxy.port}/0`));
		const listening = stack.use(bookOn(far));
		expect(listening.state().kind).toBe('idle');
		must(await listening.read());
		let times = 0;
		using _ = listening.onChange(() => {
			times += 1;
		});
		proxy.refuse();
		proxy.cut();
		await waitFor('the book to be away', () => listening.state().kind === 'reconnecting');
		expect(await listening.read()).toMatchObject({ ok: false, error: { code: 'unreachable' } });
		const write = await listening.write({ kind: 'create', key: '', definition: EXT });
		expect(write).toMatchObject({ ok: false, error: { code: 'unreachable', details: { sent: false } } });
		times = 0;
		proxy.allow();
		await waitFor('the reconnect to be told', () => times > 0);
		must(await listening.read());
	});
});
