/**
 * Decisions about messages in quarantine. What goes out is published and confirmed first and written down as settled after, so
 * that a crash in between leaves a message in both places rather than in none. What was decided stays on record with its bytes.
 */
import { encodeCarrot } from '#main/dialects/carrot/encode.ts';
import type { FieldTable, MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import type { QuarantineItem, QuarantineState } from '#main/domain/quarantine.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { CallArguments } from '#main/domain/value.ts';
import type { QuarantineStore } from '#main/store/store.ts';
import { type ActionTarget, READY_DEADLINE_MS } from './deployment.ts';

export type QuarantineAction = 'release' | 'send' | 'discard' | 'restore';

/** What is to be done. */
export type QuarantineOrder =
	/** Back to the queue it came from, byte for byte. */
	| { readonly action: 'release' }
	/** To a queue, mended. */
	| { readonly action: 'send'; readonly queue: string; readonly mend: Mend }
	| { readonly action: 'discard' }
	/** Hold a discarded one again. */
	| { readonly action: 'restore' };

/** Nulls leave that part as it is. */
export interface Mend {
	/** Named in the dialect's header. */
	readonly task: string | null;
	/** A whole call as the body, written as the dialect has it. */
	readonly call: CallArguments | null;
	/** Another body, as it is. */
	readonly body: Uint8Array | null;
	/** Headers to set, as texts. */
	readonly headers: Readonly<Record<string, string>>;
}

export const NO_MEND: Mend = { task: null, call: null, body: null, headers: {} };

export interface QuarantineStep {
	readonly id: number;
	readonly outcome: 'done' | 'failed' | 'skipped';
	readonly reason: string | null;
	/** Where it went, or would go. */
	readonly queue: string | null;
}

const FROM: Readonly<Record<QuarantineAction, QuarantineState>> = {
	release: 'held',
	send: 'held',
	discard: 'held',
	restore: 'discarded',
};
const TO: Readonly<Record<QuarantineAction, QuarantineState>> = {
	release: 'released',
	send: 'sent',
	discard: 'discarded',
	restore: 'held',
};
const PAST: Readonly<Record<QuarantineAction, string>> = {
	release: 'Released',
	send: 'Sent on',
	discard: 'Discarded',
	restore: 'Held again',
};

/** Carries an order out on these messages, in their order; stops early when `signal` says so. */
export async function settleQuarantine(
	target: ActionTarget,
	quarantine: QuarantineStore,
	ids: readonly number[],
	order: QuarantineOrder,
	options: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<Result<readonly QuarantineStep[]>> {
	const { action } = order;
	const publishes = action === 'release' || action === 'send';
	if (publishes && !options.dryRun) {
		const ready = await target.driver.ready(READY_DEADLINE_MS);
		if (!ready.ok) return ready;
	}
	const steps: QuarantineStep[] = [];
	for (const id of ids) {
		if (options.signal.aborted) break;
		steps.push(await settleOne(target, quarantine, id, order, options.dryRun));
	}
	const done = steps.filter((step) => step.outcome === 'done');
	if (done.length > 0 && !options.dryRun) {
		await target.records.journal({
			at: target.now(),
			profile: target.profile.id,
			action: `quarantine.${action}`,
			title: `${PAST[action]} ${done.length === 1 ? '1 message' : `${done.length} messages`} of quarantine`,
			before: JSON.stringify({ from: FROM[action], items: done.map(({ id, queue }) => ({ id, queue })) }),
		});
	}
	return ok(steps);
}

async function settleOne(
	target: ActionTarget,
	quarantine: QuarantineStore,
	id: number,
	order: QuarantineOrder,
	dryRun: boolean,
): Promise<QuarantineStep> {
	const { action } = order;
	const kept = await quarantine.get(target.profile.id, id);
	if (kept === null) return { id, outcome: 'skipped', reason: 'is not in quarantine', queue: null };
	const skip = (reason: string): QuarantineStep => ({ id, outcome: 'skipped', reason, queue: null });
	if (kept.item.state !== FROM[action]) return skip(stateWords(kept.item));
	const outgoing = outgoingOf(target, kept, order);
	if (!outgoing.ok) return { id, outcome: 'failed', reason: outgoing.error.message, queue: null };
	const queue = outgoing.value?.routingKey ?? null;
	if (dryRun) return { id, outcome: 'done', reason: null, queue };
	if (outgoing.value !== null) {
		const published = await target.driver.publish(outgoing.value);
		if (!published.ok) return { id, outcome: 'failed', reason: published.error.message, queue };
	}
	const settlement = { from: FROM[action], to: TO[action], at: target.now(), queue };
	const settled = await quarantine.settle(target.profile.id, [id], settlement);
	if (settled.length === 1) return { id, outcome: 'done', reason: null, queue };
	// Somebody decided in the same moment; what was published is out, and that has to be said.
	const reason =
		outgoing.value === null ? 'was decided meanwhile' : `went to ${queue}, but was decided otherwise meanwhile`;
	return { id, outcome: outgoing.value === null ? 'skipped' : 'done', reason, queue };
}

function stateWords(item: QuarantineItem): string {
	switch (item.state) {
		case 'held':
			return 'is held already';
		case 'released':
			return `went back to ${item.settledTo ?? 'its queue'} already`;
		case 'sent':
			return `was sent to ${item.settledTo ?? 'a queue'} already`;
		case 'discarded':
			return 'was discarded; restore it first';
	}
}

/** The message to publish; null where nothing is. */
function outgoingOf(
	target: ActionTarget,
	kept: { readonly item: QuarantineItem; readonly message: OutgoingMessage },
	order: QuarantineOrder,
): Result<OutgoingMessage | null> {
	switch (order.action) {
		case 'discard':
		case 'restore':
			return ok(null);
		case 'release':
			// To its queue alone, by the default exchange: through its first exchange it could reach other queues as well.
			return ok({ ...kept.message, exchange: '', routingKey: kept.item.queue });
		case 'send': {
			const mended = mend(target, kept.message, order.mend);
			return mended.ok ? ok({ ...mended.value, exchange: '', routingKey: order.queue }) : mended;
		}
	}
}

/** A message with some of its parts replaced. It keeps its message id, by which a site's own row is found; one without gets one. */
function mend(target: ActionTarget, message: OutgoingMessage, change: Mend): Result<OutgoingMessage> {
	const { dialect } = target.profile;
	const headers = setHeaders(message.properties.headers, {
		...change.headers,
		...(change.task === null ? {} : { [dialect.typeHeader]: change.task }),
	});
	const messageId = message.properties.messageId || target.newId();
	const properties: MessageProperties = {
		...message.properties,
		...(headers === undefined ? {} : { headers }),
		messageId,
	};
	if (change.call !== null && change.body !== null) {
		return fail('invalid-input', 'Give either arguments or a whole body, not both.');
	}
	if (change.body !== null) return ok({ ...message, properties, body: change.body });
	if (change.call === null) return ok({ ...message, properties });
	const named = headers?.find(([name]) => name === dialect.typeHeader)?.[1];
	const name = named?.type === 'longstr' ? named.text : '';
	if (name === '') return fail('invalid-input', 'The message names no task. Give one with --task.');
	const encoded = encodeCarrot(
		{ name, call: change.call, queue: message.routingKey, priority: properties.priority ?? null, messageId },
		dialect,
	);
	return encoded.ok ? ok({ ...message, properties, body: encoded.value.body }) : encoded;
}

function setHeaders(before: FieldTable | undefined, changes: Readonly<Record<string, string>>): FieldTable | undefined {
	const names = Object.keys(changes);
	if (names.length === 0) return before;
	const kept = (before ?? []).filter(([name]) => !Object.hasOwn(changes, name));
	return [...kept, ...names.map((name) => [name, { type: 'longstr', text: changes[name] as string }] as const)];
}
