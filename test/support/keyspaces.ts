/** Keyspaces over a private Redis, as tests need them. */
import { createKeyspace } from '#main/brokers/connect.ts';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import type { RedisKeyspaceOptions } from '#main/brokers/redis/keyspace.ts';
import { systemClock } from '#main/domain/clock.ts';
import { silentLog } from '#main/domain/log.ts';
import { parseRedis } from '#main/profiles/redis-address.ts';
import { must } from './brokers.ts';

/** One that is not connected yet. */
export function idleKeyspace(url: string, options: Partial<RedisKeyspaceOptions> = {}): Keyspace {
	const { address, password } = must(parseRedis(url));
	return createKeyspace(address, {
		password: async () => password,
		clock: systemClock,
		log: silentLog,
		clientName: 'Warren test',
		...options,
	});
}

/** A connected one. */
export async function openKeyspace(url: string, options: Partial<RedisKeyspaceOptions> = {}): Promise<Keyspace> {
	const keyspace = idleKeyspace(url, options);
	keyspace.connect();
	must(await keyspace.ready(20_000));
	return keyspace;
}
