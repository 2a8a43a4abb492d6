/** `site requeue` and `site delete`: what would be done is read and shown first, confirmed where it matters, then done to those rows. */
import { EXIT } from '#main/ipc/codes.ts';
import type { SiteOutcome } from '#main/ipc/contract/site.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { showProgress } from './change-tasks.ts';
import { consentTo } from './confirm.ts';
import type { Session } from './session.ts';
import { counted, harmless, oneLine } from './text.ts';
import { jsonOf, textOf } from './views.ts';

/** Runs it; exit code 1 when something failed. */
export async function changeSite(
	session: Session,
	action: 'requeue' | 'delete',
	given: Readonly<Record<string, unknown>>,
): Promise<number> {
	const route = `site.${action}` as const;
	const profile = await session.profile();
	const input = { ...given, profile } as CallerInput<typeof route>;
	const print = (outcome: SiteOutcome) => {
		if (session.globals.json) session.json(jsonOf(route, outcome));
		else session.say(textOf(route, outcome, session.style));
	};
	const view = await session.call('profile.show', { name: profile });
	// A read-only profile refuses whatever is answered, so nobody is asked for nothing.
	if (view.profile.readOnly && input.dryRun !== true) {
		print(await session.call(route, input));
		return EXIT.done;
	}
	const confirmed = session.globals.confirm ?? (action === 'delete' ? view.profile.name : undefined);
	const foreseen = await session.call(route, { ...input, dryRun: true }, confirmed);
	if (input.dryRun === true) {
		print(foreseen);
		return EXIT.done;
	}
	const { review } = foreseen;
	if (review === null) throw new Error('A dry run has no review.');
	for (const { reason, count } of review.skipped)
		session.note(`${counted(count, 'row')} left out: ${oneLine(reason)}.`);
	for (const warning of review.warnings) session.note(harmless(warning));
	const verb = action === 'requeue' ? 'requeues' : 'deletes';
	const words = `This ${verb} ${counted(review.ids.length, 'row')} of the site of ${harmless(view.profile.name)}.`;
	const asks = (action === 'delete' || review.ids.length > 1) && review.ids.length > 0;
	const consent = asks ? await consentTo(session, view, words, action === 'delete') : {};
	if (review.ids.length === 0) {
		print({ ...foreseen, dryRun: false, review: null });
		return EXIT.done;
	}
	using _progress = await showProgress(session, view.profile.id, review.ids.length);
	const { all: _all, search: _search, ...rest } = input;
	const confirm = consent.confirm ?? session.globals.confirm;
	const outcome = await session.call(route, { ...rest, ids: [...review.ids] }, confirm);
	print(outcome);
	return outcome.failed > 0 || outcome.cancelled ? EXIT.failed : EXIT.done;
}
