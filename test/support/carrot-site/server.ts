/**
 * A stand-in for a django-carrot site's monitor: its REST API with rows in memory, written from how the real one behaves. The quirks
 * are the point: arguments cut at every comma, a full update by PATCH, a page of 50, GETs that change everything, and a
 * `virtual_host` with the broker's password in every row.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { readLiteral } from '#main/dialects/python/read.ts';

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

export interface StandInSchedule {
	id: number;
	task_name: string | null;
	task: string;
	queue: string | null;
	exchange: string | null;
	routing_key: string | null;
	interval_type: string;
	interval_count: number;
	task_args: string | null;
	content: string | null;
	active: boolean;
}

/** How one request goes wrong: nothing is done and this status answered, or nothing at all; or it is done and not answered. */
export type Mishap = { readonly status: number; readonly body?: string } | 'break' | 'break-after' | 'hang';

export interface StandInOptions {
	/** Path it is mounted at. */
	readonly mount?: string;
	/** Login with these asked for by every view. */
	readonly login?: { readonly username: string; readonly password: string };
	/** Where the login page is; `elsewhere` redirects to another host. */
	readonly loginPath?: string;
	/** 0.5: no task choices, no argument checks, no names of schedules. */
	readonly release?: 'last' | '0.5';
	/** Times without a zone, this many minutes east of UTC. */
	readonly naive?: number;
	readonly tls?: { readonly cert: string; readonly key: string };
	/** Tasks that the web process can't import: publishing or requeueing them answers 500. */
	readonly notImportable?: readonly string[];
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
	/** Called with each row that is published, as the broker would get its message. */
	onPublish(listener: (row: StandInRow) => void): void;
	/** Ends all sessions, as a restart of the site's cache does. */
	endSessions(): void;
	/** Logins that were tried. */
	readonly logins: { ok: number; refused: number };
}

/** What stands in every row's `virtual_host`; nothing of Warren's may ever hold it. */
export const CANARY = 'amqp://broker-user:canary-3f9a1c-password@broker.internal:5672/site';

const PAGE = 50;

/** Starts it on a free loopback port. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandInSite> {
	const site = new Site(options);
	await site.listen();
	return site;
}

interface Answer {
	readonly status: number;
	readonly json?: unknown;
	readonly text?: string;
	readonly type?: string;
	readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

class Site implements StandInSite {
	readonly rows = new Map<number, StandInRow>();
	readonly schedules = new Map<number, StandInSchedule>();
	readonly requests: string[] = [];
	readonly logins = { ok: 0, refused: 0 };
	readonly #options: StandInOptions;
	readonly #server: Server;
	readonly #mount: string;
	readonly #sessions = new Set<string>();
	readonly #published: ((row: StandInRow) => void)[] = [];
	#mishaps: { readonly pattern: RegExp; readonly what: Mishap; times: number }[] = [];
	#nextRow = 1;
	#nextSchedule = 1;
	url = '';

	constructor(options: StandInOptions) {
		this.#options = options;
		this.#mount = options.mount ?? '/carrot/';
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

	addSchedule(schedule: Partial<StandInSchedule> = {}): StandInSchedule {
		const id = this.#nextSchedule++;
		const made: StandInSchedule = {
			id,
			task_name: `schedule ${id}`,
			task: 'shop.tasks.add',
			queue: 'default',
			exchange: null,
			routing_key: null,
			interval_type: 'seconds',
			interval_count: 60,
			task_args: '',
			content: '{}',
			active: true,
			...schedule,
		};
		this.schedules.set(made.id, made);
		return made;
	}

	mishap(pattern: RegExp, what: Mishap, times = 1): void {
		this.#mishaps.push({ pattern, what, times });
	}

	clearMishaps(): void {
		this.#mishaps = [];
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
		const url = new URL(request.url ?? '/', 'http://stand-in');
		const what = `${request.method ?? 'GET'} ${url.pathname}${url.search}`;
		this.requests.push(what);
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const body = Buffer.concat(chunks).toString('utf8');
		const mishap = this.#mishaps.find((one) => one.pattern.test(what));
		if (mishap !== undefined) {
			mishap.times -= 1;
			this.#mishaps = this.#mishaps.filter((one) => one.times > 0);
			if (mishap.what === 'break') return void response.destroy();
			if (mishap.what === 'hang') return;
			if (mishap.what === 'break-after') {
				this.#answer(request, url, body);
				return void response.destroy();
			}
			return send(response, { status: mishap.what.status, text: mishap.what.body ?? '<h1>Server Error</h1>' });
		}
		send(response, this.#answer(request, url, body));
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
		return this.#api(method, path, url, body);
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

	#api(method: string, path: string, url: URL, body: string): Answer {
		const list = /^api\/message-logs\/(published|failed|completed)\/$/.exec(path);
		if (list !== null) return this.#list(method, list[1] ?? '', url);
		if (path === 'api/message-logs/purge/' && this.#options.release !== '0.5') return this.#purge(url);
		const row = /^api\/message-logs\/(\d+)\/$/.exec(path);
		if (row !== null) return this.#row(method, Number(row[1]));
		const run = /^api\/scheduled-tasks\/(\d+)\/run\/$/.exec(path);
		if (run !== null && method === 'GET') return this.#run(Number(run[1]));
		const old = this.#options.release === '0.5';
		if (path === 'api/scheduled-tasks/task-choices/' && !old) {
			return { status: 200, json: ['shop.tasks.add', 'shop.tasks.create_scheduled_task'] };
		}
		if (path === 'api/scheduled-tasks/validate-args/' && !old && method === 'POST') {
			const { args } = JSON.parse(body) as { readonly args: string };
			return { status: 200, json: { errors: argsErrors(args) } };
		}
		if (path === 'api/scheduled-tasks/') return this.#schedules(method, url, body);
		const one = /^api\/scheduled-tasks\/(\d+)\/$/.exec(path);
		return one === null ? notFoundPage() : this.#schedule(method, Number(one[1]), body);
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

	#publish(
		from: Pick<StandInRow, 'task' | 'queue' | 'exchange' | 'routing_key' | 'priority' | 'task_args' | 'content'>,
	): StandInRow {
		const { task, queue, exchange, routing_key, priority, task_args, content } = from;
		const row = this.add({ task, queue, exchange, routing_key, priority, task_args, content });
		for (const listener of this.#published) listener(row);
		return row;
	}

	#run(id: number): Answer {
		const schedule = this.schedules.get(id);
		if (schedule === undefined) return notFound();
		if (this.#options.notImportable?.includes(schedule.task) === true) return failed('ImportError');
		const { task, queue, exchange } = schedule;
		const pieces = (schedule.task_args ?? '').split(',').map((piece) => piece.trim());
		const strings = pieces.filter((piece) => piece !== '').map((piece) => `'${piece}'`);
		const task_args = strings.length === 0 ? '()' : `(${strings.join(', ')}${strings.length === 1 ? ',' : ''})`;
		const routing_key = schedule.routing_key ?? queue;
		const content = schedule.content === null || schedule.content === '' ? '{}' : schedule.content;
		this.#publish({ task, queue, exchange: exchange ?? '', routing_key, priority: 0, task_args, content });
		return { status: 200, json: this.#shownSchedule(schedule) };
	}

	#schedules(method: string, url: URL, body: string): Answer {
		if (method === 'GET') {
			return page(
				url,
				[...this.schedules.values()].map((one) => this.#shownSchedule(one)),
			);
		}
		if (method !== 'POST') return { status: 405, json: { detail: 'Method not allowed.' } };
		const fields = JSON.parse(body) as Partial<StandInSchedule>;
		const problems = this.#problems(fields, null);
		if (Object.keys(problems).length > 0) return { status: 400, json: problems };
		return { status: 201, json: this.#shownSchedule(this.addSchedule({ active: true, ...fields })) };
	}

	#schedule(method: string, id: number, body: string): Answer {
		const schedule = this.schedules.get(id);
		if (schedule === undefined) return notFound();
		if (method === 'GET') return { status: 200, json: this.#shownSchedule(schedule) };
		if (method === 'DELETE') {
			this.schedules.delete(id);
			return { status: 204 };
		}
		if (method !== 'PATCH') return { status: 405, json: { detail: 'Method "PUT" not allowed.' } };
		const fields = JSON.parse(body) as Partial<StandInSchedule>;
		const problems = this.#problems(fields, id);
		if (Object.keys(problems).length > 0) return { status: 400, json: problems };
		Object.assign(schedule, fields);
		return { status: 200, json: this.#shownSchedule(schedule) };
	}

	#problems(fields: Partial<StandInSchedule>, own: number | null): Record<string, string[]> {
		const problems: Record<string, string[]> = {};
		const needed = ['task', 'queue', 'interval_type', 'interval_count', 'task_name'] as const;
		for (const name of needed) if (fields[name] === undefined) problems[name] = ['This field is required.'];
		if (fields.task_name === '') problems.task_name = ['This field may not be blank.'];
		const taken = [...this.schedules.values()].some((one) => one.id !== own && one.task_name === fields.task_name);
		if (taken) problems.task_name = ['scheduled task with this task name already exists.'];
		if (fields.interval_type !== undefined && !['seconds', 'minutes', 'hours', 'days'].includes(fields.interval_type)) {
			problems.interval_type = [`"${fields.interval_type}" is not a valid choice.`];
		}
		if (fields.interval_count !== undefined && fields.interval_count < 1) {
			problems.interval_count = ['Ensure this value is greater than or equal to 1.'];
		}
		const errors = argsErrors(fields.task_args ?? '');
		if (errors.length > 0) problems.task_args = errors;
		return problems;
	}

	#shownSchedule(schedule: StandInSchedule): Readonly<Record<string, unknown>> {
		const every = schedule.interval_count === 1 ? schedule.interval_type.replace(/s$/, '') : schedule.interval_type;
		const { task_name, ...rest } = schedule;
		const named = this.#options.release === '0.5' ? {} : { task_name };
		return { ...rest, ...named, interval_display: `Every ${schedule.interval_count} ${every}` };
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

function page(url: URL, all: readonly unknown[]): Answer {
	const number = Number(url.searchParams.get('page') ?? '1');
	const last = Math.max(1, Math.ceil(all.length / PAGE));
	if (!Number.isInteger(number) || number < 1 || number > last)
		return { status: 404, json: { detail: 'Invalid page.' } };
	const at = (other: number) => `${url.pathname}?page=${other}`;
	return {
		status: 200,
		json: {
			count: all.length,
			next: number < last ? at(number + 1) : null,
			previous: number > 1 ? at(number - 1) : null,
			results: all.slice((number - 1) * PAGE, number * PAGE),
		},
	};
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

function argsErrors(text: string): string[] {
	return text
		.split(',')
		.map((piece) => piece.trim())
		.filter((piece) => piece !== '' && !readLiteral(piece).ok)
		.map((piece) => `Error parsing argument ${piece}: malformed`);
}

/** Django's debug page, which shows settings to whoever reads it. */
function failed(exception: string): Answer {
	return {
		status: 500,
		text: `<html><head><title>${exception} at /carrot/api/message-logs/</title></head><body>CARROT = {'default_broker': '${CANARY}'}</body></html>`,
	};
}

function notFound(): Answer {
	return { status: 404, json: { detail: 'Not found.' } };
}

function notFoundPage(): Answer {
	return { status: 404, text: '<h1>Not Found</h1>' };
}

function cookiesOf(request: IncomingMessage): Map<string, string> {
	const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
	return new Map(pairs.map(([name = '', value = '']) => [name, value]));
}

function send(response: ServerResponse, answer: Answer): void {
	const json = answer.json !== undefined;
	const body = json ? JSON.stringify(answer.json) : (answer.text ?? '');
	response.writeHead(answer.status, {
		'content-type': json ? 'application/json' : 'text/html; charset=utf-8',
		...(answer.headers as Record<string, string | string[]>),
	});
	response.end(body);
}
