/** Reading a log that is far too long to be drawn. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '#main/domain/log.ts';
import type { HistoryOp, LogLine } from '#main/domain/task.ts';
import { openStore } from '#main/store/client.ts';
import {
	accessibilityFaults,
	openBrowser,
	openConsole,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { failed, finished, line, logged, published, started } from '#test/support/history.ts';
import { waitFor } from '#test/support/wait.ts';

const PATIENCE = 60_000;
const LINES = process.env.WARREN_LONG === undefined ? 60_000 : 1_000_000;

let browser: Browser;
let served: ServedConsole;

beforeAll(async () => {
	[served, browser] = await Promise.all([serveConsole(), openBrowser()]);
	await writeLong(served.home);
}, 300_000);
afterAll(async () => {
	await browser?.close();
	await served?.[Symbol.asyncDispose]();
});

/** Every so many lines an error, and far in the middle one line that nobody finds by scrolling. */
function longLine(at: number): LogLine {
	if (at === LINES - 20_000) return line(at, 'the needle for customer 4711', { level: 'warning' });
	if (at % 10_000 === 9_999) return line(at, `batch ${at} failed\n  and went on`, { level: 'error' });
	return line(at, `imported row ${at}`, { level: at % 2 === 0 ? 'debug' : 'info' });
}

async function writeLong(home: string): Promise<void> {
	const opened = await openStore({
		home,
		thread: new URL('../../src-main/store/thread.ts', import.meta.url),
		log: silentLog,
	});
	if (!opened.ok) throw new Error(opened.error.message);
	await using store = opened.value;
	const apply = (...ops: readonly HistoryOp[]) => store.history.apply(ops);
	const now = Date.now();
	await apply(published(now, { id: 'long-log', name: 'imports.long' }), started(now, 'run-long', { id: 'long-log' }));
	for (let from = 0; from < LINES; from += 20_000) {
		const lines = Array.from({ length: Math.min(20_000, LINES - from) }, (_, at) => longLine(from + at));
		await apply(logged('run-long', lines, from));
	}
	await apply(finished(now + 5_000, 'run-long', failed()));
}

async function openLog(page: Page, id: string): Promise<void> {
	await page.evaluate((hash) => {
		(globalThis as unknown as { location: { hash: string } }).location.hash = hash;
	}, `#/sandbox/failed?task=${id}`);
	await page.getByRole('tab', { name: /^Log/ }).click({ timeout: PATIENCE });
}

const texts = (page: Page): Promise<string[]> => page.getByRole('log').locator('.line .text').allInnerTexts();

describe('a log that is far too long to be drawn', () => {
	test('opens at its beginning, is drawn only where one looks, and reaches its end', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await openLog(page, 'long-log');
		const log = page.getByRole('log', { name: /^Log of attempt/ });
		await log.getByText('imported row 0', { exact: true }).waitFor({ timeout: PATIENCE });
		expect(await log.locator('.line').count()).toBeLessThan(120);
		await log.focus();
		await page.keyboard.press('End');
		await log.getByText(`batch ${LINES - 1} failed`).waitFor({ timeout: PATIENCE });
		// The last line comes to lie at the bottom, wholly in sight; the way there is animated.
		const lastLine = log.locator('.line').filter({ hasText: `batch ${LINES - 1} failed` });
		await waitFor(
			'the last line at the bottom',
			async () => {
				const [box, last] = await Promise.all([log.boundingBox(), lastLine.boundingBox()]);
				if (box === null || last === null) return false;
				const [bottom, end] = [last.y + last.height, box.y + box.height];
				return bottom <= end + 2 && bottom > end - 40;
			},
			PATIENCE,
		);
		await page.keyboard.press('Home');
		await log.getByText('imported row 0', { exact: true }).waitFor({ timeout: PATIENCE });
		expect(opened.trouble).toEqual([]);
	});

	test('is searched as a whole, stepped through by match and by error, and narrowed to what matches', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await openLog(page, 'long-log');
		const log = page.getByRole('log', { name: /^Log of attempt/ });
		await log.getByText('imported row 0', { exact: true }).waitFor({ timeout: PATIENCE });
		const search = page.getByRole('combobox', { name: 'Search the log' });
		await search.fill('NEEDLE');
		await page.getByText('1 of 1', { exact: true }).waitFor({ timeout: PATIENCE });
		await log.locator('.current').getByText('needle').waitFor({ timeout: PATIENCE });

		await search.fill('/batch \\d+ failed/');
		await page.getByText(`1 of ${LINES / 10_000}`, { exact: true }).waitFor({ timeout: PATIENCE });
		await search.press('Shift+Enter');
		await page.getByText(`${LINES / 10_000} of ${LINES / 10_000}`, { exact: true }).waitFor({ timeout: PATIENCE });
		await log.getByText(`batch ${LINES - 1} failed`).waitFor({ timeout: PATIENCE });
		await page.getByRole('button', { name: 'Only lines that match' }).click();
		await waitFor(
			'only matches',
			async () => {
				const shown = await texts(page);
				return shown.length > 0 && shown.every((text) => /failed/.test(text));
			},
			PATIENCE,
		);
		await search.fill('');
		await log
			.getByText(/^imported row/)
			.first()
			.waitFor({ timeout: PATIENCE });

		await page.getByText(`${LINES / 10_000} errors`, { exact: true }).waitFor({ timeout: PATIENCE });
		await log.focus();
		await page.keyboard.press('Home');
		await log.getByText('imported row 0', { exact: true }).waitFor({ timeout: PATIENCE });
		await page.getByRole('combobox', { name: 'Least level' }).selectOption('error');
		await waitFor('errors only', async () => (await texts(page)).every((text) => /batch/.test(text)), PATIENCE);
		await page.getByRole('combobox', { name: 'Least level' }).selectOption('debug');
		await search.fill('/(/');
		await page.getByRole('alert').filter({ hasText: 'a ( without its )' }).waitFor({ timeout: PATIENCE });
		await search.fill('needle level:loud');
		const wrong = page.getByRole('alert').filter({ hasText: 'is nothing that "level:" knows' });
		await wrong.locator('.wrong').getByText('loud', { exact: true }).waitFor({ timeout: PATIENCE });
		expect(await accessibilityFaults(page)).toEqual([]);
		await search.fill('needle levl:error');
		const unknown = page.getByRole('alert').filter({ hasText: 'Did you mean level?' });
		await unknown.locator('.wrong').getByText('levl', { exact: true }).waitFor({ timeout: PATIENCE });
		await search.fill('"the needle"');
		await page.getByText('1 of 1', { exact: true }).waitFor({ timeout: PATIENCE });
		await search.fill('needle le');
		await page.getByRole('option', { name: /^level:/ }).waitFor({ timeout: PATIENCE });
		expect(await accessibilityFaults(page)).toEqual([]);
		await search.press('ArrowDown');
		await search.press('Enter');
		await page.getByRole('option', { name: 'warning', exact: true }).click({ timeout: PATIENCE });
		await page.getByText('1 of 1', { exact: true }).waitFor({ timeout: PATIENCE });
		expect(await search.inputValue()).toBe('needle level:warning ');
		await search.press('Escape');
		await search.fill(`line:${LINES - 20_000 + 1} needle`);
		await page.getByText('1 of 1', { exact: true }).waitFor({ timeout: PATIENCE });
		expect(await accessibilityFaults(page)).toEqual([]);
		expect(opened.trouble).toEqual([]);
	});

	test('is saved whole, with what was never drawn', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await openLog(page, 'long-log');
		await page.getByRole('log').getByText('imported row 0', { exact: true }).waitFor({ timeout: PATIENCE });
		await page.getByRole('button', { name: 'Save the log' }).click();
		const [saved] = await Promise.all([
			page.waitForEvent('download', { timeout: 5 * PATIENCE }),
			page.getByRole('menuitem', { name: /^Save as text/ }).click(),
		]);
		expect(saved.suggestedFilename()).toBe('long-log-attempt-1.log');
		const text = readFileSync(await saved.path(), 'utf8').trimEnd();
		const starts = text.split('\n').filter((one) => !one.startsWith('    '));
		expect(starts).toHaveLength(LINES);
		expect(starts[LINES - 20_000]).toContain('WARNING  shop: the needle for customer 4711');
	});

	test('can be read on a narrow page, light and dark', async () => {
		for (const colorScheme of ['light', 'dark'] as const) {
			await using opened = await openConsole(browser, served, { viewport: { width: 420, height: 760 }, colorScheme });
			const { page } = opened;
			await openLog(page, 'long-log');
			await page.getByRole('log').getByText('imported row 0', { exact: true }).waitFor({ timeout: PATIENCE });
			expect(await accessibilityFaults(page)).toEqual([]);
			await page.getByRole('combobox', { name: 'Search the log' }).fill('l');
			await page.getByRole('option', { name: /^line:/ }).waitFor({ timeout: PATIENCE });
			const list = await page.getByRole('listbox', { name: 'Suggestions' }).last().boundingBox();
			expect((list?.x ?? 0) + (list?.width ?? Number.NaN)).toBeLessThanOrEqual(420);
			if (process.env.WARREN_LOOK !== undefined) {
				await page.screenshot({ path: join(process.env.WARREN_LOOK, `log-narrow-${colorScheme}.png`) });
			}
		}
	});
});
