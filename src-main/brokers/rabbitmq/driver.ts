/**
 * RabbitMQ behind the driver interface. Three connections, each opened when first needed: one that consumes and asks (its state
 * is the driver's), one that publishes (the broker may stop reading from it under an alarm), one that looks into queues (some
 * kinds of queue answer a look by closing the whole connection).
 */
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import type { OutgoingMessage } from '../../domain/message.ts';
import type { ConnectionState } from '../../domain/profile.ts';
import type { QueueDeclaration } from '../../domain/queue.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { BrokerCapabilities, BrokerDriver, ConsumeIntent, Consumption } from '../driver.ts';
import { Session } from '../session.ts';
import { type KeptMessage, type SiftEnd, type SiftOptions, withoutCounters } from '../waiting.ts';
import { RabbitConsumption } from './consumption.ts';
import { DeliveryCounts } from './delivery-counts.ts';
import { dial, type Link } from './link.ts';
import { Looks } from './looks.ts';
import { type AmqpAddress, connectProblem, unreachable } from './problems.ts';
import { Publisher } from './publisher.ts';
import { clearQueue, ensureQueue, queueFigures } from './queues.ts';
import { sift } from './sift.ts';

/** Until a question waits for a connection in vain, in ms. */
const CONNECT_DEADLINE = 10_000;

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

export interface RabbitOptions {
	readonly address: AmqpAddress;
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly log: Log;
	/** How Warren's connections are called in RabbitMQ's own tools. */
	readonly clientName: string;
}

/** Makes a driver; `connect` starts it. */
export function createRabbitDriver(options: RabbitOptions): BrokerDriver {
	return new RabbitDriver(options);
}

class RabbitDriver implements BrokerDriver {
	readonly kind = 'rabbitmq';
	readonly capabilities = CAPABILITIES;
	readonly #options: RabbitOptions;
	readonly #main: Session<Link>;
	readonly #publishing: Session<Link>;
	readonly #looking: Session<Link>;
	readonly #publisher: Publisher;
	readonly #looks: Looks;
	readonly #counts = new DeliveryCounts();
	readonly #consumptions = new Set<RabbitConsumption>();
	#asked = false;

	constructor(options: RabbitOptions) {
		this.#options = options;
		const { address } = options;
		const session = (purpose: string) => {
			const name = `${options.clientName}${purpose}`;
			return new Session<Link>({
				...options,
				name,
				dial: (password, signal) => dial({ address, password, name, signal }),
				problem: (error) => connectProblem(error, address),
				unreachable,
			});
		};
		this.#main = session('');
		this.#publishing = session(', publishing');
		this.#looking = session(', looking');
		this.#publisher = new Publisher(this.#publishing, options.address, options.clock);
		this.#looks = new Looks(this.#looking, options.clock, this.#counts);
	}

	connect(): void {
		this.#asked = true;
		this.#main.connect();
	}

	state(): ConnectionState {
		return this.#main.state();
	}

	onState(listener: (state: ConnectionState) => void): Disposable {
		return this.#main.onState(listener);
	}

	async ready(deadlineMs: number): Promise<Result<void>> {
		const link = await this.#link(deadlineMs);
		return link.ok ? ok(undefined) : link;
	}

	async queues(names: readonly string[]) {
		const link = await this.#link(CONNECT_DEADLINE);
		return link.ok ? queueFigures(link.value, names, this.#options.clock.now) : link;
	}

	lookCost(queue: string) {
		return Promise.resolve(ok(this.#counts.cost(queue)));
	}

	async look(queue: string, options: { readonly limit: number; readonly deadlineMs: number }) {
		return this.#asked ? this.#looks.look(queue, options) : notAsked();
	}

	async publish(message: OutgoingMessage): Promise<Result<void>> {
		return this.#asked ? this.#publisher.publish(message) : notAsked();
	}

	async remove(
		queue: string,
		messageIds: ReadonlySet<string>,
		options: { readonly scanLimit: number; readonly deadlineMs: number },
	) {
		if (messageIds.size === 0) return ok([]);
		return this.#asked ? this.#looks.remove(queue, messageIds, options) : notAsked();
	}

	async sift(queue: string, options: SiftOptions): Promise<Result<SiftEnd>> {
		if (!this.#asked) return notAsked();
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
		const link = await this.#link(CONNECT_DEADLINE);
		return link.ok ? clearQueue(link.value, queue) : link;
	}

	async ensureQueue(declaration: QueueDeclaration): Promise<Result<void>> {
		const link = await this.#link(CONNECT_DEADLINE);
		return link.ok ? ensureQueue(link.value, declaration) : link;
	}

	async consume(intent: ConsumeIntent): Promise<Result<Consumption>> {
		if (intent.queue === '') return fail('invalid-input', 'A consumption needs the name of a queue.');
		const consumption = new RabbitConsumption(intent, {
			session: this.#main,
			clock: this.#options.clock,
			log: this.#options.log,
			disposed: (gone) => this.#consumptions.delete(gone),
		});
		this.#consumptions.add(consumption);
		return ok(consumption);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#asked = false;
		await Promise.all([...this.#consumptions].map((consumption) => consumption[Symbol.asyncDispose]()));
		this.#publisher[Symbol.dispose]();
		await Promise.all([this.#main, this.#publishing, this.#looking].map((session) => session[Symbol.asyncDispose]()));
	}

	async #link(deadlineMs: number): Promise<Result<Link>> {
		return this.#asked ? this.#main.ready(deadlineMs) : notAsked();
	}
}

function notAsked(): Result<never> {
	return fail('unreachable', 'Not connected to the broker: nobody asked for the connection yet.', {
		details: { outcome: 'not-sent' },
	});
}
