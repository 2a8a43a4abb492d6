/**
 * Results by `rpc://`: Celery's workers send them to the queue that the task's message names (`reply_to`), and to nobody else. Each
 * profile has one such queue for what this home sends. It outlives connections and processes, so that a result which comes while
 * nobody listens waits for the next one who does; a result is settled after history has it.
 */
import { createTopicFeed } from '#main/brokers/connect.ts';
import type { HeardMessage, TopicFeed } from '#main/brokers/topic.ts';
import { readResult } from '#main/dialects/celery/result.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { BadEventView } from '#main/domain/monitor.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { observedResult } from '#main/monitor/celery/result-fold.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { HistoryStore } from '#main/store/store.ts';
import { driverContext } from './deployments.ts';
import { PerProfile } from './per-profile.ts';
import type { Ports } from './ports.ts';

/** How long the queue outlives its last listener, in ms: as long as Celery keeps results by itself (`result_expires`). */
const KEPT_MS = 24 * 3_600_000;
/** How long who wants to send waits for the queue, in ms. */
const READY_MS = 15_000;
const PREFETCH = 200;
/** After history failed to take results, in ms. */
const AGAIN_MS = 1_000;

export interface CeleryReplies extends AsyncDisposable {
	/** The queue to name in messages, once it is there; null: this profile's results do not come that way. */
	queueOf(profile: Profile): Promise<Result<string | null>>;
	/** Takes in what comes, until the engine ends or the profile is edited. Nothing where results do not come that way. */
	listen(profile: Profile): void;
}

interface Live {
	readonly feed: TopicFeed;
	readonly inbox: Inbox;
	/** Resolves once the queue is there. */
	readonly there: PromiseWithResolvers<void>;
	trouble: string | null;
}

/** Keeps the queues of results of one engine. `bad` takes what nobody could read. */
export function createCeleryReplies(
	ports: Ports,
	profiles: Profiles,
	history: HistoryStore,
	bad: (profile: ProfileId, items: readonly BadEventView[], count: number) => Promise<void>,
): CeleryReplies {
	const live = new PerProfile<Live>({
		madeOf: ({ broker, name, secretsAt }) => JSON.stringify([broker, name, secretsAt]),
		make,
		async close({ feed, inbox }) {
			inbox.close();
			await feed[Symbol.asyncDispose]();
			await inbox.idle();
		},
		onCloseFailed: (id, error) => ports.log.warn('results.close-failed', { profile: id, reason: String(error) }),
	});

	function make(profile: Profile): Live {
		const { broker } = profile;
		if (broker.kind !== 'amqp') throw new Error('Results come as messages over AMQP only.');
		const inbox = new Inbox(ports, history, profile.id, {
			settle: (message) => feed.settle(message),
			bad: (items) => bad(profile.id, items, items.length),
		});
		const feed: TopicFeed = createTopicFeed(broker, driverContext(ports, profiles, profile), {
			exchange: '',
			patterns: [],
			queuePrefix: 'warren',
			keep: { name: replyQueue(profile.id), forMs: KEPT_MS },
			prefetch: PREFETCH,
			onMessage: (message) => inbox.take(message),
			onStart: () => {
				entry.trouble = null;
				entry.there.resolve();
			},
			onTrouble: (reason) => {
				entry.trouble = reason;
				// What resolved stays resolved: a durable queue is there although its listener is away.
				ports.log.warn('results.reply-queue', { profile: profile.id, reason });
			},
		});
		const entry: Live = { feed, inbox, there: Promise.withResolvers(), trouble: null };
		feed.connect();
		return entry;
	}

	function liveOf(profile: Profile): Live | null {
		const { broker, framework, results } = profile;
		const here = framework === 'celery' && results?.kind === 'rpc' && broker.kind === 'amqp';
		return here ? live.of(profile) : null;
	}

	return {
		async queueOf(profile) {
			const entry = liveOf(profile);
			if (entry === null) return ok(null);
			const late = Promise.withResolvers<'late'>();
			using _timer = ports.clock.after(READY_MS, () => late.resolve('late'));
			const came = await Promise.race([entry.there.promise, late.promise]);
			if (came !== 'late') return ok(replyQueue(profile.id));
			const why = entry.trouble ?? 'The broker did not answer in time.';
			return fail(
				'unreachable',
				`The queue for results could not be set up: ${why} Nothing was sent. Without results it can be: profile edit ${profile.name} --results ''`,
				{ retryable: true, details: { outcome: 'not-sent' } },
			);
		},
		listen(profile) {
			liveOf(profile);
		},
		[Symbol.asyncDispose]: () => live[Symbol.asyncDispose](),
	};
}

/** The queue for results of what this home sends; a profile's id is no other home's. */
export function replyQueue(id: ProfileId): string {
	return `warren.results.${id}`;
}

/** Where read results end, and unreadable ones. */
interface Destination {
	settle(message: HeardMessage): void;
	bad(items: readonly BadEventView[]): Promise<void>;
}

/** Results on their way into history, in their order, settled once they are there. */
class Inbox {
	readonly #ports: Pick<Ports, 'clock' | 'log'>;
	readonly #history: HistoryStore;
	readonly #profile: ProfileId;
	readonly #to: Destination;
	#waiting: HeardMessage[] = [];
	#work: Promise<void> | null = null;
	#closed = false;

	constructor(ports: Pick<Ports, 'clock' | 'log'>, history: HistoryStore, profile: ProfileId, to: Destination) {
		this.#ports = ports;
		this.#history = history;
		this.#profile = profile;
		this.#to = to;
	}

	take(message: HeardMessage): void {
		this.#waiting.push(message);
		this.#work ??= this.#run();
	}

	/** What is not settled yet stays in the queue, for the next one who listens. */
	close(): void {
		this.#closed = true;
	}

	async idle(): Promise<void> {
		await this.#work;
	}

	async #run(): Promise<void> {
		while (this.#waiting.length > 0 && !this.#closed) {
			const batch = this.#waiting;
			this.#waiting = [];
			try {
				await this.#keep(batch);
			} catch (error) {
				this.#ports.log.error('results.not-kept', { profile: this.#profile, reason: String(error) });
				this.#waiting = [...batch, ...this.#waiting];
				await new Promise<void>((resolve) => void this.#ports.clock.after(AGAIN_MS, resolve));
				continue;
			}
			const last = batch.at(-1);
			if (last !== undefined) this.#to.settle(last);
		}
		// Not a turn later: what comes from now on is for the next run.
		this.#work = null;
	}

	async #keep(batch: readonly HeardMessage[]): Promise<void> {
		const ops: HistoryOp[] = [];
		const unread: BadEventView[] = [];
		for (const message of batch) {
			const result = readResult(message.body, '');
			if (!result.ok) {
				unread.push(badResult(message, result.error.message));
				continue;
			}
			const op = observedResult(this.#profile, result.value, message.receivedAt);
			// What this home sent it knows; it may have been forgotten since, and a nameless task helps nobody.
			const known = op !== null && (await this.#history.taskOfMessage(this.#profile, result.value.id)) !== null;
			if (op !== null && known) ops.push(op);
		}
		if (ops.length > 0) await this.#history.apply(ops);
		if (unread.length > 0) await this.#to.bad(unread);
	}
}

function badResult(message: HeardMessage, reason: string): BadEventView {
	return {
		at: message.receivedAt,
		reason: `A result: ${reason}`,
		routingKey: message.routingKey,
		text: Buffer.from(message.body.subarray(0, 4_000)).toString('utf8'),
		bytes: message.body.byteLength,
	};
}
