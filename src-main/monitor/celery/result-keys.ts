/** Names of the keys that Celery's Redis backend keeps results under. */

export interface ResultKeys {
	/** Of a task's result, which is also the channel on which each change of it is published. */
	task(id: string): string;
	/** Of a group that was saved. */
	group(id: string): string;
	/** Members that have counted for a chord; a list where the application keeps no order. */
	counted(id: string): string;
	/** The number of those, where they are in a list. */
	counter(id: string): string;
	/** How many members the chord's header has. */
	size(id: string): string;
}

/** The keys of a backend with this `global_keyprefix`, to which Celery adds a `_` unless it ends with a sign of its own. */
export function resultKeys(prefix: string): ResultKeys {
	const before = prefix === '' || /[:_.-]$/.test(prefix) ? prefix : `${prefix}_`;
	const group = (id: string) => `${before}celery-taskset-meta-${id}`;
	return {
		task: (id) => `${before}celery-task-meta-${id}`,
		group,
		counted: (id) => `${group(id)}.j`,
		counter: (id) => `${group(id)}.t`,
		size: (id) => `${group(id)}.s`,
	};
}
