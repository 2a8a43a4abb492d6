/** `task requeue` and `task delete`, and the same of a failure group: reviewed first, confirmed where it matters, then done to exactly what was reviewed. */
import { EXIT } from '#main/ipc/codes.ts';
import { consentTo, reviewWords } from './confirm.ts';
import type { Session } from './session.ts';
import { count } from './text.ts';
import { jsonOf, textOf } from './views.ts';

type Action = 'requeue' | 'delete';

/** Runs it; exit code 1 when something failed. */
export async function changeTasks(
	session: Session,
	action: Action,
	input: Readonly<Record<string, unknown>>,
	noun: 'task' | 'group' = 'task',
): Promise<number> {
	const profile = await session.profile();
	const { ids, where, group, dryRun, ...rest } = input as {
		readonly ids?: readonly string[];
		readonly group?: string;
		readonly where?: string;
		readonly dryRun?: boolean;
	};
	const filter = where === undefined ? {} : { where };
	const selection = {
		...(ids === undefined ? {} : { ids: [...ids] }),
		...(group === undefined ? {} : { group }),
		...filter,
	};
	const call = (asked: Readonly<Record<string, unknown>>, confirm?: string) =>
		noun === 'group'
			? session.call(`group.${action}`, { profile, group: group ?? '', ...asked, ...rest }, confirm)
			: session.call(`task.${action}`, { profile, ...asked, ...rest }, confirm);
	if (dryRun === true) {
		const outcome = await call({ ...(noun === 'group' ? filter : selection), dryRun });
		print(session, `task.${action}`, outcome);
		return EXIT.done;
	}
	// Arguments that are given make it irrelevant where a task's own are.
	const given = action === 'requeue' && ('args' in rest || 'kwargs' in rest) ? { given: true } : {};
	const review = await session.call('task.review', { profile, action, ...selection, ...given });
	const view = await session.call('profile.show', { name: profile });
	const destroys = action === 'delete';
	const words = reviewWords(session, review, view.profile.name);
	// A read-only profile refuses whatever is answered, so nobody is asked for nothing.
	const asks = (destroys || review.count > 1) && review.count > 0 && !view.profile.readOnly;
	const consent = asks ? await consentTo(session, view, words, destroys) : {};
	using _progress = await showProgress(session, view.profile.id, review.count);
	const outcome = await call({ review: review.token }, consent.confirm ?? session.globals.confirm);
	print(session, `task.${action}`, outcome);
	return outcome.failed > 0 || outcome.cancelled ? EXIT.failed : EXIT.done;
}

function print(session: Session, route: 'task.requeue' | 'task.delete', outcome: unknown): void {
	if (session.globals.json) session.json(jsonOf(route, outcome));
	else session.say(textOf(route, outcome, session.style));
}

/** A line on standard error that counts up, where somebody watches. */
export async function showProgress(session: Session, profile: string, total: number): Promise<Disposable> {
	if (!session.io.stderr.isTTY || total < 50) return { [Symbol.dispose]() {} };
	let shown = false;
	const watch = await session.open(
		'action.watch',
		{},
		{
			snapshot() {},
			put(items) {
				const mine = items.findLast((item) => item.profile === profile && item.state === 'running');
				if (mine === undefined) return;
				shown = true;
				session.io.stderr.write(`\r${mine.title}: ${count(mine.done + mine.failed)} of ${count(mine.total)}`);
			},
			end() {},
		},
	);
	return {
		[Symbol.dispose]() {
			watch[Symbol.dispose]();
			if (shown) session.io.stderr.write('\n');
		},
	};
}
