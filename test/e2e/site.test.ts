/** A carrot site by click, over the stand-in of its monitor: the profile's login, the lists, a requeue and a delete, what does not fit. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CANARY } from '#test/support/carrot-site/answers.ts';
import { type StandInSite, startStandIn } from '#test/support/carrot-site/server.ts';
import { warrenJson } from '#test/support/cli.ts';
import {
	accessibilityFaults,
	openBrowser,
	openConsole,
	rowsOf,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { publishRaw } from '#test/support/raw-messages.ts';
import { waitFor } from '#test/support/wait.ts';

const LOGIN = { username: 'ann', password: 'login-canary-77' };
const OLD = '2026-01-01T00:00:00.000000+00:00';
const TRACEBACK = `Traceback (most recent call last):
  File "/srv/shop/refunds.py", line 12, in refund
    raise LookupError(order)
LookupError: no order 4711
`;

let browser: Browser;
let site: StandInSite;
let served: ServedConsole;
beforeAll(async () => {
	[browser, site, served] = await Promise.all([openBrowser(), startStandIn({ login: LOGIN }), serveConsole()]);
});
afterAll(async () => {
	await served?.[Symbol.asyncDispose]();
	await site?.[Symbol.asyncDispose]();
	await browser?.close();
});
beforeEach(() => {
	site.rows.clear();
	site.schedules.clear();
	site.clearMishaps();
});

describe('a carrot site', () => {
	test('is reached with a login given in the profile dialog, which never shows it again', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/settings');
		await page.getByRole('button', { name: 'Add a profile' }).click();
		const dialog = page.getByRole('dialog', { name: 'Add a profile' });
		await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('shop');
		await dialog.getByRole('textbox', { name: 'Broker' }).fill('embedded:');
		await dialog.getByRole('textbox', { name: 'Carrot monitor' }).fill(site.url);
		await dialog.getByRole('textbox', { name: 'User' }).fill(LOGIN.username);
		await dialog.getByLabel('Monitor password').fill(LOGIN.password);
		await dialog.getByRole('button', { name: 'Save' }).click();
		await dialog.waitFor({ state: 'detached' });
		await opened.go('shop/site?part=doors');
		const doors = page.getByRole('list', { name: 'Doors to the site' });
		await doors.getByRole('heading', { name: 'Monitor open' }).waitFor();
		await doors.getByRole('heading', { name: 'Broker open' }).waitFor();
		await doors.getByRole('heading', { name: 'Database not set' }).waitFor();
		await page.getByText('logged in').waitFor();

		await page.getByRole('button', { name: 'Edit the profile' }).click();
		const edit = page.getByRole('dialog', { name: 'Edit shop' });
		expect(await edit.getByRole('textbox', { name: 'Carrot monitor' }).inputValue()).toBe(site.url);
		expect(await edit.getByRole('textbox', { name: 'User' }).inputValue()).toBe('');
		expect(await edit.getByLabel('Monitor password').inputValue()).toBe('');
		expect(opened.trouble).toEqual([]);
	});

	test('lists its rows, opens a failed one with its traceback, sends it again, and ties old and new together', async () => {
		const bad = site.add({
			status: 'FAILED',
			task: 'shop.refund',
			task_args: '(4711,)',
			content: '{"order": 9007199254740993}',
			exception: 'no order 4711',
			traceback: TRACEBACK,
			failure_time: new Date(Date.now() - 60_000).toISOString(),
		});
		for (let count = 0; count < 60; count += 1) site.add({ status: 'COMPLETED', task: `shop.report_${count}` });
		site.addSchedule({ task_name: 'nightly', task: 'shop.report' });
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('shop/queued');
		await page.keyboard.press('s');
		await rowsOf(page).filter({ hasText: 'no order 4711' }).click();
		const drawer = page.getByRole('complementary', { name: `Row ${bad.id}, shop.refund` });
		await drawer.getByText('LookupError').first().waitFor();
		await drawer.getByRole('tab', { name: 'Arguments' }).click();
		await drawer.getByText('9007199254740993').first().waitFor();
		await page.keyboard.press('r');
		const question = page.getByRole('alertdialog', { name: 'Requeue 1 row' });
		await question.getByText('shop.refund').waitFor();
		expect(site.rows.has(bad.id)).toBe(true);
		await question.getByRole('button', { name: 'Requeue 1 row' }).click();
		const told = page.getByText(/^Row \d+ is sent again as row \d+/);
		await told.waitFor();
		expect(site.rows.has(bad.id)).toBe(false);
		await page.getByRole('button', { name: 'Show it' }).click();
		await page
			.getByRole('complementary', { name: /^Row \d+, shop.refund/ })
			.getByText('Queued')
			.waitFor();
		await page.keyboard.press('Escape');

		// Pages as the site cuts them, and its own search.
		await page.getByRole('radio', { name: /^Completed/ }).click();
		await page.getByText('1–50 of 60').waitFor();
		await page.keyboard.press(']');
		await page.getByText('51–60 of 60').waitFor();
		await page.keyboard.press('/');
		await page.keyboard.type('report_7');
		await page.getByText('1–1 of 1').waitFor();
		await page.getByRole('radio', { name: /^Schedules/ }).click();
		await page.getByRole('table', { name: 'Schedules of the site' }).getByText('nightly').waitFor();
		expect(await page.locator('body').innerText()).not.toContain(CANARY);
		expect(opened.trouble).toEqual([]);
	});

	test('has many rows changed one by one, with what became of each, and deletes only what was confirmed', async () => {
		const good = site.add({ status: 'FAILED', task: 'shop.good', task_args: '(1,)', exception: 'x' });
		const cut = site.add({ status: 'FAILED', task: 'shop.cut', task_args: "('a, b',)", exception: 'x' });
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('shop/site');
		await rowsOf(page).nth(1).waitFor();
		await page.getByRole('checkbox', { name: 'Tick every row that matches' }).click();
		await page.keyboard.press('r');
		const question = page.getByRole('alertdialog', { name: 'Requeue 2 rows' });
		await question.getByText(/the site cannot send it itself: the site cuts the arguments/).waitFor();
		// What scripts call a flag is no word for this page.
		expect(await question.innerText()).not.toMatch(/--\w/);
		await question.getByRole('button', { name: 'Requeue 2 rows' }).click();
		await page.getByText(/1 row sent again, 1 failed/).waitFor();
		await page.getByRole('button', { name: 'Show which' }).click();
		const report = page.getByRole('dialog', { name: 'What came of it' });
		await report.getByText(String(cut.id), { exact: true }).waitFor();
		await report.getByText(/^row \d+, by the site itself/).waitFor();
		await report.getByRole('button', { name: 'Close' }).last().click();
		expect([site.rows.has(good.id), site.rows.has(cut.id)]).toEqual([false, true]);

		await rowsOf(page).filter({ hasText: 'shop.cut' }).getByRole('checkbox').click();
		await page.keyboard.press('Shift+D');
		const ask = page.getByRole('alertdialog', { name: 'Delete 1 row' });
		await ask.getByRole('button', { name: 'Cancel' }).click();
		expect(site.rows.has(cut.id)).toBe(true);
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog', { name: 'Delete 1 row' }).getByRole('button', { name: 'Delete 1 row' }).click();
		await page.getByText('1 row deleted').waitFor();
		expect(site.rows.has(cut.id)).toBe(false);
		expect(opened.trouble).toEqual([]);
	});

	test('shows what does not fit with its numbers, and the next step works', async () => {
		const { id } = (await warrenJson(served.home, ['profile', 'show', 'shop'])) as { readonly id: string };
		await publishRaw(served.home, [{ id: 'stranger-1', task: 'shop.add', body: '{}' }], id);
		const lost = site.add({ task: 'shop.lost', publish_time: OLD });
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('shop/site?part=reconcile');
		await page.getByText('Consumers that there should be').click();
		await page.getByRole('textbox', { name: 'default' }).fill('2');
		await page.keyboard.press('Tab');
		await page.getByRole('checkbox', { name: 'Look into the queues as well' }).click();
		await page.getByText(/come back marked as redelivered/).waitFor();
		await page.getByRole('button', { name: /^Compare/ }).click();
		const findings = page.getByRole('list', { name: 'What does not fit' });
		const row = findings.getByRole('listitem').filter({ hasText: 'Rows without messages' });
		await row.getByRole('button', { name: String(lost.id), exact: true }).waitFor();
		await row.getByText('the site, ', { exact: false }).first().waitFor();
		await findings.getByRole('listitem').filter({ hasText: 'Messages without rows' }).getByText('stranger-1').waitFor();
		await findings.getByRole('listitem').filter({ hasText: 'Fewer consumers' }).getByText('you, ').waitFor();
		expect(await page.locator('main, body').first().innerText()).not.toMatch(/--(?:peek|expect|waiting)/);
		await row.getByRole('button', { name: /^Requeue 1 row/ }).click();
		await page
			.getByRole('alertdialog', { name: 'Requeue 1 row' })
			.getByRole('button', { name: 'Requeue 1 row' })
			.click();
		await page.getByText(/is sent again as row/).waitFor();
		await waitFor('the lost row to be gone', async () => !site.rows.has(lost.id));
		expect(opened.trouble).toEqual([]);
	});

	test('that does not answer says so over what was read, and the doors tell why', async () => {
		site.add({ status: 'FAILED', task: 'shop.refund', exception: 'no' });
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('shop/site');
		await rowsOf(page).filter({ hasText: 'shop.refund' }).waitFor();
		site.mishap(/./, 'break', 1_000);
		await page.getByRole('button', { name: 'Refresh' }).click();
		await page
			.getByText(/What you see is as it was read before/)
			.first()
			.waitFor();
		await rowsOf(page).filter({ hasText: 'shop.refund' }).waitFor();
		await page.getByRole('radio', { name: 'Doors' }).click();
		await page.getByRole('heading', { name: 'Monitor closed' }).waitFor();
		site.clearMishaps();
		await page.getByRole('button', { name: 'Try again' }).first().click();
		await page.getByRole('heading', { name: 'Monitor open' }).waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test.each(['light', 'dark'] as const)(
		'has no fault that axe can find in any part in the %s theme, and nothing is cut off in a narrow window',
		async (colorScheme) => {
			site.add({ status: 'FAILED', task: 'shop.refund', exception: 'no', traceback: TRACEBACK });
			site.add({ task: 'shop.lost', publish_time: OLD });
			site.addSchedule({ task_name: 'nightly' });
			await using opened = await openConsole(browser, served, { colorScheme });
			const { page } = opened;
			const parts: readonly (readonly [string, () => Promise<void>])[] = [
				['failed', () => rowsOf(page).first().waitFor()],
				['schedules', () => page.getByText('nightly').waitFor()],
				['reconcile', () => page.getByRole('heading', { name: 'What could not be told' }).waitFor()],
				['doors', () => page.getByRole('heading', { name: 'Monitor open' }).waitFor()],
			];
			for (const width of [1440, 1024, 760, 400]) {
				await page.setViewportSize({ width, height: 800 });
				for (const [part, there] of parts) {
					await opened.go(`shop/site?part=${part}`);
					await there();
					if (width === 1440) expect(await accessibilityFaults(page), part).toEqual([]);
					const wide = await page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
					expect(wide, `${part} at ${width}`).toBe(false);
				}
			}
			await page.setViewportSize({ width: 1440, height: 900 });
			await opened.go('shop/site?part=failed');
			await rowsOf(page).first().click();
			for (const tab of ['Overview', 'Arguments', 'Traceback', 'Log']) {
				await page.getByRole('tab', { name: tab }).click();
				await page.getByRole('tabpanel', { name: tab }).waitFor();
				expect(await accessibilityFaults(page), tab).toEqual([]);
			}
			await page.keyboard.press('r');
			await page.getByRole('alertdialog').waitFor();
			expect(await accessibilityFaults(page)).toEqual([]);
			expect(opened.trouble).toEqual([]);
		},
	);
});
