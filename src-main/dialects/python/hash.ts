/** Which values Python takes for the same key. */
import { assertNever } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';

/**
 * A text that is equal for two values exactly when Python would take them for one dict key or set member (`1`, `1.0` and
 * `True` are one). Null for what cannot be hashed (list, dict, set). Empty for nan, which equals nothing.
 */
export function hashKey(value: Value): string | null {
	switch (value.kind) {
		case 'none':
			return 'N';
		case 'bool':
			return value.value ? 'n1' : 'n0';
		case 'int':
			return `n${value.text}`;
		case 'float':
			return floatKey(value.text);
		case 'str':
			return `s${value.value.length}:${value.value}`;
		case 'bytes':
			return `b${value.base64}`;
		case 'opaque':
			return `o${value.text.length}:${value.text}`;
		case 'tuple': {
			const parts = value.items.map(hashKey);
			if (parts.includes(null)) return null;
			return parts.includes('') ? '' : `(${parts.join(',')})`;
		}
		case 'frozenset': {
			const parts = value.items.map(hashKey);
			if (parts.includes(null)) return null;
			return parts.includes('') ? '' : `{${parts.sort().join(',')}}`;
		}
		case 'list':
		case 'set':
		case 'dict':
			return null;
		default:
			return assertNever(value);
	}
}

function floatKey(text: string): string {
	const number = Number(text);
	if (Number.isNaN(number)) return '';
	// A float is a double in Python too, so a whole one equals the integer with its exact digits.
	return Number.isInteger(number) ? `n${BigInt(number).toString()}` : `n${number}`;
}
