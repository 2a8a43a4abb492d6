/** aa-taskmonitor's settings, each with what stands for it here. */
import { appNamesWith } from '#main/domain/app-name.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { TaskLogSettings } from '#main/domain/task-log.ts';
import type { HistorySettingsView } from '#main/ipc/contract/history-settings.ts';
import type { RetentionView } from '#main/ipc/contract/quarantine.ts';

export interface TaskLogSetting {
	readonly name: string;
	/** In the unit that aa-taskmonitor has it in; null: there is no such limit. */
	readonly value: number | boolean | Readonly<Record<string, string>> | string | null;
	/** Whether somebody set it for this profile, or it is as out of the box. */
	readonly source: 'profile' | 'default';
	/** Where it is decided here, and what is different. */
	readonly here: string;
}

/** All of them, sorted by name. */
export function taskLogSettings(
	{ policy, isDefault }: Pick<RetentionView, 'policy' | 'isDefault'>,
	names: Profile['appNames'],
	{ settings, own }: HistorySettingsView,
): readonly TaskLogSetting[] {
	const { succeeded, failed } = policy.states;
	const hours = (ms: number | null) => (ms === null ? null : ms / 3_600_000);
	const age = (ms: number | null) => (ms === null ? 'kept for ever' : `${hours(ms)} h`);
	const sourceOf = (name: keyof TaskLogSettings) => (own.includes(name) ? 'profile' : 'default');
	return [
		{
			name: 'TASKMONITOR_APP_NAME_MAPPING_CONFIG',
			value: [...appNamesWith(names ?? [])].map(([other, app]) => `${other}=${app}`).join(', '),
			source: (names ?? []).length > 0 ? 'profile' : 'default',
			here: 'report map OTHER APP; report apps --try OTHER=APP shows what it would change',
		},
		{
			name: 'TASKMONITOR_DATA_MAX_AGE',
			value: hours(succeeded.afterMs),
			source: isDefault ? 'default' : 'profile',
			here: `retention set --states … --after …, for each state: succeeded ${age(succeeded.afterMs)}, failed ${age(failed.afterMs)}`,
		},
		{
			name: 'TASKMONITOR_DELETE_STALE_BATCH_SIZE',
			value: settings.batchSize,
			source: sourceOf('batchSize'),
			here: 'history set --batch-size; small, so that nobody waits for it',
		},
		{
			name: 'TASKMONITOR_ENABLED',
			value: settings.enabled,
			source: sourceOf('enabled'),
			here: 'history set --enabled on|off: what others tell; what Warren runs itself is always written',
		},
		{
			name: 'TASKMONITOR_HOUSEKEEPING_FREQUENCY',
			value: settings.housekeepingMinutes,
			source: sourceOf('housekeepingMinutes'),
			here: 'history set --housekeeping-minutes; by the clock, also while nothing runs',
		},
		{
			name: 'TASKMONITOR_QUEUED_TASKS_ADMIN_LIMIT',
			value: settings.queuedLimit,
			source: sourceOf('queuedLimit'),
			here: 'history set --queued-limit; inspect queue asks above it',
		},
		{
			name: 'TASKMONITOR_QUEUED_TASKS_CACHE_TIMEOUT',
			value: settings.queuedCacheSeconds,
			source: sourceOf('queuedCacheSeconds'),
			here: 'history set --queued-cache-seconds; 0: read whenever asked for, as inspect queue --fresh does',
		},
		{
			name: 'TASKMONITOR_REPORTS_MAX_AGE',
			value: settings.reportsMaxAgeMinutes,
			source: sourceOf('reportsMaxAgeMinutes'),
			here: 'history set --reports-max-age-minutes; 0: computed whenever asked for, as report show --fresh does',
		},
		{
			name: 'TASKMONITOR_REPORTS_MAX_TOP',
			value: settings.reportsTop,
			source: sourceOf('reportsTop'),
			here: 'history set --reports-top; report show --top N',
		},
		{
			name: 'TASKMONITOR_TRUNCATE_NESTED_DATA',
			value: settings.truncate,
			source: sourceOf('truncate'),
			here: 'history set --truncate on|off; messages stay whole, to run tasks again by',
		},
	];
}
