/**
 * `npm run screenshots`: takes the pictures of the guide, each view in both themes, from the sandbox as a newcomer has it. With words
 * after `--` only those whose names begin like that: `npm run screenshots -- scheduled`.
 * Written to `docs/screenshots/<view>-<theme>.png` at 1440 x 900.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { type StandInSite, startStandIn } from './carrot-site/server.ts';
import { warrenJson } from './cli.ts';
import { openBrowser, openConsole, rowsOf, serveConsole } from './console.ts';
import { DJANGO_Q_VIEWS, setDjangoQScene } from './django-q-scene.ts';
import { publishRaw } from './raw-messages.ts';
import { SCHEDULE_VIEWS, setScheduleScene } from './schedule-scene.ts';

const FOLDER = fileURLToPath(new URL('../../docs/screenshots', import.meta.url));
const THEMES = ['light', 'dark'] as const;
/** Beginnings of the names that are wanted; none: all. */
const ONLY = process.argv.slice(2);

interface Picture {
	readonly name: string;
	readonly place: string;
	/** Waits until everything the picture is about is there, and opens what belongs in it. */
	readonly ready: (page: Page) => Promise<void>;
}

/** Before anything ran. */
const FRESH: readonly Picture[] = [
	{ name: 'queued', place: 'sandbox/queued', ready: (page) => page.getByText(/sample tasks wait/).waitFor() },
	{
		name: 'publish',
		place: 'sandbox/queued',
		async ready(page) {
			await rowsOf(page).first().waitFor();
			await page.keyboard.press('n');
			const dialog = page.getByRole('dialog', { name: 'Publish a task' });
			await dialog.getByRole('combobox', { name: 'Task' }).fill('orders.charge_card');
			await dialog.getByRole('textbox', { name: /Positional/ }).fill('88215');
			await dialog.locator('.cm-content').click();
			await page.keyboard.press('Control+a');
			await page.keyboard.press('Delete');
			await page.keyboard.insertText('{\n  "amount": 2990,\n  "tags": ["vip", urgent]\n}');
			await dialog.getByText(/Line 3/).waitFor();
		},
	},
];

/** After the samples ran. */
const WORKED: readonly Picture[] = [
	{
		name: 'failed',
		place: 'sandbox/failed?part=tasks',
		async ready(page) {
			await rowsOf(page).filter({ hasText: 'GatewayTimeout' }).click();
			await page.getByText('your code').first().waitFor();
		},
	},
	{
		name: 'groups',
		place: 'sandbox/failed',
		async ready(page) {
			await page
				.getByRole('button', { name: /GatewayTimeout/ })
				.first()
				.click();
			await page.getByRole('list', { name: 'Newest failed tasks of this group' }).waitFor();
		},
	},
	{
		name: 'reports',
		place: 'sandbox/reports?part=tasks_top_runs',
		async ready(page) {
			await page.getByRole('figure', { name: 'Top tasks by runs' }).getByRole('button').first().waitFor();
		},
	},
	{
		name: 'completed',
		place: 'sandbox/completed',
		async ready(page) {
			await rowsOf(page).filter({ hasText: 'reports.daily' }).click();
			await page.getByRole('tab', { name: /^Log/ }).click();
			await page.getByRole('log').waitFor();
		},
	},
	{
		name: 'attention',
		place: 'sandbox/attention',
		ready: (page) => page.getByRole('heading', { name: /failed/ }).waitFor(),
	},
	{ name: 'queues', place: 'sandbox/queues', ready: (page) => page.getByRole('table').waitFor() },
	{
		name: 'workers',
		place: 'sandbox/workers',
		async ready(page) {
			await page.getByRole('region', { name: 'Consumer set reports' }).waitFor();
			await page.getByRole('button', { name: 'slow.rebuild_index' }).waitFor();
		},
	},
	{
		name: 'quarantine',
		place: 'sandbox/quarantine',
		async ready(page) {
			await rowsOf(page).filter({ hasText: 'orders.tally' }).click();
			await page.getByRole('heading', { name: 'How it reads today' }).waitFor();
		},
	},
	{
		name: 'site',
		place: 'carrot-site/site?part=failed',
		async ready(page) {
			await rowsOf(page).first().click();
			await page.getByText('LookupError').first().waitFor();
		},
	},
	{
		name: 'site-reconcile',
		place: 'carrot-site/site?part=reconcile',
		ready: (page) => page.getByRole('list', { name: 'What does not fit' }).waitFor(),
	},
	{ name: 'console', place: 'sandbox/console', ready: (page) => page.getByText(/lines from sandbox/).waitFor() },
	{
		name: 'settings',
		place: 'sandbox/settings',
		ready: (page) => page.getByRole('heading', { name: 'Editor' }).waitFor(),
	},
];

await mkdir(FOLDER, { recursive: true });
// A plain path, since the settings show where things are kept.
const home = join(tmpdir(), 'warren-home');
await mkdir(home);
await using served = await serveConsole({ home });
await warrenJson(served.home, [
	'profile',
	'add',
	'shop-eu',
	'--broker',
	'amqp://shop@rabbit-1.example/shop',
	'--environment',
	'production',
]);
await warrenJson(served.home, [
	'profile',
	'add',
	'carrot-billing',
	'--broker',
	'amqp://billing@rabbit-2.example/billing',
	'--environment',
	'staging',
]);
await using site = await aSite();
await warrenJson(served.home, ['profile', 'add', 'carrot-site', '--broker', 'embedded:', '--monitor', site.url]);
const browser = await openBrowser();

/** A site with failures, and with rows and messages that do not fit. */
async function aSite(): Promise<StandInSite> {
	const made = await startStandIn({});
	const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
	const failed = ['shop.orders.refund', 'shop.mail.send_receipt', 'reports.daily', 'shop.orders.refund'];
	for (const [place, task] of failed.entries()) {
		made.add({
			status: 'FAILED',
			task,
			task_args: `(${4711 + place},)`,
			content: '{"notify": true}',
			exception: `no order ${4711 + place}`,
			traceback: `Traceback (most recent call last):\n  File "/usr/lib/python3/dist-packages/carrot/consumer.py", line 204, in run\n    return self.task(*args, **kwargs)\n  File "/srv/shop/orders.py", line 12, in refund\n    raise LookupError(order)\nLookupError: no order ${4711 + place}\n`,
			failure_time: ago(3 + place * 11),
		});
	}
	for (let place = 0; place < 40; place += 1) {
		made.add({ status: 'COMPLETED', task: 'shop.orders.ship', completion_time: ago(place) });
	}
	made.add({ task: 'shop.orders.ship', publish_time: '2026-01-01T00:00:00.000000+00:00' });
	made.add({ task: 'reports.daily', status: 'IN_PROGRESS', publish_time: '2026-01-01T00:00:00.000000+00:00' });
	return made;
}

/** Saved sets, one of them of a task that takes its time. */
async function fillWorkers(): Promise<void> {
	const slow = join(home, 'slow.mjs');
	await writeFile(
		slow,
		"export const rebuild_index = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));\n",
	);
	const cli = (...words: readonly string[]) => warrenJson(served.home, ['--profile', 'sandbox', ...words]);
	const reports = ['--queues', 'reports', '--queues', 'bulk', '--not-consumed', 'bulk', '--concurrency', '3'];
	await cli('consumer', 'save', 'reports', ...reports, '--soft-limit', '30s', '--retries', '3', '--auto-start');
	await cli(
		'consumer',
		'save',
		'search',
		'--queues',
		'search',
		'--node',
		slow,
		'--project',
		home,
		'--concurrency',
		'2',
	);
}
const POISON = [
	{ id: '5b1c7a3e-0f4d-4c8e-9d57-2a6f1e0b9c11', task: 'orders.total', body: '{"args": [20, 22' },
	{ id: 'c2d94f60-7b1e-4a35-8c0f-6e9d3b5a7f22', task: 'orders.tally', body: '{"args": [9007199254740993, 1]}' },
];

async function take(pictures: readonly Picture[]): Promise<void> {
	const wanted = pictures.filter(({ name }) => ONLY.length === 0 || ONLY.some((word) => name.startsWith(word)));
	for (const theme of THEMES) {
		for (const picture of wanted) {
			await using opened = await openConsole(browser, served, { colorScheme: theme });
			const { page } = opened;
			await opened.go(picture.place);
			await picture.ready(page);
			await page.mouse.move(0, 0);
			await page.evaluate('document.fonts.ready');
			await page.screenshot({ path: join(FOLDER, `${picture.name}-${theme}.png`) });
			console.log(`docs/screenshots/${picture.name}-${theme}.png`);
			if (opened.trouble.length > 0) throw new Error(`${picture.name}: ${opened.trouble.join('\n')}`);
		}
	}
}

try {
	await take(FRESH);
	{
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await publishRaw(served.home, POISON);
		await page.getByRole('button', { name: 'Start the consumer' }).click();
		await page.getByRole('button', { name: 'Completed 7' }).waitFor();
		await page.getByRole('button', { name: 'Quarantine 3' }).waitFor();
		await fillWorkers();
		await opened.go('sandbox/workers');
		await page.getByRole('region', { name: 'Consumer set search' }).getByRole('button', { name: 'Start' }).click();
		await page.getByRole('list', { name: 'Slots' }).nth(1).waitFor();
		const rebuild = ['task', 'publish', 'slow.rebuild_index', '--queue', 'search'];
		await warrenJson(served.home, ['--profile', 'sandbox', ...rebuild]);
		await page.getByRole('button', { name: 'slow.rebuild_index' }).waitFor();
	}
	await take(WORKED);
	{
		await using scene = await setDjangoQScene(served);
		await take(DJANGO_Q_VIEWS.map(({ name, place, ready }) => ({ name, place, ready: (page) => ready(page, scene) })));
	}
	await using scene = await setScheduleScene(served);
	await take(SCHEDULE_VIEWS.map(({ name, place, ready }) => ({ name, place: place(scene), ready })));
} finally {
	await browser.close();
	await served[Symbol.asyncDispose]();
	await rm(home, { recursive: true, force: true });
}
