/** How much waited over time, on the screen: the built-in broker's queue, and the cluster and queue of a django-q site in a real Redis. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '#test/support/brokers.ts';
import { warren } from '#test/support/cli.ts';
import {
	accessibilityFaults,
	openBrowser,
	openConsole,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { startBeating } from '#test/support/heartbeats.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { startRedis } from '#test/support/redis.ts';

const PATIENT = { timeout: 60_000 };
const SITE = { prefix: 'shop', secretKey: 'a secret of this test' };
let browser: Browser;
let served: ServedConsole;
beforeAll(async () => {
	[browser, served] = await Promise.all([openBrowser(), serveConsole()]);
});
afterAll(async () => {
	await served?.[Symbol.asyncDispose]();
	await browser?.close();
});

/** Kept where WARREN_TEST_PICTURES names a folder, for people to look at. */
async function picture(page: Page, name: string): Promise<void> {
	const folder = process.env.WARREN_TEST_PICTURES;
	if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` });
}
/** How many points of a drawing have a colour. */
const inked = (page: Page, chart: string) =>
	page
		.getByRole('slider', { name: `${chart}: moment` })
		.locator('canvas')
		.evaluate((element) => {
			const canvas = element as unknown as {
				readonly width: number;
				readonly height: number;
				getContext(kind: '2d'): { getImageData(...at: number[]): { readonly data: Uint8ClampedArray } };
			};
			const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
			return data.filter((value, index) => index % 4 === 3 && value > 0).length;
		});

describe('a queue over time', () => {
	test('is drawn as it is sampled, told by the keyboard and as a table, in both themes and a narrow window', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'dark' });
		const { page } = opened;
		await opened.go('sandbox/queues');
		const row = page.getByRole('table', { name: 'Queues' }).getByRole('row').filter({ hasText: 'default' });
		await row.getByRole('button', { name: 'History' }).click();
		const drawer = page.getByRole('complementary', { name: 'Queue default' });
		await drawer.getByRole('heading', { name: 'History' }).waitFor();
		const plot = page.getByRole('slider', { name: 'Messages: moment' });
		await plot.waitFor(PATIENT);
		expect(await inked(page, 'Messages')).toBeGreaterThan(100);

		// The latest moment without pointing, another by the keyboard, and none again where it leaves.
		expect(await plot.getAttribute('aria-valuetext')).toMatch(/ready \d+.*, unacked \d+.*, total \d+/);
		const before = await plot.boundingBox();
		await plot.focus();
		await page.keyboard.press('Home');
		expect(await plot.getAttribute('aria-valuenow')).toBe('0');
		expect(await plot.getAttribute('aria-valuetext')).toContain('ready –');
		expect(await plot.boundingBox()).toEqual(before);
		await page.keyboard.press('Tab');
		expect(await plot.getAttribute('aria-valuenow')).not.toBe('0');

		// By the pointer.
		await plot.hover({ position: { x: 60, y: 60 } });
		await drawer.getByText(/ready/).first().waitFor();
		expect(await plot.boundingBox()).toEqual(before);
		await picture(page, 'queue-history-dark');

		const messages = drawer.getByRole('figure', { name: 'Messages' });
		await messages.getByRole('button', { name: 'Show as a table' }).click();
		await messages.getByRole('columnheader', { name: 'ready, messages' }).waitFor();
		expect(await messages.getByRole('row').count()).toBeGreaterThan(30);
		await messages.getByRole('button', { name: 'Show the chart' }).click();
		await plot.waitFor();
		await drawer.getByRole('radio', { name: '7 d' }).click();
		await messages.getByText(/^\w{3} \d+ \w{3} \d{4}/).waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);

		await page.emulateMedia({ colorScheme: 'light' });
		await drawer.getByRole('radio', { name: '1 h' }).click();
		await picture(page, 'queue-history-light');
		expect(await accessibilityFaults(page)).toEqual([]);
		await page.setViewportSize({ width: 420, height: 800 });
		await expect.poll(async () => ((await plot.boundingBox())?.width ?? 999) < 420, PATIENT).toBe(true);
		await picture(page, 'queue-history-narrow');
		expect(opened.trouble).toEqual([]);
	});

	test('that nobody has measured says so and draws no noughts', async () => {
		const added = await warren(served.home, [
			'profile',
			'add',
			'far',
			'--framework',
			'carrot',
			'--broker',
			'amqp://127.0.0.1:1',
		]);
		expect(added).toMatchObject({ code: 0 });
		await using opened = await openConsole(browser, served, { colorScheme: 'light' });
		const { page } = opened;
		await opened.go('far/queues?item=orders');
		const drawer = page.getByRole('complementary', { name: 'Queue orders' });
		await drawer
			.getByText(/This queue was not measured in this time/)
			.first()
			.waitFor(PATIENT);
		expect(await page.getByRole('slider').count()).toBe(0);
		await picture(page, 'queue-history-empty');
		expect(opened.trouble).toEqual([]);
	});
});

describe('a cluster over time', () => {
	test('has TQ, RQ, pool and restarts, and the queue that bears the name of its site', async () => {
		await using stack = new AsyncDisposableStack();
		const redis = stack.use(await startRedis());
		const keyspace = stack.use(await openKeyspace(redis.url));
		const beating = stack.use(startBeating(keyspace, SITE));
		const words = ['profile', 'add', 'shop', '--framework', 'django-q', '--broker', redis.url, '--prefix', SITE.prefix];
		const added = await warren(served.home, [...words, '--secret-key-stdin'], { stdin: `${SITE.secretKey}\n` });
		expect(added).toMatchObject({ code: 0 });
		const id = '11111111-56a1-43f5-9dc6-111111111111';
		await beating.beat({
			id,
			host: 'worker-1',
			status: 'Working',
			workers: [1, 2, 3, 4],
			taskQueue: 7,
			resultQueue: 2,
			reincarnations: 3,
			bornAt: Date.now() - 60_000,
		});
		must(await keyspace.call('RPUSH', 'django_q:shop:q', 'no packet'));
		await using opened = await openConsole(browser, served, { colorScheme: 'dark' });
		const { page } = opened;
		await opened.go(`shop/workers?item=${id}`);
		const inside = page.getByRole('slider', { name: 'In the cluster: moment' });
		await inside.waitFor(PATIENT);
		expect(await inside.getAttribute('aria-valuetext')).toMatch(/TQ 7, RQ 2/);
		expect(
			await page.getByRole('slider', { name: 'Pool and restarts: moment' }).getAttribute('aria-valuetext'),
		).toMatch(/pool 4, RC 3/);
		await page.getByRole('heading', { name: 'Queue shop' }).waitFor(PATIENT);
		await picture(page, 'cluster-history-dark');
		expect(await accessibilityFaults(page)).toEqual([]);
		expect(opened.trouble).toEqual([]);
	});
});
