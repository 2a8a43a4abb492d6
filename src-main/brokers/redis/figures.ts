/** Figures of queues: what waits by the lengths of their lists, what is held by what kombu keeps of it. */

import type { QueueFigures } from '../../domain/queue.ts';
import { ok, type Result } from '../../domain/result.ts';
import type { Bindings } from './bindings.ts';
import { type Binding, isPlumbing, type Keys, route } from './keys.ts';
import type { Link } from './link.ts';
import { lengths } from './lists.ts';
import { HELD } from './scripts.ts';

/** Beyond so many held entries they are not counted: each has to be looked at. */
const MOST_HELD = 20_000;
/** Entries in one step: Redis goes through them with their content. */
const HELD_STEP = 100;

/** Figures of these queues, or of all that are bound when none is named. */
export async function queueFigures(
	link: Link,
	names: readonly string[],
	options: {
		readonly keys: Keys;
		readonly bindings: Bindings;
		/** The exchange of events, whose queues hold no tasks. */
		readonly events: string;
		readonly now: () => number;
	},
): Promise<Result<readonly QueueFigures[]>> {
	const { keys, bindings } = options;
	const all = await bindings.all(link);
	if (!all.ok) return all;
	const bound = new Set(all.value.map((binding) => binding.queue));
	const asked =
		names.length > 0
			? names
			: [
					...new Set(
						all.value.filter((binding) => !isPlumbing(binding, options.events)).map((binding) => binding.queue),
					),
				].sort();
	const distinct = [...new Set(asked)];
	const [waiting, held] = await Promise.all([
		lengths(
			link,
			distinct.flatMap((name) => keys.steps(name)),
		),
		heldByQueue(link, keys, all.value),
	]);
	if (!waiting.ok) return waiting;
	if (!held.ok) return held;
	const at = options.now();
	const figures = new Map<string, QueueFigures>();
	const width = keys.steps('').length;
	for (const [place, name] of distinct.entries()) {
		const byStep = waiting.value.slice(place * width, (place + 1) * width);
		const ready = byStep.reduce((sum, length) => sum + length, 0);
		const holding = held.value?.get(name);
		const unacked = held.value === null ? null : (holding?.count ?? 0);
		const exists = ready > 0 || bound.has(name) || (unacked ?? 0) > 0;
		figures.set(name, {
			name,
			exists,
			ready: exists ? ready : null,
			unacked: exists ? unacked : null,
			consumers: null,
			at,
			source: 'redis',
			more: {
				steps: keys.priorities.map((priority, at) => ({ priority, ready: byStep[at] ?? 0 })),
				...(held.value === null ? {} : { heldSince: holding?.since ?? null }),
			},
		});
	}
	return ok(asked.flatMap((name) => figures.get(name) ?? []));
}

/** What is held of one queue. */
interface Holding {
	readonly count: number;
	/** Since when the oldest of it, epoch ms; null: not written down. */
	readonly since: number | null;
}

/** How many messages of each queue are held by anybody; null: too many to count. */
async function heldByQueue(
	link: Link,
	keys: Keys,
	bindings: readonly Binding[],
): Promise<Result<ReadonlyMap<string, Holding> | null>> {
	const count = await link.bytes(['HLEN', keys.unacked]);
	if (!count.ok) return count;
	if (Number(count.value) > MOST_HELD) return ok(null);
	const counts = new Map<string, Holding>();
	const seen = new Set<string>();
	if (count.value === 0) return ok(counts);
	let cursor = '0';
	do {
		const step = await link.script(HELD, [keys.unacked, keys.index], [cursor, HELD_STEP, 0]);
		if (!step.ok) return step;
		const [next, ...parts] = step.value as readonly (Buffer | number | null)[];
		cursor = String(next);
		for (let at = 0; at + 4 < parts.length; at += 5) {
			const tag = String(parts[at]);
			// A scan may come by an entry twice.
			if (seen.has(tag)) continue;
			seen.add(tag);
			const score = parts[at + 1] ?? null;
			const since = score === null ? Number.POSITIVE_INFINITY : Math.round(Number(String(score)) * 1000);
			for (const queue of queuesOf(String(parts[at + 4]), bindings)) {
				const before = counts.get(queue);
				const earliest = Math.min(before?.since ?? Number.POSITIVE_INFINITY, since);
				counts.set(queue, {
					count: (before?.count ?? 0) + 1,
					since: Number.isFinite(earliest) ? earliest : null,
				});
			}
		}
	} while (cursor !== '0');
	return ok(counts);
}

/** What follows the envelope in a held entry. */
const END = /,\s*("(?:[^"\\]|\\.)*"|null)\s*,\s*("(?:[^"\\]|\\.)*"|null)\s*\]\s*$/;

/** The end of a held entry, from the comma after its envelope on; null: it has none. */
export function endOf(raw: Buffer): string | null {
	return END.exec(raw.subarray(-1024).toString())?.[0] ?? null;
}

/** Where kombu would give a held entry back, by its end: `…, "exchange", "routing key"]`. */
export function queuesOf(end: string, bindings: readonly Binding[]): readonly string[] {
	const found = END.exec(end);
	if (found === null) return [];
	const [exchange, routingKey] = [text(found[1] ?? ''), text(found[2] ?? '')];
	if (routingKey === null || exchange === null) return [];
	if (exchange === '') return [routingKey];
	return route(
		bindings.filter((binding) => binding.exchange === exchange),
		routingKey,
	);
}

function text(literal: string): string | null {
	try {
		const value: unknown = JSON.parse(literal);
		return typeof value === 'string' ? value : value === null ? '' : null;
	} catch {
		// Cut through in the middle, or no JSON at all.
		return null;
	}
}
