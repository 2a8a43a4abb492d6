/** Poisoned messages, by click: set aside, named where a person looks first, read, mended, sent on, discarded and held again. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';
import { openBrowser, openConsole, rowsOf, serveConsole } from '#test/support/console.ts';
import { publishRaw } from '#test/support/raw-messages.ts';
import { waitFor } from '#test/support/wait.ts';

let browser: Browser;
beforeAll(async () => {
	browser = await openBrowser();
});
afterAll(() => browser?.close());

/** Beside the one that the samples hold. */
const POISON = [
	{ id: 'poison-1', task: 'orders.total', body: '{"args": [20, 22' },
	{ id: 'poison-2', task: 'orders.tally', body: '{"args": [9007199254740993, 1]}' },
	{ id: 'poison-3', task: 'orders.total', body: Uint8Array.from([0x7b, 0xff, 0x00]) },
];

describe('a poisoned message', () => {
	test('is named under Attention, read, mended and sent on, and the mended task succeeds', async () => {
		await using served = await serveConsole();
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByText(/14 sample tasks wait/).waitFor();
		await publishRaw(served.home, POISON);
		await page.getByRole('button', { name: 'Start the consumer' }).click();
		await page.getByRole('button', { name: 'Quarantine 4' }).waitFor();

		await page.keyboard.press('1');
		await page.getByRole('heading', { name: '4 messages are in quarantine' }).waitFor();
		await page.getByRole('button', { name: 'Decide' }).click();
		const row = rowsOf(page)
			.filter({ hasText: '9007199254740993' })
			.or(rowsOf(page).filter({ hasText: 'orders.tally' }));
		await row.click();
		const drawer = page.getByRole('complementary', { name: /^Message \d+ in quarantine/ });
		await drawer.getByText('Unknown task').waitFor();
		await drawer.getByText(/It reads as a call of.*and runs once a consumer here has that task/).waitFor();
		await drawer.getByRole('region', { name: 'Body' }).getByText('{"args": [9007199254740993, 1]}').waitFor();
		await drawer.getByRole('radio', { name: 'Bytes' }).click();
		await drawer.getByText('7b 22 61 72 67 73').waitFor();

		// The name was wrong: another one, and one argument more, with every digit kept on the way.
		await page.keyboard.press('e');
		const dialog = page.getByRole('dialog', { name: 'Send 1 message to a queue' });
		await dialog.getByRole('radio', { name: 'Another call' }).click();
		const positional = dialog.getByRole('textbox', { name: /Positional/ });
		await waitFor('the old arguments', async () => (await positional.inputValue()) === '9007199254740993, 1');
		await dialog.getByRole('combobox', { name: 'Task' }).fill('orders.total');
		await positional.fill("9007199254740993, 'one");
		await dialog.getByText(/Column \d+:/).waitFor();
		expect(await dialog.getByRole('button', { name: 'Send 1 message' }).isDisabled()).toBe(true);
		await positional.fill('9007199254740993, 2');
		await dialog.getByText(/1 message goes to/).waitFor();
		await dialog.getByRole('button', { name: 'Send 1 message' }).click();
		await page.getByText('1 message sent').waitFor();
		await page.getByRole('button', { name: 'Quarantine 3' }).waitFor();
		await waitFor('the mended task', async () => {
			const list = (await warrenJson(served.home, ['--profile', 'sandbox', 'task', 'list', 'id:poison-2'])) as {
				readonly items: readonly { readonly state: string; readonly argsJson?: string }[];
			};
			return list.items[0]?.state === 'succeeded';
		});
		expect(opened.trouble).toEqual([]);
	});

	test('is discarded by key after a review, on production only by name, and held again', async () => {
		await using served = await serveConsole();
		await warrenJson(served.home, ['profile', 'edit', 'sandbox', '--environment', 'production']);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByText(/14 sample tasks wait/).waitFor();
		await publishRaw(served.home, POISON);
		await page.getByRole('button', { name: 'Start the consumer' }).click();
		await page.getByRole('button', { name: 'Quarantine 4' }).waitFor();
		await page.keyboard.press('q');
		await rowsOf(page).nth(3).waitFor();
		await page.keyboard.press('Control+a');
		// Without Shift the key destroys nothing.
		await page.keyboard.press('d');
		expect(await page.getByRole('alertdialog').count()).toBe(0);
		await page.keyboard.press('Shift+D');
		const question = page.getByRole('alertdialog', { name: 'Discard 4 messages' });
		const go = question.getByRole('button', { name: 'Discard 4 messages' });
		await question.waitFor();
		expect(await go.isDisabled()).toBe(true);
		await question.getByRole('textbox').fill('sandbox');
		await go.click();
		await page.getByText('4 messages discarded').waitFor();
		await page.getByText('Nothing is held').waitFor();

		await page.getByRole('radio', { name: 'Discarded' }).click();
		await rowsOf(page).first().click();
		const drawer = page.getByRole('complementary', { name: /^Message \d+ in quarantine/ });
		await drawer.getByRole('button', { name: 'Hold it again' }).click();
		await page.getByRole('alertdialog').getByRole('button', { name: 'Hold 1 message again' }).click();
		await page.getByText('1 message held again').waitFor();
		await page.getByRole('button', { name: 'Quarantine 1' }).waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('can be looked at and not touched on a read-only profile', async () => {
		await using served = await serveConsole();
		{
			await using opened = await openConsole(browser, served);
			const { page } = opened;
			await page.getByText(/14 sample tasks wait/).waitFor();
			await publishRaw(served.home, POISON);
			await page.getByRole('button', { name: 'Start the consumer' }).click();
			await page.getByRole('button', { name: 'Quarantine 4' }).waitFor();
		}
		await warrenJson(served.home, ['profile', 'edit', 'sandbox', '--read-only']);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByRole('contentinfo').getByText('Read-only').waitFor();
		await opened.go('sandbox/quarantine');
		await rowsOf(page).first().click();
		const drawer = page.getByRole('complementary', { name: /^Message \d+ in quarantine/ });
		await drawer.getByText('sandbox is read-only').waitFor();
		for (const name of [/^Release/, /^Send on/, /^Discard/]) {
			expect(await drawer.getByRole('button', { name }).isDisabled()).toBe(true);
		}
		for (const key of ['r', 'e', 'Shift+D']) await page.keyboard.press(key);
		expect(await page.getByRole('dialog').or(page.getByRole('alertdialog')).count()).toBe(0);
		expect(opened.trouble).toEqual([]);
	});
});
