/**
 * carrot's monitor as a typed client. It knows the single-row endpoints only: the bulk ones stop at the first error half way, one of
 * them ignores its filter, and two are GETs that purge and requeue everything.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { TlsOptions } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type {
	SiteFeatures,
	SitePage,
	SiteRow,
	SiteSchedule,
	SiteScheduleEdit,
	SiteScheduleFields,
	SiteSchedulePage,
	SiteTab,
} from '#main/domain/site.ts';
import { learnOffset, readPage, readProblems, readRow, readSchedule } from './answers.ts';
import { createSender, type HttpLimits, type HttpRequest, type HttpResponse } from './http.ts';
import { createSession, type Session, type SessionOptions } from './session.ts';

/**
 * Failures of every call: `unreachable`, `timeout`, `refused` (login, permission, certificate, 5xx; `details.status`),
 * `not-found`, `invalid-input` (`details.problems`, in the site's words), `unsupported` (older releases), `undecodable`,
 * `too-large`, `cancelled`. For changes, `details.sent` says whether the site may have received one that got no answer.
 */
export interface SiteClient extends Disposable {
	/** One page of 50. A page beyond the last is `not-found`. `search`: part of task or arguments. */
	page(tab: SiteTab, page: number, search: string, signal?: AbortSignal): Promise<Result<SitePage<SiteRow>>>;
	row(id: number, signal?: AbortSignal): Promise<Result<SiteRow>>;
	/** The site publishes the row again and deletes it; answers with the new row. */
	requeue(id: number): Promise<Result<SiteRow>>;
	/** Deletes the row. Its message stays in the queue, if it still waits there. */
	remove(id: number): Promise<Result<void>>;
	/** In no order: a row that changes may move to another page. */
	schedules(page: number, signal?: AbortSignal): Promise<Result<SiteSchedulePage>>;
	schedule(id: number, signal?: AbortSignal): Promise<Result<SiteSchedule>>;
	addSchedule(fields: SiteScheduleFields): Promise<Result<SiteSchedule>>;
	/** What is left out keeps its value, since the body is JSON; in a form it would not. */
	editSchedule(id: number, fields: SiteScheduleEdit): Promise<Result<SiteSchedule>>;
	removeSchedule(id: number): Promise<Result<void>>;
	/** Publishes a schedule's task now, active or not. A GET that changes something: sent once, never repeated. */
	runSchedule(id: number): Promise<Result<void>>;
	/** Names of tasks that the site offers; null: this release has no such list. */
	taskChoices(): Promise<Result<readonly string[] | null>>;
	/** The site's complaints about positional arguments; null: this release does not check. */
	validateArgs(text: string): Promise<Result<readonly string[] | null>>;
	/** What this release offers, found without touching anything. */
	features(): Promise<Result<SiteFeatures>>;
	login(): 'none' | 'session' | 'unknown';
}

export interface SiteClientOptions {
	/** The monitor's address, ending in a slash, without credentials. */
	readonly base: string;
	readonly tls: TlsOptions | null;
	readonly credentials: SessionOptions['credentials'];
	readonly clock: Clock;
	/** How Warren calls itself. */
	readonly agent: string;
	readonly limits?: Partial<HttpLimits>;
}

/** Lists carry whole logs and tracebacks, so answers can be large. */
const LIMITS: HttpLimits = { deadlineMs: 20_000, bytes: 64 * 1024 * 1024 };
/** Pauses before a GET is tried again. */
const PAUSES_MS = [250, 1_000];
/** Told by a proxy when the site behind it is away for a moment. */
const PASSING = [502, 503, 504];
/** Characters shown of a schedule that could not be read. */
const RAW_SHOWN = 4_000;

/** Makes a client; nothing is sent until it is asked something. Dispose of it to close idle connections. */
export function createSiteClient(options: SiteClientOptions): SiteClient {
	return new CarrotSite(options);
}

class CarrotSite implements SiteClient {
	readonly #options: SiteClientOptions;
	readonly #base: URL;
	readonly #session: Session;
	readonly #sender: ReturnType<typeof createSender>;
	#naiveOffset: number | null = null;

	constructor(options: SiteClientOptions) {
		this.#options = options;
		this.#base = new URL(options.base);
		this.#sender = createSender(options.tls, { ...LIMITS, ...options.limits });
		const { credentials, clock } = options;
		this.#session = createSession({ base: this.#base, send: this.#sender.send, credentials, now: () => clock.now() });
	}

	login(): 'none' | 'session' | 'unknown' {
		return this.#session.login();
	}

	async page(tab: SiteTab, page: number, search: string, signal?: AbortSignal): Promise<Result<SitePage<SiteRow>>> {
		const query = { ...(page > 1 ? { page: String(page) } : {}), ...(search === '' ? {} : { search }) };
		return this.#list(`api/message-logs/${tab}/`, query, page, signal, (raw) => this.#readRow(raw));
	}

	async row(id: number, signal?: AbortSignal): Promise<Result<SiteRow>> {
		const answer = await this.#get(`api/message-logs/${id}/`, {}, signal);
		return answer.ok ? this.#readRow(answer.value) : answer;
	}

	async requeue(id: number): Promise<Result<SiteRow>> {
		const answer = await this.#change('PUT', `api/message-logs/${id}/`, {});
		return answer.ok ? this.#readRow(answer.value) : answer;
	}

	async remove(id: number): Promise<Result<void>> {
		const answer = await this.#change('DELETE', `api/message-logs/${id}/`, null);
		return answer.ok ? ok(undefined) : answer;
	}

	async schedules(page: number, signal?: AbortSignal): Promise<Result<SiteSchedulePage>> {
		const query: Record<string, string> = page > 1 ? { page: String(page) } : {};
		const broken: { readonly reason: string; readonly raw: string }[] = [];
		const read = await this.#list('api/scheduled-tasks/', query, page, signal, (raw) => {
			const schedule = readSchedule(raw);
			if (!schedule.ok) {
				const text = JSON.stringify(raw) ?? '';
				broken.push({ reason: schedule.error.message, raw: text.slice(0, RAW_SHOWN) });
			}
			return schedule;
		});
		return read.ok ? ok({ ...read.value, broken }) : read;
	}

	async schedule(id: number, signal?: AbortSignal): Promise<Result<SiteSchedule>> {
		const answer = await this.#get(`api/scheduled-tasks/${id}/`, {}, signal);
		return answer.ok ? readSchedule(answer.value) : answer;
	}

	async addSchedule(fields: SiteScheduleFields): Promise<Result<SiteSchedule>> {
		const answer = await this.#change('POST', 'api/scheduled-tasks/', written(fields));
		return answer.ok ? readSchedule(answer.value) : answer;
	}

	async editSchedule(id: number, fields: SiteScheduleEdit): Promise<Result<SiteSchedule>> {
		const answer = await this.#change('PATCH', `api/scheduled-tasks/${id}/`, written(fields));
		return answer.ok ? readSchedule(answer.value) : answer;
	}

	async removeSchedule(id: number): Promise<Result<void>> {
		const answer = await this.#change('DELETE', `api/scheduled-tasks/${id}/`, null);
		return answer.ok ? ok(undefined) : answer;
	}

	async runSchedule(id: number): Promise<Result<void>> {
		const answer = await this.#exchange('GET', `api/scheduled-tasks/${id}/run/`, {}, null);
		if (!answer.ok) return answer;
		const read = this.#read(answer.value);
		return read.ok ? ok(undefined) : read;
	}

	async taskChoices(): Promise<Result<readonly string[] | null>> {
		const answer = await this.#get('api/scheduled-tasks/task-choices/', {});
		if (!answer.ok) return isMissing(answer.error) ? ok(null) : answer;
		const names = Array.isArray(answer.value) ? answer.value : [];
		return ok(names.filter((name): name is string => typeof name === 'string'));
	}

	async validateArgs(args: string): Promise<Result<readonly string[] | null>> {
		const answer = await this.#change('POST', 'api/scheduled-tasks/validate-args/', { args });
		if (!answer.ok) return isMissing(answer.error) ? ok(null) : answer;
		const { errors } = (answer.value ?? {}) as { readonly errors?: unknown };
		return ok(Array.isArray(errors) ? errors.map(String) : []);
	}

	async features(): Promise<Result<SiteFeatures>> {
		const messages = await this.page('published', 1, '');
		if (!messages.ok) return messages;
		const choices = await this.taskChoices();
		const schedules = await this.#get('api/scheduled-tasks/', {});
		const page = schedules.ok ? readPage(schedules.value) : schedules;
		const checks = choices.ok && choices.value === null ? ok(null) : await this.validateArgs('');
		const sample = page.ok ? page.value.results[0] : undefined;
		const named = typeof sample === 'object' && sample !== null ? 'task_name' in sample : null;
		const hasSchedules = page.ok ? true : isMissing(page.error) ? false : null;
		const hasChoices = choices.ok ? choices.value !== null : null;
		return ok({
			schedules: hasSchedules,
			taskChoices: hasChoices,
			validateArgs: checks.ok ? checks.value !== null : null,
			taskNames: named,
			release:
				hasChoices === false
					? '0.5 or about: no list of task choices'
					: named === false
						? 'before 1.2: schedules have no names'
						: named === true
							? '1.2 or later'
							: '1.0 or later',
		});
	}

	[Symbol.dispose](): void {
		this.#sender[Symbol.dispose]();
	}

	async #list<T>(
		path: string,
		query: Readonly<Record<string, string>>,
		page: number,
		signal: AbortSignal | undefined,
		read: (raw: unknown) => Result<T>,
	): Promise<Result<SitePage<T>>> {
		const answer = await this.#get(path, query, signal);
		if (!answer.ok) {
			return page > 1 && answer.error.code === 'not-found'
				? fail('not-found', `There is no page ${page} any more.`, { details: { page } })
				: answer;
		}
		const raw = readPage(answer.value);
		if (!raw.ok) return raw;
		this.#naiveOffset ??= learnOffset(raw.value.results);
		const items: T[] = [];
		const unreadable: string[] = [];
		for (const one of raw.value.results) {
			const item = read(one);
			if (item.ok) items.push(item.value);
			else unreadable.push(item.error.message);
		}
		const at = this.#options.clock.now();
		return ok({ items, total: raw.value.count, page, more: raw.value.more, at, unreadable });
	}

	#readRow(raw: unknown): Result<SiteRow> {
		return readRow(raw, { naiveOffset: this.#naiveOffset });
	}

	/** A GET that changes nothing: tried again when the network or a proxy had a bad moment. */
	async #get(path: string, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Result<unknown>> {
		const isCancelled = () => signal?.aborted === true;
		for (let attempt = 0; ; attempt += 1) {
			const answer = await this.#exchange('GET', path, query, null, signal);
			const passing = answer.ok ? PASSING.includes(answer.value.status) : answer.error.code === 'unreachable';
			const pause = PAUSES_MS[attempt];
			if (!passing || pause === undefined || isCancelled()) return answer.ok ? this.#read(answer.value) : answer;
			await this.#pause(pause, signal);
			if (isCancelled()) return fail('cancelled', 'It was cancelled.');
		}
	}

	/** Waits so many ms, or until the signal fires. */
	#pause(ms: number, signal?: AbortSignal): Promise<void> {
		return new Promise((resolve) => {
			const done = () => {
				timer[Symbol.dispose]();
				signal?.removeEventListener('abort', done);
				resolve();
			};
			const timer = this.#options.clock.after(ms, done);
			signal?.addEventListener('abort', done, { once: true });
		});
	}

	/** A change: sent once. What got no answer may have been carried out, and says so. */
	async #change(method: HttpRequest['method'], path: string, body: unknown): Promise<Result<unknown>> {
		const answer = await this.#exchange(method, path, {}, body);
		return answer.ok ? this.#read(answer.value) : answer;
	}

	#exchange(
		method: HttpRequest['method'],
		path: string,
		query: Readonly<Record<string, string>>,
		body: unknown,
		signal?: AbortSignal,
	): Promise<Result<HttpResponse>> {
		const url = new URL(path, this.#base);
		for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
		const headers = { Accept: 'application/json', 'User-Agent': this.#options.agent };
		// Always JSON: in a form, an absent `active` would mean false.
		const typed = body === null ? headers : { ...headers, 'Content-Type': 'application/json' };
		const text = body === null ? null : JSON.stringify(body);
		const length = method === 'GET' ? {} : { 'Content-Length': String(Buffer.byteLength(text ?? '')) };
		return this.#session.send({ method, url, headers: { ...typed, ...length }, body: text, signal: signal ?? null });
	}

	/** The answer's JSON, or its refusal in words. Bodies of error pages are never repeated: they may show settings. */
	#read(answer: HttpResponse): Result<unknown> {
		const { status } = answer;
		const { host } = this.#base;
		if (status === 204) return ok(null);
		const json = parsed(answer.body);
		if (status >= 200 && status < 300) {
			if (json !== undefined) return ok(json);
			return fail('undecodable', `${host} answered with something else than JSON. Check the monitor's address.`, {
				details: { status },
			});
		}
		const details = { status };
		const problems = readProblems(json);
		const said = problems
			.map((one) => (one.field === 'detail' ? one.message : `${one.field}: ${one.message}`))
			.join(' ');
		switch (status) {
			case 400:
				return fail('invalid-input', said === '' ? 'The site refused it (400).' : `The site refused it: ${said}`, {
					details: { status, problems },
				});
			case 401:
				return fail('refused', `${host} asks for HTTP credentials (401), which come from a server before the site.`, {
					details,
				});
			case 403:
				return fail('refused', `${host} forbids it (403)${said === '' ? '' : `: ${said}`}`, { details });
			case 404:
				return fail('not-found', 'The site does not have it (404).', {
					details: { status, answered: json !== undefined },
				});
			case 405:
				return fail('unsupported', 'This release of carrot does not offer that (405).', { details });
			default:
				return fail('refused', `${host} failed with ${status}${exceptionIn(answer.body)}.`, { details });
		}
	}
}

function parsed(body: string): unknown {
	try {
		return JSON.parse(body) as unknown;
	} catch {
		// Not JSON: pages of errors and logins are HTML. The caller says so in words.
		return undefined;
	}
}

/** The exception that Django's debug page names, and nothing else of it. */
function exceptionIn(body: string): string {
	const found = /^\s*([A-Za-z_][\w.]{0,80}) at \/|<title>\s*([A-Za-z_][\w.]{0,80})\s+at \//.exec(body.slice(0, 2_000));
	const name = found?.[1] ?? found?.[2];
	return name === undefined ? '' : ` (${name})`;
}

/** An address that this release does not have. */
function isMissing(error: { readonly code: string }): boolean {
	return error.code === 'not-found' || error.code === 'unsupported';
}

/** As the API names them. JSON leaves out what is undefined. */
function written(fields: SiteScheduleEdit): Readonly<Record<string, unknown>> {
	return {
		task_name: fields.name,
		task: fields.task,
		queue: fields.queue,
		exchange: fields.exchange,
		routing_key: fields.routingKey,
		interval_type: fields.intervalType,
		interval_count: fields.intervalCount,
		task_args: fields.argsText,
		content: fields.content,
		active: fields.active,
	};
}
