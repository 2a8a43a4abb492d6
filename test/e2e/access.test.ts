/** Everybody can use it: axe on every view and dialog in both themes, the keyboard alone, a narrow window. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	cutOffAt,
	faultsInBothThemes,
	openBrowser,
	openConsole,
	rowsOf,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { waitFor } from '#test/support/wait.ts';

let browser: Browser;
let served: ServedConsole;
beforeAll(async () => {
	[browser, served] = await Promise.all([openBrowser(), serveConsole()]);
	// Something in every list: run the samples once.
	await using opened = await openConsole(browser, served);
	await opened.page.getByRole('button', { name: 'Start the consumer' }).click();
	await opened.page.getByRole('button', { name: 'Completed 7' }).waitFor();
	await opened.page.getByRole('button', { name: 'Failed 7' }).waitFor();
});
afterAll(async () => {
	await served?.[Symbol.asyncDispose]();
	await browser?.close();
});

const VIEWS: readonly (readonly [string, (page: Page) => Promise<void>])[] = [
	['attention', (page) => page.getByRole('heading', { name: /failed/ }).waitFor()],
	['queued', (page) => page.getByText('Nothing waits').waitFor()],
	['failed', (page) => page.getByRole('list', { name: 'Failures by cause' }).getByRole('button').first().waitFor()],
	['failed?part=tasks', (page) => rowsOf(page).first().waitFor()],
	['completed', (page) => rowsOf(page).first().waitFor()],
	['scheduled', (page) => page.getByText('No schedules').waitFor()],
	['queues', (page) => page.getByRole('table', { name: 'Queues' }).waitFor()],
	['workers', (page) => page.getByRole('list', { name: 'Slots' }).waitFor()],
	['quarantine', (page) => rowsOf(page).first().waitFor()],
	['console', (page) => page.getByText(/lines? from sandbox/).waitFor()],
	['settings', (page) => page.getByRole('heading', { name: 'Appearance' }).waitFor()],
];
const TABS = ['Overview', 'Arguments', 'Traceback', 'Log', 'Attempts', 'Message'] as const;

describe('in the light theme and in the dark one', () => {
	test.each(VIEWS)('%s has no fault that axe can find', async (view, there) => {
		await using opened = await openConsole(browser, served);
		await opened.go(`sandbox/${view}`);
		await there(opened.page);
		expect(await faultsInBothThemes(opened.page)).toEqual([]);
		expect(opened.trouble).toEqual([]);
	});

	test('the drawer has none in any of its tabs, nor has a list with ticks', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/failed?part=tasks');
		await rowsOf(page).filter({ hasText: 'PaymentDeclined' }).click();
		for (const tab of TABS) {
			await page.getByRole('tab', { name: tab }).click();
			await page.getByRole('tabpanel', { name: tab }).waitFor();
			expect(await faultsInBothThemes(page), tab).toEqual([]);
		}
		await rowsOf(page).first().getByRole('checkbox').click();
		expect(await faultsInBothThemes(page)).toEqual([]);
	});

	test('a message in quarantine has none, nor have the dialogs that decide about it', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/quarantine');
		await rowsOf(page).first().click();
		await page.getByRole('heading', { name: 'How it reads today' }).waitFor();
		expect(await faultsInBothThemes(page)).toEqual([]);
		await page.keyboard.press('e');
		const dialog = page.getByRole('dialog', { name: 'Send 1 message to a queue' });
		for (const mend of ['As it is', 'Another call', 'Another body']) {
			await dialog.getByRole('radio', { name: mend }).click();
			await dialog.getByText(/1 message goes to/).waitFor();
			expect(await faultsInBothThemes(page), mend).toEqual([]);
		}
		await page.keyboard.press('Escape');
		await dialog.waitFor({ state: 'detached' });
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog').waitFor();
		expect(await faultsInBothThemes(page)).toEqual([]);
	});

	test('the forms of consumer sets have none, folded open, wrong or importing', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/workers');
		await page.getByRole('button', { name: 'New set' }).click();
		const form = page.getByRole('dialog', { name: 'Save a consumer set' });
		await form.getByRole('button', { name: 'Add a variable' }).click();
		for (const part of ['Limits', 'Retries', 'When a task has failed', 'How messages are taken']) {
			await form.getByText(part, { exact: true }).click();
		}
		await form.getByRole('button', { name: 'Save', exact: true }).click();
		await form.getByText('What is it called?').waitFor();
		expect(await faultsInBothThemes(page)).toEqual([]);
		await page.keyboard.press('Escape');
		await form.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Import' }).click();
		const settings = page.getByRole('dialog', { name: 'Import from CARROT settings' });
		await settings.getByRole('textbox', { name: /^The CARROT dict/ }).fill("{'queues': [{'name': 'mail'}]}");
		await settings.getByRole('table').waitFor();
		expect(await faultsInBothThemes(page)).toEqual([]);
	});

	test('no dialog has any', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/failed?part=tasks');
		await rowsOf(page).first().waitFor();
		const dialogs: readonly (readonly [string, () => Promise<void>])[] = [
			['Publish a task', () => page.keyboard.press('n')],
			['Commands', () => page.keyboard.press('Control+k')],
			['Keys', () => page.keyboard.press('?')],
		];
		for (const [name, open] of dialogs) {
			await open();
			await page.getByRole('dialog', { name }).waitFor();
			expect(await faultsInBothThemes(page), name).toEqual([]);
			await page.keyboard.press('Escape');
			await page.getByRole('dialog', { name }).waitFor({ state: 'detached' });
		}
		await rowsOf(page).first().getByRole('checkbox').click();
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog').waitFor();
		expect(await faultsInBothThemes(page)).toEqual([]);
	});
});

describe('by the keyboard alone', () => {
	test('a failure is found, read, closed and sent again', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		const press = (key: string): Promise<void> => page.keyboard.press(key);
		await page
			.getByRole('contentinfo')
			.getByText(/connected/)
			.waitFor();
		await press('3');
		await page.getByRole('list', { name: 'Failures by cause' }).locator('button[data-key]').first().waitFor();
		// Task by task.
		await press('g');
		await rowsOf(page).first().waitFor();
		await press('/');
		await page.keyboard.type('name:newsletter');
		await press('Enter');
		await page.getByText(/1 failure matches/).waitFor();
		await press('j');
		await press('Enter');
		const drawer = page.getByRole('complementary', { name: 'Task emails.send_newsletter' });
		await drawer.waitFor();
		await press('r');
		await drawer.getByText('attempt 2 of 2').waitFor();
		await press('Escape');
		await drawer.waitFor({ state: 'detached' });
		await press('Control+k');
		await page.getByRole('combobox', { name: 'Find a command' }).fill('completed');
		await press('Enter');
		await page.getByRole('grid', { name: 'Completed tasks' }).waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('ticks, ranges and the question of a delete need no mouse, and Escape takes them back', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/completed');
		await rowsOf(page).first().waitFor();
		// The list may be taking its first tick, which begins it anew: whoever types sees no row at the keyboard, and types again.
		const atKeyboard = page.locator('[role=grid][aria-activedescendant]');
		await waitFor('a row at the keyboard', async () => {
			await page.keyboard.press('j');
			await atKeyboard.waitFor({ timeout: 3_000 });
			return true;
		});
		await page.keyboard.press(' ');
		await page.getByRole('button', { name: /^Delete 1 task/ }).waitFor();
		await page.keyboard.press('j');
		await page.keyboard.press(' ');
		await page.getByRole('button', { name: /^Delete 2 tasks/ }).waitFor();
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog', { name: 'Delete 2 tasks' }).waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('alertdialog').waitFor({ state: 'detached' });
		await page.keyboard.press('Escape');
		await page.getByRole('toolbar').waitFor({ state: 'detached' });
		expect(await rowsOf(page).count()).toBeGreaterThan(5);
	});
});

describe('in a narrow window', () => {
	test('nothing is cut off sideways, from 1,440 px down to 400 px', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		const widths = [1440, 1024, 760, 400];
		for (const [view, there] of VIEWS) {
			await opened.go(`sandbox/${view}`);
			await there(page);
			for (const width of widths) expect(await cutOffAt(page, width), `${view} at ${width}`).toEqual([]);
		}
		await opened.go('sandbox/failed?part=tasks');
		await rowsOf(page).first().click();
		await page.getByRole('complementary').waitFor();
		for (const width of widths) {
			expect(await cutOffAt(page, width), `a drawer at ${width}`).toEqual([]);
			const box = await page.getByRole('complementary').boundingBox();
			expect(box === null ? 0 : box.x + box.width).toBeLessThanOrEqual(width);
		}
		expect(opened.trouble).toEqual([]);
	});
});
