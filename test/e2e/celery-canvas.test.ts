/**
 * What belongs to a task of Celery's, on the screen, with Debian's Celery on a real RabbitMQ and its results in a real Redis: chains,
 * groups and chords as drawings, what the backend keeps, and arguments that were cut, mended and sent again.
 */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ResultLab, resultLab } from '#test/support/celery/result-lab.ts';
import { warrenJson } from '#test/support/cli.ts';
import {
	accessibilityFaults,
	openBrowser,
	openConsole,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const PATIENT = { timeout: 60_000 };
let stack: AsyncDisposableStack;
let lab: ResultLab;
let browser: Browser;
let served: ServedConsole;
beforeAll(async () => {
	stack = new AsyncDisposableStack();
	// A line of configuration makes it a server of our own, since its exchanges are Celery's.
	const [rabbit, redis, opened, console] = await Promise.all([
		startRabbit({ config: ['max_message_size = 33554432'] }),
		startRedis({ own: true }),
		openBrowser(),
		serveConsole(),
	]);
	stack.defer(() => rabbit.stop());
	stack.defer(() => redis.stop());
	stack.defer(() => opened.close());
	served = stack.use(console);
	browser = opened;
	const celery = ['--framework', 'celery', '--broker', rabbit.url];
	await warrenJson(served.home, ['profile', 'add', 'lab', ...celery, '--results', redis.url]);
	await warrenJson(served.home, ['profile', 'add', 'bare', ...celery]);
	lab = stack.use(resultLab(rabbit.url, redis.url));
	lab.worker('w1', true);
	await using first = await openConsole(browser, served);
	for (const profile of ['lab', 'bare']) {
		await first.go(`${profile}/workers`);
		const row = first.page
			.getByRole('table', { name: 'Celery workers' })
			.getByRole('row')
			.filter({ hasText: 'w1@lab' });
		await row.getByText('online').waitFor({ timeout: 120_000 });
	}
}, 300_000);
afterAll(() => stack?.disposeAsync(), 120_000);

const became = (profile: string, id: string, state: string) =>
	waitFor(
		`${id} to be ${state}`,
		async () => {
			const { items } = await warrenJson<{ items: readonly { state: string }[] }>(served.home, [
				...['--profile', profile, 'task', 'list', `id:${id}`],
			]);
			return items[0]?.state === state;
		},
		120_000,
	);
const part = (page: Page, name: string): Promise<void> => page.getByRole('tab', { name }).click(PATIENT);
const drawing = (page: Page): Locator => page.getByRole('region', { name: 'Tasks that belong together' });
const drawer = (page: Page): Locator => page.getByRole('complementary', { name: /^Task / });
const wide = (page: Page) => page.evaluate('document.documentElement.scrollWidth > window.innerWidth');

describe('the canvas of a task', () => {
	test.each(['light', 'dark'] as const)(
		'draws a chain, by click and as a table, in the %s theme',
		async (colorScheme) => {
			const ids = await lab.python<string[]>(
				'r = chain(add.s(1, 1), add.s(2), add.s(3)).apply_async()',
				'print(json.dumps([r.parent.parent.id, r.parent.id, r.id]))',
			);
			await became('lab', ids[2] ?? '', 'succeeded');
			await using opened = await openConsole(browser, served, { colorScheme });
			const { page } = opened;
			await opened.go(`lab/completed?task=${ids[1]}`);
			await part(page, 'Canvas');
			const nodes = drawing(page).getByRole('button');
			await waitFor('three tasks to be drawn', async () => (await nodes.count()) === 3, 60_000);
			expect(await nodes.allInnerTexts()).toEqual(Array(3).fill(expect.stringMatching(/resultlab\.add\s+Succeeded/)));
			expect(await accessibilityFaults(page)).toEqual([]);
			await page.setViewportSize({ width: 420, height: 860 });
			await nodes.last().waitFor(PATIENT);
			expect(await wide(page)).toBe(false);
			await page.setViewportSize({ width: 1440, height: 900 });

			await nodes.last().click(PATIENT);
			await drawer(page)
				.getByText(ids[2] ?? '', { exact: true })
				.first()
				.waitFor(PATIENT);
			await waitFor(
				'it to be drawn around the other',
				async () => (await nodes.last().getAttribute('aria-current')) === 'true',
				60_000,
			);
			await page
				.getByRole('radio', { name: 'Table' })
				.or(page.getByRole('button', { name: 'Table' }))
				.first()
				.click(PATIENT);
			const rows = drawer(page).getByRole('table').getByRole('row');
			await waitFor('the table', async () => (await rows.count()) === 4, 60_000);
			expect(await rows.last().innerText()).toMatch(/3\s+resultlab\.add \(this task\)\s+Succeeded\s+resultlab\.add/);
			expect(opened.trouble).toEqual([]);
		},
		300_000,
	);

	test('counts the members of a chord that waits for one, tells what its backend keeps, and follows to the end', async () => {
		lab.not('open');
		const [first, body] = await lab.python<[string, string]>(
			'c = chord([add.s(1, 1), hold.s(4), add.s(2, 2)], total.s()).apply_async()',
			'print(json.dumps([c.parent.results[0].id, c.id]))',
		);
		await became('lab', first, 'succeeded');
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go(`lab/completed?task=${first}`);
		await part(page, 'Overview');
		const kept = page.getByRole('region', { name: 'What its result backend keeps' });
		await kept
			.getByText(/^SUCCESS/)
			.first()
			.waitFor(PATIENT);
		await kept.getByText('returned').waitFor(PATIENT);
		// Both ran that can; the third waits for a file. The chord counts a moment after a member has ended, and is followed.
		const progress = kept.getByRole('progressbar', { name: 'Members done' });
		await kept.getByText('Its chord has counted 2 of 3').waitFor({ timeout: 120_000 });
		expect(await progress.getAttribute('aria-valuenow')).toBe('2');
		expect(await progress.getAttribute('aria-valuemax')).toBe('3');
		expect(await accessibilityFaults(page)).toEqual([]);
		await part(page, 'Canvas');
		await drawing(page)
			.getByRole('button', { name: /^Group, 3 known/ })
			.waitFor(PATIENT);
		await drawing(page).getByRole('button', { name: 'resultlab.hold Running' }).waitFor(PATIENT);
		expect(await accessibilityFaults(page)).toEqual([]);

		lab.let('open');
		// What is open follows: the drawing first, then the count.
		await drawing(page).getByRole('button', { name: 'resultlab.hold Succeeded' }).waitFor({ timeout: 120_000 });
		await part(page, 'Overview');
		// Its chord takes the group away as it ends.
		await kept
			.getByText('The backend keeps nothing of its group any more', { exact: false })
			.waitFor({ timeout: 120_000 });
		await became('lab', body, 'succeeded');
		await opened.go(`lab/completed?task=${body}`);
		await part(page, 'Overview');
		await kept.getByText('returned').waitFor(PATIENT);
		expect(await kept.getByRole('treeitem').innerText()).toMatch(/returned\s*:\s*10/);
		expect(opened.trouble).toEqual([]);
	}, 400_000);
});

describe('arguments that were cut', () => {
	test('are shown as far as they are known, and sent again once they are mended', async () => {
		lab.not('good');
		const [id] = await lab.python<string[]>(
			'r = shaky.apply_async(("x" * 3000, 7), {"note": "y" * 2000})',
			'print(json.dumps([r.id]))',
		);
		await became('bare', id ?? '', 'failed');
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go(`bare/failed?task=${id}`);
		await part(page, 'Arguments');
		await drawer(page).getByText('Its message was not kept', { exact: false }).waitFor(PATIENT);
		await drawer(page)
			.getByText(/^\('xxx/)
			.waitFor(PATIENT);

		await drawer(page)
			.getByRole('button', { name: /^Requeue/ })
			.click(PATIENT);
		const dialog = page.getByRole('dialog', { name: 'Requeue with mended arguments' });
		await dialog
			.getByText(/positional argument 1 was cut/)
			.first()
			.waitFor(PATIENT);
		await dialog.getByText(/^Column 1:/).waitFor(PATIENT);
		const send = dialog.getByRole('button', { name: 'Requeue', exact: true });
		expect(await send.isDisabled()).toBe(true);
		expect(await accessibilityFaults(page)).toEqual([]);
		const keywords = dialog.getByRole('textbox', { name: /^Keyword arguments/ });
		expect(await keywords.innerText()).toContain('"note": <');
		await dialog.getByRole('textbox', { name: /^Positional arguments/ }).fill("'short', 7");
		await keywords.click(PATIENT);
		// Typed over, with all of it chosen: nothing that the content policy refuses comes of it.
		await page.keyboard.press('Control+a');
		await page.keyboard.type('n');
		await waitFor('it to be typed over', async () => (await keywords.innerText()).trim() === 'n');
		await page.keyboard.press('Control+a');
		await page.keyboard.press('Delete');
		await waitFor('it to be empty', async () => (await keywords.innerText()).trim() === '');
		await page.keyboard.type('{"note": "mended"}');
		await waitFor('it to be ready', () => send.isEnabled(), 60_000);
		lab.let('good');
		await send.click(PATIENT);
		await dialog.waitFor({ ...PATIENT, state: 'detached' });
		const ran = await waitFor('it to run', () => lab.ran()[0] ?? null, 60_000);
		expect(ran).toMatchObject({ args: "('short', 7)", kwargs: "{'note': 'mended'}" });
		expect(opened.trouble).toEqual([]);
	}, 300_000);
});

describe('a worker asked about itself', () => {
	test('answers in every part of its drawer, without a fault that axe can find, also in a narrow window', async () => {
		await using opened = await openConsole(browser, served, { colorScheme: 'dark' });
		const { page } = opened;
		await opened.go('lab/workers?item=w1%40lab');
		const told = page.getByRole('complementary', { name: 'Worker w1@lab' });
		await told.getByText('Processed').waitFor(PATIENT);
		// No part of it is cut off at the width that the drawer has.
		const last = await told.getByRole('tab', { name: 'Stats' }).boundingBox();
		const drawn = await told.boundingBox();
		expect((last?.x ?? 0) + (last?.width ?? 0)).toBeLessThanOrEqual((drawn?.x ?? 0) + (drawn?.width ?? 0) - 16);
		for (const name of ['Active', 'Reserved', 'Scheduled', 'Registered', 'Queues', 'Revoked', 'Stats']) {
			await part(page, name);
			await told.getByText(/^Answered/).waitFor(PATIENT);
			expect(await accessibilityFaults(page), name).toEqual([]);
		}
		await told.getByText('max-concurrency').first().waitFor(PATIENT);
		await part(page, 'Registered');
		await told.getByText('resultlab.shaky').waitFor(PATIENT);
		await page.setViewportSize({ width: 420, height: 860 });
		expect(await wide(page)).toBe(false);
		expect(opened.trouble).toEqual([]);
	}, 300_000);
});
