/** What RedBeat keeps of a schedule, and what not. Pure. */
import { type RedbeatWorld, writeRedbeat } from '#main/dialects/celery/redbeat.ts';
import type { BookCapabilities, ScheduleDefinition } from '#main/domain/schedule.ts';
import { INTERVAL_UNITS } from '#main/domain/timing.ts';
import type { FieldProblem } from '../book.ts';
import { checkCapabilities, checkDefinition } from '../check-definition.ts';
import { knowsZone } from '../zones.ts';

/** What RedBeat keeps. */
export function redbeatCapabilities(zone: string): BookCapabilities {
	return {
		runBy: 'beat',
		fields: [
			...(['name', 'task', 'queue', 'exchange', 'routingKey', 'priority', 'recurrence', 'zone'] as const),
			...(['args', 'kwargs', 'options', 'active'] as const),
		],
		recurrences: ['every', 'cron', 'once', 'foreign'],
		units: INTERVAL_UNITS,
		aligns: ['last-run'],
		zone,
		renames: false,
		notes: [
			"Kept in Redis by RedBeat, and run by Celery's beat while one runs.",
			'Beat notices an edit within 5 minutes, unless the app says otherwise (beat_max_loop_interval).',
			'Celery decides where a task without a queue goes.',
		],
	};
}

/** Everything that RedBeat would not keep of a definition, and everything that beat would stumble over. */
export function checkRedbeat(definition: ScheduleDefinition, world: RedbeatWorld): readonly FieldProblem[] {
	const problems: FieldProblem[] = [
		...checkDefinition(definition, { queueMayBeEmpty: true }),
		...checkCapabilities(definition, redbeatCapabilities(world.zone), 'RedBeat'),
	];
	const { name, zone } = definition;
	if (zone !== world.zone && knowsZone(zone)) {
		const message = `RedBeat reads all its crontabs in the app's own time zone, which is ${world.zone} here. Choose that.`;
		problems.push({ field: 'zone', message });
	}
	if (/^:(?:schedule|statics|lock)$/.test(name)) {
		problems.push({ field: 'name', message: `"${name}" would be one of RedBeat's own keys. Choose another name.` });
	}
	const written = writeRedbeat(definition, null, world);
	const more = written.ok ? [] : ((written.error.details?.problems ?? []) as readonly FieldProblem[]);
	const known = new Set(problems.map(({ field }) => field));
	return [...problems, ...more.filter(({ field }) => !known.has(field))];
}
