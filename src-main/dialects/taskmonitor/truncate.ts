/**
 * How aa-taskmonitor shortens arguments and results before it logs them: one level stays, what is nested in it becomes empty.
 * Long texts stay whole.
 */
import type { CallArguments, Value } from '#main/domain/value.ts';

const EMPTY_LIST: Value = { kind: 'list', items: [] };
const EMPTY_DICT: Value = { kind: 'dict', entries: [] };

/** Positional arguments: every container among them becomes empty. Tuples and sets become lists. */
export function truncateArgs(args: readonly Value[]): readonly Value[] {
	return args.map(leaf);
}

/** Keyword arguments: every container among them becomes empty. */
export function truncateKwargs(kwargs: CallArguments['kwargs']): CallArguments['kwargs'] {
	return kwargs.map(([name, value]) => [name, leaf(value)]);
}

/** Both parts of a call. */
export function truncateCall(call: CallArguments): CallArguments {
	return { args: truncateArgs(call.args), kwargs: truncateKwargs(call.kwargs) };
}

/** A result: containers keep their first level, and a list of which nothing is true or `False` becomes empty. */
export function truncateResult(result: Value): Value {
	if (result.kind === 'dict') {
		return { kind: 'dict', entries: result.entries.map(([key, value]) => [key, leaf(value)] as const) };
	}
	const items = itemsOf(result);
	if (items === null) return result;
	const leaves = items.map(leaf);
	return leaves.some((one) => isFalse(one) || isTrue(one)) ? { kind: 'list', items: leaves } : EMPTY_LIST;
}

function leaf(value: Value): Value {
	if (value.kind === 'dict') return EMPTY_DICT;
	return itemsOf(value) === null ? value : EMPTY_LIST;
}

function itemsOf(value: Value): readonly Value[] | null {
	switch (value.kind) {
		case 'list':
		case 'tuple':
		case 'set':
		case 'frozenset':
			return value.items;
		default:
			return null;
	}
}

/** `False` itself. Its 0 is none: the original compares by identity. */
function isFalse(value: Value): boolean {
	return value.kind === 'bool' && !value.value;
}

/** Whether Python takes it for true. */
function isTrue(value: Value): boolean {
	switch (value.kind) {
		case 'none':
			return false;
		case 'bool':
			return value.value;
		case 'int':
			return /[1-9]/.test(value.text);
		case 'float':
			return Number(value.text) !== 0;
		case 'str':
			return value.value !== '';
		case 'bytes':
			return value.base64 !== '';
		case 'dict':
			return value.entries.length > 0;
		case 'opaque':
			return true;
		default:
			return value.items.length > 0;
	}
}
