/** Messages as text for people: header values with their types, bytes as a dump. */
import type { FieldValue } from '#main/domain/message.ts';

/** A header's value. Texts stand in quotes only where they could be taken for another type. */
export function fieldText(value: FieldValue): string {
	switch (value.type) {
		case 'longstr':
			return value.text;
		case 'bytes':
			return `bytes ${value.base64}`;
		case 'bool':
			return String(value.value);
		case 'int64':
		case 'timestamp':
			return `${value.text} (${value.type})`;
		case 'decimal':
			return `${value.digits}e-${value.places} (decimal)`;
		case 'void':
			return '(void)';
		case 'array':
			return `[${value.items.map(fieldText).join(', ')}]`;
		case 'table':
			return `{${value.fields.map(([name, item]) => `${name}: ${fieldText(item)}`).join(', ')}}`;
		default:
			return `${value.value} (${value.type})`;
	}
}

/** As much as is drawn as bytes: a dump is five times as long as what it shows. */
const DUMPED = 65_535;

/** Bytes in rows of sixteen: offset, hex, and what can be printed; the first 64 KiB. */
export function hexDump(base64: string): string {
	const text = atob(base64.slice(0, (DUMPED / 3) * 4));
	const rows: string[] = [];
	for (let start = 0; start < text.length; start += 16) {
		const part = text.slice(start, start + 16);
		const codes = Array.from(part, (letter) => letter.charCodeAt(0));
		const hex = codes.map((code) => code.toString(16).padStart(2, '0')).join(' ');
		const shown = codes.map((code) => (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '.')).join('');
		rows.push(`${start.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${shown}`);
	}
	if (base64.length > (DUMPED / 3) * 4) rows.push('…');
	return rows.join('\n');
}
