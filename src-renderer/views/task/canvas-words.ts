/** How nodes and ties of a canvas are told in words. */
import type { CanvasNode, CanvasTie } from '#main/domain/canvas.ts';
import { STATE_LOOKS } from '../../components/states.ts';

/** Words on a tie; those that explain themselves have none. */
export const TIE_WORDS: Readonly<Record<CanvasTie, string>> = {
	called: '',
	chain: 'then',
	member: '',
	chord: 'body',
	callback: 'on success',
	errback: 'on failure',
};

/** The state of a node in words. */
export function stateWords(node: CanvasNode): string {
	if (node.kind === 'pending') return 'Not sent yet';
	if (node.kind === 'missing') return 'Not known';
	if (node.kind === 'task') return node.state === null ? 'Not known' : STATE_LOOKS[node.state].word;
	const counts = Object.entries(node.counts ?? {}).map(([state, count]) => {
		const word = state === 'unknown' ? 'not known' : STATE_LOOKS[state as keyof typeof STATE_LOOKS].word.toLowerCase();
		return `${count} ${word}`;
	});
	return counts.join(', ');
}

/** What a node is called. */
export function nameWords(node: CanvasNode): string {
	if (node.kind === 'group') {
		const known = Object.values(node.counts ?? {}).reduce((sum, count) => sum + count, 0);
		return `Group, ${known} known`;
	}
	return node.name ?? node.task ?? 'A task';
}
