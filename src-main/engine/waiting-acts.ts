/** How a change of waiting messages is carried out, whichever it is: reviewed first, then done to exactly what was reviewed. */
import type { ActionTarget } from '#main/actions/deployment.ts';
import type { Chosen } from '#main/actions/waiting.ts';
import { changeWaiting, type WaitingChange } from '#main/actions/waiting-change.ts';
import { scanLimitOf } from '#main/actions/waiting-selection.ts';
import type { WaitingAction } from '#main/domain/action.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { WaitingOutcome, WaitingReview, WaitingSelection } from '#main/domain/waiting.ts';
import type { CallContext } from '#main/ipc/handlers.ts';
import type { Core } from './core.ts';

/** What a command was given: a review's token, or what to choose now. */
export interface Asked extends WaitingSelection {
	readonly queue: string;
	readonly review?: string | undefined;
	readonly dryRun?: boolean | undefined;
	readonly scan: number;
}

/** How far into a queue a review looks: as far as was asked, and through all of a list where looking costs nothing. */
export function depthOf(target: ActionTarget, scan: number): number {
	return target.driver.packets === undefined ? scan : scanLimitOf(target);
}

/** Reviews, unless that was done, and carries out; or only says what would be done. */
export async function carryOut(
	core: Core,
	target: ActionTarget,
	action: WaitingAction,
	asked: Asked,
	context: CallContext,
	make: (chosen: Chosen) => WaitingChange,
): Promise<Result<WaitingOutcome>> {
	let token = asked.review;
	if (token === undefined) {
		const review = await core.waitingReviews.freeze(
			target,
			action,
			asked.queue,
			asked,
			context.signal,
			depthOf(target, asked.scan),
		);
		if (!review.ok) return review;
		if (asked.dryRun === true) return ok(foreseen(review.value));
		token = review.value.token;
	}
	const chosen = core.waitingReviews.take(token, target.profile.id, action, asked.queue);
	if (!chosen.ok) return chosen;
	const change = make({ queue: asked.queue, ...chosen.value });
	const total = [...chosen.value.prints.values()].reduce((sum, n) => sum + n, 0);
	const running = core.actions.begin(action, target.profile.id, change.title(total), total, context.signal);
	const done = await changeWaiting(target, change, running);
	const outcome = running.finish();
	return done.ok ? ok({ ...outcome, undo: done.value }) : done;
}

/** What a review says would be done. */
export function foreseen(review: WaitingReview): WaitingOutcome {
	return {
		action: review.action,
		done: review.count,
		failed: 0,
		skipped: review.skipped.reduce((sum, one) => sum + one.count, 0),
		cancelled: false,
		dryRun: true,
		items: review.sample.map((one) => ({ id: one.id ?? one.print, outcome: 'done', reason: null, messageId: null })),
		undo: null,
	};
}
