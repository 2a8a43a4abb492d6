/** A place for tests of consumer sets: a broker, a queue, a home and a project folder of their own. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { startChildRunner } from '#main/consumer/child-runner.ts';
import { createConsumerSet } from '#main/consumer/consumer-set.ts';
import type { ConsumerSet } from '#main/consumer/ports.ts';
import { decodeCarrot } from '#main/dialects/carrot/decode.ts';
import { systemClock } from '#main/domain/clock.ts';
import type { ConsumerIntent, ConsumerSetView, RunnerSpec } from '#main/domain/consumer.ts';
import { consumerSetId, taskId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import type { MessageProperties } from '#main/domain/message.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import type { TaskDetail, TaskState } from '#main/domain/task.ts';
import type { OpenStore } from '#main/store/client.ts';
import type { StoredLogLine } from '#main/store/store.ts';
import { type Bench, embeddedBench, must, rabbitBench } from '#test/support/brokers.ts';
import type { RabbitServer } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';
import { hostSet, type Order, PROFILE, storeOf } from './consumer-host.ts';

export interface Place extends AsyncDisposable {
	readonly bench: Bench;
	readonly driver: BrokerDriver;
	readonly queue: string;
	/** Everything is in here; `project` is where tasks are. */
	readonly folder: string;
	readonly project: string;
	readonly store: OpenStore;
	readonly python: RunnerSpec;
	readonly node: RunnerSpec;
	/** Puts a file into the project: `tasks.py` for Python, `tasks.mjs` for Node. */
	write(name: string, text: string): void;
	order(intent?: Partial<ConsumerIntent>): Order;
	/** A set that is disposed of with the place. */
	start(intent?: Partial<ConsumerIntent>): ConsumerSet;
	/** Runs until the queue is empty. */
	run(intent?: Partial<ConsumerIntent>): Promise<ConsumerSetView>;
	/** Queues a task; its id. */
	send(task: string, args?: readonly unknown[], more?: MessageProperties): Promise<string>;
	sendRaw(body: string | Uint8Array, properties: MessageProperties): Promise<void>;
	detail(id: string): Promise<TaskDetail>;
	/** Waits until a task has this state. */
	reaches(id: string, state: TaskState): Promise<TaskDetail>;
	/** The log of a task's last attempt. */
	log(id: string): Promise<readonly StoredLogLine[]>;
}

/** A set over a driver of the test's own making. */
export function setOver(driver: BrokerDriver, here: Place, intent: Partial<ConsumerIntent> = {}): ConsumerSet {
	return createConsumerSet(
		{
			id: consumerSetId('own'),
			profile: PROFILE,
			worker: `place:${process.pid}:${randomUUID().slice(0, 8)}`,
			driver,
			history: here.store.history,
			leases: here.store.leases,
			decode: (message) => decodeCarrot(message, CARROT_DIALECT),
			startRunner: startChildRunner({
				resources: fileURLToPath(new URL('../../resources', import.meta.url)),
				clock: systemClock,
				log: silentLog,
			}),
			clock: systemClock,
			log: silentLog,
			newRun: randomUUID,
		},
		here.order(intent).intent,
	);
}

/** Over RabbitMQ where a server is given, else over the built-in broker. */
export async function openPlace(server: RabbitServer | null = null): Promise<Place> {
	const stack = new AsyncDisposableStack();
	const folder = mkdtempSync(join(tmpdir(), 'warren-place-'));
	stack.defer(() => rmSync(folder, { recursive: true, force: true }));
	const project = join(folder, 'project');
	mkdirSync(project);
	const bench = stack.use(await (server === null ? embeddedBench() : rabbitBench(server)));
	const driver = await bench.driver();
	const queue = `place-${randomUUID().slice(0, 8)}`;
	must(await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: false }));
	const home = join(folder, 'home');
	const store = stack.use(await storeOf(home));
	const python: RunnerSpec = {
		kind: 'python',
		executable: '/usr/bin/python3',
		project,
		settingsModule: null,
		env: { PLACE: folder },
	};
	const node: RunnerSpec = { kind: 'node', modules: ['tasks.mjs'], project, env: { PLACE: folder } };
	const order: Place['order'] = (intent = {}) => ({
		...bench.context,
		home,
		intent: { queues: [queue], concurrency: 1, runner: python, untilEmpty: false, ...intent },
	});
	const start: Place['start'] = (intent) => stack.use(hostSet(order(intent), store)).set;
	const sendRaw: Place['sendRaw'] = async (body, properties) => {
		const bytes = typeof body === 'string' ? Buffer.from(body) : body;
		must(
			await driver.publish({
				exchange: '',
				routingKey: queue,
				properties: { deliveryMode: 2, ...properties },
				body: bytes,
			}),
		);
	};
	const detail: Place['detail'] = async (id) => {
		const found = await store.history.detail(PROFILE, taskId(id));
		if (found === null) throw new Error(`Task ${id} is not in history`);
		return found;
	};
	return {
		bench,
		driver,
		queue,
		folder,
		project,
		store,
		python,
		node,
		write: (name, text) => writeFileSync(join(project, name), text),
		order,
		start,
		async run(intent) {
			await using host = hostSet(order({ untilEmpty: true, ...intent }), store);
			return await host.set.finished;
		},
		async send(task, args = [], more = {}) {
			const messageId = randomUUID();
			await sendRaw(args.length === 0 ? '{}' : JSON.stringify({ args }), {
				contentType: 'application/json',
				headers: [['type', { type: 'longstr', text: task }]],
				messageId,
				...more,
			});
			return messageId;
		},
		sendRaw,
		detail,
		async reaches(id, state) {
			await waitFor(`task ${id} to be ${state}`, async () => {
				return (await store.history.detail(PROFILE, taskId(id)))?.state === state;
			});
			return detail(id);
		},
		async log(id) {
			const attempt = (await detail(id)).history.at(-1);
			if (attempt === undefined) return [];
			const page = await store.history.log(attempt.id, { afterSeq: -1, limit: 1000, minLevel: 'debug', search: '' });
			return page.ok ? page.value.lines : [];
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}
