/** Ten thousand schedules in the page, on the real engine: what is in sight exists, and every way to what is not finds it. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, openConsole, rowsOf, type ServedConsole, serveConsole } from '#test/support/console.ts';
import { bootEngine } from '#test/support/engine.ts';
import { waitFor } from '#test/support/wait.ts';

const MANY = 10_000;
/** Rows of a window 900 px high, and those kept ready above and below it. */
const MOST_ROWS = 80;
const nameOf = (index: number): string => `plan-${String(index).padStart(5, '0')}`;
let browser: Browser;
let served: ServedConsole;

beforeAll(async () => {
	[served, browser] = await Promise.all([serveConsole(), openBrowser()]);
	await using engine = await bootEngine({ home: served.home });
	const schedules = Array.from({ length: MANY }, (_, index) => ({
		name: nameOf(index),
		task: `shop.tasks.job_${index % 37}`,
		queue: 'default',
		every: `${(index % 9) + 1} weeks`,
		kwargs: `{"plan": ${index}}`,
		active: index % 2 === 0,
	}));
	const text = JSON.stringify({ format: 'warren-schedules', version: 1, schedules });
	const made = await engine.call('schedule.import', { profile: 'sandbox', text });
	expect(made).toMatchObject({ done: MANY, failed: 0 });
}, 300_000);
afterAll(async () => {
	await browser?.close();
	await served?.[Symbol.asyncDispose]();
});

const grid = (page: Page) => page.getByRole('grid', { name: 'Schedules' });

/** Every row in sight says which schedule it is. */
async function filled(page: Page): Promise<boolean> {
	const texts = await rowsOf(page).allInnerTexts();
	return texts.length > 5 && texts.length < MOST_ROWS && texts.every((text) => /plan-\d{5}/.test(text));
}

describe('10,000 schedules', () => {
	test('are scrolled to the end, to the middle and back, with every row in sight filled in', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/scheduled?sort=name');
		await page.getByRole('radio', { name: 'All 10,000' }).waitFor();
		await waitFor('rows', () => filled(page), 60_000);
		expect(await grid(page).getAttribute('aria-rowcount')).toBe(String(MANY + 1));
		await grid(page).focus();
		for (const [key, name] of [
			['End', nameOf(MANY - 1)],
			['Home', nameOf(0)],
		] as const) {
			await page.keyboard.press(key);
			await rowsOf(page).filter({ hasText: name }).waitFor();
			await waitFor(`rows after ${key}`, () => filled(page), 60_000);
		}
		for (const share of [0.5, 0.25, 0.9, 0.1]) {
			await page.evaluate(`(() => {
				const grid = document.querySelector('[role="grid"]');
				const box = [grid, ...grid.querySelectorAll('*'), grid.parentElement].find((each) => each.scrollHeight > each.clientHeight + 1000);
				box.scrollTop = (box.scrollHeight - box.clientHeight) * ${share};
			})()`);
			await waitFor(`rows at ${share}`, () => filled(page), 60_000);
		}
		expect(opened.trouble).toEqual([]);
	});

	test('are narrowed by text, tab and order to exactly those that match, and opened from there', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/scheduled?sort=name');
		await waitFor('rows', () => filled(page), 60_000);
		const search = page.getByLabel('Search schedules');
		await search.fill('plan-04217');
		await waitFor('one row', async () => (await rowsOf(page).count()) === 1);
		await rowsOf(page).filter({ hasText: 'plan-04217' }).click();
		const drawer = page.getByRole('complementary', { name: 'Schedule plan-04217' });
		await drawer.getByText('{"plan": 4217}').waitFor();
		await drawer.getByRole('button', { name: 'Close (Esc)' }).click();
		// By its arguments, which no column shows.
		await search.fill('"plan": 777}');
		await waitFor('the ten of them', async () => {
			const texts = await rowsOf(page).allInnerTexts();
			return texts.length === 10 && texts.every((text) => /plan-0\d777/.test(text));
		});
		await search.fill('job_36');
		const count = String(Array.from({ length: MANY }, (_, index) => index % 37).filter((job) => job === 36).length + 1);
		await waitFor('those of one task', async () => (await grid(page).getAttribute('aria-rowcount')) === count);
		await search.fill('');
		await page.getByRole('radio', { name: 'Paused 5,000' }).click();
		await waitFor('the paused', async () => (await grid(page).getAttribute('aria-rowcount')) === '5001');
		await waitFor('paused rows', async () => {
			const texts = await rowsOf(page).allInnerTexts();
			return texts.length > 5 && texts.every((text) => text.includes('paused'));
		});
		await page.getByRole('columnheader', { name: 'Schedule' }).getByRole('button').click();
		await rowsOf(page)
			.filter({ hasText: nameOf(MANY - 1) })
			.waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('are ticked all at once, and paused with what is paused already left out', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/scheduled?sort=name');
		await waitFor('rows', () => filled(page), 60_000);
		await page.keyboard.press('Control+a');
		const ticked = page.getByRole('toolbar', { name: 'Ticked schedules' });
		await ticked.getByText(/^10,000 /).waitFor();
		await ticked.getByRole('button', { name: 'Pause' }).click();
		const question = page.getByRole('alertdialog', { name: 'Pause 5,000 schedules' });
		await question.getByText('5,000 schedules: It is so already.').waitFor({ timeout: 60_000 });
		await question.getByRole('button', { name: 'Pause 5,000 schedules' }).click();
		await page.getByText('5,000 schedules paused').waitFor({ timeout: 120_000 });
		// Unticked, the tabs are back in their place.
		await page.keyboard.press('Escape');
		await page.getByRole('radio', { name: 'Paused 10,000' }).waitFor();
		expect(await rowsOf(page).count()).toBeLessThan(MOST_ROWS);
		expect(opened.trouble).toEqual([]);
	}, 240_000);
});
