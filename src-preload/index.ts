/**
 * The sandboxed script between the shell and its page. It hands the page a port to the engine and the few things that only a
 * desktop can do; contextBridge cannot carry a port, so that goes by a message within the window.
 */
import { contextBridge, ipcRenderer } from 'electron';
import { CHANNELS } from '#main/ipc/frames.ts';
import type { WarrenShell } from '#main/ipc/wires/page.ts';

ipcRenderer.on(CHANNELS.port, (event) => {
	window.postMessage(CHANNELS.port, window.location.origin, event.ports);
});

// A link from outside, which the shell has read: the page sees its address change, as when somebody goes back.
ipcRenderer.on(CHANNELS.goTo, (_event, hash: unknown) => {
	if (typeof hash === 'string' && hash.startsWith('#/')) window.location.hash = hash;
});

const shell: WarrenShell = {
	platform: process.platform,
	connect: () => ipcRenderer.send(CHANNELS.connect),
	openExternal: (url) => ipcRenderer.invoke(CHANNELS.openExternal, String(url)),
	pickFile: (title) => ipcRenderer.invoke(CHANNELS.pickFile, String(title)),
	pickFolder: (title) => ipcRenderer.invoke(CHANNELS.pickFolder, String(title)),
};

contextBridge.exposeInMainWorld('warrenShell', shell);
