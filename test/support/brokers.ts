/** All brokers as the conformance suite needs them: a place where drivers can be made, broken and counted. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BroadcastChannel } from 'node:worker_threads';
import { createDriver, type DriverContext } from '#main/brokers/connect.ts';
import type { BrokerDriver, ConsumeIntent, Consumption, Delivery } from '#main/brokers/driver.ts';
import { systemClock } from '#main/domain/clock.ts';
import { silentLog } from '#main/domain/log.ts';
import type { MessageProperties, OutgoingMessage } from '#main/domain/message.ts';
import type { BrokerAddress } from '#main/domain/profile.ts';
import type { Result } from '#main/domain/result.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { type RabbitServer, startRabbit } from './rabbitmq.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';
import { waitFor } from './wait.ts';

export const EMBEDDED_THREAD = new URL('../../src-main/brokers/embedded/thread.ts', import.meta.url);
const CRASHING_THREAD = new URL('./crashing-thread.ts', import.meta.url);

/** One broker of a kind. Drivers it made are disposed of with it. */
export interface Bench extends AsyncDisposable {
	readonly kind: BrokerDriver['kind'];
	/** A connected driver. */
	driver(): Promise<BrokerDriver>;
	/** A driver that was not told to connect. */
	idleDriver(): BrokerDriver;
	/** Breaks every driver's connection (RabbitMQ and Redis: the network; built-in: its threads), which then come back by themselves. */
	breakConnections(): void;
	/** A process of its own that consumes a queue without settling, until it is killed. */
	holder(queue: string, count: number): Promise<ChildProcess>;
	/** What other drivers in other processes are given. */
	readonly context: { readonly address: BrokerAddress; readonly password: string | null; readonly folder: string };
}

/** RabbitMQ behind a proxy. The server is shared by the tests of one file. */
export async function rabbitBench(server: RabbitServer): Promise<Bench> {
	const parsed = must(parseBroker(server.url));
	if (parsed.address.kind !== 'amqp') throw new Error('The server has no AMQP URL.');
	const proxy = await startProxy({ host: parsed.address.host, port: parsed.address.port });
	return bench('rabbitmq', { ...parsed.address, host: '127.0.0.1', port: proxy.port }, parsed.password, proxy);
}

/** A Redis behind a proxy, as Celery uses it. */
export async function redisBench(server: RedisServer): Promise<Bench> {
	const parsed = must(parseBroker(server.url));
	if (parsed.address.kind !== 'redis') throw new Error('The server has no URL of Redis.');
	const proxy = await startProxy({ host: parsed.address.host, port: parsed.address.port });
	return bench('redis', { ...parsed.address, host: '127.0.0.1', port: proxy.port }, parsed.password, proxy);
}

/** The built-in broker on a folder of its own. */
export function embeddedBench(): Promise<Bench> {
	return bench('embedded', { kind: 'embedded' }, null, null);
}

/** A bench with the server it needs. */
export async function startBench(kind: BrokerDriver['kind']): Promise<Bench> {
	if (kind === 'embedded') return embeddedBench();
	if (kind === 'rabbitmq') {
		const server = await startRabbit();
		return withServer(await rabbitBench(server), server);
	}
	const server = await startRedis();
	return withServer(await redisBench(server), server);
}

/** Stops the server after the bench. */
function withServer(inner: Bench, server: { stop(): Promise<void> }): Bench {
	return {
		...inner,
		async [Symbol.asyncDispose]() {
			await inner[Symbol.asyncDispose]();
			await server.stop();
		},
	};
}

async function bench(
	kind: BrokerDriver['kind'],
	address: BrokerAddress,
	password: string | null,
	proxy: TcpProxy | null,
): Promise<Bench> {
	const folder = await mkdtemp(join(tmpdir(), 'warren-bench-'));
	const stack = new AsyncDisposableStack();
	stack.defer(() => rm(folder, { recursive: true, force: true }));
	if (proxy !== null) stack.use(proxy);
	const crash = new BroadcastChannel(`crash ${join(folder, 'broker.db')}`);
	stack.defer(() => crash.close());
	const idleDriver = () =>
		stack.use(createDriver(address, driverContext({ folder, password, embeddedThread: CRASHING_THREAD })));
	return {
		kind,
		context: { address, password, folder },
		idleDriver,
		async driver() {
			const driver = idleDriver();
			driver.connect();
			must(await driver.ready(20_000));
			return driver;
		},
		breakConnections() {
			if (proxy === null) crash.postMessage('now');
			else proxy.cut();
		},
		async holder(queue, count) {
			const script = fileURLToPath(new URL('./holder.ts', import.meta.url));
			const child = spawn(process.execPath, [script, JSON.stringify({ address, password, folder, queue, count })], {
				stdio: ['ignore', 'pipe', 'inherit'],
			});
			stack.defer(() => {
				child.kill('SIGKILL');
			});
			const lines = createInterface({ input: child.stdout });
			await new Promise<void>((resolve, reject) => {
				lines.once('line', () => resolve());
				child.once('exit', (code) => reject(new Error(`The holder ended with ${code}.`)));
			});
			return child;
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

/** What a driver needs, with the machine's clock and no log. */
export function driverContext(more: {
	readonly folder: string;
	readonly password: string | null;
	readonly embeddedThread?: URL;
}): DriverContext {
	return {
		folder: more.folder,
		password: async () => more.password,
		clock: systemClock,
		log: silentLog,
		embeddedThread: more.embeddedThread ?? EMBEDDED_THREAD,
		clientName: 'Warren test',
	};
}

/** The value, or an error that says why there is none. */
export function must<T>(result: Result<T>): T {
	if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
	return result.value;
}

/** A message to a queue by the default exchange. */
export function toQueue(queue: string, body: string | Uint8Array, properties: MessageProperties = {}): OutgoingMessage {
	return {
		exchange: '',
		routingKey: queue,
		properties: { deliveryMode: 2, ...properties },
		body: typeof body === 'string' ? Buffer.from(body) : body,
	};
}

export function bodyText(message: { readonly body: Uint8Array }): string {
	return Buffer.from(message.body).toString();
}

/** A consumption that remembers all it was given, and settles nothing by itself. */
export interface Taker extends AsyncDisposable {
	readonly deliveries: Delivery[];
	readonly problems: (string | null)[];
	readonly consumption: Consumption;
	bodies(): readonly string[];
	/** Waits until it was given so many. */
	got(count: number): Promise<readonly Delivery[]>;
}

export async function take(
	driver: BrokerDriver,
	queue: string,
	prefetch: number,
	onDelivery: (delivery: Delivery) => void = () => undefined,
): Promise<Taker> {
	const deliveries: Delivery[] = [];
	const problems: (string | null)[] = [];
	const intent: ConsumeIntent = {
		queue,
		prefetch,
		onDelivery(delivery) {
			deliveries.push(delivery);
			onDelivery(delivery);
		},
		onStatus: (problem) => problems.push(problem),
	};
	const consumption = must(await driver.consume(intent));
	return {
		deliveries,
		problems,
		consumption,
		bodies: () => deliveries.map((delivery) => bodyText(delivery.message)),
		async got(count) {
			await waitFor(`${count} deliveries (there were ${deliveries.length})`, () => deliveries.length >= count);
			return deliveries;
		},
		[Symbol.asyncDispose]: () => Promise.resolve(consumption[Symbol.asyncDispose]()),
	};
}
