/** A storm over two consumer processes, and the account of what came through it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConsumerIntent, RunnerSpec } from '#main/domain/consumer.ts';
import { taskId } from '#main/domain/ids.ts';
import type { TaskDetail } from '#main/domain/task.ts';
import { parseBroker } from '#main/profiles/address.ts';
import type { OpenStore } from '#main/store/client.ts';
import { must, rabbitBench } from '#test/support/brokers.ts';
import type { RabbitServer } from '#test/support/rabbitmq.ts';
import { startProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';
import { type Order, PROFILE, storeOf } from '../integration/consumer-host.ts';

export interface ChaosOptions {
	readonly server: RabbitServer;
	readonly seed: number;
	readonly tasks: number;
	/** Kills of the broker, spread over the tasks. */
	readonly brokerKills: number;
	/** Pause between two events at most; at least a third of it. */
	readonly calmMs: number;
	/** What most tasks take. */
	readonly taskMs: number;
	/** How long it may take until all is done. */
	readonly deadlineMs: number;
	readonly say: (words: string) => void;
}

export interface ChaosReport {
	readonly seed: number;
	readonly tasks: number;
	readonly seconds: number;
	readonly events: Readonly<Record<string, number>>;
	readonly states: Readonly<Record<string, number>>;
	/** Tasks that were begun more than once, and those of them that history says so about. */
	readonly ranAgain: number;
	readonly declared: number;
	readonly attempts: number;
	readonly retried: number;
	/** What must not be; empty is good. */
	readonly faults: readonly string[];
}

/** Same odds from the same seed, on every machine. */
export function chances(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

const HOST = fileURLToPath(new URL('../integration/consumer-host.ts', import.meta.url));
/** Of every hundred tasks: some fail once and are retried, some fail for good, some take long. */
const kindOf = (index: number) =>
	index % 20 === 7 ? 'flaky' : index % 50 === 11 ? 'doomed' : index % 25 === 3 ? 'slow' : 'quick';

const PYTHON_TASKS = `
import os, time
HERE = os.environ['CHAOS']
LEDGER = os.open(os.path.join(HERE, 'ledger'), os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def work(index, kind):
    os.write(LEDGER, 'begin {}\\n'.format(index).encode())
    marker = os.path.join(HERE, 'flaky', str(index))
    if kind == 'doomed':
        raise ValueError('never')
    if kind == 'flaky' and not os.path.exists(marker):
        open(marker, 'w').close()
        raise ConnectionError('once')
    time.sleep(0.9 if kind == 'slow' else float(os.environ['TASK_MS']) / 1000)
    os.write(LEDGER, 'end {}\\n'.format(index).encode())
    return index
`;

const NODE_TASKS = `
import fs from 'node:fs';
const here = process.env.CHAOS;
const ledger = fs.openSync(here + '/ledger', 'a');
export async function work({ args: [index, kind] }) {
	fs.writeSync(ledger, 'begin ' + index + '\\n');
	const marker = here + '/flaky/' + index;
	if (kind === 'doomed') throw new TypeError('never');
	if (kind === 'flaky' && !fs.existsSync(marker)) {
		fs.writeFileSync(marker, '');
		throw new Error('once');
	}
	await new Promise((resolve) => setTimeout(resolve, kind === 'slow' ? 900 : Number(process.env.TASK_MS)));
	fs.writeSync(ledger, 'end ' + index + '\\n');
	return index;
}
`;

/** One consumer process that comes back when it is killed. */
class Consumer implements AsyncDisposable {
	readonly proxy: TcpProxy;
	readonly #order: Order;
	#child: ChildProcess | null = null;
	#closing = false;
	/** It ended by itself, since all queues were empty. */
	done = false;
	restarts = 0;

	constructor(proxy: TcpProxy, order: Order) {
		this.proxy = proxy;
		this.#order = order;
		this.#start();
	}

	kill(): void {
		this.#child?.kill('SIGKILL');
	}

	/** Pids of its runners. */
	runners(): readonly number[] {
		const pid = this.#child?.pid;
		if (pid === undefined) return [];
		try {
			const threads = readdirSync(`/proc/${pid}/task`);
			const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
			return lists.flatMap((list) => list.split(' ').filter((word) => word !== '')).map(Number);
		} catch {
			// Killed just now.
			return [];
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closing = true;
		const child = this.#child;
		if (child !== null && child.exitCode === null && child.signalCode === null) {
			const gone = new Promise((resolve) => child.once('exit', resolve));
			child.kill('SIGKILL');
			await gone;
		}
		await this.proxy[Symbol.asyncDispose]();
	}

	#start(): void {
		const child = spawn(process.execPath, [HOST, JSON.stringify(this.#order)], {
			stdio: ['ignore', 'ignore', 'inherit'],
		});
		this.#child = child;
		child.once('exit', (code) => {
			if (this.#closing) return;
			if (code === 0) {
				this.done = true;
				return;
			}
			this.restarts += 1;
			this.#start();
		});
	}
}

/** Runs the storm. What it finds wrong is in the report, not thrown; it throws when the work does not come to an end. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
	const { server, say } = options;
	const began = performance.now();
	await using stack = new AsyncDisposableStack();
	const folder = mkdtempSync(join(tmpdir(), 'warren-chaos-'));
	stack.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
	const project = join(folder, 'project');
	for (const name of ['project', 'flaky']) mkdirSync(join(folder, name));
	writeFileSync(join(project, 'storm.py'), PYTHON_TASKS);
	writeFileSync(join(project, 'storm.mjs'), NODE_TASKS);
	const home = join(folder, 'home');
	const store = stack.use(await storeOf(home));
	const queue = `storm-${randomUUID().slice(0, 8)}`;
	const ids = await publish(server, queue, options.tasks);
	say(`${options.tasks} tasks are queued, seed ${options.seed}`);

	const env = { CHAOS: folder, TASK_MS: String(options.taskMs) };
	const runners: readonly RunnerSpec[] = [
		{ kind: 'node', modules: ['storm.mjs'], project, env },
		{ kind: 'python', executable: '/usr/bin/python3', project, settingsModule: null, env },
	];
	const { address, password } = must(parseBroker(server.url));
	if (address.kind !== 'amqp') throw new Error('The server has no AMQP URL.');
	const consumers: Consumer[] = [];
	for (const runner of runners) {
		const proxy = await startProxy({ host: address.host, port: address.port });
		const intent: ConsumerIntent = {
			queues: [queue],
			concurrency: 3,
			runner,
			untilEmpty: true,
			// A runner that is killed is a reason like any other to try again.
			retries: [
				{ exceptions: ['WorkerLost'], times: 50, delayMs: 50, factor: 1, maxDelayMs: 50, jitter: 0.5 },
				{ exceptions: ['*'], times: 2, delayMs: 100, factor: 2, maxDelayMs: 500, jitter: 0.5 },
			],
		};
		const order: Order = {
			address: { ...address, host: '127.0.0.1', port: proxy.port },
			password,
			folder,
			home,
			intent,
		};
		consumers.push(stack.use(new Consumer(proxy, order)));
	}
	const events = await storm(options, consumers, join(folder, 'ledger'));
	say('the storm is over; what is left comes to its end');
	const ended = () => consumers.every((consumer) => consumer.done);
	const left = options.deadlineMs - (performance.now() - began);
	await waitFor('both consumers to find the queue empty', ended, Math.max(10_000, left));
	const account = await settle(store, ids, folder);
	const figures = must(await withDriver(server, (driver) => driver.queues([queue])));
	const faults = [...account.faults];
	if ((figures[0]?.ready ?? 0) > 0) faults.push(`${figures[0]?.ready} messages are left in the queue`);
	return {
		...account,
		faults,
		seed: options.seed,
		tasks: options.tasks,
		seconds: Math.round((performance.now() - began) / 100) / 10,
		events,
	};
}

async function withDriver<T>(
	server: RabbitServer,
	work: (driver: Awaited<ReturnType<Awaited<ReturnType<typeof rabbitBench>>['driver']>>) => Promise<T>,
): Promise<T> {
	await using bench = await rabbitBench(server);
	return await work(await bench.driver());
}

async function publish(server: RabbitServer, queue: string, count: number): Promise<readonly string[]> {
	return await withDriver(server, async (driver) => {
		must(await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: false }));
		const ids = Array.from({ length: count }, () => randomUUID());
		const send = async (messageId: string, index: number) => {
			const body = Buffer.from(JSON.stringify({ args: [index, kindOf(index)] }));
			const headers = [['type', { type: 'longstr', text: 'storm.work' }]] as const;
			const properties = { messageId, headers, deliveryMode: 2, contentType: 'application/json' };
			must(await driver.publish({ exchange: '', routingKey: queue, properties, body }));
		};
		for (let from = 0; from < count; from += 500) {
			await Promise.all(ids.slice(from, from + 500).map((id, at) => send(id, from + at)));
		}
		return ids;
	});
}

const ends = (ledger: string) => (existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\nend ').length - 1 : 0);

/** Pulls plugs until nine tenths of the work are done. */
async function storm(
	options: ChaosOptions,
	consumers: readonly Consumer[],
	ledger: string,
): Promise<Readonly<Record<string, number>>> {
	const chance = chances(options.seed);
	const events: Record<string, number> = {};
	const count = (event: string) => {
		events[event] = (events[event] ?? 0) + 1;
		options.say(`  ${ends(ledger)} done: ${event}`);
	};
	const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
	const deadline = performance.now() + options.deadlineMs;
	let kills = 0;
	for (;;) {
		await pause(options.calmMs * (1 / 3 + chance() * (2 / 3)));
		const done = ends(ledger);
		if (done >= options.tasks * 0.9 || consumers.every((one) => one.done)) break;
		if (performance.now() > deadline)
			throw new Error(`Only ${done} of ${options.tasks} tasks came through the storm in time`);
		if (kills < options.brokerKills && done > ((kills + 0.5) / options.brokerKills) * options.tasks * 0.8) {
			kills += 1;
			count('broker killed');
			await options.server.kill9();
			await pause(500 + chance() * 1500);
			await options.server.start();
			continue;
		}
		const consumer = consumers[Math.floor(chance() * consumers.length)] as Consumer;
		const which = chance();
		const runners = consumer.runners();
		if (which < 0.4 && runners.length > 0) {
			count('runner killed');
			killGroup(runners[Math.floor(chance() * runners.length)] as number);
		} else if (which < 0.6) {
			count('consumer killed');
			consumer.kill();
		} else if (which < 0.85) {
			count('connections cut');
			consumer.proxy.cut();
		} else if (which < 0.93) {
			count('connections held still');
			consumer.proxy.hang();
			await pause(500 + chance() * 1500);
			consumer.proxy.resume();
		} else {
			count('connections refused');
			consumer.proxy.refuse();
			consumer.proxy.cut();
			await pause(500 + chance() * 1500);
			consumer.proxy.allow();
		}
	}
	return events;
}

function killGroup(pid: number): void {
	try {
		process.kill(pid, 'SIGKILL');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
	}
}

type Account = Pick<ChaosReport, 'states' | 'ranAgain' | 'declared' | 'attempts' | 'retried' | 'faults'>;

/** Holds history against what the tasks wrote down themselves. */
async function settle(store: OpenStore, ids: readonly string[], folder: string): Promise<Account> {
	const begun = new Map<number, number>();
	const ended = new Set<number>();
	for (const line of readFileSync(join(folder, 'ledger'), 'utf8').split('\n')) {
		const [what, index] = line.split(' ');
		if (what === 'begin') begun.set(Number(index), (begun.get(Number(index)) ?? 0) + 1);
		else if (what === 'end') ended.add(Number(index));
	}
	const states: Record<string, number> = {};
	const faults: string[] = [];
	let ranAgain = 0;
	let declared = 0;
	let attempts = 0;
	let retried = 0;
	for (const [index, id] of ids.entries()) {
		const detail = await store.history.detail(PROFILE, taskId(id));
		const kind = kindOf(index);
		if (detail === null) {
			faults.push(`task ${index} is not in history${begun.has(index) ? ', although it ran' : ': it is lost'}`);
			continue;
		}
		states[detail.state] = (states[detail.state] ?? 0) + 1;
		attempts += detail.attempts;
		retried += detail.history.filter((one) => one.cause === 'retried').length;
		const wanted = kind === 'doomed' ? 'failed' : 'succeeded';
		if (detail.state !== wanted) faults.push(`task ${index} (${kind}) is ${detail.state} instead of ${wanted}`);
		if (wanted === 'succeeded' && !ended.has(index)) faults.push(`task ${index} never came to its end`);
		const open = detail.history.filter((one) => one.state === 'running' || one.state === 'queued');
		if (open.length > 0) faults.push(`task ${index} has an attempt that is still ${open[0]?.state}`);
		const runs = begun.get(index) ?? 0;
		if (runs <= 1) continue;
		ranAgain += 1;
		if (await declares(store, detail, runs)) declared += 1;
		else faults.push(`task ${index} ran ${runs} times, and history knows of ${detail.attempts} attempts`);
	}
	return { states, ranAgain, declared, attempts, retried, faults };
}

/** Whether history says that a task ran more than once: by its attempts, or by what the first of them says of its message. */
async function declares(store: OpenStore, detail: TaskDetail, runs: number): Promise<boolean> {
	if (detail.attempts >= runs) return true;
	for (const attempt of detail.history) {
		const page = await store.history.log(attempt.id, { afterSeq: -1, limit: 100, minLevel: 'debug', search: '' });
		if (
			page.ok &&
			page.value.lines.some((line) => line.source === 'warren' && line.text.includes('may have begun to run it'))
		)
			return true;
	}
	return false;
}
