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
import { leaseHolder } from './shared-facts.ts';
import { dueField, isOpen, openPlace, readRun, sharedKeys, writeRun } from './shared-layout.ts';
import { CLAIM, HOLD, RECENT, RELEASE, SETTLE } from './shared-scripts.ts';

/** Schedules whose runs are read in one round trip. */
const RECENT_STEP = 200;
/** Who holds a lease that is none of Warren's. */
const NOT_OURS = 'something else than Warren';

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
	 * Runs that were settled after `since` (0: all that are kept), by whomever, in steps of some hundred schedules: the next step is
	 * asked for with what this one gives, until there is none.
	 */
	recent(since: number, step?: RecentStep): Promise<Result<RecentRuns>>;
}

/** Where a reading of recent runs goes on. */
export interface RecentStep {
	/** As the first step has it: less than what was asked for where this ledger has not come so far. */
	readonly since: number;
	readonly beyond: number;
}

/** One step of reading recent runs. */
export interface RecentRuns {
	readonly runs: readonly ScheduleRun[];
	/** Null: that was the last one. */
	readonly next: RecentStep | null;
	/** After the last step, the `since` of the next time. */
	readonly until: number;
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
			const by = other === '' ? NOT_OURS : String(other);
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

		async settle(runs, hold) {
			if (runs.length === 0) return ok([]);
			keyspace.connect();
			const answer = await keyspace.script(
				SETTLE,
				[keys.open, keys.cursors, keys.ran, keys.total, keys.touched, keys.settling, keys.entries, keys.fence],
				[
					keys.runs,
					hold === null ? '' : String(hold.fence),
					...runs.flatMap((run) => [run.key, dueField(run), cursorOf(run), run.state, writeRun(run)]),
				],
			);
			return answer.ok ? ok(listOf(answer.value).map((written) => Number(written) === 1)) : answer;
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

		async recent(since, step = { since, beyond: since }) {
			keyspace.connect();
			const answer = await keyspace.script(
				RECENT,
				[keys.touched, keys.settling],
				[keys.runs, step.since, step.beyond, RECENT_STEP],
			);
			if (!answer.ok) return answer;
			const [from, ...found] = listOf(answer.value);
			const runs: ScheduleRun[] = [];
			const base = Number(from);
			// What has no news leaves it where it was, but for a ledger that begins anew.
			let until = base < step.since ? base : Math.max(base, step.beyond);
			for (let at = 0; at < found.length; at += 3) {
				const key = String(found[at]);
				until = Math.max(until, Number(found[at + 1]));
				for (const [due, text] of pairsOf(found[at + 2])) runs.push(readRun(text, { profile, key, due }));
			}
			const more = found.length >= 3 * RECENT_STEP;
			return ok({ runs, next: more ? { since: base, beyond: until } : null, until });
		},

		async holder() {
			keyspace.connect();
			const lease = await keyspace.call('GET', keys.lease);
			if (!lease.ok) return lease;
			if (typeof lease.value !== 'string') return ok(null);
			return ok(leaseHolder(lease.value)?.holder ?? NOT_OURS);
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
