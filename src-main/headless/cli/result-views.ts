/** Results of tasks and groups on a terminal. */
import type { GroupProgress } from '#main/domain/celery-result.ts';
import { exactJson } from '#main/domain/task-json.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { ResultBranch, TaskResultView } from '#main/ipc/contract/result.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import { showCanvas } from './canvas-view.ts';
import type { Session } from './session.ts';
import { stateWord } from './state-word.ts';
import { count, counted, harmless, oneLine, paint, pairs, type Style, when } from './text.ts';

/** Children shown; `--json` has all. */
const SHOWN = 200;

function showResult(view: TaskResultView, style: Style): string {
	const { result, source } = view;
	if (result === null) return harmless(view.words);
	const { exception } = result;
	const parts = [
		pairs(style, [
			['id', view.id],
			['status', stateWord(style, result.state, oneLine(result.status))],
			['name', result.name],
			['ended', result.doneAt === null ? null : when(Math.trunc(result.doneAt))],
			['result', result.valueText],
			['exception', exception === null ? null : `${exception.type}: ${exception.message}`],
			['worker', result.worker],
			['queue', result.queue],
			['retries', result.retries === null ? null : String(result.retries)],
			['group', result.groupId],
			['parent', result.parentId],
			['written as', result.serializer],
			['kept in', source?.place ?? null],
			['expires', source?.expiresAt == null ? null : when(Math.trunc(source.expiresAt))],
		]),
	];
	if (result.traceback !== null)
		parts.push(`${paint(style, 'bold', 'Traceback')}\n${harmless(result.traceback.trimEnd())}`);
	if (view.branches.length > 0) {
		const lines = view.branches.flatMap((branch, at) =>
			branchLines(branch, style, '', at === view.branches.length - 1),
		);
		const left = lines.length - SHOWN;
		const more = left > 0 ? [`… ${counted(left, 'more line')}`] : [];
		parts.push([paint(style, 'bold', 'Children'), ...lines.slice(0, SHOWN), ...more].join('\n'));
	}
	if (view.cut) parts.push('Children were left out, since there are too many.');
	parts.push(paint(style, 'dim', harmless(view.words)));
	return parts.join('\n\n');
}

function branchLines(branch: ResultBranch, style: Style, indent: string, last: boolean): readonly string[] {
	const word = branch.group ? 'group' : stateWord(style, branch.state, branch.status ?? 'nothing kept');
	const own = `${indent}${last ? '└ ' : '├ '}${word}  ${oneLine(branch.name ?? '')}${branch.name === null ? '' : '  '}${oneLine(branch.id)}`;
	const below = `${indent}${last ? '  ' : '│ '}`;
	return [
		own,
		...branch.branches.flatMap((one, at) => branchLines(one, style, below, at === branch.branches.length - 1)),
	];
}

function showGroup(group: GroupProgress, style: Style): string {
	const of = group.size === null ? '' : ` of ${count(group.size)}`;
	const failed = group.failed === 0 ? '' : `, ${count(group.failed)} of them failed`;
	const head = pairs(style, [
		['group', group.id],
		['done', `${count(group.done)}${of}${failed}`],
		[
			'chord',
			group.chord === null
				? null
				: `${count(group.chord.counted)} counted of ${group.chord.size === null ? '?' : count(group.chord.size)}`,
		],
		['counters expire', group.chord?.expiresAt == null ? null : when(Math.trunc(group.chord.expiresAt))],
	]);
	const members = group.members
		.slice(0, SHOWN)
		.map(
			(one) =>
				`  ${stateWord(style, one.state, (one.status ?? 'no result').padEnd(10))} ${oneLine(one.id)} ${oneLine(one.name ?? '')}`,
		);
	const left = group.members.length - members.length;
	const more = left > 0 || group.cut ? ['  … more; --json has up to 1,000'] : [];
	const stuck = group.stuck === null ? [] : ['', paint(style, 'yellow', harmless(group.stuck))];
	return [head, ...members, ...more, ...stuck].join('\n');
}

/** Views of the routes about results. */
export const RESULT_VIEWS = {
	'task.result': { text: showResult, json: resultJson },
	'task.group': { text: showGroup },
	'task.canvas': { text: showCanvas },
};

/** Its values as real JSON beside their typed form. */
function resultJson(view: TaskResultView): unknown {
	const { result } = view;
	if (result === null) return view;
	const { valueJson, ...rest } = result;
	return { ...view, result: { ...rest, returned: exactJson(valueJson) } };
}

/** `task result`: once, or with `--follow` each change until the task has ended. */
export async function taskResult(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const { follow, ...rest } = given;
	const input = { ...rest, profile: await session.profile() } as CallerInput<'task.result'>;
	const say = (view: TaskResultView) => {
		if (session.globals.json) session.json(resultJson(view));
		else session.say(showResult(view, session.style));
	};
	if (follow !== true) {
		say(await session.call('task.result', input));
		return EXIT.done;
	}
	const ended = Promise.withResolvers<void>();
	const show = (items: readonly { readonly view: TaskResultView }[]) => {
		for (const { view } of items) say(view);
	};
	await using stack = new AsyncDisposableStack();
	stack.use(await session.open('result.watch', input, { snapshot: show, put: show, end: () => ended.resolve() }));
	stack.use(session.io.onInterrupt(() => ended.resolve()));
	await ended.promise;
	return EXIT.done;
}
