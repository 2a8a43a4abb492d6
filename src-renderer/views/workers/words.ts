/** How consumers and their settings are told. Pure: `now` is always given. */
import type { ConsumerIntent, ConsumerSetView, SavedConsumerSet, SlotState } from '#main/domain/consumer.ts';
import { age, bytes, counted } from '../../components/format.ts';
import type { IconName } from '../../components/icon-paths.ts';
import type { Tone } from '../../components/states.ts';
import { timeText } from '../../state/set-form.svelte.ts';

export interface WorkerLook {
	readonly icon: IconName;
	readonly tone: Tone;
	readonly word: string;
}

const LOOKS: Readonly<Record<ConsumerSetView['state'], WorkerLook>> = {
	starting: { icon: 'state-running', tone: 'running', word: 'starting' },
	running: { icon: 'state-succeeded', tone: 'succeeded', word: 'running' },
	'waiting-for-broker': { icon: 'state-lost', tone: 'warning', word: 'waits for the broker' },
	draining: { icon: 'state-running', tone: 'warning', word: 'stops after what runs' },
	stopped: { icon: 'stop', tone: 'neutral', word: 'stopped' },
};

/** How a consumer stands; null: a saved set that has not run here. */
export function standing(run: ConsumerSetView | null): WorkerLook {
	return run === null ? { icon: 'state-queued', tone: 'neutral', word: 'not started here' } : LOOKS[run.state];
}

/** "running 3 min", "stopped 2 h ago". */
export function standingWords(run: ConsumerSetView | null, now: number): string {
	const { word } = standing(run);
	if (run === null) return word;
	return `${word} ${age(run.since, now)}${run.state === 'stopped' ? ' ago' : ''}`;
}

/** What runs the tasks. */
export function runnerWords(intent: ConsumerIntent): string {
	const { runner } = intent;
	return runner.kind === 'python'
		? `${runner.executable} in ${runner.project}${runner.settingsModule === null ? '' : `, ${runner.settingsModule}`}`
		: `Node, ${counted(runner.modules.length, 'module')}`;
}

/** The settings that are not as they are out of the box, each in a few words. */
export function settingWords(intent: ConsumerIntent): readonly string[] {
	const { limits, retries = [], hooks = [] } = intent;
	const retry = retries.find((rule) => rule.times > 0);
	const env = Object.keys(intent.runner.env).length;
	return [
		...(limits?.softMs == null ? [] : [`asked to end after ${timeText(limits.softMs)}`]),
		...(limits?.hardMs == null ? [] : [`killed after ${timeText(limits.hardMs)}`]),
		...(limits?.memoryMb == null ? [] : [`at most ${bytes(limits.memoryMb * 1_048_576)}`]),
		...(limits?.recycleAfter == null
			? []
			: [
					limits.recycleAfter === 1
						? 'a new process for each task'
						: `a new process every ${limits.recycleAfter} tasks`,
				]),
		...(retry === undefined ? [] : [`${counted(retry.times, 'retry', 'retries')} after ${timeText(retry.delayMs)}`]),
		...(hooks.length === 0 ? [] : [counted(hooks.length, 'hook')]),
		...(intent.prefetch == null ? [] : [`holds ${counted(intent.prefetch, 'message')}`]),
		...(intent.priority == null ? [] : [`priority ${intent.priority}`]),
		...(intent.onKnownOutcome === undefined || intent.onKnownOutcome === 'drop'
			? []
			: [intent.onKnownOutcome === 'ask' ? 'asks about repeats' : 'runs repeats']),
		...(env === 0 ? [] : [counted(env, 'variable')]),
	];
}

/** What a slot is at, where it runs no task. */
export function slotWords(state: SlotState, now: number): string {
	switch (state.kind) {
		case 'starting':
			return 'starting';
		case 'idle':
			return `idle ${age(state.since, now)}`;
		case 'running':
			return age(state.since, now);
		case 'stopped':
			return `stopped: ${state.reason}`;
	}
}

/** Whether a set was changed since its run began, so that only a restart brings that in. Its size is changed as it runs. */
export function changedSince(saved: SavedConsumerSet, run: ConsumerSetView): boolean {
	const queues = saved.queues.flatMap((one) => (one.consumable ? [one.queue] : []));
	return shape({ ...saved.intent, queues }) !== shape(run.intent);
}

function shape(intent: ConsumerIntent): string {
	const { queues, runner, limits, retries, hooks, prefetch, priority, onKnownOutcome } = intent;
	const { env, ...rest } = runner;
	return JSON.stringify([
		queues,
		Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)),
		Object.keys(env).sort(),
		[limits?.softMs, limits?.hardMs, limits?.memoryMb, limits?.recycleAfter].map((limit) => limit ?? null),
		retries ?? [],
		hooks ?? [],
		prefetch ?? null,
		priority ?? null,
		onKnownOutcome ?? 'drop',
	]);
}
