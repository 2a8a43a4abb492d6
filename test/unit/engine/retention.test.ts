import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '#main/domain/audit.ts';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { fail, ok } from '#main/domain/result.ts';
import { DEFAULT_RETENTION } from '#main/domain/retention.ts';
import { DEFAULT_TASK_LOG } from '#main/domain/task-log.ts';
import { cleanUp, keepCleaning, readPolicy } from '#main/engine/retention.ts';
import type { Store } from '#main/store/store.ts';
import { manualClock } from '#test/support/manual-clock.ts';

const SHOP = profileId('shop');
const MINUTE = 60_000;

/** A store that has so many rows that are due, and says what it was asked. */
function world(due: number) {
	const clock = manualClock();
	const seen = {
		due,
		sweeps: [] as number[],
		audits: [] as AuditEntry[],
		compacted: 0,
		ranAt: null as number | null,
		busy: false,
	};
	const store = {
		retention: {
			settings: async () => ({ policy: DEFAULT_RETENTION, isDefault: true, ranAt: seen.ranAt }),
			noteRun: async (_profile: string, at: number) => {
				seen.ranAt = at;
			},
			sweep: async (_profile: string, _policy: unknown, now: number, limit: number) => {
				seen.sweeps.push(now);
				const went = Math.min(limit, seen.due);
				seen.due -= went;
				return went;
			},
			compact: async () => {
				seen.compacted += 1;
				return 0;
			},
		},
		leases: {
			hold: async () => (seen.busy ? fail('busy', 'held') : ok(undefined)),
			release: async () => {},
		},
		records: { audit: async (entry: AuditEntry) => void seen.audits.push(entry) },
	} as unknown as Store;
	const ports = { clock, log: silentLog, host: 'test' } as const;
	return { clock, seen, store, ports, profiles: async () => [{ id: SHOP, name: 'shop' }] };
}

/** As out of the box. */
const taskLog = { view: async () => ({ settings: DEFAULT_TASK_LOG, own: [] }) };

describe('the hourly clean-up', () => {
	it('begins after a minute, works in batches of one moment, and writes one audit line', async () => {
		const { clock, seen, store, ports, profiles } = world(250);
		await using _cleaning = keepCleaning(store, ports, taskLog, profiles);
		await clock.advance(MINUTE - 1);
		expect(seen.sweeps).toEqual([]);
		await clock.advance(MINUTE);
		expect(seen.due).toBe(0);
		expect(seen.sweeps).toHaveLength(3);
		expect(new Set(seen.sweeps).size).toBe(1);
		expect(seen.audits).toMatchObject([{ route: 'retention.run', profile: 'shop', actor: 'warren', changed: 250 }]);
		expect(seen.compacted).toBe(1);
	});

	it('comes again after an hour and not before, whichever process did it last', async () => {
		const { clock, seen, store, ports, profiles } = world(0);
		await using _cleaning = keepCleaning(store, ports, taskLog, profiles);
		await clock.advance(2 * MINUTE);
		expect(seen.sweeps).toHaveLength(1);
		await clock.advance(50 * MINUTE);
		expect(seen.sweeps).toHaveLength(1);
		await clock.advance(20 * MINUTE);
		expect(seen.sweeps).toHaveLength(2);
		expect(seen.audits).toEqual([]);
	});

	it('leaves it to the process that is at it', async () => {
		const { clock, seen, store, ports, profiles } = world(10);
		seen.busy = true;
		await using _cleaning = keepCleaning(store, ports, taskLog, profiles);
		await clock.advance(2 * MINUTE);
		expect(seen.due).toBe(10);
		expect(await cleanUp(store, ports, SHOP, 100, new AbortController().signal)).toMatchObject({
			ok: false,
			error: { code: 'busy' },
		});
	});

	it('ends in the middle when its process does, and says nothing of being through', async () => {
		const { seen, store, ports } = world(1_000);
		const stop = new AbortController();
		stop.abort();
		expect(await cleanUp(store, ports, SHOP, 100, stop.signal)).toEqual(ok(100));
		expect(seen.ranAt).toBeNull();
	});
});

describe('a change of rules', () => {
	it('changes what it names and leaves the rest', () => {
		const changed = readPolicy({ states: ['failed', 'lost'], after: '1h30m' }, DEFAULT_RETENTION);
		expect(changed).toMatchObject({
			ok: true,
			value: {
				states: {
					succeeded: DEFAULT_RETENTION.states.succeeded,
					failed: { afterMs: 5_400_000, maxRows: null },
					lost: { afterMs: 5_400_000, maxRows: null },
				},
				deletedAfterMs: DEFAULT_RETENTION.deletedAfterMs,
			},
		});
		expect(readPolicy({ after: 'never' }, DEFAULT_RETENTION)).toMatchObject({
			value: { states: { succeeded: { afterMs: null } } },
		});
		expect(readPolicy({ deleted: '1d' }, DEFAULT_RETENTION)).toMatchObject({ value: { deletedAfterMs: 86_400_000 } });
		expect(readPolicy({}, DEFAULT_RETENTION)).toEqual(ok(DEFAULT_RETENTION));
	});
});
