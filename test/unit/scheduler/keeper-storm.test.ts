/**
 * Two keepers of one book in a storm, by a clock that a test moves: the ledger loses calls and answers, the broker goes away and keeps
 * its confirms to itself, rights are taken away, processes die and stand still. When it is over everything is seen to within half a minute,
 * and nothing was published twice. What goes wrong names its seed.
 */
import { expect, it } from 'vitest';
import type { Clock } from '#main/domain/clock.ts';
import { type Failure, fail, ok, type Result } from '#main/domain/result.ts';
import type { PublishDue } from '#main/scheduler/fire-line.ts';
import type { RunLedger } from '#main/scheduler/ledger.ts';
import { AHEAD_MS } from '#main/scheduler/roster.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';
import { type MortalKeeper, mortalKeeper, type ScheduleWorld, scheduleWorld } from '#test/support/schedule-world.ts';

const LONG = process.env.WARREN_LONG !== undefined;
const SEEDS = LONG ? 5_000 : 250;
const START = Date.parse('2026-05-01T12:00:00Z');
const SECOND = 1_000;
/** Due times of each schedule, a second apart. */
const DUES = 30;
const KEYS = ['k', 'l', 'm'];
/** Longer than a dead holder's right, the age at which a stranger's claim is looked at, and the pauses between attempts. */
const CALM_MS = 45 * SECOND;
/** How far clocks are off, at most half as much again. */
const MOST_OFF_MS = 10 * SECOND;
const TIMES = { ttlMs: 1_500, renewMs: 300, askMs: 150 };

/** What can go wrong in between; all of it is over with the storm. */
interface Weather {
	/** Of calls of the ledger, how many are lost before they are carried out, and how many answers after it. */
	lostCalls: number;
	lostAnswers: number;
	slow: number;
	/** Of messages. */
	refused: number;
	unconfirmed: number;
}

const CALM: Weather = { lostCalls: 0, lostAnswers: 0, slow: 0, refused: 0, unconfirmed: 0 };

const wait = (time: ManualClock, ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));

/** A way to a ledger on which calls and answers get lost. */
function badWay(ledger: RunLedger, weather: () => Weather, random: () => number, time: ManualClock): RunLedger {
	const lost = fail('unreachable', 'The connection was lost.');
	const over = <A extends readonly unknown[], T>(call: (...args: A) => Promise<Result<T>>) => {
		return async (...args: A): Promise<Result<T>> => {
			if (random() < weather().slow) await wait(time, random() * 800);
			if (random() < weather().lostCalls) return lost;
			const answer = await call(...args);
			if (random() < weather().slow) await wait(time, random() * 800);
			return random() < weather().lostAnswers ? lost : answer;
		};
	};
	return {
		hold: over(ledger.hold),
		release: ledger.release,
		holder: over(ledger.holder),
		claim: over(ledger.claim),
		settle: over(ledger.settle),
		open: over(ledger.open),
		cursors: over(ledger.cursors),
	};
}

/** A broker that refuses messages in every way, and takes some without saying so. */
function badBroker(
	publish: PublishDue,
	weather: () => Weather,
	random: () => number,
	time: ManualClock,
	known: Set<string>,
): PublishDue {
	const unknown = { details: { outcome: 'unknown' } };
	const refusals: readonly Failure[] = [
		fail('unreachable', 'The broker does not answer.').error,
		fail('busy', 'The broker is short of memory.').error,
		fail('timeout', 'The queue did not answer.').error,
	];
	const silences: readonly Failure[] = [
		fail('unreachable', 'The connection was cut off.', unknown).error,
		fail('timeout', 'No confirm came.', unknown).error,
	];
	const one = (of: readonly Failure[]): Result<never> => ({
		ok: false,
		error: of[Math.floor(random() * of.length)] as Failure,
	});
	return async (definition, due) => {
		known.add(due.messageId);
		if (random() < weather().slow) await wait(time, random() * 2_000);
		if (random() < weather().refused) {
			known.delete(due.messageId);
			return one(refusals);
		}
		if (random() >= weather().unconfirmed) return publish(definition, due);
		if (random() < 0.5) await publish(definition, due);
		return one(silences);
	};
}

/** What is wrong after one storm, in words. */
async function storm(seed: number): Promise<readonly string[]> {
	const random = randomFrom(seed);
	const time = manualClock(START - SECOND);
	const shop = scheduleWorld(time);
	const endAt = START + DUES * SECOND;
	for (const key of KEYS) {
		const recurrence = { kind: 'every', count: 1, unit: 'seconds', align: 'clock' } as const;
		shop.put(key, { recurrence, startAt: START, endAt, missed: { kind: 'all', most: 1_000 } });
	}
	let weather = CALM;
	let started = 0;
	const proves = random() < 0.3;
	/** As history knows a message before the broker does. */
	const known = new Set<string>();
	/** How far a machine's wall clock is off, and sometimes set to be; where all is proven by history they are one machine. */
	let off = 0;
	const strays = !proves && random() < 0.5;
	const set = () => {
		if (strays) off = Math.round((random() - 0.5) * 2 * MOST_OFF_MS);
	};
	const begin = (): MortalKeeper => {
		started += 1;
		const own = random() < 0.5 ? Math.round((random() - 0.5) * MOST_OFF_MS) : 0;
		const clock: Clock = {
			...time,
			now: () => time.now() + (strays ? off + own : 0),
			monotonic: () => time.monotonic(),
		};
		return mortalKeeper(shop, clock, `keeper ${started}`, {
			times: TIMES,
			ledger: (ledger) => badWay(ledger, () => weather, random, time),
			publish: (publish) => badBroker(publish, () => weather, random, time, known),
			...(proves ? { proven: async (id) => ok(known.has(id)), aheadMs: AHEAD_MS } : {}),
		});
	};
	const keepers = random() < 0.5 ? [begin()] : [begin(), begin()];
	while (time.now() < endAt) {
		await time.advance(Math.round(random() * 1_500));
		const dice = random();
		const bad = () => (random() < 0.5 ? 0 : random() ** 2);
		if (dice < 0.35) {
			weather = { lostCalls: bad(), lostAnswers: bad(), slow: bad(), refused: bad(), unconfirmed: bad() };
		} else if (dice < 0.6) weather = CALM;
		else if (dice < 0.75) shop.expire();
		else if (dice < 0.8) set();
		else if (dice < 0.88) {
			const victim = keepers[Math.floor(random() * keepers.length)];
			victim?.freeze();
			await time.advance(Math.round(random() * 8_000));
			victim?.thaw();
		} else {
			const at = Math.floor(random() * keepers.length);
			const old = keepers[at];
			if (random() < 0.5) old?.kill();
			else void old?.[Symbol.asyncDispose]();
			keepers[at] = begin();
		}
	}
	weather = CALM;
	await time.advance(CALM_MS);
	const faults = faultsOf(shop, proves);
	for (const keeper of keepers) keeper.kill();
	return faults.map((fault) => `seed ${seed}: ${fault}`);
}

function faultsOf(shop: ScheduleWorld, proves: boolean): readonly string[] {
	const times = new Map<string, number>();
	for (const { key, dueAt } of shop.published) times.set(`${key}@${dueAt}`, (times.get(`${key}@${dueAt}`) ?? 0) + 1);
	const expected = KEYS.flatMap((key) => Array.from({ length: DUES }, (_, at) => `${key}@${START + at * SECOND}`));
	const wrong = expected.flatMap((id) => {
		const [run, published] = [shop.runs.get(id), times.get(id) ?? 0];
		// History knows what was handed to the broker, and not what became of it on the way.
		const unsure = run?.state === 'uncertain' || (proves && run?.state === 'fired');
		const right = unsure ? published <= 1 : run?.state === 'fired' && published === 1;
		return right
			? []
			: [`${id} is ${run?.state ?? 'not known'} (${run?.by}: ${run?.note}), published ${published} times`];
	});
	return wrong.concat([...times.keys()].filter((id) => !expected.includes(id)).map((id) => `${id} was never due`));
}

it('sees to every due time once the storm is over, and publishes none twice', async () => {
	const faults: string[] = [];
	for (let seed = 1; seed <= SEEDS; seed += 1) faults.push(...(await storm(seed)));
	expect(faults).toEqual([]);
}, 600_000);
