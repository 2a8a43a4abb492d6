/**
 * Which of a site's schedules no longer run. carrot runs each in a thread of its own that any exception ends for good, in silence; the
 * schedule stays "active". What shows it is that its task makes no new rows.
 */
import { readJson } from '#main/dialects/json/read.ts';
import { toPlain } from '#main/dialects/json/write.ts';
import type { SiteBlindSpot, SiteFinding, SiteRow, SiteSchedule } from '#main/domain/site.ts';

/** A row that a schedule may have made. */
export type ScheduleRun = Pick<SiteRow, 'id' | 'uuid' | 'task' | 'queue' | 'content' | 'publishedAt'>;

/** Later than this many intervals is dead, not late: its clock drifts by some 15 %, never by half. */
const LATE = 1.5;
/** Short intervals: what a look and two clocks may differ by. */
const SLACK_MS = 30_000;

/** Judges every active schedule by its newest row and by how long it is known to be active. */
export function judgeSchedules(
	schedules: {
		readonly items: readonly SiteSchedule[];
		readonly since: ReadonlyMap<number, number>;
		readonly at: number;
	} | null,
	runs: readonly ScheduleRun[],
	now: number,
): { readonly findings: readonly SiteFinding[]; readonly cannotTell: readonly SiteBlindSpot[] } {
	const findings: SiteFinding[] = [];
	const cannotTell: SiteBlindSpot[] = [];
	if (schedules === null) {
		const reason = "The site's schedules could not be read.";
		return {
			findings,
			cannotTell: [{ kind: 'dead-schedule', queue: null, reason, cure: 'Make the monitor reachable.' }],
		};
	}
	const newest = new Map<string, ScheduleRun>();
	for (const run of runs) {
		const key = keyOf(run);
		if ((newest.get(key)?.publishedAt ?? -1) < (run.publishedAt ?? -1)) newest.set(key, run);
	}
	const active = schedules.items.filter((schedule) => schedule.active);
	const alike = Map.groupBy(active, keyOf);
	for (const schedule of active) {
		const last = newest.get(keyOf(schedule));
		const lastAt = last?.publishedAt ?? null;
		const since = schedules.since.get(schedule.id) ?? schedules.at;
		const patience = schedule.intervalMs * LATE + SLACK_MS;
		const name = schedule.name ?? `${schedule.task} (number ${schedule.id})`;
		if (lastAt !== null && now - lastAt <= patience) continue;
		const watched = now - since;
		if (watched <= patience && lastAt === null) {
			cannotTell.push({
				kind: 'dead-schedule',
				queue: schedule.queue,
				reason: `No row of ${name} was found, and Warren has known it to be active for ${words(watched)} only; it runs every ${words(schedule.intervalMs)}.`,
				cure: `Keep Warren watching this site for ${words(patience)}.`,
			});
			continue;
		}
		findings.push({
			kind: 'dead-schedule',
			// Watched all that time it must have run; otherwise somebody may have switched it on a moment ago.
			certainty: watched > patience && (alike.get(keyOf(schedule))?.length ?? 1) === 1 ? 'certain' : 'likely',
			title: `The schedule ${name} no longer runs`,
			queue: schedule.queue,
			count: 1,
			rows: last === undefined ? [] : [{ id: last.id, uuid: last.uuid }],
			messages: [],
			evidence: [
				{ label: 'interval', value: schedule.intervalMs, unit: 'ms', at: schedules.at, source: 'site' },
				...(lastAt === null
					? []
					: [{ label: 'newest row published', value: lastAt, unit: 'time', at: now, source: 'site' } as const]),
				{ label: 'known to be active since', value: since, unit: 'time', at: now, source: 'warren' },
			],
			cause:
				"Its thread in the site's scheduler ended with an exception (the broker was away, the database hiccuped, its arguments or its task cannot be used), or no service runs a scheduler, or it was switched on less than an interval ago.",
			next: 'Switch it off, wait two seconds, switch it on again; or restart the service. Its first run comes one interval later.',
		});
	}
	return { findings, cannotTell };
}

/** Schedules with the same key make rows that cannot be told apart. */
function keyOf(one: Pick<SiteSchedule, 'task' | 'queue' | 'content'>): string {
	return JSON.stringify([one.task, one.queue ?? '', plainContent(one.content)]);
}

function plainContent(content: string | null): string {
	if (content === null || content.trim() === '') return '{}';
	const read = readJson(content);
	if (!read.ok) return content;
	return read.value.kind === 'dict' ? toPlain(read.value) : '{}';
}

function words(ms: number): string {
	const units: readonly (readonly [string, number])[] = [
		['days', 86_400_000],
		['hours', 3_600_000],
		['minutes', 60_000],
	];
	for (const [unit, size] of units) if (ms >= 2 * size) return `${Math.round(ms / size)} ${unit}`;
	return `${Math.max(0, Math.round(ms / 1000))} seconds`;
}
