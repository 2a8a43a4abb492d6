/**
 * What tasks print is hostile until read: a line may hold escapes that move the cursor, rewrite the window's title, put
 * text on the clipboard (OSC 52), hide words or dress them as links. Colours are let through, everything else is dropped
 * or shown, and no line can pass itself off as another's.
 */
import type { ConsoleLine } from '#main/domain/consumer.ts';
import type { LogLevel } from '#main/domain/task.ts';
import { clockTime } from './format.ts';
import { visibleRuns } from './visible-text.ts';

const ESC = '\u001b';
const RESET = `${ESC}[0m`;
/** Continuation of a text of several lines, so that it can't look like a line of its own. */
const CONTINUED = `${ESC}[90m  │${RESET} `;
/** No more of one line than this is written, in UTF-16 units. */
const LONGEST_LINE = 20_000;

/**
 * Makes text safe to write to a terminal: colours and weights stay, other escapes go, other control characters are shown
 * as pictures, characters that change the direction of text by their number. Newlines stay as `\n`; a lone carriage
 * return, which would write over what stands there, becomes a newline.
 */
export function safeTerminalText(text: string): string {
	return pieces(text, true);
}

/** The same without any colour: what a person would read. */
export function plainTerminalText(text: string): string {
	return pieces(text, false);
}

/** One line of the live console: time, level, where from, text; several rows where the text has them. Ends with CR LF. */
export function consoleText(line: ConsoleLine): string {
	const cut =
		line.text.length > LONGEST_LINE
			? `${line.text.slice(0, LONGEST_LINE)} … ${line.text.length - LONGEST_LINE} more characters`
			: line.text;
	const rows = safeTerminalText(cut.replace(/\r?\n$/, '')).split('\n');
	const from = plainTerminalText(line.taskName ?? line.logger ?? line.source).replaceAll('\n', ' ');
	const slot = line.slot === null ? '' : ` ${plainTerminalText(line.slot).replaceAll('\n', ' ')}`;
	const head = `${ESC}[90m${clockTime(line.at)}${RESET} ${levelText(line)} ${ESC}[36m${from}${ESC}[90m${slot}${RESET}  `;
	const tint = line.source === 'stderr' ? `${ESC}[33m` : line.source === 'warren' ? `${ESC}[90m` : '';
	return `${rows.map((row, index) => `${index === 0 ? head : CONTINUED}${tint}${row}${RESET}`).join('\r\n')}\r\n`;
}

const LEVELS: Readonly<Record<LogLevel, string>> = {
	debug: `${ESC}[90mDEBUG${RESET}   `,
	info: 'INFO    ',
	warning: `${ESC}[33mWARNING${RESET} `,
	error: `${ESC}[31mERROR${RESET}   `,
	critical: `${ESC}[1;31mCRITICAL${RESET}`,
};

function levelText(line: ConsoleLine): string {
	if (line.source === 'stdout') return `${ESC}[90mstdout${RESET}  `;
	if (line.source === 'stderr') return `${ESC}[33mstderr${RESET}  `;
	return LEVELS[line.level];
}

function pieces(text: string, colours: boolean): string {
	let out = '';
	let at = 0;
	let coloured = false;
	while (at < text.length) {
		const code = text.charCodeAt(at);
		if (code === 0x1b || (code >= 0x80 && code <= 0x9f)) {
			const read = readEscape(text, at);
			if (colours && read.sgr !== null) {
				const kept = safeSgr(read.sgr);
				if (kept !== null) {
					out += `${ESC}[${kept}m`;
					coloured = true;
				}
			}
			at = read.next;
		} else if (code === 0x0d) {
			if (text.charCodeAt(at + 1) !== 0x0a) out += '\n';
			at += 1;
		} else if (code === 0x0a || code === 0x09) {
			out += text[at];
			at += 1;
		} else if (code < 0x20 || code === 0x7f) {
			out += code === 0x7f ? '␡' : String.fromCharCode(0x2400 + code);
			at += 1;
		} else {
			let end = at + 1;
			while (end < text.length && !isControl(text.charCodeAt(end))) end += 1;
			for (const run of visibleRuns(text.slice(at, end), true))
				out += run.kind === 'plain' ? run.text : `‹${run.shown}›`;
			at = end;
		}
	}
	return coloured ? out + RESET : out;
}

function isControl(code: number): boolean {
	return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/** Reads one escape, seven-bit (`ESC [`) or eight-bit (0x9b): where it ends, and its parameters if it only sets colours. */
function readEscape(text: string, start: number): { readonly next: number; readonly sgr: string | null } {
	let at = start;
	let kind = text.charCodeAt(at);
	at += 1;
	if (kind === 0x1b) {
		if (at >= text.length) return { next: at, sgr: null };
		const second = text.charCodeAt(at);
		// ESC with a character of 0x40 to 0x5f is the same as the control of 0x80 to 0x9f.
		if (second >= 0x40 && second <= 0x5f) {
			kind = second + 0x40;
			at += 1;
		} else {
			while (at < text.length && text.charCodeAt(at) >= 0x20 && text.charCodeAt(at) <= 0x2f) at += 1;
			const final = text.charCodeAt(at);
			return { next: final >= 0x30 && final <= 0x7e ? at + 1 : at, sgr: null };
		}
	}
	if (kind === 0x9b) {
		const from = at;
		while (at < text.length && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x3f) at += 1;
		const parameters = text.slice(from, at);
		const middle = at;
		while (at < text.length && text.charCodeAt(at) >= 0x20 && text.charCodeAt(at) <= 0x2f) at += 1;
		const final = text.charCodeAt(at);
		if (!(final >= 0x40 && final <= 0x7e)) return { next: at, sgr: null };
		const sgr = final === 0x6d && middle === at && /^[\d;:]*$/.test(parameters) ? parameters : null;
		return { next: at + 1, sgr };
	}
	// OSC, DCS, SOS, PM, APC: strings that end with BEL or ST, and at the end of the line if nobody ended them, so that
	// one of them can't swallow what comes after.
	if (kind === 0x9d || kind === 0x90 || kind === 0x98 || kind === 0x9e || kind === 0x9f) {
		while (at < text.length) {
			const code = text.charCodeAt(at);
			if (code === 0x07 || code === 0x9c) return { next: at + 1, sgr: null };
			if (code === 0x1b) return { next: text[at + 1] === '\\' ? at + 2 : at, sgr: null };
			if (code === 0x0a || code === 0x0d) return { next: at, sgr: null };
			at += 1;
		}
	}
	return { next: at, sgr: null };
}

const SIMPLE = new Set([0, 1, 2, 3, 4, 7, 9, 21, 22, 23, 24, 27, 29, 39, 49, 53, 55, 59]);

/**
 * The parameters that only colour: no blinking (5, 6) and no hiding (8). True colours become the nearest of the 256, which the
 * terminal draws by class instead of by inline style.
 */
function safeSgr(parameters: string): string | null {
	if (parameters === '') return '0';
	const numbers = parameters.split(/[;:]/).map((part) => (part === '' ? 0 : Number(part)));
	if (numbers.length > 32) return null;
	const kept: string[] = [];
	for (let index = 0; index < numbers.length; index++) {
		const value = numbers[index] ?? 0;
		if (value === 38 || value === 48 || value === 58) {
			const mode = numbers[index + 1];
			if (mode === 5) {
				const colour = numbers[index + 2] ?? 0;
				if (value !== 58 && colour <= 255) kept.push(`${value};5;${colour}`);
				index += 2;
			} else if (mode === 2) {
				const [red = 0, green = 0, blue = 0] = numbers.slice(index + 2, index + 5);
				if (value !== 58) kept.push(`${value};5;${nearest(red, green, blue)}`);
				index += 4;
			} else break;
		} else if (
			SIMPLE.has(value) ||
			(value >= 30 && value <= 37) ||
			(value >= 40 && value <= 47) ||
			(value >= 90 && value <= 97) ||
			(value >= 100 && value <= 107)
		) {
			kept.push(String(value));
		}
	}
	return kept.length === 0 ? null : kept.join(';');
}

/** The nearest of the 6 by 6 by 6 cube, or of the 24 greys. */
function nearest(red: number, green: number, blue: number): number {
	const level = (value: number): number => Math.round((Math.min(255, Math.max(0, value)) / 255) * 5);
	if (Math.abs(red - green) < 8 && Math.abs(green - blue) < 8) {
		const grey = Math.round((Math.min(238, Math.max(8, red)) - 8) / 10);
		return 232 + Math.min(23, grey);
	}
	return 16 + 36 * level(red) + 6 * level(green) + level(blue);
}
