/** The one window. Its preferences are Electron's defaults, which are the safe ones, written out where a person may look. */
import { BrowserWindow, nativeTheme, screen } from 'electron';
import { PAGE_URL } from './protocol.ts';
import type { PlaceStore, WindowPlace } from './settings.ts';

export interface WindowOptions {
	readonly preload: string;
	readonly icon: string;
	readonly places: PlaceStore;
	readonly log: (event: string, what: string) => void;
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
	let reloads = 0;
	window.webContents.on('render-process-gone', (_event, details) => {
		options.log('shell.page-gone', details.reason);
		if (details.reason === 'clean-exit' || window.isDestroyed()) return;
		reloads += 1;
		if (reloads <= MOST_RELOADS) void window.loadURL(PAGE_URL);
	});
	void window.loadURL(PAGE_URL);
	return window;
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
