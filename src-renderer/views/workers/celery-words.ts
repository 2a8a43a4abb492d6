/** How Celery's workers and the watching of them are told. Pure: `now` is always given. */
import type { MonitorGap, MonitorStanding } from '#main/domain/monitor.ts';
import type { WorkerLiveness, WorkerView } from '#main/domain/worker.ts';
import { age, counted, duration, grouped, relativeTime } from '../../components/format.ts';
import type { WorkerLook } from './words.ts';

const LOOKS: Readonly<Record<WorkerLiveness, WorkerLook>> = {
	online: { icon: 'state-succeeded', tone: 'succeeded', word: 'online' },
	late: { icon: 'state-running', tone: 'warning', word: 'late' },
	lost: { icon: 'state-lost', tone: 'warning', word: 'lost' },
	stopped: { icon: 'stop', tone: 'neutral', word: 'stopped' },
};

/** A worker's state in shape, colour and word. */
export function workerLook(state: WorkerLiveness): WorkerLook {
	return LOOKS[state];
}

/** What the state is inferred from, and how old that is: "heartbeat 2 s ago". */
export function heardWords(row: WorkerView, now: number): string {
	const since = relativeTime(row.heardAt, now);
	if (row.events === 'none') return `answered ${since}, never heard`;
	return row.state === 'stopped' ? `said so ${since}` : `heard ${since}`;
}

/** The whole of it, on hover. */
export function stateReason(row: WorkerView): string {
	const beat = `It sends a heartbeat every ${grouped(row.freqS)} s`;
	switch (row.state) {
		case 'online':
			return row.events === 'none'
				? 'It answered when it was asked, and sends no events.'
				: `${beat}, and was heard within two.`;
		case 'late':
			return `${beat}, and was silent for longer than two of them.`;
		case 'lost':
			return `${beat}, and was silent for longer than three of them. That is not "gone": it may be cut off.`;
		case 'stopped':
			return 'It said itself that it ended.';
	}
}

/** "prefork 4", "prefork 2 (1 to 10)"; Celery 5.2 does not name its pool: "4 at a time". Null: it was not asked, or did not answer. */
export function poolWords({ details }: WorkerView): string | null {
	if (details === null || (details.pool === null && details.concurrency === null)) return null;
	const { pool, concurrency, autoscale } = details;
	const scale = autoscale === null ? '' : ` (${autoscale.min} to ${autoscale.max})`;
	if (concurrency === null) return `${pool}${scale}`;
	return `${pool === null ? `${grouped(concurrency)} at a time` : `${pool} ${grouped(concurrency)}`}${scale}`;
}

/** The first of the machine's loads; null: it did not say. */
export function loadWords({ loadavg }: WorkerView): string | null {
	const [first] = loadavg ?? [];
	return first === undefined ? null : first.toFixed(2);
}

/** "celery 5.2.6". */
export function softwareWords({ software }: WorkerView): string | null {
	const parts = [software.ident?.replace(/^py-/, '') ?? null, software.version].filter((part) => part !== null);
	return parts.length === 0 ? null : parts.join(' ');
}

/** Beyond this a clock is worth a word. */
const SKEW_MS = 2_000;

/** What a person should know about a worker that its figures do not tell. */
export function workerRemarks(row: WorkerView): readonly string[] {
	const remarks: string[] = [];
	if (row.duplicate) {
		const pids = row.processes.filter((one) => !one.stopped).map((one) => one.pid);
		remarks.push(
			`Several processes share this name${pids.length > 1 ? ` (${pids.join(', ')})` : ''}: its figures alternate, and a command reaches all of them or any one. Give each a name of its own with -n.`,
		);
	}
	if (row.skewMs !== null && Math.abs(row.skewMs) > SKEW_MS) {
		remarks.push(`Its clock is ${duration(Math.abs(row.skewMs))} ${row.skewMs > 0 ? 'behind' : 'ahead'}.`);
	}
	if (row.events === 'none') remarks.push('It answers, and sends no events at all: its tasks are not in history.');
	return remarks;
}

/** How watching goes, in one line. */
export function monitorWords(status: MonitorStanding, now: number): string {
	if (!status.running) {
		const until = status.until === null ? '' : ` Events were taken until ${relativeTime(status.until, now)}.`;
		return status.wanted ? `Not watched at the moment.${until}` : `Switched off.${until}`;
	}
	const taken = `${counted(status.eventsThisRun, 'event')} taken`;
	const behind =
		status.behind === null
			? ', how far behind cannot be told'
			: status.behind === 0
				? ', none behind'
				: `, ${counted(status.behind, 'event')} behind`;
	const since = status.since === null ? '' : ` in ${age(status.since, now)}`;
	return `${taken}${since}${behind}`;
}

/** "gap of 14 s, 3 min ago: the connection was lost". */
export function gapWords(gap: MonitorGap, now: number): string {
	return `gap of ${duration(gap.to - gap.from)}, ${relativeTime(gap.to, now)}: ${gap.reason}`;
}
