/**
 * No-op tasks through a real RabbitMQ: Warren's consumer with the Node and the Python runner, history and all, against raw amqplib
 * clients that only take and acknowledge, and against Celery's prefork worker where Celery is installed. Every figure is tasks per
 * second on one machine; the ratios of one run are what counts.
 *
 *     node test/bench/consumer.ts [--tasks 20000] [--concurrency 2] [--rounds 2] [--queue plain|carrot]
 *
 * What keeps it fair: all drain durable queues of the same kind with persistent messages of the same arguments, each has a warm-up
 * on the same queue before it is measured, the broker is at rest when each begins, and every other round goes in the opposite order.
 * `plain` is a durable queue without arguments, as Celery declares its own; `carrot` one with `x-max-priority` 255, as django-carrot
 * declares its own, where the broker's own work outweighs that of its clients.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect } from 'amqplib';
import { createDriver } from '#main/brokers/connect.ts';
import { startChildRunner } from '#main/consumer/child-runner.ts';
import { createConsumerSet } from '#main/consumer/consumer-set.ts';
import { decodeCarrot } from '#main/dialects/carrot/decode.ts';
import { systemClock } from '#main/domain/clock.ts';
import type { RunnerSpec } from '#main/domain/consumer.ts';
import { consumerSetId, profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import { risingId } from '#main/domain/rising-id.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { openStore } from '#main/store/client.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';
import { celery, celeryVersion, PYTHON } from './consumer-celery.ts';
import { machine, rounded } from './machine.ts';
import { processorTime, processorTimeOf, threadTimes } from './processor-time.ts';

const RESOURCES = fileURLToPath(new URL('../../resources', import.meta.url));
const STORE_THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const EMBEDDED_THREAD = new URL('../../src-main/brokers/embedded/thread.ts', import.meta.url);
/** Messages that a raw client holds where it may hold many. */
const RAW_PREFETCH = 250;

const { values } = parseArgs({
	options: {
		tasks: { type: 'string', default: '20000' },
		concurrency: { type: 'string', default: '2' },
		rounds: { type: 'string', default: '2' },
		queue: { type: 'string', default: 'plain' },
		only: { type: 'string' },
	},
});
const TASKS = Number(values.tasks);
const CONCURRENCY = Number(values.concurrency);
/** Long enough for a compiler that learns while it works, and the same for all. */
const WARM_UP = Math.max(5000, Math.ceil(TASKS / 10));
const MAX_PRIORITY = values.queue === 'carrot' ? 255 : null;

/** Puts carrot messages into a fresh queue, and waits until the broker is done with them. */
async function fill(url: string, queue: string, count: number): Promise<void> {
	const connection = await connect(url, { noDelay: true });
	const channel = await connection.createConfirmChannel();
	const declared = MAX_PRIORITY === null ? {} : { arguments: { 'x-max-priority': MAX_PRIORITY } };
	await channel.assertQueue(queue, { durable: true, ...declared });
	const body = Buffer.from('{"args": [1, 2], "kwargs": {"x": "y"}}');
	for (let sent = 0; sent < count; sent += 1) {
		channel.sendToQueue(queue, body, {
			headers: { type: 'noop.noop' },
			contentType: 'application/json',
			persistent: true,
			messageId: randomUUID(),
			type: CARROT_DIALECT.messageType,
		});
	}
	await channel.waitForConfirms();
	await connection.close();
}

interface Figures {
	readonly perSecond: number;
	/** Processor time per task in microseconds: of this process or Celery's, of the runners, of the broker; null where unknown. */
	readonly cpu: Readonly<Record<'own' | 'runners' | 'broker', number | null>>;
	/** The same of this process's threads by name, of those that took part; only of Warren. */
	readonly threads?: Readonly<Record<string, number>>;
}

type Measured = (broker: () => number | null) => Promise<Figures>;

/** A client that is handed messages, at most `prefetch` unacknowledged, and acknowledges each. */
function raw(url: string, prefetch: number): Measured {
	return async (broker) => {
		const queue = `raw-${randomUUID()}`;
		await fill(url, queue, TASKS + WARM_UP);
		const connection = await connect(url, { noDelay: true });
		const channel = await connection.createChannel();
		await channel.prefetch(prefetch);
		const from = Promise.withResolvers<Mark>();
		const to = Promise.withResolvers<Mark>();
		let seen = 0;
		await channel.consume(queue, (message) => {
			if (message === null) return;
			channel.ack(message);
			seen += 1;
			if (seen === WARM_UP) from.resolve(mark([], broker));
			if (seen === WARM_UP + TASKS) to.resolve(mark([], broker));
		});
		const figures = between(await from.promise, await to.promise);
		await channel.deleteQueue(queue);
		await connection.close();
		return figures;
	};
}

interface Mark {
	readonly at: number;
	readonly own: NodeJS.CpuUsage;
	readonly threads: Readonly<Record<string, number>> | null;
	readonly runners: number | null;
	readonly broker: number | null;
}

function mark(pids: readonly (number | null)[], broker: () => number | null): Mark {
	return {
		at: performance.now(),
		own: process.cpuUsage(),
		threads: threadTimes(),
		runners: processorTimeOf(pids),
		broker: broker(),
	};
}

function between(from: Mark, to: Mark): Figures {
	const perTask = (a: number | null, b: number | null) =>
		a === null || b === null ? null : Math.round((b - a) / TASKS);
	const total = ({ own }: Mark) => own.user + own.system;
	return {
		perSecond: TASKS / ((to.at - from.at) / 1000),
		cpu: {
			own: perTask(total(from), total(to)),
			runners: perTask(from.runners, to.runners),
			broker: perTask(from.broker, to.broker),
		},
	};
}

/** Which threads the time went to, in microseconds per task. */
function threadsBetween(from: Mark, to: Mark): Readonly<Record<string, number>> {
	const spent = Object.entries(to.threads ?? {}).map(([name, time]): [string, number] => [
		name,
		Math.round((time - (from.threads?.[name] ?? 0)) / TASKS),
	]);
	return Object.fromEntries(spent.filter(([, time]) => time > 0).sort(([, a], [, b]) => b - a));
}

/** A consumer set at work, from the end of the warm-up until the last task is committed and acknowledged. */
function warren(url: string, folder: string, spec: RunnerSpec): Measured {
	return async (broker) => {
		const queue = `warren-${randomUUID()}`;
		const home = mkdtempSync(join(folder, 'home-'));
		const opened = await openStore({ home, thread: STORE_THREAD, log: silentLog });
		if (!opened.ok) throw new Error(opened.error.message);
		await using store = opened.value;
		const parsed = parseBroker(url);
		if (!parsed.ok) throw new Error(parsed.error.message);
		const { address, password } = parsed.value;
		await using driver = createDriver(address, {
			folder: home,
			password: () => Promise.resolve(password),
			clock: systemClock,
			log: silentLog,
			embeddedThread: EMBEDDED_THREAD,
			clientName: 'Warren bench',
		});
		driver.connect();
		await fill(url, queue, WARM_UP + TASKS);
		await using set = createConsumerSet(
			{
				id: consumerSetId('bench'),
				profile: profileId('bench'),
				worker: 'bench:1:bench',
				driver,
				history: store.history,
				leases: store.leases,
				decode: (message) => decodeCarrot(message, CARROT_DIALECT),
				startRunner: startChildRunner({ resources: RESOURCES, clock: systemClock, log: silentLog }),
				clock: systemClock,
				log: silentLog,
				newRun: () => risingId(Date.now(), randomUUID()),
			},
			{ queues: [queue], concurrency: CONCURRENCY, runner: spec, untilEmpty: false },
		);
		const done = (count: number) => () => set.view().succeeded + set.view().failed >= count;
		const pids = () => set.view().slots.map((slot) => slot.pid);
		await waitFor('the warm-up to end', done(WARM_UP), 300_000);
		const counted = set.view().succeeded;
		const from = mark(pids(), broker);
		await waitFor('the last task to end', done(WARM_UP + TASKS), 600_000);
		const to = mark(pids(), broker);
		const figures = between(from, to);
		const { succeeded } = await store.history.counts(profileId('bench'));
		if (succeeded !== TASKS + WARM_UP)
			throw new Error(`${succeeded} of ${TASKS + WARM_UP} tasks are in history as succeeded`);
		// The warm-up's end is seen a little late, when some more are done already.
		const perSecond = (figures.perSecond * (TASKS + WARM_UP - counted)) / TASKS;
		return { ...figures, perSecond, threads: threadsBetween(from, to) };
	};
}

/** Where the broker's own processor time can be read. */
async function brokerTime(rabbit: RabbitServer): Promise<() => number | null> {
	if (rabbit.external || process.platform !== 'linux') return () => null;
	const pid = Number((await rabbit.ctl(['eval', 'list_to_integer(os:getpid()).'])).trim());
	return () => processorTime(pid);
}

function middle(samples: readonly number[]): number {
	const sorted = samples.toSorted((a, b) => a - b);
	const half = sorted.length / 2;
	return ((sorted[Math.ceil(half) - 1] ?? 0) + (sorted[Math.floor(half)] ?? 0)) / 2;
}

async function main(): Promise<void> {
	if (values.queue !== 'plain' && values.queue !== 'carrot') throw new Error('--queue is plain or carrot');
	const folder = mkdtempSync(join(tmpdir(), 'warren-bench-'));
	const say = (words: string) => process.stderr.write(`${words}\n`);
	try {
		await using rabbit = await startRabbit();
		const { url } = rabbit;
		const broker = await brokerTime(rabbit);
		writeFileSync(join(folder, 'noop.mjs'), 'export function noop() {}\n');
		writeFileSync(join(folder, 'noop.py'), 'def noop(*args, **kwargs):\n    pass\n');
		const version = celeryVersion();
		const python: RunnerSpec = { kind: 'python', executable: PYTHON, project: folder, settingsModule: null, env: {} };
		const all: Readonly<Record<string, Measured>> = {
			raw: raw(url, RAW_PREFETCH),
			rawPerSlot: raw(url, CONCURRENCY),
			node: warren(url, folder, { kind: 'node', modules: ['noop.mjs'], project: folder, env: {} }),
			python: warren(url, folder, python),
			...(version === null
				? {}
				: {
						celery: async () => {
							const queue = `celery-${randomUUID()}`;
							const load = { url, queue, maxPriority: MAX_PRIORITY, warmUp: WARM_UP, tasks: TASKS };
							const { perSecond, cpu } = await celery({ ...load, concurrency: CONCURRENCY, folder });
							return { perSecond, cpu: { own: cpu, runners: null, broker: null } };
						},
					}),
		};
		const names = Object.keys(all).filter((name) => values.only?.split(',').includes(name) ?? true);
		say(
			`${TASKS} no-op tasks, ${CONCURRENCY} at a time, ${values.queue} queues, Celery ${version ?? 'is not installed'}`,
		);
		const found = new Map<string, Figures[]>(names.map((name) => [name, []]));
		for (let round = 0; round < Number(values.rounds); round += 1) {
			for (const name of round % 2 === 0 ? names : names.toReversed()) {
				const figures = await (all[name] as Measured)(broker);
				found.get(name)?.push(figures);
				say(
					`${name}: ${Math.round(figures.perSecond)}/s, processor ${JSON.stringify({ ...figures.cpu, ...figures.threads })} us/task`,
				);
			}
		}
		const rate = (name: string) => {
			const samples = found.get(name) ?? [];
			return samples.length === 0 ? null : Math.round(middle(samples.map((one) => one.perSecond)));
		};
		const ratio = (a: string, b: string) => {
			const [above, below] = [rate(a), rate(b)];
			return above === null || below === null ? null : rounded(above / below);
		};
		const line = {
			bench: 'consumer',
			tasks: TASKS,
			concurrency: CONCURRENCY,
			queue: values.queue,
			rounds: Number(values.rounds),
			celery: version,
			perSecond: Object.fromEntries(names.map((name) => [name, rate(name)])),
			ratios: {
				nodeToCelery: ratio('node', 'celery'),
				pythonToCelery: ratio('python', 'celery'),
				nodeToRaw: ratio('node', 'raw'),
				nodeToRawPerSlot: ratio('node', 'rawPerSlot'),
			},
			processorMicrosecondsPerTask: Object.fromEntries(names.map((name) => [name, found.get(name)?.at(-1)?.cpu])),
			threadMicrosecondsPerTask: {
				node: found.get('node')?.at(-1)?.threads,
				python: found.get('python')?.at(-1)?.threads,
			},
			machine: machine(),
		};
		process.stdout.write(`${JSON.stringify(line)}\n`);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

await main();
