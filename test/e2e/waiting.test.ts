/** Waiting messages on the screen: looked at, edited, deleted, purged and taken back, by key where there is one. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';
import { accessibilityFaults, openBrowser, openConsole, serveConsole } from '#test/support/console.ts';

let browser: Browser;
beforeAll(async () => {
	browser = await openBrowser();
});
afterAll(() => browser?.close());

interface Peeked {
	readonly items: readonly { readonly raw: string; readonly task: { readonly argsJson: string } | null }[];
}

describe('waiting messages', () => {
	test('are edited and deleted by key, purged by the name of their queue, and all of it is taken back', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		const waiting = async () =>
			(await warrenJson<Peeked>(served.home, ['--profile', 'sandbox', 'queue', 'peek', 'default'])).items.map(
				({ raw, task }) => `${task?.argsJson} ${Buffer.from(raw, 'base64').length}`,
			);
		const args = async () => (await waiting()).map((one) => one.split(' ')[0]);
		await opened.go('sandbox/queues');
		await page
			.getByRole('row', { name: /default/ })
			.getByRole('button', { name: 'Look inside' })
			.click();
		const look = page.getByRole('dialog', { name: 'Waiting in default' });
		await look.getByText('14 of 14, next to run first.').waitFor();
		const before = await waiting();
		expect(await accessibilityFaults(page)).toEqual([]);

		// Edit the first of them, by key.
		const choose = (at: number) => look.getByRole('checkbox', { name: /^Choose .*-/ }).nth(at);
		await choose(0).check();
		await page.keyboard.press('e');
		const edit = page.getByRole('dialog', { name: 'Edit a message of default' });
		const positional = edit.getByRole('textbox', { name: /Positional/ });
		await expect.poll(() => positional.inputValue()).toBe('88213');
		await positional.fill("41, 'fragile'");
		expect(await accessibilityFaults(page)).toEqual([]);
		await positional.press('Enter');
		await page.getByText('1 message edited').waitFor();
		await look.getByText('[41,"fragile"]').or(look.getByText('[41, "fragile"]')).first().waitFor();

		// Delete the one that is next now.
		await choose(0).check();
		await page.keyboard.press('Shift+D');
		const ask = page.getByRole('alertdialog');
		await ask.getByRole('button', { name: 'Delete 1 message' }).click();
		await page.getByText('1 message deleted').waitFor();
		await look.getByText('13 of 13, next to run first.').waitFor();

		// Both are taken back, from the list that the keyboard reaches.
		await page.keyboard.press('Escape');
		await look.waitFor({ state: 'detached' });
		await page.keyboard.press('Control+k');
		await page.getByRole('combobox', { name: 'Find a command' }).fill('undo');
		await page.keyboard.press('Enter');
		const changes = page.getByRole('dialog', { name: 'Changes and undo' });
		await changes.getByText('1 message is put back, byte for byte.').waitFor();
		expect(await accessibilityFaults(page)).toEqual([]);
		const first = changes.getByRole('listitem').filter({ hasText: /^Deleted 1 message/ });
		await first.getByRole('button', { name: 'Take back' }).click();
		await first.getByText('taken back', { exact: true }).waitFor();
		const second = changes.getByRole('listitem').filter({ hasText: /^Edited/ });
		await second.getByRole('button', { name: 'Take back' }).click();
		await second.getByText('taken back', { exact: true }).waitFor();
		expect((await waiting()).toSorted()).toEqual(before.toSorted());

		// A purge asks for the name of the queue.
		await page.keyboard.press('Escape');
		await changes.waitFor({ state: 'detached' });
		const order = await args();
		await page
			.getByRole('row', { name: /default/ })
			.getByRole('button', { name: 'Look inside' })
			.click();
		await look.getByText('14 of 14, next to run first.').waitFor();
		await page.keyboard.press('Shift+P');
		const purge = ask.getByRole('button', { name: 'Purge 14 messages' });
		expect(await purge.isDisabled()).toBe(true);
		const name = ask.getByRole('textbox', { name: 'Type default to confirm' });
		await name.fill('defaul');
		await name.press('Enter');
		expect(await purge.isDisabled()).toBe(true);
		expect(await args()).toHaveLength(14);
		await name.fill('default');
		await name.press('Enter');
		await page.getByText('14 messages purged').waitFor();
		await look.getByText('Nothing waits.').waitFor();
		await page.keyboard.press('u');
		await changes
			.getByRole('listitem')
			.filter({ hasText: /^Purged/ })
			.getByRole('button', { name: 'Take back' })
			.click();
		await page.getByText('14 taken back').waitFor();
		expect(await args()).toEqual(order);
		expect(opened.trouble).toEqual([]);
	});
});
