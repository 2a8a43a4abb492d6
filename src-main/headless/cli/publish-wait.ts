/** `task publish`, and with `--wait` how the task ended. */

import { fail } from '#main/domain/result.ts';
import type { TaskState } from '#main/domain/task.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { taskDetailJson } from './json.ts';
import { durationMs } from './monitor-run.ts';
import { CommandError, type Session } from './session.ts';
import { showTask } from './show-task.ts';
import { jsonOf, textOf } from './views.ts';

/** Between two looks at a result that nobody announces, in ms. */
const LOOK_MS = 1_000;
const OPEN: readonly TaskState[] = ['queued', 'running', 'retrying'];

type Publishing = CallerInput<'task.publish'>;

/** Publishes; with `--wait` also waits, and the exit code is 1 unless the task succeeded. */
export async function taskPublish(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const { wait, within, ...rest } = given as Readonly<Record<string, unknown>> & {
		readonly wait?: boolean;
		readonly within?: string;
	};
	const ms = within === undefined ? null : durationMs(within);
	if (within !== undefined && ms === null) {
		throw usage(`--within takes a duration such as 30s, 10m or 2h, not "${within}".`);
	}
	if (within !== undefined && wait !== true) throw usage('--within says how long --wait waits: give that too.');
	const profile = await session.profile();
	const input = { ...rest, profile } as Publishing;
	if (wait === true && (input.count ?? 1) !== 1) throw usage('--wait is for one task: leave --count out.');
	if (wait === true) await someoneTells(session, profile);
	const published = await session.call('task.publish', input, session.globals.confirm);
	if (wait !== true) {
		if (session.globals.json) session.json(jsonOf('task.publish', published));
		else session.say(textOf('task.publish', published, session.style));
		return EXIT.done;
	}
	session.note(`${textOf('task.publish', published, session.style)}. Waiting for its end (Ctrl+C leaves it alone).`);
	const why = await ending(session, profile, published.id, ms);
	const detail = await session.call('task.show', { profile, id: published.id });
	if (session.globals.json) session.json({ ...published, ended: why === 'ended', task: taskDetailJson(detail, []) });
	else session.say(showTask(detail, [], session.style));
	if (why !== 'ended')
		session.note(`It has not ended ${why === 'late' ? `within ${within}` : 'yet'}; it goes on all the same.`);
	return detail.state === 'succeeded' ? EXIT.done : EXIT.failed;
}

/** Waiting for what nobody would tell is a slip: of Celery's tasks Warren learns by events or results. */
async function someoneTells(session: Session, profile: string): Promise<void> {
	const view = await session.call('profile.show', { name: profile });
	if (view.profile.framework !== 'celery' || view.resultsUrl !== null) return;
	const { running } = await session.call('monitor.status', { profile });
	if (running) return;
	throw new CommandError(
		fail(
			'unsupported',
			`Nothing would tell how the task ends, so nothing was sent. Name where results are (profile edit ${view.profile.name} --results redis://… or rpc://), or watch the profile (monitor run, or an open window).`,
		).error,
	);
}

/** Waits until the task is neither waiting nor running. */
async function ending(
	session: Session,
	profile: string,
	id: string,
	within: number | null,
): Promise<'ended' | 'late' | 'interrupted'> {
	const view = await session.call('profile.show', { name: profile });
	const backend = view.resultsUrl !== null && view.resultsUrl !== 'rpc://';
	const over = Promise.withResolvers<'ended' | 'late' | 'interrupted'>();
	let looking: Promise<void> | null = null;
	const look = () => {
		looking ??= (async () => {
			// Reading a result tells history of it, where no event did.
			const context = session.context();
			if (backend) await session.host.engine.router.call('task.result', { profile, id }, context);
			const shown = await session.host.engine.router.call('task.show', { profile, id }, context);
			if (shown.ok && !OPEN.includes((shown.data as { readonly state: TaskState }).state)) over.resolve('ended');
		})().finally(() => {
			looking = null;
		});
	};
	await using stack = new AsyncDisposableStack();
	stack.use(await session.open('task.watch', { profile }, { snapshot: look, put: look, end() {} }));
	stack.use(session.io.onInterrupt(() => over.resolve('interrupted')));
	// Ticks come of changes by this home's processes; a result in a backend changes nothing here by itself.
	const again = setInterval(look, LOOK_MS);
	stack.defer(() => clearInterval(again));
	if (within !== null) {
		const late = setTimeout(() => over.resolve('late'), within);
		stack.defer(() => clearTimeout(late));
	}
	const why = await over.promise;
	await looking;
	return why;
}

function usage(message: string): CommandError {
	return new CommandError(fail('invalid-input', message).error);
}
