import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { Film } from '#main/monitor/celery/film.ts';
import { celeryEvent, type Told } from '#test/support/celery/events.ts';

const shot = { clear: true, trouble: null };

function film(...told: readonly Told[]): Film {
	const made = new Film(profileId('p'), 0);
	for (const one of told) made.hear(celeryEvent(one), one.at ?? 0);
	return made;
}
const task = (type: string, at: number, uuid = 't', more: object = {}): Told => ({
	type: `task-${type}`,
	at,
	uuid,
	...more,
});

describe('a film', () => {
	it('freezes workers, tasks and counts', () => {
		const made = film(
			{ type: 'worker-heartbeat', at: 1_000, freq: 2, active: 1, processed: 3 },
			task('received', 1_100, 't', { name: 'shop.charge', args: '(1,)', kwargs: '{}', retries: 0 }),
			task('started', 1_200),
		);
		expect(made.shoot(2_000, shot)).toMatchObject({
			number: 1,
			at: 2_000,
			eventCount: 3,
			taskCount: 1,
			workers: [{ name: 'w1@h', state: 'online', active: 1 }],
			tasks: [
				{ id: 't', name: 'shop.charge', state: 'STARTED', args: '(1,)', times: { received: 1_100, started: 1_200 } },
			],
		});
	});

	it('shows nothing while nothing new was heard', () => {
		const made = film(task('started', 1));
		expect(made.shoot(2, shot)).not.toBeNull();
		expect(made.shoot(3, shot)).toBeNull();
		const kept = film(task('started', 1));
		expect(kept.shoot(2, { ...shot, clear: false })).not.toBeNull();
		expect(kept.shoot(3, { ...shot, clear: false })).toBeNull();
	});

	it('lets go of ended tasks after a shot, keeps those under way, and counts anew', () => {
		const made = film(task('started', 1, 'a'), task('succeeded', 2, 'b'), task('failed', 3, 'c'));
		expect(made.shoot(10, shot)?.tasks).toHaveLength(3);
		made.hear(celeryEvent(task('succeeded', 11, 'a')), 11);
		expect(made.shoot(20, shot)).toMatchObject({
			number: 2,
			since: 10,
			eventCount: 1,
			taskCount: 0,
			tasks: [{ id: 'a', state: 'SUCCESS' }],
		});
	});

	it('keeps all of it, and goes on counting, where nothing is to be cleared', () => {
		const made = film(task('succeeded', 1, 'a'));
		made.shoot(2, { ...shot, clear: false });
		made.hear(celeryEvent(task('succeeded', 3, 'b')), 3);
		expect(made.shoot(4, { ...shot, clear: false })).toMatchObject({ eventCount: 2, taskCount: 2, since: 0 });
	});

	it('lets the strongest state stand whatever the order, and retries give way to all', () => {
		expect(film(task('succeeded', 3), task('started', 1)).shoot(9, shot)?.tasks[0]?.state).toBe('SUCCESS');
		expect(film(task('retried', 3), task('received', 1)).shoot(9, shot)?.tasks[0]?.state).toBe('RECEIVED');
		expect(film(task('started', 3), task('progress', 4)).shoot(9, shot)?.tasks[0]?.state).toBe('PROGRESS');
		const kinds = fc.shuffledSubarray(['sent', 'received', 'started', 'succeeded'], { minLength: 4 });
		fc.assert(
			fc.property(
				kinds,
				(order) => film(...order.map((kind, at) => task(kind, at))).shoot(9, shot)?.tasks[0]?.state === 'SUCCESS',
			),
		);
	});

	it('holds no more tasks than it may, and counts what it let go, ended ones first', () => {
		const made = new Film(profileId('p'), 0, 2);
		for (const [id, kind] of [
			['a', 'started'],
			['b', 'succeeded'],
			['c', 'started'],
		] as const) {
			made.hear(celeryEvent(task(kind, 1, id)), 1);
		}
		const seen = made.shoot(2, shot);
		expect([seen?.dropped, seen?.tasks.map((one) => one.id)]).toEqual([1, ['a', 'c']]);
	});
});
