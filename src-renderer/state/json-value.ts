/** JSON text as values that keep every digit, read by the browser's own reader. Python's bare NaN and infinities are read as well. */
import type { Value } from '#main/domain/value.ts';

/** The browser tells a number's own text beside the rounded number; TypeScript's library does not know of it yet. */
type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** Marks a word that stood bare: no JSON text from Python begins a string with an unescaped NUL. */
const BARE = '\u0000bare:';
const WORDS = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g;

/** Null: it is no JSON. An object's keys that are whole numbers come first, since the browser's reader orders them so. */
export function valueOfJson(text: string): Value | null {
	const reviver: Reviver = (_key, value, context) => revived(value, context?.source);
	try {
		const strict = text.replace(WORDS, (word) => (word.startsWith('"') ? word : JSON.stringify(`${BARE}${word}`)));
		return JSON.parse(strict, reviver as (key: string, value: unknown) => unknown) as Value;
	} catch {
		// Whoever shows it shows the text then.
		return null;
	}
}

function revived(value: unknown, source: string | undefined): Value {
	if (value === null) return { kind: 'none' };
	switch (typeof value) {
		case 'boolean':
			return { kind: 'bool', value };
		case 'number': {
			const text = source ?? String(value);
			return /^-?\d+$/.test(text) ? { kind: 'int', text } : { kind: 'float', text };
		}
		case 'string':
			return value.startsWith(BARE) ? { kind: 'float', text: value.slice(BARE.length) } : { kind: 'str', value };
		default:
			// Its parts were revived before it.
			return Array.isArray(value)
				? { kind: 'list', items: value as readonly Value[] }
				: {
						kind: 'dict',
						entries: Object.entries(value as Readonly<Record<string, Value>>).map(([key, part]) => [
							{ kind: 'str', value: key },
							part,
						]),
					};
	}
}

/** One entry of an object; null: it has none of that name, or is none. */
export function memberOf(value: Value | null, name: string): Value | null {
	if (value?.kind !== 'dict') return null;
	return value.entries.find(([key]) => key.kind === 'str' && key.value === name)?.[1] ?? null;
}

/** A text or number as text; null: it is neither. */
export function textOf(value: Value | null): string | null {
	if (value?.kind === 'str') return value.value;
	return value?.kind === 'int' || value?.kind === 'float' ? value.text : null;
}

/** The items of a list; null: it is none. */
export function itemsOf(value: Value | null): readonly Value[] | null {
	return value?.kind === 'list' ? value.items : null;
}
