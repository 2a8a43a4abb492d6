import { describe, expect, it } from 'vitest';
import {
	checkFuses,
	checkLockdown,
	checkPage,
	checkPolicy,
	checkPreload,
	checkWindows,
	policiesIn,
} from './security.ts';
import { readTree } from './tree.ts';
import { lines, type Tree } from './violation.ts';

function planted(files: Readonly<Record<string, string>>): Tree {
	return new Map(Object.entries(files));
}

const good = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data:",
	"font-src 'self'",
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
].join('; ');

describe('the shell, the preload and the page as they stand', () => {
	const tree = readTree();

	it('make windows with safe preferences only', () => {
		expect(lines(checkWindows(tree))).toEqual([]);
	});

	it('set every lock', () => {
		expect(lines(checkLockdown(tree))).toEqual([]);
	});

	it('open one door to the page, with nothing of Electron in it', () => {
		const text = tree.get('src-preload/index.ts');
		expect(text).toBeDefined();
		expect(lines(checkPreload('src-preload/index.ts', text ?? ''))).toEqual([]);
	});

	it('hold one strict policy, written once for both hosts', () => {
		const policies = policiesIn(tree);
		expect(policies.length).toBeGreaterThan(0);
		expect(policies.flatMap(({ path, text }) => lines(checkPolicy(path, text)))).toEqual([]);
		expect(new Set(policies.map(({ text }) => text)).size, policies.map(({ path }) => path).join(', ')).toBe(1);
	});

	it('keep scripts out of the page itself', () => {
		const pages = [...tree].filter(([path]) => /^src-renderer\/.*\.html$/.test(path));
		expect(pages.length).toBeGreaterThan(0);
		expect(pages.flatMap(([path, text]) => lines(checkPage(path, text)))).toEqual([]);
	});

	it('are packed with every fuse set', () => {
		expect(lines(checkFuses(tree.get('package.json') ?? ''))).toEqual([]);
	});
});

describe('the checker', () => {
	const windowOf = (options: string) =>
		lines(checkWindows(planted({ 'src-main/shell/window.ts': `new BrowserWindow(${options});` })));

	it('lets a window have a preload and safe preferences', () => {
		expect(
			windowOf(
				'{ width: 1, ...place, webPreferences: { preload, sandbox: true, contextIsolation: true, spellcheck: false } }',
			),
		).toEqual([]);
	});

	it('refuses each preference that weakens a window', () => {
		expect(
			windowOf(
				'{ webPreferences: { nodeIntegration: true, sandbox: false, webSecurity: flag, enableBlinkFeatures: "x" } }',
			),
		).toEqual([
			'src-main/shell/window.ts: nodeIntegration: true. Rule: nodeIntegration is false, or left at its default',
			'src-main/shell/window.ts: sandbox: false. Rule: sandbox is true, or left at its default',
			'src-main/shell/window.ts: webSecurity: flag. Rule: webSecurity is true, or left at its default',
			'src-main/shell/window.ts: enableBlinkFeatures: "x". Rule: never set',
		]);
	});

	it('refuses preferences that cannot be read here, and windows made elsewhere', () => {
		expect(windowOf('options')).toHaveLength(1);
		expect(windowOf('{ webPreferences }')).toHaveLength(1);
		expect(windowOf('{ webPreferences: { ...more } }')).toHaveLength(1);
		const elsewhere = planted({
			'src-main/shell/tray.ts': 'new electron.BrowserWindow({});',
			'src-main/shell/window.ts': 'new BrowserWindow({});',
		});
		expect(lines(checkWindows(elsewhere))).toEqual([
			'src-main/shell/tray.ts: new BrowserWindow. Rule: windows are made in src-main/shell/window.ts only',
		]);
		expect(lines(checkWindows(planted({})))).toHaveLength(1);
	});

	const locks = `
		app.enableSandbox();
		protocol.registerSchemesAsPrivileged([]);
		session.setPermissionRequestHandler(deny);
		session.setPermissionCheckHandler(deny);
		contents.setWindowOpenHandler(deny);
		contents.on('will-navigate', deny);
		contents.on('will-attach-webview', deny);
		window.loadURL('app://console/');
	`;
	const locked = (text: string) => lines(checkLockdown(planted({ 'src-main/shell/lockdown.ts': text })));

	it('is content with a locked shell', () => {
		expect(locked(locks)).toEqual([]);
	});

	it('misses each lock that is not set', () => {
		expect(locked(locks.replace('app.enableSandbox();', ''))).toEqual([
			'src-main/shell: no call of enableSandbox. Rule: every lock of the shell is set',
		]);
		expect(locked(locks.replace("'will-navigate'", "'did-navigate'"))).toEqual([
			'src-main/shell: nothing listens to will-navigate. Rule: every lock of the shell is set',
		]);
	});

	it('refuses what opens a lock', () => {
		expect(locked(`${locks} app.commandLine.appendSwitch('no-sandbox');`)).toHaveLength(1);
		expect(locked(`${locks} window.loadURL('https://example.org/');`)).toHaveLength(1);
		expect(locked(`${locks} window.loadFile('index.html');`)).toHaveLength(1);
		expect(locked(`${locks} shell.openExternal(a); shell.openExternal(b);`)).toHaveLength(1);
	});

	const preload = (text: string) => lines(checkPreload('src-preload/index.ts', text));

	it('lets a preload hand out functions of its own', () => {
		const text = `import { contextBridge, ipcRenderer } from 'electron';
			contextBridge.exposeInMainWorld('warren', { connect: () => ipcRenderer.send('connect'), quit: () => ipcRenderer.invoke('quit') });`;
		expect(preload(text)).toEqual([]);
	});

	it("refuses a preload that hands out Electron's own", () => {
		const start = "import { contextBridge, ipcRenderer } from 'electron';";
		expect(preload(`${start} contextBridge.exposeInMainWorld('a', { ipcRenderer });`)).toHaveLength(1);
		expect(preload(`${start} contextBridge.exposeInMainWorld('a', { send: ipcRenderer.send });`)).toHaveLength(1);
		expect(
			preload(`${start} contextBridge.exposeInMainWorld('a', { on: (listener) => ipcRenderer.on('x', listener) });`),
		).toHaveLength(1);
		expect(
			preload(`${start} contextBridge.exposeInMainWorld('a', {}); contextBridge.exposeInMainWorld('b', {});`),
		).toHaveLength(1);
		expect(preload("import { shell } from 'electron'; contextBridge.exposeInMainWorld('a', {});")).toHaveLength(1);
		expect(
			preload("import * as electron from 'electron'; electron.contextBridge.exposeInMainWorld('a', {});"),
		).toHaveLength(1);
	});

	it('refuses a policy that is weaker in any place', () => {
		expect(lines(checkPolicy('a', good))).toEqual([]);
		expect(lines(checkPolicy('a', good.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'")))).toHaveLength(
			2,
		);
		expect(
			lines(checkPolicy('a', good.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'"))),
		).toHaveLength(1);
		expect(lines(checkPolicy('a', good.replace("connect-src 'self'", 'connect-src *')))).toHaveLength(2);
		expect(lines(checkPolicy('a', good.replace("; frame-ancestors 'none'", '')))).toHaveLength(1);
		expect(lines(checkPolicy('a', good.replace("style-src 'self'", "style-src 'self' https:")))).toHaveLength(1);
	});

	it('finds policies as one text, as a list and in a page', () => {
		const tree = planted({
			'src-main/shell/protocol.ts': `const policy = "${good}";`,
			'src-main/headless/serve.ts': `const policy = [${good
				.split('; ')
				.map((part) => `"${part}"`)
				.join(', ')}].join('; ');`,
			'src-renderer/index.html': `<meta http-equiv="Content-Security-Policy" content="${good}" />`,
		});
		expect(policiesIn(tree).map(({ text }) => text)).toEqual([good, good, good]);
	});

	it('refuses inline scripts and handlers in a page', () => {
		expect(lines(checkPage('a', '<script type="module" src="./main.ts"></script>'))).toEqual([]);
		expect(lines(checkPage('a', '<script>start()</script>'))).toHaveLength(1);
		expect(lines(checkPage('a', '<body onload="start()">'))).toHaveLength(1);
	});

	it('refuses packaging with a fuse missing or the wrong way', () => {
		expect(lines(checkFuses('{}'))).toHaveLength(8);
		expect(lines(checkFuses(JSON.stringify({ build: { asar: true, electronFuses: { runAsNode: true } } })))[0]).toBe(
			'package.json build: fuse runAsNode true. Rule: it is false',
		);
	});
});
