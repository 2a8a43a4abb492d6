/** The driver and the doctor for a broker's address, and the keyspace for a Redis's. */
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { BrokerAddress, RedisAddress, RedisBrokerAddress } from '../domain/profile.ts';
import { assertNever } from '../domain/result.ts';
import { type Asides, type BrokerDriver, CELERY_ASIDES, type Doctor } from './driver.ts';
import { createEmbeddedDoctor } from './embedded/doctor.ts';
import { createEmbeddedDriver } from './embedded/driver.ts';
import type { Keyspace } from './keyspace.ts';
import type { Mailbox, MailboxIntent } from './mailbox.ts';
import { createRabbitDoctor } from './rabbitmq/doctor.ts';
import { createRabbitDriver } from './rabbitmq/driver.ts';
import { createRabbitMailbox } from './rabbitmq/mailbox.ts';
import { createRabbitTopicFeed } from './rabbitmq/topic-feed.ts';
import { createRedisDoctor } from './redis/doctor.ts';
import { createRedisDriver } from './redis/driver.ts';
import type { RedisExam } from './redis/exam.ts';
import { createRedisKeyspace, type RedisKeyspaceOptions } from './redis/keyspace.ts';
import { kombuExam } from './redis/kombu-exam.ts';
import { createRedisMailbox } from './redis/mailbox.ts';
import { createPacketDriver } from './redis/packets/driver.ts';
import { createElsewhereDriver } from './redis/packets/elsewhere.ts';
import { cacheExam, packetExam } from './redis/packets/exam.ts';
import { createRedisTopicFeed } from './redis/topic-feed.ts';
import type { TopicFeed, TopicIntent } from './topic.ts';

export interface DriverContext {
	/** The profile's folder, which exists; the embedded broker keeps `broker.db` there. */
	readonly folder: string;
	/** Asked for at each connect; null: none was given. */
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly log: Log;
	/** Module to start as the embedded broker's thread. */
	readonly embeddedThread: URL;
	/** How Warren's connections are called in the broker's own tools. */
	readonly clientName: string;
	/** There on django-q's sites, whose Redis holds packets: the id of the task in one; null: it holds none. */
	readonly packetId?: (packet: Uint8Array) => string | null;
	/** There where that Redis holds a site's heartbeats only, in Django's cache, and its packets wait in another broker. */
	readonly elsewhere?: true;
	/** Exchanges that carry no tasks; default: as Celery calls them. */
	readonly asides?: Asides;
}

/** Makes the driver for an address. Nothing is connected until its `connect`; dispose of it to close everything. */
export function createDriver(address: BrokerAddress, context: DriverContext): BrokerDriver {
	switch (address.kind) {
		case 'amqp':
			return createRabbitDriver({ ...context, address });
		case 'redis':
			if (context.elsewhere) return createElsewhereDriver({ ...context, address });
			return context.packetId === undefined
				? createRedisDriver({ ...context, address })
				: createPacketDriver({ ...context, address, idOf: context.packetId });
		case 'embedded':
			return createEmbeddedDriver(context);
		default:
			return assertNever(address);
	}
}

/** Makes the doctor for an address: it connects for itself and leaves nothing behind. */
export function createDoctor(address: BrokerAddress, context: DriverContext): Doctor {
	switch (address.kind) {
		case 'amqp':
			return createRabbitDoctor({ ...context, address });
		case 'redis':
			return createRedisDoctor({
				...context,
				address,
				exam: examOf(address, context),
			});
		case 'embedded':
			return createEmbeddedDoctor(context);
		default:
			return assertNever(address);
	}
}

function examOf(address: RedisBrokerAddress, { clock, packetId, elsewhere, asides }: DriverContext): RedisExam {
	if (elsewhere) return cacheExam();
	return packetId === undefined ? kombuExam(address, clock, (asides ?? CELERY_ASIDES).events) : packetExam(clock);
}

/** Makes the keyspace of a Redis. Nothing is connected until its `connect`; dispose of it to close everything. */
export function createKeyspace(address: RedisAddress, options: RedisKeyspaceOptions): Keyspace {
	return createRedisKeyspace(address, options);
}

/** Makes a feed of what a topic exchange carries. Nothing is connected until its `connect`; dispose of it to stop. */
export function createTopicFeed(
	address: Exclude<BrokerAddress, { kind: 'embedded' }>,
	context: DriverContext,
	intent: TopicIntent,
): TopicFeed {
	return address.kind === 'redis'
		? createRedisTopicFeed({ ...context, address }, intent)
		: createRabbitTopicFeed({ ...context, address }, intent);
}

/** Makes a mailbox for remote control. Nothing is connected until its `connect`; dispose of it to stop. */
export function createMailbox(
	address: Exclude<BrokerAddress, { kind: 'embedded' }>,
	context: DriverContext,
	intent: MailboxIntent,
): Mailbox {
	return address.kind === 'redis'
		? createRedisMailbox({ ...context, address }, intent)
		: createRabbitMailbox({ ...context, address }, intent);
}
