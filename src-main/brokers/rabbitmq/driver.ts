/**
 * RabbitMQ behind the driver interface. Three connections, each opened when first needed: one that consumes and asks (its state
 * is the driver's), one that publishes (the broker may stop reading from it under an alarm), one that looks into queues (some
 * kinds of queue answer a look by closing the whole connection).
 */
import type { Clock } from '../../domain/clock.ts';
import type { OutgoingMessage } from '../../domain/message.ts';
import type { QueueDeclaration } from '../../domain/queue.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { BrokerCapabilities, BrokerDriver, ConsumeIntent, Consumption } from '../driver.ts';
import type { Session } from '../session.ts';
import { SessionDriver } from '../session-driver.ts';
import { type KeptMessage, type SiftEnd, type SiftOptions, withoutCounters } from '../waiting.ts';
import { RabbitConsumption } from './consumption.ts';
import { DeliveryCounts } from './delivery-counts.ts';
import type { Link } from './link.ts';
import { Looks } from './looks.ts';
import { Publisher } from './publisher.ts';
import { clearQueue, ensureQueue, queueFigures } from './queues.ts';
import { type RabbitOptions, rabbitSession } from './sessions.ts';
import { sift } from './sift.ts';

/** Until a question waits for a connection in vain, in ms. */
const CONNECT_DEADLINE = 10_000;
/** How long consumptions may take to give back what they hold when everything ends, in ms. */
const GOODBYE = 2_000;

const CAPABILITIES: BrokerCapabilities = {
	listsQueues: false,
	countsUnacked: false,
	look: 'flagged',
	removesSingle: false,
	replacesAtOnce: false,
	maxPriority: 255,
	firstPriority: 'highest',
	countsConsumers: true,
};

/** Makes a driver; `connect` starts it. */
export function createRabbitDriver(options: RabbitOptions): BrokerDriver {
	return new RabbitDriver(options);
}

class RabbitDriver extends SessionDriver<Link> implements BrokerDriver {
	readonly kind = 'rabbitmq';
	readonly capabilities = CAPABILITIES;
	readonly #options: RabbitOptions;
	readonly #publishing: Session<Link>;
	readonly #looking: Session<Link>;
	readonly #publisher: Publisher;
	readonly #looks: Looks;
	readonly #counts = new DeliveryCounts();
	readonly #consumptions = new Set<RabbitConsumption>();

	constructor(options: RabbitOptions) {
		super(rabbitSession(options, ''), 'the broker');
		this.#options = options;
		this.#publishing = rabbitSession(options, ', publishing');
		this.#looking = rabbitSession(options, ', looking');
		this.#publisher = new Publisher(this.#publishing, options.address, options.clock);
		this.#looks = new Looks(this.#looking, options.clock, this.#counts);
	}

	async queues(names: readonly string[]) {
		const link = await this.link(CONNECT_DEADLINE);
		return link.ok ? queueFigures(link.value, names, this.#options.clock.now) : link;
	}

	lookCost(queue: string) {
		return Promise.resolve(ok(this.#counts.cost(queue)));
	}

	async look(queue: string, options: { readonly limit: number; readonly deadlineMs: number }) {
		return this.idle() ?? this.#looks.look(queue, options);
	}

	async publish(message: OutgoingMessage): Promise<Result<void>> {
		return this.idle() ?? this.#publisher.publish(message);
	}

	async broadcast(message: OutgoingMessage): Promise<Result<void>> {
		const sent = await this.publish(message);
		const unheard = !sent.ok && (sent.error.code === 'unroutable' || sent.error.code === 'not-found');
		return unheard ? ok(undefined) : sent;
	}

	async remove(
		queue: string,
		messageIds: ReadonlySet<string>,
		options: { readonly scanLimit: number; readonly deadlineMs: number },
	) {
		if (messageIds.size === 0) return ok([]);
		return this.idle() ?? this.#looks.remove(queue, messageIds, options);
	}

	async sift(queue: string, options: SiftOptions): Promise<Result<SiftEnd>> {
		const idle = this.idle();
		if (idle !== null) return idle;
		return sift(queue, options, {
			session: this.#looking,
			clock: this.#options.clock,
			counts: this.#counts,
			publish: (message) => this.#publisher.publish(message),
		});
	}

	putBack(queue: string, { properties, body }: KeptMessage): Promise<Result<void>> {
		return this.publish({ exchange: '', routingKey: queue, properties: withoutCounters(properties), body });
	}

	async clear(queue: string): Promise<Result<number>> {
		const link = await this.link(CONNECT_DEADLINE);
		return link.ok ? clearQueue(link.value, queue) : link;
	}

	async ensureQueue(declaration: QueueDeclaration): Promise<Result<void>> {
		const link = await this.link(CONNECT_DEADLINE);
		return link.ok ? ensureQueue(link.value, declaration) : link;
	}

	async consume(intent: ConsumeIntent): Promise<Result<Consumption>> {
		if (intent.queue === '') return fail('invalid-input', 'A consumption needs the name of a queue.');
		const consumption = new RabbitConsumption(intent, {
			session: this.main,
			clock: this.#options.clock,
			log: this.#options.log,
			disposed: (gone) => this.#consumptions.delete(gone),
		});
		this.#consumptions.add(consumption);
		return ok(consumption);
	}

	protected override async close(): Promise<void> {
		const { log } = this.#options;
		const consumptions = Promise.all(
			[...this.#consumptions].map((consumption) => consumption[Symbol.asyncDispose]()),
		).catch((error: unknown) => log.warn('consumption.close-failed', { reason: String(error) }));
		// What is held is given back, but a broker that does not answer keeps nobody waiting: its connections end all the same.
		await within(this.#options.clock, GOODBYE, consumptions);
		this.#publisher[Symbol.dispose]();
		await Promise.all([this.main, this.#publishing, this.#looking].map((session) => session[Symbol.asyncDispose]()));
	}
}

/** Resolves with the work, or when so many ms have passed. */
async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
	const late = Promise.withResolvers<void>();
	using _timer = clock.after(ms, late.resolve);
	await Promise.race([work, late.promise]);
}
