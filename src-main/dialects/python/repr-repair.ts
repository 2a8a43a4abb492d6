/** What of printed arguments can be read although not all of it can: what a person mends them from. */
import type { ArgumentRepair } from '#main/domain/action.ts';
import { writeJson } from '../json/write.ts';
import { CUT, certainValue } from './repr-arguments.ts';
import { writeLiteral } from './write.ts';

/** Characters of what could not be read that are shown. */
const SHOWN = 60;

interface Piece {
	readonly text: string;
	/** Where it stands in the print. */
	readonly at: number;
}

interface Stop {
	/** Which argument it is: `positional argument 2`, `keyword argument "note"`. */
	readonly which: string;
	readonly why: string;
	/** Character of the print at which it was cut, or begins to be unreadable; from 1. */
	readonly at: number;
	readonly text: string;
}

/**
 * Positional arguments as a person types them and keyword arguments as JSON, each up to the first that is not certain. In the place of
 * the rest stands `<…>`, which nothing reads as an argument, so that nobody sends by mistake what is only a part.
 */
export function repairOfRepr(args: string | null, kwargs: string | null): ArgumentRepair {
	const positional = piecesOf(args, '(', ')') ?? piecesOf(args, '[', ']');
	const readable: string[] = [];
	let stop: Stop | null = null;
	if (positional === null) stop = hidden('positional arguments', args);
	for (const [index, piece] of (positional ?? []).entries()) {
		const value = certainValue(piece.text);
		if (!value.ok) {
			stop = stopAt(`positional argument ${index + 1}`, piece, value.error.message);
			break;
		}
		readable.push(writeLiteral(value.value));
	}
	const named = piecesOf(kwargs, '{', '}');
	const entries: string[] = [];
	const names: string[] = [];
	let namedStop: Stop | null = null;
	let before = '';
	if (named === null) namedStop = hidden('keyword arguments', kwargs);
	for (const piece of named ?? []) {
		const value = certainValue(`{${piece.text}}`);
		const [entry] = value.ok && value.value.kind === 'dict' ? value.value.entries : [];
		const json = entry === undefined ? null : writeJson(entry[1], 'readable');
		if (entry?.[0].kind !== 'str' || json?.ok !== true) {
			const why = value.ok ? 'cannot be written as JSON' : value.error.message;
			const name = /^\s*'([^'\\]*)':/.exec(piece.text)?.[1];
			namedStop = stopAt(name === undefined ? 'a keyword argument' : `keyword argument "${name}"`, piece, why);
			// Its name stays, so that its value is all there is to write.
			if (name !== undefined) before = `${JSON.stringify(name)}: `;
			break;
		}
		names.push(entry[0].value);
		entries.push(`${JSON.stringify(entry[0].value)}: ${json.value}`);
	}
	const stops = [stop, namedStop].filter((one) => one !== null);
	const read = [
		readable.length === 0
			? null
			: readable.length === 1
				? 'positional argument 1'
				: `positional arguments 1 to ${readable.length}`,
		names.length === 0 ? null : `${names.length === 1 ? 'keyword argument' : 'keyword arguments'} ${names.join(', ')}`,
	].filter((one) => one !== null);
	return {
		args: [...readable, ...markOf(stop)].join(', '),
		kwargs: `{${[...entries, ...markOf(namedStop).map((mark) => `${before}${mark}`)].join(', ')}}`,
		words: `${stops.map(({ which, why, at }) => `${which} ${why} at character ${at} of its print`).join(', and ')}; ${
			read.length === 0 ? 'nothing before that could be read' : `${read.join(' and ')} could be read`
		}`,
	};
}

function markOf(stop: Stop | null): readonly string[] {
	return stop === null ? [] : [`<${stop.which} ${stop.why}: ${stop.text}>`];
}

function hidden(which: string, text: string | null): Stop {
	if (text === null) return { which: `the ${which}`, why: 'were not told', at: 1, text: 'give them all' };
	return { which: `the ${which}`, why: 'were hidden by the application', at: 1, text: clip(text) };
}

function stopAt(which: string, piece: Piece, why: string): Stop {
	const cut = CUT.exec(piece.text)?.index ?? piece.text.length - piece.text.trimStart().length;
	return { which, why, at: piece.at + cut + 1, text: clip(piece.text) };
}

/** A line that no reader takes for an argument, whatever stands in it. */
function clip(text: string): string {
	const line = text.trim().replace(/\s+/g, ' ');
	return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

/** What stands between commas of the outermost brackets, as it was printed; null: these are not its brackets. */
function piecesOf(text: string | null, open: string, close: string): readonly Piece[] | null {
	if (text === null || !text.startsWith(open)) return null;
	const pieces: Piece[] = [];
	let depth = 0;
	let quote = '';
	let begun = 1;
	const end = (at: number) => {
		const piece = text.slice(begun, at);
		if (piece.trim() !== '') pieces.push({ text: piece, at: begun });
		begun = at + 1;
	};
	for (let at = 1; at < text.length; at += 1) {
		const mark = text[at] ?? '';
		if (quote !== '') {
			// A piece with a backslash is refused anyway, so where its text ends matters only for what comes after.
			if (mark === '\\') at += 1;
			else if (mark === quote) quote = '';
		} else if (mark === "'" || mark === '"') quote = mark;
		else if ('([{'.includes(mark)) depth += 1;
		else if (depth > 0 && ')]}'.includes(mark)) depth -= 1;
		else if (mark === close) {
			end(at);
			return pieces;
		} else if (depth === 0 && mark === ',') end(at);
	}
	end(text.length);
	return pieces;
}
