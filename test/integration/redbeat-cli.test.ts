/** RedBeat's book from end to end by the command line, on a real Redis: what a person types, and the keys that it comes to. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommandLine } from '#main/headless/cli/run.ts';
import type { ScheduleChanged, ScheduleOutcome } from '#main/ipc/contract/schedule-answers.ts';
import { testIo } from '#test/support/cli-io.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';

const KEY = 'redbeat:nightly';
let redis: RedisServer;
let home: string;

beforeAll(async () => {
	redis = await startRedis({ own: true });
	home = await mkdtemp(join(tmpdir(), 'warren-redbeat-'));
	const book = `redbeat=${redis.url}?zone=Europe/Berlin`;
	const broker = ['--framework', 'celery', '--broker', 'amqp://u@127.0.0.1:1/'];
	expect(await warren('profile', 'add', 'shop', ...broker, '--book', book)).toMatchObject({ code: 0 });
});
afterAll(async () => {
	await rm(home, { recursive: true, force: true, maxRetries: 5 });
	await redis?.stop();
});

interface Ran {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** In this process, which spares the start of one for each command. */
async function warren(...args: readonly string[]): Promise<Ran> {
	const io = testIo(['--home', home, ...args], { columns: 300, env: { NO_COLOR: '1' } });
	const code = await runCommandLine(io);
	return { code, stdout: io.out(), stderr: io.err() };
}

async function json<T>(...words: readonly string[]): Promise<T> {
	const ran = await warren('--json', '--profile', 'shop', 'schedule', ...words);
	if (ran.code !== 0) throw new Error(`${words.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
	return JSON.parse(ran.stdout) as T;
}

function schedule(...words: readonly string[]): Promise<Ran> {
	return warren('--profile', 'shop', 'schedule', ...words);
}

interface Kept {
	readonly enabled: boolean;
	readonly options: Readonly<Record<string, unknown>>;
	readonly kwargs: unknown;
	readonly schedule: Readonly<Record<string, unknown>>;
}

async function kept(): Promise<Kept> {
	return JSON.parse(await redis.cli('HGET', KEY, 'definition')) as Kept;
}

/** The schedule edited by other means, such as the app's own code. */
async function elsewhere(change: (definition: Kept) => Kept): Promise<void> {
	await redis.cli('HSET', KEY, 'definition', JSON.stringify(change(await kept())));
}

it('a schedule is made without a queue, edited, paused, resumed, run by beat and removed', async () => {
	const empty = await schedule('list');
	expect(empty.stdout).toContain('The redbeat book was not read yet; --fetch reads it first.');

	const made = await json<ScheduleChanged>(
		...['add', 'nightly', '--book', 'redbeat', '--task', 'shop.tasks.report'],
		...['--cron', '30 2 * * *', '--kwargs', '{"customer": 9223372036854775809}'],
	);
	expect(made).toMatchObject({ outcome: 'done', schedule: { key: KEY, words: 'every day at 02:30, Europe/Berlin' } });
	expect(await redis.cli('HGET', KEY, 'definition')).toContain('"customer": 9223372036854775809');
	expect(await kept()).toMatchObject({ options: {}, enabled: true, schedule: { minute: '30', hour: '2' } });
	const score = Number(await redis.cli('ZSCORE', 'redbeat::schedule', KEY));
	expect(
		new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', timeZone: 'Europe/Berlin' }).format(score * 1_000),
	).toBe('02:30');

	await json('edit', 'nightly', '--queue', 'mail', '--options', '{"expires": 60}');
	expect((await kept()).options).toEqual({ queue: 'mail', expires: 60 });
	await json('edit', 'nightly', '--queue', '');
	expect((await kept()).options).toEqual({ expires: 60 });
	expect((await schedule('list')).stdout).toMatch(/nightly .*\(routed\)/);

	expect(await json<ScheduleOutcome>('pause', 'nightly')).toMatchObject({ done: 1 });
	expect((await kept()).enabled).toBe(false);
	const paused = await schedule('run', 'nightly');
	expect(paused).toMatchObject({ code: 1, stdout: expect.stringContaining('beat runs no paused schedule') });
	expect(await json<ScheduleOutcome>('resume', 'nightly')).toMatchObject({ done: 1 });
	expect((await kept()).enabled).toBe(true);

	const meta = await redis.cli('HGET', KEY, 'meta');
	const ran = await schedule('run', 'nightly');
	expect(ran).toMatchObject({
		code: 0,
		stdout: expect.stringContaining("It goes through Celery's beat, which publishes it when it looks next."),
	});
	expect(await redis.cli('HGET', KEY, 'meta')).not.toBe(meta);
	expect(Number(await redis.cli('ZSCORE', 'redbeat::schedule', KEY))).toBeLessThanOrEqual(Date.now() / 1_000);
	expect((await schedule('runs', 'nightly')).stdout).toMatch(/by hand +handed over .*Handed to beat/);

	expect(await json<ScheduleOutcome>('remove', 'nightly', '--yes')).toMatchObject({ done: 1 });
	expect(await redis.cli('EXISTS', KEY)).toBe('0');
	expect(await redis.cli('ZCARD', 'redbeat::schedule')).toBe('0');
}, 240_000);

it('an edit that meets one made elsewhere waits for a choice, and what was not in conflict is kept', async () => {
	await json(
		'add',
		'nightly',
		'--book',
		'redbeat',
		'--task',
		'shop.tasks.report',
		'--every',
		'1 hour',
		'--queue',
		'mail',
	);
	await elsewhere((one) => ({ ...one, options: { queue: 'theirs' }, kwargs: { by: 'them' } }));

	const torn = await schedule('edit', 'nightly', '--queue', 'ours');
	expect(torn).toMatchObject({ code: 1, stdout: expect.stringContaining('was changed in its book as well') });
	expect((await kept()).options).toEqual({ queue: 'theirs' });
	const conflicts = await schedule('conflicts');
	expect(conflicts.stdout).toMatch(/queue +mine "ours", theirs "theirs"/);
	expect(await json<ScheduleChanged>('resolve', 'nightly', '--mine', 'queue')).toMatchObject({ outcome: 'done' });
	expect(await kept()).toMatchObject({ options: { queue: 'ours' }, kwargs: { by: 'them' } });
	expect((await schedule('history', 'nightly')).stdout).toContain('{"queue":"theirs"}');
	await json('remove', 'nightly', '--yes');
}, 240_000);

it('what beat would stumble over is refused before anything is written, and what already lies there is shown', async () => {
	const bad: readonly (readonly [string, readonly string[]])[] = [
		['--cron: No month of these has such a day', ['--cron', '0 0 30 2 *']],
		['--cron: ', ['--cron', '0 25 * * *']],
		['Beat ends when it reaches this', ['--every', '1 hour', '--kwargs', '{"a": {"__type__": "datetime"}}']],
	];
	for (const [words, given] of bad) {
		const ran = await schedule('add', 'bad', '--book', 'redbeat', '--task', 'shop.tasks.report', ...given);
		expect(ran, words).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
	}
	const name = await schedule('add', ':lock', '--book', 'redbeat', '--task', 'shop.tasks.report', '--every', '1 hour');
	expect(name).toMatchObject({ code: 2, stderr: expect.stringContaining("one of RedBeat's own keys") });
	expect(await redis.cli('DBSIZE')).toBe('0');

	await redis.cli(
		'HSET',
		'redbeat:solar',
		'definition',
		JSON.stringify({ name: 'solar', task: 't', schedule: { __type__: 'solar' } }),
	);
	await redis.cli('ZADD', 'redbeat::schedule', '1', 'redbeat:solar');
	const listed = await schedule('list', '--fetch');
	expect(listed.code).toBe(0);
	expect(`${listed.stdout}${(await schedule('books')).stdout}`).toContain('solar');
}, 240_000);

it('a list that cannot read its book says so, shows what it knows, and ends with 4', async () => {
	await redis.kill9();
	const ran = await schedule('list', '--fetch');
	expect(ran.code).toBe(4);
	expect(ran.stdout).toContain('The redbeat book could not be read');
	expect(ran.stdout).toContain('solar');
	await redis.start();
	expect((await schedule('list', '--fetch')).code).toBe(0);
}, 240_000);
