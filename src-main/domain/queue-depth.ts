/** The depth of a queue: all that is not finished, in its parts, each with where it is known from. Pure. */
import { CELERY_SETTINGS, type CelerySettings } from './profile.ts';
import type { QueueFigures } from './queue.ts';

/** One part of a depth. */
export interface DepthPart {
	/** Null: cannot be told, for the reason in `why`; never to be taken for none. */
	readonly count: number | null;
	/** By what it was asked, as the field calls it: `Redis LLEN`, `AMQP passive declare`. */
	readonly source: string | null;
	/** When, epoch ms. */
	readonly at: number | null;
	readonly why: string | null;
}

/** What a queue's workers say they hold of it. */
export interface HeldByWorkers {
	/** Being run now. */
	readonly running: number;
	/** Of these, not acknowledged before they end (`acks_late`): the broker still counts them. */
	readonly runningUnacked: number;
	/** Taken, and not begun. */
	readonly reserved: number;
	/** Taken, and waiting for their time (eta or countdown). */
	readonly scheduled: number;
	readonly at: number;
	/** Workers that are alive and did not answer; empty: all did. */
	readonly silent: readonly string[];
	/** How many workers answered. */
	readonly answered: number;
}

/** What waits for its time in queues of the broker's own, before it comes to any queue of tasks. */
export interface DelayedMessages {
	/** Messages in Celery's `celery_delayed_0` to `_27`, of all queues together; null: cannot be told. */
	readonly count: number | null;
	readonly source: string | null;
	readonly at: number | null;
	readonly why: string | null;
}

/** All that is not finished in one figure, and how it came about. */
export interface Backlog {
	/** Null: a part that belongs to it cannot be told. */
	readonly count: number | null;
	/** What is known to be there in any case; null: not even that. */
	readonly atLeast: number | null;
	/** The formula as it was used, with what is missing. */
	readonly words: string;
}

export interface QueueDepth {
	/** Waiting in the queue. */
	readonly ready: DepthPart;
	/** Handed out and not acknowledged, whoever holds it. The three parts after it are among these, where they can be told. */
	readonly unacked: DepthPart;
	readonly running: DepthPart;
	readonly reserved: DepthPart;
	readonly scheduled: DepthPart;
	/** Handed out, and in no worker's answer: waiting for a rate limit, or with a worker that is gone. */
	readonly unclaimed: DepthPart;
	/** In Celery's queues of native delayed delivery, on their way here. */
	readonly delayed: DepthPart;
	readonly backlog: Backlog;
}

/** A queue as `queue.list` tells of it. */
export interface QueueView extends QueueFigures {
	readonly depth: QueueDepth;
	/** How long the next message has waited, in ms; null: it carries no time, or nothing waits. */
	readonly oldestAgeMs: number | null;
}

const SOURCES: Readonly<Record<QueueFigures['source'], { readonly ready: string; readonly unacked: string }>> = {
	amqp: { ready: 'AMQP passive declare', unacked: 'AMQP passive declare' },
	management: { ready: 'management API', unacked: 'management API' },
	redis: { ready: 'Redis LLEN', unacked: 'Redis HSCAN' },
	packets: { ready: 'Redis LLEN', unacked: 'packets leave Redis when they are taken' },
	embedded: { ready: 'built-in broker', unacked: 'built-in broker' },
};
const NO_UNACKED: Readonly<Record<QueueFigures['source'], string>> = {
	amqp: 'AMQP cannot tell what is handed out; the management API can.',
	management: 'The management API has not counted it yet.',
	redis: 'Too much is held to go through it.',
	packets: 'It was not counted.',
	embedded: 'It was not counted.',
};

/** A part that cannot be told. */
export function untold(why: string): DepthPart {
	return { count: null, source: null, at: null, why };
}

/**
 * Puts a queue's depth together. `held`: what workers said, or why they were not asked. The backlog is `ready + unacked + delayed`;
 * where unacked cannot be told, what workers hold stands in for it (`running unacknowledged + reserved + scheduled`), if all answered.
 * What is acknowledged when it begins and runs now is at work, and no backlog.
 */
export function depthOf(figures: QueueFigures, held: HeldByWorkers | string, delayed: DelayedMessages): QueueDepth {
	const { source, at } = figures;
	const gone = figures.exists ? null : 'The queue is not there.';
	const ready: DepthPart =
		figures.ready === null
			? untold(gone ?? 'The broker does not say how much waits there.')
			: { count: figures.ready, source: SOURCES[source].ready, at, why: null };
	const unacked: DepthPart =
		figures.unacked === null
			? untold(gone ?? NO_UNACKED[source])
			: { count: figures.unacked, source: SOURCES[source].unacked, at, why: null };
	const said = typeof held === 'string' ? null : held;
	const quiet = said === null ? null : silenceOf(said, figures.consumers ?? 0);
	const part = (count: number | undefined): DepthPart =>
		said === null || count === undefined
			? untold(typeof held === 'string' ? held : 'Workers were not asked.')
			: quiet === null
				? { count, source: 'inspect', at: said.at, why: null }
				: untold(quiet);
	const inHands = said === null || quiet !== null ? null : said.runningUnacked + said.reserved + said.scheduled;
	const unclaimed: DepthPart =
		inHands === null || figures.unacked === null || said === null
			? untold(said === null ? (typeof held === 'string' ? held : '') : (quiet ?? NO_UNACKED[source]))
			: { count: Math.max(0, figures.unacked - inHands), source: 'unacked less inspect', at: said.at, why: null };
	return {
		ready,
		unacked,
		running: part(said?.running),
		reserved: part(said?.reserved),
		scheduled: part(said?.scheduled),
		unclaimed,
		delayed,
		backlog: backlogOf(ready, unacked, inHands, delayed),
	};
}

/** Why what workers said is not all; null: it is. Who consumes with remote control switched off answers nothing, and holds messages. */
function silenceOf({ silent, answered }: HeldByWorkers, consumers: number): string | null {
	if (silent.length > 0) return `No answer came from ${silent.join(', ')}.`;
	return answered === 0 && consumers > 0 ? 'Somebody consumes there, and no worker takes remote control.' : null;
}

function backlogOf(ready: DepthPart, unacked: DepthPart, inHands: number | null, delayed: DelayedMessages): Backlog {
	const out = unacked.count ?? inHands;
	const terms = unacked.count === null && inHands !== null ? 'ready + held by workers' : 'ready + unacked';
	const missing = [
		...(ready.count === null ? ['ready'] : []),
		...(out === null ? ['unacked'] : []),
		...(delayed.count === null ? ['delayed'] : []),
	];
	const known = (ready.count ?? 0) + (out ?? 0);
	if (missing.length > 0) {
		const why = [ready.why, out === null ? unacked.why : null, delayed.why].filter((one) => one !== null);
		return {
			count: null,
			atLeast: ready.count === null && out === null ? null : known,
			words: `${terms} + delayed, without ${missing.join(' and ')}: ${why.join(' ')}`,
		};
	}
	const sum = known + (delayed.count ?? 0);
	return { count: sum, atLeast: sum, words: `${terms} + delayed` };
}

/** How long the next message of a queue has waited, in ms; null: it cannot be told. */
export function oldestAge(figures: QueueFigures, now: number): number | null {
	const at = figures.more?.oldestAt ?? null;
	return at === null || figures.ready === 0 ? null : Math.max(0, now - at);
}

/** Queues of the framework's own doings, which hold no tasks of a person's: events, remote control, delays, direct ones. */
export function isPlumbingName(
	name: string,
	{ eventQueuePrefix, controlExchange }: CelerySettings = CELERY_SETTINGS,
): boolean {
	const control = `${controlExchange}.pidbox`;
	return (
		name.startsWith(`${eventQueuePrefix}.`) ||
		name.endsWith(`.${control}`) ||
		/^celery_delayed_\d+$|\.dq2$|^warren\.results\./.test(name)
	);
}
