/**
 * No-op tasks through a real RabbitMQ: Warren's consumer with the Node and the Python runner, history and all, against a raw
 * amqplib client that only takes and acknowledges, and against Celery's prefork worker where Celery is installed. Every figure
 * is tasks per second of one run on one machine; the ratios are what counts.
 *
 *     node test/bench/consumer.ts [--tasks 4000] [--concurrency 2]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
import { parseBroker } from '#main/profiles/address.ts';
import { openStore } from '#main/store/client.ts';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';
import { machine } from './machine.ts';

const PYTHON = '/usr/bin/python3';
const RESOURCES = fileURLToPath(new URL('../../resources', import.meta.url));
const STORE_THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const EMBEDDED_THREAD = new URL('../../src-main/brokers/embedded/thread.ts', import.meta.url);

const { values } = parseArgs({
	options: { tasks: { type: 'string', default: '4000' }, concurrency: { type: 'string', default: '2' } },
});
const TASKS = Number(values.tasks);
const CONCURRENCY = Number(values.concurrency);

/** Puts carrot messages into a fresh queue, declared as carrot's consumers declare it. */
async function fill(url: string, queue: string, task: string, count: number): Promise<void> {
	const connection = await connect(url, { noDelay: true });
	const channel = await connection.createConfirmChannel();
	await channel.assertQueue(queue, { durable: true, arguments: { 'x-max-priority': 255 } });
	const body = Buffer.from('{"args": [1, 2], "kwargs": {"x": "y"}}');
	for (let sent = 0; sent < count; sent += 1) {
		channel.sendToQueue(queue, body, {
			headers: { type: task },
			contentType: 'application/json',
			priority: 0,
			messageId: randomUUID(),
			type: CARROT_DIALECT.messageType,
		});
	}
	await channel.waitForConfirms();
	await connection.close();
}

/** Tasks per second of a client that takes one message after the other and acknowledges each. */
async function rawGetAck(url: string): Promise<number> {
	const queue = `raw-${randomUUID()}`;
	await fill(url, queue, 'noop.noop', TASKS);
	const connection = await connect(url, { noDelay: true });
	const channel = await connection.createChannel();
	const since = performance.now();
	let seen = 0;
	for (let message = await channel.get(queue); message !== false; message = await channel.get(queue)) {
		channel.ack(message);
		seen += 1;
	}
	const rate = seen / ((performance.now() - since) / 1000);
	await connection.close();
	return rate;
}

/** Tasks per second of a client that is handed messages, one unacknowledged per slot. */
async function rawConsumeAck(url: string): Promise<number> {
	const queue = `raw-${randomUUID()}`;
	await fill(url, queue, 'noop.noop', TASKS);
	const connection = await connect(url, { noDelay: true });
	const channel = await connection.createChannel();
	await channel.prefetch(CONCURRENCY);
	const done = Promise.withResolvers<void>();
	const since = performance.now();
	let seen = 0;
	await channel.consume(queue, (message) => {
		if (message === null) return;
		channel.ack(message);
		seen += 1;
		if (seen === TASKS) done.resolve();
	});
	await done.promise;
	const rate = TASKS / ((performance.now() - since) / 1000);
	await connection.close();
	return rate;
}

interface Figures {
	readonly perSecond: number;
	/** Processor time per task in microseconds: of Warren's process with its threads, and of the runners; null off Linux. */
	readonly cpu: { readonly warren: number; readonly runners: number | null };
}

/** Processor time of a process so far, in microseconds. */
function processorTime(pid: number): number {
	const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	// User and system time, in hundredths of a second.
	return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function runnersTime(slots: readonly { readonly pid: number | null }[]): number | null {
	if (process.platform !== 'linux') return null;
	return slots.reduce((sum, { pid }) => sum + (pid === null ? 0 : processorTime(pid)), 0);
}

/** Processor time of a process and its children so far, in microseconds; null off Linux. */
function familyTime(pid: number): number | null {
	if (process.platform !== 'linux') return null;
	const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
	const pids = [pid, ...children.filter((word) => word !== '').map(Number)];
	return pids.reduce((sum, one) => sum + processorTime(one), 0);
}

/** A consumer set at work, from its first task on until the last is committed and acknowledged. */
async function warren(url: string, folder: string, spec: RunnerSpec): Promise<Figures> {
	const queue = `warren-${randomUUID()}`;
	const home = mkdtempSync(join(folder, 'home-'));
	const opened = await openStore({ home, thread: STORE_THREAD, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	await using store = opened.value;
	const broker = parseBroker(url);
	if (!broker.ok) throw new Error(broker.error.message);
	const { address, password } = broker.value;
	await using driver = createDriver(address, {
		folder: home,
		password: () => Promise.resolve(password),
		clock: systemClock,
		log: silentLog,
		embeddedThread: EMBEDDED_THREAD,
		clientName: 'Warren bench',
	});
	driver.connect();
	await fill(url, queue, 'noop.noop', 1);
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
			newRun: randomUUID,
		},
		{ queues: [queue], concurrency: CONCURRENCY, runner: spec, untilEmpty: false },
	);
	// The first task waits for the processes to start, which is not what is measured.
	await waitFor(
		'the first task',
		() => set.view().succeeded === 1 && set.view().slots.every((slot) => slot.state.kind !== 'starting'),
	);
	await set.stop('drain');
	await fill(url, queue, 'noop.noop', TASKS);
	const ready = Promise.withResolvers<number>();
	const done = Promise.withResolvers<number>();
	await using second = createConsumerSet(
		{
			id: consumerSetId('bench2'),
			profile: profileId('bench'),
			worker: 'bench:1:bench2',
			driver: {
				...driver,
				consume: (intent) =>
					driver.consume({
						...intent,
						onDelivery: (delivery) => {
							ready.resolve(performance.now());
							intent.onDelivery(delivery);
						},
					}),
				publish: (message) => driver.publish(message),
				queues: (names) => driver.queues(names),
				state: () => driver.state(),
				onState: (listener) => driver.onState(listener),
			},
			history: store.history,
			leases: store.leases,
			decode: (message) => decodeCarrot(message, CARROT_DIALECT),
			startRunner: startChildRunner({ resources: RESOURCES, clock: systemClock, log: silentLog }),
			clock: systemClock,
			log: silentLog,
			newRun: randomUUID,
		},
		{ queues: [queue], concurrency: CONCURRENCY, runner: spec, untilEmpty: false },
	);
	const poll = setInterval(() => {
		if (second.view().succeeded + second.view().failed >= TASKS) done.resolve(performance.now());
	}, 2);
	const from = await ready.promise;
	const ownBefore = process.cpuUsage();
	const runnersBefore = runnersTime(second.view().slots);
	const to = await done.promise;
	const own = process.cpuUsage(ownBefore);
	const runnersAfter = runnersTime(second.view().slots);
	clearInterval(poll);
	const counts = await store.history.counts(profileId('bench'));
	if (counts.succeeded !== TASKS + 1)
		throw new Error(`${counts.succeeded} of ${TASKS + 1} tasks are in history as succeeded`);
	return {
		perSecond: TASKS / ((to - from) / 1000),
		cpu: {
			warren: Math.round((own.user + own.system) / TASKS),
			runners:
				runnersBefore === null || runnersAfter === null ? null : Math.round((runnersAfter - runnersBefore) / TASKS),
		},
	};
}

/** Tasks per second of Celery's prefork worker without a result backend; null where Celery isn't installed. */
async function celery(
	url: string,
	folder: string,
): Promise<{ readonly perSecond: number; readonly cpu: number | null } | null> {
	try {
		execFileSync(PYTHON, ['-c', 'import celery'], { stdio: 'ignore' });
	} catch {
		return null;
	}
	writeFileSync(
		join(folder, 'bench_app.py'),
		`import sys, time
from celery import Celery
app = Celery("bench_app", broker=${JSON.stringify(url.replace(/^amqp:/, 'pyamqp:'))})
app.conf.task_ignore_result = True
@app.task
def noop(*args, **kwargs):
    pass
@app.task
def mark(name):
    print("MARK {} {}".format(name, time.time()), flush=True)
if __name__ == "__main__":
    with app.connection_for_write() as connection:
        with app.amqp.producer_pool.acquire() as producer:
            mark.apply_async(("first",), producer=producer)
            for _ in range(${TASKS}):
                noop.apply_async((1, 2), {"x": "y"}, producer=producer)
            mark.apply_async(("last",), producer=producer)
`,
	);
	execFileSync(PYTHON, ['bench_app.py'], { cwd: folder });
	const worker: ChildProcess = spawn(
		PYTHON,
		[
			'-m',
			'celery',
			'-A',
			'bench_app',
			'worker',
			'--pool',
			'prefork',
			'--concurrency',
			String(CONCURRENCY),
			'--loglevel',
			'WARNING',
			'--without-gossip',
			'--without-mingle',
			'--without-heartbeat',
		],
		{ cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
	);
	let output = '';
	worker.stdout?.on('data', (chunk: Buffer) => {
		output += chunk.toString();
	});
	worker.stderr?.on('data', (chunk: Buffer) => {
		output += chunk.toString();
	});
	let used: number | null = null;
	try {
		await waitFor('Celery to begin', () => /MARK first \d/.test(output), 120_000);
		const before = familyTime(worker.pid as number);
		await waitFor('Celery to end', () => /MARK last \d/.test(output), 120_000);
		const after = familyTime(worker.pid as number);
		used = before === null || after === null ? null : after - before;
	} catch (error) {
		throw new Error(`Celery did not come to an end. It said:\n${output.slice(-2000)}`, { cause: error });
	} finally {
		worker.kill('SIGTERM');
		await new Promise((resolve) => worker.once('exit', resolve));
	}
	const at = (name: string) => Number(new RegExp(`MARK ${name} ([\\d.]+)`).exec(output)?.[1]);
	return {
		perSecond: TASKS / (at('last') - at('first')),
		cpu: used === null ? null : Math.round(used / TASKS),
	};
}

async function main(): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), 'warren-bench-'));
	const say = (words: string) => process.stderr.write(`${words}\n`);
	try {
		await using rabbit = await startRabbit();
		writeFileSync(join(folder, 'noop.mjs'), 'export function noop() {}\n');
		writeFileSync(join(folder, 'noop.py'), 'def noop(*args, **kwargs):\n    pass\n');
		say(`${TASKS} no-op tasks, ${CONCURRENCY} at a time`);
		const getAck = await rawGetAck(rabbit.url);
		say(`raw amqplib get-ack: ${Math.round(getAck)}/s`);
		const consumeAck = await rawConsumeAck(rabbit.url);
		say(`raw amqplib consume-ack: ${Math.round(consumeAck)}/s`);
		const node = await warren(rabbit.url, folder, { kind: 'node', modules: ['noop.mjs'], project: folder, env: {} });
		say(`Warren, Node runner: ${Math.round(node.perSecond)}/s, processor ${JSON.stringify(node.cpu)} us/task`);
		const settings = { settingsModule: null, env: {} };
		const python = await warren(rabbit.url, folder, {
			kind: 'python',
			executable: PYTHON,
			project: folder,
			...settings,
		});
		say(`Warren, Python runner: ${Math.round(python.perSecond)}/s, processor ${JSON.stringify(python.cpu)} us/task`);
		const prefork = await celery(rabbit.url, folder);
		say(
			prefork === null
				? 'Celery is not installed'
				: `Celery prefork: ${Math.round(prefork.perSecond)}/s, processor ${prefork.cpu} us/task`,
		);
		const ratio = (a: number, b: number | null) => (b === null ? null : Math.round((a / b) * 100) / 100);
		const line = {
			bench: 'consumer',
			tasks: TASKS,
			concurrency: CONCURRENCY,
			perSecond: {
				rawGetAck: Math.round(getAck),
				rawConsumeAck: Math.round(consumeAck),
				node: Math.round(node.perSecond),
				python: Math.round(python.perSecond),
				celery: prefork === null ? null : Math.round(prefork.perSecond),
			},
			ratios: {
				nodeToGetAck: ratio(node.perSecond, getAck),
				pythonToGetAck: ratio(python.perSecond, getAck),
				nodeToConsumeAck: ratio(node.perSecond, consumeAck),
				nodeToCelery: ratio(node.perSecond, prefork?.perSecond ?? null),
				pythonToCelery: ratio(python.perSecond, prefork?.perSecond ?? null),
			},
			processorMicrosecondsPerTask: { node: node.cpu, python: python.cpu, celery: prefork?.cpu ?? null },
			machine: machine(),
		};
		process.stdout.write(`${JSON.stringify(line)}\n`);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

await main();
