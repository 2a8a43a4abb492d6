/** Text for a terminal: colours when wanted, tables that fit, and nothing that a hostile payload could do to the terminal. */

export interface Style {
	readonly colour: boolean;
	readonly width: number;
}

export type Paint = 'red' | 'green' | 'yellow' | 'blue' | 'dim' | 'bold';
const CODES: Readonly<Record<Paint, readonly [number, number]>> = {
	red: [31, 39],
	green: [32, 39],
	yellow: [33, 39],
	blue: [36, 39],
	dim: [2, 22],
	bold: [1, 22],
};

/** Colours a text, or leaves it alone. */
export function paint(style: Style, colour: Paint, text: string): string {
	if (!style.colour || text === '') return text;
	const [on, off] = CODES[colour];
	return `\u001b[${on}m${text}\u001b[${off}m`;
}

/** Control characters as visible ones, line breaks and tabs apart: what comes from tasks must not drive a terminal. */
export function harmless(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
	return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (char) => {
		const code = char.charCodeAt(0);
		return code < 32
			? String.fromCharCode(0x2400 + code)
			: code === 127
				? '␡'
				: `<U+${code.toString(16).toUpperCase()}>`;
	});
}

/** The same on one line. */
export function oneLine(text: string): string {
	return harmless(text.replaceAll(/\s*\r?\n\s*/g, ' ⏎ ').replaceAll('\t', ' '));
}

/** Like `harmless`, but colours (SGR) are left to work where colours are on, and end with the text. */
export function harmlessColours(style: Style, text: string): string {
	if (!style.colour) return harmless(text.replace(SGR, ''));
	const parts = text.split(SGR_KEPT);
	if (parts.length === 1) return harmless(text);
	return `${parts.map((part, i) => (i % 2 === 1 ? part : harmless(part))).join('')}\u001b[0m`;
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
const SGR = /\u001b\[[0-9;]{0,40}m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
const SGR_KEPT = /(\u001b\[[0-9;]{0,40}m)/;

export interface Column<T> {
	readonly title: string;
	readonly cell: (item: T) => string;
	readonly paint?: (item: T) => Paint | null;
	readonly right?: boolean;
	/** May be cut when the table is too wide; the widest such column gives way first. */
	readonly shrink?: boolean;
}

const GAP = '  ';
const LEAST = 8;

/** A table without its last newline. Cells are made harmless here. */
export function table<T>(style: Style, items: readonly T[], columns: readonly Column<T>[]): string {
	const rows = items.map((item) => columns.map((column) => oneLine(column.cell(item))));
	const widths = columns.map((column, i) =>
		Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[i] ?? ''))),
	);
	const room = style.width - GAP.length * (columns.length - 1);
	for (let over = sum(widths) - room; over > 0; over = sum(widths) - room) {
		const widest = widestOf(columns, widths);
		if (widest === -1) break;
		widths[widest] = Math.max(LEAST, (widths[widest] ?? 0) - over);
	}
	const line = (cells: readonly string[], colourOf: (i: number) => Paint | null) =>
		cells
			.map((cell, i) => {
				const fitted = padTo(cell, widths[i] ?? 0, columns[i]?.right === true, i === cells.length - 1);
				const colour = colourOf(i);
				return colour === null ? fitted : paint(style, colour, fitted);
			})
			.join(GAP)
			.trimEnd();
	const head = line(
		columns.map((column) => column.title),
		() => 'bold',
	);
	const body = rows.map((row, r) => line(row, (i) => columns[i]?.paint?.(items[r] as T) ?? null));
	return [head, ...body].join('\n');
}

function widestOf<T>(columns: readonly Column<T>[], widths: readonly number[]): number {
	let widest = -1;
	for (const [i, column] of columns.entries()) {
		if (
			column.shrink === true &&
			(widths[i] ?? 0) > LEAST &&
			(widest === -1 || (widths[i] ?? 0) > (widths[widest] ?? 0))
		) {
			widest = i;
		}
	}
	return widest;
}

function padTo(text: string, width: number, right: boolean, last: boolean): string {
	const size = widthOf(text);
	if (size > width) return cut(text, width);
	if (right) return ' '.repeat(width - size) + text;
	return last ? text : text + ' '.repeat(width - size);
}

/** Cuts to a width, with an ellipsis. */
export function cut(text: string, width: number): string {
	if (widthOf(text) <= width) return text;
	let kept = '';
	let size = 0;
	for (const char of text) {
		const one = widthOf(char);
		if (size + one > width - 1) break;
		kept += char;
		size += one;
	}
	return `${kept}…`;
}

/** Columns that a text takes: two for East Asian wide characters and emoji, none for combining marks. */
export function widthOf(text: string): number {
	let width = 0;
	for (const char of text) {
		if (/\p{Mn}|\p{Me}|\u200d|\ufe0f/u.test(char)) continue;
		width +=
			/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
				char,
			)
				? 2
				: 1;
	}
	return width;
}

function sum(numbers: readonly number[]): number {
	return numbers.reduce((total, one) => total + one, 0);
}

/** Names and values in two columns; values may have several lines. */
export function pairs(style: Style, rows: readonly (readonly [string, string | null])[]): string {
	const shown = rows.filter((row): row is readonly [string, string] => row[1] !== null);
	const width = Math.max(0, ...shown.map(([name]) => name.length));
	return shown
		.map(([name, value]) => {
			const label = paint(style, 'dim', name.padEnd(width));
			return `${label}  ${harmless(value)
				.split('\n')
				.join(`\n${' '.repeat(width + 2)}`)}`;
		})
		.join('\n');
}

/** `1,234`. */
export function count(value: number): string {
	return value.toLocaleString('en-US');
}

/** `1 task`, `12 tasks`. */
export function counted(value: number, noun: string): string {
	return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Local date and time to the second; a dash for none. */
export function when(at: number | null): string {
	if (at === null) return '-';
	const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
	return Number.isNaN(date.getTime()) ? '-' : date.toISOString().slice(0, 19).replace('T', ' ');
}

/** `120 ms`, `4.5 s`, `3 min 20 s`. */
export function lasted(ms: number | null): string {
	if (ms === null) return '-';
	if (ms < 1_000) return `${Math.round(ms)} ms`;
	if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
	if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`;
	return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
}
