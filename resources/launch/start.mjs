#!/usr/bin/env node
/**
 * `npm start`: installs and builds what is missing, then opens Warren. In Electron where its runtime is here or can be
 * fetched; else the same console, served on loopback, in an installed Chromium or Chrome; else at the address it prints.
 * Arguments after `--` reach Warren (`npm start -- --home DIR`); `--browser` passes Electron over. Ctrl+C, or closing the
 * window, ends all of it.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { findBrowser, hasDisplay, holdsProfile, windowArguments } from './browser.mjs';
import { electronExecutable, fetchElectron } from './electron.mjs';
import { engineFlags, engineNode, ensureBuild, ensurePackages, requireNode, root, SetupError } from './setup.mjs';

const say = (line) => console.log(line);
const windows = process.platform === 'win32';

/** A window that closes sooner than this, in milliseconds, did not open properly. */
const tooSoon = 10_000;

/** How long what we started may take to end by itself, in milliseconds. */
const patience = 10_000;

/** What runs on our behalf; each is the head of its own process group, so that one Ctrl+C reaches it exactly once. */
const running = new Set();

function launch(command, args, options) {
	const child = spawn(command, args, { cwd: root, detached: !windows, ...options });
	running.add(child);
	const ended = new Promise((settle) => {
		child.once('error', (error) => settle({ code: 127, reason: error.message }));
		child.once('exit', (code, signal) => settle({ code, signal }));
	}).finally(() => running.delete(child));
	return { child, ended };
}

function kill(child, signal) {
	if (child.exitCode !== null || child.signalCode !== null) return;
	try {
		if (windows || child.pid === undefined) child.kill(signal);
		else process.kill(-child.pid, signal);
	} catch (error) {
		if (error.code !== 'ESRCH') throw error;
	}
}

/** Ends everything that was started: politely, and after a while for certain. */
async function endAll() {
	const children = [...running];
	const gone = Promise.all(children.map((child) => new Promise((settle) => child.once('exit', settle))));
	for (const child of children) kill(child, 'SIGTERM');
	const late = setTimeout(() => {
		for (const child of children) kill(child, 'SIGKILL');
	}, patience);
	await gone;
	clearTimeout(late);
}

let ending = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
	process.on(signal, async () => {
		if (ending) {
			for (const child of running) kill(child, 'SIGKILL');
			return;
		}
		ending = true;
		await endAll();
		process.exit(signal === 'SIGTERM' ? 143 : signal === 'SIGHUP' ? 129 : 0);
	});
}

/**
 * Opens the window in Electron.
 *
 * @returns {Promise<string | undefined>} undefined when it ran; else why it could not, as half a sentence
 */
async function openInElectron(args) {
	if (!hasDisplay()) return 'there is no display here';
	if (process.platform === 'linux' && process.getuid?.() === 0)
		return 'Electron does not run as root with its sandbox on';
	if (electronExecutable() === undefined) {
		const refused = await fetchElectron(say);
		if (refused !== undefined) return refused;
	}
	const startedAt = Date.now();
	const { ended } = launch(electronExecutable(), [root, ...args], { stdio: 'inherit' });
	const { code, signal, reason } = await ended;
	if (ending || code === 0 || Date.now() - startedAt > tooSoon) {
		process.exitCode = code ?? 1;
		return undefined;
	}
	return reason ?? `it ended at once (${signal ?? `exit code ${code}`})`;
}

/** Serves the console and shows it in a browser's window, or says where it is. */
async function openInBrowser(args) {
	const serve = launch(engineNode(), [...engineFlags, join(root, 'out/main/cli.js'), ...args, '--json', 'serve'], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const url = await Promise.race([firstUrl(serve.child.stdout), serve.ended.then(() => undefined)]);
	if (url === undefined) {
		const { code } = await serve.ended;
		process.exitCode = code || 1;
		return;
	}
	const browser = hasDisplay() ? findBrowser() : undefined;
	if (browser === undefined) {
		say(`Warren is at ${url}\nCtrl+C ends it.`);
		process.exitCode = (await serve.ended).code ?? 0;
		return;
	}
	const startedAt = Date.now();
	const home = homeIn(args);
	const taken = holdsProfile({ browser, home, pid: undefined });
	const window = launch(browser, windowArguments({ browser, url, home }), { stdio: 'ignore' });
	let ours = false;
	const watch = setInterval(() => {
		ours = !taken && holdsProfile({ browser, home, pid: window.child.pid });
		// A browser behind a script of its own has another process than ours: then time alone tells that it is open.
		if (!ours && Date.now() - startedAt < tooSoon) return;
		clearInterval(watch);
		say(`Warren is open in ${browser}. Closing its window or Ctrl+C ends it.`);
	}, 100);
	const first = await Promise.race([
		window.ended.then((end) => ({ window: end })),
		serve.ended.then((end) => ({ serve: end })),
	]);
	clearInterval(watch);
	const closed = first.window?.code === 0 && ours;
	if (first.window !== undefined && !closed && Date.now() - startedAt < tooSoon && !ending) {
		const { code, signal, reason } = first.window;
		// Handed over to a browser that was running already, or failed: either way the console itself is fine.
		const what =
			code === 0
				? 'The window is not ours to watch.'
				: `The window did not open (${reason ?? signal ?? `exit code ${code}`}).`;
		say(`${what} Warren stays at ${url}\nCtrl+C ends it.`);
		process.exitCode = (await serve.ended).code ?? 0;
		return;
	}
	await endAll();
	process.exitCode = first.serve?.code ?? 0;
}

/** The address in the first line that `warren serve` prints; later lines are read and left. */
function firstUrl(stream) {
	return new Promise((settle) => {
		createInterface({ input: stream }).on('line', (line) => {
			try {
				settle(JSON.parse(line).url);
			} catch {
				say(line); // Not ours to understand, but never lost.
			}
		});
	});
}

/** Warren's home, when the person chose one. */
function homeIn(args) {
	const at = args.findIndex((arg) => arg === '--home' || arg.startsWith('--home='));
	if (at === -1) return process.env.WARREN_HOME || undefined;
	const value = args[at].includes('=') ? args[at].slice('--home='.length) : args[at + 1];
	return value === undefined ? undefined : resolve(value);
}

/** Relative homes mean the folder that the person is in; npm runs scripts in the package's. */
function withAbsoluteHome(args) {
	const base = process.env.INIT_CWD ?? process.cwd();
	return args.map((arg, index) => {
		if (args[index - 1] === '--home') return resolve(base, arg);
		return arg.startsWith('--home=') ? `--home=${resolve(base, arg.slice('--home='.length))}` : arg;
	});
}

requireNode();
try {
	const given = process.argv.slice(2);
	const wantsBrowser = given.includes('--browser');
	const args = withAbsoluteHome(given.filter((arg) => arg !== '--browser'));
	await ensurePackages(say);
	await ensureBuild(say);
	const instead = wantsBrowser ? 'a browser was asked for' : await openInElectron(args);
	if (instead !== undefined && !ending) {
		say(`Not in Electron: ${instead}. Serving the same console for a browser.`);
		await openInBrowser(args);
	}
} catch (error) {
	// Nothing that was started outlives this, however it ends.
	await endAll();
	if (!(error instanceof SetupError)) throw error;
	console.error(error.message);
	process.exitCode = 1;
}
