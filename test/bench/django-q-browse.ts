/**
 * Memory and time of Warren as it is started, built and in a process of its own, while a list of django-q's is browsed by the routes that
 * screens and command line use: first and last pages, a page behind a filter that finds nothing, the last packet by its id, the groups, all
 * pages. Asked over its WebSocket from here, so that nothing of the asking is counted. Arguments: Redis URL, queue, how many, secret key.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { VERSION } from '#main/headless/host.ts';
import { createClient } from '#main/ipc/client.ts';
import type { CallerInput, CallName, Output } from '#main/ipc/contract.ts';
import { SOCKET_PATH } from '#main/ipc/wires/page.ts';
import { pageSocketWire } from '#main/ipc/wires/page-socket.ts';
import { ENGINE_FLAGS } from '#test/support/entry.ts';
import { processorTime } from './processor-time.ts';

const BUILT = fileURLToPath(new URL('../../out/main/cli.js', import.meta.url));
const [url = '', queue = '', given = '', secretKey = ''] = process.argv.slice(2);
const count = Number(given);
const WINDOW = 500;
const said: Record<string, number> = {};

await using stack = new AsyncDisposableStack();
const home = mkdtempSync(join(tmpdir(), 'warren-bench-browse-'));
stack.defer(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));
const engine = spawn(process.execPath, [...ENGINE_FLAGS, BUILT, '--home', home, '--json', 'serve'], {
	stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = once(engine, 'exit');
stack.defer(async () => {
	engine.kill();
	await ended;
});
const pid = engine.pid ?? 0;

/** A figure of the engine's memory, in MiB: VmRSS is now, VmHWM the highest so far. */
function mib(name: 'VmRSS' | 'VmHWM'): number {
	const kib = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
	return Math.round(Number(kib) / 1024);
}

const [line] = (await once(createInterface({ input: engine.stdout }), 'line')) as [string];
const address = new URL((JSON.parse(line) as { readonly url: string }).url);
const entered = await fetch(address, { redirect: 'manual' });
const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? '';
const client = createClient(
	() =>
		pageSocketWire(
			new WebSocket(`ws://${address.host}${SOCKET_PATH}`, {
				headers: { cookie, origin: address.origin },
				maxPayload: 2 ** 28,
			}),
		),
	{ build: VERSION },
);
stack.use(client);

async function call<R extends CallName>(route: R, input: CallerInput<R>): Promise<Output<R>> {
	const answer = await client.call(route, input);
	if (!answer.ok) throw new Error(`${route}: ${answer.error.message}`);
	return answer.value;
}

/** Wall time in ms, and the engine's own processor time, which other work on the machine does not change. */
async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
	const [started, before] = [performance.now(), processorTime(pid) ?? 0];
	const answer = await work();
	said[`${name}Ms`] = Math.round((performance.now() - started) * 10) / 10;
	said[`${name}CpuMs`] = ((processorTime(pid) ?? 0) - before) / 1_000;
	said[`${name}MiB`] = mib('VmRSS');
	return answer;
}

await call('profile.add', { name: 'shop', framework: 'django-q', broker: url, prefix: [queue], secretKey });
const site = { profile: 'shop', queue };
await call('packet.list', { ...site, limit: 1 });
said.idleMiB = mib('VmRSS');
const page = async (name: string, from: number, more: { readonly func?: string } = {}) =>
	await timed(name, () => call('packet.list', { ...site, from, limit: 50, ...more }));
await page('firstPage', 0);
const last = await page('lastPage', count - 50);
if (last.items.length !== 50 || last.items.some(({ packet }) => packet?.signature.verified !== true)) {
	throw new Error('The last page is not 50 verified packets.');
}
const none = await page('filter', 0, { func: 'nobody.has.this' });
said.filterScanned = none.scanned;
const id = last.items.at(-1)?.task?.messageId ?? '';
const shown = await timed('showLast', () => call('packet.show', { ...site, id, instructions: 100 }));
if (shown.task?.messageId !== id) throw new Error('Another packet than the last one was shown.');
const groups = await timed('groups', () => call('packet.groups', { ...site, by: 'group' }));
if (groups.total !== count || !groups.complete) throw new Error(`${groups.total} of ${count} packets were counted.`);
await timed('all', async () => {
	let seen = 0;
	for (let from: number | null = 0; from !== null; ) {
		const some: { readonly items: readonly unknown[]; readonly next: number | null } = await call('packet.list', {
			...site,
			from,
			limit: WINDOW,
		});
		seen += some.items.length;
		from = some.next;
	}
	if (seen !== count) throw new Error(`${seen} of ${count} packets were seen.`);
});
said.peakMiB = mib('VmHWM');
console.log(JSON.stringify(said));
