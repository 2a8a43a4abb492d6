/** Changes of waiting messages: reviewed first, confirmed where it matters, then done to exactly what was reviewed. */
import type { WaitingReview } from '#main/domain/waiting.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { showProgress } from './change-tasks.ts';
import { consentTo } from './confirm.ts';
import type { Session } from './session.ts';
import { counted, harmless, oneLine } from './text.ts';
import { jsonOf, textOf } from './views.ts';

export type WaitingRoute = 'message.delete' | 'queue.purge' | 'queue.move' | 'queue.replay';

const ACTIONS = {
	'message.delete': { action: 'remove', words: 'This deletes', destroys: true },
	'queue.purge': { action: 'purge', words: 'This purges', destroys: true },
	'queue.move': { action: 'move', words: 'This moves', destroys: false },
	'queue.replay': { action: 'replay', words: 'This replays', destroys: false },
} as const;

/** Runs it; exit code 1 when something failed. */
export async function changeWaiting(
	session: Session,
	route: WaitingRoute,
	given: Readonly<Record<string, unknown>>,
): Promise<number> {
	const { action, words, destroys } = ACTIONS[route];
	const profile = await session.profile();
	const input = { ...given, profile } as unknown as CallerInput<'queue.move'>;
	if (input.dryRun === true) {
		const outcome = await session.call(route, input);
		print(session, route, outcome);
		return EXIT.done;
	}
	const view = await session.call('profile.show', { name: profile });
	const { queue, prints, where, name, ids, scan, ...rest } = input;
	if (given.withoutUndo === true) {
		const what = `This empties ${oneLine(queue)} at once. Nothing is kept: it cannot be taken back.`;
		const consent = view.profile.readOnly ? {} : await consentTo(session, view, what, true);
		print(session, route, await session.call(route, input, consent.confirm ?? session.globals.confirm));
		return EXIT.done;
	}
	const chosen = { profile, queue, action, ...defined({ prints, where, name, ids, scan }) };
	const review = await session.call('message.review', chosen as CallerInput<'message.review'>);
	tell(session, review);
	const what = `${words} ${counted(review.count, 'message')} of ${oneLine(queue)} (${harmless(view.profile.name)}).`;
	const asks = (destroys || review.count > 1) && review.count > 0 && !view.profile.readOnly;
	const consent = asks ? await consentTo(session, view, what, destroys) : {};
	using _progress = await showProgress(session, view.profile.id, review.count);
	const outcome = await session.call(
		route,
		{ ...rest, profile, queue, review: review.token },
		consent.confirm ?? session.globals.confirm,
	);
	print(session, route, outcome);
	return outcome.failed > 0 || outcome.cancelled ? EXIT.failed : EXIT.done;
}

/** What a review found, for whoever is asked next. */
function tell(session: Session, review: WaitingReview): void {
	const lines: string[] = [];
	if (session.io.interactive) {
		for (const one of review.sample.slice(0, 5)) {
			lines.push(`  ${oneLine(one.name ?? one.fault ?? 'unreadable')} ${one.id ?? one.print} ${oneLine(one.preview)}`);
		}
		const more = review.count - Math.min(5, review.sample.length);
		if (more > 0) lines.push(`  … and ${counted(more, 'more message')}`);
	}
	for (const { queue, exchange, routingKey, count } of review.origins) {
		const by = exchange === '' ? 'by the default exchange' : `through ${exchange} with the key ${routingKey}`;
		lines.push(`${counted(count, 'message')} to ${queue}, ${by}`);
	}
	for (const { reason, count } of review.skipped) lines.push(`${counted(count, 'message')} left out: ${reason}.`);
	lines.push(...review.warnings);
	if (review.cost.kind !== 'free') lines.push(review.cost.words);
	for (const line of lines) session.note(harmless(line));
}

function defined(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function print(session: Session, route: WaitingRoute, outcome: unknown): void {
	if (session.globals.json) session.json(jsonOf(route, outcome));
	else session.say(textOf(route, outcome, session.style));
}
