/**
 * Events into facts of history. What belongs to one task goes in one operation, so that a burst, in which the events of a task travel
 * close together, is written once per task and not once per event. Nothing is remembered between batches: what was told before is
 * in the store, and times are taken as they are, since an event's timestamp is epoch time whatever its sender's zone.
 */
import { observedCall, type ToldCall } from '#main/dialects/celery/event-call.ts';
import type { CeleryEvent } from '#main/dialects/celery/events.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { TaskFact } from '#main/domain/observed.ts';
import type { HistoryOp } from '#main/domain/task.ts';

interface Gathered {
	readonly facts: TaskFact[];
	call: ToldCall | null;
}

/** One operation per task, in the order in which tasks are first told of. `receivedAt` in epoch ms, by our clock. */
export function historyOf(
	profile: ProfileId,
	events: readonly CeleryEvent[],
	receivedAt: number,
): readonly HistoryOp[] {
	const byTask = new Map<string, Gathered>();
	for (const event of events) {
		if (event.group !== 'task') continue;
		let gathered = byTask.get(event.uuid);
		if (gathered === undefined) {
			gathered = { facts: [], call: null };
			byTask.set(event.uuid, gathered);
		}
		gathered.facts.push(event.fact);
		if (event.call !== null) gathered.call = gathered.call === null ? event.call : preferred(gathered.call, event.call);
	}
	return [...byTask].map(([key, { facts, call }]) => ({
		kind: 'observed',
		profile,
		at: receivedAt,
		key,
		facts,
		call: call === null ? null : observedCall(call),
	}));
}

/** Of two tellings the one that says more, then the earlier one; whichever came first. */
function preferred(one: ToldCall, other: ToldCall): ToldCall {
	const says = (call: ToldCall) => (call.name === null ? 2 : 0) + (call.argsText === null ? 1 : 0);
	return (says(one) - says(other) || one.retries - other.retries || one.at - other.at) <= 0 ? one : other;
}
