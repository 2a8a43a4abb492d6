/** Fills a home with tasks of which each that ran has a log, for the search bench, in a process of its own; prints how long that took. */

import type { HistoryOp } from '#main/domain/task.ts';
import { prepareFile } from '#main/store/migrate.ts';
import { Writer } from '#main/store/writer.ts';
import { deployment, randomFrom } from '#test/support/deployment.ts';
import { line, logged } from '#test/support/history.ts';

const WORDS = [
	'loading',
	'template',
	'customer',
	'payment',
	'queued',
	'retrying',
	'cache',
	'upstream',
	'checksum',
	'done',
];

const FIRST_LINES = 2;

/** A log for each run, from before what the deployment itself has it log. */
function withLogs(ops: readonly HistoryOp[], random: () => number): readonly HistoryOp[] {
	const word = () => WORDS[Math.floor(random() * WORDS.length)] ?? '';
	return ops.flatMap((op): readonly HistoryOp[] => {
		// Behind the two lines of its start, whose numbers it would have had.
		if (op.kind === 'log') return [{ ...op, from: FIRST_LINES }];
		if (op.kind !== 'started') return [op];
		const lines = [
			line(op.at, `${word()} ${word()} ${Math.floor(random() * 1_000_000)}`, { logger: 'shop.worker' }),
			line(op.at, `${word()} took ${Math.floor(random() * 900)} ms`, { level: random() < 0.02 ? 'warning' : 'debug' }),
		];
		return [op, logged(op.run, lines, 0)];
	});
}

const [file, count] = process.argv.slice(2);
if (file === undefined || count === undefined) throw new Error('Usage: search-fill.ts FILE COUNT');
const prepared = prepareFile(file, Date.now());
if (!prepared.ok) throw new Error(prepared.error.message);
const { db } = prepared;
const random = randomFrom(3);
const started = performance.now();
{
	using writer = new Writer(db, file, () => {});
	// Nobody minds if this file is lost, and it is to be there soon.
	db.pragma('synchronous = OFF');
	db.pragma('cache_size = -400000');
	db.pragma('wal_autocheckpoint = 50000');
	let ops = 0;
	for (const batch of deployment(0, Number(count), 1, 10_000)) {
		const whole = withLogs(batch, random);
		const [outcome] = writer.run([{ name: 'apply', args: [whole] }]);
		if (outcome?.ok !== true) throw new Error(outcome?.failure.message);
		ops += whole.length;
	}
	const filled = performance.now();
	while (writer.step());
	const indexed = performance.now();
	db.pragma('wal_checkpoint(TRUNCATE)');
	console.log(JSON.stringify({ ops, fillMs: filled - started, indexMs: indexed - filled }));
}
