/**
 * What queries mean, said a second time and as plainly as possible: over plain objects, with JavaScript's own patterns and sort. Shares
 * no code with the product; a query comes as what it asks for, with the text that asks for it.
 */

/** A task as the test knows it. */
export interface KnownTask {
	readonly id: string;
	/** Place among all tasks, in the order in which they came. */
	readonly seq: number;
	readonly name: string;
	readonly queue: string | null;
	readonly state: string;
	readonly priority: number | null;
	readonly args: readonly Plain[];
	readonly kwargs: { readonly [key: string]: Plain };
	readonly argsText: string;
	readonly kwargsText: string;
	readonly preview: string;
	readonly publishedAt: number | null;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	readonly updatedAt: number;
	readonly runtime: number | null;
	readonly worker: string | null;
	readonly attempts: readonly {
		readonly cause: string;
		readonly traceback: string | null;
		readonly log: readonly string[];
	}[];
	readonly exception: { readonly type: string; readonly message: string } | null;
	readonly result: string | null;
	/** The key of the failure group that it is in; null: it is not failed. */
	readonly group: string | null;
}

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** A query: how it is written, and whether a task is meant. */
export interface Asked {
	readonly text: string;
	/** How tightly it binds: `term` needs no parentheses anywhere. */
	readonly binds: 'term' | 'and' | 'or';
	readonly means: (task: KnownTask) => boolean;
}

function holds(text: string | null, part: string): boolean {
	return text !== null && text.toLowerCase().indexOf(part.toLowerCase()) >= 0;
}

function quoted(text: string): string {
	return `"${text.split('\\').join('\\\\').split('"').join('\\"')}"`;
}

/** Everything that free text looks at. */
function words(task: KnownTask): readonly (string | null)[] {
	const { exception } = task;
	const said = exception === null ? [] : [exception.type, exception.message];
	return [task.name, task.id, task.queue, task.argsText, task.kwargsText, task.preview, ...said];
}

export function word(part: string): Asked {
	return { text: quoted(part), binds: 'term', means: (task) => words(task).some((text) => holds(text, part)) };
}

export function pattern(source: string): Asked {
	const native = new RegExp(source, 'i');
	return {
		text: `/${source}/`,
		binds: 'term',
		means: (task) => words(task).some((text) => text !== null && native.test(text)),
	};
}

const TEXTS = {
	name: (task: KnownTask) => [task.name],
	queue: (task: KnownTask) => [task.queue],
	worker: (task: KnownTask) => [task.worker],
	id: (task: KnownTask) => [task.id],
	exception: (task: KnownTask) => (task.exception === null ? [] : [task.exception.type, task.exception.message]),
	args: (task: KnownTask) => [task.argsText],
	kwargs: (task: KnownTask) => [task.kwargsText],
	result: (task: KnownTask) => [task.result],
	log: (task: KnownTask) => task.attempts.flatMap((attempt) => attempt.log),
	traceback: (task: KnownTask) => task.attempts.map((attempt) => attempt.traceback),
	app: (task: KnownTask) => {
		const parts = task.name.split('.');
		if (parts.includes('tasks')) return [parts[parts.indexOf('tasks') - 1] ?? ''];
		return [parts.length === 2 ? (parts[0] ?? '') : ''];
	},
};
export type TextName = keyof typeof TEXTS;
export const TEXT_NAMES = Object.keys(TEXTS) as TextName[];

/** `field:"text"` as each field compares it, `field:="text"`, or `field:/pattern/`. */
export function field(name: TextName, how: 'plain' | 'exact' | 'pattern', parts: readonly string[]): Asked {
	const test = (text: string, part: string): boolean => {
		if (how === 'pattern') return new RegExp(part, 'i').test(text);
		if (how === 'exact') return text === part;
		if (name === 'queue' || name === 'worker' || name === 'app') return text === part;
		if (name === 'id') return text.slice(0, part.length) === part;
		return holds(text, part);
	};
	const written = parts.map((part) => (how === 'pattern' ? `/${part}/` : quoted(part))).join(',');
	return {
		text: `${name}:${how === 'exact' ? '=' : ''}${written}`,
		binds: 'term',
		means: (task) => TEXTS[name](task).some((text) => text !== null && parts.some((part) => test(text, part))),
	};
}

export function state(names: readonly string[]): Asked {
	return { text: `state:${names.join(',')}`, binds: 'term', means: (task) => names.includes(task.state) };
}

const NUMBERS = {
	priority: (task: KnownTask) => task.priority,
	attempts: (task: KnownTask) => task.attempts.length,
	runtime: (task: KnownTask) => task.runtime,
	waited: (task: KnownTask) =>
		task.startedAt === null || task.publishedAt === null ? null : task.startedAt - task.publishedAt,
};
export type NumberName = keyof typeof NUMBERS;

export function number(name: NumberName, op: '' | '<' | '<=' | '>' | '>=', value: number): Asked {
	const unit = (name === 'runtime' || name === 'waited') && value !== 0 ? 'ms' : '';
	return {
		text: `${name}:${op}${value}${unit}`,
		binds: 'term',
		means(task) {
			const is = NUMBERS[name](task);
			if (is === null) return false;
			if (op === '') return is === value;
			if (op === '<') return is < value;
			if (op === '<=') return is <= value;
			return op === '>' ? is > value : is >= value;
		},
	};
}

export function range(name: 'priority' | 'attempts', low: number | null, high: number | null): Asked {
	return {
		text: `${name}:${low ?? ''}..${high ?? ''}`,
		binds: 'term',
		means(task) {
			const is = NUMBERS[name](task);
			return is !== null && (low === null || is >= low) && (high === null || is <= high);
		},
	};
}

const TIMES = {
	published: (task: KnownTask) => task.publishedAt,
	started: (task: KnownTask) => task.startedAt,
	finished: (task: KnownTask) => task.finishedAt,
	latest: (task: KnownTask) => task.finishedAt ?? task.startedAt ?? task.publishedAt,
};

/** A time with milliseconds, which names just that one. */
export function time(
	how: 'since' | 'until' | 'before' | 'after' | 'published' | 'started' | 'finished',
	op: '' | '<' | '<=' | '>' | '>=',
	at: number,
): Asked {
	const bounded = how === 'since' || how === 'until' || how === 'before' || how === 'after';
	const meant = { since: '>=', until: '<=', before: '<', after: '>', published: op, started: op, finished: op }[how];
	return {
		text: `${how}:${bounded ? '' : op}${new Date(at).toISOString()}`,
		binds: 'term',
		means(task) {
			const is = bounded ? TIMES.latest(task) : TIMES[how](task);
			if (is === null) return false;
			if (meant === '') return is === at;
			if (meant === '<') return is < at;
			if (meant === '<=') return is <= at;
			return meant === '>' ? is > at : is >= at;
		},
	};
}

/** The value at a path, or undefined. */
function at(task: KnownTask, root: 'args' | 'kwargs', path: readonly string[]): Plain | undefined {
	let here: Plain | undefined = task[root];
	for (const part of path) {
		if (Array.isArray(here)) here = /^\d+$/.test(part) ? (here as readonly Plain[])[Number(part)] : undefined;
		else if (typeof here === 'object' && here !== null) here = (here as Record<string, Plain>)[part];
		else return undefined;
	}
	return here;
}

export function path(
	root: 'args' | 'kwargs',
	parts: readonly string[],
	how: 'plain' | 'quoted' | 'exists' | '<' | '<=' | '>' | '>=',
	value: string,
): Asked {
	const written = parts.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${quoted(part)}`)).join('');
	const compared = how === '<' || how === '<=' || how === '>' || how === '>=';
	const ending = how === 'exists' ? '*' : how === 'quoted' ? quoted(value) : compared ? `${how}${value}` : `=${value}`;
	return {
		text: `${root}${written}:${ending}`,
		binds: 'term',
		means(task) {
			const is = at(task, root, parts);
			if (is === undefined) return false;
			if (how === 'exists') return true;
			if (compared) {
				if (typeof is !== 'number') return false;
				if (how === '<') return is < Number(value);
				if (how === '<=') return is <= Number(value);
				return how === '>' ? is > Number(value) : is >= Number(value);
			}
			if (how === 'quoted') return is === value;
			return is === null ? value === 'null' : typeof is !== 'object' && String(is) === value;
		},
	};
}

export function has(thing: string): Asked {
	return {
		text: `has:${thing}`,
		binds: 'term',
		means(task) {
			if (thing === 'traceback') return task.attempts.some(({ traceback }) => traceback !== null);
			if (thing === 'log') return task.attempts.some(({ log }) => log.length > 0);
			if (thing === 'args') return task.args.length > 0;
			if (thing === 'kwargs') return Object.keys(task.kwargs).length > 0;
			return (task as unknown as Record<string, unknown>)[thing] !== null;
		},
	};
}

export function is(thing: 'requeued' | 'retried' | 'redelivered' | 'open' | 'done'): Asked {
	return {
		text: `is:${thing}`,
		binds: 'term',
		means(task) {
			const open = ['queued', 'running', 'retrying'].includes(task.state);
			if (thing === 'open' || thing === 'done') return open === (thing === 'open');
			return task.attempts.slice(1).some(({ cause }) => cause === thing);
		},
	};
}

export function group(beginnings: readonly string[]): Asked {
	return {
		text: `group:${beginnings.join(',')}`,
		binds: 'term',
		means: ({ group: key }) => key !== null && beginnings.some((part) => key.indexOf(part.toLowerCase()) === 0),
	};
}

function wrapped(asked: Asked, fits: readonly Asked['binds'][]): string {
	return fits.includes(asked.binds) ? asked.text : `(${asked.text})`;
}

export function not(part: Asked, sign: '-' | 'NOT '): Asked {
	return { text: `${sign}${wrapped(part, ['term'])}`, binds: 'term', means: (task) => !part.means(task) };
}

export function both(a: Asked, b: Asked, sign: ' ' | ' AND '): Asked {
	return {
		text: `${wrapped(a, ['term', 'and'])}${sign}${wrapped(b, ['term', 'and'])}`,
		binds: 'and',
		means: (task) => a.means(task) && b.means(task),
	};
}

export function either(a: Asked, b: Asked): Asked {
	return { text: `${a.text} OR ${b.text}`, binds: 'or', means: (task) => a.means(task) || b.means(task) };
}

const STATE_ORDER = ['queued', 'running', 'succeeded', 'failed', 'retrying', 'revoked', 'rejected', 'lost'];

/** Ids in a list's order: what has no value comes last whichever way; equals in the order they came, turned round when descending. */
export function ordered(tasks: readonly KnownTask[], by: string, descending: boolean): readonly string[] {
	const keyOf = (task: KnownTask): string | number | null => {
		if (by === 'state') return STATE_ORDER.indexOf(task.state);
		if (by === 'runtimeMs') return task.runtime;
		return (task as unknown as Record<string, string | number | null>)[by] ?? null;
	};
	const turn = descending ? -1 : 1;
	const order = (a: KnownTask, b: KnownTask): number => {
		const [x, y] = [keyOf(a), keyOf(b)];
		if (x !== y) {
			if (x === null) return 1;
			if (y === null) return -1;
			return x < y ? -turn : turn;
		}
		// States are lists of their own one after another, each by its latest change.
		if (by === 'state' && a.updatedAt !== b.updatedAt) return a.updatedAt < b.updatedAt ? -turn : turn;
		if (by === 'finishedAt' && x === null && a.updatedAt !== b.updatedAt)
			return a.updatedAt < b.updatedAt ? -turn : turn;
		return a.seq < b.seq ? -turn : turn;
	};
	return tasks.toSorted(order).map((task) => task.id);
}
