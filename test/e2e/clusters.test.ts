/** django-q's clusters on the screen, from heartbeats in a real Redis. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { must } from '#test/support/brokers.ts';
import { warren } from '#test/support/cli.ts';
import {
	accessibilityFaults,
	openBrowser,
	openConsole,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { type BeatFacts, type Beating, startBeating } from '#test/support/heartbeats.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const SITE = { prefix: 'shop', secretKey: 'a secret of this test' };
const HOUR = 3_600_000;
let browser: Browser;
let served: ServedConsole;
let redis: RedisServer;
let keyspace: Keyspace;
let beating: Beating;

const cluster = (digit: string, host: string, more: Partial<BeatFacts> = {}): BeatFacts => ({
	id: `${digit.repeat(8)}-56a1-43f5-9dc6-${digit.repeat(12)}`,
	host,
	status: 'Idle',
	workers: [5_001, 5_002, 5_003, 5_004],
	bornAt: Date.now() - 3 * HOUR,
	...more,
});

beforeAll(async () => {
	[browser, served, redis] = await Promise.all([openBrowser(), serveConsole(), startRedis()]);
	keyspace = await openKeyspace(redis.url);
	beating = startBeating(keyspace, SITE);
	const words = ['profile', 'add', 'shop', '--framework', 'django-q', '--broker', redis.url, '--prefix', SITE.prefix];
	const added = await warren(served.home, [...words, '--secret-key-stdin'], { stdin: `${SITE.secretKey}\n` });
	expect(added).toMatchObject({ code: 0 });
});
afterAll(async () => {
	await beating?.[Symbol.asyncDispose]();
	await keyspace?.[Symbol.asyncDispose]();
	await redis?.[Symbol.asyncDispose]();
	await served?.[Symbol.asyncDispose]();
	await browser?.close();
});

const rowOf = (page: Page, id: string) =>
	page
		.getByRole('table', { name: 'Clusters' })
		.getByRole('row')
		.filter({ hasText: id.slice(-8) });
/** Kept where WARREN_TEST_PICTURES names a folder, for people to look at. */
async function picture(page: Page, name: string): Promise<void> {
	const folder = process.env.WARREN_TEST_PICTURES;
	if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png` });
}

describe('the clusters of a django-q profile', () => {
	const idle = cluster('1', 'worker-1.shop.example');
	const busy = cluster('2', 'worker-2.shop.example', {
		status: 'Working',
		taskQueue: 7,
		resultQueue: 2,
		reincarnations: 3,
		ahead: 90_000,
	});
	const killed = cluster('3', 'worker-3.shop.example', { status: 'Working', taskQueue: 4 });
	const leaving = cluster('4', 'worker-4.shop.example', { workers: [6_001] });

	test('stand still as they beat, say how each is, and tell one that was killed from one that stopped', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'dark' });
		const { page } = opened;
		for (const one of [idle, busy, killed, leaving]) await beating.beat(one);
		must(await keyspace.call('RPUSH', 'django_q:shop:q', 'no packet'));
		await opened.go('shop/workers');
		await rowOf(page, leaving.id).waitFor();
		await page.getByText('4 clusters beat').waitFor();
		await page.getByText(/busy with a single long task says so too/).waitFor();
		await rowOf(page, busy.id).getByText('Working').waitFor();
		await rowOf(page, busy.id)
			.getByText(/30 s ahead/)
			.waitFor();

		// A worker goes and does not come back; the row stays in its place, whatever the others do.
		await beating.beat({ ...idle, workers: [5_001, 5_002, 5_003] });
		await rowOf(page, idle.id).getByText('3 of 4').waitFor();
		await beating.silence(killed.id);
		await beating.beat({ ...leaving, status: 'Stopped', workers: [] });
		await rowOf(page, leaving.id).getByText('Stopped').waitFor();
		await beating.silence(leaving.id);
		await rowOf(page, killed.id).getByText('Lost').waitFor();
		await rowOf(page, leaving.id).getByText('Stopped').waitFor();
		await page
			.getByRole('list', { name: 'What seems wrong' })
			.getByText(/33333333 .*went without a word/)
			.waitFor();
		await page.getByText('2 clusters beat').waitFor();
		const ids = await page.getByRole('table', { name: 'Clusters' }).locator('button.id').allInnerTexts();
		expect(ids).toEqual(['11111111', '22222222', '33333333', '44444444']);
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'clusters-dark');

		// The processes of one, reached by the keyboard.
		await page.getByRole('button', { name: '11111111' }).focus();
		await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Enter');
		const drawer = page.getByRole('complementary', { name: 'Cluster 22222222' });
		await drawer.getByText('5001, 5002, 5003, 5004', { exact: true }).waitFor();
		await drawer.getByText('verified (sha256)').waitFor();
		await drawer.getByText(/"task_q_size": 7/).waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'clusters-drawer-dark');
		await page.keyboard.press('Escape');
		await drawer.waitFor({ state: 'detached' });

		await page.getByRole('button', { name: 'Take 33333333 off the list' }).click();
		await rowOf(page, killed.id).waitFor({ state: 'detached' });
		expect(opened.trouble).toEqual([]);
	});

	test('are held by a pause, sorted without moving afterwards, and fit a narrow window in the light', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'light' });
		const { page } = opened;
		await opened.go('shop/workers');
		await rowOf(page, busy.id).waitFor();
		await page.getByRole('button', { name: 'TQ' }).click();
		await page.getByRole('button', { name: 'TQ' }).click();
		const order = () => page.getByRole('table', { name: 'Clusters' }).locator('button.id').allInnerTexts();
		await waitFor('the busiest first', async () => ((await order())[0] === '22222222' ? true : null));
		await beating.beat({ ...idle, status: 'Working', taskQueue: 99 });
		await rowOf(page, idle.id).getByText('99').waitFor();
		expect((await order())[0]).toBe('22222222');

		await page.getByRole('button', { name: 'Pause' }).click();
		await page.getByText(/Paused; as it was/).waitFor();
		await beating.beat({ ...idle, status: 'Working', taskQueue: 42 });
		await page.getByText(/Paused; as it was [2-9] s ago/).waitFor();
		await rowOf(page, idle.id).getByText('99').waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);
		await page.getByRole('button', { name: 'Go on' }).click();
		await rowOf(page, idle.id).getByText('42').waitFor();
		await picture(page, 'clusters-light');

		await page.setViewportSize({ width: 620, height: 800 });
		await picture(page, 'clusters-narrow');
		expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
		expect(await accessibilityFaults(page)).toEqual([]);
		expect(opened.trouble).toEqual([]);
	});

	test('raise alarms that Attention shows, by rules that the command line sets while the console is open', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'dark' });
		const { page } = opened;
		await opened.go('shop/attention');
		const asked = cluster('5', 'worker-5.shop.example');
		await beating.beat(asked);
		await opened.go('shop/workers');
		await rowOf(page, asked.id).waitFor();
		await beating.silence(asked.id);
		await opened.go('shop/attention');
		const found = page.getByRole('list', { name: 'What needs you' });
		await found.getByText(/55555555 on worker-5\.shop\.example went without a word/).waitFor({ timeout: 60_000 });
		await page.getByRole('button', { name: 'Notify me of alarms' }).waitFor();

		must(await keyspace.call('RPUSH', 'django_q:shop:q', 'no packet', 'no packet'));
		const set = ['--profile', 'shop', 'alarm', 'set', 'queue-length', '--threshold', '2', '--for', '0s'];
		expect(await warren(served.home, set)).toMatchObject({ code: 0 });
		await found.getByText(/packets wait in shop/).waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);
		await picture(page, 'alarms-dark');

		const shown = await warren(served.home, ['--profile', 'shop', 'alarm', 'list']);
		expect(shown.stdout).toMatch(/ALARM +\d packets wait in shop/);
		expect(shown.stdout).toMatch(/queue-length +on +2 packets/);
		const off = await warren(served.home, ['--profile', 'shop', 'alarm', 'set', 'queue-length', '--off']);
		expect(off.code).toBe(0);
		await found.getByText(/packets wait in shop/).waitFor({ state: 'detached' });
		const wrong = await warren(served.home, ['--profile', 'shop', 'alarm', 'set', 'no-cluster', '--threshold', '3']);
		expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('no threshold') });
		expect(opened.trouble).toEqual([]);
	});
});
