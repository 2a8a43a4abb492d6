/**
 * The collecting half of the bench `ingest`, in a process of its own, so that nothing but a collector with its store is measured. Says
 * `listening` once its queue is there, waits for a line on its input, takes what waits, and says as JSON how that went.
 * Arguments: address of the broker, folder, number of tasks that come.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createTopicFeed } from '#main/brokers/connect.ts';
import { systemClock } from '#main/domain/clock.ts';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { Collector } from '#main/monitor/celery/collector.ts';
import { monitorNotes } from '#main/monitor/celery/notes.ts';
import { readHeard } from '#main/monitor/celery/reading.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { openStore } from '#main/store/client.ts';
import { must } from '#test/support/brokers.ts';
import { EVENTS_PER_TASK } from '#test/support/celery/burst.ts';
import { waitFor } from '#test/support/wait.ts';
import { rounded } from './machine.ts';
import { threadTimes } from './processor-time.ts';

/** How a burst was taken. */
export interface Collected {
	/** Events per second. */
	readonly rate: number;
	/** Tasks that are not over. */
	readonly lost: number;
	/** The most memory of the process, before the burst and in all. */
	readonly rssMiB: { readonly before: number; readonly peak: number };
	/** Processor time per event in microseconds, by thread; null off Linux. */
	readonly threads: Readonly<Record<string, number>> | null;
}

const [url = '', folder = '', count = ''] = process.argv.slice(2);
const TASKS = Number(count);
const EVENTS = TASKS * EVENTS_PER_TASK;
const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const PROFILE = profileId('bench');
// Node counts in kilobytes.
const mostMiB = () => Math.round(process.resourceUsage().maxRSS / 1024);

function perEvent(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
	const spent = Object.entries(after).map(([name, time]): [string, number] => [
		name,
		rounded((time - (before[name] ?? 0)) / EVENTS),
	]);
	return Object.fromEntries(spent.filter(([, time]) => time >= 0.1).sort(([, a], [, b]) => b - a));
}

const opened = await openStore({ home: join(folder, 'home'), thread: THREAD, log: silentLog });
if (!opened.ok) throw new Error(opened.error.message);
await using store = opened.value;
const { address, password } = must(parseBroker(url));
if (address.kind === 'embedded') throw new Error('The server has no address.');
const context = {
	folder,
	password: async () => password,
	clock: systemClock,
	log: silentLog,
	embeddedThread: THREAD,
	clientName: 'bench',
};
const start = () =>
	Collector.start({
		profile: PROFILE,
		history: store.history,
		notes: monitorNotes(store.watching),
		clock: systemClock,
		log: silentLog,
		holder: 'bench',
		keeping: true,
		feed: (intent) =>
			createTopicFeed(address, context, {
				...intent,
				exchange: 'celeryev',
				queuePrefix: 'celeryev',
				patterns: ['#'],
				keep: { name: 'bench', forMs: 600_000 },
			}),
		read: (message) => readHeard('amqp', message),
	});
{
	await using first = await start();
	await waitFor('the queue to be there', () => first.status().trouble === null);
}
const lines = createInterface({ input: process.stdin });
console.log('listening');
await new Promise((resolve) => lines.once('line', resolve));
lines.close();
const before = { times: threadTimes(), rss: mostMiB() };
const started = performance.now();
await using collector = await start();
await waitFor('all to be taken', () => collector.status().eventsThisRun >= EVENTS, 3_600_000);
const rate = EVENTS / ((performance.now() - started) / 1_000);
const after = threadTimes();
const counts = await store.history.counts(PROFILE);
const result: Collected = {
	rate,
	threads: before.times === null || after === null ? null : perEvent(before.times, after),
	lost: TASKS - counts.succeeded - counts.failed,
	rssMiB: { before: before.rss, peak: mostMiB() },
};
console.log(JSON.stringify(result));
