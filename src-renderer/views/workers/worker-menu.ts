/** What can be told to one Celery worker, for its menus. */
import type { WorkerView } from '#main/domain/worker.ts';
import type { MenuItem } from '../../components/Menu.svelte';
import type { CeleryWorkers } from '../../state/celery-workers.svelte.ts';
import { newPlan, type PlanMethod } from '../../state/worker-plan.ts';

/** `barred`: why nothing may be changed; null: it may. */
export function workerMenu(celery: CeleryWorkers, row: WorkerView, barred: string | null): readonly MenuItem[] {
	const ended = row.state === 'stopped' ? 'It has stopped' : null;
	const why = barred ?? ended;
	const disabled = why !== null || !celery.change.free;
	const item = (method: PlanMethod, label: string, more: Partial<MenuItem> = {}): MenuItem => ({
		id: method,
		label,
		disabled,
		...(why === null ? {} : { note: why }),
		...more,
		onSelect: () => celery.ask(newPlan(method, [row.name])),
	});
	return [
		item('pool_grow', 'Grow its pool…', { icon: 'plus' }),
		item('pool_shrink', 'Shrink its pool…', { icon: 'minus' }),
		item('autoscale', 'Scale by itself…', { icon: 'reports' }),
		item('cancel_consumer', 'Leave a queue…', { icon: 'pause', divided: true }),
		item('add_consumer', 'Take a queue…', { icon: 'play' }),
		item('rate_limit', 'Limit the rate of a task…', { icon: 'clock', divided: true }),
		item('time_limit', 'Limit the time of a task…', { icon: 'clock' }),
		row.events === 'tasks'
			? item('disable_events', 'Switch its events off…', { icon: 'eye-off', divided: true })
			: item('enable_events', 'Switch its events on…', { icon: 'eye', divided: true }),
		item('pool_restart', 'Restart its pool…', { icon: 'requeue', danger: true, divided: true }),
		item('shutdown', 'Shut it down…', { icon: 'stop', danger: true, shortcut: '⇧D' }),
	];
}
