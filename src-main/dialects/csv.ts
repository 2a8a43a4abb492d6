/** CSV as Python's `csv` module writes it by default: quotes only where they are needed, doubled inside, lines ended by CRLF. */

/** How a file is laid out. */
export interface CsvLayout {
	readonly delimiter: ';' | ',';
	/** True: a text that a spreadsheet would take for a formula gets an apostrophe before it. */
	readonly neutralise: boolean;
}

/** A cell. Numbers are written as they are; only texts can be formulas. Null: empty. */
export type CsvCell = string | number | null;

/** One record with its line end. */
export function csvLine(cells: readonly CsvCell[], layout: CsvLayout): string {
	const texts = cells.map((cell) => {
		if (cell === null) return '';
		if (typeof cell === 'number') return String(cell);
		return quoted(layout.neutralise ? neutralised(cell) : cell, layout.delimiter);
	});
	// A single empty cell would read as no record at all.
	return `${texts.length === 1 && texts[0] === '' ? '""' : texts.join(layout.delimiter)}\r\n`;
}

/** What spreadsheets run: they look past blanks and quotes at the first character. */
const FORMULA = /^[\s"']*[=+\-@\t\r]/;

/** The text, or with an apostrophe before it where a spreadsheet would run it. A leading apostrophe of its own is doubled. */
export function neutralised(text: string): string {
	return FORMULA.test(text) || text.startsWith("'") ? `'${text}` : text;
}

/** What `neutralised` was given. */
export function restored(text: string): string {
	return text.startsWith("'") ? text.slice(1) : text;
}

function quoted(text: string, delimiter: string): string {
	return text.includes(delimiter) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Records of a text, and where the last whole one ends. */
export interface CsvRecords {
	readonly records: readonly (readonly string[])[];
	/** UTF-16 units that whole records take; what is after belongs to the next piece of the file. */
	readonly read: number;
	/** A quote that never closes, as far as can be seen: the last record goes to the end of the text. */
	readonly open: boolean;
}

/**
 * Reads as many whole records as there are. `last`: nothing follows, so what has no line end is a record too. Lines may end in CRLF, LF
 * or CR; empty lines are passed over. Takes time linear in the text.
 */
export function readCsv(text: string, delimiter: string, last: boolean): CsvRecords {
	const records: string[][] = [];
	let record: string[] = [];
	let cell = '';
	let inQuotes = false;
	let wasQuoted = false;
	let read = 0;
	let at = 0;
	const endRecord = (next: number) => {
		record.push(cell);
		if (record.length > 1 || record[0] !== '' || wasQuoted) records.push(record);
		record = [];
		cell = '';
		wasQuoted = false;
		read = next;
	};
	while (at < text.length) {
		const char = text[at] ?? '';
		if (inQuotes) {
			const end = text.indexOf('"', at);
			if (end === -1) {
				cell += text.slice(at);
				at = text.length;
			} else if (text[end + 1] === '"') {
				cell += text.slice(at, end + 1);
				at = end + 2;
			} else if (end + 1 === text.length && !last) {
				// The next piece may go on with a second quote.
				return { records, read, open: true };
			} else {
				cell += text.slice(at, end);
				inQuotes = false;
				at = end + 1;
			}
		} else if (char === '"' && cell === '') {
			inQuotes = true;
			wasQuoted = true;
			at += 1;
		} else if (char === delimiter) {
			record.push(cell);
			cell = '';
			at += 1;
		} else if (char === '\n') {
			at += 1;
			endRecord(at);
		} else if (char === '\r') {
			if (at + 1 === text.length && !last) break;
			at += text[at + 1] === '\n' ? 2 : 1;
			endRecord(at);
		} else {
			let end = at + 1;
			while (end < text.length && text[end] !== delimiter && text[end] !== '\n' && text[end] !== '\r') end += 1;
			cell += text.slice(at, end);
			at = end;
		}
	}
	if (last && (record.length > 0 || cell !== '' || wasQuoted)) endRecord(text.length);
	return { records, read, open: inQuotes };
}
