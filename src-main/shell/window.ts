/** The one window. Its preferences are Electron's defaults, which are the safe ones, written out where a person may look. */
import { BrowserWindow, dialog, nativeTheme, screen } from 'electron';
import { PAGE_URL } from './protocol.ts';
import type { PlaceStore, WindowPlace } from './settings.ts';

export interface WindowOptions {
	readonly preload: string;
	readonly icon: string;
	readonly places: PlaceStore;
	/** Whether there is somebody to be asked before unsaved edits are dropped. */
	readonly asks: () => boolean;
	readonly log: (event: string, what: string) => void;
	/** Where the page begins, as its address has it; empty: where it likes. */
	readonly at: string;
}

/** A page that dies oftener than this is not loaded again by itself. */
const MOST_RELOADS = 3;

/** Makes the window and loads the page; it shows itself when there is something to see. */
export function openWindow(options: WindowOptions): BrowserWindow {
	const place = visiblePlace(options.places.get());
	const window = new BrowserWindow({
		...bounds(place),
		minWidth: 900,
		minHeight: 560,
		show: false,
		title: 'Warren',
		icon: options.icon,
		backgroundColor: nativeTheme.shouldUseDarkColors ? '#15171a' : '#ffffff',
		webPreferences: {
			preload: options.preload,
			sandbox: true,
			contextIsolation: true,
			nodeIntegration: false,
			webSecurity: true,
			webviewTag: false,
			spellcheck: false,
		},
	});
	if (place.maximized) window.maximize();
	window.once('ready-to-show', () => window.show());
	window.on('close', () => {
		options.places.set({ ...window.getNormalBounds(), maximized: window.isMaximized() });
	});
	window.webContents.on('will-prevent-unload', (event) => {
		// Without an answer the page would simply stay, and the window could not be closed.
		if (!options.asks() || leaves(window)) event.preventDefault();
	});
	let reloads = 0;
	window.webContents.on('render-process-gone', (_event, details) => {
		options.log('shell.page-gone', details.reason);
		if (details.reason === 'clean-exit' || window.isDestroyed()) return;
		reloads += 1;
		if (reloads <= MOST_RELOADS) void window.loadURL(PAGE_URL);
	});
	void window.loadURL(`${PAGE_URL}${options.at}`);
	return window;
}

/** Asks whether what the page has unsaved may go. The answer has to be there before this returns, so the question blocks. */
function leaves(window: BrowserWindow): boolean {
	const chosen = dialog.showMessageBoxSync(window, {
		type: 'warning',
		title: 'Warren',
		message: 'There are edits that are not saved.',
		detail: 'They are lost when the window closes.',
		buttons: ['Keep editing', 'Close without saving'],
		defaultId: 0,
		cancelId: 0,
		noLink: true,
	});
	return chosen === 1;
}

function bounds(place: WindowPlace) {
	const { x, y, width, height } = place;
	return x === undefined || y === undefined ? { width, height } : { x, y, width, height };
}

/** A place on a screen that is still there; otherwise only its size is kept. */
function visiblePlace(place: WindowPlace): WindowPlace {
	const { x, y, width, height, maximized } = place;
	if (x === undefined || y === undefined) return place;
	const seen = screen.getAllDisplays().some(({ workArea }) => {
		const middle = x + width / 2;
		return (
			middle > workArea.x && middle < workArea.x + workArea.width && y >= workArea.y && y < workArea.y + workArea.height
		);
	});
	return seen ? place : { width, height, maximized };
}
