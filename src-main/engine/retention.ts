/** Keeps history from growing without end: a regular clean-up by one process of the home, in small batches that others pass. */
import { randomUUID } from 'node:crypto';
import type { ProfileId } from '#main/domain/ids.ts';
import { readDuration } from '#main/domain/query-values.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { FinishedState, RetentionPolicy, RetentionRule } from '#main/domain/retention.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { Store } from '#main/store/store.ts';
import type { Ports } from './ports.ts';
import type { TaskLog } from './task-log.ts';

/** Work for a moment never gets that far; what stays does. */
const FIRST_MS = 60_000;
/** Between two looks whether a clean-up is due, so that an hour is an hour after a restart too. */
const LOOK_MS = 60_000;
const MINUTE_MS = 60_000;
const LEASE = 'retention';
const LEASE_MS = 60_000;
/** Unused pages that stay in the file for what comes next, and how many are given back at a time. */
const SPARE_PAGES = 2_000;
const PAGES = 256;
/** Share of the time that a clean-up leaves to others. */
const REST = 1;

type Parts = Pick<Ports, 'clock' | 'log' | 'host'>;

/**
 * Carries out a profile's policy now, `batch` rows in a transaction, which others wait for; how many rows went. Each batch is all gone or all
 * there, whatever moment the process ends at, and the next clean-up goes on. `busy` while another process of this home is at it.
 */
export async function cleanUp(
	store: Store,
	ports: Parts,
	profile: ProfileId,
	batch: number,
	signal: AbortSignal,
): Promise<Result<number>> {
	const { clock } = ports;
	const holder = `${process.pid}:${randomUUID().slice(0, 8)}`;
	const { policy } = await store.retention.settings(profile);
	// One moment for all batches: what was not due at the start is not due in this run.
	const now = clock.now();
	let removed = 0;
	try {
		for (;;) {
			const lease = await store.leases.hold(LEASE, holder, LEASE_MS);
			if (!lease.ok) {
				return lease.error.code === 'busy'
					? fail('busy', 'Another Warren of this home is cleaning up just now.')
					: lease;
			}
			const since = clock.monotonic();
			const went = await store.retention.sweep(profile, policy, now, batch);
			removed += went;
			if (went < batch) break;
			if (signal.aborted) return ok(removed);
			await pause(ports, (clock.monotonic() - since) * REST);
		}
		if (removed > 0) await compact(store, ports, signal);
		await store.retention.noteRun(profile, clock.now());
		return ok(removed);
	} finally {
		await store.leases.release(LEASE, holder);
	}
}

async function compact(store: Store, ports: Parts, signal: AbortSignal): Promise<void> {
	let before = Number.POSITIVE_INFINITY;
	while (!signal.aborted) {
		const since = ports.clock.monotonic();
		const left = await store.retention.compact(before === Number.POSITIVE_INFINITY ? 1 : PAGES);
		if (left <= SPARE_PAGES || left >= before) return;
		before = left;
		await pause(ports, (ports.clock.monotonic() - since) * REST);
	}
}

function pause(ports: Parts, ms: number): Promise<void> {
	return new Promise((resolve) => ports.clock.after(Math.max(1, ms), resolve));
}

/** Cleans up after every profile as often as it says, whichever process of this home comes to it first. */
export function keepCleaning(
	store: Store,
	ports: Parts,
	taskLog: Pick<TaskLog, 'view'>,
	profiles: () => Promise<readonly { readonly id: ProfileId; readonly name: string }[]>,
): AsyncDisposable {
	const stopping = new AbortController();
	let timer: Disposable | null = null;
	let working: Promise<void> = Promise.resolve();

	async function look(): Promise<void> {
		for (const { id, name } of await profiles()) {
			if (stopping.signal.aborted) return;
			const { ranAt } = await store.retention.settings(id);
			const { settings } = await taskLog.view(id);
			const everyMs = settings.housekeepingMinutes * MINUTE_MS;
			if (ranAt !== null && ports.clock.now() - ranAt < everyMs && ports.clock.now() >= ranAt) continue;
			const done = await cleanUp(store, ports, id, settings.batchSize, stopping.signal);
			if (!done.ok) {
				if (done.error.code !== 'busy') ports.log.warn('retention.failed', { profile: id, reason: done.error.message });
				continue;
			}
			if (done.value === 0) continue;
			ports.log.info('retention.done', { profile: id, removed: done.value });
			await store.records.audit({
				at: ports.clock.now(),
				host: ports.host,
				actor: 'warren',
				route: 'retention.run',
				profile: name,
				input: '{}',
				outcome: 'done',
				changed: done.value,
			});
		}
	}

	function again(ms: number): void {
		timer = ports.clock.after(ms, () => {
			working = look()
				.catch((error: unknown) => ports.log.error('retention.failed', { reason: String(error) }))
				.then(() => {
					if (!stopping.signal.aborted) again(LOOK_MS);
				});
		});
	}
	again(FIRST_MS);

	return {
		async [Symbol.asyncDispose]() {
			stopping.abort();
			timer?.[Symbol.dispose]();
			await working;
		},
	};
}

/** A policy with these changes; the very same object where there are none. */
export function readPolicy(
	input: Omit<HandlerInput<'retention.preview'>, 'profile'>,
	before: RetentionPolicy,
): Result<RetentionPolicy> {
	const { after, max, noMax, deleted, decided } = input;
	if (max !== undefined && noMax === true) return fail('invalid-input', 'Give either --max or --no-max, not both.');
	if (input.states !== undefined && after === undefined && max === undefined && noMax !== true) {
		return fail('invalid-input', 'Say how long with --after, or how many with --max.', { details: { field: 'after' } });
	}
	let policy = before;
	if (after !== undefined || max !== undefined || noMax === true) {
		const time = readAge('after', after);
		if (!time.ok) return time;
		const states: Record<FinishedState, RetentionRule> = { ...before.states };
		for (const state of input.states ?? ['succeeded' as const]) {
			const rule = states[state];
			states[state] = {
				afterMs: after === undefined ? rule.afterMs : time.value,
				maxRows: noMax === true ? null : (max ?? rule.maxRows),
			};
		}
		policy = { ...policy, states };
	}
	for (const [field, text] of [
		['deleted', deleted],
		['decided', decided],
	] as const) {
		if (text === undefined) continue;
		const time = readAge(field, text);
		if (!time.ok) return time;
		if (time.value === null) return fail('invalid-input', `${field}: takes a time, e.g. 30d.`, { details: { field } });
		policy =
			field === 'deleted' ? { ...policy, deletedAfterMs: time.value } : { ...policy, quarantineAfterMs: time.value };
	}
	return ok(policy);
}

/** Milliseconds of `3d`; null for `never`. */
function readAge(field: string, text: string | undefined): Result<number | null> {
	if (text === undefined || text.trim().toLowerCase() === 'never') return ok(null);
	const ms = readDuration(text.trim());
	return typeof ms === 'number'
		? ok(Math.round(ms))
		: fail('invalid-input', `${field}: "${text}" is no time. Write it like 12h, 3d or never.`, { details: { field } });
}
