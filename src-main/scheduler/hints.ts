/** Things to know about a schedule that are no mistakes. Pure, and bounded: asked at every key that is pressed in an editor. */
import { type ScheduleDefinition, timingOf } from '#main/domain/schedule.ts';
import { nextDue, type RunFacts, upcoming } from './recurrence.ts';

export interface HintWorld {
	/** The book's other active schedules. */
	readonly others: readonly ScheduleDefinition[];
	readonly now: number;
	readonly facts: RunFacts;
	/** How long the task has lately taken at most, in ms; null: not known. */
	readonly longestMs: number | null;
}

/** Other schedules that are looked at for the same moment: a few tens of milliseconds at worst. */
const OTHERS_LOOKED_AT = 500;
const NAMED = 3;
const RUNS = 20;

/** Hints in sentences; empty: nothing to say. */
export function hintsFor(definition: ScheduleDefinition, world: HintWorld): readonly string[] {
	const runs = upcoming(timingOf(definition), world.now, RUNS, world.facts);
	const [first] = runs;
	if (first === undefined) return never(definition, world.now);
	return [...sameMoment(definition, first.at, world), ...overlap(runs, world.longestMs), ...clocks(definition, runs)];
}

function never({ recurrence, endAt, zone }: ScheduleDefinition, now: number): readonly string[] {
	if (endAt !== null && endAt <= now) return ['Its end has passed, so it never runs again.'];
	switch (recurrence.kind) {
		case 'once':
			return ['This time has passed, so it never runs.'];
		case 'cron':
			return [`No such moment comes in ${zone}, so it never runs.`];
		default:
			return [];
	}
}

function sameMoment(definition: ScheduleDefinition, at: number, { others, now }: HintWorld): readonly string[] {
	const together: string[] = [];
	for (const other of others.slice(0, OTHERS_LOOKED_AT)) {
		// What counts from its last run meets others by chance only.
		if (other.recurrence.kind === 'every' && other.recurrence.align === 'last-run') continue;
		if (nextDue(timingOf(other), at - 1, { lastRunAt: null, createdAt: now }) === at) together.push(other.name);
	}
	if (together.length === 0 || definition.jitterMs > 0) return [];
	const named = together.slice(0, NAMED).map((name) => `"${name}"`);
	const more = together.length - named.length;
	const list = more > 0 ? `${named.join(', ')} and ${more} more` : named.join(' and ');
	const verb = together.length === 1 ? 'runs' : 'run';
	return [`At its next run ${list} ${verb} at the same moment. Jitter would spread them.`];
}

function overlap(runs: readonly { readonly at: number }[], longestMs: number | null): readonly string[] {
	if (longestMs === null) return [];
	let shortest = Number.POSITIVE_INFINITY;
	for (const [index, run] of runs.entries()) {
		const before = runs[index - 1];
		if (before !== undefined) shortest = Math.min(shortest, run.at - before.at);
	}
	if (shortest >= longestMs) return [];
	return [
		`The task has lately taken up to ${inWords(longestMs)}, and this runs it again after ${inWords(shortest)}: runs would overlap.`,
	];
}

function clocks(
	{ zone }: ScheduleDefinition,
	runs: readonly { readonly at: number; readonly clockChange: number }[],
): readonly string[] {
	const changed = runs.find((run) => run.clockChange !== 0);
	if (changed === undefined) return [];
	const day = new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' });
	const way = changed.clockChange > 0 ? 'forward' : 'back';
	return [
		`Clocks in ${zone} go ${way} by ${inWords(Math.abs(changed.clockChange))} before the run of ${day.format(changed.at)}.`,
	];
}

function inWords(ms: number): string {
	if (ms < 1_000) return `${Math.round(ms)} ms`;
	for (const [unit, size] of [
		['day', 86_400_000],
		['hour', 3_600_000],
		['minute', 60_000],
		['second', 1_000],
	] as const) {
		if (ms < size) continue;
		const count = Math.round((ms / size) * 10) / 10;
		return `${count} ${unit}${count === 1 ? '' : 's'}`;
	}
	return `${ms} ms`;
}
