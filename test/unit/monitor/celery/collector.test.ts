/**
 * A collector between a broker that hands messages out again until they are settled, and a history that now and again cannot be written,
 * by a clock that a test moves: nothing is settled before it is committed, and in the end everything is. What goes wrong names its seed.
 */
import { expect, it } from 'vitest';
import type { HeardMessage, TopicFeed } from '#main/brokers/topic.ts';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { ok } from '#main/domain/result.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { Collector, type CollectorOptions } from '#main/monitor/celery/collector.ts';
import { type MonitorNotes, monitorNotes, type NotedBad } from '#main/monitor/celery/notes.ts';
import { readHeard } from '#main/monitor/celery/reading.ts';
import type { WorkerRecord } from '#main/monitor/celery/workers.ts';
import { celeryBody } from '#test/support/celery/events.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';

const PROFILE = profileId('shop');
const SEEDS = process.env.WARREN_LONG === undefined ? 100 : 2_000;
const MESSAGES = 400;

/** A durable queue with one listener: messages by number, oldest first. */
class Broker {
	/** Not handed out. */
	waiting: number[] = [];
	/** Handed out to the listener and not settled. */
	out: { readonly id: number; readonly message: HeardMessage }[] = [];
	readonly settled = new Set<number>();
	#session: { readonly intent: Parameters<CollectorOptions['feed']>[0]; connected: boolean } | null = null;
	readonly #clock: ManualClock;
	readonly #bodyOf: (id: number) => Uint8Array;

	constructor(clock: ManualClock, bodyOf: (id: number) => Uint8Array) {
		this.#clock = clock;
		this.#bodyOf = bodyOf;
	}

	feed(intent: Parameters<CollectorOptions['feed']>[0]): TopicFeed {
		const session = { intent, connected: false };
		return {
			connect: () => {
				this.#session = session;
				this.#start();
			},
			state: () => ({ kind: 'connected', since: 0, server: null }),
			onState: () => ({ [Symbol.dispose]: () => {} }),
			lag: async () => ok(this.waiting.length),
			settle: (message) => {
				const last = this.out.findIndex((one) => one.message === message);
				if (this.#session !== session || last < 0) return;
				for (const { id } of this.out.splice(0, last + 1)) this.settled.add(id);
				this.deliver();
			},
			[Symbol.asyncDispose]: async () => this.#leave(session),
		};
	}

	/** Hands out what waits, as far as the listener takes it. */
	deliver(): void {
		const session = this.#session;
		if (session?.connected !== true) return;
		while (this.waiting.length > 0 && this.out.length < session.intent.prefetch) {
			const id = this.waiting.shift() as number;
			const message = {
				routingKey: 'task.sent',
				contentType: 'application/json',
				body: this.#bodyOf(id),
				receivedAt: this.#clock.now(),
			};
			this.out.push({ id, message });
			session.intent.onMessage(message);
		}
	}

	/** The connection is lost, and comes back in so long. */
	cut(ms: number): void {
		const session = this.#session;
		if (session?.connected !== true) return;
		session.connected = false;
		this.#giveBack();
		session.intent.onTrouble('The connection was lost.');
		this.#clock.after(ms, () => {
			if (this.#session === session) this.#start();
		});
	}

	/** The listener's process dies. */
	abandon(): void {
		this.#session = null;
		this.#giveBack();
	}

	#leave(session: object): void {
		if (this.#session === session) this.abandon();
	}

	#start(): void {
		const session = this.#session;
		if (session === null || session.connected) return;
		session.connected = true;
		session.intent.onStart({ at: this.#clock.now(), complete: true, lostAt: null, reason: null });
		this.deliver();
	}

	#giveBack(): void {
		this.waiting = [...this.out.map(({ id }) => id), ...this.waiting];
		this.out = [];
	}
}

/** What went wrong in one run, in words. */
async function run(seed: number): Promise<readonly string[]> {
	const random = randomFrom(seed);
	const time = manualClock();
	const faults: string[] = [];
	const isBad = (id: number) => id % 37 === 0;
	const isBeat = (id: number) => id % 5 === 0;
	const isTask = (id: number) => !isBad(id) && !isBeat(id);
	const body = (id: number) => {
		if (isBad(id)) return Buffer.from(`no event ${id}`);
		const told = { at: time.now(), host: `w${id % 3}@h` };
		if (isBeat(id)) return celeryBody({ type: 'worker-heartbeat', freq: 2, active: 1, processed: id, ...told });
		return celeryBody({ type: 'task-received', uuid: `task-${id}`, ...told });
	};
	const broker = new Broker(time, body);
	const committed = new Set<string>();
	let full = 0;
	let slow = 0;
	/** How a disk that is full, or slow, answers: before or after it has written. */
	const trouble = async (life: { readonly over: boolean }, write: () => void): Promise<void> => {
		if (random() < slow) await new Promise<void>((resolve) => void time.after(random() * 3_000, resolve));
		if (life.over) return new Promise(() => {});
		const [before, after] = [random() < full, random() < full];
		if (!before) write();
		if (before || after) throw new Error('database or disk is full');
	};
	const bad: NotedBad[] = [];
	const workers = new Map<string, WorkerRecord>();
	const nothing = monitorNotes({ list: async () => [] } as never);
	const notesOf = (life: { readonly over: boolean }): MonitorNotes => ({
		...nothing,
		workers: async () => [...workers.values()],
		putBad: (_profile, items) => trouble(life, () => void bad.push(...items)),
		put: (_profile, noted) =>
			trouble(life, () => {
				for (const worker of noted.workers) workers.set(worker.name, worker);
			}),
	});
	const historyOf = (life: { readonly over: boolean }) => ({
		apply: async (ops: readonly HistoryOp[]) => {
			await trouble(life, () => {
				for (const op of ops) if (op.kind === 'observed') committed.add(op.key);
			});
			return [];
		},
	});
	/** Ends with the process that collects: what it still does then reaches nobody. */
	let life = { over: false };
	const begin = () => {
		life = { over: false };
		return Collector.start({
			profile: PROFILE,
			history: historyOf(life) as never,
			notes: notesOf(life),
			clock: time,
			log: silentLog,
			holder: 'here',
			keeping: true,
			feed: (intent) => broker.feed(intent),
			read: (message) => readHeard('amqp', message),
		});
	};
	const look = () => {
		for (const id of broker.settled) {
			if (isTask(id) && !committed.has(`task-${id}`)) faults.push(`seed ${seed}: ${id} was settled and is not kept`);
		}
	};
	let collector = await begin();
	for (let sent = 0; sent < MESSAGES; ) {
		const more = Math.min(MESSAGES - sent, Math.ceil(random() ** 3 * 80));
		for (let at = 0; at < more; at += 1) broker.waiting.push(sent + at);
		sent += more;
		broker.deliver();
		await time.advance(Math.round(random() * 400));
		look();
		const dice = random();
		if (dice < 0.25) [full, slow] = [random() < 0.5 ? 0 : random(), random() < 0.5 ? 0 : random()];
		else if (dice < 0.5) [full, slow] = [0, 0];
		else if (dice < 0.65) broker.cut(random() * 2_000);
		else if (dice < 0.75) {
			life.over = true;
			broker.abandon();
			collector = await begin();
		} else if (dice < 0.85) {
			let over = false;
			void collector[Symbol.asyncDispose]()
				.catch(() => {})
				.then(() => {
					over = true;
				});
			while (!over) await time.advance(500);
			look();
			collector = await begin();
		}
	}
	// Nothing more comes that could make up for what is lost now.
	[full, slow] = [0.5, 0];
	await time.advance(5_000);
	[full, slow] = [0, 0];
	await time.advance(15_000);
	look();
	if (collector.workers().length === 0) faults.push(`seed ${seed}: no worker is known`);
	const left = Array.from({ length: MESSAGES }, (_, id) => id).filter((id) => !broker.settled.has(id));
	if (left.length > 0) faults.push(`seed ${seed}: ${left.length} were never settled, ${left[0]} the first`);
	if (collector.status().behind !== 0) faults.push(`seed ${seed}: says it is ${collector.status().behind} behind`);
	for (const { name, heardAt } of collector.workers()) {
		const known = workers.get(name)?.heardAt;
		if (known !== heardAt) faults.push(`seed ${seed}: ${name} was heard at ${heardAt}, noted is ${known}`);
	}
	const noted = new Set(bad.map((one) => one.text));
	const unread = Array.from({ length: MESSAGES }, (_, id) => id).filter(isBad);
	const unnoted = unread.filter((id) => !noted.has(`no event ${id}`));
	if (unnoted.length > 0) faults.push(`seed ${seed}: unreadable and never noted: ${unnoted.join(', ')}`);
	return faults;
}

it('settles nothing that is not kept, and keeps everything, whatever breaks in between', async () => {
	const faults: string[] = [];
	for (let seed = 1; seed <= SEEDS; seed += 1) faults.push(...(await run(seed)));
	expect(faults).toEqual([]);
}, 600_000);
