/** Values as one line of text, in Python's notation, since that is what the tasks see. */
import type { Value } from '#main/domain/value.ts';

/** The collections, which can be opened. */
export type CollectionValue = Extract<Value, { readonly kind: 'list' | 'tuple' | 'set' | 'frozenset' | 'dict' }>;

/** Whether a value holds others. */
export function isCollection(value: Value): value is CollectionValue {
	return (
		value.kind === 'list' ||
		value.kind === 'tuple' ||
		value.kind === 'set' ||
		value.kind === 'frozenset' ||
		value.kind === 'dict'
	);
}

/** How many values it holds. */
export function sizeOf(value: CollectionValue): number {
	return value.kind === 'dict' ? value.entries.length : value.items.length;
}

/** The type's name as Python has it. */
export function typeName(value: Value): string {
	switch (value.kind) {
		case 'none':
			return 'None';
		case 'opaque':
			return value.type;
		default:
			return value.kind;
	}
}

/** A string between quotes, with what would end or break the line escaped. */
export function quoted(text: string): string {
	const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
	let out = quote;
	for (const point of text) {
		if (point === '\\') out += '\\\\';
		else if (point === quote) out += `\\${quote}`;
		else if (point === '\n') out += '\\n';
		else if (point === '\r') out += '\\r';
		else if (point === '\t') out += '\\t';
		else out += point;
	}
	return out + quote;
}

/** Bytes between quotes, as Python prints them; at most `most` bytes, then an ellipsis. */
export function bytesText(
	base64: string,
	most = Number.POSITIVE_INFINITY,
): { readonly text: string; readonly size: number } {
	let raw: string;
	try {
		raw = atob(base64);
	} catch {
		return { text: "b'…' (unreadable)", size: 0 };
	}
	let out = "b'";
	for (let index = 0; index < raw.length && index < most; index++) {
		const code = raw.charCodeAt(index);
		if (code === 0x5c || code === 0x27) out += `\\${raw[index]}`;
		else if (code === 0x0a) out += '\\n';
		else if (code === 0x0d) out += '\\r';
		else if (code === 0x09) out += '\\t';
		else if (code >= 0x20 && code < 0x7f) out += raw[index];
		else out += `\\x${code.toString(16).padStart(2, '0')}`;
	}
	return { text: `${out}${raw.length > most ? '…' : ''}'`, size: raw.length };
}

/** What a value that holds no others is shown as, whole. */
export function scalarText(value: Exclude<Value, CollectionValue>): string {
	switch (value.kind) {
		case 'none':
			return 'None';
		case 'bool':
			return value.value ? 'True' : 'False';
		case 'int':
			return value.text;
		case 'float':
			return value.text === 'NaN'
				? 'nan'
				: value.text === 'Infinity'
					? 'inf'
					: value.text === '-Infinity'
						? '-inf'
						: value.text;
		case 'str':
			return quoted(value.value);
		case 'bytes':
			return bytesText(value.base64).text;
		case 'opaque':
			return value.text;
	}
}

const BRACKETS: Readonly<Record<CollectionValue['kind'], readonly [string, string]>> = {
	list: ['[', ']'],
	tuple: ['(', ')'],
	set: ['{', '}'],
	frozenset: ['frozenset({', '})'],
	dict: ['{', '}'],
};

/** One line of at most about `length` characters; what does not fit becomes an ellipsis. Never visits more than it shows. */
export function previewText(value: Value, length = 60, depth = 0): string {
	if (!isCollection(value)) {
		if (value.kind === 'str')
			return value.value.length > length
				? `${quoted(value.value.slice(0, length).toWellFormed()).slice(0, -1)}…'`
				: quoted(value.value);
		if (value.kind === 'bytes') return bytesText(value.base64, length).text;
		const text = scalarText(value);
		return text.length > length ? `${text.slice(0, length)}…` : text;
	}
	const [open, close] = BRACKETS[value.kind];
	const size = sizeOf(value);
	if (size === 0) return value.kind === 'set' ? 'set()' : open + close;
	if (depth > 3) return `${open}…${close}`;
	let inside = '';
	for (let index = 0; index < size; index++) {
		const room = length - inside.length - open.length - close.length;
		if (room < 4 && index > 0) return `${open}${inside}, …${close}`;
		let part: string;
		if (value.kind === 'dict') {
			const entry = value.entries[index];
			if (entry === undefined) break;
			part = `${previewText(entry[0], Math.max(6, room), depth + 1)}: ${previewText(entry[1], Math.max(6, room - 8), depth + 1)}`;
		} else {
			const item = value.items[index];
			if (item === undefined) break;
			part = previewText(item, Math.max(6, room), depth + 1);
		}
		inside += index === 0 ? part : `, ${part}`;
	}
	return `${open}${inside}${value.kind === 'tuple' && size === 1 ? ',' : ''}${close}`;
}
