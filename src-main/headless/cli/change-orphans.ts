/** `queue rescue` and `queue clean`: what would be done is found first, confirmed where it matters, then done to exactly that. */
import { EXIT } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { showProgress } from './change-tasks.ts';
import { consentTo } from './confirm.ts';
import type { Session } from './session.ts';
import { counted, harmless, oneLine } from './text.ts';
import { jsonOf, textOf } from './views.ts';

const WORDS = {
	'queue.rescue': { destroys: false, words: (n: number) => `This gives ${counted(n, 'message')} back to the queues` },
	'queue.clean': { destroys: true, words: (n: number) => `This removes ${counted(n, 'list')} of answers for good` },
} as const;

/** As many are listed in an answer; beyond that, all are meant and confirmed by their number. */
const LISTED = 1_000;

/** Runs it; exit code 1 when something failed. */
export async function changeOrphans(
	session: Session,
	route: keyof typeof WORDS,
	given: Readonly<Record<string, unknown>>,
): Promise<number> {
	const { destroys, words } = WORDS[route];
	const profile = await session.profile();
	const input = { ...given, profile } as CallerInput<typeof route>;
	const print = (outcome: unknown) => {
		if (session.globals.json) session.json(jsonOf(route, outcome));
		else session.say(textOf(route, outcome, session.style));
	};
	const view = await session.call('profile.show', { name: profile });
	// A read-only profile refuses whatever is answered, so nobody is asked for nothing.
	if (view.profile.readOnly && input.dryRun !== true) {
		print(await session.call(route, input));
		return EXIT.done;
	}
	const confirmed = session.globals.confirm ?? (destroys ? view.profile.name : undefined);
	const foreseen = await session.call(route, { ...input, dryRun: true }, confirmed);
	if (input.dryRun === true || foreseen.done === 0) {
		print(input.dryRun === true ? foreseen : { ...foreseen, dryRun: false });
		return EXIT.done;
	}
	for (const { id, outcome, reason } of foreseen.items) {
		if (outcome !== 'done') session.note(`${oneLine(id)} left out: ${oneLine(reason ?? '')}`);
	}
	const what = `${words(foreseen.done)} (${harmless(view.profile.name)}).`;
	const consent = destroys || foreseen.done > 1 ? await consentTo(session, view, what, destroys) : {};
	using _progress = await showProgress(session, view.profile.id, foreseen.done);
	const { all: _all, ids: _ids, ...rest } = input;
	const exact = foreseen.items.filter((item) => item.outcome === 'done').map((item) => item.id);
	const which = foreseen.done > LISTED ? { all: true } : { ids: exact };
	const outcome = await session.call(route, { ...rest, ...which }, consent.confirm ?? session.globals.confirm);
	print(outcome);
	return outcome.failed > 0 || outcome.cancelled ? EXIT.failed : EXIT.done;
}
