/**
 * A burst of a busy deployment into history over a real RabbitMQ: 5,000 tasks with 20,000 events; ten times as many with
 * WARREN_LONG=1. Once straight, and once with the process that collects stopped in the middle, started again, killed and started again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import amqp from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENTS_PER_TASK, failsInBurst, publishBurst } from '#test/support/celery/burst.ts';
import { startCollecting } from '#test/support/celery/collecting.ts';
import { warrenJson } from '#test/support/cli.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';

const TASKS = process.env.WARREN_LONG === undefined ? 5_000 : 50_000;
const PATIENCE_MS = 120_000 + TASKS * 10;
/** Of a whole process of the command line; it is the same for ten times the tasks, which themselves are far more than that. */
const MOST_MIB = 320;
/** Tasks looked at one by one. */
const SAMPLE = 200;

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

async function burst(prefix: string, from = 0, to = TASKS): Promise<void> {
	const connection = await amqp.connect(server.url);
	const channel = await connection.createConfirmChannel();
	await publishBurst({ channel, exchange: 'celeryev', from, to, idOf: (n) => `${prefix}-${n}` });
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
	for (let n = 0; n < TASKS; n += TASKS / SAMPLE) {
		const shown = await engine.call('task.show', { profile: 'lab', id: `${prefix}-${n}` });
		expect(shown).toMatchObject({
			state: failsInBurst(n) ? 'failed' : 'succeeded',
			name: `shop.tasks.job${n % 40}`,
			queue: 'celery',
			worker: `w${n % 8}@shop`,
			argsJson: `[${n}, "customer"]`,
		});
		const over = failsInBurst(n) ? 'failed' : 'succeeded';
		expect(shown.events?.map(({ kind }) => kind)).toEqual(['sent', 'received', 'started', over]);
	}
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
		'loses and doubles nothing when the process that collects it is stopped in the middle, and then killed, and others go on',
		async () => {
			using place = testHome();
			const { home } = place;
			await warrenJson(home, ['profile', 'add', 'lab', '--framework', 'celery', '--broker', server.url]);
			await using stack = new AsyncDisposableStack();
			const start = () =>
				// Until its lease runs out, a dead one is taken to be alive.
				waitFor(
					'a process that collects',
					async () => {
						const started = await startCollecting(home, 'lab');
						return started === null ? null : stack.use(started);
					},
					180_000,
				);
			await using engine = await bootEngine({ home });
			const over = async () => {
				const { succeeded, failed } = await counts(engine);
				return succeeded + failed;
			};
			const reached = (share: number) =>
				waitFor(`${share} of it to be taken`, async () => (await over()) >= TASKS * share, PATIENCE_MS);

			const first = await start();
			// The last of it comes when both are gone: it is the middle, however late this process sees how far they are.
			const publishing = burst('restarted', 0, TASKS * 0.9);
			await reached(0.1);
			await first.end('SIGINT');
			const atStop = await over();
			expect(first.taken()).toBeGreaterThanOrEqual(atStop);
			const second = await start();
			await reached(Math.min(0.8, atStop / TASKS + 0.1));
			await second.end('SIGKILL');
			await publishing;
			await burst('restarted', TASKS * 0.9, TASKS);
			const third = await start();
			await waitFor(
				'all of it to be taken',
				async () => {
					const { queued, running } = await counts(engine);
					return (await over()) === TASKS && queued + running === 0;
				},
				PATIENCE_MS,
			);
			await waitFor('it to say that it has caught up', async () => {
				const status = await engine.call('monitor.status', { profile: 'lab' });
				return status.behind === 0 && status.bad === 0 && status.gapCount === 0;
			});
			await expectAll(engine, 'restarted');
			for (const one of [first, second, third]) {
				const peak = one.peakMiB();
				if (peak !== null) expect(peak).toBeLessThan(MOST_MIB);
			}
			await third.end('SIGINT');
		},
		PATIENCE_MS * 5,
	);
});
