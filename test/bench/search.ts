/**
 * Searching a long history: the first page of thirty kinds of filter and text search over tasks that each have a log, beside bare SQL on
 * the same file in the same run; how large the file is per task, and how fast it was written with all indexes on.
 *
 *     npm run bench -- search [--tasks 1000000] [--rounds 10] [--home DIR]
 *
 * `--home` keeps the filled home there and uses it again. The reference is what somebody would write by hand for this one question: it
 * scans tables by their own order, minds only ASCII case, and has no page behind the first.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { silentLog } from '#main/domain/log.ts';
import { type OpenStore, openStore, STORE_FILE } from '#main/store/client.ts';
import { PROFILE, START } from '#test/support/deployment.ts';
import { machine, percentile, rounded } from './machine.ts';

const { values } = parseArgs({
	options: {
		tasks: { type: 'string', default: '1000000' },
		rounds: { type: 'string', default: '10' },
		home: { type: 'string' },
	},
});
const TASKS = Number(values.tasks);
const ROUNDS = Number(values.rounds);
const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const FILL = fileURLToPath(new URL('search-fill.ts', import.meta.url));
const PAGE = 50;

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

async function first(store: OpenStore, query: string): Promise<void> {
	const sort = { field: 'updatedAt', descending: true } as const;
	const page = await store.history.page({ profile: PROFILE, query, sort, limit: PAGE, cursor: null });
	if (!page.ok) throw new Error(`${query}: ${page.error.message}`);
}

async function timed(rounds: number, work: () => Promise<void> | void): Promise<readonly number[]> {
	const ms: number[] = [];
	for (let round = 0; round < rounds; round += 1) {
		const began = performance.now();
		await work();
		ms.push(performance.now() - began);
	}
	return ms;
}

interface Measured {
	readonly name: string;
	readonly ours: readonly number[];
	readonly bare: readonly number[];
}

async function measure(home: string, kinds: readonly Kind[]): Promise<readonly Measured[]> {
	const opened = await openStore({ home, thread: THREAD, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	await using store = opened.value;
	const db = new Database(join(home, STORE_FILE), { readonly: true });
	const found: Measured[] = [];
	for (const [name, query, sql] of kinds) {
		const statement = db.prepare(
			`SELECT t.*, x.preview FROM tasks t JOIN task_texts x ON x.seq = t.seq
			WHERE t.removed_at IS NULL AND ${sql} ORDER BY t.updated_at DESC LIMIT ${PAGE}`,
		);
		// In turn, so that neither has the quieter machine.
		const [ours, bare]: [number[], number[]] = [[], []];
		for (let round = 0; round < ROUNDS; round += 1) {
			ours.push(...(await timed(1, () => first(store, query))));
			if (round < 3) bare.push(...(await timed(1, () => void statement.all())));
		}
		found.push({ name, ours, bare });
		const cell = (ms: readonly number[]) =>
			`${percentile(ms, 0.5).toFixed(1)} / ${percentile(ms, 0.95).toFixed(1)}`.padStart(20);
		console.error(`${name.padEnd(26)}${query.padEnd(46)}${cell(ours)}${cell(bare)}`);
	}
	db.close();
	return found;
}

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

const folder = values.home ?? mkdtempSync(join(tmpdir(), 'warren-bench-search-'));
try {
	const home = join(folder, `large-${TASKS}`);
	const written = fill(home);
	console.error(`\n${'first page, ms, p50 / p95'.padEnd(72)}${'Warren'.padStart(20)}${'bare SQL'.padStart(20)}`);
	const filters = await measure(home, FILTERS);
	const texts = await measure(home, TEXTS);
	const figure = (some: readonly Measured[]) => {
		const [ours, bare] = [some.flatMap((one) => one.ours), some.flatMap((one) => one.bare)];
		return {
			kinds: some.length,
			p50Ms: rounded(percentile(ours, 0.5)),
			p95Ms: rounded(percentile(ours, 0.95)),
			bareP50Ms: rounded(percentile(bare, 0.5)),
			bareP95Ms: rounded(percentile(bare, 0.95)),
			slowest: some.toSorted((a, b) => percentile(b.ours, 0.95) - percentile(a.ours, 0.95))[0]?.name,
		};
	};
	console.log(
		JSON.stringify({
			bench: 'search',
			tasks: TASKS,
			reference: 'bare SQL on the same file',
			filters: figure(filters),
			text: figure(texts),
			bytesPerTask: Math.round(statSync(join(home, STORE_FILE)).size / TASKS),
			written,
			budgets: { filterP95Ms: 50, textP95Ms: 200 },
			machine: machine(),
		}),
	);
} finally {
	if (values.home === undefined) rmSync(folder, { recursive: true, force: true });
}
