/** What dead workers left behind: who is judged to be nobody's, and giving it back, one by one and exactly once. */
import { type HeldMessage, orphansAmong, taskIdOf, type UnackedDoor } from '#main/brokers/unacked.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import type { ActionItem } from '#main/domain/action.ts';
import type { Orphan } from '#main/domain/orphan.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { actLease, holdWhile } from './act-lease.ts';
import type { ActionTarget } from './deployment.ts';
import type { RunningAction } from './progress.ts';

/** A worker may have taken a message after it was asked; clocks differ. In ms. */
const GRACE_MS = 5_000;
const BATCH = 50;

/** What the workers say, or why nobody can tell. */
export interface Testimony {
	/** Ids of tasks that some worker named. */
	readonly claimed: ReadonlySet<string>;
	/** Names of tasks that some worker runs by a rate: those that wait for their turn are in no answer. */
	readonly limited: ReadonlySet<string>;
	/** Who should have answered, and did not. */
	readonly silent: readonly string[];
	/** When they were asked, epoch ms. */
	readonly at: number;
}

/** The door of a profile's broker to what is handed out; `unsupported` where that lies in nobody's reach. */
export function unackedDoor({ profile, driver }: Pick<ActionTarget, 'profile' | 'driver'>): Result<UnackedDoor> {
	if (driver.unacked !== undefined) return ok(driver.unacked);
	return fail(
		'unsupported',
		`Only on Redis does a dead worker leave messages behind, so there is nothing to look for in "${profile.name}". Other brokers give them back by themselves.`,
	);
}

/** What nobody is known to hold, longest held first. A text instead of a testimony says why workers could not be asked. */
export function judgeOrphans(
	profile: Profile,
	held: readonly HeldMessage[],
	testimony: Testimony | string,
	now: number,
): readonly Orphan[] {
	const told = typeof testimony !== 'string';
	const claimed = told ? testimony.claimed : new Set<string>();
	const unclaimed = orphansAmong(held, { claimed, now: told ? testimony.at : now, graceMs: GRACE_MS });
	const dialect = messageDialect(profile);
	const orphans = unclaimed.map((one): Orphan => {
		const read = one.message === null ? null : dialect.read(one.message);
		const task = read?.kind === 'task' ? read.task.name : null;
		const judged = judgementOf(one, task, testimony);
		return {
			tag: one.tag,
			id: one.message === null ? null : taskIdOf(one.message),
			task,
			queues: one.queues,
			takenAt: one.takenAt,
			heldMs: one.takenAt === null ? null : Math.max(0, now - one.takenAt),
			bytes: one.size,
			redelivered: one.message?.redelivered ?? false,
			holder: one.warren === null ? 'worker' : 'consumer',
			...judged,
		};
	});
	return orphans.sort((a, b) => (a.takenAt ?? 0) - (b.takenAt ?? 0));
}

function judgementOf(
	{ warren, queues }: HeldMessage,
	task: string | null,
	testimony: Testimony | string,
): Pick<Orphan, 'certainty' | 'reason'> {
	const unsure = (reason: string) => ({ certainty: 'unsure', reason }) as const;
	if (queues.length === 0)
		return unsure('No queue is bound to its exchange any more, so it has nowhere to go back to.');
	if (warren !== null) return { certainty: 'sure', reason: 'The consumer of Warren’s that took it lives no more.' };
	if (typeof testimony === 'string') return unsure(testimony);
	const { silent, limited } = testimony;
	if (silent.length > 0) {
		const who = silent.slice(0, 3).join(', ');
		return unsure(`Not every worker answered, so one of them may hold it: ${who}${silent.length > 3 ? ', …' : ''}.`);
	}
	if (task === null) return unsure('Its message cannot be read here, so nobody can say whose it is.');
	if (limited.has(task)) {
		return unsure(
			'A worker that is alive runs this task by a rate limit, and what waits for its turn there is in no answer.',
		);
	}
	return { certainty: 'likely', reason: 'Every worker was asked and answered, and none of them holds it.' };
}

/** Which orphans are meant: by ids of tasks or tags, or all; only of one queue, if that is given. */
export interface OrphanChoice {
	readonly ids: readonly string[];
	readonly all: boolean;
	readonly queue: string | null;
}

/** Those that are to be given back, and what is left out with the reason. `held`: whatever is held, by task or tag. */
export function chooseOrphans(
	orphans: readonly Orphan[],
	held: ReadonlySet<string>,
	{ ids, all, queue }: OrphanChoice,
): { readonly chosen: readonly Orphan[]; readonly skipped: readonly ActionItem[] } {
	const named = new Set(ids);
	const found = new Set<string>();
	const skipped: ActionItem[] = [];
	const skip = (id: string, reason: string) => skipped.push({ id, outcome: 'skipped', reason, messageId: null });
	const chosen: Orphan[] = [];
	for (const one of orphans) {
		const meant = [one.tag, ...(one.id === null ? [] : [one.id])].filter((name) => named.has(name));
		for (const name of meant) found.add(name);
		if (!all && meant.length === 0) continue;
		if (queue !== null && !one.queues.includes(queue)) {
			if (meant.length > 0) skip(one.id ?? one.tag, `is not of ${queue}`);
		} else if (one.certainty === 'unsure') skip(one.id ?? one.tag, one.reason);
		else chosen.push(one);
	}
	for (const id of named) {
		if (found.has(id)) continue;
		skip(id, held.has(id) ? 'is held by a worker or consumer that is alive' : 'is not held: it ran, or went back');
	}
	return { chosen, skipped };
}

/** Gives them back to the front of their queues. Each is written down before; what somebody took anew meanwhile is left alone. */
export async function giveBack(
	target: ActionTarget,
	chosen: readonly Orphan[],
	action: RunningAction,
): Promise<Result<void>> {
	const door = unackedDoor(target);
	if (!door.ok) return door;
	const count = (n: number) => (n === 1 ? '1 message' : `${n} messages`);
	const entry = await target.journal.begin(
		{
			at: target.now(),
			profile: target.profile.id,
			action: 'queue.rescue',
			title: `Give ${count(chosen.length)} of dead workers back`,
			before: JSON.stringify({ ids: chosen.map(({ id, tag }) => id ?? tag) }),
		},
		null,
	);
	await using _lease = await holdWhile(target.leases, actLease(entry));
	const back: string[] = [];
	for (let at = 0; at < chosen.length && !action.signal.aborted; at += BATCH) {
		const batch = chosen.slice(at, at + BATCH);
		const seen = new Map(batch.map(({ tag, takenAt }) => [tag, takenAt]));
		const returned = await door.value.returnToQueue([...seen.keys()], seen);
		const came = new Map(returned.ok ? returned.value.map((one) => [one.tag, one]) : []);
		const items = batch.map(({ tag, id }): ActionItem => {
			const one = came.get(tag);
			const item = { id: id ?? tag, messageId: null };
			if (one?.outcome === 'returned') {
				back.push(item.id);
				return { ...item, outcome: 'done', reason: null };
			}
			if (one?.outcome === 'gone')
				return { ...item, outcome: 'skipped', reason: 'went back or was finished meanwhile' };
			if (one !== undefined) return { ...item, outcome: 'skipped', reason: one.words };
			const why = returned.ok ? 'The broker stopped answering.' : returned.error.message;
			return { ...item, outcome: 'failed', reason: `${why} It is still held or went back: list again.` };
		});
		action.record(items);
		if (came.size < batch.length) break;
	}
	await target.journal.close(entry, {
		state: 'done',
		title: back.length === 0 ? null : `Gave ${count(back.length)} of dead workers back`,
		before: JSON.stringify({ ids: back }),
	});
	return ok(undefined);
}
