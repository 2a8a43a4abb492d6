/** What can be done with Celery's workers by key and palette, while they are shown. */
import type { CeleryWorkers } from './celery-workers.svelte.ts';
import type { Command } from './commands.svelte.ts';
import type { Warren } from './warren.svelte.ts';
import { newPlan, type PlanMethod } from './worker-plan.ts';

/** The worker that a command is aimed at: the open one, else the one at the keyboard. Null: none. */
function aimOf(warren: Warren, celery: CeleryWorkers): string | null {
	const name = warren.route.place.item ?? celery.cursor.id;
	return name !== null && celery.row(name) !== null ? name : null;
}

export function celeryCommands(warren: Warren, celery: CeleryWorkers): readonly Command[] {
	const here = (): true | string => (celery.rows.length === 0 ? 'No worker is known' : true);
	const free = (): true | string => {
		if (warren.mayChange !== true) return warren.mayChange;
		// What lies on top is meant: a task that was opened from here has commands of its own.
		if (warren.route.place.task !== null) return 'A task is open';
		return celery.change.free ? true : 'Something is being done';
	};
	const onOne = (): true | string => {
		const may = free();
		return may !== true ? may : aimOf(warren, celery) === null ? 'No worker is chosen' : true;
	};
	const onAll = (): true | string => {
		const may = free();
		return may !== true ? may : celery.reachable.length === 0 ? 'No worker lives' : true;
	};
	const step = (by: number) => (): void => {
		const name = celery.cursor.move(by);
		if (name !== null && warren.route.place.item !== null) warren.route.openItem(name);
	};
	const one = (method: PlanMethod, label: string, key: string | null = null): Command => ({
		id: `worker.${method}`,
		label: `${label} of ${aimOf(warren, celery) ?? 'a worker'}`,
		group: 'Workers',
		key,
		enabled: onOne,
		run: () => {
			const name = aimOf(warren, celery);
			if (name !== null) celery.ask(newPlan(method, [name]));
		},
	});
	const all = (method: PlanMethod, label: string): Command => ({
		id: `worker.all.${method}`,
		label,
		group: 'Workers',
		key: null,
		enabled: onAll,
		run: () => celery.ask(newPlan(method, celery.reachable)),
	});
	return [
		{
			...one('shutdown', 'Shut down', 'Shift+d'),
			label: `Shut down ${aimOf(warren, celery) ?? 'a worker'}`,
			destructive: true,
		},
		{ ...one('pool_restart', 'Restart the pool'), destructive: true },
		one('pool_grow', 'Grow the pool'),
		one('pool_shrink', 'Shrink the pool'),
		one('autoscale', 'Set the scaling'),
		one('cancel_consumer', 'Leave a queue'),
		one('add_consumer', 'Take a queue'),
		one('enable_events', 'Switch on the events'),
		one('disable_events', 'Switch off the events'),
		all('rate_limit', 'Limit the rate of a task on all workers'),
		all('time_limit', 'Limit the time of a task on all workers'),
		all('enable_events', 'Switch on the events of all workers'),
		{ ...all('shutdown', 'Shut down all workers'), destructive: true },
		{
			id: 'monitor.switch',
			label: celery.status.value?.wanted === false ? 'Start monitoring' : 'Stop monitoring',
			group: 'Workers',
			key: null,
			enabled: () => (celery.status.value === null || celery.switching ? 'It is being found out' : true),
			run: () => void celery.switchTo(celery.status.value?.wanted === false),
		},
		{ id: 'worker.next', label: 'Next worker', group: 'Workers', key: 'j', enabled: here, run: step(1) },
		{ id: 'worker.previous', label: 'Previous worker', group: 'Workers', key: 'k', enabled: here, run: step(-1) },
		{
			id: 'worker.open',
			label: 'Open the worker',
			group: 'Workers',
			key: 'Enter',
			enabled: () => (celery.cursor.place < 0 ? 'No row is at the keyboard' : true),
			run: () => {
				if (celery.cursor.id !== null) warren.route.openItem(celery.cursor.id);
			},
		},
		{
			id: 'worker.look',
			label: 'Ask the workers anew',
			group: 'Workers',
			key: '.',
			enabled: () => (celery.asking ? 'They are being asked' : true),
			run: () => void celery.look(),
		},
	];
}
