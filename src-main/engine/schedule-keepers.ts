/** Who runs the schedules that Warren runs: one keeper per book and process, of which one at a time works, whichever process it is in. */
import { randomUUID } from 'node:crypto';
import type { ProfileId } from '#main/domain/ids.ts';
import { idOfMessage } from '#main/domain/message.ts';
import type { Profile } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { BookKind } from '#main/domain/schedule.ts';
import { createScheduleKeeper, type ScheduleKeeper } from '#main/scheduler/keeper.ts';
import { AHEAD_MS } from '#main/scheduler/roster.ts';
import { type Core, target } from './core.ts';
import { publishSchedule } from './schedule-run.ts';
import { type Keepers, runnerName } from './schedule-runners.ts';

interface Live {
	readonly made: string;
	readonly keepers: ReadonlyMap<BookKind, ScheduleKeeper>;
	readonly stack: AsyncDisposableStack;
}

/** After profiles could not be read, when to read them again. */
const AGAIN_MS = 5_000;
/** How much of a queue is looked at for one message. */
const LOOK = { limit: 500, deadlineMs: 5_000 };

/** Keeps the keepers of one engine. In a window or a served console every profile is run; elsewhere those that `start` named. */
export function createKeepers(core: Core): Keepers {
	const { profiles, ports, schedules } = core;
	const everybody = ports.host === 'shell' || ports.host === 'serve';
	const wanted = new Set<ProfileId>();
	const live = new Map<ProfileId, Live>();
	const listeners = new Map<ProfileId, Set<() => void>>();
	const ending = new AbortController();
	/** Refreshes come one after another: two at once would make two keepers for one book. */
	let work: Promise<void> = Promise.resolve();
	let again: Disposable | null = null;

	function tell(id: ProfileId): void {
		for (const listener of listeners.get(id) ?? []) listener();
	}

	function make(profile: Profile): Live {
		const stack = new AsyncDisposableStack();
		const keepers = new Map<BookKind, ScheduleKeeper>();
		// The books stay open until their keepers have ended, also when an edit has given the profile others.
		const held = stack.use(schedules.books.hold(profile));
		for (const { book, ledger, follower } of held.value) {
			if (ledger === null) continue;
			// Whoever runs schedules is there all the time: its home keeps a longer memory of runs than the book does.
			if (follower !== null) stack.use(follower.follow());
			const keeper = stack.use(
				createScheduleKeeper({
					book,
					ledger,
					kind: book.kind,
					profile: profile.id,
					// Keys are unique by themselves; the name only keeps the books of a home apart.
					identity: book.kind === 'local' ? `local:${profile.id}` : `shared:${profile.books?.shared?.prefix ?? ''}`,
					holder: `${runnerName()}:${randomUUID().slice(0, 8)}`,
					publish: (definition, { messageId }) => publishSchedule(core, profile, definition, messageId, ending.signal),
					aheadMs: book.kind === 'local' ? AHEAD_MS : 0,
					proven: (messageId) => wasSent(core, profile, book.kind, messageId),
					...(book.kind === 'local' ? { writeRan: (notes) => writeRan(core, profile.id, notes) } : {}),
					clock: ports.clock,
					log: ports.log,
				}),
			);
			keepers.set(book.kind, keeper);
			stack.use(keeper.onChange(() => tell(profile.id)));
		}
		return { made: madeOf(profile), keepers, stack };
	}

	async function end(id: ProfileId): Promise<void> {
		const entry = live.get(id);
		live.delete(id);
		await entry?.stack.disposeAsync();
	}

	async function look(): Promise<void> {
		const list = await profiles.list();
		const known = new Set(list.map((profile) => profile.id));
		for (const id of [...live.keys()]) if (!known.has(id)) await end(id);
		for (const profile of list) {
			if (ending.signal.aborted) return;
			// A schedule that fires changes the deployment: on a read-only profile nothing of this console does.
			const due = (everybody || wanted.has(profile.id)) && !profile.readOnly;
			const entry = live.get(profile.id);
			if (entry !== undefined && (!due || entry.made !== madeOf(profile))) await end(profile.id);
			if (due && !live.has(profile.id)) live.set(profile.id, make(profile));
		}
	}

	function refresh(): Promise<void> {
		work = work.then(look).catch((error: unknown) => {
			// The store's readers crash and come back.
			ports.log.error('schedules.keepers-failed', { reason: String(error) });
			again?.[Symbol.dispose]();
			if (!ending.signal.aborted) again = ports.clock.after(AGAIN_MS, () => void refresh());
		});
		return work;
	}

	const watches = new DisposableStack();
	watches.use(profiles.onChange(() => void refresh()));
	watches.use(
		core.deployments.onConnection((id) => {
			if (core.deployments.connection(id).kind !== 'connected') return;
			for (const keeper of live.get(id)?.keepers.values() ?? []) keeper.nudge();
		}),
	);
	if (everybody) void refresh();

	return {
		start(profile) {
			wanted.add(profile.id);
			void refresh();
		},
		runner(id, kind) {
			const view = live.get(id)?.keepers.get(kind)?.view();
			return view === undefined ? null : { here: view.here, holder: view.holder, note: view.note };
		},
		async stop(id) {
			work = work.then(() => end(id));
			await work;
		},
		refresh,
		onChange(id, listener) {
			const some = listeners.get(id) ?? new Set();
			listeners.set(id, some);
			some.add(listener);
			return { [Symbol.dispose]: () => void some.delete(listener) };
		},
		async [Symbol.asyncDispose]() {
			watches.dispose();
			await work;
			again?.[Symbol.dispose]();
			// What is being published settles first; only then is nothing more to be published.
			for (const id of [...live.keys()]) await end(id);
			ending.abort();
		},
	};
}

function madeOf(profile: Profile): string {
	return JSON.stringify([profile.updatedAt, profile.readOnly]);
}

/** Writes last and next runs to the entries, where lists show them. */
async function writeRan(
	core: Core,
	profile: ProfileId,
	notes: readonly { readonly key: string; readonly lastRunAt: number | null; readonly nextRunAt: number | null }[],
): Promise<void> {
	await core.store.schedules.commit(
		profile,
		notes.map((note) => ({ kind: 'ran', book: 'local', ...note })),
	);
}

/**
 * Whether a message was handed to the broker. A message is recorded in history before it is published, so in the local book, which
 * only processes of this home run, one that history does not know was surely never sent. A queue is looked into only where a look
 * loses nothing.
 */
async function wasSent(
	core: Core,
	profile: Profile,
	kind: BookKind,
	messageId: string,
): Promise<Result<boolean | null>> {
	const { history } = core.store;
	const task = await history.taskOfMessage(profile.id, messageId);
	if (task === null) return ok(kind === 'local' ? false : null);
	const detail = await history.detail(profile.id, task);
	const attempt = detail?.history.find((one) => one.messageId === messageId);
	if (attempt === undefined) return ok(kind === 'local' ? false : null);
	if (attempt.state !== 'queued') return ok(true);
	if (attempt.queue === null) return ok(null);
	const { driver } = target(core, profile);
	const ready = await driver.ready(LOOK.deadlineMs);
	if (!ready.ok) return ready;
	const cost = await driver.lookCost(attempt.queue);
	if (!cost.ok) return cost;
	if (cost.value.kind === 'risky') return ok(null);
	const seen = await driver.look(attempt.queue, LOOK);
	if (!seen.ok) return seen;
	return ok(seen.value.messages.some((message) => idOfMessage(message.properties) === messageId) ? true : null);
}
