/** The app that a task's name stands for, by the rule that Django's task logs go by. */

/** Other names of apps, each with the app that it stands for. */
export type AppNames = ReadonlyMap<string, string>;

/** Known without being told. */
export const KNOWN_APP_NAMES: AppNames = new Map([['standings_requests', 'standingsrequests']]);

/** A deployment's own other names over the known ones. */
export function appNamesWith(own: readonly (readonly [string, string])[]): AppNames {
	return own.length === 0 ? KNOWN_APP_NAMES : new Map([...KNOWN_APP_NAMES, ...own]);
}

/**
 * The part before the first `tasks` (`shop.tasks.charge`: shop; `a.shop.tasks.x.y`: shop), else the first of exactly two parts
 * (`reports.run`: reports). Empty where the name does not tell. What that gives is looked up among other names.
 */
export function appName(task: string, others: AppNames = KNOWN_APP_NAMES): string {
	const parts = task.split('.');
	const at = parts.indexOf('tasks');
	const named = at >= 0 ? (parts[at - 1] ?? '') : parts.length === 2 ? (parts[0] ?? '') : '';
	return others.get(named) ?? named;
}
