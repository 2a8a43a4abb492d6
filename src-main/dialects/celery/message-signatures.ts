/** Tasks that a message carries for later: the rest of its chain, callbacks, and the body of its chord. */
import type { CelerySignature } from '#main/domain/celery.ts';
import type { Value } from '#main/domain/value.ts';
import { callOf } from './message-call.ts';

/** Names of the parts of a message's third part. */
export const EMBED = { callbacks: 'callbacks', errbacks: 'errbacks', chain: 'chain', chord: 'chord' } as const;

/** A member of an object by its name, null counting as absent. */
export function memberOf(value: Value, name: string): Value | null {
	if (value.kind !== 'dict') return null;
	const found = value.entries.find(([key]) => key.kind === 'str' && key.value === name)?.[1];
	return found === undefined || found.kind === 'none' ? null : found;
}

/** One signature; what is none has an empty name and is shown as its only argument. */
export function signatureOf(value: Value): CelerySignature {
	const task = memberOf(value, 'task');
	const options = memberOf(value, 'options');
	const subtask = memberOf(value, 'subtask_type');
	const immutable = memberOf(value, 'immutable');
	const none: Value = { kind: 'none' };
	const call = callOf(memberOf(value, 'args') ?? none, memberOf(value, 'kwargs') ?? none);
	const known = value.kind === 'dict' && task?.kind === 'str';
	return {
		task: known ? task.value : '',
		call: known && call.ok ? call.value : { args: [value], kwargs: [] },
		options:
			options?.kind === 'dict' ? options.entries.map(([key, item]) => [key.kind === 'str' ? key.value : '', item]) : [],
		subtaskType: subtask?.kind === 'str' ? subtask.value : null,
		immutable: immutable?.kind === 'bool' && immutable.value,
	};
}

/** A list of signatures; a single one is a list of one. */
export function signaturesOf(value: Value | null): readonly CelerySignature[] {
	if (value === null) return [];
	return value.kind === 'list' || value.kind === 'tuple' ? value.items.map(signatureOf) : [signatureOf(value)];
}

/** The rest of a chain, next one first; messages hold it the other way round. */
export function chainOf(value: Value | null): readonly CelerySignature[] {
	return signaturesOf(value).toReversed();
}
