/** A process that cleans up in small batches and says each, to be killed in the middle. */
import type { RetentionPolicy } from '#main/domain/retention.ts';
import { PROFILE } from '#test/support/history.ts';
import { storeOf } from './open.ts';

const order = JSON.parse(process.env.CLEANER ?? '') as {
	readonly home: string;
	readonly policy: RetentionPolicy;
	readonly now: number;
	readonly limit: number;
};
await using store = await storeOf(order.home);
for (;;) {
	const removed = await store.retention.sweep(PROFILE, order.policy, order.now, order.limit);
	process.stdout.write(`${removed}\n`);
	if (removed === 0) break;
}
