import { afterEach, describe, expect, test } from 'vitest';
import type { WorkerDetails, WorkerView } from '#main/domain/worker.ts';
import type { ControlOutcome, NodeState } from '#main/domain/worker-control.ts';
import { CeleryWorkers } from '#renderer/state/celery-workers.svelte.ts';
import { memberOf, textOf, valueOfJson } from '#renderer/state/json-value.ts';
import { Revocation } from '#renderer/state/revocation.svelte.ts';
import { Toasts } from '#renderer/state/toasts.svelte.ts';
import { newPlan, type PlanMethod, type PlanValues, planFault, planInput } from '#renderer/state/worker-plan.ts';
import { FakeEngine, row, settle } from './fake-engine.ts';

const open: Disposable[] = [];
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
	localStorage.clear();
});

function details(queues: readonly string[]): WorkerDetails {
	return {
		at: 1,
		pool: 'prefork',
		concurrency: 2,
		autoscale: null,
		prefetch: 8,
		queues,
		uptimeS: 5,
		total: {},
		pid: 7,
		processes: [8, 9],
	};
}
function worker(name: string, more: Partial<WorkerView> = {}): WorkerView {
	return {
		name,
		state: 'online',
		heardAt: 1,
		ageMs: 0,
		asOf: 1,
		freqS: 2,
		active: 0,
		processed: 0,
		loadavg: null,
		software: { ident: 'py-celery', version: '5.2.6', system: 'Linux' },
		processes: [],
		duplicate: false,
		skewMs: null,
		events: 'tasks',
		details: null,
		...more,
	};
}

interface Started {
	readonly engine: FakeEngine;
	readonly celery: CeleryWorkers;
	readonly toasts: Toasts;
	/** What workers say of themselves; without an entry one does not answer. */
	readonly queues: Map<string, readonly string[]>;
	readonly list: { items: readonly WorkerView[] };
	/** How each node takes a command. */
	readonly takes: Map<string, NodeState>;
}

function start(...names: readonly string[]): Started {
	const engine = new FakeEngine();
	const queues = new Map<string, readonly string[]>(names.map((name) => [name, ['celery', `only-${name}`]]));
	const list = { items: names.map((name) => worker(name)) as readonly WorkerView[] };
	const takes = new Map<string, NodeState>();
	engine.handlers.set('worker.list', (input) => ({
		ok: true,
		value: {
			items: list.items.map((one) => {
				const said = queues.get(one.name);
				return { ...one, details: input.details === true && said !== undefined ? details(said) : null };
			}),
			total: list.items.length,
			source: 'monitor',
			trouble: null,
		},
	}));
	engine.handlers.set('worker.control', (input) => {
		const items = (input.destination as readonly string[]).map((node) => ({
			node,
			state: takes.get(node) ?? 'answered',
			answers: [],
			note: null,
		}));
		for (const { node, state } of items) {
			if (state !== 'answered') continue;
			const before = queues.get(node) ?? [];
			const without = before.filter((one) => one !== input.queue);
			if (input.method === 'cancel_consumer') queues.set(node, without);
			if (input.method === 'add_consumer') queues.set(node, [...without, String(input.queue)]);
		}
		const count = (state: NodeState): number => items.filter((one) => one.state === state).length;
		const outcome: ControlOutcome = {
			method: String(input.method),
			arguments: {},
			sentAt: 1,
			tookMs: 1,
			complete: true,
			receivers: null,
			total: items.length,
			answered: count('answered') + count('stopped'),
			failed: count('failed'),
			silent: count('silent'),
			unreadable: 0,
			notes: [],
			items,
		};
		return { ok: true, value: outcome };
	});
	const toasts = new Toasts();
	const celery = new CeleryWorkers(engine, 'p', toasts);
	open.push(celery);
	return { engine, celery, toasts, queues, list, takes };
}

describe('Celery workers', () => {
	test('are asked nothing before somebody looks', async () => {
		const { engine } = start('w1');
		await settle();
		expect([engine.calls, engine.streams]).toEqual([[], []]);
	});

	test('hold their places: who comes later stands below, whatever it is called, and what was said stays while it is asked anew', async () => {
		const { celery, list, queues } = start('w2', 'w1');
		await celery.look();
		expect(celery.rows.map((one) => one.name)).toEqual(['w1', 'w2']);
		list.items = [worker('a0'), ...list.items];
		queues.delete('w1');
		await celery.look();
		expect(celery.rows.map((one) => one.name)).toEqual(['w1', 'w2', 'a0']);
		expect(celery.row('w1')?.details?.concurrency).toBe(2);
		expect(celery.row('a0')?.details).toBeNull();
	});

	test('tell how much they hold by answering, and silence is not nought', async () => {
		const { celery, engine } = start('w1', 'w2');
		await celery.look();
		const node = (name: string, json: string) => ({
			key: name,
			node: { node: name, state: 'answered', answers: [{ at: 1, tookMs: 1, ok: true, words: null, json }], note: null },
			summary: null,
			failure: null,
		});
		engine.stream('worker.inspect').reader.change([node('w1', '[{"id": "a"}, {"id": "b"}]')], 0);
		expect([celery.reserved('w1'), celery.reserved('w2')]).toEqual([2, null]);
	});
});

describe('a queue', () => {
	test('is paused on exactly those workers that take from it, and resumed on those that left it', async () => {
		const { celery, engine, queues } = start('w1', 'w2', 'w3');
		queues.set('w3', ['other']);
		await celery.look();
		celery.askPause('celery');
		await settle();
		const stage = celery.change.stage;
		expect(stage.kind === 'asking' ? stage.review.nodes : null).toEqual(['w1', 'w2']);
		await celery.change.confirm();
		await settle();
		expect(engine.called('worker.control').at(-1)?.input).toEqual({
			profile: 'p',
			method: 'cancel_consumer',
			destination: ['w1', 'w2'],
			queue: 'celery',
		});
		expect(celery.queues.find((one) => one.queue === 'celery')).toEqual({
			queue: 'celery',
			nodes: [],
			paused: ['w1', 'w2'],
		});
		// A worker that restarts takes from its queues again.
		queues.set('w2', ['celery']);
		await celery.look();
		expect(celery.queues.find((one) => one.queue === 'celery')).toMatchObject({ nodes: ['w2'], paused: ['w1'] });
		celery.ask(newPlan('add_consumer', ['w1'], { queue: 'celery' }));
		await settle();
		await celery.change.confirm();
		await settle();
		expect(celery.queues.find((one) => one.queue === 'celery')).toMatchObject({ nodes: ['w1', 'w2'], paused: [] });
	});

	test('is remembered as paused by the next page, but only where a worker did it', async () => {
		const { celery, engine, takes, toasts } = start('w1', 'w2');
		takes.set('w2', 'silent');
		await celery.look();
		celery.askPause('celery');
		await settle();
		await celery.change.confirm();
		await settle();
		expect(toasts.items.at(-1)).toMatchObject({ tone: 'note' });
		expect(toasts.items.at(-1)?.title).toMatch(/1 did, 1 did not answer$/);
		const next = new CeleryWorkers(engine, 'p', new Toasts());
		open.push(next);
		await next.look();
		expect(next.queues.find((one) => one.queue === 'celery')).toMatchObject({ nodes: ['w2'], paused: ['w1'] });
	});

	test('is left alone on a worker that did not say what it takes from, which is named', async () => {
		const { celery, queues } = start('w1', 'w2');
		queues.delete('w2');
		celery.askPause('celery');
		await settle();
		const stage = celery.change.stage;
		expect(stage.kind === 'asking' ? stage.review : null).toMatchObject({ nodes: ['w1'], unsure: ['w2'] });
	});
});

describe('a plan', () => {
	const faults: readonly (readonly [PlanMethod, PlanValues, RegExp | null])[] = [
		['pool_grow', { n: '0' }, /whole number from 1/],
		['pool_grow', { n: '2' }, null],
		['autoscale', { max: '2', min: '3' }, /least/],
		['autoscale', { max: '3' }, null],
		['rate_limit', { taskName: 'a', rateLimit: '10 a day' }, /per second/],
		['rate_limit', { taskName: 'a', rateLimit: '10/m' }, null],
		['time_limit', { taskName: 'a' }, /a soft limit, a hard limit or both/],
		['time_limit', { taskName: 'a', soft: '30', hard: '20' }, /before/],
		['time_limit', { taskName: 'a', soft: '30' }, null],
		['add_consumer', { queue: ' ' }, /Queue/],
	];
	test.each(faults)('of %s with %j is sent only when nothing is wrong with it', (method, values, fault) => {
		const said = planFault(newPlan(method, ['w1'], values));
		if (fault === null) expect(said).toBeNull();
		else expect(said).toMatch(fault);
	});

	test('sends numbers as numbers and leaves out what was left empty', () => {
		expect(planInput('p', newPlan('autoscale', ['w1'], { max: ' 5 ', min: '' }), ['w1'])).toEqual({
			profile: 'p',
			method: 'autoscale',
			destination: ['w1'],
			max: 5,
		});
	});

	test('asks nobody anew while its values are typed, and a wrong value sends nothing and stays where it can be mended', async () => {
		const { celery, engine } = start('w1');
		celery.ask(newPlan('pool_grow', ['w1']));
		await settle();
		const stage = celery.change.stage;
		if (stage.kind !== 'asking') throw new Error(stage.kind);
		await celery.change.revise({ ...stage.plan, values: { n: 'many' }, found: stage.review });
		expect(engine.called('worker.list').length).toBe(1);
		await celery.change.confirm();
		expect(celery.change.stage).toMatchObject({ kind: 'asking', error: { code: 'invalid-input' } });
		expect(engine.called('worker.control')).toEqual([]);
	});
});

describe('a revocation', () => {
	test('of everything that matches is of the tasks that matched when it was asked', async () => {
		const engine = new FakeEngine();
		engine.put(...Array.from({ length: 230 }, (_, at) => row(`t${at}`, { state: 'queued' })));
		engine.handlers.set('task.revoke', (input) => ({
			ok: true,
			value: { answered: 1, failed: 0, done: (input.ids as readonly string[]).length, tasks: [], items: [] },
		}));
		const revocation = new Revocation(engine, 'p', new Toasts());
		open.push(revocation);
		revocation.ask({ where: 'state:queued' });
		await settle();
		engine.put(row('late', { state: 'queued' }));
		const stage = revocation.change.stage;
		if (stage.kind !== 'asking') throw new Error(stage.kind);
		await revocation.change.revise({ ...stage.plan, terminate: true, signal: 'SIGKILL', found: stage.review });
		await revocation.change.confirm('live');
		const [call] = engine.called('task.revoke');
		expect(call?.confirm).toBe('live');
		expect(call?.input).toMatchObject({ terminate: true, signal: 'SIGKILL' });
		const ids = call?.input.ids as readonly string[];
		expect([ids.length, ids.includes('late')]).toEqual([230, false]);
	});

	test('leaves out what has ended by then, and keeps what only a worker may know', async () => {
		const engine = new FakeEngine();
		const states = ['queued', 'running', 'succeeded', 'failed', 'lost'] as const;
		engine.put(...states.map((state) => row(state, { state })));
		engine.put(...Array.from({ length: 120 }, (_, at) => row(`d${at}`, { state: 'succeeded' })));
		const revocation = new Revocation(engine, 'p', new Toasts());
		open.push(revocation);
		const done = Array.from({ length: 120 }, (_, at) => `d${at}`);
		revocation.ask({ ids: [...done, 'stranger', ...states] });
		await settle();
		const stage = revocation.change.stage;
		if (stage.kind !== 'asking') throw new Error(stage.kind);
		expect(stage.review.ids).toEqual(['stranger', 'queued', 'running', 'lost']);
		expect(stage.review.ended).toBe(122);
		expect(new Set(stage.review.sample.map(({ id }) => id))).toEqual(new Set(['queued', 'running', 'lost']));
	});

	test('of a failure group is of its tasks, never of all there are', async () => {
		const engine = new FakeEngine();
		engine.put(row('a', { state: 'queued' }));
		const revocation = new Revocation(engine, 'p', new Toasts());
		open.push(revocation);
		revocation.ask({ group: 'g1', where: 'queue:mail' });
		await settle();
		expect(engine.called('task.list').map(({ input }) => input.query)).toEqual(['group:"g1" (queue:mail)']);
	});
});

describe('an answer', () => {
	test('keeps every digit, and the words that Python writes bare', () => {
		const value = valueOfJson(
			'{"id": 12345678901234567890, "load": NaN, "text": "NaN -Infinity", "least": -Infinity, "x": 1.50}',
		);
		expect(textOf(memberOf(value, 'id'))).toBe('12345678901234567890');
		expect(memberOf(value, 'load')).toEqual({ kind: 'float', text: 'NaN' });
		expect(memberOf(value, 'least')).toEqual({ kind: 'float', text: '-Infinity' });
		expect(memberOf(value, 'text')).toEqual({ kind: 'str', value: 'NaN -Infinity' });
		expect(memberOf(value, 'x')).toEqual({ kind: 'float', text: '1.50' });
		expect(valueOfJson('{"a": ')).toBeNull();
	});
});
