/** The numbers that rows hold in place of words. They are in people's files: never change one. */
import { LOG_LEVELS, type LogLevel, type TaskState } from '#main/domain/task.ts';

export const STATE_CODES: Readonly<Record<TaskState, number>> = {
	queued: 0,
	running: 1,
	succeeded: 2,
	failed: 3,
	retrying: 4,
	revoked: 5,
	rejected: 6,
	lost: 7,
};
/** How many codes there are. */
export const STATES = 8;

const STATE_NAMES: readonly TaskState[] = (Object.entries(STATE_CODES) as [TaskState, number][])
	.sort((a, b) => a[1] - b[1])
	.map(([name]) => name);

/** The state a row's code stands for. */
export function stateName(code: number): TaskState {
	const name = STATE_NAMES[code];
	if (name === undefined) throw new RangeError(`No task state has the code ${code}`);
	return name;
}

const LEVEL_NAMES = new Map((Object.entries(LOG_LEVELS) as [LogLevel, number][]).map(([name, code]) => [code, name]));

/** The level a row's number stands for. */
export function levelName(code: number): LogLevel {
	return LEVEL_NAMES.get(code) ?? 'info';
}

/** Kinds of the `seen` table. */
export const SEEN = { name: 0, queue: 1, worker: 2 } as const;
