/** A stand-in for the routes about schedules: schedules in memory that are listed, changed and synced as the engine would. */
import {
	type BookCapabilities,
	type BookKind,
	NEW_SCHEDULE,
	SCHEDULE_FIELDS,
	type ScheduleConflict,
	type ScheduleDefinition,
	type ScheduleRun,
	type ScheduleVersion,
	type SyncReport,
} from '#main/domain/schedule.ts';
import type {
	BookView,
	ComingRun,
	DraftProblem,
	ScheduleCounts,
	ScheduleDetail,
	ScheduleOutcome,
	SchedulePreview,
	ScheduleTick,
	ScheduleView,
} from '#main/ipc/contract/schedule-answers.ts';
import type { ScheduleDraft } from '#main/ipc/contract/schedule-draft.ts';
import type { FakeEngine } from './fake-engine.ts';
import { failure } from './fake-engine.ts';

type Input = Readonly<Record<string, unknown>>;
type Item = ScheduleOutcome['items'][number];

/** When books were read last, and connected. */
const LOOKED = Date.UTC(2026, 10, 21, 12, 41);

export const EVERYTHING: BookCapabilities = {
	runBy: 'warren',
	fields: SCHEDULE_FIELDS,
	recurrences: ['every', 'cron', 'once'],
	units: ['seconds', 'minutes', 'hours', 'days', 'weeks'],
	aligns: ['clock', 'last-run'],
	renames: true,
	notes: [],
};
/** What carrot's book keeps. */
export const CARROT: BookCapabilities = {
	runBy: 'site',
	fields: ['name', 'task', 'queue', 'exchange', 'routingKey', 'recurrence', 'args', 'kwargs', 'active'],
	recurrences: ['every'],
	units: ['seconds', 'minutes', 'hours', 'days'],
	aligns: ['last-run'],
	renames: true,
	notes: ["The site's own service runs it, and counts each interval from when it last looked."],
};

export function bookView(book: BookKind, more: Partial<BookView> = {}): BookView {
	return {
		book,
		title: { local: 'This machine', shared: 'Shared book', carrot: 'Carrot book', redbeat: 'RedBeat' }[book],
		state: { kind: 'connected', since: LOOKED, server: null },
		capabilities: book === 'carrot' ? CARROT : EVERYTHING,
		address: null,
		readAt: LOOKED,
		schedules: 0,
		waiting: 0,
		conflicts: 0,
		broken: [],
		facts: [],
		runner: book === 'local' || book === 'shared' ? { here: true, holder: 'host:1', note: null } : null,
		...more,
	};
}

export function definition(name: string, more: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
	return { ...NEW_SCHEDULE, name, task: `shop.tasks.${name}`, ...more };
}

export function scheduleView(name: string, more: Partial<ScheduleView> = {}): ScheduleView {
	const said = more.definition ?? definition(name);
	return {
		book: 'local',
		key: `k-${name}`,
		words: 'every hour',
		lastRunAt: null,
		nextRunAt: null,
		totalRuns: null,
		lastRun: null,
		troubled: 0,
		sync: 'synced',
		changed: [],
		problem: null,
		remarks: [],
		...more,
		definition: said,
		fingerprint: more.fingerprint ?? print(said),
	};
}

/** Another definition has another one. */
function print(of: ScheduleDefinition): string {
	return JSON.stringify(SCHEDULE_FIELDS.map((field) => of[field]));
}

/** As a person would write it. */
function written(of: ScheduleDefinition): ScheduleDraft {
	const { recurrence, missed } = of;
	return {
		task: of.task,
		queue: of.queue,
		...(recurrence.kind === 'every'
			? { every: `${recurrence.count} ${recurrence.unit}`, align: recurrence.align }
			: recurrence.kind === 'cron'
				? { cron: recurrence.expression }
				: {}),
		zone: of.zone,
		start: 'never',
		end: 'never',
		jitter: '0',
		missed: missed.kind === 'all' ? `all:${missed.most}` : missed.kind,
		args: of.args,
		kwargs: of.kwargs,
		options: of.options,
		exchange: of.exchange,
		routingKey: of.routingKey,
		description: of.description,
	};
}

/** What a draft makes of a definition; only as much of the engine's reading as the page's tests need. */
function laid(base: ScheduleDefinition, input: Input): ScheduleDefinition {
	const next = { ...base } as Record<string, unknown>;
	for (const field of ['task', 'queue', 'exchange', 'routingKey', 'zone', 'args', 'kwargs', 'options', 'description'])
		if (typeof input[field] === 'string') next[field] = input[field];
	if (typeof input.cron === 'string') next.recurrence = { kind: 'cron', expression: input.cron };
	const every = /^(\d+) (\w+)$/.exec(String(input.every ?? ''));
	if (every !== null)
		next.recurrence = { kind: 'every', count: Number(every[1]), unit: every[2], align: input.align ?? 'clock' };
	if (typeof input.active === 'boolean') next.active = input.active;
	if (input.inactive === true) next.active = false;
	return next as unknown as ScheduleDefinition;
}

export class FakeSchedules {
	readonly rows = new Map<string, ScheduleView>();
	readonly bases = new Map<string, ScheduleDefinition | null>();
	readonly conflicts = new Map<string, ScheduleConflict>();
	readonly removing = new Set<string>();
	readonly runs = new Map<string, readonly ScheduleRun[]>();
	readonly versions = new Map<string, readonly ScheduleVersion[]>();
	books: readonly BookView[] = [bookView('local')];
	revision = 1;
	coming: readonly ComingRun[] = [];
	hints: readonly string[] = [];
	/** What the next sync, or its dry run, says. */
	reports: readonly SyncReport[] = [];
	/** Bad input as the engine would find it, by a rule of the test's. */
	problems: (input: Input) => readonly DraftProblem[] = () => [];
	readonly #engine: FakeEngine;

	constructor(engine: FakeEngine) {
		this.#engine = engine;
		const on = engine.handlers;
		on.set('schedule.list', (input) => ({ ok: true, value: this.#list(input) }));
		on.set('schedule.show', (input) => {
			const view = this.#find(input);
			return view === null
				? failure('not-found', `There is no schedule "${String(input.name)}".`)
				: { ok: true, value: this.detail(view) };
		});
		on.set('schedule.preview', (input) => ({ ok: true, value: this.#preview(input) }));
		on.set('schedule.add', (input) => {
			const book = (input.book ?? 'local') as BookKind;
			const name = String(input.name);
			if (this.#find({ book, name }) !== null) return failure('conflict', `There is a schedule "${name}" already.`);
			const view = scheduleView(name, { book, definition: laid(definition(name), input), sync: this.#fresh(book) });
			this.put(view);
			return { ok: true, value: this.#changed(view) };
		});
		on.set('schedule.edit', (input) => {
			const view = this.#find(input);
			if (view === null) return failure('not-found', 'It is gone.');
			if (input.from !== undefined && input.from !== view.fingerprint)
				return failure('conflict', 'It is another by now.');
			const said = laid(view.definition, input);
			const next = typeof input.rename === 'string' ? { ...said, name: input.rename } : said;
			return { ok: true, value: this.#changed(this.edit(view, next)) };
		});
		for (const action of ['pause', 'resume', 'run', 'remove'] as const)
			on.set(`schedule.${action}`, (input) => ({ ok: true, value: this.#many(action, input) }));
		on.set('schedule.runs', (input) => {
			const view = this.#find(input);
			const items = view === null ? [] : (this.runs.get(idOf(view)) ?? []);
			return { ok: true, value: { items: items.slice(0, Number(input.limit)), total: items.length, note: null } };
		});
		on.set('schedule.history', (input) => {
			const view = this.#find(input);
			const items = view === null ? [] : (this.versions.get(idOf(view)) ?? []);
			return { ok: true, value: { items, total: items.length } };
		});
		on.set('schedule.tasks', () => ({
			ok: true,
			value: {
				items: [
					{ name: 'shop.tasks.pay', from: ['runner', 'history'] },
					{ name: 'billing.tasks.dun', from: ['site'] },
				],
				total: 2,
			},
		}));
		on.set('schedule.sync', (input) => ({
			ok: true,
			value: { items: this.reports.map((report) => ({ ...report, dryRun: input.dryRun === true })), total: 1 },
		}));
		on.set('schedule.revert', (input) => {
			const view = this.#find({ ...input, name: (input.names as readonly string[])[0] });
			if (view !== null) {
				const base = this.bases.get(idOf(view)) ?? null;
				if (base === null) this.rows.delete(idOf(view));
				else this.put({ ...view, definition: base, fingerprint: print(base), sync: 'synced', changed: [] });
			}
			return { ok: true, value: outcome([item(view?.definition.name ?? '?', 'local', 'done')], false) };
		});
		on.set('schedule.resolve', (input) => {
			const view = this.#find(input);
			if (view === null) return failure('not-found', 'It is gone.');
			this.conflicts.delete(idOf(view));
			const next = { ...view, sync: 'synced' as const };
			this.put(next);
			return { ok: true, value: this.#changed(next) };
		});
		on.set('schedule.restore', () => {
			const [view] = this.rows.values();
			return view === undefined ? failure('not-found', 'None.') : { ok: true, value: this.#changed(view) };
		});
		on.set('schedule.duplicate', (input) => {
			const view = this.#find(input);
			if (view === null) return failure('not-found', 'It is gone.');
			const name = String(input.as);
			const copy = scheduleView(name, { book: view.book, definition: { ...view.definition, name, active: false } });
			this.put(copy);
			return { ok: true, value: this.#changed(copy) };
		});
		on.set('schedule.export', (input) => ({
			ok: true,
			value: { format: String(input.format), text: '{"schedules": []}', total: this.rows.size, skipped: [] },
		}));
		on.set('schedule.import', (input) => ({
			ok: true,
			value: outcome([item('imported', 'local', 'done')], input.dryRun === true),
		}));
	}

	put(...views: readonly ScheduleView[]): void {
		for (const view of views) this.rows.set(idOf(view), view);
		this.revision += 1;
	}

	/** An edit as it would be kept. */
	edit(view: ScheduleView, next: ScheduleDefinition): ScheduleView {
		const edited = { ...view, definition: next, fingerprint: print(next) };
		this.put(edited);
		return edited;
	}

	get tick(): ScheduleTick {
		return { revision: this.revision, counts: this.#counts(), books: this.books };
	}

	/** Tells every watcher that something has changed. */
	announce(): void {
		for (const stream of this.#engine.streams)
			if (stream.name === 'schedule.watch' && !stream.closed) stream.reader.change([{ key: 'p', tick: this.tick }], 0);
	}

	detail(view: ScheduleView): ScheduleDetail {
		const conflict = this.conflicts.get(idOf(view)) ?? null;
		return {
			view,
			draft: written(view.definition),
			base: this.bases.get(idOf(view)) ?? null,
			conflict,
			removing: this.removing.has(idOf(view)),
			theirs: conflict?.theirs == null ? null : written(conflict.theirs),
			coming: this.coming,
			message: message(view.definition),
			messageNote: null,
			versions: this.versions.get(idOf(view)) ?? [],
		};
	}

	#find(input: Input): ScheduleView | null {
		const wanted = String(input.name);
		for (const view of this.rows.values()) {
			if (input.book !== undefined && view.book !== input.book) continue;
			if (view.key === wanted || view.definition.name === wanted) return view;
		}
		return null;
	}

	#fresh(book: BookKind): ScheduleView['sync'] {
		return this.books.find((each) => each.book === book)?.state.kind === 'connected' ? 'synced' : 'new';
	}

	#changed(view: ScheduleView) {
		return { schedule: view, outcome: view.sync === 'synced' ? 'done' : 'waiting', note: null };
	}

	#counts(): ScheduleCounts {
		const all = [...this.rows.values()];
		const count = (test: (view: ScheduleView) => boolean): number => all.filter(test).length;
		return {
			all: all.length,
			active: count((view) => view.definition.active),
			paused: count((view) => !view.definition.active),
			edited: count((view) => view.sync !== 'synced'),
			conflict: count((view) => view.sync === 'conflict'),
			refused: count((view) => view.sync === 'refused'),
			troubled: count((view) => view.troubled > 0),
		};
	}

	#list(input: Input) {
		const names = input.names as readonly string[] | undefined;
		const search = String(input.query ?? '').toLowerCase();
		const shows: Readonly<Record<string, (view: ScheduleView) => boolean>> = {
			active: (view) => view.definition.active,
			paused: (view) => !view.definition.active,
			edited: (view) => view.sync !== 'synced',
			conflict: (view) => view.sync === 'conflict',
			troubled: (view) => view.troubled > 0,
		};
		const shown = shows[String(input.show ?? 'all')] ?? (() => true);
		const key = (view: ScheduleView): number | string =>
			input.sort === undefined || input.sort === 'next'
				? (view.nextRunAt ?? Number.MAX_VALUE)
				: input.sort === 'last'
					? -(view.lastRunAt ?? 0)
					: String(view.definition[input.sort as 'name' | 'task' | 'queue']);
		const sign = input.descending === true ? -1 : 1;
		const matching = [...this.rows.values()]
			.filter((view) => input.book === undefined || view.book === input.book)
			.filter((view) => names === undefined || names.includes(view.key) || names.includes(view.definition.name))
			.filter((view) => `${view.definition.name} ${view.definition.task}`.toLowerCase().includes(search))
			.filter(shown)
			.sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : a.key < b.key ? -1 : 1));
		const offset = Number(input.offset ?? 0);
		return {
			items: matching.slice(offset, offset + Number(input.limit ?? 100)),
			total: matching.length,
			counts: this.#counts(),
			books: this.books,
			revision: this.revision,
		};
	}

	#preview(input: Input): SchedulePreview {
		const missing: DraftProblem[] = ['name', 'task'].flatMap((field) =>
			String(input[field] ?? '').trim() === ''
				? [{ field, message: `Its ${field} is missing.`, line: null, column: null, offset: null }]
				: [],
		);
		const problems = [...missing, ...this.problems(input)];
		const said = problems.length > 0 ? null : laid(definition(String(input.name)), input);
		return {
			problems,
			definition: said,
			words: said === null ? null : said.recurrence.kind === 'cron' ? 'every weekday at 02:30' : 'every hour',
			coming: said === null ? [] : this.coming,
			hints: said === null ? [] : this.hints,
			message: said === null ? null : message(said),
			messageNote: null,
		};
	}

	#many(action: 'pause' | 'resume' | 'run' | 'remove', input: Input): ScheduleOutcome {
		const dryRun = input.dryRun === true;
		const items = (input.names as readonly string[]).map((name): Item => {
			const view = this.#find({ ...input, name });
			if (view === null) return item(name, (input.book ?? 'local') as BookKind, 'failed', 'It is gone.');
			const { book, definition: of } = view;
			if ((action === 'pause' && !of.active) || (action === 'resume' && of.active))
				return item(of.name, book, 'skipped', `is ${of.active ? 'active' : 'paused'} already`);
			if (!dryRun && action === 'remove') this.rows.delete(idOf(view));
			else if (!dryRun && action !== 'run') this.edit(view, { ...of, active: action === 'resume' });
			if (!dryRun) this.revision += 1;
			return { ...item(of.name, book, 'done'), taskId: action === 'run' && !dryRun ? 't1' : null };
		});
		return outcome(items, dryRun);
	}
}

function idOf(view: { readonly book: BookKind; readonly key: string }): string {
	return `${view.book}/${view.key}`;
}

function item(name: string, book: BookKind, what: Item['outcome'], reason: string | null = null): Item {
	return { name, book, outcome: what, reason, taskId: null };
}

function outcome(items: readonly Item[], dryRun: boolean): ScheduleOutcome {
	const count = (what: Item['outcome']): number => items.filter((each) => each.outcome === what).length;
	return { items, done: count('done'), waiting: count('waiting'), failed: count('failed'), dryRun };
}

function message(of: ScheduleDefinition): SchedulePreview['message'] {
	const body = `{"args": [${of.args}], "kwargs": ${of.kwargs}}`;
	return {
		exchange: of.exchange,
		routingKey: of.routingKey === '' ? of.queue : of.routingKey,
		properties: { contentType: 'application/json', deliveryMode: 2 },
		headers: [['type', of.task]],
		body,
		bodyBytes: body.length,
	};
}
