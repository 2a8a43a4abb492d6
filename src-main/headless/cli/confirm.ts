/** Asks before something is destroyed, or done to more than one thing; without anybody to ask, `--yes` answers. */

import type { Review } from '#main/domain/action.ts';
import { fail } from '#main/domain/result.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import { sourceWords } from './argument-sources.ts';
import { CommandError, type Session } from './session.ts';
import { counted, harmless, oneLine, paint } from './text.ts';

/** What the router is to be told: the profile's name where it was typed. */
export interface Consent {
	readonly confirm?: string;
}

/** Consent to a destructive command on one profile, or a refusal with exit code 3. */
export async function consentTo(
	session: Session,
	view: ProfileView,
	what: string,
	destroys: boolean,
): Promise<Consent> {
	const { globals, io } = session;
	const { name, environment } = view.profile;
	if (destroys && environment === 'production') {
		// The router judges the name; here somebody gets a chance to type it.
		if (globals.confirm !== undefined) return { confirm: globals.confirm };
		if (!io.interactive) return {};
		const typed = await io.ask(`${what}\n${paint(session.style, 'red', name)} is production. Type its name to go on: `);
		if (typed?.trim() === name) return { confirm: name };
		throw refused('Nothing was changed: the name was not typed.');
	}
	if (globals.yes || globals.confirm === name) return globals.confirm === undefined ? {} : { confirm: globals.confirm };
	if (!io.interactive) throw refused(`${what} Add --yes to do it. Nothing was changed.`);
	const answer = await io.ask(`${what} Go on? [y/N] `);
	if (/^y(es)?$/i.test(answer?.trim() ?? '')) return {};
	throw refused('Nothing was changed.');
}

function refused(message: string): CommandError {
	return new CommandError(fail('not-confirmed', message).error);
}

/** What a review would do, with the exact count. */
export function reviewWords(session: Session, review: Review, profile: string): string {
	const verb = review.action === 'requeue' ? 'This requeues' : 'This deletes';
	const skipped = review.skipped.map((one) => `${counted(one.count, 'task')} left out: ${oneLine(one.reason)}.`);
	const sample = review.sample.slice(0, 5).map((row) => `  ${row.state.padEnd(9)} ${oneLine(row.name)} ${row.id}`);
	const more = review.count > sample.length ? [`  … and ${counted(review.count - sample.length, 'more task')}`] : [];
	const from = sourceWords(review.sources ?? []);
	const doubtful = (review.tasks ?? [])
		.filter((one) => one.source === null)
		.map(({ id, reason }) => `  ${id}: ${oneLine(reason ?? '')}`);
	const sources = [...(from === null ? [] : [from]), ...doubtful];
	for (const line of [
		...(session.io.interactive ? [...sample, ...more] : []),
		...skipped,
		...sources,
		...review.warnings,
	]) {
		session.note(harmless(line));
	}
	return `${verb} ${counted(review.count, 'task')} of ${harmless(profile)}.`;
}
