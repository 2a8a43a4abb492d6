/** JSON documents for scripts. */
import type { TaskDetail, TaskRow } from '#main/domain/task.ts';
import { attemptJson, exactJson, resultJson, taskRowJson } from '#main/domain/task-json.ts';
import type { PeekedMessage } from '#main/ipc/contract/deployment.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import type { TaskLogLine } from '#main/ipc/contract/task.ts';

/** A task as `task show --json` has it: `attempts` are the attempts, `log` the newest one's lines. */
export function taskDetailJson(detail: TaskDetail, log: readonly TaskLogLine[]): Readonly<Record<string, unknown>> {
	const { history, result, arguments: values, ...row } = detail;
	return {
		...taskRowJson(row as TaskRow),
		...resultJson(result),
		arguments: values,
		attempts: history.map(attemptJson),
		log: log.map(({ at, level, logger, source, text }) => ({ at, level, logger, source, text })),
	};
}

/** A profile with its own fields on top. */
export function profileJson(view: ProfileView): Readonly<Record<string, unknown>> {
	const { profile, ...rest } = view;
	return { ...profile, ...rest };
}

/** A waiting message with its decoded task's arguments as JSON. */
export function peekedJson(message: PeekedMessage): Readonly<Record<string, unknown>> {
	if (message.task === null) return { ...message };
	const { argsJson, kwargsJson, ...task } = message.task;
	return { ...message, task: { ...task, args: exactJson(argsJson), kwargs: exactJson(kwargsJson) } };
}
