/**
 * Which waiting messages a change is about. A review looks through the queue once and freezes their prints; what comes in later, or
 * matches later, has no part in it.
 */
import { randomUUID } from 'node:crypto';
import type { WaitingMessage } from '#main/brokers/waiting.ts';
import { type MessageDialect, messageDialect } from '#main/dialects/messages.ts';
import type { WaitingAction } from '#main/domain/action.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { subjectMatches } from '#main/domain/query-match.ts';
import { parseQueryOf } from '#main/domain/query-parse.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { WaitingReview, WaitingSelection, WaitingView } from '#main/domain/waiting.ts';
import { type ActionTarget, READY_DEADLINE_MS } from './deployment.ts';
import { messageSubject, waitingView } from './waiting-search.ts';

/** The most that one change may cover. */
export const MOST_MESSAGES = 100_000;
/** How long one walk through a queue may take, in ms: well under the half hour that RabbitMQ waits for an acknowledgement. */
export const WALK_MS = 15 * 60_000;
/** Messages between two commits of the journal. */
export const BATCH = 250;

const GOOD_FOR_MS = 10 * 60_000;
const SAMPLE = 20;
/** Up to how many ids are looked for in a message's bytes before it is read. */
const FEW = 16;

/** Packets of a list that are gone through: looking at them changes nothing and costs little. */
const MOST_PACKETS = 2_000_000;

/** How far into a queue a change goes in search of what was frozen. */
export function scanLimitOf({ driver }: ActionTarget): number {
	return driver.packets === undefined ? MOST_MESSAGES * 2 : MOST_PACKETS;
}

/** Frozen messages: how many of each print. Equal prints are messages that nothing tells apart. */
export type Prints = ReadonlyMap<string, number>;

interface Frozen {
	readonly profile: ProfileId;
	readonly queue: string;
	readonly action: WaitingAction;
	readonly prints: Prints;
	readonly takesAll: boolean;
	readonly until: number;
}

export interface WaitingReviews {
	freeze(
		target: ActionTarget,
		action: WaitingAction,
		queue: string,
		what: WaitingSelection,
		signal: AbortSignal,
		scanLimit: number,
	): Promise<Result<WaitingReview>>;
	/** What a review froze; once. `conflict` when it is unknown, used, too old, or was made for something else. */
	take(
		token: string,
		profile: ProfileId,
		action: WaitingAction,
		queue: string,
	): Result<{ readonly prints: Prints; readonly takesAll: boolean }>;
}

type Test = (message: WaitingMessage) => boolean;

/** A test of one message; `invalid-input` when the query does not parse or nothing is asked for where something has to be. */
function testOf({ read, mayBeOf, names }: MessageDialect, what: WaitingSelection, now: number): Result<Test> {
	const tests: Test[] = [];
	if (what.prints !== undefined) {
		const prints = new Set(what.prints);
		tests.push(({ print }) => prints.has(print));
	}
	if (what.ids !== undefined && what.ids.length > 0) {
		const ids = new Set(what.ids);
		// For a few ids it is quicker to look for them in its bytes than to read it; for many it is not.
		const mayBe = ids.size <= FEW ? mayBeOf?.(ids) : undefined;
		tests.push((message) => {
			if (ids.has(message.print)) return true;
			if (mayBe !== undefined && !mayBe(message)) return false;
			const { id } = waitingView(message, read(message));
			return id !== null && ids.has(id);
		});
	}
	if (what.name !== undefined) {
		tests.push((message) => {
			const name = names === undefined ? waitingView(message, read(message)).name : names(message).func;
			return name === what.name;
		});
	}
	if (what.group !== undefined) {
		tests.push((message) => {
			if (names !== undefined) return names(message).group === what.group;
			const known = read(message);
			return known.kind === 'task' && known.queued?.group === what.group;
		});
	}
	if (what.where !== undefined && what.where.trim() !== '') {
		const query = parseQueryOf('messages', what.where, now);
		if (!query.ok) return query;
		tests.push((message) => subjectMatches(query.value, messageSubject(message, read(message))));
	}
	return ok((message) => tests.every((test) => test(message)));
}

/** Why a message is left out of this change; null: it is not. */
function leftOut(action: WaitingAction, view: WaitingView): string | null {
	if (action !== 'replay') return null;
	return view.origin === null ? 'is no dead letter: nothing says where it came from' : null;
}

/** Makes the reviews of one engine; they live in memory and die with it. */
export function createWaitingReviews(now: () => number): WaitingReviews {
	const frozen = new Map<string, Frozen>();

	function forgetOld(): void {
		for (const [token, review] of frozen) if (review.until < now()) frozen.delete(token);
	}

	return {
		async freeze(target, action, queue, what, signal, scanLimit) {
			forgetOld();
			const dialect = messageDialect(target.profile);
			const test = testOf(dialect, what, now());
			if (!test.ok) return test;
			const ready = await target.driver.ready(READY_DEADLINE_MS);
			if (!ready.ok) return ready;
			const prints = new Map<string, number>();
			const sample: WaitingView[] = [];
			const skipped = new Map<string, number>();
			const origins = new Map<string, WaitingReview['origins'][number]>();
			const ids = new Map<string, Set<string>>();
			let count = 0;
			let ambiguous = 0;
			const end = await target.driver.sift(queue, {
				scanLimit,
				deadlineMs: WALK_MS,
				batch: BATCH,
				takesAll: false,
				signal,
				decide: async (batch) => {
					for (const message of batch) {
						if (!test.value(message)) continue;
						const view = waitingView(message, dialect.read(message));
						const reason = leftOut(action, view);
						if (reason !== null) {
							skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
							continue;
						}
						count += 1;
						prints.set(message.print, (prints.get(message.print) ?? 0) + 1);
						if (sample.length < SAMPLE) sample.push(view);
						if (view.id !== null && what.ids !== undefined) {
							ids.set(view.id, (ids.get(view.id) ?? new Set()).add(message.print));
						}
						if (action === 'replay' && view.origin !== null) {
							const { queue: from, exchange, routingKey, others } = view.origin;
							if (others.length > 0) ambiguous += 1;
							const key = JSON.stringify([from, exchange, routingKey]);
							origins.set(key, { queue: from, exchange, routingKey, count: (origins.get(key)?.count ?? 0) + 1 });
						}
					}
					return count > MOST_MESSAGES ? null : batch.map(() => ({ kind: 'leave' }));
				},
				settled: async () => undefined,
			});
			if (!end.ok) return end;
			if (signal.aborted) return fail('cancelled', 'It was cancelled. Nothing was changed.');
			if (count > MOST_MESSAGES) {
				return fail('too-large', `More than ${MOST_MESSAGES} messages match. Narrow the choice, for example by task.`);
			}
			const cost = await target.driver.lookCost(queue);
			if (!cost.ok) return cost;
			const { scanned, ended } = end.value;
			const complete = ended === 'end';
			const warnings: string[] = [];
			if (!complete) {
				warnings.push(
					`Only the first ${scanned} messages of the queue were looked at; those behind them stay as they are.`,
				);
			}
			const unknown = (what.ids ?? []).filter((id) => !prints.has(id) && !ids.has(id)).length;
			if (unknown > 0 && complete) skipped.set('waits here no more, or never did', unknown);
			const twice = [...ids.values()].filter((one) => one.size > 1).length;
			if (twice > 0) warnings.push('Several different messages have one of these ids; all of them are meant.');
			if (ambiguous > 0) {
				warnings.push(
					`${ambiguous} of them died in several queues: they go back to the one they died in last. Look at their headers first.`,
				);
			}
			if (action === 'replay' && [...origins.values()].some(({ exchange }) => exchange !== '')) {
				warnings.push('Through an exchange a message reaches every queue that is bound there for its routing key.');
			}
			const token = randomUUID();
			const everything =
				what.prints === undefined && what.ids === undefined && what.name === undefined && what.group === undefined;
			const takesAll = everything && (what.where ?? '').trim() === '' && skipped.size === 0 && complete;
			frozen.set(token, { profile: target.profile.id, queue, action, prints, takesAll, until: now() + GOOD_FOR_MS });
			return ok({
				token,
				action,
				queue,
				count,
				scanned,
				complete,
				sample,
				skipped: [...skipped].map(([reason, n]) => ({ reason, count: n })),
				origins: [...origins.values()].sort((a, b) => b.count - a.count),
				warnings,
				cost: cost.value,
			});
		},
		take(token, profile, action, queue) {
			forgetOld();
			const review = frozen.get(token);
			if (review === undefined || review.profile !== profile || review.action !== action || review.queue !== queue) {
				return fail('conflict', 'This review is no longer good. Review the messages again and confirm then.');
			}
			frozen.delete(token);
			return ok(review);
		},
	};
}
