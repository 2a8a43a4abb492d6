/** A9: whatever a message, a task or a log holds is text and nothing else. */
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warren, warrenJson } from '#test/support/cli.ts';
import { openBrowser, openConsole, rowsOf, type ServedConsole, serveConsole } from '#test/support/console.ts';
import { HOSTILE } from './hostile.ts';

const TASKS = fileURLToPath(new URL('./hostile-tasks.mjs', import.meta.url));
/** The command line can't be given a NUL or a lone surrogate; those come in by JSON escapes. */
const WORDS = HOSTILE.filter((text) => text.isWellFormed() && !text.includes('\0') && text.length <= 400);
let browser: Browser;
let served: ServedConsole;

beforeAll(async () => {
	served = await serveConsole();
	const publish = (name: string, kwargs: unknown) =>
		warrenJson(served.home, [
			'--profile',
			'sandbox',
			'task',
			'publish',
			name,
			'--kwargs',
			JSON.stringify(kwargs),
			'--queue',
			'default',
		]);
	// One by one would take a process each; the corpus goes in as one argument, and once each as the text of a failure.
	for (const [index, text] of HOSTILE.entries()) {
		const name = index % 2 === 0 ? 'hostile-tasks.fail' : 'hostile-tasks.say';
		await publish(name, { text });
	}
	for (const name of WORDS) await publish(name, { [name]: name });
	const run = await warren(served.home, [
		...['--profile', 'sandbox', 'consumer', 'run', 'default', '--concurrency', '2', '--node', TASKS, '--until-empty'],
	]);
	expect(run.code, run.stderr).toBe(0);
	browser = await openBrowser();
}, 240_000);
afterAll(async () => {
	await browser?.close();
	await served?.[Symbol.asyncDispose]();
});

async function walk(page: Page): Promise<number> {
	const tabs = ['Overview', 'Arguments', 'Traceback', 'Log', 'Attempts', 'Message'];
	const count = Math.min(await rowsOf(page).count(), 40);
	for (let index = 0; index < count; index += 1) {
		await page.keyboard.press('j');
		if (index === 0) await page.keyboard.press('Enter');
		for (const name of tabs) {
			const tab = page.getByRole('complementary').getByRole('tab', { name: new RegExp(`^${name}`) });
			if ((await tab.count()) === 0) continue;
			await tab.click();
			await page.getByRole('tabpanel', { name }).waitFor();
		}
		const bytes = page.getByRole('radio', { name: 'Bytes' });
		if ((await bytes.count()) > 0) await bytes.click();
	}
	return count;
}

describe('hostile content', () => {
	test('runs nothing, asks for nothing and leads nowhere, in any list, drawer or dialog', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		for (const view of ['failed', 'completed', 'queued']) {
			await opened.go(`sandbox/${view}`);
			await page.getByRole('grid').or(page.getByText('Nothing waits')).waitFor();
			if (view === 'queued') continue;
			await rowsOf(page).first().waitFor();
			expect(await walk(page), view).toBeGreaterThan(5);
			await page.keyboard.press('Escape');
		}
		for (const view of ['attention', 'queues', 'workers', 'console', 'scheduled', 'settings']) {
			await opened.go(`sandbox/${view}`);
			await page.getByRole('heading', { level: 1 }).waitFor();
		}
		await opened.go('sandbox/failed');
		await rowsOf(page).first().waitFor();
		await page.getByRole('checkbox', { name: 'Tick everything that matches' }).click();
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog').getByRole('listitem').first().waitFor();
		await page.keyboard.press('Escape');
		await page.keyboard.press('n');
		await page.getByRole('dialog', { name: 'Publish a task' }).waitFor();
		await page.keyboard.press('Escape');
		for (const text of WORDS.slice(0, 12)) {
			await opened.go(`sandbox/failed?filter=${encodeURIComponent(text)}&task=${encodeURIComponent(text)}`);
			await page.getByRole('complementary').waitFor();
		}
		expect(await page.evaluate('window.pwned')).toBeUndefined();
		expect(
			await page.evaluate(
				'document.querySelectorAll("#app script, #app iframe, #app object, #app embed, #app form[action]").length',
			),
		).toBe(0);
		expect(opened.trouble).toEqual([]);
	});
});
