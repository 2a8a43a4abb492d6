/** Chains, groups and chords of a real Celery worker, drawn from events, results and messages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ResultLab, resultLab } from '#test/support/celery/result-lab.ts';
import { bootEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

let rabbit: RabbitServer;
let redis: RedisServer;
let lab: ResultLab;
let engine: Awaited<ReturnType<typeof bootEngine>>;
beforeAll(async () => {
	rabbit = await startRabbit();
	redis = await startRedis({ own: true });
	lab = resultLab(rabbit.url, redis.url);
	engine = await bootEngine();
	await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: rabbit.url, results: redis.url });
	const run = await engine.open('monitor.run', { profile: 'lab' });
	await waitFor('the monitor to listen', () => run.items.at(-1)?.status.trouble === null);
	lab.worker('w1', true);
}, 120_000);
afterAll(async () => {
	await engine?.[Symbol.asyncDispose]();
	await lab?.[Symbol.asyncDispose]();
	await redis?.stop();
	await rabbit?.stop();
});

const canvas = (id: string) => engine.call('task.canvas', { profile: 'lab', id });
const over = (id: string) =>
	waitFor(
		'the task to end',
		async () => (await engine.call('task.result', { profile: 'lab', id })).result?.ready === true,
		60_000,
	);

describe('a canvas of real tasks', () => {
	it('shows a chain in its order, from whichever of its tasks it is asked', async () => {
		const ids = await lab.python<string[]>(
			'r = chain(add.s(1, 1), add.s(2), add.s(3)).apply_async()',
			'print(json.dumps([r.parent.parent.id, r.parent.id, r.id]))',
		);
		for (const id of ids) await over(id);
		const drawn = await waitFor('events of all three', async () => {
			const one = await canvas(ids[1] ?? '');
			return one.nodes.length === 3 && one.told.history === 3 ? one : null;
		});
		expect(drawn.nodes.map(({ task, layer, state }) => [task, layer, state])).toEqual(
			ids.map((id, layer) => [id, layer, 'succeeded']),
		);
		expect(drawn.edges.map(({ from, to }) => [from, to])).toEqual([
			[`task:${ids[0]}`, `task:${ids[1]}`],
			[`task:${ids[1]}`, `task:${ids[2]}`],
		]);
		expect(drawn.nodes.filter(({ focus }) => focus).map(({ task }) => task)).toEqual([ids[1]]);
	});

	it('shows what a waiting chain is still to send, and the body of a chord, from their messages', async () => {
		const ids = await lab.python<string[]>(
			'r = chain(add.s(1, 1), add.s(2), add.s(3)).apply_async(queue="parked")',
			'c = chord([add.s(1, 1).set(queue="parked"), add.s(2, 2).set(queue="parked")], total.s()).apply_async()',
			'print(json.dumps([r.parent.parent.id, r.parent.id, r.id, c.parent.results[0].id, c.id]))',
		);
		await engine.call('queue.peek', { profile: 'lab', queue: 'parked' });
		const chain = await canvas(ids[0] ?? '');
		expect(chain.nodes.map(({ kind, key }) => [kind, key])).toEqual([
			['task', `task:${ids[0]}`],
			['pending', `pending:${ids[1]}`],
			['pending', `pending:${ids[2]}`],
		]);
		const chord = await canvas(ids[3] ?? '');
		expect(chord.nodes.map(({ kind, layer }) => [kind, layer])).toEqual([
			['group', 0],
			['task', 1],
			['task', 1],
			['pending', 1],
		]);
		expect(chord.edges).toContainEqual(expect.objectContaining({ tie: 'chord', to: `pending:${ids[4]}` }));
	});

	it('counts the states of a big group, which stands for its members', async () => {
		const id = await lab.python<string>('print(json.dumps(spread.delay(30).id))');
		await over(id);
		const drawn = await waitFor('all members', async () => {
			const one = await canvas(id);
			return one.nodes.find(({ kind }) => kind === 'group')?.counts?.succeeded === 30 ? one : null;
		});
		expect(drawn.nodes.map(({ kind, collapsed }) => [kind, collapsed])).toEqual([
			['task', false],
			['group', true],
		]);
		const group = drawn.nodes[1]?.key.slice('group:'.length) ?? '';
		const open = await engine.call('task.canvas', { profile: 'lab', id, expand: [group] });
		expect(open.nodes).toHaveLength(32);
	});

	it('shows the members of a group, which no event and no result ties to each other', async () => {
		const ids = await lab.python<string[]>(
			'g = group([add.s(n, n) for n in range(4)] + [fail.s("one of five")]).apply_async()',
			'print(json.dumps([one.id for one in g.results]))',
		);
		for (const id of ids) await over(id);
		const drawn = await waitFor('all members', async () => {
			const one = await canvas(ids[2] ?? '');
			return one.nodes.length === 6 ? one : null;
		});
		expect(drawn.nodes[0]).toMatchObject({ kind: 'group', counts: { succeeded: 4, failed: 1 } });
		expect(
			drawn.nodes
				.slice(1)
				.map(({ task }) => task)
				.toSorted(),
		).toEqual(ids.toSorted());
		expect(drawn.edges.every(({ tie }) => tie === 'member')).toBe(true);
	});

	it('of a task that nobody knows is refused, with what to do', async () => {
		expect(await engine.refusal('task.canvas', { profile: 'lab', id: 'nobody' })).toMatchObject({ code: 'not-found' });
	});
});
