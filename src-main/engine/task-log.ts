/**
 * How each profile's history is written: settings that are kept with the profile, and the way into history that goes by them. Other processes
 * of the home change settings too, so that they are read again every few seconds, beside the way and never on it: facts keep their order.
 */
import { truncateOp } from '#main/dialects/taskmonitor/intake.ts';
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { DEFAULT_TASK_LOG, readTaskLog, type TaskLogSettings } from '#main/domain/task-log.ts';
import type { HistoryStore, Store } from '#main/store/store.ts';

const KIND = 'task-log';
const KEY = 'settings';
/** For how long what was read holds, ms. */
const FRESH_MS = 5_000;

/** Settings as they hold, and which of them somebody set. */
export interface TaskLogView {
	readonly settings: TaskLogSettings;
	readonly own: readonly (keyof TaskLogSettings)[];
}

export interface TaskLog {
	/** History that takes facts in as their profiles have it. */
	readonly history: HistoryStore;
	view(profile: ProfileId): Promise<TaskLogView>;
	/** Lays a change over what was set; null: all as out of the box. */
	set(profile: ProfileId, change: Partial<TaskLogSettings> | null): Promise<TaskLogView>;
}

/** What bears on the way in; null: nothing does. */
type Intake = Pick<TaskLogSettings, 'enabled' | 'truncate'>;

/** Opens it over a store: facts go by settings from the first on. */
export async function openTaskLog(
	store: Pick<Store, 'history' | 'watching' | 'profiles'>,
	{ clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<TaskLog> {
	/** Only profiles of which something is not as out of the box. */
	const intakes = new Map<ProfileId, Intake>();
	let readAt = clock.monotonic();
	let reading: Promise<void> | null = null;

	async function own(profile: ProfileId): Promise<Partial<TaskLogSettings>> {
		const [note] = await store.watching.list(profile, KIND, 1);
		return note === undefined ? {} : readTaskLog(note.body);
	}

	function take(profile: ProfileId, given: Partial<TaskLogSettings>): void {
		const { enabled, truncate } = { ...DEFAULT_TASK_LOG, ...given };
		if (enabled && !truncate) intakes.delete(profile);
		else intakes.set(profile, { enabled, truncate });
	}

	async function readAll(): Promise<void> {
		for (const { id } of await store.profiles.list()) take(id, await own(id));
		readAt = clock.monotonic();
	}

	function refresh(): void {
		if (reading !== null || clock.monotonic() - readAt < FRESH_MS) return;
		reading = readAll()
			.catch((error: unknown) => log.warn('task-log.settings', { reason: String(error) }))
			.finally(() => {
				reading = null;
			});
	}

	async function view(profile: ProfileId): Promise<TaskLogView> {
		const given = await own(profile);
		take(profile, given);
		return {
			settings: { ...DEFAULT_TASK_LOG, ...given },
			own: (Object.keys(given) as (keyof TaskLogSettings)[]).sort(),
		};
	}

	await readAll();
	return {
		history: {
			...store.history,
			async apply(ops) {
				refresh();
				if (intakes.size === 0) return store.history.apply(ops);
				const taken = ops.map((op) => byIntake(op, intakes.get(op.profile)));
				if (!taken.includes(null)) return store.history.apply(taken as readonly HistoryOp[]);
				const facts = await store.history.apply(taken.filter((op) => op !== null));
				// One answer for each of the facts that were given, also where one was left out.
				let at = 0;
				return taken.map((op) => (op === null ? null : (facts[at++] ?? null)));
			},
		},
		view,
		async set(profile, change) {
			const next = change === null ? {} : { ...(await own(profile)), ...change };
			const note = { key: KEY, at: clock.now(), body: JSON.stringify(next) };
			await store.watching.put(profile, KIND, [note], 1);
			return view(profile);
		},
	};
}

/** A fact as it is written; null: not at all. Only what others told is ever left out: what Warren runs must be known to be acknowledged. */
function byIntake(op: HistoryOp, intake: Intake | undefined): HistoryOp | null {
	if (intake === undefined) return op;
	if (!intake.enabled && op.kind === 'observed') return null;
	return intake.truncate ? truncateOp(op) : op;
}
