/** What can be done with a task as it stands. The page offers by it, and the engine leaves out by it. */
import type { TaskState } from './task.ts';

export type TaskAct = 'requeue' | 'delete' | 'revoke';

/** Of these nothing is left that a worker could throw away. One that was lost or turned away may be handed out again. */
const ENDED: ReadonlySet<TaskState> = new Set(['succeeded', 'failed', 'revoked']);

/** Why a task in this state is left out of an act, as the rest of a sentence about it; null: it is not. */
export function whyNot(act: TaskAct, state: TaskState): string | null {
	if (act === 'revoke') return ENDED.has(state) ? 'has ended' : null;
	if (state === 'running') return 'is running';
	return act === 'requeue' && state === 'queued' ? 'still waits in its queue' : null;
}

/** The same of several at once: why none of them can be, as a sentence; null: some can, or that is not known of each. */
export function whyNone(act: TaskAct, states: readonly (TaskState | null)[]): string | null {
	const reasons = new Set<string>();
	for (const state of states) {
		const reason = state === null ? null : whyNot(act, state);
		if (reason === null) return null;
		reasons.add(reason);
	}
	if (reasons.size === 0) return null;
	return `${states.length === 1 ? 'It' : 'Each'} ${[...reasons].sort().join(' or ')}`;
}
