/** Handlers of the routes that read schedules; those that change them are in `schedule-change.ts`. */
import type { Profile } from '#main/domain/profile.ts';
import { subjectMatches } from '#main/domain/query-match.ts';
import { parseQueryOf } from '#main/domain/query-parse.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import {
	type BookCapabilities,
	type BookKind,
	NEW_SCHEDULE,
	type ScheduleDefinition,
	timingOf,
} from '#main/domain/schedule.ts';
import type { Timing } from '#main/domain/timing.ts';
import type { ComingRun, DraftProblem } from '#main/ipc/contract/schedule-answers.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { FieldProblem } from '#main/scheduler/book.ts';
import { hintsFor } from '#main/scheduler/hints.ts';
import { readMoment, showMoment } from '#main/scheduler/moment.ts';
import { checkTiming, type RunFacts, upcoming } from '#main/scheduler/recurrence.ts';
import { describeTiming, readInterval } from '#main/scheduler/words.ts';
import { knowsZone } from '#main/scheduler/zones.ts';
import type { Core } from '../core.ts';
import { draftOf, readDraft } from '../schedule-draft.ts';
import { type ExchangeWorld, exportSchedules } from '../schedule-exchange.ts';
import { previewMessage } from '../schedule-message.ts';
import { scheduleSubject } from '../schedule-search.ts';
import { chosen, type Overlaid } from '../schedule-views.ts';

type Name =
	| 'schedule.books'
	| 'schedule.conflicts'
	| 'schedule.export'
	| 'schedule.history'
	| 'schedule.list'
	| 'schedule.next'
	| 'schedule.preview'
	| 'schedule.runs'
	| 'schedule.show'
	| 'schedule.tasks';

/** Runs shown ahead of a schedule. */
const AHEAD = 20;
const VERSIONS = 100;

export function scheduleHandlers(core: Core): Pick<CallHandlers, Name> {
	const { profiles, schedules, store } = core;
	const now = () => core.ports.clock.now();
	return {
		'schedule.list': async (input, { signal }) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			const query = parseQueryOf('schedules', input.query ?? '', now());
			if (!query.ok) return query;
			const unread = input.fetch === true ? await fetchBooks(core, profile.value, input.book, signal) : null;
			const gathered = await schedules.desk.gather(id);
			const facts = { now: now(), troubled: gathered.troubled };
			const matches = (one: Overlaid) => subjectMatches(query.value, scheduleSubject(one, facts));
			const wanted = query.value.kind === 'all' ? input : { ...input, matches };
			const matching = chosen(gathered.rows, wanted, gathered.troubled, now());
			const window = matching.slice(input.offset, input.offset + input.limit);
			return ok({
				items: await schedules.desk.views(id, gathered, window),
				total: matching.length,
				counts: schedules.desk.counts(gathered),
				books: await schedules.bookViews(profile.value, gathered),
				unread,
				revision: gathered.revision,
			});
		},
		'schedule.show': async (input) => {
			const found = await findSchedule(core, input);
			if (!found.ok) return found;
			const { profile, one, gathered } = found.value;
			const [view] = await schedules.desk.views(profile.id, gathered, [one]);
			if (view === undefined) return fail('gone', 'The schedule was removed a moment ago.');
			const { definition, change, entry } = one;
			const theirs = change?.conflict?.theirs ?? null;
			return ok({
				view,
				draft: draftOf(definition),
				base: change === null ? (entry?.definition ?? null) : change.base,
				conflict: change?.conflict ?? null,
				removing: change !== null && change.mine === null,
				theirs: theirs === null ? null : draftOf(theirs),
				coming: definition.active ? coming(timingOf(definition), now(), AHEAD, factsOf(one, now())) : [],
				...previewMessage(definition, profile, one.book),
				versions: await store.schedules.versions(profile.id, one, VERSIONS),
			});
		},
		'schedule.preview': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const gathered = await schedules.desk.gather(profile.value.id);
			const of = input.of === undefined ? null : schedules.desk.find(gathered, input.of, input.book);
			if (of !== null && !of.ok) return of;
			const before = of?.value ?? null;
			const kind = before?.book ?? input.book ?? 'local';
			const { profile: _profile, book: _book, of: _of, ...written } = input;
			const book = schedules.books.find(profile.value, kind);
			const start = newSchedule(profile.value, book.ok ? book.value.capabilities : null);
			const read = readDraft(
				written,
				before?.definition ?? start,
				profile.value.dialect,
				book.ok ? draftRules(book.value.capabilities) : {},
			);
			const problems: DraftProblem[] = [...read.problems];
			if (!book.ok) problems.push(atField('book', book.error.message));
			const { definition } = read;
			const facts = before === null ? { lastRunAt: null, createdAt: now() } : factsOf(before, now());
			// When it would run is worth knowing although its name or an argument is still to be mended.
			if (definition === null) {
				const { timing } = read;
				if (timing === null) return ok({ ...NOTHING, problems });
				const ahead = { words: describeTiming(timing), coming: coming(timing, now(), AHEAD, facts) };
				return ok({ ...NOTHING, ...ahead, problems });
			}
			if (book.ok) problems.push(...book.value.check(definition).map((one) => problemOf(one, definition)));
			const taken = gathered.rows.find(
				(one) => one.book === kind && one.definition.name === definition.name && one.key !== before?.key,
			);
			if (taken !== undefined) problems.push(atField('name', `This book has a schedule "${definition.name}" already.`));
			const timing = timingOf(definition);
			const others = gathered.rows.filter(
				(one) => one !== before && one.book === kind && one.definition.active && one.change?.kind !== 'remove',
			);
			const longestMs = await longestRun(core, profile.value, definition.task);
			return ok({
				problems,
				definition: problems.length === 0 ? definition : null,
				words: describeTiming(timing),
				coming: coming(timing, now(), AHEAD, facts),
				hints: hintsFor(definition, { others: others.map((one) => one.definition), now: now(), facts, longestMs }),
				...previewMessage(definition, profile.value, kind),
			});
		},
		'schedule.next': async (input) => {
			const asked = await askedTiming(core, input);
			if (!asked.ok) return asked;
			const { timing, facts, shownIn } = asked.value;
			const from = input.from === undefined ? ok(now()) : readMoment(input.from, shownIn);
			if (!from.ok) return from;
			const runs = upcoming(timing, from.value, input.count, facts ?? { lastRunAt: null, createdAt: from.value });
			const items = runs.map((run) => ({ ...run, local: showMoment(run.at, shownIn) }));
			return ok({ words: describeTiming(timing), items, total: items.length });
		},
		'schedule.runs': async (input) => {
			const page = { limit: input.limit, before: input.before ?? null };
			if (input.name === undefined) {
				const profile = await profiles.find(input.profile);
				if (!profile.ok) return profile;
				const note = await schedules.catchUpRuns(profile.value, input.book ?? null);
				const runs = await store.schedules.runs(profile.value.id, { book: input.book ?? null, key: null, ...page });
				return ok({ ...runs, note });
			}
			const found = await findSchedule(core, { ...input, name: input.name });
			if (!found.ok) return found;
			const { profile, one } = found.value;
			const note = await schedules.catchUpRuns(profile, one.book);
			return ok({ ...(await store.schedules.runs(profile.id, { book: one.book, key: one.key, ...page })), note });
		},
		'schedule.history': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			if (input.name === undefined) {
				const items = await store.schedules.versions(id, null, input.limit);
				return ok({ items, total: items.length });
			}
			const found = schedules.desk.find(await schedules.desk.gather(id), input.name, input.book);
			if (found.ok) {
				const items = await store.schedules.versions(id, found.value, input.limit);
				return ok({ items, total: items.length });
			}
			// One that was removed is known by its past alone.
			const past = await store.schedules.versions(id, null, PAST_SEARCHED);
			const items = past.filter((one) => one.name === input.name || one.key === input.name).slice(0, input.limit);
			return items.length === 0 ? found : ok({ items, total: items.length });
		},
		'schedule.tasks': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const items = await taskChoices(core, profile.value, input.book ?? null);
			return ok({ items, total: items.length });
		},
		'schedule.books': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const items = await schedules.bookViews(profile.value, await schedules.desk.gather(profile.value.id));
			return ok({ items, total: items.length });
		},
		'schedule.conflicts': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const gathered = await schedules.desk.gather(profile.value.id);
			const torn = gathered.rows.filter(
				(one) => one.change?.conflict != null && (input.book === undefined || one.book === input.book),
			);
			const views = await schedules.desk.views(profile.value.id, gathered, torn.slice(0, MOST_VIEWS));
			const items = views.flatMap((schedule, at) => {
				const change = torn[at]?.change;
				if (change?.conflict == null) return [];
				return [{ schedule, base: change.base, mine: change.mine, conflict: change.conflict }];
			});
			return ok({ items, total: torn.length });
		},
		'schedule.export': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const gathered = await schedules.desk.gather(profile.value.id);
			const wanted: Overlaid[] = [];
			for (const name of input.names ?? []) {
				const found = schedules.desk.find(gathered, name, input.book);
				if (!found.ok) return found;
				wanted.push(found.value);
			}
			const all = chosen(gathered.rows, { show: 'all', sort: 'name', book: input.book }, gathered.troubled, now());
			const rows = input.names === undefined ? all : wanted;
			return exportSchedules(
				rows.filter((one) => one.change?.mine !== null).map((one) => one.definition),
				input.format,
				exchangeWorld(profile.value, now()),
			);
		},
	};
}

/** Takes in what books have, as a query may: nothing is sent to them. Those that could not be read, with the reason. */
async function fetchBooks(
	core: Core,
	profile: Profile,
	kind: BookKind | undefined,
	signal: AbortSignal,
): Promise<readonly { readonly book: BookKind; readonly reason: string }[]> {
	const { books, sync } = core.schedules;
	// The local one is never behind.
	const some = books.of(profile).filter(({ kind: of }) => of !== 'local' && (kind === undefined || of === kind));
	const options = { refusedAgain: false, receiveOnly: 'It was only read.', signal };
	const reports = await Promise.all(some.map((book) => sync(profile, book.kind, options)));
	return reports.flatMap((report, at) => {
		const book = some[at]?.kind ?? 'local';
		if (!report.ok) return [{ book, reason: report.error.message }];
		const { state, note } = report.value;
		return state === 'offline' ? [{ book, reason: note ?? 'It does not answer.' }] : [];
	});
}

/** How far back the past is searched for a schedule that is gone. */
const PAST_SEARCHED = 10_000;
const MOST_VIEWS = 500;
const NOTHING = { definition: null, words: null, coming: [], hints: [], message: null, messageNote: null } as const;

/** A schedule with its profile and all that was gathered of it. */
export async function findSchedule(
	core: Core,
	input: {
		readonly profile: string;
		readonly name: string;
		readonly book?: Overlaid['book'] | undefined;
	},
): Promise<Result<{ readonly profile: Profile; readonly one: Overlaid; readonly gathered: Gathered }>> {
	const profile = await core.profiles.find(input.profile);
	if (!profile.ok) return profile;
	const gathered = await core.schedules.desk.gather(profile.value.id);
	const one = core.schedules.desk.find(gathered, input.name, input.book);
	return one.ok ? ok({ profile: profile.value, one: one.value, gathered }) : one;
}

type Gathered = Awaited<ReturnType<Core['schedules']['desk']['gather']>>;

/** What RedBeat's form of schedules takes from the profile; its own defaults where there is no such book. */
export function exchangeWorld(profile: Profile, now: number): ExchangeWorld {
	const { prefix = 'redbeat:', zone = 'UTC' } = profile.books?.redbeat ?? {};
	return { prefix, zone, now };
}

/** What its due times count from. */
export function factsOf({ entry, change }: Overlaid, now: number): RunFacts {
	return { lastRunAt: entry?.lastRunAt ?? null, createdAt: entry?.changedAt ?? change?.updatedAt ?? now };
}

function coming(timing: Timing, from: number, count: number, facts: RunFacts): readonly ComingRun[] {
	return upcoming(timing, from, count, facts).map((run) => ({ ...run, local: showMoment(run.at, timing.zone) }));
}

/** What a book lets a person leave out: Celery routes a task without a queue by its own rules, and that is beat's book alone. */
export function draftRules({ runBy }: Pick<BookCapabilities, 'runBy'>): { readonly queueMayBeEmpty: boolean } {
	return { queueMayBeEmpty: runBy === 'beat' };
}

/** What a new schedule of a book starts from. */
export function newSchedule(
	profile: Profile,
	book: Pick<BookCapabilities, 'aligns' | 'runBy' | 'zone'> | null,
): ScheduleDefinition {
	const { recurrence } = NEW_SCHEDULE;
	const align = book?.aligns[0] ?? 'clock';
	return {
		...NEW_SCHEDULE,
		queue: book?.runBy === 'beat' ? '' : (profile.queues[0] ?? NEW_SCHEDULE.queue),
		zone: book?.zone ?? NEW_SCHEDULE.zone,
		recurrence: recurrence.kind === 'every' ? { ...recurrence, align } : recurrence,
	};
}

/** A problem of a field as a whole. */
export function atField(field: string, message: string): DraftProblem {
	return { field, message, line: null, column: null, offset: null };
}

/** What a book complains of, at the field as it is written. */
export function problemOf({ field, message, at }: FieldProblem, definition: ScheduleDefinition): DraftProblem {
	return { ...atField(draftField(field, definition), message), ...at };
}

/** What a field of the definition is called where it is written. */
export function draftField(field: keyof ScheduleDefinition, { recurrence }: ScheduleDefinition): string {
	switch (field) {
		case 'recurrence':
			return { every: 'every', cron: 'cron', once: 'at', foreign: 'every' }[recurrence.kind];
		case 'startAt':
			return 'start';
		case 'endAt':
			return 'end';
		case 'jitterMs':
			return 'jitter';
		default:
			return field;
	}
}

/** The timing that was asked about: a schedule's, or one that was written down. */
async function askedTiming(
	core: Core,
	input: HandlerInput<'schedule.next'>,
): Promise<Result<{ readonly timing: Timing; readonly facts: RunFacts | null; readonly shownIn: string }>> {
	if (input.name !== undefined) {
		if (input.every !== undefined || input.cron !== undefined || input.at !== undefined)
			return fail('invalid-input', 'Name a schedule, or say when it would run: not both.', {
				details: { field: 'name' },
			});
		if (input.profile === undefined)
			return fail('invalid-input', 'Which profile has the schedule? Name it with --profile.', {
				details: { field: 'profile' },
			});
		const found = await findSchedule(core, { ...input, name: input.name, profile: input.profile });
		if (!found.ok) return found;
		const timing = timingOf(found.value.one.definition);
		if (input.zone !== undefined && !knowsZone(input.zone)) return unknownZone(input.zone);
		// Its own zone says when it runs; another one only says what a clock there shows.
		const facts = factsOf(found.value.one, core.ports.clock.now());
		return ok({ timing, facts, shownIn: input.zone ?? timing.zone });
	}
	const zone = input.zone ?? 'UTC';
	if (!knowsZone(zone)) return unknownZone(zone);
	const recurrence = writtenRecurrence(input, zone);
	if (!recurrence.ok) return recurrence;
	const timing: Timing = { recurrence: recurrence.value, zone, startAt: null, endAt: null, jitterMs: 0 };
	const checked = checkTiming(timing);
	return checked.ok ? ok({ timing, facts: null, shownIn: zone }) : checked;
}

function unknownZone(zone: string): Result<never> {
	return fail('invalid-input', `There is no time zone "${zone}". Zones are named like Europe/London or UTC.`);
}

function writtenRecurrence(input: HandlerInput<'schedule.next'>, zone: string): Result<Timing['recurrence']> {
	const given = [input.every, input.cron, input.at].filter((one) => one !== undefined);
	if (given.length !== 1) {
		return fail(
			'invalid-input',
			"Say when in one way: a schedule's name, --every '5 seconds', --cron EXPR or --at TIME.",
		);
	}
	if (input.cron !== undefined) return ok({ kind: 'cron', expression: input.cron });
	if (input.every !== undefined) {
		const interval = readInterval(input.every);
		return interval.ok ? ok({ kind: 'every', ...interval.value, align: 'clock' }) : interval;
	}
	const at = readMoment(input.at ?? '', zone);
	return at.ok ? ok({ kind: 'once', at: at.value }) : at;
}

/** How long the task has lately taken at most, in ms; null: it never ended well here. */
async function longestRun(core: Core, profile: Profile, task: string): Promise<number | null> {
	const page = await core.store.history.page({
		profile: profile.id,
		query: `state:succeeded name:${JSON.stringify(task)}`,
		sort: { field: 'finishedAt', descending: true },
		limit: 20,
		cursor: null,
	});
	const times = page.ok ? page.value.items.flatMap((row) => row.runtimeMs ?? []) : [];
	return times.length === 0 ? null : Math.max(...times);
}

type TaskSource = 'runner' | 'site' | 'history' | 'schedule';

/** Tasks known from running consumers, the book's owner, history and other schedules; by name. */
async function taskChoices(
	core: Core,
	profile: Profile,
	kind: Overlaid['book'] | null,
): Promise<readonly { readonly name: string; readonly from: readonly TaskSource[] }[]> {
	const from = new Map<string, Set<TaskSource>>();
	const add = (source: TaskSource, names: readonly string[]) => {
		for (const name of names) from.set(name, (from.get(name) ?? new Set()).add(source));
	};
	add('runner', core.consumers.taskNames(profile.id));
	for (const book of core.schedules.books.of(profile)) {
		if (kind !== null && book.kind !== kind) continue;
		const offered = await book.tasks?.();
		// One that does not answer offers nothing; its state says why.
		if (offered?.ok === true) add('site', offered.value ?? []);
	}
	add('history', await core.store.history.names(profile.id, 500));
	const { rows } = await core.schedules.desk.gather(profile.id);
	add(
		'schedule',
		rows.map((one) => one.definition.task),
	);
	return [...from]
		.map(([name, sources]) => ({ name, from: [...sources] }))
		.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
