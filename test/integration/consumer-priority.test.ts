/** What a consumer asks of RabbitMQ besides messages. */
import { expect, it } from 'vitest';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';
import { openPlace } from './consumer-place.ts';

it('tells RabbitMQ its priority and how many messages it will hold', async (context) => {
	if ((process.env.WARREN_TEST_AMQP_URL ?? '') !== '') context.skip('a given server may have consumers of others');
	await using server = await startRabbit();
	await using here = await openPlace(server);
	here.write('tasks.mjs', 'export function nothing() {}');
	here.start({ runner: here.node, concurrency: 2, priority: 7, prefetch: 5 });
	const id = await here.send('tasks.nothing');
	await here.reaches(id, 'succeeded');
	const columns = ['queue_name', 'prefetch_count', 'arguments', '--no-table-headers'];
	await waitFor('the consumer', async () => {
		const line = (await server.ctl(['list_consumers', ...columns])).split('\n').find((one) => one.includes(here.queue));
		expect(line).toMatch(/\t5\t.*x-priority.*7/);
		return true;
	});
});
