/**
 * A private RabbitMQ for tests: loopback ports of its own, data, cookie and node name of its own, and an Erlang port mapper of
 * its own, so that it never meets a server that somebody runs here. Started straight from the package's scripts (the wrapper in
 * /usr/sbin insists on one system user), so it works as root and as anybody else.
 *
 * `WARREN_TEST_AMQP_URL` names a server to use instead; then `external` is true, nothing is started or killed, and tests that
 * must kill a broker skip themselves with that reason. Use unique queue names (`uniqueName`), since it may not be empty.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './ports.ts';
import { endGroup, startGroup } from './process-group.ts';
import { waitFor } from './wait.ts';

export interface RabbitOptions {
	/** Adds a TLS listener with these files. */
	readonly tls?: {
		readonly caFile: string;
		readonly certFile: string;
		readonly keyFile: string;
		/** Refuse clients without a certificate that the CA signed. */
		readonly clientCertificate?: boolean;
	};
	/** Turns the management API on, on a port of its own. */
	readonly management?: boolean;
	/** More lines for rabbitmq.conf. */
	readonly config?: readonly string[];
}

export interface RabbitServer extends AsyncDisposable {
	/** Given by WARREN_TEST_AMQP_URL: shared, never to be killed. */
	readonly external: boolean;
	/** `amqp://guest:guest@127.0.0.1:<port>/`, which everybody may change. */
	readonly url: string;
	readonly port: number;
	/** Where TLS is spoken; null without `tls`. */
	readonly tlsPort: number | null;
	/** Address of the management API; null without `management`. */
	readonly managementUrl: string | null;
	/** Ends the broker without a chance to tidy up, and waits until it is gone. What must outlive that is to be `settled` before. */
	kill9(): Promise<void>;
	/**
	 * Resolves when all that was declared is on the disk. RabbitMQ answers before: of queues declared in the moment before a kill some were
	 * seen to be gone afterwards, with their confirmed messages.
	 */
	settled(): Promise<void>;
	/** Starts it again on the same data and ports. */
	start(): Promise<void>;
	/** Orderly end and start, keeping the data. */
	restart(): Promise<void>;
	/** Ends it and removes its data. */
	stop(): Promise<void>;
	/** Runs `rabbitmqctl` against it (1 to 3 s each) and gives its output. */
	ctl(args: readonly string[]): Promise<string>;
	/** The end of its log, for messages of failing tests. */
	log(): Promise<string>;
}

const SCRIPTS = process.env.WARREN_TEST_RABBITMQ_SCRIPTS ?? '/usr/lib/rabbitmq/bin';
const run = promisify(execFile);

/** A name no other test uses. */
export function uniqueName(stem: string): string {
	return `${stem}-${randomBytes(5).toString('hex')}`;
}

/** Starts one and resolves when it speaks AMQP (3 to 10 s). */
export async function startRabbit(options: RabbitOptions = {}): Promise<RabbitServer> {
	const given = process.env.WARREN_TEST_AMQP_URL;
	// A server with a certain TLS set-up or configuration can only be one of our own.
	if (
		given !== undefined &&
		given !== '' &&
		options.tls === undefined &&
		options.config === undefined &&
		options.management !== true
	) {
		return externalRabbit(given);
	}
	if (!existsSync(join(SCRIPTS, 'rabbitmq-server'))) {
		throw new Error(`No RabbitMQ in ${SCRIPTS}. Install it with: apt-get install rabbitmq-server`);
	}
	const folder = await mkdtemp(join(tmpdir(), 'warren-rabbit-'));
	const ports = await freePorts(5);
	const [port, tlsPort, epmdPort, distPort, httpPort] = ports as [number, number, number, number, number];
	const node = `warren-${randomBytes(4).toString('hex')}@localhost`;
	const env = await prepare(folder, { node, port, tlsPort, epmdPort, distPort, httpPort }, options);
	let child: ChildProcess | null = null;

	async function start(): Promise<void> {
		if (child !== null) throw new Error('This RabbitMQ runs already.');
		const script = `epmd -port ${epmdPort} -address 127.0.0.1 3<&- & exec "$0" 3<&-`;
		const server = startGroup(script, [join(SCRIPTS, 'rabbitmq-server')], { cwd: folder, env });
		child = server;
		let output = '';
		for (const stream of [server.stdout, server.stderr]) {
			stream?.on('data', (chunk: Buffer) => {
				output = (output + chunk.toString()).slice(-4000);
			});
		}
		try {
			await waitFor(
				'RabbitMQ to speak AMQP',
				() => {
					if (server.exitCode !== null || server.signalCode !== null) {
						throw new Error(`RabbitMQ ended (${server.exitCode ?? server.signalCode}): ${output}`);
					}
					return speaksAmqp(port);
				},
				90_000,
			);
		} catch (error) {
			const log = await readLog(folder);
			await kill9();
			throw new Error(`RabbitMQ did not start: ${output}\n${log}`, { cause: error });
		}
	}

	async function kill9(): Promise<void> {
		const server = child;
		if (server === null) return;
		await endGroup(server);
		child = null;
	}

	async function ctl(args: readonly string[]): Promise<string> {
		const { stdout } = await run(join(SCRIPTS, 'rabbitmqctl'), ['-q', '-n', node, ...args], { env, cwd: folder });
		return stdout;
	}

	async function stop(): Promise<void> {
		await kill9();
		await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
	}

	await start().catch(async (error: unknown) => {
		await stop();
		throw error;
	});
	return {
		external: false,
		url: `amqp://guest:guest@127.0.0.1:${port}/`,
		port,
		tlsPort: options.tls === undefined ? null : tlsPort,
		managementUrl: options.management === true ? `http://127.0.0.1:${httpPort}` : null,
		start,
		kill9,
		async settled() {
			await ctl(['eval', 'mnesia:sync_log().']);
		},
		stop,
		async restart() {
			const server = child;
			if (server?.pid !== undefined) {
				process.kill(server.pid, 'SIGTERM');
				await waitFor('RabbitMQ to end', () => server.exitCode !== null || server.signalCode !== null, 60_000);
				await kill9();
			}
			await start();
		},
		ctl,
		log: () => readLog(folder),
		[Symbol.asyncDispose]: stop,
	};
}

interface Places {
	readonly node: string;
	readonly port: number;
	readonly tlsPort: number;
	readonly epmdPort: number;
	readonly distPort: number;
	readonly httpPort: number;
}

/** Writes the configuration and answers the environment that keeps the server to itself. */
async function prepare(folder: string, places: Places, options: RabbitOptions): Promise<NodeJS.ProcessEnv> {
	const home = join(folder, 'home');
	await mkdir(home, { recursive: true });
	await writeFile(join(home, '.erlang.cookie'), randomBytes(15).toString('hex'), { mode: 0o400 });
	await writeFile(join(folder, 'enabled_plugins'), options.management === true ? '[rabbitmq_management].\n' : '[].\n');
	await writeFile(join(folder, 'rabbitmq-env.conf'), '');
	const lines = [
		`listeners.tcp.1 = 127.0.0.1:${places.port}`,
		'log.file.level = info',
		// Tests must never come to a halt because the machine's disk or memory is nearly full.
		'disk_free_limit.absolute = 1MB',
		'vm_memory_high_watermark.relative = 0.9',
	];
	if (options.tls !== undefined) {
		lines.push(
			`listeners.ssl.1 = 127.0.0.1:${places.tlsPort}`,
			`ssl_options.cacertfile = ${options.tls.caFile}`,
			`ssl_options.certfile = ${options.tls.certFile}`,
			`ssl_options.keyfile = ${options.tls.keyFile}`,
			`ssl_options.verify = ${options.tls.clientCertificate === true ? 'verify_peer' : 'verify_none'}`,
			`ssl_options.fail_if_no_peer_cert = ${options.tls.clientCertificate === true}`,
		);
	}
	if (options.management === true) {
		// Figures at once, not after the five seconds of the default.
		lines.push(`management.tcp.port = ${places.httpPort}`, 'management.tcp.ip = 127.0.0.1');
		lines.push('collect_statistics_interval = 250');
	}
	lines.push(...(options.config ?? []));
	await writeFile(join(folder, 'rabbitmq.conf'), `${lines.join('\n')}\n`);
	return {
		PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
		LANG: 'C.UTF-8',
		HOME: home,
		ERL_EPMD_PORT: String(places.epmdPort),
		ERL_EPMD_ADDRESS: '127.0.0.1',
		RABBITMQ_NODENAME: places.node,
		RABBITMQ_DIST_PORT: String(places.distPort),
		RABBITMQ_CONF_ENV_FILE: join(folder, 'rabbitmq-env.conf'),
		RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
		RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
		RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
		RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
		RABBITMQ_LOG_BASE: join(folder, 'log'),
		RABBITMQ_PID_FILE: join(folder, 'pid'),
		RABBITMQ_GENERATED_CONFIG_DIR: join(folder, 'generated'),
		// Two schedulers without busy waiting: several of these run side by side on small machines.
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
			'+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
	};
}

async function readLog(folder: string): Promise<string> {
	const logs = join(folder, 'log');
	const names = await readdir(logs).catch((): string[] => []);
	const texts = await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8')));
	return texts.join('\n').slice(-8000);
}

/** Whether something on that port answers AMQP's greeting. */
function speaksAmqp(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect({ host: '127.0.0.1', port });
		const answer = (yes: boolean) => {
			socket.destroy();
			resolve(yes);
		};
		socket.setTimeout(2000, () => answer(false));
		socket.once('connect', () => socket.write(Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')));
		socket.once('data', (data) => answer(data[0] === 1));
		socket.once('error', () => answer(false));
		socket.once('close', () => answer(false));
	});
}

function externalRabbit(url: string): RabbitServer {
	const refuse = () =>
		Promise.reject(new Error('This RabbitMQ was given by WARREN_TEST_AMQP_URL: tests may not stop or start it.'));
	return {
		external: true,
		url,
		port: Number(new URL(url).port || 5672),
		tlsPort: null,
		managementUrl: null,
		kill9: refuse,
		settled: () => Promise.resolve(),
		start: refuse,
		restart: refuse,
		ctl: refuse,
		stop: () => Promise.resolve(),
		log: () => Promise.resolve(''),
		[Symbol.asyncDispose]: () => Promise.resolve(),
	};
}
