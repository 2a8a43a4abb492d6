/** What can be done with the profile's saved consumer sets, from anywhere. */
import type { SavedConsumerSet } from '#main/domain/consumer.ts';
import type { Command } from './commands.svelte.ts';
import type { WorkerEntry } from './consumers.svelte.ts';
import type { Warren } from './warren.svelte.ts';

export function workerCommands(warren: Warren): readonly Command[] {
	const may = (): true | string => (warren.deployment === null ? 'No profile is open' : warren.mayChange);
	const command = (id: string, label: string, run: () => void, enabled = may): Command => ({
		id,
		label,
		group: 'Workers',
		key: null,
		enabled,
		run,
	});
	return [
		command('set.new', 'Save a new consumer set', () => warren.ask({ kind: 'set', mode: 'new', from: null })),
		command('set.import', 'Import consumer sets from CARROT settings', () => warren.ask({ kind: 'import-sets' })),
		...(warren.deployment?.consumers.entries ?? []).flatMap((entry) =>
			entry.saved === null ? [] : ofSet(warren, entry, entry.saved, command, may),
		),
	];
}

function ofSet(
	warren: Warren,
	entry: WorkerEntry,
	set: SavedConsumerSet,
	command: (id: string, label: string, run: () => void, enabled?: () => true | string) => Command,
	may: () => true | string,
): readonly Command[] {
	const live = entry.run !== null && entry.run.state !== 'stopped';
	const running = (): true | string => (may() !== true ? may() : live ? true : `${set.name} does not run here`);
	const resting = (): true | string => (may() !== true ? may() : live ? `${set.name} runs already` : true);
	return [
		command(`set.start.${set.id}`, `Start ${set.name}`, () => void startSet(warren, set), resting),
		command(`set.stop.${set.id}`, `Stop ${set.name}`, () => void stopSet(warren, set.id, set.name, false), running),
		command(`set.restart.${set.id}`, `Restart ${set.name}`, () => void restartSet(warren, set), running),
		command(`set.edit.${set.id}`, `Edit ${set.name}`, () => warren.ask({ kind: 'set', mode: 'edit', from: set })),
		command(`set.copy.${set.id}`, `Duplicate ${set.name}`, () => warren.ask({ kind: 'set', mode: 'copy', from: set })),
		command(`set.forget.${set.id}`, `Forget ${set.name}`, () => askForget(warren, set, live)),
	];
}

/** Starts a saved set and says so, or why not. */
export async function startSet(warren: Warren, set: SavedConsumerSet): Promise<void> {
	const refusal = (await warren.deployment?.consumers.startSaved(set.id)) ?? null;
	if (refusal !== null) warren.toasts.show('failed', `${set.name} was not started`, { text: refusal });
}

/** Stops a consumer: after what runs, or at once. */
export async function stopSet(warren: Warren, id: string, name: string, now: boolean): Promise<void> {
	const answer = await warren.deployment?.consumers.stop(id, now);
	if (answer !== undefined && !answer.ok)
		warren.toasts.show('failed', `${name} could not be stopped`, { text: answer.error.message });
}

/** Restarts a saved set after what runs has ended. */
export async function restartSet(warren: Warren, set: SavedConsumerSet): Promise<void> {
	const answer = await warren.deployment?.consumers.restart(set.id, false);
	if (answer === undefined) return;
	if (answer.ok) warren.toasts.show('done', `${set.name} runs again, as it is saved now`);
	else warren.toasts.show('failed', `${set.name} was not restarted`, { text: answer.error.message });
}

/** Asks before a saved set is forgotten. */
export function askForget(warren: Warren, set: SavedConsumerSet, live: boolean): void {
	warren.ask({
		kind: 'question',
		question: {
			title: `Forget ${set.name}`,
			words: [
				'Its settings and the values of its environment are removed. Queues, messages and history are not touched.',
				...(live ? ['It runs now, and goes on until it is stopped.'] : []),
				'This cannot be undone.',
			],
			label: `Forget ${set.name}`,
			danger: true,
			run: async () => {
				const answer = await warren.deployment?.consumers.forget(set.id);
				if (answer === undefined || answer.ok) return null;
				return answer.error.message;
			},
		},
	});
}

/** Asks before everything that runs is given back to its queue. */
export function askStopNow(warren: Warren, id: string, name: string, busy: number): void {
	if (busy === 0) {
		void stopSet(warren, id, name, true);
		return;
	}
	const running = busy === 1 ? 'The task that runs is' : `The ${busy} tasks that run are`;
	warren.ask({
		kind: 'question',
		question: {
			title: `Stop ${name} now`,
			words: [
				`${running} ended half way and given back to the queue.`,
				'Whoever takes them next runs them from the beginning, so what they did until now may be done twice. Stop waits for them instead.',
			],
			label: 'Stop now',
			danger: true,
			run: async () => {
				const answer = await warren.deployment?.consumers.stop(id, true);
				return answer === undefined || answer.ok ? null : answer.error.message;
			},
		},
	});
}

/** Asks before one running task is cancelled. */
export function askCancel(warren: Warren, task: string, name: string): void {
	warren.ask({
		kind: 'question',
		question: {
			title: 'Cancel this task',
			words: [
				`${name} is asked to end, and its process is ended where that does not help. What it did until then stays done.`,
				'Its message is done: it is not given back to the queue. A requeue runs it again.',
			],
			label: 'Cancel the task',
			danger: true,
			run: async () => {
				const answer = await warren.deployment?.consumers.cancel(task);
				if (answer === undefined || answer.ok) return null;
				return answer.error.code === 'not-found' ? 'It has ended meanwhile.' : answer.error.message;
			},
		},
	});
}
