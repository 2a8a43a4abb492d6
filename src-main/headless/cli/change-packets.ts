/** Changes of django-q's packets: reviewed first, asked about where they are several, then done to exactly what was reviewed. */
import { EXIT } from '#main/ipc/codes.ts';
import type { CallerInput, Output } from '#main/ipc/contract.ts';
import { showProgress } from './change-tasks.ts';
import { consentTo } from './confirm.ts';
import type { Session } from './session.ts';
import { counted, harmless, oneLine } from './text.ts';
import { jsonOf, textOf } from './views.ts';

export type PacketRoute = 'packet.next' | 'packet.hold' | 'packet.release';

const WORDS = {
	'packet.next': 'This has run next',
	'packet.hold': 'This holds back',
	'packet.release': 'This gives back',
} as const;

/** Runs it; exit code 1 when something failed. */
export async function changePackets(
	session: Session,
	route: PacketRoute,
	given: Readonly<Record<string, unknown>>,
): Promise<number> {
	const profile = await session.profile();
	const input = { ...given, profile } as unknown as CallerInput<'packet.release'>;
	if (input.dryRun === true || input.review !== undefined) {
		print(session, route, await session.call(route, input));
		return EXIT.done;
	}
	const view = await session.call('profile.show', { name: profile });
	const review = await session.call(route, { ...input, dryRun: true });
	if (review.skipped > 0) session.note(`${counted(review.skipped, 'packet')} left out: not there, or not any more.`);
	const what = `${WORDS[route]} ${counted(review.done, 'packet')} of ${oneLine(review.from)} (${harmless(view.profile.name)}).`;
	const consent = review.done > 1 && !view.profile.readOnly ? await consentTo(session, view, what, false) : {};
	using _progress = await showProgress(session, view.profile.id, review.done);
	const outcome = await session.call(
		route,
		{
			profile,
			queue: review.from,
			...(input.first === undefined ? {} : { first: input.first }),
			...(review.review === null ? {} : { review: review.review }),
		},
		consent.confirm ?? session.globals.confirm,
	);
	print(session, route, outcome);
	return outcome.failed > 0 || outcome.cancelled ? EXIT.failed : EXIT.done;
}

function print(session: Session, route: PacketRoute, outcome: Output<PacketRoute>): void {
	if (session.globals.json) session.json(jsonOf(route, outcome));
	else session.say(textOf(route, outcome, session.style));
}
