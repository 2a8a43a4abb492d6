/**
 * An installed Chromium or Chrome for `npm start` on machines without Electron's runtime: the console's page in a window of
 * its own, with a browser profile of its own.
 */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findCommand } from './setup.mjs';

/** Whether windows can be opened here. Linux tells by its display's variables; elsewhere there is always one. */
export function hasDisplay() {
	if (process.platform === 'darwin' || process.platform === 'win32') return true;
	return Boolean(process.env.DISPLAY) || Boolean(process.env.WAYLAND_DISPLAY);
}

const onPath = [
	'chromium',
	'chromium-browser',
	'google-chrome-stable',
	'google-chrome',
	'brave-browser',
	'microsoft-edge',
];

function fixedPlaces() {
	if (process.platform === 'darwin') {
		const inside = (app) => `${app}.app/Contents/MacOS/${app}`;
		return ['Chromium', 'Google Chrome', 'Microsoft Edge', 'Brave Browser'].flatMap((app) => [
			join('/Applications', inside(app)),
			join(homedir(), 'Applications', inside(app)),
		]);
	}
	if (process.platform === 'win32') {
		const roots = [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA].filter(
			Boolean,
		);
		const inside = [
			'Chromium/Application/chrome.exe',
			'Google/Chrome/Application/chrome.exe',
			'Microsoft/Edge/Application/msedge.exe',
		];
		return inside.flatMap((path) => roots.map((folder) => join(folder, path)));
	}
	return [];
}

/** @returns {string | undefined} path of an installed browser of Chromium's family; `WARREN_BROWSER` names another */
export function findBrowser() {
	const chosen = process.env.WARREN_BROWSER;
	if (chosen) return chosen;
	return fixedPlaces().find((path) => existsSync(path)) ?? onPath.map(findCommand).find((path) => path !== undefined);
}

/** A Chromium from a snap may write to its own folder only, and silently fails in hidden folders elsewhere. */
function isSnap(browser) {
	if (browser.startsWith('/snap/')) return true;
	try {
		return readFileSync(browser).subarray(0, 4096).includes('/snap/');
	} catch {
		return false; // Unreadable but executable: then it is no shell script that leads to a snap.
	}
}

/** Where the console's browser profile lives: in Warren's home, so that it goes when the home goes. */
function browserProfile(browser, home) {
	if (isSnap(browser)) return join(homedir(), 'snap', 'chromium', 'common', 'warren');
	return join(home ?? defaultHome(), 'browser');
}

/**
 * Whether the browser that we started has this browser profile to itself. One that only hands its address over to another, which had the
 * profile before, never does; nor does a script that starts a browser and ends.
 *
 * @param {{ browser: string, home?: string, pid: number | undefined }} what pid: the browser's process; undefined: it is not started yet, which
 * tells on Windows alone whether another one is there
 */
export function holdsProfile({ browser, home, pid }) {
	const profile = browserProfile(browser, home);
	// On Windows the file goes with the browser that has it open, whichever that is.
	if (process.platform === 'win32') return existsSync(join(profile, 'lockfile'));
	try {
		return readlinkSync(join(profile, 'SingletonLock')).endsWith(`-${pid}`);
	} catch (error) {
		if (error.code === 'ENOENT' || error.code === 'EINVAL') return false;
		throw error;
	}
}

function defaultHome() {
	if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Warren');
	if (process.platform === 'win32') return join(process.env.APPDATA ?? join(homedir(), 'AppData', 'Roaming'), 'Warren');
	return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'Warren');
}

/**
 * The arguments that open one address as a window without tabs or address bar.
 *
 * @param {{ browser: string, url: string, home?: string }} what browser: executable; url: the console's; home: Warren's home folder
 */
export function windowArguments({ browser, url, home }) {
	const args = [
		`--app=${url}`,
		`--user-data-dir=${browserProfile(browser, home)}`,
		'--no-first-run',
		'--no-default-browser-check',
		'--disable-background-networking',
		'--disable-sync',
		'--password-store=basic',
		'--window-size=1440,900',
	];
	// Chromium refuses to start as root with its sandbox. This window only ever shows the console's own loopback page, whose
	// policy forbids every other origin; without the switch there would be no window in a container.
	if (process.platform === 'linux' && process.getuid?.() === 0) args.push('--no-sandbox', '--test-type');
	return args;
}
