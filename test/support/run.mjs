#!/usr/bin/env node
/**
 * `npm test`: installs what is missing, then lints, type-checks, builds and runs every test project. The last line is
 * `N passed, N failed, N skipped`; each check counts as one test, and every skip is listed with its reason.
 *
 *   npm test                      everything
 *   npm test -- unit store        some projects or checks (lint, types, svelte, build)
 *   npm test -- test/unit/domain  tests below a path
 *   npm test -- --long            with the long versions of property tests (WARREN_LONG=1)
 *
 * Plain Node 20, only `node:` modules: it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
	capture,
	engineNode,
	ensureBuild,
	ensurePackages,
	lastLines,
	requireNode,
	root,
	SetupError,
	toolEnvironment,
} from '../../resources/launch/setup.mjs';
import { ensureSystem } from './setup-system.mjs';

/** Projects whose files run on every processor, and those that start servers and browsers, two files at a time at most. */
const quickProjects = ['unit', 'architecture', 'store', 'wire', 'ui'];
const serverProjects = ['conformance', 'integration', 'electron', 'e2e'];
const allProjects = [...quickProjects, ...serverProjects];
const serverLanes = Math.min(2, availableParallelism());

/** Tests that say nothing for this long, in milliseconds, hang: longer than any single test's own time-out. */
const silence = 10 * 60_000;

const say = (line) => console.log(line);
const tool = (path) => join(root, 'node_modules', path);

const checks = [
	{
		name: 'lint',
		title: 'lint and format (biome)',
		run: () => node(tool('@biomejs/biome/bin/biome'), 'check', '--max-diagnostics=50', '.'),
	},
	{
		name: 'types',
		title: 'types of tsconfig.json',
		run: () => node(tool('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.json'),
	},
	{
		name: 'types',
		title: 'types of tsconfig.preload.json',
		run: () => node(tool('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.preload.json'),
	},
	{
		name: 'svelte',
		title: 'types of the page (svelte-check)',
		run: () =>
			node(
				tool('svelte-check/bin/svelte-check'),
				'--tsconfig',
				'./tsconfig.renderer.json',
				'--fail-on-warnings',
				'--output',
				'human',
			),
	},
	{ name: 'build', title: 'build', run: build },
];

/** Whether the bundles are there and as new as the sources: tests then start those, as people do, instead of the sources. */
let built = false;

/** Outcomes of everything: what, how it ended, and why it was skipped. */
const outcomes = [];

function node(script, ...args) {
	return capture(engineNode(), [script, ...args], { env: testEnvironment() });
}

async function build() {
	try {
		await ensureBuild(say);
		built = true;
		return { code: 0, output: '' };
	} catch (error) {
		if (!(error instanceof SetupError)) throw error;
		return { code: 1, output: error.message };
	}
}

/** Tests see the same world on every machine: no home, key or profile of the person who runs them. */
function testEnvironment(extra = {}) {
	const env = toolEnvironment(extra);
	for (const name of Object.keys(env)) {
		if (name.startsWith('WARREN_') && !/^WARREN_(TEST_|LONG$|BROWSER$)/.test(name)) delete env[name];
	}
	delete env.NODE_OPTIONS;
	// Logs of continuous integration are read as text.
	if (!process.stdout.isTTY) {
		env.NO_COLOR = '1';
		delete env.FORCE_COLOR;
	}
	delete env.NODE_ENV;
	// Hundreds of processes and threads run the same sources: their types are stripped and their code is compiled once.
	env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'compile');
	return env;
}

async function runChecks(wanted) {
	const queue = checks.filter((check) => wanted.has(check.name));
	const lane = async () => {
		for (let check = queue.shift(); check !== undefined; check = queue.shift()) {
			const started = Date.now();
			const { code, output } = await check.run();
			const seconds = ((Date.now() - started) / 1000).toFixed(1);
			say(`  ${code === 0 ? 'ok    ' : 'FAILED'}  ${check.title}, ${seconds} s`);
			if (code !== 0) say(lastLines(output, 200));
			outcomes.push({ name: check.title, state: code === 0 ? 'passed' : 'failed' });
		}
	};
	await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
}

/** The test runner that is under way; it heads its own process group, so that ending it ends its workers too. */
let current;

/**
 * Runs some projects and takes their outcomes from the reporter's file.
 *
 * @param {readonly string[]} projects names
 * @param {{ lanes: number, paths: readonly string[] }} how lanes: files at once; paths: only files below these
 */
async function runProjects(projects, { lanes, paths }) {
	if (projects.length === 0) return;
	const folder = mkdtempSync(join(tmpdir(), 'warren-test-'));
	const report = join(folder, 'report.jsonl');
	const args = [
		tool('vitest/vitest.mjs'),
		'run',
		...projects.flatMap((name) => ['--project', name]),
		`--reporter=${join(root, 'test/support/reporter.mjs')}`,
		'--allowOnly=false',
		'--passWithNoTests',
		`--maxWorkers=${lanes}`,
		...paths,
	];
	try {
		const outcome = await watch(args, report);
		const entries = existsSync(report)
			? readFileSync(report, 'utf8')
					.trim()
					.split('\n')
					.filter(Boolean)
					.map((line) => JSON.parse(line))
			: [];
		const results = entries.filter((entry) => entry.state !== undefined);
		outcomes.push(...results);
		if (paths.length === 0) {
			for (const name of projects) {
				if (results.some((entry) => entry.name.startsWith(`${name} | `))) continue;
				fail(`${name} | the project ran no test`);
			}
		}
		if (!entries.some((entry) => entry.end === true)) fail(`The test runner ended before its tests did (${outcome})`);
		else if (outcome !== 'exit code 0' && !results.some((entry) => entry.state === 'failed'))
			fail(`The test runner ended with ${outcome}`);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

function fail(name) {
	say(`  FAILED  ${name}`);
	outcomes.push({ name, state: 'failed' });
}

function watch(args, report) {
	return new Promise((settle) => {
		const child = spawn(engineNode(), args, {
			cwd: root,
			stdio: ['ignore', 'inherit', 'inherit'],
			env: testEnvironment({ WARREN_TEST_REPORT: report, ...(built ? { WARREN_TEST_BUILT: '1' } : {}) }),
			detached: process.platform !== 'win32',
		});
		current = child;
		let hung = false;
		const started = Date.now();
		const guard = setInterval(() => {
			const lastWord = statSync(report, { throwIfNoEntry: false })?.mtimeMs ?? started;
			if (Date.now() - lastWord < silence) return;
			const lines = existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : [];
			say(
				`  No test has ended or begun for ${silence / 60_000} minutes; ending the runner. The last word: ${lines.at(-1) ?? 'none'}`,
			);
			hung = true;
			endCurrent('SIGKILL');
		}, 5_000);
		const done = (outcome) => {
			clearInterval(guard);
			current = undefined;
			settle(outcome);
		};
		child.once('error', (error) => done(error.message));
		child.once('exit', (code, signal) =>
			done(hung ? 'it hung' : signal === null ? `exit code ${code}` : `signal ${signal}`),
		);
	});
}

function endCurrent(signal) {
	if (current?.pid === undefined) return;
	try {
		if (process.platform === 'win32') current.kill(signal);
		else process.kill(-current.pid, signal);
	} catch (error) {
		if (error.code !== 'ESRCH') throw error;
	}
}

/** What the arguments choose; everything when they choose nothing. */
function choose(args) {
	const names = new Set([...checks.map((check) => check.name), ...allProjects]);
	const wanted = new Set();
	const paths = [];
	for (const arg of args) {
		if (arg === '--long') process.env.WARREN_LONG = '1';
		else if (names.has(arg)) wanted.add(arg);
		else if (arg.startsWith('test/') && allProjects.includes(arg.split('/')[1])) {
			wanted.add(arg.split('/')[1]);
			paths.push(arg);
		} else {
			console.error(`Unknown: ${arg}. Choose among ${[...names].join(', ')}, a path below test/, and --long.`);
			process.exit(2);
		}
	}
	return { wanted: wanted.size === 0 ? names : wanted, paths };
}

function finish() {
	const of = (state) => outcomes.filter((outcome) => outcome.state === state);
	const [passed, failed, skipped] = [of('passed'), of('failed'), of('skipped')];
	if (skipped.length > 0) say('\nSkipped:');
	for (const { name, reason } of skipped) say(`  ${name}: ${reason}`);
	if (failed.length > 0) say('\nFailed:');
	for (const { name } of failed) say(`  ${name}`);
	say('');
	say(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
	process.exitCode = failed.length > 0 || passed.length === 0 ? 1 : 0;
}

requireNode();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
	process.on(signal, () => {
		endCurrent('SIGKILL');
		process.exit(130);
	});
}
try {
	const { wanted, paths } = choose(process.argv.slice(2));
	await ensurePackages(say);
	const problems = await ensureSystem(wanted, say);
	for (const problem of problems) fail(problem);
	if (problems.length === 0) {
		if (checks.some((check) => wanted.has(check.name))) say('Checks');
		await runChecks(wanted);
		const needsBuild = ['architecture', 'electron', 'e2e', 'integration'].some((name) => wanted.has(name));
		if (needsBuild && !wanted.has('build')) {
			await ensureBuild(say);
			built = true;
		}
		const quick = quickProjects.filter((name) => wanted.has(name));
		const servers = serverProjects.filter((name) => wanted.has(name));
		if (quick.length > 0) say(`\nTests: ${quick.join(', ')}`);
		// The runner's own choice leaves a processor idle.
		await runProjects(quick, { lanes: availableParallelism(), paths });
		if (servers.length > 0) say(`\nTests with servers, ${serverLanes} files at a time: ${servers.join(', ')}`);
		await runProjects(servers, { lanes: serverLanes, paths });
	}
} catch (error) {
	if (!(error instanceof SetupError)) throw error;
	fail(error.message);
}
finish();
