/** Figures as rows and columns: what a table shows, what a file holds, and how each value is written. Pure. */
import { absoluteTime, grouped, isoTime } from './format.ts';

/** What the values of a column are. `share` is of 1, `seconds` and `rate` have decimals. */
export type FigureKind = 'text' | 'count' | 'seconds' | 'share' | 'rate' | 'time';

export interface FigureColumn {
	readonly label: string;
	readonly kind: FigureKind;
}

export interface FigureRow {
	/** One for each column; null: cannot be told. */
	readonly cells: readonly (string | number | null)[];
	/** What leads to what is behind it; null: nothing does. */
	readonly query: string | null;
}

/** A table of figures. */
export interface Figures {
	readonly columns: readonly FigureColumn[];
	readonly rows: readonly FigureRow[];
}

/** Seconds in three figures or more: `0.004`, `1.84`, `12,400`. */
export function secondsText(value: number): string {
	const size = Math.abs(value);
	if (size >= 1_000) return grouped(value);
	return value.toFixed(size >= 100 ? 1 : size >= 0.1 || size === 0 ? 2 : 4);
}

/** A cell as a person reads it. Text without a letter has a word of its own. */
export function cellText(value: string | number | null, kind: FigureKind): string {
	if (value === null) return '–';
	if (typeof value === 'string') return value === '' ? '(none)' : value;
	switch (kind) {
		case 'seconds':
			return secondsText(value);
		case 'share':
			return `${(value * 100).toFixed(1)} %`;
		case 'rate':
			return value.toFixed(value < 10 ? 2 : 1);
		case 'time':
			return absoluteTime(value).replace(/\.\d{3}/, '');
		case 'count':
		case 'text':
			return grouped(value);
	}
}

/** Rows by one column: numbers from the largest or the smallest, what cannot be told last. */
export function sortedRows(rows: readonly FigureRow[], column: number, descending: boolean): readonly FigureRow[] {
	const way = descending ? -1 : 1;
	return rows.toSorted((one, other) => {
		const a = one.cells[column] ?? null;
		const b = other.cells[column] ?? null;
		if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
		if (typeof a === 'number' && typeof b === 'number') return way * (a - b);
		return way * (String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0);
	});
}

/** As CSV with a heading: commas, CRLF, times as ISO 8601. A text that a spreadsheet would run is made plain by an apostrophe. */
export function figuresCsv({ columns, rows }: Figures): string {
	const line = (cells: readonly string[]): string => `${cells.map(quoted).join(',')}\r\n`;
	const body = rows.map(({ cells }) =>
		line(
			cells.map((cell, index) => {
				if (cell === null) return '';
				if (typeof cell === 'string') return /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
				return columns[index]?.kind === 'time' ? isoTime(cell) : String(cell);
			}),
		),
	);
	return [line(columns.map(({ label }) => label)), ...body].join('');
}

function quoted(cell: string): string {
	return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
