/**
 * One HTTP exchange: sent once, bounded in time and size, never following redirects. Node's own client rather than `fetch`, because
 * a site's certificate may be signed by a CA of the house, which has to be given per connection.
 */
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, Agent as PlainAgent, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestSecure, Agent as SecureAgent } from 'node:https';
import type { TlsOptions } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';

export interface HttpRequest {
	readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	readonly url: URL;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string | null;
	readonly signal: AbortSignal | null;
}

export interface HttpResponse {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | undefined>>;
	readonly cookies: readonly string[];
	readonly body: string;
}

export interface HttpLimits {
	/** Milliseconds for the whole exchange. */
	readonly deadlineMs: number;
	/** Bytes of an answer's body. */
	readonly bytes: number;
}

/** Sends a request. Failures: `unreachable`, `timeout`, `too-large`, `refused` (certificate), `cancelled`; `details.sent` tells
 * whether the site may have received it. */
export type Send = (request: HttpRequest) => Promise<Result<HttpResponse>>;

/** A sender whose idle connections end when it is disposed of. */
export interface Sender extends Disposable {
	readonly send: Send;
}

const CERTIFICATE = /^(?:CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|ERR_TLS|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Makes a sender. TLS files are read at each connection, so that a renewed certificate is seen. */
export function createSender(tls: TlsOptions | null, limits: HttpLimits): Sender {
	// Only plain GETs share connections: one that was closed meanwhile makes a request fail without telling whether it arrived.
	const agents = { plain: new PlainAgent({ keepAlive: true }), secure: new SecureAgent({ keepAlive: true }) };

	async function options(request: HttpRequest): Promise<Result<RequestOptions>> {
		const secure = request.url.protocol === 'https:';
		const agent = request.method !== 'GET' ? false : secure ? agents.secure : agents.plain;
		const base = { method: request.method, headers: { ...request.headers }, agent };
		if (!secure || tls === null) return ok(base);
		try {
			const [ca, cert, key] = await Promise.all(
				[tls.caFile, tls.certFile, tls.keyFile].map((file) => (file === null ? undefined : readFile(file))),
			);
			const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
			const named = tls.serverName === null ? {} : { servername: tls.serverName };
			return ok({ ...base, ...files, ...named, rejectUnauthorized: tls.verify });
		} catch (error) {
			return fail('invalid-input', `A certificate file cannot be read: ${reasonOf(error)}`);
		}
	}

	async function send(request: HttpRequest): Promise<Result<HttpResponse>> {
		const made = await options(request);
		if (!made.ok) return made;
		const deadline = AbortSignal.timeout(limits.deadlineMs);
		const signal = request.signal === null ? deadline : AbortSignal.any([deadline, request.signal]);
		let sent = false;
		try {
			const { status, headers, cookies, body } = await exchange(
				request,
				{ ...made.value, signal },
				limits.bytes,
				() => {
					sent = true;
				},
			);
			return body === null
				? fail('too-large', `The answer has more than ${limits.bytes} bytes and was not read.`, { details: { sent } })
				: ok({ status, headers, cookies, body });
		} catch (error) {
			const { host } = request.url;
			const details = { sent };
			if (request.signal?.aborted === true) return fail('cancelled', 'It was cancelled.', { details });
			if (deadline.aborted) {
				return fail('timeout', `${host} did not answer within ${Math.round(limits.deadlineMs / 1000)} s.`, { details });
			}
			const code = error instanceof Error && 'code' in error ? String(error.code) : '';
			if (CERTIFICATE.test(code)) {
				return fail('refused', `The certificate of ${host} was not accepted: ${reasonOf(error)}`, { details });
			}
			return fail('unreachable', `${host} cannot be reached: ${reasonOf(error)}`, { details });
		}
	}

	return {
		send,
		[Symbol.dispose]() {
			agents.plain.destroy();
			agents.secure.destroy();
		},
	};
}

type Answer = Omit<HttpResponse, 'body'> & { readonly body: string | null };

function exchange(request: HttpRequest, options: RequestOptions, most: number, onSent: () => void): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const start = request.url.protocol === 'https:' ? requestSecure : requestPlain;
		const outgoing = start(request.url, options, (incoming) => {
			collect(incoming, most).then(resolve, reject);
		});
		outgoing.on('error', reject);
		// Once the connection stands, the bytes may have arrived whatever happens next.
		outgoing.on('socket', (socket) => {
			if (!socket.connecting) onSent();
			else socket.once('connect', onSent);
		});
		outgoing.end(request.body ?? undefined);
	});
}

async function collect(incoming: IncomingMessage, most: number): Promise<Answer> {
	const chunks: Buffer[] = [];
	let size = 0;
	const head = {
		status: incoming.statusCode ?? 0,
		headers: Object.fromEntries(
			Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
		),
		cookies: incoming.headers['set-cookie'] ?? [],
	};
	for await (const chunk of incoming) {
		const piece = chunk as Buffer;
		size += piece.length;
		if (size > most) {
			incoming.destroy();
			return { ...head, body: null };
		}
		chunks.push(piece);
	}
	return { ...head, body: Buffer.concat(chunks).toString('utf8') };
}

function reasonOf(error: unknown): string {
	if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
	if (!(error instanceof Error)) return String(error);
	return error.message === '' && 'code' in error ? String(error.code) : error.message;
}
