#!/usr/bin/env node
/**
 * The command line from a checkout (`npm run -s warren -- …`): finds a Node that runs Warren, sets up what is missing with
 * progress on stderr only, and hands over. Standard input, output, exit code and signals are those of the command itself.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import {
	buildIsCurrent,
	engineFlags,
	engineNode,
	ensureBuild,
	ensurePackages,
	requireNode,
	root,
	SetupError,
} from './setup.mjs';

const say = (line) => console.error(`warren: ${line}`);

/**
 * V8's nursery in MiB where a command goes through all of history: an export keeps next to nothing of what it reads, and its memory was
 * measured to be a quarter less with a small one. Others are quicker with more; of two such flags Node takes the last.
 */
const FRUGAL = '--max-semi-space-size=2';

/** Runs the command line with the given arguments and ends as it ends. */
function handOver(args) {
	// Sources run as they are when the bundle is older: a change is seen at once, without a build in between.
	const entry = buildIsCurrent() ? 'out/main/cli.js' : 'src-main/headless/cli/main.ts';
	// npm runs scripts in the package's folder; relative paths mean the folder that the person is in.
	const cwd = process.env.npm_lifecycle_event === 'warren' ? (process.env.INIT_CWD ?? process.cwd()) : process.cwd();
	const flags = args.includes('export') ? [...engineFlags, FRUGAL] : engineFlags;
	const child = spawn(engineNode(), [...flags, join(root, entry), ...args], { stdio: 'inherit', cwd });
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
		process.on(signal, () => {
			// A terminal sends Ctrl+C to the command as well; a second one would mean "at once".
			if (signal === 'SIGINT' && process.stdin.isTTY) return;
			child.kill(signal);
		});
	}
	child.once('error', (error) => {
		say(`cannot start ${engineNode()}: ${error.message}`);
		process.exit(1);
	});
	child.once('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}

requireNode();
try {
	const args = process.argv.slice(2);
	await ensurePackages(say);
	// Only the served console needs the page's bundle; every other command runs from source as well.
	if (args.includes('serve') && !buildIsCurrent()) await ensureBuild(say);
	handOver(args);
} catch (error) {
	if (!(error instanceof SetupError)) throw error;
	say(error.message);
	process.exitCode = 1;
}
