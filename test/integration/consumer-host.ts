/** A process with nothing but a consumer set, to be killed in the middle of its work. Prints its view as JSON when it ends. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createDriver } from '#main/brokers/connect.ts';
import { startChildRunner } from '#main/consumer/child-runner.ts';
import { createConsumerSet } from '#main/consumer/consumer-set.ts';
import type { ConsumerSet } from '#main/consumer/ports.ts';
import { decodeCarrot } from '#main/dialects/carrot/decode.ts';
import { systemClock } from '#main/domain/clock.ts';
import type { ConsumerIntent } from '#main/domain/consumer.ts';
import { consumerSetId, profileId } from '#main/domain/ids.ts';
import { type Log, silentLog } from '#main/domain/log.ts';
import { type BrokerAddress, CARROT_DIALECT } from '#main/domain/profile.ts';
import { type OpenStore, openStore } from '#main/store/client.ts';
import { driverContext } from '#test/support/brokers.ts';

export const PROFILE = profileId('test');

export interface Order {
	readonly address: BrokerAddress;
	readonly password: string | null;
	/** The broker's folder. */
	readonly folder: string;
	readonly home: string;
	readonly intent: ConsumerIntent;
}

/** The store of a home. */
export async function storeOf(home: string): Promise<OpenStore> {
	const thread = new URL('../../src-main/store/thread.ts', import.meta.url);
	const opened = await openStore({ home, thread, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	return opened.value;
}

/** A set as the engine makes it, over its own connection and this store. */
export function hostSet(
	order: Order,
	store: OpenStore,
	log: Log = silentLog,
): { readonly set: ConsumerSet } & AsyncDisposable {
	const driver = createDriver(order.address, driverContext(order));
	driver.connect();
	const id = consumerSetId(randomUUID().slice(0, 8));
	const set = createConsumerSet(
		{
			id,
			profile: PROFILE,
			worker: `host:${process.pid}:${id}`,
			driver,
			history: store.history,
			leases: store.leases,
			decode: (message) => decodeCarrot(message, CARROT_DIALECT),
			startRunner: startChildRunner({
				resources: fileURLToPath(new URL('../../resources', import.meta.url)),
				clock: systemClock,
				log,
			}),
			clock: systemClock,
			log,
			newRun: randomUUID,
		},
		order.intent,
	);
	return {
		set,
		async [Symbol.asyncDispose]() {
			await set[Symbol.asyncDispose]();
			await driver[Symbol.asyncDispose]();
		},
	};
}

if (process.argv[2] !== undefined && import.meta.main) {
	const order = JSON.parse(process.argv[2]) as Order;
	await using store = await storeOf(order.home);
	await using host = hostSet(order, store);
	console.log(JSON.stringify(await host.set.finished));
}
