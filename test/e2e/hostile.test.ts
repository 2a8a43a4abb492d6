/** A9: whatever a message, a task or a log holds is text and nothing else. */
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallerInput } from '#main/ipc/contract.ts';
import { warren } from '#test/support/cli.ts';
import { openBrowser, openConsole, rowsOf, type ServedConsole, serveConsole } from '#test/support/console.ts';
import { bootEngine } from '#test/support/engine.ts';
import { HOSTILE } from './hostile.ts';

const TASKS = fileURLToPath(new URL('./hostile-tasks.mjs', import.meta.url));
/** Those that may be a task's name. The others come in by JSON escapes. */
const WORDS = HOSTILE.filter((text) => text.isWellFormed() && !text.includes('\0') && text.length <= 400);
let browser: Browser;
let served: ServedConsole;

beforeAll(async () => {
	served = await serveConsole();
	{
		await using engine = await bootEngine({ home: served.home });
		const publish = (name: string, kwargs: unknown) =>
			engine.call('task.publish', { profile: 'sandbox', name, kwargs: JSON.stringify(kwargs), queue: 'default' });
		// The corpus goes in as one argument each, every second as the text of a failure; and as names.
		for (const [index, text] of HOSTILE.entries()) {
			await publish(index % 2 === 0 ? 'hostile-tasks.fail' : 'hostile-tasks.say', { text });
		}
		for (const name of WORDS) await publish(name, { [name]: name });
	}
	const run = await warren(served.home, [
		...['--profile', 'sandbox', 'consumer', 'run', 'default', '--concurrency', '2', '--node', TASKS, '--until-empty'],
	]);
	expect(run.code, run.stderr).toBe(0);
	browser = await openBrowser();
}, 240_000);
afterAll(async () => {
	await browser?.close();
	await served?.[Symbol.asyncDispose]();
});

async function walk(page: Page): Promise<number> {
	const tabs = ['Overview', 'Arguments', 'Traceback', 'Log', 'Attempts', 'Message'];
	const count = Math.min(await rowsOf(page).count(), 40);
	for (let index = 0; index < count; index += 1) {
		await page.keyboard.press('j');
		if (index === 0) await page.keyboard.press('Enter');
		for (const name of tabs) {
			const tab = page.getByRole('complementary').getByRole('tab', { name: new RegExp(`^${name}`) });
			if ((await tab.count()) === 0) continue;
			await tab.click();
			await page.getByRole('tabpanel', { name }).waitFor();
		}
		const bytes = page.getByRole('radio', { name: 'Bytes' });
		if ((await bytes.count()) > 0) await bytes.click();
	}
	return count;
}

/** Every text as name, task, queue, arguments, keywords and description of a schedule, where it is allowed there; how many there are. */
async function makeSchedules(home: string): Promise<number> {
	await using engine = await bootEngine({ home });
	const every = '1 hour';
	let made = 0;
	for (const [index, text] of HOSTILE.entries()) {
		const json = JSON.stringify({ text, [text]: [text] });
		const tries: readonly CallerInput<'schedule.add'>[] = [
			{
				profile: 'sandbox',
				name: text,
				task: text,
				queue: text,
				every,
				kwargs: json,
				description: text,
				inactive: true,
			},
			// What a name may not be is an argument all the same.
			{ profile: 'sandbox', name: `plain ${index}`, task: 'orders.total', every, kwargs: json, inactive: true },
		];
		for (const input of tries) {
			const added = await engine.call('schedule.add', input).then(
				() => 1,
				(error: Error) => {
					// Refused with a reason, never broken on.
					expect(error.message, JSON.stringify(text).slice(0, 60)).toContain('invalid-input');
					return 0;
				},
			);
			made += added;
		}
	}
	return made;
}

describe('hostile schedules', () => {
	test('run nothing, ask for nothing and break no layout, in the list, every part of the drawer and the questions', async () => {
		const made = await makeSchedules(served.home);
		// Most texts may be a name, and all but a few an argument.
		expect(made).toBeGreaterThan(HOSTILE.length * 1.5);
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		await opened.go('sandbox/scheduled?sort=name');
		await page.getByRole('radio', { name: `All ${made}` }).waitFor();
		const fits = async (what: string) => {
			const wide = await page.evaluate(`(() => {
				const boxes = [document.documentElement, ...document.querySelectorAll('aside .body, [role=dialog], [role=alertdialog], [role=row]')];
				return boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.className || box.tagName);
			})()`);
			expect(wide, what).toEqual([]);
		};
		await rowsOf(page).first().waitFor();
		await fits('the list');
		const drawer = page.getByRole('complementary');
		for (let index = 0; index < made; index += 1) {
			await page.keyboard.press('j');
			if (index === 0) await page.keyboard.press('Enter');
			for (const name of ['Edit', 'Runs', 'Message', 'History']) {
				await drawer.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
				await drawer.getByRole('tabpanel', { name }).waitFor();
			}
			await drawer.getByRole('tab', { name: 'Edit' }).click();
			await fits(`row ${index}`);
			// Back to where J steps.
			await drawer.getByRole('heading', { level: 2 }).click();
		}
		await page.keyboard.press('Escape');
		await drawer.waitFor({ state: 'detached' });
		await page.keyboard.press('Control+a');
		await page.getByRole('toolbar', { name: 'Ticked schedules' }).waitFor();
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog').getByRole('listitem').first().waitFor();
		await fits('the question');
		await page.keyboard.press('Escape');
		for (const text of HOSTILE.slice(0, 12)) {
			await opened.go(
				`sandbox/scheduled?filter=${encodeURIComponent(text)}&schedule=${encodeURIComponent(`local/${text}`)}`,
			);
			await drawer.waitFor();
		}
		expect(await page.evaluate('window.pwned')).toBeUndefined();
		expect(await page.evaluate('document.querySelectorAll("#app script, #app iframe, #app form[action]").length')).toBe(
			0,
		);
		expect(opened.trouble).toEqual([]);
	});

	test('a NUL is refused in every field, and told where it is', async () => {
		await using engine = await bootEngine();
		const good = { profile: 'sandbox', name: 'good', task: 'orders.total', every: '1 hour' } as const;
		for (const field of ['name', 'task', 'queue', 'description', 'exchange', 'routingKey'] as const) {
			const refusal = await engine.refusal('schedule.add', { ...good, [field]: 'a\0b' });
			expect(refusal, field).toMatchObject({ code: 'invalid-input', details: { field } });
		}
		for (const field of ['args', 'kwargs'] as const) {
			const refusal = await engine.refusal('schedule.add', {
				...good,
				[field]: field === 'args' ? "'a\0b'" : '{"a": "\0"}',
			});
			expect(refusal, field).toMatchObject({ code: 'invalid-input', details: { field } });
		}
		expect((await engine.call('schedule.list', { profile: 'sandbox' })).total).toBe(0);
	});
});

describe('hostile content', () => {
	test('runs nothing, asks for nothing and leads nowhere, in any list, drawer or dialog', async () => {
		await using opened = await openConsole(browser, served);
		const { page } = opened;
		for (const view of ['failed', 'completed', 'queued']) {
			await opened.go(`sandbox/${view}${view === 'failed' ? '?part=tasks' : ''}`);
			await page.getByRole('grid').or(page.getByText('Nothing waits')).waitFor();
			if (view === 'queued') continue;
			await rowsOf(page).first().waitFor();
			expect(await walk(page), view).toBeGreaterThan(5);
			await page.keyboard.press('Escape');
		}
		for (const view of ['attention', 'queues', 'workers', 'console', 'scheduled', 'settings']) {
			await opened.go(`sandbox/${view}`);
			await page.getByRole('heading', { level: 1 }).waitFor();
		}
		await opened.go('sandbox/failed?part=groups');
		for (const group of await page.getByRole('list', { name: 'Failures by cause' }).locator('button[data-key]').all()) {
			await group.click();
			await page.getByRole('heading', { name: 'Why these are together' }).waitFor();
		}
		await opened.go('sandbox/failed?part=tasks');
		await rowsOf(page).first().waitFor();
		await page.getByRole('checkbox', { name: 'Tick everything that matches' }).click();
		await page.keyboard.press('Shift+D');
		await page.getByRole('alertdialog').getByRole('listitem').first().waitFor();
		await page.keyboard.press('Escape');
		await page.keyboard.press('n');
		await page.getByRole('dialog', { name: 'Publish a task' }).waitFor();
		await page.keyboard.press('Escape');
		for (const text of WORDS.slice(0, 12)) {
			await opened.go(`sandbox/failed?part=tasks&filter=${encodeURIComponent(text)}&task=${encodeURIComponent(text)}`);
			await page.getByRole('complementary').waitFor();
		}
		expect(await page.evaluate('window.pwned')).toBeUndefined();
		expect(
			await page.evaluate(
				'document.querySelectorAll("#app script, #app iframe, #app object, #app embed, #app form[action]").length',
			),
		).toBe(0);
		expect(opened.trouble).toEqual([]);
	});
});
