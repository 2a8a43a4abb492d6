/** Handlers of the routes about what dead workers and askers left behind. */
import { chooseOrphans, giveBack, unackedDoor } from '#main/actions/orphans.ts';
import type { ActionItem, ActionOutcome } from '#main/domain/action.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { type Core, targetOf } from '../core.ts';
import type { OrphanSource } from '../orphan-source.ts';

type Name = 'queue.orphans' | 'queue.rescue' | 'queue.replies' | 'queue.clean';

const READY_MS = 10_000;
const BATCH = 100;
const LISTED = 1_000;
const MINUTE_MS = 60_000;

/** What a change is about: some by name, or all. */
interface Asked {
	readonly ids?: readonly string[] | undefined;
	readonly all?: boolean | undefined;
}

export function orphanHandlers(core: Core, source: OrphanSource): Pick<CallHandlers, Name> {
	/** The door of a profile whose broker answers. */
	async function readyDoor(name: string) {
		const target = await targetOf(core, name);
		if (!target.ok) return target;
		const door = unackedDoor(target.value);
		if (!door.ok) return door;
		const ready = await target.value.driver.ready(READY_MS);
		return ready.ok ? ok({ target: target.value, door: door.value }) : ready;
	}

	return {
		'queue.orphans': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const look = await source.look(target.value, context.signal, false);
			if (!look.ok) return look;
			const { queue } = input;
			const items = look.value.orphans.filter((one) => queue === undefined || one.queues.includes(queue));
			return ok({
				items: items.slice(0, input.limit),
				total: items.length,
				rescuable: items.filter((one) => one.certainty !== 'unsure').length,
				held: look.value.total,
				complete: look.value.complete,
				askedAt: look.value.askedAt,
			});
		},
		'queue.rescue': async (input, context) => {
			const named = namesSome(input, 'message', 'queue orphans');
			if (!named.ok) return named;
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const look = await source.look(target.value, context.signal, true);
			if (!look.ok) return look;
			const { orphans, held, complete } = look.value;
			const choice = { ids: input.ids ?? [], all: input.all === true, queue: input.queue ?? null };
			const { chosen, skipped } = chooseOrphans(orphans, held, choice);
			if (input.dryRun === true) {
				const items = chosen.map(({ id, tag }) => itemOf(id ?? tag));
				return ok({ ...foreseen('rescue', items, skipped), complete });
			}
			const total = chosen.length + skipped.length;
			const title = 'Give back what dead workers held';
			const running = core.actions.begin('rescue', target.value.profile.id, title, total, context.signal);
			running.record(skipped);
			const done = chosen.length === 0 ? ok(undefined) : await giveBack(target.value, chosen, running);
			const outcome = running.finish();
			return done.ok ? ok({ ...outcome, complete }) : done;
		},
		'queue.replies': async (input) => {
			const found = await readyDoor(input.profile);
			if (!found.ok) return found;
			const lists = await found.value.door.replyLists({ idleMs: input.idleMinutes * MINUTE_MS });
			if (!lists.ok) return lists;
			const items = lists.value.items.toSorted((a, b) => b.idleMs - a.idleMs);
			return ok({ items, total: items.length, complete: lists.value.complete });
		},
		'queue.clean': async (input, context) => {
			const named = namesSome(input, 'list', 'queue replies');
			if (!named.ok) return named;
			const found = await readyDoor(input.profile);
			if (!found.ok) return found;
			const { target, door } = found.value;
			const idleMs = input.idleMinutes * MINUTE_MS;
			const lists = await door.replyLists({ idleMs });
			if (!lists.ok) return lists;
			const there = new Set(lists.value.items.map((one) => one.queue));
			const wanted = input.all === true ? there : new Set(input.ids);
			const chosen = [...wanted].filter((queue) => there.has(queue));
			const skipped = [...wanted]
				.filter((queue) => !there.has(queue))
				.map((id) =>
					itemOf(id, 'skipped', `is no list of answers that nobody touched for ${input.idleMinutes} minutes`),
				);
			if (input.dryRun === true)
				return ok(
					foreseen(
						'clean',
						chosen.map((queue) => itemOf(queue)),
						skipped,
					),
				);
			const title = 'Remove answers that nobody fetched';
			const total = chosen.length + skipped.length;
			const running = core.actions.begin('clean', target.profile.id, title, total, context.signal);
			running.record(skipped);
			const removed: string[] = [];
			for (let at = 0; at < chosen.length && !running.signal.aborted; at += BATCH) {
				const batch = chosen.slice(at, at + BATCH);
				const swept = await door.removeReplyLists(batch, idleMs);
				if (!swept.ok) {
					running.record(batch.map((queue) => itemOf(queue, 'failed', swept.error.message)));
					break;
				}
				removed.push(...swept.value);
				const gone = new Set(swept.value);
				const used = 'was used or fetched meanwhile';
				running.record(batch.map((queue) => (gone.has(queue) ? itemOf(queue) : itemOf(queue, 'skipped', used))));
			}
			if (removed.length > 0) {
				await target.records.journal({
					at: target.now(),
					profile: target.profile.id,
					action: 'queue.clean',
					title: `Removed ${removed.length === 1 ? '1 list' : `${removed.length} lists`} of answers that nobody fetched`,
					before: JSON.stringify({ lists: removed }),
				});
			}
			return ok(running.finish());
		},
	};
}

function namesSome({ ids, all }: Asked, what: string, route: string): Result<void> {
	const some = (ids?.length ?? 0) > 0;
	if (some && all === true) return fail('invalid-input', `Name each ${what}, or say --all; not both.`);
	if (some || all === true) return ok(undefined);
	return fail('invalid-input', `Name each ${what}, as "${route}" shows it, or say --all.`);
}

function itemOf(id: string, outcome: ActionItem['outcome'] = 'done', reason: string | null = null): ActionItem {
	return { id, outcome, reason, messageId: null };
}

function foreseen(
	action: ActionOutcome['action'],
	items: readonly ActionItem[],
	skipped: readonly ActionItem[],
): ActionOutcome {
	return {
		action,
		done: items.length,
		failed: 0,
		skipped: skipped.length,
		cancelled: false,
		dryRun: true,
		items: [...items, ...skipped].slice(0, LISTED),
	};
}
