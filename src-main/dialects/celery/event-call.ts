/**
 * Arguments as events tell them: printed by Python, cut at some length and depth. They are read as values only where nothing can have
 * been cut, hidden, or printed alike by something else: the same rule by which a task may be sent again.
 */
import type { ObservedCall } from '#main/domain/observed.ts';
import type { CallArguments } from '#main/domain/value.ts';
import { writeJson } from '../json/write.ts';
import { argumentsOfRepr } from '../python/repr-arguments.ts';

export interface PrintedCall {
	readonly call: CallArguments;
	/** Null: JSON cannot hold it. */
	readonly argsJson: string | null;
	readonly kwargsJson: string | null;
}

/** What an event says of the call, its arguments not read yet: of the events about one call only one needs to be. */
export type ToldCall = Omit<ObservedCall, 'call' | 'argsJson' | 'kwargsJson'>;

/** The call with its arguments as values, as far as they can be read. */
export function observedCall(told: ToldCall): ObservedCall {
	const { name, argsText, kwargsText, ...rest } = told;
	const read = readPrintedCall(argsText, kwargsText);
	return {
		name,
		argsText,
		kwargsText,
		call: read?.call ?? null,
		argsJson: read?.argsJson ?? null,
		kwargsJson: read?.kwargsJson ?? null,
		...rest,
	};
}

/** The printed arguments as values; null where they are not certain: cut, hidden by the application, ambiguous, or without a literal form. */
export function readPrintedCall(argsText: string | null, kwargsText: string | null): PrintedCall | null {
	if (argsText === null || kwargsText === null) return null;
	const read = argumentsOfRepr(argsText, kwargsText);
	if (!read.ok) return null;
	const { args, kwargs } = read.value;
	const list = writeJson({ kind: 'list', items: args }, 'readable');
	const dict = writeJson(
		{ kind: 'dict', entries: kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const) },
		'readable',
	);
	return {
		call: read.value,
		argsJson: list.ok ? list.value : null,
		kwargsJson: dict.ok ? dict.value : null,
	};
}
