/** A stand-in for the engine: a table of tasks in memory, answers that can be held back, and streams fed by hand. */

import { taskId } from '#main/domain/ids.ts';
import type { Page, TaskCounts, TaskTick } from '#main/domain/page.ts';
import type { TaskRow, TaskState } from '#main/domain/task.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput, CallName, Output, StreamName } from '#main/ipc/contract.ts';
import type { Answer, CallOptions, Engine, StreamReader } from '#renderer/state/engine.ts';

export interface Called {
	readonly route: CallName;
	readonly input: Readonly<Record<string, unknown>>;
	readonly confirm: string | undefined;
}

interface OpenStream {
	readonly name: StreamName;
	readonly input: unknown;
	readonly reader: StreamReader<unknown>;
	closed: boolean;
}

type Handler = (input: Readonly<Record<string, unknown>>) => Answer<unknown> | Promise<Answer<unknown>>;

export function row(id: string, more: Partial<TaskRow> = {}): TaskRow {
	return {
		id: taskId(id),
		name: 'shop.tasks.pay',
		state: 'failed',
		queue: 'default',
		priority: 0,
		argsJson: '[1]',
		kwargsJson: '{}',
		preview: '1',
		publishedAt: 1,
		startedAt: 2,
		finishedAt: 3,
		runtimeMs: 1,
		worker: 'w',
		attempts: 1,
		exception: { type: 'ValueError', message: 'no' },
		updatedAt: 3,
		...more,
	};
}

export const NO_COUNTS: TaskCounts = {
	queued: 0,
	running: 0,
	succeeded: 0,
	failed: 0,
	retrying: 0,
	revoked: 0,
	rejected: 0,
	lost: 0,
	scheduled: 0,
	revision: 0,
};

export function failure(code: WireError['code'], message: string): { readonly ok: false; readonly error: WireError } {
	return { ok: false, error: { code, message, retryable: false, ref: 'r1' } };
}

export class FakeEngine implements Engine {
	readonly calls: Called[] = [];
	readonly streams: OpenStream[] = [];
	readonly tasks = new Map<string, TaskRow>();
	readonly handlers = new Map<CallName, Handler>();
	revision = 1;
	/** What a stream starts with, for tests that draw; without it a stream says nothing by itself. */
	answerStreams: ((name: StreamName) => readonly unknown[]) | null = null;
	/** Waited for before each answer, so that a test decides in which order they come. */
	gate: (called: Called) => Promise<void> = () => Promise.resolve();

	constructor() {
		this.handlers.set('task.list', (input) => ({ ok: true, value: this.#page(input) }));
		this.handlers.set('task.count', (input) => ({
			ok: true,
			value: { total: this.#matching(String(input.query)).length },
		}));
	}

	put(...rows: readonly TaskRow[]): void {
		for (const each of rows) this.tasks.set(each.id, each);
		this.revision += 1;
	}

	/** Tells every watcher of tasks that something has changed. */
	tick(): void {
		const tick: TaskTick = { revision: this.revision, counts: NO_COUNTS };
		for (const stream of this.streams) {
			if (stream.name === 'task.watch' && !stream.closed) stream.reader.change([{ key: 'tick', tick }], 0);
		}
	}

	stream(name: StreamName): OpenStream {
		const found = this.streams.findLast((stream) => stream.name === name && !stream.closed);
		if (found === undefined) throw new Error(`Nobody reads ${name}`);
		return found;
	}

	called(route: CallName): readonly Called[] {
		return this.calls.filter((call) => call.route === route);
	}

	async call<R extends CallName>(
		route: R,
		input: CallerInput<R>,
		options: CallOptions = {},
	): Promise<Answer<Output<R>>> {
		const called: Called = { route, input: input as Record<string, unknown>, confirm: options.confirm };
		this.calls.push(called);
		await this.gate(called);
		const handler = this.handlers.get(route);
		if (handler === undefined) return failure('unsupported', `No answer was prepared for ${route}`);
		return (await handler(called.input)) as Answer<Output<R>>;
	}

	open(name: StreamName, input: unknown, reader: unknown): Disposable {
		const stream: OpenStream = { name, input, reader: reader as StreamReader<unknown>, closed: false };
		this.streams.push(stream);
		const start = this.answerStreams;
		if (start !== null) {
			queueMicrotask(() => {
				if (!stream.closed) stream.reader.snapshot(start(name));
			});
		}
		return {
			[Symbol.dispose]: () => {
				stream.closed = true;
			},
		};
	}

	/** Reads as much of the query language as the lists write themselves: state lists, ids, their negation, one word. */
	#matching(query: string): TaskRow[] {
		const state = /state:([a-z,]+)/.exec(query)?.[1]?.split(',');
		const named = /(?:^|\s)id:((?:"[^"]*",?)+)/.exec(query)?.[1];
		const ids = named?.split(',').map((id) => id.replaceAll('"', ''));
		const not = [...query.matchAll(/-id:"([^"]*)"/g)].map((match) => match[1]);
		const word = /\(([^)]*)\)/.exec(query)?.[1];
		return [...this.tasks.values()].filter(
			(task) =>
				(state === undefined || state.includes(task.state satisfies TaskState)) &&
				(ids === undefined || ids.includes(task.id)) &&
				!not.includes(task.id) &&
				(word === undefined || task.name.includes(word)),
		);
	}

	#page(input: Readonly<Record<string, unknown>>): Page<TaskRow> {
		const field = String(input.sort ?? 'updatedAt') as 'updatedAt' | 'name';
		const sign = input.ascending === true ? 1 : -1;
		const order = (a: TaskRow, b: TaskRow): number =>
			sign * (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : a.id < b.id ? -1 : 1);
		const all = this.#matching(String(input.query ?? '')).sort(order);
		const limit = Number(input.limit ?? 50);
		let start = 0;
		if (typeof input.cursor === 'string') {
			const { id, key } = JSON.parse(input.cursor) as { id: string; key: string | number };
			start = all.findIndex((task) => order(task, { ...task, id: taskId(id), [field]: key }) > 0);
			if (start < 0) start = all.length;
		}
		const items = all.slice(start, start + limit);
		const last = items.at(-1);
		return {
			items,
			total: all.length,
			revision: this.revision,
			next:
				last === undefined || start + limit >= all.length ? null : JSON.stringify({ id: last.id, key: last[field] }),
			previous: null,
		};
	}
}

/** Lets every answer that is due arrive. */
export async function settle(): Promise<void> {
	for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
	await new Promise((resolve) => setTimeout(resolve, 0));
	for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}
