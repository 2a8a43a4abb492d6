/** Retries by rule and what is done after the last failure, over the built-in broker with real processes. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { deleteTasks } from '#main/actions/delete.ts';
import type { ActionTarget } from '#main/actions/deployment.ts';
import { createActions } from '#main/actions/progress.ts';
import { requeueTasks } from '#main/actions/requeue.ts';
import type { ConsumerIntent, FailureHook, RetryRule } from '#main/domain/consumer.ts';
import { CARROT_DIALECT, type Profile } from '#main/domain/profile.ts';
import { must } from '#test/support/brokers.ts';
import { waitFor } from '#test/support/wait.ts';
import { PROFILE } from './consumer-host.ts';
import { openPlace, type Place } from './consumer-place.ts';

const HOST = fileURLToPath(new URL('./consumer-host.ts', import.meta.url));

const TASKS = `
import logging, os
HERE = os.environ['PLACE']

def shaky(good):
    path = os.path.join(HERE, 'tries')
    with open(path, 'a') as file:
        file.write('x')
    if os.path.getsize(path) < good:
        raise ConnectionError('not yet')
    return os.path.getsize(path)

def wrong():
    logging.getLogger('carrot').info('about to fail')
    raise KeyError('order')

def hook(log, exception):
    with open(os.path.join(HERE, 'hook'), 'w') as file:
        file.write('{}|{}|{}|{}|{!r}'.format(type(exception).__name__, exception, log.uuid, log.task, list(log)))

def bad_hook(log, exception):
    raise RuntimeError('the hook is broken')

def slow_hook(log, exception):
    import time
    time.sleep(600)

def fine():
    return 'fine'
`;

const NODE_TASKS = `
import { writeFileSync } from 'node:fs';
export function wrong() { throw new TypeError('order'); }
export function hook(log, exception) {
	writeFileSync(process.env.PLACE + '/hook', [typeof exception, exception, log.uuid, log.task].join('|'));
}
`;

const rule = (more: Partial<RetryRule> = {}): RetryRule => ({
	exceptions: ['*'],
	times: 3,
	delayMs: 50,
	factor: 2,
	maxDelayMs: 1000,
	jitter: 0,
	...more,
});

async function place(): Promise<Place> {
	const here = await openPlace();
	here.write('tasks.py', TASKS);
	here.write('tasks.mjs', NODE_TASKS);
	return here;
}

const warrenLines = async (here: Place, id: string) =>
	(await here.log(id)).filter((line) => line.source === 'warren').map((line) => line.text);

describe('a task that fails under a rule', () => {
	it('is tried again as a new attempt of the same task, with the original bytes, until it succeeds', async () => {
		await using here = await place();
		const id = await here.send('tasks.shaky', [3]);
		await here.run({ retries: [rule()] });
		const detail = await here.detail(id);
		expect(detail).toMatchObject({ state: 'succeeded', attempts: 3, result: { text: '3' } });
		expect(detail.history.map((one) => [one.cause, one.state])).toEqual([
			['published', 'retrying'],
			['retried', 'retrying'],
			['retried', 'succeeded'],
		]);
		const messages = await Promise.all(detail.history.map((one) => here.store.history.message(one.id)));
		expect(new Set(messages.map((one) => one?.properties.messageId)).size).toBe(3);
		expect(new Set(messages.map((one) => Buffer.from(one?.body ?? []).toString())).size).toBe(1);
		expect(messages.map((one) => one?.properties.headers)).toEqual(Array(3).fill(messages[0]?.properties.headers));
	});

	it('has failed once its tries are used up', async () => {
		await using here = await place();
		const id = await here.send('tasks.shaky', [99]);
		await here.run({ retries: [rule({ times: 2 })] });
		expect((await here.detail(id)).history.map((one) => one.state)).toEqual(['retrying', 'retrying', 'failed']);
	});

	it('fails at once where the first rule that matches excepts its exception', async () => {
		await using here = await place();
		const id = await here.send('tasks.wrong');
		await here.run({ retries: [rule({ exceptions: ['LookupError', 'KeyError'], times: 0 }), rule()] });
		expect(await here.detail(id)).toMatchObject({ state: 'failed', attempts: 1 });
	});

	it.each(['deletes', 'requeues'] as const)('waits as retrying until somebody %s it', async (what) => {
		await using here = await place();
		const id = await here.send('tasks.wrong');
		here.start({ retries: [rule({ times: 1, delayMs: 3_600_000, maxDelayMs: 3_600_000 })] });
		const detail = await here.reaches(id, 'retrying');
		const pending = async () => (await here.store.history.retries?.(PROFILE, Date.now(), 10))?.pending;
		expect(await pending()).toBe(1);
		const target: ActionTarget = {
			profile: { id: PROFILE, framework: 'carrot', dialect: CARROT_DIALECT } as Profile,
			driver: here.driver,
			history: here.store.history,
			records: here.store.records,
			journal: here.store.journal,
			leases: here.store.leases,
			now: Date.now,
			newId: randomUUID,
			origin: 'console@test',
		};
		const { signal } = new AbortController();
		const kind = what === 'deletes' ? 'delete' : 'requeue';
		const action = createActions(Date.now).begin(kind, PROFILE, 'by hand', 1, signal);
		if (what === 'deletes') must(await deleteTasks(target, [detail.id], action));
		else must(await requeueTasks(target, [detail.id], null, action));
		if (what === 'deletes') expect((await here.detail(id)).removedAt).not.toBeNull();
		else await waitFor('it to run at once', async () => (await here.detail(id)).attempts === 2);
		// A task that was requeued by hand has its tries anew.
		if (what === 'requeues') await here.reaches(id, 'retrying');
		expect(await pending()).toBe(what === 'deletes' ? 0 : 1);
	});

	it('is tried again by another process when the one that planned it was killed', async () => {
		await using here = await place();
		const id = await here.send('tasks.shaky', [2]);
		const intent: Partial<ConsumerIntent> = { retries: [rule({ delayMs: 1500, maxDelayMs: 1500 })] };
		const child = spawn(process.execPath, [HOST, JSON.stringify(here.order(intent))], { stdio: 'ignore' });
		const gone = new Promise((resolve) => child.once('exit', resolve));
		await here.reaches(id, 'retrying');
		child.kill('SIGKILL');
		await gone;
		here.start(intent);
		const detail = await here.reaches(id, 'succeeded');
		expect(detail.history.map((one) => one.cause)).toEqual(['published', 'retried']);
		expect(readFileSync(join(here.folder, 'tries'), 'utf8')).toBe('xx');
	});
});

interface Posted {
	readonly body: string;
	readonly path: string;
}

async function receiver(
	answer: (path: string) => { status: number; location?: string },
): Promise<{ readonly url: string; readonly posts: Posted[] } & AsyncDisposable> {
	const posts: Posted[] = [];
	const server: Server = createServer((request, response) => {
		let body = '';
		request.on('data', (chunk: Buffer) => {
			body += chunk.toString();
		});
		request.on('end', () => {
			const path = request.url ?? '';
			posts.push({ body, path });
			const { status, location } = answer(path);
			response.writeHead(status, location === undefined ? {} : { location }).end();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		posts,
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

describe('a failure hook', () => {
	const fails = async (here: Place, hooks: readonly FailureHook[], more: Partial<ConsumerIntent> = {}) => {
		const id = await here.send('tasks.wrong');
		const view = await here.run({ hooks, ...more });
		const detail = await here.detail(id);
		expect(detail.state).toBe('failed');
		expect(view.failed).toBe(1);
		return { id, detail, lines: await warrenLines(here, id) };
	};

	it('is a command that gets the failure as JSON on its input', async () => {
		await using here = await place();
		const file = join(here.folder, 'told');
		const { id, lines } = await fails(here, [
			{ kind: 'command', command: ['/bin/sh', '-c', `cat > ${file}; echo thanks`], timeoutMs: 10_000 },
		]);
		expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
			task: 'tasks.wrong',
			taskId: id,
			attempt: 1,
			exception: { type: 'KeyError', message: "'order'" },
			args: '[]',
			log: ['about to fail'],
		});
		expect(lines).toEqual(['Failure hook, command /bin/sh: done. It said: thanks']);
	});

	it('is killed with all that it started when it takes too long, and that is recorded', async () => {
		await using here = await place();
		const file = join(here.folder, 'pid');
		const { lines } = await fails(here, [
			{ kind: 'command', command: ['/bin/sh', '-c', `sleep 600 & echo $! > ${file}; wait`], timeoutMs: 700 },
		]);
		expect(lines[0]).toContain('failed: it took longer than 700 ms and was killed');
		const pid = Number(readFileSync(file, 'utf8'));
		await waitFor('its child to be gone', () => {
			return !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
		});
	});

	it('is a POST, whose redirects to other hosts are not followed', async () => {
		await using here = await place();
		await using other = await receiver(() => ({ status: 200 }));
		await using server = await receiver((path) =>
			path === '/moved'
				? { status: 307, location: '/here' }
				: path === '/away'
					? { status: 307, location: other.url }
					: { status: 204 },
		);
		const { lines } = await fails(here, [
			{ kind: 'http', url: `${server.url}/moved`, timeoutMs: 5000 },
			{ kind: 'http', url: `${server.url}/away`, timeoutMs: 5000 },
		]);
		expect(server.posts.map((post) => post.path)).toEqual(['/moved', '/here', '/away']);
		expect(JSON.parse(server.posts[1]?.body ?? '')).toMatchObject({ task: 'tasks.wrong' });
		expect(other.posts).toEqual([]);
		expect(lines[0]).toContain('done. It answered 204.');
		expect(lines[1]).toMatch(/failed: it redirects to 127\.0\.0\.1:\d+, which is not followed/);
	});

	it("is a Python function that gets carrot's log and exception", async () => {
		await using here = await place();
		const { id, lines } = await fails(here, [{ kind: 'function', path: 'tasks.hook' }]);
		expect(readFileSync(join(here.folder, 'hook'), 'utf8')).toBe(`str|'order'|${id}|tasks.wrong|['about to fail']`);
		expect(lines).toEqual(['Failure hook, function tasks.hook: done.']);
	});

	it("is a Node function that gets carrot's log and exception", async () => {
		await using here = await place();
		const { id } = await fails(here, [{ kind: 'function', path: 'tasks.hook' }], { runner: here.node });
		expect(readFileSync(join(here.folder, 'hook'), 'utf8')).toBe(`string|order|${id}|tasks.wrong`);
	});

	it('gets an exception where the task could not be found, as carrot gives it', async () => {
		await using here = await place();
		const id = await here.send('nowhere.task');
		await here.run({ hooks: [{ kind: 'function', path: 'tasks.hook' }] });
		expect(readFileSync(join(here.folder, 'hook'), 'utf8')).toContain(`ImportError|No module named 'nowhere'|${id}`);
	});

	it('that fails is recorded and changes nothing else', async () => {
		await using here = await place();
		const { lines } = await fails(here, [
			{ kind: 'function', path: 'tasks.bad_hook' },
			{ kind: 'function', path: 'tasks.no_such_hook' },
			{ kind: 'command', command: ['/nowhere/at/all'], timeoutMs: 1000 },
			{ kind: 'command', command: ['/bin/sh', '-c', 'echo broken >&2; exit 3'], timeoutMs: 10_000 },
			{ kind: 'http', url: 'http://127.0.0.1:1/', timeoutMs: 1000 },
		]);
		expect(lines).toHaveLength(5);
		expect(lines[0]).toContain('failed: RuntimeError: the hook is broken');
		expect(lines[1]).toContain("has no attribute 'no_such_hook'");
		expect(lines[2]).toContain('ENOENT');
		expect(lines[3]).toContain('it ended with exit code 3. It said: broken');
		expect(lines[4]).toContain('POST to 127.0.0.1:1, failed:');
		const next = await here.send('tasks.fine');
		await here.run();
		expect((await here.detail(next)).state).toBe('succeeded');
	});

	it('that is a function has the time that was given, and no more', async () => {
		await using here = await place();
		const { lines } = await fails(here, [{ kind: 'function', path: 'tasks.slow_hook', timeoutMs: 300 }]);
		expect(lines).toEqual([
			'Failure hook, function tasks.slow_hook, failed: it was killed, since it took longer than 300 ms.',
		]);
		const next = await here.send('tasks.fine');
		await here.run();
		expect((await here.detail(next)).state).toBe('succeeded');
	});

	it('does not run while a retry is to come', async () => {
		await using here = await place();
		const id = await here.send('tasks.shaky', [2]);
		await here.run({ retries: [rule()], hooks: [{ kind: 'function', path: 'tasks.hook' }] });
		expect((await here.detail(id)).state).toBe('succeeded');
		expect(existsSync(join(here.folder, 'hook'))).toBe(false);
	});

	it('ends with a consumer that is stopped now', async () => {
		await using here = await place();
		const id = await here.send('tasks.wrong');
		const set = here.start({
			hooks: [
				{
					kind: 'command',
					command: ['/bin/sh', '-c', 'touch "$0"; sleep 600', join(here.folder, 'began')],
					timeoutMs: 600_000,
				},
			],
		});
		await waitFor('the hook to run', () => existsSync(join(here.folder, 'began')));
		await set.stop('now');
		expect((await warrenLines(here, id))[0]).toContain('failed: the consumer stopped');
	});
});
