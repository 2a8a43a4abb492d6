/**
 * Arguments as events tell them: printed by Python, cut at some length and depth. They are read as values only where nothing can have
 * been cut; for running the task again they are no source either way, but what a list shows and a search finds.
 */
import type { ObservedCall } from '#main/domain/observed.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { writeJson } from '../json/write.ts';
import { readLiteral } from '../python/read.ts';

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

/** Longer texts were raised by the application's own settings, and are shown as they are. */
const LONGEST = 64 * 1024;
/** What Celery's printer puts where it stopped. It may be part of a real text as well: then it is not read either. */
const CUT = /\.\.\.|…/;

/** The printed arguments as values; null where they are cut, hidden by the application, or hold what has no literal form. */
export function readPrintedCall(argsText: string | null, kwargsText: string | null): PrintedCall | null {
	if (argsText === null || kwargsText === null) return null;
	if (argsText.length > LONGEST || kwargsText.length > LONGEST || CUT.test(argsText) || CUT.test(kwargsText))
		return null;
	const args = itemsIn(argsText);
	const kwargs = namedIn(kwargsText);
	if (args === null || kwargs === null) return null;
	const list = writeJson({ kind: 'list', items: args }, 'readable');
	const dict = writeJson(
		{ kind: 'dict', entries: kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const) },
		'readable',
	);
	return {
		call: { args, kwargs },
		argsJson: list.ok ? list.value : null,
		kwargsJson: dict.ok ? dict.value : null,
	};
}

function itemsIn(text: string): readonly Value[] | null {
	if (text === '()' || text === '[]') return [];
	const read = readLiteral(text, { depth: 100 });
	return read.ok && (read.value.kind === 'tuple' || read.value.kind === 'list') ? read.value.items : null;
}

function namedIn(text: string): readonly (readonly [string, Value])[] | null {
	if (text === '{}') return [];
	const read = readLiteral(text, { depth: 100 });
	if (!read.ok || read.value.kind !== 'dict') return null;
	const named: (readonly [string, Value])[] = [];
	for (const [key, value] of read.value.entries) {
		if (key.kind !== 'str') return null;
		named.push([key.value, value]);
	}
	return named;
}
