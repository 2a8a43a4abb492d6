/** The app that a task's name stands for, by the rule that Django's task logs go by. */

/**
 * The part before the first `tasks` (`shop.tasks.charge`: shop; `a.shop.tasks.x.y`: shop), else the first of exactly two parts
 * (`reports.run`: reports). Empty where the name does not tell.
 */
export function appName(task: string): string {
	const parts = task.split('.');
	const at = parts.indexOf('tasks');
	if (at >= 0) return parts[at - 1] ?? '';
	return parts.length === 2 ? (parts[0] ?? '') : '';
}
