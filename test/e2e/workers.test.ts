/** Consumer sets by click: saved, started, resized as they run, a task followed and cancelled, changed, restarted, stopped, forgotten. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';
import { openBrowser, openConsole, rowsOf, serveConsole } from '#test/support/console.ts';

/** Waits until it is told to end, and says that it has begun. */
const SLOW = `export async function wait({ signal, log }) {
	log.info('waiting to be told');
	await new Promise((resolve, reject) => {
		const timer = setInterval(() => log.info('still here'), 200);
		signal.addEventListener('abort', () => { clearInterval(timer); reject(signal.reason); });
	});
}
`;

let browser: Browser;
let project: string;
beforeAll(async () => {
	project = mkdtempSync(join(tmpdir(), 'warren-e2e-slow-'));
	writeFileSync(join(project, 'slow.mjs'), SLOW);
	browser = await openBrowser();
});
afterAll(async () => {
	await browser?.close();
	rmSync(project, { recursive: true, force: true });
});

/** Saves a set of the queue `slow` in the dialog. */
async function saveSlow(page: Page, name: string): Promise<void> {
	await page.getByRole('button', { name: 'New set' }).click();
	const dialog = page.getByRole('dialog', { name: 'Save a consumer set' });
	await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
	await dialog.getByRole('textbox', { name: 'Queues, by comma' }).fill('slow');
	await dialog.getByRole('textbox', { name: 'Queues that are not consumed' }).fill('bulk');
	await dialog.getByRole('radio', { name: 'Node' }).click();
	await dialog.getByRole('textbox', { name: 'Project folder' }).fill(project);
	await dialog.getByRole('textbox', { name: /^Modules/ }).fill('slow.mjs');
	await dialog.getByRole('button', { name: 'Add a variable' }).click();
	await dialog.getByRole('textbox', { name: 'Variable 1', exact: true }).fill('SHOP_DB');
	await dialog.getByLabel('Value of variable 1').fill('secret-canary-5');
	await dialog.getByText('Limits').click();
	await dialog.getByRole('textbox', { name: 'Kill after' }).fill('90');
	await dialog.getByRole('button', { name: 'Save', exact: true }).click();
	// What is wrong is said at its field, with what would be right.
	await dialog.getByText(/lacks a unit/).waitFor();
	await dialog.getByRole('textbox', { name: 'Kill after' }).fill('90m');
	await dialog.getByRole('button', { name: 'Save', exact: true }).click();
	await dialog.waitFor({ state: 'detached' });
}

function setNamed(page: Page, name: string): Locator {
	return page.getByRole('region', { name: `Consumer set ${name}` });
}

describe('a saved consumer set', () => {
	test('is created, started, resized while it runs, has a task followed and cancelled, and is stopped', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.keyboard.press('7');
		await page.getByText('No consumer runs here').waitFor();
		await saveSlow(page, 'slow ones');
		const set = setNamed(page, 'slow ones');
		await set.getByText('not started here').waitFor();
		await set.getByText('bulk not consumed').waitFor();
		await set.getByText(/killed after 1h30m/).waitFor();

		await set.getByRole('button', { name: 'Start' }).click();
		await set.getByText(/^running/).waitFor();
		const slots = set.getByRole('list', { name: 'Slots' }).getByRole('listitem');
		expect(await slots.count()).toBe(1);
		await warrenJson(served.home, ['--profile', 'sandbox', 'task', 'publish', 'slow.wait', '--queue', 'slow']);
		await slots.first().getByRole('button', { name: 'slow.wait' }).waitFor();

		await set.getByRole('button', { name: 'Tasks at a time of slow ones: one more' }).click();
		await slots.nth(1).getByText(/^idle/).waitFor();
		await set.getByRole('button', { name: '1 are saved; save 2' }).click();
		await set.getByRole('button', { name: '1 are saved; save 2' }).waitFor({ state: 'detached' });

		await slots.first().getByRole('button', { name: 'Log' }).click();
		const drawer = page.getByRole('complementary', { name: 'Task slow.wait' });
		await drawer
			.getByRole('log')
			.getByText(/still here/)
			.first()
			.waitFor();
		await page.keyboard.press('Escape');
		await drawer.waitFor({ state: 'detached' });

		await slots.first().getByRole('button', { name: 'Cancel' }).click();
		const question = page.getByRole('alertdialog', { name: 'Cancel this task' });
		await question.getByRole('button', { name: 'Cancel the task' }).click();
		await slots.first().getByText(/^idle/).waitFor();
		await set.getByRole('button', { name: 'Stop', exact: true }).click();
		await set.getByText(/^stopped/).waitFor();
		await page.keyboard.press('4');
		await rowsOf(page).filter({ hasText: 'slow.wait' }).waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('is changed while it runs and says so, is restarted, duplicated with its secrets, and forgotten', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/workers');
		await saveSlow(page, 'slow');
		const set = setNamed(page, 'slow');
		await set.getByRole('button', { name: 'Start' }).click();
		await set.getByText(/^running/).waitFor();
		await set.getByRole('button', { name: 'Edit' }).click();
		const dialog = page.getByRole('dialog', { name: 'Edit slow' });
		expect(await dialog.getByLabel('Value of variable 1').inputValue()).toBe('');
		await dialog.getByText('It runs now, and goes on as it is').waitFor();
		await dialog.getByText('Retries').click();
		await dialog.getByRole('textbox', { name: 'Tries after the first' }).fill('3');
		await dialog.getByRole('button', { name: 'Save', exact: true }).click();
		await set.getByText(/It was changed since it started/).waitFor();
		await set.getByRole('button', { name: 'Restart' }).click();
		await set.getByText(/3 retries/).waitFor();
		await set.getByText(/It was changed since it started/).waitFor({ state: 'detached' });

		await set.getByRole('button', { name: 'More for slow' }).click();
		await page.getByRole('menuitem', { name: 'Duplicate' }).click();
		const copy = page.getByRole('dialog', { name: 'Duplicate slow' });
		await copy.getByRole('button', { name: 'Save', exact: true }).click();
		await setNamed(page, 'slow copy')
			.getByText(/1 variable/)
			.waitFor();

		// By the palette: no mouse is needed for any of it.
		await page.keyboard.press('Control+k');
		await page.getByRole('combobox', { name: 'Find a command' }).fill('forget slow copy');
		await page.keyboard.press('Enter');
		await page
			.getByRole('alertdialog', { name: 'Forget slow copy' })
			.getByRole('button', { name: /^Forget/ })
			.click();
		await setNamed(page, 'slow copy').waitFor({ state: 'detached' });
		const shown = JSON.stringify(await warrenJson(served.home, ['--profile', 'sandbox', 'consumer', 'sets']));
		expect(shown).toContain('SHOP_DB');
		expect(shown + (await page.locator('body').innerText())).not.toContain('secret-canary-5');
		expect(opened.trouble).toEqual([]);
	});

	test('is saved from a consumer that is started, and from the settings of a site', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/workers');
		await page.getByRole('button', { name: 'Start a consumer' }).first().click();
		const start = page.getByRole('dialog', { name: 'Start a consumer' });
		await start.getByRole('checkbox', { name: /^Save it as a set/ }).click();
		await start.getByRole('textbox', { name: 'Name of the set' }).fill('samples');
		await start.getByRole('button', { name: 'Start' }).click();
		await setNamed(page, 'samples')
			.getByText(/^running/)
			.waitFor();

		await page.getByRole('button', { name: 'Import' }).click();
		const dialog = page.getByRole('dialog', { name: 'Import from CARROT settings' });
		const settings = dialog.getByRole('textbox', { name: /^The CARROT dict/ });
		await settings.fill("CARROT = {'queues': [");
		await dialog.getByText(/neither JSON/).waitFor();
		await settings.fill(
			"CARROT = {'queues': [{'name': 'mail', 'host': 'amqp://a:b@elsewhere:5672/', 'concurrency': 3}, {'name': 'bulk', 'host': 'amqp://a:b@elsewhere:5672/', 'consumable': False}]}",
		);
		await dialog.getByRole('table', { name: 'What would be saved' }).getByText('mail').waitFor();
		expect(await setNamed(page, 'mail').count()).toBe(0);
		await dialog.getByRole('button', { name: 'Save 2 sets' }).click();
		await setNamed(page, 'mail').getByText('not started here').waitFor();
		await setNamed(page, 'bulk').getByText('bulk not consumed').waitFor();
		expect(opened.trouble).toEqual([]);
	});
});
