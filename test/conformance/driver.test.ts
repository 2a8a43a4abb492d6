/** What every broker driver promises, asked of each of them. */
import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { MessageProperties } from '#main/domain/message.ts';
import type { QueueDeclaration } from '#main/domain/queue.ts';
import { type Bench, bodyText, must, startBench, take, toQueue } from '../support/brokers.ts';
import { anyTable } from '../support/field-tables.ts';
import { uniqueName } from '../support/rabbitmq.ts';
import { waitFor } from '../support/wait.ts';

const long = process.env.WARREN_LONG !== undefined;

describe.each(['rabbitmq', 'embedded', 'redis'] as const)('the %s driver', (kind) => {
	let bench: Bench;
	let driver: BrokerDriver;
	beforeAll(async () => {
		bench = await startBench(kind);
		driver = await bench.driver();
	});
	afterAll(async () => {
		await bench?.[Symbol.asyncDispose]();
	});

	/** A queue nobody else uses, as carrot declares its own. */
	async function queue(more: Partial<QueueDeclaration> = {}): Promise<string> {
		const name = uniqueName('q');
		const declaration = { queue: name, durable: true, maxPriority: 255, carrotExchange: false, ...more };
		// A connection that an earlier test broke may be found broken only now.
		await waitFor('the broker to take a queue', async () => {
			const made = await driver.ensureQueue(declaration);
			return made.ok || (made.error.code === 'unreachable' ? false : must(made));
		});
		return name;
	}

	/** How many wait, once the broker has counted. */
	async function ready(name: string): Promise<number | null> {
		const [figures] = must(await driver.queues([name]));
		return figures?.ready ?? null;
	}

	const publishAll = (name: string, bodies: readonly string[]) =>
		Promise.all(bodies.map(async (body) => must(await driver.publish(toQueue(name, body, { messageId: body })))));

	describe('publishing', () => {
		it('resolves once the broker has the message', async () => {
			const name = await queue();
			must(await driver.publish(toQueue(name, 'hello')));
			const { messages } = must(await driver.look(name, { limit: 10, deadlineMs: 10_000 }));
			expect(messages.map(bodyText)).toEqual(['hello']);
			expect(messages[0]).toMatchObject({ queue: name, exchange: '', routingKey: name });
		});

		it('says unroutable, and that nothing was sent, when no queue would take the message', async () => {
			const result = await driver.publish(toQueue(uniqueName('nobody'), 'x'));
			expect(result).toMatchObject({ ok: false, error: { code: 'unroutable', details: { outcome: 'not-sent' } } });
		});

		it('tells routable from unroutable messages that are published side by side', async () => {
			const name = await queue();
			const nobody = uniqueName('nobody');
			const results = await Promise.all(
				Array.from({ length: 40 }, (_, i) => driver.publish(toQueue(i % 2 === 0 ? name : nobody, `${i >> 2}`))),
			);
			expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).toEqual(
				Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 'ok' : 'unroutable')),
			);
		});

		it('says not-found for an exchange that is not there, without harm to others', async () => {
			const name = await queue();
			const [bad, good] = await Promise.all([
				driver.publish({ ...toQueue(name, 'x'), exchange: uniqueName('no-exchange') }),
				driver.publish(toQueue(name, 'y')),
			]);
			expect(bad).toMatchObject({ ok: false, error: { code: 'not-found', details: { outcome: 'not-sent' } } });
			expect(good.ok).toBe(true);
		});

		it("reaches a queue through carrot's exchange of the same name", async () => {
			const name = await queue({ carrotExchange: true });
			must(await driver.publish({ ...toQueue(name, 'by exchange'), exchange: name }));
			const wrongKey = await driver.publish({ ...toQueue(`${name}x`, 'x'), exchange: name });
			expect(wrongKey).toMatchObject({ ok: false, error: { code: 'unroutable' } });
			const { messages } = must(await driver.look(name, { limit: 10, deadlineMs: 10_000 }));
			expect(messages).toMatchObject([{ exchange: name, routingKey: name }]);
		});

		it('keeps every message of 20 publishers at once', async () => {
			const name = await queue();
			const sent = await Promise.all(
				Array.from({ length: 20 }, async (_, publisher) => {
					const mine: string[] = [];
					for (let i = 0; i < 25; i++) {
						must(await driver.publish(toQueue(name, `${publisher}/${i}`)));
						mine.push(`${publisher}/${i}`);
					}
					return mine;
				}),
			);
			await using taker = await take(driver, name, 1000);
			await taker.got(500);
			expect([...taker.bodies()].sort()).toEqual(sent.flat().sort());
		});

		it('refuses what does not fit, with words, and goes on', async () => {
			const name = await queue();
			const tooLong = await driver.publish(toQueue(name, 'x', { messageId: 'i'.repeat(256) }));
			expect(tooLong).toMatchObject({ ok: false, error: { code: 'invalid-input', details: { outcome: 'not-sent' } } });
			const outOfRange = await driver.publish(toQueue(name, 'x', { headers: [['h', { type: 'int8', value: 1000 }]] }));
			expect(outOfRange).toMatchObject({ ok: false, error: { code: 'invalid-input' } });
			expect((await driver.publish(toQueue(name, 'fine'))).ok).toBe(true);
		});
	});

	describe('what goes in comes out', () => {
		const everything: MessageProperties = {
			contentType: 'application/json',
			contentEncoding: 'utf-8',
			headers: [
				['z', { type: 'longstr', text: 'first, though z' }],
				['10', { type: 'int8', value: -128 }],
				['9', { type: 'uint8', value: 255 }],
				['__proto__', { type: 'int16', value: -32_768 }],
				['', { type: 'uint16', value: 65_535 }],
				['int32', { type: 'int32', value: 255 }],
				['uint32', { type: 'uint32', value: 4_294_967_295 }],
				['int64', { type: 'int64', text: '9223372036854775807' }],
				['float', { type: 'float', value: Math.fround(0.1) }],
				['double', { type: 'double', value: 1 }],
				['minus zero', { type: 'double', value: -0 }],
				['decimal', { type: 'decimal', places: 2, digits: 12_345 }],
				['timestamp', { type: 'timestamp', text: '1700000000' }],
				['bool', { type: 'bool', value: false }],
				['void', { type: 'void' }],
				['bytes', { type: 'bytes', base64: Buffer.from([0, 255, 128]).toString('base64') }],
				['not utf-8', { type: 'longstr', text: '\uFFFD', base64: Buffer.from([0xff]).toString('base64') }],
				['replacement', { type: 'longstr', text: 'really \uFFFD' }],
				[
					'array',
					{
						type: 'array',
						items: [
							{ type: 'int32', value: 1 },
							{ type: 'array', items: [] },
						],
					},
				],
				[
					'table',
					{
						type: 'table',
						fields: [
							['b', { type: 'void' }],
							['a', { type: 'table', fields: [] }],
						],
					},
				],
			],
			deliveryMode: 2,
			priority: 7,
			correlationId: 'correlation',
			replyTo: 'reply',
			expiration: '86400000',
			messageId: '312a7e71-3f65-47eb-9e5f-6655a4554a04',
			timestamp: 1_700_000_000,
			type: 'django-carrot message',
			appId: 'warren ü',
		};

		it('with every property and every header type, in order', async () => {
			const name = await queue();
			// RabbitMQ takes a user id only from that user.
			const { address } = bench.context;
			const properties = { ...everything, userId: address.kind === 'amqp' ? address.username : 'anybody' };
			must(await driver.publish({ ...toQueue(name, 'x'), properties }));
			await using taker = await take(driver, name, 1);
			const [delivery] = await taker.got(1);
			expect(delivery?.message.properties).toEqual(properties);
		});

		it('with no property at all', async () => {
			const name = await queue();
			must(await driver.publish({ exchange: '', routingKey: name, properties: {}, body: new Uint8Array() }));
			await using taker = await take(driver, name, 1);
			const [delivery] = await taker.got(1);
			expect(delivery?.message.properties).toEqual({});
			expect(delivery?.message.body).toEqual(new Uint8Array());
		});

		it('with an empty header table, which is not the same as none', async () => {
			const name = await queue();
			must(await driver.publish(toQueue(name, 'x', { headers: [] })));
			await using taker = await take(driver, name, 1);
			expect((await taker.got(1))[0]?.message.properties.headers).toEqual([]);
		});

		it('whatever headers and bytes there are', async () => {
			const name = await queue();
			await using taker = await take(driver, name, 100);
			await fc.assert(
				fc.asyncProperty(anyTable(3), fc.uint8Array({ maxLength: 300 }), async (headers, body) => {
					const before = taker.deliveries.length;
					must(await driver.publish(toQueue(name, body, { headers })));
					const delivery = (await taker.got(before + 1))[before];
					expect(delivery?.message.properties.headers).toEqual(headers);
					expect(Buffer.from(delivery?.message.body ?? []).equals(Buffer.from(body))).toBe(true);
					must((await delivery?.ack()) ?? { ok: true, value: undefined });
				}),
				{ numRuns: long ? 3000 : 60 },
			);
		});

		it('with a body of 20 MB', async () => {
			const name = await queue();
			const body = randomBytes(20 * 1024 * 1024);
			const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
			must(await driver.publish(toQueue(name, body)));
			await using taker = await take(driver, name, 1);
			const [delivery] = await taker.got(1);
			expect(digest(delivery?.message.body ?? new Uint8Array())).toBe(digest(body));
		});

		it('as bytes of its own, not as a view of a larger buffer', async () => {
			const name = await queue();
			const shared = Buffer.from('..hello..');
			must(await driver.publish(toQueue(name, shared.subarray(2, 7))));
			await using taker = await take(driver, name, 1);
			const [delivery] = await taker.got(1);
			expect(delivery === undefined ? '' : bodyText(delivery.message)).toBe('hello');
			expect(delivery?.message.body.buffer.byteLength).toBe(5);
		});
	});

	describe('consuming', () => {
		it('hands out in the order of publishing', async () => {
			const name = await queue();
			const bodies = Array.from({ length: 50 }, (_, i) => String(i));
			for (const body of bodies) must(await driver.publish(toQueue(name, body)));
			await using taker = await take(driver, name, 100);
			await taker.got(50);
			expect(taker.bodies()).toEqual(bodies);
		});

		it('hands out more urgent priorities first', async () => {
			const name = await queue();
			for (const priority of [0, 3, 255, 3, 9]) must(await driver.publish(toQueue(name, `p${priority}`, { priority })));
			await using taker = await take(driver, name, 100);
			await taker.got(5);
			const highest = driver.capabilities.firstPriority === 'highest';
			// What is above the broker's own highest priority counts as that one.
			const expected = highest ? ['p255', 'p9', 'p3', 'p3', 'p0'] : ['p0', 'p3', 'p3', 'p255', 'p9'];
			expect(taker.bodies()).toEqual(expected);
			expect(taker.deliveries.map((delivery) => delivery.message.properties.priority)).toContain(255);
		});

		it('holds no more than the prefetch, and goes on when one is settled', async () => {
			const name = await queue();
			await publishAll(name, ['a', 'b', 'c', 'd', 'e', 'f']);
			await using taker = await take(driver, name, 2);
			const [first] = await taker.got(2);
			// What is handed out was counted off before; nothing more is on its way when the rest waits in the queue.
			expect(await waitFor('four to wait', async () => (await ready(name)) === 4)).toBe(true);
			expect(taker.deliveries).toHaveLength(2);
			must((await first?.ack()) ?? { ok: true, value: undefined });
			await taker.got(3);
			await waitFor('three to wait', async () => (await ready(name)) === 3);
			expect(taker.deliveries).toHaveLength(3);
		});

		it('takes a higher prefetch while running, and a lower one', async () => {
			const name = await queue();
			await publishAll(name, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
			await using taker = await take(driver, name, 1);
			await taker.got(1);
			must(await taker.consumption.setPrefetch(4));
			await taker.got(4);
			expect(taker.deliveries).toHaveLength(4);
			must(await taker.consumption.setPrefetch(1));
			for (const delivery of taker.deliveries.slice(0, 3)) must(await delivery.ack());
			// One is still held, which is the limit: the next comes only when it is settled.
			expect(taker.deliveries).toHaveLength(4);
			must((await taker.deliveries[3]?.ack()) ?? { ok: true, value: undefined });
			await taker.got(5);
			expect(new Set(taker.bodies()).size).toBe(5);
		});

		it('removes what is acknowledged', async () => {
			const name = await queue();
			await publishAll(name, ['a', 'b', 'c']);
			{
				await using taker = await take(driver, name, 10);
				for (const delivery of await taker.got(3)) must(await delivery.ack());
			}
			await waitFor('the queue to be empty', async () => (await ready(name)) === 0);
			await using again = await take(driver, name, 10);
			must(await driver.publish(toQueue(name, 'd')));
			await again.got(1);
			expect(again.bodies()).toEqual(['d']);
		});

		it('answers gone when a delivery is settled twice', async () => {
			const name = await queue();
			must(await driver.publish(toQueue(name, 'a')));
			await using taker = await take(driver, name, 1);
			const [delivery] = await taker.got(1);
			must((await delivery?.ack()) ?? { ok: true, value: undefined });
			expect(await delivery?.ack()).toMatchObject({ ok: false, error: { code: 'gone' } });
			expect(await delivery?.release()).toMatchObject({ ok: false, error: { code: 'gone' } });
		});

		it('gives a released message out again, marked as redelivered, in its place', async () => {
			const name = await queue();
			await publishAll(name, ['a']);
			await using taker = await take(driver, name, 1);
			const [delivery] = await taker.got(1);
			expect(delivery?.message.redelivered).toBe(false);
			await publishAll(name, ['b']);
			must((await delivery?.release()) ?? { ok: true, value: undefined });
			const [, again] = await taker.got(2);
			expect(taker.bodies()).toEqual(['a', 'a']);
			expect(again?.message.redelivered).toBe(true);
		});

		it('stops taking when cancelled, and still settles what it holds', async () => {
			const name = await queue();
			await publishAll(name, ['a', 'b']);
			const taker = await take(driver, name, 1);
			const [delivery] = await taker.got(1);
			await taker.consumption.cancel();
			must((await delivery?.ack()) ?? { ok: true, value: undefined });
			await waitFor('one to wait', async () => (await ready(name)) === 1);
			expect(taker.bodies()).toEqual(['a']);
			await taker[Symbol.asyncDispose]();
		});

		it('gives back what it holds when it is disposed of', async () => {
			const name = await queue();
			await publishAll(name, ['a', 'b', 'c']);
			const taker = await take(driver, name, 2);
			const [held] = await taker.got(2);
			await taker[Symbol.asyncDispose]();
			expect(await held?.ack()).toMatchObject({ ok: false, error: { code: 'gone' } });
			await using next = await take(driver, name, 10);
			await next.got(3);
			expect([...next.bodies()].sort()).toEqual(['a', 'b', 'c']);
		});

		it('shares a queue between two consumers, each message to one of them', async () => {
			const name = await queue();
			const other = await bench.driver();
			await using first = await take(driver, name, 5, (delivery) => void delivery.ack());
			await using second = await take(other, name, 5, (delivery) => void delivery.ack());
			const bodies = Array.from({ length: 200 }, (_, i) => String(i).padStart(3, '0'));
			await publishAll(name, bodies);
			await waitFor('all to arrive', () => first.deliveries.length + second.deliveries.length >= 200);
			expect([...first.bodies(), ...second.bodies()].sort()).toEqual(bodies);
		});

		it('waits for a queue that does not exist yet, says so, and makes none by itself', async () => {
			const name = uniqueName('later');
			await using taker = await take(driver, name, 1);
			await waitFor('to be told', () => taker.problems.some((problem) => problem?.includes(name)));
			const [figures] = must(await driver.queues([name]));
			expect(figures?.exists).toBe(false);
			must(await driver.ensureQueue({ queue: name, durable: true, maxPriority: 255, carrotExchange: false }));
			must(await driver.publish(toQueue(name, 'at last')));
			await taker.got(1);
			expect(taker.problems.at(-1)).toBeNull();
		});

		it('goes on when a handler throws, and gives that message back', async () => {
			const name = await queue();
			let thrown = 0;
			await using taker = await take(driver, name, 1, (delivery) => {
				if (thrown++ === 0) throw new Error('a defect of the owner');
				void delivery.ack();
			});
			must(await driver.publish(toQueue(name, 'a')));
			const [, again] = await taker.got(2);
			expect(again?.message.redelivered).toBe(true);
		});
	});

	describe('when things break', () => {
		it('hands a message out again when the process that held it was killed', async () => {
			const name = await queue();
			await publishAll(name, ['a', 'b', 'c']);
			const holder = await bench.holder(name, 2);
			expect(await ready(name)).toBe(1);
			holder.kill('SIGKILL');
			await using taker = await take(await bench.driver(), name, 10);
			await taker.got(3);
			expect([...taker.bodies()].sort()).toEqual(['a', 'b', 'c']);
			expect(taker.deliveries.filter((delivery) => delivery.message.redelivered)).toHaveLength(2);
		});

		it('answers gone to a delivery of an earlier connection, and gets the message again', async () => {
			const name = await queue();
			must(await driver.publish(toQueue(name, 'a')));
			await using taker = await take(driver, name, 1);
			const [stale] = await taker.got(1);
			bench.breakConnections();
			const [, fresh] = await taker.got(2);
			expect(await stale?.ack()).toMatchObject({ ok: false, error: { code: 'gone' } });
			expect(await stale?.release()).toMatchObject({ ok: false, error: { code: 'gone' } });
			expect(fresh?.message.redelivered).toBe(true);
			expect((await fresh?.ack())?.ok).toBe(true);
			await waitFor('the queue to be empty', async () => (await ready(name)) === 0);
			expect(taker.problems.at(-1)).toBeNull();
		});

		it('tells its state from connecting over connected to reconnecting and back', async () => {
			const own = bench.idleDriver();
			const states: string[] = [];
			using _watch = own.onState((state) => states.push(state.kind));
			expect(own.state().kind).toBe('idle');
			own.connect();
			must(await own.ready(20_000));
			bench.breakConnections();
			await waitFor('the loss to be noticed', () => states.includes('reconnecting'));
			await waitFor('the connection to come back', () => own.state().kind === 'connected');
			expect(states.slice(0, 3)).toEqual(['connecting', 'connected', 'reconnecting']);
		});

		it('loses nothing over five broken connections while consuming and publishing', async () => {
			const name = await queue();
			const seen = new Set<string>();
			await using taker = await take(driver, name, 10, (delivery) => {
				seen.add(bodyText(delivery.message));
				void delivery.ack();
			});
			const sure: string[] = [];
			for (let round = 0; round < 5; round++) {
				const bodies = Array.from({ length: 40 }, (_, i) => `${round}/${i}`);
				const publishing = bodies.map(async (body) => {
					const result = await driver.publish(toQueue(name, body));
					if (result.ok) sure.push(body);
					// A failure must say what is known of the message, so that nobody has to guess.
					else expect(['not-sent', 'unknown']).toContain(result.error.details?.outcome);
				});
				bench.breakConnections();
				await Promise.all(publishing);
				must(await driver.ready(30_000));
			}
			await waitFor('every confirmed message', () => sure.every((body) => seen.has(body)));
			await waitFor('the last message to be taken', async () => (await driver.publish(toQueue(name, 'last'))).ok);
			await waitFor('the last message', () => seen.has('last'));
			expect(taker.problems.at(-1)).toBeNull();
		});

		it('answers unreachable, and throws nothing, before anybody asked for a connection', async () => {
			const idle = bench.idleDriver();
			for (const result of [
				await idle.publish(toQueue('x', 'x')),
				await idle.queues(['x']),
				await idle.look('x', { limit: 1, deadlineMs: 100 }),
				await idle.remove('x', new Set(['x']), { scanLimit: 1, deadlineMs: 100 }),
				await idle.ensureQueue({ queue: 'x', durable: true, maxPriority: null, carrotExchange: false }),
			]) {
				expect(result).toMatchObject({ ok: false, error: { code: 'unreachable' } });
			}
		});

		it('ends quietly, twice as well, and answers gone afterwards', async () => {
			const own = await bench.driver();
			const name = await queue();
			const taker = await take(own, name, 1);
			await own[Symbol.asyncDispose]();
			await own[Symbol.asyncDispose]();
			await taker[Symbol.asyncDispose]();
			expect((await own.publish(toQueue(name, 'x'))).ok).toBe(false);
			expect(own.state().kind).toBe('idle');
		});
	});

	describe('looking', () => {
		it('leaves every message where it was, in the same order', async () => {
			const name = await queue();
			for (const priority of [1, 2, 1, 9]) must(await driver.publish(toQueue(name, `p${priority}`, { priority })));
			const bodies = async (limit: number) =>
				must(await driver.look(name, { limit, deadlineMs: 10_000 })).messages.map(bodyText);
			const highest = driver.capabilities.firstPriority === 'highest';
			const order = highest ? ['p9', 'p2', 'p1', 'p1'] : ['p1', 'p2', 'p1', 'p9'];
			expect(await bodies(2)).toEqual(order.slice(0, 2));
			for (let i = 0; i < 5; i++) expect(await bodies(10)).toEqual(order);
			await using taker = await take(driver, name, 10);
			await taker.got(4);
			expect(taker.bodies()).toEqual(order);
		});

		it('states its cost before and after', async () => {
			const name = await queue();
			const before = must(await driver.lookCost(name));
			expect(before.kind).toBe(driver.capabilities.look);
			expect(before.words).not.toBe('');
			const { cost, messages } = must(await driver.look(name, { limit: 3, deadlineMs: 10_000 }));
			expect(cost.kind).toBe(driver.capabilities.look);
			expect(messages).toEqual([]);
		});

		it('says not-found for a queue that is not there', async () => {
			const result = await driver.look(uniqueName('no'), { limit: 3, deadlineMs: 10_000 });
			expect(result).toMatchObject({ ok: false, error: { code: 'not-found' } });
		});
	});

	describe('removing', () => {
		it('takes out those ids and hands them back, and leaves the others in order', async () => {
			const name = await queue();
			for (const id of ['a', 'b', 'c', 'd', 'e']) must(await driver.publish(toQueue(name, id, { messageId: id })));
			const removed = must(
				await driver.remove(name, new Set(['b', 'd', 'nowhere']), { scanLimit: 1000, deadlineMs: 10_000 }),
			);
			expect(removed.map(bodyText).sort()).toEqual(['b', 'd']);
			expect(removed[0]?.properties.messageId).toBe('b');
			await using taker = await take(driver, name, 10);
			await taker.got(3);
			expect(taker.bodies()).toEqual(['a', 'c', 'e']);
		});

		it('leaves out what is held by a consumer', async () => {
			const name = await queue();
			await publishAll(name, ['a']);
			await using taker = await take(driver, name, 1);
			const [delivery] = await taker.got(1);
			const removed = must(await driver.remove(name, new Set(['a']), { scanLimit: 10, deadlineMs: 10_000 }));
			expect(removed).toEqual([]);
			expect((await delivery?.ack())?.ok).toBe(true);
		});

		it('does nothing without ids', async () => {
			const name = await queue();
			await publishAll(name, ['a']);
			expect(must(await driver.remove(name, new Set(), { scanLimit: 10, deadlineMs: 10_000 }))).toEqual([]);
			expect(await ready(name)).toBe(1);
		});
	});

	describe('queues', () => {
		it('are told with their figures, and those that are not there as such', async () => {
			const name = await queue();
			await publishAll(name, ['a', 'b']);
			const missing = uniqueName('missing');
			await using taker = await take(driver, name, 1);
			await taker.got(1);
			await waitFor('the consumer to be counted', async () => {
				const [figures] = must(await driver.queues([name]));
				return figures?.consumers === (driver.capabilities.countsConsumers ? 1 : null) && figures.ready === 1;
			});
			const figures = must(await driver.queues([name, missing, name]));
			expect(figures.map((figure) => [figure.name, figure.exists])).toEqual([
				[name, true],
				[missing, false],
				[name, true],
			]);
			expect(figures[1]).toMatchObject({ ready: null, unacked: null, consumers: null });
			expect(figures[0]?.unacked).toBe(driver.capabilities.countsUnacked ? 1 : null);
		});

		it('of a hundred names are told at once', async () => {
			const name = await queue();
			const names = Array.from({ length: 100 }, (_, i) => (i === 50 ? name : uniqueName('none')));
			const figures = must(await driver.queues(names));
			expect(figures.filter((figure) => figure.exists).map((figure) => figure.name)).toEqual([name]);
			expect(figures.map((figure) => figure.name)).toEqual(names);
		});

		it('are made when asked for, and used as they are when they exist', async () => {
			const name = await queue({ maxPriority: null });
			must(await driver.publish(toQueue(name, 'kept')));
			// The second asks for something else; a declaration over the first would be refused (406), or lose its messages.
			must(await driver.ensureQueue({ queue: name, durable: true, maxPriority: 255, carrotExchange: true }));
			must(await driver.ensureQueue({ queue: name, durable: true, maxPriority: null, carrotExchange: false }));
			expect(await ready(name)).toBe(1);
		});

		it('are made once when many ask at the same time', async () => {
			const name = uniqueName('race');
			const declaration = { queue: name, durable: true, maxPriority: 255, carrotExchange: true };
			const results = await Promise.all(Array.from({ length: 8 }, () => driver.ensureQueue(declaration)));
			expect(results.every((result) => result.ok)).toBe(true);
			must(await driver.publish({ ...toQueue(name, 'x'), exchange: name }));
		});
	});
});
