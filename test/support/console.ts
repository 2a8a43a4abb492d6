/** The console as a person has it in a browser: `warren serve` on a home of its own, and Chromium looking at it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
	type Browser,
	type BrowserContext,
	type BrowserContextOptions,
	chromium,
	type Locator,
	type Page,
} from 'playwright-core';
import { BUILT, MAIN } from './entry.ts';
import { waitFor } from './wait.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SETUP = join(root, 'resources', 'launch', 'setup.mjs');
const AXE = join(root, 'node_modules', 'axe-core', 'axe.min.js');

/** The system's Chromium; `WARREN_TEST_CHROMIUM` names another. */
const CHROMIUM = process.env.WARREN_TEST_CHROMIUM ?? '/usr/bin/chromium';
/** Nothing leaves this machine, and no service of the browser's own runs. */
const ARGUMENTS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/** How long a state of the page is waited for at most, in ms: a busy machine draws late. */
const PATIENCE = 60_000;

let built: Promise<void> | null = null;

/** Builds the page when it is missing or older than its sources. A run that has built it already takes it as it stands. */
function ensurePage(): Promise<void> {
	if (BUILT) return Promise.resolve();
	const script = `import { ensureBuild } from ${JSON.stringify(SETUP)}; await ensureBuild((line) => console.error(line));`;
	built ??= new Promise((resolve, reject) => {
		const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
			stdio: ['ignore', 'inherit', 'pipe'],
		});
		let said = '';
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			said += text;
		});
		child.on('error', reject);
		child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`The page could not be built:\n${said}`))));
	});
	return built;
}

export interface ServedConsole extends AsyncDisposable {
	readonly home: string;
	/** With the token that lets one browser in, once. */
	readonly url: string;
	/** What the browser that was let in was given; others are opened with it. */
	pass: Awaited<ReturnType<BrowserContext['storageState']>> | null;
	/** What the process printed besides its address. */
	said(): string;
	/** Ends it at once, without a chance to tidy up; the home stays. */
	kill9(): Promise<void>;
}

export interface ServeOptions {
	/** A home to use and leave; without it a temporary one, removed in the end. */
	readonly home?: string;
	readonly args?: readonly string[];
	readonly env?: Readonly<Record<string, string>>;
}

/** Starts `warren serve` and waits for its address. */
export async function serveConsole(options: ServeOptions = {}): Promise<ServedConsole> {
	await ensurePage();
	const own = options.home === undefined;
	const home = options.home ?? (await mkdtemp(join(tmpdir(), 'warren-console-')));
	const child = spawn(process.execPath, [MAIN, '--home', home, '--json', 'serve', ...(options.args ?? [])], {
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, NO_COLOR: '1', ...options.env },
	});
	let said = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	const url = await address(child, () => said);
	return {
		home,
		url,
		pass: null,
		said: () => said,
		kill9: () => ended(child, 'SIGKILL'),
		async [Symbol.asyncDispose]() {
			await ended(child, 'SIGTERM');
			if (own) await rm(home, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}

function address(child: ChildProcess, said: () => string): Promise<string> {
	return new Promise((resolve, reject) => {
		let out = '';
		child.stdout?.setEncoding('utf8').on('data', (text: string) => {
			out += text;
			const end = out.indexOf('\n');
			if (end < 0) return;
			const { url } = JSON.parse(out.slice(0, end)) as { readonly url: string };
			resolve(url);
		});
		child.on('error', reject);
		child.on('exit', (code) =>
			reject(new Error(`warren serve ended with ${code} before it served:\n${out}\n${said()}`)),
		);
	});
}

function ended(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
	return new Promise((resolve) => {
		// A process that does not listen any more must not hold up the rest.
		const impatient = setTimeout(() => child.kill('SIGKILL'), 20_000);
		child.once('close', () => {
			clearTimeout(impatient);
			resolve();
		});
		child.kill(signal);
	});
}

/** Starts the system's Chromium without a window. */
export async function openBrowser(): Promise<Browser> {
	if (!existsSync(CHROMIUM))
		throw new Error(`${CHROMIUM} is missing. Install Debian's chromium, or set WARREN_TEST_CHROMIUM.`);
	return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}

/** A page of the console, and everything on it that a well-behaved page never does. */
export interface ConsolePage extends AsyncDisposable {
	readonly page: Page;
	/** Errors of scripts, refusals by the content policy, dialogs, requests to elsewhere, and navigations. */
	readonly trouble: readonly string[];
	/** Goes to a place in the console, e.g. `sandbox/failed`, and waits until its keys are those of that place. */
	go(place: string): Promise<void>;
}

/** Opens the console in a fresh browser profile and waits until it has a deployment. */
export async function openConsole(
	browser: Browser,
	served: Pick<ServedConsole, 'url' | 'pass'>,
	options: BrowserContextOptions = {},
): Promise<ConsolePage> {
	const context = await browser.newContext({
		viewport: { width: 1440, height: 900 },
		reducedMotion: 'reduce',
		...(served.pass === null ? {} : { storageState: served.pass }),
		...options,
	});
	context.setDefaultTimeout(PATIENCE);
	const page = await context.newPage();
	const { origin } = new URL(served.url);
	const trouble: string[] = [];
	page.on('console', (message) => {
		// A wire that is lost and found again says so in the browser's own words; that is not the page's error.
		if (message.type() === 'error' && !/WebSocket connection to/.test(message.text()))
			trouble.push(`error: ${message.text()} (${message.location().url})`);
	});
	page.on('pageerror', (error) => trouble.push(`exception: ${error.stack ?? error.message}`));
	page.on('dialog', (dialog) => {
		trouble.push(`dialog: ${dialog.message()}`);
		void dialog.dismiss();
	});
	page.on('popup', (popup) => trouble.push(`popup: ${popup.url()}`));
	page.on('request', (request) => {
		const url = new URL(request.url());
		const here = url.origin === origin || url.origin === origin.replace('http', 'ws');
		if (!here && url.protocol !== 'data:' && url.protocol !== 'blob:') trouble.push(`request: ${request.url()}`);
	});
	await page.goto(served.pass === null ? served.url : `${origin}/`);
	let arrived = false;
	page.on('framenavigated', (frame) => {
		if (arrived && new URL(frame.url()).origin !== origin) trouble.push(`navigation: ${frame.url()}`);
	});
	arrived = true;
	await page
		.getByRole('navigation', { name: 'Views' })
		.waitFor()
		.catch(async (cause: unknown) => {
			const shown = await page.locator('body').innerText();
			throw new Error(`The console did not open. It shows: ${shown}\n${trouble.join('\n')}`, { cause });
		});
	served.pass ??= await context.storageState();
	return {
		page,
		trouble,
		go: (place) => goTo(page, place),
		[Symbol.asyncDispose]: () => context.close(),
	};
}

/** What axe finds wrong with the page as it stands: one line each, by rule and element. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
	// Evaluated by the debugger, which the content policy does not bind; the page's own scripts stay bound.
	await page.evaluate(readFileSync(AXE, 'utf8'));
	return page.evaluate(async () => {
		const { axe } = globalThis as unknown as {
			axe: {
				run(
					node: unknown,
					options: unknown,
				): Promise<{ violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[] }>;
			};
		};
		const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
		const result = await axe.run((globalThis as unknown as { document: unknown }).document, { runOnly: tags });
		return result.violations.flatMap((rule) =>
			rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')} (${node.failureSummary.replace(/\s+/g, ' ')})`),
		);
	});
}

/**
 * What axe finds in the light theme and then in the dark one, on the page as it stands: one line each, headed by the theme. The page
 * stays in the dark one.
 */
export async function faultsInBothThemes(page: Page): Promise<readonly string[]> {
	const found: string[] = [];
	for (const colorScheme of ['light', 'dark'] as const) {
		await page.emulateMedia({ colorScheme });
		found.push(...(await accessibilityFaults(page)).map((fault) => `${colorScheme}: ${fault}`));
	}
	return found;
}

/** The boxes of the page whose content is cut off sideways in a window of this width, in CSS pixels. */
export async function cutOffAt(page: Page, width: number): Promise<readonly string[]> {
	await page.setViewportSize({ width, height: 800 });
	return page.evaluate(`(async () => {
		// What the page does about another width is done in a frame of its own.
		for (let frames = 0; frames < 2; frames += 1) await new Promise(requestAnimationFrame);
		const boxes = [document.documentElement, ...document.querySelectorAll('aside, [role=dialog], aside .body')];
		return boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.className || box.tagName);
	})()`);
}

/** The rows of the task list in sight, without its header. */
export function rowsOf(page: Page): Locator {
	return page.getByRole('grid').locator('[role="row"]:not([aria-rowindex="1"])');
}

/** A key pressed before the profile of the place is known would mean nothing there, so this waits until the page bears its name. */
async function goTo(page: Page, place: string): Promise<void> {
	const hash = JSON.stringify(`#/${place}`);
	await page.evaluate(`(async () => {
		if (location.hash === ${hash}) return;
		const moved = new Promise((resolve) => addEventListener('hashchange', resolve, { once: true }));
		location.hash = ${hash};
		await moved;
	})()`);
	const profile = decodeURIComponent(place.split(/[/?]/, 1)[0] ?? '');
	await waitFor(
		`the page to be at ${place}`,
		async () =>
			(await page.title()) === `${profile} – Warren` ||
			(await page.getByText('There is no profile called').isVisible()),
	);
}
