/** A task as a worker tells of it (`active`, `reserved`, `scheduled`, `query_task`): real values, unless it was asked to print them. */
import type { CallArguments, Value } from '#main/domain/value.ts';
import { typedValues } from './body-typed.ts';
import { memberOf } from './message-signatures.ts';

export interface TaskInfo {
	readonly id: string;
	readonly name: string | null;
	/** Null where they were printed. */
	readonly call: CallArguments | null;
	/** As its routing key has it. */
	readonly queue: string | null;
	/** When its run began, epoch ms; null: it waits at the worker. */
	readonly startedAt: number | null;
	/** Of the pool's process that runs it. */
	readonly pid: number | null;
}

/** Null where there is no id. */
export function readTaskInfo(info: Value): TaskInfo | null {
	const id = textIn(info, 'id');
	if (id === null) return null;
	const seconds = numberIn(info, 'time_start');
	return {
		id,
		name: textIn(info, 'name'),
		call: callIn(info),
		queue: textIn(memberOf(info, 'delivery_info') ?? info, 'routing_key'),
		startedAt: seconds === null ? null : seconds * 1_000,
		pid: numberIn(info, 'worker_pid'),
	};
}

function callIn(info: Value): CallArguments | null {
	const args = memberOf(info, 'args');
	const kwargs = memberOf(info, 'kwargs');
	if (args?.kind !== 'list' || kwargs?.kind !== 'dict') return null;
	const named: (readonly [string, Value])[] = [];
	for (const [key, value] of kwargs.entries) {
		if (key.kind !== 'str') return null;
		named.push([key.value, typedValues(value)]);
	}
	return { args: args.items.map(typedValues), kwargs: named };
}

function textIn(value: Value, name: string): string | null {
	const found = memberOf(value, name);
	return found?.kind === 'str' && found.value !== '' ? found.value : null;
}

function numberIn(value: Value, name: string): number | null {
	const found = memberOf(value, name);
	if (found?.kind !== 'int' && found?.kind !== 'float') return null;
	const number = Number(found.text);
	return Number.isFinite(number) ? number : null;
}
