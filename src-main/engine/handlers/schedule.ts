/** Handlers of the routes about schedules. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Recurrence, Timing } from '#main/domain/timing.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import { readMoment, showMoment } from '#main/scheduler/moment.ts';
import { checkTiming, upcoming } from '#main/scheduler/recurrence.ts';
import { describeTiming, readInterval } from '#main/scheduler/words.ts';
import { knowsZone } from '#main/scheduler/zones.ts';
import type { Core } from '../core.ts';

export function scheduleHandlers(core: Core): Pick<CallHandlers, Extract<keyof CallHandlers, `schedule.${string}`>> {
	const unbuilt = () => Promise.resolve(fail('unsupported', 'Schedules are being built.'));
	return {
		'schedule.add': unbuilt,
		'schedule.books': unbuilt,
		'schedule.conflicts': unbuilt,
		'schedule.duplicate': unbuilt,
		'schedule.edit': unbuilt,
		'schedule.export': unbuilt,
		'schedule.history': unbuilt,
		'schedule.import': unbuilt,
		'schedule.pause': unbuilt,
		'schedule.preview': unbuilt,
		'schedule.remove': unbuilt,
		'schedule.resolve': unbuilt,
		'schedule.restore': unbuilt,
		'schedule.resume': unbuilt,
		'schedule.revert': unbuilt,
		'schedule.run': unbuilt,
		'schedule.runs': unbuilt,
		'schedule.show': unbuilt,
		'schedule.sync': unbuilt,
		'schedule.tasks': unbuilt,
		'schedule.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const counts = { all: 0, active: 0, paused: 0, edited: 0, conflict: 0, refused: 0, troubled: 0 };
			return ok({ items: [], total: 0, counts, books: [], revision: 0 });
		},
		'schedule.next': async (input) => {
			const zone = input.zone ?? 'UTC';
			const timing = readTiming({ ...input, zone });
			if (!timing.ok) return timing;
			const now = core.ports.clock.now();
			const from = input.from === undefined ? ok(now) : readMoment(input.from, zone);
			if (!from.ok) return from;
			const runs = upcoming(timing.value, from.value, input.count, { lastRunAt: null, createdAt: from.value });
			const items = runs.map((run) => ({ ...run, local: showMoment(run.at, zone) }));
			return ok({ words: describeTiming(timing.value), items, total: items.length });
		},
	};
}

/** Streams of schedules. */
export function scheduleStreams(_core: Core): Pick<StreamHandlers, 'schedule.watch'> {
	return { 'schedule.watch': () => Promise.resolve(fail('unsupported', 'Schedules are being built.')) };
}

type TimingInput = Omit<HandlerInput<'schedule.next'>, 'zone'> & { readonly zone: string };

function readTiming(input: TimingInput): Result<Timing> {
	if (!knowsZone(input.zone)) {
		return fail('invalid-input', `There is no time zone "${input.zone}". Zones are named like Europe/London or UTC.`);
	}
	const recurrence = readRecurrence(input);
	if (!recurrence.ok) return recurrence;
	const timing: Timing = { recurrence: recurrence.value, zone: input.zone, startAt: null, endAt: null, jitterMs: 0 };
	const checked = checkTiming(timing);
	return checked.ok ? ok(timing) : checked;
}

function readRecurrence(input: TimingInput): Result<Recurrence> {
	const given = [input.every, input.cron, input.at].filter((one) => one !== undefined);
	if (given.length !== 1)
		return fail('invalid-input', "Say when in one way: --every '5 seconds', --cron EXPR or --at TIME.");
	if (input.cron !== undefined) return ok({ kind: 'cron', expression: input.cron });
	if (input.every !== undefined) {
		const interval = readInterval(input.every);
		return interval.ok ? ok({ kind: 'every', ...interval.value, align: 'clock' }) : interval;
	}
	const at = readMoment(input.at ?? '', input.zone);
	return at.ok ? ok({ kind: 'once', at: at.value }) : at;
}
