/** `inspect` and `purge`, with the grammar that aa-taskmonitor's own command has; what they do is done by the routes. */
import type { Query } from '#main/domain/query.ts';
import { formatQuery } from '#main/domain/query-format.ts';
import type { Tally } from '#main/domain/queued-tally.ts';
import { exactly } from '#main/domain/report-compute.ts';
import { fail } from '#main/domain/result.ts';
import { FINISHED_STATES } from '#main/domain/retention.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { showProgress } from './change-tasks.ts';
import { consentTo } from './confirm.ts';
import { CommandError, type Session } from './session.ts';
import { taskLogSettings } from './task-log-settings.ts';
import { count, counted, harmless, oneLine, paint, pairs, table } from './text.ts';

type Given = Readonly<Record<string, unknown>>;

/** `inspect logs`: how many entries, how large they are. */
export async function inspectLogs(session: Session): Promise<number> {
	const profile = await session.profile();
	const report = await session.call('report.show', {
		profile,
		name: 'task_runs_by_state',
		since: 'all',
		compatible: true,
		fresh: true,
	});
	const states = [...FINISHED_STATES];
	const whole = await session.call('retention.preview', { profile, states, after: '0' });
	const shares = whole.shares.filter(({ what }) => FINISHED_STATES.some((state) => state === what));
	const bytes = shares.reduce((sum, { bytesAbout }) => sum + bytesAbout, 0);
	const logs = report.basis.runs;
	const average = logs === 0 ? null : Math.round(bytes / logs);
	if (session.globals.json) session.json({ logs, bytesAbout: bytes, bytesPerLog: average });
	else {
		session.say(
			pairs(session.style, [
				['Log count', count(logs)],
				['Size, about', `${count(bytes)} bytes`],
				['Bytes per log', average === null ? 'N/A' : count(average)],
			]),
		);
	}
	return EXIT.done;
}

/** `inspect settings`: every name that aa-taskmonitor has a setting under, with what stands for it here. */
export async function inspectSettings(session: Session): Promise<number> {
	const profile = await session.profile();
	const view = await session.call('profile.show', { name: profile });
	const retention = await session.call('retention.show', { profile });
	const written = await session.call('history.show', { profile });
	const settings = taskLogSettings(retention, view.profile.appNames, written);
	if (session.globals.json) session.json({ items: settings, total: settings.length });
	else {
		session.say(
			table(session.style, settings, [
				{ title: 'SETTING', cell: ({ name }) => name },
				{ title: 'VALUE', cell: ({ value }) => (value === null ? '-' : String(value)) },
				{ title: 'SOURCE', cell: ({ source }) => source },
				{ title: 'HERE', cell: ({ here }) => here },
			]),
		);
	}
	return EXIT.done;
}

/** `inspect queue`: how many wait, and of what. */
export async function inspectQueue(session: Session, given: Given): Promise<number> {
	const profile = await session.profile();
	const asked = {
		profile,
		...(given.queue === undefined ? {} : { queue: String(given.queue) }),
		...(given.fresh === true ? { fresh: true } : {}),
	};
	const first = await session.call('queue.tally', { ...asked, long: session.globals.yes });
	const go = first.lookedAt !== null || (await agreed(session, `${count(first.total)} tasks wait. Look at them?`));
	if (!go) return EXIT.failed;
	const found = first.lookedAt !== null ? first : await session.call('queue.tally', { ...asked, long: true });
	const { total, apps, tasks, queues, readAt, ageMs } = found;
	const lookedAt = found.lookedAt ?? 0;
	if (session.globals.json) {
		session.json({ total, lookedAt, apps, tasks, readAt, ageMs });
		return EXIT.done;
	}
	const age = ageMs === null ? '' : ` Counted ${counted(Math.round(ageMs / 1_000), 'second')} ago; --fresh counts now.`;
	if (total === 0) {
		session.say(`Queue is empty.${age}`);
		return EXIT.done;
	}
	const columns = (title: string) => [
		{ title, cell: ({ name }: Tally) => name || '(none)', shrink: true },
		{ title: 'WAITING', cell: (one: Tally) => count(one.count), right: true },
	];
	const part = lookedAt < total ? `, of which the first ${count(lookedAt)} were looked at` : '';
	session.say(
		[
			`${counted(total, 'task')} in ${queues.length === 1 ? oneLine(queues[0] ?? '') : counted(queues.length, 'queue')}${part}.${age}`,
			table(session.style, apps, columns('APP')),
			table(session.style, tasks, columns('TASK')),
		].join('\n\n'),
	);
	return EXIT.done;
}

/** Which of them a purge is about: exactly one way of saying it. */
type Chosen = { readonly kind: 'all' | 'app' | 'id' | 'name'; readonly text: string };

function chosenBy(given: Given): Chosen {
	const ways: Chosen[] = [];
	if (given.all === true) ways.push({ kind: 'all', text: '' });
	for (const [kind, field] of [
		['app', 'appName'],
		['id', 'taskId'],
		['name', 'taskName'],
	] as const) {
		if (given[field] !== undefined) ways.push({ kind, text: String(given[field]) });
	}
	const [only] = ways;
	if (only === undefined || ways.length > 1) {
		throw new CommandError(
			fail('invalid-input', 'Say exactly one of --all, --app-name X, --task-id X and --task-name X.').error,
		);
	}
	return only;
}

/** `purge logs`: takes what is over out of history. What still waits or runs stays. */
export async function purgeLogs(session: Session, given: Given): Promise<number> {
	const chosen = chosenBy(given);
	const profile = await session.profile();
	const over: Query = { kind: 'state', any: [...FINISHED_STATES] };
	const where =
		chosen.kind === 'all'
			? formatQuery(over)
			: formatQuery({ kind: 'and', parts: [over, exactly(chosen.kind, chosen.text)] });
	const review = await session.call('task.review', { profile, action: 'delete', where });
	if (review.count === 0) return nothing(session, 'No logs match.');
	const consent = await consentOf(session, profile, `This deletes the logs of ${counted(review.count, 'task')}.`);
	if (consent === null) return EXIT.failed;
	using _progress = await showProgress(
		session,
		(await session.call('profile.show', { name: profile })).profile.id,
		review.count,
	);
	const outcome = await session.call('task.delete', { profile, review: review.token }, consent.confirm);
	return purged(session, outcome.done, outcome.failed, 'logs');
}

/** `purge queue`: takes waiting messages away; they can be brought back by `undo apply`. */
export async function purgeQueue(session: Session, given: Given): Promise<number> {
	const chosen = chosenBy(given);
	const profile = await session.profile();
	const queue = await queueOf(session, profile, given.queue);
	const selection =
		chosen.kind === 'all'
			? {}
			: chosen.kind === 'app'
				? { where: formatQuery(exactly('app', chosen.text)) }
				: chosen.kind === 'id'
					? { ids: [chosen.text] }
					: { name: chosen.text };
	const route = chosen.kind === 'id' ? ('message.delete' as const) : ('queue.purge' as const);
	const action = chosen.kind === 'id' ? ('remove' as const) : ('purge' as const);
	const review = await session.call('message.review', {
		profile,
		queue,
		action,
		...selection,
	} as CallerInput<'message.review'>);
	for (const warning of review.warnings) session.note(harmless(warning));
	if (review.count === 0) {
		return nothing(session, chosen.kind === 'all' ? `${queue} is empty.` : `Nothing in ${queue} matches.`);
	}
	const consent = await consentOf(
		session,
		profile,
		`This purges ${counted(review.count, 'task')} of ${oneLine(queue)}.`,
	);
	if (consent === null) return EXIT.failed;
	const outcome = await session.call(route, { profile, queue, review: review.token }, consent.confirm);
	return purged(session, outcome.done, outcome.failed, 'tasks');
}

/** aa-taskmonitor knows one queue only; here it has to be said where there are several. */
async function queueOf(session: Session, profile: string, given: unknown): Promise<string> {
	if (given !== undefined) return String(given);
	const names = (await session.call('queue.list', { profile })).items.map(({ name }) => name);
	const [only] = names;
	if (only !== undefined && names.length === 1) return only;
	const some = names.length === 0 ? '' : ` There are ${names.map(oneLine).join(', ')}.`;
	throw new CommandError(fail('invalid-input', `Say which queue: --queue NAME.${some}`).error);
}

/** Null: somebody was asked and did not say yes. On production the profile's name is asked for, as everywhere. */
async function consentOf(
	session: Session,
	profile: string,
	what: string,
): Promise<{ readonly confirm: string | undefined } | null> {
	const view = await session.call('profile.show', { name: profile });
	const { confirm } = session.globals;
	// A read-only profile refuses whatever is answered.
	if (view.profile.readOnly) return { confirm };
	const plain = view.profile.environment !== 'production' && session.io.interactive && !session.globals.yes;
	if (plain) return (await agreed(session, `${what} Are you sure?`)) ? { confirm } : null;
	return { confirm: (await consentTo(session, view, what, true)).confirm ?? confirm };
}

async function agreed(session: Session, question: string): Promise<boolean> {
	if (!session.io.interactive) {
		throw new CommandError(fail('not-confirmed', `${question} Add --yes to go on. Nothing was changed.`).error);
	}
	const answer = await session.io.ask(`${harmless(question)} (y/N) `);
	if (answer?.trim().toLowerCase() === 'y') return true;
	session.note('Aborted.');
	return false;
}

function nothing(session: Session, words: string): number {
	if (session.globals.json) session.json({ purged: 0 });
	session.note(paint(session.style, 'yellow', oneLine(words)));
	return EXIT.failed;
}

function purged(session: Session, done: number, failed: number, what: string): number {
	if (session.globals.json) session.json({ purged: done, failed });
	else session.say(`Purged ${count(done)} ${what}.${failed > 0 ? ` ${count(failed)} could not be purged.` : ''}`);
	return failed > 0 ? EXIT.failed : EXIT.done;
}
