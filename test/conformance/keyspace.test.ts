/** What `src-main/brokers/keyspace.ts` promises, on a real Redis that is killed, cut off, silent and unwilling. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KeyCommand, Keyspace } from '#main/brokers/keyspace.ts';
import { type Clock, systemClock } from '#main/domain/clock.ts';
import { must } from '../support/brokers.ts';
import { idleKeyspace, openKeyspace } from '../support/keyspaces.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { createAuthority } from '../support/tls.ts';
import { waitFor } from '../support/wait.ts';

/** The machine's clock with deadlines and waits of a fiftieth. */
const hastyClock: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 50, callback) };

let server: RedisServer;
let stack: AsyncDisposableStack;
let proxy: TcpProxy;
/** Behind the proxy. */
let keys: Keyspace;
beforeAll(async () => {
	server = await startRedis({ own: true });
});
afterAll(() => server?.stop());
beforeEach(async () => {
	stack = new AsyncDisposableStack();
	await server.cli('FLUSHALL');
	proxy = stack.use(await startProxy({ port: server.port }));
	keys = stack.use(await openKeyspace(`redis://127.0.0.1:${proxy.port}/0`));
});
afterEach(() => stack.disposeAsync());

/** Cuts every connection and waits until that is known. */
async function lose(): Promise<void> {
	proxy.refuse();
	proxy.cut();
	await waitFor('the loss to be noticed', () => keys.state().kind === 'reconnecting');
}

describe('commands', () => {
	it('answer as Redis does: texts, whole numbers, null, lists and hashes as flat lists', async () => {
		expect(must(await keys.call('SET', 'a', 'Grüße\n☃'))).toBe('OK');
		expect(must(await keys.call('GET', 'a'))).toBe('Grüße\n☃');
		expect(must(await keys.call('GET', 'none'))).toBeNull();
		expect(must(await keys.call('INCRBY', 'n', 41))).toBe(41);
		expect(must(await keys.call('hset', 'h', 'f', '1', 'g', ''))).toBe(2);
		expect(must(await keys.call('HGETALL', 'h'))).toEqual(['f', '1', 'g', '']);
		expect(must(await keys.call('HMGET', 'h', 'f', 'x'))).toEqual(['1', null]);
		expect(must(await keys.call('ZADD', 'z', 1.5, 'm'))).toBe(1);
		expect(must(await keys.call('ZRANGE', 'z', 0, -1, 'WITHSCORES'))).toEqual(['m', '1.5']);
	});

	it('that Redis refuses fail with its words, and the connection stays', async () => {
		await keys.call('SET', 'a', '1');
		expect(await keys.call('HGET', 'a', 'f')).toMatchObject({
			ok: false,
			error: { code: 'refused', details: { reply: 'WRONGTYPE', sent: false } },
		});
		expect(await keys.call('GET')).toMatchObject({
			error: { code: 'refused', message: expect.stringContaining('wrong number of arguments') },
		});
		expect(must(await keys.call('GET', 'a'))).toBe('1');
		expect(keys.state().kind).toBe('connected');
	});

	it.each<{ readonly command: KeyCommand }>([
		{ command: ['KEYS', '*'] },
		{ command: ['flushall'] },
		{ command: ['SELECT', 1] },
		{ command: ['SUBSCRIBE', 'x'] },
		{ command: ['BLPOP', 'x', 0] },
	])('$command.0 is not run', async ({ command }) => {
		expect(await keys.call(...command)).toMatchObject({ error: { code: 'unsupported' } });
		expect(await keys.pipeline([['PING'], command])).toMatchObject({ error: { code: 'unsupported' } });
		expect(await keys.transaction([command])).toMatchObject({ error: { code: 'unsupported' } });
	});

	it('in one round trip have an answer each, also after one that failed', async () => {
		const answers = must(await keys.pipeline([['SET', 'a', 1], ['LPUSH', 'a', 1], ['INCR', 'a'], ['NOSUCH']]));
		expect(answers.map((answer) => (answer.ok ? answer.value : answer.error.code))).toEqual([
			'OK',
			'refused',
			2,
			'refused',
		]);
		expect(must(await keys.pipeline([]))).toEqual([]);
	});

	it('may have very many arguments, and long ones', async () => {
		const many = Array.from({ length: 200_000 }, (_, i) => i);
		expect(must(await keys.pipeline([['RPUSH', 'many', ...many]]))).toEqual([{ ok: true, value: 200_000 }]);
		expect(must(await keys.script({ name: 'count', lua: 'return #ARGV' }, [], many))).toBe(200_000);
		expect(must(await keys.call('LRANGE', 'many', -2, -1))).toEqual(['199998', '199999']);
		const long = 'ü'.repeat(2_000_000);
		must(await keys.pipeline([['SET', 'long', long]]));
		expect(must(await keys.call('GET', 'long'))).toBe(long);
	});

	it('a hundred at once are answered each with its own', async () => {
		const answers = await Promise.all(
			Array.from({ length: 100 }, async (_, i) => {
				must(await keys.call('SET', `k${i}`, i));
				return must(await keys.call('GET', `k${i}`));
			}),
		);
		expect(answers).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
	});

	it('are shown under a name in the list of clients, and Redis with its version in the state', async () => {
		expect(must(await keys.call('CLIENT', 'GETNAME'))).toBe('Warren-test');
		expect(keys.state()).toMatchObject({ kind: 'connected', server: expect.stringMatching(/^Redis \d+\.\d+/) });
	});
});

describe('a connection', () => {
	it('that nobody asked for answers so, and is idle', async () => {
		await using idle = idleKeyspace(server.url);
		expect(idle.state()).toEqual({ kind: 'idle' });
		expect(await idle.call('PING')).toMatchObject({ error: { code: 'unreachable', details: { sent: false } } });
		expect(await idle.ready(1_000)).toMatchObject({ error: { code: 'unreachable' } });
	});

	it('that is being opened makes calls wait for it', async () => {
		await using fresh = idleKeyspace(server.url);
		fresh.connect();
		expect(must(await fresh.call('PING'))).toBe('PONG');
	});

	it('that is lost says why and when it tries again, answers at once meanwhile, and comes back', async () => {
		const states: string[] = [];
		using _watch = keys.onState((state) => states.push(state.kind));
		await lose();
		const state = keys.state();
		expect(state).toMatchObject({ kind: 'reconnecting', reason: expect.stringMatching(/\w/) });
		expect(await keys.call('PING')).toMatchObject({
			error: { code: 'unreachable', retryable: true, details: { sent: false } },
		});
		expect(await keys.ready(1)).toMatchObject({ error: { code: 'unreachable' } });
		proxy.allow();
		must(await keys.ready(20_000));
		expect(must(await keys.call('PING'))).toBe('PONG');
		expect(states).toContain('reconnecting');
		expect(states.at(-1)).toBe('connected');
	});

	it('lost while Redis was answering tells that the command may have been carried out', async () => {
		proxy.hang();
		const asked = keys.call('INCR', 'n');
		proxy.cut();
		expect(await asked).toMatchObject({ error: { code: 'unreachable', details: { sent: true } } });
		const piped = keys.pipeline([['INCR', 'n']]);
		expect(await piped).toMatchObject({ error: { code: 'unreachable', details: { sent: false } } });
		proxy.resume();
	});

	it('without an answer in time is given up, and replaced', async () => {
		await using hasty = await openKeyspace(`redis://127.0.0.1:${proxy.port}/0`, { patience: 300 });
		proxy.hang();
		expect(await hasty.call('INCR', 'n')).toMatchObject({
			error: { code: 'timeout', retryable: true, details: { sent: true } },
		});
		expect(hasty.state().kind).toBe('reconnecting');
		proxy.resume();
		must(await hasty.ready(20_000));
		// Nothing is sent again by itself: it was carried out once or not at all.
		expect([null, '1']).toContain(must(await keys.call('GET', 'n')));
	});

	it('to a Redis that is killed comes back with all that was confirmed', async () => {
		must(await keys.call('SET', 'a', 'kept'));
		await server.kill9();
		await waitFor('the loss to be noticed', () => keys.state().kind === 'reconnecting');
		await server.start();
		must(await keys.ready(30_000));
		expect(must(await keys.call('GET', 'a'))).toBe('kept');
	});

	it('to nothing at all says that nothing listens', async () => {
		await using nowhere = idleKeyspace('redis://127.0.0.1:1/0');
		nowhere.connect();
		const reason = 'Nothing listens on 127.0.0.1:1 (connection refused).';
		// It waits for the first attempt, and no longer.
		expect(await nowhere.call('PING')).toMatchObject({
			error: { code: 'unreachable', message: expect.stringContaining(reason) },
		});
		expect(nowhere.state()).toMatchObject({ kind: 'reconnecting', attempt: 1, reason });
	});

	it('to a database that is not there is refused, and nothing is written to another one', async () => {
		await using wrong = idleKeyspace(`redis://127.0.0.1:${server.port}/99`);
		wrong.connect();
		expect(await wrong.ready(10_000)).toMatchObject({
			error: { code: 'refused', message: expect.stringContaining('no database 99') },
		});
		expect(await wrong.call('SET', 'a', '1')).toMatchObject({ error: { code: 'refused' } });
		expect(must(await keys.call('EXISTS', 'a'))).toBe(0);
	});

	it('uses the database of its address', async () => {
		await using third = await openKeyspace(`redis://127.0.0.1:${server.port}/3`);
		must(await third.call('SET', 'only', 'there'));
		expect(must(await keys.call('EXISTS', 'only'))).toBe(0);
		await server.cli('CLIENT', 'KILL', 'TYPE', 'normal');
		await waitFor('it to be back', async () => (await third.call('GET', 'only')).ok);
		expect(must(await third.call('GET', 'only'))).toBe('there');
	});

	it('that is disposed of leaves no client behind', async () => {
		const extra = await openKeyspace(server.url, { clientName: 'leaving' });
		extra.subscribe(
			'c',
			() => undefined,
			() => undefined,
		);
		await waitFor('both connections', async () => (await server.cli('CLIENT', 'LIST')).match(/leaving/g)?.length === 2);
		await extra[Symbol.asyncDispose]();
		expect(extra.state()).toEqual({ kind: 'idle' });
		await waitFor('both to be gone', async () => !(await server.cli('CLIENT', 'LIST')).includes('leaving'));
		expect(await extra.call('PING')).toMatchObject({ error: { code: 'unreachable' } });
	});
});

describe('what answers', () => {
	/** Answers every connection with these bytes, at once or to the first word; or each chunk with what is said to it. */
	async function standIn(
		said: string | ((asked: string) => string),
		at?: 'once' | 'first word' | 'never',
	): Promise<number> {
		const open = new Set<Socket>();
		const listener = createServer((socket) => {
			open.add(socket);
			socket.on('error', () => undefined);
			socket.on('close', () => open.delete(socket));
			if (typeof said === 'function') socket.on('data', (chunk) => socket.write(said(chunk.toString())));
			else if (at === 'once') socket.end(said);
			else if (at === 'first word') socket.once('data', () => socket.write(said));
		});
		await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
		stack.defer(async () => {
			for (const socket of open) socket.destroy();
			await new Promise((resolve) => listener.close(resolve));
		});
		return (listener.address() as AddressInfo).port;
	}

	it.each<[string, string, 'once' | 'first word' | 'never', string, RegExp]>([
		[
			'is loading',
			'-LOADING Redis is loading the dataset in memory\r\n',
			'first word',
			'reconnecting',
			/still loading/,
		],
		['is full', '-ERR max number of clients reached\r\n', 'once', 'reconnecting', /maxclients/],
		['is protected', '-DENIED Redis is running in protected mode because…\r\n', 'once', 'refused', /protected mode/],
		['is a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'first word', 'reconnecting', /does not speak Redis/],
		['is RabbitMQ', 'AMQP\0\0\t\x01', 'once', 'reconnecting', /does not speak Redis/],
		['says nonsense', ':12\r\n$-1\r\n*2\r\n+a\r\n', 'once', 'reconnecting', /./],
		['hangs up', '', 'once', 'reconnecting', /closed the connection while greeting/],
		['is silent', '', 'never', 'reconnecting', /did not answer in time/],
	])('and %s is told so, and tried again', async (_what, said, at, kind, words) => {
		await using odd = idleKeyspace(`redis://127.0.0.1:${await standIn(said, at)}/0`, { clock: hastyClock });
		odd.connect();
		const state = await waitFor('a second attempt', () => {
			const now = odd.state();
			return now.kind === kind && (now.kind === 'refused' || (now.kind === 'reconnecting' && now.attempt >= 2))
				? now
				: null;
		});
		expect(state).toMatchObject({ reason: expect.stringMatching(words) });
	});

	it('and says more than it was asked is left, since its answers fit no questions any more', async () => {
		let extra = '';
		const port = await standIn((asked) => (asked.includes('PING') ? `+PONG\r\n${extra}` : '-ERR unknown\r\n'));
		await using odd = await openKeyspace(`redis://127.0.0.1:${port}/0`);
		extra = '$-1\r\n';
		await odd.call('PING');
		await waitFor('it to be left', () => odd.state().kind !== 'connected');
	});

	it('no more, without a word of it, is noticed while nobody asks for anything', async () => {
		await using idle = await openKeyspace(`redis://127.0.0.1:${proxy.port}/0`, { clock: hastyClock });
		proxy.hang();
		await waitFor('the silence to be noticed', () => idle.state().kind === 'reconnecting');
		proxy.resume();
		must(await idle.ready(20_000));
	});

	it('and goes on answering stays connected, listening too', async () => {
		await using idle = await openKeyspace(server.url, { clock: hastyClock, clientName: 'beating' });
		const heard: string[] = [];
		let gaps = 0;
		using _here = idle.subscribe(
			'here',
			(text) => heard.push(text),
			() => gaps++,
		);
		await waitFor('the subscription', () => gaps === 1);
		const state = idle.state();
		await server.cli('CONFIG', 'RESETSTAT');
		await waitFor('some beats of both', async () => {
			const [, calls] = /cmdstat_ping:calls=(\d+)/.exec(await server.cli('INFO', 'commandstats')) ?? [];
			return Number(calls) >= 8;
		});
		must(await idle.call('PUBLISH', 'here', 'x'));
		await waitFor('the message', () => heard.length === 1);
		expect(gaps).toBe(1);
		expect(idle.state()).toBe(state);
	});
});

describe('logins', () => {
	let locked: RedisServer;
	beforeAll(async () => {
		locked = await startRedis({
			password: 'open sesame',
			config: ['user reader on >secret ~shared:* &* +@read +ping', 'user hidden on nopass ~* +@all -info -client'],
		});
	});
	afterAll(() => locked?.stop());
	const at = (login: string) => `redis://${login}127.0.0.1:${locked.port}/0`;

	it('with the right password pass, and the password is asked for at each connect', async () => {
		let asked = 0;
		await using right = await openKeyspace(at(''), {
			password: async () => {
				asked += 1;
				return 'open sesame';
			},
		});
		must(await right.call('SET', 'a', '1'));
		await locked.cli('CLIENT', 'KILL', 'TYPE', 'normal');
		await waitFor('it to be back', async () => (await right.call('GET', 'a')).ok);
		expect(asked).toBeGreaterThanOrEqual(2);
	});

	it.each([
		['', 'asks for a password'],
		[':wrong@', 'wrong name or password'],
		['nobody:x@', 'user "nobody": wrong name or password'],
	])('with "%s" are refused in words that hold no secret', async (login, words) => {
		await using wrong = idleKeyspace(at(login));
		wrong.connect();
		const ready = await wrong.ready(10_000);
		expect(ready).toMatchObject({ error: { code: 'refused', message: expect.stringContaining(words) } });
		expect(wrong.state()).toMatchObject({ kind: 'refused', nextTryAt: expect.any(Number) });
		expect(JSON.stringify([ready, wrong.state()])).not.toContain('wrong@');
	});

	it('of users with few rights pass; what they may not do is refused in words', async () => {
		await using reader = await openKeyspace(at('reader:secret@'));
		expect(must(await reader.call('GET', 'shared:x'))).toBeNull();
		expect(await reader.call('SET', 'shared:x', '1')).toMatchObject({
			error: { code: 'refused', details: { reply: 'NOPERM' } },
		});
		await using hidden = await openKeyspace(at('hidden@'));
		expect(must(await hidden.call('GET', 'x'))).toBeNull();
		expect(hidden.state()).toMatchObject({ kind: 'connected', server: 'Redis' });
	});

	it('with a password for a Redis that wants none pass', async () => {
		await using generous = await openKeyspace(`redis://:x@127.0.0.1:${server.port}/0`);
		expect(must(await generous.call('PING'))).toBe('PONG');
	});
});

describe('transactions', () => {
	it('are done as a whole, with an answer for each command', async () => {
		expect(
			must(
				await keys.transaction([
					['SET', 'a', 1],
					['INCR', 'a'],
					['GET', 'a'],
				]),
			),
		).toEqual(['OK', 2, '2']);
	});

	it('with a command that Redis does not take are not done at all', async () => {
		expect(await keys.transaction([['SET', 'a', 1], ['NOSUCH']])).toMatchObject({
			error: { code: 'refused', message: expect.stringContaining('unknown command') },
		});
		expect(must(await keys.call('EXISTS', 'a'))).toBe(0);
	});

	it('with a command that fails for the kind of its key tell that the rest was done', async () => {
		expect(
			await keys.transaction([
				['SET', 'a', 1],
				['LPUSH', 'a', 1],
			]),
		).toMatchObject({
			error: { code: 'refused', details: { reply: 'WRONGTYPE', sent: true } },
		});
		expect(must(await keys.call('GET', 'a'))).toBe('1');
	});

	it('are done when what was read has not changed since', async () => {
		must(await keys.call('SET', 'a', 'old'));
		const done = await keys.transaction([['SET', 'a', 'new']], {
			watch: ['a'],
			check: async (read) => ({ ok: true, value: must(await read('GET', 'a')) === 'old' }),
		});
		expect(must(done)).toEqual(['OK']);
	});

	it('are not done when somebody changed it in between', async () => {
		must(await keys.call('SET', 'a', 'old'));
		const done = await keys.transaction([['SET', 'a', 'mine']], {
			watch: ['a'],
			check: async (read) => {
				must(await read('GET', 'a'));
				must(await keys.call('SET', 'a', 'theirs'));
				return { ok: true, value: true };
			},
		});
		expect(must(done)).toBeNull();
		expect(must(await keys.call('GET', 'a'))).toBe('theirs');
	});

	it('are given up by the check, which then no longer stands in the way of the next', async () => {
		const giveUp = keys.transaction([['SET', 'a', 1]], {
			watch: ['a'],
			check: async () => ({ ok: true, value: false }),
		});
		const fails = keys.transaction([['SET', 'a', 2]], {
			watch: ['a'],
			check: async () => ({ ok: false, error: { code: 'conflict', message: 'no', retryable: false } }),
		});
		const throws = keys.transaction([['SET', 'a', 3]], {
			watch: ['a'],
			check: () => Promise.reject(new Error('a defect')),
		});
		await expect(throws).rejects.toThrow('a defect');
		expect(must(await giveUp)).toBeNull();
		expect(await fails).toMatchObject({ error: { code: 'conflict' } });
		// Nothing is watched any more: a change now is nobody's business.
		must(await keys.call('SET', 'a', 'other'));
		const next = keys.transaction([['SET', 'b', 4]], { watch: ['b'], check: async () => ({ ok: true, value: true }) });
		expect(must(await next)).toEqual(['OK']);
	});

	it('many at once under one guard leave exactly one result per step', async () => {
		must(await keys.call('SET', 'n', 0));
		await using other = await openKeyspace(server.url);
		const add = async (by: Keyspace): Promise<void> => {
			for (;;) {
				let seen = 0;
				const done = await by.transaction(
					[
						['INCR', 'n'],
						['RPUSH', 'seen', 'x'],
					],
					{
						watch: ['n'],
						check: async (read) => {
							seen = Number(must(await read('GET', 'n')));
							return { ok: true, value: Number.isInteger(seen) };
						},
					},
				);
				if (must(done) !== null) return;
			}
		};
		await Promise.all(Array.from({ length: 40 }, (_, i) => add(i % 2 === 0 ? keys : other)));
		expect(must(await keys.call('GET', 'n'))).toBe('40');
		expect(must(await keys.call('LLEN', 'seen'))).toBe(40);
	});

	it('whose connection is lost between check and change are not done', async () => {
		const done = await keys.transaction([['SET', 'a', 1]], {
			watch: ['a'],
			check: async (read) => {
				must(await read('GET', 'a'));
				proxy.cut();
				await waitFor('the loss', async () => !(await read('GET', 'a')).ok);
				return { ok: true, value: true };
			},
		});
		expect(done).toMatchObject({ error: { code: 'unreachable' } });
		expect(await server.cli('EXISTS', 'a')).toBe('0');
	});
});

describe('scripts', () => {
	const add = { name: 'add', lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])" };

	it('run by their digest, and whole where Redis does not know them (any more)', async () => {
		expect(must(await keys.script(add, ['n'], [2]))).toBe(2);
		expect(must(await keys.script(add, ['n'], [3]))).toBe(5);
		await server.cli('SCRIPT', 'FLUSH');
		expect(must(await keys.script(add, ['n'], [4]))).toBe(9);
		const stats = await server.cli('INFO', 'commandstats');
		expect(stats).toMatch(/cmdstat_evalsha:calls=/);
	});

	it('that fail are refused with the error, wherever it stands', async () => {
		expect(await keys.script({ name: 'wrong', lua: 'return redis.error_reply("STALE no")' }, [], [])).toMatchObject({
			error: { code: 'refused', details: { reply: 'STALE' } },
		});
		expect(await keys.script({ name: 'broken', lua: 'this is not lua' }, [], [])).toMatchObject({
			error: { code: 'refused' },
		});
		expect(await keys.script({ name: 'inside', lua: 'return {1, {err = "DEEP down"}}' }, [], [])).toMatchObject({
			error: { code: 'refused', details: { reply: 'DEEP' } },
		});
	});
});

describe('a scan', () => {
	it('finds all of 100,000 keys by their pattern among others, without KEYS', async () => {
		await server.cli('CONFIG', 'RESETSTAT');
		const fill = `for i = 1, 100000 do redis.call('SET', 'mine:' .. i, '') redis.call('SET', 'other:' .. i, '') end`;
		must(await keys.script({ name: 'fill', lua: fill }, [], []));
		const found = must(await keys.scan('mine:*', 200_000));
		expect(found.complete).toBe(true);
		expect(found.keys).toHaveLength(100_000);
		expect(new Set(found.keys).size).toBe(100_000);
		expect(found.keys.every((key) => key.startsWith('mine:'))).toBe(true);
		expect(await server.cli('INFO', 'commandstats')).not.toContain('cmdstat_keys:');
		const some = must(await keys.scan('mine:*', 10));
		expect(some.complete).toBe(false);
		expect(some.keys).toHaveLength(10);
		expect(must(await keys.scan('none:*', 10))).toEqual({ keys: [], complete: true });
	});
});

describe('a subscription', () => {
	it('hears a channel and no other, until it is disposed of', async () => {
		const heard: string[] = [];
		let gaps = 0;
		const here = keys.subscribe(
			'here',
			(text) => heard.push(text),
			() => gaps++,
		);
		await waitFor('the subscription', () => gaps > 0);
		must(await keys.call('PUBLISH', 'elsewhere', 'no'));
		must(await keys.call('PUBLISH', 'here', 'Grüße ☃'));
		await waitFor('the message', () => heard.length > 0);
		expect(heard).toEqual(['Grüße ☃']);
		here[Symbol.dispose]();
		await waitFor('it to be given up', async () => must(await keys.call('PUBLISH', 'here', 'late')) === 0);
		expect(heard).toHaveLength(1);
	});

	it('goes on after a restart of Redis, and tells that something may have been missed', async () => {
		const heard: string[] = [];
		let gaps = 0;
		using _here = keys.subscribe(
			'here',
			(text) => heard.push(text),
			() => gaps++,
		);
		await waitFor('the subscription', () => gaps === 1);
		await server.restart();
		await waitFor('the subscription to be back', () => gaps === 2);
		must(await keys.ready(30_000));
		must(await keys.call('PUBLISH', 'here', 'after'));
		await waitFor('the message', () => heard.includes('after'));
	});

	it('of two listeners at one channel ends with the last of them', async () => {
		const heard: string[] = [];
		let gaps = 0;
		const first = keys.subscribe(
			'here',
			(text) => heard.push(`1 ${text}`),
			() => gaps++,
		);
		await waitFor('the subscription', () => gaps === 1);
		const second = keys.subscribe(
			'here',
			(text) => heard.push(`2 ${text}`),
			() => gaps++,
		);
		await waitFor('the second to be told', () => gaps === 2);
		first[Symbol.dispose]();
		must(await keys.call('PUBLISH', 'here', 'x'));
		await waitFor('the message', () => heard.length > 0);
		expect(heard).toEqual(['2 x']);
		second[Symbol.dispose]();
	});
});

describe('a Redis that becomes a replica', () => {
	it('refuses writes in words, and is dialled again since its name may lead elsewhere by now', async () => {
		const since = keys.state();
		try {
			await server.cli('REPLICAOF', '127.0.0.1', '1');
			expect(await keys.call('SET', 'a', 1)).toMatchObject({
				error: { code: 'refused', message: expect.stringContaining('replica') },
			});
			await waitFor('a new connection', () => keys.state().kind === 'connected' && keys.state() !== since);
			const known = keys.state();
			// That it is a replica is known now: reading goes on undisturbed.
			expect(await keys.call('SET', 'a', 1)).toMatchObject({ error: { code: 'refused' } });
			expect(must(await keys.call('GET', 'a'))).toBeNull();
			expect(keys.state()).toBe(known);
		} finally {
			await server.cli('REPLICAOF', 'NO', 'ONE');
		}
	});
});

describe('over TLS', () => {
	it('the right authority and client certificate pass; everything else is refused in words', async () => {
		await using ours = await createAuthority('Warren test authority');
		await using strangers = await createAuthority('Somebody else');
		const certificate = await ours.issue({ name: 'redis', alternativeNames: ['DNS:localhost'] });
		const client = await ours.issue({ name: 'client', alternativeNames: [] });
		await using secure = await startRedis({ tls: { caFile: ours.caFile, ...certificate, clientCertificate: true } });
		const mine = `certfile=${client.certFile}&keyfile=${client.keyFile}`;
		const url = (query: string, host = 'localhost') => `rediss://${host}:${secure.tlsPort}/0?${query}`;
		await using good = await openKeyspace(url(`cacertfile=${ours.caFile}&${mine}`));
		must(await good.call('SET', 'a', 'x'.repeat(300_000)));
		await using named = await openKeyspace(
			url(`cacertfile=${ours.caFile}&${mine}&server_name_indication=localhost`, '127.0.0.1'),
		);
		expect(must(await named.call('STRLEN', 'a'))).toBe(300_000);
		await using unverified = await openKeyspace(url(`verify=verify_none&${mine}`));
		expect(must(await unverified.call('PING'))).toBe('PONG');

		const refusal = async (text: string) => {
			await using wrong = idleKeyspace(text);
			wrong.connect();
			const ready = await wrong.ready(5_000);
			return ready.ok ? 'it connected' : `${ready.error.code}: ${ready.error.message}`;
		};
		expect(await refusal(url(`cacertfile=${strangers.caFile}&${mine}`))).toMatch(/^refused: .*Redis server.*authority/);
		expect(await refusal(url(`cacertfile=${ours.caFile}&${mine}`, '127.0.0.1'))).toMatch(/another name/);
		expect(await refusal(url(`cacertfile=${ours.caFile}`))).toMatch(/certificate/);
		expect(await refusal(url('cacertfile=/nowhere/ca.pem'))).toMatch(/^refused: .*\/nowhere\/ca\.pem/);
		expect(await refusal(`redis://localhost:${secure.tlsPort}/0`)).toMatch(/^unreachable: .*TLS/);
		expect(await refusal(`rediss://localhost:${secure.port}/0?cacertfile=${ours.caFile}`)).not.toMatch(/connected$/);
	});
});
