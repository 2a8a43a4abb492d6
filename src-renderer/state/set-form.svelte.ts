/**
 * The form of a consumer set: texts as they are typed, what is wrong with which, and the route's input that they come to. A saved
 * set is edited by what was changed, so that what this form does not show stays as it is.
 */
import type { ConsumerIntent, FailureHook, RunnerSpec, SavedConsumerSet } from '#main/domain/consumer.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput } from '#main/ipc/contract.ts';

type Save = Omit<CallerInput<'consumer.save'>, 'profile'>;
type Clearable = NonNullable<Save['clear']>[number];
export type RunnerKind = 'sandbox' | 'python' | 'node';

/** A variable of the environment. A saved value is never shown: it stays until another one is typed. */
export interface EnvRow {
	readonly key: number;
	name: string;
	value: string;
	/** There is a value in the vault under this name. */
	readonly saved: string | null;
}

/** Time as a form shows it and the route reads it: `1h30m`, `500ms`. */
export function timeText(ms: number | null | undefined): string {
	if (ms === null || ms === undefined) return '';
	if (ms === 0) return '0s';
	let rest = ms;
	let text = '';
	for (const [unit, size] of [
		['d', 86_400_000],
		['h', 3_600_000],
		['m', 60_000],
		['s', 1_000],
		['ms', 1],
	] as const) {
		const count = Math.floor(rest / size);
		if (count === 0) continue;
		text += `${count}${unit}`;
		rest -= count * size;
	}
	return text;
}

/** A command as one line that splits into the same words again. */
export function commandLine(words: readonly string[]): string {
	return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** Names by comma or line; a space belongs to a name. */
export function namesIn(text: string): string[] {
	return [...new Set(text.split(/[,\n]/).map((name) => name.trim()))].filter((name) => name !== '');
}

function linesIn(text: string): string[] {
	return text
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line !== '');
}

/** What runs the tasks. */
export class RunnerForm {
	kind: RunnerKind = $state('python');
	python = $state('python3');
	project = $state('');
	settings = $state('');
	modules = $state('');
	readonly #before: RunnerSpec | null;
	readonly #start: string;

	/** `before`: a runner to begin with; `sandbox`: the profile is the sandbox, which has a runner of its own. */
	constructor(before: RunnerSpec | null, sandbox: boolean) {
		this.#before = before;
		// The samples' own folder: nobody else's modules are in it, and saving leaves them as they are.
		const samples = sandbox && (before === null || (before.kind === 'node' && /[\\/]sandbox$/.test(before.project)));
		this.kind = samples ? 'sandbox' : (before?.kind ?? 'python');
		if (before !== null && this.kind !== 'sandbox') this.project = before.project;
		if (before?.kind === 'python') {
			this.python = before.executable;
			this.settings = before.settingsModule ?? '';
		} else if (before?.kind === 'node' && this.kind === 'node') this.modules = before.modules.join('\n');
		this.#start = this.#now;
	}

	get faults(): Readonly<Record<'python' | 'project' | 'node', string | null>> {
		return {
			python: this.kind === 'python' && this.python.trim() === '' ? 'Which interpreter?' : null,
			project:
				this.kind === 'python' && this.project.trim() === '' ? 'The folder that the tasks are imported from' : null,
			node: this.kind === 'node' && linesIn(this.modules).length === 0 ? 'Name at least one module' : null,
		};
	}

	get changed(): boolean {
		return this.#now !== this.#start;
	}

	/** The route's fields. Nothing for the sandbox's own runner. */
	get input(): Pick<Save, 'python' | 'project' | 'settings' | 'node'> & { readonly clear: readonly Clearable[] } {
		const folder = this.project.trim();
		const settings = this.settings.trim();
		if (this.kind === 'sandbox') return { clear: [] };
		const where = folder === '' ? {} : { project: folder };
		if (this.kind === 'node') return { node: linesIn(this.modules), ...where, clear: [] };
		return {
			python: this.python.trim(),
			...where,
			...(settings === '' ? {} : { settings }),
			clear: settings === '' && this.#before?.kind === 'python' ? ['settings'] : [],
		};
	}

	get #now(): string {
		return JSON.stringify([this.kind, this.python, this.project, this.settings, this.modules]);
	}
}

/** Fields that are one text each, with what the route makes of them. */
const START = {
	name: '',
	queues: '',
	notConsumed: '',
	concurrency: '1',
	prefetch: '',
	priority: '',
	softLimit: '',
	hardLimit: '',
	memory: '',
	recycle: '',
	retries: '0',
	retryDelay: '',
	retryFactor: '',
	retryMaxDelay: '',
	retryJitter: '',
	retryOn: '',
	retryNever: '',
	onFailureRun: '',
	onFailurePost: '',
	onFailureCall: '',
	hookTimeout: '',
	onKnownOutcome: 'drop',
};
export type SetField = keyof typeof START;

/** Whole numbers with their bounds, and the setting that an empty field takes back. */
const WHOLE: Readonly<Partial<Record<SetField, readonly [least: number, most: number]>>> = {
	concurrency: [1, 64],
	prefetch: [1, 65_535],
	priority: [-1_000, 1_000],
	memory: [16, 4_194_304],
	recycle: [1, 1_000_000],
	retries: [0, 1_000],
};
const OPTIONAL: readonly (Clearable & SetField)[] = [
	'prefetch',
	'priority',
	'softLimit',
	'hardLimit',
	'memory',
	'recycle',
];
const RETRY: readonly SetField[] = [
	'retries',
	'retryDelay',
	'retryFactor',
	'retryMaxDelay',
	'retryJitter',
	'retryOn',
	'retryNever',
];

export class SetForm {
	text = $state({ ...START });
	autoStart = $state(false);
	declare = $state(false);
	env: EnvRow[] = $state([]);
	readonly runner: RunnerForm;
	/** Empty fields complain once somebody has tried to save. */
	tried = $state(false);
	/** What the engine said of which field; gone once that is changed. */
	#refused: { readonly field: string; readonly words: string; readonly was: string } | null = $state.raw(null);
	/** What it said of none of them. */
	problem: string | null = $state(null);
	readonly #from: SavedConsumerSet | null;
	readonly #mode: 'new' | 'edit' | 'copy';
	readonly #taken: readonly string[];
	readonly #start: typeof START;
	readonly #switches: readonly [boolean, boolean];
	readonly #envStart: string;
	#nextKey = 1;

	/** `taken`: names of the profile's other sets. */
	constructor(options: {
		readonly mode: 'new' | 'edit' | 'copy';
		readonly from: SavedConsumerSet | null;
		readonly taken: readonly string[];
		readonly sandbox: boolean;
		readonly queue?: string;
		/** A runner to begin with, where nothing is saved yet. */
		readonly runner?: RunnerSpec | null;
	}) {
		const { from, mode, taken } = options;
		this.#from = from;
		this.#mode = mode;
		this.#taken = taken;
		this.runner = new RunnerForm(from?.intent.runner ?? options.runner ?? null, options.sandbox);
		if (from === null) this.text.queues = options.queue ?? '';
		else {
			this.text = textsOf(from);
			this.autoStart = mode === 'edit' && from.autoStart;
			this.declare = from.declare === true;
			this.env = Object.keys(from.intent.runner.env).map((name) => this.#row(name, name));
			if (mode === 'copy') this.text.name = freeName(from.name, taken);
		}
		this.#start = { ...this.text };
		this.#switches = [this.autoStart, this.declare];
		this.#envStart = this.#envNow;
	}

	addEnv(): void {
		this.env = [...this.env, this.#row('', null)];
	}

	removeEnv(key: number): void {
		this.env = this.env.filter((row) => row.key !== key);
	}

	/** What is wrong with a field, in words; null: nothing that is known. */
	fault(field: SetField | 'python' | 'project' | 'settings' | 'node' | 'env'): string | null {
		if (this.#refused?.field === field && this.#refused.was === this.#textOf(field)) return this.#refused.words;
		if (field === 'python' || field === 'project' || field === 'node')
			return this.tried ? this.runner.faults[field] : null;
		if (field === 'env') return this.tried ? this.#envFault : null;
		if (field === 'settings') return null;
		const empty = field === 'name' || field === 'queues';
		return this.tried || !empty ? this.#fault(field) : null;
	}

	/** Whether nothing that can be told here is wrong. */
	get ready(): boolean {
		return (
			Object.values(this.runner.faults).every((fault) => fault === null) &&
			this.#envFault === null &&
			(Object.keys(START) as SetField[]).every((field) => this.#fault(field) === null)
		);
	}

	/** Keeps what the engine refused at its field. */
	refuse(error: WireError): void {
		const field = String(error.details?.field ?? '').split('.')[0] ?? '';
		const at = field === 'rename' ? 'name' : field === 'keepEnv' ? 'env' : field;
		const shown = at in START || ['python', 'project', 'settings', 'node', 'env'].includes(at);
		const words = error.message.replace(new RegExp(`^${field}(?:\\.\\d+)?: `), '');
		if (shown) this.#refused = { field: at, words: capital(words), was: this.#textOf(at) };
		else if (error.code === 'conflict') this.#refused = { field: 'name', words, was: this.text.name };
		this.problem = shown || error.code === 'conflict' ? null : error.message;
	}

	/** What to save: everything of a new set, what was changed of an old one. */
	get input(): Save {
		const { text } = this;
		const old = this.#mode === 'new' ? null : this.#from;
		const differs = (field: SetField): boolean => old === null || text[field].trim() !== this.#start[field].trim();
		const clear: Clearable[] = [];
		const given: Record<string, unknown> = {};
		for (const field of ['concurrency', ...OPTIONAL] as const) {
			if (!differs(field)) continue;
			const value = text[field].trim();
			if (value === '') {
				if (old !== null && field !== 'concurrency') clear.push(field);
			} else given[field] = field in WHOLE ? Number(value) : value;
		}
		if (differs('queues') || differs('notConsumed')) {
			given.queues = namesIn(text.queues).length > 0 ? namesIn(text.queues) : namesIn(text.notConsumed);
			given.notConsumed = namesIn(text.notConsumed);
		}
		if (RETRY.some(differs)) Object.assign(given, this.#retries);
		const hooks = { onFailureRun: linesIn, onFailurePost: linesIn, onFailureCall: linesIn };
		for (const [field, read] of Object.entries(hooks) as [keyof typeof hooks, typeof linesIn][]) {
			if (differs(field) && (old !== null || text[field].trim() !== '')) given[field] = read(text[field]);
		}
		if (differs('hookTimeout') && text.hookTimeout.trim() !== '') given.hookTimeout = text.hookTimeout.trim();
		if (differs('onKnownOutcome')) given.onKnownOutcome = text.onKnownOutcome;
		if (old === null || this.runner.changed) {
			const { clear: more, ...runner } = this.runner.input;
			Object.assign(given, runner);
			if (old !== null) clear.push(...more);
		}
		if (this.#envNow !== this.#envStart) Object.assign(given, this.#envInput(old !== null));
		if (old === null || this.autoStart !== this.#switches[0]) given.autoStart = this.autoStart;
		if (old === null || this.declare !== this.#switches[1]) given.declare = this.declare;
		const name = text.name.trim();
		return {
			...given,
			...(clear.length > 0 ? { clear } : {}),
			...(this.#mode === 'copy' && old !== null ? { copyOf: old.id } : {}),
			...(this.#mode === 'edit' && old !== null ? { name: old.name } : { name }),
			...(this.#mode === 'edit' && old !== null && name !== old.name ? { rename: name } : {}),
		};
	}

	get #retries(): Partial<Save> {
		const { text } = this;
		const times = Number(text.retries.trim());
		if (times === 0) return { retries: 0 };
		const some = (field: SetField): string => text[field].trim();
		return {
			retries: times,
			...(some('retryDelay') === '' ? {} : { retryDelay: some('retryDelay') }),
			...(some('retryMaxDelay') === '' ? {} : { retryMaxDelay: some('retryMaxDelay') }),
			...(some('retryFactor') === '' ? {} : { retryFactor: Number(some('retryFactor')) }),
			...(some('retryJitter') === '' ? {} : { retryJitter: Number(some('retryJitter')) }),
			retryOn: namesIn(text.retryOn).length === 0 ? ['*'] : namesIn(text.retryOn),
			retryNever: namesIn(text.retryNever),
		};
	}

	#envInput(old: boolean): Partial<Save> {
		const keep = this.env.filter((row) => row.saved !== null && row.saved === row.name && row.value === '');
		const set = this.env.filter((row) => !keep.includes(row)).map((row) => [row.name.trim(), row.value] as const);
		return { env: Object.fromEntries(set), ...(old ? { keepEnv: keep.map((row) => row.name) } : {}) };
	}

	#fault(field: SetField): string | null {
		const value = this.text[field].trim();
		if (field === 'name') {
			if (value === '') return 'What is it called?';
			return this.#taken.includes(value) ? 'There is a set of this name already' : null;
		}
		if (field === 'queues') {
			return namesIn(this.text.queues).length + namesIn(this.text.notConsumed).length === 0
				? 'Name at least one queue'
				: null;
		}
		const bounds = WHOLE[field];
		if (bounds !== undefined) {
			if (value === '' && (OPTIONAL as readonly string[]).includes(field)) return null;
			const [least, most] = bounds;
			const fits = /^-?\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most;
			return fits ? null : `A whole number, ${least} to ${most.toLocaleString('en')}`;
		}
		if (field === 'retryFactor' && value !== '' && !(Number(value) >= 1 && Number(value) <= 100))
			return 'A number, 1 to 100';
		if (field === 'retryJitter' && value !== '' && !(Number(value) >= 0 && Number(value) <= 1))
			return 'A number, 0 to 1';
		return null;
	}

	get #envFault(): string | null {
		const names = this.env.map((row) => row.name.trim());
		if (names.some((name) => name === '')) return 'Name each variable, or take it out';
		const twice = names.find((name, at) => names.indexOf(name) !== at);
		if (twice !== undefined) return `${twice} is there twice`;
		const renamed = this.env.find((row) => row.saved !== null && row.saved !== row.name.trim() && row.value === '');
		return renamed === undefined
			? null
			: `Type the value of ${renamed.name} again: what ${renamed.saved} held cannot be read`;
	}

	#row(name: string, saved: string | null): EnvRow {
		return { key: this.#nextKey++, name, value: '', saved };
	}

	#textOf(field: string): string {
		if (field in START) return this.text[field as SetField];
		return field === 'env' ? this.#envNow : JSON.stringify(this.runner.input);
	}

	get #envNow(): string {
		return JSON.stringify(this.env.map((row) => [row.name, row.value]));
	}
}

function textsOf(set: SavedConsumerSet): typeof START {
	const { intent, queues } = set;
	const limits = intent.limits;
	const retry = intent.retries?.find((rule) => rule.times > 0);
	const never = intent.retries?.find((rule) => rule.times === 0);
	const number = (value: number | null | undefined): string =>
		value === null || value === undefined ? '' : String(value);
	const hooks = intent.hooks ?? [];
	return {
		name: set.name,
		queues: queues.flatMap((one) => (one.consumable ? [one.queue] : [])).join(', '),
		notConsumed: queues.flatMap((one) => (one.consumable ? [] : [one.queue])).join(', '),
		concurrency: String(intent.concurrency),
		prefetch: number(intent.prefetch),
		priority: number(intent.priority),
		softLimit: timeText(limits?.softMs),
		hardLimit: timeText(limits?.hardMs),
		memory: number(limits?.memoryMb),
		recycle: number(limits?.recycleAfter),
		retries: String(retry?.times ?? 0),
		retryDelay: timeText(retry?.delayMs),
		retryFactor: number(retry?.factor),
		retryMaxDelay: timeText(retry?.maxDelayMs),
		retryJitter: number(retry?.jitter),
		retryOn: retry === undefined || retry.exceptions.includes('*') ? '' : retry.exceptions.join(', '),
		retryNever: never?.exceptions.join(', ') ?? '',
		...hookTexts(hooks),
		onKnownOutcome: intent.onKnownOutcome ?? 'drop',
	};
}

function hookTexts(
	hooks: NonNullable<ConsumerIntent['hooks']>,
): Pick<typeof START, 'onFailureRun' | 'onFailurePost' | 'onFailureCall' | 'hookTimeout'> {
	const lines = (kind: FailureHook['kind']): string =>
		hooks
			.flatMap((hook) => {
				if (hook.kind !== kind) return [];
				return hook.kind === 'command' ? [commandLine(hook.command)] : [hook.kind === 'http' ? hook.url : hook.path];
			})
			.join('\n');
	const timed = hooks.find((hook) => hook.kind !== 'function');
	return {
		onFailureRun: lines('command'),
		onFailurePost: lines('http'),
		onFailureCall: lines('function'),
		hookTimeout: timed === undefined ? '' : timeText(timed.timeoutMs),
	};
}

function freeName(name: string, taken: readonly string[]): string {
	for (let number = 1; ; number += 1) {
		const next = `${name} copy${number === 1 ? '' : ` ${number}`}`;
		if (!taken.includes(next)) return next;
	}
}

function capital(words: string): string {
	return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
