import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '#main/domain/clock.ts';
import type { TlsOptions } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { createSiteClient, type SiteClient } from '#main/monitor/carrot-site/client.ts';
import type { SiteCredentials } from '#main/monitor/carrot-site/session.ts';
import { CANARY } from '#test/support/carrot-site/answers.ts';
import { type StandInOptions, type StandInSite, startStandIn } from '#test/support/carrot-site/server.ts';

const stack: (AsyncDisposable | Disposable)[] = [];
afterEach(async () => {
	for (const one of stack.splice(0).toReversed()) {
		if (Symbol.asyncDispose in one) await one[Symbol.asyncDispose]();
		else one[Symbol.dispose]();
	}
});

async function start(options: StandInOptions = {}): Promise<StandInSite> {
	const site = await startStandIn(options);
	stack.push(site);
	return site;
}

function client(
	site: StandInSite,
	more: {
		readonly login?: SiteCredentials;
		readonly tls?: TlsOptions;
		readonly deadlineMs?: number;
		readonly bytes?: number;
	} = {},
): SiteClient {
	const made = createSiteClient({
		base: site.url,
		tls: more.tls ?? null,
		credentials: async () => ok(more.login ?? null),
		clock: systemClock,
		agent: 'Warren test',
		limits: {
			...(more.deadlineMs === undefined ? {} : { deadlineMs: more.deadlineMs }),
			...(more.bytes === undefined ? {} : { bytes: more.bytes }),
		},
	});
	stack.push(made);
	return made;
}

function value<T>(result: Result<T>): T {
	if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
	return result.value;
}
const code = (result: Result<unknown>) => (result.ok ? 'ok' : result.error.code);
const LOGIN = { username: 'ann', password: 'pa ss&=wörd' };

describe('reading a monitor', () => {
	it('pages through a list of 120 rows and says when a page is not there', async () => {
		const site = await start();
		for (let n = 0; n < 120; n += 1) site.add({ status: 'FAILED', failure_time: new Date(n).toISOString() });
		const monitor = client(site);
		const first = value(await monitor.page('failed', 1, ''));
		const third = value(await monitor.page('failed', 3, ''));
		expect([first.items.length, first.total, first.more]).toEqual([50, 120, true]);
		expect([third.items.length, third.more]).toEqual([20, false]);
		expect(code(await monitor.page('failed', 4, ''))).toBe('not-found');
	});

	it('searches and finds one row, under any mount path', async () => {
		const site = await start({ mount: '/ops/tasks/monitor/' });
		const wanted = site.add({ task: 'shop.tasks.refund', priority: 4 });
		site.add();
		const monitor = client(site);
		expect(value(await monitor.page('published', 1, 'REFUND')).items.map((row) => row.id)).toEqual([wanted.id]);
		expect(value(await monitor.row(wanted.id)).priority).toBe(4);
		expect(code(await monitor.row(9_999))).toBe('not-found');
	});

	it('never lets the broker credentials of virtual_host in, nor repeats a debug page that shows them', async () => {
		const site = await start();
		const row = site.add({ status: 'FAILED', task_args: "('a, b',)" });
		const monitor = client(site);
		const answers = [
			await monitor.page('failed', 1, ''),
			await monitor.row(row.id),
			await monitor.requeue(row.id),
			await monitor.features(),
		];
		expect(code(answers[2] as Result<unknown>)).toBe('refused');
		expect(JSON.stringify(answers)).toContain('SyntaxError');
		expect(JSON.stringify(answers)).not.toContain(CANARY);
		expect(JSON.stringify(answers)).not.toContain('canary');
	});

	it('learns the zone of a site that prints none from the logs of finished rows', async () => {
		const site = await start({ naive: -360 });
		const at = Date.UTC(2026, 10, 21, 12, 0, 3);
		const line = 'default-consumer-1 2026-11-21 12:00:03,000 INFO:: Task a.b completed successfully with response None';
		const time = (ms: number) => new Date(ms - 360 * 60_000).toISOString().replace('Z', '000');
		site.add({ status: 'COMPLETED', publish_time: time(at - 3_000), completion_time: time(at), log: line });
		const monitor = client(site);
		expect(value(await monitor.page('completed', 1, '')).items[0]).toMatchObject({ completedAt: at, utcOffset: -360 });
	});

	it('counts rows that it cannot read instead of failing the page', async () => {
		const site = await start();
		site.add();
		Object.assign(site.add(), { id: 'seven' });
		const page = value(await client(site).page('published', 1, ''));
		expect(page.items).toHaveLength(1);
		expect(page.unreadable).toEqual(['A row has no id.']);
	});

	it('tries a plain GET again after a broken connection or a proxy error, and no more than thrice', async () => {
		const site = await start();
		site.mishap(/^GET .*published/, 'break');
		site.mishap(/^GET .*failed/, { status: 503 }, 9);
		const monitor = client(site);
		expect(code(await monitor.page('published', 1, ''))).toBe('ok');
		expect(code(await monitor.page('failed', 1, ''))).toBe('refused');
		expect(site.requests.filter((one) => one.includes('failed'))).toHaveLength(3);
	});

	it('gives up on a site that does not answer, and on an answer without end', async () => {
		const site = await start();
		for (let n = 0; n < 40; n += 1) site.add({ log: 'x'.repeat(2_000) });
		site.mishap(/completed/, 'hang');
		expect(code(await client(site, { deadlineMs: 300 }).page('completed', 1, ''))).toBe('timeout');
		expect(code(await client(site, { bytes: 10_000 }).page('published', 1, ''))).toBe('too-large');
		const gone = await startStandIn();
		await gone[Symbol.asyncDispose]();
		expect(code(await client(gone).page('published', 1, ''))).toBe('unreachable');
	});

	it('stops when it is cancelled', async () => {
		const site = await start();
		site.mishap(/published/, 'hang');
		const stop = new AbortController();
		const answer = client(site).page('published', 1, '', stop.signal);
		stop.abort();
		expect(code(await answer)).toBe('cancelled');
	});

	it('says that something is no carrot monitor', async () => {
		const site = await start();
		site.mishap(/published/, { status: 200, body: '<html>hello</html>' });
		const answer = await client(site).page('published', 1, '');
		expect(code(answer)).toBe('undecodable');
	});
});

describe('changing a site', () => {
	it('requeues one row and answers with the new one', async () => {
		const site = await start();
		const row = site.add({ status: 'FAILED', task_args: '(1, 2)', priority: 9 });
		const made = value(await client(site).requeue(row.id));
		expect(made.uuid).not.toBe(row.uuid);
		expect(made).toMatchObject({ status: 'PUBLISHED', argsText: '(1, 2)', priority: 9 });
		expect([...site.rows.keys()]).toEqual([made.id]);
	});

	it('sends a change once, whatever happens to it, and says that it may have been carried out', async () => {
		const site = await start();
		const row = site.add({ status: 'FAILED' });
		site.mishap(/^(PUT|DELETE|GET .*run)/, 'break', 3);
		const monitor = client(site);
		const schedule = site.addSchedule();
		const answers = [
			await monitor.requeue(row.id),
			await monitor.remove(row.id),
			await monitor.runSchedule(schedule.id),
		];
		for (const answer of answers) expect(answer.ok ? null : answer.error.details?.sent).toBe(true);
		expect(site.requests).toHaveLength(3);
	});

	it('keeps schedules: all fields at every change, as the full update wants it', async () => {
		const site = await start();
		const monitor = client(site);
		const fields = {
			name: 'nightly',
			task: 'shop.tasks.add',
			queue: 'default',
			exchange: null,
			routingKey: null,
			intervalCount: 2,
			intervalType: 'hours' as const,
			argsText: '1, 2',
			content: '{"a": 1}',
			active: false,
		};
		const made = value(await monitor.addSchedule(fields));
		expect(made).toMatchObject({ name: 'nightly', intervalMs: 7_200_000, active: false });
		const again = await monitor.addSchedule(fields);
		expect(again.ok ? '' : again.error.message).toContain('task_name');
		expect(value(await monitor.editSchedule(made.id, { ...fields, intervalCount: 3 })).intervalCount).toBe(3);
		const wrong = await monitor.editSchedule(made.id, { ...fields, argsText: '[1,2]' });
		expect(wrong.ok ? null : wrong.error.details?.problems).toMatchObject([{ field: 'task_args' }]);
		value(await monitor.runSchedule(made.id));
		expect([...site.rows.values()][0]?.task_args).toBe("('1', '2')");
		value(await monitor.removeSchedule(made.id));
		expect(value(await monitor.schedules(1)).items).toEqual([]);
		expect(value(await monitor.validateArgs("'a,b'"))).toHaveLength(2);
		expect(value(await monitor.taskChoices())).toContain('shop.tasks.add');
	});

	it('finds out what an old release lacks without touching a thing', async () => {
		const site = await start({ release: '0.5' });
		const row = site.add();
		site.addSchedule();
		const monitor = client(site);
		expect(value(await monitor.features())).toMatchObject({ schedules: true, taskChoices: false, taskNames: false });
		expect(value(await monitor.taskChoices())).toBeNull();
		expect(value(await monitor.validateArgs('1'))).toBeNull();
		expect([...site.rows.keys()]).toEqual([row.id]);
		expect(site.requests.join()).not.toMatch(/purge|requeue|run/);
	});
});

describe('logging in', () => {
	it('asks for a login only where the site does', async () => {
		const site = await start();
		const monitor = client(site, { login: LOGIN });
		await monitor.page('failed', 1, '');
		expect(monitor.login()).toBe('none');
	});

	it('logs in with session and CSRF, and changes things then', async () => {
		const site = await start({ login: LOGIN });
		const row = site.add({ status: 'FAILED' });
		const monitor = client(site, { login: LOGIN });
		expect(value(await monitor.page('failed', 1, '')).total).toBe(1);
		value(await monitor.requeue(row.id));
		expect(monitor.login()).toBe('session');
		expect(site.logins).toEqual({ ok: 1, refused: 0 });
	});

	it('logs in again by itself when its session has ended, also in the middle of a change, which happens once', async () => {
		const site = await start({ login: LOGIN });
		const row = site.add({ status: 'FAILED' });
		const monitor = client(site, { login: LOGIN });
		value(await monitor.page('failed', 1, ''));
		site.endSessions();
		value(await monitor.requeue(row.id));
		expect(site.logins.ok).toBe(2);
		expect(site.rows.size).toBe(1);
	});

	it('shares one login between requests that come together', async () => {
		const site = await start({ login: LOGIN });
		const monitor = client(site, { login: LOGIN });
		const answers = await Promise.all([1, 2, 3, 4].map(() => monitor.page('failed', 1, '')));
		expect(answers.map(code)).toEqual(['ok', 'ok', 'ok', 'ok']);
		expect(site.logins.ok).toBe(1);
	});

	it('says what is missing without credentials, and tries wrong ones only once', async () => {
		const site = await start({ login: LOGIN });
		const nobody = await client(site).page('failed', 1, '');
		expect(nobody.ok ? '' : nobody.error.message).toContain('asks for a login');
		const wrong = client(site, { login: { username: 'ann', password: 'guess' } });
		const answers = [await wrong.page('failed', 1, ''), await wrong.page('failed', 1, '')];
		expect(answers.map(code)).toEqual(['refused', 'refused']);
		expect(site.logins.refused).toBe(1);
		expect(JSON.stringify(answers)).not.toContain('guess');
	});

	it('never sends the password to another host', async () => {
		const other = await start({ login: LOGIN });
		const target = `${new URL(other.url).origin}/accounts/login/?next=/carrot/`;
		const redirecting = await startRedirect(target);
		const elsewhere = createSiteClient({
			base: redirecting.url,
			tls: null,
			credentials: async () => ok(LOGIN),
			clock: systemClock,
			agent: 'Warren test',
		});
		stack.push(elsewhere);
		const answer = await elsewhere.page('failed', 1, '');
		expect(answer.ok ? '' : answer.error.message).toContain('another place');
		expect(other.requests).toEqual([]);
	});
});

describe('a monitor behind a certificate of the house', () => {
	it('is reached with its CA and refused without, with login and referrer over HTTPS', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'warren-site-tls-'));
		stack.push({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) });
		const key = join(folder, 'key.pem');
		const cert = join(folder, 'cert.pem');
		const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
		execFileSync(
			'openssl',
			['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...subject],
			{
				stdio: 'ignore',
			},
		);
		const site = await start({
			login: LOGIN,
			tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') },
		});
		const row = site.add({ status: 'FAILED' });
		const refused = await client(site, { login: LOGIN }).page('failed', 1, '');
		expect(refused.ok ? '' : refused.error.message).toContain('certificate');
		const tls = { caFile: cert, certFile: null, keyFile: null, serverName: null, verify: true };
		const monitor = client(site, { login: LOGIN, tls });
		value(await monitor.requeue(row.id));
		expect(site.logins.ok).toBe(1);
	});
});

async function startRedirect(location: string): Promise<{ readonly url: string }> {
	const { createServer } = await import('node:http');
	const server = createServer((_request, response) => {
		response.writeHead(302, { location });
		response.end();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	stack.push({ [Symbol.dispose]: () => void server.close() });
	const address = server.address();
	return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/carrot/` };
}
