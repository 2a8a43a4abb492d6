import { describe, expect, it } from 'vitest';
import type { Clock } from '#main/domain/clock.ts';
import { profileId, taskId } from '#main/domain/ids.ts';
import type { Log, LogFacts } from '#main/domain/log.ts';
import { silentLog } from '#main/domain/log.ts';
import type { TaskTick } from '#main/domain/page.ts';
import { CARROT_DIALECT, type Profile } from '#main/domain/profile.ts';
import { ok } from '#main/domain/result.ts';
import { openStore } from '#main/store/client.ts';
import { StoreError } from '#main/store/failures.ts';
import { Ticker } from '#main/store/ticks.ts';
import { finished, line, logged, PROFILE, published, SUCCEEDED, started } from '#test/support/history.ts';
import { waitFor } from '#test/support/wait.ts';
import { directStore, storeOf, THREAD, testHome } from './open.ts';

function profile(id: string, name = id): Profile {
	return {
		id: profileId(id),
		name,
		framework: 'carrot',
		broker: { kind: 'embedded' },
		environment: 'development',
		readOnly: false,
		monitorUrl: null,
		managementUrl: null,
		dialect: CARROT_DIALECT,
		queues: ['default'],
		sandbox: false,
		createdAt: 1,
		updatedAt: 2,
	};
}

/** Time turned by hand. */
function handClock(start = 1_000): Clock & { turn(ms: number): void } {
	let now = start;
	const timers: { at: number; call: () => void }[] = [];
	return {
		now: () => now,
		monotonic: () => now,
		after(ms, call) {
			const timer = { at: now + ms, call };
			timers.push(timer);
			return {
				[Symbol.dispose]: () => {
					const at = timers.indexOf(timer);
					if (at >= 0) timers.splice(at, 1);
				},
			};
		},
		turn(ms) {
			now += ms;
			for (const timer of timers.filter((one) => one.at <= now)) {
				timers.splice(timers.indexOf(timer), 1);
				timer.call();
			}
		},
	};
}

describe('the store over its threads', () => {
	it('resolves what was committed, and reads it back at once', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const facts = await store.history.apply([
			published(1, { id: 'm1' }),
			started(2, 'r1', { id: 'm1' }),
			logged('r1', [line(3, 'hello')], 0),
			finished(4, 'r1', SUCCEEDED),
		]);
		expect(facts).toEqual([
			null,
			{ taskId: 'm1', attemptId: facts[1]?.attemptId, attemptNumber: 1, earlierOutcome: null },
			null,
			null,
		]);
		const detail = await store.history.detail(PROFILE, taskId('m1'));
		expect(detail).toMatchObject({ state: 'succeeded', history: [{ logLines: 1 }] });
		const attempt = detail?.history[0]?.id;
		if (attempt === undefined) throw new Error('There is no attempt');
		expect(await store.history.log(attempt, { afterSeq: -1, limit: 5, minLevel: 'debug', search: '' })).toMatchObject({
			ok: true,
			value: { lines: [{ text: 'hello' }] },
		});
		const message = await store.history.message(attempt);
		expect(message?.body).toBeInstanceOf(Uint8Array);
		expect(new TextDecoder().decode(message?.body)).toBe('{"args": [], "kwargs": {}}');
		expect(await store.history.message(999 as typeof attempt)).toBeNull();
	});

	it('carries out many calls at once, each with its own answer', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const answers = await Promise.all(
			Array.from({ length: 300 }, (_, at) => store.history.apply([started(at, `r${at}`, { id: `m${at}` })])),
		);
		expect(answers.map(([facts]) => facts?.taskId)).toEqual(Array.from({ length: 300 }, (_, at) => `m${at}`));
		expect((await store.history.counts(PROFILE)).running).toBe(300);
	});

	it('lets one call of a shared transaction fail alone', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		// A defect of a caller's: an operation of no kind there is.
		const wrong = { kind: 'nonsense', profile: PROFILE } as unknown as ReturnType<typeof published>;
		const results = await Promise.allSettled([
			store.history.apply([published(1, { id: 'm1' })]),
			store.history.apply([published(1, { id: 'm2' }), wrong]),
			store.history.apply([published(1, { id: 'm3' })]),
		]);
		expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
		expect(results[1]?.status === 'rejected' ? results[1].reason : null).toBeInstanceOf(StoreError);
		expect((await store.history.counts(PROFILE)).queued).toBe(2);
		const ids = await store.history.ids(PROFILE, '', 10);
		expect(ids.ok ? [...ids.value].sort() : ids.error).toEqual(['m1', 'm3']);
	});

	it('settles what waits in a thread that crashes, in words, and works again', async () => {
		using home = testHome();
		const said: string[] = [];
		const log: Log = { ...silentLog, error: (event) => void said.push(event) };
		await using store = await storeOf(home.home, log);
		await store.history.apply([published(1, { id: 'm1' })]);
		const [reader] = store.threads.readers;
		if (reader === undefined) throw new Error('There is no reader');
		const asked = Promise.allSettled([
			reader.call('counts', PROFILE),
			store.threads.writer.call('apply', [published(1, { id: 'm2' })]),
		]);
		await Promise.all([reader.crash(), store.threads.writer.crash()]);
		for (const result of await asked) {
			if (result.status === 'fulfilled') continue;
			expect(result.reason).toBeInstanceOf(StoreError);
			expect(result.reason.message).toMatch(/stopped.*try again/);
		}
		expect(store.threads.writer.waiting).toBe(0);
		expect(said).toContain('store.crash');
		await store.history.apply([published(1, { id: 'm3' })]);
		expect((await store.history.counts(PROFILE)).queued).toBeGreaterThanOrEqual(2);
	});

	it('refuses calls after it was closed', async () => {
		using home = testHome();
		const store = await storeOf(home.home);
		await store[Symbol.asyncDispose]();
		await expect(store.history.counts(PROFILE)).rejects.toThrow('closed');
		await expect(store.history.apply([published(1, { id: 'm' })])).rejects.toThrow('closed');
	});

	it('carries out what was asked before it is closed', async () => {
		using home = testHome();
		const store = await storeOf(home.home);
		const asked = store.history.apply([published(1, { id: 'm1' })]);
		await store[Symbol.asyncDispose]();
		expect(await asked).toEqual([null]);
	});

	it('cannot write through a reader, whatever is asked of it', () => {
		using store = directStore();
		store.apply(published(1, { id: 'm1' }));
		expect(() => store.db.read('sneaky', 'DELETE FROM tasks RETURNING seq')).toThrow('only reads');
		expect(store.calls.counts(PROFILE).queued).toBe(1);
	});

	it('logs a statement that took long by its name', async () => {
		using home = testHome();
		const slow: LogFacts[] = [];
		await using store = await storeOf(home.home, {
			...silentLog,
			warn: (_event, facts) => void slow.push(facts ?? {}),
		});
		// Many rows in one statement each, until one is slow on this machine.
		await waitFor('a slow statement', async () => {
			await store.history.apply([
				published(slow.length, { id: crypto.randomUUID(), body: new Uint8Array(48 * 1024 * 1024) }),
			]);
			return slow.some((facts) => typeof facts.statement === 'string' && Number(facts.ms) >= 40);
		});
	});
});

describe('ticks', () => {
	it('tell where a profile stands, then every change, with revisions that rise', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ticks: TaskTick[] = [];
		const listening = store.history.onTick(PROFILE, (tick) => ticks.push(tick));
		await waitFor('the first tick', () => ticks.length === 1);
		expect(ticks[0]?.counts.queued).toBe(0);
		await store.history.apply([published(1, { id: 'm1' })]);
		await waitFor('a tick with the task', () => ticks.at(-1)?.counts.queued === 1);
		await store.history.apply([published(1, { id: 'm1' })]);
		await store.history.apply([started(2, 'r1', { id: 'm1' })]);
		await waitFor('a tick with the start', () => ticks.at(-1)?.counts.running === 1);
		const revisions = ticks.map((tick) => tick.revision);
		expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
		listening[Symbol.dispose]();
		const before = ticks.length;
		await store.history.apply([finished(3, 'r1', SUCCEEDED)]);
		const other: TaskTick[] = [];
		using _other = store.history.onTick(PROFILE, (tick) => other.push(tick));
		await waitFor('another listener’s tick', () => other.at(-1)?.counts.succeeded === 1);
		expect(ticks).toHaveLength(before);
	});

	it('come when lines of log do, since somebody may follow them', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.history.apply([started(2, 'r1', { id: 'm1' })]);
		const ticks: TaskTick[] = [];
		using _listening = store.history.onTick(PROFILE, (tick) => ticks.push(tick));
		await waitFor('the first tick', () => ticks.length === 1);
		await store.history.apply([logged('r1', [line(3, 'one')], 0)]);
		await waitFor('a tick for the line', () => ticks.length === 2);
	});

	it('of many changes are folded to one per 100 ms, by the clock', async () => {
		const clock = handClock();
		let revision = 0;
		let asked = 0;
		const counts = () => ({
			queued: revision,
			running: 0,
			succeeded: 0,
			failed: 0,
			retrying: 0,
			revoked: 0,
			rejected: 0,
			lost: 0,
			scheduled: 0,
			revision,
		});
		const settled = async () => {
			for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
		};
		using ticker = new Ticker(
			async () => {
				asked += 1;
				return { counts: [counts()], schedules: [0], profilesRevision: 0 };
			},
			clock,
			silentLog,
		);
		const ticks: number[] = [];
		using _listening = ticker.onTick(PROFILE, (tick) => ticks.push(tick.revision));
		clock.turn(100);
		await settled();
		expect(ticks).toEqual([0]);
		for (let change = 0; change < 50; change += 1) {
			revision += 1;
			ticker.touched();
			clock.turn(1);
			await settled();
		}
		expect(asked).toBe(1);
		clock.turn(50);
		await settled();
		expect(ticks).toEqual([0, 50]);
	});
});

describe('profiles', () => {
	it('are kept in the order in which they were made, and replaced by id', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.profiles.put({ ...profile('b'), createdAt: 1 });
		await store.profiles.put({ ...profile('a'), createdAt: 2 });
		expect(await store.profiles.put({ ...profile('b', 'renamed'), createdAt: 1 })).toEqual({
			ok: true,
			value: undefined,
		});
		expect((await store.profiles.list()).map((one) => one.name)).toEqual(['renamed', 'a']);
		expect((await store.profiles.list())[1]).toEqual({ ...profile('a'), createdAt: 2 });
	});

	it('cannot share a name', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.profiles.put(profile('a', 'shop'));
		expect(await store.profiles.put(profile('b', 'shop'))).toMatchObject({ ok: false, error: { code: 'conflict' } });
		expect(await store.profiles.list()).toHaveLength(1);
	});

	it('go with all their history, which is cut off at once and then purged, and another’s stays', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const gone = profileId('gone');
		await store.profiles.put(profile('gone'));
		const ops = Array.from({ length: 500 }, (_, at) => [
			published(at, { id: `m${at}`, profile: gone, args: ['needle'] }),
			started(at, `r${at}`, { id: `m${at}`, profile: gone }),
			logged(`r${at}`, [line(at, 'x')], 0, gone),
		]);
		await store.history.apply(ops.flat());
		await store.history.apply([published(1, { id: 'mine', args: ['needle'] })]);
		await store.settle();
		await store.profiles.remove(gone);
		expect(await store.history.counts(gone)).toMatchObject({ running: 0, revision: 0 });
		expect(await store.history.detail(gone, taskId('m1'))).toBeNull();
		await store.history.apply([published(1, { id: 'm1', profile: gone, args: ['new'] })]);
		await store.settle();
		expect(await store.history.counts(gone)).toMatchObject({ running: 0, queued: 1 });
		expect(await store.history.count(gone, 'needle')).toEqual({ ok: true, value: 0 });
		expect(await store.history.count(PROFILE, 'needle')).toEqual({ ok: true, value: 1 });
	});

	it('tell of changes, also those of another process', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using other = await storeOf(home.home);
		let heard = 0;
		using _listening = other.profiles.onChange(() => {
			heard += 1;
		});
		// The listener knows where things stand only after its first look.
		await waitFor('the change to be heard', async () => {
			await store.profiles.put(profile('a', `name ${Math.random()}`));
			return heard > 0;
		});
	});
});

describe('purging', () => {
	it('leaves no row of a removed profile anywhere', () => {
		using store = directStore();
		const gone = profileId('gone');
		store.apply(
			published(1, { id: 'm1', profile: gone }),
			started(2, 'r1', { id: 'm1', profile: gone }),
			logged('r1', [line(3, 'x')], 0, gone),
			published(4, { id: 'm2', profile: gone, args: [2] }, { requeueOf: 'm1' }),
		);
		store.settle();
		store.writer.run([{ name: 'removeProfile', args: [gone] }]);
		store.settle();
		for (const table of [
			'tasks',
			'task_texts',
			'attempts',
			'attempt_texts',
			'log_lines',
			'messages',
			'counts',
			'seen',
			'profile_keys',
			'search_dirty',
		]) {
			const row = store.db.read<{ n: number }>('left', `SELECT count(*) AS n FROM ${table}`, true).get();
			expect({ table, left: row?.n }).toEqual({ table, left: 0 });
		}
		const words = store.db
			.read<{ n: number }>('left', 'SELECT count(*) AS n FROM search_grams WHERE search_grams MATCH \'"sho"\'', true)
			.get();
		expect(words?.n).toBe(0);
	});
});

describe('records', () => {
	it('keep audit lines, newest first, and number journal entries', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const entry = {
			at: 1,
			host: 'test',
			actor: 'me',
			route: 'task.requeue',
			profile: null,
			input: '{}',
			outcome: 'done',
			changed: 3,
		} as const;
		await store.records.audit(entry);
		await store.records.audit({ ...entry, at: 2, profile: 'p', changed: null, outcome: 'read-only' });
		const later = { ...entry, at: 2, profile: 'p', changed: null, outcome: 'read-only' };
		const page = (more: object) => store.records.auditList({ query: '', limit: 10, before: null, ...more });
		expect(await page({})).toEqual(ok({ items: [later, entry], total: 2, next: null }));
		expect(await page({ limit: 1 })).toEqual(ok({ items: [later], total: 2, next: 2 }));
		expect(await page({ limit: 1, before: 2 })).toEqual(ok({ items: [entry], total: 2, next: null }));
		const journal = { at: 1, profile: 'p', action: 'task.requeue', title: 'Requeued 3 tasks', before: '[]' };
		expect(await store.records.journal(journal)).toBe(1);
		expect(await store.records.journal(journal)).toBe(2);
	});
});

describe('leases', () => {
	it('are held by one, renewed by it, and refused to others with its name', async () => {
		using home = testHome();
		const clock = handClock();
		const opened = await openStore({ home: home.home, thread: THREAD, log: silentLog, clock });
		if (!opened.ok) throw new Error(opened.error.message);
		await using store = opened.value;
		const { leases } = store;
		expect(await leases.hold('monitor', 'one', 1_000)).toMatchObject({ ok: true });
		expect(await leases.hold('monitor', 'two', 1_000)).toMatchObject({
			ok: false,
			error: { code: 'busy', message: expect.stringContaining('one') },
		});
		clock.turn(900);
		expect(await leases.hold('monitor', 'one', 1_000)).toMatchObject({ ok: true });
		clock.turn(900);
		expect(await leases.hold('monitor', 'two', 1_000)).toMatchObject({ ok: false });
		await leases.release('monitor', 'two');
		expect(await leases.hold('monitor', 'two', 1_000)).toMatchObject({ ok: false });
		await leases.release('monitor', 'one');
		expect(await leases.hold('monitor', 'two', 1_000)).toMatchObject({ ok: true });
		expect(await leases.expired('')).toEqual([]);
	});

	it('that run out are told once, also when somebody else has taken over meanwhile', async () => {
		using home = testHome();
		const clock = handClock();
		const opened = await openStore({ home: home.home, thread: THREAD, log: silentLog, clock });
		if (!opened.ok) throw new Error(opened.error.message);
		await using store = opened.value;
		const { leases } = store;
		await leases.hold('consumer:a', 'one', 1_000);
		await leases.hold('consumer:b', 'one', 5_000);
		await leases.hold('other', 'one', 1_000);
		clock.turn(1_001);
		expect(await leases.hold('consumer:a', 'two', 1_000)).toMatchObject({ ok: true });
		expect(await leases.expired('consumer:')).toEqual([{ name: 'consumer:a', holder: 'one' }]);
		expect(await leases.expired('consumer:')).toEqual([]);
		expect(await leases.hold('consumer:a', 'three', 1_000)).toMatchObject({ ok: false });
		expect(await leases.expired('')).toEqual([{ name: 'other', holder: 'one' }]);
	});
});
