/**
 * A stand-in for the `electron` module: the parts that the shell uses, without windows. It keeps what it was told, and lets a
 * test play Chromium: ask for a page, navigate, beg for permission, send messages from frames.
 */
import { EventEmitter } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';

/** Everything that was called, in order, for "first this, then that". */
export const journal: string[] = [];

const ready = Promise.withResolvers<void>();

class App extends EventEmitter {
	readonly isPackaged = false;
	readonly paths: Record<string, string> = { userData: '/nowhere' };
	exitCode: number | null = null;
	locked = true;
	readonly exited = Promise.withResolvers<number>();

	enableSandbox(): void {
		journal.push('enableSandbox');
	}
	setPath(name: string, path: string): void {
		this.paths[name] = path;
	}
	getPath(name: string): string {
		return this.paths[name] ?? '/nowhere';
	}
	getVersion(): string {
		return '0.0.0';
	}
	requestSingleInstanceLock(): boolean {
		journal.push('requestSingleInstanceLock');
		return this.locked;
	}
	isReady(): boolean {
		return journal.includes('ready');
	}
	setAsDefaultProtocolClient(scheme: string): void {
		journal.push(`setAsDefaultProtocolClient ${scheme}`);
	}
	whenReady(): Promise<void> {
		return ready.promise;
	}
	quit(): void {
		journal.push('quit');
		for (const window of windows) if (!window.destroyed) window.close();
		// A window that stays keeps the app.
		if (windows.some((window) => !window.destroyed)) return;
		let prevented = false;
		this.emit('will-quit', { preventDefault: () => (prevented = true) });
		if (!prevented) this.exit(0);
	}
	exit(code = 0): void {
		this.exitCode = code;
		this.exited.resolve(code);
	}
}
export const app = new App();

/** What Electron does once the main module has been loaded. */
export function becomeReady(): void {
	journal.push('ready');
	ready.resolve();
}

type Decide = (allowed: boolean) => void;
class Session {
	requestHandler: ((contents: unknown, permission: string, decide: Decide, details: unknown) => void) | null = null;
	checkHandler: ((contents: unknown, permission: string, origin: string) => boolean) | null = null;
	deviceHandler: (() => boolean) | null = null;
	readonly events = new EventEmitter();
	setPermissionRequestHandler(handler: NonNullable<Session['requestHandler']>): void {
		this.requestHandler = handler;
	}
	setPermissionCheckHandler(handler: NonNullable<Session['checkHandler']>): void {
		this.checkHandler = handler;
	}
	setDevicePermissionHandler(handler: NonNullable<Session['deviceHandler']>): void {
		this.deviceHandler = handler;
	}
	on(event: string, listener: (...args: unknown[]) => void): void {
		this.events.on(event, listener);
	}
}
export const session = { defaultSession: new Session() };

export const schemes: { readonly scheme: string; readonly privileges: Readonly<Record<string, boolean>> }[] = [];
export const schemeHandlers = new Map<string, (request: Request) => Promise<Response>>();
export const protocol = {
	registerSchemesAsPrivileged(given: typeof schemes): void {
		journal.push('registerSchemesAsPrivileged');
		schemes.push(...given);
	},
	handle(scheme: string, handler: (request: Request) => Promise<Response>): void {
		schemeHandlers.set(scheme, handler);
	},
};

/** A frame of a page. `received` are the messages that the shell posted into it. */
export class Frame {
	readonly received: { readonly channel: string; readonly ports: readonly MessagePort[] }[] = [];
	url: string;
	onMessage: ((channel: string, ports: readonly MessagePort[]) => void) | null = null;
	onSent: ((channel: string, value: unknown) => void) | null = null;
	constructor(url: string) {
		this.url = url;
	}
	postMessage(channel: string, _message: unknown, ports: readonly MessagePort[] = []): void {
		this.received.push({ channel, ports });
		this.onMessage?.(channel, ports);
	}
}

export class Contents extends EventEmitter {
	/** Whether the page wants to be asked before it goes (its `beforeunload`). */
	unsaved = false;
	readonly mainFrame = new Frame('about:blank');
	/** What the shell sent to the preload script. */
	readonly sent: { readonly channel: string; readonly value: unknown }[] = [];
	send(channel: string, value: unknown): void {
		this.sent.push({ channel, value });
		this.mainFrame.onSent?.(channel, value);
	}
	openHandler: ((details: { readonly url: string }) => { readonly action: string }) | null = null;
	setWindowOpenHandler(handler: NonNullable<Contents['openHandler']>): void {
		this.openHandler = handler;
	}
}

export const windows: BrowserWindow[] = [];
export class BrowserWindow extends EventEmitter {
	readonly webContents = new Contents();
	readonly options: Readonly<Record<string, unknown>>;
	destroyed = false;
	shown = false;
	constructor(options: Readonly<Record<string, unknown>>) {
		super();
		journal.push('new BrowserWindow');
		this.options = options;
		windows.push(this);
		app.emit('web-contents-created', {}, this.webContents);
	}
	async loadURL(url: string): Promise<void> {
		journal.push(`loadURL ${url}`);
		this.webContents.mainFrame.url = url;
	}
	show(): void {
		this.shown = true;
	}
	focus(): void {}
	restore(): void {}
	maximize(): void {}
	isMinimized(): boolean {
		return false;
	}
	isMaximized(): boolean {
		return false;
	}
	isDestroyed(): boolean {
		return this.destroyed;
	}
	getNormalBounds(): object {
		return { x: 10, y: 20, width: 1000, height: 700 };
	}
	/** As Electron does: `close` comes before the page is asked; where it wants to stay, only `will-prevent-unload` overrules it. */
	close(): void {
		this.emit('close');
		let overruled = false;
		const event = { preventDefault: () => (overruled = true) };
		if (this.webContents.unsaved) this.webContents.emit('will-prevent-unload', event);
		if (this.webContents.unsaved && !overruled) return;
		this.destroyed = true;
		this.emit('closed');
	}
}

class IpcMain extends EventEmitter {
	readonly handlers = new Map<string, (event: unknown, ...args: unknown[]) => unknown>();
	handle(channel: string, handler: (event: unknown, ...args: unknown[]) => unknown): void {
		this.handlers.set(channel, handler);
	}
	removeHandler(channel: string): void {
		this.handlers.delete(channel);
	}
}
export const ipcMain = new IpcMain();

/** Node's port dressed as Electron's main process has it. */
class MainPort extends EventEmitter {
	readonly #port: MessagePort;
	constructor(port: MessagePort) {
		super();
		this.#port = port;
		port.on('message', (data) => this.emit('message', { data }));
		port.on('close', () => this.emit('close'));
	}
	postMessage(message: unknown): void {
		this.#port.postMessage(message);
	}
	start(): void {
		this.#port.start();
	}
	close(): void {
		this.#port.close();
	}
}
export class MessageChannelMain {
	readonly port1: MainPort;
	readonly port2: MessagePort;
	constructor() {
		const { port1, port2 } = new MessageChannel();
		this.port1 = new MainPort(port1);
		this.port2 = port2;
	}
}

export const opened: string[] = [];
export const shell = {
	async openExternal(url: string): Promise<void> {
		opened.push(url);
	},
};

/** Something that a page wants to save. */
export class DownloadItem extends EventEmitter {
	readonly url: string;
	readonly filename: string;
	options: { readonly defaultPath?: string } | null = null;
	constructor(url: string, filename: string) {
		super();
		this.url = url;
		this.filename = filename;
	}
	getURL(): string {
		return this.url;
	}
	getFilename(): string {
		return this.filename;
	}
	setSaveDialogOptions(options: NonNullable<DownloadItem['options']>): void {
		this.options = options;
	}
}

/** Questions that blocked, and the button that is pressed next. */
export const questions: { readonly message: string; readonly buttons: readonly string[] }[] = [];
export const nextAnswer = { button: 0 };

export const dialogs: { readonly title?: string; readonly properties?: readonly string[] }[] = [];
export const errorBoxes: string[] = [];
/** Messages that were shown without waiting for a person. */
export const messages: string[] = [];
export const dialog = {
	async showOpenDialog(_window: unknown, options: (typeof dialogs)[number]) {
		dialogs.push(options);
		return { canceled: false, filePaths: ['/chosen'] };
	},
	async showMessageBox(options: { readonly message: string; readonly detail: string }) {
		messages.push(`${options.message}: ${options.detail}`);
		return { response: 0 };
	},
	showMessageBoxSync(_window: unknown, options: (typeof questions)[number]): number {
		questions.push({ message: options.message, buttons: options.buttons });
		return nextAnswer.button;
	},
	showErrorBox(title: string, content: string): void {
		errorBoxes.push(`${title}: ${content}`);
	},
};

/** What the keychain is pretended to be. */
export const keychain = { available: true, backend: process.env.STAND_IN_KEYCHAIN ?? 'gnome_libsecret' };
export const safeStorage = {
	isEncryptionAvailable: () => keychain.available,
	getSelectedStorageBackend: () => keychain.backend,
	encryptString: (text: string) => Buffer.from(text).reverse(),
	decryptString: (sealed: Buffer) => Buffer.from(sealed).reverse().toString(),
};

export const menus: unknown[] = [];
export const Menu = {
	buildFromTemplate: (template: unknown) => template,
	setApplicationMenu: (menu: unknown) => menus.push(menu),
};
export class Tray extends EventEmitter {
	setToolTip(): void {}
	setContextMenu(): void {}
	destroy(): void {
		journal.push('tray destroyed');
	}
}
export class Notification {
	static isSupported(): boolean {
		return false;
	}
	show(): void {}
}
export const nativeImage = { createFromPath: () => ({ isEmpty: () => false }) };
export const nativeTheme = { shouldUseDarkColors: false };
export const screen = { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] };

/** What the preload script's `require('electron')` gives: sends go to ipcMain as if from the given frame. */
export function rendererSide(contents: Contents, frame: Frame) {
	const events = new EventEmitter();
	const exposed: Record<string, unknown> = {};
	frame.onMessage = (channel, ports) => events.emit(channel, { ports });
	frame.onSent = (channel, value) => events.emit(channel, {}, value);
	const event = { sender: contents, senderFrame: frame };
	return {
		exposed,
		electron: {
			ipcRenderer: {
				on: (channel: string, listener: (...args: unknown[]) => void) => events.on(channel, listener),
				send: (channel: string) => ipcMain.emit(channel, event),
				invoke: async (channel: string, ...args: unknown[]) => ipcMain.handlers.get(channel)?.(event, ...args),
			},
			contextBridge: {
				exposeInMainWorld(name: string, value: unknown): void {
					exposed[name] = value;
				},
			},
		},
	};
}

// biome-ignore lint/style/noDefaultExport: electron-store takes the module's default
export default { app, ipcMain, shell };
