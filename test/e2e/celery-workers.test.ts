/** Celery's workers by click and by key, on a real RabbitMQ with Debian's Celery: seen, paused, resumed, and shut down. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CeleryLab, celeryLab, type LabWorker } from '#test/support/celery/lab.ts';
import { warrenJson } from '#test/support/cli.ts';
import {
	accessibilityFaults,
	openBrowser,
	openConsole,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';

let broker: Awaited<ReturnType<typeof startRabbit>>;
let lab: CeleryLab;
let browser: Browser;
let served: ServedConsole;
const workers: LabWorker[] = [];
beforeAll(async () => {
	// A line of configuration makes it a server of our own, since its exchanges are Celery's.
	[broker, browser, served] = await Promise.all([
		startRabbit({ config: ['max_message_size = 33554432'] }),
		openBrowser(),
		serveConsole(),
	]);
	lab = celeryLab(broker.url);
	await warrenJson(served.home, ['profile', 'add', 'lab', '--framework', 'celery', '--broker', broker.url]);
	await warrenJson(served.home, [
		...['profile', 'add', 'live', '--framework', 'celery', '--broker', broker.url],
		...['--environment', 'production'],
	]);
}, 240_000);
afterAll(async () => {
	for (const worker of workers) await worker[Symbol.asyncDispose]();
	await served?.[Symbol.asyncDispose]();
	await browser?.close();
	await broker?.stop();
}, 120_000);

const rowOf = (page: Page, name: string): Locator =>
	page.getByRole('table', { name: 'Celery workers' }).getByRole('row').filter({ hasText: name });
const confirm = (page: Page, name: RegExp | string): Promise<void> =>
	page.getByRole('alertdialog').getByRole('button', { name }).click();
/** A worker beats before it listens for commands: then its pool is known. */
const answered = (page: Page, name: string): Promise<void> =>
	waitFor(
		`${name} to answer`,
		async () => {
			if (
				await rowOf(page, name)
					.getByText(/^2 at a time|^prefork 2/)
					.isVisible()
			)
				return true;
			await page.keyboard.press('.');
			await rowOf(page, name)
				.getByText(/^2 at a time|^prefork 2/)
				.waitFor({ timeout: 3_000 });
			return true;
		},
		90_000,
	).then(() => undefined);

describe('Celery workers', () => {
	test('are offered, seen by their heartbeats, paused, resumed and shut down, all by click', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('lab/workers');
		await page.getByText('No worker was heard').waitFor({ timeout: 60_000 });
		const monitoring = page.getByRole('switch', { name: 'Monitoring' });
		expect(await monitoring.getAttribute('aria-checked')).toBe('true');
		await monitoring.click();
		await page.getByText(/^Switched off/).waitFor();
		await page.getByRole('button', { name: 'Start monitoring' }).click();
		await page.getByText(/none behind/).waitFor();

		const worker = lab.worker('w1');
		workers.push(worker);
		await rowOf(page, 'w1@lab').getByText('online').waitFor({ timeout: 90_000 });
		await answered(page, 'w1@lab');
		const id = await lab.send('add', 1, 2);
		await waitFor('the task to have run', async () => {
			const task = await warrenJson<{ state: string }>(served.home, ['--profile', 'lab', 'task', 'show', id]);
			return task.state === 'succeeded';
		});

		const queues = page.getByRole('region', { name: 'Queues of the workers' });
		await queues.getByRole('button', { name: 'Pause celery' }).click();
		const question = page.getByRole('alertdialog', { name: 'Pause celery on w1@lab' });
		await question.getByRole('list', { name: 'Workers that are told' }).getByText('w1@lab').waitFor();
		await confirm(page, 'Pause celery on w1@lab');
		await queues.getByText('nobody takes from it').waitFor();
		const waiting = await lab.send('add', 3, 4);
		await queues.getByRole('button', { name: 'Resume celery' }).click();
		// Nothing had taken it: it waits where it was sent.
		const peeked = await warrenJson<{ total: number }>(served.home, ['--profile', 'lab', 'queue', 'peek', 'celery']);
		expect(peeked.total).toBe(1);
		await confirm(page, 'Take celery on w1@lab');
		await waitFor('the task to run after all', async () => {
			const task = await warrenJson<{ state: string }>(served.home, ['--profile', 'lab', 'task', 'show', waiting]);
			return task.state === 'succeeded';
		});

		await rowOf(page, 'w1@lab').getByRole('button', { name: 'Actions for w1@lab' }).click();
		await page.getByRole('menuitem', { name: 'Shut it down…' }).click();
		await page.getByRole('alertdialog', { name: 'Shut down w1@lab' }).waitFor();
		await confirm(page, 'Shut down w1@lab');
		await rowOf(page, 'w1@lab').getByText('stopped').waitFor();
		await waitFor('its process to end', () => worker.ended());
		expect(opened.trouble).toEqual([]);
	}, 300_000);

	test('that tell nothing of their tasks are made to by one click; on production the name is asked for before one is ended by key', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		const worker = lab.worker('quiet', { events: false });
		workers.push(worker);
		await opened.go('live/workers');
		await rowOf(page, 'quiet@lab').getByText('online').waitFor({ timeout: 90_000 });
		await answered(page, 'quiet@lab');
		const switchOn = rowOf(page, 'quiet@lab').getByRole('button', { name: 'Switch events on' });
		// Two heartbeats must have told of tasks that no event told of.
		await waitFor(
			'its silence to be noticed',
			async () => {
				await lab.send('add', 1, 2);
				await switchOn.waitFor({ timeout: 3_000 });
				return true;
			},
			90_000,
		);
		expect(await accessibilityFaults(page)).toEqual([]);
		await switchOn.click();
		await confirm(page, /^Have quiet@lab tell of tasks/);
		await page.getByRole('alertdialog').waitFor({ state: 'detached' });
		await lab.send('add', 1, 2);
		await rowOf(page, 'quiet@lab')
			.getByText(/Events off/)
			.waitFor({ state: 'detached', timeout: 60_000 });

		await waitFor('the row to be at the keyboard', async () => {
			await page.keyboard.press('j');
			return (await page.locator('tr.at').filter({ hasText: 'quiet@lab' }).count()) === 1;
		});
		await page.keyboard.press('Shift+D');
		const question = page.getByRole('alertdialog', { name: 'Shut down quiet@lab' });
		const button = question.getByRole('button', { name: 'Shut down quiet@lab' });
		expect(await button.isDisabled()).toBe(true);
		await question.getByRole('textbox', { name: 'Type live to confirm' }).fill('live');
		await page.keyboard.press('Enter');
		await rowOf(page, 'quiet@lab').getByText('stopped').waitFor();
		expect(opened.trouble).toEqual([]);
	}, 300_000);

	test.each(['light', 'dark'] as const)(
		'have no fault that axe can find in the %s theme, nor has any of their dialogs',
		async (colorScheme) => {
			if (workers.length < 3) workers.push(lab.worker('w3'));
			await using opened = await openConsole(browser, served, { colorScheme });
			const { page } = opened;
			await opened.go('lab/workers');
			await answered(page, 'w3@lab');
			expect(await accessibilityFaults(page)).toEqual([]);
			for (const item of ['Grow its pool…', 'Leave a queue…', 'Limit the rate of a task…', 'Shut it down…']) {
				await rowOf(page, 'w3@lab').getByRole('button', { name: 'Actions for w3@lab' }).click();
				await page.getByRole('menuitem', { name: item }).click();
				await page.getByRole('alertdialog').getByRole('list', { name: 'Workers that are told' }).waitFor();
				expect(await accessibilityFaults(page), item).toEqual([]);
				await page.keyboard.press('Escape');
				await page.getByRole('alertdialog').waitFor({ state: 'detached' });
			}
			for (const width of [1024, 760, 400]) {
				await page.setViewportSize({ width, height: 800 });
				expect(await page.evaluate('document.documentElement.scrollWidth > window.innerWidth'), String(width)).toBe(
					false,
				);
			}
			expect(opened.trouble).toEqual([]);
		},
		300_000,
	);
});
