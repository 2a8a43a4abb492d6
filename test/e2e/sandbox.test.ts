import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, openConsole, rowsOf, serveConsole } from '#test/support/console.ts';
import { waitFor } from '#test/support/wait.ts';

let browser: Browser;
beforeAll(async () => {
	browser = await openBrowser();
});
afterAll(() => browser?.close());

describe("a newcomer's first minute", () => {
	test('shows a failure, its traceback, and a requeue that succeeds, with nothing installed', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;

		await page.getByText(/14 sample tasks wait/).waitFor();
		expect(await rowsOf(page).count()).toBe(14);
		await page.getByRole('button', { name: 'Start the consumer' }).click();

		await page.getByRole('button', { name: /^Failed/ }).click();
		await page.getByRole('radio', { name: 'Tasks' }).click();
		const charge = rowsOf(page).filter({ hasText: 'GatewayTimeout' });
		await charge.click();
		await page.getByRole('tab', { name: 'Traceback', selected: true }).waitFor();
		const drawer = page.getByRole('complementary', { name: 'Task orders.charge_card' });
		await drawer.getByText('chargeCard').or(drawer.getByText('charge_card')).first().waitFor();
		await drawer.getByText('your code').first().waitFor();

		await drawer.getByRole('button', { name: /^Requeue/ }).click();
		await drawer.getByText('attempt 2 of 2').waitFor();
		await drawer.getByText('Succeeded').waitFor();
		await page.getByText('1 task requeued').waitFor();

		// The failed attempt stays, with its traceback.
		await drawer.getByRole('tab', { name: /Attempts/ }).click();
		const attempts = drawer.getByRole('list', { name: 'Attempts' }).getByRole('listitem');
		expect(await attempts.count()).toBe(2);
		await attempts.nth(1).getByRole('button').first().click();
		await drawer.getByText('attempt 1 of 2').waitFor();
		await attempts.nth(1).getByRole('button', { name: 'Traceback' }).click();
		await drawer.getByText('GatewayTimeout').first().waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('a reload comes back to the same task', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await rowsOf(page).filter({ hasText: 'orders.confirm' }).click();
		await page.getByRole('complementary', { name: 'Task orders.confirm' }).waitFor();
		await page.reload();
		await page.getByRole('complementary', { name: 'Task orders.confirm' }).waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('several tasks are requeued and deleted with exact counts, by key', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByRole('button', { name: 'Start the consumer' }).click();
		await page.getByRole('button', { name: /^Failed/ }).click();
		await page.getByRole('radio', { name: 'Tasks' }).click();
		await page.getByText(/7 failures/).waitFor();
		await rowsOf(page).nth(0).getByRole('checkbox').click();
		await rowsOf(page)
			.nth(2)
			.getByRole('checkbox')
			.click({ modifiers: ['Shift'] });
		await page
			.getByRole('toolbar')
			.getByRole('button', { name: /^Requeue 3 tasks/ })
			.waitFor();

		// Without Shift the key destroys nothing.
		await page.keyboard.press('d');
		expect(await page.getByRole('alertdialog').count()).toBe(0);
		await page.keyboard.press('Shift+D');
		const question = page.getByRole('alertdialog', { name: 'Delete 3 tasks' });
		await question.getByRole('button', { name: 'Delete 3 tasks' }).click();
		await page.getByText('3 tasks deleted').waitFor();
		await waitFor('four rows', async () => (await rowsOf(page).count()) === 4);

		await page.getByRole('checkbox', { name: 'Tick everything that matches' }).click();
		await page.keyboard.press('r');
		await page
			.getByRole('alertdialog', { name: 'Requeue 4 tasks' })
			.getByRole('button', { name: 'Requeue 4 tasks' })
			.click();
		await page.getByText('4 tasks requeued').waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('a task is published from the dialog, with a mistake shown at its place first', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByText(/sample tasks wait/).waitFor();
		await page.keyboard.press('n');
		const dialog = page.getByRole('dialog', { name: 'Publish a task' });
		await dialog.getByRole('combobox', { name: 'Task' }).fill('orders.total');
		await dialog.getByRole('textbox', { name: /Positional/ }).fill("1, 'two");
		await dialog.getByText(/Column \d+:/).waitFor();
		expect(await dialog.getByRole('button', { name: 'Publish', exact: true }).isDisabled()).toBe(true);
		await dialog.getByRole('textbox', { name: /Positional/ }).fill('9007199254740993, 2');
		await dialog.getByText('{"args": [9007199254740993, 2]}').waitFor();
		await dialog.getByRole('button', { name: 'Publish', exact: true }).click();
		await page.getByText('1 task published to default').waitFor();
		// Under the pointer nothing moves: the new row is counted, and shown when asked for.
		await page.keyboard.press('.');
		await rowsOf(page).filter({ hasText: '9007199254740993, 2' }).waitFor();
		expect(opened.trouble).toEqual([]);
	});
});
