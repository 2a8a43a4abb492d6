/** The page's one connection to the engine, decided when it runs: the shell's port where there is a shell, else a WebSocket. */
import { type Client, type ClientState, createClient } from '#main/ipc/client.ts';
import { connectPage, type PageWindow, shellOf, type WarrenShell } from '#main/ipc/wires/page.ts';

/** How the page stands with the engine (not the engine with a broker). */
export class WireStatus {
	state: ClientState = $state.raw({ kind: 'connecting', since: Date.now(), attempt: 1 });

	/** Goes along with a client. */
	watch(client: Client): Disposable {
		this.state = client.state();
		return client.onState((state) => {
			this.state = state;
		});
	}
}

/** Connects. Frames are applied in animation frames, so that a busy engine never costs more than one redraw each. */
export function openEngine(build: string): { readonly client: Client; readonly status: WireStatus } {
	const page = window as unknown as PageWindow;
	const client = createClient(() => connectPage(page, (url) => new WebSocket(url)), {
		build,
		// A hidden page gets no animation frames; its few frames are applied at once, else they would pile up.
		schedule: (apply) => {
			if (document.visibilityState === 'visible') requestAnimationFrame(apply);
			else setTimeout(apply, 0);
		},
	});
	const status = new WireStatus();
	status.watch(client);
	const tell = (): void => client.setVisible(document.visibilityState === 'visible');
	document.addEventListener('visibilitychange', tell);
	tell();
	return { client, status };
}

/** What only the desktop shell can do; null in a browser. */
export function desktopShell(): WarrenShell | null {
	return shellOf(window as unknown as PageWindow);
}
