/** What a monitor notes in the store, for other processes of the home and for its next run. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { BadEventView, MonitorStatus } from '#main/domain/monitor.ts';
import type { WatchStore } from '#main/store/store.ts';
import { MOST_WORKERS, type WorkerRecord } from './workers.ts';

/** The status as noted; who runs it is known by its lease. */
export type NotedStatus = Omit<MonitorStatus, 'running' | 'holder'>;
export type NotedBad = BadEventView;

export interface Noted {
	readonly status: NotedStatus;
	/** Moment as of which workers are to be judged while nobody watches. */
	readonly caughtUpAt: number;
	readonly workers: readonly WorkerRecord[];
	readonly bad: readonly NotedBad[];
}

export interface MonitorNotes {
	put(profile: ProfileId, noted: Noted): Promise<void>;
	status(profile: ProfileId): Promise<NotedStatus>;
	caughtUpAt(profile: ProfileId): Promise<number | null>;
	workers(profile: ProfileId): Promise<readonly WorkerRecord[]>;
	/** Newest first. */
	bad(profile: ProfileId, limit: number): Promise<readonly NotedBad[]>;
}

/** Unreadable events kept, to be looked at. */
const MOST_BAD = 500;

const NOTHING: NotedStatus = {
	since: null,
	until: null,
	connection: { kind: 'idle' },
	trouble: null,
	events: 0,
	eventsThisRun: 0,
	lastEventAt: null,
	behind: null,
	bad: 0,
	gaps: [],
	gapCount: 0,
	keeping: false,
};

interface StatusNote {
	readonly status: NotedStatus;
	readonly caughtUpAt: number;
}

/** Notes over the store. */
export function monitorNotes(store: WatchStore): MonitorNotes {
	let badKeys = 0;
	const note = async (profile: ProfileId): Promise<StatusNote | null> => {
		const [found] = await store.list(profile, 'status', 1);
		return found === undefined ? null : (JSON.parse(found.body) as StatusNote);
	};
	return {
		async put(profile, { status, caughtUpAt, workers, bad }) {
			const at = status.until ?? 0;
			const body: StatusNote = { status, caughtUpAt };
			const writes = [store.put(profile, 'status', [{ key: '', at, body: JSON.stringify(body) }], 1)];
			if (workers.length > 0) {
				const notes = workers.map((one) => ({ key: one.name, at: one.heardAt, body: JSON.stringify(one) }));
				writes.push(store.put(profile, 'worker', notes, MOST_WORKERS));
			}
			if (bad.length > 0) {
				const notes = bad.map((one) => {
					badKeys += 1;
					return { key: `${one.at}-${process.pid}-${badKeys}`, at: one.at, body: JSON.stringify(one) };
				});
				writes.push(store.put(profile, 'bad-event', notes, MOST_BAD));
			}
			await Promise.all(writes);
		},
		status: async (profile) => (await note(profile))?.status ?? NOTHING,
		caughtUpAt: async (profile) => (await note(profile))?.caughtUpAt ?? null,
		async workers(profile) {
			const notes = await store.list(profile, 'worker', MOST_WORKERS);
			return notes.map(({ body }) => JSON.parse(body) as WorkerRecord);
		},
		async bad(profile, limit) {
			const notes = await store.list(profile, 'bad-event', limit);
			return notes.map(({ body }) => JSON.parse(body) as NotedBad);
		},
	};
}
