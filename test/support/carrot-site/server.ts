/**
 * A stand-in for a django-carrot site's monitor: its REST API with rows in memory, written from how the real one behaves. The quirks
 * are the point: arguments cut at every comma, a full update by PATCH, a page of 50, GETs that change everything, and a
 * `virtual_host` with the broker's password in every row.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { readLiteral } from '#main/dialects/python/read.ts';
import { type Answer, CANARY, failed, notFound, notFoundPage, page, send } from './answers.ts';
import { type Published, type StandInSchedule, StandInSchedules } from './schedules.ts';

/** A row as the API shows it. */
export interface StandInRow {
	id: number;
	status: 'PUBLISHED' | 'IN_PROGRESS' | 'FAILED' | 'COMPLETED';
	uuid: string;
	task: string;
	queue: string | null;
	exchange: string | null;
	routing_key: string | null;
	priority: number;
	task_args: string | null;
	content: string | null;
	exception: string | null;
	traceback: string | null;
	output: string | null;
	log: string | null;
	publish_time: string | null;
	failure_time: string | null;
	completion_time: string | null;
}

/**
 * How one request goes wrong: nothing is done and this status answered (with `after`, once it was done), or nothing answered at all; or
 * it is done and not answered, be it that the connection breaks or stays silent.
 */
export type Mishap =
	| {
			readonly status: number;
			readonly body?: string;
			readonly after?: boolean;
			readonly headers?: Readonly<Record<string, string>>;
	  }
	| 'break'
	| 'break-after'
	| 'hang'
	| 'hang-after';

export interface StandInOptions {
	/** Path it is mounted at. */
	readonly mount?: string;
	/** Login with these asked for by every view. */
	readonly login?: { readonly username: string; readonly password: string };
	/** Where the login page is; `elsewhere` redirects to another host. */
	readonly loginPath?: string;
	/** 0.5: no task choices, no argument checks, no names of schedules. none: no schedules at all. */
	readonly release?: 'last' | '0.5' | 'none';
	/** Times without a zone, this many minutes east of UTC. */
	readonly naive?: number;
	readonly tls?: { readonly cert: string; readonly key: string };
	/** Tasks that the web process can't import: publishing or requeueing them answers 500. */
	readonly notImportable?: readonly string[];
	/** Tasks of the site's `task_modules`, the only ones it schedules then; without, any task is. */
	readonly taskChoices?: readonly string[];
}

export interface StandInSite extends AsyncDisposable {
	/** `http://127.0.0.1:<port>/<mount>`. */
	readonly url: string;
	readonly rows: Map<number, StandInRow>;
	readonly schedules: Map<number, StandInSchedule>;
	/** Every request, as `GET /carrot/api/…`. */
	readonly requests: string[];
	/** Adds a row; what is not given is as a published one has it. */
	add(row?: Partial<StandInRow>): StandInRow;
	addSchedule(schedule?: Partial<StandInSchedule>): StandInSchedule;
	/** Lets the next request that matches `METHOD path` go wrong, so many times. */
	mishap(pattern: RegExp, what: Mishap, times?: number): void;
	clearMishaps(): void;
	/** Calls back right before the next request that matches is answered: somebody else is quicker. */
	before(pattern: RegExp, act: () => void): void;
	/** Calls back right after the next request that matches was carried out, before its answer is sent. */
	after(pattern: RegExp, act: () => void): void;
	/** Keeps the next request that matches waiting until it is let go. `arrived` resolves when it is there. */
	hold(pattern: RegExp): { readonly arrived: Promise<void>; release(): void };
	/** Requests that are being answered, at most so far: how politely somebody asks. */
	readonly atOnce: number;
	/** Called with each row that is published, as the broker would get its message. */
	onPublish(listener: (row: StandInRow) => void): void;
	/** Ends all sessions, as a restart of the site's cache does. */
	endSessions(): void;
	/** Logins that were tried. */
	readonly logins: { ok: number; refused: number };
}

/** Where the API of schedules is. */
const SCHEDULES = 'api/scheduled-tasks/';

/** Starts it on a free loopback port. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandInSite> {
	const site = new Site(options);
	await site.listen();
	return site;
}

class Site implements StandInSite {
	readonly rows = new Map<number, StandInRow>();
	readonly requests: string[] = [];
	readonly logins = { ok: 0, refused: 0 };
	readonly #options: StandInOptions;
	readonly #server: Server;
	readonly #mount: string;
	readonly #sessions = new Set<string>();
	readonly #published: ((row: StandInRow) => void)[] = [];
	readonly #table: StandInSchedules;
	#mishaps: { readonly pattern: RegExp; readonly what: Mishap; times: number }[] = [];
	#hooks: { readonly when: 'hold' | 'before' | 'after'; readonly pattern: RegExp; act(): void | Promise<void> }[] = [];
	#nextRow = 1;
	#running = 0;
	atOnce = 0;
	url = '';

	constructor(options: StandInOptions) {
		this.#options = options;
		this.#mount = options.mount ?? '/carrot/';
		this.#table = new StandInSchedules({
			release: options.release ?? 'last',
			notImportable: options.notImportable ?? [],
			choices: options.taskChoices ?? null,
			publish: (message) => void this.#publish(message),
		});
		const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
		this.#server = options.tls === undefined ? createServer(handle) : createSecureServer(options.tls, handle);
	}

	async listen(): Promise<void> {
		await new Promise<void>((resolve, reject) => {
			this.#server.once('error', reject);
			this.#server.listen(0, '127.0.0.1', resolve);
		});
		const address = this.#server.address();
		if (address === null || typeof address === 'string') throw new Error('The stand-in has no port.');
		this.url = `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}${this.#mount}`;
	}

	add(row: Partial<StandInRow> = {}): StandInRow {
		const made: StandInRow = {
			id: this.#nextRow++,
			status: 'PUBLISHED',
			uuid: randomUUID(),
			task: 'shop.tasks.add',
			queue: 'default',
			exchange: '',
			routing_key: row.queue ?? 'default',
			priority: 0,
			task_args: '()',
			content: '{}',
			exception: null,
			traceback: null,
			output: null,
			log: null,
			publish_time: this.time(Date.now()),
			failure_time: null,
			completion_time: null,
			...row,
		};
		this.#nextRow = Math.max(this.#nextRow, made.id + 1);
		this.rows.set(made.id, made);
		return made;
	}

	/** A time as this site prints it. */
	time(at: number): string {
		const { naive } = this.#options;
		if (naive === undefined) return new Date(at).toISOString().replace('Z', '000+00:00');
		return new Date(at + naive * 60_000).toISOString().replace('Z', '000');
	}

	get schedules(): Map<number, StandInSchedule> {
		return this.#table.rows;
	}

	addSchedule(schedule: Partial<StandInSchedule> = {}): StandInSchedule {
		return this.#table.add(schedule);
	}

	mishap(pattern: RegExp, what: Mishap, times = 1): void {
		this.#mishaps.push({ pattern, what, times });
	}

	clearMishaps(): void {
		this.#mishaps = [];
	}

	before(pattern: RegExp, act: () => void): void {
		this.#hooks.push({ when: 'before', pattern, act });
	}

	after(pattern: RegExp, act: () => void): void {
		this.#hooks.push({ when: 'after', pattern, act });
	}

	hold(pattern: RegExp): { readonly arrived: Promise<void>; release(): void } {
		const arrived = Promise.withResolvers<void>();
		const released = Promise.withResolvers<void>();
		const act = () => {
			arrived.resolve();
			return released.promise;
		};
		this.#hooks.push({ when: 'hold', pattern, act });
		return { arrived: arrived.promise, release: () => released.resolve() };
	}

	async #hooked(when: 'hold' | 'before' | 'after', what: string): Promise<void> {
		const hook = this.#hooks.find((one) => one.when === when && one.pattern.test(what));
		if (hook === undefined) return;
		this.#hooks = this.#hooks.filter((one) => one !== hook);
		await hook.act();
	}

	onPublish(listener: (row: StandInRow) => void): void {
		this.#published.push(listener);
	}

	endSessions(): void {
		this.#sessions.clear();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}

	async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		this.#running += 1;
		this.atOnce = Math.max(this.atOnce, this.#running);
		try {
			await this.#take(request, response);
		} finally {
			this.#running -= 1;
		}
	}

	async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const url = new URL(request.url ?? '/', 'http://stand-in');
		const what = `${request.method ?? 'GET'} ${url.pathname}${url.search}`;
		this.requests.push(what);
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const body = Buffer.concat(chunks).toString('utf8');
		await this.#hooked('hold', what);
		await this.#hooked('before', what);
		const mishap = this.#mishapOf(what);
		if (mishap === 'break') return void response.destroy();
		if (mishap === 'hang') return;
		if (typeof mishap === 'object' && mishap !== null && mishap.after !== true) return send(response, answerOf(mishap));
		const answer = this.#answer(request, url, body);
		await this.#hooked('after', what);
		if (mishap === 'break-after') return void response.destroy();
		if (mishap === 'hang-after') return;
		send(response, mishap === null ? answer : answerOf(mishap));
	}

	#mishapOf(what: string): Mishap | null {
		const mishap = this.#mishaps.find((one) => one.pattern.test(what));
		if (mishap === undefined) return null;
		mishap.times -= 1;
		this.#mishaps = this.#mishaps.filter((one) => one.times > 0);
		return mishap.what;
	}

	#answer(request: IncomingMessage, url: URL, body: string): Answer {
		const method = request.method ?? 'GET';
		const loginPath = this.#options.loginPath ?? '/accounts/login/';
		if (this.#options.login !== undefined && url.pathname === loginPath) return this.#login(request, url, body);
		if (!url.pathname.startsWith(this.#mount)) return notFoundPage();
		const path = url.pathname.slice(this.#mount.length);
		const cookies = cookiesOf(request);
		if (this.#options.login !== undefined) {
			if (!this.#sessions.has(cookies.get('sessionid') ?? '')) {
				const next = encodeURIComponent(url.pathname + url.search);
				return { status: 302, text: '', headers: { location: `${loginPath}?next=${next}` } };
			}
			if (method !== 'GET' && !this.#csrfHolds(request, cookies)) {
				return { status: 403, text: '<h1>Forbidden</h1><p>CSRF verification failed. Request aborted.</p>' };
			}
		}
		if (path === '') return { status: 200, text: '<html><body>monitor</body></html>' };
		const form = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
		return this.#api(method, path, url, body, form);
	}

	#csrfHolds(request: IncomingMessage, cookies: ReadonlyMap<string, string>): boolean {
		const token = cookies.get('csrftoken');
		const referer = request.headers.referer ?? '';
		if (this.#options.tls !== undefined && !referer.startsWith(new URL(this.url).origin)) return false;
		return token !== undefined && request.headers['x-csrftoken'] === token;
	}

	#login(request: IncomingMessage, url: URL, body: string): Answer {
		const cookies = cookiesOf(request);
		if (request.method !== 'POST') {
			const token = cookies.get('csrftoken') ?? randomBytes(16).toString('hex');
			const form = `<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="${token}"><input name="username"><input name="password" type="password"></form>`;
			return { status: 200, text: `<html>${form}</html>`, headers: { 'set-cookie': `csrftoken=${token}; Path=/` } };
		}
		const fields = new URLSearchParams(body);
		const token = cookies.get('csrftoken');
		const origin = new URL(this.url).origin;
		const referred = this.#options.tls === undefined || (request.headers.referer ?? '').startsWith(origin);
		if (token === undefined || fields.get('csrfmiddlewaretoken') !== token || !referred) {
			return { status: 403, text: '<h1>Forbidden</h1><p>CSRF verification failed.</p>' };
		}
		const { login } = this.#options;
		if (fields.get('username') !== login?.username || fields.get('password') !== login?.password) {
			this.logins.refused += 1;
			return { status: 200, text: '<html>Please enter a correct username and password.</html>' };
		}
		this.logins.ok += 1;
		const session = randomBytes(16).toString('hex');
		this.#sessions.add(session);
		return {
			status: 302,
			text: '',
			headers: {
				location: url.searchParams.get('next') ?? fields.get('next') ?? '/',
				// Django changes the token at a login.
				'set-cookie': [
					`csrftoken=${randomBytes(16).toString('hex')}; Path=/; SameSite=Lax`,
					`sessionid=${session}; Path=/; HttpOnly; Max-Age=1209600`,
				],
			},
		};
	}

	#api(method: string, path: string, url: URL, body: string, form: boolean): Answer {
		const list = /^api\/message-logs\/(published|failed|completed)\/$/.exec(path);
		if (list !== null) return this.#list(method, list[1] ?? '', url);
		if (path === 'api/message-logs/purge/' && this.#options.release !== '0.5') return this.#purge(url);
		const row = /^api\/message-logs\/(\d+)\/$/.exec(path);
		if (row !== null) return this.#row(method, Number(row[1]));
		if (!path.startsWith(SCHEDULES)) return notFoundPage();
		return this.#table.answer(method, path.slice(SCHEDULES.length), url, body, form) ?? notFoundPage();
	}

	#list(method: string, tab: string, url: URL): Answer {
		// The bulk changes exist, and do harm: tests see that nobody asks for them.
		if (method !== 'GET') return this.#bulk(tab);
		const statuses = tab === 'published' ? ['PUBLISHED', 'IN_PROGRESS'] : [tab.toUpperCase()];
		const search = (url.searchParams.get('search') ?? '').toLowerCase();
		const rows = [...this.rows.values()]
			.filter((row) => statuses.includes(row.status))
			.filter((row) => [row.task, row.content, row.task_args].some((text) => text?.toLowerCase().includes(search)))
			.sort(order);
		return page(
			url,
			rows.map((row) => this.#shown(row)),
		);
	}

	#bulk(tab: string): Answer {
		for (const row of [...this.rows.values()]) if (row.status === tab.toUpperCase()) this.rows.delete(row.id);
		return { status: 204 };
	}

	#purge(url: URL): Answer {
		for (const row of [...this.rows.values()])
			if (row.status !== 'FAILED' && row.status !== 'COMPLETED') this.rows.delete(row.id);
		return page(url, []);
	}

	#shown(row: StandInRow): Readonly<Record<string, unknown>> {
		return { ...row, virtual_host: CANARY };
	}

	#row(method: string, id: number): Answer {
		const row = this.rows.get(id);
		if (row === undefined) return notFound();
		if (method === 'DELETE') {
			this.rows.delete(id);
			return { status: 204 };
		}
		if (method === 'PUT') {
			if (row.task_args === null) return failed('TypeError');
			if (!positionalsRead(row.task_args)) return failed('SyntaxError');
			if (this.#options.notImportable?.includes(row.task) === true) return failed('ImportError');
			this.rows.delete(id);
			return { status: 200, json: this.#shown(this.#publish(row)) };
		}
		return method === 'GET'
			? { status: 200, json: this.#shown(row) }
			: { status: 405, json: { detail: 'Method not allowed.' } };
	}

	#publish(from: Published): StandInRow {
		const { task, queue, exchange, routing_key, priority, task_args, content } = from;
		const row = this.add({ task, queue, exchange, routing_key, priority, task_args, content });
		for (const listener of this.#published) listener(row);
		return row;
	}
}

/** The real one's order: failures first by time, then completions, then by status, priority and time. */
function order(a: StandInRow, b: StandInRow): number {
	const late = (x: string | null, y: string | null) => (y ?? '').localeCompare(x ?? '');
	return (
		late(a.failure_time, b.failure_time) ||
		late(a.completion_time, b.completion_time) ||
		a.status.localeCompare(b.status) ||
		b.priority - a.priority ||
		late(a.publish_time, b.publish_time)
	);
}

function answerOf(mishap: Mishap & object): Answer {
	return { status: mishap.status, text: mishap.body ?? '<h1>Server Error</h1>', headers: mishap.headers ?? {} };
}

/** The comma split: every piece of the text between the brackets must be a literal of its own. */
function positionalsRead(taskArgs: string): boolean {
	const inner = taskArgs.replace(/^\(/, '').replace(/\)$/, '');
	return inner
		.split(',')
		.map((piece) => piece.trim())
		.filter((piece) => piece !== '')
		.every((piece) => readLiteral(piece).ok && !/^[+-]?(?:nan|inf)/.test(piece));
}

function cookiesOf(request: IncomingMessage): Map<string, string> {
	const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
	return new Map(pairs.map(([name = '', value = '']) => [name, value]));
}
