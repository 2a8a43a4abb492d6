/**
 * A value as a task sees it, with its type and all its digits: the one model that JSON, Python literals and (later) pickles
 * are read into and written from. It is plain JSON-safe data, so it crosses the wire as it is.
 *
 * Numbers are kept as the text they were written with: a 64-bit id or a price never passes through a double.
 */
export type Value =
	| { readonly kind: 'none' }
	| { readonly kind: 'bool'; readonly value: boolean }
	/** Decimal digits with an optional minus sign, of any length. */
	| { readonly kind: 'int'; readonly text: string }
	/** As written (`1.50`, `1e400`), or `NaN`, `Infinity`, `-Infinity`. */
	| { readonly kind: 'float'; readonly text: string }
	/** May hold lone surrogates, which JSON and Python both allow. */
	| { readonly kind: 'str'; readonly value: string }
	| { readonly kind: 'bytes'; readonly base64: string }
	| { readonly kind: 'list'; readonly items: readonly Value[] }
	| { readonly kind: 'tuple'; readonly items: readonly Value[] }
	| { readonly kind: 'set'; readonly items: readonly Value[] }
	| { readonly kind: 'frozenset'; readonly items: readonly Value[] }
	/** Entries in their order; a JSON object has `str` keys only. */
	| { readonly kind: 'dict'; readonly entries: readonly (readonly [Value, Value])[] }
	/**
	 * Complex numbers, `...`, dates and foreign objects: shown, never rebuilt. `text` is what to show. `json` is there where it was read
	 * from JSON that says the same (kombu's typed values): with it, it can be written back.
	 */
	| { readonly kind: 'opaque'; readonly type: string; readonly text: string; readonly json?: string };

/** What a task is called with. `args` in order; `kwargs` by name in their order. */
export interface CallArguments {
	readonly args: readonly Value[];
	readonly kwargs: readonly (readonly [string, Value])[];
}

export const NO_ARGUMENTS: CallArguments = { args: [], kwargs: [] };

const BEYOND_JSON: ReadonlySet<Value['kind']> = new Set(['tuple', 'set', 'frozenset', 'bytes']);

/**
 * Whether values are the same again once they were written as JSON and read back: no bytes, no sets, no tuples, which become lists, no
 * keys but texts, and of objects only those that JSON says. What is not must not be offered for an edit as if the text were all of it.
 */
export function isJson(values: readonly Value[]): boolean {
	const open = [...values];
	for (let value = open.pop(); value !== undefined; value = open.pop()) {
		if (value.kind === 'list') open.push(...value.items);
		else if (value.kind === 'dict') {
			for (const [key, item] of value.entries) {
				if (key.kind !== 'str') return false;
				open.push(item);
			}
		} else if (value.kind === 'opaque' ? value.json === undefined : BEYOND_JSON.has(value.kind)) return false;
	}
	return true;
}
