/** Rows and schedules for tests, as the client reads them. */
import type { SiteRow, SiteSchedule } from '#main/domain/site.ts';

let next = 1;

export function siteRow(more: Partial<SiteRow> = {}): SiteRow {
	const id = more.id ?? next++;
	return {
		id,
		uuid: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
		status: 'PUBLISHED',
		task: 'shop.tasks.add',
		queue: 'default',
		exchange: '',
		routingKey: 'default',
		priority: 0,
		argsText: '()',
		content: '{}',
		exception: null,
		traceback: null,
		output: null,
		log: null,
		publishedAt: 1_000_000,
		failedAt: null,
		completedAt: null,
		utcOffset: 0,
		...more,
	};
}

export function siteSchedule(more: Partial<SiteSchedule> = {}): SiteSchedule {
	const id = more.id ?? next++;
	return {
		id,
		name: `schedule ${id}`,
		keepsName: true,
		task: 'shop.tasks.add',
		queue: 'default',
		exchange: null,
		routingKey: null,
		intervalCount: 60,
		intervalType: 'seconds',
		argsText: '',
		content: null,
		active: true,
		intervalMs: 60_000,
		...more,
	};
}
