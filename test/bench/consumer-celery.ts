/** Celery's prefork worker at the same no-op tasks, without a result backend: what the consumer bench compares with. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '#test/support/wait.ts';
import { familyTime } from './processor-time.ts';

export const PYTHON = '/usr/bin/python3';
/** Slower than this, in milliseconds per task, it has stopped working rather than being slow. */
const SLOWEST_MS = 10;
/** How long its start may take, and an end that it is asked for. */
const START_MS = 60_000;
const END_MS = 10_000;

export interface CeleryLoad {
	readonly url: string;
	readonly queue: string;
	/** `x-max-priority` of the queue; null: without. */
	readonly maxPriority: number | null;
	readonly warmUp: number;
	readonly tasks: number;
	readonly concurrency: number;
	/** A folder of its own for the application. */
	readonly folder: string;
}

export interface CeleryFigures {
	readonly perSecond: number;
	/** Processor time of worker and pool per task, in microseconds; null off Linux. */
	readonly cpu: number | null;
}

/** Its version, or null where Celery isn't installed. */
export function celeryVersion(): string | null {
	try {
		return execFileSync(PYTHON, ['-c', 'import celery; print(celery.__version__)'], { stdio: 'pipe' })
			.toString()
			.trim();
	} catch {
		return null;
	}
}

/**
 * Fills the queue with Celery's own publisher (persistent messages, its default), has a worker drain it, and measures between
 * two tasks that tell the time: one behind the warm-up, one behind the last. The worker has its default prefetch and acknowledges
 * before it runs, also its default; what it could do besides (gossip, mingle, heartbeats) is switched off in its favour.
 */
export async function celery(load: CeleryLoad): Promise<CeleryFigures> {
	const { url, queue, maxPriority, warmUp, tasks, concurrency, folder } = load;
	const kind = maxPriority === null ? '' : `, max_priority=${maxPriority}`;
	writeFileSync(
		join(folder, 'bench_app.py'),
		`import time
from celery import Celery
from kombu import Queue
app = Celery("bench_app", broker=${JSON.stringify(url.replace(/^amqp:/, 'pyamqp:'))})
app.conf.task_ignore_result = True
app.conf.task_default_queue = ${JSON.stringify(queue)}
app.conf.task_queues = [Queue(${JSON.stringify(queue)}, routing_key=${JSON.stringify(queue)}${kind})]
app.conf.task_default_routing_key = ${JSON.stringify(queue)}
@app.task
def noop(*args, **kwargs):
    pass
@app.task
def mark(name):
    print("MARK {} {}".format(name, time.time()), flush=True)
if __name__ == "__main__":
    with app.connection_for_write() as connection:
        with app.amqp.producer_pool.acquire() as producer:
            for _ in range(${warmUp}):
                noop.apply_async((1, 2), {"x": "y"}, producer=producer)
            mark.apply_async(("first",), producer=producer)
            for _ in range(${tasks}):
                noop.apply_async((1, 2), {"x": "y"}, producer=producer)
            mark.apply_async(("last",), producer=producer)
`,
	);
	execFileSync(PYTHON, ['bench_app.py'], { cwd: folder, timeout: START_MS + (warmUp + tasks) * SLOWEST_MS });
	const options = ['--pool', 'prefork', '--concurrency', String(concurrency), '--loglevel', 'WARNING'];
	const quiet = ['--without-gossip', '--without-mingle', '--without-heartbeat'];
	const worker: ChildProcess = spawn(
		PYTHON,
		['-m', 'celery', '-A', 'bench_app', 'worker', '--queues', queue, ...options, ...quiet],
		// A group of its own: a pool that hangs outlives its worker.
		{ cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
	);
	const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
	const died = exited.then(() => {
		throw new Error(`its worker ended by itself (${worker.signalCode ?? `exit code ${worker.exitCode}`})`);
	});
	died.catch(() => {});
	let output = '';
	const hear = (chunk: Buffer) => {
		output += chunk.toString();
	};
	worker.stdout?.on('data', hear);
	worker.stderr?.on('data', hear);
	let used: number | null = null;
	try {
		const begun = () => /MARK first \d/.test(output);
		await Promise.race([died, waitFor('Celery to begin', begun, START_MS + warmUp * SLOWEST_MS)]);
		const before = familyTime(worker.pid as number);
		const ended = () => /MARK last \d/.test(output);
		await Promise.race([died, waitFor('Celery to end', ended, START_MS + tasks * SLOWEST_MS)]);
		const after = familyTime(worker.pid as number);
		used = before === null || after === null ? null : after - before;
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		throw new Error(`Celery did not come to an end: ${why}. It said:\n${output.slice(-2000)}`);
	} finally {
		await end(worker, exited);
	}
	const at = (name: string) => Number(new RegExp(`MARK ${name} ([\\d.]+)`).exec(output)?.[1]);
	return { perSecond: tasks / (at('last') - at('first')), cpu: used === null ? null : Math.round(used / tasks) };
}

/** Asks the worker to end, and ends it and its pool where it does not. */
async function end(worker: ChildProcess, exited: Promise<void>): Promise<void> {
	worker.kill('SIGTERM');
	const timer = setTimeout(() => worker.kill('SIGKILL'), END_MS);
	await exited;
	clearTimeout(timer);
	try {
		process.kill(-(worker.pid as number), 'SIGKILL');
	} catch {
		// Nothing of the group is left.
	}
}
