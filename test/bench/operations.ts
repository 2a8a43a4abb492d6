/**
 * Operations into durable history, through the store's threads: one call after the other, many calls at once (which share
 * transactions), and batches. The reference is better-sqlite3 by itself in the same run: rows of one table with two indexes, 500 to a
 * transaction, in this very thread.
 *
 *     npm run bench -- operations [--tasks 10000] [--filled HOME]
 *
 * With `--filled` the batches are also written into that home (such as one that the search bench filled), with all its indexes as they are.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { silentLog } from '#main/domain/log.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { openStore } from '#main/store/client.ts';
import { deployment } from '#test/support/deployment.ts';
import { machine, rounded } from './machine.ts';

const { values } = parseArgs({ options: { tasks: { type: 'string', default: '10000' }, filled: { type: 'string' } } });
const TASKS = Number(values.tasks);
const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'warren-bench-operations-'));

/** Operations per second of `work`, which says how many it did. */
async function rate(work: () => Promise<number>): Promise<number> {
	const started = performance.now();
	const count = await work();
	return Math.round((count / (performance.now() - started)) * 1_000);
}

async function raw(count: number): Promise<number> {
	const db = new Database(join(folder, 'raw.db'));
	db.pragma('journal_mode = WAL');
	db.pragma('synchronous = NORMAL');
	db.exec(
		'CREATE TABLE rows (id TEXT, at INTEGER, body TEXT) STRICT; CREATE INDEX by_id ON rows (id); CREATE INDEX by_at ON rows (at)',
	);
	const insert = db.prepare('INSERT INTO rows VALUES (?, ?, ?)');
	const many = db.transaction((from: number) => {
		for (let at = from; at < from + 500; at += 1)
			insert.run(crypto.randomUUID(), at, '{"args": [1], "kwargs": {"customer": 4711}}');
	});
	for (let from = 0; from < count; from += 500) many(from);
	db.close();
	return count;
}

async function through(home: string, batches: readonly (readonly HistoryOp[])[], atOnce: number): Promise<number> {
	const opened = await openStore({ home, thread: THREAD, log: silentLog });
	if (!opened.ok) throw new Error(opened.error.message);
	await using store = opened.value;
	return await rate(async () => {
		let next = 0;
		const worker = async () => {
			for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) await store.history.apply(batch);
		};
		await Promise.all(Array.from({ length: atOnce }, worker));
		return batches.reduce((sum, batch) => sum + batch.length, 0);
	});
}

try {
	const few = [...deployment(0, Math.ceil(TASKS / 5), 1, 1)];
	// One batch of `few` is one task's life, so that calls at once do not tear one task's facts apart.
	const singly = await through(join(folder, 'singly'), few, 1);
	const together = await through(join(folder, 'together'), few, 64);
	const batches = [...deployment(0, TASKS, 2, 500)];
	const batched = await through(join(folder, 'batched'), batches, 2);
	const filled = values.filled === undefined ? null : await through(values.filled, batches, 2);
	const reference = await rate(() => raw(TASKS * 3));
	const figure = {
		oneAfterTheOther: singly,
		sixtyFourAtOnce: together,
		batchesOf500: batched,
		batchesIntoFilled: filled,
	};
	console.error(`operations per second: ${JSON.stringify(figure)}; raw inserts per second: ${reference}`);
	console.log(
		JSON.stringify({
			bench: 'operations',
			tasks: TASKS,
			opsPerSecond: figure,
			reference: 'raw better-sqlite3 inserts of one row with two indexes, 500 to a transaction',
			referencePerSecond: reference,
			ratio: rounded(batched / reference),
			...(filled === null ? {} : { filledRatio: rounded(filled / batched) }),
			groupCommitGain: rounded(together / singly),
			machine: machine(),
		}),
	);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
