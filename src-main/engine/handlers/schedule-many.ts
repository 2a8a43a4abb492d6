/** Handlers of the routes that change several schedules at once, and tell of each what became of it. */
import { randomUUID } from 'node:crypto';
import {
	changeSchedules,
	type Decision,
	type ScheduleEnd,
	type ScheduleName,
	SO_ALREADY,
} from '#main/actions/schedules.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookKind, ScheduleDefinition, SyncReport } from '#main/domain/schedule.ts';
import type { ScheduleOutcome } from '#main/ipc/contract/schedule-answers.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { editSchedule, removeSchedule, revertSchedule } from '#main/sync/change-set.ts';
import { identicalDefinitions } from '#main/sync/meaning.ts';
import type { Core } from '../core.ts';
import { readExchange } from '../schedule-exchange.ts';
import { runNow, wouldRun } from '../schedule-run.ts';
import { nameOf, type Overlaid } from '../schedule-views.ts';
import { exchangeWorld } from './schedule.ts';
import { checkedDraft, scheduleName } from './schedule-change.ts';

type Name =
	| 'schedule.import'
	| 'schedule.pause'
	| 'schedule.remove'
	| 'schedule.resume'
	| 'schedule.revert'
	| 'schedule.run'
	| 'schedule.sync';

export function scheduleManyHandlers(core: Core): Pick<CallHandlers, Name> {
	const { profiles, schedules } = core;

	/** Several schedules, found by what people call them, each changed alike. */
	async function changeMany(
		input: HandlerInput<'schedule.pause'>,
		action: string,
		verb: string,
		decide: (one: Overlaid) => Decision,
	): Promise<Result<ScheduleOutcome>> {
		const found = await findAll(core, input);
		if (!found.ok) return found;
		const { profile, rows } = found.value;
		if (input.dryRun === true)
			return ok(
				counted(
					rows.map((one) => wouldBe(profile, one, decide(one))),
					true,
				),
			);
		const deciding = new Map(rows.map((one) => [`${one.book}/${one.key}`, decide(one)]));
		const ends = await changeSchedules(
			schedules.target(profile),
			rows.map(scheduleName),
			(standing, now) => {
				const own = deciding.get(`${standing.book}/${standing.key}`);
				return own === undefined ? ok({ change: standing.change, steps: [] }) : own(standing, now);
			},
			{ action, title: `${verb} ${rows.length === 1 ? '1 schedule' : `${rows.length} schedules`}` },
		);
		return ok(outcomeOf(ends));
	}

	/** What the decision would come to, as the schedule stands. */
	function wouldBe(profile: Profile, one: Overlaid, decide: Decision): ScheduleItem {
		const { book, key, entry, change } = one;
		const decided = decide({ profile: profile.id, book, key, entry, change }, core.ports.clock.now());
		const item = { name: nameOf(one), book, taskId: null } as const;
		if (!decided.ok) return { ...item, outcome: 'failed', reason: decided.error.message };
		if (decided.value.steps.length === 0) return { ...item, outcome: 'skipped', reason: SO_ALREADY };
		return { ...item, outcome: 'done', reason: null };
	}

	const switchTo =
		(active: boolean) =>
		(one: Overlaid): Decision =>
		(standing, now) => {
			const current = standing.change === null ? standing.entry?.definition : standing.change.mine;
			if (current == null) return fail('conflict', `${nameOf(one)} is being removed.`);
			return ok(editSchedule(standing, { ...current, active }, now));
		};

	return {
		'schedule.remove': (input) =>
			changeMany(input, 'schedule.remove', 'Removed', () => (standing, now) => removeSchedule(standing, now)),
		'schedule.pause': (input) => changeMany(input, 'schedule.pause', 'Paused', switchTo(false)),
		'schedule.resume': (input) => changeMany(input, 'schedule.resume', 'Resumed', switchTo(true)),
		'schedule.run': async (input, context) => {
			const found = await findAll(core, input);
			if (!found.ok) return found;
			const { profile, rows } = found.value;
			if (input.dryRun === true)
				return ok(
					counted(
						rows.map((one) => wouldRun(core, profile, one)),
						true,
					),
				);
			const items = [];
			for (const one of rows) {
				if (context.signal.aborted) break;
				items.push(await runNow(core, profile, one, context.signal));
			}
			return ok(counted(items, false));
		},
		'schedule.revert': async (input) => {
			if ((input.names === undefined) === (input.all !== true)) {
				return fail('invalid-input', 'Name the schedules, or say --all.', { details: { field: 'names' } });
			}
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { rows } = await schedules.desk.gather(profile.value.id);
			const waiting = rows.filter(
				(one) => one.change !== null && (input.book === undefined || one.book === input.book),
			);
			const names = input.names ?? waiting.map((one) => one.key);
			if (names.length === 0) return ok(counted([], false));
			return changeMany(
				{ ...input, names },
				'schedule.revert',
				'Took back edits of',
				() => (standing, now) => revertSchedule(standing, now),
			);
		},
		'schedule.import': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const kind = input.book ?? 'local';
			const read = readExchange(input.text, {
				...exchangeWorld(profile.value, core.ports.clock.now()),
				dialect: profile.value.dialect,
			});
			if (!read.ok) return read;
			const { rows } = await schedules.desk.gather(profile.value.id);
			const known = new Map(rows.filter((one) => one.book === kind).map((one) => [one.definition.name, one]));
			const items = new Map<string, ScheduleItem>();
			const say = (name: string, outcome: ScheduleItem['outcome'], reason: string | null) =>
				void items.set(name, { name, book: kind, outcome, reason, taskId: null });
			for (const { name, reason } of read.value.refused) say(name, 'failed', reason);
			const wanted = new Map<string, ScheduleDefinition>();
			const names: ScheduleName[] = [];
			for (const imported of read.value.definitions) {
				const { name } = imported;
				const active = input.inactive === true ? { active: false } : {};
				const definition = checkedDraft(core, profile.value, kind, active, imported);
				const old = known.get(name);
				if (!definition.ok) say(name, 'failed', definition.error.message);
				else if (items.has(name)) say(name, 'failed', 'The text has two of that name.');
				else if (old !== undefined && input.replace !== true) {
					say(name, 'skipped', 'There is one of that name. Replacing has to be asked for.');
				} else if (old !== undefined && old.change === null && identicalDefinitions(old.definition, definition.value)) {
					say(name, 'skipped', SO_ALREADY);
				} else {
					say(name, 'done', old === undefined ? 'would be made' : 'would be changed');
					const key = old?.key ?? randomUUID();
					wanted.set(key, definition.value);
					names.push({ book: kind, key, name });
				}
			}
			if (input.dryRun !== true) {
				const ends = await changeSchedules(
					schedules.target(profile.value),
					names,
					(standing, now) => {
						const definition = wanted.get(standing.key);
						return ok(
							definition === undefined
								? { change: standing.change, steps: [] }
								: editSchedule(standing, definition, now),
						);
					},
					{ action: 'schedule.import', title: `Imported ${names.length} schedules` },
				);
				for (const item of outcomeOf(ends).items) items.set(item.name, item);
			}
			return ok(counted([...items.values()], input.dryRun === true));
		},
		'schedule.sync': async (input, context) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const books = schedules.books
				.of(profile.value)
				.filter((one) => input.book === undefined || one.kind === input.book);
			if (books.length === 0) {
				const missing = schedules.books.find(profile.value, input.book ?? 'local');
				if (!missing.ok) return missing;
			}
			const items: SyncReport[] = [];
			for (const book of books) {
				const report = await schedules.sync(profile.value, book.kind, {
					dryRun: input.dryRun === true,
					signal: context.signal,
				});
				if (!report.ok) return report;
				items.push(report.value);
			}
			return ok({ items, total: items.length });
		},
	};
}

type ScheduleItem = ScheduleOutcome['items'][number];

/** Schedules by what people call them; the first that is not found fails all, so that nothing is half done by a slip. */
async function findAll(
	core: Core,
	input: {
		readonly profile: string;
		readonly names?: readonly string[] | undefined;
		readonly book?: BookKind | undefined;
	},
): Promise<Result<{ readonly profile: Profile; readonly rows: readonly Overlaid[] }>> {
	const profile = await core.profiles.find(input.profile);
	if (!profile.ok) return profile;
	const gathered = await core.schedules.desk.gather(profile.value.id);
	const rows = new Map<string, Overlaid>();
	for (const name of input.names ?? []) {
		const one = core.schedules.desk.find(gathered, name, input.book);
		if (!one.ok) return one;
		rows.set(`${one.value.book}/${one.value.key}`, one.value);
	}
	return ok({ profile: profile.value, rows: [...rows.values()] });
}

function outcomeOf(ends: readonly ScheduleEnd[]): ScheduleOutcome {
	const items = ends.map(
		(end): ScheduleItem => ({
			name: end.name,
			book: end.book,
			outcome: end.outcome === 'refused' ? 'failed' : end.outcome,
			reason: end.note,
			taskId: null,
		}),
	);
	return counted(items, false);
}

function counted(items: readonly ScheduleItem[], dryRun: boolean): ScheduleOutcome {
	const of = (...outcomes: readonly ScheduleItem['outcome'][]) =>
		items.filter((item) => outcomes.includes(item.outcome)).length;
	return { items, done: of('done'), waiting: of('waiting'), failed: of('failed', 'conflict'), dryRun };
}
