/** The ledger of the shared book on a real Redis: who may run, and that a due time is claimed once whatever happens. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { systemClock } from '#main/domain/clock.ts';
import { profileId } from '#main/domain/ids.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import { createSharedBook } from '#main/scheduler/books/shared.ts';
import { createSharedLedger, type RecentStep, type SharedLedger } from '#main/scheduler/books/shared-ledger.ts';
import type { Hold } from '#main/scheduler/ledger.ts';
import { must } from '#test/support/brokers.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { uniqueName } from '#test/support/rabbitmq.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { claimed, create, fired, schedule } from '#test/support/schedule-samples.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

const LONG = 60_000;

let server: RedisServer;
let stack: AsyncDisposableStack;
let keyspace: Keyspace;
let prefix: string;
let ledger: SharedLedger;
beforeAll(async () => {
	server = await startRedis({ own: true });
});
afterAll(() => server?.stop());
beforeEach(async () => {
	stack = new AsyncDisposableStack();
	prefix = `${uniqueName('warren')}:`;
	keyspace = stack.use(await openKeyspace(server.url));
	ledger = ledgerOn(keyspace);
});
afterEach(() => stack.disposeAsync());

function ledgerOn(keys: Keyspace, profile = 'shop'): SharedLedger {
	return createSharedLedger({ keyspace: keys, prefix, profile: profileId(profile), clock: systemClock });
}

/** Another service's. */
async function another(profile = 'shop'): Promise<SharedLedger> {
	return ledgerOn(stack.use(await openKeyspace(server.url)), profile);
}

/** Ends the lease as if it had not been renewed in time. */
async function expire(): Promise<void> {
	await server.cli('PEXPIRE', `${prefix}lease`, '1');
	await waitFor('the lease to be over', async () => (await server.cli('EXISTS', `${prefix}lease`)) === '0');
}

describe('the right to run', () => {
	it('is had by one, renewed by him, and told to others with its end', async () => {
		const other = await another();
		const mine = must(await ledger.hold('here:1', LONG));
		expect(mine).toEqual({ holder: 'here:1', fence: 1 });
		expect(must(await ledger.hold('here:1', LONG))).toEqual(mine);
		const before = Date.now();
		const refused = await other.hold('there:2', LONG);
		expect(refused).toMatchObject({ error: { code: 'busy', retryable: true, details: { holder: 'here:1' } } });
		const until = refused.ok ? 0 : Number(refused.error.details?.until);
		expect(until).toBeGreaterThan(before);
		expect(until).toBeLessThanOrEqual(Date.now() + LONG);
	});

	it('goes to the next when it is given back or ends, with a fence that only rises', async () => {
		const other = await another();
		const first = must(await ledger.hold('here:1', LONG));
		await ledger.release(first);
		const second = must(await other.hold('there:2', LONG));
		expect(second.fence).toBeGreaterThan(first.fence);
		// What one had before is not his to give back.
		await ledger.release(first);
		expect(await ledger.hold('here:1', LONG)).toMatchObject({ error: { code: 'busy' } });
		await expire();
		const third = must(await ledger.hold('here:1', LONG));
		expect(third.fence).toBeGreaterThan(second.fence);
		await expire();
		// The same one again, after it ended, is a new holder too.
		expect(must(await ledger.hold('here:1', LONG)).fence).toBeGreaterThan(third.fence);
	});

	it('is taken by one of many that want it at once', async () => {
		const ledgers = await Promise.all(Array.from({ length: 6 }, () => another()));
		for (let round = 0; round < 20; round += 1) {
			const holds = await Promise.all(ledgers.map((one, index) => one.hold(`service:${index}`, LONG)));
			const winners = holds.filter((hold) => hold.ok);
			expect(winners).toHaveLength(1);
			if (winners[0]?.ok === true) await ledger.release(winners[0].value);
		}
	});

	it('that something else holds is told as held', async () => {
		await server.cli('SET', `${prefix}lease`, 'mine!');
		expect(await ledger.hold('here:1', LONG)).toMatchObject({
			error: { code: 'busy', details: { holder: 'something else than Warren' } },
		});
	});
});

describe('a claim', () => {
	it('is had once per due time, and the next is told what stands there', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		const run = claimed('k', 1_000);
		expect(must(await ledger.claim([run, claimed('k', 2_000), claimed('other', 1_000)], hold))).toEqual([
			null,
			null,
			null,
		]);
		expect(must(await ledger.claim([run], hold))).toEqual([run]);
		const done = fired(run, 1_005);
		must(await ledger.settle([done], null));
		expect(must(await ledger.claim([run, claimed('k', 3_000)], hold))).toEqual([done, null]);
		expect(must(await ledger.claim([], hold))).toEqual([]);
	});

	it('twice in one step is had once', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		const run = claimed('k', 1_000);
		expect(must(await ledger.claim([run, run], hold))).toEqual([null, run]);
	});

	it('by hand and one by the clock at the same moment are two', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		const byHand = claimed('k', 1_000, { manual: true });
		expect(must(await ledger.claim([claimed('k', 1_000), byHand], hold))).toEqual([null, null]);
		expect(must(await ledger.claim([byHand], hold))).toEqual([byHand]);
		expect(must(await ledger.open())).toHaveLength(2);
	});

	it('of somebody whose right has ended is refused whole, whoever has it now', async () => {
		const other = await another();
		const old = must(await ledger.hold('here:1', LONG));
		await expire();
		expect(await ledger.claim([claimed('k', 1_000)], old)).toMatchObject({ error: { code: 'conflict' } });
		const next = must(await other.hold('there:2', LONG));
		expect(await ledger.claim([claimed('k', 1_000)], old)).toMatchObject({ error: { code: 'conflict' } });
		expect(must(await ledger.open())).toEqual([]);
		expect(must(await other.claim([claimed('k', 1_000)], next))).toEqual([null]);
		// Also when he got it back since: what was asked for under the old fence is not carried out under the new one.
		await other.release(next);
		must(await ledger.hold('here:1', LONG));
		expect(await ledger.claim([claimed('k', 2_000)], old)).toMatchObject({ error: { code: 'conflict' } });
	});

	it('of many that fight for the right with leases of milliseconds is never had by two', async () => {
		const dues = Array.from({ length: 120 }, (_, at) => 1_000 * (at + 1));
		const had = new Map<number, string[]>();
		const ledgers = await Promise.all(Array.from({ length: 4 }, () => another()));
		let lost = 0;
		await Promise.all(
			ledgers.map(async (one, index) => {
				const holder = `service:${index}`;
				for (const due of dues) {
					let hold = await one.hold(holder, 3);
					while (!hold.ok) hold = await one.hold(holder, 3);
					// Some dawdle until another has the right.
					if ((due / 1_000 + index) % 7 === 0) {
						await waitFor('the right to end', async () => {
							const lease = await keyspace.call('GET', `${prefix}lease`);
							return must(lease) !== `${hold.ok ? hold.value.fence : 0} ${holder}`;
						});
					}
					const claim = await one.claim([claimed('k', due, { by: holder })], hold.value);
					if (!claim.ok) lost += 1;
					else if (claim.value[0] === null) had.set(due, [...(had.get(due) ?? []), holder]);
				}
			}),
		);
		for (const [, holders] of had) expect(holders).toHaveLength(1);
		const open = must(await ledger.open());
		expect(open.map((run) => [run.dueAt, run.by])).toEqual(
			[...had].toSorted(([a], [b]) => a - b).map(([due, [by]]) => [due, by]),
		);
		expect(lost).toBeGreaterThan(0);
		expect(had.size).toBeGreaterThan(0);
	});

	it('whose holder died before settling it stays open for whoever comes next', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		const left = claimed('k', 1_000, { by: 'here:1' });
		must(await ledger.claim([left, claimed('k', 2_000)], hold));
		must(await ledger.settle([fired(claimed('k', 2_000))], null));
		await expire();
		const next = await another('their name of it');
		must(await next.hold('there:2', LONG));
		// The profile is each console's own word for it.
		expect(must(await next.open())).toEqual([{ ...left, profile: 'their name of it' }]);
	});

	it('survives Redis: killed and started again, it is still claimed', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		const run = claimed('k', 1_000);
		must(await ledger.claim([run], hold));
		await server.kill9();
		await server.start();
		must(await keyspace.ready(30_000));
		expect(must(await ledger.open())).toEqual([run]);
		expect(must(await ledger.claim([run], hold))).toEqual([run]);
	});

	it('whose answer was lost was had or not, and asking again tells', async () => {
		await using proxy = await startProxy({ port: server.port });
		await using keys = await openKeyspace(`redis://127.0.0.1:${proxy.port}/0`);
		const here = ledgerOn(keys);
		const hold = must(await here.hold('here:1', LONG));
		// Redis is told, and its answer does not get through.
		proxy.onUpstream((chunk) => {
			if (chunk.includes('message-k-1000')) proxy.hang();
			return true;
		});
		const asked = here.claim([claimed('k', 1_000)], hold);
		await waitFor('the claim to arrive', async () => (await server.cli('HLEN', `${prefix}open`)) === '1');
		proxy.cut();
		expect(await asked).toMatchObject({ error: { code: 'unreachable', details: { sent: true } } });
		proxy.resume();
		expect(must(await ledger.claim([claimed('k', 1_000)], hold))).toEqual([claimed('k', 1_000)]);
	});
});

describe('settling', () => {
	it('moves a run out of the open ones; a failure that is tried again keeps it there', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		const run = claimed('k', 1_000);
		must(await ledger.claim([run], hold));
		const again = { ...run, state: 'retrying' as const, tries: 2, note: 'The broker was away.' };
		must(await ledger.settle([again], hold));
		expect(must(await ledger.open())).toEqual([again]);
		const failed = { ...again, state: 'failed' as const, tries: 3 };
		must(await ledger.settle([failed], null));
		expect(must(await ledger.open())).toEqual([]);
		expect(must(await ledger.runs('k'))).toEqual([failed]);
	});

	it('is allowed after the right was lost, and what was published stays published', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		const run = claimed('k', 1_000);
		must(await ledger.claim([run], hold));
		await expire();
		const other = await another();
		const right = must(await other.hold('there:2', LONG));
		const judged = { ...run, state: 'uncertain' as const, note: 'Its publisher died.' };
		must(await other.settle([judged], null));
		expect(must(await ledger.runs('k'))).toEqual([judged]);
		// The one thought dead was only late: now it is known.
		const truth = fired(run, 1_001);
		must(await ledger.settle([truth], null));
		must(await other.settle([judged, { ...run, state: 'retrying' }], right));
		expect(must(await ledger.runs('k'))).toEqual([truth]);
		expect(must(await ledger.open())).toEqual([]);
	});

	it('says that a run is open only while nobody else has had the right since, and never over an outcome', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		const [left, sent] = [claimed('k', 1_000), claimed('k', 2_000)];
		must(await ledger.claim([left, sent], hold));
		const waits = (run: ScheduleRun) => ({ ...run, state: 'retrying' as const, note: 'The broker was away.' });
		expect(must(await ledger.settle([waits(left)], null))).toEqual([false]);
		expect(must(await ledger.settle([waits(left), fired(sent)], hold))).toEqual([true, true]);
		await expire();
		// Nobody came: it is still the last who had it.
		const again = { ...left, tries: 2 };
		expect(must(await ledger.settle([again, waits(sent)], hold))).toEqual([true, false]);
		const other = await another();
		const right = must(await other.hold('there:2', LONG));
		const theirs = { ...left, tries: 3, by: 'there:2' };
		expect(must(await other.settle([theirs], right))).toEqual([true]);
		// What was on its way while the right was lost comes too late; an outcome does not.
		expect(must(await ledger.settle([again], hold))).toEqual([false]);
		expect(must(await ledger.open())).toEqual([theirs]);
		expect(must(await ledger.settle([fired(again)], hold))).toEqual([true]);
		expect(must(await other.settle([theirs], right))).toEqual([false]);
		expect(must(await ledger.open())).toEqual([]);
		const failed = claimed('k', 3_000, { state: 'failed', note: 'No such queue.' });
		expect(must(await ledger.settle([failed], null))).toEqual([true]);
		expect(must(await other.settle([{ ...failed, state: 'uncertain' }], right))).toEqual([false]);
		expect(must(await ledger.runs('k'))).toContainEqual(failed);
	});

	it('of what was never claimed (missed, by hand) is kept as well', async () => {
		const missed = claimed('k', 1_000, { state: 'missed', note: 'Nobody was there.' });
		const byHand = fired(claimed('k', 9_999, { manual: true }));
		must(await ledger.settle([missed, byHand], null));
		expect(must(await ledger.runs('k'))).toEqual([byHand, missed]);
	});

	it('counts what was published in the book, each once', async () => {
		const book = stack.use(createSharedBook({ keyspace, prefix, clock: systemClock }));
		const entry = await create(book, 'k', schedule('a'));
		const runs = [1_000, 2_000, 3_000].map((due) => fired(claimed('k', due), due + 5));
		must(await ledger.settle(runs, null));
		must(await ledger.settle(runs, null));
		must(await ledger.settle([claimed('k', 4_000, { state: 'failed' })], null));
		const now = must(await book.get('k'));
		expect(now).toEqual({ ...entry, lastRunAt: 3_000, totalRuns: 3 });
		expect(must(await book.read()).entries).toEqual([now]);
	});

	it('keeps the newest fifty and some of a schedule, and every open one', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		must(await ledger.claim([claimed('k', 1)], hold));
		for (let due = 1_000; due <= 300_000; due += 1_000) must(await ledger.settle([fired(claimed('k', due))], null));
		const runs = must(await ledger.runs('k'));
		expect(runs.length).toBeGreaterThan(50);
		expect(runs.length).toBeLessThan(70);
		expect(runs.slice(0, 50).map((run) => run.dueAt)).toEqual(
			Array.from({ length: 50 }, (_, at) => 300_000 - 1_000 * at),
		);
		expect(runs.at(-1)).toEqual(claimed('k', 1));
	});
});

describe('what is known of runs', () => {
	it('has by schedule the newest due time with a run of any state, runs by hand aside', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		must(await ledger.claim([claimed('a', 2_000), claimed('a', 1_000), claimed('b', 5)], hold));
		must(
			await ledger.settle(
				[claimed('c', 7_000, { state: 'missed' }), claimed('a', 9_000, { manual: true, state: 'fired' })],
				null,
			),
		);
		expect(must(await ledger.cursors())).toEqual(
			new Map([
				['a', 2_000],
				['b', 5],
				['c', 7_000],
			]),
		);
	});

	it('is read by other consoles: at first all, then what was settled since, in few round trips', async () => {
		const other = await another('theirs');
		const hold = must(await ledger.hold('here:1', LONG));
		const all = Array.from({ length: 1_000 }, (_, at) => fired(claimed(`k${at}`, 1_000)));
		must(await ledger.settle(all, null));
		await server.cli('CONFIG', 'RESETSTAT');
		/** All steps of it. */
		const recent = async (
			since: number,
		): Promise<{ readonly runs: readonly ScheduleRun[]; readonly until: number }> => {
			const runs: ScheduleRun[] = [];
			for (let step: RecentStep | undefined; ; ) {
				const read = must(await other.recent(since, step));
				runs.push(...read.runs);
				if (read.next === null) return { runs, until: read.until };
				step = read.next;
			}
		};
		const first = await recent(0);
		expect(first.runs.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual(
			all.map((run) => ({ ...run, profile: 'theirs' })).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
		);
		expect(Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server.cli('INFO', 'commandstats'))?.[1])).toBeLessThan(10);
		expect(await recent(first.until)).toEqual({ runs: [], until: first.until });
		// Only what is new comes, of a schedule that has older runs too.
		must(await ledger.settle([fired(claimed('k7', 2_000)), claimed('k8', 2_000)], hold));
		const next = await recent(first.until);
		expect(next.runs.map((run) => [run.key, run.dueAt])).toEqual([['k7', 2_000]]);
		expect(next.until).toBe(first.until + 1);
		// A Redis that lost it all begins to count anew, and is read from its beginning.
		await server.cli('FLUSHALL');
		must(await ledger.settle([fired(claimed('k1', 9_000))], null));
		const anew = await recent(next.until);
		expect(anew.runs.map((run) => [run.key, run.dueAt])).toEqual([['k1', 9_000]]);
		expect(anew.until).toBe(1);
	});

	it('of a schedule that is removed is forgotten after a while, and there again when the removal is undone', async () => {
		const book = stack.use(createSharedBook({ keyspace, prefix, clock: systemClock }));
		const entry = await create(book, 'k', schedule('a'));
		const run = fired(claimed('k', 1_000));
		must(await ledger.settle([run], null));
		expect(await server.cli('PTTL', `${prefix}runs:k`)).toBe('-1');
		must(await book.write({ kind: 'remove', key: 'k', expect: entry.version }));
		expect(Number(await server.cli('PTTL', `${prefix}runs:k`))).toBeGreaterThan(0);
		expect(must(await ledger.cursors())).toEqual(new Map());
		// A run that was under way when it was removed.
		must(await ledger.settle([fired(claimed('k', 2_000))], null));
		expect(must(await ledger.cursors())).toEqual(new Map([['k', 2_000]]));
		await create(book, 'k', schedule('a'));
		expect(await server.cli('PTTL', `${prefix}runs:k`)).toBe('-1');
		expect(must(await ledger.runs('k'))).toHaveLength(2);
		// Without the schedule a new holder clears the old cursor away.
		must(await book.write({ kind: 'remove', key: 'k', expect: entry.version }));
		must(await ledger.settle([fired(claimed('k', 3_000)), fired(claimed('young', Date.now()))], null));
		must(await ledger.hold('here:1', LONG));
		expect([...must(await ledger.cursors()).keys()]).toEqual(['young']);
	});

	it('that something else wrote over is taken, and told as unreadable', async () => {
		const hold = must(await ledger.hold('here:1', LONG));
		await server.cli('HSET', `${prefix}runs:k`, '1000', 'gibberish');
		await server.cli('HSET', `${prefix}open`, '2000|k', '{"state":"moon"}', 'nonsense', 'x');
		const [first, second] = must(await ledger.claim([claimed('k', 1_000), claimed('k', 2_000)], hold));
		expect(first).toMatchObject({ state: 'uncertain', note: expect.stringContaining('cannot be read') });
		expect(second).toMatchObject({ state: 'uncertain' });
		expect(must(await ledger.open())).toEqual([expect.objectContaining({ key: 'k', dueAt: 2_000, state: 'claimed' })]);
	});

	it('is claimed and settled for 10,000 schedules in one step each', async () => {
		const hold: Hold = must(await ledger.hold('here:1', LONG));
		const runs = Array.from({ length: 10_000 }, (_, at) => claimed(`k${at}`, 1_000));
		expect(must(await ledger.claim(runs, hold)).every((standing) => standing === null)).toBe(true);
		expect(must(await ledger.open())).toHaveLength(10_000);
		must(
			await ledger.settle(
				runs.map((run) => fired(run)),
				null,
			),
		);
		expect(must(await ledger.open())).toEqual([]);
		expect(must(await ledger.cursors()).size).toBe(10_000);
	});
});
