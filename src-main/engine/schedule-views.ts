/** Schedules as lists show them: what books were last read to have, overlaid by the edits that wait here. Pure. */
import { createHash } from 'node:crypto';
import {
	type BookKind,
	SCHEDULE_FIELDS,
	type ScheduleChange,
	type ScheduleDefinition,
	type ScheduleField,
	type ScheduleRun,
	timingOf,
} from '#main/domain/schedule.ts';
import type { ScheduleCounts, ScheduleView } from '#main/ipc/contract/schedule-answers.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import { nextDue } from '#main/scheduler/recurrence.ts';
import { describeTiming } from '#main/scheduler/words.ts';
import type { StoredEntry } from '#main/store/store.ts';

/** One schedule: as its book has it, as it is to be, or both. */
export interface Overlaid {
	readonly book: BookKind;
	readonly key: string;
	/** As it is to be; of one that is to be removed as it was. */
	readonly definition: ScheduleDefinition;
	readonly entry: StoredEntry | null;
	readonly change: ScheduleChange | null;
}

/** Names a schedule to whoever reads an outcome. */
export function nameOf(one: Overlaid): string {
	return one.definition.name === '' ? idOf(one) : one.definition.name;
}

/** Names a schedule in maps. */
export function idOf(one: { readonly book: BookKind; readonly key: string }): string {
	return `${one.book}/${one.key}`;
}

/** Lays waiting edits over what was last read. */
export function overlay(entries: readonly StoredEntry[], changes: readonly ScheduleChange[]): readonly Overlaid[] {
	const waiting = new Map(changes.map((change) => [idOf(change), change]));
	const rows: Overlaid[] = [];
	for (const entry of entries) {
		const id = idOf(entry);
		const change = waiting.get(id) ?? null;
		waiting.delete(id);
		rows.push({
			book: entry.book,
			key: entry.key,
			definition: change?.mine ?? entry.definition,
			entry,
			change,
		});
	}
	// Made here, or removed from the book while it was edited here.
	for (const change of waiting.values()) {
		const definition = change.mine ?? change.base;
		if (definition !== null) rows.push({ book: change.book, key: change.key, definition, entry: null, change });
	}
	return rows;
}

/** A short name of what a definition says; another definition has another one. */
export function fingerprintOf(definition: ScheduleDefinition): string {
	const said = SCHEDULE_FIELDS.map((field) => definition[field]);
	return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 16);
}

/** Fields in which two definitions differ as they are written. */
export function differing(a: ScheduleDefinition, b: ScheduleDefinition): readonly ScheduleField[] {
	return SCHEDULE_FIELDS.filter((field) => JSON.stringify(a[field]) !== JSON.stringify(b[field]));
}

/** Where it stands between here and its book. */
export function syncOf({ entry, change }: Pick<Overlaid, 'entry' | 'change'>): ScheduleView['sync'] {
	if (change === null) return 'synced';
	if (change.conflict !== null) return 'conflict';
	if (change.problem !== null) return 'refused';
	if (change.mine === null) return 'removed';
	return entry === null && change.kind === 'create' ? 'new' : 'edited';
}

/** When it is due next, as far as that is known here. Null: paused, never again, or only its book knows. */
export function nextRunOf(one: Overlaid, now: number): number | null {
	const { definition, entry, change } = one;
	if (!definition.active || change?.mine === null) return null;
	const unchanged = change === null || (change.base !== null && differing(change.base, definition).length === 0);
	if (unchanged && entry?.nextRunAt != null) return entry.nextRunAt;
	if (one.book === 'carrot' || one.book === 'redbeat') return null;
	const createdAt = entry?.changedAt ?? change?.updatedAt ?? now;
	return nextDue(timingOf(definition), now, { lastRunAt: entry?.lastRunAt ?? null, createdAt });
}

/** One row of a list. */
export function viewOf(
	one: Overlaid,
	facts: { readonly lastRun: ScheduleRun | null; readonly troubled: number; readonly now: number },
): ScheduleView {
	const { definition, entry, change } = one;
	const fired = facts.lastRun?.firedAt ?? null;
	const known = entry?.lastRunAt ?? null;
	return {
		book: one.book,
		key: one.key,
		definition,
		fingerprint: fingerprintOf(definition),
		words: describeTiming(timingOf(definition)),
		lastRunAt: fired === null ? known : Math.max(fired, known ?? 0),
		nextRunAt: nextRunOf(one, facts.now),
		totalRuns: entry?.totalRuns ?? null,
		lastRun: facts.lastRun,
		troubled: facts.troubled,
		sync: syncOf(one),
		changed: change === null ? [] : changedFields(change, entry),
		problem: change?.problem ?? null,
		remarks: entry?.remarks ?? [],
	};
}

function changedFields(change: ScheduleChange, entry: StoredEntry | null): readonly ScheduleField[] {
	const before = entry?.definition ?? change.base;
	return change.mine === null || before === null ? [] : differing(before, change.mine);
}

/** What the tabs above the list count. */
export function countsOf(rows: readonly Overlaid[], troubled: ReadonlyMap<string, number>): ScheduleCounts {
	let active = 0;
	let edited = 0;
	let conflict = 0;
	let refused = 0;
	let inTrouble = 0;
	for (const one of rows) {
		if (one.definition.active) active += 1;
		if (one.change !== null) edited += 1;
		if (one.change?.conflict != null) conflict += 1;
		else if (one.change?.problem != null) refused += 1;
		if (troubled.has(idOf(one))) inTrouble += 1;
	}
	return { all: rows.length, active, paused: rows.length - active, edited, conflict, refused, troubled: inTrouble };
}

type ListInput = Pick<HandlerInput<'schedule.list'>, 'book' | 'search' | 'show' | 'names' | 'sort' | 'descending'> & {
	/** Of a query, whether a schedule matches it. */
	readonly matches?: (one: Overlaid) => boolean;
};

/** Those that match, in order. Every order ends with the name and the key, so that it is total. */
export function chosen(
	rows: readonly Overlaid[],
	input: ListInput,
	troubled: ReadonlyMap<string, number>,
	now: number,
): readonly Overlaid[] {
	const words = (input.search ?? '')
		.toLowerCase()
		.split(/\s+/)
		.filter((word) => word !== '');
	const names = input.names === undefined ? null : new Set(input.names);
	const matching = rows.filter(
		(one) =>
			(names === null || names.has(one.key) || names.has(one.definition.name)) &&
			(input.book === undefined || one.book === input.book) &&
			shown(one, input.show, troubled) &&
			(words.length === 0 || matches(one.definition, words)) &&
			(input.matches === undefined || input.matches(one)),
	);
	const keyed = matching.map((one) => ({ one, key: sortKey(one, input.sort, now) }));
	const sign = input.descending === true ? -1 : 1;
	keyed.sort((a, b) => sign * compare(a.key, b.key) || byName(a.one, b.one));
	return keyed.map(({ one }) => one);
}

function shown(one: Overlaid, show: ListInput['show'], troubled: ReadonlyMap<string, number>): boolean {
	switch (show) {
		case 'all':
			return true;
		case 'active':
			return one.definition.active;
		case 'paused':
			return !one.definition.active;
		case 'edited':
			return one.change !== null;
		case 'conflict':
			return one.change?.conflict != null;
		case 'troubled':
			return troubled.has(idOf(one));
	}
}

function matches(definition: ScheduleDefinition, words: readonly string[]): boolean {
	const { name, task, queue, args, kwargs, description } = definition;
	const text = `${name}\n${task}\n${queue}\n${args}\n${kwargs}\n${description}`.toLowerCase();
	return words.every((word) => text.includes(word));
}

function sortKey(one: Overlaid, sort: ListInput['sort'], now: number): string | number {
	switch (sort) {
		case 'next':
			return nextRunOf(one, now) ?? Number.MAX_VALUE;
		case 'last':
			return -(one.entry?.lastRunAt ?? 0);
		case 'name':
			return one.definition.name;
		case 'task':
			return one.definition.task;
		case 'queue':
			return one.definition.queue;
	}
}

function compare(a: string | number, b: string | number): number {
	if (typeof a === 'number' && typeof b === 'number') return a - b;
	return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}

function byName(a: Overlaid, b: Overlaid): number {
	return compare(a.definition.name, b.definition.name) || compare(idOf(a), idOf(b));
}
