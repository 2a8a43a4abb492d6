/**
 * A Redis that sentinels watch, as Celery's broker: a real primary with a replica and three sentinels, and a fail-over in the middle.
 * What the replica had is there afterwards, and the console comes back by itself.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDoctor, createDriver } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { driverContext, must, toQueue } from '#test/support/brokers.ts';
import { freePorts } from '#test/support/ports.ts';
import { type SentinelLab, startSentinels } from '#test/support/sentinel.ts';
import { waitFor } from '#test/support/wait.ts';

const MINUTES = 180_000;
let sentinels: SentinelLab;
let stack: AsyncDisposableStack;
let driver: BrokerDriver;
let url: string;
beforeAll(async () => {
	stack = new AsyncDisposableStack();
	sentinels = stack.use(await startSentinels());
	// The first one that is written is not there: the next ones are asked.
	const [nobody = 1] = await freePorts(1);
	url = `sentinel://127.0.0.1:${nobody}/0;${sentinels.url}?master_name=shop`;
	const { address } = must(parseBroker(url));
	driver = stack.use(createDriver(address, driverContext({ folder: '', password: null })));
	driver.connect();
	must(await driver.ready(60_000));
	must(await driver.ensureQueue(carrotQueue('held')));
}, 240_000);
afterAll(() => stack?.disposeAsync());

const message = (id: string) =>
	toQueue('held', 'x', { correlationId: id, contentType: 'text/plain', contentEncoding: 'utf-8' });
const there = async () => {
	const look = must(await driver.look('held', { limit: 1_000, deadlineMs: 20_000 }));
	return look.messages.map(({ properties }) => properties.correlationId ?? '').sort();
};

it('is examined from the sentinels on, and told what is wrong with them', async () => {
	const examine = async (text: string) => {
		const { address } = must(parseBroker(text));
		return createDoctor(address, driverContext({ folder: '', password: null }))(['held'], new AbortController().signal);
	};
	const steps = await examine(url);
	expect(steps.map(({ step }) => step)).toEqual(['address', 'tcp', 'login', 'database', 'server', 'rights', 'queues']);
	expect(steps[0]?.finding).toContain('"shop" by sentinels');
	const other = (await examine(url.replace('=shop', '=other'))).at(-1);
	expect(other).toMatchObject({ step: 'tcp', status: 'failed', cure: expect.stringContaining('SENTINEL MASTERS') });
	expect(other?.finding).toContain('knows no primary called "other"');
	const redis = (await examine(`sentinel://127.0.0.1:${sentinels.servers[0].port}?master_name=shop`)).at(-1);
	expect(redis?.finding).toContain('this is no sentinel but a Redis itself');
}, 120_000);

it('loses nothing that was confirmed and replicated when the primary dies, and goes on with the next one', async () => {
	const confirmed: string[] = [];
	const publish = async (id: string) => {
		const sent = await driver.publish(message(id));
		if (sent.ok) confirmed.push(id);
		return sent.ok;
	};
	for (let n = 0; n < 50; n += 1) expect(await publish(`before-${n}`)).toBe(true);
	// Whichever it is by now: a machine that stood still for long may have seen a fail-over already.
	const at = await sentinels.primary();
	const [one, other] = sentinels.servers;
	const [old, next] = one.port === at ? [one, other] : [other, one];
	await sentinels.replicated(old, next);
	await old.kill9();
	let n = 0;
	await waitFor('a message to be taken again', () => publish(`after-${n++}`), MINUTES);
	expect(await sentinels.primary()).toBe(next.port);
	expect(driver.state().kind).toBe('connected');
	const known = await there();
	expect(confirmed.filter((id) => !known.includes(id))).toEqual([]);

	// The old one comes back as a replica, and nobody is misled by it.
	await old.start();
	await waitFor(
		'the old one to follow',
		async () => (await old.cli('INFO', 'replication')).includes('role:slave'),
		MINUTES,
	);
	expect(await publish('last')).toBe(true);
	expect(await there()).toContain('last');
}, 400_000);
