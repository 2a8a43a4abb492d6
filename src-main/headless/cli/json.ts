/** JSON documents for scripts: real JSON of what tasks carry, with all digits. */

import type { TaskDetail, TaskResult, TaskRow } from '#main/domain/task.ts';
import type { PeekedMessage } from '#main/ipc/contract/deployment.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import type { TaskLogLine } from '#main/ipc/contract/task.ts';

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

/** A task as `task show --json` has it: `attempts` are the attempts, `log` the newest one's lines. */
export function taskDetailJson(detail: TaskDetail, log: readonly TaskLogLine[]): Readonly<Record<string, unknown>> {
	const { history, result, arguments: values, ...row } = detail;
	return {
		...taskRowJson(row as TaskRow),
		...resultJson(result),
		arguments: values,
		attempts: history.map((attempt) => ({ ...attempt, ...resultJson(attempt.result) })),
		log: log.map(({ at, level, logger, source, text }) => ({ at, level, logger, source, text })),
	};
}

/** A result as real JSON; one that is not JSON as its printed text, with its type beside it. */
function resultJson(result: TaskResult | null): { readonly result: unknown; readonly resultType: string | null } {
	if (result === null) return { result: null, resultType: null };
	if (result.kind === 'json') return { result: exactJson(result.text), resultType: 'json' };
	return { result: result.text, resultType: result.type };
}

/** A profile with its own fields on top. */
export function profileJson(view: ProfileView): Readonly<Record<string, unknown>> {
	const { profile, ...rest } = view;
	return { ...profile, ...rest };
}

/** A waiting message with its decoded task's arguments as JSON. */
export function peekedJson(message: PeekedMessage): Readonly<Record<string, unknown>> {
	if (message.task === null) return { ...message };
	const { argsJson, kwargsJson, ...task } = message.task;
	return { ...message, task: { ...task, args: exactJson(argsJson), kwargs: exactJson(kwargsJson) } };
}
