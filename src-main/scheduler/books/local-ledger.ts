/**
 * The ledger of the local book. The right to run it is a lease of the store, and a claim is refused in the very transaction that
 * finds the lease gone. That makes the holder's name, which no two processes share, the fence; the number only counts how often
 * this process has taken the right.
 */
import type { ProfileId } from '#main/domain/ids.ts';
import { ok } from '#main/domain/result.ts';
import type { LeaseStore, ScheduleStore } from '#main/store/store.ts';
import type { RunLedger } from '../ledger.ts';

export interface LocalLedgerDeps {
	readonly profile: ProfileId;
	readonly schedules: ScheduleStore;
	readonly leases: LeaseStore;
}

/** Other processes of this home that want to run the same book ask for the same name. */
export function localLeaseName(profile: ProfileId): string {
	return `schedules:${profile}:local`;
}

/** The ledger of a profile's local book. */
export function createLocalLedger(deps: LocalLedgerDeps): RunLedger {
	const { profile, schedules, leases } = deps;
	const name = localLeaseName(profile);
	let fence = 0;
	/** Who held it when it was last asked for. */
	let held: string | null = null;

	return {
		async hold(holder, ttlMs) {
			const taken = await leases.hold(name, holder, ttlMs);
			if (!taken.ok) {
				held = null;
				return taken;
			}
			if (held !== holder) fence += 1;
			held = holder;
			return ok({ holder, fence });
		},
		async release({ holder }) {
			held = null;
			await leases.release(name, holder);
		},
		async holder() {
			return ok(await leases.holder(name));
		},
		claim: (claims, { holder }) => schedules.claim(claims, { name, holder }),
		async settle(runs, hold) {
			return ok(await schedules.settle(runs, hold === null ? null : { name, holder: hold.holder }));
		},
		async open() {
			return ok(await schedules.openRuns(profile, 'local'));
		},
		async cursors() {
			const cursors = await schedules.cursors(profile, 'local');
			return ok(new Map(cursors.map(({ key, dueAt }) => [key, dueAt])));
		},
	};
}
