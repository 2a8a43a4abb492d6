/** Whether the queues of a set are empty, for sets that stop by themselves then. */
import type { BrokerDriver } from '#main/brokers/driver.ts';

/** What a look into all of them found; `note`: a word about those that are not there at all. */
export async function lookIntoQueues(
	driver: Pick<BrokerDriver, 'queues'>,
	queues: readonly string[],
): Promise<{ readonly empty: boolean; readonly note: string | null }> {
	const figures = await driver.queues(queues);
	if (!figures.ok) return { empty: false, note: null };
	// Messages that another worker holds come back if it dies; until then the queue isn't empty.
	const empty = figures.value.every((one) => !one.exists || ((one.ready ?? 0) === 0 && (one.unacked ?? 0) === 0));
	const missing = figures.value.filter((one) => !one.exists).map((one) => `"${one.name}"`);
	return { empty, note: missing.length === 0 ? null : `There is no queue ${missing.join(', ')} on this broker.` };
}
