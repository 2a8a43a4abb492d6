/** A TCP proxy for tests that can cut connections, hold them still, or lose what one side says. */
import { createServer, connect as dial, type Socket } from 'node:net';

export interface TcpProxy extends AsyncDisposable {
	readonly port: number;
	/** Connections open now. */
	readonly open: number;
	/** Resets every open connection; new ones are accepted as before. */
	cut(): void;
	/** From now on nothing passes in either direction (connections stay open), until `resume`. */
	hang(): void;
	/** Passes on what was held back and all that follows. */
	resume(): void;
	/** From now on new connections are reset at once, until `allow`. */
	refuse(): void;
	allow(): void;
	/** Calls back with each chunk the client sends, before it is passed on; answering false swallows the chunk. */
	onUpstream(listener: ((chunk: Buffer) => boolean | undefined) | null): void;
	/** The same of what the server sends. */
	onDownstream(listener: ((chunk: Buffer) => boolean | undefined) | null): void;
}

/** Starts one on a free loopback port in front of `target`. */
export async function startProxy(target: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
	const pairs = new Set<readonly [Socket, Socket]>();
	let hung = false;
	let refusing = false;
	let upstream: ((chunk: Buffer) => boolean | undefined) | null = null;
	let downstream: ((chunk: Buffer) => boolean | undefined) | null = null;

	const server = createServer((client) => {
		if (refusing) {
			client.resetAndDestroy();
			return;
		}
		const broker = dial({ host: target.host ?? '127.0.0.1', port: target.port });
		const pair = [client, broker] as const;
		pairs.add(pair);
		client.setNoDelay(true);
		broker.setNoDelay(true);
		const drop = () => {
			if (!pairs.delete(pair)) return;
			client.destroy();
			broker.destroy();
		};
		client.on('data', (chunk: Buffer) => {
			if (upstream?.(chunk) === false) return;
			if (!broker.write(chunk)) {
				client.pause();
				broker.once('drain', () => {
					if (!hung) client.resume();
				});
			}
		});
		broker.on('data', (chunk: Buffer) => {
			if (downstream?.(chunk) === false) return;
			if (!client.write(chunk)) {
				broker.pause();
				client.once('drain', () => {
					if (!hung) broker.resume();
				});
			}
		});
		for (const socket of pair) {
			socket.on('error', drop);
			socket.on('close', drop);
		}
		if (hung) for (const socket of pair) socket.pause();
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(0, '127.0.0.1', resolve);
	});
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');

	const cut = () => {
		for (const pair of [...pairs]) {
			pairs.delete(pair);
			for (const socket of pair) socket.resetAndDestroy();
		}
	};
	return {
		port: address.port,
		get open() {
			return pairs.size;
		},
		cut,
		hang() {
			hung = true;
			for (const pair of pairs) for (const socket of pair) socket.pause();
		},
		resume() {
			hung = false;
			for (const pair of pairs) for (const socket of pair) socket.resume();
		},
		refuse() {
			refusing = true;
		},
		allow() {
			refusing = false;
		},
		onUpstream(listener) {
			upstream = listener;
		},
		onDownstream(listener) {
			downstream = listener;
		},
		async [Symbol.asyncDispose]() {
			cut();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
