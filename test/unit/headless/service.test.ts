import { spawn } from 'node:child_process';
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmdirSync,
	rmSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConsumerSetView } from '#main/domain/consumer.ts';
import { consumerSetId, profileId } from '#main/domain/ids.ts';
import { fail, ok } from '#main/domain/result.ts';
import { askChannel, serveChannel } from '#main/headless/service/channel.ts';
import { exists, identify, presence } from '#main/headless/service/identity.ts';
import { exitOf, judge, SILENT_MS } from '#main/headless/service/judge.ts';
import { serviceLog } from '#main/headless/service/log-file.ts';
import { readPidFile, removeStale, takePidFile } from '#main/headless/service/pid-file.ts';
import { servicePlaces } from '#main/headless/service/places.ts';
import { restartPause, STARTS_PER_MINUTE } from '#main/headless/service/restarts.ts';
import { Silence } from '#main/headless/service/silence.ts';
import type { ServiceFacts } from '#main/headless/service/spec.ts';
import { waitFor } from '#test/support/wait.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'warren-service-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const about = { profile: 'shop', home: '/h', channel: '/c', logFile: '/l' };
const never = (why: string) => {
	throw new Error(`Tidied: ${why}`);
};
const path = () => join(folder, 'shop.pid');

describe('a process', () => {
	it('is known again by number, start and boot', () => {
		const self = identify();
		expect(presence(self)).toBe('alive');
		expect(presence({ ...self, started: '1' })).toBe('gone');
		expect(presence({ ...self, boot: 'another boot' })).toBe('gone');
		expect(presence({ ...self, pid: 999_999_999 })).toBe('gone');
	});

	it('of another machine cannot be judged from here', () => {
		expect(presence({ ...identify(), host: 'elsewhere', boot: 'another boot' })).toBe('elsewhere');
	});

	it('that has ended counts as gone, even before its parent takes notice', async () => {
		// The shell becomes a program that never waits for its children; one that ended before that it would still take notice of.
		const child = 'while [ "$(cat /proc/$$/comm)" != sleep ]; do :; done';
		const parent = spawn('/bin/sh', ['-c', `( ${child} ) & echo $!; exec sleep 60`], {
			stdio: ['ignore', 'pipe', 'ignore'],
		});
		const gone = new Promise((resolve) => parent.once('exit', resolve));
		try {
			const pid = await new Promise<number>((resolve) => {
				parent.stdout.once('data', (text: Buffer) => resolve(Number(text.toString().trim())));
			});
			await waitFor('a zombie', () => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
			expect(exists(pid)).toBe(false);
		} finally {
			parent.kill('SIGKILL');
			await gone;
		}
	});
});

describe('a pid file', () => {
	it('is taken by one, refused to the next with the number of the first, and gone afterwards', () => {
		const first = takePidFile(path(), about, 1, never);
		if (!first.ok) throw new Error(first.error.message);
		expect(readPidFile(path(), Date.now())).toMatchObject({
			kind: 'running',
			record: { pid: process.pid, profile: 'shop' },
		});
		expect(takePidFile(path(), about, 1, never)).toMatchObject({
			ok: false,
			error: { code: 'busy', details: { pid: process.pid } },
		});
		expect(first.value.keep(true)).toEqual({ kind: 'own' });
		first.value[Symbol.dispose]();
		expect(readPidFile(path(), Date.now())).toEqual({ kind: 'none' });
		expect(readdirSync(folder)).toEqual([]);
	});

	it.each([
		['a process that is gone', () => JSON.stringify({ ...identify(), ...about, at: 1, token: 't', pid: 999_999_999 })],
		[
			'a number that another process has by now',
			() => JSON.stringify({ ...identify(), ...about, at: 1, token: 't', started: '1' }),
		],
		['an earlier boot', () => JSON.stringify({ ...identify(), ...about, at: 1, token: 't', boot: 'earlier' })],
		['nothing of ours', () => '999999\n'],
		['half of what it should say', () => '{"pid": 1,'],
	])('of %s is stale: it is said why, and replaced', (_what, content) => {
		writeFileSync(path(), content());
		expect(readPidFile(path(), Date.now()).kind).toBe('stale');
		const whys: string[] = [];
		const taken = takePidFile(path(), about, 1, (why) => whys.push(why));
		expect(taken.ok).toBe(true);
		expect(whys).toHaveLength(1);
		if (taken.ok) taken.value[Symbol.dispose]();
		expect(readdirSync(folder)).toEqual([]);
	});

	it('of a service elsewhere is believed as long as that one touches it', () => {
		const record = { ...identify(), ...about, at: 1, token: 't', host: `not-${hostname()}`, boot: 'another boot' };
		writeFileSync(path(), JSON.stringify(record));
		expect(readPidFile(path(), Date.now()).kind).toBe('running');
		const old = new Date(Date.now() - 120_000);
		utimesSync(path(), old, old);
		expect(readPidFile(path(), Date.now()).kind).toBe('stale');
	});

	it('that somebody else has taken over is not removed by its first owner', () => {
		const first = takePidFile(path(), about, 1, never);
		if (!first.ok) throw new Error(first.error.message);
		writeFileSync(path(), JSON.stringify({ ...identify(), ...about, at: 1, token: 'another' }));
		expect(first.value.keep(true)).toEqual({ kind: 'taken' });
		first.value[Symbol.dispose]();
		expect(existsSync(path())).toBe(true);
		expect(removeStale(path(), Date.now())).toBe(false);
	});

	it('that cannot be looked at is neither lost nor an error', () => {
		const first = takePidFile(path(), about, 1, never);
		if (!first.ok) throw new Error(first.error.message);
		const aside = `${path()}.aside`;
		renameSync(path(), aside);
		// Reading it fails for another reason than that there is none.
		mkdirSync(path());
		expect(first.value.keep(true)).toMatchObject({ kind: 'unknown' });
		first.value[Symbol.dispose]();
		rmdirSync(path());
		renameSync(aside, path());
		expect(first.value.keep(true)).toEqual({ kind: 'own' });
		first.value[Symbol.dispose]();
		expect(readdirSync(folder)).toEqual([]);
	});
});

describe('a service’s files', () => {
	it('are its profile’s, unless others are named, and the channel follows the pid file', () => {
		const usual = servicePlaces('/h', 'shop', {});
		expect(usual).toEqual({
			pidFile: '/h/service/shop.pid',
			logFile: '/h/logs/service-shop.log',
			channel: '/h/service/shop.pid.sock',
		});
		const named = servicePlaces('/h', 'shop', { pidFile: '/run/a.pid', logFile: '/var/log/a.log' });
		expect(named).toEqual({ pidFile: '/run/a.pid', logFile: '/var/log/a.log', channel: '/run/a.pid.sock' });
	});

	it('keep the channel’s path short enough for a socket, however long the home', () => {
		const long = servicePlaces(`/${'x'.repeat(300)}`, 'shop', {});
		expect(Buffer.byteLength(long.channel)).toBeLessThanOrEqual(100);
		expect(long.channel).not.toBe(servicePlaces(`/${'y'.repeat(300)}`, 'shop', {}).channel);
	});
});

describe('the channel', () => {
	it('answers questions and refusals, and says when nobody listens', async () => {
		const place = join(folder, 'c.sock');
		expect(await askChannel(place, { op: 'status' }, 1_000)).toMatchObject({
			ok: false,
			error: { code: 'unreachable' },
		});
		{
			await using _served = await serveChannel(place, async (request) =>
				request.op === 'status' ? ok({ text: 'ü\n'.repeat(50_000) }) : fail('unsupported', 'no'),
			);
			expect(await askChannel(place, { op: 'status' }, 5_000)).toEqual(ok({ text: 'ü\n'.repeat(50_000) }));
			expect(await askChannel(place, { op: 'stop', now: false }, 5_000)).toMatchObject({
				ok: false,
				error: { code: 'unsupported' },
			});
		}
		expect(await askChannel(place, { op: 'status' }, 1_000)).toMatchObject({ ok: false });
	});

	it('gives up on one that says nothing', async () => {
		const place = join(folder, 'c.sock');
		await using _served = await serveChannel(place, () => new Promise(() => {}));
		expect(await askChannel(place, { op: 'status' }, 50)).toMatchObject({ ok: false, error: { code: 'timeout' } });
	});
});

describe('the end of the channel', () => {
	it('lets out the whole answer to who asked for it', async () => {
		const place = join(folder, 'c.sock');
		const text = 'x'.repeat(8 * 1024 * 1024);
		const asked = Promise.withResolvers<void>();
		const served = await serveChannel(place, async () => {
			asked.resolve();
			return ok({ text });
		});
		// As a service ends that waits for its next start: in the turn in which it is asked to.
		const ended = asked.promise.then(() => served[Symbol.asyncDispose]());
		expect(await askChannel(place, { op: 'stop', now: false }, 60_000)).toEqual(ok({ text }));
		await ended;
	});

	it('waits for nobody who asks nothing, and for no answer that is not known', async () => {
		const place = join(folder, 'c.sock');
		const asked = Promise.withResolvers<void>();
		const served = await serveChannel(place, () => {
			asked.resolve();
			return new Promise(() => {});
		});
		const idle = connect(place);
		const gone = new Promise((resolve) => idle.once('close', resolve));
		const answer = askChannel(place, { op: 'status' }, 60_000);
		await asked.promise;
		await served[Symbol.asyncDispose]();
		expect(await answer).toMatchObject({ ok: false, error: { code: 'unreachable' } });
		await gone;
	});
});

describe('a request that is no object', () => {
	it.each(['null', '1', '"stop"', '{'])('%s is refused, and the next one answered', async (line) => {
		const place = join(folder, 'c.sock');
		await using _served = await serveChannel(place, async (request) => ok(request.op));
		const socket = connect(place);
		socket.setEncoding('utf8');
		let heard = '';
		socket.on('data', (text: string) => {
			heard += text;
		});
		socket.write(`${line}\n`);
		await waitFor('the refusal', () => heard.endsWith('\n'));
		expect(JSON.parse(heard)).toMatchObject({ ok: false, error: { code: 'invalid-input' } });
		socket.destroy();
		expect(await askChannel(place, { op: 'status' }, 60_000)).toEqual(ok('status'));
	});
});

describe('silence', () => {
	it('is as long as nothing is said, while somebody looks', () => {
		const silence = new Silence(0);
		for (let now = 1_000; now < 60_000; now += 1_000) expect(silence.look(now)).toBe(now);
		silence.heard(60_000);
		expect(silence.look(60_500)).toBe(500);
	});

	it('is not what passed while nobody was there to hear', () => {
		const silence = new Silence(0);
		silence.look(1_000);
		// Stopped for an hour: the watch comes before what waits in the pipe is read.
		expect(silence.look(3_601_000)).toBeLessThan(SILENT_MS);
		silence.heard(3_601_000);
		expect(silence.look(3_601_000)).toBe(0);
	});
});

describe('the log', () => {
	it('is turned over by size, keeps four old ones, and holds no password of a URL', () => {
		const file = join(folder, 'a.log');
		const log = serviceLog(file, { now: () => 0, turnAt: 200 });
		for (let n = 0; n < 60; n += 1) log.say(`line ${n} to amqp://me:hunter2@host/`);
		log.pass('worker said amqp://me:hunter2@host/');
		expect(readdirSync(folder).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3', 'a.log.4']);
		const all = readdirSync(folder)
			.map((name) => readFileSync(join(folder, name), 'utf8'))
			.join('');
		expect(all).toContain('1970-01-01T00:00:00.000Z info     warren: line 59');
		expect(all).not.toContain('hunter2');
	});

	it('goes on in a new file when another tool has moved the old one away', () => {
		const file = join(folder, 'a.log');
		const log = serviceLog(file, { now: () => 0 });
		log.say('one');
		rmSync(file);
		log.say('two');
		expect(readFileSync(file, 'utf8')).toContain('two');
	});

	it('counts what it could not write, and says so once it can', () => {
		const seen: string[] = [];
		const log = serviceLog(join(folder, 'none', 'a.log'), { now: () => 0, also: (line) => seen.push(line) });
		log.say('lost');
		log.say('lost too');
		expect(seen).toHaveLength(2);
		mkdirSync(join(folder, 'none'));
		log.say('kept');
		expect(readFileSync(join(folder, 'none', 'a.log'), 'utf8').split('\n')).toEqual([
			'1970-01-01T00:00:00.000Z warning  warren: 2 lines could not be written here',
			'1970-01-01T00:00:00.000Z info     warren: kept',
			'',
		]);
	});
});

describe('restarts', () => {
	it('never come more often than their number a minute, and always come', () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 60 }), (lives) => {
				let now = 0;
				let starts: readonly number[] = [];
				const all: number[] = [];
				for (const life of lives) {
					all.push(now);
					starts = [...starts, now];
					now += life;
					const next = restartPause(starts, now);
					expect(next.ms).toBeGreaterThanOrEqual(500);
					expect(next.ms).toBeLessThanOrEqual(60_000);
					starts = next.starts;
					now += next.ms;
				}
				for (const at of all) {
					expect(all.filter((other) => other >= at && other < at + 60_000).length).toBeLessThanOrEqual(
						STARTS_PER_MINUTE,
					);
				}
			}),
			{ numRuns: process.env.WARREN_LONG ? 3_000 : 200 },
		);
	});
});

describe('what is said of a service', () => {
	const view = (more: Partial<ConsumerSetView> = {}): ConsumerSetView => ({
		id: consumerSetId('s'),
		profile: profileId('shop'),
		intent: {
			queues: ['default'],
			concurrency: 1,
			runner: { kind: 'node', modules: [], project: '/', env: {} },
			untilEmpty: false,
		},
		state: 'running',
		note: null,
		since: 0,
		slots: [{ number: 1, pid: 1, state: { kind: 'idle', since: 0 }, done: 0 }],
		succeeded: 0,
		failed: 0,
		worker: 'w',
		...more,
	});
	const facts = (more: Partial<ServiceFacts> = {}, ...sets: readonly ConsumerSetView[]): ServiceFacts => ({
		pid: 1,
		workerPid: 2,
		startedAt: 0,
		profile: 'shop',
		stopping: null,
		report: { connection: { kind: 'connected', since: 0, server: null }, sets: sets.length === 0 ? [view()] : sets },
		heartbeatAgeMs: 10,
		restarts: 0,
		lastEnd: null,
		problem: null,
		nextStartAt: null,
		logFile: '/l',
		pidFile: '/p',
		scheduler: true,
		...more,
	});
	const of = (given: ServiceFacts) => [judge(given).state, exitOf(judge(given).state)];
	const broken = [
		{ number: 1, pid: null, state: { kind: 'stopped', since: 0, reason: 'no python' }, done: 0 },
	] as const;

	it.each([
		['works', facts(), ['running', 0]],
		['has not said anything yet', facts({ report: null }), ['starting', 1]],
		['has a silent worker', facts({ heartbeatAgeMs: SILENT_MS + 1 }), ['hung', 1]],
		['has a dead worker', facts({ workerPid: null, lastEnd: 'It was killed by SIGKILL.' }), ['restarting', 1]],
		[
			'waits for a broker',
			facts({}, view({ state: 'waiting-for-broker', note: 'refused' })),
			['waiting-for-broker', 4],
		],
		[
			'has one set of two that waits',
			facts({}, view(), view({ state: 'waiting-for-broker' })),
			['waiting-for-broker', 4],
		],
		['is refused a queue', facts({}, view({ state: 'starting', note: 'There is no queue.' })), ['degraded', 1]],
		['has no runner that starts', facts({}, view({ slots: broken, note: 'no python' })), ['degraded', 1]],
		['cannot store outcomes', facts({}, view({ note: 'The disk is full.' })), ['degraded', 1]],
		['had a set stopped', facts({}, view({ state: 'stopped' })), ['degraded', 1]],
		['is ending', facts({ stopping: 'drain' }), ['draining', 1]],
	])('that %s', (_what, given, expected) => {
		expect(of(given)).toEqual(expected);
	});

	it('names the reason in its sentence', () => {
		expect(judge(facts({}, view({ slots: broken, note: 'no python here' }))).words).toContain('no python here');
		expect(judge(facts({ workerPid: null, lastEnd: 'It was killed by SIGKILL.' })).words).toContain('SIGKILL');
		const away = fail('unreachable', 'connection refused').error;
		expect(of(facts({ workerPid: null, problem: away }))).toEqual(['waiting-for-broker', 4]);
	});
});
