/**
 * Searching a long history: the first page of thirty kinds of filter and text search over tasks that each have a log, beside bare SQL on
 * the same file in the same run; how large the file is per task, and how fast it was written with all indexes on.
 *
 *     npm run bench -- search [--tasks 1000000] [--rounds 10] [--bare 2] [--home DIR | --filled HOME]
 *
 * `--home` keeps the filled home there and uses it again; `--filled` takes one that is there, as it is (its index is finished first).
 * `--bare 0` leaves the reference out, which takes most of the time. Each kind is asked for as a window does, which shows what a few milliseconds found and looks on behind that (`first`), and to a full
 * page (`whole`). Figures are of the clock; `processor` is the time of all threads, which other processes disturb less. The reference is what somebody would write by hand for this one question: it
 * scans tables by their own order, minds only ASCII case, and has no page behind the first.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { type ProfileId, profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { type OpenStore, openStore, STORE_FILE } from '#main/store/client.ts';
import { START } from '#test/support/deployment.ts';
import { machine, percentile, rounded } from './machine.ts';

const { values } = parseArgs({
	options: {
		tasks: { type: 'string', default: '1000000' },
		rounds: { type: 'string', default: '10' },
		bare: { type: 'string', default: '2' },
		home: { type: 'string' },
		filled: { type: 'string' },
	},
});
const TASKS = values.filled === undefined ? Number(values.tasks) : made(values.filled);
const ROUNDS = Number(values.rounds);
const BARE_ROUNDS = Number(values.bare);
const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const FILL = fileURLToPath(new URL('search-fill.ts', import.meta.url));
const PAGE = 50;
/** What a window of the page waits for its first rows, in ms. */
const PATIENCE = 25;

const day = (share: number) => new Date(START + TASKS * share * 40).toISOString();
const at = (share: number) => START + TASKS * share * 40;

/** A kind of search: the query, and the condition of the reference (over tasks t, task_texts x). */
type Kind = readonly [name: string, query: string, sql: string];

const FAILED = 't.state IN (3, 6, 7)';
const FREE = [
	't.name',
	't.id',
	't.queue',
	'x.args',
	'x.kwargs',
	'x.preview',
	't.exception_type',
	'x.exception_message',
];
const free = (word: string) => `(${FREE.map((column) => `${column} LIKE '%${word}%'`).join(' OR ')})`;
const logged = (word: string) =>
	`EXISTS (SELECT 1 FROM attempts a JOIN log_lines l ON l.attempt = a.id WHERE a.task = t.seq AND l.text LIKE '%${word}%')`;

const FILTERS: readonly Kind[] = [
	['state', 'state:failed', 't.state = 3'],
	['queue, common', 'queue:mail', "t.queue = 'mail'"],
	['queue, none', 'queue:nowhere', "t.queue = 'nowhere'"],
	['name, part', 'name:billing', "t.name LIKE '%billing%'"],
	['not', '-name:shop', "t.name NOT LIKE '%shop%'"],
	['app', 'app:reports', "t.name LIKE 'reports.%'"],
	['worker', 'worker:worker7:1:set', "t.worker = 'worker7:1:set'"],
	['worker and state', 'worker:worker7:1:set is:failed', "t.worker = 'worker7:1:set' AND t.state = 3"],
	['priority, range', 'priority:7..9', 't.priority BETWEEN 7 AND 9'],
	['runtime, long', 'runtime:>55s', 't.runtime_ms > 55000'],
	['runtime, rare', 'runtime:>59.99s', 't.runtime_ms > 59990'],
	['waited', 'waited:>4990ms', 't.started_at - t.published_at > 4990'],
	['attempts', 'attempts:>=2', 't.attempts >= 2'],
	['exception', 'exception:SMTPRecipientsRefused', "t.exception_type LIKE '%SMTPRecipientsRefused%'"],
	['since', `since:${day(0.99)}`, `coalesce(t.finished_at, t.started_at, t.published_at) >= ${at(0.99)}`],
	['before', `before:${day(0.01)}`, `coalesce(t.finished_at, t.started_at, t.published_at) < ${at(0.01)}`],
	['argument, one', 'args[0]:1234', "x.args = '[1234]'"],
	['argument path', 'kwargs.customer.id:4711', "json_extract(x.kwargs, '$.customer.id') = 4711"],
	['argument path, common', 'kwargs.customer.city:Oslo', "json_extract(x.kwargs, '$.customer.city') = 'Oslo'"],
	['argument path, number', 'kwargs.amount:>999.9', "json_extract(x.kwargs, '$.amount') > 999.9"],
	['alternatives', '(queue:mail OR queue:slow) state:failed', "t.queue IN ('mail', 'slow') AND t.state = 3"],
	['has', 'has:traceback', `${FAILED}`],
];
const TEXTS: readonly Kind[] = [
	['text, one customer', 'customer4711@example.org', free('customer4711@example.org')],
	['text, some', 'gateway', free('gateway')],
	['text, in all', 'example.org', free('example.org')],
	['text, none', 'no-such-word', free('no-such-word')],
	['text, short', '47', free('47')],
	['text and state', '"mailbox unavailable" state:failed', `${free('mailbox unavailable')} AND t.state = 3`],
	['pattern', '/order \\d{3}\\)/ state:failed', `${free('order ')} AND t.state = 3`],
	['log, common', 'log:checksum', logged('checksum')],
	['log, of failed', 'log:"Connection reset" state:failed', `${logged('Connection reset')} AND t.state = 3`],
];

/** How many tasks were made for a filled home, some of which may be gone. */
function made(home: string): number {
	using db = open(home);
	const newest = db.file.prepare<[], number>('SELECT max(seq) FROM tasks').pluck().get();
	if (newest === undefined) throw new Error(`There are no tasks in ${home}.`);
	return newest;
}

function open(home: string): Disposable & { readonly file: Database.Database } {
	const file = new Database(join(home, STORE_FILE), { readonly: true, fileMustExist: true });
	return { file, [Symbol.dispose]: () => file.close() };
}

/** One page, and whether it was a part of one. */
async function page(store: OpenStore, profile: ProfileId, query: string, patienceMs?: number): Promise<boolean> {
	const sort = { field: 'updatedAt', descending: true } as const;
	const request = { profile, query, sort, limit: PAGE, cursor: null };
	const found = await store.history.page(patienceMs === undefined ? request : { ...request, patienceMs });
	if (!found.ok) throw new Error(`${query}: ${found.error.message}`);
	return found.value.unfinished === true;
}

interface Taken {
	readonly clock: number;
	readonly processor: number;
}

async function taken(work: () => unknown): Promise<Taken> {
	const [began, used] = [performance.now(), process.cpuUsage()];
	await work();
	const { user, system } = process.cpuUsage(used);
	return { clock: performance.now() - began, processor: (user + system) / 1_000 };
}

interface Measured {
	readonly name: string;
	readonly first: readonly Taken[];
	readonly whole: readonly Taken[];
	readonly bare: readonly Taken[];
	/** Whether the first rows were fewer than a page while there may be more. */
	readonly part: boolean;
}

async function measure(home: string, kinds: readonly Kind[]): Promise<readonly Measured[]> {
	const opened = await openStore({ home, thread: THREAD, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	await using store = opened.value;
	await store.settle();
	using db = open(home);
	const id = db.file
		.prepare<[], string>('SELECT id FROM profile_keys JOIN counts ON profile = key GROUP BY key ORDER BY sum(n) DESC')
		.pluck()
		.get();
	if (id === undefined) throw new Error(`There is no history in ${home}.`);
	const profile = profileId(id);
	const found: Measured[] = [];
	for (const [name, query, sql] of kinds) {
		const statement = db.file.prepare(
			`SELECT t.*, x.preview FROM tasks t JOIN task_texts x ON x.seq = t.seq
			WHERE t.removed_at IS NULL AND ${sql} ORDER BY t.updated_at DESC LIMIT ${PAGE}`,
		);
		// In turn, so that none has the quieter machine.
		const [first, whole, bare]: [Taken[], Taken[], Taken[]] = [[], [], []];
		let part = false;
		for (let round = 0; round < ROUNDS; round += 1) {
			first.push(
				await taken(async () => {
					part = await page(store, profile, query, PATIENCE);
				}),
			);
			whole.push(await taken(() => page(store, profile, query)));
			if (round < BARE_ROUNDS) bare.push(await taken(() => void statement.all()));
		}
		found.push({ name, first, whole, bare, part });
		const cell = (some: readonly Taken[]) =>
			[clock(some, 0.5), clock(some, 0.95), processor(some, 0.95)]
				.map((ms) => (Number.isNaN(ms) ? '-' : ms.toFixed(0)))
				.join(' / ')
				.padStart(24);
		console.error(`${name.padEnd(24)}${part ? 'part' : '    '}${[first, whole, bare].map(cell).join('')}`);
	}
	return found;
}

const clock = (some: readonly Taken[], share: number) =>
	percentile(
		some.map((one) => one.clock),
		share,
	);
const processor = (some: readonly Taken[], share: number) =>
	percentile(
		some.map((one) => one.processor),
		share,
	);

function fill(home: string): { readonly tasksPerSecond: number; readonly indexedPerSecond: number } | null {
	const file = join(home, STORE_FILE);
	if (existsSync(file)) return null;
	mkdirSync(home, { recursive: true });
	console.error(`Filling ${home} with ${TASKS} tasks …`);
	const said = execFileSync(process.execPath, [FILL, file, String(TASKS)], { stdio: ['ignore', 'pipe', 'inherit'] });
	const { fillMs, indexMs } = JSON.parse(String(said)) as { fillMs: number; indexMs: number };
	return {
		tasksPerSecond: Math.round((TASKS / fillMs) * 1_000),
		indexedPerSecond: Math.round((TASKS / (fillMs + indexMs)) * 1_000),
	};
}

const folder = values.filled ?? values.home ?? mkdtempSync(join(tmpdir(), 'warren-bench-search-'));
try {
	const home = values.filled ?? join(folder, `large-${TASKS}`);
	const written = fill(home);
	const heads = ['first', 'whole page', 'bare SQL'].map((head) => head.padStart(24)).join('');
	console.error(`\n${'ms: p50 / p95 / p95 of processor time'.padEnd(28)}\n${''.padEnd(28)}${heads}`);
	const filters = await measure(home, FILTERS);
	const texts = await measure(home, TEXTS);
	const figure = (some: readonly Measured[], of: 'first' | 'whole' | 'bare') => {
		const all = some.flatMap((one) => one[of]);
		return {
			p50Ms: rounded(clock(all, 0.5)),
			p95Ms: rounded(clock(all, 0.95)),
			processorP95Ms: rounded(processor(all, 0.95)),
			slowest: some.toSorted((a, b) => clock(b[of], 0.95) - clock(a[of], 0.95))[0]?.name,
		};
	};
	const figures = (some: readonly Measured[]) => ({
		kinds: some.length,
		first: figure(some, 'first'),
		parts: some.filter((one) => one.part).map((one) => one.name),
		whole: figure(some, 'whole'),
		bare: figure(some, 'bare'),
	});
	console.log(
		JSON.stringify({
			bench: 'search',
			tasks: TASKS,
			reference: 'bare SQL on the same file',
			filters: figures(filters),
			text: figures(texts),
			bytesPerTask: Math.round(statSync(join(home, STORE_FILE)).size / TASKS),
			written,
			budgets: { filterP95Ms: 50, textP95Ms: 200 },
			machine: machine(),
		}),
	);
} finally {
	if (values.home === undefined && values.filled === undefined) rmSync(folder, { recursive: true, force: true });
}
