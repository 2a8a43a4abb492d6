/** Schedules as a document of RedBeat's keys: to be kept in a repository, looked through, and brought into a book again. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ScheduleDefinition } from '#main/domain/schedule.ts';
import { itemsOf, membersOf, memberText } from '../json/members.ts';
import { readJson } from '../json/read.ts';
import { quoteJson } from '../json/write.ts';
import { EFFECTS } from './beat-check.ts';
import { type RedbeatWorld, readRedbeat, writeRedbeat } from './redbeat.ts';

/** A schedule that was left out, and why. */
export interface LeftOut {
	readonly name: string;
	readonly reason: string;
}

/**
 * One JSON object of RedBeat's keys, each with its `definition` as the object that RedBeat keeps as text. What RedBeat cannot keep is
 * left out and named.
 */
export function exportRedbeat(
	definitions: readonly ScheduleDefinition[],
	prefix: string,
	world: RedbeatWorld,
): { readonly text: string; readonly skipped: readonly LeftOut[] } {
	const skipped: LeftOut[] = [];
	const lines: string[] = [];
	for (const definition of definitions) {
		const text = writeRedbeat(definition, null, world);
		if (!text.ok) skipped.push({ name: definition.name, reason: text.error.message });
		else lines.push(`\t${quoteJson(prefix + definition.name, false)}: {"definition": ${text.value}}`);
	}
	return { text: lines.length === 0 ? '{}\n' : `{\n${lines.join(',\n')}\n}\n`, skipped };
}

/** Forms that are read, for the failure. */
const FORMS =
	'RedBeat\'s keys are a JSON object, {"redbeat:name": {"definition": {…}}}; or give its definitions alone, one or a list.';

/**
 * Reads what `exportRedbeat` wrote, and what people make of Redis otherwise: a `definition` as text or as object, alone or in a list, or
 * under `value` as dumps have it. RedBeat's own keys (schedule, statics, lock) are passed over. What is no schedule, or would end beat,
 * is left out and named. Fails (`invalid-input`) for what is nothing of RedBeat's.
 */
export function readRedbeatExport(
	text: string,
	prefix: string,
	world: RedbeatWorld,
): Result<{ readonly definitions: readonly ScheduleDefinition[]; readonly skipped: readonly LeftOut[] }> {
	const read = readJson(text);
	if (!read.ok) return read;
	const found: { readonly key: string | null; readonly text: string }[] = [];
	if (read.value.kind === 'list') found.push(...itemsOf(text).map((item) => ({ key: null, text: item })));
	else if (read.value.kind !== 'dict') return fail('invalid-input', FORMS);
	else if (isDefinition(text)) found.push({ key: null, text });
	else found.push(...membersOf(text).map(({ key, start, end }) => ({ key, text: text.slice(start, end) })));

	const definitions: ScheduleDefinition[] = [];
	const skipped: LeftOut[] = [];
	let own = 0;
	for (const [index, entry] of found.entries()) {
		if (entry.key !== null && OWN.some((key) => entry.key?.endsWith(key))) {
			own += 1;
			continue;
		}
		const definition = definitionIn(entry.text);
		const named = definition === null ? null : textOf(memberText(definition, 'name'));
		const byKey = entry.key?.startsWith(prefix) === true ? entry.key.slice(prefix.length) : entry.key;
		const name = named ?? byKey ?? '';
		const shown = name === '' ? `no. ${index + 1}` : name;
		const schedule = definition === null ? null : readRedbeat(definition, name, world);
		if (schedule === null) skipped.push({ name: shown, reason: 'It has no definition.' });
		else if (!schedule.ok) skipped.push({ name: shown, reason: schedule.error.message });
		else {
			const [problem] = schedule.value.problems;
			if (problem === undefined) definitions.push(schedule.value.definition);
			else skipped.push({ name: shown, reason: `${problem.message} ${EFFECTS[problem.effect]}.` });
		}
	}
	// Not one definition among all this: it is some other document.
	if (definitions.length === 0 && own === 0 && skipped.every(({ reason }) => reason === 'It has no definition.')) {
		return found.length === 0 ? ok({ definitions, skipped }) : fail('invalid-input', FORMS);
	}
	return ok({ definitions, skipped });
}

const OWN = [':schedule', ':statics', ':lock'].map((key) => `:${key}`);

function isDefinition(text: string): boolean {
	return memberText(text, 'task') !== null && memberText(text, 'schedule') !== null;
}

/** The definition's text inside an entry, in whatever form it is there; null: there is none. */
function definitionIn(text: string): string | null {
	const object = textOf(text) ?? text;
	if (isDefinition(object)) return object;
	const held = memberText(object, 'definition');
	if (held !== null) return textOf(held) ?? held;
	const value = memberText(object, 'value');
	return value === null || !value.startsWith('{') ? null : definitionIn(value);
}

/** A string literal's text; null: it is no string. */
function textOf(literal: string | null): string | null {
	if (literal?.startsWith('"') !== true) return null;
	const read = readJson(literal);
	return read.ok && read.value.kind === 'str' ? read.value.value : null;
}
