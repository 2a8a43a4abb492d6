/**
 * A process with nothing but a keeper of a shared book, to be killed, stopped and cut off in the middle of its work. Publishes into a
 * real queue. SIGTERM ends it as a service is ended.
 */
import { once } from 'node:events';
import { createDriver } from '#main/brokers/connect.ts';
import { systemClock } from '#main/domain/clock.ts';
import { profileId, taskId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import type { BrokerAddress } from '#main/domain/profile.ts';
import { ok } from '#main/domain/result.ts';
import { createSharedBook } from '#main/scheduler/books/shared.ts';
import { createSharedLedger } from '#main/scheduler/books/shared-ledger.ts';
import { createScheduleKeeper } from '#main/scheduler/keeper.ts';
import type { TenureTimes } from '#main/scheduler/tenure.ts';
import { driverContext, toQueue } from '#test/support/brokers.ts';
import { idleKeyspace } from '#test/support/keyspaces.ts';

export interface SchedulerOrder {
	readonly redis: string;
	readonly prefix: string;
	readonly broker: BrokerAddress;
	readonly password: string | null;
	readonly queue: string;
	/** How it calls itself; its process id is added. */
	readonly name: string;
	readonly times: TenureTimes;
}

/** What a message of such a process says. */
export interface SchedulerMessage {
	readonly key: string;
	readonly dueAt: number;
	readonly by: string;
}

if (process.argv[2] !== undefined && import.meta.main) {
	const order = JSON.parse(process.argv[2]) as SchedulerOrder;
	await using stack = new AsyncDisposableStack();
	const ended = once(process, 'SIGTERM');
	const awake = setInterval(() => undefined, 60_000);
	stack.defer(() => clearInterval(awake));
	const by = `${order.name}:${process.pid}`;
	const profile = profileId('test');
	const clock = systemClock;
	const keyspace = stack.use(idleKeyspace(order.redis, { clientName: by }));
	const driver = stack.use(createDriver(order.broker, driverContext({ folder: '', password: order.password })));
	driver.connect();
	const { prefix } = order;
	const book = stack.use(createSharedBook({ keyspace, prefix, clock }));
	stack.use(
		createScheduleKeeper({
			book,
			ledger: createSharedLedger({ keyspace, prefix, profile, clock }),
			kind: 'shared',
			profile,
			identity: prefix,
			holder: by,
			async publish(definition, { messageId, dueAt }) {
				// A schedule's name is its key in this test.
				const said: SchedulerMessage = { key: definition.name, dueAt, by };
				const sent = await driver.publish(toQueue(order.queue, JSON.stringify(said), { messageId }));
				return sent.ok ? ok({ taskId: taskId(messageId) }) : sent;
			},
			clock,
			log: silentLog,
			times: order.times,
		}),
	);
	await ended;
}
