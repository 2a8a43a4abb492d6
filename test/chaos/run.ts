/**
 * The long storm: `npm run chaos -- [--seed N] [--tasks 10000] [--broker-kills N] [--calm MS] [--task-ms MS]`. Says what happens on standard
 * error and prints one JSON line; ends with 1 when anything was lost or done twice in silence.
 */
import { parseArgs } from 'node:util';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { runChaos } from './chaos.ts';

const { values } = parseArgs({
	options: {
		seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 1_000_000) },
		tasks: { type: 'string', default: '10000' },
		'broker-kills': { type: 'string', default: '4' },
		'task-ms': { type: 'string', default: '60' },
		calm: { type: 'string', default: '2500' },
	},
});

await using server = await startRabbit();
if (server.external) throw new Error('The storm kills its broker, so it takes none that somebody else runs.');
const report = await runChaos({
	server,
	seed: Number(values.seed),
	tasks: Number(values.tasks),
	brokerKills: Number(values['broker-kills']),
	calmMs: Number(values.calm),
	taskMs: Number(values['task-ms']),
	deadlineMs: 30 * 60_000,
	say: (words) => void process.stderr.write(`${words}\n`),
});
process.stdout.write(`${JSON.stringify({ chaos: 'consumer', ...report, faults: report.faults.slice(0, 50) })}\n`);
process.exitCode = report.faults.length === 0 ? 0 : 1;
