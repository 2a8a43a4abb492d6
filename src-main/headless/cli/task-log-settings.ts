/** aa-taskmonitor's settings, each with what stands for it here. */
import type { AppNames } from '#main/domain/app-name.ts';
import type { RetentionPolicy } from '#main/domain/retention.ts';

/** A longer queue is looked into only after a question, as there. */
export const QUEUED_LIMIT = 100_000;

export interface TaskLogSetting {
	readonly name: string;
	/** In the unit that aa-taskmonitor has it in; null: there is no such limit. */
	readonly value: number | boolean | Readonly<Record<string, string>> | string | null;
	/** Where it is decided here, and what is different. */
	readonly here: string;
}

/** All of them, sorted by name. */
export function taskLogSettings(policy: RetentionPolicy, names: AppNames): readonly TaskLogSetting[] {
	const { succeeded, failed } = policy.states;
	const hours = (ms: number | null) => (ms === null ? null : ms / 3_600_000);
	const age = (ms: number | null) => (ms === null ? 'kept for ever' : `${hours(ms)} h`);
	return [
		{
			name: 'TASKMONITOR_APP_NAME_MAPPING_CONFIG',
			value: [...names].map(([other, app]) => `${other}=${app}`).join(', '),
			here: 'report map OTHER APP; report apps --try OTHER=APP shows what it would change',
		},
		{
			name: 'TASKMONITOR_DATA_MAX_AGE',
			value: hours(succeeded.afterMs),
			here: `retention set --states … --after …, for each state: succeeded ${age(succeeded.afterMs)}, failed ${age(failed.afterMs)}`,
		},
		{ name: 'TASKMONITOR_DELETE_STALE_BATCH_SIZE', value: 100, here: 'fixed: small, so that nobody waits for it' },
		{ name: 'TASKMONITOR_ENABLED', value: true, here: 'history is written whenever something watches or runs tasks' },
		{
			name: 'TASKMONITOR_HOUSEKEEPING_FREQUENCY',
			value: 60,
			here: 'minutes, fixed; by the clock, also while nothing runs',
		},
		{ name: 'TASKMONITOR_QUEUED_TASKS_ADMIN_LIMIT', value: QUEUED_LIMIT, here: 'inspect queue asks above it' },
		{ name: 'TASKMONITOR_QUEUED_TASKS_CACHE_TIMEOUT', value: 0, here: 'nothing is cached: every look is a fresh one' },
		{ name: 'TASKMONITOR_REPORTS_MAX_AGE', value: 0, here: 'nothing is cached: reports are computed when asked for' },
		{ name: 'TASKMONITOR_REPORTS_MAX_TOP', value: 20, here: 'report show --top N' },
		{ name: 'TASKMONITOR_TRUNCATE_NESTED_DATA', value: false, here: 'arguments and results are kept whole' },
	];
}
