import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessibilityFaults, openBrowser, openConsole, rowsOf, serveConsole } from '#test/support/console.ts';

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
});
