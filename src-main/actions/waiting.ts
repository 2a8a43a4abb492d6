/** What is done to waiting messages: taken out, moved, sent back where they died, edited. */
import type { WaitingMessage } from '#main/brokers/waiting.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import { idOfMessage, type OutgoingMessage } from '#main/domain/message.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { deathOrigin, replayed } from './dead-letters.ts';
import type { ActionTarget } from './deployment.ts';
import type { GivenArguments } from './requeue.ts';
import type { Replacement, WaitingChange } from './waiting-change.ts';
import type { Prints } from './waiting-selection.ts';

/** What to change, where. */
export interface Chosen {
	readonly queue: string;
	readonly prints: Prints;
	readonly takesAll: boolean;
}

/** "1 message", "12 messages". */
export function messages(count: number): string {
	return count === 1 ? '1 message' : `${count} messages`;
}

/** Takes messages out; they are kept for an undo. */
export function removal(chosen: Chosen, action: 'remove' | 'purge'): WaitingChange {
	const [verb, route] = action === 'purge' ? ['Purged', 'queue.purge'] : ['Deleted', 'message.delete'];
	return {
		...chosen,
		action,
		route,
		title: (done) => `${verb} ${messages(done)} from ${chosen.queue}`,
		replace: null,
	};
}

/** Moves messages to another queue, by the default exchange: through their own they could reach others as well. */
export function move(chosen: Chosen, to: string): WaitingChange {
	return {
		...chosen,
		action: 'move',
		route: 'queue.move',
		title: (done) => `Moved ${messages(done)} from ${chosen.queue} to ${to}`,
		replace: (message) => ok({ by: toQueue(message, to), queue: to }),
	};
}

/** Sends dead letters back where they came from, each to its own origin. */
export function replay(
	chosen: Chosen,
	options: { readonly straight: boolean; readonly keepDeaths: boolean },
): WaitingChange {
	return {
		...chosen,
		action: 'replay',
		route: 'queue.replay',
		title: (done) => `Replayed ${messages(done)} from ${chosen.queue}`,
		replace: (message) => {
			const origin = deathOrigin(message.properties, message.queue);
			if (origin === null) return fail('invalid-input', 'is no dead letter: nothing says where it came from');
			return ok({ by: replayed(message, origin, options), queue: origin.queue });
		},
	};
}

/** Lays packets aside in a list that no cluster serves, or gives them back from it, last or to run next. */
export function shift(chosen: Chosen, action: 'hold' | 'release', to: string, first: boolean): WaitingChange {
	return {
		...chosen,
		action,
		route: `packet.${action}`,
		title: (done) =>
			action === 'hold'
				? `Held ${packets(done)} of ${chosen.queue} back`
				: `Gave ${packets(done)} back to ${to}${first ? ', to run next' : ''}`,
		replace: (message) => ok({ by: toQueue(message, to), queue: to, ...(first ? { next: true } : {}) }),
	};
}

/** Has packets run next, in the order in which they wait. */
export function next(chosen: Chosen): WaitingChange {
	return {
		...chosen,
		action: 'next',
		route: 'packet.next',
		title: (done) => `Had ${packets(done)} of ${chosen.queue} run next`,
		replace: (message) => ok({ by: toQueue(message, chosen.queue), queue: chosen.queue, next: true }),
	};
}

function packets(count: number): string {
	return count === 1 ? '1 packet' : `${count} packets`;
}

/** What of a message is to be another. Absent: as it is. */
export interface MessageEdit {
	readonly given?: GivenArguments | undefined;
	readonly priority?: number | undefined;
	readonly toQueue?: string | undefined;
}

/** Publishes an edited message in the place of one. */
export function edit(target: ActionTarget, chosen: Chosen, wanted: MessageEdit): WaitingChange {
	return {
		...chosen,
		action: 'edit',
		route: 'message.edit',
		title: (done) => `Edited ${messages(done)} of ${chosen.queue}`,
		replace: (message) => edited(target, message, wanted),
	};
}

function edited(target: ActionTarget, message: WaitingMessage, wanted: MessageEdit): Result<Replacement> {
	const queue = wanted.toQueue ?? message.queue;
	let by: OutgoingMessage = toQueue(message, queue);
	if (wanted.given !== undefined) {
		const id = idOfMessage(message.properties) ?? target.newId();
		const again = messageDialect(target.profile).again(by, { id, now: target.now(), call: wanted.given.call });
		if (!again.ok) return again;
		by = again.value;
	}
	if (wanted.priority !== undefined) by = { ...by, properties: { ...by.properties, priority: wanted.priority } };
	return ok({ by: { ...by, exchange: '', routingKey: queue }, queue });
}

function toQueue({ properties, body }: WaitingMessage, queue: string): OutgoingMessage {
	return { exchange: '', routingKey: queue, properties, body };
}
