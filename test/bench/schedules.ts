/**
 * Schedules by the real clock: 10,000 of them in the local book, run by a keeper whose publishing costs nothing, so that what is measured
 * is the clock, the claims and the records. Lateness is from the due time to the publish, of due times after all were taken in; the
 * reference is a bare timer set for each second of the same stretch. Then the sync of 10,000 schedules with a book in memory: received,
 * with nothing new, with 100 edits and with all edited, beside bare commits of the same entries.
 *
 *     npm run bench -- schedules [--schedules 10000] [--seconds 30]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '#main/domain/clock.ts';
import { profileId, taskId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { ok } from '#main/domain/result.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { createLocalBook } from '#main/scheduler/books/local.ts';
import { createLocalLedger } from '#main/scheduler/books/local-ledger.ts';
import { createScheduleKeeper } from '#main/scheduler/keeper.ts';
import { AHEAD_MS } from '#main/scheduler/roster.ts';
import { type OpenStore, openStore } from '#main/store/client.ts';
import type { ScheduleStep } from '#main/store/store.ts';
import { syncBook } from '#main/sync/sync.ts';
import { BookTurns } from '#main/sync/turns.ts';
import { SharedBook } from '#test/support/shared-book.ts';
import { waitFor } from '#test/support/wait.ts';
import { machine, percentile, rounded } from './machine.ts';

const { values } = parseArgs({
	options: { schedules: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '30' } },
});
const COUNT = Number(values.schedules);
const SECONDS = Number(values.seconds);
const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const PROFILE = profileId('bench');
/** Together some 330 a second of 10,000, and all of one kind in the seconds that 30 divides. */
const EVERY = [20, 30, 60];

function definition(n: number): ScheduleDefinition {
	const count = EVERY[n % EVERY.length] ?? 60;
	return {
		...NEW_SCHEDULE,
		name: `schedule ${n}`,
		task: 'bench.noop',
		recurrence: { kind: 'every', count, unit: 'seconds', align: 'clock' },
		// Spread over the seconds of the interval.
		startAt: Date.UTC(2026, 0, 1) + (n % count) * 1_000,
	};
}

function percentiles(samples: readonly number[]): Readonly<Record<'p50' | 'p95' | 'p99' | 'max', number>> {
	const at = (share: number) => rounded(percentile(samples, share), 1);
	return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** How late a bare timer is, each second for as long. */
async function bareTimer(seconds: number): Promise<readonly number[]> {
	const late: number[] = [];
	for (let n = 0; n < seconds; n += 1) {
		const due = Math.ceil((Date.now() + 1) / 1_000) * 1_000;
		await new Promise((resolve) => setTimeout(resolve, due - Date.now()));
		late.push(Math.max(0, Date.now() - due));
	}
	return late;
}

/** Makes the schedules, many at a time; how long that took. */
async function fill(store: OpenStore): Promise<number> {
	const since = performance.now();
	for (let from = 0; from < COUNT; from += 500) {
		const some = Array.from({ length: Math.min(500, COUNT - from) }, (_, at) => from + at);
		await Promise.all(
			some.map((n) =>
				store.schedules.writeLocal(PROFILE, { kind: 'create', key: `k${n}`, definition: definition(n) }, Date.now()),
			),
		);
	}
	return Math.round(performance.now() - since);
}

async function firing(store: OpenStore) {
	const late: number[] = [];
	const fired = new Set<string>();
	/** Due times from then on are measured: what came due before the keeper was there could only be late. */
	let measuredFrom = Number.POSITIVE_INFINITY;
	let twice = 0;
	await using book = createLocalBook({
		profile: PROFILE,
		schedules: store.schedules,
		clock: systemClock,
		log: silentLog,
	});
	const made = performance.now();
	await using keeper = createScheduleKeeper({
		book,
		ledger: createLocalLedger({ profile: PROFILE, schedules: store.schedules, leases: store.leases }),
		kind: 'local',
		profile: PROFILE,
		identity: 'bench',
		holder: 'bench',
		aheadMs: AHEAD_MS,
		proven: async (messageId) => ok(fired.has(messageId)),
		publish: async (_definition, { messageId, dueAt }) => {
			if (dueAt >= measuredFrom) late.push(Date.now() - dueAt);
			if (fired.has(messageId)) twice += 1;
			fired.add(messageId);
			return ok({ taskId: taskId(messageId) });
		},
		clock: systemClock,
		log: silentLog,
	});
	await waitFor('all schedules to be in the clock', () => keeper.view().active === COUNT, 120_000);
	const takeInMs = Math.round(performance.now() - made);
	// What has come due meanwhile is made up for first.
	await waitFor('nothing to be late', () => keeper.view().waiting === 0, 120_000);
	measuredFrom = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000;
	const since = fired.size;
	const before = process.cpuUsage();
	const reference = await bareTimer(SECONDS);
	const used = process.cpuUsage(before);
	const micros = used.user + used.system;
	return {
		takeInMs,
		fired: late.length,
		twice,
		latenessMs: percentiles(late),
		bareTimerMs: percentiles(reference),
		processorMicrosecondsPerFire: Math.round(micros / Math.max(1, fired.size - since)),
		rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
	};
}

async function syncing(store: OpenStore) {
	const shared = new SharedBook('chosen', 'counter');
	const book = shared.connect('bench');
	for (let n = 0; n < COUNT; n += 1) await book.write({ kind: 'create', key: `s${n}`, definition: definition(n) });
	const turns = new BookTurns({ leases: store.leases, holder: 'bench', clock: systemClock });
	const timed = async (): Promise<number> => {
		const since = performance.now();
		const report = await syncBook({ profile: PROFILE, book, store: store.schedules, turns, now: () => Date.now() });
		if (!report.ok || report.value.state !== 'done') throw new Error('The sync did not end well.');
		return Math.round(performance.now() - since);
	};
	/** Edits so many schedules here, as a person's edits wait. */
	const edit = async (count: number): Promise<void> => {
		const steps = shared.entries.slice(0, count).map((entry): ScheduleStep => {
			const mine = { ...entry.definition, description: `edit ${count}` };
			return {
				kind: 'change',
				change: {
					...{ profile: PROFILE, book: shared.kind, key: entry.key, kind: 'change', mine },
					...{ base: entry.definition, baseVersion: entry.version, conflict: null, sending: null, problem: null },
					...{ createdAt: Date.now(), updatedAt: Date.now() },
				},
			};
		});
		await store.schedules.commit(PROFILE, steps);
	};
	/** What it costs to commit so many entries one by one, as it must be done for edits that may break off anywhere: twice each. */
	const bare = async (count: number): Promise<number> => {
		const since = performance.now();
		for (const entry of shared.entries.slice(0, count)) {
			const step = { kind: 'entry', book: 'redbeat', entry, seenAt: Date.now() } as const;
			for (const _ of ['sending', 'written']) await store.schedules.commit(PROFILE, [step]);
		}
		return Math.round(performance.now() - since);
	};
	const receiveMs = await timed();
	const nothingNewMs = await timed();
	const few = Math.min(100, COUNT);
	await edit(few);
	const fewEditsMs = await timed();
	await edit(COUNT);
	const allEditsMs = await timed();
	const since = performance.now();
	const entries = shared.entries;
	for (let from = 0; from < entries.length; from += 500) {
		const steps = entries.slice(from, from + 500).map((entry) => {
			return { kind: 'entry', book: 'redbeat', entry, seenAt: Date.now() } as const;
		});
		await store.schedules.commit(PROFILE, steps);
	}
	const bareReceiveMs = Math.round(performance.now() - since);
	return {
		...{ receiveMs, bareReceiveMs, nothingNewMs },
		...{ fewEdits: few, fewEditsMs, bareFewEditsMs: await bare(few) },
		...{ allEdits: COUNT, allEditsMs, bareAllEditsMs: await bare(COUNT) },
	};
}

const folder = mkdtempSync(join(tmpdir(), 'warren-bench-schedules-'));
try {
	const opened = await openStore({ home: join(folder, 'home'), thread: THREAD, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	await using store = opened.value;
	const fillMs = await fill(store);
	const fires = await firing(store);
	const sync = await syncing(store);
	process.stdout.write(
		`${JSON.stringify({ bench: 'schedules', schedules: COUNT, fillMs, fires, sync, machine: machine() })}\n`,
	);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
