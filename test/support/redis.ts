/**
 * A private Redis for tests: a loopback port of its own, data in a folder of its own, every write in its append-only file before it
 * is answered, so that `kill9` loses nothing that was confirmed.
 *
 * `WARREN_TEST_REDIS_URL` names a server to use instead; then `external` is true, nothing is started or killed, and tests that must
 * kill a Redis ask for one of their own by `own`. Use unique prefixes (`uniqueName`), since it may not be empty.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './ports.ts';
import { endGroup, startGroup } from './process-group.ts';
import { waitFor } from './wait.ts';

export interface RedisServerOptions {
	/** One of our own in any case: it is killed, given orders to, or needs a certain configuration. */
	readonly own?: boolean;
	/** Password of the default user. */
	readonly password?: string;
	/** Adds a TLS listener with these files. */
	readonly tls?: {
		readonly caFile: string;
		readonly certFile: string;
		readonly keyFile: string;
		readonly clientCertificate?: boolean;
	};
	/** More lines for redis.conf; of a directive that stands twice the last holds. */
	readonly config?: readonly string[];
}

export interface RedisServer extends AsyncDisposable {
	/** Given by WARREN_TEST_REDIS_URL: shared, never to be killed. */
	readonly external: boolean;
	/** `redis://[:password@]127.0.0.1:<port>/0`. */
	readonly url: string;
	readonly port: number;
	/** Where TLS is spoken; null without `tls`. */
	readonly tlsPort: number | null;
	/** Ends it without a chance to tidy up, and waits until it is gone. */
	kill9(): Promise<void>;
	/** Starts it again on the same data and port. */
	start(): Promise<void>;
	/** Orderly end and start, keeping the data. */
	restart(): Promise<void>;
	/** Ends it and removes its data. */
	stop(): Promise<void>;
	/** Runs `redis-cli` against it and gives its output without the last newline. */
	cli(...args: readonly string[]): Promise<string>;
	/** The end of its log, for messages of failing tests. */
	log(): Promise<string>;
}

const SERVER = process.env.WARREN_TEST_REDIS_SERVER ?? '/usr/bin/redis-server';
const run = promisify(execFile);

/** Starts one and resolves when it answers (well under a second). */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
	const given = process.env.WARREN_TEST_REDIS_URL;
	if (given !== undefined && given !== '' && Object.keys(options).length === 0) return externalRedis(given);
	if (!existsSync(SERVER)) throw new Error(`No ${SERVER}. Install it with: apt-get install redis-server`);
	const folder = await mkdtemp(join(tmpdir(), 'warren-redis-'));
	const [port = 0, tlsPort = 0] = await freePorts(2);
	const conf = join(folder, 'redis.conf');
	await writeFile(conf, `${configuration(folder, port, tlsPort, options).join('\n')}\n`);
	let child: ChildProcess | null = null;

	async function start(): Promise<void> {
		if (child !== null) throw new Error('This Redis runs already.');
		const server = startGroup('exec "$0" "$@" 3<&-', [SERVER, conf], { cwd: folder, env: { LANG: 'C.UTF-8' } });
		child = server;
		let output = '';
		for (const stream of [server.stdout, server.stderr]) {
			stream?.on('data', (chunk: Buffer) => {
				output = (output + chunk.toString()).slice(-4000);
			});
		}
		try {
			await waitFor('Redis to answer', () => {
				if (server.exitCode !== null || server.signalCode !== null) throw new Error(`Redis ended: ${output}`);
				return speaksRedis(port);
			});
		} catch (error) {
			await kill9();
			throw new Error(`Redis did not start: ${output}\n${await readLog(folder)}`, { cause: error });
		}
	}

	async function kill9(): Promise<void> {
		const server = child;
		if (server === null) return;
		await endGroup(server);
		child = null;
	}

	async function stop(): Promise<void> {
		await kill9();
		await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
	}

	await start().catch(async (error: unknown) => {
		await stop();
		throw error;
	});
	const secret = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
	return {
		external: false,
		url: `redis://${secret}127.0.0.1:${port}/0`,
		port,
		tlsPort: options.tls === undefined ? null : tlsPort,
		start,
		kill9,
		stop,
		async restart() {
			const server = child;
			if (server?.pid !== undefined) {
				process.kill(server.pid, 'SIGTERM');
				await waitFor('Redis to end', () => server.exitCode !== null || server.signalCode !== null);
				await kill9();
			}
			await start();
		},
		async cli(...args) {
			const login = options.password === undefined ? [] : ['--no-auth-warning', '-a', options.password];
			const { stdout } = await run('redis-cli', ['-p', String(port), ...login, ...args], { cwd: folder });
			return stdout.replace(/\n$/, '');
		},
		log: () => readLog(folder),
		[Symbol.asyncDispose]: stop,
	};
}

function configuration(folder: string, port: number, tlsPort: number, options: RedisServerOptions): readonly string[] {
	const lines = [
		'bind 127.0.0.1',
		`port ${port}`,
		`dir ${folder}`,
		'logfile redis.log',
		'daemonize no',
		'save ""',
		'appendonly yes',
		'appendfsync no',
		'databases 16',
	];
	if (options.password !== undefined) lines.push(`requirepass "${options.password}"`);
	if (options.tls !== undefined) {
		lines.push(
			`tls-port ${tlsPort}`,
			`tls-ca-cert-file ${options.tls.caFile}`,
			`tls-cert-file ${options.tls.certFile}`,
			`tls-key-file ${options.tls.keyFile}`,
			`tls-auth-clients ${options.tls.clientCertificate === true ? 'yes' : 'no'}`,
		);
	}
	return [...lines, ...(options.config ?? [])];
}

async function readLog(folder: string): Promise<string> {
	return (await readFile(join(folder, 'redis.log'), 'utf8').catch(() => '')).slice(-4000);
}

/** Whether something on that port answers PING, and has its data loaded. */
function speaksRedis(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect({ host: '127.0.0.1', port });
		const answer = (yes: boolean) => {
			socket.destroy();
			resolve(yes);
		};
		socket.setTimeout(2000, () => answer(false));
		socket.once('connect', () => socket.write('PING\r\n'));
		socket.once('data', (data) => answer(/^(\+PONG|-NOAUTH|-NOPERM)/.test(data.toString())));
		socket.once('error', () => answer(false));
		socket.once('close', () => answer(false));
	});
}

function externalRedis(url: string): RedisServer {
	const refuse = () =>
		Promise.reject(new Error('This Redis was given by WARREN_TEST_REDIS_URL: tests may not stop or start it.'));
	return {
		external: true,
		url,
		port: Number(new URL(url).port || 6379),
		tlsPort: null,
		kill9: refuse,
		start: refuse,
		restart: refuse,
		async cli(...args) {
			const { stdout } = await run('redis-cli', ['--no-auth-warning', '-u', url, ...args]);
			return stdout.replace(/\n$/, '');
		},
		stop: () => Promise.resolve(),
		log: () => Promise.resolve(''),
		[Symbol.asyncDispose]: () => Promise.resolve(),
	};
}
