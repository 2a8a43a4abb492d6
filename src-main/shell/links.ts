/** Links that the system opens Warren with: as a word of the command line, from a second start, or by macOS's own event. */
import { app, type BrowserWindow, dialog } from 'electron';
import { LINK_SCHEME, parseLink } from '#main/domain/link.ts';
import { CHANNELS } from '#main/ipc/frames.ts';

export interface Links {
	/** Takes the link among the words of a command line, if there is one. */
	fromWords(words: readonly string[]): void;
	/** The address to load a new window with, which takes the link that came before there was one. */
	first(): string;
}

/** Listens for links; `window` is the one they are shown in, `show` brings it to the front. Must run before the app is ready. */
export function takeLinks(
	window: () => BrowserWindow | null,
	show: () => void,
	log: (event: string, what: string) => void,
): Links {
	let waiting = '';
	let complaining = false;

	function refuse(reason: string): void {
		log('shell.link-refused', reason);
		// One at a time: whoever sends a hundred bad links does not fill the screen. Not awaited, since the engine goes on meanwhile.
		if (complaining) return;
		complaining = true;
		const message = {
			type: 'warning' as const,
			title: 'Warren',
			message: 'This link cannot be opened',
			detail: reason,
		};
		dialog.showMessageBox(message).finally(() => (complaining = false));
	}

	function take(text: string): void {
		const link = parseLink(text);
		if (!link.ok) {
			refuse(link.error.message);
			return;
		}
		const there = window();
		if (there === null) waiting = link.value.hash;
		else there.webContents.send(CHANNELS.goTo, link.value.hash);
		show();
	}

	// Only an installed Warren tells the system: a checkout would leave a way behind that leads nowhere once it is gone.
	if (app.isPackaged) app.setAsDefaultProtocolClient(LINK_SCHEME);
	app.on('open-url', (event, url) => {
		event.preventDefault();
		if (app.isReady()) take(url);
		else void app.whenReady().then(() => take(url));
	});
	return {
		fromWords(words) {
			const link = words.find((word) => word.toLowerCase().startsWith(`${LINK_SCHEME}:`));
			if (link !== undefined) take(link);
		},
		first() {
			const hash = waiting;
			waiting = '';
			return hash;
		},
	};
}
