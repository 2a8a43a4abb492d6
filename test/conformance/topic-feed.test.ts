/** A feed of a topic exchange on RabbitMQ, stopped at moments that seldom come by themselves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTopicFeed } from '#main/brokers/connect.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { driverContext, must } from '../support/brokers.ts';
import { type RabbitServer, startRabbit } from '../support/rabbitmq.ts';
import { startProxy } from '../support/tcp-proxy.ts';

let server: RabbitServer;
beforeAll(async () => {
	server = await startRabbit();
});
afterAll(() => server?.stop());

/** What a feed says on its way, in the order it says it: see that each was really reached before it is stopped there. */
const MOMENTS = [
	['the exchange is looked for', 'celeryev-moment'],
	['its queue is declared', 'celeryev.warren.'],
	['the queue is bound', '#.moment'],
] as const;

describe('a feed that is stopped while it is being set up', () => {
	for (const [moment, said] of MOMENTS) {
		it(`ends though no answer ever comes to it: when ${moment}`, async () => {
			await using proxy = await startProxy({ port: server.port });
			const at = must(parseBroker(`amqp://guest:guest@127.0.0.1:${proxy.port}/`));
			if (at.address.kind === 'embedded') throw new Error('An address of RabbitMQ is one of a server');
			const feed = createTopicFeed(at.address, driverContext({ folder: '', password: at.password }), {
				exchange: 'celeryev-moment',
				patterns: ['#.moment'],
				queuePrefix: 'celeryev',
				keep: null,
				prefetch: 10,
				onMessage: () => undefined,
				onStart: () => undefined,
				onTrouble: () => undefined,
			});
			const reached = Promise.withResolvers<void>();
			proxy.onUpstream((chunk) => {
				if (!chunk.includes(said)) return true;
				reached.resolve();
				return false;
			});
			feed.connect();
			await reached.promise;
			await feed[Symbol.asyncDispose]();
			expect(feed.state().kind).toBe('idle');
		});
	}
});
