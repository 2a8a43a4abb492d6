/** The queue behind django-q's clusters on the screen: thousands of packets in a real Redis; and how its profile is made and its alarms set. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { signatureOf } from '#main/dialects/django-q/check.ts';
import { readPacketMessage } from '#main/dialects/django-q/message.ts';
import { must } from '#test/support/brokers.ts';
import { warren } from '#test/support/cli.ts';
import {
	accessibilityFaults,
	openBrowser,
	openConsole,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { type Beating, startBeating } from '#test/support/heartbeats.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { packetText } from '#test/support/packets.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const SITE = { prefix: 'shop', secretKey: 'a secret of this test' };
const COUNT = 3_000;
const PATIENCE = { timeout: 60_000 };
let browser: Browser;
let served: ServedConsole;
let redis: RedisServer;
let keyspace: Keyspace;
let beating: Beating;

/** Every tenth sends mails, in groups of a hundred; one is signed by somebody else. */
function packet(n: number): string {
	const id = n.toString(16).padStart(32, '0');
	const mail = n % 10 === 0;
	const name = mail ? 'shop.mails.send' : 'shop.stock.count';
	const secretKey = n === 7 ? 'not the key' : SITE.secretKey;
	const group = mail ? `batch ${Math.floor(n / 1_000)}` : null;
	return packetText({ ...SITE, secretKey }, { id, name, argument: n, group, at: Date.now() - (COUNT - n) * 1_000 });
}

beforeAll(async () => {
	[browser, served, redis] = await Promise.all([openBrowser(), serveConsole(), startRedis({ own: true })]);
	keyspace = await openKeyspace(redis.url);
	beating = startBeating(keyspace, SITE);
	await beating.beat({
		id: '11111111-56a1-43f5-9dc6-111111111111',
		host: 'worker-1.shop.example',
		status: 'Idle',
		workers: [5_001],
		bornAt: Date.now() - 1_000,
	});
	const packets = Array.from({ length: COUNT }, (_, n) => packet(n));
	must(await keyspace.call('RPUSH', 'django_q:shop:q', ...packets));
});
afterAll(async () => {
	await beating?.[Symbol.asyncDispose]();
	await keyspace?.[Symbol.asyncDispose]();
	await redis?.[Symbol.asyncDispose]();
	await served?.[Symbol.asyncDispose]();
	await browser?.close();
});

const length = async (queue: string) => Number(must(await keyspace.call('LLEN', `django_q:${queue}:q`)));
/** Kept where WARREN_TEST_PICTURES names a folder, for people to look at. */
async function picture(page: Page, name: string): Promise<void> {
	const folder = process.env.WARREN_TEST_PICTURES;
	if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` });
}

describe("a site of django-q's", () => {
	test('is made of what is found in its Redis, and tested down to its key', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'light' });
		const { page } = opened;
		await opened.go('sandbox/settings');
		await page.getByRole('button', { name: 'Add a profile' }).click();
		const dialog = page.getByRole('dialog', { name: 'Add a profile' });
		await dialog.getByLabel('Name', { exact: true }).fill('shop');
		await dialog.getByLabel('Broker').fill(redis.url);
		await dialog.getByLabel('Framework').selectOption('django-q');
		await dialog.getByLabel('SECRET_KEY of the site').fill(SITE.secretKey);
		await dialog.getByRole('button', { name: 'Look for them' }).click();
		await dialog.getByLabel(/Clusters of shop: 1 on worker-1.*verified/).click(PATIENCE);
		await dialog.getByLabel(`Queue shop: ${COUNT} waiting`).click();
		expect(await dialog.getByLabel('Clusters, by comma').inputValue()).toBe('shop');
		expect(await dialog.getByLabel('Queues, by comma').inputValue()).toBe('shop');
		await dialog.getByRole('button', { name: 'Test', exact: true }).click();
		await dialog.getByText(/The SECRET_KEY verifies all 1 heartbeats/).waitFor(PATIENCE);
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'django-q-profile-light');
		await dialog.getByRole('button', { name: 'Save' }).click();
		await dialog.waitFor({ state: 'detached', ...PATIENCE });
		const shown = await warren(served.home, ['--json', 'profile', 'show', 'shop']);
		expect(JSON.parse(shown.stdout)).toMatchObject({
			framework: 'django-q',
			djangoQ: { prefixes: ['shop'] },
			queues: ['shop'],
			secrets: { django: true },
		});
		expect(opened.trouble).toEqual([]);
	});

	test('has a queue of thousands that is filtered, counted, opened and changed, and given back', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'dark' });
		const { page } = opened;
		await opened.go('shop/queues');
		await page
			.getByRole('table', { name: 'Queues' })
			.getByRole('button', { name: 'Look inside' })
			.first()
			.click(PATIENCE);
		const dialog = page.getByRole('dialog', { name: 'Waiting in shop' });
		await dialog.getByText('3,000 packets, next to run first').waitFor(PATIENCE);
		const grid = dialog.getByRole('grid', { name: 'Packets in shop' });
		await grid.getByText('shop.mails.send').first().waitFor();
		expect(await grid.getByRole('row').count()).toBeLessThan(60);
		await grid.getByText('▲ wrong').waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'packets-dark');
		// The far end is read when it is looked at.
		await grid.focus();
		await page.keyboard.press('End');
		await grid.getByText('2,999').waitFor(PATIENCE);

		await dialog.getByRole('button', { name: 'Count by group' }).click();
		const groups = dialog.getByRole('region', { name: 'Packets by group' });
		await groups.getByRole('button', { name: /batch 2/ }).waitFor(PATIENCE);
		await picture(page, 'packets-groups-dark');
		await groups.getByRole('button', { name: /batch 2/ }).click();
		await dialog.getByText('100 packets found among the first 2,991 of 3,000.').waitFor(PATIENCE);
		await grid.getByText('shop.mails.send').first().click();
		const detail = dialog.getByRole('region', { name: 'The packet' });
		await detail.getByText('right (sha256)').waitFor(PATIENCE);
		await detail.getByText('batch 2', { exact: true }).waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'packet-open-dark');

		// Escape leaves the field that asks where to, and not the list of packets; the keyboard is back where it was.
		const move = dialog.getByRole('button', { name: 'Move…' });
		await move.click();
		const where = dialog.getByRole('combobox', { name: 'Move to the queue' });
		await waitFor(
			'the keyboard in the field',
			async () => (await dialog.locator(':focus').getAttribute('role')) === 'combobox',
			PATIENCE.timeout,
		);
		await where.press('Escape');
		await where.waitFor({ state: 'detached', ...PATIENCE });
		expect(await dialog.isVisible()).toBe(true);
		expect(await dialog.locator(':focus').innerText()).toContain('Move…');

		// All that the filter finds is held back after a question, and given back from the list of changes.
		await dialog.getByRole('button', { name: 'Hold back' }).click();
		const question = page.getByRole('alertdialog', { name: /Hold back 100 messages/ });
		await question.getByRole('button', { name: 'Hold back 100 messages' }).click(PATIENCE);
		await waitFor('them to be held', async () => (await length('shop:held')) === 100, PATIENCE.timeout);
		expect(await length('shop')).toBe(COUNT - 100);
		await page.getByText('100 messages held back').waitFor(PATIENCE);
		await dialog.press('u');
		const changes = page.getByRole('dialog', { name: 'Changes and undo' });
		await changes.getByText('Held 100 packets of shop back').waitFor(PATIENCE);
		await changes.getByRole('button', { name: 'Take back' }).first().click(PATIENCE);
		await waitFor('them to be back', async () => (await length('shop')) === COUNT, PATIENCE.timeout);
		expect(await length('shop:held')).toBe(0);
		expect(opened.trouble).toEqual([]);
	});

	test('has a packet enqueued once more with other arguments, and the copy taken back from within the dialog', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'dark' });
		const { page } = opened;
		await opened.go('shop/queues');
		await page
			.getByRole('table', { name: 'Queues' })
			.getByRole('button', { name: 'Look inside' })
			.first()
			.click(PATIENCE);
		const dialog = page.getByRole('dialog', { name: 'Waiting in shop' });
		await dialog.getByRole('grid', { name: 'Packets in shop' }).getByText('shop.stock.count').first().click(PATIENCE);
		const detail = dialog.getByRole('region', { name: 'The packet' });
		await detail.getByRole('button', { name: 'Enqueue a copy' }).click(PATIENCE);
		const copy = page.getByRole('dialog', { name: 'Enqueue a copy' });
		const args = copy.getByLabel('Positional arguments, as Python writes them');
		await waitFor('its arguments', async () => (await args.inputValue()) !== '', PATIENCE.timeout);
		await copy.getByRole('button', { name: 'Enqueue it as it is' }).waitFor();
		await args.fill('open(');
		await copy.getByRole('button', { name: 'Enqueue it with these arguments' }).waitFor();
		expect(await copy.getByRole('button', { name: 'Enqueue it with these arguments' }).isDisabled()).toBe(true);
		await args.fill("b'\\x00', {7}");
		await waitFor(
			'them to be read',
			async () => copy.getByRole('button', { name: 'Enqueue it with these arguments' }).isEnabled(),
			PATIENCE.timeout,
		);
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'packet-copy-dark');
		await copy.getByRole('button', { name: 'Enqueue it with these arguments' }).click();
		await waitFor('the copy', async () => (await length('shop')) === COUNT + 1, PATIENCE.timeout);
		await copy.waitFor({ state: 'detached', ...PATIENCE });
		const [last] = must(await keyspace.call('LRANGE', 'django_q:shop:q', -1, -1)) as readonly string[];
		const read = readPacketMessage(Buffer.from(last ?? '', 'latin1'));
		expect(read).toMatchObject({
			task: { name: 'shop.stock.count', call: { args: [{ kind: 'bytes', base64: 'AA==' }, { kind: 'set' }] } },
		});
		if (read.packet === null) throw new Error('The copy is no packet.');
		const check = { secretKey: SITE.secretKey, prefixes: [SITE.prefix], expected: null, keyProven: false };
		expect(signatureOf(read.packet, check).verified).toBe(true);

		// The list is still open, and the way back is in reach.
		await page.getByRole('button', { name: 'Undo', exact: true }).click(PATIENCE);
		await waitFor('the copy to be gone', async () => (await length('shop')) === COUNT, PATIENCE.timeout);
		await dialog.getByText('3,000 packets, next to run first').waitFor(PATIENCE);
		expect(opened.trouble).toEqual([]);
	});

	test('says in the dialog that the broker does not answer, keeps what was read, changes nothing, and goes on once it is back', async () => {
		await using server = await startRedis({ own: true });
		await using writer = await openKeyspace(server.url);
		must(await writer.call('RPUSH', 'django_q:shop:q', ...Array.from({ length: 20 }, (_, n) => packet(n))));
		const add = ['profile', 'add', 'fragile', '--framework', 'django-q', '--broker', server.url, '--prefix', 'shop'];
		expect(await warren(served.home, add)).toMatchObject({ code: 0 });
		await using opened = await openConsole(browser, served, { colorScheme: 'light' });
		const { page } = opened;
		await opened.go('fragile/queues');
		await page
			.getByRole('table', { name: 'Queues' })
			.getByRole('button', { name: 'Look inside' })
			.first()
			.click(PATIENCE);
		const dialog = page.getByRole('dialog', { name: 'Waiting in shop' });
		const grid = dialog.getByRole('grid', { name: 'Packets in shop' });
		await grid.getByText('shop.stock.count').first().click(PATIENCE);
		const detail = dialog.getByRole('region', { name: 'The packet' });
		await detail.getByRole('button', { name: 'Enqueue a copy' }).waitFor(PATIENCE);
		await grid.getByRole('checkbox').first().check();
		await dialog.getByText('1 packet ticked').waitFor();
		await dialog.getByRole('button', { name: 'Purge the queue' }).click();
		const question = page.getByRole('alertdialog', { name: 'Purge 20 messages' });
		await question.getByLabel('Type shop to confirm').fill('shop', PATIENCE);
		const purge = question.getByRole('button', { name: 'Purge 20 messages' });
		expect(await purge.isEnabled()).toBe(true);

		await server.kill9();
		const broker = `redis 127.0.0.1:${server.port}/0 does not answer.`;
		await question.getByText(broker).waitFor(PATIENCE);
		expect(await purge.isDisabled()).toBe(true);
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'packets-purge-gone-light');
		await question.getByRole('button', { name: 'Cancel' }).click();
		await dialog.getByRole('status').getByText(broker).waitFor();
		await dialog.getByText(/What you see is as it was/).waitFor();
		expect(await grid.getByText('shop.stock.count').count()).toBeGreaterThan(10);
		for (const name of [
			'Run next',
			'Hold back',
			'Move…',
			'Delete',
			'Purge the queue',
			'Filter',
			'Count by group',
			'Look again',
		]) {
			const button = dialog.getByRole('button', { name, exact: true });
			expect(await button.isDisabled(), name).toBe(true);
			expect(await button.getAttribute('title'), name).toBe(broker);
		}
		expect(await detail.getByRole('button', { name: 'Enqueue a copy' }).isDisabled()).toBe(true);
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'packets-gone-light');

		await server.start();
		await dialog
			.getByRole('status')
			.getByText(broker)
			.waitFor({ state: 'detached', ...PATIENCE });
		await dialog.getByText('20 packets, next to run first').waitFor(PATIENCE);
		// What was ticked still is.
		await dialog.getByText('1 packet ticked').waitFor();
		expect(await dialog.getByRole('button', { name: 'Delete' }).isEnabled()).toBe(true);
		expect(await dialog.getByRole('button', { name: 'Filter' }).isEnabled()).toBe(true);
		expect(opened.trouble).toEqual([]);
	});

	test('shows its queue and the rules of its alarms in a narrow window in the light', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'light' });
		const { page } = opened;
		await opened.go('shop/settings');
		const rules = page.getByRole('table', { name: 'Alarm rules' });
		await rules.getByRole('switch', { name: 'A queue is long' }).click(PATIENCE);
		await page.getByLabel('A queue is long: from').fill('many');
		await page.getByText('A number, 0 or more').waitFor();
		expect(await page.getByRole('button', { name: 'Save the rules' }).isDisabled()).toBe(true);
		await page.getByLabel('A queue is long: from').fill('2500');
		await page.getByLabel('A queue is long: for at least').fill('0s');
		await page.getByLabel('Quiet hours').fill('22:00-07:00');
		await page.getByRole('button', { name: 'Save the rules' }).click();
		await page.getByText('The alarm rules are saved').waitFor(PATIENCE);
		const list = await warren(served.home, ['--json', '--profile', 'shop', 'alarm', 'list']);
		const { rules: kept, quiet } = JSON.parse(list.stdout);
		expect(quiet).toEqual({ from: 1_320, to: 420 });
		expect(kept).toContainEqual(
			expect.objectContaining({ rule: 'queue-length', enabled: true, threshold: 2_500, forMs: 0 }),
		);
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'alarm-rules-light');

		await page.setViewportSize({ width: 620, height: 800 });
		await picture(page, 'alarm-rules-narrow');
		await opened.go('shop/queues');
		await page
			.getByRole('table', { name: 'Queues' })
			.getByRole('button', { name: 'Look inside' })
			.first()
			.click(PATIENCE);
		await page.getByText('3,000 packets, next to run first').waitFor(PATIENCE);
		await picture(page, 'packets-narrow-light');
		expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
		expect(await accessibilityFaults(page)).toEqual([]);
		expect(opened.trouble).toEqual([]);
	});
});
