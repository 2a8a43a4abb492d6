/**
 * Schedules as a person may have them on a bad day, on a served console's sandbox: three books, a conflict, edits that wait while the
 * shared book is away, runs by the clock and by hand, an entry that cannot be read. And each view of them, opened by what a person does.
 */
import type { Locator, Page } from 'playwright-core';
import type { CallerInput } from '#main/ipc/contract.ts';
import { rowsOf, type ServedConsole } from './console.ts';
import { bootEngine } from './engine.ts';
import { startRedis } from './redis.ts';
import { startProxy } from './tcp-proxy.ts';
import { waitFor } from './wait.ts';

const profile = 'sandbox';

type Made = Omit<CallerInput<'schedule.add'>, 'profile'>;

const LOCAL: readonly Made[] = [
	{
		name: 'invoices-nightly',
		task: 'orders.charge_card',
		cron: '30 2 * * 1-5',
		zone: 'Europe/Berlin',
		args: '88215',
		kwargs: '{"amount": 2990, "customer": 9223372036854775809, "tags": ["vip"]}',
		priority: 4,
		description: 'Charges what was ordered the day before.',
	},
	{ name: 'stock-sync', task: 'inventory.sync', every: '15 minutes', jitter: '30s', missed: 'skip' },
	{ name: 'report-daily', task: 'reports.daily', cron: '0 7 * * *', zone: 'Europe/London', kwargs: '{"region": "eu"}' },
	{ name: 'newsletter', task: 'emails.send_newsletter', cron: '0 9 * * 1', zone: 'Europe/Berlin', inactive: true },
	{ name: 'archive-2026', task: 'reports.daily', at: '2027-01-02T03:00', zone: 'Europe/Berlin' },
	{ name: 'totals', task: 'orders.total', every: '1 second', args: '1250, 40' },
];
const SHARED: readonly Made[] = [
	{ name: 'catalog-import', task: 'imports.catalog', every: '2 hours', queue: 'bulk', kwargs: '{"full": false}' },
	{ name: 'loyalty-points', task: 'loyalty.recount', cron: '15 4 * * *', zone: 'Europe/Berlin' },
	{ name: 'thumbnails', task: 'images.resize', every: '10 minutes', queue: 'bulk' },
];
const REDBEAT: readonly Made[] = [
	{ name: 'sessions-expire', task: 'accounts.expire_sessions', every: '1 hour' },
	{ name: 'vat-quarterly', task: 'billing.vat', cron: '0 5 1 1,4,7,10 *', zone: 'Europe/Berlin', queue: 'billing' },
];

export interface ScheduleScene extends AsyncDisposable {
	/** Ids as the page's address has them. */
	readonly ids: {
		readonly edited: string;
		readonly failing: string;
		readonly invoices: string;
		readonly torn: string;
	};
}

/** Makes it on the sandbox of a served console. The shared book is away when this returns. */
export async function setScheduleScene(served: Pick<ServedConsole, 'home'>): Promise<ScheduleScene> {
	await using stack = new AsyncDisposableStack();
	const redis = stack.use(await startRedis({ own: true }));
	const proxy = stack.use(await startProxy({ port: redis.port }));
	await using here = await bootEngine({ home: served.home });
	await using there = await bootEngine();
	const redbeat = `${redis.url.replace(/0$/, '1')}?zone=Europe/Berlin`;
	await here.call('profile.edit', {
		name: profile,
		book: { shared: `redis://127.0.0.1:${proxy.port}/0`, redbeat },
	});
	await there.call('profile.edit', { name: profile, book: { shared: redis.url } });
	const add = async (made: Made) => (await here.call('schedule.add', { profile, ...made })).schedule;
	const local: Awaited<ReturnType<typeof add>>[] = [];
	for (const made of LOCAL) local.push(await add(made));
	for (const made of SHARED) await add({ ...made, book: 'shared' });
	for (const made of REDBEAT) await add({ ...made, book: 'redbeat' });
	await redis.cli('-n', '1', 'HSET', 'redbeat:solar', 'definition', '{"name": "solar", "task": "t", "schedule": {');
	await redis.cli('-n', '1', 'ZADD', 'redbeat::schedule', '1', 'redbeat:solar');

	await waitFor('runs by the clock', async () => {
		return (await here.call('schedule.runs', { profile, name: 'totals' })).total >= 6;
	});
	// No such queue is there: a run that fails.
	await here.call('schedule.edit', { profile, name: 'totals', every: '6 hours', queue: 'reports-eu' });
	await here.call('schedule.run', { profile, names: ['totals'] });
	await here.call('schedule.run', { profile, names: ['invoices-nightly'] });
	await here.call('schedule.edit', { profile, name: 'report-daily', cron: '0 6 * * *', missed: 'all:3' });
	await here.call('schedule.edit', { profile, name: 'report-daily', kwargs: '{"region": "eu", "mail": true}' });
	await here.call('schedule.pause', { profile, names: ['report-daily'] });
	await here.call('schedule.resume', { profile, names: ['report-daily'] });

	await there.call('schedule.list', { profile, fetch: true });
	proxy.refuse();
	proxy.cut();
	const edit = (input: Omit<CallerInput<'schedule.edit'>, 'profile' | 'book'>) =>
		here.call('schedule.edit', { profile, book: 'shared', ...input });
	await waitFor('an edit to wait', async () => {
		const edited = await edit({ name: 'loyalty-points', queue: 'mine', cron: '0 5 * * *', priority: 3 });
		return edited.outcome === 'waiting';
	});
	await there.call('schedule.edit', {
		...{ profile, book: 'shared', name: 'loyalty-points' },
		...{ queue: 'loyalty', cron: '45 4 * * *', description: 'Before the shop opens.' },
	});
	proxy.allow();
	await waitFor('the conflict', async () => {
		await here.call('schedule.sync', { profile, book: 'shared' });
		return (await here.call('schedule.conflicts', { profile })).total === 1;
	});
	proxy.refuse();
	proxy.cut();
	await waitFor('more to wait', async () => {
		return (await edit({ name: 'catalog-import', every: '3 hours' })).outcome === 'waiting';
	});
	await here.call('schedule.add', {
		profile,
		book: 'shared',
		name: 'price-check',
		task: 'imports.prices',
		every: '1 day',
	});
	await here.call('schedule.list', { profile, book: 'redbeat', fetch: true });
	const { items } = await here.call('schedule.list', { profile, names: ['loyalty-points'] });
	const id = (name: string) => `local/${local.find((one) => one.definition.name === name)?.key}`;
	const ids = {
		invoices: id('invoices-nightly'),
		failing: id('totals'),
		edited: id('report-daily'),
		torn: `shared/${items[0]?.key}`,
	};
	const owned = stack.move();
	return { ids, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A view of the scene: where it is, and what a person does there until it is what its name says. */
export interface ScheduleView {
	readonly name: string;
	readonly place: (scene: ScheduleScene) => string;
	readonly ready: (page: Page) => Promise<void>;
}

export function scheduleDrawer(page: Page): Locator {
	return page.getByRole('complementary', { name: /^(?:Schedule |New schedule)/ });
}

/** Writes a text over what the JSON editor has. */
export async function writeJson(page: Page, editor: Locator, text: string): Promise<void> {
	await editor.click();
	await page.keyboard.press('Control+a');
	await page.keyboard.press('Delete');
	await page.keyboard.insertText(text);
}

const list = 'sandbox/scheduled';
const opened = (id: string) => `${list}?schedule=${encodeURIComponent(id)}`;

/** A tab of the drawer, by its name. */
const tab = (name: string, there: (drawer: Locator) => Locator) => async (page: Page) => {
	const drawer = scheduleDrawer(page);
	await drawer.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
	await there(drawer).first().waitFor();
};

export const SCHEDULE_VIEWS: readonly ScheduleView[] = [
	{
		name: 'scheduled',
		place: () => list,
		ready: async (page) => {
			await page.getByText(/^The shared book offline since/).waitFor();
			await rowsOf(page).filter({ hasText: 'vat-quarterly' }).waitFor();
		},
	},
	{
		name: 'scheduled-edit',
		place: ({ ids }) => opened(ids.invoices),
		ready: async (page) => {
			const drawer = scheduleDrawer(page);
			await drawer.getByRole('table', { name: 'Next runs' }).waitFor();
			const text = '{\n  "amount": 2990,\n  "tags": ["vip", urgent]\n}';
			await writeJson(page, drawer.locator('.cm-content').first(), text);
			await drawer.getByText(/^Line 3, column 19: /).waitFor();
			await drawer.getByText('1 problem above').waitFor();
		},
	},
	{
		name: 'scheduled-message',
		place: ({ ids }) => opened(ids.invoices),
		ready: tab('Message', (drawer) => drawer.getByText(/9223372036854775809/)),
	},
	{
		name: 'scheduled-runs',
		place: ({ ids }) => opened(ids.failing),
		ready: tab('Runs', (drawer) => drawer.getByRole('list', { name: 'Runs' }).getByText('Failed')),
	},
	{
		name: 'scheduled-history',
		place: ({ ids }) => opened(ids.edited),
		ready: tab('History', (drawer) => drawer.getByText('0 6 * * *')),
	},
	{
		name: 'scheduled-conflict',
		place: ({ ids }) => opened(ids.torn),
		ready: async (page) => {
			const conflict = scheduleDrawer(page).getByRole('region', { name: 'Conflict' });
			await conflict.getByRole('button', { name: /^Theirs, Queue/ }).click();
		},
	},
	{
		name: 'scheduled-waiting',
		place: () => list,
		ready: async (page) => {
			await page.getByRole('button', { name: /^Review \d edits/ }).click();
			const dialog = page.getByRole('dialog', { name: /^Review/ });
			await dialog.getByRole('button', { name: 'catalog-import' }).click();
			await dialog.getByText('every 2 hours').first().waitFor();
		},
	},
	{
		name: 'scheduled-import',
		place: () => list,
		ready: async (page) => {
			await page.getByRole('button', { name: 'More about schedules' }).click();
			await page.getByRole('menuitem', { name: 'Import…' }).click();
			const dialog = page.getByRole('dialog', { name: 'Import schedules' });
			const schedules = [
				{ name: 'stock-sync', task: 'inventory.sync', every: '15 minutes' },
				{ name: 'refunds', task: 'orders.refund', cron: '0 6 * * *', zone: 'Europe/Berlin' },
				{ name: 'sitemap', task: 'shop.sitemap', cron: '0 25 * * *' },
			];
			const text = JSON.stringify({ format: 'warren-schedules', version: 1, schedules }, null, 2);
			await dialog.getByRole('textbox').first().fill(text);
			await dialog.getByText(/would be made or changed/).waitFor();
		},
	},
	{
		name: 'scheduled-books',
		place: () => list,
		ready: async (page) => {
			await rowsOf(page).first().waitFor();
			await page.keyboard.press('b');
			await page
				.getByRole('dialog', { name: 'Books of schedules' })
				.getByText(/that cannot be read/)
				.waitFor();
		},
	},
];
