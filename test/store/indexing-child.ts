/** A process of its own that works off what waits in the background of a store, and says so after each step. Argument: the file. */
import { writeSync } from 'node:fs';
import { prepareFile } from '#main/store/migrate.ts';
import { Writer } from '#main/store/writer.ts';

const [file = ''] = process.argv.slice(2);
const prepared = prepareFile(file, Date.now());
if (!prepared.ok) throw new Error(prepared.error.message);
using writer = new Writer(prepared.db, file, () => {});
for (let step = 1; writer.step(); step += 1) writeSync(1, `${JSON.stringify({ step })}\n`);
writeSync(1, `${JSON.stringify({ done: true })}\n`);
