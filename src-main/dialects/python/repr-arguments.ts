/** Arguments back from what Celery printed of them, where that is certain. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { readLiteral } from './read.ts';

/** Longer prints were raised by the application's own settings, and are shown as they are. */
const LONGEST = 64 * 1024;
const DEPTH = 100;
/** What Celery's printer puts where it stopped. It may be part of a real text as well: then nobody can tell. */
export const CUT = /\.\.\.|…/;

/**
 * Reads `argsrepr` and `kwargsrepr` of a message or an event. Fails (`undecodable`) saying why, whenever the print may not be the
 * whole truth: something was cut or hidden, a text holds a backslash (which Celery's print does not escape, so that two texts print
 * alike), bytes (printed as text or as hex), or objects.
 */
export function argumentsOfRepr(args: string, kwargs: string): Result<CallArguments> {
	const positional = read('positional arguments', args);
	if (!positional.ok) return positional;
	const named = read('keyword arguments', kwargs);
	if (!named.ok) return named;
	const { value: items } = positional;
	if (items.kind !== 'tuple' && items.kind !== 'list') {
		return fail('undecodable', `The printed positional arguments are no list: ${clip(args)}`);
	}
	const entries = named.value.kind === 'dict' ? named.value.entries : null;
	if (entries === null) return fail('undecodable', `The printed keyword arguments are no dict: ${clip(kwargs)}`);
	const pairs: [string, Value][] = [];
	for (const [key, value] of entries) {
		if (key.kind !== 'str') return fail('undecodable', `A printed keyword is no text: ${clip(kwargs)}`);
		pairs.push([key.value, value]);
	}
	return ok({ args: items.items, kwargs: pairs });
}

/** A piece of a print as a value, or the words that say why it is not certain (`was cut`). */
export function certainValue(text: string): Result<Value> {
	if (text.length > LONGEST) return fail('too-large', `has more than ${LONGEST} characters`);
	if (CUT.test(text)) return fail('undecodable', 'was cut');
	if (text.includes('\\')) return fail('undecodable', 'holds a backslash, which Celery prints ambiguously');
	// Line breaks stand in texts as they are.
	const value = readLiteral(text.replaceAll('\n', '\\n').replaceAll('\r', '\\r'), { depth: DEPTH });
	if (!value.ok) return fail('undecodable', 'is no plain value');
	if (/b['"]/.test(text) && holdsBytes(value.value)) {
		return fail('undecodable', 'holds bytes, which Celery prints ambiguously');
	}
	return value;
}

function holdsBytes(value: Value): boolean {
	if (value.kind === 'bytes') return true;
	if (value.kind === 'dict') return value.entries.some(([key, item]) => holdsBytes(key) || holdsBytes(item));
	return 'items' in value && value.items.some(holdsBytes);
}

const OF_MANY: Readonly<Record<string, string>> = {
	'was cut': 'were cut',
	'holds a backslash, which Celery prints ambiguously': 'hold a backslash, which Celery prints ambiguously',
	'holds bytes, which Celery prints ambiguously': 'hold bytes, which Celery prints ambiguously',
	'is no plain value': 'are no plain values',
};

function read(what: string, text: string): Result<Value> {
	const value = certainValue(text);
	if (value.ok) return value;
	const why = OF_MANY[value.error.message] ?? value.error.message.replace(/^has/, 'have');
	return fail('undecodable', `The printed ${what} ${why}: ${clip(text)}`);
}

function clip(text: string): string {
	return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
