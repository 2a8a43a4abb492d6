/** Results by rpc://: Debian's Celery over a real RabbitMQ sends them to whoever sent the task, which is Warren here. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import amqp from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { type CeleryLab, celeryLab, type LabWorker } from '#test/support/celery/lab.ts';
import { warrenJson } from '#test/support/cli.ts';
import { testIo } from '#test/support/cli-io.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';

function testHome(): { readonly home: string } & Disposable {
	const home = mkdtempSync(join(tmpdir(), 'warren-rpc-'));
	return { home, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) };
}

let server: RabbitServer;
let engine: TestEngine;
let lab: CeleryLab;
let worker: LabWorker;
let queue: string;

beforeAll(async () => {
	server = await startRabbit({ config: ['max_message_size = 33554432'] });
	engine = await bootEngine();
	const { profile } = await engine.call('profile.add', {
		name: 'lab',
		framework: 'celery',
		broker: server.url,
		results: 'rpc://',
	});
	queue = `warren.results.${profile.id}`;
	lab = celeryLab(server.url, { result_backend: 'rpc://', task_send_sent_event: false, task_track_started: true });
	// Without events of tasks: what history learns of them comes by their results alone.
	worker = lab.worker('w1', { events: false });
	await lab.python(["print(app.send_task('warrenlab.add', (1, 1)).get(timeout=90))"]);
}, 180_000);
afterAll(async () => {
	await worker?.[Symbol.asyncDispose]();
	await engine?.[Symbol.asyncDispose]();
	await server?.stop();
});

const publish = async (name: string, args: string) =>
	(await engine.call('task.publish', { profile: 'lab', name: `warrenlab.${name}`, queue: 'celery', args })).id;
const become = (id: string, wanted: string) =>
	waitFor(
		`${id} to be ${wanted}`,
		async () => {
			const task = await engine.call('task.show', { profile: 'lab', id });
			return task.state === wanted ? task : null;
		},
		90_000,
	);
/** Results that wait in the queue of another home's profile. */
const waiting = async (stem: string) => {
	const lines = (await server.ctl(['list_queues', '--quiet', 'name', 'messages'])).split('\n');
	return Number(lines.find((line) => line.startsWith(stem))?.split('\t')[1] ?? 0);
};

it('takes what a task returned or raised into its history', async () => {
	const [fine, failed] = await Promise.all([publish('add', "'ab', 'c'"), publish('fail', "'kaput'")]);
	expect(await become(fine, 'succeeded')).toMatchObject({ result: { kind: 'json', text: '"abc"' }, attempts: 1 });
	const told = await become(failed, 'failed');
	expect(told).toMatchObject({ exception: { type: 'ValueError', message: 'kaput' } });
	expect(told.traceback).toContain('raise ValueError(message)');
	expect(told.events?.map(({ type }) => type)).toEqual(['result-FAILURE']);
}, 120_000);

it('names its own queue in tasks that are sent again, whoever sent them first', async () => {
	const id = await publish('fail', "'twice'");
	await become(id, 'failed');
	const again = await engine.call('task.requeue', { profile: 'lab', ids: [id] });
	await waitFor(
		'the second end',
		async () => {
			const { history } = await engine.call('task.show', { profile: 'lab', id });
			return (
				history.length === 2 && history[1]?.messageId === again.items[0]?.messageId && history[1]?.state === 'failed'
			);
		},
		90_000,
	);
}, 120_000);

it('goes on after its connections were closed, and loses no result on the way', async () => {
	const running = await publish('sleep', '5');
	await server.ctl(['close_all_connections', 'test']);
	const next = await waitFor('the broker to be back', async () => publish('add', '1, 2').catch(() => null), 90_000);
	expect(await become(next, 'succeeded')).toMatchObject({ result: { text: '3' } });
	expect(await become(running, 'succeeded')).toMatchObject({ result: { text: '"awake"' } });
}, 240_000);

it('sets aside what is no result, and settles it with the others', async () => {
	const connection = await amqp.connect(server.url);
	const channel = await connection.createConfirmChannel();
	channel.sendToQueue(queue, Buffer.from('{"status": 1}'));
	channel.sendToQueue(queue, Buffer.from('{"task_id": "nobody", "status": "SUCCESS", "result": 1}'));
	await channel.waitForConfirms();
	const { items } = await waitFor('it to be noted', async () => {
		const bad = await engine.call('monitor.unreadable', { profile: 'lab' });
		return bad.items.length > 0 ? bad : null;
	});
	expect(items[0]).toMatchObject({ reason: expect.stringContaining('A result:'), text: '{"status": 1}' });
	await waitFor('the queue to be empty', async () => (await channel.checkQueue(queue)).messageCount === 0);
	const { total } = await engine.call('task.list', { profile: 'lab', query: 'id:nobody' });
	expect(total).toBe(0);
	await connection.close();
});

it('says of what it cannot read where results of tasks sent from here are', async () => {
	const refusal = await engine.refusal('task.result', { profile: 'lab', id: 'x' });
	expect(refusal.message).toContain('rpc://');
	const { items } = await engine.call('queue.list', { profile: 'lab' });
	expect(items.map(({ name }) => name)).not.toContain(queue);
});

it('is waited for by the command line, and kept for the next who listens when nobody waits', async () => {
	using place = testHome();
	const add = ['profile', 'add', 'shop', '--framework', 'celery', '--broker', server.url, '--results', 'rpc://'];
	await warrenJson(place.home, add);
	const publishing = ['--home', place.home, '--profile', 'shop', '--json', 'task', 'publish'];
	const waited = testIo([...publishing, 'warrenlab.add', '--args', '20, 22', '--queue', 'celery', '--wait']);
	expect(await runCommandLine(waited)).toBe(0);
	expect(JSON.parse(waited.out())).toMatchObject({
		published: 1,
		ended: true,
		task: { state: 'succeeded', result: 42 },
	});
	const failing = testIo([...publishing, 'warrenlab.fail', '--args', "'no'", '--queue', 'celery', '--wait']);
	expect(await runCommandLine(failing)).toBe(1);
	expect(JSON.parse(failing.out())).toMatchObject({ task: { state: 'failed', exception: { message: 'no' } } });

	const alone = testIo([...publishing, 'warrenlab.add', '--args', '1, 1', '--queue', 'celery']);
	expect(await runCommandLine(alone)).toBe(0);
	await waitFor('its result to wait', async () => (await waiting('warren.results.shop-')) > 0, 60_000);
	const next = testIo([...publishing, 'warrenlab.add', '--args', '2, 2', '--queue', 'celery', '--wait']);
	expect(await runCommandLine(next)).toBe(0);
	const show = ['--profile', 'shop', 'task', 'show', JSON.parse(alone.out()).id];
	expect(await warrenJson(place.home, show)).toMatchObject({ state: 'succeeded', result: 2 });
}, 240_000);

it('is not waited for where nothing would tell', async () => {
	using place = testHome();
	await warrenJson(place.home, ['profile', 'add', 'shop', '--framework', 'celery', '--broker', server.url]);
	const io = testIo(['--home', place.home, '--profile', 'shop', 'task', 'publish', 'warrenlab.add', '--wait']);
	expect(await runCommandLine(io)).toBe(1);
	expect(io.err()).toContain('nothing was sent');
});
