/**
 * `npm run screenshots`: takes the pictures of the guide, each view in both themes, from the sandbox as a newcomer has it.
 * Written to `docs/screenshots/<view>-<theme>.png` at 1440 x 900.
 */
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { warrenJson } from './cli.ts';
import { openBrowser, openConsole, rowsOf, serveConsole } from './console.ts';

const FOLDER = fileURLToPath(new URL('../../docs/screenshots', import.meta.url));
const THEMES = ['light', 'dark'] as const;

interface Picture {
	readonly name: string;
	readonly place: string;
	/** Waits until everything the picture is about is there, and opens what belongs in it. */
	readonly ready: (page: Page) => Promise<void>;
}

/** Before anything ran. */
const FRESH: readonly Picture[] = [
	{ name: 'queued', place: 'sandbox/queued', ready: (page) => page.getByText(/sample tasks wait/).waitFor() },
	{
		name: 'publish',
		place: 'sandbox/queued',
		async ready(page) {
			await rowsOf(page).first().waitFor();
			await page.keyboard.press('n');
			const dialog = page.getByRole('dialog', { name: 'Publish a task' });
			await dialog.getByRole('combobox', { name: 'Task' }).fill('orders.charge_card');
			await dialog.getByRole('textbox', { name: /Positional/ }).fill('88215');
			await dialog.locator('.cm-content').click();
			await page.keyboard.press('Control+a');
			await page.keyboard.press('Delete');
			await page.keyboard.insertText('{\n  "amount": 2990,\n  "tags": ["vip", urgent]\n}');
			await dialog.getByText(/Line 3/).waitFor();
		},
	},
];

/** After the samples ran. */
const WORKED: readonly Picture[] = [
	{
		name: 'failed',
		place: 'sandbox/failed',
		async ready(page) {
			await rowsOf(page).filter({ hasText: 'GatewayTimeout' }).click();
			await page.getByText('your code').first().waitFor();
		},
	},
	{
		name: 'completed',
		place: 'sandbox/completed',
		async ready(page) {
			await rowsOf(page).filter({ hasText: 'reports.daily' }).click();
			await page.getByRole('tab', { name: /^Log/ }).click();
			await page.getByRole('log').waitFor();
		},
	},
	{ name: 'scheduled', place: 'sandbox/scheduled', ready: (page) => page.getByText('No schedules').waitFor() },
	{
		name: 'attention',
		place: 'sandbox/attention',
		ready: (page) => page.getByRole('heading', { name: /failed/ }).waitFor(),
	},
	{ name: 'queues', place: 'sandbox/queues', ready: (page) => page.getByRole('table').waitFor() },
	{ name: 'workers', place: 'sandbox/workers', ready: (page) => page.getByRole('list', { name: 'Slots' }).waitFor() },
	{ name: 'console', place: 'sandbox/console', ready: (page) => page.getByText(/lines from sandbox/).waitFor() },
	{
		name: 'settings',
		place: 'sandbox/settings',
		ready: (page) => page.getByRole('heading', { name: 'Editor' }).waitFor(),
	},
];

await mkdir(FOLDER, { recursive: true });
// A plain path, since the settings show where things are kept.
const home = join(tmpdir(), 'warren-home');
await mkdir(home);
await using served = await serveConsole({ home });
await warrenJson(served.home, [
	'profile',
	'add',
	'shop-eu',
	'--broker',
	'amqp://shop@rabbit-1.example/shop',
	'--environment',
	'production',
]);
await warrenJson(served.home, [
	'profile',
	'add',
	'carrot-billing',
	'--broker',
	'amqp://billing@rabbit-2.example/billing',
	'--environment',
	'staging',
]);
const browser = await openBrowser();

async function take(pictures: readonly Picture[]): Promise<void> {
	for (const theme of THEMES) {
		for (const picture of pictures) {
			await using opened = await openConsole(browser, served, { colorScheme: theme });
			const { page } = opened;
			await opened.go(picture.place);
			await picture.ready(page);
			await page.mouse.move(0, 0);
			await page.evaluate('document.fonts.ready');
			await page.screenshot({ path: join(FOLDER, `${picture.name}-${theme}.png`) });
			console.log(`docs/screenshots/${picture.name}-${theme}.png`);
			if (opened.trouble.length > 0) throw new Error(`${picture.name}: ${opened.trouble.join('\n')}`);
		}
	}
}

try {
	await take(FRESH);
	{
		await using opened = await openConsole(browser, served);
		await opened.page.getByRole('button', { name: 'Start the consumer' }).click();
		await opened.page.getByRole('button', { name: 'Completed 7' }).waitFor();
		await opened.page.getByRole('button', { name: 'Failed 7' }).waitFor();
	}
	await take(WORKED);
} finally {
	await browser.close();
	await served[Symbol.asyncDispose]();
	await rm(home, { recursive: true, force: true });
}
