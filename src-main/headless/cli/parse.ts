/** Reads the words of a command line. Pure: what is wrong comes back in words. */
import { closest } from '#main/ipc/nearest.ts';
import { type Command, type Flag, GLOBAL_FLAGS } from './grammar.ts';

export interface Globals {
	readonly home?: string;
	readonly profile?: string;
	readonly confirm?: string;
	readonly json: boolean;
	readonly yes: boolean;
}

export type Parsed =
	| {
			readonly kind: 'command';
			readonly command: Command;
			readonly globals: Globals;
			/** Fields as given; what the schema wants of them the router says. */
			readonly input: Readonly<Record<string, unknown>>;
			/** Fields to read from standard input, one line each. */
			readonly secrets: readonly string[];
	  }
	/** `topic`: the words that were given, e.g. a noun. */
	| { readonly kind: 'help'; readonly topic: readonly string[]; readonly globals: Globals }
	| { readonly kind: 'version'; readonly globals: Globals }
	| { readonly kind: 'usage'; readonly message: string; readonly json: boolean };

class UsageError extends Error {}

interface Word {
	readonly text: string;
	/** After `--`: never a flag. */
	readonly literal: boolean;
}

/** Parses arguments (without node and script). Global flags may stand anywhere before `--`. */
export function parseArguments(args: readonly string[], commands: readonly Command[]): Parsed {
	const json = args.includes('--json');
	try {
		return parse(args, commands);
	} catch (error) {
		if (error instanceof UsageError) return { kind: 'usage', message: error.message, json };
		throw error;
	}
}

function parse(args: readonly string[], commands: readonly Command[]): Parsed {
	const { globals, words, asked } = takeGlobals(args);
	const plain = words.filter((word) => word.literal || !isFlag(word.text)).map((word) => word.text);
	if (asked === 'version' || (plain[0] === 'version' && plain.length === 1)) return { kind: 'version', globals };
	if (plain[0] === 'help') return { kind: 'help', topic: plain.slice(1), globals };
	if (plain.length === 0 && words.length === 0) return { kind: 'help', topic: [], globals };
	const { command, rest } = findCommand(words, commands, asked === 'help');
	if (asked === 'help') return { kind: 'help', topic: command === null ? plain : command.name.split(' '), globals };
	if (command === null) throw new UsageError('Name a command; "warren help" lists them.');
	return { kind: 'command', command, globals, ...takeFields(command, rest) };
}

function isFlag(text: string): boolean {
	return text.startsWith('--') && text !== '--';
}

function takeGlobals(args: readonly string[]): {
	readonly globals: Globals;
	readonly words: readonly Word[];
	readonly asked: 'help' | 'version' | null;
} {
	const words: Word[] = [];
	const values: Record<string, string> = {};
	const on = new Set<string>();
	for (let i = 0; i < args.length; i += 1) {
		const word = args[i] ?? '';
		if (word === '--') {
			words.push(...args.slice(i + 1).map((text) => ({ text, literal: true })));
			break;
		}
		const { name, value } = splitFlag(word === '-h' ? '--help' : word);
		const global = GLOBAL_FLAGS.find(({ flag }) => flag === name);
		if (name === 'version' && value === null) on.add('version');
		else if (global === undefined) words.push({ text: word, literal: false });
		else if (global.value === null) {
			if (value !== null) throw new UsageError(`--${name} takes no value.`);
			on.add(global.flag);
		} else {
			const next = args[i + 1];
			const after = next === undefined || isFlag(next) || next === '--' ? null : next;
			const text = value ?? after;
			if (text === null) throw new UsageError(needsValue(global.flag, global.value));
			values[global.flag] = text;
			if (value === null) i += 1;
		}
	}
	return {
		globals: { ...values, json: on.has('json'), yes: on.has('yes') },
		words,
		asked: on.has('help') ? 'help' : on.has('version') ? 'version' : null,
	};
}

function splitFlag(text: string): { readonly name: string | null; readonly value: string | null } {
	if (!isFlag(text)) return { name: null, value: null };
	const equals = text.indexOf('=');
	if (equals === -1) return { name: text.slice(2), value: null };
	return { name: text.slice(2, equals), value: text.slice(equals + 1) };
}

/** Another flag where a value should be means that the value was forgotten; `--flag=--value` says that it wasn't. */
function needsValue(name: string, what: string): string {
	return `--${name} needs a value: --${name} ${what}.`;
}

function findCommand(
	words: readonly Word[],
	commands: readonly Command[],
	lenient: boolean,
): { readonly command: Command | null; readonly rest: readonly Word[] } {
	const [first, second] = words;
	if (first === undefined || (isFlag(first.text) && !first.literal)) {
		if (lenient) return { command: null, rest: [] };
		throw new UsageError(`Name the command before its flags: warren NOUN VERB ${first?.text ?? ''}`.trimEnd());
	}
	const ofNoun = commands.filter((command) => command.noun === first.text);
	if (ofNoun.length === 0) {
		if (lenient) return { command: null, rest: [] };
		const nouns = [...new Set(commands.map((command) => command.noun))];
		throw new UsageError(`There is no "${first.text}".${hint(first.text, nouns)} "warren help" lists what there is.`);
	}
	const single = ofNoun.find((command) => command.verb === null);
	if (single !== undefined) return { command: single, rest: words.slice(1) };
	const found = ofNoun.find((command) => command.verb === second?.text);
	if (found !== undefined) return { command: found, rest: words.slice(2) };
	if (lenient) return { command: null, rest: [] };
	const verbs = ofNoun.flatMap((command) => (command.verb === null ? [] : [command.verb]));
	if (second === undefined || isFlag(second.text)) {
		throw new UsageError(`What about ${first.text}? It knows ${verbs.join(', ')}.`);
	}
	throw new UsageError(
		`"${first.text}" knows no "${second.text}".${hint(second.text, verbs)} It knows ${verbs.join(', ')}.`,
	);
}

function hint(word: string, candidates: readonly string[]): string {
	const near = closest(word, candidates);
	return near === null ? '' : ` Did you mean "${near}"?`;
}

function takeFields(
	command: Command,
	words: readonly Word[],
): { readonly input: Readonly<Record<string, unknown>>; readonly secrets: readonly string[] } {
	const input: Record<string, unknown> = {};
	const secrets: string[] = [];
	const plain: string[] = [];
	for (let i = 0; i < words.length; i += 1) {
		const word = words[i] as Word;
		const { name, value } = word.literal ? { name: null, value: null } : splitFlag(word.text);
		if (name === null) {
			plain.push(word.text);
			continue;
		}
		const { flag, negated } = findFlag(command, name);
		if (flag.stdin) {
			if (value !== null) throw new UsageError(`--${name} takes no value: it is read from standard input.`);
			secrets.push(flag.field.name);
		} else if (flag.field.kind === 'switch') {
			put(input, flag, readSwitch(name, value, negated));
		} else {
			const next = words[i + 1];
			const after = next === undefined || next.literal || isFlag(next.text) ? null : next.text;
			const text = value ?? after;
			if (text === null) throw new UsageError(needsValue(name, placeholder(flag)));
			put(input, flag, readValue(name, text, flag));
			if (value === null) i += 1;
		}
	}
	takePositionals(command, plain, input);
	return { input, secrets };
}

function findFlag(command: Command, name: string): { readonly flag: Flag; readonly negated: boolean } {
	const named = (wanted: string) =>
		command.flags.find(({ flag, also }) => flag === wanted || also.includes(wanted)) ?? positionalFlag(command, wanted);
	const direct = named(name);
	if (direct !== undefined) return { flag: direct, negated: false };
	const positive = name.startsWith('no-') ? named(name.slice(3)) : undefined;
	if (positive?.field.kind === 'switch') return { flag: positive, negated: true };
	const known = [...command.flags.map(({ flag }) => flag), ...GLOBAL_FLAGS.map(({ flag }) => flag)];
	const near = known.find((flag) => flag.startsWith(`${name}-`)) ?? closest(name, known);
	const more = near === null ? '' : ` Did you mean --${near}?`;
	throw new UsageError(`"${command.name}" knows no --${name}.${more} "warren ${command.name} --help" lists its flags.`);
}

/** A positional may be given by name as well. */
function positionalFlag(command: Command, name: string): Flag | undefined {
	const found = command.positional.find(({ field }) => field.name === name);
	return found === undefined ? undefined : { flag: name, also: [], field: found.field, stdin: false };
}

function readSwitch(name: string, value: string | null, negated: boolean): boolean {
	if (value === null) return !negated;
	if (!negated && (value === 'true' || value === 'false')) return value === 'true';
	throw new UsageError(`--${name} takes no value, or true or false.`);
}

function readValue(name: string, text: string, flag: Flag): unknown {
	switch (flag.field.kind) {
		case 'integer':
		case 'number':
			return readNumber(`--${name}`, text, flag.field.kind);
		case 'pairs': {
			const equals = text.indexOf('=');
			if (equals <= 0) throw new UsageError(`--${name} takes NAME=VALUE, not "${text}".`);
			return [text.slice(0, equals), text.slice(equals + 1)] as const;
		}
		default:
			return text;
	}
}

function readNumber(what: string, text: string, kind: 'integer' | 'number'): number {
	const fits = kind === 'integer' ? /^[+-]?\d{1,15}$/ : /^[+-]?\d{1,15}(\.\d{1,15})?$/;
	if (!fits.test(text))
		throw new UsageError(`${what} takes ${kind === 'integer' ? 'a whole number' : 'a number'}, not "${text}".`);
	return Number(text);
}

function put(input: Record<string, unknown>, flag: Flag, value: unknown): void {
	const { name, kind } = flag.field;
	if (kind === 'list') {
		input[name] = [...((input[name] as readonly unknown[] | undefined) ?? []), value];
		return;
	}
	if (kind === 'pairs') {
		const [key, text] = value as readonly [string, string];
		input[name] = { ...((input[name] as object | undefined) ?? {}), [key]: text };
		return;
	}
	if (Object.hasOwn(input, name)) throw new UsageError(`--${flag.flag} was given twice.`);
	input[name] = value;
}

function takePositionals(command: Command, plain: readonly string[], input: Record<string, unknown>): void {
	let rest = plain;
	for (const { field, rest: takesAll } of command.positional) {
		if (rest.length === 0) break;
		if (Object.hasOwn(input, field.name) && field.kind !== 'list') continue;
		const taken = takesAll ? rest : rest.slice(0, 1);
		rest = rest.slice(taken.length);
		if (field.kind === 'list')
			input[field.name] = [...((input[field.name] as readonly string[] | undefined) ?? []), ...taken];
		else if (field.kind === 'integer' || field.kind === 'number') {
			input[field.name] = readNumber(field.name.toUpperCase(), taken[0] ?? '', field.kind);
		} else input[field.name] = taken.join(' ');
	}
	if (rest.length > 0) {
		throw new UsageError(
			`"${command.name}" does not know what to do with "${rest[0]}". See "warren ${command.name} --help".`,
		);
	}
}

/** What a flag's value is called in help and messages. */
export function placeholder(flag: Flag): string {
	const { field } = flag;
	if (field.choices.length > 0) return field.choices.length <= 4 ? field.choices.join('|') : 'CHOICE';
	switch (field.kind) {
		case 'integer':
		case 'number':
			return 'N';
		case 'pairs':
			return 'NAME=VALUE';
		case 'list':
			return (flag.also[0] ?? flag.flag).toUpperCase().replaceAll('-', '_');
		default:
			return field.name === 'where' ? 'QUERY' : /(url|broker|monitor|management)/i.test(field.name) ? 'URL' : 'TEXT';
	}
}
