/** Handlers of the routes about alarms. */
import { type AlarmChange, type QuietHours, readQuietHours } from '#main/domain/alarm.ts';
import { readDuration } from '#main/domain/query-values.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { CallHandlers, StreamHandlers } from '#main/ipc/handlers.ts';
import type { Alarms } from '../alarms.ts';
import type { Core } from '../core.ts';

export function alarmHandlers(core: Core, alarms: Alarms): Pick<CallHandlers, 'alarm.list' | 'alarm.set'> {
	return {
		'alarm.list': async (input) => {
			const profile = await core.profiles.find(input.profile);
			return profile.ok ? alarms.list(profile.value) : profile;
		},
		'alarm.set': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const change = readChange(input);
			return change.ok ? alarms.set(profile.value, change.value) : change;
		},
	};
}

export function alarmStreams(core: Core, alarms: Alarms): Pick<StreamHandlers, 'alarm.watch'> {
	return {
		'alarm.watch': async (input, sink) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const { id } = profile.value;
			let first = true;
			return alarms.watch(
				profile.value,
				(view) => {
					if (first) sink.snapshot([{ key: id, view }]);
					else sink.put([{ key: id, view }]);
					first = false;
				},
				input.notifies === true,
			);
		},
	};
}

function readChange(input: HandlerInput<'alarm.set'>): Result<AlarmChange> {
	const { rule, on, off, threshold, quiet: hours } = input;
	const wrong = (field: string, message: string) => fail('invalid-input', message, { details: { field } });
	if (on === true && off === true) return wrong('off', '--on and --off at once: which of them?');
	let forMs: number | undefined;
	if (input.for !== undefined) {
		const read = readDuration(input.for);
		if (typeof read !== 'number') return wrong('for', `"${input.for}" is no length of time; 90s and 5m are.`);
		forMs = read;
	}
	let quiet: QuietHours | null | undefined;
	if (hours === 'none') quiet = null;
	else if (hours !== undefined) {
		quiet = readQuietHours(hours);
		if (quiet === null) return wrong('quiet', `"${hours}" is no span of a day; 22:00-07:00 is, and none ends it.`);
	}
	return ok({
		...(rule === undefined ? {} : { rule }),
		...(on === true ? { enabled: true } : off === true ? { enabled: false } : {}),
		...(threshold === undefined ? {} : { threshold }),
		...(forMs === undefined ? {} : { forMs }),
		...(quiet === undefined ? {} : { quiet }),
		...(input.default === true ? { reset: true } : {}),
	});
}
