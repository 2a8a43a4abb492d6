/**
 * What every launch script needs before it can do its own work: the packages installed, the bundles built, and a Node that
 * can run Warren. Plain Node 20 and nothing but `node:` modules, because it runs before anything is installed.
 *
 * All steps are safe to run twice, at the same time and after an interruption: a stamp is written only when a step is
 * complete, and a step whose stamp does not fit is done again from its beginning.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	accessSync,
	constants,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout (or unpacked package) that this file belongs to. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The oldest Node that the launch scripts themselves run on. */
const oldestNode = 20;

/** The oldest Node that Warren runs on: it strips types from source since this version. */
const oldestEngineNode = [22, 18];

const windows = process.platform === 'win32';
const packageStamp = join(root, 'node_modules', '.warren-setup');
const buildStamp = join(root, 'out', '.warren-build');

/** A set-up step that failed in a way the person can mend. Its message is all that is shown. */
export class SetupError extends Error {}

/** Ends with one clear line when this Node is too old even to launch. */
export function requireNode() {
	const major = Number.parseInt(process.versions.node, 10);
	if (major >= oldestNode) return;
	console.error(
		`Warren needs Node ${oldestNode} or newer to start; this is Node ${process.versions.node} (${process.execPath}).`,
	);
	process.exit(1);
}

function hashOf(...parts) {
	const hash = createHash('sha256');
	for (const part of parts) hash.update(part).update('\0');
	return hash.digest('hex');
}

function readText(path) {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
		throw error;
	}
}

/** The Node of the project, which `npm ci` brings along; undefined before that. */
function bundledNode() {
	const path = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node');
	return existsSync(path) ? path : undefined;
}

/**
 * A Node that can run Warren: the project's own, else the current one when it is new enough.
 *
 * @returns {string} path of the executable
 */
export function engineNode() {
	const bundled = bundledNode();
	if (bundled !== undefined) return bundled;
	const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
	const [needMajor, needMinor] = oldestEngineNode;
	if (major > needMajor || (major === needMajor && minor >= needMinor)) return process.execPath;
	throw new SetupError(
		`Warren runs on Node ${oldestEngineNode.join('.')} or newer. Its own Node is missing from node_modules, and this is Node ${process.versions.node}. Delete node_modules and start again.`,
	);
}

/**
 * What Node is told where it runs Warren's engine. Left alone, a burst fills three times 16 MB of young generation, and then four times what
 * is alive of the old one with garbage before that is looked at: more than all that the engine may need. Measured with 200,000 events from
 * Celery: a third less memory for a twentieth more of processor time, which others of V8’s threads take.
 */
export const engineFlags = ['--max-semi-space-size=4', '--heap-growing-percent=60'];

/** The environment for tools of the project: its own Node and binaries come first. */
export function toolEnvironment(extra = {}) {
	const path = [join(root, 'node_modules', '.bin'), dirname(engineNode()), process.env.PATH ?? ''].join(delimiter);
	return { ...process.env, PATH: path, ...extra };
}

/** Whether what is installed is what the lock file asks for, judged by npm's own record of what it installed. */
function recordMatchesLock(lockText) {
	const record = readText(join(root, 'node_modules', '.package-lock.json'));
	if (record === undefined || bundledNode() === undefined) return false;
	const installed = JSON.parse(record).packages ?? {};
	const wanted = JSON.parse(lockText).packages ?? {};
	for (const [path, entry] of Object.entries(wanted)) {
		if (path === '') continue;
		const have = installed[path];
		// Packages for other systems are left out; they are the optional ones.
		if (have === undefined && (entry.optional === true || entry.devOptional === true || entry.peer === true)) continue;
		if (have === undefined || have.version !== entry.version || have.integrity !== entry.integrity) return false;
	}
	return true;
}

/** @returns {boolean} whether every package of the lock file is installed; a few milliseconds */
export function packagesInstalled() {
	const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
	const wanted = hashOf(lock, process.platform, process.arch);
	if (readText(packageStamp) === wanted && bundledNode() !== undefined) return true;
	if (!recordMatchesLock(lock)) return false;
	writeFileSync(packageStamp, wanted);
	return true;
}

/**
 * Installs the packages that the lock file names, when they are not all there.
 *
 * @param {(line: string) => void} say where progress goes, a line at a time
 */
export async function ensurePackages(say) {
	if (packagesInstalled()) return;
	await withLock('setup', say, async () => {
		if (packagesInstalled()) return;
		say('Installing packages (npm ci). The first time takes a few minutes.');
		rmSync(packageStamp, { force: true });
		const npm = npmCommand();
		// npm's own output is for its log: warnings about this Node's age would only puzzle. Errors are shown on failure.
		const started = Date.now();
		const alive = setInterval(() => say(`Still installing (${Math.round((Date.now() - started) / 1000)} s).`), 30_000);
		const run = async (...words) => {
			const { code, output } = await capture(npm.command, [...npm.args, ...words], { shell: npm.shell });
			if (code !== 0) throw new SetupError(`npm ${words[0]} failed (exit code ${code}):\n${lastLines(output, 40)}`);
			return output;
		};
		let output = '';
		try {
			// Said outright, because a surrounding npm hands down its own choices (silent, without development packages). Without
			// scripts: SQLite's package brings its binaries along, yet npm would compile it for the sake of a file that it finds there,
			// which needs a compiler, Python and Node's headers.
			const options = ['--no-audit', '--no-fund', '--loglevel=warn', '--include=dev', '--include=optional'];
			output = await run('ci', '--ignore-scripts', ...options);
			// The one script that is needed puts the project's own Node in its place.
			output += await run('rebuild', 'node', '--ignore-scripts=false', '--loglevel=warn');
		} finally {
			clearInterval(alive);
		}
		if (!packagesInstalled()) {
			throw new SetupError(
				`npm ended well, but the project's own Node is missing (node_modules/node/bin).\n${lastLines(output, 20)}`,
			);
		}
	});
}

/** npm as a command: the one that runs us when there is one, so that a machine's own choice of npm is kept. */
function npmCommand() {
	const script = process.env.npm_execpath;
	if (script !== undefined && /npm-cli\.[cm]?js$/.test(script) && existsSync(script)) {
		return { command: process.execPath, args: [script], shell: false };
	}
	return { command: windows ? 'npm.cmd' : 'npm', args: [], shell: windows };
}

const buildInputs = [
	'src-main',
	'src-preload',
	'src-renderer',
	'electron.vite.config.ts',
	'package.json',
	'package-lock.json',
];

/** One hash over path, size and time of everything that a build reads. */
function sourcesFingerprint() {
	const hash = createHash('sha256');
	const visit = (path) => {
		const stat = statSync(join(root, path), { throwIfNoEntry: false });
		if (stat === undefined) return;
		if (stat.isDirectory()) {
			for (const name of readdirSync(join(root, path)).sort()) visit(`${path}/${name}`);
		} else {
			hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\0`);
		}
	};
	for (const input of buildInputs) visit(input);
	return hash.digest('hex');
}

/** The files without which a build is not one. */
const buildOutputs = ['out/main/cli.js', 'out/main/shell.js', 'out/preload/index.cjs', 'out/renderer/index.html'];

/** @returns {boolean} whether the bundles are there and made from the present sources */
export function buildIsCurrent() {
	return buildOutputs.every((path) => existsSync(join(root, path))) && readText(buildStamp) === sourcesFingerprint();
}

/**
 * Builds the bundles when they are missing or older than their sources.
 *
 * @param {(line: string) => void} say where progress goes, a line at a time
 * @param {{ force?: boolean }} [options] force: build even when nothing changed
 */
export async function ensureBuild(say, { force = false } = {}) {
	if (!force && buildIsCurrent()) return;
	await withLock('build', say, async () => {
		if (!force && buildIsCurrent()) return;
		say('Building Warren.');
		// Taken before: a file saved during the build makes the next start build again.
		const fingerprint = sourcesFingerprint();
		rmSync(buildStamp, { force: true });
		const script = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
		const { code, output } = await capture(engineNode(), [script, 'build', '--logLevel', 'warn'], {
			env: toolEnvironment({ NO_COLOR: '1', FORCE_COLOR: '0' }),
		});
		if (code !== 0) throw new SetupError(`The build failed (exit code ${code}):\n${lastLines(output, 60)}`);
		for (const path of buildOutputs) {
			if (!existsSync(join(root, path)))
				throw new SetupError(`The build ended well but made no ${path}.\n${lastLines(output, 60)}`);
		}
		writeFileSync(buildStamp, fingerprint);
	});
}

/**
 * Runs a command to its end and keeps what it printed. Signals to us end it as well.
 *
 * @returns {Promise<{ code: number | string, output: string }>} code: the exit code, or `signal NAME`; 127 when it cannot start
 */
export function capture(command, args, options = {}) {
	return new Promise((settle) => {
		const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, ...options });
		const pieces = [];
		child.stdout.on('data', (piece) => pieces.push(piece));
		child.stderr.on('data', (piece) => pieces.push(piece));
		const end = (signal) => child.kill(signal);
		const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
		for (const signal of signals) process.once(signal, end);
		const done = (result) => {
			for (const signal of signals) process.removeListener(signal, end);
			settle({ ...result, output: Buffer.concat(pieces).toString('utf8') });
		};
		child.once('error', (error) => {
			pieces.push(Buffer.from(`${error.message}\n`));
			done({ code: 127 });
		});
		child.once('close', (code, signal) => done({ code: code ?? `signal ${signal}` }));
	});
}

/** The end of an output, for a failure message. */
export function lastLines(text, count) {
	return text.trimEnd().split('\n').slice(-count).join('\n');
}

/**
 * Holds a lock while `work` runs, so that two starts of one checkout do not install into each other's folders. A lock whose
 * holder is gone is taken over.
 */
async function withLock(name, say, work) {
	const folder = join(tmpdir(), `warren-${name}-${hashOf(root, String(process.getuid?.() ?? '')).slice(0, 16)}`);
	const owner = join(folder, 'pid');
	let told = false;
	for (;;) {
		try {
			mkdirSync(folder);
			writeFileSync(owner, String(process.pid));
			break;
		} catch (error) {
			if (error.code !== 'EEXIST') throw error;
		}
		const pid = Number(readText(owner) ?? '');
		const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0);
		// Between making the folder and writing the pid lie microseconds; a minute without a pid means a crash there.
		if ((pid > 0 && !isAlive(pid)) || (!(pid > 0) && age > 60_000)) {
			rmSync(folder, { recursive: true, force: true });
			continue;
		}
		if (!told) say(`Another start of this checkout is at the same work (process ${pid || 'unknown'}); waiting for it.`);
		told = true;
		await new Promise((wake) => setTimeout(wake, 250));
	}
	const release = () => rmSync(folder, { recursive: true, force: true });
	process.once('exit', release);
	try {
		return await work();
	} finally {
		process.removeListener('exit', release);
		release();
	}
}

function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === 'EPERM';
	}
}

/** Whether a command is on the path, without running it. */
export function findCommand(name) {
	const names = windows ? [`${name}.exe`, `${name}.cmd`, name] : [name];
	for (const folder of (process.env.PATH ?? '').split(delimiter)) {
		if (folder === '') continue;
		for (const candidate of names) {
			const path = join(folder, candidate);
			if (isCommand(path)) return path;
		}
	}
	return undefined;
}

/** Whether this is a file that this user may run. What cannot be looked at is none, as for a shell: a path may name another user's folder. */
function isCommand(path) {
	try {
		accessSync(path, windows ? constants.F_OK : constants.X_OK);
		return statSync(path).isFile();
	} catch (error) {
		if (error.syscall === undefined) throw error;
		return false;
	}
}

/** Whether a short command succeeds; nothing is shown. */
export function succeeds(command, args) {
	return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
