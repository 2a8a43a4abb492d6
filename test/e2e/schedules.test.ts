/** Schedules, by click and by key: made, mistaken, edited with the book away and elsewhere meanwhile, merged, resolved, run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startStandIn } from '#test/support/carrot-site/server.ts';
import { warrenJson } from '#test/support/cli.ts';
import { openBrowser, openConsole, rowsOf, serveConsole } from '#test/support/console.ts';
import { startRedis } from '#test/support/redis.ts';
import { writeJson } from '#test/support/schedule-scene.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

let browser: Browser;
beforeAll(async () => {
	browser = await openBrowser();
});
afterAll(() => browser?.close());

const drawerOf = (page: Page, name: string): Locator => page.getByRole('complementary', { name });

/** A home of somebody else, on the same shared book. */
async function anotherHome(book: string): Promise<AsyncDisposable & { readonly home: string }> {
	const home = await mkdtemp(join(tmpdir(), 'warren-other-'));
	await warrenJson(home, ['profile', 'edit', 'sandbox', '--book', `shared=${book}`]);
	return { home, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true, maxRetries: 5 }) };
}

describe('a schedule in a shared book', () => {
	test('is made, mended where its JSON is wrong, edited offline and elsewhere, resolved, and run to a completed task', async () => {
		await using redis = await startRedis({ own: true });
		await using proxy = await startProxy({ port: redis.port });
		await using other = await anotherHome(redis.url);
		await using served = await serveConsole();
		await warrenJson(served.home, ['profile', 'edit', 'sandbox', '--book', `shared=redis://127.0.0.1:${proxy.port}/0`]);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.getByText(/14 sample tasks wait/).waitFor();
		await page.getByRole('button', { name: 'Start the consumer' }).click();
		await page.getByRole('button', { name: 'Completed 7' }).waitFor();

		// Made by key, with a mistake that is pointed at where it is.
		await page.keyboard.press('5');
		await page.getByText('No schedules').waitFor();
		await page.keyboard.press('n');
		const making = drawerOf(page, 'New schedule');
		await making.getByRole('combobox', { name: 'Book' }).selectOption({ label: 'The shared book' });
		await making.getByRole('textbox', { name: 'Name' }).fill('nightly-total');
		await making.getByRole('combobox', { name: 'Task' }).fill('orders.total');
		await making.getByRole('radio', { name: 'Cron' }).click();
		await making.getByRole('textbox', { name: 'Cron expression' }).fill('30 2 * * 1-5');
		await making.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Berlin');
		await page.keyboard.press('Escape');
		await making.getByText('Every weekday at 02:30, Europe/Berlin').waitFor();
		await making.getByRole('textbox', { name: 'Positional' }).fill('1250, 40');
		const keyword = making.locator('.cm-content').first();
		await writeJson(page, keyword, '{\n  "customer": 9223372036854775809,\n  "tags": ["vip", urgent]\n}');
		await making.getByText(/^Line 3, column 19: /).waitFor();
		await making.getByText('1 problem above').waitFor();
		expect(await making.getByRole('button', { name: /^Create/ }).isDisabled()).toBe(true);
		await page.keyboard.press('Control+s');
		await writeJson(page, keyword, '{"note": 9223372036854775809}');
		await making.getByText('not saved yet').waitFor();
		await page.keyboard.press('Control+s');
		const drawer = drawerOf(page, 'Schedule nightly-total');
		await drawer.waitFor();
		const row = rowsOf(page).filter({ hasText: 'nightly-total' });
		await row.filter({ hasText: 'synced' }).waitFor();
		await drawer.getByRole('tab', { name: 'Message' }).click();
		await drawer
			.getByRole('region', { name: 'Body' })
			.getByText(/9223372036854775809/)
			.waitFor();
		await drawer.getByRole('tab', { name: 'Edit' }).click();

		// The book goes away: edits are kept here, seen, and can be looked through.
		proxy.refuse();
		proxy.cut();
		await page.getByText(/^The shared book offline since/).waitFor();
		await drawer.getByRole('combobox', { name: 'Queue' }).fill('mine');
		await drawer.getByRole('textbox', { name: 'Cron expression' }).fill('0 4 * * 1-5');
		await page.keyboard.press('Control+s');
		await row.filter({ hasText: 'edited' }).waitFor();
		await page.getByText(/^1 edit waits\./).waitFor();
		await page.getByRole('button', { name: 'Review 1 edit' }).click();
		const review = page.getByRole('dialog', { name: 'Review 1 edit' });
		await review.getByRole('button', { name: 'nightly-total' }).click();
		await review.getByText('30 2 * * 1-5').waitFor();
		await review.getByText('0 4 * * 1-5').waitFor();
		await page.keyboard.press('Escape');
		await review.waitFor({ state: 'detached' });

		// Meanwhile somebody else edits one of the same fields, and another one.
		const fetch = () => warrenJson(other.home, ['--profile', 'sandbox', 'schedule', 'sync', '--book', 'shared']);
		await fetch();
		await warrenJson(other.home, [
			...['--profile', 'sandbox', 'schedule', 'edit', 'nightly-total', '--book', 'shared'],
			...['--cron', '0 3 * * 1-5', '--description', 'theirs'],
		]);
		proxy.allow();
		await row.filter({ hasText: 'conflict' }).waitFor();
		const conflict = drawer.getByRole('region', { name: 'Conflict' });
		await conflict.getByRole('button', { name: 'Yours, Runs: 0 4 * * 1-5' }).waitFor();
		await conflict.getByRole('button', { name: 'Theirs, Runs: 0 3 * * 1-5' }).click();
		await conflict.getByRole('button', { name: 'Resolve' }).click();
		await row.filter({ hasText: 'synced' }).waitFor();
		await conflict.waitFor({ state: 'detached' });
		await fetch();
		const there = await warrenJson<{ readonly view: { readonly definition: Record<string, unknown> } }>(other.home, [
			...['--profile', 'sandbox', 'schedule', 'show', 'nightly-total', '--book', 'shared'],
		]).then((shown) => shown.view.definition);
		expect(there).toMatchObject({
			queue: 'mine',
			description: 'theirs',
			recurrence: { kind: 'cron', expression: '0 3 * * 1-5' },
			kwargs: '{"note": 9223372036854775809}',
		});
		await drawer.getByRole('tab', { name: /^History/ }).click();
		await drawer.getByText('0 4 * * 1-5').first().waitFor();

		// Run now, where its consumer takes from; its task is followed from the run.
		await drawer.getByRole('tab', { name: 'Edit' }).click();
		await drawer.getByRole('combobox', { name: 'Queue' }).fill('default');
		await page.keyboard.press('Control+s');
		await page.getByText('nightly-total is saved').waitFor();
		await drawer.getByRole('button', { name: /^Run now/ }).click();
		await page.getByRole('alertdialog').getByRole('button', { name: 'Run 1 schedule now' }).click();
		await drawer.getByRole('tab', { name: /^Runs/ }).click();
		const run = drawer.getByRole('list', { name: 'Runs' }).getByRole('listitem').filter({ hasText: 'by hand' });
		await run.getByRole('button').click();
		const task = drawerOf(page, 'Task orders.total');
		await task.getByText('Succeeded').waitFor();
		await task.getByRole('button', { name: 'Close (Esc)' }).click();
		await drawer.waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('is never lost while it is being written: it is kept through other schedules, and asked about on leaving', async () => {
		await using served = await serveConsole();
		for (const name of ['first', 'second'])
			await warrenJson(served.home, [
				...['--profile', 'sandbox', 'schedule', 'add', name],
				...['--task', 'orders.total', '--every', '1 hour', '--inactive'],
			]);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/scheduled');
		await rowsOf(page).filter({ hasText: 'first' }).click();
		const first = drawerOf(page, 'Schedule first');
		await first.getByRole('textbox', { name: 'Positional' }).fill("1, 'half");
		await first.getByText('1 problem above').waitFor();
		await rowsOf(page).filter({ hasText: 'second' }).click();
		await drawerOf(page, 'Schedule second').waitFor();
		await rowsOf(page).filter({ hasText: 'first' }).getByText('unsaved').waitFor();
		await page.keyboard.press('4');
		await page.getByRole('grid', { name: 'Completed tasks' }).or(page.getByText('Nothing')).first().waitFor();
		await page.keyboard.press('5');
		await page.getByRole('button', { name: '✎ 1 unsaved' }).click();
		await waitFor('the half-written text', async () => {
			const text = await first.getByRole('textbox', { name: 'Positional' }).inputValue();
			return text === "1, 'half";
		});
		// The browser asks, is told no, and the page stays as it was.
		await page.evaluate('setTimeout(() => location.reload(), 0)');
		await waitFor('the question on leaving', async () => opened.trouble.some((line) => line.startsWith('dialog:')));
		await first.getByRole('button', { name: 'Discard' }).click();
		await first.getByText('1 problem above').waitFor({ state: 'detached' });
		expect(await page.getByRole('button', { name: /unsaved/ }).count()).toBe(0);
	});
});

describe("a schedule in a site's book", () => {
	test('is merged field by field with what the site changed while it did not answer, and its refusals are told', async () => {
		await using site = await startStandIn({ taskChoices: ['shop.tasks.dun', 'shop.tasks.vat'] });
		const row = site.addSchedule({
			task: 'shop.tasks.dun',
			task_name: 'dunning',
			queue: 'default',
			interval_type: 'hours',
			interval_count: 6,
		});
		await using served = await serveConsole();
		await warrenJson(served.home, [
			...[
				'profile',
				'add',
				'site',
				'--framework',
				'carrot',
				'--broker',
				'amqp://u@127.0.0.1:1/',
				'--monitor',
				site.url,
			],
		]);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('site/scheduled');
		const line = rowsOf(page).filter({ hasText: 'dunning' });
		await line.filter({ hasText: 'every 6 hours' }).click();
		const drawer = drawerOf(page, 'Schedule dunning');
		await drawer.getByText(/This book keeps no .*time zone/).waitFor();
		expect(await drawer.getByRole('radio', { name: 'Cron' }).count()).toBe(0);

		// The site stops answering; what it changes meanwhile and what is edited here are different fields.
		site.mishap(/scheduled-tasks/, 'break', 10_000);
		await page.getByText(/^The site's book (?:offline|refused) since/).waitFor();
		await drawer.getByRole('textbox', { name: 'Count' }).fill('8');
		await page.keyboard.press('Control+s');
		await line.filter({ hasText: 'edited' }).filter({ hasText: 'every 8 hours' }).waitFor();
		row.queue = 'mail';
		site.clearMishaps();
		await line.filter({ hasText: 'synced' }).waitFor();
		expect(site.schedules.get(row.id)).toMatchObject({ interval_count: 8, queue: 'mail' });
		await waitFor('both edits in the form', async () => {
			const queue = await drawer.getByRole('combobox', { name: 'Queue' }).inputValue();
			return queue === 'mail' && (await drawer.getByRole('textbox', { name: 'Count' }).inputValue()) === '8';
		});

		// What the site would not have is told at the schedule, and can be taken back.
		site.mishap(/PATCH .*scheduled-tasks/, { status: 400, body: '{"queue": ["No such queue here."]}' });
		await drawer.getByRole('combobox', { name: 'Queue' }).fill('nowhere');
		await page.keyboard.press('Control+s');
		await line.filter({ hasText: 'refused' }).waitFor();
		await drawer
			.getByText(/No such queue here/)
			.first()
			.waitFor();
		await drawer.getByRole('button', { name: 'Take it back' }).click();
		await line.filter({ hasText: 'synced' }).waitFor();
		expect(site.schedules.get(row.id)?.queue).toBe('mail');
		expect(opened.trouble).toEqual([]);
	});
});

describe("a schedule in RedBeat's book", () => {
	test('is made without a queue, refused where beat would stumble, merged with an edit made elsewhere, paused, handed to beat and removed', async () => {
		await using redis = await startRedis({ own: true });
		await using proxy = await startProxy({ port: redis.port });
		await using served = await serveConsole();
		await warrenJson(served.home, [
			...['profile', 'add', 'shop', '--framework', 'celery', '--broker', 'amqp://u@127.0.0.1:1/'],
			...['--book', `redbeat=redis://127.0.0.1:${proxy.port}/0?zone=Europe/Berlin`],
		]);
		const kept = async () => JSON.parse(await redis.cli('HGET', 'redbeat:nightly', 'definition'));
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('shop/scheduled');
		await page.getByText('No schedules').waitFor();
		await page.keyboard.press('n');
		const making = drawerOf(page, 'New schedule');
		await making.getByRole('combobox', { name: 'Book' }).selectOption({ label: 'RedBeat' });
		await making.getByRole('textbox', { name: 'Name' }).fill('nightly');
		await making.getByRole('combobox', { name: 'Task' }).fill('shop.tasks.report');
		await making.getByRole('combobox', { name: 'Queue' }).fill('');
		await making.getByRole('radio', { name: 'Cron' }).click();
		await making.getByRole('combobox', { name: 'Time zone' }).fill('Europe/Berlin');
		await making.getByRole('textbox', { name: 'Cron expression' }).fill('0 0 30 2 *');
		await making.getByText(/No month of these has such a day/).waitFor();
		expect(await making.getByRole('button', { name: /^Create/ }).isDisabled()).toBe(true);
		expect(await redis.cli('DBSIZE')).toBe('0');
		await making.getByRole('textbox', { name: 'Cron expression' }).fill('30 2 * * *');
		await making.getByText('Every day at 02:30, Europe/Berlin').waitFor();
		await page.keyboard.press('Control+s');
		const row = rowsOf(page).filter({ hasText: 'nightly' });
		await row.filter({ hasText: 'synced' }).waitFor();
		expect(await kept()).toMatchObject({ options: {}, enabled: true, schedule: { minute: '30', hour: '2' } });

		// Edited here with the Redis away, and elsewhere meanwhile, in the same field and in another.
		const drawer = drawerOf(page, 'Schedule nightly');
		proxy.refuse();
		proxy.cut();
		await page.getByText(/^RedBeat offline since/).waitFor();
		await drawer.getByRole('combobox', { name: 'Queue' }).fill('ours');
		await page.keyboard.press('Control+s');
		await row.filter({ hasText: 'edited' }).waitFor();
		const theirs = { ...(await kept()), options: { queue: 'theirs' }, kwargs: { by: 'them' } };
		await redis.cli('HSET', 'redbeat:nightly', 'definition', JSON.stringify(theirs));
		proxy.allow();
		await row.filter({ hasText: 'conflict' }).waitFor();
		const conflict = drawer.getByRole('region', { name: 'Conflict' });
		await conflict.getByRole('button', { name: 'Yours, Queue: ours' }).click();
		await conflict.getByRole('button', { name: 'Resolve' }).click();
		await row.filter({ hasText: 'synced' }).waitFor();
		expect(await kept()).toMatchObject({ options: { queue: 'ours' }, kwargs: { by: 'them' } });

		// Beat runs it, and a paused one not at all: the page says both before anything is done.
		await row.getByRole('switch').click();
		await row.filter({ hasText: 'paused' }).waitFor();
		await waitFor('the pause in its book', async () => (await kept()).enabled === false);
		await drawer.getByRole('button', { name: /^Run now/ }).click();
		const question = page.getByRole('alertdialog');
		await question.getByText(/beat runs no paused schedule/).waitFor();
		await page.keyboard.press('Escape');
		await question.waitFor({ state: 'detached' });
		await row.getByRole('switch').click();
		await waitFor('it to be resumed', async () => (await kept()).enabled === true);
		await drawer.getByRole('button', { name: /^Run now/ }).click();
		await question.getByText("It goes through Celery's beat, which publishes it when it looks next.").waitFor();
		await question.getByRole('button', { name: 'Run 1 schedule now' }).click();
		await drawer.getByRole('tab', { name: /^Runs/ }).click();
		await drawer.getByRole('list', { name: 'Runs' }).getByText('Handed over').waitFor();
		expect(Number(await redis.cli('ZSCORE', 'redbeat::schedule', 'redbeat:nightly')) * 1_000).toBeLessThanOrEqual(
			Date.now(),
		);

		await drawer.getByRole('button', { name: /^Remove/ }).click();
		await question.getByRole('button', { name: 'Remove 1 schedule' }).click();
		await page.getByText('No schedules').waitFor();
		expect(await redis.cli('EXISTS', 'redbeat:nightly')).toBe('0');
		expect(opened.trouble).toEqual([]);
	});
});

describe('several schedules', () => {
	test('are imported paused, ticked, resumed, exported and removed with their names seen first', async () => {
		await using served = await serveConsole();
		await warrenJson(served.home, ['profile', 'edit', 'sandbox', '--environment', 'production']);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/scheduled');
		await page.getByRole('button', { name: 'Import…' }).click();
		const importing = page.getByRole('dialog', { name: 'Import schedules' });
		const schedules = ['alpha', 'beta', 'gamma'].map((name) => ({
			name,
			task: 'orders.total',
			queue: 'default',
			every: '1 days',
		}));
		await importing
			.getByRole('textbox')
			.first()
			.fill(JSON.stringify({ format: 'warren-schedules', version: 1, schedules }));
		await importing.getByText('3 schedules would be made or changed.').waitFor();
		await importing.getByRole('button', { name: 'Import 3 schedules' }).click();
		await page.getByText('3 schedules imported').waitFor();
		await page.getByRole('radio', { name: 'Paused 3' }).waitFor();

		await page.keyboard.press('Control+a');
		await page.getByRole('toolbar', { name: 'Ticked schedules' }).getByRole('button', { name: 'Resume' }).click();
		await page
			.getByRole('alertdialog', { name: 'Resume 3 schedules' })
			.getByRole('button', { name: 'Resume 3 schedules' })
			.click();
		await page.getByText('3 schedules resumed').waitFor();
		await page.keyboard.press('Control+k');
		await page.getByRole('combobox', { name: 'Find a command' }).fill('export 3');
		await page.keyboard.press('Enter');
		const exporting = page.getByRole('dialog', { name: 'Export 3 schedules' });
		await exporting.getByText('orders.total').first().waitFor();
		const [download] = await Promise.all([
			page.waitForEvent('download'),
			exporting.getByRole('button', { name: 'Save as a file' }).click(),
		]);
		expect(download.suggestedFilename()).toBe('sandbox-schedules.json');
		await page.keyboard.press('Escape');
		await exporting.waitFor({ state: 'detached' });

		await page.keyboard.press('Shift+D');
		const question = page.getByRole('alertdialog', { name: 'Remove 3 schedules' });
		for (const { name } of schedules) await question.getByText(name).waitFor();
		const go = question.getByRole('button', { name: 'Remove 3 schedules' });
		expect(await go.isDisabled()).toBe(true);
		await question.getByRole('textbox').fill('sandbox');
		await go.click();
		await page.getByText('3 schedules removed').waitFor();
		await page.getByText('No schedules').waitFor();
		expect(opened.trouble).toEqual([]);
	});
});
