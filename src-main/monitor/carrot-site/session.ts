/**
 * Getting past a Django login. carrot's monitor is open by default; where its views are wrapped in `login_required`, an anonymous
 * request is answered by a redirect to the login page, and every change then needs the session's cookie, the CSRF cookie and its
 * value once more as a header (over HTTPS with a referrer as well).
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HttpRequest, HttpResponse, Send } from './http.ts';

export interface SiteCredentials {
	readonly username: string;
	readonly password: string;
}

export interface Session {
	/** Sends as who we are; logs in first where the site asks for it, at most once per request. */
	readonly send: Send;
	/** none: nobody asked. session: logged in. unknown: nothing was sent yet. */
	login(): 'none' | 'session' | 'unknown';
}

export interface SessionOptions {
	readonly base: URL;
	readonly send: Send;
	/** Asked for when the site wants a login; null: there are none. */
	readonly credentials: () => Promise<Result<SiteCredentials | null>>;
	/** Epoch ms. */
	readonly now: () => number;
}

/** After a refused login nobody tries again for so long: repeated tries lock accounts. */
const REFUSED_FOR_MS = 60_000;

/** Makes a session. Cookies live in memory and die with it. */
export function createSession(options: SessionOptions): Session {
	return new DjangoSession(options);
}

class DjangoSession implements Session {
	readonly #options: SessionOptions;
	readonly #cookies = new Map<string, string>();
	#state: 'none' | 'session' | 'unknown' = 'unknown';
	#loggingIn: Promise<Result<void>> | null = null;
	/** Logins that were done: what was sent before the last proves nothing of it. */
	#logins = 0;
	#refused: { readonly until: number; readonly answer: Result<never> } | null = null;

	constructor(options: SessionOptions) {
		this.#options = options;
	}

	login(): 'none' | 'session' | 'unknown' {
		return this.#state;
	}

	readonly send: Send = async (request) => {
		// A login that is under way has thrown the old cookies away.
		if (this.#loggingIn !== null) {
			const done = await unlessCancelled(this.#loggingIn, request.signal);
			if (!done.ok && request.signal?.aborted === true) return done;
		}
		const logins = this.#logins;
		const first = await this.#once(request);
		if (!first.ok) return first;
		const asked = this.#loginAsked(request, first.value);
		if (asked === null) {
			if (this.#state === 'unknown' && first.value.status < 400) this.#state = 'none';
			return first;
		}
		if (!asked.ok) return asked;
		// Another request logged in while this one was on its way: once more would throw the cookies away under others.
		if (this.#logins === logins) {
			const done = await unlessCancelled(this.#loginOnce(asked.value), request.signal);
			if (!done.ok) return done;
		}
		// The first answer proves that nothing was done, so that sending a change again is safe.
		const second = await this.#once(request);
		if (!second.ok || this.#loginAsked(request, second.value) === null) return second;
		return fail(
			'refused',
			`The monitor asks for a login again after it was given: ${this.#place()} may need more rights.`,
		);
	};

	async #once(request: HttpRequest): Promise<Result<HttpResponse>> {
		const headers: Record<string, string> = { ...request.headers };
		const cookies = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
		if (cookies !== '') headers.Cookie = cookies;
		if (request.method !== 'GET') {
			headers.Referer ??= this.#options.base.href;
			const token = this.#csrfCookie();
			if (token !== null) headers['X-CSRFToken'] = token;
		}
		const answer = await this.#options.send({ ...request, headers });
		if (answer.ok) this.#keepCookies(answer.value.cookies);
		return answer;
	}

	/** The login page, when this answer asks for one; null when it does not. */
	#loginAsked(request: HttpRequest, answer: HttpResponse): Result<URL> | null {
		if (answer.status === 403 && request.method !== 'GET' && this.#state === 'session' && /csrf/i.test(answer.body)) {
			// The session went stale between page and change. The monitor's own page leads to the login again.
			return ok(this.#options.base);
		}
		if (answer.status < 300 || answer.status > 399 || answer.headers.location === undefined) return null;
		const target = URL.parse(answer.headers.location, request.url.href);
		if (target === null) return fail('undecodable', `${this.#place()} redirects to something that is no address.`);
		if (target.pathname.replace(/\/$/, '') === request.url.pathname.replace(/\/$/, '')) {
			const right = `${target.origin}${this.#options.base.pathname}`;
			return fail('refused', `The site redirects to ${right}. Write the monitor's address so.`, {
				details: { address: right },
			});
		}
		const back = [...target.searchParams.values()].some((value) => value.includes(this.#options.base.pathname));
		if (!back && !/log-?in|sign-?in|auth|sso/i.test(target.pathname)) {
			return fail('refused', `The monitor redirects to ${target.origin}${target.pathname}, which is no login page.`);
		}
		const { base } = this.#options;
		const weaker = base.protocol === 'https:' && target.protocol !== 'https:';
		if (target.host !== base.host || weaker) {
			return fail(
				'refused',
				`The monitor asks for a login at ${target.origin}, another place than itself. User and password are not sent there.`,
			);
		}
		return ok(target);
	}

	/** Shared by all that need it, so that nobody's cancelling ends it; each exchange has its own deadline. */
	#loginOnce(page: URL): Promise<Result<void>> {
		this.#loggingIn ??= this.#logIn(page).finally(() => {
			this.#loggingIn = null;
		});
		return this.#loggingIn;
	}

	async #logIn(from: URL): Promise<Result<void>> {
		if (this.#refused !== null && this.#refused.until > this.#options.now()) return this.#refused.answer;
		this.#refused = null;
		const credentials = await this.#options.credentials();
		if (!credentials.ok) return credentials;
		if (credentials.value === null) {
			return fail(
				'refused',
				`The monitor at ${this.#place()} asks for a login. Give the profile a monitor user and password.`,
				{ details: { field: 'monitorUser' } },
			);
		}
		this.#cookies.clear();
		let page = from;
		let shown = await this.#once(get(page));
		// The monitor's own page, or a login address without its slash, leads there in a step or two.
		for (let step = 0; step < 3 && shown.ok && shown.value.status >= 300 && shown.value.status < 400; step += 1) {
			const target = URL.parse(shown.value.headers.location ?? '', page.href);
			if (target === null || target.host !== this.#options.base.host) break;
			page = target;
			shown = await this.#once(get(page));
		}
		if (!shown.ok) return shown;
		const token = hiddenToken(shown.value.body) ?? this.#csrfCookie();
		if (shown.value.status !== 200 || token === null) {
			return fail('refused', `The login page at ${page.origin}${page.pathname} is not a Django login form.`);
		}
		const next = page.searchParams.get('next');
		const form = new URLSearchParams({
			username: credentials.value.username,
			password: credentials.value.password,
			csrfmiddlewaretoken: token,
			...(next === null ? {} : { next }),
		});
		const answer = await this.#once({
			method: 'POST',
			url: page,
			headers: { 'Content-Type': 'application/x-www-form-urlencoded', Referer: page.href, Accept: 'text/html' },
			body: form.toString(),
			signal: null,
		});
		if (!answer.ok) return answer;
		const hasSession = [...this.#cookies.keys()].some((name) => !/csrf/i.test(name));
		if (answer.value.status >= 300 && answer.value.status < 400 && hasSession) {
			this.#state = 'session';
			this.#logins += 1;
			return ok(undefined);
		}
		const refusal = fail(
			'refused',
			answer.value.status === 403
				? `${this.#place()} did not accept the login form (403). Its CSRF settings may not know this address.`
				: `${this.#place()} did not take the monitor's user name and password. Correct them in the profile.`,
			{ details: { field: 'monitorPassword' } },
		);
		this.#refused = { until: this.#options.now() + REFUSED_FOR_MS, answer: refusal };
		return refusal;
	}

	#place(): string {
		return this.#options.base.host;
	}

	#csrfCookie(): string | null {
		return this.#cookies.get('csrftoken') ?? [...this.#cookies].find(([name]) => /csrf/i.test(name))?.[1] ?? null;
	}

	#keepCookies(lines: readonly string[]): void {
		for (const line of lines) {
			const [pair = '', ...attributes] = line.split(';');
			const at = pair.indexOf('=');
			if (at < 1) continue;
			const name = pair.slice(0, at).trim();
			const value = pair.slice(at + 1).trim();
			const ended = attributes.some((one) => {
				const [key = '', when = ''] = one.split('=').map((part) => part.trim());
				if (/^max-age$/i.test(key)) return Number(when) <= 0;
				return /^expires$/i.test(key) && Date.parse(when) <= this.#options.now();
			});
			if (ended || value === '' || value === '""') this.#cookies.delete(name);
			else this.#cookies.set(name, value);
		}
	}
}

function get(url: URL): HttpRequest {
	return { method: 'GET', url, headers: { Accept: 'text/html' }, body: null, signal: null };
}

/** The login's outcome, or `cancelled` for whoever does not wait for it any more. */
function unlessCancelled(login: Promise<Result<void>>, signal: AbortSignal | null): Promise<Result<void>> {
	if (signal === null) return login;
	const cancelled = () => fail('cancelled', 'It was cancelled.', { details: { sent: false } });
	if (signal.aborted) return Promise.resolve(cancelled());
	return new Promise((resolve, reject) => {
		const stop = () => resolve(cancelled());
		signal.addEventListener('abort', stop, { once: true });
		login.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
	});
}

/** The value of the form's hidden token field, found without taking the page for more than text. */
function hiddenToken(html: string): string | null {
	for (const [tag] of html.slice(0, 1_000_000).matchAll(/<input\b[^>]{0,1000}>/gi)) {
		if (!/\bname\s*=\s*["']?csrfmiddlewaretoken\b/i.test(tag)) continue;
		return /\bvalue\s*=\s*["']?([A-Za-z0-9_-]{8,200})/i.exec(tag)?.[1] ?? null;
	}
	return null;
}
