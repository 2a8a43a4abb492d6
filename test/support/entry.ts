/** Where the command line begins, for tests that start it as a process of its own. */
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Whether this run has built the bundles itself, from the sources that are being tested. */
export const BUILT = process.env.WARREN_TEST_BUILT === '1';

/** The bundle where it is as new as the sources, which is what people start; else the sources, which need no build. */
export const MAIN = BUILT ? join(root, 'out', 'main', 'cli.js') : join(root, 'src-main', 'headless', 'cli', 'main.ts');

/** A script that is plain JavaScript, so that no compiler knows its types. */
const LAUNCH: string = join(root, 'resources', 'launch', 'setup.mjs');

/** What Node is told where the engine starts as whoever types `warren` starts it. */
export const ENGINE_FLAGS = ((await import(pathToFileURL(LAUNCH).href)) as { readonly engineFlags: readonly string[] })
	.engineFlags;
