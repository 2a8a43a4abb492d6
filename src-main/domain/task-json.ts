/** Tasks as scripts read them: real JSON of what they carry, with all digits. */
import type { Attempt, TaskResult, TaskRow } from './task.ts';

/** Node writes a raw JSON text's digits as they are, and tells a number's text while reading. */
const exact = JSON as unknown as {
	rawJSON(text: string): unknown;
	parse(text: string, revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
};

/**
 * JSON text as a value whose numbers are written out again digit by digit. NaN and the infinities, which Python's JSON has
 * and JSON has not, become the texts "NaN", "Infinity" and "-Infinity". Null when the text is null or cannot be read.
 */
export function exactJson(text: string | null): unknown {
	if (text === null) return null;
	try {
		return exact.parse(quoteStrangeNumbers(text), (_key, value, context) =>
			typeof value === 'number' && context.source !== undefined ? exact.rawJSON(context.source) : value,
		);
	} catch {
		// Text cut for size, or nested deeper than the stack: unreadable, which null says.
		return null;
	}
}

/** Puts quotes around bare NaN, Infinity and -Infinity outside of strings. */
export function quoteStrangeNumbers(text: string): string {
	if (!/NaN|Infinity/.test(text)) return text;
	let out = '';
	let from = 0;
	for (let i = 0; i < text.length; i += 1) {
		const char = text[i];
		if (char === '"') {
			for (i += 1; i < text.length && text[i] !== '"'; i += 1) if (text[i] === '\\') i += 1;
			continue;
		}
		const word =
			char === 'N' || char === 'I' || char === '-' ? /^(NaN|-?Infinity)/.exec(text.slice(i, i + 9))?.[0] : null;
		if (word === undefined || word === null) continue;
		out += `${text.slice(from, i)}"${word}"`;
		i += word.length - 1;
		from = i + 1;
	}
	return out + text.slice(from);
}

/** A task as `task list --json` has it. */
export function taskRowJson(row: TaskRow): Readonly<Record<string, unknown>> {
	const { argsJson, kwargsJson, ...rest } = row;
	return { ...rest, args: exactJson(argsJson), kwargs: exactJson(kwargsJson) };
}

/** A result as real JSON; one that is not JSON as its printed text, with its type beside it. */
export function resultJson(result: TaskResult | null): {
	readonly result: unknown;
	readonly resultType: string | null;
} {
	if (result === null) return { result: null, resultType: null };
	if (result.kind === 'json') return { result: exactJson(result.text), resultType: 'json' };
	return { result: result.text, resultType: result.type };
}

/** An attempt with its result as real JSON. */
export function attemptJson(attempt: Attempt): Readonly<Record<string, unknown>> {
	return { ...attempt, ...resultJson(attempt.result) };
}
