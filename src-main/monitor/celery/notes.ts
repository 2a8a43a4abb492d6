/** What a monitor notes in the store, for other processes of the home and for its next run. */
import { randomUUID } from 'node:crypto';
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
}

export interface MonitorNotes {
	put(profile: ProfileId, noted: Noted): Promise<void>;
	/** Notes events that could not be read. */
	putBad(profile: ProfileId, items: readonly NotedBad[]): Promise<void>;
	status(profile: ProfileId): Promise<NotedStatus>;
	caughtUpAt(profile: ProfileId): Promise<number | null>;
	workers(profile: ProfileId): Promise<readonly WorkerRecord[]>;
	/** Notes answers to remote control that could not be read: some of them, and how many there were. */
	putBadReplies(profile: ProfileId, items: readonly NotedBad[], count: number): Promise<void>;
	/** How many of those there were, ever. */
	badReplies(profile: ProfileId): Promise<number>;
	/** Whether windows and served consoles are to watch it; they are, unless it was switched off. */
	wanted(profile: ProfileId): Promise<boolean>;
	setWanted(profile: ProfileId, wanted: boolean, at: number): Promise<void>;
	/** Events and answers, newest first. */
	bad(profile: ProfileId, limit: number): Promise<readonly NotedBad[]>;
}

/** Unreadable events kept, to be looked at. */
const MOST_BAD = 500;
/** Processes whose counts of unreadable answers are kept apart, since several may count at once. */
const MOST_COUNTERS = 1_000;

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
	const counter = randomUUID();
	const counted = new Map<ProfileId, number>();
	const bodies = (items: readonly NotedBad[]) =>
		items.map((one) => {
			badKeys += 1;
			return { key: `${one.at}-${process.pid}-${badKeys}`, at: one.at, body: JSON.stringify(one) };
		});
	const note = async (profile: ProfileId): Promise<StatusNote | null> => {
		const [found] = await store.list(profile, 'status', 1);
		return found === undefined ? null : (JSON.parse(found.body) as StatusNote);
	};
	return {
		async put(profile, { status, caughtUpAt, workers }) {
			const at = status.until ?? 0;
			const body: StatusNote = { status, caughtUpAt };
			const writes = [store.put(profile, 'status', [{ key: '', at, body: JSON.stringify(body) }], 1)];
			if (workers.length > 0) {
				const notes = workers.map((one) => ({ key: one.name, at: one.heardAt, body: JSON.stringify(one) }));
				writes.push(store.put(profile, 'worker', notes, MOST_WORKERS));
			}
			await Promise.all(writes);
		},
		putBad: (profile, items) => store.put(profile, 'bad-event', bodies(items), MOST_BAD),
		async putBadReplies(profile, items, count) {
			const total = (counted.get(profile) ?? 0) + count;
			counted.set(profile, total);
			const at = items.at(-1)?.at ?? 0;
			await Promise.all([
				store.put(profile, 'bad-event', bodies(items), MOST_BAD),
				store.put(profile, 'bad-replies', [{ key: counter, at, body: String(total) }], MOST_COUNTERS),
			]);
		},
		async badReplies(profile) {
			const notes = await store.list(profile, 'bad-replies', MOST_COUNTERS);
			return notes.reduce((sum, { body }) => sum + Number(body), 0);
		},
		status: async (profile) => (await note(profile))?.status ?? NOTHING,
		caughtUpAt: async (profile) => (await note(profile))?.caughtUpAt ?? null,
		async workers(profile) {
			const notes = await store.list(profile, 'worker', MOST_WORKERS);
			return notes.map(({ body }) => JSON.parse(body) as WorkerRecord);
		},
		async wanted(profile) {
			const [found] = await store.list(profile, 'wanted', 1);
			return found?.body !== 'false';
		},
		setWanted: (profile, wanted, at) => store.put(profile, 'wanted', [{ key: '', at, body: String(wanted) }], 1),
		async bad(profile, limit) {
			const notes = await store.list(profile, 'bad-event', limit);
			return notes.map(({ body }) => JSON.parse(body) as NotedBad);
		},
	};
}
