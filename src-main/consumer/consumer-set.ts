/** A consumer set: takes tasks from queues, has them run in child processes and acknowledges them once their outcome is stored. */
import type { ConsumerIntent } from '../domain/consumer.ts';
import type { ConsumerDeps, ConsumerSet } from './ports.ts';

export type { ConsumerDeps, ConsumerSet } from './ports.ts';

/** Creates and starts a set; it never throws for what a broker, a store or an interpreter can do. */
export function createConsumerSet(_deps: ConsumerDeps, _intent: ConsumerIntent): ConsumerSet {
	throw new Error('Not built yet');
}
