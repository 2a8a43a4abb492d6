/** The wires that frames may cross, each made ready with both ends. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import { type WebSocket as ServerSocket, WebSocketServer } from 'ws';
import type { DownFrame, UpFrame, Wire } from '#main/ipc/frames.ts';
import { type PageSocket, pageSocketWire } from '#main/ipc/wires/page-socket.ts';
import { wirePair } from '#main/ipc/wires/pair.ts';
import { type MainPort, mainPortWire, type PagePort, portWire } from '#main/ipc/wires/port.ts';
import { serverSocketWire } from '#main/ipc/wires/server-socket.ts';

export interface Ends {
	readonly engine: Wire<DownFrame, UpFrame>;
	readonly page: Wire<UpFrame, DownFrame>;
}

export interface WireKind {
	readonly name: string;
	/** Makes wires until it is disposed of. */
	start(): Promise<WireMaker>;
}

export interface WireMaker extends AsyncDisposable {
	connect(): Promise<Ends>;
}

/** Node's port has the page's methods under looser types. */
function asPagePort(port: unknown): PagePort {
	return port as PagePort;
}

/** Electron's main process hands messages over as events with `data`; Node's port can be dressed so. */
function asMainPort(port: PagePort): MainPort {
	return {
		postMessage: (message) => port.postMessage(message),
		on: (event: 'message' | 'close', listener: (event: { readonly data: unknown }) => void) =>
			port.addEventListener(event, (given) => listener({ data: given.data })),
		start: () => port.start(),
		close: () => port.close(),
	} as MainPort;
}

function portMaker(engineWire: (port: PagePort) => Wire<DownFrame, UpFrame>): WireMaker {
	return {
		async connect() {
			const { port1, port2 } = new MessageChannel();
			return { engine: engineWire(asPagePort(port1)), page: portWire<UpFrame, DownFrame>(asPagePort(port2)) };
		},
		async [Symbol.asyncDispose]() {},
	};
}

async function socketMaker(): Promise<WireMaker> {
	const http = createServer();
	const server = new WebSocketServer({ server: http });
	await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
	const { port } = http.address() as AddressInfo;
	return {
		async connect() {
			const accepted = new Promise<ServerSocket>((resolve) => server.once('connection', resolve));
			// The browser's own class, which Node has as well.
			const page = await pageSocketWire(new WebSocket(`ws://127.0.0.1:${port}`) as PageSocket);
			return { engine: serverSocketWire(await accepted), page };
		},
		async [Symbol.asyncDispose]() {
			for (const client of server.clients) client.terminate();
			await new Promise((resolve) => server.close(resolve));
			await new Promise((resolve) => http.close(resolve));
		},
	};
}

export const WIRES: readonly WireKind[] = [
	{
		name: 'an in-memory pair',
		start: async () => ({
			async connect() {
				const [engine, page] = wirePair<DownFrame, UpFrame>();
				return { engine, page };
			},
			async [Symbol.asyncDispose]() {},
		}),
	},
	{ name: 'a message port', start: async () => portMaker((port) => portWire(port)) },
	{ name: "Electron's kind of port", start: async () => portMaker((port) => mainPortWire(asMainPort(port))) },
	{ name: 'a WebSocket', start: socketMaker },
];
