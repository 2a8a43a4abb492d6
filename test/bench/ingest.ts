/**
 * Celery's events into durable history, over RabbitMQ: a burst waits in our queue, and is taken in by the collector with its store. The
 * references are of the same run: the same burst drained by bare amqplib (prefetch and grouped acks, bodies untouched), and
 * better-sqlite3 by itself (one row per event with two indexes, 500 to a transaction).
 *
 *     npm run bench -- ingest [--tasks 10000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import amqp from 'amqplib';
import Database from 'better-sqlite3';
import { createTopicFeed } from '#main/brokers/connect.ts';
import { systemClock } from '#main/domain/clock.ts';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { Collector, PREFETCH } from '#main/monitor/celery/collector.ts';
import { monitorNotes } from '#main/monitor/celery/notes.ts';
import { readHeard } from '#main/monitor/celery/reading.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { openStore } from '#main/store/client.ts';
import { must } from '#test/support/brokers.ts';
import { EVENTS_PER_TASK, publishBurst } from '#test/support/celery/burst.ts';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';
import { machine, rounded } from './machine.ts';
import { threadTimes } from './processor-time.ts';

const { values } = parseArgs({ options: { tasks: { type: 'string', default: '10000' } } });
const TASKS = Number(values.tasks);
const EVENTS = TASKS * EVENTS_PER_TASK;
const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const PROFILE = profileId('bench');
const folder = mkdtempSync(join(tmpdir(), 'warren-bench-events-'));
const server = await startRabbit({ config: ['max_message_size = 33554432'] });

/** The burst: singles from clients, and batches of 24 from the workers. */
async function burst(exchange: string): Promise<void> {
	const connection = await amqp.connect(server.url);
	const channel = await connection.createConfirmChannel();
	await publishBurst({ channel, exchange, from: 0, to: TASKS, idOf: () => crypto.randomUUID() });
	await connection.close();
}

async function rawDrain(): Promise<number> {
	const connection = await amqp.connect(server.url);
	const channel = await connection.createChannel();
	await channel.assertExchange('celeryev', 'topic', { durable: true });
	await channel.assertQueue('drain', { durable: true });
	await channel.bindQueue('drain', 'celeryev', '#');
	await burst('celeryev');
	const { messageCount } = await channel.checkQueue('drain');
	await channel.prefetch(PREFETCH);
	const done = Promise.withResolvers<void>();
	let seen = 0;
	const started = performance.now();
	await channel.consume('drain', (message) => {
		if (message === null) return;
		seen += 1;
		if (seen % 100 === 0 || seen === messageCount) channel.ack(message, true);
		if (seen === messageCount) done.resolve();
	});
	await done.promise;
	const rate = EVENTS / ((performance.now() - started) / 1_000);
	await channel.deleteQueue('drain');
	await connection.close();
	return rate;
}

function rawInsert(): number {
	const db = new Database(join(folder, 'raw.db'));
	db.pragma('journal_mode = WAL');
	db.pragma('synchronous = NORMAL');
	db.exec(
		'CREATE TABLE rows (id TEXT, at INTEGER, body TEXT) STRICT; CREATE INDEX by_id ON rows (id); CREATE INDEX by_at ON rows (at)',
	);
	const insert = db.prepare('INSERT INTO rows VALUES (?, ?, ?)');
	const body = JSON.stringify({
		type: 'task-succeeded',
		hostname: 'w1@shop',
		pid: 1,
		clock: 1,
		result: "{'ok': True}",
		runtime: 0.001,
	});
	const many = db.transaction((from: number) => {
		for (let at = from; at < from + 500; at += 1) insert.run(crypto.randomUUID(), at, body);
	});
	const started = performance.now();
	for (let from = 0; from < EVENTS; from += 500) many(from);
	const rate = EVENTS / ((performance.now() - started) / 1_000);
	db.close();
	return rate;
}

interface Collected {
	readonly rate: number;
	readonly lost: number;
	readonly rssMiB: number;
	/** Processor time per event in microseconds, by thread; null off Linux. */
	readonly threads: Readonly<Record<string, number>> | null;
}

async function collected(): Promise<Collected> {
	const opened = await openStore({ home: join(folder, 'home'), thread: THREAD, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	await using store = opened.value;
	const { address, password } = must(parseBroker(server.url));
	if (address.kind === 'embedded') throw new Error('The server has no address.');
	const context = {
		folder,
		password: async () => password,
		clock: systemClock,
		log: silentLog,
		embeddedThread: THREAD,
		clientName: 'bench',
	};
	const start = () =>
		Collector.start({
			profile: PROFILE,
			history: store.history,
			notes: monitorNotes(store.watching),
			clock: systemClock,
			log: silentLog,
			holder: 'bench',
			keeping: true,
			feed: (intent) =>
				createTopicFeed(address, context, {
					...intent,
					exchange: 'celeryev',
					queuePrefix: 'celeryev',
					patterns: ['#'],
					keep: { name: 'bench', forMs: 600_000 },
				}),
			read: (message) => readHeard('amqp', message),
		});
	{
		await using first = await start();
		await waitFor('the queue to be there', () => first.status().trouble === null);
	}
	await burst('celeryev');
	const before = threadTimes();
	const started = performance.now();
	await using collector = await start();
	await waitFor('all to be taken', () => collector.status().eventsThisRun >= EVENTS, 600_000);
	const rate = EVENTS / ((performance.now() - started) / 1_000);
	const after = threadTimes();
	const counts = await store.history.counts(PROFILE);
	return {
		rate,
		threads: before === null || after === null ? null : perEvent(before, after),
		lost: TASKS - counts.succeeded - counts.failed,
		rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
	};
}

function perEvent(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
	const spent = Object.entries(after).map(([name, time]): [string, number] => [
		name,
		rounded((time - (before[name] ?? 0)) / EVENTS),
	]);
	return Object.fromEntries(spent.filter(([, time]) => time >= 0.1).sort(([, a], [, b]) => b - a));
}

try {
	const drain = await rawDrain();
	const insert = rawInsert();
	const own = await collected();
	const reference = Math.min(drain, insert);
	console.error(
		`events per second: ${Math.round(own.rate)} into history; ${Math.round(drain)} drained, ${Math.round(insert)} inserted bare; processor ${JSON.stringify(own.threads)} us/event`,
	);
	console.log(
		JSON.stringify({
			bench: 'ingest',
			events: EVENTS,
			eventsPerSecond: Math.round(own.rate),
			tasksLost: own.lost,
			rssMiB: own.rssMiB,
			threadMicrosecondsPerEvent: own.threads,
			reference:
				'the smaller of bare amqplib draining the same burst and bare better-sqlite3 inserting a row with two indexes per event',
			drainPerSecond: Math.round(drain),
			insertPerSecond: Math.round(insert),
			ratio: rounded(own.rate / reference),
			machine: machine(),
		}),
	);
} finally {
	await server.stop();
	rmSync(folder, { recursive: true, force: true });
}
