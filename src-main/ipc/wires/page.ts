/** How the page finds its engine, decided when it runs: the shell's bridge if there is one, else a WebSocket to its own host. */
import { CHANNELS, type DownFrame, type UpFrame, type Wire } from '../frames.ts';
import { type PageSocket, pageSocketWire } from './page-socket.ts';
import { type PagePort, portWire } from './port.ts';

/** Path of the WebSocket on the host that served the page. */
export const SOCKET_PATH = '/wire';

/** What the preload script puts on the window, as `warrenShell`. Absent in a browser. */
export interface WarrenShell {
	/** Asks for a new port, which comes as a window message. A port given out before is closed. */
	connect(): void;
	readonly platform: string;
	/** Opens an https link in the system's browser, or a file in the editor by its configured URL. Says whether it did. */
	openExternal(url: string): Promise<boolean>;
	/** Lets a person choose a file or a folder; null when they chose none. */
	pickFile(title: string): Promise<string | null>;
	pickFolder(title: string): Promise<string | null>;
}

/** The part of a window that is used. */
export interface PageWindow {
	readonly warrenShell?: WarrenShell;
	readonly location: { readonly origin: string };
	addEventListener(type: 'message', listener: (event: PortEvent) => void): void;
	removeEventListener(type: 'message', listener: (event: PortEvent) => void): void;
}

interface PortEvent {
	readonly data: unknown;
	readonly origin: string;
	readonly source: unknown;
	readonly ports: readonly PagePort[];
}

/** The shell's bridge; null in a browser. */
export function shellOf(page: PageWindow): WarrenShell | null {
	return page.warrenShell ?? null;
}

/**
 * Connects to the engine: `createClient(() => connectPage(window, (url) => new WebSocket(url)), …)`. Rejects when the
 * served console does not answer.
 */
export function connectPage(
	page: PageWindow,
	openSocket: (url: string) => PageSocket,
): Promise<Wire<UpFrame, DownFrame>> {
	const shell = shellOf(page);
	if (shell !== null) return connectShell(page, shell);
	return pageSocketWire(openSocket(`${page.location.origin.replace(/^http/, 'ws')}${SOCKET_PATH}`));
}

function connectShell(page: PageWindow, shell: WarrenShell): Promise<Wire<UpFrame, DownFrame>> {
	return new Promise((resolve) => {
		const receive = (event: PortEvent) => {
			// Only our own preload script speaks in this window with its own origin.
			if (event.source !== page || event.origin !== page.location.origin || event.data !== CHANNELS.port) return;
			const port = event.ports[0];
			if (port === undefined) return;
			page.removeEventListener('message', receive);
			resolve(portWire(port));
		};
		page.addEventListener('message', receive);
		shell.connect();
	});
}
