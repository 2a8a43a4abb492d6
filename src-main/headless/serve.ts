/**
 * The console for a browser on this machine: the built page and a WebSocket, on loopback only. The address holds a token that
 * is good for one visit, which leaves a session cookie; every request needs that cookie, a Host header that names this server
 * (so that no foreign name can be pointed here) and, where a browser says where it comes from, an Origin of its own.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Log } from '#main/domain/log.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { type PageFile, pageFiles } from '#main/engine/page-files.ts';
import type { Router } from '#main/ipc/handlers.ts';
import { PAGE_HEADERS } from '#main/ipc/security.ts';
import { serveWire } from '#main/ipc/server.ts';
import { SOCKET_PATH } from '#main/ipc/wires/page.ts';
import { MAX_FRAME_BYTES, serverSocketWire } from '#main/ipc/wires/server-socket.ts';

export interface ServeSettings {
	readonly router: Router;
	readonly build: string;
	readonly actor: string;
	/** Folder of the built page. */
	readonly renderer: string;
	/** Loopback address: 127.0.0.1, ::1 or localhost. */
	readonly host: string;
	/** 0 for any free one. */
	readonly port: number;
	readonly log: Log;
}

export interface Served extends AsyncDisposable {
	/** `http://127.0.0.1:PORT`. */
	readonly origin: string;
	/** An address that lets one browser in. Earlier ones that were not used yet stay good. */
	freshUrl(): string;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);
/** Pages that may be open at a time. */
const MOST_SOCKETS = 32;
/** Unused addresses that are remembered. */
const MOST_TOKENS = 16;

/** Starts serving. Fails when the page is not built, the address is not loopback, or the port is taken. */
export async function serveConsole(settings: ServeSettings): Promise<Result<Served>> {
	if (!LOOPBACK.has(settings.host)) {
		return fail(
			'invalid-input',
			`--host takes a loopback address (127.0.0.1, ::1 or localhost), not "${settings.host}".`,
		);
	}
	const files = pageFiles(settings.renderer);
	if (!files.has('/')) {
		return fail(
			'not-found',
			`The page is not built: ${settings.renderer} has no index.html. Run "npm run build" first.`,
		);
	}
	const server = new ConsoleServer(settings, files);
	return server.listen();
}

class ConsoleServer {
	readonly #settings: ServeSettings;
	readonly #files: ReadonlyMap<string, PageFile>;
	/** Browsers end their idle connections themselves: a server that does would, after a moment of hard work, also end one on which a request waits. */
	readonly #http = createServer({ maxHeaderSize: 16 * 1024, keepAliveTimeout: 0 }, (request, response) =>
		this.#answer(request, response),
	);
	readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
	readonly #connections = new Set<Socket>();
	/** Digests, so that comparing takes the same time whatever is compared. */
	readonly #tokens: Buffer[] = [];
	readonly #sessions: Buffer[] = [];
	#port = 0;
	#origin = '';

	constructor(settings: ServeSettings, files: ReadonlyMap<string, PageFile>) {
		this.#settings = settings;
		this.#files = files;
		this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
		this.#http.on('connection', (socket) => {
			this.#connections.add(socket);
			socket.once('close', () => this.#connections.delete(socket));
		});
	}

	listen(): Promise<Result<Served>> {
		const { host, port } = this.#settings;
		return new Promise((resolve) => {
			this.#http.once('error', (error: NodeJS.ErrnoException) => {
				const taken = error.code === 'EADDRINUSE' ? `Port ${port} is taken.` : error.message;
				resolve(fail('refused', `The console cannot be served on ${host}: ${taken}`));
			});
			this.#http.listen(port, host, () => {
				this.#port = (this.#http.address() as AddressInfo).port;
				this.#origin = `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}`;
				resolve(
					ok({
						origin: this.#origin,
						freshUrl: () => this.#freshUrl(),
						[Symbol.asyncDispose]: () => this.#close(),
					}),
				);
			});
		});
	}

	#freshUrl(): string {
		const token = randomBytes(32).toString('base64url');
		this.#tokens.push(digest(token));
		if (this.#tokens.length > MOST_TOKENS) this.#tokens.shift();
		return `${this.#origin}/?token=${token}`;
	}

	#close(): Promise<void> {
		for (const socket of this.#sockets.clients) socket.close(1001, 'Warren was stopped.');
		const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
		// Browsers keep connections open for as long as they like.
		for (const socket of this.#connections) socket.destroySoon();
		return closed;
	}

	#answer(request: IncomingMessage, response: ServerResponse): void {
		for (const [name, value] of Object.entries(PAGE_HEADERS)) response.setHeader(name, value);
		response.setHeader('Cache-Control', 'no-store');
		const url = URL.parse(request.url ?? '', this.#origin);
		const stranger = this.#stranger(request);
		const token = url?.pathname === '/' ? url.searchParams.get('token') : null;
		if (stranger !== null) say(response, 403, stranger);
		else if (request.method !== 'GET' && request.method !== 'HEAD') {
			response.setHeader('Allow', 'GET, HEAD');
			say(response, 405, 'Only GET and HEAD.');
		} else if (url === null) say(response, 400, 'Not an address.');
		else if (token !== null) this.#enter(request, response, token);
		else if (!this.#knows(request)) say(response, 403, NO_SESSION);
		else this.#sendFile(request, response, this.#files.get(url.pathname));
	}

	#sendFile(request: IncomingMessage, response: ServerResponse, file: PageFile | undefined): void {
		if (file === undefined) {
			say(response, 404, 'There is no such file.');
			return;
		}
		response.setHeader('Content-Type', file.type);
		if (file.lasting) response.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
		if (request.method === 'HEAD') {
			response.end();
			return;
		}
		createReadStream(file.path)
			.on('error', (error) => {
				this.#settings.log.error('serve.file', { path: file.path, reason: error.message });
				response.destroy();
			})
			.pipe(response);
	}

	/** Exchanges a token for a session, once. Whoever has a session already just goes on, as a reload of the address does. */
	#enter(request: IncomingMessage, response: ServerResponse, token: string): void {
		if (!this.#knows(request)) {
			if (!take(this.#tokens, token)) {
				say(response, 403, NO_SESSION);
				return;
			}
			const session = randomBytes(32).toString('base64url');
			this.#sessions.push(digest(session));
			response.setHeader('Set-Cookie', `${this.#cookie()}=${session}; HttpOnly; SameSite=Strict; Path=/`);
		}
		response.setHeader('Location', '/');
		say(response, 303, '');
	}

	#upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
		socket.on('error', () => socket.destroy());
		const refused = this.#refusal(request);
		if (refused !== null) {
			this.#settings.log.warn('serve.refused', { words: refused.words });
			const head = `HTTP/1.1 ${refused.status}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8`;
			socket.end(`${head}\r\n\r\n${refused.words}\n`);
			return;
		}
		this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
			serveWire(serverSocketWire(accepted), this.#settings.router, {
				build: this.#settings.build,
				host: 'serve',
				actor: `${this.#settings.actor} (browser)`,
				note: (event, words) => this.#settings.log.info(`wire.${event}`, { words }),
			});
		});
	}

	/** Why a WebSocket is not for it; null when it may open. */
	#refusal(request: IncomingMessage): { readonly status: string; readonly words: string } | null {
		const stranger = this.#stranger(request);
		if (stranger !== null) return { status: '403 Forbidden', words: stranger };
		if (request.headers.origin === undefined) {
			return { status: '403 Forbidden', words: 'A WebSocket of a page says its origin.' };
		}
		if (URL.parse(request.url ?? '', this.#origin)?.pathname !== SOCKET_PATH) {
			return { status: '404 Not Found', words: 'No such door.' };
		}
		if (!this.#knows(request)) return { status: '403 Forbidden', words: NO_SESSION };
		if (this.#sockets.clients.size >= MOST_SOCKETS) {
			return { status: '503 Service Unavailable', words: 'Too many pages are open.' };
		}
		return null;
	}

	/** Why a request is not from a page of ours; null when it may be. */
	#stranger(request: IncomingMessage): string | null {
		const { host, origin } = request.headers;
		const hosts = ['127.0.0.1', '[::1]', 'localhost'].map((name) => `${name}:${this.#port}`);
		if (host === undefined || !hosts.includes(host)) return 'This server answers to its loopback address only.';
		if (origin !== undefined && origin !== `http://${host}`) return 'Another site may not speak to this server.';
		return null;
	}

	#knows(request: IncomingMessage): boolean {
		const wanted = `${this.#cookie()}=`;
		const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
		return cookies.some((cookie) => cookie.startsWith(wanted) && has(this.#sessions, cookie.slice(wanted.length)));
	}

	/** Browsers share cookies between ports, so each server's has a name of its own. */
	#cookie(): string {
		return `warren-${this.#port}`;
	}
}

const NO_SESSION =
	'This address was used already, or is not complete. Warren prints a new one when you press Enter where it runs, or when it is started again.';

function say(response: ServerResponse, status: number, words: string): void {
	response.statusCode = status;
	response.setHeader('Content-Type', 'text/plain; charset=utf-8');
	response.end(words === '' ? '' : `${words}\n`);
}

function digest(secret: string): Buffer {
	return createHash('sha256').update(secret).digest();
}

function has(known: readonly Buffer[], secret: string): boolean {
	const given = digest(secret);
	return known.filter((one) => timingSafeEqual(one, given)).length > 0;
}

/** Finds and removes. */
function take(known: Buffer[], secret: string): boolean {
	const given = digest(secret);
	const at = known.findIndex((one) => timingSafeEqual(one, given));
	if (at === -1) return false;
	known.splice(at, 1);
	return true;
}
