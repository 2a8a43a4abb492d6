/** Top of the desktop process: locks first, then the engine in this process, then the window. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { app, type BrowserWindow, dialog, Notification, session } from 'electron';
import { createEngine, type Engine } from '#main/engine/engine.ts';
import { openHome } from '#main/engine/home.ts';
import { hostPorts } from '#main/engine/host-ports.ts';
import { places } from '#main/engine/places.ts';
import type { Notice } from '#main/engine/ports.ts';
import manifest from '../../package.json' with { type: 'json' };
import { takeLinks } from './links.ts';
import { lockApp, lockSession } from './lockdown.ts';
import { makeTray, setMenu } from './menu.ts';
import { servePorts } from './ports.ts';
import { registerScheme, servePage } from './protocol.ts';
import { placeStore, shellSettings } from './settings.ts';
import { shellVault } from './vault.ts';
import { openWindow } from './window.ts';

function homeIn(args: readonly string[]): string | undefined {
	const at = args.findIndex((arg) => arg === '--home' || arg.startsWith('--home='));
	const arg = args[at];
	return arg === undefined ? undefined : arg === '--home' ? args[at + 1] : arg.slice('--home='.length);
}

/** Says what keeps Warren from starting, and ends. */
function giveUp(message: string): never {
	dialog.showErrorBox('Warren cannot start', message);
	app.exit(1);
	throw new Error(message);
}

const opened = openHome(homeIn(process.argv));
if (!opened.ok) giveUp(opened.error.message);
const home = opened.value;
const base = hostPorts({
	host: 'shell',
	home,
	version: manifest.version,
	settings: shellSettings(home),
	trouble: (words) => console.error(words),
});
const { log } = base;
const note = (event: string, what: string) => log.info(event, { what });

process.on('uncaughtException', (error) => {
	log.error('shell.defect', { stack: error.stack ?? error.message });
	dialog.showErrorBox(
		'Warren made a mistake of its own',
		`${error.message}\n\nThe log in ${join(home, 'logs')} has the details.`,
	);
	app.exit(1);
});

/** The system ends us: nobody is asked anything any more. */
let told = false;
// A library beneath electron-store answers signals by sending them again, which would end the process before the engine is closed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
	process.removeAllListeners(signal);
	process.on(signal, () => {
		told = true;
		app.quit();
	});
}

// Chromium's own files lie apart from Warren's; the lock of a single instance goes by this folder.
app.setPath('userData', join(home, 'shell'));
lockApp(note);
registerScheme();

let window: BrowserWindow | null = null;
const show = () => {
	if (window === null) return;
	if (window.isMinimized()) window.restore();
	window.show();
	window.focus();
};

const links = takeLinks(() => window, show, note);
if (app.requestSingleInstanceLock()) {
	app.on('second-instance', (_event, words) => {
		show();
		links.fromWords(words);
	});
	// Not awaited here: Electron is ready only after this module has been loaded to its end.
	void app.whenReady().then(start);
} else app.quit();

async function start(): Promise<void> {
	const engine = await startEngine();
	lockSession(session.defaultSession, note);
	servePage(places().renderer);
	links.fromWords(process.argv);
	openMain(engine);
}

/** By the system, where it has a way; else the window alone shows it. */
function notify(notice: Notice): void {
	if (Notification.isSupported()) new Notification(notice).show();
}

async function startEngine(): Promise<Engine> {
	const engine = await createEngine({ ...base, vault: shellVault(home, process.env), notify });
	if (!engine.ok) giveUp(engine.error.message);
	return engine.value;
}

function openMain(engine: Engine): void {
	const found = places();
	const icon = join(found.resources, 'icons', 'icon-256.png');
	const tray = makeTray(join(found.resources, 'icons', 'icon-32.png'), show);
	const placement = placeStore(home);
	setMenu();

	const open = () => {
		const made = openWindow({
			preload: found.preload,
			icon,
			places: placement,
			asks: () => !told,
			log: note,
			at: links.first(),
		});
		const ports = servePorts(made, {
			router: engine.router,
			build: manifest.version,
			actor: userInfo().username,
			log: note,
		});
		made.once('closed', () => {
			ports[Symbol.dispose]();
			window = null;
		});
		window = made;
	};
	open();
	app.on('activate', () => (window === null ? open() : show()));
	app.on('window-all-closed', () => {
		if (process.platform !== 'darwin') app.quit();
	});

	let ending = false;
	app.on('will-quit', (event) => {
		if (ending) return;
		ending = true;
		// Running tasks go back to their queue and connections are closed before the process ends.
		event.preventDefault();
		tray?.destroy();
		Promise.resolve(engine[Symbol.asyncDispose]()).finally(() => app.exit(0));
	});
}
