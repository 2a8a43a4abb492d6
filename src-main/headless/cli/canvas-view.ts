/** Tasks that belong together as a tree on a terminal. */
import type { CanvasNode, CanvasTie, CanvasView } from '#main/domain/canvas.ts';
import type { TaskState } from '#main/domain/task.ts';
import { stateWord } from './state-word.ts';
import { counted, harmless, oneLine, paint, type Style } from './text.ts';

const TIES: Readonly<Record<CanvasTie, string>> = {
	called: '',
	chain: 'then ',
	member: '',
	chord: 'body ',
	callback: 'on success ',
	errback: 'on failure ',
};

/** A tree from what nothing comes before; who has several before it stands below the first, and is named below the others. */
export function showCanvas(canvas: CanvasView, style: Style): string {
	const below = new Map<string, { readonly to: string; readonly tie: CanvasTie }[]>();
	const led = new Set(canvas.edges.map(({ to }) => to));
	for (const { from, to, tie } of canvas.edges) {
		const some = below.get(from);
		if (some === undefined) below.set(from, [{ to, tie }]);
		else some.push({ to, tie });
	}
	const nodes = new Map(canvas.nodes.map((node) => [node.key, node]));
	const shown = new Set<string>();
	const lines: string[] = [];
	// By a stack of our own: a chain may be longer than the language's.
	const stack = canvas.nodes
		.filter(({ key }) => !led.has(key))
		.toReversed()
		.map(({ key }) => ({ key, tie: 'called' as CanvasTie, indent: '', last: true, top: true }));
	for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
		const node = nodes.get(one.key);
		if (node === undefined) continue;
		const branch = one.top ? '' : one.last ? '└ ' : '├ ';
		const again = shown.has(one.key);
		lines.push(
			`${one.indent}${branch}${TIES[one.tie]}${words(node, style)}${again ? paint(style, 'dim', ' (above)') : ''}`,
		);
		if (again) continue;
		shown.add(one.key);
		const indent = one.top ? one.indent : `${one.indent}${one.last ? '  ' : '│ '}`;
		const next = below.get(one.key) ?? [];
		for (const [at, { to, tie }] of [...next.entries()].toReversed()) {
			stack.push({ key: to, tie, indent, last: at === next.length - 1, top: false });
		}
	}
	const notes = [
		canvas.dropped > 0 ? `${counted(canvas.dropped, 'task')} further away left out.` : '',
		canvas.circles > 0 ? `${counted(canvas.circles, 'tie')} left out, which would close a circle.` : '',
		canvas.nodes.some(({ collapsed }) => collapsed)
			? 'A big group stands for its members; --expand GROUP shows them.'
			: '',
		canvas.without === null ? '' : harmless(`Without results: ${canvas.without}`),
	].filter((note) => note !== '');
	return [...lines, ...notes.map((note) => paint(style, 'dim', note))].join('\n');
}

function words(node: CanvasNode, style: Style): string {
	const focus = node.focus ? paint(style, 'bold', ' ←') : '';
	if (node.kind === 'group') {
		const counts = Object.entries(node.counts ?? {}).map(
			([state, count]) => `${count} ${state === 'unknown' ? 'unknown' : stateWord(style, state as TaskState, state)}`,
		);
		return `group ${oneLine(node.key.slice('group:'.length))}: ${counts.join(', ')}`;
	}
	if (node.kind === 'pending') return `${paint(style, 'dim', 'not sent yet')}  ${oneLine(node.name ?? '')}`;
	const state =
		node.kind === 'missing' ? paint(style, 'dim', 'not known') : stateWord(style, node.state, node.state ?? '?');
	return `${state}  ${oneLine(node.name ?? '')}${node.name === null ? '' : '  '}${oneLine(node.task ?? '')}${focus}`;
}
