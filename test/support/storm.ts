/** A process that publishes to the built-in broker as fast as it can, and prints the id of each confirmed message. */
import { createDriver } from '#main/brokers/connect.ts';
import { driverContext, must, toQueue } from './brokers.ts';

const { folder, queue } = JSON.parse(process.argv[2] ?? '') as { readonly folder: string; readonly queue: string };
const driver = createDriver({ kind: 'embedded' }, driverContext({ folder, password: null }));
driver.connect();
must(await driver.ready(20_000));
must(await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: false }));
const publishers = Array.from({ length: 20 }, async (_, publisher) => {
	for (let i = 0; ; i++) {
		const id = `${publisher}/${i}`;
		must(await driver.publish(toQueue(queue, id, { messageId: id })));
		process.stdout.write(`${id}\n`);
	}
});
await Promise.all(publishers);
