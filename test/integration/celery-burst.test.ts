/**
 * A burst of a busy deployment into history over a real RabbitMQ: 5,000 tasks with 20,000 events; ten times as many with
 * WARREN_LONG=1. Once straight, and once with the process that collects killed in the middle.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import amqp from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENTS_PER_TASK, failsInBurst, publishBurst } from '#test/support/celery/burst.ts';
import { warrenJson } from '#test/support/cli.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';

const TASKS = process.env.WARREN_LONG === undefined ? 5_000 : 50_000;
const PATIENCE_MS = 60_000 + TASKS * 10;
/** Of a whole process of the command line, run from source; it is the same for ten times the tasks. */
const MOST_MIB = 320;
const MAIN = fileURLToPath(new URL('../../src-main/headless/cli/main.ts', import.meta.url));

let server: RabbitServer;
beforeAll(async () => {
	// A line of configuration makes it a server of our own, since its exchanges are Celery's.
	server = await startRabbit({ config: ['max_message_size = 33554432'] });
});
afterAll(() => server?.stop());

function testHome(): { readonly home: string } & Disposable {
	const home = mkdtempSync(join(tmpdir(), 'warren-burst-'));
	return { home, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) };
}

async function burst(prefix: string): Promise<void> {
	const connection = await amqp.connect(server.url);
	const channel = await connection.createConfirmChannel();
	await publishBurst({ channel, exchange: 'celeryev', from: 0, to: TASKS, idOf: (n) => `${prefix}-${n}` });
	await connection.close();
}

const counts = async (engine: TestEngine) => (await engine.call('profile.show', { name: 'lab' })).counts;

/** Every task is there once, over, as it ended, with one attempt. */
async function expectAll(engine: TestEngine, prefix: string): Promise<void> {
	const failing = Array.from({ length: TASKS }, (_, n) => n).filter(failsInBurst);
	const told = { succeeded: TASKS - failing.length, failed: failing.length };
	const others = { queued: 0, running: 0, retrying: 0, revoked: 0, rejected: 0, lost: 0 };
	expect(await counts(engine)).toMatchObject({ ...told, ...others });
	const count = async (query: string) => (await engine.call('task.count', { profile: 'lab', query })).total;
	expect(await count('attempts:>1')).toBe(0);
	expect(await count('state:failed exception:ValueError worker:*@shop queue:celery')).toBe(failing.length);
	// The words of all of them are found, whatever the index has got to.
	expect(await count('kwargs:retry args:customer')).toBe(TASKS);
	for (const n of [0, 1, TASKS / 2, TASKS / 2 + 1, TASKS - 1]) {
		const shown = await engine.call('task.show', { profile: 'lab', id: `${prefix}-${n}` });
		expect(shown).toMatchObject({
			state: failsInBurst(n) ? 'failed' : 'succeeded',
			name: `shop.tasks.job${n % 40}`,
			queue: 'celery',
			worker: `w${n % 8}@shop`,
			argsJson: `[${n}, "customer"]`,
		});
		expect(shown.events?.map(({ kind }) => kind).slice(0, 3)).toEqual(['sent', 'received', 'started']);
	}
}

/** `warren monitor run` in a process of its own; null: it ended before it listened. */
async function monitor(home: string): Promise<ChildProcess | null> {
	const options = ['--home', home, '--profile', 'lab', '--json', 'monitor', 'run', '--keep', '10'];
	const child = spawn(process.execPath, [MAIN, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
	let said = '';
	child.stdout?.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	const ended = () => child.exitCode !== null || child.signalCode !== null;
	await waitFor('the monitor to listen', () => said.includes('"event":"started"') || ended(), 60_000);
	return ended() ? null : child;
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
	const gone = new Promise((resolve) => child.once('exit', resolve));
	child.kill(signal);
	await gone;
}

/** The most memory a process ever had, in MiB. */
function highWater(pid: number | undefined): number {
	const status = readFileSync(`/proc/${pid}/status`, 'utf8');
	return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

describe('a burst', () => {
	it(
		'ends up in history whole, and says how far behind it is until then',
		async () => {
			await using engine = await bootEngine();
			await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: server.url });
			using run = await engine.open('monitor.run', { profile: 'lab' });
			await waitFor('the monitor to listen', () => run.items.at(-1)?.status.trouble === null);
			await burst('straight');
			const taken = () => run.items.at(-1)?.status.eventsThisRun === TASKS * EVENTS_PER_TASK;
			await waitFor('all events to be taken', taken, PATIENCE_MS);
			expect(run.items.some(({ status }) => (status.behind ?? 0) > 0)).toBe(true);
			await waitFor('it to have caught up', () => run.items.at(-1)?.status.behind === 0);
			expect(run.items.at(-1)?.status).toMatchObject({ bad: 0, gapCount: 0, trouble: null });
			await expectAll(engine, 'straight');
		},
		PATIENCE_MS * 2,
	);

	it(
		'loses nothing when the process that collects it is killed in the middle and another goes on',
		async () => {
			using place = testHome();
			const { home } = place;
			await warrenJson(home, ['profile', 'add', 'lab', '--framework', 'celery', '--broker', server.url]);
			const first = await monitor(home);
			if (first === null) throw new Error('The monitor did not start.');
			let second: ChildProcess | null = null;
			await using engine = await bootEngine({ home });
			try {
				const publishing = burst('killed');
				const some = async () => (await counts(engine)).succeeded > TASKS / 10;
				await waitFor('some of it to be taken', some, PATIENCE_MS);
				await end(first, 'SIGKILL');
				const { succeeded, failed } = await counts(engine);
				expect(succeeded + failed).toBeLessThan(TASKS);
				await publishing;
				// Until its lease runs out, the dead one is taken to be alive.
				await waitFor(
					'another to go on',
					async () => {
						second ??= await monitor(home);
						return second;
					},
					120_000,
				);
				const over = async () => {
					const now = await counts(engine);
					return now.succeeded + now.failed === TASKS && now.queued + now.running === 0;
				};
				await waitFor('all of it to be taken', over, PATIENCE_MS);
				await expectAll(engine, 'killed');
				await waitFor('it to say that it has caught up', async () => {
					const status = await engine.call('monitor.status', { profile: 'lab' });
					return status.behind === 0 && status.bad === 0 && status.gapCount === 0;
				});
				if (process.platform === 'linux')
					expect(highWater((second as ChildProcess | null)?.pid)).toBeLessThan(MOST_MIB);
			} finally {
				if (first.exitCode === null && first.signalCode === null) await end(first, 'SIGKILL');
				if (second !== null) await end(second, 'SIGINT');
			}
		},
		PATIENCE_MS * 2,
	);
});
