/**
 * Which workers there are and whether they live, from what they send. By the time of receipt, never by their clocks; and as of the
 * last moment at which we had heard everything, since a worker is not late because we are.
 */
import type { CeleryEvent, WorkerEvent } from '#main/dialects/celery/events.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { WorkerEvents, WorkerLiveness, WorkerProcess, WorkerView } from '#main/domain/worker.ts';

/** What is kept of a node. JSON-safe. */
export interface WorkerRecord {
	readonly name: string;
	/** Receipt of the last worker event, and of the last event of any kind. */
	readonly beatAt: number | null;
	readonly heardAt: number;
	readonly stoppedAt: number | null;
	readonly freqS: number;
	readonly active: number | null;
	readonly processed: number | null;
	readonly loadavg: readonly number[] | null;
	readonly software: WorkerView['software'];
	/** Main processes that sent worker events under this name, newest first, a few. */
	readonly processes: readonly WorkerProcess[];
	/** Least of receipt less timestamp among recent events, and when that was begun to be measured anew. */
	readonly skewMs: number | null;
	readonly skewSince: number;
	/** Receipt of the last event of a task of its; absent: none was heard. */
	readonly taskAt?: number;
	/** Heartbeats since then that told of more tasks done than the one before. */
	readonly untold?: number;
}

/** So many heartbeats tell of tasks that no event told of, until it is said that it tells of none. */
const UNTOLD_BEATS = 2;
/** Celery's own heartbeat, where a worker does not say. */
const FREQ_S = 2;
/** Never lost before this, however often it beats. */
const LEAST_LOST_MS = 10_000;
/** How long skew is the least of; the one before goes on counting until then. */
const SKEW_WINDOW_MS = 60_000;
const PROCESSES = 4;
/** Nodes kept; beyond, those not heard of for longest go. */
export const MOST_WORKERS = 5_000;

/** A node's record after an event of its; `before`: none was kept. */
export function heard(before: WorkerRecord | undefined, event: CeleryEvent, receivedAt: number): WorkerRecord | null {
	if (event.group === 'worker') return beat(before, event, receivedAt);
	// Clients send events as well, and are no workers: only who has beaten is one.
	if (before === undefined || event.hostname !== before.name) return null;
	const heardAt = Math.max(before.heardAt, receivedAt);
	const told = event.group === 'task' && event.fact.kind !== 'sent' ? { taskAt: receivedAt, untold: 0 } : {};
	return { ...before, heardAt, ...told, ...skewOf(before, event.at, receivedAt) };
}

function beat(before: WorkerRecord | undefined, event: WorkerEvent, receivedAt: number): WorkerRecord {
	const stopped = event.what === 'offline';
	const { ident, version, system } = event.software;
	const more = before?.processed != null && event.processed !== null && event.processed > before.processed;
	return {
		name: event.hostname,
		beatAt: Math.max(before?.beatAt ?? 0, receivedAt),
		heardAt: Math.max(before?.heardAt ?? 0, receivedAt),
		stoppedAt: stopped ? receivedAt : null,
		// The answer to a broadcast has another freq, and none of the figures.
		freqS: event.active === null ? (before?.freqS ?? FREQ_S) : positive(event.freq),
		active: event.active ?? before?.active ?? null,
		processed: event.processed ?? before?.processed ?? null,
		loadavg: event.loadavg ?? before?.loadavg ?? null,
		software: ident === null && version === null && before !== undefined ? before.software : { ident, version, system },
		processes: processesOf(before?.processes ?? [], event, receivedAt, stopped),
		...skewOf(before, event.at, receivedAt),
		...(before?.taskAt === undefined ? {} : { taskAt: before.taskAt }),
		untold: (before?.untold ?? 0) + (more ? 1 : 0),
	};
}

function processesOf(
	before: readonly WorkerProcess[],
	event: WorkerEvent,
	at: number,
	stopped: boolean,
): readonly WorkerProcess[] {
	if (event.pid === null) return before;
	const others = before.filter((one) => one.pid !== event.pid);
	const known = before.find((one) => one.pid === event.pid);
	const mine: WorkerProcess = { pid: event.pid, firstAt: known?.firstAt ?? at, lastAt: at, stopped };
	return [mine, ...others].slice(0, PROCESSES);
}

function skewOf(
	before: WorkerRecord | undefined,
	sentAt: number,
	receivedAt: number,
): Pick<WorkerRecord, 'skewMs' | 'skewSince'> {
	const seen = receivedAt - sentAt;
	if (before === undefined || before.skewMs === null) return { skewMs: seen, skewSince: receivedAt };
	if (seen <= before.skewMs) return { skewMs: seen, skewSince: receivedAt };
	return receivedAt - before.skewSince > SKEW_WINDOW_MS
		? { skewMs: seen, skewSince: receivedAt }
		: { skewMs: before.skewMs, skewSince: before.skewSince };
}

/** How a node is at a moment (epoch ms) up to which everything was heard. */
export function livenessOf(record: WorkerRecord, asOf: number): WorkerLiveness {
	if (record.stoppedAt !== null) return 'stopped';
	const silence = asOf - record.heardAt;
	const beatMs = record.freqS * 1_000;
	if (silence > Math.max(3 * beatMs, LEAST_LOST_MS)) return 'lost';
	return silence > 2 * beatMs ? 'late' : 'online';
}

/** A record as others see it. */
export function viewOf(record: WorkerRecord, asOf: number): WorkerView {
	return {
		name: record.name,
		state: livenessOf(record, asOf),
		heardAt: record.heardAt,
		ageMs: Math.max(0, asOf - record.heardAt),
		asOf,
		freqS: record.freqS,
		active: record.active,
		processed: record.processed,
		loadavg: record.loadavg,
		software: record.software,
		processes: record.processes,
		duplicate: isDuplicate(record, asOf),
		skewMs: record.skewMs,
		events: eventsOf(record),
		details: null,
	};
}

function eventsOf({ untold = 0, taskAt }: WorkerRecord): WorkerEvents {
	if (untold >= UNTOLD_BEATS) return 'untold';
	return taskAt === undefined ? 'beats' : 'tasks';
}

/** A worker that answered a question and was never heard. */
export function unheardView(name: string, answeredAt: number): WorkerView {
	return {
		name,
		state: 'online',
		heardAt: answeredAt,
		ageMs: 0,
		asOf: answeredAt,
		freqS: FREQ_S,
		active: null,
		processed: null,
		loadavg: null,
		software: { ident: null, version: null, system: null },
		processes: [],
		duplicate: false,
		skewMs: null,
		events: 'none',
		details: null,
	};
}

/** Two processes alternate under one name: both were heard lately, and each since the other began. */
function isDuplicate(record: WorkerRecord, asOf: number): boolean {
	const lately = record.processes.filter(
		(one) => !one.stopped && asOf - one.lastAt <= Math.max(3 * record.freqS * 1_000, LEAST_LOST_MS),
	);
	return lately.some((one) =>
		lately.some((other) => other !== one && other.lastAt > one.firstAt && one.lastAt > other.firstAt),
	);
}

/** The nodes of one profile, with those that changed since they were last asked for. */
export class Roster {
	readonly profile: ProfileId;
	readonly #records = new Map<string, WorkerRecord>();
	readonly #changed = new Set<string>();

	constructor(profile: ProfileId, records: readonly WorkerRecord[]) {
		this.profile = profile;
		for (const record of records) this.#records.set(record.name, record);
	}

	hear(event: CeleryEvent, receivedAt: number): void {
		const name = event.hostname;
		const after = heard(this.#records.get(name), event, receivedAt);
		if (after === null) return;
		// Set anew, so that the map's order is by how long ago each was heard.
		this.#records.delete(name);
		this.#records.set(name, after);
		this.#changed.add(name);
		if (this.#records.size > MOST_WORKERS) {
			const [oldest] = this.#records.keys();
			if (oldest !== undefined) this.#records.delete(oldest);
		}
	}

	/** Those heard since the last call. */
	takeChanged(): readonly WorkerRecord[] {
		const changed = [...this.#changed].map((name) => this.#records.get(name)).filter((one) => one !== undefined);
		this.#changed.clear();
		return changed;
	}

	/** These could not be noted: the next call gives them again. */
	unnoted(records: readonly WorkerRecord[]): void {
		for (const { name } of records) this.#changed.add(name);
	}

	views(asOf: number): readonly WorkerView[] {
		return viewsOf([...this.#records.values()], asOf);
	}
}

/** Records as others see them, by name. */
export function viewsOf(records: readonly WorkerRecord[], asOf: number): readonly WorkerView[] {
	return records.map((record) => viewOf(record, asOf)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function positive(freq: number | null): number {
	return freq !== null && freq > 0 ? freq : FREQ_S;
}
