/** Watching a real Celery on a real RabbitMQ, through the command line, the engine and the collector itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import amqp from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { celeryBody } from '#test/support/celery/events.ts';
import { celeryLab } from '#test/support/celery/lab.ts';
import { warren, warrenJson } from '#test/support/cli.ts';
import { testIo } from '#test/support/cli-io.ts';
import { bootEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';

/** A line of configuration makes it a server of our own, since its exchanges are Celery's. */
const OWN = { config: ['max_message_size = 33554432'] };

let server: RabbitServer;
beforeAll(async () => {
	server = await startRabbit(OWN);
});
afterAll(() => server?.stop());

function testHome(): { readonly home: string } & Disposable {
	const home = mkdtempSync(join(tmpdir(), 'warren-celery-'));
	return { home, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) };
}

interface Shown {
	readonly state: string;
	readonly name: string;
	readonly attempts: readonly { readonly state: string; readonly cause: string }[];
	readonly worker: string | null;
	readonly queue: string | null;
	readonly exception: { readonly type: string; readonly message: string } | null;
}

describe('tasks that began before anybody listened', () => {
	it('get their name and true arguments from the worker that runs or holds them, and end as the one run they are', async () => {
		const lab = celeryLab(server.url);
		await using worker = lab.worker('early');
		const long = 'x'.repeat(3_000);
		const [running, eta] = await Promise.all([
			lab.python([`print(app.send_task('warrenlab.sleep', [600], {}).id)`]),
			lab.python([`print(app.send_task('warrenlab.add', [${JSON.stringify(long)}, 2**70], {}, countdown=600).id)`]),
		]);
		// Its worker runs it and holds the other before the monitor is there.
		await waitFor(
			'the worker to have both',
			async () => {
				const told = await lab.python([
					'i = app.control.inspect(timeout=2)',
					'print([t["id"] for w in (i.active() or {}).values() for t in w], [t["request"]["id"] for w in (i.scheduled() or {}).values() for t in w])',
				]);
				if (worker.ended()) throw new Error(worker.output());
				return told.includes(running) && told.includes(eta);
			},
			90_000,
		);
		await using engine = await bootEngine();
		await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: server.url });
		using _run = await engine.open('monitor.run', { profile: 'lab' });
		const known = async (id: string, state: string) => {
			const [row] = (await engine.call('task.list', { profile: 'lab', query: `state:${state} ${id}` })).items;
			return row === undefined ? null : engine.call('task.show', { profile: 'lab', id });
		};
		expect(await waitFor('the scheduled one', () => known(eta, 'queued'), 60_000)).toMatchObject({
			name: 'warrenlab.add',
			argsJson: `["${long}", 1180591620717411303424]`,
			worker: 'early@lab',
			events: [{ type: 'inspect-scheduled', host: 'early@lab' }],
		});
		expect(await waitFor('the running one', () => known(running, 'running'), 60_000)).toMatchObject({
			name: 'warrenlab.sleep',
			argsJson: '[600]',
			kwargsJson: '{}',
			worker: 'early@lab',
			events: [{ type: 'inspect-active', host: 'early@lab' }],
		});
		await lab.revoke(running, true);
		expect(await waitFor('its end', () => known(running, 'revoked'), 90_000)).toMatchObject({
			name: 'warrenlab.sleep',
			attempts: 1,
		});
	}, 240_000);
});

describe('monitor run', () => {
	it('collects success, failure, retry and revoke of a real worker, which the command line then tells', async () => {
		using place = testHome();
		const { home } = place;
		await warrenJson(home, ['profile', 'add', 'lab', '--framework', 'celery', '--broker', server.url]);
		const lab = celeryLab(server.url);
		const io = testIo(['--home', home, '--profile', 'lab', '--json', 'monitor', 'run']);
		const monitoring = runCommandLine(io);
		await waitFor('the monitor to listen', () => io.out().includes('"event":"started"'));
		await using _worker = lab.worker('w1');
		await waitFor(
			'the worker to be heard',
			async () => {
				const { items } = await warrenJson<{ items: { name: string; state: string }[] }>(home, [
					'--profile',
					'lab',
					'worker',
					'list',
				]);
				return items.some((one) => one.name === 'w1@lab' && one.state === 'online');
			},
			90_000,
		);
		const [added, failed, flaky, slept] = await Promise.all([
			lab.send('add', 2, 3),
			lab.send('fail', 'kaput'),
			lab.send('flaky', 1),
			lab.send('sleep', 600),
		]);
		const show = (id: string) => warrenJson<Shown>(home, ['--profile', 'lab', 'task', 'show', id]);
		const become = (id: string, state: string) =>
			waitFor(`${id} to be ${state}`, async () => ((await show(id)).state === state ? show(id) : null), 60_000);
		expect(await become(added, 'succeeded')).toMatchObject({
			name: 'warrenlab.add',
			attempts: [{ state: 'succeeded', cause: 'published' }],
			worker: 'w1@lab',
			queue: 'celery',
			args: [2, 3],
			result: '5',
		});
		expect(await become(failed, 'failed')).toMatchObject({ exception: { type: 'ValueError', message: 'kaput' } });
		expect(await become(flaky, 'succeeded')).toMatchObject({
			attempts: [{ state: 'retrying' }, { state: 'succeeded', cause: 'retried' }],
			result: "'done'",
		});
		await become(slept, 'running');
		await lab.revoke(slept, true);
		expect(await become(slept, 'revoked')).toMatchObject({
			exception: { type: 'TaskRevokedError', message: 'terminated (signal 15)' },
		});

		const busy = await warren(home, ['--profile', 'lab', 'monitor', 'run', '--for', '1s']);
		expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining('already')]);
		io.interrupt();
		expect(await monitoring).toBe(0);
		const status = await warrenJson<Record<string, unknown>>(home, ['--profile', 'lab', 'monitor', 'status']);
		expect(status).toMatchObject({ running: false, bad: 0, gapCount: 0, trouble: null });
		expect(status.events).toBeGreaterThan(15);
	}, 300_000);

	it('refuses what it cannot watch, and durations that are none', async () => {
		using place = testHome();
		const odd = await warren(place.home, ['--profile', 'sandbox', 'monitor', 'run', '--for', '1s']);
		expect([odd.code, odd.stderr]).toEqual([1, expect.stringContaining('no Celery profile')]);
		const never = await warren(place.home, ['--profile', 'sandbox', 'monitor', 'run', '--for', 'soon']);
		expect([never.code, never.stderr]).toEqual([2, expect.stringContaining('--for')]);
	});
});

describe('a burst', () => {
	it('is all in history, though the monitor ends in the middle and another goes on', async () => {
		using place = testHome();
		const tasks = 4_000;
		const connection = await amqp.connect(server.url);
		const channel = await connection.createConfirmChannel();
		const ids = Array.from({ length: tasks }, (_, at) => `burst-${at}`);
		const send = (key: string, body: Uint8Array) =>
			channel.publish('celeryev', key, Buffer.from(body), { contentType: 'application/json' });
		const burst = async (some: readonly string[]) => {
			for (const [at, uuid] of some.entries()) {
				const base = { uuid, at: 1_700_000_000_000 + at, host: 'w9@lab' };
				send(
					'task.multi',
					celeryBody(
						{ ...base, type: 'task-received', name: 'burst.task', args: '()', kwargs: '{}' },
						{ ...base, at: base.at + 1, type: 'task-started' },
					),
				);
				send(
					'task.succeeded',
					celeryBody({ ...base, at: base.at + 5, type: 'task-succeeded', result: '1', runtime: 0.004 }),
				);
				if (at % 500 === 499) await channel.waitForConfirms();
			}
			await channel.waitForConfirms();
		};
		try {
			await using first = await bootEngine({ home: place.home });
			await first.call('profile.add', { name: 'lab', framework: 'celery', broker: server.url });
			const counts = async (engine: typeof first) => (await engine.call('profile.show', { name: 'lab' })).counts;
			{
				using run = await first.open('monitor.run', { profile: 'lab', keep: 10 });
				await waitFor('the monitor to listen', () => run.items.at(-1)?.status.trouble === null);
				send('task.nonsense', Buffer.from('{"no": "event"'));
				await Promise.all([
					burst(ids.slice(0, tasks / 2)),
					waitFor('some to be taken', async () => (await counts(first)).succeeded > 20),
				]);
			}
			// Nobody watches now: the broker keeps these.
			await burst(ids.slice(tasks / 2));
			using again = await first.open('monitor.run', { profile: 'lab', keep: 10 });
			await waitFor('all to be taken', async () => (await counts(first)).succeeded === tasks, 120_000);
			expect((await counts(first)).running).toBe(0);
			await waitFor('the queue to be empty', () => again.items.at(-1)?.status.behind === 0);
			const status = await first.call('monitor.status', { profile: 'lab' });
			expect(status).toMatchObject({ running: true, gapCount: 0, bad: 1, trouble: null, keeping: true });
			await waitFor('the bad one to be noted', async () => {
				const { items } = await first.call('monitor.unreadable', { profile: 'lab' });
				return items.length === 1 && items[0]?.text === '{"no": "event"';
			});
		} finally {
			await connection.close();
		}
	}, 300_000);
});

describe('a connection that is cut', () => {
	it('comes back by itself, and the gap is told with its length', async () => {
		await using engine = await bootEngine();
		await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: server.url });
		using run = await engine.open('monitor.run', { profile: 'lab' });
		await waitFor('the monitor to listen', () => run.items.at(-1)?.status.trouble === null);
		await server.ctl(['close_all_connections', 'test']);
		await waitFor(
			'the gap to be told',
			() => (run.items.at(-1)?.status.gaps.length ?? 0) > 0 && run.items.at(-1)?.status.trouble === null,
			60_000,
		);
		const [gap] = run.items.at(-1)?.status.gaps ?? [];
		expect(gap?.to).toBeGreaterThan(gap?.from ?? Infinity);
		expect(gap?.reason).toContain('closed the connection');
	}, 120_000);
});

describe('event watch', () => {
	it('prints each event as it came, one JSON line each', async () => {
		using place = testHome();
		await warrenJson(place.home, ['profile', 'add', 'lab', '--framework', 'celery', '--broker', server.url]);
		const io = testIo(['--home', place.home, '--profile', 'lab', '--json', 'event', 'watch', '--group', 'task']);
		const watching = runCommandLine(io);
		const connection = await amqp.connect(server.url);
		const channel = await connection.createChannel();
		const long = '{"type":"task-progress","uuid":"u1","hostname":"w@h","timestamp":1,"id":9223372036854775809}';
		await waitFor('an event to be printed', () => {
			channel.publish('celeryev', 'task.progress', Buffer.from(long), { contentType: 'application/json' });
			return io.out().includes('\n');
		});
		io.interrupt();
		expect(await watching).toBe(0);
		const [line = ''] = io.out().split('\n');
		expect(line).toContain(`"event":${long}`);
		expect(JSON.parse(line)).toMatchObject({
			type: 'task-progress',
			task: 'u1',
			routingKey: 'task.progress',
			fault: null,
		});
		await connection.close();
	});
});

describe('event snapshot', () => {
	it.each([
		[
			'a file in a folder that is not there',
			['--out', '/nowhere/at/all/shots.jsonl'],
			/cannot be written to \/nowhere/,
		],
		['a database there', ['--sqlite', '/nowhere/at/all/shots.db'], /cannot be written to \/nowhere/],
		['a command that fails', ['--command', 'exit 9'], /ended with 9 for snapshot 1, so no more are taken/],
	])(
		'ends with 1, as the broker is well, when it is to go to %s',
		async (_what, target, words) => {
			using place = testHome();
			await warrenJson(place.home, ['profile', 'add', 'lab', '--framework', 'celery', '--broker', server.url]);
			const io = testIo(['--home', place.home, '--profile', 'lab', 'event', 'snapshot', '--every', '1s', ...target]);
			let code: number | null = null;
			const ran = runCommandLine(io).then((ended) => {
				code = ended;
			});
			const connection = await amqp.connect(server.url);
			const channel = await connection.createChannel();
			await channel.assertExchange('celeryev', 'topic', { durable: true });
			const told = { type: 'task-sent', at: Date.now(), uuid: 'u1', name: 'shop.charge' };
			await waitFor(
				'it to end by itself',
				() => {
					channel.publish('celeryev', 'task.sent', Buffer.from(celeryBody(told)), { contentType: 'application/json' });
					return code !== null;
				},
				60_000,
			);
			await ran;
			expect(io.err()).toMatch(words);
			expect(code).toBe(1);
			await connection.close();
		},
		90_000,
	);
});
