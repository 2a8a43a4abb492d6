/** A row's arguments, read with our own parsers: Python's print of the tuple, and JSON. */

import { fail, ok, type Result } from '#main/domain/result.ts';
import type { SiteRow } from '#main/domain/site.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { readJson } from '../json/read.ts';
import { writeJson } from '../json/write.ts';
import { readArgsTuple } from '../python/read.ts';

/**
 * The arguments of a row as typed values. A row without arguments has none. Fails (`undecodable`) where the texts are no tuple and
 * no object; what is foreign in them (a printed date, an object) becomes opaque.
 */
export function rowArguments(row: Pick<SiteRow, 'argsText' | 'content'>): Result<CallArguments> {
	const args = row.argsText === null || row.argsText.trim() === '' ? ok([]) : readArgsTuple(row.argsText);
	if (!args.ok) return fail('undecodable', `The row's positional arguments cannot be read: ${args.error.message}`);
	const kwargs = contentArguments(row.content);
	return kwargs.ok ? ok({ args: args.value, kwargs: kwargs.value }) : kwargs;
}

/** Keyword arguments as rows and schedules hold them. A JSON string counts as none, since carrot's helper writes `"{}"`. */
export function contentArguments(content: string | null): Result<CallArguments['kwargs']> {
	if (content === null || content.trim() === '') return ok([]);
	const read = readJson(content);
	if (!read.ok) return fail('undecodable', `The row's keyword arguments are no JSON: ${read.error.message}`);
	if (read.value.kind === 'none' || read.value.kind === 'str') return ok([]);
	if (read.value.kind !== 'dict') return fail('undecodable', "The row's keyword arguments are no JSON object.");
	return ok(read.value.entries.map(([key, value]) => [key.kind === 'str' ? key.value : '', value] as const));
}

/** Arguments as the JSON texts that runners and history take. Fails (`unsupported`) for what JSON cannot hold. */
export function argumentTexts(call: CallArguments): Result<{ readonly argsJson: string; readonly kwargsJson: string }> {
	const args = writeJson({ kind: 'list', items: call.args }, 'readable', 'args');
	if (!args.ok) return args;
	const entries = call.kwargs.map(([key, value]): [Value, Value] => [{ kind: 'str', value: key }, value]);
	const kwargs = writeJson({ kind: 'dict', entries }, 'readable', 'kwargs');
	return kwargs.ok ? ok({ argsJson: args.value, kwargsJson: kwargs.value }) : kwargs;
}
