/** The main job, clicked: a profile for a real RabbitMQ, carrot's own messages, a failure, its cure, a requeue. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publishCarrot } from '#test/support/carrot.ts';
import {
	type ConsolePage,
	openBrowser,
	openConsole,
	rowsOf,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { type RabbitServer, startRabbit, uniqueName } from '#test/support/rabbitmq.ts';

const BILLING = fileURLToPath(new URL('../fixtures/projects/billing', import.meta.url));
const queue = uniqueName('clicked');
let rabbit: RabbitServer;
let browser: Browser;
let served: ServedConsole;
let opened: ConsolePage;
let project: string;

beforeAll(async () => {
	project = mkdtempSync(join(tmpdir(), 'warren-e2e-project-'));
	cpSync(BILLING, project, { recursive: true });
	[rabbit, browser, served] = await Promise.all([startRabbit(), openBrowser(), serveConsole()]);
	opened = await openConsole(browser, served);
});
afterAll(async () => {
	await opened?.[Symbol.asyncDispose]();
	await served?.[Symbol.asyncDispose]();
	await browser?.close();
	await rabbit?.stop();
	rmSync(project, { recursive: true, force: true });
});

describe('the main job, clicked', () => {
	test('a profile is added and tested in the window, and its password never comes back', async () => {
		const { page } = opened;
		await page.getByRole('button', { name: 'Settings' }).click();
		await page.getByRole('button', { name: 'Add a profile' }).click();
		const dialog = page.getByRole('dialog', { name: 'Add a profile' });
		const url = new URL(rabbit.url);
		await dialog.getByRole('textbox', { name: 'Name' }).fill('billing');
		await dialog.getByRole('textbox', { name: 'Broker' }).fill(`amqp://${url.username}@${url.host}${url.pathname}`);
		await dialog.getByRole('textbox', { name: 'Password' }).fill(decodeURIComponent(url.password));
		await dialog.getByRole('textbox', { name: /^Queues/ }).fill(queue);
		await dialog.getByRole('button', { name: 'Test' }).click();
		await dialog.getByText('Login').waitFor();
		await dialog.getByRole('button', { name: 'Save' }).click();
		await dialog.waitFor({ state: 'detached' });
		await page
			.getByRole('button', { name: /^billing/ })
			.first()
			.click();
		await page
			.getByRole('contentinfo')
			.getByText(/connected/)
			.waitFor();

		await page.getByRole('button', { name: 'Settings' }).click();
		await page.getByRole('listitem').filter({ hasText: url.host }).getByRole('button', { name: 'Edit' }).click();
		const edit = page.getByRole('dialog', { name: 'Edit billing' });
		expect(await edit.getByRole('textbox', { name: 'Password' }).inputValue()).toBe('');
		await edit.getByRole('button', { name: 'Cancel' }).click();
	});

	test('what carrot published runs, one fails with its traceback, and succeeds on requeue once it is mended', async () => {
		const { page } = opened;
		await publishCarrot(
			rabbit.url,
			queue,
			[
				{ task: 'billing.tasks.add', args: [1, 2], kwargs: { x: 4 } },
				{ task: 'billing.tasks.charge', args: [88213], kwargs: { amount: 12 }, priority: 7 },
			],
			{ declare: true },
		);
		await page.getByRole('button', { name: /^Workers/ }).click();
		await page.getByRole('button', { name: 'Start a consumer' }).first().click();
		const dialog = page.getByRole('dialog', { name: 'Start a consumer' });
		await dialog.getByRole('textbox', { name: /^Queues/ }).fill(queue);
		await dialog.getByRole('textbox', { name: 'Project folder' }).fill(project);
		await dialog.getByRole('textbox', { name: 'Interpreter' }).fill('/usr/bin/python3');
		await dialog.getByRole('button', { name: 'Start' }).click();
		await page
			.getByRole('region', { name: `Consumer of ${queue}` })
			.getByText('1 task done, 1 failed')
			.waitFor();

		await page.getByRole('button', { name: /^Failed/ }).click();
		await page.getByRole('radio', { name: 'Tasks' }).click();
		await rowsOf(page).filter({ hasText: 'billing.tasks.charge' }).click();
		const drawer = page.getByRole('complementary', { name: 'Task billing.tasks.charge' });
		await drawer.getByText('KeyError').first().waitFor();
		await drawer.getByText('billing/tasks.py').first().waitFor();
		await drawer.getByRole('tab', { name: /Log/ }).click();
		await drawer.getByText('charging order 88213').waitFor();
		await drawer.getByText('sent to the gateway').waitFor();

		writeFileSync(join(project, 'billing', 'rates.py'), 'RATES = {"USD": 1.1, "EUR": 2}\n');
		await drawer.getByRole('button', { name: /^Requeue/ }).click();
		await drawer.getByText('attempt 2 of 2').waitFor();
		await drawer.getByText('Succeeded').waitFor();
		await drawer.getByRole('tab', { name: 'Overview' }).click();
		await drawer.getByText('"total"').waitFor();
		await drawer.getByRole('tab', { name: /Attempts/ }).click();
		const attempts = drawer.getByRole('list', { name: 'Attempts' }).getByRole('listitem');
		await attempts.nth(1).getByText('KeyError').waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('with the broker killed the footer says so, history stays readable, and it comes back by itself', async (context) => {
		if (rabbit.external) context.skip('the server was given by WARREN_TEST_AMQP_URL and must not be killed');
		const { page } = opened;
		await opened.go('billing/completed');
		await rowsOf(page).filter({ hasText: 'billing.tasks.charge' }).waitFor();
		await rabbit.kill9();
		const footer = page.getByRole('contentinfo');
		await footer.getByText(/reconnecting since \d\d:\d\d/).waitFor();
		await page.getByRole('button', { name: /^Attention/ }).click();
		await page
			.getByText(/does not answer/)
			.first()
			.waitFor();
		await page.reload();
		await opened.go('billing/completed');
		await rowsOf(page).filter({ hasText: 'billing.tasks.charge' }).click();
		await page.getByRole('complementary').getByRole('tab', { name: /Log/ }).click();
		await page.getByRole('complementary').getByText('charging order 88213').waitFor();
		await rabbit.start();
		await footer.getByText(/connected \d/).waitFor({ timeout: 90_000 });
		expect(opened.trouble).toEqual([]);
	});
});
