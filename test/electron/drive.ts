/**
 * Runs the built shell and preload against the stand-in, plays a page and its enemies, and prints what came of it as one JSON
 * document. A process of its own, because the shell takes its process for itself.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import type { PagePort } from '#main/ipc/wires/port.ts';

const root = resolve(import.meta.dirname, '../..');
const standIn = new URL('./stand-in.ts', import.meta.url).href;
registerHooks({
	resolve: (specifier, context, next) =>
		specifier === 'electron' ? { url: standIn, shortCircuit: true } : next(specifier, context),
});

const electron = await import('./stand-in.ts');
const { createClient } = await import('#main/ipc/client.ts');
const { connectPage } = await import('#main/ipc/wires/page.ts');
const { waitFor } = await import('#test/support/wait.ts');

await import(pathToFileURL(resolve(root, 'out/main/shell.js')).href);
electron.becomeReady();
const window = await waitFor('the window', () => electron.windows[0]);
const contents = window.webContents;
const facts: Record<string, unknown> = {};

facts.journal = [...electron.journal];
facts.userData = electron.app.paths.userData;
facts.windowOptions = window.options;
facts.schemes = electron.schemes;

// Pages and what is no page.
const handler = await waitFor('the protocol', () => electron.schemeHandlers.get('app'));
const answers: Record<string, unknown> = {};
const ask = async (url: string, method = 'GET') => {
	const response = await handler(new Request(url, { method }));
	answers[`${method} ${url}`] = {
		status: response.status,
		type: response.headers.get('content-type'),
		policy: response.headers.get('content-security-policy'),
		size: (await response.arrayBuffer()).byteLength,
	};
};
const index = readFileSync(resolve(root, 'out/renderer/index.html'), 'utf8');
const script = /src="\.?(\/assets\/[^"]+\.js)"/.exec(index)?.[1] ?? '/missing.js';
await ask('app://console/');
await ask(`app://console${script}`);
for (const path of [
	'/../package.json',
	'/%2e%2e/package.json',
	'/..%2fpackage.json',
	'/package.json',
	'/assets',
	'/etc/passwd',
]) {
	await ask(`app://console${path}`);
}
await ask('app://elsewhere/');
await ask('app://console/', 'POST');
facts.script = script;
facts.answers = answers;

// Navigation, windows, webviews, downloads, permissions.
const prevented = (event: string, url: string, on: NodeJS.EventEmitter = contents) => {
	let stopped = false;
	on.emit(event, { url, preventDefault: () => (stopped = true) });
	return stopped;
};
const urls = [
	'app://console/#/x',
	'https://evil.example/',
	'file:///etc/passwd',
	'app://elsewhere/',
	'app://console.evil.example/',
	'javascript:alert(1)',
];
facts.navigation = Object.fromEntries(
	['will-navigate', 'will-frame-navigate', 'will-redirect'].map((event) => [
		event,
		urls.map((url) => prevented(event, url)),
	]),
);
facts.webview = prevented('will-attach-webview', '');
const saved = (url: string, filename: string, by: unknown = contents) => {
	const item = new electron.DownloadItem(url, filename);
	let stopped = false;
	electron.session.defaultSession.events.emit('will-download', { preventDefault: () => (stopped = true) }, item, by);
	return { stopped, where: item.options?.defaultPath ?? null, item };
};
electron.app.paths.downloads = '/downloads';
const ourText = 'blob:app://console/5b1c7a3e';
const elsewhere = new electron.Contents();
elsewhere.mainFrame.url = 'https://evil.example/';
const save = saved(ourText, 'sandbox-schedules.json');
save.item.emit('done', {}, 'interrupted');
facts.saveFailure = electron.errorBoxes.splice(0);
facts.saves = [
	save,
	saved(ourText, 'sandbox-report.csv'),
	saved(ourText, 'sandbox-report.SVG'),
	saved(ourText, 'sandbox-report.png'),
	saved(ourText, '../../.bashrc.json'),
	saved(ourText, 'schedules.exe'),
	saved(ourText, 'schedules.json', elsewhere),
	saved(ourText, 'schedules.json', null),
	saved('blob:https://evil.example/5b1c7a3e', 'schedules.json'),
	saved('https://evil.example/schedules.json', 'schedules.json'),
	saved('app://console/assets/schedules.json', 'schedules.json'),
	saved('data:application/json,1', 'schedules.json'),
].map(({ stopped, where }) => ({ stopped, where }));
const links = [
	'https://example.org/a',
	'http://example.org/',
	'file:///etc/passwd',
	'vscode://file/x.py:3',
	'javascript:alert(1)',
	'smb://host/share',
	'not a url',
];
facts.windowOpens = links.map((url) => contents.openHandler?.({ url }).action);
await waitFor('links to be opened', () => electron.opened.length >= 2);
facts.openedByWindow = electron.opened.splice(0);
const { requestHandler, checkHandler, deviceHandler } = electron.session.defaultSession;
const permissions = [
	'clipboard-sanitized-write',
	'clipboard-read',
	'notifications',
	'media',
	'geolocation',
	'openExternal',
	'fullscreen',
	'hid',
];
const requested = (permission: string, requestingUrl: string) => {
	let allowed: boolean | null = null;
	requestHandler?.(contents, permission, (decision) => (allowed = decision), { requestingUrl });
	return allowed;
};
facts.requested = permissions.filter((permission) => requested(permission, 'app://console/') !== false);
facts.checked = permissions.filter((permission) => checkHandler?.(contents, permission, 'app://console') !== false);
facts.foreign = permissions.filter(
	(permission) =>
		requested(permission, 'https://evil.example/') !== false ||
		checkHandler?.(contents, permission, 'https://evil.example') !== false,
);
facts.devices = deviceHandler?.();

// The preload script in a frame: what it exposes, and what each kind of frame gets.
const preload = readFileSync(resolve(root, 'out/preload/index.cjs'), 'utf8');
type Listener = (event: { data: unknown; origin: string; source: unknown; ports: readonly PagePort[] }) => void;
function loadPage(frame: InstanceType<typeof electron.Frame>) {
	const side = electron.rendererSide(contents, frame);
	const listeners = new Set<Listener>();
	const required: string[] = [];
	const page = {
		location: { origin: 'app://console', hash: '' },
		addEventListener: (_type: 'message', listener: Listener) => listeners.add(listener),
		removeEventListener: (_type: 'message', listener: Listener) => listeners.delete(listener),
		postMessage(data: unknown, origin: string, ports: readonly PagePort[]) {
			for (const listener of listeners) listener({ data, origin, source: page, ports });
		},
	};
	runInNewContext(preload, {
		require(name: string) {
			required.push(name);
			if (name !== 'electron') throw new Error(`A sandboxed preload cannot load ${name}`);
			return side.electron;
		},
		module: { exports: {} },
		exports: {},
		window: page,
		process: { platform: process.platform },
	});
	return {
		place: () => page.location.hash,
		page: Object.assign(page, side.exposed) as unknown as Parameters<typeof connectPage>[0],
		exposed: side.exposed,
		required,
	};
}

const main = loadPage(contents.mainFrame);
facts.required = main.required;
facts.exposed = Object.fromEntries(
	Object.entries(main.exposed).map(([name, value]) => [
		name,
		Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, typeof one])),
	]),
);
const noSocket = () => {
	throw new Error('There is a shell; no socket is needed.');
};
const version = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')).version as string;
const client = createClient(() => connectPage(main.page, noSocket), { build: version, jitter: 0 });
facts.info = await client.call('app.info', {});
const watched = Promise.withResolvers<readonly unknown[]>();
const stream = client.open(
	'profile.watch',
	{},
	{ snapshot: (items) => watched.resolve(items), change() {}, end: () => watched.resolve([]) },
);
facts.profiles = (await watched.promise).length;
stream[Symbol.dispose]();
facts.setPassword = await client.call('profile.add', { name: 'far', broker: 'amqp://me:hunter2@127.0.0.1:1/' });

// Frames that are not our page's main one.
const strangers = {
	subframe: new electron.Frame('app://console/'),
	foreign: new electron.Frame('https://evil.example/'),
};
const refusals: Record<string, unknown> = {};
for (const [name, frame] of Object.entries(strangers)) {
	const stranger = loadPage(frame);
	const bridge = stranger.exposed.warrenShell as {
		connect(): void;
		openExternal(url: string): Promise<unknown>;
		pickFile(title: string): Promise<unknown>;
	};
	bridge.connect();
	refusals[name] = {
		ports: frame.received.length,
		opened: await bridge.openExternal('https://example.org/'),
		picked: await bridge.pickFile('x'),
	};
}
contents.mainFrame.url = 'https://evil.example/';
const before = contents.mainFrame.received.length;
electron.ipcMain.emit('warren:connect', { sender: contents, senderFrame: contents.mainFrame });
electron.ipcMain.emit('warren:connect', { sender: new electron.Contents(), senderFrame: contents.mainFrame });
electron.ipcMain.emit('warren:connect', { sender: contents, senderFrame: null });
refusals.navigatedAway = contents.mainFrame.received.length - before;
contents.mainFrame.url = 'app://console/';
facts.refusals = refusals;
facts.openedByStrangers = electron.opened.splice(0);

// The shell's own routes, to our page.
const bridge = main.exposed.warrenShell as Record<string, (text: string) => Promise<unknown>>;
facts.links = await Promise.all(links.map((url) => bridge.openExternal?.(url)));
facts.picked = [await bridge.pickFile?.('A file'), await bridge.pickFolder?.('A folder')];
facts.dialogs = electron.dialogs;
facts.opened = electron.opened.splice(0);

// Links from outside: by a second start, by macOS's event, and hostile ones, which change nothing.
const wentTo: string[] = [];
const second = (link: string) => {
	electron.app.emit('second-instance', {}, ['warren', '--home', '/elsewhere', link]);
	wentTo.push(main.place());
};
second('warren://sandbox/failed?filter=app%3Ashop');
let kept = true;
electron.app.emit('open-url', { preventDefault: () => (kept = false) }, 'warren://sandbox/all?task=t1');
wentTo.push(main.place());
for (const link of [
	'warren://sandbox/failed?requeue=all',
	'warren:javascript:alert(1)',
	'warren://sandbox/settings#/sandbox/failed',
]) {
	second(link);
}
facts.wentTo = wentTo;
facts.linkKept = kept;
facts.refusedLinks = electron.messages;

// A reload asks for a new port; the old one's wire ends, and the page connects again by itself.
const states: string[] = [];
client.onState((state) => states.push(state.kind));
(bridge.connect as unknown as () => void)();
await waitFor('the client to be back', () => states.at(-1) === 'connected');
facts.afterReload = (await client.call('app.info', {})).ok;
client[Symbol.dispose]();

// The end: unsaved edits are asked about, and the engine is closed before the process goes.
contents.unsaved = true;
if (process.env.STAND_IN_END === 'signal') process.emit('SIGTERM');
else {
	electron.nextAnswer.button = 0;
	window.close();
	electron.app.quit();
	facts.stayed = !window.destroyed && electron.app.exitCode === null;
	electron.nextAnswer.button = 1;
	window.close();
	electron.app.emit('window-all-closed');
}
facts.exitCode = await electron.app.exited.promise;
facts.questions = electron.questions;
facts.errors = electron.errorBoxes;
process.stdout.write(`${JSON.stringify(facts)}\n`, () => process.exit(0));
