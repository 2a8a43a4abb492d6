/**
 * The ledger of a shared book, in its Redis. The right to run is a lease by Redis's own clock with a fence that only rises; a claim
 * is refused in the very script that finds another lease. So of several services one runs the schedules, and what one still does that
 * was stopped, asleep or cut off for too long is told by its old fence.
 */
import type { Keyspace } from '#main/brokers/keyspace.ts';
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import type { Hold, RunLedger } from '../ledger.ts';
import { listOf, pairsOf } from './redis-replies.ts';
import { dueField, isOpen, openPlace, readRun, sharedKeys, writeRun } from './shared-layout.ts';
import { CLAIM, HOLD, RECENT, RELEASE, SETTLE } from './shared-scripts.ts';

/** Schedules whose runs are read in one round trip. */
const RECENT_STEP = 200;

export interface SharedLedgerDeps {
	readonly keyspace: Keyspace;
	/** The book's prefix. */
	readonly prefix: string;
	/** The profile that this console knows the book by. */
	readonly profile: ProfileId;
	readonly clock: Clock;
}

/** A ledger that others write too, so that what they did can be read. */
export interface SharedLedger extends RunLedger {
	/** The settled runs of one schedule that are kept, newest due time first, and those of it that are open. */
	runs(key: string): Promise<Result<readonly ScheduleRun[]>>;
	/**
	 * Runs of all schedules of which one was settled after `since` (0: of all), by whomever: what another console shows. `until` is
	 * the `since` of the next time.
	 */
	recent(since: number): Promise<Result<{ readonly runs: readonly ScheduleRun[]; readonly until: number }>>;
}

/** The ledger of the shared book under a prefix. It connects when it is first used. */
export function createSharedLedger(deps: SharedLedgerDeps): SharedLedger {
	const { keyspace, profile, clock } = deps;
	const keys = sharedKeys(deps.prefix);

	async function openRuns(): Promise<Result<readonly ScheduleRun[]>> {
		const found = await keyspace.call('HGETALL', keys.open);
		if (!found.ok) return found;
		const runs: ScheduleRun[] = [];
		for (const [field, text] of pairsOf(found.value)) {
			const place = openPlace(profile, field);
			if (place === null) continue;
			const run = readRun(text, place);
			// Whatever stands there is open, since it stands there.
			runs.push(isOpen(run.state) ? run : { ...run, state: 'claimed' });
		}
		return ok(runs.toSorted((a, b) => a.dueAt - b.dueAt));
	}

	return {
		async hold(holder, ttlMs) {
			keyspace.connect();
			const answer = await keyspace.script(
				HOLD,
				[keys.lease, keys.fence, keys.entries, keys.cursors, keys.ran, keys.total],
				[holder, Math.max(1, Math.ceil(ttlMs))],
			);
			if (!answer.ok) return answer;
			const [fence, other, left] = listOf(answer.value);
			if (other === undefined) return ok({ holder, fence: Number(fence) });
			const until = clock.now() + Math.max(0, Number(left));
			const by = other === '' ? 'something else than Warren' : String(other);
			return fail('busy', `${by} runs the schedules of this book at the moment.`, {
				details: { holder: by, until },
			});
		},

		async release(hold) {
			keyspace.connect();
			// Should it not get through, the right ends by itself.
			await keyspace.script(RELEASE, [keys.lease], [leaseText(hold)]);
		},

		async claim(claims, hold) {
			if (claims.length === 0) return ok([]);
			keyspace.connect();
			const answer = await keyspace.script(
				CLAIM,
				[keys.lease, keys.open, keys.cursors],
				[
					leaseText(hold),
					keys.runs,
					...claims.flatMap((run) => [run.key, dueField(run), cursorOf(run), writeRun(run)]),
				],
			);
			if (!answer.ok) return answer;
			if (answer.value === 'lost') {
				return fail('conflict', 'Another process runs these schedules by now.', { details: { fence: hold.fence } });
			}
			const standing = listOf(answer.value);
			return ok(
				claims.map((run, index) => {
					const text = standing[index];
					return typeof text === 'string' ? readRun(text, { profile, key: run.key, due: dueField(run) }) : null;
				}),
			);
		},

		async settle(runs) {
			if (runs.length === 0) return ok(undefined);
			keyspace.connect();
			const answer = await keyspace.script(
				SETTLE,
				[keys.open, keys.cursors, keys.ran, keys.total, keys.touched, keys.settling, keys.entries],
				[keys.runs, ...runs.flatMap((run) => [run.key, dueField(run), cursorOf(run), run.state, writeRun(run)])],
			);
			return answer.ok ? ok(undefined) : answer;
		},

		open() {
			keyspace.connect();
			return openRuns();
		},

		async cursors() {
			keyspace.connect();
			const found = await keyspace.call('HGETALL', keys.cursors);
			if (!found.ok) return found;
			const cursors = pairsOf(found.value).map(([key, due]) => [key, Number(due)] as const);
			return ok(new Map(cursors.filter(([, due]) => Number.isSafeInteger(due))));
		},

		async runs(key) {
			keyspace.connect();
			const found = await keyspace.call('HGETALL', `${keys.runs}${key}`);
			if (!found.ok) return found;
			const open = await openRuns();
			if (!open.ok) return open;
			const settled = pairsOf(found.value).map(([due, text]) => readRun(text, { profile, key, due }));
			const own = open.value.filter((run) => run.key === key);
			return ok([...settled, ...own].toSorted((a, b) => b.dueAt - a.dueAt));
		},

		async recent(since) {
			keyspace.connect();
			const runs: ScheduleRun[] = [];
			let until = since;
			for (;;) {
				const answer = await keyspace.script(RECENT, [keys.touched], [keys.runs, until, RECENT_STEP]);
				if (!answer.ok) return answer;
				const found = listOf(answer.value);
				for (let at = 0; at < found.length; at += 3) {
					const key = String(found[at]);
					until = Math.max(until, Number(found[at + 1]));
					for (const [due, text] of pairsOf(found[at + 2])) runs.push(readRun(text, { profile, key, due }));
				}
				if (found.length < 3 * RECENT_STEP) return ok({ runs, until });
			}
		},
	};
}

/** The text of a lease, which a script compares. */
function leaseText(hold: Hold): string {
	return `${hold.fence} ${hold.holder}`;
}

/** Runs by hand are none of catching up's business. */
function cursorOf(run: ScheduleRun): string {
	return run.manual ? '' : String(run.dueAt);
}
