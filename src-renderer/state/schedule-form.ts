/**
 * A schedule as an editor holds it: texts as typed, whether or not they can be read yet. Pure: to and from what the routes take,
 * what differs, and laying edits over what changed elsewhere meanwhile.
 */
import {
	type BookCapabilities,
	type BookKind,
	NEW_SCHEDULE,
	type ScheduleDefinition,
	type ScheduleField,
} from '#main/domain/schedule.ts';
import type { IntervalUnit } from '#main/domain/timing.ts';
import type { ScheduleDraft } from '#main/ipc/contract/schedule-draft.ts';

export interface ScheduleForm {
	book: BookKind;
	name: string;
	task: string;
	queue: string;
	exchange: string;
	routingKey: string;
	/** Empty: the book's own default. */
	priority: string;
	/** foreign: a rule that only the book understands; it stays as it is. */
	timing: 'every' | 'cron' | 'once' | 'foreign';
	count: string;
	unit: IntervalUnit;
	align: 'clock' | 'last-run';
	cron: string;
	at: string;
	zone: string;
	/** Empty: no bound. */
	start: string;
	end: string;
	jitter: string;
	missed: 'skip' | 'once' | 'all';
	/** How many `all` catches up. */
	most: string;
	args: string;
	kwargs: string;
	options: string;
	description: string;
	active: boolean;
}

/** A form that nobody has typed into yet. `zone` is this machine's. */
export function emptyForm(book: BookKind, queue: string, zone: string): ScheduleForm {
	return { ...formOf({}, { ...NEW_SCHEDULE, zone, queue }, book), count: '1', unit: 'hours' };
}

/** The form of a schedule. `draft` is how a person would write it; what it leaves out is taken from the definition. */
export function formOf(draft: ScheduleDraft, definition: ScheduleDefinition, book: BookKind): ScheduleForm {
	const { recurrence, missed } = definition;
	const bound = (text: string | undefined): string => (text === undefined || text === 'never' ? '' : text);
	return {
		book,
		name: definition.name,
		task: draft.task ?? definition.task,
		queue: draft.queue ?? definition.queue,
		exchange: draft.exchange ?? definition.exchange,
		routingKey: draft.routingKey ?? definition.routingKey,
		priority: definition.priority === null ? '' : String(definition.priority),
		timing: recurrence.kind,
		count: recurrence.kind === 'every' ? String(recurrence.count) : '1',
		unit: recurrence.kind === 'every' ? recurrence.unit : 'hours',
		align: recurrence.kind === 'every' ? recurrence.align : 'clock',
		cron: draft.cron ?? (recurrence.kind === 'cron' ? recurrence.expression : ''),
		at: draft.at ?? (recurrence.kind === 'once' ? String(recurrence.at) : ''),
		zone: draft.zone ?? definition.zone,
		start: bound(draft.start ?? (definition.startAt === null ? undefined : String(definition.startAt))),
		end: bound(draft.end ?? (definition.endAt === null ? undefined : String(definition.endAt))),
		jitter: draft.jitter ?? (definition.jitterMs === 0 ? '0' : `${definition.jitterMs}ms`),
		missed: missed.kind,
		most: missed.kind === 'all' ? String(missed.most) : '100',
		args: draft.args ?? definition.args,
		kwargs: draft.kwargs ?? definition.kwargs,
		options: draft.options ?? definition.options,
		description: draft.description ?? definition.description,
		active: definition.active,
	};
}

/** Parts of the form that are edited, compared and taken over as one, by the field of the schedule that they make up. */
const PARTS: Readonly<Record<ScheduleField, readonly (keyof ScheduleForm)[]>> = {
	name: ['name'],
	task: ['task'],
	queue: ['queue'],
	exchange: ['exchange'],
	routingKey: ['routingKey'],
	priority: ['priority'],
	recurrence: ['timing', 'count', 'unit', 'align', 'cron', 'at'],
	zone: ['zone'],
	startAt: ['start'],
	endAt: ['end'],
	jitterMs: ['jitter'],
	missed: ['missed', 'most'],
	args: ['args'],
	kwargs: ['kwargs'],
	options: ['options'],
	active: ['active'],
	description: ['description'],
};
const FIELDS = Object.keys(PARTS) as readonly ScheduleField[];
/** Which parts of a recurrence count, by its kind: what was typed for another kind says nothing. */
const TIMING: Readonly<Record<ScheduleForm['timing'], readonly (keyof ScheduleForm)[]>> = {
	every: ['timing', 'count', 'unit', 'align'],
	cron: ['timing', 'cron'],
	once: ['timing', 'at'],
	foreign: ['timing'],
};

function said(form: ScheduleForm, field: ScheduleField): string {
	const parts =
		field === 'recurrence'
			? TIMING[form.timing]
			: field === 'missed' && form.missed !== 'all'
				? (['missed'] as const)
				: PARTS[field];
	return JSON.stringify(parts.map((part) => form[part]));
}

/** Fields in which two forms differ, in the order of the form. */
export function differingFields(a: ScheduleForm, b: ScheduleForm): readonly ScheduleField[] {
	return FIELDS.filter((field) => said(a, field) !== said(b, field));
}

/** One form with some fields of another. */
export function withFields(form: ScheduleForm, from: ScheduleForm, fields: readonly ScheduleField[]): ScheduleForm {
	const taken = Object.fromEntries(fields.flatMap((field) => PARTS[field]).map((part) => [part, from[part]]));
	return { ...form, ...taken };
}

/** Edits laid over what changed elsewhere. */
export interface RebasedForm {
	readonly form: ScheduleForm;
	/** Fields that were taken over, because only the other side had changed them. */
	readonly taken: readonly ScheduleField[];
	/** Fields that both sides changed, differently; the form keeps what was typed here. */
	readonly clashes: readonly ScheduleField[];
}

/** `base`: what both sides began with. */
export function rebased(base: ScheduleForm, mine: ScheduleForm, theirs: ScheduleForm): RebasedForm {
	const byMe = new Set(differingFields(base, mine));
	const byThem = differingFields(base, theirs);
	const apart = new Set(differingFields(mine, theirs));
	const taken = byThem.filter((field) => !byMe.has(field));
	const clashes = byThem.filter((field) => byMe.has(field) && apart.has(field));
	return { form: withFields(mine, theirs, taken), taken, clashes };
}

/** Whether the book can keep a field; without its capabilities, everything. */
export function keeps(capabilities: BookCapabilities | null, field: ScheduleField): boolean {
	return capabilities === null || capabilities.fields.includes(field);
}

/** What the form says, as the routes take it; what the book cannot keep is left out. */
export function draftOf(form: ScheduleForm, capabilities: BookCapabilities | null): ScheduleDraft {
	const when: ScheduleDraft =
		form.timing === 'every'
			? { every: `${form.count.trim()} ${form.unit}`, align: form.align }
			: form.timing === 'cron'
				? { cron: form.cron }
				: form.timing === 'once'
					? { at: form.at }
					: {};
	const bound = (text: string): string => (text.trim() === '' ? 'never' : text);
	const priority = priorityOf(form);
	const all: Readonly<Partial<Record<ScheduleField, ScheduleDraft>>> = {
		task: { task: form.task },
		queue: { queue: form.queue },
		exchange: { exchange: form.exchange },
		routingKey: { routingKey: form.routingKey },
		priority: typeof priority === 'number' ? { priority } : { noPriority: true },
		recurrence: when,
		zone: { zone: form.zone },
		startAt: { start: bound(form.start) },
		endAt: { end: bound(form.end) },
		jitterMs: { jitter: form.jitter.trim() === '' ? '0' : form.jitter },
		missed: { missed: form.missed === 'all' ? `all:${form.most.trim()}` : form.missed },
		args: { args: form.args },
		kwargs: { kwargs: form.kwargs },
		options: { options: form.options },
		description: { description: form.description },
	};
	const kept = FIELDS.filter((field) => keeps(capabilities, field));
	return Object.assign({}, ...kept.map((field) => all[field] ?? {})) as ScheduleDraft;
}

/** A number, null for none, or why what was typed is neither. */
export function priorityOf(form: ScheduleForm): number | null | { readonly wrong: string } {
	const text = form.priority.trim();
	if (text === '') return null;
	return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : { wrong: 'A whole number, 0 to 255' };
}

/** What an edit sends: what differs from the start, and no more. */
export function editOf(
	start: ScheduleForm,
	form: ScheduleForm,
	capabilities: BookCapabilities | null,
): ScheduleDraft & { readonly rename?: string; readonly active?: boolean } {
	const before = draftOf(start, capabilities) as Readonly<Record<string, unknown>>;
	const after = draftOf(form, capabilities);
	// Wall-clock times mean other moments in another zone; they are sent along so that they are read in the new one.
	const moved = start.zone.trim() !== form.zone.trim();
	const again = (key: string, value: unknown): boolean =>
		moved && (key === 'at' || ((key === 'start' || key === 'end') && value !== 'never'));
	const changed = Object.entries(after).filter(([key, value]) => before[key] !== value || again(key, value));
	return {
		...(Object.fromEntries(changed) as ScheduleDraft),
		...(start.name.trim() === form.name.trim() ? {} : { rename: form.name.trim() }),
		...(start.active === form.active ? {} : { active: form.active }),
	};
}

/** Where in the form a problem that the engine names is shown; null: nowhere in particular. */
export function placeOfProblem(field: string): ScheduleField | null {
	switch (field) {
		case 'every':
		case 'cron':
		case 'at':
		case 'align':
			return 'recurrence';
		case 'start':
			return 'startAt';
		case 'end':
			return 'endAt';
		case 'jitter':
			return 'jitterMs';
		case 'rename':
			return 'name';
		case 'noPriority':
			return 'priority';
		default:
			return FIELDS.find((known) => known === field) ?? null;
	}
}
