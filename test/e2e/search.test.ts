/** Finding tasks by typing: suggestions by keyboard and by mouse, mistakes at their place, and what is found. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';
import {
	accessibilityFaults,
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
	[served, browser] = await Promise.all([serveConsole(), openBrowser()]);
	for (const [name, kwargs] of [
		['billing.tasks.charge', '{"customer": {"city": "Oslo"}}'],
		['billing.tasks.refund', '{"customer": {"city": "Bergen"}}'],
	] as const) {
		const made = ['task', 'publish', name, '--queue', 'default', '--kwargs', kwargs, '--count', '3'];
		await warrenJson(served.home, ['--profile', 'sandbox', ...made]);
	}
}, 300_000);
afterAll(async () => {
	await browser?.close();
	await served?.[Symbol.asyncDispose]();
});

describe('the filter', () => {
	test('is written with the keyboard alone, from suggestions of fields, paths and counted values', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/queued');
		await rowsOf(page).first().waitFor();
		await page.keyboard.press('/');
		const box = page.getByRole('combobox', { name: /^Filter/ });
		await page.keyboard.type('ap');
		await page.getByRole('option', { name: /^app:/ }).waitFor();
		await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Enter');
		await waitFor('the field', async () => (await box.inputValue()) === 'app:');
		await page.getByRole('option', { name: /^billing\s*6$/ }).waitFor();
		await page.keyboard.type('bil');
		await waitFor('one value', async () => (await page.getByRole('option').count()) === 1);
		await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Tab');
		await waitFor('the value', async () => (await box.inputValue()) === 'app:billing ');
		await waitFor('six rows', async () => (await rowsOf(page).count()) === 6);

		await page.keyboard.type('kwargs.customer.');
		await page.getByRole('option', { name: /^kwargs\.customer\.city:/ }).waitFor();
		await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Enter');
		await page.getByRole('option', { name: /^Oslo\s*3$/ }).waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);
		await page.getByRole('option', { name: /^Bergen/ }).click();
		await waitFor('three rows', async () => (await rowsOf(page).count()) === 3);
		expect(await box.inputValue()).toBe('app:billing kwargs.customer.city:Bergen ');
		expect(await rowsOf(page).allInnerTexts()).toEqual(Array(3).fill(expect.stringContaining('refund')));
		expect(opened.trouble).toEqual([]);
	}, 120_000);

	test('underlines a mistake, says what is meant, and finds again once it is mended', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/queued');
		await rowsOf(page).first().waitFor();
		const box = page.getByRole('combobox', { name: /^Filter/ });
		await box.fill('app:billing qeue:default');
		await page
			.getByText(/There is no field "qeue"\. Did you mean queue\?/)
			.first()
			.waitFor();
		expect(await page.locator('.bad').allInnerTexts()).toEqual(['qeue:default']);
		expect(await box.getAttribute('aria-invalid')).toBe('true');
		await box.fill('app:billing queue:default');
		await waitFor('six rows', async () => (await rowsOf(page).count()) === 6);
		expect(await box.getAttribute('aria-invalid')).toBeNull();

		// A bracket too many must not end the part of the query that keeps the list to its tab.
		await box.fill('a) OR (b');
		await page.getByRole('option').first().waitFor();
		await page.keyboard.press('Escape');
		expect(await box.inputValue()).toBe('a) OR (b');
		await page
			.getByText(/This \) has no \( before it/)
			.first()
			.waitFor();
		expect(opened.trouble).toEqual([]);
	}, 120_000);
});

describe('waiting messages', () => {
	test('are looked through in the same language, with a mistake at its place', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/queues');
		await page
			.getByRole('row', { name: /default/ })
			.getByRole('button', { name: 'Look inside' })
			.click();
		const look = page.getByRole('dialog', { name: 'Waiting in default' });
		await look.getByText(/^\d+ of \d+, next to run first\./).waitFor();
		const box = look.getByRole('textbox', { name: 'Search the waiting messages' });
		await box.fill('kwargs.customer.city:Oslo');
		await box.press('Enter');
		await look.getByText(/^3 of 3 that match among the \d+ next\./).waitFor();
		expect(await look.getByRole('listitem').allInnerTexts()).toEqual(Array(3).fill(expect.stringContaining('Oslo')));

		await box.fill('kwargs.customer.city:Oslo naem:x');
		await box.press('Enter');
		await look.getByText(/There is no field "naem"/).waitFor();
		expect(await look.locator('.bad').allInnerTexts()).toEqual(['naem:x']);
		expect(await accessibilityFaults(page)).toEqual([]);
		// The look that is there stays; nothing was asked for.
		expect(await look.getByRole('listitem').count()).toBe(3);

		await box.press('Escape');
		await look.getByText(/^\d+ of \d+, next to run first\./).waitFor();
		expect(opened.trouble).toEqual([]);
	}, 120_000);
});
