/** The lease under which a change is known to be under way, held while its process lives and let lapse by its death. */
import { randomUUID } from 'node:crypto';
import type { LeaseStore } from '#main/store/store.ts';

/** How long a change is taken to be under way without a sign of life, in ms. */
export const LEASE_MS = 20_000;
/** How often there is one; several may be late before the lease lapses. In ms. */
const SIGN_MS = 4_000;

/** Which lease says that a change is under way. */
export function actLease(entry: number): string {
	return `change ${entry}`;
}

/** Takes a lease and keeps it until it is disposed of; null: somebody else has it. */
export async function holdWhile(leases: LeaseStore, name: string): Promise<AsyncDisposable | null> {
	const holder = randomUUID();
	const held = await leases.hold(name, holder, LEASE_MS);
	if (!held.ok) return null;
	let renewing: Promise<unknown> = Promise.resolve();
	// What cannot be renewed now is tried again before it lapses; a store that is gone ends the change itself.
	const timer = setInterval(() => {
		renewing = leases.hold(name, holder, LEASE_MS).catch(() => undefined);
	}, SIGN_MS);
	timer.unref();
	return {
		async [Symbol.asyncDispose]() {
			clearInterval(timer);
			await renewing;
			await leases.release(name, holder);
		},
	};
}
