/** Help, made from the grammar. */
import { type Command, GLOBAL_FLAGS, type Positional, WHOLE_FIELDS } from './grammar.ts';
import { placeholder } from './parse.ts';
import { paint, type Style } from './text.ts';

/** Help for what was asked: everything, a noun, or one command. Null when there is no such thing. */
export function helpFor(topic: readonly string[], commands: readonly Command[], style: Style): string | null {
	const [noun, verb] = topic;
	if (noun === undefined) return overview(commands, style);
	const ofNoun = commands.filter((command) => command.noun === noun);
	if (ofNoun.length === 0) return null;
	const found = ofNoun.find((command) => command.verb === (verb ?? null));
	if (found !== undefined) return commandHelp(found, style);
	return verb === undefined ? nounHelp(noun, ofNoun, style) : null;
}

function overview(commands: readonly Command[], style: Style): string {
	const nouns = [...new Set(commands.map((command) => command.noun))];
	const lines = nouns.map((noun) => {
		const verbs = commands.filter((command) => command.noun === noun).map((command) => command.verb);
		return [noun, verbs.includes(null) ? '' : verbs.join(', ')] as const;
	});
	return [
		`${paint(style, 'bold', 'warren')} [FLAGS] NOUN VERB …`,
		'',
		'The operations console for background task queues.',
		'',
		section(style, 'Commands', lines),
		'',
		globalFlags(style),
		'',
		'Queries: words, "quoted words", field:value, -field:value, kwargs.user.id:42, since:2h, runtime>5s, AND, OR, ().',
		'Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused (read-only, not confirmed), 4 broker unreachable.',
		'"warren help NOUN VERB" explains one command.',
	].join('\n');
}

function nounHelp(noun: string, commands: readonly Command[], style: Style): string {
	const lines = commands.map((command) => [usageOf(command), command.summary] as const);
	return [section(style, `warren ${noun}`, lines), '', `"warren help ${noun} VERB" explains one command.`].join('\n');
}

function commandHelp(command: Command, style: Style): string {
	const flags = command.flags.map((flag) => {
		const { field } = flag;
		const value = flag.stdin || field.kind === 'switch' ? '' : ` ${placeholder(flag)}`;
		const also = flag.also.map((name) => `, --${name}`).join('');
		const notes = [
			field.words,
			flag.stdin ? (WHOLE_FIELDS.has(field.name) ? '(from standard input)' : '(from standard input, one line)') : '',
			field.choices.length > 4 ? `(${field.choices.join(', ')})` : '',
			field.kind === 'list' || field.kind === 'pairs' ? '(may be repeated)' : '',
			field.required ? '(needed)' : '',
			field.otherwise === null || field.otherwise === '""'
				? ''
				: `(default: ${field.otherwise.replace(/^"(.*)"$/, '$1')})`,
		];
		return [`--${flag.flag}${also}${value}`, notes.filter((note) => note !== '').join(' ')] as const;
	});
	const positional = command.positional.map((one) => [positionalName(one), one.field.words] as const);
	return [
		`${paint(style, 'bold', `warren ${usageOf(command)}`)}${flags.length > 0 ? ' [FLAGS]' : ''}`,
		'',
		`${command.summary}.`,
		...(positional.length > 0 ? ['', section(style, 'Arguments', positional)] : []),
		...(flags.length > 0 ? ['', section(style, 'Flags', flags)] : []),
		'',
		globalFlags(style),
	].join('\n');
}

function usageOf(command: Command): string {
	return [command.name, ...command.positional.map(positionalName)].join(' ');
}

function positionalName({ field, rest }: Positional): string {
	const singular = field.kind === 'list' ? field.name.replace(/s$/, '') : field.name;
	const name = `${singular.toUpperCase()}${rest && field.kind === 'list' ? '…' : ''}`;
	return field.required ? name : `[${name}]`;
}

function globalFlags(style: Style): string {
	return section(
		style,
		'Flags of all commands',
		GLOBAL_FLAGS.map(({ flag, value, words }) => [`--${flag}${value === null ? '' : ` ${value}`}`, words] as const),
	);
}

/** A title and two columns; long words wrap beside their column. */
function section(style: Style, title: string, rows: readonly (readonly [string, string])[]): string {
	const width = Math.min(34, Math.max(...rows.map(([name]) => name.length)));
	const room = Math.max(24, style.width - width - 4);
	const lines = rows.flatMap(([name, words]) => {
		const wrapped = wrap(words, room);
		const indent = ' '.repeat(width + 4);
		if (name.length > width) return [`  ${name}`, ...wrapped.map((line) => indent + line)];
		return [`  ${name.padEnd(width)}  ${wrapped[0] ?? ''}`.trimEnd(), ...wrapped.slice(1).map((line) => indent + line)];
	});
	return [paint(style, 'bold', title), ...lines].join('\n');
}

function wrap(text: string, width: number): readonly string[] {
	const lines: string[] = [];
	let line = '';
	for (const word of text.split(' ')) {
		if (line !== '' && line.length + 1 + word.length > width) {
			lines.push(line);
			line = word;
		} else line = line === '' ? word : `${line} ${word}`;
	}
	return line === '' ? lines : [...lines, line];
}
