/** What waits, counted by task and by app. */
import { type AppNames, appName } from './app-name.ts';

export interface Tally {
	/** Empty: it could not be told. */
	readonly name: string;
	readonly count: number;
}

/** What a look at a deployment's queues found. */
export interface QueuedCount {
	/** Messages that wait. */
	readonly total: number;
	/** The queues that were counted. */
	readonly queues: readonly string[];
	/** How many of the messages were looked at; null: none, since more wait than the profile has looked into unasked. */
	readonly lookedAt: number | null;
	/** Those looked at by task, most first. */
	readonly tasks: readonly Tally[];
}

/** The same for who asked for it. */
export interface QueuedTally extends QueuedCount {
	/** Those looked at by app, most first. */
	readonly apps: readonly Tally[];
	/** When the look began, epoch ms. */
	readonly readAt: number;
	/** How old it is where it was read for an earlier question; null: it was read for this one. */
	readonly ageMs: number | null;
}

/** How often each name is there, most first. */
export function tallyOf(names: readonly string[]): readonly Tally[] {
	return sorted(names.map((name) => ({ name, count: 1 })));
}

/** Tasks by the app that each belongs to, most first. */
export function appsOf(tasks: readonly Tally[], others: AppNames): readonly Tally[] {
	return sorted(tasks.map(({ name, count }) => ({ name: appName(name, others), count })));
}

function sorted(parts: readonly Tally[]): readonly Tally[] {
	const counts = new Map<string, number>();
	for (const { name, count } of parts) counts.set(name, (counts.get(name) ?? 0) + count);
	return [...counts]
		.map(([name, count]) => ({ name, count }))
		.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

/**
 * Whether what was read then may be shown now. Not where something was changed since, nor where the look was under way while it was: which
 * of both it saw nobody knows. One from the future was made before the clock was set back.
 */
export function mayShowAgain(readAt: number, changedAt: number | null, now: number, maxAgeMs: number): boolean {
	return readAt <= now && now - readAt < maxAgeMs && (changedAt === null || readAt > changedAt);
}
