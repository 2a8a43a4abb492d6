/** The ear for answers over RabbitMQ, on a connection whose channels a test closes and whose queues it deletes. */
import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import type { Link } from '#main/brokers/rabbitmq/link.ts';
import { createRabbitMailbox } from '#main/brokers/rabbitmq/mailbox.ts';
import type { RabbitOptions } from '#main/brokers/rabbitmq/sessions.ts';
import { Session } from '#main/brokers/session.ts';
import { fail } from '#main/domain/result.ts';
import { manualClock } from '#test/support/manual-clock.ts';

class Channel extends EventEmitter {
	isOpen = true;
	consumer: ((message: unknown) => void) | null = null;
	/** Answers to `assertQueue` only when told. */
	queueing: PromiseWithResolvers<void> | null = null;
	published = 0;
	async checkExchange() {}
	async assertQueue() {
		await this.queueing?.promise;
	}
	async bindQueue() {}
	async consume(_queue: string, take: (message: unknown) => void) {
		this.consumer = take;
	}
	publish() {
		this.published += 1;
	}
	async waitForConfirms() {}
	async close() {
		if (!this.isOpen) throw new Error('Channel closed');
		this.end();
	}
	end() {
		this.isOpen = false;
		this.emit('close');
	}
}

async function setUp() {
	const channels: Channel[] = [];
	let hold = false;
	const create = async () => {
		const channel = new Channel();
		if (hold) channel.queueing = Promise.withResolvers();
		channels.push(channel);
		return channel;
	};
	const link = {
		server: 'RabbitMQ',
		alive: () => true,
		closed: new Promise<string>(() => {}),
		close: async () => {},
		model: { createChannel: create, createConfirmChannel: create },
	} as unknown as Link;
	const clock = manualClock();
	const warnings: string[] = [];
	const log = { info() {}, debug() {}, warn: (event: string) => warnings.push(event) };
	const options = { clock, log, name: 'warren', password: async () => null } as unknown as RabbitOptions;
	const session = new Session<Link>({
		...options,
		name: 'warren',
		dial: async () => link,
		problem: (error) => ({ kind: 'unreachable', reason: String(error) }),
		unreachable: (reason) => fail('unreachable', reason),
	});
	const mailbox = createRabbitMailbox(options, { exchange: 'a', replyExchange: 'b', onLetter() {} }, session);
	mailbox.connect();
	const send = (signal = new AbortController().signal) =>
		mailbox.send(Buffer.from('{}'), { clock: 1, expires: 0, deadlineMs: 1_000, signal });
	const settle = () => clock.advance(0);
	return {
		channels,
		send,
		settle,
		warnings,
		ears: () => channels.filter((one) => one.isOpen && one.consumer !== null),
		waiting: () => channels.filter((one) => one.isOpen && one.queueing !== null),
		hold: (on: boolean) => {
			hold = on;
		},
	};
}

it('sets up another ear once its queue was deleted, and says that answers meanwhile may be lost', async () => {
	const { send, ears, warnings } = await setUp();
	const first = await send();
	if (!first.ok) throw new Error(first.error.message);
	expect(first.value.deaf()).toBe(false);
	expect(ears()).toHaveLength(1);
	// RabbitMQ tells of a deleted queue by a message that is none.
	ears()[0]?.consumer?.(null);
	expect(first.value.deaf()).toBe(true);
	expect(warnings).toEqual(['the queue of answers was deleted']);
	const second = await send();
	expect(second.ok && second.value.deaf()).toBe(false);
	expect(ears()).toHaveLength(1);
	// What was asked by the first ear is not heard by the second.
	expect(first.value.deaf()).toBe(true);
});

it('has one ear, though a set-up fails late while another request has begun the next', async () => {
	const { send, ears, waiting, hold, settle } = await setUp();
	hold(true);
	const first = send();
	await settle();
	const [broken] = waiting();
	broken?.end();
	const second = send();
	await settle();
	// Only now the first learns that its channel was closed.
	broken?.queueing?.reject(new Error('Channel closed by server: 406'));
	expect((await first).ok).toBe(false);
	hold(false);
	for (const one of waiting()) one.queueing?.resolve();
	expect((await second).ok).toBe(true);
	expect((await send()).ok).toBe(true);
	expect(ears()).toHaveLength(1);
});

it('sends nothing that was cancelled while its ear was set up', async () => {
	const { send, channels, waiting, hold, settle } = await setUp();
	hold(true);
	const abort = new AbortController();
	const sent = send(abort.signal);
	await settle();
	abort.abort();
	hold(false);
	for (const one of waiting()) one.queueing?.resolve();
	expect(await sent).toMatchObject({ ok: false, error: { code: 'cancelled' } });
	expect(channels.reduce((sum, one) => sum + one.published, 0)).toBe(0);
});
