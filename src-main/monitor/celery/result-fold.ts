/** A task's result as what history is told of it, for tasks whose end no event told: it began before Warren, or events are off. */

import { writeJson } from '#main/dialects/json/write.ts';
import { safeRepr } from '#main/dialects/python/repr.ts';
import type { CeleryResult } from '#main/domain/celery-result.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { FROM_RESULT, NO_WORKER, type ObservedCall, type TaskFact } from '#main/domain/observed.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';

const KINDS: Readonly<Record<string, TaskFact['kind']>> = {
	SUCCESS: 'succeeded',
	FAILURE: 'failed',
	REVOKED: 'revoked',
};

/** What history is to be told; null: the task is not over, or it ended in a way of the application's own. `readAt` in epoch ms. */
export function observedResult(profile: ProfileId, result: CeleryResult, readAt: number): HistoryOp | null {
	const kind = KINDS[result.status];
	if (!result.ready || kind === undefined) return null;
	const { exception } = result;
	const fact: TaskFact = {
		kind,
		type: `${FROM_RESULT}${result.status}`,
		at: result.doneAt ?? readAt,
		host: result.worker ?? NO_WORKER,
		pid: null,
		clock: null,
		readAt,
		...(result.retries === null ? {} : { retries: result.retries }),
		...(kind !== 'succeeded' ? {} : returned(result)),
		...(kind !== 'failed' || exception === null
			? {}
			: { exception: { type: exception.type, message: exception.message } }),
		...(result.traceback === null ? {} : { traceback: result.traceback }),
	};
	return { kind: 'observed', profile, at: readAt, key: result.id, facts: [fact], call: callIn(result, readAt) };
}

function returned(result: CeleryResult): Pick<TaskFact, 'result' | 'resultJson'> {
	if (result.valueJson !== null) return { resultJson: result.valueJson };
	return result.valueText === null ? {} : { result: result.valueText };
}

/** The arguments of a result; null where they are not kept. Real values, if the backend's serializer can hold them. */
export function resultCall(result: CeleryResult): CallArguments | null {
	const { args, kwargs } = result;
	if (args === null || (args.kind !== 'list' && args.kind !== 'tuple')) return null;
	if (kwargs !== null && kwargs.kind !== 'dict') return null;
	const named: (readonly [string, Value])[] = [];
	for (const [key, value] of kwargs?.entries ?? []) {
		if (key.kind !== 'str') return null;
		named.push([key.value, value]);
	}
	return { args: args.items, kwargs: named };
}

function callIn(result: CeleryResult, at: number): ObservedCall | null {
	const call = resultCall(result);
	if (result.name === null && call === null && result.groupId === null && result.parentId === null) return null;
	const list: Value | null = call === null ? null : { kind: 'list', items: call.args };
	const dict: Value | null =
		call === null
			? null
			: { kind: 'dict', entries: call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const) };
	const json = (value: Value | null) => {
		const written = value === null ? null : writeJson(value, 'readable');
		return written?.ok === true ? written.value : null;
	};
	return {
		name: result.name,
		argsText: list === null ? null : safeRepr(list),
		kwargsText: dict === null ? null : safeRepr(dict),
		call,
		argsJson: json(list),
		kwargsJson: json(dict),
		rootId: null,
		parentId: result.parentId,
		groupId: result.groupId,
		retries: result.retries ?? 0,
		at,
	};
}
