/** The commands there are: every route of the contract that the command line offers, and the few that only it has. */
import { contract, type RouteName } from '#main/ipc/contract.ts';
import { describeFields, type FieldSpec } from '#main/ipc/describe.ts';

export interface Flag {
	/** Without its dashes. */
	readonly flag: string;
	/** Other spellings, e.g. the singular of a list. */
	readonly also: readonly string[];
	/** The input's field it sets. */
	readonly field: FieldSpec;
	/** The value is a secret and read from standard input; the flag itself takes none. */
	readonly stdin: boolean;
}

export interface Positional {
	readonly field: FieldSpec;
	/** Takes all that follow: as a list, or joined by spaces where the field is one text. */
	readonly rest: boolean;
}

export interface Command {
	/** `noun verb`, or one word. */
	readonly name: string;
	readonly noun: string;
	readonly verb: string | null;
	/** The route it calls; null for the command line's own. */
	readonly route: RouteName | null;
	readonly summary: string;
	readonly positional: readonly Positional[];
	readonly flags: readonly Flag[];
	/** The input takes the profile that `--profile` chooses. */
	readonly profiled: boolean;
}

/** Flags that hold for every command and may stand anywhere. */
export const GLOBAL_FLAGS: readonly { readonly flag: string; readonly value: string | null; readonly words: string }[] =
	[
		{ flag: 'home', value: 'DIR', words: "Folder of all state (default: WARREN_HOME, or the system's)" },
		{ flag: 'profile', value: 'NAME', words: 'Profile (default: WARREN_PROFILE, the last one used, or sandbox)' },
		{ flag: 'json', value: null, words: 'One JSON document on standard output; errors too, as {"error": …}' },
		{ flag: 'yes', value: null, words: 'Do not ask' },
		{ flag: 'confirm', value: 'NAME', words: "A production profile's name, for what destroys" },
		{ flag: 'help', value: null, words: 'Show help' },
	];

/** Fields that the command line fills in by itself. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['profile', 'review']);
/** Fields never taken as a flag's value, where a process list would show them. */
const SECRET_FIELDS: ReadonlySet<string> = new Set([
	'password',
	'monitorPassword',
	'managementPassword',
	'secretKey',
	'carrot',
	'text',
]);
/** Of these, the ones that take all of standard input, some for their length; the others take one line. */
export const WHOLE_FIELDS: ReadonlySet<string> = new Set(['carrot', 'text']);

function kebab(name: string): string {
	return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function flagOf(field: FieldSpec): Flag {
	const stdin = SECRET_FIELDS.has(field.name);
	const flag = kebab(field.name);
	const singular = field.kind === 'list' && flag.endsWith('s') ? [flag.slice(0, -1)] : [];
	return { flag: stdin ? `${flag}-stdin` : flag, also: singular, field, stdin };
}

/** A field of the command line's own. */
function own(name: string, kind: FieldSpec['kind'], words: string, otherwise: string | null = null): FieldSpec {
	return { name, kind, words, required: false, otherwise, choices: [] };
}

type CommandFields = Pick<Command, 'positional' | 'flags' | 'profiled'>;

/**
 * A command whose fields are made when they are first asked for: a command line is one of some two hundred, and reading the fields of
 * all from their schemas takes longer than most of them run.
 */
function lazily(named: Omit<Command, keyof CommandFields>, make: () => CommandFields): Command {
	let made: CommandFields | null = null;
	const fields = (): CommandFields => {
		made ??= make();
		return made;
	};
	return {
		...named,
		get positional() {
			return fields().positional;
		},
		get flags() {
			return fields().flags;
		},
		get profiled() {
			return fields().profiled;
		},
	};
}

/** The command of a route; `change` is what the command line has of its own about its fields. */
function commandOf(
	name: RouteName,
	hints: readonly string[],
	change: (fields: CommandFields) => Partial<CommandFields> = () => ({}),
	summary: string = contract[name].summary,
): Command {
	const [noun = name, verb = null] = name.split('.');
	return lazily({ name: `${noun} ${verb}`, noun, verb, route: name, summary }, () => {
		const fields = fieldsOf(name, hints);
		return { ...fields, ...change(fields) };
	});
}

function fieldsOf(name: RouteName, hints: readonly string[]): CommandFields {
	const route = contract[name];
	const described = describeFields(route);
	// Some of Warren's own decisions are about one profile too.
	const profiled =
		route.scope === 'deployment' || described.some((field) => field.name === 'profile' && field.required);
	const fields = described.filter((field) => !profiled || !OWN_FIELDS.has(field.name));
	const positional = hints.map((hint): Positional => {
		const field = fields.find((one) => one.name === hint.replace(/…$/, ''));
		if (field === undefined) throw new Error(`${name} has no field ${hint}`);
		// A query is words with spaces between them; people leave out the quotes.
		return { field, rest: hint.endsWith('…') || field.name === 'query' };
	});
	return {
		positional,
		flags: fields.filter((field) => !positional.some((one) => one.field === field)).map(flagOf),
		profiled,
	};
}

/** Fields of the service's commands, which are the command line's own: a service is a process, not a route. */
const SERVICE = {
	sets: own('sets', 'list', 'Saved set (default: those that start by themselves)'),
	wait: own('wait', 'switch', 'Wait for a broker that does not answer (default: give up after 15 s)'),
	foreground: own('foreground', 'switch', 'Stay in this terminal, or under another supervisor'),
	loglevel: {
		...own('loglevel', 'choice', "Least severe level of tasks' lines in the log", '"info"'),
		choices: ['debug', 'info', 'warning', 'error', 'critical'],
	},
	logfile: own('logfile', 'text', 'Log file'),
	pidfile: own('pidfile', 'text', 'Pid file; with another one, another service beside the first'),
	hard: own('hard', 'switch', 'Stop at once: running tasks go back to their queues'),
	timeout: own(
		'timeout',
		'number',
		'Seconds after which running tasks go back to their queues (default: as long as they take)',
	),
} as const;

function serviceCommand(
	verb: string,
	summary: string,
	positional: readonly Positional[],
	flags: () => readonly Flag[],
): Command {
	return lazily({ name: `consumer ${verb}`, noun: 'consumer', verb, route: null, summary }, () => ({
		positional,
		flags: flags(),
		profiled: true,
	}));
}
const startFlags = (): readonly Flag[] => [
	...fieldsOf('consumer.run', []).flags.filter(({ flag }) => flag !== 'until-empty'),
	...[SERVICE.wait, SERVICE.foreground, SERVICE.loglevel, SERVICE.logfile, SERVICE.pidfile].map(flagOf),
];
const STOP_FLAGS: readonly Flag[] = [SERVICE.hard, SERVICE.timeout].map(flagOf);
const SETS: readonly Positional[] = [{ field: SERVICE.sets, rest: true }];

/** aa-taskmonitor's own command: the same words, of any deployment. */
const QUEUE_FLAG = flagOf(own('queue', 'text', 'Queue (default: the only one there is)'));
const PURGE_FLAGS: readonly Flag[] = [
	own('all', 'switch', 'All of it'),
	own('appName', 'text', 'Only what belongs to this app'),
	own('taskId', 'text', 'Only the task with this id'),
	own('taskName', 'text', 'Only tasks of this name'),
].map(flagOf);

function taskLogCommand(noun: string, verb: string, summary: string, flags: readonly Flag[]): Command {
	return { name: `${noun} ${verb}`, noun, verb, route: null, summary, positional: [], flags, profiled: true };
}

/** Logs of attempts, which are too long for one answer. */
const LOG_ID: Positional = {
	field: { ...own('id', 'text', "The task's id, or the beginning of it"), required: true },
	rest: false,
};
const LOG_SEARCH: Positional = {
	field: { ...own('search', 'text', 'A text in any case, or /a pattern/'), required: true },
	rest: true,
};
const LOG_FLAGS: readonly Flag[] = [
	own('attempt', 'integer', 'Which attempt (default: the last)'),
	{
		...own('level', 'choice', 'Least severe level', '"debug"'),
		choices: ['debug', 'info', 'warning', 'error', 'critical'],
	},
].map((field) => flagOf(field as FieldSpec));

function logCommand(verb: string, summary: string, positional: readonly Positional[], flags: readonly Flag[]): Command {
	return { name: `log ${verb}`, noun: 'log', verb, route: null, summary, positional, flags, profiled: true };
}

/** Commands with a body of their own; those with a route take their fields from it. */
const OWN_COMMANDS: readonly Command[] = [
	serviceCommand('start', 'Run saved sets, or queues, in a supervised service in the background', SETS, startFlags),
	serviceCommand('stop', 'Stop the service once running tasks have ended', [], () => [
		...STOP_FLAGS,
		flagOf(SERVICE.pidfile),
	]),
	serviceCommand('restart', 'Stop the service and start the same again, or what is named', SETS, () => [
		...startFlags(),
		...STOP_FLAGS,
	]),
	serviceCommand(
		'status',
		'Whether the service runs and works: exit code 0 it does, 1 it does not, 4 its broker is unreachable',
		[],
		() => [flagOf(SERVICE.pidfile)],
	),
	commandOf(
		'consumer.run',
		['queues…'],
		({ flags }) => ({
			flags: [
				...flags,
				flagOf(own('wait', 'switch', 'Wait for a broker that does not answer (default: give up after 15 s)')),
			],
		}),
		'Run tasks from queues, in the foreground: Ctrl+C finishes what runs, a second one stops at once',
	),
	commandOf('monitor.run', [], ({ flags }) => ({
		flags: [...flags, flagOf(own('for', 'text', 'How long, e.g. 30s, 10m, 2h (default: until Ctrl+C)'))],
	})),
	commandOf('task.publish', ['name'], ({ flags }) => ({
		flags: [
			...flags,
			flagOf(own('wait', 'switch', 'Wait until it has ended, and show how; exit code 1 unless it succeeded')),
			flagOf(own('within', 'text', 'With --wait: at most so long, e.g. 30s, 10m (default: until it has ended)')),
		],
	})),
	commandOf('task.result', ['id'], () => ({
		flags: [flagOf(own('follow', 'switch', 'Show each change of it until the task has ended'))],
	})),
	commandOf('event.snapshot', [], ({ flags }) => ({
		flags: [
			...flags.filter(({ flag }) => flag !== 'every'),
			...[
				own('every', 'text', 'Time between snapshots, e.g. 2s, 1m', '"2s"'),
				own('for', 'text', 'How long, e.g. 30s, 10m (default: until Ctrl+C)'),
				own('out', 'text', 'File to add them to, one line of JSON each'),
				own('sqlite', 'text', 'SQLite file to add them to'),
				own('command', 'text', 'Command to run for each, with its JSON on standard input'),
			].map(flagOf),
		],
	})),
	commandOf('task.export', ['query'], ({ flags }) => ({
		// Where a piece begins and how large it is, is the command line's own business.
		flags: [
			...flags.filter(({ flag }) => flag !== 'place' && flag !== 'limit'),
			flagOf(own('out', 'text', 'File (default: standard output)')),
		],
	})),
	commandOf('task.import', [], ({ flags }) => ({
		positional: [{ field: own('file', 'text', 'The file, or - for standard input'), rest: false }],
		flags: flags.filter(({ flag }) => flag === 'format'),
	})),
	logCommand(
		'show',
		"An attempt's log, all of it",
		[LOG_ID],
		[
			...LOG_FLAGS,
			flagOf(own('grep', 'text', 'Only lines with this text in any case, or that match /a pattern/')),
			flagOf(own('tail', 'integer', 'Only the last so many')),
			flagOf(own('follow', 'switch', 'Go on with what comes until the task has ended')),
		],
	),
	logCommand(
		'find',
		'Lines of a log that match, with their numbers: exit code 1 where none does',
		[LOG_ID, LOG_SEARCH],
		LOG_FLAGS,
	),
	logCommand(
		'export',
		"An attempt's log as a file",
		[LOG_ID],
		[
			...LOG_FLAGS,
			flagOf(own('grep', 'text', 'Only lines with this text in any case, or that match /a pattern/')),
			flagOf({ ...own('format', 'choice', 'What the lines become', '"text"'), choices: ['text', 'jsonl'] }),
			flagOf(own('out', 'text', 'File (default: standard output)')),
		],
	),
	taskLogCommand('inspect', 'logs', 'How many finished runs history has, and how large they are', [
		flagOf(own('forceCalc', 'switch', 'Accepted, since aa-taskmonitor does; it changes nothing')),
	]),
	taskLogCommand('inspect', 'queue', 'How many tasks wait, by app and by name', [
		flagOf(own('queue', 'text', 'Queue (default: all)')),
		flagOf(own('fresh', 'switch', 'Count now, whatever is kept (history set --queued-cache-seconds)')),
	]),
	taskLogCommand('inspect', 'settings', "Every setting of aa-taskmonitor's, with what stands for it here", []),
	taskLogCommand('purge', 'logs', 'Delete from history what is over; what waits or runs stays', PURGE_FLAGS),
	taskLogCommand('purge', 'queue', 'Take waiting tasks out of a queue; they are kept for an undo', [
		...PURGE_FLAGS,
		QUEUE_FLAG,
	]),
	{
		name: 'open',
		noun: 'open',
		verb: null,
		route: null,
		summary: 'Open a link to a view or a task in the console that is being served',
		positional: [{ field: { ...own('link', 'text', 'warren://PROFILE/VIEW?…'), required: true }, rest: false }],
		flags: [],
		profiled: false,
	},
	{
		name: 'serve',
		noun: 'serve',
		verb: null,
		route: null,
		summary: 'Serve the console to a browser on this machine, and print its address',
		positional: [],
		flags: [
			flagOf(own('port', 'integer', 'Port (default: any free one)')),
			flagOf(own('host', 'text', 'Loopback address to listen on', '"127.0.0.1"')),
		],
		profiled: false,
	},
];

/** All commands, by noun and then as the contract has them. */
export function commands(): readonly Command[] {
	const routes = (Object.keys(contract) as RouteName[]).filter((name) => contract[name].cli?.hidden === undefined);
	const made = routes.map((name) => commandOf(name, contract[name].cli?.positional ?? []));
	// A body of the command line's own comes before the plain call of the same name.
	return [...made.filter(({ name }) => OWN_COMMANDS.every((one) => one.name !== name)), ...OWN_COMMANDS];
}
