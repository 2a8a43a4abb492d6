/** Failed tasks of a real Celery worker sent again though no message was kept: with the arguments that they had, from whoever knows them. */
import amqp from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ResultLab, resultLab } from '#test/support/celery/result-lab.ts';
import { bootEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit, uniqueName } from '#test/support/rabbitmq.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

let rabbit: RabbitServer;
let redis: RedisServer;
let lab: ResultLab;
beforeAll(async () => {
	rabbit = await startRabbit();
	redis = await startRedis({ own: true });
	lab = resultLab(rabbit.url, redis.url);
	lab.worker('w1', true);
}, 120_000);
afterAll(async () => {
	await lab?.[Symbol.asyncDispose]();
	await redis?.stop();
	await rabbit?.stop();
});

async function booted(results: string | null) {
	const engine = await bootEngine();
	const keeps = results === null ? {} : { results };
	await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: rabbit.url, ...keeps });
	return engine;
}

type Booted = Awaited<ReturnType<typeof booted>>;

/** Sends `shaky` as a client does, and waits until history knows that it failed. */
async function failed(engine: Booted, call: string): Promise<string> {
	lab.not('good');
	const id = await lab.python<string>(`print(json.dumps(shaky.delay(${call}).id))`);
	await waitFor(
		'history to know that it failed',
		async () => {
			const [row] = (await engine.call('task.list', { profile: 'lab', query: `state:failed ${id}` })).items;
			return row !== undefined;
		},
		60_000,
	);
	return id;
}

async function watched(engine: Booted): Promise<Disposable> {
	const run = await engine.open('monitor.run', { profile: 'lab' });
	await waitFor('the monitor to listen', () => run.items.at(-1)?.status.trouble === null, 30_000);
	return run;
}

const runOf = (messageId: string | null | undefined) =>
	waitFor('the worker to run it', () => lab.ran().find(({ id }) => id === messageId) ?? null, 30_000);

describe('a failed task of which only events are known', () => {
	it('is sent again with what they printed, type by type, under a new id in its old tree', async () => {
		const engine = await booted(null);
		await using _engine = engine;
		using _run = await watched(engine);
		const id = await failed(
			engine,
			'2**64, 1.5, None, True, "two\\nlines", [1, {"k": -0.0}], 1e22, when={"n": None, "é": [False]}',
		);
		const review = await engine.call('task.review', { profile: 'lab', action: 'requeue', ids: [id] });
		expect(review).toMatchObject({
			count: 1,
			sources: [{ source: 'event', count: 1 }],
			tasks: [{ id, source: 'event', reason: null }],
			warnings: [expect.stringMatching(/^Of one of them no message is kept/)],
		});
		lab.let('good');
		const outcome = await engine.call('task.requeue', { profile: 'lab', review: review.token });
		expect(outcome).toMatchObject({
			done: 1,
			items: [{ id, source: 'event' }],
			sources: [{ source: 'event', count: 1 }],
		});
		const ran = await runOf(outcome.items[0]?.messageId);
		expect(ran.id).not.toBe(id);
		expect(ran).toMatchObject({
			root: id,
			args: "(18446744073709551616, 1.5, None, True, 'two\\nlines', [1, {'k': -0.0}], 1e+22)",
			kwargs: "{'when': {'n': None, 'é': [False]}}",
		});
		const shown = await waitFor('history to know its success', async () => {
			const one = await engine.call('task.show', { profile: 'lab', id });
			return one.state === 'succeeded' ? one : null;
		});
		expect(shown.history.map(({ state, messageId }) => [state, messageId])).toEqual([
			['failed', id],
			['succeeded', ran.id],
		]);
	}, 120_000);

	it('is taken back while its message waits, after which it has failed as before', async () => {
		const engine = await booted(null);
		await using _engine = engine;
		using _run = await watched(engine);
		const id = await failed(engine, '7');
		// A queue that no worker takes from.
		const connection = await amqp.connect(rabbit.url);
		const parked = uniqueName('parked');
		await (await connection.createChannel()).assertQueue(parked);
		await connection.close();
		const before = await engine.call('task.show', { profile: 'lab', id });
		const outcome = await engine.call('task.requeue', { profile: 'lab', ids: [id], queue: parked });
		expect(outcome).toMatchObject({ done: 1 });
		expect(await engine.call('task.show', { profile: 'lab', id })).toMatchObject({ state: 'queued', attempts: 2 });
		const [change] = (await engine.call('undo.list', { profile: 'lab' })).items;
		expect(change).toMatchObject({ action: 'task.requeue', able: true, title: 'Requeued 1 task' });

		const undone = await engine.call('undo.apply', { profile: 'lab', id: change?.id ?? 0 });
		expect(undone).toMatchObject({ done: 1, failed: 0, skipped: 0 });
		expect((await engine.call('queue.peek', { profile: 'lab', queue: parked })).items).toEqual([]);
		const after = await engine.call('task.show', { profile: 'lab', id });
		expect(after).toMatchObject({ state: 'failed', attempts: before.attempts, exception: before.exception });
		expect(await engine.refusal('undo.apply', { profile: 'lab', id: change?.id ?? 0 })).toMatchObject({
			code: 'conflict',
		});

		// What a worker took cannot be taken back, and that is said.
		lab.let('good');
		const taken = await engine.call('task.requeue', { profile: 'lab', ids: [id] });
		await runOf(taken.items[0]?.messageId);
		const [last] = (await engine.call('undo.list', { profile: 'lab' })).items;
		expect(await engine.call('undo.apply', { profile: 'lab', id: last?.id ?? 0 })).toMatchObject({
			done: 0,
			skipped: 1,
			items: [{ reason: 'does not wait any more: a worker took it' }],
		});
	}, 120_000);

	it('is refused where the print was cut, with what could be read; and sent once it was mended', async () => {
		const engine = await booted(null);
		await using _engine = engine;
		using _run = await watched(engine);
		const id = await failed(engine, '42, "x" * 3000, retry=True');
		const dry = await engine.call('task.requeue', { profile: 'lab', ids: [id], dryRun: true });
		expect(dry).toMatchObject({ done: 0, skipped: 1, sources: [], items: [{ id, outcome: 'skipped' }] });
		expect(dry.items[0]?.reason).toMatch(
			/not certain: positional argument 2 was cut at character \d+ of its print; positional argument 1 and keyword argument retry could be read\. Check them, and give them with --args and --kwargs$/,
		);
		const refused = await engine.call('task.requeue', { profile: 'lab', ids: [id] });
		expect(refused).toMatchObject({
			done: 0,
			skipped: 1,
			items: [
				{
					reason: dry.items[0]?.reason,
					repair: { args: expect.stringMatching(/^42, <positional argument 2 was cut: /), kwargs: '{"retry": true}' },
				},
			],
		});
		const { args = '', kwargs = '' } = refused.items[0]?.repair ?? {};
		// What is missing cannot be sent by mistake.
		await expect(engine.call('task.requeue', { profile: 'lab', ids: [id], args, kwargs })).rejects.toThrow(/args/);
		lab.let('good');
		const mended = args.replace(/<.*>/s, `'${'x'.repeat(3_000)}'`);
		const outcome = await engine.call('task.requeue', { profile: 'lab', ids: [id], args: mended, kwargs });
		expect(outcome).toMatchObject({ done: 1, sources: [{ source: 'given', count: 1 }] });
		expect(await runOf(outcome.items[0]?.messageId)).toMatchObject({
			root: id,
			args: `(42, '${'x'.repeat(3_000)}')`,
			kwargs: "{'retry': True}",
		});
	}, 120_000);
});

describe('a failed task whose extended result is kept', () => {
	it('is sent again with the result’s arguments, though nobody watched and its print is cut', async () => {
		const engine = await booted(redis.url);
		await using _engine = engine;
		lab.not('good');
		const long = 'y'.repeat(2_000);
		const id = await lab.python<string>(
			`print(json.dumps(shaky.delay("back\\\\slash", "it's", ${JSON.stringify(long)}, [[[[1]]]], n=2**70, f=0.1).id))`,
		);
		await waitFor('its end', async () => {
			const view = await engine.call('task.result', { profile: 'lab', id });
			return view.result?.ready === true;
		});
		lab.let('good');
		const outcome = await engine.call('task.requeue', { profile: 'lab', ids: [id] });
		expect(outcome).toMatchObject({ done: 1, sources: [{ source: 'result', count: 1 }] });
		expect(await runOf(outcome.items[0]?.messageId)).toMatchObject({
			root: id,
			args: `('back\\\\slash', "it's", '${long}', [[[[1]]]])`,
			kwargs: "{'n': 1180591620717411303424, 'f': 0.1}",
		});
	}, 120_000);
});
