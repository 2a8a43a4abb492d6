/**
 * Handlers of the routes that change one schedule; those that change several are in `schedule-many.ts`. What they decide is in
 * `sync/change-set.ts`; how it gets to a book, in `actions/`.
 */
import { randomUUID } from 'node:crypto';
import {
	adoptInto,
	changeSchedules,
	type Decision,
	type ScheduleEnd,
	type ScheduleName,
} from '#main/actions/schedules.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { type BookKind, SCHEDULE_FIELDS, type ScheduleDefinition } from '#main/domain/schedule.ts';
import type { DraftProblem, ScheduleChanged } from '#main/ipc/contract/schedule-answers.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { chooseSides, editSchedule } from '#main/sync/change-set.ts';
import type { Core } from '../core.ts';
import { readDraft, type WrittenSchedule } from '../schedule-draft.ts';
import { fingerprintOf, nameOf, type Overlaid } from '../schedule-views.ts';
import { draftRules, findSchedule, newSchedule, problemOf } from './schedule.ts';

type Name = 'schedule.add' | 'schedule.duplicate' | 'schedule.edit' | 'schedule.resolve' | 'schedule.restore';

export function scheduleChangeHandlers(core: Core): Pick<CallHandlers, Name> {
	const { profiles, schedules, store } = core;

	/** Changes one schedule and answers with what it is then. */
	async function changeOne(
		profile: Profile,
		name: ScheduleName,
		decide: Decision,
		journal: { readonly action: string; readonly title: string },
		expected: string,
	): Promise<Result<ScheduleChanged>> {
		const [end] = await changeSchedules(schedules.target(profile), [name], decide, journal);
		if (end === undefined || end.outcome === 'failed') {
			return fail('conflict', end?.note ?? 'The schedule could not be changed.');
		}
		return changed(profile, end, expected);
	}

	/** A schedule after a change, by its key, or by the name it has then. */
	async function changed(profile: Profile, end: ScheduleEnd, expected: string): Promise<Result<ScheduleChanged>> {
		const gathered = await schedules.desk.gather(profile.id);
		// A book may have given it a key of its own by now.
		const row =
			gathered.rows.find((one) => one.book === end.book && one.key === end.key) ??
			gathered.rows.find((one) => one.book === end.book && one.definition.name === expected);
		const [view] = row === undefined ? [] : await schedules.desk.views(profile.id, gathered, [row]);
		if (view === undefined) return fail('gone', 'The schedule was removed by somebody else a moment ago.');
		const { outcome, note } = end;
		return ok({ schedule: view, outcome: outcome === 'skipped' || outcome === 'failed' ? 'done' : outcome, note });
	}

	function nameTaken(rows: readonly Overlaid[], kind: BookKind, name: string, key: string | null): Result<void> {
		const other = rows.find((one) => one.book === kind && one.definition.name === name && one.key !== key);
		if (other === undefined) return ok(undefined);
		return fail(
			'conflict',
			`The ${kind} book has a schedule "${name}" already. Choose another name, or edit that one.`,
			{
				details: { field: 'name', key: other.key },
			},
		);
	}

	async function addOne(
		profile: Profile,
		kind: BookKind,
		definition: ScheduleDefinition,
		journal: string,
	): Promise<Result<ScheduleChanged>> {
		const { rows } = await schedules.desk.gather(profile.id);
		const free = nameTaken(rows, kind, definition.name, null);
		if (!free.ok) return free;
		const name = { book: kind, key: randomUUID(), name: definition.name };
		return changeOne(
			profile,
			name,
			(standing, now) => ok(editSchedule(standing, definition, now)),
			{ action: journal, title: `Made the schedule ${definition.name}` },
			definition.name,
		);
	}

	return {
		'schedule.add': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const kind = input.book ?? 'local';
			const { profile: _profile, book: _book, inactive, ...written } = input;
			const book = schedules.books.find(profile.value, kind);
			if (!book.ok) return book;
			const base = newSchedule(profile.value, book.value.capabilities);
			if (written.every === undefined && written.cron === undefined && written.at === undefined) {
				return fail('invalid-input', "Say when it runs: --every '5 seconds', --cron EXPR or --at TIME.", {
					details: { field: 'every' },
				});
			}
			const active = inactive !== true;
			const definition = checkedDraft(core, profile.value, kind, { ...written, active }, base);
			return definition.ok ? addOne(profile.value, kind, definition.value, 'schedule.add') : definition;
		},
		'schedule.edit': async (input) => {
			const found = await findSchedule(core, input);
			if (!found.ok) return found;
			const { profile, one, gathered } = found.value;
			if (input.active === true && input.inactive === true) {
				return fail('invalid-input', 'Give either --active or --inactive, not both.', { details: { field: 'active' } });
			}
			if (input.from !== undefined && input.from !== fingerprintOf(one.definition)) {
				return fail(
					'conflict',
					'This schedule was changed since it was opened. Look at it as it is now, and edit that.',
					{
						details: { fingerprint: fingerprintOf(one.definition) },
					},
				);
			}
			const { profile: _p, book: _b, from: _f, rename, inactive, active, name: _n, ...written } = input;
			const more = {
				...(rename === undefined ? {} : { name: rename }),
				...(inactive === true ? { active: false } : active === true ? { active: true } : {}),
			};
			const definition = checkedDraft(core, profile, one.book, { ...written, ...more }, one.definition);
			if (!definition.ok) return definition;
			const free = nameTaken(gathered.rows, one.book, definition.value.name, one.key);
			if (!free.ok) return free;
			const edited = SCHEDULE_FIELDS.filter(
				(field) => JSON.stringify(definition.value[field]) !== JSON.stringify(one.definition[field]),
			);
			return changeOne(
				profile,
				scheduleName(one),
				(standing, now) => {
					// Only what this person edited, over what it is by then: another edit in between is not undone.
					const current = standing.change === null ? standing.entry?.definition : standing.change.mine;
					const fields = Object.fromEntries(edited.map((field) => [field, definition.value[field]]));
					return ok(editSchedule(standing, { ...(current ?? one.definition), ...fields }, now));
				},
				{ action: 'schedule.edit', title: `Edited the schedule ${nameOf(one)}` },
				definition.value.name,
			);
		},
		'schedule.duplicate': async (input) => {
			const found = await findSchedule(core, input);
			if (!found.ok) return found;
			const { profile, one } = found.value;
			const copy = { ...one.definition, name: input.as };
			const definition = checkedDraft(core, profile, input.to ?? one.book, { active: false }, copy);
			return definition.ok ? addOne(profile, input.to ?? one.book, definition.value, 'schedule.duplicate') : definition;
		},
		'schedule.restore': async (input) => {
			const profile = await profiles.find(input.profile);
			if (!profile.ok) return profile;
			const version = await store.schedules.version(profile.value.id, input.version);
			if (version === null) {
				return fail('not-found', `There is no version ${input.version}. "schedule history" shows them.`);
			}
			const { book, key } = version;
			const row = (await schedules.desk.gather(profile.value.id)).rows.find(
				(one) => one.book === book && one.key === key,
			);
			const current = row?.definition ?? null;
			const wanted =
				input.overwritten === true
					? version.overwritten === null
						? null
						: { ...(current ?? version.after ?? version.before), ...version.overwritten }
					: (version.before ?? version.after);
			if (wanted === null) {
				return fail('invalid-input', 'Nothing was overwritten in that step.', { details: { field: 'overwritten' } });
			}
			const definition = checkedDraft(core, profile.value, book, {}, wanted as ScheduleDefinition);
			if (!definition.ok) return definition;
			if (row === undefined) return addOne(profile.value, book, definition.value, 'schedule.restore');
			return changeOne(
				profile.value,
				scheduleName(row),
				(standing, now) => ok(editSchedule(standing, definition.value, now)),
				{ action: 'schedule.restore', title: `Brought the schedule ${nameOf(row)} back to how it was` },
				definition.value.name,
			);
		},
		'schedule.resolve': async (input) => {
			const found = await findSchedule(core, input);
			if (!found.ok) return found;
			const { profile, one, gathered } = found.value;
			const { change } = one;
			const journal = { action: 'schedule.resolve', title: `Resolved the schedule ${nameOf(one)}` };
			if (change?.kind === 'create' && change.problem !== null && input.all === 'mine') {
				// Refused because its book has one of that name: ours takes that one over, as an edit of it.
				const other = gathered.rows.find(
					(row) => row.book === one.book && row.key !== one.key && row.entry?.definition.name === one.definition.name,
				);
				const entry = other?.entry ?? null;
				if (entry !== null) {
					const end = await adoptInto(schedules.target(profile), scheduleName(one), entry, journal);
					return end.ok ? changed(profile, end.value, one.definition.name) : end;
				}
			}
			const fields = change?.conflict?.fields ?? [];
			const both = (input.mine ?? []).filter((field) => (input.theirs ?? []).includes(field));
			if (both.length > 0) {
				return fail('invalid-input', `Choose one side for ${both.join(', ')}, not both.`, {
					details: { field: 'mine' },
				});
			}
			const choices = Object.fromEntries([
				...(input.all === undefined ? [] : fields.map((field) => [field, input.all] as const)),
				...(input.mine ?? []).map((field) => [field, 'mine'] as const),
				...(input.theirs ?? []).map((field) => [field, 'theirs'] as const),
			]);
			if (Object.keys(choices).length === 0 && fields.length > 0) {
				return fail('invalid-input', `Choose a side: --all mine, or --mine and --theirs for ${fields.join(', ')}.`, {
					details: { field: 'all', fields },
				});
			}
			const theirs = change?.conflict?.theirs ?? null;
			if (change?.conflict != null && (theirs === null || change.mine === null)) {
				// One side removed it: with that side chosen there may be nothing left to show.
				const [end] = await changeSchedules(
					schedules.target(profile),
					[scheduleName(one)],
					(standing, now) => chooseSides(standing, choices, now),
					journal,
				);
				if (end === undefined || end.outcome === 'failed')
					return fail('conflict', end?.note ?? 'It could not be resolved.');
				const after = await schedules.desk.gather(profile.id);
				const left = after.rows.find((row) => row.book === one.book && row.key === one.key);
				const [view] = await schedules.desk.views(profile.id, after, [left ?? one]);
				if (view === undefined) return fail('gone', 'The schedule is gone.');
				const note = left === undefined ? 'The schedule is removed on both sides now.' : end.note;
				return ok({ schedule: view, outcome: end.outcome === 'skipped' ? 'done' : end.outcome, note });
			}
			return changeOne(
				profile,
				scheduleName(one),
				(standing, now) => chooseSides(standing, choices, now),
				journal,
				one.definition.name,
			);
		},
	};
}

/** Names a schedule to what changes it. */
export function scheduleName(one: Overlaid): ScheduleName {
	return { book: one.book, key: one.key, name: nameOf(one) };
}

/** What is written, checked by the book as well. */
export function checkedDraft(
	core: Core,
	profile: Profile,
	kind: BookKind,
	written: WrittenSchedule,
	base: ScheduleDefinition,
): Result<ScheduleDefinition> {
	const book = core.schedules.books.find(profile, kind);
	if (!book.ok) return book;
	const { definition, problems } = readDraft(written, base, profile.dialect, draftRules(book.value.capabilities));
	if (definition === null) return refusedDraft(problems);
	const found = book.value.check(definition);
	if (found.length === 0) return ok(definition);
	return refusedDraft(found.map((one) => problemOf(one, definition)));
}

function refusedDraft(problems: readonly DraftProblem[]): Result<never> {
	const words = problems.map(({ field, message, line, column }) => {
		const place = line === null ? '' : `line ${line}, column ${column}: `;
		return `${field}: ${place}${message}`;
	});
	const [first] = problems;
	return fail('invalid-input', words.join('\n'), {
		details: {
			field: first?.field ?? 'name',
			...(first?.line == null ? {} : { line: first.line, column: first.column, offset: first.offset }),
			problems,
		},
	});
}
