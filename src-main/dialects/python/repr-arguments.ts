/** Arguments back from what Celery printed of them, where that is certain. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { readLiteral } from './read.ts';

/**
 * Reads `argsrepr` and `kwargsrepr` of a message or an event. Fails (`undecodable`) saying why, whenever the print may not be the
 * whole truth: something was cut or hidden, a text holds a backslash (which Celery's print does not escape, so that two texts print
 * alike), bytes (printed as text or as hex), or objects. What it gives was printed so; it is for a person to look at before it is sent.
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

function read(what: string, text: string): Result<Value> {
	const refuse = (why: string): Result<never> => fail('undecodable', `The printed ${what} ${why}: ${clip(text)}`);
	if (/\.\.\.|\u2026/.test(text)) return refuse('were cut');
	if (text.includes('\\')) return refuse('hold a backslash, which Celery prints ambiguously');
	if (/\bb['"]/.test(text)) return refuse('hold bytes, which Celery prints ambiguously');
	// Line breaks stand in texts as they are.
	const value = readLiteral(text.replaceAll('\n', '\\n').replaceAll('\r', '\\r'));
	return value.ok ? value : refuse('are no plain values');
}

function clip(text: string): string {
	return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
