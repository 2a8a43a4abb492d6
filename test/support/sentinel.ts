/** A Redis with a replica and three sentinels, on loopback ports of their own: a fail-over for tests. */
import type { ChildProcess } from 'node:child_process';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './ports.ts';
import { endGroup, startGroup } from './process-group.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { waitFor } from './wait.ts';

const SERVER = process.env.WARREN_TEST_REDIS_SERVER ?? '/usr/bin/redis-server';
const MINUTES = 120_000;
const run = promisify(execFile);

export interface SentinelLab extends AsyncDisposable {
	/** The two, the first of them the primary at the start. */
	readonly servers: readonly [RedisServer, RedisServer];
	/** Ports of the sentinels. */
	readonly ports: readonly number[];
	/** `sentinel://…;sentinel://…`, without `master_name`. */
	readonly url: string;
	/** The port of the primary, as the sentinels have it. */
	primary(): Promise<number>;
	/** Waits until the replica has all that the primary has. */
	replicated(primary: RedisServer, replica: RedisServer): Promise<void>;
}

/** Starts all five, and resolves when the sentinels know of each other and of the replica. They call the primary `shop`. */
export async function startSentinels(): Promise<SentinelLab> {
	const folder = await mkdtemp(join(tmpdir(), 'warren-sentinel-'));
	await using stack = new AsyncDisposableStack();
	stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
	const first = stack.use(await startRedis({ own: true }));
	const second = stack.use(await startRedis({ own: true, config: [`replicaof 127.0.0.1 ${first.port}`] }));
	const ports = await freePorts(3);
	const cli = async (port: number, ...args: readonly string[]) =>
		(await run('redis-cli', ['-p', String(port), ...args])).stdout.trim();
	for (const port of ports) {
		const conf = join(folder, `${port}.conf`);
		const lines = [
			'bind 127.0.0.1',
			`port ${port}`,
			`dir ${folder}`,
			`logfile ${port}.log`,
			`sentinel monitor shop 127.0.0.1 ${first.port} 2`,
			// A loaded machine keeps a healthy primary waiting as well.
			'sentinel down-after-milliseconds shop 8000',
			'sentinel failover-timeout shop 15000',
		];
		await writeFile(conf, `${lines.join('\n')}\n`);
		const child: ChildProcess = startGroup('exec "$0" "$@" 3<&-', [SERVER, conf, '--sentinel'], {
			cwd: folder,
			env: { LANG: 'C.UTF-8' },
		});
		child.stdout?.resume();
		child.stderr?.resume();
		stack.defer(() => endGroup(child));
	}
	const knows = async (port: number) => {
		const said = await cli(port, 'SENTINEL', 'MASTER', 'shop').catch(() => '');
		return /num-slaves\n1\n/.test(said) && /num-other-sentinels\n2\n/.test(said);
	};
	await waitFor(
		'the sentinels to know each other',
		async () => (await Promise.all(ports.map(knows))).every(Boolean),
		MINUTES,
	);
	await waitFor(
		'the replica to be in step',
		async () => (await second.cli('INFO', 'replication')).includes('master_link_status:up'),
		MINUTES,
	);
	const kept = stack.move();
	return {
		servers: [first, second],
		ports,
		url: ports.map((port, at) => `sentinel://127.0.0.1:${port}${at === 0 ? '/0' : ''}`).join(';'),
		async primary() {
			for (const port of ports) {
				const [, number] = (await cli(port, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'shop').catch(() => '')).split('\n');
				if (number !== undefined) return Number(number);
			}
			return 0;
		},
		async replicated(ahead, behind) {
			await waitFor(
				'the replica to have it all',
				async () => {
					const [, has] = /master_repl_offset:(\d+)/.exec(await ahead.cli('INFO', 'replication')) ?? [];
					const [, got] = /slave_repl_offset:(\d+)/.exec(await behind.cli('INFO', 'replication')) ?? [];
					return has !== undefined && Number(got) >= Number(has);
				},
				MINUTES,
			);
		},
		[Symbol.asyncDispose]: () => kept.disposeAsync(),
	};
}
