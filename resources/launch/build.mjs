#!/usr/bin/env node
/** `npm run build`: the bundles, whether or not they look current, with the stamp by which `npm start` knows them. */
import { ensureBuild, ensurePackages, requireNode, SetupError } from './setup.mjs';

const say = (line) => console.log(line);

requireNode();
try {
	await ensurePackages(say);
	await ensureBuild(say, { force: true });
	say('Built: out/main, out/preload, out/renderer.');
} catch (error) {
	if (!(error instanceof SetupError)) throw error;
	console.error(error.message);
	process.exitCode = 1;
}
