/** Handlers of the routes about schedules. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Recurrence, Timing } from '#main/domain/timing.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import { readMoment, showMoment } from '#main/scheduler/moment.ts';
import { checkTiming, upcoming } from '#main/scheduler/recurrence.ts';
import { describeTiming, readInterval } from '#main/scheduler/words.ts';
import { knowsZone } from '#main/scheduler/zones.ts';
import type { Core } from '../core.ts';

export function scheduleHandlers(core: Core): Pick<CallHandlers, 'schedule.list' | 'schedule.next'> {
	return {
		'schedule.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const items = await core.store.records.schedules(profile.value.id);
			return ok({ items, total: items.length });
		},
		'schedule.next': async (input) => {
			const timing = readTiming(input);
			if (!timing.ok) return timing;
			const now = core.ports.clock.now();
			const from = input.from === undefined ? ok(now) : readMoment(input.from, input.zone);
			if (!from.ok) return from;
			const runs = upcoming(timing.value, from.value, input.count, { lastRunAt: null, createdAt: from.value });
			const items = runs.map((run) => ({ ...run, local: showMoment(run.at, input.zone) }));
			return ok({ words: describeTiming(timing.value), items, total: items.length });
		},
	};
}

function readTiming(input: HandlerInput<'schedule.next'>): Result<Timing> {
	if (!knowsZone(input.zone)) {
		return fail('invalid-input', `There is no time zone "${input.zone}". Zones are named like Europe/London or UTC.`);
	}
	const recurrence = readRecurrence(input);
	if (!recurrence.ok) return recurrence;
	const timing: Timing = { recurrence: recurrence.value, zone: input.zone, startAt: null, endAt: null, jitterMs: 0 };
	const checked = checkTiming(timing);
	return checked.ok ? ok(timing) : checked;
}

function readRecurrence(input: HandlerInput<'schedule.next'>): Result<Recurrence> {
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
