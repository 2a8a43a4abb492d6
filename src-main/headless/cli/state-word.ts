/** The words of states in their colours. */
import type { TaskState } from '#main/domain/task.ts';
import { type Paint, paint, type Style } from './text.ts';

const PAINTS: Readonly<Record<TaskState, Paint>> = {
	queued: 'dim',
	running: 'blue',
	succeeded: 'green',
	failed: 'red',
	retrying: 'yellow',
	revoked: 'dim',
	rejected: 'red',
	lost: 'yellow',
};

/** A state's word in its colour. */
export function stateWord(style: Style, state: TaskState | null, word: string): string {
	return state === null ? word : paint(style, PAINTS[state], word);
}
