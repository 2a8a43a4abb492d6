/**
 * The driver of a site of django-q's whose tasks wait somewhere else than in a Redis (a table, SQS, MongoDB): connected to the Redis with
 * Django's cache, where its clusters beat. There is no queue to be seen here, and nothing to be changed: a packet that was laid into the
 * cache's Redis would be taken by nobody.
 */
import type { QueueFigures } from '../../../domain/queue.ts';
import { fail, type Result } from '../../../domain/result.ts';
import type { BrokerCapabilities, BrokerDriver } from '../../driver.ts';
import { Session } from '../../session.ts';
import { SessionDriver } from '../../session-driver.ts';
import { dial, type Link } from '../link.ts';
import { connectProblem, unreachable } from '../problems.ts';
import type { PacketDriverOptions } from './driver.ts';

/** How long Redis may take for an answer, in ms. */
const PATIENCE = 20_000;

const CAPABILITIES: BrokerCapabilities = {
	listsQueues: true,
	countsUnacked: false,
	look: 'free',
	removesSingle: false,
	replacesAtOnce: false,
	maxPriority: 0,
	firstPriority: 'highest',
	countsConsumers: false,
};

/** Makes it; `connect` starts it. */
export function createElsewhereDriver(options: Omit<PacketDriverOptions, 'idOf'>): BrokerDriver {
	return new ElsewhereDriver(options);
}

class ElsewhereDriver extends SessionDriver<Link> implements BrokerDriver {
	readonly kind = 'redis';
	readonly capabilities = CAPABILITIES;

	constructor(options: Omit<PacketDriverOptions, 'idOf'>) {
		const { address, clock, clientName: name } = options;
		const session = new Session<Link>({
			...options,
			name,
			dial: (password, signal) => dial({ address, password, name, signal, clock, patience: PATIENCE }),
			problem: (error) => connectProblem(error, address),
			unreachable,
		});
		super(session, 'Redis');
	}

	async queues(): Promise<Result<readonly QueueFigures[]>> {
		return elsewhere();
	}

	async lookCost(): Promise<Result<never>> {
		return elsewhere();
	}

	async look(): Promise<Result<never>> {
		return elsewhere();
	}

	async publish(): Promise<Result<never>> {
		return elsewhere();
	}

	async remove(): Promise<Result<never>> {
		return elsewhere();
	}

	async sift(): Promise<Result<never>> {
		return elsewhere();
	}

	async putBack(): Promise<Result<never>> {
		return elsewhere();
	}

	async clear(): Promise<Result<never>> {
		return elsewhere();
	}

	async ensureQueue(): Promise<Result<never>> {
		return elsewhere();
	}

	async consume(): Promise<Result<never>> {
		return elsewhere();
	}

	protected async close(): Promise<void> {
		await this.main[Symbol.asyncDispose]();
	}
}

function elsewhere(): Result<never> {
	return fail(
		'unsupported',
		"This site's tasks wait in a broker of its own (its database, SQS, MongoDB), which Warren does not read: of such a site it sees the clusters, through Django's cache. Look at the queue with django-q's own admin pages.",
		{ details: { outcome: 'not-sent' } },
	);
}
