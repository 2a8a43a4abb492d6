import { describe, expect, it } from 'vitest';
import { DEFAULT_FIGURES, type FigureRound, type FigureSettings } from '#main/domain/figure.ts';
import { type ProfileId, profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { QueueFigures } from '#main/domain/queue.ts';
import { depthOf, type QueueView, untold } from '#main/domain/queue-depth.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { createFigureSampler, type FigureTaken } from '#main/engine/figure-sampler.ts';
import type { Ports } from '#main/engine/ports.ts';
import type { QueueList } from '#main/ipc/contract/deployment.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Store } from '#main/store/store.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';

const SHOP = {
	id: profileId('shop'),
	name: 'shop',
	framework: 'carrot',
	broker: { kind: 'rabbitmq' },
} as unknown as Profile;
const SECOND = 1_000;
const UNREACHABLE = fail('unreachable', 'Nobody listens there.');

function waiting(ready: number): Result<QueueList> {
	const figures: QueueFigures = {
		name: 'orders',
		exists: true,
		ready,
		unacked: 0,
		consumers: 1,
		at: 0,
		source: 'embedded',
	};
	const view: QueueView = {
		...figures,
		depth: depthOf(figures, 'nobody was asked', untold('not here')),
		oldestAgeMs: null,
	};
	return ok({ items: [view], total: 1 } as unknown as QueueList);
}

/** One home: what its store keeps, whom a broker answers, and processes that share both. */
function world(clock: ManualClock = manualClock()) {
	const rounds: FigureRound[] = [];
	const leases = new Map<string, { holder: string; until: number }>();
	const seen = {
		answer: async (_signal: AbortSignal): Promise<Result<QueueList>> => waiting(3),
		settings: { ...DEFAULT_FIGURES } as FigureSettings,
		sweeps: 0,
		/** The store gives no right back. */
		full: false,
	};
	const store = {
		figures: {
			add: async (_profile: ProfileId, round: FigureRound) => void rounds.push(round),
			sweep: async () => {
				seen.sweeps += 1;
				return 0;
			},
		},
		leases: {
			hold: async (name: string, holder: string, ttl: number) => {
				const by = leases.get(name);
				if (by !== undefined && by.holder !== holder && by.until > clock.now())
					return fail('busy', `${by.holder} has it`);
				leases.set(name, { holder, until: clock.now() + ttl });
				return ok(undefined);
			},
			release: async (name: string, holder: string) => {
				if (seen.full) throw new Error('The disk is full.');
				if (leases.get(name)?.holder === holder) leases.delete(name);
			},
			holder: async (name: string) => leases.get(name)?.holder ?? null,
		},
		watching: {
			list: async () => [{ key: 'settings', at: 0, body: JSON.stringify(seen.settings) }],
			put: async (_profile: ProfileId, _kind: string, [note]: readonly { body: string }[]) => {
				seen.settings = JSON.parse(note?.body ?? '{}') as FigureSettings;
			},
		},
	} as unknown as Pick<Store, 'figures' | 'leases' | 'watching'>;
	const profiles = { find: async () => ok(SHOP), list: async () => [SHOP] } as unknown as Profiles;
	const process = (host: 'test' | 'serve' = 'test') =>
		createFigureSampler({ clock, log: silentLog, host } as unknown as Ports, profiles, store, {
			queues: { list: (_profile, signal) => seen.answer(signal) },
			clusters: { list: async () => ok({ items: [], total: 0 }) as never },
		});
	return { clock, rounds, leases, seen, process };
}

const readyOf = (round: FigureRound | undefined): number | null =>
	round?.samples.find(({ name }) => name === 'orders')?.values.ready ?? null;

async function run(
	sampler: ReturnType<ReturnType<typeof world>['process']>,
	tell: (taken: FigureTaken) => void = () => {},
) {
	const begun = await sampler.run(SHOP, tell);
	if (!begun.ok) throw new Error(begun.error.message);
	return begun.value;
}

describe('sampling a profile', () => {
	it('measures at once, and then at its pace, however long a round takes', async () => {
		const { clock, rounds, seen, process } = world();
		seen.answer = async () => {
			const answered = Promise.withResolvers<void>();
			clock.after(5 * SECOND, answered.resolve);
			await answered.promise;
			return waiting(3);
		};
		await using sampler = process();
		await using _run = await run(sampler);
		await clock.advance(5 * SECOND);
		const [first] = rounds;
		expect(readyOf(first)).toBe(3);
		await clock.advance(45 * SECOND);
		expect(rounds.map(({ at }) => (at - (first?.at ?? 0)) / SECOND)).toEqual([0, 15, 30, 45]);
	});

	it('says that it is over also where the store refuses to give the right back', async () => {
		const { clock, leases, seen, process } = world();
		await using sampler = process();
		await using held = await run(sampler);
		await clock.advance(SECOND);
		seen.full = true;
		for (const name of leases.keys()) leases.set(name, { holder: 'another', until: clock.now() + 3_600 * SECOND });
		let reason: string | null = null;
		void held.ended.then((why) => {
			reason = why;
		});
		await clock.advance(60 * SECOND);
		expect(reason).toMatch(/^Another process of this home took over/);
	});

	it('leaves a gap while the broker does not answer, says why, and goes on after it', async () => {
		const { clock, rounds, seen, process } = world();
		const told: FigureTaken[] = [];
		await using sampler = process();
		await using _run = await run(sampler, (taken) => told.push(taken));
		await clock.advance(0);
		seen.answer = async () => UNREACHABLE;
		await clock.advance(30 * SECOND);
		expect(await sampler.standing(SHOP.id)).toMatchObject({ trouble: 'Nobody listens there.' });
		seen.answer = async () => waiting(2);
		await clock.advance(15 * SECOND);
		expect(rounds.map(readyOf)).toEqual([3, null, null, 2]);
		expect(rounds.map(({ samples }) => samples.length)).toEqual([2, 0, 0, 2]);
		expect(told.map(({ trouble }) => trouble)).toEqual([null, 'Nobody listens there.', 'Nobody listens there.', null]);
		expect(await sampler.standing(SHOP.id)).toMatchObject({ trouble: null });
	});

	it('gives up a round that does not end, so that the next one comes', async () => {
		const { clock, rounds, seen, process } = world();
		seen.answer = (signal) => {
			seen.answer = async () => waiting(1);
			return new Promise((resolve) => signal.addEventListener('abort', () => resolve(UNREACHABLE), { once: true }));
		};
		await using sampler = process();
		await using _run = await run(sampler);
		await clock.advance(29 * SECOND);
		expect(rounds).toHaveLength(0);
		// The next one was due already.
		await clock.advance(SECOND);
		expect(rounds.map(readyOf)).toEqual([null, 1]);
	});

	it('takes up a new pace with the next round', async () => {
		const { clock, rounds, process } = world();
		await using sampler = process();
		await using _run = await run(sampler);
		await clock.advance(0);
		expect(await sampler.set(SHOP.id, { everySeconds: 5 })).toMatchObject({ ok: true });
		await clock.advance(25 * SECOND);
		const first = rounds[0]?.at ?? 0;
		expect(rounds.map(({ at }) => (at - first) / SECOND)).toEqual([0, 15, 20, 25]);
		expect(await sampler.set(SHOP.id, { everySeconds: 1 })).toMatchObject({
			ok: false,
			error: { code: 'invalid-input', details: { field: 'everySeconds' } },
		});
	});

	it('is done once for all who want it, and ends with the last of them', async () => {
		const { clock, rounds, leases, process } = world();
		await using sampler = process();
		const one = await run(sampler);
		const told: FigureTaken[] = [];
		const two = await run(sampler, (taken) => told.push(taken));
		await clock.advance(15 * SECOND);
		expect(rounds).toHaveLength(2);
		expect(told.map(({ round }) => round)).toEqual(rounds);
		await one[Symbol.asyncDispose]();
		await clock.advance(15 * SECOND);
		expect(rounds).toHaveLength(3);
		await two[Symbol.asyncDispose]();
		await clock.advance(60 * SECOND);
		expect(rounds).toHaveLength(3);
		expect(leases.size).toBe(0);
		expect(clock.waiting).toBe(0);
	});

	it('is refused while another process of the home does it, and ends where another has taken over', async () => {
		const { clock, leases, process } = world();
		await using first = process();
		await using second = process();
		await using held = await run(first);
		expect(await second.run(SHOP, () => {})).toMatchObject({ ok: false, error: { code: 'busy' } });
		// It slept for longer than its lease, and somebody else began.
		for (const [name] of leases) leases.set(name, { holder: 'another', until: clock.now() + 3_600_000 });
		await clock.advance(15 * SECOND);
		expect(await held.ended).toMatch(/^Another process of this home took over/);
	});
});

describe('a served console', () => {
	it('samples every profile by itself, until that is switched off', async () => {
		const { clock, rounds, seen, process } = world();
		await using _sampler = process('serve');
		expect(rounds).toHaveLength(0);
		await clock.advance(5 * SECOND);
		expect(rounds).toHaveLength(1);
		await clock.advance(15 * SECOND);
		expect(rounds).toHaveLength(2);
		seen.settings = { ...seen.settings, on: false };
		await clock.advance(60 * SECOND);
		expect(rounds.length).toBeLessThanOrEqual(3);
		const off = rounds.length;
		await clock.advance(60 * SECOND);
		expect(rounds).toHaveLength(off);
		seen.settings = { ...seen.settings, on: true };
		await clock.advance(10 * SECOND);
		expect(rounds.length).toBeGreaterThan(off);
	});
});
