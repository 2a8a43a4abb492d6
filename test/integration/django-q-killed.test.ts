/** Warren killed while it changes a list of django-q's packets: none is lost or doubled, the change is called interrupted, and an undo ends it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { writeTask } from '#main/dialects/django-q/task.ts';
import { must } from '#test/support/brokers.ts';
import { bootEngine } from '#test/support/engine.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { startRedis } from '#test/support/redis.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

const MAIN = fileURLToPath(new URL('../../src-main/headless/cli/main.ts', import.meta.url));
const COUNT = 1_000;
/** The first packet of the third batch, and of the group: what was sent with it is done, and no answer to it comes. */
const CUT = 500;
const PATIENCE = 120_000;
const profile = 'shop';

function packet(n: number): string {
	const task = {
		id: String(n).padStart(32, '0'),
		name: `task ${n}`,
		func: 'shop.tasks.note',
		arguments: { args: [{ kind: 'int', text: String(n) }], kwargs: [] },
		group: n % 2 === 0 ? 'even' : null,
		hook: null,
		timeout: null,
		cluster: null,
	} as const;
	const signing = { prefix: 'shop', secretKey: 'a secret of this test', digest: 'sha256' } as const;
	return must(writeTask(task, signing, { now: 1_795_000_000_000, aware: true, compress: false }));
}
const packets = Array.from({ length: COUNT }, (_, n) => packet(n));

async function list(keyspace: Keyspace, queue: string): Promise<readonly string[]> {
	return must(await keyspace.call('LRANGE', `django_q:${queue}:q`, 0, -1)) as readonly string[];
}

async function connections(keyspace: Keyspace): Promise<ReadonlySet<string>> {
	const said = String(must(await keyspace.call('CLIENT', 'LIST')));
	return new Set([...said.matchAll(/^id=(\d+)/gm)].map(([, id]) => id as string));
}

describe('Warren killed', () => {
	const acts = [
		{ act: 'having packets run next', words: ['packet', 'next', '--group', 'even'], deletes: false },
		{ act: 'moving packets', words: ['queue', 'move', 'shop', 'aside', '--group', 'even'], deletes: false },
		{ act: 'deleting packets', words: ['message', 'delete', 'shop', '--group', 'even'], deletes: true },
	] as const;

	// Side by side: each waits for most of its time until the lease of what was killed has run out.
	it.concurrent.each(acts)(
		'while $act loses and doubles none, says that it was cut off, and takes back what was done',
		async (act) => {
			await using stack = new AsyncDisposableStack();
			const home = await mkdtemp(join(tmpdir(), 'warren-killed-'));
			stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
			const redis = stack.use(await startRedis({ own: true }));
			const keyspace = stack.use(await openKeyspace(redis.url));
			const proxy = stack.use(await startProxy({ port: redis.port }));
			const url = redis.url.replace(`:${redis.port}`, `:${proxy.port}`);
			{
				await using engine = await bootEngine({ home });
				await engine.call('profile.add', { name: profile, framework: 'django-q', broker: url, prefix: ['shop'] });
			}
			for (let at = 0; at < COUNT; at += 500) {
				must(await keyspace.call('RPUSH', 'django_q:shop:q', ...packets.slice(at, at + 500)));
			}

			const others = await connections(keyspace);
			let [cutOff, tail] = [false, ''];
			proxy.onUpstream((chunk) => {
				if (cutOff) return false;
				const text = tail + chunk.toString('latin1');
				cutOff = text.includes(packets[CUT] as string);
				tail = text.slice(-2_000);
				return true;
			});
			proxy.onDownstream(() => !cutOff);
			const child = spawn(process.execPath, [MAIN, '--home', home, '--profile', profile, '--yes', ...act.words], {
				stdio: 'ignore',
			});
			const ended = once(child, 'exit');
			const before = act.words[1] === 'next' ? CUT : CUT / 2;
			await waitFor(
				'a packet of the third batch to be changed',
				async () =>
					(cutOff && (await list(keyspace, 'shop')).indexOf(packets[CUT] as string) !== before) ||
					child.exitCode !== null,
				PATIENCE,
			);
			expect(child.exitCode).toBeNull();
			child.kill('SIGKILL');
			await ended;
			proxy.cut();
			// Redis carries out what has come before it sees that the connection has gone.
			await waitFor(
				'Redis to have heard the last of it',
				async () => [...(await connections(keyspace))].every((id) => others.has(id)),
				PATIENCE,
			);
			proxy.onUpstream(null);
			proxy.onDownstream(null);

			const cut = await list(keyspace, 'shop');
			const aside = await list(keyspace, 'aside');
			const all = [...cut, ...aside];
			expect(new Set(all).size).toBe(all.length);
			// What is in neither list was deleted, and is kept.
			const gone = packets.filter((one) => !all.includes(one));
			if (!act.deletes) expect(gone).toEqual([]);

			await using engine = await bootEngine({ home });
			const row = await waitFor(
				'the change to be known as cut off',
				async () => {
					const { items } = await engine.call('undo.list', { profile });
					const found = items.find(({ undoOf }) => undoOf === null);
					return found?.state === 'interrupted' ? found : null;
				},
				PATIENCE,
			);
			expect(row).toMatchObject({ able: true });
			expect(row.words).toContain('may or may not have been changed');
			const undone = await engine.call('undo.apply', { profile, id: row.id });
			if (!act.deletes) expect(undone).toMatchObject({ failed: 0 });
			else if (undone.failed > 0) {
				// Those that were about to be removed when it was killed, and are gone: a cluster may have taken them as well, so a person decides.
				expect(JSON.stringify(undone)).toContain('--uncertain');
				const all = await engine.call('undo.apply', { profile, id: row.id, uncertain: true });
				expect(all).toMatchObject({ done: undone.failed, failed: 0 });
			}
			expect([...(await list(keyspace, 'shop'))].sort()).toEqual([...packets].sort());
			expect(await list(keyspace, 'aside')).toEqual([]);
		},
	);
});
