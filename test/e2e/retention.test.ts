/** What history keeps, by click: what would go is shown while it is typed, saved, and cleaned up after a question. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';
import { openBrowser, openConsole, serveConsole } from '#test/support/console.ts';

let browser: Browser;
beforeAll(async () => {
	browser = await openBrowser();
});
afterAll(() => browser?.close());

describe('retention in the settings', () => {
	test('is previewed while it is typed, refused at its field, saved, and carried out once its name is typed', async () => {
		await using served = await serveConsole();
		await warrenJson(served.home, ['profile', 'edit', 'sandbox', '--environment', 'production']);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByRole('button', { name: 'Start the consumer' }).click();
		await page.getByRole('button', { name: 'Completed 7' }).waitFor();
		await page.getByRole('button', { name: 'Failed 7' }).waitFor();
		await page.keyboard.press('9');
		const rules = page.getByRole('table', { name: 'Rules' });
		const row = (state: string) => rules.getByRole('row').filter({ has: page.getByRole('rowheader', { name: state }) });
		await row('Succeeded').getByText('nothing').waitFor();
		expect(await rules.getByRole('textbox', { name: 'Remove succeeded after' }).inputValue()).toBe('3d');

		await rules.getByRole('textbox', { name: 'Remove failed after' }).fill('soon');
		await row('Failed')
			.getByText(/is no time/)
			.waitFor();
		await rules.getByRole('textbox', { name: 'Remove failed after' }).fill('');
		await rules.getByRole('textbox', { name: 'Keep the newest succeeded' }).fill('2');
		await row('Succeeded').getByText('5', { exact: false }).first().waitFor();
		await page.getByText('5 records would go now.').waitFor();
		expect(await page.getByRole('button', { name: 'Clean up now…' }).isDisabled()).toBe(true);
		await page.getByRole('button', { name: 'Save', exact: true }).click();
		await page.getByText('What is kept is saved').waitFor();

		await page.getByRole('button', { name: 'Clean up now…' }).click();
		const question = page.getByRole('alertdialog', { name: 'Remove 5 records of sandbox' });
		await question.getByText(/5 succeeded, the oldest from/).waitFor();
		const go = question.getByRole('button', { name: 'Remove 5 records of sandbox' });
		expect(await go.isDisabled()).toBe(true);
		await question.getByRole('textbox').fill('sandbox');
		await go.click();
		await page.getByText('5 records removed').waitFor();
		await page.getByRole('button', { name: 'Completed 2' }).waitFor();
		await page.getByText(/Last cleaned up/).waitFor();

		await page.getByRole('button', { name: 'As out of the box' }).click();
		const shown = rules.getByRole('textbox', { name: 'Keep the newest succeeded' });
		await page.getByRole('button', { name: 'As out of the box' }).waitFor({ state: 'detached' });
		expect(await shown.inputValue()).toBe('');
		expect(opened.trouble).toEqual([]);
	});
});
