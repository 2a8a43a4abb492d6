/** The served console from outside: who gets in, what they get, and everything that is refused. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { silentLog } from '#main/domain/log.ts';
import { type Served, serveConsole } from '#main/headless/serve.ts';
import { createRouter } from '#main/ipc/router.ts';
import { PAGE_POLICY } from '#main/ipc/security.ts';
import { testPorts } from '#test/support/router-ports.ts';

interface Got {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: string;
}

let folder: string;
let served: Served;
let port: number;

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'warren-serve-'));
	const page = join(folder, 'page');
	mkdirSync(join(page, 'assets'), { recursive: true });
	writeFileSync(join(page, 'index.html'), '<!doctype html><title>Warren</title>');
	writeFileSync(join(page, 'assets', 'main-1a2b.js'), 'export {};');
	writeFileSync(join(page, 'notes.secret'), 'not part of the page');
	writeFileSync(join(folder, 'outside.html'), 'outside');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = () => ({
	router: createRouter(testPorts({ calls: { 'app.info': async () => ({ ok: true, value: { version: 'x' } }) } })),
	build: '1.2.3',
	actor: 'me',
	renderer: join(folder, 'page'),
	host: '127.0.0.1',
	port: 0,
	log: silentLog,
});

beforeEach(async () => {
	const started = await serveConsole(settings());
	if (!started.ok) throw new Error(started.error.message);
	served = started.value;
	port = Number(new URL(served.origin).port);
});
afterEach(() => served[Symbol.asyncDispose]());

function get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Got> {
	return new Promise((resolve, reject) => {
		const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
			let body = '';
			response.setEncoding('utf8').on('data', (text: string) => {
				body += text;
			});
			response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
		});
		sent.on('error', reject);
		sent.end();
	});
}

const pathOf = (url: string) => url.slice(served.origin.length);

/** Goes in by a fresh address and gives back the session's cookie. */
async function enter(): Promise<string> {
	const got = await get(pathOf(served.freshUrl()));
	const cookie = got.headers['set-cookie']?.[0]?.split(';')[0];
	if (cookie === undefined) throw new Error(`No cookie: ${got.status} ${got.body}`);
	return cookie;
}

/** What a WebSocket comes to: `open`, or the status it was refused with. */
function socket(headers: Readonly<Record<string, string>>, path = '/wire'): Promise<string> {
	return new Promise((resolve, reject) => {
		const opened = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
		opened.on('open', () => {
			opened.close();
			resolve('open');
		});
		opened.on('unexpected-response', (_request, response) => {
			response.resume();
			resolve(String(response.statusCode));
		});
		opened.on('error', reject);
	});
}

describe('the address', () => {
	it('lets one browser in, once, and leaves a cookie that scripts and other sites cannot use', async () => {
		const path = pathOf(served.freshUrl());
		const first = await get(path);
		expect(first.status).toBe(303);
		expect(first.headers.location).toBe('/');
		expect(first.headers['set-cookie']?.[0]).toMatch(/^warren-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
		const second = await get(path);
		expect(second.status).toBe(403);
		expect(second.headers['set-cookie']).toBeUndefined();
		expect(second.body).toContain('used already');
	});

	it('may be loaded again by the browser that it let in', async () => {
		const path = pathOf(served.freshUrl());
		const first = await get(path);
		const cookie = first.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
		const again = await get(path, { cookie });
		expect(again.status).toBe(303);
		expect((await get('/', { cookie })).status).toBe(200);
	});

	it('is of no use when it is guessed or old', async () => {
		const old = pathOf(served.freshUrl());
		for (let i = 0; i < 16; i += 1) served.freshUrl();
		for (const path of [old, '/?token=', '/?token=x', '/?token=x&token=y']) expect((await get(path)).status).toBe(403);
	});
});

describe('the page', () => {
	it('is there for a session, under the strict policy, and for nobody else', async () => {
		const cookie = await enter();
		const got = await get('/', { cookie });
		expect(got).toMatchObject({ status: 200, body: '<!doctype html><title>Warren</title>' });
		expect(got.headers).toMatchObject({
			'content-security-policy': PAGE_POLICY,
			'content-type': 'text/html; charset=utf-8',
			'x-content-type-options': 'nosniff',
			'referrer-policy': 'no-referrer',
			'cache-control': 'no-store',
		});
		expect(PAGE_POLICY).not.toContain('unsafe');
		for (const path of ['/', '/index.html', '/assets/main-1a2b.js', '/nothing']) {
			expect((await get(path)).status).toBe(403);
			expect((await get(path, { cookie: `${cookie.split('=')[0]}=guessed` })).status).toBe(403);
		}
	});

	it('has files that may be kept, because their names change with them', async () => {
		const got = await get('/assets/main-1a2b.js', { cookie: await enter() });
		expect(got.headers['content-type']).toBe('text/javascript; charset=utf-8');
		expect(got.headers['cache-control']).toContain('immutable');
	});

	it.each([
		'/outside.html',
		'/../outside.html',
		'/assets/../../outside.html',
		'/%2e%2e/outside.html',
		'/..%2foutside.html',
		'/assets/..%5c..%5coutside.html',
		'/notes.secret',
		'/assets',
		'/assets/',
		'/index.html/',
		'/INDEX.HTML',
		'/index.html%00',
		'//etc/passwd',
		'/__proto__',
	])('is a closed list of files: %s is not there', async (path) => {
		const got = await get(path, { cookie: await enter() });
		expect([400, 404]).toContain(got.status);
		expect(got.body).not.toContain('outside');
	});

	it('answers to GET and HEAD only', async () => {
		const cookie = await enter();
		for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
			expect((await get('/', { cookie }, method)).status).toBe(405);
		expect(await get('/', { cookie }, 'HEAD')).toMatchObject({ status: 200, body: '' });
	});
});

describe('a foreign site', () => {
	it.each(['evil.example', 'evil.example:80', '127.0.0.1', 'localhost:1', '127.0.0.1.evil.example'])(
		'cannot be pointed here under the name %j',
		async (host) => {
			const cookie = await enter();
			expect((await get('/', { cookie, host })).status).not.toBe(200);
			expect((await get(pathOf(served.freshUrl()), { host })).headers['set-cookie']).toBeUndefined();
		},
	);

	it.each(['http://evil.example', 'null', 'https://127.0.0.1', 'http://127.0.0.1:1'])(
		'cannot ask from %s',
		async (origin) => {
			expect((await get('/', { cookie: await enter(), origin })).status).toBe(403);
		},
	);

	it('cannot open the wire, and neither can anybody without a session', async () => {
		const cookie = await enter();
		const { origin } = served;
		expect(await socket({ cookie, origin })).toBe('open');
		expect(await socket({ cookie, origin: `http://localhost:${port}`, host: `localhost:${port}` })).toBe('open');
		expect(await socket({ cookie, origin: 'http://evil.example' })).toBe('403');
		expect(await socket({ cookie })).toBe('403');
		expect(await socket({ origin })).toBe('403');
		expect(await socket({ cookie, origin, host: 'evil.example' })).toBe('403');
		expect(await socket({ cookie, origin: `http://localhost:${port}` })).toBe('403');
		expect(await socket({ cookie, origin }, '/other')).toBe('404');
	});
});

describe('the server', () => {
	it('carries a call over its wire', async () => {
		const opened = new WebSocket(`ws://127.0.0.1:${port}/wire`, {
			headers: { cookie: await enter(), origin: served.origin },
		});
		const reply = new Promise<unknown>((resolve) => {
			opened.on('message', (data) => {
				const frame = JSON.parse(String(data));
				if (frame.kind === 'reply') resolve(frame);
			});
		});
		await new Promise((resolve) => opened.once('open', resolve));
		opened.send(JSON.stringify({ kind: 'hello', protocol: 1, build: '1.2.3' }));
		opened.send(JSON.stringify({ kind: 'request', id: 1, route: 'app.info', input: {} }));
		expect(await reply).toEqual({ kind: 'reply', id: 1, ok: true, data: { version: 'x' } });
		opened.terminate();
	});

	it.each(['not json', '{"kind":'])('closes a wire on which somebody sends %j', async (text) => {
		const opened = new WebSocket(`ws://127.0.0.1:${port}/wire`, {
			headers: { cookie: await enter(), origin: served.origin },
		});
		const closed = new Promise((resolve) => opened.once('close', resolve));
		await new Promise((resolve) => opened.once('open', resolve));
		opened.send(text);
		await closed;
	});

	it('ends no idle connection by itself, since a request may be waiting on it', async () => {
		const { headers } = await get('/', { cookie: await enter(), connection: 'keep-alive' });
		expect(headers.connection).toBe('keep-alive');
		// Servers that end idle connections say here after how long.
		expect(headers['keep-alive']).toBeUndefined();
	});

	it('outlives requests that are no HTTP', async () => {
		const raw = connect(port, '127.0.0.1');
		const closed = new Promise((resolve) => raw.once('close', resolve));
		raw.on('error', () => {});
		raw.end('GET /\u0000 nonsense\r\n\r\n');
		raw.resume();
		await closed;
		expect((await get('/', { cookie: await enter() })).status).toBe(200);
	});

	it('stops with pages still open', async () => {
		const opened = new WebSocket(`ws://127.0.0.1:${port}/wire`, {
			headers: { cookie: await enter(), origin: served.origin },
		});
		await new Promise((resolve) => opened.once('open', resolve));
		const closed = new Promise((resolve) => opened.once('close', resolve));
		await served[Symbol.asyncDispose]();
		await closed;
		await expect(get('/')).rejects.toThrow(/ECONNREFUSED/);
	});

	it.each(['0.0.0.0', '192.168.1.2', 'example.org', '::'])('does not listen on %s', async (host) => {
		expect(await serveConsole({ ...settings(), host })).toMatchObject({ ok: false, error: { code: 'invalid-input' } });
	});

	it('says when its port is taken and when the page is not built', async () => {
		expect(await serveConsole({ ...settings(), port })).toMatchObject({ ok: false, error: { code: 'refused' } });
		const unbuilt = await serveConsole({ ...settings(), renderer: join(folder, 'nothing') });
		expect(unbuilt.ok ? '' : unbuilt.error.message).toContain('npm run build');
	});
});
