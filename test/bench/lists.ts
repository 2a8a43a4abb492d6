/**
 * Task lists over a long history: first and next pages of every tab and sort, filters, text search, counts, and memory. The
 * reference is the same work over a twentieth of the tasks in the same run: what costs the same at both does not grow.
 *
 *     npm run bench -- lists [--tasks 1000000] [--rounds 30] [--home DIR]
 *
 * `--home` keeps the filled homes there and uses them again.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { silentLog } from '#main/domain/log.ts';
import type { TaskSort, TaskSortField } from '#main/domain/page.ts';
import { type OpenStore, openStore, STORE_FILE } from '#main/store/client.ts';
import { PROFILE, randomFrom, START } from '#test/support/deployment.ts';
import { machine, percentile, rounded } from './machine.ts';

const { values } = parseArgs({
	options: {
		tasks: { type: 'string', default: '1000000' },
		rounds: { type: 'string', default: '30' },
		home: { type: 'string' },
	},
});
const TASKS = Number(values.tasks);
const ROUNDS = Number(values.rounds);
const SMALL = Math.max(1_000, Math.round(TASKS / 20));
const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const FILL = fileURLToPath(new URL('lists-fill.ts', import.meta.url));
const MEMORY = fileURLToPath(new URL('lists-memory.ts', import.meta.url));

const TABS = {
	queued: ['state:queued,running,retrying', 'publishedAt'],
	failed: ['state:failed,rejected,revoked,lost', 'finishedAt'],
	completed: ['state:succeeded', 'finishedAt'],
	all: ['', 'updatedAt'],
} as const satisfies Record<string, readonly [string, TaskSortField]>;

const SORTS: readonly TaskSortField[] = [
	'finishedAt',
	'publishedAt',
	'startedAt',
	'updatedAt',
	'name',
	'queue',
	'priority',
	'runtimeMs',
	'state',
];

const day = (after: number) => new Date(START + after * 40).toISOString();

/** Filters that people set: common, rare, none, ranges, and at either end of the history. */
const FILTERS: readonly string[] = [
	'queue:mail',
	'queue:nowhere',
	'name:billing',
	'name:shop.tasks.send_mail state:failed',
	'-name:shop',
	'worker:worker7:1:set',
	'worker:worker7:1:set state:failed',
	'priority:>5',
	'runtime:>55s',
	'runtime:>59.99s',
	'attempts:>=2',
	'exception:SMTPRecipientsRefused',
	`since:${day(TASKS * 0.99)}`,
	`until:${day(TASKS * 0.01)}`,
	`finished:<${day(TASKS * 0.01)} state:failed`,
	'kwargs.customer.id:4711',
	'kwargs.customer.city:Oslo',
	'kwargs.customer.city:Nowhere',
	'args.0:123456',
	'state:running',
	'(queue:mail OR queue:slow) state:failed',
];

/** Words that people look for: in every task, in some, in one, in none, short ones. */
const TEXTS: readonly string[] = [
	'customer4711@example.org',
	'customer4711',
	'gateway',
	'TIMEOUT',
	'reset by peer',
	'recipients state:failed',
	'send_mail',
	'Z\u00fcrich',
	'no such words anywhere',
	'zzz',
	'Oslo amount',
	'order 77',
	'"order 12345"',
	'example.org',
	'47',
	'qx',
	'catalog -state:succeeded',
	'/order \\d{3}\\)/ state:failed',
];

interface Samples {
	readonly ms: number[];
}

/** Measures what `ask` does over and over. Each asks for something else where it can, so that nothing is answered from memory alone. */
async function sampled(rounds: number, ask: (round: number) => Promise<unknown>): Promise<readonly number[]> {
	const samples: Samples = { ms: [] };
	for (let round = 0; round < rounds; round += 1) {
		const started = performance.now();
		await ask(round);
		samples.ms.push(performance.now() - started);
	}
	return samples.ms;
}

function sorted(field: TaskSortField, descending = true): TaskSort {
	return { field, descending };
}

async function page(store: OpenStore, query: string, sort: TaskSort, cursor: string | null = null) {
	const result = await store.history.page({ profile: PROFILE, query, sort, limit: 50, cursor });
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

type Groups = Record<string, readonly number[]>;

async function measure(store: OpenStore, rounds: number): Promise<Groups> {
	const groups: Groups = {};
	const random = randomFrom(7);
	const note = (name: string, samples: readonly number[]) => {
		groups[name] = samples;
	};
	for (const [tab, [query, field]] of Object.entries(TABS)) {
		note(`tab ${tab}: first page`, await sampled(rounds, () => page(store, query, sorted(field))));
		let cursor: string | null = null;
		note(
			`tab ${tab}: next page`,
			await sampled(rounds, async () => {
				cursor = (await page(store, query, sorted(field), cursor)).next;
			}),
		);
	}
	for (const field of SORTS) {
		for (const [tab, [query]] of Object.entries(TABS)) {
			note(
				`sort ${field}, ${tab}`,
				await sampled(Math.ceil(rounds / 3), (round) => page(store, query, sorted(field, round % 2 === 0))),
			);
		}
	}
	for (const query of FILTERS) {
		note(
			`filter ${query}`,
			await sampled(Math.ceil(rounds / 3), (round) => page(store, query, sorted('finishedAt', round % 2 === 0))),
		);
	}
	for (const query of TEXTS)
		note(`text ${query}`, await sampled(Math.ceil(rounds / 3), () => page(store, query, sorted('updatedAt'))));
	note(
		'text, a different customer each time',
		await sampled(rounds, () => page(store, `customer${Math.floor(random() * 50_000)}@`, sorted('finishedAt'))),
	);
	for (const query of [
		'',
		'state:failed',
		'queue:mail',
		'gateway',
		'kwargs.customer.city:Oslo',
		'runtime:>10s',
		'customer4711',
	]) {
		note(`count ${query === '' ? 'all' : query}`, await sampled(3, () => store.history.count(PROFILE, query)));
	}
	note('counts of all states', await sampled(rounds, () => store.history.counts(PROFILE)));
	const ids = await store.history.ids(PROFILE, 'state:failed', 200);
	const failed = ids.ok ? ids.value : [];
	note(
		'detail of a task',
		await sampled(rounds, (round) => store.history.detail(PROFILE, failed[round % failed.length] as never)),
	);
	return groups;
}

function fill(home: string, tasks: number): { readonly tasksPerSecond: number | null; readonly mib: number } {
	const file = join(home, STORE_FILE);
	let tasksPerSecond: number | null = null;
	if (!existsSync(file)) {
		mkdirSync(home, { recursive: true });
		console.error(`Filling ${home} with ${tasks} tasks …`);
		const said = execFileSync(process.execPath, [FILL, file, String(tasks)], { stdio: ['ignore', 'pipe', 'inherit'] });
		const { fillMs, indexMs } = JSON.parse(String(said)) as { fillMs: number; indexMs: number };
		tasksPerSecond = Math.round((tasks / fillMs) * 1_000);
		console.error(`  history ${rounded(fillMs / 1_000, 1)} s, index ${rounded(indexMs / 1_000, 1)} s`);
	}
	return { tasksPerSecond, mib: Math.round(statSync(file).size / 2 ** 20) };
}

async function run(home: string, rounds: number): Promise<Groups> {
	const opened = await openStore({ home, thread: THREAD, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	await using store = opened.value;
	return await measure(store, rounds);
}

/** MiB of a process that reads lists of `home`, as the thread ships if it was built, else from source (which costs more). */
function memory(home: string): Record<string, number | string> {
	const built = fileURLToPath(new URL('../../out/main/store-thread.js', import.meta.url));
	const thread = existsSync(built) ? built : fileURLToPath(THREAD);
	const said = execFileSync(process.execPath, [MEMORY, home, thread], { stdio: ['ignore', 'pipe', 'inherit'] });
	return { ...(JSON.parse(String(said)) as Record<string, number>), thread: existsSync(built) ? 'built' : 'source' };
}

/** All samples of groups whose name begins so. */
function joined(groups: Groups, prefix: string): readonly number[] {
	return Object.entries(groups).flatMap(([name, samples]) => (name.startsWith(prefix) ? samples : []));
}

const home = values.home ?? mkdtempSync(join(tmpdir(), 'warren-bench-lists-'));
try {
	const small = join(home, `small-${SMALL}`);
	const large = join(home, `large-${TASKS}`);
	fill(small, SMALL);
	const filled = fill(large, TASKS);
	const big = await run(large, ROUNDS);
	const little = await run(small, ROUNDS);

	console.error(`\n${'ms, p50 / p95'.padEnd(58)}${`${TASKS} tasks`.padStart(20)}${`${SMALL} tasks`.padStart(20)}`);
	const cell = (samples: readonly number[]) =>
		`${percentile(samples, 0.5).toFixed(2)} / ${percentile(samples, 0.95).toFixed(2)}`.padStart(20);
	for (const [name, samples] of Object.entries(big))
		console.error(`${name.padEnd(58)}${cell(samples)}${cell(little[name] ?? [])}`);

	const figure = (prefix: string) => {
		const at = joined(big, prefix);
		const reference = joined(little, prefix);
		const p95 = percentile(at, 0.95);
		const referenceP95 = percentile(reference, 0.95);
		return {
			p50Ms: rounded(percentile(at, 0.5)),
			p95Ms: rounded(p95),
			referenceP95Ms: rounded(referenceP95),
			ratio: rounded(p95 / referenceP95),
		};
	};
	console.log(
		JSON.stringify({
			bench: 'lists',
			tasks: TASKS,
			reference: `the same at ${SMALL} tasks`,
			tabs: figure('tab '),
			sorts: figure('sort '),
			filters: figure('filter '),
			text: figure('text'),
			count: figure('count '),
			rssMiB: memory(large),
			referenceRssMiB: memory(small),
			fileMiB: filled.mib,
			fillTasksPerSecond: filled.tasksPerSecond,
			budgets: { filterP95Ms: 50, textP95Ms: 200, rssMiB: 250 },
			machine: machine(),
		}),
	);
} finally {
	if (values.home === undefined) rmSync(home, { recursive: true, force: true });
}
