/** Careful hands: production asks for the name, read-only locks and says why, a lost engine is said, a running task is followed. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';
import { openBrowser, openConsole, rowsOf, serveConsole } from '#test/support/console.ts';
import { waitFor } from '#test/support/wait.ts';

let browser: Browser;
beforeAll(async () => {
	browser = await openBrowser();
});
afterAll(() => browser?.close());

describe('a profile of production', () => {
	test('shows it in band, tag and footer, and deletes only once its name was typed', async () => {
		await using served = await serveConsole();
		await warrenJson(served.home, ['profile', 'edit', 'sandbox', '--environment', 'production']);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByRole('contentinfo').getByText('production').waitFor();
		await page.getByRole('navigation').getByText('production').waitFor();
		const height = await page.evaluate('document.querySelector(".band .band").getBoundingClientRect().height');
		expect(height).toBe(3);

		await rowsOf(page).first().getByRole('checkbox').click();
		await page.keyboard.press('Shift+D');
		const question = page.getByRole('alertdialog', { name: 'Delete 1 task' });
		const go = question.getByRole('button', { name: 'Delete 1 task' });
		await question.waitFor();
		expect(await go.isDisabled()).toBe(true);
		await question.getByRole('textbox').fill('sandbo');
		expect(await go.isDisabled()).toBe(true);
		await question.getByRole('textbox').fill('sandbox');
		await go.click();
		await page.getByText('1 task deleted').waitFor();
		await page.getByText(/^13/).first().waitFor();
		expect(opened.trouble).toEqual([]);
	});
});

describe('a read-only profile', () => {
	test('locks every button that changes something, and no key gets past it', async () => {
		await using served = await serveConsole();
		await warrenJson(served.home, ['profile', 'edit', 'sandbox', '--read-only']);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByRole('contentinfo').getByText('Read-only').waitFor();
		await rowsOf(page).first().click();
		const drawer = page.getByRole('complementary');
		await drawer.getByText('sandbox is read-only').waitFor();
		expect(await drawer.getByRole('button', { name: /^Requeue/ }).isDisabled()).toBe(true);
		expect(await drawer.getByRole('button', { name: /^Delete/ }).isDisabled()).toBe(true);
		expect(await page.getByRole('button', { name: /^Publish/ }).isDisabled()).toBe(true);
		for (const key of ['r', 'Shift+D', 'n']) await page.keyboard.press(key);
		expect(await page.getByRole('dialog').or(page.getByRole('alertdialog')).count()).toBe(0);
		await drawer.getByText('attempt 1 of 1').waitFor();
		expect(opened.trouble).toEqual([]);
	});
});

describe('a task that runs', () => {
	test('is followed line by line in the drawer, and its whole log can be searched afterwards', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByRole('button', { name: 'Start the consumer' }).click();
		await rowsOf(page).filter({ hasText: 'images.resize' }).click();
		const drawer = page.getByRole('complementary', { name: 'Task images.resize' });
		await drawer.getByText('Running', { exact: true }).waitFor();
		await drawer.getByRole('tab', { name: /^Log/ }).click();
		await drawer.getByRole('log').getByText(/64 px/).first().waitFor();
		await drawer.getByText('Succeeded').waitFor();
		await drawer.getByText('3 of 3 sizes done').waitFor();
		expect(opened.trouble).toEqual([]);
	});
});

describe('an engine that is gone', () => {
	test('is said, with what was read staying on the screen', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		// The page has settled: what is read while it opens is not what this is about.
		await waitFor('all tasks to be listed', async () => (await rowsOf(page).count()) === 14);
		await served.kill9();
		await page.getByText(/The engine does not answer since \d\d:\d\d/).waitFor();
		expect(await rowsOf(page).count()).toBe(14);
		await page.keyboard.press('n');
		await page.getByRole('dialog', { name: 'Publish a task' }).waitFor();
	});
});
