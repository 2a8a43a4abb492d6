/** Everybody can use schedules: axe on every view of them in both themes, the keyboard alone, a narrow window. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
	cutOffAt,
	faultsInBothThemes,
	openBrowser,
	openConsole,
	rowsOf,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { SCHEDULE_VIEWS, type ScheduleScene, scheduleDrawer, setScheduleScene } from '#test/support/schedule-scene.ts';
import { waitFor } from '#test/support/wait.ts';

let browser: Browser;
let served: ServedConsole;
let scene: ScheduleScene;
beforeAll(async () => {
	[browser, served] = await Promise.all([openBrowser(), serveConsole()]);
	scene = await setScheduleScene(served);
}, 240_000);
afterAll(async () => {
	await served?.[Symbol.asyncDispose]();
	await scene?.[Symbol.asyncDispose]();
	await browser?.close();
});

describe('in the light theme, in the dark one, and in a narrow window', () => {
	test.each(SCHEDULE_VIEWS)('$name has no fault that axe can find, and nothing is cut off sideways', async (view) => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go(view.place(scene));
		await view.ready(page);
		expect(await faultsInBothThemes(page)).toEqual([]);
		for (const width of [1024, 760, 400]) expect(await cutOffAt(page, width), `at ${width}`).toEqual([]);
		expect(opened.trouble).toEqual([]);
	});

	test('a new schedule that was tried too early has none, nor has a list with ticks, nor the question of a removal', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/scheduled');
		await rowsOf(page).first().waitFor();
		await page.keyboard.press('n');
		await scheduleDrawer(page).getByRole('textbox', { name: 'Name' }).focus();
		await page.keyboard.press('Control+s');
		await page.getByText('A schedule needs a name').waitFor();
		expect(await faultsInBothThemes(page)).toEqual([]);
		await scheduleDrawer(page).getByRole('button', { name: 'Discard' }).click();
		await rowsOf(page).first().getByRole('checkbox').click();
		await page.getByRole('toolbar', { name: 'Ticked schedules' }).waitFor();
		expect(await faultsInBothThemes(page)).toEqual([]);
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog').getByRole('list').waitFor();
		expect(await faultsInBothThemes(page)).toEqual([]);
	});
});

describe('by the keyboard alone', () => {
	test('a schedule is found, opened, read by its parts, paused, resumed and left', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		const press = (key: string): Promise<void> => page.keyboard.press(key);
		await page
			.getByRole('contentinfo')
			.getByText(/connected/)
			.waitFor();
		await press('5');
		await rowsOf(page).first().waitFor();
		await press('/');
		await page.keyboard.type('inventory');
		await press('Enter');
		await waitFor('one row', async () => (await rowsOf(page).count()) === 1);
		const row = rowsOf(page).filter({ hasText: 'stock-sync' });
		await press('j');
		await press('p');
		await row.filter({ hasText: 'paused' }).waitFor();
		await press('p');
		await row.filter({ hasText: 'paused' }).waitFor({ state: 'detached' });
		await press('Enter');
		const drawer = page.getByRole('complementary', { name: 'Schedule stock-sync' });
		await drawer.waitFor();
		// Its parts are in the palette, as every command is.
		await press('Control+k');
		await page.getByRole('combobox', { name: 'Find a command' }).fill('show its message');
		await press('Enter');
		await drawer.getByRole('region', { name: 'Body' }).waitFor();
		await press('e');
		await drawer.getByRole('textbox', { name: 'Name' }).waitFor();
		await press('r');
		await page.getByRole('alertdialog', { name: 'Run 1 schedule now' }).waitFor();
		await press('Escape');
		await page.getByRole('alertdialog').waitFor({ state: 'detached' });
		await press('Escape');
		await drawer.waitFor({ state: 'detached' });
		expect(opened.trouble).toEqual([]);
	});

	test('rows are ticked with a range, the rest by one key, and Escape takes it back', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/scheduled?sort=name');
		await rowsOf(page).filter({ hasText: 'thumbnails' }).waitFor();
		const atKeyboard = page.locator('[role=grid][aria-activedescendant]');
		await waitFor('a row at the keyboard', async () => {
			await page.keyboard.press('j');
			await atKeyboard.waitFor({ timeout: 3_000 });
			return true;
		});
		await page.keyboard.press(' ');
		const ticked = page.getByRole('toolbar', { name: 'Ticked schedules' });
		await ticked.getByText(/^1 /).waitFor();
		await page.keyboard.press('Control+a');
		const all = await page.getByRole('grid', { name: 'Schedules' }).getAttribute('aria-rowcount');
		await ticked.getByText(new RegExp(`^${Number(all) - 1} `)).waitFor();
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog', { name: /^Remove 1\d schedules/ }).waitFor();
		await page.keyboard.press('Escape');
		await page.getByRole('alertdialog').waitFor({ state: 'detached' });
		await page.keyboard.press('Escape');
		await ticked.waitFor({ state: 'detached' });
	});

	test('every key of schedules is told under "?"', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go(SCHEDULE_VIEWS[0]?.place(scene) ?? '');
		await rowsOf(page).first().waitFor();
		await page.keyboard.press('?');
		const keys = page.getByRole('dialog', { name: 'Keys' });
		for (const command of [
			...['New schedule', 'Save the schedule', 'Pause the schedule, or let it run again', 'Duplicate the schedule'],
			...['Review and sync edits that wait', 'Show the books of schedules', 'Edit the schedule', 'Search schedules'],
		]) {
			await keys.getByText(command, { exact: true }).waitFor();
		}
	});
});
