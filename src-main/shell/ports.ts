/** Hands pages their port to the engine, and answers the few routes of the shell's own. Both to our own main frame only. */
import {
	type BrowserWindow,
	dialog,
	type IpcMainEvent,
	type IpcMainInvokeEvent,
	ipcMain,
	MessageChannelMain,
	type OpenDialogOptions,
} from 'electron';
import { CHANNELS } from '#main/ipc/frames.ts';
import type { Router } from '#main/ipc/handlers.ts';
import { serveWire } from '#main/ipc/server.ts';
import { mainPortWire } from '#main/ipc/wires/port.ts';
import { isOurFrame, openLink } from './lockdown.ts';

export interface PortOptions {
	readonly router: Router;
	readonly build: string;
	readonly actor: string;
	readonly log: (event: string, what: string) => void;
}

/** Serves one window until it is disposed of. A page that is loaded anew asks again; its old port is closed. */
export function servePorts(window: BrowserWindow, options: PortOptions): Disposable {
	const stack = new DisposableStack();
	let wire: Disposable | null = null;
	const drop = () => {
		wire?.[Symbol.dispose]();
		wire = null;
	};
	const trusted = (event: IpcMainEvent | IpcMainInvokeEvent, what: string) => {
		const ours = event.sender === window.webContents && isOurFrame(event.senderFrame, window.webContents);
		if (!ours)
			options.log('shell.stranger-refused', `${what} from ${event.senderFrame?.url ?? 'a frame that is gone'}`);
		return ours;
	};

	const connect = (event: IpcMainEvent) => {
		if (!trusted(event, 'a port')) return;
		drop();
		const { port1, port2 } = new MessageChannelMain();
		wire = serveWire(mainPortWire(port1), options.router, {
			build: options.build,
			host: 'shell',
			actor: options.actor,
			note: (what, words) => options.log(`wire.${what}`, words),
		});
		event.senderFrame?.postMessage(CHANNELS.port, null, [port2]);
	};
	ipcMain.on(CHANNELS.connect, connect);
	stack.defer(() => ipcMain.removeListener(CHANNELS.connect, connect));
	window.webContents.on('render-process-gone', drop);
	window.once('closed', drop);
	stack.defer(drop);

	const handle = <T>(channel: string, refused: T, work: (text: string) => Promise<T>) => {
		ipcMain.handle(channel, (event, text: unknown) =>
			trusted(event, channel) && typeof text === 'string' && text.length <= 4_000 ? work(text) : refused,
		);
		stack.defer(() => ipcMain.removeHandler(channel));
	};
	const pick = async (title: string, kind: 'openFile' | 'openDirectory') => {
		const properties: OpenDialogOptions['properties'] = [kind, 'showHiddenFiles'];
		const picked = await dialog.showOpenDialog(window, { title: title.slice(0, 120), properties });
		return picked.filePaths[0] ?? null;
	};
	handle(CHANNELS.openExternal, false, openLink);
	handle<string | null>(CHANNELS.pickFile, null, (title) => pick(title, 'openFile'));
	handle<string | null>(CHANNELS.pickFolder, null, (title) => pick(title, 'openDirectory'));
	return stack;
}
