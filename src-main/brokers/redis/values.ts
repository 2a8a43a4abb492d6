/** Header values of AMQP's types as JSON has them, and back. */
import type { FieldTable, FieldValue } from '../../domain/message.ts';
import { assertNever } from '../../domain/result.ts';
import type { Value } from '../../domain/value.ts';

const SHORTEST = -(2n ** 31n);
const LONGEST = 2n ** 31n - 1n;
const LOWEST = -(2n ** 63n);
const HIGHEST = 2n ** 63n - 1n;

/** A JSON value as the field it becomes on AMQP; integers beyond 64 bits, which AMQP has not, become their digits as text. */
export function fieldOf(value: Value): FieldValue {
	switch (value.kind) {
		case 'none':
			return { type: 'void' };
		case 'bool':
			return { type: 'bool', value: value.value };
		case 'int': {
			// Digits without end would take BigInt long.
			if (value.text.length > 20) return { type: 'longstr', text: value.text };
			const digits = BigInt(value.text);
			if (digits >= SHORTEST && digits <= LONGEST) return { type: 'int32', value: Number(digits) };
			if (digits >= LOWEST && digits <= HIGHEST) return { type: 'int64', text: value.text };
			return { type: 'longstr', text: value.text };
		}
		case 'float':
			return { type: 'double', value: Number(value.text) };
		case 'str':
			return { type: 'longstr', text: value.value };
		case 'list':
		case 'tuple':
			return { type: 'array', items: value.items.map(fieldOf) };
		case 'dict':
			return {
				type: 'table',
				fields: value.entries.map(([key, item]) => [key.kind === 'str' ? key.value : '', fieldOf(item)] as const),
			};
		default:
			// JSON has no other kinds.
			return { type: 'void' };
	}
}

/** A field as JSON can say it: numbers lose their width, bytes become base64. */
export function jsonOf(field: FieldValue): Value {
	switch (field.type) {
		case 'longstr':
			return { kind: 'str', value: field.text };
		case 'bytes':
			return { kind: 'str', value: field.base64 };
		case 'bool':
			return { kind: 'bool', value: field.value };
		case 'int8':
		case 'uint8':
		case 'int16':
		case 'uint16':
		case 'int32':
		case 'uint32':
			return { kind: 'int', text: String(Math.trunc(field.value)) };
		case 'int64':
		case 'timestamp':
			return { kind: 'int', text: field.text };
		case 'float':
		case 'double':
			return { kind: 'float', text: floatText(field.value) };
		case 'decimal':
			return { kind: 'float', text: floatText(field.digits / 10 ** field.places) };
		case 'void':
			return { kind: 'none' };
		case 'array':
			return { kind: 'list', items: field.items.map(jsonOf) };
		case 'table':
			return dictOf(field.fields);
		default:
			return assertNever(field);
	}
}

/** A table as an object. Of a key that stands twice the last holds, since it would be read so again. */
export function dictOf(fields: FieldTable): Extract<Value, { kind: 'dict' }> {
	const entries = new Map(fields.map(([key, item]) => [key, jsonOf(item)] as const));
	return { kind: 'dict', entries: [...entries].map(([key, item]) => [{ kind: 'str', value: key }, item] as const) };
}

/** As Python writes floats into JSON: never without a sign that they are none of the integers. */
function floatText(value: number): string {
	if (Object.is(value, -0)) return '-0.0';
	const text = String(value);
	return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
