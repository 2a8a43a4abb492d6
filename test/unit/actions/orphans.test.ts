import { describe, expect, it } from 'vitest';
import { chooseOrphans, judgeOrphans, type Testimony } from '#main/actions/orphans.ts';
import type { HeldMessage } from '#main/brokers/unacked.ts';
import type { Profile } from '#main/domain/profile.ts';
import { limitedIn } from '#main/engine/orphan-source.ts';

const NOW = 1_800_000_000_000;
/** What is judged needs no more of a profile than its framework. */
const PROFILE = { name: 'shop', framework: 'celery' } as Profile;
const ALL_TOLD: Testimony = { claimed: new Set(), limited: new Set(), silent: [], at: NOW };

function held(id: string, more: Partial<HeldMessage> = {}): HeldMessage {
	return {
		tag: `tag-${id}`,
		takenAt: NOW - 60_000,
		size: 100,
		queues: ['q'],
		warren: null,
		message: {
			exchange: '',
			routingKey: 'q',
			queue: 'q',
			redelivered: false,
			deliveryCount: null,
			body: new TextEncoder().encode('[[], {}, {}]'),
			properties: {
				contentType: 'application/json',
				contentEncoding: 'utf-8',
				correlationId: id,
				headers: [
					['task', { type: 'longstr', text: `shop.${id}` }],
					['id', { type: 'longstr', text: id }],
				],
			},
		},
		...more,
	};
}
const judge = (one: HeldMessage, testimony: Testimony | string) =>
	judgeOrphans(PROFILE, [one], testimony, NOW).map(({ certainty }) => certainty);

describe('What is held', () => {
	it('is likely nobody’s when all workers answered and none named it', () => {
		expect(judgeOrphans(PROFILE, [held('a')], ALL_TOLD, NOW)).toMatchObject([
			{ id: 'a', task: 'shop.a', queues: ['q'], heldMs: 60_000, certainty: 'likely', holder: 'worker' },
		]);
	});
	it('is no orphan when a worker named it, when it was just taken, or when the consumer that has it lives', () => {
		expect(judge(held('a'), { ...ALL_TOLD, claimed: new Set(['a']) })).toEqual([]);
		expect(judge(held('a', { takenAt: NOW - 1_000 }), ALL_TOLD)).toEqual([]);
		expect(judge(held('a', { warren: { alive: true } }), ALL_TOLD)).toEqual([]);
	});
	it('is surely nobody’s when the consumer of Warren’s that took it is gone, whatever workers say', () => {
		expect(judge(held('a', { warren: { alive: false } }), 'nobody was asked')).toEqual(['sure']);
	});
	it('is unsure while a worker is silent, could not be asked, or runs the task by a rate limit', () => {
		expect(judge(held('a'), { ...ALL_TOLD, silent: ['w2@host'] })).toEqual(['unsure']);
		expect(judge(held('a'), 'No worker answered.')).toEqual(['unsure']);
		expect(judge(held('a'), { ...ALL_TOLD, limited: new Set(['shop.a']) })).toEqual(['unsure']);
		expect(judge(held('a'), { ...ALL_TOLD, limited: new Set(['shop.b']) })).toEqual(['likely']);
		expect(judge(held('a', { queues: [] }), ALL_TOLD)).toEqual(['unsure']);
	});
});

describe('A rescue', () => {
	const orphans = [
		...judgeOrphans(PROFILE, [held('a'), held('b', { queues: ['other'] })], ALL_TOLD, NOW),
		...judgeOrphans(PROFILE, [held('c')], 'No worker answered.', NOW),
	];
	const everything = new Set(['a', 'b', 'c', 'alive']);
	const choose = (ids: readonly string[], all = false, queue: string | null = null) => {
		const { chosen, skipped } = chooseOrphans(orphans, everything, { ids, all, queue });
		return [chosen.map(({ id }) => id), skipped.map(({ id }) => id)];
	};
	it('of all takes all but the unsure ones, and of a queue only its own', () => {
		expect(choose([], true)).toEqual([['a', 'b'], ['c']]);
		expect(choose([], true, 'other')).toEqual([['b'], []]);
	});
	it('of ids takes exactly those, by task or tag, and says of each other why not', () => {
		expect(choose(['tag-a', 'c', 'alive', 'nowhere'])).toEqual([['a'], ['c', 'alive', 'nowhere']]);
		expect(choose(['b'], false, 'q')).toEqual([[], ['b']]);
	});
});

it('Celery’s list of tasks says which have a rate limit; a rate of 0 is none', () => {
	const json = JSON.stringify([
		'shop.a',
		'shop.b [rate_limit=10/m]',
		'shop.c [rate_limit=0]',
		'shop.d [rate_limit=0.5/s]',
	]);
	expect(limitedIn(json)).toEqual(['shop.b', 'shop.d']);
});
