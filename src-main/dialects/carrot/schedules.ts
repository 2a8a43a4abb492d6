/** Schedules of a carrot site: the rows of its API as definitions, and definitions as what its API takes. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ScheduleDefinition, ScheduleRemark } from '#main/domain/schedule.ts';
import { NEW_SCHEDULE } from '#main/domain/schedule.ts';
import type { SiteSchedule, SiteScheduleFields } from '#main/domain/site.ts';
import { argumentsRemark, argumentsTrouble, strip } from './schedule-args.ts';
import { carrotProblems, kwargsTrouble } from './schedule-check.ts';

/** A row as it is mapped; what follows from the rest of it is left out. */
export type ScheduleRow = Omit<SiteSchedule, 'intervalMs'>;

/** A row's fields in one form, so that equal ones are equal texts: null and empty mean the same to carrot. */
export type PlainRow = Readonly<Record<keyof SiteScheduleFields, string | number | boolean>>;

const UNITS = ['seconds', 'minutes', 'hours', 'days'] as const;
type Unit = (typeof UNITS)[number];

const UNIT_MS: Readonly<Record<Unit, number>> = { seconds: 1_000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 };
/** Intervals from here on rarely survive the restarts of the service that counts them. */
const LONG_MS = UNIT_MS.days;

/** What a row is called: its name, or where the database has none its task and number. */
export function nameOfRow(row: Pick<ScheduleRow, 'id' | 'name' | 'task'>): string {
	if (row.name !== null && strip(row.name) !== '') return row.name;
	return `${row.task.slice(0, 180)} (number ${row.id})`;
}

/** A row as a definition. What carrot does not keep stands at its default. */
export function definitionOfRow(row: ScheduleRow): ScheduleDefinition {
	const { task, queue, exchange, routingKey, intervalCount, argsText, content, active } = row;
	const unit = unitOf(row.intervalType);
	return {
		...NEW_SCHEDULE,
		name: nameOfRow(row),
		task,
		queue: queue === null || queue === '' ? 'default' : queue,
		exchange: exchange ?? '',
		routingKey: routingKey ?? '',
		recurrence: { kind: 'every', count: Math.max(1, intervalCount), unit, align: 'last-run' },
		args: argsText ?? '',
		kwargs: contentOf(content),
		active,
	};
}

/** A definition as the API takes it. Fails (`invalid-input`, `details.problems`) for what carrot cannot keep. */
export function fieldsOfDefinition(definition: ScheduleDefinition): Result<SiteScheduleFields> {
	const problems = carrotProblems(definition);
	const { recurrence } = definition;
	if (problems.length > 0 || recurrence.kind !== 'every') {
		const said = problems.map((problem) => problem.message).join(' ');
		return fail('invalid-input', `A carrot site cannot keep this schedule. ${said}`, { details: { problems } });
	}
	const optional = (text: string) => (strip(text) === '' ? null : strip(text));
	return ok({
		name: strip(definition.name),
		task: strip(definition.task),
		queue: strip(definition.queue),
		exchange: optional(definition.exchange),
		routingKey: optional(definition.routingKey),
		intervalCount: recurrence.count,
		intervalType: unitOf(recurrence.unit),
		argsText: strip(definition.args),
		content: strip(definition.kwargs),
		active: definition.active,
	});
}

/** A row, or what is to become one, in one form for comparing. */
export function plainRow(row: Omit<ScheduleRow, 'id' | 'keepsName'> | SiteScheduleFields): PlainRow {
	return {
		name: row.name ?? '',
		task: row.task,
		queue: row.queue ?? '',
		exchange: row.exchange ?? '',
		routingKey: row.routingKey ?? '',
		intervalCount: row.intervalCount,
		intervalType: row.intervalType,
		argsText: row.argsText ?? '',
		content: contentOf(row.content),
		active: row.active,
	};
}

/**
 * What a person should know about a row: what carrot makes of it, what its database holds that its own API would not take, and what
 * ends its thread. `namesakes`: numbers of other rows with the same name.
 */
export function remarksOfRow(row: ScheduleRow, namesakes: readonly number[] = []): readonly ScheduleRemark[] {
	const remarks: ScheduleRemark[] = [];
	const warn = (words: string) => remarks.push({ tone: 'warning', words });
	const inform = (words: string) => remarks.push({ tone: 'info', words });
	if (!row.keepsName) {
		inform('This release of carrot keeps no names: it is shown by its task and number.');
	} else if (row.name === null || strip(row.name) === '') {
		inform(
			"The site's database has no name for it, so it is shown by its task and number. The site wants one at every change: the next one here gives it the name that is shown.",
		);
	}
	if (namesakes.length > 0) {
		const others = namesakes.slice(0, 5).join(', ');
		warn(
			`It has the same name as number ${others}, which the site's database allows and its API does not: any change but removing is refused until one of them is renamed.`,
		);
	}
	if (row.queue === null || row.queue === '') {
		inform('The database names no queue, and carrot publishes to "default". The next change here writes that down.');
	}
	if (row.intervalCount < 1) {
		warn(
			"Its interval is 0: carrot publishes it without any pause, and does not notice when it is paused. The next change here writes 1; then restart the site's service.",
		);
	}
	const unit = unitOf(row.intervalType);
	if (unit !== row.intervalType) {
		warn(
			`Its interval type in the database is "${row.intervalType.slice(0, 40)}", which carrot does not know and counts as seconds. The next change here writes seconds.`,
		);
	}
	const positionals = argumentsRemark(row.argsText ?? '');
	if (positionals !== null) remarks.push(positionals);
	const trouble = argumentsTrouble(row.argsText ?? '');
	if (trouble !== null)
		warn(`The site refuses any change but removing until its positional arguments are mended. ${trouble}`);
	const fatal = kwargsTrouble(contentOf(row.content), 'last');
	if (fatal !== null) {
		warn(
			`Its keyword arguments end its thread in the site's scheduler at the first run. ${fatal.message} When they are mended, pause it, wait two seconds and resume it.`,
		);
	}
	if (row.active && Math.max(1, row.intervalCount) * UNIT_MS[unit] >= LONG_MS) {
		inform(
			"The site's service counts its interval in memory and starts over at each restart: restarted more often than that, it never runs.",
		);
	}
	return remarks;
}

/** carrot counts what it does not know as seconds. */
function unitOf(type: string): Unit {
	return UNITS.find((unit) => unit === type) ?? 'seconds';
}

/** carrot's helper stores the JSON text `"{}"`, quotes included, for "none"; carrot itself takes any text for none. */
function contentOf(content: string | null): string {
	if (content === null || content === '') return '{}';
	return /^\s*"(?:[^"\\]|\\.)*"\s*$/.test(content) ? '{}' : content;
}
