/** Reports by click and by key, on tasks that really ran: figures lead to as many tasks as they say, and into files. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Download, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '#main/domain/log.ts';
import type { Report } from '#main/domain/report.ts';
import { openStore } from '#main/store/client.ts';
import { warrenJson } from '#test/support/cli.ts';
import {
	accessibilityFaults,
	openBrowser,
	openConsole,
	type ServedConsole,
	serveConsole,
} from '#test/support/console.ts';
import { failed, finished, SUCCEEDED, started } from '#test/support/history.ts';

let browser: Browser;
let served: ServedConsole;
let home: string;

beforeAll(async () => {
	home = await mkdtemp(join(tmpdir(), 'warren-reports-'));
	await seed();
	[served, browser] = await Promise.all([serveConsole({ home }), openBrowser()]);
}, 300_000);
afterAll(async () => {
	await browser?.close();
	await served?.[Symbol.asyncDispose]();
	await rm(home, { recursive: true, force: true, maxRetries: 5 });
});

/** Each run a task of its own: how often, in which queue, and how many of them fail. */
const RUNS = [
	{ name: 'shop.tasks.charge', queue: 'pay', runs: 8, fail: 5, ms: 900 },
	{ name: 'shop.tasks.send_mail', queue: 'mail', runs: 4, fail: 1, ms: 120 },
	{ name: 'reports.build', queue: 'slow', runs: 2, fail: 0, ms: 45_000 },
];

async function seed(): Promise<void> {
	const thread = new URL('../../src-main/store/thread.ts', import.meta.url);
	const store = await openStore({ home, thread, log: silentLog });
	if (!store.ok) throw new Error(store.error.message);
	await using open = store.value;
	const from = Date.now() - 3_600_000;
	await open.history.apply(
		RUNS.flatMap(({ name, queue, runs, fail, ms }) =>
			Array.from({ length: runs }, (_, at) => {
				const id = `${name}-${at}`;
				const began = from + at * 60_000;
				const outcome = at < fail ? failed('shop.Declined', `card ${at} refused`) : SUCCEEDED;
				const made = { id, name, queue, worker: `w${at % 2}` };
				return [started(began, `run-${id}`, made), finished(began + ms, `run-${id}`, outcome, ms)];
			}).flat(),
		),
	);
}

const report = (name: string, ...flags: readonly string[]) =>
	warrenJson<Report>(home, ['--profile', 'sandbox', 'report', 'show', name, ...flags]);

/** The table's body, cell by cell, as a person reads it. */
async function cells(page: Page, label: string): Promise<string[][]> {
	const table = page.getByRole('table', { name: label, exact: true });
	await table.waitFor();
	return table
		.locator('tbody tr')
		.evaluateAll((rows) =>
			rows.map((row) => [...row.querySelectorAll('th, td')].map((cell) => cell.textContent?.trim() ?? '')),
		);
}

async function saved(page: Page, item: string): Promise<{ readonly name: string; readonly bytes: Buffer }> {
	const wanted = page.waitForEvent('download');
	await page.getByRole('button', { name: 'Save', exact: true }).click();
	await page.getByRole('menuitem', { name: item }).click();
	const download: Download = await wanted;
	return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

describe('reports', () => {
	test('a bar leads to as many tasks as it says, and its table has the same figures', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await page.keyboard.press('0');
		await page.getByRole('button', { name: 'Which tasks fail most often?' }).click();
		const bars = page.getByRole('figure', { name: 'Top tasks by failed runs' });
		const first = bars.getByRole('button').first();
		await first.waitFor();
		expect(await first.innerText()).toMatch(/shop\.tasks\.charge\s+5 runs/);
		await page.getByRole('button', { name: 'Show as a table' }).click();
		const told = await report('tasks_top_failed');
		if (told.data?.kind !== 'bars') throw new Error('no bars');
		expect(await cells(page, 'Top tasks by failed runs')).toEqual(
			told.data.items.map(({ label, value }) => [label, String(value)]),
		);
		await page.getByRole('button', { name: 'shop.tasks.charge' }).click();
		await page.getByRole('heading', { name: 'All tasks' }).waitFor();
		await page.getByText('5 tasks match').waitFor();
		await page.goBack();
		await page.getByRole('heading', { name: 'Which tasks fail most often?' }).waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('every share of the runs by state leads to its tasks', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		const told = await report('task_runs_by_state');
		if (told.data?.kind !== 'shares') throw new Error('no shares');
		expect(told.data.items.length).toBeGreaterThan(1);
		for (const { label, value } of told.data.items) {
			await opened.go('sandbox/reports');
			await page.getByRole('figure', { name: 'Task runs by state' }).getByRole('button', { name: label }).click();
			await page.getByText(`${value} ${value === 1 ? 'task matches' : 'tasks match'}`).waitFor();
		}
		expect(opened.trouble).toEqual([]);
	});

	test('a part of a stacked bar leads to as many tasks as it is of, and the chart can be lines as well', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		// Ends that stand still, so that the page's buckets are those that are asked for here.
		const hour = 3_600_000;
		const until = Math.ceil(Date.now() / hour) * hour;
		const span = [until - 3 * hour, until].map((at) => new Date(at).toISOString());
		const told = await report('tasks_throughput_by_state', '--since', span[0] ?? '', '--until', span[1] ?? '');
		if (told.data?.kind !== 'series') throw new Error('no series');
		expect(told.data.bucket).toBe('1m');
		const sum = (points: readonly (readonly [number, number | null])[]) =>
			points.reduce((all, [, value]) => all + (value ?? 0), 0);
		const [lower, upper] = told.data.series.toSorted((one, other) => sum(other.points) - sum(one.points));
		if (lower === undefined || upper === undefined) throw new Error('not two states');
		const most = lower.points.reduce(
			(top, [, value], at) => Math.max(top, (value ?? 0) + (upper.points[at]?.[1] ?? 0)),
			0,
		);
		const place = lower.points.findIndex(([, value], at) => (value ?? 0) > 0 && (upper.points[at]?.[1] ?? 0) > 0);
		const [low, high] = [lower.points[place]?.[1] ?? 0, upper.points[place]?.[1] ?? 0];

		await opened.go(`sandbox/reports?part=tasks_throughput_by_state&since=${span[0]}&until=${span[1]}`);
		const figure = page.getByRole('figure', { name: 'Runs over time by state' });
		const over = figure.locator('.u-over');
		await over.waitFor();
		await figure.getByRole('button', { name: 'Show as lines' }).click();
		await expect.poll(() => figure.locator('.names line').count(), { timeout: 60_000 }).toBe(2);
		await figure.getByRole('button', { name: 'Show stacked' }).click();
		await expect.poll(() => figure.locator('.names rect').count(), { timeout: 60_000 }).toBe(2);

		// The middle of the upper part; the axis leaves a twelfth or so above the highest bar.
		const position = async (value: number) => {
			const box = await over.boundingBox();
			if (box === null) throw new Error('nothing is drawn');
			return {
				x: (box.width * (place + 0.5)) / lower.points.length,
				y: box.height * (1 - value / (most * 1.08)),
			};
		};
		const pointAt = async (value: number, label: string): Promise<void> => {
			const named = figure.locator('button.under', { hasText: label });
			// Aimed at anew while the page is still being laid out.
			await expect
				.poll(async () => over.hover({ position: await position(value) }).then(() => named.count()), {
					timeout: 60_000,
				})
				.toBe(1);
		};
		await pointAt(low / 2, lower.label);
		await page.getByText(`: ${low + high} together`).waitFor();
		await pointAt(low + high / 2, upper.label);
		await over.click({ position: await position(low + high / 2) });
		await page.getByRole('heading', { name: 'All tasks' }).waitFor();
		await page.getByText(high === 1 ? '1 task matches' : `${high} tasks match`).waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('a part of a stacked bar is found, read and opened by the keyboard alone', async () => {
		for (const colorScheme of ['light', 'dark'] as const) {
			await using opened = await openConsole(browser, served, { colorScheme });
			const { page } = opened;
			const hour = 3_600_000;
			const until = Math.ceil(Date.now() / hour) * hour;
			const [since, to] = [until - 3 * hour, until].map((at) => new Date(at).toISOString());
			const told = await report('tasks_throughput_by_state', '--since', since ?? '', '--until', to ?? '');
			if (told.data?.kind !== 'series') throw new Error('no series');
			const { series } = told.data;
			const named = (label: string) =>
				series.find((line) => line.label === label)?.points.map(([, value]) => value ?? 0);
			const [succeeded = [], failed = []] = [named('succeeded'), named('failed')];
			const last = succeeded.findLastIndex((value, at) => value + (failed[at] ?? 0) > 0);
			const both = succeeded.findLastIndex((value, at) => value > 0 && (failed[at] ?? 0) > 0);
			expect(both).toBeLessThan(last);

			await opened.go(`sandbox/reports?part=tasks_throughput_by_state&since=${since}&until=${to}`);
			const figure = page.getByRole('figure', { name: 'Runs over time by state' });
			const slider = figure.getByRole('slider', { name: 'Runs over time by state: moment' });
			await slider.focus();
			const live = figure.locator('[aria-live=polite]');
			await slider.press('ArrowLeft');
			await live.getByText(`: succeeded ${succeeded[last]}, ${succeeded[last]} together`).waitFor();
			// From bar to bar, over those with nothing, to one with two parts.
			const bars = succeeded.filter((value, at) => at > both && at <= last && value + (failed[at] ?? 0) > 0).length;
			for (let step = 0; step < bars; step += 1) await slider.press('ArrowLeft');
			const value = failed[both] ?? 0;
			const together = value + (succeeded[both] ?? 0);
			// Whichever of them is the upper one.
			for (const key of ['ArrowUp', 'ArrowDown']) {
				await slider.press(key);
				if (/: failed /.test((await slider.getAttribute('aria-valuetext')) ?? '')) break;
			}
			await live.getByText(`: failed ${value}, ${together} together`).waitFor();
			expect(await slider.getAttribute('aria-valuetext')).toMatch(new RegExp(`: failed ${value}$`));
			const frame = await figure.locator('.part-frame').boundingBox();
			const over = await figure.locator('.u-over').boundingBox();
			if (frame === null || over === null) throw new Error('no part is framed');
			expect(Math.abs(frame.x - over.x - (over.width * both) / succeeded.length)).toBeLessThan(2);
			expect(await accessibilityFaults(page)).toEqual([]);
			const folder = process.env.WARREN_TEST_PICTURES;
			if (folder !== undefined) await page.screenshot({ path: `${folder}/reports-part-${colorScheme}.png` });
			await slider.press('Enter');
			await page.getByRole('heading', { name: 'All tasks' }).waitFor();
			await page.getByText(value === 1 ? '1 task matches' : `${value} tasks match`).waitFor();
			expect(opened.trouble).toEqual([]);
		}
	});

	test('has its controls in rows without gaps, however narrow the window', async () => {
		for (const colorScheme of ['light', 'dark'] as const) {
			await using opened = await openConsole(browser, served, { colorScheme });
			const { page } = opened;
			await opened.go('sandbox/reports?part=tasks_top_runs');
			const compatible = page.getByRole('switch', { name: 'Count as aa-taskmonitor does' });
			for (const width of [420, 560, 700, 800, 900, 1_100, 1_400]) {
				await page.setViewportSize({ width, height: 900 });
				await compatible.waitFor();
				// What stands above the switch, and how far away; or the box that it stands beside.
				const box = await compatible.boundingBox();
				const fields = await page.locator('.controls .box').evaluateAll((all) =>
					all.map((each) => {
						const { top, bottom } = each.getBoundingClientRect();
						return { top, bottom };
					}),
				);
				if (box === null) throw new Error('there is no switch');
				const middle = box.y + box.height / 2;
				const beside = fields.some(({ top, bottom }) => Math.abs((top + bottom) / 2 - middle) < 1.5);
				const above = box.y - Math.max(...fields.map(({ bottom }) => bottom).filter((bottom) => bottom <= box.y));
				expect(beside || above < 20, `${width} px: ${above} px above it`).toBe(true);
				const folder = process.env.WARREN_TEST_PICTURES;
				if (folder !== undefined) await page.screenshot({ path: `${folder}/controls-${width}-${colorScheme}.png` });
			}
			expect(opened.trouble).toEqual([]);
		}
	});

	test('is asked of a queue, a time and by other definitions; the address keeps it all', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/reports?part=tasks_top_runs');
		const bars = page.getByRole('figure', { name: 'Top tasks by runs' });
		await bars.getByRole('button').first().waitFor();
		await page.getByRole('combobox', { name: 'Queue' }).selectOption('mail');
		await expect.poll(() => bars.getByRole('button').count(), { timeout: 60_000 }).toBe(1);
		expect(await bars.innerText()).toMatch(/shop\.tasks\.send_mail\s+4 runs/);
		await page.getByRole('switch', { name: 'Count as aa-taskmonitor does' }).click();
		await page.getByText(/counted as aa-taskmonitor does/).waitFor();
		await page.getByText(/Runs that succeeded, were retried or failed; no others\./).waitFor();
		expect(new URL(page.url()).hash).toContain('queue=mail&compatible=1');
		await page.reload();
		await page.getByText(/counted as aa-taskmonitor does/).waitFor();
		await page.getByRole('combobox', { name: 'Time' }).selectOption('From … to …');
		await page.getByRole('textbox', { name: 'From' }).fill('some day');
		await page.getByRole('button', { name: 'Show', exact: true }).click();
		await page
			.getByText(/"some day" is no time/)
			.first()
			.waitFor();
		await page.getByRole('textbox', { name: 'From' }).fill('2020-01-01');
		await page.getByRole('textbox', { name: 'To' }).fill('2020-02-01');
		await page.getByRole('button', { name: 'Show', exact: true }).click();
		await page.getByText('No run in this time that this question is about.').waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('is saved as a picture and as figures, within the content policy', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		for (const part of ['tasks_top_runs', 'tasks_throughput_by_state', 'task_statistics', 'statistics']) {
			await opened.go(`sandbox/reports?part=${part}`);
			await page.getByRole('button', { name: 'Save', exact: true }).waitFor();
			const png = await saved(page, 'Picture, PNG');
			expect(png.name).toBe(`sandbox-${part}.png`);
			expect(png.bytes.subarray(1, 4).toString()).toBe('PNG');
			// Twice as dense as it says: 960 wide.
			expect(png.bytes.readUInt32BE(16)).toBe(1_920);
		}
		await opened.go('sandbox/reports?part=tasks_top_runs');
		await page.getByRole('figure', { name: 'Top tasks by runs' }).waitFor();
		const svg = (await saved(page, 'Picture, SVG')).bytes.toString();
		expect(svg).toContain('shop.tasks.charge');
		const csv = (await saved(page, 'Figures, CSV')).bytes.toString();
		const told = await report('tasks_top_runs');
		if (told.data?.kind !== 'bars') throw new Error('no bars');
		expect(csv).toBe(['Task,Runs', ...told.data.items.map(({ label, value }) => `${label},${value}`), ''].join('\r\n'));
		const json = JSON.parse((await saved(page, 'Figures, JSON')).bytes.toString()) as Report;
		expect(json.data).toMatchObject({
			kind: 'bars',
			items: told.data.items.map(({ label, value }) => ({ label, value })),
		});
		expect(opened.trouble).toEqual([]);
	});

	test('a task has a page of its own, reached from its drawer, with its last failures', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go(`sandbox/all?task=shop.tasks.charge-0`);
		await page.getByRole('button', { name: 'Statistics' }).click();
		await page.getByRole('heading', { name: 'shop.tasks.charge' }).waitFor();
		await page.getByText('5 (62.5 %)').waitFor();
		const failures = page.getByRole('region', { name: 'Last failures' });
		await expect.poll(() => failures.getByRole('button').count(), { timeout: 60_000 }).toBe(5);
		await page.getByRole('button', { name: 'Show its tasks' }).click();
		await page.getByText('8 tasks match').waitFor();
		expect(opened.trouble).toEqual([]);
	});

	test('names of apps are tried while they are typed, saved, and go into the reports', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/reports');
		await page.getByRole('button', { name: 'Which task belongs to which app?' }).click();
		await page.getByRole('textbox', { name: 'Name' }).fill('reports');
		await page.getByRole('textbox', { name: 'Stands for' }).fill('shop');
		await page.getByText('1 task would come to another app.').waitFor();
		expect((await cells(page, 'Tasks and their apps'))[0]).toEqual(['reports.build', '2', 'shop', 'reports']);
		expect(await accessibilityFaults(page)).toEqual([]);
		await page.getByRole('button', { name: 'Save', exact: true }).click();
		await page.getByRole('button', { name: 'Remove reports' }).waitFor();
		await opened.go('sandbox/reports?part=apps_top_runs');
		await page.getByRole('button', { name: /^shop 14 runs/ }).click();
		// A list also shows what has not run yet: here one sample that waits in the sandbox.
		await page.getByText('15 tasks match').waitFor();
		await page.getByText('reports.build').first().waitFor();
		await opened.go('sandbox/reports?part=apps');
		await page.getByRole('button', { name: 'Remove reports' }).click();
		await page.getByRole('button', { name: 'Remove reports' }).waitFor({ state: 'detached' });
		expect(opened.trouble).toEqual([]);
	});

	test('is walked through by keyboard, without a fault of access in either theme', async () => {
		for (const colorScheme of ['light', 'dark'] as const) {
			await using opened = await openConsole(browser, served, { colorScheme });
			const { page } = opened;
			await page.keyboard.press('0');
			await page.getByRole('figure', { name: 'Task runs by state' }).waitFor();
			expect(await accessibilityFaults(page)).toEqual([]);
			await page.keyboard.press(']');
			await page.getByRole('heading', { name: 'Which apps run how often?' }).waitFor();
			await page.keyboard.press('[');
			await page.getByRole('heading', { name: 'How many runs succeeded, were retried, failed?' }).waitFor();
			for (const part of [
				'task_statistics',
				'tasks_throughput_by_state',
				'statistics',
				'task&item=shop.tasks.charge',
			]) {
				await opened.go(`sandbox/reports?part=${part}`);
				await page.getByRole('button', { name: 'Save', exact: true }).first().waitFor();
				expect(await accessibilityFaults(page)).toEqual([]);
			}
			expect(opened.trouble).toEqual([]);
		}
	});
});
