/**
 * What waits, counted already: kept with the profile for as long as it says, so that every command and every console of the home goes by one
 * look at the broker. A change made through Warren, in whichever process, ends it; what others take and send shows once it is too old.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import { mayShowAgain, type QueuedCount } from '#main/domain/queued-tally.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { type CallName, contract } from '#main/ipc/contract.ts';
import type { CallContext, CallHandlers } from '#main/ipc/handlers.ts';
import type { WatchStore } from '#main/store/store.ts';
import type { TaskLog } from './task-log.ts';

const KEPT = 'queued-tally';
const CHANGED = 'queued-change';
/** Questions that are kept: all queues, and some single ones. */
const EACH = 8;
/** Longer answers are read every time. */
const MOST_CHARS = 500_000;

/** A count, when its look began (epoch ms), and its age where it was kept. */
export type DatedCount = QueuedCount & { readonly readAt: number; readonly ageMs: number | null };

export interface TallyQuestion {
	readonly profile: ProfileId;
	/** Null: all of them. */
	readonly queue: string | null;
	/** Read anew, whatever is kept; and then kept. */
	readonly fresh: boolean;
}

export interface KeptTallies {
	/** What is kept, where it may still be shown, else a new look. */
	count(question: TallyQuestion, look: () => Promise<Result<QueuedCount>>): Promise<Result<DatedCount>>;
	/** Something was changed: what was read before, or is being read, is shown to nobody else. */
	changed(profile: ProfileId): Promise<void>;
}

/** Keeps them in a store, as long as each profile's settings say. */
export function createKeptTallies(
	watching: WatchStore,
	settings: Pick<TaskLog, 'view'>,
	clock: Pick<Clock, 'now'>,
): KeptTallies {
	const maxAgeOf = async (profile: ProfileId) => (await settings.view(profile)).settings.queuedCacheSeconds * 1_000;

	return {
		async count({ profile, queue, fresh }, look) {
			const maxAgeMs = await maxAgeOf(profile);
			const key = queue === null ? 'all' : `queue:${queue}`;
			if (maxAgeMs > 0 && !fresh) {
				const note = (await watching.list(profile, KEPT, EACH)).find((one) => one.key === key);
				const [change] = await watching.list(profile, CHANGED, 1);
				const now = clock.now();
				if (note !== undefined && mayShowAgain(note.at, change?.at ?? null, now, maxAgeMs)) {
					return ok({ ...JSON.parse(note.body), readAt: note.at, ageMs: Math.trunc(now) - note.at });
				}
			}
			const readAt = Math.trunc(clock.now());
			const found = await look();
			if (!found.ok) return found;
			if (maxAgeMs > 0 && found.value.lookedAt !== null) {
				const body = JSON.stringify(found.value);
				if (body.length <= MOST_CHARS) await watching.put(profile, KEPT, [{ key, at: readAt, body }], EACH);
			}
			return ok({ ...found.value, readAt, ageMs: null });
		},
		async changed(profile) {
			if ((await maxAgeOf(profile)) === 0) return;
			await watching.put(profile, CHANGED, [{ key: 'last', at: clock.now(), body: '{}' }], 1);
		},
	};
}

type AnyHandler = (input: { readonly profile: string }, context: CallContext) => Promise<Result<unknown>>;

/**
 * The same handlers, of which each command about a deployment says `changed` when it ends, however it ends. All of them, since a list of
 * those that touch what waits would be one to forget; a look too many is cheap.
 */
export function tellingChanges(
	calls: CallHandlers,
	changed: (profile: string) => Promise<void>,
	log: Pick<Log, 'warn'>,
): CallHandlers {
	const told = Object.entries(calls).map(([name, handler]) => {
		const route = contract[name as CallName];
		if (route.kind !== 'command' || route.scope !== 'deployment') return [name, handler];
		const telling: AnyHandler = async (input, context) => {
			try {
				return await (handler as AnyHandler)(input, context);
			} finally {
				// What was done stays done, and its answer too.
				await changed(input.profile).catch((error: unknown) => log.warn('queued-tally', { reason: String(error) }));
			}
		};
		return [name, telling];
	});
	return Object.fromEntries(told) as CallHandlers;
}
