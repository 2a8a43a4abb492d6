/** What pages and windows may not do. Every lock is here, so that they can be read, and tested, in one place. */
import { basename, join } from 'node:path';
import { app, type DownloadItem, dialog, type Session, shell, type WebContents, type WebFrameMain } from 'electron';
import { PAGE_ORIGIN } from './protocol.ts';

/** Schemes under which editors open files. */
const EDITORS: ReadonlySet<string> = new Set([
	'vscode:',
	'vscode-insiders:',
	'vscodium:',
	'cursor:',
	'windsurf:',
	'zed:',
	'idea:',
	'pycharm:',
	'jetbrains:',
	'subl:',
	'txmt:',
	'mvim:',
]);

/** Before the app is ready: every renderer runs in the sandbox, and every page is locked as it is made. */
export function lockApp(log: (event: string, what: string) => void): void {
	app.enableSandbox();
	app.on('web-contents-created', (_event, contents) => lockContents(contents, log));
}

function lockContents(contents: WebContents, log: (event: string, what: string) => void): void {
	contents.on('will-navigate', (event) => {
		if (isOurs(event.url)) return;
		event.preventDefault();
		log('shell.navigation-refused', event.url);
	});
	contents.on('will-redirect', (event) => {
		if (!isOurs(event.url)) event.preventDefault();
	});
	contents.on('will-frame-navigate', (event) => {
		if (!isOurs(event.url)) event.preventDefault();
	});
	contents.on('will-attach-webview', (event) => event.preventDefault());
	contents.setWindowOpenHandler(({ url }) => {
		void openLink(url);
		return { action: 'deny' };
	});
}

/** Nothing is permitted but putting text on the clipboard and saving it where a person says, and that to our own page only. */
export function lockSession(session: Session, log: (event: string, what: string) => void): void {
	const permitted = (permission: string, origin: string) =>
		permission === 'clipboard-sanitized-write' && isOurs(origin);
	session.setPermissionRequestHandler((_contents, permission, decide, details) => {
		decide(permitted(permission, details.requestingUrl));
	});
	session.setPermissionCheckHandler((_contents, permission, origin) => permitted(permission, origin));
	session.setDevicePermissionHandler(() => false);
	session.on('will-download', (event, item, contents) => {
		if (isOurSave(item, contents)) return askWhere(item, log);
		event.preventDefault();
		log('shell.download-refused', item.getURL().slice(0, 200));
	});
}

/** What the page saves: texts and pictures that are looked at, nothing that a system would run. */
const SAVED: readonly (readonly [extension: string, name: string])[] = [
	['json', 'JSON'],
	['csv', 'CSV'],
	['svg', 'SVG'],
	['png', 'PNG'],
];
function kindOf(file: string): (typeof SAVED)[number] | undefined {
	return SAVED.find(([extension]) => file.toLowerCase().endsWith(`.${extension}`));
}

/** Something that our own page made to be saved. Nothing is ever fetched from elsewhere, nor saved as what a system would run. */
function isOurSave(item: DownloadItem, contents: WebContents | null): boolean {
	// Of a page that is gone by then there are none.
	const ours = contents != null && isOurs(contents.mainFrame.url);
	return ours && item.getURL().startsWith(`blob:${PAGE_ORIGIN}/`) && kindOf(item.getFilename()) !== undefined;
}

/** Given no path of its own, Electron has the person choose one, or none. */
function askWhere(item: DownloadItem, log: (event: string, what: string) => void): void {
	const name = basename(item.getFilename());
	const [extension, kind] = kindOf(name) ?? ['json', 'JSON'];
	item.setSaveDialogOptions({
		title: 'Save as a file',
		defaultPath: join(app.getPath('downloads'), name),
		filters: [{ name: kind, extensions: [extension] }],
	});
	item.once('done', (_event, state) => {
		if (state !== 'interrupted') return;
		log('shell.save-failed', name);
		dialog.showErrorBox(
			'The file was not saved',
			`${name} could not be written there. Choose another folder and try again.`,
		);
	});
}

/** The one way out: https pages in the system's browser, files in an editor. Resolves with whether it was opened. */
export async function openLink(text: string): Promise<boolean> {
	const url = URL.parse(text);
	if (url === null || (url.protocol !== 'https:' && !EDITORS.has(url.protocol))) return false;
	await shell.openExternal(url.href);
	return true;
}

/** Whether a message comes from the main frame of our own page. */
export function isOurFrame(frame: WebFrameMain | null, contents: WebContents): boolean {
	return frame !== null && frame === contents.mainFrame && isOurs(frame.url);
}

function isOurs(url: string): boolean {
	return url === PAGE_ORIGIN || url.startsWith(`${PAGE_ORIGIN}/`);
}
