/** One login for many requests, which are slow, cross one another and are cancelled. What goes wrong names its seed. */
import { expect, it } from 'vitest';
import { fail, ok } from '#main/domain/result.ts';
import type { HttpRequest, HttpResponse, Send } from '#main/monitor/carrot-site/http.ts';
import { createSession } from '#main/monitor/carrot-site/session.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { manualClock } from '#test/support/manual-clock.ts';

const SEEDS = process.env.WARREN_LONG === undefined ? 200 : 5_000;
const BASE = new URL('http://site.example/carrot/');

/** A Django whose sessions a test ends; each exchange takes as long as chance wants. */
function django(random: () => number) {
	const clock = manualClock();
	const valid = new Set<string>();
	const site = { logins: 0 };
	const answer = (status: number, more: Partial<HttpResponse> = {}) =>
		ok({ status, headers: {}, cookies: [], body: '', ...more });
	const serve = ({ method, url, headers }: HttpRequest) => {
		const cookie = headers.Cookie ?? '';
		if (url.pathname === '/login/') {
			if (method === 'GET') {
				const body = '<input name="csrfmiddlewaretoken" value="tokentoken">';
				return answer(200, { body, cookies: ['csrftoken=tokentoken'] });
			}
			site.logins += 1;
			const session = `s${site.logins}`;
			valid.add(session);
			return answer(302, { headers: { location: BASE.pathname }, cookies: [`sessionid=${session}`] });
		}
		if (valid.has(/sessionid=(\w+)/.exec(cookie)?.[1] ?? '')) return answer(200);
		return answer(302, { headers: { location: `/login/?next=${BASE.pathname}` } });
	};
	const wait = (signal: AbortSignal | null) =>
		new Promise<void>((resolve) => {
			clock.after(random() * 100, resolve);
			signal?.addEventListener('abort', () => resolve());
		});
	const send: Send = async (request) => {
		const isCancelled = () => request.signal?.aborted === true;
		await wait(request.signal);
		if (isCancelled()) return fail('cancelled', 'It was cancelled.');
		const answered = serve(request);
		await wait(request.signal);
		return isCancelled() ? fail('cancelled', 'It was cancelled.') : answered;
	};
	return { clock, send, site, expire: () => valid.clear() };
}

async function storm(seed: number): Promise<readonly string[]> {
	const random = randomFrom(seed);
	const { clock, send, site, expire } = django(random);
	const faults: string[] = [];
	const credentials = async () => ok({ username: 'ann', password: 'secret' });
	const session = createSession({ base: BASE, send, credentials, now: () => clock.now() });
	for (let batch = 0; batch < 3; batch += 1) {
		expire();
		const before = site.logins;
		const asked = Array.from({ length: 8 }, async (_, index) => {
			const abort = new AbortController();
			await new Promise<void>((resolve) => void clock.after(random() * 300, resolve));
			const signal = random() < 0.7 ? abort.signal : null;
			if (random() < 0.4) clock.after(random() * 400, () => abort.abort());
			const method = random() < 0.7 ? 'GET' : 'PUT';
			const got = await session.send({ method, url: new URL('api/', BASE), headers: {}, body: null, signal });
			const isCancelled = signal?.aborted === true;
			if (got.ok ? got.value.status !== 200 : !isCancelled) {
				faults.push(`${batch}/${index}: ${got.ok ? got.value.status : got.error.message}`);
			}
		});
		await clock.advance(5_000);
		await Promise.all(asked);
		if (site.logins > before + 1) faults.push(`${batch}: ${site.logins - before} logins`);
	}
	return faults;
}

it('logs in once for all that need it, whoever cancels and in whatever order answers come', async () => {
	for (let seed = 1; seed <= SEEDS; seed += 1) {
		expect({ seed, faults: await storm(seed) }).toEqual({ seed, faults: [] });
	}
}, 600_000);

it('ends a cancelled request at once though the login that it waits for goes on for others', async () => {
	const { clock, send } = django(() => 0.5);
	const credentials = async () => ok({ username: 'ann', password: 'secret' });
	const session = createSession({ base: BASE, send, credentials, now: () => clock.now() });
	const abort = new AbortController();
	const ask = (signal: AbortSignal | null) =>
		session.send({ method: 'GET', url: new URL('api/', BASE), headers: {}, body: null, signal });
	const [left, stays] = [ask(abort.signal), ask(null)];
	// Both were redirected, and the login's page is on its way.
	await clock.advance(120);
	abort.abort();
	expect(await left).toMatchObject({ ok: false, error: { code: 'cancelled' } });
	await clock.advance(1_000);
	expect(await stays).toMatchObject({ ok: true, value: { status: 200 } });
});
