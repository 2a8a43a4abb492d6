/** A process that takes messages from a queue and settles none of them. Prints a line once it holds as many as asked for. */
import { createDriver } from '#main/brokers/connect.ts';
import type { BrokerAddress } from '#main/domain/profile.ts';
import { driverContext, take } from './brokers.ts';

interface Order {
	readonly address: BrokerAddress;
	readonly password: string | null;
	readonly folder: string;
	readonly queue: string;
	readonly count: number;
}

const order = JSON.parse(process.argv[2] ?? '') as Order;
const driver = createDriver(order.address, driverContext(order));
driver.connect();
const taker = await take(driver, order.queue, order.count);
await taker.got(order.count);
console.log('holding');
setInterval(() => undefined, 1_000_000);
