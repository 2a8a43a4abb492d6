/** Builds the gallery, serves it as strictly as the product is served, and looks at it. */

import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { build } from 'vite';

const CSP =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' };

const out = process.argv[2] ?? (await mkdtemp(path.join(tmpdir(), 'warren-gallery-')));
const only = process.argv[3];
await mkdir(out, { recursive: true });
const site = await mkdtemp(path.join(tmpdir(), 'warren-site-'));
await build({ configFile: path.join(import.meta.dirname, 'vite.config.mjs'), build: { outDir: site } });

const server = createServer(async (request, response) => {
	const name = new URL(request.url ?? '/', 'http://gallery').pathname;
	try {
		const body = await readFile(path.join(site, name === '/' ? 'index.html' : path.normalize(name)));
		response.writeHead(200, {
			'content-type': TYPES[path.extname(name)] ?? 'text/html',
			'content-security-policy': CSP,
		});
		response.end(body);
	} catch {
		response.writeHead(404).end();
	}
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu'],
});
let problems = 0;
try {
	for (const shot of shots()) {
		if (only !== undefined && !shot.name.includes(only)) continue;
		const context = await browser.newContext({
			viewport: { width: shot.width, height: shot.height ?? 900 },
			reducedMotion: 'reduce',
			bypassCSP: false,
		});
		const page = await context.newPage();
		const said = [];
		page.on(
			'console',
			(message) =>
				['error', 'warning'].includes(message.type()) &&
				!message.text().includes('favicon') &&
				said.push(message.text()),
		);
		page.on('pageerror', (error) => said.push(String(error.stack)));
		await page.goto(`${origin}/?page=${shot.page}&theme=${shot.theme}${shot.more ?? ''}`);
		await page.evaluate(() => document.fonts.ready);
		await shot.act?.(page);
		await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
		if (process.env.PROBE) console.log(await page.evaluate(process.env.PROBE));
		await page.screenshot({ path: path.join(out, `${shot.name}.png`) });
		// Through the debugger, which the page's policy does not bind.
		await page.evaluate(axe.source);
		const { violations } = await page.evaluate(() =>
			globalThis.axe.run(document, {
				runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
			}),
		);
		const ignored = new Set(['page-has-heading-one', 'landmark-one-main', 'region']);
		for (const violation of violations.filter((one) => !ignored.has(one.id))) {
			problems += 1;
			console.log(`${shot.name}: ${violation.id}: ${violation.help}`);
			for (const node of violation.nodes.slice(0, 4))
				console.log(
					`    ${node.html.slice(0, 160)}\n      ${node.any[0]?.message ?? node.all[0]?.message ?? node.none[0]?.message ?? ''}`,
				);
		}
		for (const words of said) {
			problems += 1;
			console.log(`${shot.name}: console: ${words}`);
		}
		await context.close();
	}
} finally {
	await browser.close();
	server.close();
	await rm(site, { recursive: true, force: true });
}
console.log(`${out}: ${problems === 0 ? 'nothing to complain about' : `${problems} problems`}`);
process.exitCode = problems === 0 ? 0 : 1;

function shots() {
	const list = [];
	for (const theme of ['dark', 'light']) {
		for (const page of ['failed', 'queued', 'controls', 'instruments'])
			list.push({ name: `${page}-${theme}`, page, theme, width: 1440 });
		list.push({ name: `confirm-${theme}`, page: 'controls', theme, width: 1440, more: '&open=confirm' });
		list.push({
			name: `menu-${theme}`,
			page: 'controls',
			theme,
			width: 1440,
			act: (page) => page.getByRole('button', { name: 'Actions' }).click(),
		});
		list.push({
			name: `combobox-${theme}`,
			page: 'controls',
			theme,
			width: 1440,
			act: async (page) => {
				await page.getByRole('button', { name: 'hover me' }).hover();
				await page.getByRole('tooltip').waitFor();
				await page.getByRole('combobox', { name: 'Queue' }).fill('re');
				await page.getByRole('option', { name: 'reports' }).waitFor({ timeout: 4000 });
			},
		});
		for (const width of [1440, 460])
			list.push({
				name: `charts-${width}-${theme}`,
				page: 'charts',
				theme,
				width,
				act: async (page) => {
					await page.getByRole('slider', { name: /^Messages/ }).hover({ position: { x: 230, y: 60 } });
					await page.getByRole('button', { name: 'Show as a table' }).last().click();
				},
			});
		list.push({ name: `failed-1000-${theme}`, page: 'failed', theme, width: 1000 });
		list.push({ name: `queued-700-${theme}`, page: 'queued', theme, width: 700 });
	}
	return list;
}
