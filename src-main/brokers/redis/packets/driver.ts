/**
 * Redis behind the driver interface, as django-q lays its packets there: one list for each queue, the head runs next, a message is exactly the
 * packet's bytes. There are no acknowledgements, priorities or exchanges, and an empty list has no key: every name is a queue.
 */
import type { Clock } from '../../../domain/clock.ts';
import type { Log } from '../../../domain/log.ts';
import type { BrokerMessage, MessageProperties, OutgoingMessage } from '../../../domain/message.ts';
import type { ConnectionState, RedisAddress } from '../../../domain/profile.ts';
import type { LookCost, QueueFigures } from '../../../domain/queue.ts';
import { fail, ok, type Result } from '../../../domain/result.ts';
import type { BrokerCapabilities, BrokerDriver, Consumption } from '../../driver.ts';
import { type PacketDoor, type PacketWindow, packetKey, queueOfPacketKey } from '../../packets.ts';
import { Session } from '../../session.ts';
import { type KeptMessage, printOfEntry, type SiftEnd, type SiftOptions, type WaitingMessage } from '../../waiting.ts';
import { scanKeys } from '../bindings.ts';
import { dial, type Link } from '../link.ts';
import { lengths } from '../lists.ts';
import { connectProblem, unreachable } from '../problems.ts';
import { EMPTY, PACKETS } from './scripts.ts';
import { siftPackets } from './sift.ts';

/** Until a question waits for a connection in vain, in ms. */
const CONNECT_DEADLINE = 10_000;
/** How long Redis may take for an answer, in ms. */
const PATIENCE = 20_000;
/** Most packets, and most bytes, in one answer of Redis. */
const WINDOW_PACKETS = 1_000;
const WINDOW_BYTES = 4 * 1024 * 1024;
/** Most bytes of packets that one look answers with. */
const LOOK_BYTES = 64 * 1024 * 1024;
/** How long the keys of a database may be gone through, in ms. */
const SCAN_LIMIT = 20_000;
/** How often a list that is emptied by clusters meanwhile is gone through in search of an id. */
const PASSES = 3;
/** Redis's own limit on a value. */
const LARGEST = 512 * 1024 * 1024;

const CAPABILITIES: BrokerCapabilities = {
	listsQueues: true,
	countsUnacked: false,
	look: 'free',
	removesSingle: true,
	replacesAtOnce: true,
	maxPriority: 0,
	firstPriority: 'highest',
	countsConsumers: false,
};
const FREE: LookCost = { kind: 'free', words: 'Looking changes nothing here: Redis answers with copies.' };

export interface PacketDriverOptions {
	readonly address: RedisAddress;
	/** Asked for at each connect; null: none was given. */
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly log: Log;
	readonly clientName: string;
	/** The id of the task in a packet; null: it holds none. */
	readonly idOf: (packet: Uint8Array) => string | null;
}

/** Makes a driver of django-q's lists; `connect` starts it. */
export function createPacketDriver(options: PacketDriverOptions): BrokerDriver {
	return new PacketDriver(options);
}

class PacketDriver implements BrokerDriver {
	readonly kind = 'redis';
	readonly capabilities = CAPABILITIES;
	readonly packets: PacketDoor = {
		window: (queue, from, limit) => this.#window(queue, from, limit),
	};
	readonly #options: PacketDriverOptions;
	readonly #session: Session<Link>;
	#asked = false;

	constructor(options: PacketDriverOptions) {
		this.#options = options;
		const { address, clock, clientName: name } = options;
		this.#session = new Session<Link>({
			...options,
			name,
			dial: (password, signal) => dial({ address, password, name, signal, clock, patience: PATIENCE }),
			problem: (error) => connectProblem(error, address),
			unreachable,
		});
	}

	connect(): void {
		this.#asked = true;
		this.#session.connect();
	}

	state(): ConnectionState {
		return this.#session.state();
	}

	onState(listener: (state: ConnectionState) => void): Disposable {
		return this.#session.onState(listener);
	}

	async ready(deadlineMs: number): Promise<Result<void>> {
		const link = await this.#link(deadlineMs);
		return link.ok ? ok(undefined) : link;
	}

	async queues(names: readonly string[]): Promise<Result<readonly QueueFigures[]>> {
		const link = await this.#link(CONNECT_DEADLINE);
		if (!link.ok) return link;
		let asked = names;
		if (names.length === 0) {
			const found = await scanKeys(link.value, packetKey('*'), this.#options.clock, SCAN_LIMIT);
			if (!found.ok) return found;
			asked = found.value.keys.flatMap((key) => queueOfPacketKey(key) ?? []).sort();
		}
		const counted = await lengths(link.value, asked.map(packetKey));
		if (!counted.ok) return counted;
		const at = this.#options.clock.now();
		return ok(
			asked.map((name, index) => ({
				name,
				exists: true,
				ready: counted.value[index] ?? 0,
				// BLPOP takes a packet away for good: nothing is handed out and still there.
				unacked: 0,
				consumers: null,
				at,
				source: 'packets',
			})),
		);
	}

	lookCost(): Promise<Result<LookCost>> {
		return Promise.resolve(ok(FREE));
	}

	async look(queue: string, options: { readonly limit: number; readonly deadlineMs: number }) {
		const messages: WaitingMessage[] = [];
		let bytes = 0;
		for await (const step of this.#walk(queue, { most: options.limit, deadlineMs: options.deadlineMs })) {
			if (!step.ok) return step;
			bytes += step.value.length;
			messages.push(this.#waiting(queue, step.value));
			if (bytes >= LOOK_BYTES) break;
		}
		return ok({ messages, cost: FREE });
	}

	async publish(message: OutgoingMessage): Promise<Result<void>> {
		if (!this.#asked) return notAsked();
		if (message.exchange !== '') {
			return fail('not-found', `django-q knows no exchanges, so there is no "${message.exchange}".`, {
				details: { outcome: 'not-sent' },
			});
		}
		if (message.routingKey === '') {
			return fail('unroutable', 'A packet needs the name of its queue.', { details: { outcome: 'not-sent' } });
		}
		if (message.body.byteLength > LARGEST) {
			return fail('too-large', 'A packet of more than 512 MB does not fit into Redis.', {
				details: { outcome: 'not-sent' },
			});
		}
		const link = await this.#link(CONNECT_DEADLINE);
		if (!link.ok) return outcome(link, 'not-sent');
		const laid = await link.value.bytes(['RPUSH', packetKey(message.routingKey), Buffer.from(message.body)]);
		return laid.ok ? ok(undefined) : outcome(laid, laid.error.details?.sent === true ? 'unknown' : 'not-sent');
	}

	async remove(
		queue: string,
		messageIds: ReadonlySet<string>,
		options: { readonly scanLimit: number; readonly deadlineMs: number },
	): Promise<Result<readonly BrokerMessage[]>> {
		const link = await this.#link(options.deadlineMs);
		if (!link.ok) return link;
		const wanted = new Set(messageIds);
		const removed: BrokerMessage[] = [];
		const end = this.#options.clock.monotonic() + options.deadlineMs;
		let scanned = 0;
		// Clusters take from the head, where the walk begins, so that packets slip past it: then there is another.
		for (let pass = 0; pass < PASSES && wanted.size > 0 && scanned < options.scanLimit; pass += 1) {
			const before = await this.#length(link.value, queue);
			if (!before.ok || before.value === 0) return before.ok || removed.length > 0 ? ok(removed) : before;
			const found: Uint8Array[] = [];
			const deadlineMs = end - this.#options.clock.monotonic();
			for await (const step of this.#walk(queue, { most: options.scanLimit - scanned, deadlineMs })) {
				if (!step.ok) return removed.length > 0 ? ok(removed) : step;
				scanned += 1;
				const id = this.#options.idOf(step.value);
				// The same packet may be there twice: an id that was asked for once takes the first.
				if (id === null || !wanted.delete(id)) continue;
				found.push(step.value);
				if (wanted.size === 0) break;
			}
			for (const packet of found) {
				const gone = await link.value.bytes(['LREM', packetKey(queue), 1, Buffer.from(packet)]);
				if (!gone.ok) return removed.length > 0 ? ok(removed) : gone;
				if (gone.value === 1) removed.push(this.#waiting(queue, packet));
			}
			const after = await this.#length(link.value, queue);
			if (!after.ok || after.value >= before.value || this.#options.clock.monotonic() > end) break;
		}
		return ok(removed);
	}

	async sift(queue: string, options: SiftOptions): Promise<Result<SiftEnd>> {
		const link = await this.#link(CONNECT_DEADLINE);
		if (!link.ok) return link;
		const waiting = (packet: Buffer) => this.#waiting(queue, packet);
		return siftPackets(queue, options, { link: link.value, clock: this.#options.clock, waiting });
	}

	/** A packet is its own entry. */
	putBack(queue: string, message: KeptMessage): Promise<Result<void>> {
		const body = message.entry ?? message.body;
		return this.publish({ exchange: '', routingKey: queue, properties: {}, body });
	}

	async clear(queue: string): Promise<Result<number>> {
		const link = await this.#link(CONNECT_DEADLINE);
		if (!link.ok) return link;
		const cleared = await link.value.script(EMPTY, [packetKey(queue)], []);
		if (cleared.ok) return ok(Number(cleared.value));
		return cleared.error.details?.reply === 'WRONGTYPE' ? notAList(queue) : cleared;
	}

	/** Every name is a queue: an empty list has no key. */
	async ensureQueue({ queue }: { readonly queue: string }): Promise<Result<void>> {
		return queue === '' ? fail('invalid-input', 'A queue needs a name.') : this.ready(CONNECT_DEADLINE);
	}

	async consume(): Promise<Result<Consumption>> {
		return fail(
			'unsupported',
			'Warren does not run django-q\'s tasks: django-q has no acknowledgements, so that whoever takes a packet and ends loses it. Start a cluster with "manage.py qcluster".',
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#asked = false;
		await this.#session[Symbol.asyncDispose]();
	}

	async #window(queue: string, from: number, limit: number): Promise<Result<PacketWindow>> {
		const link = await this.#link(CONNECT_DEADLINE);
		if (!link.ok) return link;
		const want = Math.min(limit, WINDOW_PACKETS);
		const reply = await link.value.script(PACKETS, [packetKey(queue)], [from, want, WINDOW_BYTES]);
		if (!reply.ok) return reply.error.details?.reply === 'WRONGTYPE' ? notAList(queue) : reply;
		const [length, ...packets] = reply.value as readonly [number, ...Buffer[]];
		return ok({ packets, length });
	}

	/** The packets of a list from the next one on, until there is no more, `most` have come or the time is up. */
	async *#walk(
		queue: string,
		options: { readonly most: number; readonly deadlineMs: number },
	): AsyncGenerator<Result<Uint8Array>> {
		const { clock } = this.#options;
		const end = clock.monotonic() + options.deadlineMs;
		let at = 0;
		while (at < options.most && (at === 0 || clock.monotonic() < end)) {
			const step = await this.#window(queue, at, options.most - at);
			if (!step.ok) {
				yield step;
				return;
			}
			if (step.value.packets.length === 0) return;
			for (const packet of step.value.packets) yield ok(packet);
			at += step.value.packets.length;
		}
	}

	async #length(link: Link, queue: string): Promise<Result<number>> {
		const found = await lengths(link, [packetKey(queue)]);
		return found.ok ? ok(found.value[0] ?? 0) : found;
	}

	/** Its id and print are told when they are asked for: a search through a million packets needs few of them. */
	#waiting(queue: string, packet: Uint8Array): WaitingMessage {
		const { idOf } = this.#options;
		let properties: MessageProperties | null = null;
		let print: string | null = null;
		return {
			queue,
			exchange: '',
			routingKey: queue,
			get properties() {
				if (properties === null) {
					const messageId = idOf(packet);
					properties = messageId === null ? {} : { messageId };
				}
				return properties;
			},
			body: packet,
			redelivered: false,
			deliveryCount: null,
			get print() {
				print ??= printOfEntry(packet);
				return print;
			},
			entry: packet,
		};
	}

	async #link(deadlineMs: number): Promise<Result<Link>> {
		return this.#asked ? this.#session.ready(deadlineMs) : notAsked();
	}
}

/** The failure with what is known of the packet. */
function outcome(failure: Result<never>, known: 'not-sent' | 'unknown'): Result<never> {
	if (failure.ok) return failure;
	const { code, message, retryable, details } = failure.error;
	return fail(code, message, { retryable, details: { ...details, outcome: known } });
}

function notAList(queue: string): Result<never> {
	return fail('refused', `The key "${packetKey(queue)}" is no list, so that something else than django-q uses it.`);
}

function notAsked(): Result<never> {
	return fail('unreachable', 'Not connected to Redis: nobody asked for the connection yet.', {
		details: { outcome: 'not-sent' },
	});
}
