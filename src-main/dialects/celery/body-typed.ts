/** The values that kombu 5.3 and newer writes into JSON as `{"__type__": …, "__value__": …}`, shown as what they are. */
import type { Value } from '#main/domain/value.ts';
import { writeJson } from '../json/write.ts';
import { isoText } from '../python/repr-times.ts';
import { writeLiteral } from '../python/write.ts';

/** The same value with its typed members shown; each keeps the JSON it came from, so that it can be written back. */
export function typedValues(value: Value): Value {
	switch (value.kind) {
		case 'list':
			return { kind: 'list', items: value.items.map(typedValues) };
		case 'dict':
			return (
				typed(value) ?? { kind: 'dict', entries: value.entries.map(([key, item]) => [key, typedValues(item)] as const) }
			);
		default:
			return value;
	}
}

/** Longest decimal that is shown whole. */
const DIGITS = 5_000;
/** Longest base64 of bytes that are shown whole. */
const BYTES = 100_000;

function typed(value: Value & { readonly kind: 'dict' }): Value | null {
	if (value.entries.length !== 2) return null;
	const member = (name: string) => value.entries.find(([key]) => key.kind === 'str' && key.value === name)?.[1];
	const [type, inner] = [member('__type__'), member('__value__')];
	if (type?.kind !== 'str' || inner === undefined) return null;
	const shown = shownAs(type.value, inner);
	if (shown === null) return null;
	const json = writeJson(value, 'readable');
	return json.ok ? { kind: 'opaque', type: shown.type, text: shown.text, json: json.value } : null;
}

/** Type and printed form; null for types that kombu does not have, and for values that do not fit theirs. */
function shownAs(type: string, value: Value): { readonly type: string; readonly text: string } | null {
	if (type === 'uuid') {
		const hex =
			value.kind === 'dict' ? value.entries.find(([key]) => key.kind === 'str' && key.value === 'hex')?.[1] : value;
		const digits = hex?.kind === 'str' ? hex.value.replaceAll('-', '') : '';
		if (!/^[0-9a-fA-F]{32}$/.test(digits)) return null;
		const parts = digits.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
		return { type: 'uuid.UUID', text: `UUID('${parts}')` };
	}
	if (value.kind !== 'str') return null;
	switch (type) {
		case 'datetime':
		case 'date':
		case 'time': {
			const text = isoText(type, value.value);
			return text === null ? null : { type: `datetime.${type}`, text };
		}
		case 'decimal':
			return value.value.length > DIGITS ? null : { type: 'decimal.Decimal', text: `Decimal(${writeLiteral(value)})` };
		case 'bytes':
			return bytesShown(Buffer.from(value.value, 'utf8').toString('base64'));
		case 'base64':
			return bytesShown(value.value);
		default:
			return null;
	}
}

function bytesShown(base64: string): { readonly type: string; readonly text: string } {
	if (base64.length > BYTES) return { type: 'bytes', text: `<${Math.floor((base64.length * 3) / 4)} bytes>` };
	return { type: 'bytes', text: writeLiteral({ kind: 'bytes', base64 }) };
}
