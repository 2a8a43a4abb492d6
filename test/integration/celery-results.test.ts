/** Results of a real Celery worker, RabbitMQ its broker and Redis its backend: read, followed, and told to history. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ResultLab, resultLab } from '#test/support/celery/result-lab.ts';
import { bootEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

let rabbit: RabbitServer;
let redis: RedisServer;
let lab: ResultLab;
beforeAll(async () => {
	rabbit = await startRabbit();
	redis = await startRedis({ own: true });
	lab = resultLab(rabbit.url, redis.url);
	lab.worker('w1', false);
}, 120_000);
afterAll(async () => {
	await lab?.[Symbol.asyncDispose]();
	await redis?.stop();
	await rabbit?.stop();
});

async function booted() {
	const engine = await bootEngine();
	await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: rabbit.url, results: redis.url });
	const result = (id: string) => engine.call('task.result', { profile: 'lab', id });
	const over = (id: string) =>
		waitFor(
			'the task to end',
			async () => {
				const view = await result(id);
				return view.result?.ready === true ? view : null;
			},
			60_000,
		);
	return { engine, result, over };
}

describe('a result', () => {
	it('is read as the backend keeps it: what was returned, what was raised, who ran it, and when it goes', async () => {
		const { engine, over, result } = await booted();
		await using _engine = engine;
		const [good, bad, again] = await lab.python<string[]>(
			'print(json.dumps([add.delay(2**64, y=1).id, fail.delay("kaput").id, flaky.delay(2).id]))',
		);
		expect((await over(good ?? '')).result).toMatchObject({
			status: 'SUCCESS',
			state: 'succeeded',
			valueJson: '18446744073709551617',
			name: 'resultlab.add',
			args: { kind: 'list', items: [{ kind: 'int', text: '18446744073709551616' }] },
			kwargs: { kind: 'dict', entries: [[{ value: 'y' }, { kind: 'int', text: '1' }]] },
			worker: 'w1@lab',
			retries: 0,
			queue: 'celery',
		});
		const failed = await over(bad ?? '');
		expect(failed.result).toMatchObject({
			state: 'failed',
			exception: { type: 'ValueError', message: 'kaput', module: 'builtins', args: [{ kind: 'str', value: 'kaput' }] },
			traceback: expect.stringContaining('ValueError: kaput'),
		});
		expect(failed.source?.expiresAt).toBeGreaterThan(failed.source?.readAt ?? Infinity);
		expect(failed.words).toMatch(/^FAILURE, \d+ s ago, as celery-task-meta-\S+ says; it expires in 60 min\.$/);
		expect((await over(again ?? '')).result).toMatchObject({ retries: 2, valueJson: '{"attempts": 3}' });
		expect(await result('11111111-1111-4111-8111-111111111111')).toMatchObject({ result: null, source: null });
	});

	it('is followed while it changes, states of the application’s own too, until the task has ended', async () => {
		const { engine } = await booted();
		await using _engine = engine;
		lab.not('open');
		const id = await lab.python<string>('print(json.dumps(hold.delay([1, 2]).id))');
		using watch = await engine.open('result.watch', { profile: 'lab', id });
		await waitFor('its progress', () => watch.items.some(({ view }) => view.result?.status === 'PROGRESS'));
		lab.let('open');
		await waitFor('its end', () => watch.items.at(-1)?.view.result?.status === 'SUCCESS');
		const progress = watch.items.find(({ view }) => view.result?.status === 'PROGRESS')?.view.result;
		expect(progress).toMatchObject({ state: null, ready: false, valueJson: '{"done": 1, "of": 2}' });
		expect(watch.items.at(-1)?.view.result?.valueJson).toBe('[1, 2]');
	});

	it('has its children with it, groups with their members', async () => {
		const { engine, over, result } = await booted();
		await using _engine = engine;
		const id = await lab.python<string>('print(json.dumps(spread.delay(3).id))');
		await over(id);
		const view = await waitFor('its members to end', async () => {
			const one = await result(id);
			const members = one.branches[0]?.branches ?? [];
			return members.length === 3 && members.every((member) => member.state === 'succeeded') ? one : null;
		});
		expect(view.branches).toMatchObject([{ group: true, branches: [{ group: false, name: 'resultlab.add' }, {}, {}] }]);
	});
});

describe('history', () => {
	it('takes the end of a task from its result where no event told it, and says so', async () => {
		const { engine, over } = await booted();
		await using _engine = engine;
		lab.not('open');
		const { id } = await engine.call('task.publish', {
			profile: 'lab',
			name: 'resultlab.hold',
			queue: 'celery',
			args: "'x'",
		});
		expect(await engine.call('task.show', { profile: 'lab', id })).toMatchObject({ state: 'queued' });
		lab.let('open');
		await over(id);
		const shown = await engine.call('task.show', { profile: 'lab', id });
		expect(shown).toMatchObject({ state: 'succeeded', worker: 'w1@lab', result: { kind: 'json', text: '"x"' } });
		expect(shown.events).toMatchObject([{ type: 'result-SUCCESS', host: 'w1@lab', readAt: expect.any(Number) }]);
		expect(shown.history).toHaveLength(1);
	});

	it('looks for such ends by itself while a profile is watched', async () => {
		const { engine } = await booted();
		await using _engine = engine;
		const { id } = await engine.call('task.publish', {
			profile: 'lab',
			name: 'resultlab.fail',
			queue: 'celery',
			args: "'late'",
		});
		await waitFor(
			'the worker to have run it',
			async () => (await redis.cli('EXISTS', `celery-task-meta-${id}`)).trim() === '1',
		);
		await waitFor('its end to be kept', async () =>
			(await redis.cli('GET', `celery-task-meta-${id}`)).includes('FAILURE'),
		);
		using _run = await engine.open('monitor.run', { profile: 'lab' });
		const shown = await waitFor('history to know', async () => {
			const one = await engine.call('task.show', { profile: 'lab', id });
			return one.state === 'failed' ? one : null;
		});
		expect(shown).toMatchObject({
			exception: { type: 'ValueError', message: 'late' },
			traceback: expect.stringContaining('ValueError: late'),
		});
	});

	it('knows a task wholly from an extended result that was never told of before', async () => {
		const { engine, over } = await booted();
		await using _engine = engine;
		const id = await lab.python<string>('print(json.dumps(add.delay(40, 2).id))');
		await over(id);
		expect(await engine.call('task.show', { profile: 'lab', id })).toMatchObject({
			name: 'resultlab.add',
			state: 'succeeded',
			argsJson: '[40, 2]',
			result: { kind: 'json', text: '42' },
		});
	});
});

describe('a chord', () => {
	it('tells how many of its header have counted, and is gone once its body was sent', async () => {
		const { engine, over } = await booted();
		await using _engine = engine;
		lab.not('open');
		const [group, body] = await lab.python<[string, string]>(
			'c = chord([add.s(1, 1), hold.s(2)], total.s()).apply_async()',
			'print(json.dumps([c.parent.id, c.id]))',
		);
		const progress = () => engine.call('task.group', { profile: 'lab', id: group });
		const open = await waitFor('one to have counted', async () => {
			const one = await progress();
			return one.chord?.counted === 1 ? one : null;
		});
		expect(open).toMatchObject({ size: 2, done: 1, failed: 0, stuck: null, members: [{ status: 'SUCCESS' }] });
		lab.let('open');
		expect((await over(body)).result).toMatchObject({ state: 'succeeded', valueJson: '4' });
	});

	it('says which member of its header failed, and that its body ends with an error', async () => {
		const { engine, over } = await booted();
		await using _engine = engine;
		lab.not('open');
		const [group, body] = await lab.python<[string, string]>(
			'c = chord([fail.s("kaput"), hold.s(2)], total.s()).apply_async()',
			'print(json.dumps([c.parent.id, c.id]))',
		);
		const stuck = await waitFor('one to have failed', async () => {
			const one = await engine.call('task.group', { profile: 'lab', id: group });
			return one.failed === 1 ? one : null;
		});
		expect(stuck.stuck).toMatch(/^A member of its header failed \(\S+\)\. Once the other 1 have ended, its body ends/);
		lab.let('open');
		expect((await over(body)).result).toMatchObject({
			state: 'failed',
			exception: { type: expect.stringMatching(/ChordError$/) },
		});
	});
});

it('is read whatever its serializer, and a pickle stays inert', async () => {
	await using other = resultLab(rabbit.url, redis.url, 'pickle');
	const { engine, over } = await booted();
	await using _engine = engine;
	// Written by this client itself, as its worker would write it.
	const [good, bad] = await other.python<string[]>(
		'import datetime',
		'app.backend.store_result("p-1", {"when": datetime.date(2026, 1, 2), 3: (4,)}, "SUCCESS")',
		'app.backend.store_result("p-2", ValueError("sour", 5), "FAILURE", traceback="Traceback …")',
		'print(json.dumps(["p-1", "p-2"]))',
	);
	expect((await over(good ?? '')).result).toMatchObject({
		serializer: 'pickle',
		valueJson: null,
		valueText: "{'when': datetime.date(2026, 1, 2), 3: (4,)}",
	});
	expect((await over(bad ?? '')).result).toMatchObject({
		serializer: 'pickle',
		exception: { type: 'ValueError', message: "'sour', 5" },
	});
});
