/** Handlers of the routes about waiting messages and about taking changes back. */
import { actLease, LEASE_MS } from '#main/actions/act-lease.ts';
import type { ActionTarget } from '#main/actions/deployment.ts';
import { undo } from '#main/actions/undo.ts';
import { undoOutlook } from '#main/actions/undo-outlook.ts';
import { edit, messages, move, removal, replay } from '#main/actions/waiting.ts';
import type { JournalRow } from '#main/domain/journal.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { WaitingOutcome, WaitingSelection } from '#main/domain/waiting.ts';
import type { UndoRow } from '#main/ipc/contract/waiting.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { type Core, targetOf } from '../core.ts';
import { type Asked, carryOut, depthOf, foreseen } from '../waiting-acts.ts';
import { readArguments } from './task.ts';

type Name =
	| 'message.review'
	| 'message.delete'
	| 'message.edit'
	| 'queue.purge'
	| 'queue.move'
	| 'queue.replay'
	| 'undo.list'
	| 'undo.apply'
	| 'audit.verify';

/** A process that was killed takes its lease along, but not at once. */
const UNDER_WAY = `is under way: cancel it, or wait until it is over. If its process was killed, it is called interrupted ${LEASE_MS / 1_000} seconds after that, and can be taken back then.`;

export function waitingHandlers(core: Core): Pick<CallHandlers, Name> {
	const { journal, leases, records } = core.store;
	const { waitingReviews } = core;

	return {
		'message.review': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			return waitingReviews.freeze(
				target.value,
				input.action,
				input.queue,
				input,
				context.signal,
				depthOf(target.value, input.scan),
			);
		},
		'message.delete': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			if (input.review === undefined && !names(input)) return unnamed();
			return carryOut(core, target.value, 'remove', input, context, (chosen) => removal(chosen, 'remove'));
		},
		'message.edit': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const { profile } = target.value;
			const given =
				input.args === undefined && input.kwargs === undefined
					? ok(undefined)
					: readArguments(profile, input.args ?? '', input.kwargs ?? '{}');
			if (!given.ok) return given;
			if (given.value === undefined && input.priority === undefined && input.toQueue === undefined) {
				return fail('invalid-input', 'Say what is to change: args, kwargs, priority or the queue.');
			}
			const asked = { queue: input.queue, ids: [input.id], scan: input.scan };
			const review = await waitingReviews.freeze(
				target.value,
				'edit',
				input.queue,
				asked,
				context.signal,
				depthOf(target.value, input.scan),
			);
			if (!review.ok) return review;
			if (review.value.count === 0) {
				return fail('not-found', `No message "${input.id}" waits in ${input.queue}: a worker may have taken it.`);
			}
			if (review.value.count > 1) {
				const which = review.value.sample.map((one) => one.print).join(', ');
				return fail('conflict', `${messages(review.value.count)} have this id. Name one by its print: ${which}.`);
			}
			if (input.dryRun === true) return ok(foreseen(review.value));
			const wanted = { given: given.value, priority: input.priority, toQueue: input.toQueue };
			return carryOut(core, target.value, 'edit', { ...asked, review: review.value.token }, context, (chosen) =>
				edit(target.value, chosen, wanted),
			);
		},
		'queue.purge': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			if (input.withoutUndo === true) return purgeAtOnce(target.value, input);
			return carryOut(core, target.value, 'purge', input, context, (chosen) => removal(chosen, 'purge'));
		},
		'queue.move': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			if (input.to === input.queue) return fail('invalid-input', 'They are in that queue already.');
			const there = await target.value.driver.queues([input.to]);
			if (!there.ok) return there;
			if (there.value[0]?.exists !== true) {
				return fail('not-found', `There is no queue "${input.to}". Nothing was moved.`);
			}
			return carryOut(core, target.value, 'move', input, context, (chosen) => move(chosen, input.to));
		},
		'queue.replay': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const options = { straight: input.straight === true, keepDeaths: input.keepDeaths === true };
			return carryOut(core, target.value, 'replay', input, context, (chosen) => replay(chosen, options));
		},
		'undo.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const rows = await journal.list(profile.value.id, input.limit);
			const items = await Promise.all(rows.map((row) => undoRow(row)));
			return ok({ items, total: items.length });
		},
		'undo.apply': async (input, context) => {
			const target = await targetOf(core, input.profile);
			if (!target.ok) return target;
			const row = await journal.get(target.value.profile.id, input.id);
			if (row === null)
				return fail('not-found', `There is no change ${input.id} here. "undo list" shows what there is.`);
			const outlook = undoOutlook(row);
			if (input.dryRun === true) {
				const none = { failed: 0, skipped: 0, cancelled: false, dryRun: true, items: [], undo: null };
				return ok({ action: 'undo', done: outlook.able ? outlook.count : 0, ...none, words: outlook.words });
			}
			if (row.state === 'open' && (await leases.holder(actLease(row.id))) !== null) {
				return fail('busy', `Change ${row.id} ${UNDER_WAY}`);
			}
			const title = `Take back: ${row.title}`;
			const running = core.actions.begin('undo', target.value.profile.id, title, outlook.count, context.signal);
			const done = await undo(target.value, row, { uncertain: input.uncertain === true }, running);
			const outcome = running.finish();
			if (!done.ok) return done;
			return ok({ ...outcome, cancelled: context.signal.aborted, undo: null, words: endWords(done.value) });
		},
		'audit.verify': async () => ok(await records.verifyAudit()),
	};

	async function undoRow(row: JournalRow): Promise<UndoRow> {
		const { before: _before, state, ...rest } = row;
		const { able, words } = undoOutlook(row);
		if (state !== 'open') return { ...rest, state, able, words };
		const running = (await leases.holder(actLease(row.id))) !== null;
		if (running) return { ...rest, state: 'running', able: false, words: UNDER_WAY };
		return { ...rest, state: 'interrupted', able, words: `Warren was ended in the middle of it. ${words}` };
	}

	async function purgeAtOnce(target: ActionTarget, input: Asked): Promise<Result<WaitingOutcome>> {
		if (
			input.where !== undefined ||
			input.name !== undefined ||
			input.group !== undefined ||
			input.prints !== undefined
		) {
			return fail('invalid-input', 'Without an undo the broker empties the whole queue; it cannot choose.');
		}
		const empty = { failed: 0, skipped: 0, cancelled: false, items: [], undo: null } as const;
		if (input.dryRun === true) {
			const figures = await target.driver.queues([input.queue]);
			if (!figures.ok) return figures;
			return ok({ action: 'purge', done: figures.value[0]?.ready ?? 0, dryRun: true, ...empty });
		}
		const cleared = await target.driver.clear(input.queue);
		if (!cleared.ok) return cleared;
		return ok({ action: 'purge', done: cleared.value, dryRun: false, ...empty });
	}
}

function names(input: WaitingSelection): boolean {
	const { prints, ids, where, name, group } = input;
	return [prints, ids, where, name, group].some((given) => (given?.length ?? 0) > 0);
}

function unnamed(): Result<never> {
	return fail(
		'invalid-input',
		'Name the messages: by id, by task (--name) or with a query (--where). "queue purge" takes all.',
	);
}

function endWords(state: JournalRow['state']): string {
	return state === 'undone'
		? 'It was taken back.'
		: 'It was taken back as far as that could be; the items say what could not.';
}
