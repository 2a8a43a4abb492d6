/** What workers answered, on a terminal and for scripts. */

import { exactJson } from '#main/domain/task-json.ts';
import type { ControlOutcome, NodeAnswers, NodeState, RevokedTask } from '#main/domain/worker-control.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { CallName, Output } from '#main/ipc/contract.ts';
import { type Column, counted, harmless, lasted, oneLine, type Paint, paint, type Style, table } from './text.ts';

const STATE_PAINT: Readonly<Record<NodeState, Paint>> = {
	asked: 'dim',
	answered: 'green',
	failed: 'red',
	silent: 'yellow',
	stopped: 'green',
};

/** Lines of one node's value on a terminal; `--json` has all. */
const MOST_LINES = 200;

/** One node: its state, and what it says. */
export function showNode({ node, state, answers, note }: NodeAnswers, style: Style): string {
	const head = `${paint(style, 'bold', oneLine(node))}  ${paint(style, STATE_PAINT[state], state)}`;
	const took = answers[0] === undefined ? '' : paint(style, 'dim', `  after ${lasted(answers[0].tookMs)}`);
	const said = answers.flatMap(({ ok, words, json }) => {
		if (words === null) return valueLines(json);
		const lines = harmless(words.trim()).split('\n');
		return ok ? lines : lines.map((line) => paint(style, 'red', line));
	});
	const more = said.length > MOST_LINES ? [`… ${counted(said.length - MOST_LINES, 'more line')}; --json has all.`] : [];
	const lines = [...said.slice(0, MOST_LINES), ...more].map((line) => `  ${line}`);
	const remark = note === null ? [] : [`  ${paint(style, 'yellow', oneLine(note))}`];
	return [head + took, ...lines, ...remark].join('\n');
}

/** A value for a person: lists of texts and small objects a line each, all else as indented JSON. */
function valueLines(json: string): readonly string[] {
	const value = exactJson(json);
	if (value === null) return json === 'null' ? [] : [harmless(json)];
	if (typeof value === 'string') return harmless(value.trim()).split('\n');
	if (Array.isArray(value)) {
		if (value.length === 0) return ['none'];
		return value.map((one) => oneLine(typeof one === 'string' ? one : JSON.stringify(one)));
	}
	return harmless(JSON.stringify(value, null, 2)).split('\n');
}

/** All of it, with what to know about it. */
export function showOutcome(outcome: ControlOutcome, style: Style): string {
	const nodes = outcome.items.map((one) => showNode(one, style));
	return [...nodes, ...summaryLines(outcome, style)].join('\n');
}

/** How it went, and what to know about it. */
export function summaryLines(
	outcome: Pick<ControlOutcome, 'answered' | 'failed' | 'silent' | 'tookMs' | 'notes' | 'method' | 'receivers'>,
	style: Style,
): readonly string[] {
	const { answered, failed, silent } = outcome;
	const parts = [
		outcome.method === 'shutdown'
			? `${counted(answered, 'worker')} stopped`
			: `${counted(answered, 'worker')} answered`,
		...(failed === 0 ? [] : [`${failed} refused`]),
		...(silent === 0 ? [] : [`${silent} did not`]),
	];
	const line = `${parts.join(', ')}, in ${lasted(outcome.tookMs)}.`;
	return [paint(style, 'dim', line), ...outcome.notes.map((note) => paint(style, 'dim', harmless(note)))];
}

const TASK_COLUMNS: readonly Column<RevokedTask>[] = [
	{ title: 'TASK', cell: (row) => row.id },
	{ title: 'BEFORE', cell: (row) => WHERE[row.where ?? ''] ?? row.where ?? '' },
	{ title: 'WORKER', cell: (row) => row.node ?? '-' },
	{ title: 'NAME', cell: (row) => row.name ?? '-', shrink: true },
];
const WHERE: Readonly<Record<string, string>> = {
	active: 'was running',
	reserved: 'a worker had taken it',
	ready: 'had ended',
	'': 'at no worker: waits in its queue, or has ended',
};

function showRevoked(answer: Output<'task.revoke'>, style: Style): string {
	return [table(style, answer.tasks, TASK_COLUMNS), showOutcome(answer, style)].join('\n');
}

/** For a script: each answer with its value as real JSON. */
export function outcomeJson<O extends ControlOutcome>(outcome: O): unknown {
	const items = outcome.items.map(({ answers, ...rest }) => ({
		...rest,
		answers: answers.map(({ json, ...answer }) => ({ ...answer, value: exactJson(json) })),
	}));
	return { ...outcome, items };
}

/** Views of the routes that tell workers something. */
export const CONTROL_VIEWS = {
	'worker.control': { text: showOutcome, json: outcomeJson },
	'task.revoke': { text: showRevoked, json: outcomeJson },
};

/** 1 when nobody did it, or one that was named did not answer; 0 else. */
export function outcomeExit({ method, answered, receivers, silent, items }: ControlOutcome, named: boolean): number {
	// Nobody answers a shutdown: that it was received is all there is to know before workers say that they end.
	if (method === 'shutdown') return receivers === 0 || (items.length === 0 && answered === 0) ? EXIT.failed : EXIT.done;
	return answered === 0 || (named && silent > 0) ? EXIT.failed : EXIT.done;
}

/** The exit code of an answer of these routes; 0 for others. */
export function controlExit(route: CallName, answer: unknown, named = false): number {
	if (route !== 'worker.control' && route !== 'task.revoke') return EXIT.done;
	return outcomeExit(answer as ControlOutcome, named);
}
