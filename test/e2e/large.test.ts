/** A hundred thousand rows are as quick to reach as the first. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';
import { openBrowser, openConsole, rowsOf, type ServedConsole, serveConsole } from '#test/support/console.ts';
import { waitFor } from '#test/support/wait.ts';

const MANY = 100_000;
let browser: Browser;
let served: ServedConsole;

beforeAll(async () => {
	[served, browser] = await Promise.all([serveConsole(), openBrowser()]);
	await warrenJson(served.home, [
		...[
			'--profile',
			'sandbox',
			'task',
			'publish',
			'orders.total',
			'--args',
			'1, 2',
			'--queue',
			'default',
			'--count',
			String(MANY),
		],
	]);
}, 300_000);
afterAll(async () => {
	await browser?.close();
	await served?.[Symbol.asyncDispose]();
});

describe('100,000 rows', () => {
	test('are scrolled to the end, to the middle and back, with every row in sight filled in', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/queued');
		await page.getByText('100,014').first().waitFor();
		const grid = page.getByRole('grid', { name: 'Queued tasks' });
		expect(await grid.getAttribute('aria-rowcount')).toMatch(/^10001[45]$/);
		// Only those in sight exist.
		expect(await rowsOf(page).count()).toBeLessThan(80);

		const filled = async (): Promise<boolean> => {
			const texts = await rowsOf(page).allInnerTexts();
			return (
				texts.length > 10 &&
				texts.every((text) => /orders\.|emails\.|inventory\.|imports\.|reports\.|images\.|loyalty\./.test(text))
			);
		};
		for (const key of ['End', 'Home'] as const) {
			await rowsOf(page).nth(3).click();
			await page.keyboard.press('Escape');
			await grid.focus();
			await page.keyboard.press(key);
			await waitFor(`rows after ${key}`, filled, 60_000);
		}
		for (const share of [0.5, 0.25, 0.9, 0.1]) {
			await page.evaluate(`(() => {
				const grid = document.querySelector('[role="grid"]');
				const box = [grid, ...grid.querySelectorAll('*'), grid.parentElement].find((each) => each.scrollHeight > each.clientHeight + 1000);
				box.scrollTop = (box.scrollHeight - box.clientHeight) * ${share};
			})()`);
			await waitFor(`rows at ${share}`, filled, 60_000);
		}
		expect(opened.trouble).toEqual([]);
	});
});
