/** The short storm; `npm run chaos` is the long one. */
import { expect, it } from 'vitest';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { runChaos } from '../chaos/chaos.ts';

it('loses nothing and hides no second run while runners, consumers, broker and network are killed', async (context) => {
	if ((process.env.WARREN_TEST_AMQP_URL ?? '') !== '') context.skip('a server that was given is not to be killed');
	await using server = await startRabbit();
	const report = await runChaos({
		server,
		seed: 20_260_101,
		tasks: 300,
		brokerKills: 1,
		calmMs: 1800,
		taskMs: 400,
		deadlineMs: 240_000,
		say: () => {},
	});
	expect(report.faults).toEqual([]);
	expect(report.states).toEqual({ succeeded: 294, failed: 6 });
	expect(report.declared).toBe(report.ranAgain);
});
