/** Runs benches by name, one after the other: `npm run bench -- lists consumer`; without names, all. `--` options go to each. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Not benches themselves. */
const PARTS = new Set([
	'run.ts',
	'machine.ts',
	'processor-time.ts',
	'consumer-celery.ts',
	'django-q-browse.ts',
	'django-q-fetch.ts',
	'django-q-fill.ts',
	'lists-fill.ts',
	'lists-memory.ts',
	'search-fill.ts',
]);
const known = readdirSync(here)
	.filter((file) => file.endsWith('.ts') && !PARTS.has(file))
	.map((file) => file.slice(0, -3))
	.sort();

const asked = process.argv.slice(2);
const firstOption = asked.findIndex((word) => word.startsWith('-'));
const names = firstOption < 0 ? asked : asked.slice(0, firstOption);
const options = firstOption < 0 ? [] : asked.slice(firstOption);

const unknown = names.filter((name) => !existsSync(`${here}${name}.ts`));
if (unknown.length > 0) {
	console.error(`There is no bench ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
	process.exit(2);
}
let worst = 0;
for (const name of names.length === 0 ? known : names) {
	const { status } = spawnSync(process.execPath, [`${here}${name}.ts`, ...options], { stdio: 'inherit' });
	worst = Math.max(worst, status ?? 1);
}
process.exit(worst);
