/** Links: copied from the page, opened by the command line, and what they show. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warren, warrenJson } from '#test/support/cli.ts';
import { openBrowser, openConsole, rowsOf, type ServedConsole, serveConsole } from '#test/support/console.ts';
import { waitFor } from '#test/support/wait.ts';

let browser: Browser;
let served: ServedConsole;
let id: string;

beforeAll(async () => {
	[served, browser] = await Promise.all([serveConsole(), openBrowser()]);
	const made = ['task', 'publish', 'billing.tasks.charge', '--queue', 'default'];
	({ id } = await warrenJson<{ id: string }>(served.home, ['--profile', 'sandbox', ...made]));
}, 300_000);
afterAll(async () => {
	await browser?.close();
	await served?.[Symbol.asyncDispose]();
});

const open = (link: string) => warren(served.home, ['--json', 'open', link]);

describe('a link', () => {
	test('to an open task is copied from its drawer, and opened again by the command line', async () => {
		await using opened = await openConsole(browser, served, { permissions: ['clipboard-read', 'clipboard-write'] });
		const { page } = opened;
		await opened.go('sandbox/queued?filter=app%3Abilling');
		await rowsOf(page).first().waitFor();
		await opened.go(`sandbox/queued?filter=app%3Abilling&task=${id}`);
		await page.getByRole('button', { name: 'Copy a link to the task' }).click();
		await page.getByRole('button', { name: 'Copied' }).first().waitFor();
		const link = await page.evaluate<string>('navigator.clipboard.readText()');
		expect(link).toBe(`warren://sandbox/queued?task=${id}&filter=app%3Abilling`);

		const run = await open(link);
		expect(run).toMatchObject({ code: 0 });
		const { url, opened: shown } = JSON.parse(run.stdout) as { url: string; opened: boolean };
		expect(url).toBe(`${new URL(served.url).origin}/#/sandbox/queued?task=${id}&filter=app%3Abilling`);
		// In a pipe nobody wants a browser.
		expect(shown).toBe(false);
		await page.goto('about:blank');
		await page.goto(url);
		await page.getByRole('complementary', { name: 'Task billing.tasks.charge' }).waitFor();
		expect(await page.getByRole('combobox', { name: /^Filter/ }).inputValue()).toBe('app:billing');
	}, 180_000);

	test('to what is shown is copied by the palette', async () => {
		await using opened = await openConsole(browser, served, { permissions: ['clipboard-read', 'clipboard-write'] });
		const { page } = opened;
		await opened.go('sandbox/failed?filter=since%3A2h');
		await page.getByRole('combobox', { name: /^Filter/ }).waitFor();
		await page.keyboard.press('Control+k');
		const palette = page.getByRole('combobox', { name: /command/i });
		await palette.fill('copy a link');
		await page.getByRole('option', { name: /Copy a link to what is shown/ }).waitFor();
		await page.keyboard.press('Enter');
		const copied = () => page.evaluate<string>('navigator.clipboard.readText()');
		await waitFor('the link', async () => (await copied()) === 'warren://sandbox/failed?filter=since%3A2h');
	}, 180_000);

	test('that leads nowhere, or wants to do something, is refused with the reason', async () => {
		for (const [link, code, reason] of [
			['warren://sandbox/failed?requeue=all', 2, 'something that links do not'],
			['https://example.org/', 2, 'looks like warren://'],
			['warren://nowhere/failed', 1, 'nowhere'],
		] as const) {
			const run = await open(link);
			expect({ link, run }).toMatchObject({ run: { code, stdout: expect.stringContaining(reason) } });
		}
	}, 180_000);
});

describe('without a console', () => {
	test('the command line says how to come by one', async () => {
		const other = await serveConsole();
		const home = other.home;
		const link = 'warren://sandbox/failed';
		expect((await warren(home, ['--json', 'open', link])).code).toBe(0);
		// Its note is left behind, and nobody answers there.
		await other.kill9();
		const run = await warren(home, ['open', link]);
		expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('Start one with "warren serve"') });
		await other[Symbol.asyncDispose]();
	}, 180_000);
});
