/** Schedules as lists show them. */
import type { ProfileId } from './ids.ts';

/** When a schedule runs. */
export type Recurrence =
	| {
			readonly kind: 'every';
			readonly count: number;
			readonly unit: 'seconds' | 'minutes' | 'hours' | 'days' | 'weeks';
	  }
	| { readonly kind: 'cron'; readonly expression: string; readonly zone: string }
	| { readonly kind: 'once'; readonly at: number };

/** One schedule of a book. Times are epoch ms. */
export interface ScheduleRow {
	readonly profile: ProfileId;
	readonly name: string;
	readonly task: string;
	readonly queue: string;
	readonly recurrence: Recurrence;
	readonly argsJson: string;
	readonly kwargsJson: string;
	readonly active: boolean;
	readonly book: 'local' | 'shared' | 'carrot' | 'redbeat';
	readonly lastRunAt: number | null;
	readonly nextRunAt: number | null;
	readonly updatedAt: number;
}
