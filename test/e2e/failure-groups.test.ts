import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '#main/domain/log.ts';
import { openStore } from '#main/store/client.ts';
import { accessibilityFaults, openBrowser, openConsole, rowsOf, serveConsole } from '#test/support/console.ts';
import { failed, finished, SUCCEEDED, started } from '#test/support/history.ts';

let browser: Browser;
beforeAll(async () => {
	browser = await openBrowser();
});
afterAll(() => browser?.close());

const groupsOf = (page: Page) => page.getByRole('list', { name: 'Failures by cause' }).locator('button[data-key]');

describe('failures by cause', () => {
	test('open first, say why they are together, are requeued and resolved by key, and can be seen task by task', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByRole('button', { name: 'Start the consumer' }).click();
		await page.getByRole('button', { name: 'Failed 7' }).click();
		await page.getByText(/7 failures/).waitFor();
		const group = groupsOf(page).filter({ hasText: 'GatewayTimeout' });
		await group.click();
		await page.getByRole('heading', { name: 'Why these are together' }).waitFor();
		const details = page.getByRole('toolbar', { name: 'This group' });
		await details.getByRole('button', { name: /^Requeue/ }).waitFor();
		// Seven failures of a sandbox are no sample: it says so rather than name a cause.
		await page.getByRole('region', { name: 'What differs' }).getByText('are too few to compare').waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);

		// A task of the group opens in the drawer.
		await page.getByRole('list', { name: 'Newest failed tasks of this group' }).getByRole('button').first().click();
		await page.getByRole('complementary').getByText('your code').first().waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('complementary').waitFor({ state: 'detached' });

		// What R does is about the whole group, reviewed.
		const others = await groupsOf(page).count();
		await group.focus();
		await page.keyboard.press('r');
		await page
			.getByRole('alertdialog')
			.getByRole('button', { name: /^Requeue/ })
			.click();
		await page.getByText(/tasks? requeued/).waitFor();

		const next = groupsOf(page).last();
		await next.focus();
		await page.keyboard.press('m');
		await page.getByText(/^Resolved group/).waitFor();
		await page.getByRole('checkbox', { name: /resolved or ignored/ }).waitFor();
		expect(await groupsOf(page).count()).toBeLessThan(others);

		await page.keyboard.press('g');
		await rowsOf(page).first().waitFor();
		await page.reload();
		await opened.go('sandbox/failed');
		await rowsOf(page).first().waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('show in which field failing runs differ, and a value opens the tasks that have it', async () => {
		const home = await mkdtemp(join(tmpdir(), 'warren-differs-'));
		try {
			await seed(home);
			await using served = await serveConsole({ home });
			await using opened = await openConsole(browser, served);
			const { page } = opened;
			await opened.go('sandbox/failed');
			await groupsOf(page).filter({ hasText: 'TaxError' }).click();
			const region = page.getByRole('region', { name: 'What differs' });
			await region.getByRole('rowheader', { name: 'kwargs.order.country' }).waitFor();
			expect(await region.getByRole('row').nth(1).innerText()).toMatch(
				/kwargs\.order\.country\s+100 %\s+"FR"\s+100 100 %\s+0 0 %/,
			);
			await region.getByText('100 failing and 300 succeeding runs of shop.tasks.charge').waitFor();
			expect(await accessibilityFaults(page)).toEqual([]);
			await region.getByRole('button', { name: '"FR"' }).click();
			await page.getByText('100 failures match').waitFor();
			expect(opened.trouble).toEqual([]);
		} finally {
			await rm(home, { recursive: true, force: true, maxRetries: 5 });
		}
	});
});

/** A history in which orders from one country fail. */
async function seed(home: string): Promise<void> {
	const thread = new URL('../../src-main/store/thread.ts', import.meta.url);
	const store = await openStore({ home, thread, log: silentLog });
	if (!store.ok) throw new Error(store.error.message);
	await using open = store.value;
	const from = Date.now() - 3_600_000;
	await open.history.apply(
		Array.from({ length: 400 }, (_, at) => {
			const country = ['FR', 'DE', 'IT', 'ES'][at % 4];
			const made = {
				id: `t${at}`,
				name: 'shop.tasks.charge',
				kwargs: { order: { country, id: at } },
				worker: `w${at % 3}`,
			};
			const outcome = country === 'FR' ? failed('shop.TaxError', `no tax for order ${at}`) : SUCCEEDED;
			const began = from + at * 1_000;
			return [started(began, `run-${at}`, made), finished(began + 400, `run-${at}`, outcome)];
		}).flat(),
	);
}
