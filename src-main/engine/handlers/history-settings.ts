/** Handlers of the routes about how history is written. */
import { fail, ok } from '#main/domain/result.ts';
import type { TaskLogSettings } from '#main/domain/task-log.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';
import type { TaskLog } from '../task-log.ts';

export function historySettingsHandlers(
	core: Core,
	taskLog: TaskLog,
): Pick<CallHandlers, 'history.show' | 'history.set'> {
	return {
		'history.show': async (input) => {
			const profile = await core.profiles.find(input.profile);
			return profile.ok ? ok(await taskLog.view(profile.value.id)) : profile;
		},
		'history.set': async ({ profile: name, enabled, truncate, default: reset, ...numbers }) => {
			const profile = await core.profiles.find(name);
			if (!profile.ok) return profile;
			const change: Partial<TaskLogSettings> = {
				...(enabled === undefined ? {} : { enabled: enabled === 'on' }),
				...(truncate === undefined ? {} : { truncate: truncate === 'on' }),
				...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined)),
			};
			if (reset === true) {
				if (Object.keys(change).length > 0)
					return fail('invalid-input', '--default goes alone: it takes back every setting.');
				return ok(await taskLog.set(profile.value.id, null));
			}
			if (Object.keys(change).length === 0) {
				return fail('invalid-input', 'Say what is to change, e.g. --truncate on. "history show" shows how it is.');
			}
			return ok(await taskLog.set(profile.value.id, change));
		},
	};
}
