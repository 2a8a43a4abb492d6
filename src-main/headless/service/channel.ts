/** The control channel: one JSON line asked, one answered, over a socket that only its owner can open. */
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import process from 'node:process';
import { type Failure, fail, ok, type Result } from '#main/domain/result.ts';
import type { ChannelRequest } from './spec.ts';

/** Longest line either way, in UTF-16 units. */
const LINE_MAX = 16 * 1024 * 1024;

/** For how long somebody may read nothing of its answer when the channel ends. */
const READ_MS = 2_000;

type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: Failure };

/** Answers requests until disposed of; answers that are known by then still go out. The path must belong to nobody any more: the caller holds the pid file. */
export async function serveChannel(
	path: string,
	answer: (request: ChannelRequest) => Promise<Result<unknown>>,
): Promise<AsyncDisposable> {
	const sockets = new Set<Socket>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on('close', () => sockets.delete(socket));
		// Whoever asked has gone: there is nobody to tell.
		socket.on('error', () => socket.destroy());
		onLines(socket, (line) => {
			void reply(line, answer).then((text) => socket.write(`${text}\n`));
		});
	});
	const pipe = process.platform === 'win32';
	if (!pipe) rmSync(path, { force: true });
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(path, resolve);
	});
	if (!pipe) chmodSync(path, 0o600);
	return {
		async [Symbol.asyncDispose]() {
			const closed = new Promise((resolve) => server.close(resolve));
			// Who asked for the end itself has its answer in this very turn.
			await new Promise((resolve) => setImmediate(resolve));
			for (const socket of sockets) {
				socket.setTimeout(READ_MS, () => socket.destroy());
				socket.destroySoon();
			}
			await closed;
		},
	};
}

async function reply(line: string, answer: (request: ChannelRequest) => Promise<Result<unknown>>): Promise<string> {
	let request: unknown;
	try {
		request = JSON.parse(line);
	} catch {
		return JSON.stringify(fail('invalid-input', 'The request is no JSON.'));
	}
	if (typeof request !== 'object' || request === null) {
		return JSON.stringify(fail('invalid-input', 'The request is no object.'));
	}
	return JSON.stringify(await answer(request as ChannelRequest));
}

/** Asks once. `unreachable` when nobody listens, `timeout` when whoever does says nothing for `timeoutMs`. */
export function askChannel<T>(path: string, request: ChannelRequest, timeoutMs: number): Promise<Result<T>> {
	return new Promise((resolve) => {
		const socket = connect(path);
		const end = (result: Result<T>) => {
			clearTimeout(timer);
			socket.destroy();
			resolve(result);
		};
		const timer = setTimeout(() => end(fail('timeout', 'The service does not answer.')), timeoutMs);
		socket.on('error', (error) => end(fail('unreachable', `The service cannot be asked: ${error.message}`)));
		socket.on('close', () => end(fail('unreachable', 'The service ended before it answered.')));
		socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
		onLines(socket, (line) => {
			const answer = JSON.parse(line) as Answer;
			end(answer.ok ? ok(answer.value as T) : answer);
		});
	});
}

function onLines(socket: Socket, take: (line: string) => void): void {
	// Pieces of the line that has not ended, so that a long one is looked through once and not with each piece of it.
	let pieces: string[] = [];
	let length = 0;
	socket.setEncoding('utf8');
	socket.on('data', (text: string) => {
		const [first = '', ...others] = text.split('\n');
		pieces.push(first);
		length += first.length;
		for (const next of others) {
			take(pieces.join(''));
			pieces = [next];
			length = next.length;
		}
		if (length > LINE_MAX) socket.destroy();
	});
}
