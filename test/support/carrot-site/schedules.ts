/**
 * The scheduled-tasks part of the stand-in: REST framework's checks with carrot's own on top, in their words and with their gaps.
 * The site's tables may hold what the API would never take, as real ones do.
 */
import { readJson } from '#main/dialects/json/read.ts';
import { readLiteral } from '#main/dialects/python/read.ts';
import { writeLiteral } from '#main/dialects/python/write.ts';
import { type Answer, failed, notAllowed, notFound, page } from './answers.ts';
import type { StandInRow } from './server.ts';

/** A row of the site's table. */
export interface StandInSchedule {
	id: number;
	task_name: string | null;
	task: string;
	queue: string | null;
	exchange: string | null;
	routing_key: string | null;
	interval_type: string;
	interval_count: number;
	task_args: string | null;
	content: string | null;
	active: boolean;
}

/** What a schedule publishes. */
export type Published = Pick<
	StandInRow,
	'task' | 'queue' | 'exchange' | 'routing_key' | 'priority' | 'task_args' | 'content'
>;

export interface SchedulesOptions {
	readonly release: 'last' | '0.5' | 'none';
	readonly notImportable: readonly string[];
	/** Tasks of `task_modules`; null: the setting is empty, and any task is taken. */
	readonly choices: readonly string[] | null;
	readonly publish: (message: Published) => void;
}

/** Fields as they are checked, in the serializer's order. */
const TEXTS = [
	'task',
	'queue',
	'exchange',
	'routing_key',
	'interval_type',
	'content',
	'task_args',
	'task_name',
] as const;
const NEEDED = ['task', 'queue', 'interval_type', 'interval_count', 'task_name'];
/** The others may be null or blank. */
const NEVER_NULL = ['task', 'interval_type', 'interval_count', 'task_name', 'active'];
const UNITS = ['seconds', 'minutes', 'hours', 'days'];
const SAMPLE_CHOICES = ['shop.tasks.add', 'shop.tasks.create_scheduled_task'];

type Fields = Record<string, unknown>;

/** The table and its API. */
export class StandInSchedules {
	readonly rows = new Map<number, StandInSchedule>();
	readonly #options: SchedulesOptions;
	#next = 1;

	constructor(options: SchedulesOptions) {
		this.#options = options;
	}

	/** Adds a row past the API, as the helper, the admin or SQL do. */
	add(schedule: Partial<StandInSchedule> = {}): StandInSchedule {
		const id = this.#next++;
		const made: StandInSchedule = {
			id,
			task_name: `schedule ${id}`,
			task: 'shop.tasks.add',
			queue: 'default',
			exchange: null,
			routing_key: null,
			interval_type: 'seconds',
			interval_count: 60,
			task_args: '',
			content: '{}',
			active: true,
			...schedule,
		};
		this.#next = Math.max(this.#next, made.id + 1);
		this.rows.set(made.id, made);
		return made;
	}

	/** Answers a request below `api/scheduled-tasks/`; null: there is no such address. */
	answer(method: string, path: string, url: URL, body: string, form: boolean): Answer | null {
		const { release } = this.#options;
		if (release === 'none') return null;
		if (path === '') return this.#list(method, url, body, form);
		if (path === 'task-choices/' && release !== '0.5') {
			return { status: 200, json: this.#options.choices ?? SAMPLE_CHOICES };
		}
		if (path === 'validate-args/' && release !== '0.5' && method === 'POST') {
			const { args } = JSON.parse(body) as { readonly args: string };
			return { status: 200, json: { errors: argumentErrors(args) } };
		}
		const run = /^(\d+)\/run\/$/.exec(path);
		if (run !== null) return method === 'GET' ? this.#run(Number(run[1])) : notAllowed(method);
		const one = /^(\d+)\/$/.exec(path);
		return one === null ? null : this.#one(method, Number(one[1]), body, form);
	}

	#list(method: string, url: URL, body: string, form: boolean): Answer {
		if (method === 'GET') {
			return page(
				url,
				[...this.rows.values()].map((one) => this.#shown(one)),
			);
		}
		if (method !== 'POST') return notAllowed(method);
		const read = this.#read(body, form, null);
		if (read.refusal !== null) return read.refusal;
		const named = this.#options.release === '0.5' ? { task_name: null } : {};
		const blank = { content: null, task_args: null };
		return { status: 201, json: this.#shown(this.add({ ...blank, ...read.fields, ...named })) };
	}

	#one(method: string, id: number, body: string, form: boolean): Answer {
		const row = this.rows.get(id);
		if (row === undefined) return notFound();
		if (method === 'GET') return { status: 200, json: this.#shown(row) };
		if (method === 'DELETE') {
			this.rows.delete(id);
			return { status: 204 };
		}
		// PATCH only, and a full update at that.
		if (method !== 'PATCH') return notAllowed(method);
		const read = this.#read(body, form, id);
		if (read.refusal !== null) return read.refusal;
		Object.assign(row, read.fields);
		return { status: 200, json: this.#shown(row) };
	}

	#run(id: number): Answer {
		const row = this.rows.get(id);
		if (row === undefined) return notFound();
		if (this.#options.notImportable.includes(row.task)) return failed('ImportError');
		const content = row.content === null || row.content === '' ? '{}' : row.content;
		const keywords = readJson(content);
		if (!keywords.ok) return failed('JSONDecodeError');
		const { kind } = keywords.value;
		if (kind !== 'dict' && kind !== 'str') return failed('TypeError');
		const names = keywords.value.kind === 'dict' ? keywords.value.entries.map(([key]) => key) : [];
		const own = ['task', 'priority', 'queue', 'exchange', 'routing_key'];
		if (names.some((key) => key.kind === 'str' && own.includes(key.value))) return failed('TypeError');
		const pieces = (row.task_args ?? '').split(',').filter((piece) => piece !== '');
		const items = pieces.map((piece) => ({ kind: 'str', value: piece.trim() }) as const);
		const queue = row.queue === null || row.queue === '' ? 'default' : row.queue;
		this.#options.publish({
			task: row.task,
			queue,
			exchange: row.exchange ?? '',
			routing_key: row.routing_key === null || row.routing_key === '' ? queue : row.routing_key,
			priority: 0,
			task_args: writeLiteral({ kind: 'tuple', items }),
			content: kind === 'str' ? '{}' : content,
		});
		return { status: 200, json: this.#shown(row) };
	}

	/** A body's fields as they would be saved, or why they are refused. */
	#read(
		body: string,
		form: boolean,
		own: number | null,
	): { readonly fields: Partial<StandInSchedule>; readonly refusal: Answer | null } {
		const refused = (json: unknown) => ({ fields: {}, refusal: { status: 400, json } });
		let sent: unknown;
		try {
			sent = form ? formFields(body) : JSON.parse(body);
		} catch (error) {
			return refused({ detail: `JSON parse error - ${error instanceof Error ? error.message : ''}` });
		}
		if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
			return refused({ non_field_errors: ['Invalid data. Expected a dictionary, but got list.'] });
		}
		const problems: Record<string, string[]> = {};
		const kept: Fields = {};
		const given = sent as Fields;
		const unnamed = this.#options.release === '0.5';
		for (const name of [...TEXTS, 'interval_count', 'active'] as const) {
			if (unnamed && name === 'task_name') continue;
			const value = given[name];
			const problem =
				value === undefined
					? NEEDED.includes(name)
						? 'This field is required.'
						: null
					: this.#problem(name, value, own);
			if (problem !== null) problems[name] = [problem];
			else if (value !== undefined) kept[name] = saved(name, value);
		}
		if (Object.keys(problems).length > 0) return refused(problems);
		return { fields: kept as Partial<StandInSchedule>, refusal: null };
	}

	#problem(name: string, value: unknown, own: number | null): string | null {
		if (value === null) {
			if (NEVER_NULL.includes(name)) return 'This field may not be null.';
			return name === 'queue' ? 'This field is required' : null;
		}
		if (name === 'active') {
			return [true, false, 'true', 'false', 0, 1].includes(value as boolean) ? null : 'Must be a valid boolean.';
		}
		if (name === 'interval_count') {
			const whole =
				typeof value === 'number' || typeof value === 'string' ? /^-?\d+(?:\.0*)?$/.test(String(value)) : false;
			if (!whole) return 'A valid integer is required.';
			return Number(value) < 1 ? 'Ensure this value is greater than or equal to 1.' : null;
		}
		if (name === 'interval_type')
			return UNITS.includes(String(value)) ? null : `"${String(value)}" is not a valid choice.`;
		if (typeof value !== 'string' && typeof value !== 'number') return 'Not a valid string.';
		return this.#textProblem(name, String(value).trim(), own);
	}

	#textProblem(name: string, text: string, own: number | null): string | null {
		if (text === '') {
			if (name === 'queue') return 'This field is required';
			return name === 'task' || name === 'task_name' ? 'This field may not be blank.' : null;
		}
		if (text.includes('\0')) return 'Null characters are not allowed.';
		const long = name !== 'content' && name !== 'task_args';
		if (long && [...text].length > 200) return 'Ensure this field has no more than 200 characters.';
		if (name === 'task') {
			const { choices } = this.#options;
			return choices === null || choices.includes(text) ? null : 'This is not a valid selection';
		}
		if (name === 'task_name') {
			const taken = [...this.rows.values()].some((one) => one.id !== own && one.task_name === text);
			return taken ? 'scheduled task with this task name already exists.' : null;
		}
		if (name === 'task_args') return argumentErrors(text)[0] ?? null;
		// Any JSON will do here, whatever becomes of it later.
		if (name === 'content') return readJson(text).ok ? null : 'This field must be json serializable';
		return null;
	}

	#shown(row: StandInSchedule): Readonly<Record<string, unknown>> {
		const every = row.interval_count > 1 ? row.interval_type : row.interval_type.slice(0, -1);
		const { task_name, ...rest } = row;
		const named = this.#options.release === '0.5' ? {} : { task_name };
		return { ...rest, ...named, interval_display: `Every ${row.interval_count} ${every}` };
	}
}

/** What the text of positional arguments is refused for: every piece between commas has to be a literal, empty ones too. */
function argumentErrors(text: string): readonly string[] {
	if (text === '') return [];
	return text
		.split(',')
		.map((piece) => piece.trim())
		.filter((piece) => !readLiteral(piece).ok || /^[+-]?(?:nan|inf)$|^(?:frozenset|set)\(/.test(piece))
		.map((piece) => `Error parsing argument ${piece}: malformed node or string`);
}

/** In a form, a box that is not ticked is not sent: `active` is false then. */
function formFields(body: string): Fields {
	const fields: Fields = Object.fromEntries(new URLSearchParams(body));
	return { ...fields, active: fields.active !== undefined && fields.active !== 'false' };
}

function saved(name: string, value: unknown): unknown {
	if (value === null) return null;
	if (name === 'active') return value === true || value === 'true' || value === 1;
	if (name === 'interval_count') return Number(value);
	return String(value).trim();
}
