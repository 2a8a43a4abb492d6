/** What pages and windows may not do. Every lock is here, so that they can be read, and tested, in one place. */
import { app, type Session, shell, type WebContents, type WebFrameMain } from 'electron';
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

/** Nothing is permitted but putting text on the clipboard, and that to our own page only. */
export function lockSession(session: Session): void {
	const permitted = (permission: string, origin: string) =>
		permission === 'clipboard-sanitized-write' && isOurs(origin);
	session.setPermissionRequestHandler((_contents, permission, decide, details) => {
		decide(permitted(permission, details.requestingUrl));
	});
	session.setPermissionCheckHandler((_contents, permission, origin) => permitted(permission, origin));
	session.setDevicePermissionHandler(() => false);
	session.on('will-download', (event) => event.preventDefault());
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
