/** What only the Redis driver has: kombu's keys, prefixes, entries that are none, what is held, and the doctor's steps. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDoctor, createDriver } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { UnackedDoor } from '#main/brokers/unacked.ts';
import type { DoctorStep } from '#main/domain/profile.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { bodyText, driverContext, must, take, toQueue } from '../support/brokers.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

const LOOK = { limit: 100, deadlineMs: 10_000 };
const SCAN = { scanLimit: 10_000, deadlineMs: 10_000 };

let server: RedisServer;
let folder: string;
let socket: string;
let stack: AsyncDisposableStack;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'warren-redis-driver-'));
	socket = join(folder, 'redis.sock');
	server = await startRedis({ own: true, config: [`unixsocket ${socket}`] });
});
afterAll(async () => {
	await server?.stop();
	await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
	stack = new AsyncDisposableStack();
	await server.cli('FLUSHALL');
});
afterEach(() => stack.disposeAsync());

async function open(parameters = '', url = server.url): Promise<BrokerDriver> {
	const { address, password } = must(parseBroker(`${url}${parameters}`));
	const driver = stack.use(createDriver(address, driverContext({ folder, password })));
	driver.connect();
	must(await driver.ready(20_000));
	return driver;
}

async function examine(url: string, queues: readonly string[] = []): Promise<readonly DoctorStep[]> {
	const { address, password } = must(parseBroker(url));
	return createDoctor(address, driverContext({ folder, password }))(queues, new AbortController().signal);
}

function unackedOf(driver: BrokerDriver): UnackedDoor {
	if (driver.unacked === undefined) throw new Error('This driver does not tell what is held.');
	return driver.unacked;
}

/** An entry as kombu writes it. */
function entry(id: string, queue: string, more: Record<string, unknown> = {}): string {
	return JSON.stringify({
		body: 'W10=',
		'content-encoding': 'utf-8',
		'content-type': 'application/json',
		headers: { task: 't', id },
		properties: {
			correlation_id: id,
			priority: 0,
			body_encoding: 'base64',
			delivery_tag: `tag-${id}`,
			delivery_info: { exchange: '', routing_key: queue },
			...more,
		},
	});
}

describe("kombu's keys", () => {
	it('are used as the address says: prefix, steps and separator', async () => {
		const driver = await open('?global_keyprefix=shop%3A&priority_steps=0,5&sep=%7C');
		must(await driver.ensureQueue(carrotQueue('mail')));
		must(await driver.publish(toQueue('mail', 'late', { priority: 9 })));
		must(await driver.publish(toQueue('mail', 'soon', { priority: 4 })));
		expect((await server.cli('KEYS', '*')).split('\n').sort()).toEqual([
			'shop:_kombu.binding.mail',
			'shop:mail',
			'shop:mail|5',
		]);
		expect(await server.cli('SMEMBERS', 'shop:_kombu.binding.mail')).toBe('mail||mail');
		expect(must(await driver.look('mail', LOOK)).messages.map(bodyText)).toEqual(['soon', 'late']);
		expect(must(await driver.queues([])).map(({ name, ready }) => [name, ready])).toEqual([['mail', 2]]);
		// Without the prefix nothing of it is to be seen.
		expect(must(await (await open()).queues([]))).toEqual([]);
	});

	it('of bound queues are listed though they are empty, without those of events and remote control', async () => {
		await server.cli('SADD', '_kombu.binding.celery', 'celery\x06\x16\x06\x16celery');
		await server.cli('SADD', '_kombu.binding.celeryev', '\x06\x16\x06\x16celeryev.1');
		await server.cli('SADD', '_kombu.binding.celery.pidbox', '\x06\x16\x06\x16w@h.celery.pidbox');
		await server.cli('SET', '_kombu.binding.strange', 'no set');
		const driver = await open();
		expect(must(await driver.queues([])).map((queue) => queue.name)).toEqual(['celery']);
	});

	it('that hold something else are no queue, and stay as they are', async () => {
		await server.cli('SET', 'a-text', 'x');
		const driver = await open();
		const [figures] = must(await driver.queues(['a-text']));
		expect(figures).toMatchObject({ exists: false, ready: null });
		expect(await driver.look('a-text', LOOK)).toMatchObject({ ok: false, error: { code: 'not-found' } });
		expect(await server.cli('GET', 'a-text')).toBe('x');
	});

	it('are reached by a Unix socket as well', async () => {
		const driver = await open('?db=3', `redis+socket://${socket}`);
		must(await driver.ensureQueue(carrotQueue('q')));
		must(await driver.publish(toQueue('q', 'x')));
		expect(await server.cli('-n', '3', 'LLEN', 'q')).toBe('1');
	});

	it('are left alone by looking: not one is written', async () => {
		await server.cli('LPUSH', 'q', entry('1', 'q'));
		const driver = await open();
		const changes = async () => /rdb_changes_since_last_save:(\d+)/.exec(await server.cli('INFO', 'persistence'))?.[1];
		const before = await changes();
		must(await driver.look('q', LOOK));
		must(await driver.queues([]));
		must(await driver.queues(['q', 'nowhere']));
		must(await unackedOf(driver).held(LOOK));
		expect(await changes()).toBe(before);
	});

	it('are as before, all of them, when a consumer has come and gone', async () => {
		await server.cli('SADD', '_kombu.binding.q', 'q\x06\x16\x06\x16q');
		const driver = await open();
		const taker = await take(driver, 'q', 2);
		must(await driver.publish(toQueue('q', 'x')));
		const [delivery] = await taker.got(1);
		must((await delivery?.ack()) ?? { ok: true, value: undefined });
		await driver[Symbol.asyncDispose]();
		expect(await server.cli('KEYS', '*')).toBe('_kombu.binding.q');
	});
});

describe('entries that are no messages', () => {
	const strange = ['hello', '{"body": 5}', '{"headers": null, "properties": null, "body": ""}', '[]', '{not json}'];

	it('are shown, have names, and are removed by them', async () => {
		for (const raw of strange) await server.cli('LPUSH', 'q', raw);
		await server.cli('LPUSH', 'q', entry('1', 'q'));
		const driver = await open();
		const { messages } = must(await driver.look('q', LOOK));
		expect(messages.map(bodyText)).toEqual([...strange, '[]']);
		const name = messages[1]?.properties.messageId ?? '';
		const removed = must(await driver.remove('q', new Set([name]), SCAN));
		expect(removed.map(bodyText)).toEqual(['{"body": 5}']);
		expect(await server.cli('LLEN', 'q')).toBe('5');
	});

	it('never lie where a worker would lose them or end over them, and go back as they were', async () => {
		for (const raw of strange) await server.cli('LPUSH', 'q', raw);
		const driver = await open();
		const taker = await take(driver, 'q', 10);
		await taker.got(strange.length);
		expect(taker.bodies()).toEqual(strange);
		expect(await server.cli('HLEN', 'unacked')).toBe('0');
		await taker[Symbol.asyncDispose]();
		expect((await server.cli('LRANGE', 'q', '0', '-1')).split('\n')).toEqual(strange.toReversed());
	});

	it('are removed for good when they are acknowledged', async () => {
		await server.cli('LPUSH', 'q', 'hello');
		const driver = await open();
		await using taker = await take(driver, 'q', 10, (delivery) => void delivery.ack());
		await taker.got(1);
		await waitFor(
			'nothing to be left of it',
			async () => !(await server.cli('KEYS', 'warren.aside*')).includes('warren'),
		);
		expect(await server.cli('EXISTS', 'q')).toBe('0');
	});
});

describe('what is held', () => {
	it("lies where kombu's workers look for it, and is kept younger than the visibility timeout", async () => {
		const driver = await open('?visibility_timeout=1');
		must(await driver.ensureQueue(carrotQueue('q')));
		must(await driver.publish(toQueue('q', 'x', { correlationId: 'c' })));
		await using taker = await take(driver, 'q', 1);
		await taker.got(1);
		const [tag = ''] = (await server.cli('HKEYS', 'unacked')).split('\n');
		const [envelope, exchange, key] = JSON.parse(await server.cli('HGET', 'unacked', tag));
		expect([envelope.properties.correlation_id, exchange, key]).toEqual(['c', '', 'q']);
		const taken = await server.cli('ZSCORE', 'unacked_index', tag);
		await waitFor('its time to be renewed', async () => (await server.cli('ZSCORE', 'unacked_index', tag)) !== taken);
		const { items, total, complete } = must(await unackedOf(driver).held(LOOK));
		expect([total, complete]).toEqual([1, true]);
		expect(items).toMatchObject([{ tag, queues: ['q'], warren: { alive: true }, message: { routingKey: 'q' } }]);
		expect(must(await unackedOf(driver).returnToQueue([tag]))).toMatchObject([{ outcome: 'kept' }]);
	});

	it('and was given back by a worker meanwhile answers gone, and is not given back twice', async () => {
		const driver = await open();
		must(await driver.ensureQueue(carrotQueue('q')));
		must(await driver.publish(toQueue('q', 'x')));
		await using taker = await take(driver, 'q', 1);
		const [delivery] = await taker.got(1);
		await server.cli('DEL', 'unacked', 'unacked_index');
		expect(await delivery?.ack()).toMatchObject({ ok: false, error: { code: 'gone' } });
		expect(must(await driver.queues(['q']))[0]?.ready).toBe(0);
	});

	it('by others is told with its age, and goes back to the front of its list in one step, marked', async () => {
		await server.cli('SADD', '_kombu.binding.q', 'q\x06\x16\x06\x16q');
		await server.cli('LPUSH', 'q', entry('next', 'q'));
		const held = `[${entry('a', 'q', { priority: 3, own: 9_007_199_254_740_993n.toString() })}, "", "q"]`;
		await server.cli('HSET', 'unacked', 'tag-a', held);
		await server.cli('ZADD', 'unacked_index', '1700000000.5', 'tag-a');
		await server.cli('HSET', 'unacked', 'tag-b', 'nonsense');
		const large = `[${entry('big', 'q').replace('W10=', 'A'.repeat(100_000))}, "", "q"]`;
		await server.cli('HSET', 'unacked', 'tag-big', large);
		const driver = await open();
		const { items } = must(await unackedOf(driver).held(LOOK));
		const found = (tag: string) => items.find((item) => item.tag === tag);
		expect(found('tag-a')).toMatchObject({ takenAt: 1_700_000_000_500, queues: ['q'], warren: null });
		expect(found('tag-b')).toMatchObject({ takenAt: null, queues: [], message: null });
		expect(found('tag-big')?.message?.properties.correlationId).toBe('big');
		expect(must(await driver.queues(['q']))[0]).toMatchObject({ ready: 1, unacked: 2 });

		// One that somebody took anew since it was looked at has the same tag.
		const anew = await unackedOf(driver).returnToQueue(['tag-a'], new Map([['tag-a', 1_600_000_000_500]]));
		expect(must(anew)).toMatchObject([{ outcome: 'gone' }]);
		const seen = new Map([['tag-a', 1_700_000_000_500]]);
		const returned = must(await unackedOf(driver).returnToQueue(['tag-a', 'tag-b', 'nowhere'], seen));
		expect(returned.map(({ tag, outcome }) => [tag, outcome])).toEqual([
			['tag-a', 'returned'],
			['tag-b', 'kept'],
			['nowhere', 'gone'],
		]);
		expect(await server.cli('HEXISTS', 'unacked', 'tag-a')).toBe('0');
		expect(await server.cli('ZCARD', 'unacked_index')).toBe('0');
		const [back] = must(await driver.look('q', LOOK)).messages.filter((message) => message.redelivered);
		expect(back?.properties.correlationId).toBe('a');
		expect(await server.cli('LLEN', 'q\x06\x163')).toBe('1');
	});
});

describe('answers that nobody fetched', () => {
	it('are counted first, and removed with their bindings only when they are old enough', async () => {
		const bindings = '_kombu.binding.reply.celery.pidbox';
		await server.cli('LPUSH', 'i.reply.celery.pidbox', 'an answer');
		await server.cli('SADD', bindings, 'i\x06\x16\x06\x16i.reply.celery.pidbox');
		await server.cli('SET', 'text.reply.celery.pidbox', 'no list');
		const door = unackedOf(await open());
		expect(must(await door.replyLists({ idleMs: 3_600_000 })).items).toEqual([]);
		expect(must(await door.removeReplyLists(['i.reply.celery.pidbox'], 3_600_000))).toEqual([]);
		const { items } = must(await door.replyLists({ idleMs: 0 }));
		expect(items).toMatchObject([{ queue: 'i.reply.celery.pidbox', bytes: expect.any(Number) }]);
		expect(await server.cli('EXISTS', 'i.reply.celery.pidbox')).toBe('1');
		const both = ['i.reply.celery.pidbox', 'text.reply.celery.pidbox', 'q'];
		expect(must(await door.removeReplyLists(both, 0))).toEqual(['i.reply.celery.pidbox']);
		expect(await server.cli('EXISTS', 'i.reply.celery.pidbox', bindings)).toBe('0');
		expect(await server.cli('GET', 'text.reply.celery.pidbox')).toBe('no list');
	});
});

describe('a long list', () => {
	it('is looked at by its front, and searched to its end by windows', async () => {
		await server.cli(
			'EVAL',
			"for i = 1, 30000 do redis.call('LPUSH', KEYS[1], ARGV[1] .. i .. ARGV[2]) end",
			'1',
			'q',
			...entry('ID', 'q').replaceAll('tag-ID', 't').split('ID', 1),
			'"},"properties":{}}',
		);
		await server.cli('LSET', 'q', '0', entry('deep', 'q'));
		const driver = await open();
		expect(must(await driver.look('q', { ...LOOK, limit: 3 })).messages).toHaveLength(3);
		expect(must(await driver.remove('q', new Set(['deep']), { ...SCAN, scanLimit: 1_000 }))).toEqual([]);
		const removed = must(await driver.remove('q', new Set(['deep']), { scanLimit: 40_000, deadlineMs: 30_000 }));
		expect(removed.map((message) => message.properties.correlationId)).toEqual(['deep']);
		expect(await server.cli('LLEN', 'q')).toBe('29999');
	});

	it('of large entries comes by pieces, and a look ends before it holds too much', async () => {
		const driver = await open();
		must(await driver.ensureQueue(carrotQueue('q')));
		const body = Buffer.alloc(8 * 1024 * 1024, 'x');
		for (let i = 0; i < 8; i++) must(await driver.publish(toQueue('q', body)));
		const { messages } = must(await driver.look('q', { ...LOOK, deadlineMs: 60_000 }));
		expect(messages.length).toBeGreaterThan(1);
		expect(messages.length).toBeLessThan(8);
	});
});

describe('the doctor', () => {
	it('goes through all steps and tells what it found', async () => {
		await server.cli('SADD', '_kombu.binding.celery', 'celery\x06\x16\x06\x16celery');
		await server.cli('LPUSH', 'celery', entry('1', 'celery'));
		const steps = await examine(server.url, ['celery']);
		expect(steps.map(({ step, status }) => [step, status])).toEqual([
			['address', 'passed'],
			['dns', 'skipped'],
			['tcp', 'passed'],
			['login', 'passed'],
			['database', 'passed'],
			['server', 'passed'],
			['rights', 'passed'],
			['queues', 'passed'],
		]);
		expect(steps.at(-1)?.finding).toContain('celery (1 waiting, 0 held)');
		expect(await server.cli('LRANGE', 'celery', '0', '-1')).toBe(entry('1', 'celery'));
		expect((await server.cli('KEYS', '*')).split('\n').sort()).toEqual(['_kombu.binding.celery', 'celery']);
	});

	it('says of a user who may only look that it is so, and of one who may not what to permit', async () => {
		await server.cli('ACL', 'SETUSER', 'looker', 'on', '>p', '~*', '+@read', '+@connection', '+@scripting', '+info');
		await server.cli('ACL', 'SETUSER', 'nobody', 'on', '>p', '~other*', '+@all');
		const url = (user: string) => server.url.replace('redis://', `redis://${user}:p@`);
		const looker = (await examine(url('looker'))).find(({ step }) => step === 'rights');
		expect(looker).toMatchObject({ status: 'warning', finding: expect.stringContaining('not change') });
		const nobody = (await examine(url('nobody'))).at(-1);
		expect(nobody).toMatchObject({ step: 'rights', status: 'failed', cure: expect.stringContaining('ACL SETUSER') });
		const driver = await open('', url('looker'));
		await server.cli('LPUSH', 'q', entry('1', 'q'));
		expect(must(await driver.look('q', LOOK)).messages).toHaveLength(1);
		expect(await driver.publish(toQueue('q', 'x'))).toMatchObject({
			ok: false,
			error: { code: 'refused', details: { outcome: 'not-sent' } },
		});
	});

	it.each<[string, () => string, DoctorStep['step'], RegExp]>([
		['a closed port', () => 'redis://127.0.0.1:1/0', 'tcp', /refused/],
		['a name that is not known', () => 'redis://no-such-host.invalid/0', 'dns', /not known/],
		['a socket that is not there', () => 'redis+socket:///nowhere/redis.sock', 'tcp', /no socket/],
		['a wrong login', () => server.url.replace('redis://', 'redis://x:y@'), 'login', /refused the login/],
		['a database beyond the last', () => server.url.replace(/0$/, '99'), 'database', /no database 99/],
	])('stops at %s with a cure', async (_, url, step, finding) => {
		const last = (await examine(url())).at(-1);
		expect(last).toMatchObject({ step, status: 'failed', cure: expect.stringMatching(/\w/) });
		expect(last?.finding).toMatch(finding);
	});

	it('warns of memory that is made room in, and of queues that are not there', async () => {
		await server.cli('CONFIG', 'SET', 'maxmemory', '1gb');
		await server.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
		const steps = await examine(server.url, ['celery']);
		await server.cli('CONFIG', 'SET', 'maxmemory', '0');
		expect(steps.find(({ step }) => step === 'server')).toMatchObject({ status: 'warning' });
		expect(steps.at(-1)).toMatchObject({ step: 'queues', status: 'warning' });
	});
});
