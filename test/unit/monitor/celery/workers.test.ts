import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { gapAtStart, MOST_GAPS, withGap } from '#main/monitor/celery/gaps.ts';
import { Intake } from '#main/monitor/celery/intake.ts';
import { heard, livenessOf, MOST_WORKERS, Roster, viewOf, type WorkerRecord } from '#main/monitor/celery/workers.ts';
import { celeryEvent, type Told } from '#test/support/celery/events.ts';

const P = profileId('p');

function recordOf(
	...told: readonly (Partial<Told> & { readonly at: number; readonly receivedAt?: number })[]
): WorkerRecord {
	let record: WorkerRecord | undefined;
	for (const { receivedAt, ...one } of told) {
		const fields = { type: 'worker-heartbeat', freq: 2, active: 1, processed: 9, ...one } as Told;
		record = heard(record, celeryEvent(fields), receivedAt ?? one.at) ?? record;
	}
	if (record === undefined) throw new Error('Nobody was heard');
	return record;
}

describe('a worker', () => {
	it('is online, then late after two heartbeats, then lost after three and ten seconds', () => {
		const record = recordOf({ at: 100_000 });
		expect([104_000, 104_001, 110_000, 110_001].map((now) => livenessOf(record, now))).toEqual([
			'online',
			'late',
			'late',
			'lost',
		]);
		const slow = recordOf({ at: 100_000, freq: 30 });
		expect([160_000, 160_001, 190_000, 190_001].map((now) => livenessOf(slow, now))).toEqual([
			'online',
			'late',
			'late',
			'lost',
		]);
	});

	it('is judged by when it was heard, not by its clock', () => {
		const record = recordOf({ at: 5, receivedAt: 1_000_000 });
		expect(viewOf(record, 1_001_000)).toMatchObject({ state: 'online', ageMs: 1_000, skewMs: 999_995 });
	});

	it('that says goodbye has stopped, until it is heard again', () => {
		const gone = recordOf({ at: 1_000 }, { at: 2_000, type: 'worker-offline' });
		expect(livenessOf(gone, 900_000)).toBe('stopped');
		expect(
			livenessOf(recordOf({ at: 1_000, type: 'worker-offline' }, { at: 3_000, type: 'worker-online' }), 4_000),
		).toBe('online');
	});

	it('keeps its figures and its pace when it answers a broadcast, which tells neither', () => {
		const record = recordOf(
			{ at: 1_000, active: 3, processed: 7 },
			{ at: 1_500, freq: 5, active: undefined, processed: undefined },
		);
		expect(record).toMatchObject({ active: 3, processed: 7, freqS: 2 });
	});

	it('is heard by events of its tasks as well; whoever only sends tasks is no worker', () => {
		const record = recordOf({ at: 1_000 }, { at: 9_000, type: 'task-started' });
		expect(livenessOf(record, 10_000)).toBe('online');
		expect(heard(undefined, celeryEvent({ type: 'task-sent', at: 1, host: 'gen1@h' }), 1)).toBeNull();
	});

	it('whose name two processes share is told, and a restart is not', () => {
		const both = recordOf({ at: 1_000, pid: 1 }, { at: 1_500, pid: 2 }, { at: 3_000, pid: 1 }, { at: 3_500, pid: 2 });
		expect(viewOf(both, 4_000).duplicate).toBe(true);
		const restarted = recordOf(
			{ at: 1_000, pid: 1 },
			{ at: 3_000, pid: 1 },
			{ at: 4_000, pid: 2 },
			{ at: 6_000, pid: 2 },
		);
		expect(viewOf(restarted, 6_500).duplicate).toBe(false);
		const former = recordOf(
			{ at: 1_000, pid: 1 },
			{ at: 1_500, pid: 2 },
			{ at: 3_000, pid: 1 },
			{ at: 60_000, pid: 2 },
		);
		expect(viewOf(former, 61_000).duplicate).toBe(false);
	});

	it('has the least skew that was seen within a minute, since the way only adds to it', () => {
		const record = recordOf(
			{ at: 1_000, receivedAt: 1_500 },
			{ at: 3_000, receivedAt: 3_100 },
			{ at: 5_000, receivedAt: 9_000 },
		);
		expect(record.skewMs).toBe(100);
		expect(recordOf({ at: 1_000, receivedAt: 1_001 }, { at: 90_000, receivedAt: 90_050 }).skewMs).toBe(50);
	});
});

describe('the roster', () => {
	it('gives what changed once, and goes on from what was noted', () => {
		const roster = new Roster(P, [recordOf({ at: 1_000, host: 'old@h' })]);
		roster.hear(celeryEvent({ type: 'worker-online', at: 5_000, host: 'new@h' }), 5_000);
		expect(roster.takeChanged().map((one) => one.name)).toEqual(['new@h']);
		expect(roster.takeChanged()).toEqual([]);
		expect(roster.views(6_000).map((one) => one.name)).toEqual(['new@h', 'old@h']);
	});

	it('is bounded: who was not heard for longest goes', () => {
		const roster = new Roster(P, []);
		for (let at = 0; at <= MOST_WORKERS; at += 1)
			roster.hear(celeryEvent({ type: 'worker-online', at, host: `w${at}@h` }), at);
		const names = new Set(roster.views(MOST_WORKERS).map((one) => one.name));
		expect([names.size, names.has('w0@h'), names.has('w1@h')]).toEqual([MOST_WORKERS, false, true]);
	});
});

describe('gaps', () => {
	const start = { at: 500, complete: false, lostAt: null, reason: null };

	it('are told after a loss, and for the time in which nobody listened, but not the first time of all', () => {
		expect(gapAtStart(start, null)).toBeNull();
		expect(gapAtStart(start, 100)).toMatchObject({ from: 100, to: 500 });
		expect(gapAtStart({ ...start, lostAt: 300, reason: 'cut' }, 100)).toEqual({ from: 300, to: 500, reason: 'cut' });
		expect(gapAtStart({ ...start, complete: true }, 100)).toBeNull();
	});

	it('are kept newest first, bounded, and as one where they meet', () => {
		const gap = (from: number, to: number) => ({ from, to, reason: 'cut' });
		expect(withGap([gap(1, 5)], gap(5, 9))).toEqual([gap(1, 9)]);
		let gaps: readonly ReturnType<typeof gap>[] = [];
		for (let at = 0; at < MOST_GAPS + 20; at += 1) gaps = withGap(gaps, gap(at * 10, at * 10 + 1));
		expect(gaps).toHaveLength(MOST_GAPS);
		expect(gaps[0]?.from).toBe((MOST_GAPS + 19) * 10);
	});
});

describe('the intake', () => {
	it('gives what it took in order, refuses beyond its bound, and counts what it refused', () => {
		fc.assert(
			fc.property(
				fc.array(fc.oneof(fc.constant('take' as const), fc.integer({ min: 1, max: 40 })), { maxLength: 200 }),
				(steps) => {
					const intake = new Intake(100);
					const model: number[] = [];
					let refused = 0;
					let id = 0;
					for (const step of steps) {
						if (step === 'take') {
							const size = model.shift();
							expect(intake.take()?.body.byteLength).toBe(size);
							continue;
						}
						const body = new Uint8Array(step);
						id += 1;
						const fits = model.reduce((sum, one) => sum + one, 0) + step <= 100;
						expect(intake.add({ routingKey: String(id), contentType: null, body, receivedAt: id })).toBe(fits);
						if (fits) model.push(step);
						else refused += 1;
					}
					expect([intake.size, intake.takeRefused(), intake.takeRefused()]).toEqual([model.length, refused, 0]);
				},
			),
		);
	});
});

describe('what is told of tasks', () => {
	const beat = (at: number, processed: number) => ({ at, processed });
	const task = (at: number) => ({ type: 'task-succeeded', at, uuid: 't' });
	const events = (...told: readonly (Partial<Told> & { readonly at: number })[]) =>
		viewOf(recordOf(...told), 100_000).events;

	it('is nothing where heartbeats say that tasks ran, twice, and no event told of one', () => {
		expect(events(beat(1, 5))).toBe('beats');
		expect(events(beat(1, 5), beat(2, 6))).toBe('beats');
		expect(events(beat(1, 5), beat(2, 6), beat(3, 6), beat(4, 7))).toBe('untold');
	});

	it('is tasks as soon as one is told of', () => {
		expect(events(beat(1, 5), beat(2, 6), task(3), beat(4, 7))).toBe('tasks');
		expect(events(beat(1, 5), beat(2, 6), beat(3, 7), task(4))).toBe('tasks');
	});

	it('starts anew with a worker that was started again', () => {
		expect(events(beat(1, 500), beat(2, 0), beat(3, 0))).toBe('beats');
	});
});
