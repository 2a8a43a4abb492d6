/**
 * Collects a deployment's events into history: heard, read, folded, committed, and only then settled with the broker. One transaction
 * takes some hundreds of events. A crash at any moment leaves what was not committed with the broker, which hands it out again; what is
 * told twice changes nothing.
 */
import type { HeardMessage, TopicFeed, TopicIntent } from '#main/brokers/topic.ts';
import type { CeleryEvent, ReadEvents } from '#main/dialects/celery/events.ts';
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { MonitorGap, MonitorStatus } from '#main/domain/monitor.ts';
import type { WorkerView } from '#main/domain/worker.ts';
import type { HistoryStore } from '#main/store/store.ts';
import { historyOf } from './fold.ts';
import { gapAtStart, withGap } from './gaps.ts';
import { Intake } from './intake.ts';
import type { MonitorNotes, NotedBad, NotedStatus } from './notes.ts';
import { Roster } from './workers.ts';

/**
 * Events in one transaction while there are so many; a message is never split, so a few more are possible. Many, since what tasks share (a
 * page of an index of random ids, mostly) is then written once for all of them.
 */
const BATCH_EVENTS = 2_000;
/** Messages in one transaction, should they hold nothing of use. */
const BATCH_MESSAGES = 2_000;
/** Messages out at most: a few batches, so that the broker delivers while the store commits. */
export const PREFETCH = 2_000;
/** Batches on their way to the store. */
const AT_ONCE = 3;
const LOOK_MS = 2_000;
const RETRY_MS = 1_000;
/** Unreadable events kept from one look to the next; all are counted. */
const MOST_BAD = 50;

export interface CollectorOptions {
	readonly profile: ProfileId;
	readonly history: Pick<HistoryStore, 'apply'>;
	readonly notes: MonitorNotes;
	readonly clock: Clock;
	readonly log: Log;
	/** How the process that collects is called. */
	readonly holder: string;
	/** Whether the broker goes on collecting while this does not. */
	readonly keeping: boolean;
	readonly feed: (intent: Pick<TopicIntent, 'onMessage' | 'onStart' | 'onTrouble' | 'prefetch'>) => TopicFeed;
	/** A message as events. */
	readonly read: (message: HeardMessage) => ReadEvents;
}

/** Events on their way to the store. */
interface Batch {
	/** How many. */
	readonly events: number;
	readonly messages: readonly HeardMessage[];
	/** They are committed; false: stopped before. */
	readonly done: Promise<boolean>;
}

/** A running collection; disposing of it commits what was read, and leaves the rest with the broker. */
export class Collector implements AsyncDisposable {
	readonly #options: CollectorOptions;
	readonly #intake = new Intake();
	readonly #feed: TopicFeed;
	readonly #roster: Roster;
	readonly #noted: NotedStatus;
	readonly #since: number;
	readonly #listeners = new Set<() => void>();
	#gaps: readonly MonitorGap[];
	#gapCount: number;
	#bad: number;
	/** How many unreadable events may be kept until the next look. */
	#badRoom = MOST_BAD;
	#events = 0;
	#lastEventAt: number | null;
	#trouble: string | null = 'Not connected to the broker yet.';
	/** Waiting in our queue, as last asked. */
	#ready: number | null = null;
	/** Taken and not committed. */
	#open = 0;
	/** Last moment at which everything was heard; null: not since it was last cut off. */
	#caughtUpAt: number | null;
	#until: number | null;
	#ending = false;
	/** A batch was given up at the end: nothing after it is settled. */
	#broken = false;
	#pumping: Promise<void> | null = null;
	#looking: Promise<void> = Promise.resolve();
	#timer: Disposable | null = null;
	#stopped: PromiseWithResolvers<void> = Promise.withResolvers();

	private constructor(options: CollectorOptions, noted: NotedStatus, roster: Roster) {
		this.#options = options;
		this.#noted = noted;
		this.#roster = roster;
		this.#since = options.clock.now();
		this.#gaps = noted.gaps;
		this.#gapCount = noted.gapCount;
		this.#bad = noted.bad;
		this.#lastEventAt = noted.lastEventAt;
		this.#until = noted.until;
		this.#caughtUpAt = noted.until;
		this.#feed = options.feed({
			prefetch: PREFETCH,
			onMessage: (message) => this.#take(message),
			onStart: (start) => {
				const gap = gapAtStart(start, this.#until);
				if (gap !== null) this.#addGap(gap);
				this.#trouble = null;
				this.#until = start.at;
				this.#caughtUpAt = start.at;
				this.#tell();
			},
			onTrouble: (reason) => {
				this.#trouble = reason;
				this.#until = options.clock.now();
				options.log.warn('monitor.trouble', { profile: options.profile, reason });
				this.#tell();
			},
		});
	}

	/** Starts collecting, on top of what was noted before. */
	static async start(options: CollectorOptions): Promise<Collector> {
		const { profile, notes } = options;
		const [noted, workers] = await Promise.all([notes.status(profile), notes.workers(profile)]);
		const collector = new Collector(options, noted, new Roster(profile, workers));
		collector.#feed.connect();
		collector.#again(0);
		return collector;
	}

	status(): MonitorStatus {
		const { holder, keeping } = this.#options;
		return {
			running: true,
			holder,
			since: this.#since,
			until: this.#trouble === null ? this.#options.clock.now() : this.#until,
			connection: this.#feed.state(),
			trouble: this.#trouble,
			events: this.#noted.events + this.#events,
			eventsThisRun: this.#events,
			lastEventAt: this.#lastEventAt,
			behind: this.#behind(),
			bad: this.#bad,
			gaps: this.#gaps,
			gapCount: this.#gapCount,
			keeping,
		};
	}

	workers(): readonly WorkerView[] {
		return this.#roster.views(this.#asOf());
	}

	/** Told when the status may have changed. */
	onChange(listener: () => void): Disposable {
		this.#listeners.add(listener);
		return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#ending = true;
		this.#stopped.resolve();
		this.#timer?.[Symbol.dispose]();
		await this.#pumping;
		await this.#looking;
		this.#until = this.#trouble === null ? this.#options.clock.now() : this.#until;
		await this.#feed[Symbol.asyncDispose]();
		await this.#note();
	}

	#take(message: HeardMessage): void {
		if (!this.#intake.add(message)) return;
		if (this.#pumping === null && !this.#ending) {
			this.#pumping = this.#pump();
		}
	}

	/**
	 * Batches go to the store one behind the other, a few at a time: while one is committed the next is read, and the store is not idle in
	 * between. They are settled in their order, each once it and all before it are committed.
	 */
	async #pump(): Promise<void> {
		// What came in the same breath goes into the same transaction.
		await Promise.resolve();
		const sent: Batch[] = [];
		for (;;) {
			const batch = this.#ending || sent.length >= AT_ONCE ? null : this.#nextBatch();
			if (batch !== null) {
				this.#open += batch.messages.length;
				sent.push(batch);
				continue;
			}
			const oldest = sent.shift();
			if (oldest === undefined) break;
			const done = await oldest.done;
			this.#open -= oldest.messages.length;
			if (done) this.#settle(oldest);
			else this.#broken = true;
		}
		// Not a turn later: what comes from now on is for the next one.
		this.#pumping = null;
	}

	#settle({ events, messages }: Batch): void {
		const last = messages.at(-1);
		if (last === undefined) return;
		// Settling this one would settle an earlier one that was given up.
		if (!this.#broken) this.#feed.settle(last);
		this.#events += events;
		if (events > 0) this.#lastEventAt = last.receivedAt;
		this.#tell();
	}

	#nextBatch(): Batch | null {
		const events: CeleryEvent[] = [];
		const messages: HeardMessage[] = [];
		const bad: NotedBad[] = [];
		while (events.length < BATCH_EVENTS && messages.length < BATCH_MESSAGES) {
			const message = this.#intake.take();
			if (message === null) break;
			messages.push(message);
			for (const event of this.#read(message, bad)) {
				events.push(event);
				this.#roster.hear(event, message.receivedAt);
			}
		}
		const last = messages.at(-1);
		if (last === undefined) return null;
		const done = this.#commit(this.#apply(events, last.receivedAt), messages, bad);
		return { events: events.length, messages, done };
	}

	/** The guard around one message: whatever it holds, the stream goes on. What cannot be read is added to `unread`. */
	#read(message: HeardMessage, unread: NotedBad[]): readonly CeleryEvent[] {
		const read = this.#options.read(message);
		for (const bad of read.bad) {
			this.#bad += 1;
			if (this.#badRoom === 0) continue;
			this.#badRoom -= 1;
			const text = bad.text ?? Buffer.from(message.body.subarray(0, 4_000)).toString('utf8');
			unread.push({
				at: message.receivedAt,
				reason: bad.reason,
				routingKey: message.routingKey,
				text: text.slice(0, 4_000),
				bytes: message.body.byteLength,
			});
		}
		return read.events;
	}

	/** Not async: what it is given is many times as large as the messages it was read from, and none of it may stay while it is written. */
	#apply(events: readonly CeleryEvent[], receivedAt: number): Promise<unknown> {
		const { history, profile } = this.#options;
		return history.apply(historyOf(profile, events, receivedAt));
	}

	/** Commits until it is done: without it nothing may be settled. False: stopped before. */
	async #commit(
		first: Promise<unknown>,
		messages: readonly HeardMessage[],
		bad: readonly NotedBad[],
	): Promise<boolean> {
		const { profile, log, read, notes } = this.#options;
		let writing = first;
		let noted = bad.length === 0;
		for (;;) {
			try {
				await writing;
				if (!noted) await notes.putBad(profile, bad);
				noted = true;
				return true;
			} catch (error) {
				const reason = error instanceof Error ? error.message : String(error);
				log.error('monitor.commit-failed', { profile, messages: messages.length, reason });
				this.#trouble = `Events cannot be kept: ${reason}`;
				this.#tell();
			}
			await this.#wait(RETRY_MS);
			if (this.#ending) return false;
			this.#trouble = null;
			// Read anew: nothing but the messages was held on to.
			const events = messages.flatMap((message) => read(message).events);
			writing = this.#apply(events, messages.at(-1)?.receivedAt ?? 0);
		}
	}

	#wait(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = this.#options.clock.after(ms, resolve);
			void this.#stopped.promise.then(() => {
				timer[Symbol.dispose]();
				resolve();
			});
		});
	}

	#again(ms: number): void {
		this.#timer = this.#options.clock.after(ms, () => {
			this.#looking = this.#look()
				.catch((error: unknown) => {
					this.#options.log.error('monitor.look-failed', { profile: this.#options.profile, reason: String(error) });
				})
				.then(() => {
					if (!this.#ending) this.#again(LOOK_MS);
				});
		});
	}

	/** How far behind we are, and notes for other processes and for later. */
	async #look(): Promise<void> {
		const { clock, profile } = this.#options;
		this.#badRoom = MOST_BAD;
		const refused = this.#intake.takeRefused();
		if (refused > 0) {
			const now = clock.now();
			this.#addGap({
				from: now - LOOK_MS,
				to: now,
				reason: `${refused} messages came faster than they could be kept.`,
			});
		}
		if (this.#trouble === null) {
			const lag = await this.#feed.lag();
			this.#ready = lag.ok ? lag.value : null;
			if (lag.ok && (lag.value ?? 0) === 0) this.#caughtUpAt = clock.now();
		}
		this.#options.log.debug('monitor.look', { profile, behind: this.#behind() });
		await this.#note();
		this.#tell();
	}

	async #note(): Promise<void> {
		const { notes, profile } = this.#options;
		const { running: _running, holder: _holder, ...status } = this.status();
		const workers = this.#roster.takeChanged();
		try {
			await notes.put(profile, { status, caughtUpAt: this.#asOf(), workers });
		} catch (error) {
			this.#roster.unnoted(workers);
			throw error;
		}
	}

	#addGap(gap: MonitorGap): void {
		this.#gaps = withGap(this.#gaps, gap);
		this.#gapCount += 1;
		this.#options.log.warn('monitor.gap', {
			profile: this.#options.profile,
			ms: gap.to - gap.from,
			reason: gap.reason,
		});
	}

	#behind(): number | null {
		const held = this.#intake.size + this.#open;
		return this.#ready === null ? (this.#trouble === null ? held : null) : this.#ready + held;
	}

	/** The moment as of which workers are judged. */
	#asOf(): number {
		const now = this.#options.clock.now();
		const waits = (this.#ready ?? 0) > 0 || this.#trouble !== null;
		return waits ? (this.#caughtUpAt ?? now) : now;
	}

	#tell(): void {
		for (const listener of [...this.#listeners]) listener();
	}
}
