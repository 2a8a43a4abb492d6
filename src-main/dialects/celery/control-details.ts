/** What workers say of themselves (`stats`, `active_queues`), as far as it is what it should be: versions and pools differ in the rest. */
import type { WorkerDetails } from '#main/domain/worker.ts';
import { readJson } from '../json/read.ts';
import { EventFields, plainOf } from './event-fields.ts';

const MOST_NAMES = 100;
const MOST_QUEUES = 1_000;
const MOST_PROCESSES = 1_000;

/** Reads answers, given as JSON text; null: it was not asked, or did not answer. `at` is when it answered. */
export function readDetails(stats: string, queues: string | null, at: number): WorkerDetails {
	const all = objectOf(parsed(stats));
	const fields = new EventFields(all);
	const pool = objectOf(all.pool);
	const scaler = new EventFields(objectOf(all.autoscaler));
	const [min, max] = [scaler.count('min'), scaler.count('max')];
	return {
		at,
		pool: poolName(new EventFields(pool).text('implementation')),
		concurrency: new EventFields(pool).count('max-concurrency'),
		autoscale: min === null || max === null ? null : { min, max },
		prefetch: fields.count('prefetch_count'),
		queues: queueNames(queues === null ? null : parsed(queues)),
		uptimeS: fields.count('uptime'),
		total: counts(objectOf(all.total)),
		pid: fields.count('pid'),
		processes: (Array.isArray(pool.processes) ? pool.processes : [])
			.filter((one): one is number => Number.isSafeInteger(one))
			.slice(0, MOST_PROCESSES),
	};
}

function parsed(json: string): unknown {
	const read = readJson(json);
	return read.ok ? plainOf(read.value) : null;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null && !Array.isArray(value)
		? (value as Readonly<Record<string, unknown>>)
		: {};
}

/** `celery.concurrency.prefork:TaskPool` is known as prefork. */
function poolName(implementation: string | null): string | null {
	if (implementation === null) return null;
	return /^celery\.concurrency\.([a-z]+):/.exec(implementation)?.[1] ?? implementation.slice(0, 200);
}

function queueNames(value: unknown): readonly string[] | null {
	if (!Array.isArray(value)) return null;
	const names = value.map((one) => objectOf(one).name).filter((one): one is string => typeof one === 'string');
	return names.slice(0, MOST_QUEUES);
}

function counts(total: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> {
	const all = Object.entries(total).filter((one): one is [string, number] => Number.isSafeInteger(one[1]));
	return Object.fromEntries(all.sort((a, b) => b[1] - a[1]).slice(0, MOST_NAMES));
}
