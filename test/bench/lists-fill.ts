/** Fills a home with tasks for the list bench, in a process of its own so that its memory is not counted as the store's. */
import { prepareFile } from '#main/store/migrate.ts';
import { Writer } from '#main/store/writer.ts';
import { deployment } from '#test/support/deployment.ts';

const [file, count] = process.argv.slice(2);
if (file === undefined || count === undefined) throw new Error('Usage: lists-fill.ts FILE COUNT');
const prepared = prepareFile(file, Date.now());
if (!prepared.ok) throw new Error(prepared.error.message);
const { db } = prepared;
const started = performance.now();
{
	using writer = new Writer(db, file, () => {});
	// Nobody minds if this file is lost, and it is to be there soon.
	db.pragma('synchronous = OFF');
	db.pragma('cache_size = -400000');
	db.pragma('wal_autocheckpoint = 50000');
	let ops = 0;
	for (const batch of deployment(0, Number(count), 1, 10_000)) {
		const [outcome] = writer.run([{ name: 'apply', args: [batch] }]);
		if (outcome?.ok !== true) throw new Error(outcome?.failure.message);
		ops += batch.length;
	}
	const filled = performance.now();
	while (writer.step());
	const indexed = performance.now();
	console.log(JSON.stringify({ ops, fillMs: filled - started, indexMs: indexed - filled }));
}
