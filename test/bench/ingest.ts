/**
 * Celery's events into durable history, over RabbitMQ: a burst waits in our queue, and is taken in by the collector with its store. The
 * references are of the same run: the same burst drained by bare amqplib (prefetch and grouped acks, bodies untouched), and
 * better-sqlite3 by itself (one row per event with two indexes, 500 to a transaction).
 *
 *     npm run bench -- ingest [--tasks 10000]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import amqp from 'amqplib';
import Database from 'better-sqlite3';
import { PREFETCH } from '#main/monitor/celery/collector.ts';
import { EVENTS_PER_TASK, publishBurst } from '#test/support/celery/burst.ts';
import { ENGINE_FLAGS } from '#test/support/entry.ts';
import { startRabbit } from '#test/support/rabbitmq.ts';
import type { Collected } from './ingest-collect.ts';
import { machine, rounded } from './machine.ts';

const { values } = parseArgs({ options: { tasks: { type: 'string', default: '10000' } } });
const TASKS = Number(values.tasks);
const EVENTS = TASKS * EVENTS_PER_TASK;
const COLLECT = fileURLToPath(new URL('ingest-collect.ts', import.meta.url));
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

/** The collector with its store, in a process of its own. */
async function collected(): Promise<Collected> {
	const child = spawn(process.execPath, [...ENGINE_FLAGS, COLLECT, server.url, folder, String(TASKS)], {
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	const gone = once(child, 'exit');
	let last = '';
	for await (const line of createInterface({ input: child.stdout })) {
		last = line;
		if (line !== 'listening') continue;
		await burst('celeryev');
		child.stdin.end('go\n');
	}
	const [code] = await gone;
	if (code !== 0) throw new Error(`The process that collects ended with ${code}.`);
	return JSON.parse(last) as Collected;
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
