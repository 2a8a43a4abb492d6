/** A log that is opened while its task still waits, and read as it comes. The task goes on when a file appears: nothing here depends on time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warren, warrenJson } from '#test/support/cli.ts';
import { accessibilityFaults, openBrowser, openConsole, serveConsole } from '#test/support/console.ts';
import { waitFor } from '#test/support/wait.ts';

const PATIENCE = 60_000;

/** Logs, waits for a file, logs on with one error, waits for another file, and fails. */
const STAGED = `import { existsSync } from 'node:fs';
const sight = async (file) => { while (!existsSync(file)) await new Promise((go) => setTimeout(go, 50)); };
export async function load({ args, log }) {
	const [folder] = args;
	for (let row = 1; row <= 80; row += 1) log.info('row %d of the first part', row);
	await sight(folder + '/more');
	for (let row = 1; row <= 40; row += 1) log.info('row %d of the second part', row);
	log.error('the second part has no end mark');
	await sight(folder + '/end');
	log.info('giving up');
	throw new RangeError('the file ends in the middle of a row');
}
`;

let browser: Browser;
let project: string;
beforeAll(async () => {
	project = mkdtempSync(join(tmpdir(), 'warren-e2e-live-'));
	writeFileSync(join(project, 'staged.mjs'), STAGED);
	browser = await openBrowser();
});
afterAll(async () => {
	await browser?.close();
	rmSync(project, { recursive: true, force: true });
});

describe('a log that is opened while its task waits', () => {
	test('fills as the task runs, holds still while one reads, counts what comes, and tells the end', async () => {
		await using served = await serveConsole();
		const here = ['--profile', 'sandbox'];
		const runner = ['--node', 'staged.mjs', '--project', project];
		// A consumer that finds nothing to do leaves the queue behind, so that the task can wait in it.
		const once = await warren(served.home, [...here, 'consumer', 'run', 'staged', '--until-empty', ...runner]);
		expect(once.code).toBe(0);
		await warrenJson(served.home, [...here, 'consumer', 'save', 'staged', '--queues', 'staged', ...runner]);
		const call = ['staged.load', '--queue', 'staged', '--args', `'${project}'`];
		const { id } = await warrenJson<{ readonly id: string }>(served.home, [...here, 'task', 'publish', ...call]);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go(`sandbox/workers?task=${id}`);
		const drawer = page.getByRole('complementary', { name: 'Task staged.load' });
		await drawer.getByRole('tab', { name: /^Log/ }).click();
		await drawer.getByText('It waits in its queue.').waitFor();

		await page
			.getByRole('region', { name: 'Consumer set staged' })
			.getByRole('button', { name: 'Start', exact: true })
			.click();
		const log = drawer.getByRole('log', { name: 'Log of attempt 1' });
		// The end is followed: its last line is in sight and its first no more.
		await log.getByText('row 80 of the first part').waitFor();
		await log.getByText('row 1 of the first part', { exact: true }).waitFor({ state: 'detached' });
		await drawer.getByRole('tab', { name: 'Log 80' }).waitFor();
		expect(await drawer.getByText(/has ended/).count()).toBe(0);

		await log.focus();
		await page.keyboard.press('Home');
		await log.getByText('row 1 of the first part', { exact: true }).waitFor();
		await drawer.getByRole('button', { name: 'Follow the end (F)', pressed: false }).waitFor();
		writeFileSync(join(project, 'more'), '');
		await drawer.getByRole('button', { name: '41 new lines' }).waitFor();
		await log.getByText('row 1 of the first part', { exact: true }).waitFor();
		await drawer.getByText('1 error', { exact: true }).waitFor();

		// What is narrowed meanwhile is counted by what it leaves.
		const level = drawer.getByRole('combobox', { name: 'Least level' });
		await level.selectOption('error');
		await drawer.getByRole('button', { name: '1 new line', exact: true }).waitFor();
		await level.selectOption('debug');
		await drawer.getByRole('button', { name: '41 new lines' }).click();
		await log.getByText('the second part has no end mark').waitFor();
		await drawer.getByRole('button', { name: 'Following the end (F)', pressed: true }).waitFor();
		await drawer.getByRole('button', { name: 'Previous error (Shift+E)' }).click();
		await log.locator('.current').getByText('the second part has no end mark').waitFor();
		await log.focus();
		await page.keyboard.press('Home');
		await log.getByText('row 1 of the first part', { exact: true }).waitFor();

		writeFileSync(join(project, 'end'), '');
		await drawer.getByRole('status').filter({ hasText: 'Attempt 1 has ended: failed' }).waitFor();
		await drawer.getByText(/, with RangeError\.$/).waitFor();
		// Also after the end, what came below is one click away.
		await log.getByText('row 1 of the first part', { exact: true }).waitFor();
		await drawer.getByRole('button', { name: '1 new line', exact: true }).click();
		await log.getByText('giving up').waitFor();
		await waitFor(
			'nothing new below',
			async () => (await drawer.getByRole('button', { name: /new line/ }).count()) === 0,
			PATIENCE,
		);
		expect(await accessibilityFaults(page)).toEqual([]);
		if (process.env.WARREN_LOOK !== undefined) {
			await page.screenshot({ path: join(process.env.WARREN_LOOK, 'live-log.png') });
		}
		await drawer.getByRole('button', { name: 'Traceback', exact: true }).click();
		await drawer.getByText('the file ends in the middle of a row').first().waitFor();
		expect(opened.trouble).toEqual([]);
	});
});
