/**
 * Electron's runtime for `npm start`: whether it is here, and fetching it when it is not. The `electron` package installs
 * without it and fetches it on first use; that may be impossible (no network, a mirror that lacks it), so every wait is
 * bounded and the outcome is a value.
 */
import { spawn } from 'node:child_process';
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engineNode, root } from './setup.mjs';

const packageFolder = join(root, 'node_modules', 'electron');

/** How long a download may stand still before it is given up, in milliseconds. */
const stillness = 90_000;

/** After a download that hung, the next starts do not wait for it again for this long, in milliseconds. */
const hungMemory = 24 * 3_600_000;
const hungStamp = join(root, 'node_modules', '.warren-electron-hung');

/** @returns {string | undefined} path of the Electron executable, when its runtime is complete */
export function electronExecutable() {
	try {
		const name = readFileSync(join(packageFolder, 'path.txt'), 'utf8').trim();
		const wanted = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version;
		const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
		const folder = override ?? join(packageFolder, 'dist');
		// The version is the last file that unpacking writes; without it the folder is half a runtime.
		if (override === undefined && readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '') !== wanted)
			return undefined;
		const path = join(folder, name);
		return existsSync(path) ? path : undefined;
	} catch (error) {
		if (error.code === 'ENOENT') return undefined;
		throw error;
	}
}

/**
 * Fetches Electron's runtime.
 *
 * @param {(line: string) => void} say where progress goes
 * @returns {Promise<string | undefined>} undefined when it is here now, else why not, as half a sentence
 */
export async function fetchElectron(say) {
	if (hungLately()) return 'its download hung a short while ago';
	say("Fetching Electron's runtime (about 120 MB, once).");
	const work = mkdtempSync(join(tmpdir(), 'warren-electron-'));
	try {
		const outcome = await download(work);
		if (outcome === 'hung') {
			mkdirSync(join(root, 'node_modules'), { recursive: true });
			writeFileSync(hungStamp, '');
			return `its download made no progress for ${stillness / 1000} s`;
		}
		rmSync(hungStamp, { force: true });
		if (outcome !== 'done') return outcome;
		return electronExecutable() === undefined ? 'its download ended without a runtime' : undefined;
	} finally {
		rmSync(work, { recursive: true, force: true });
	}
}

function hungLately() {
	const stamp = statSync(hungStamp, { throwIfNoEntry: false });
	return stamp !== undefined && Date.now() - stamp.mtimeMs < hungMemory;
}

/** Bytes below a folder: the download grows there, which is all that tells progress from standstill. */
function sizeOf(folder) {
	let total = 0;
	for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
		if (entry.isFile())
			total += statSync(join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false })?.size ?? 0;
	}
	return total;
}

function download(work) {
	return new Promise((settle) => {
		const child = spawn(engineNode(), [join(packageFolder, 'install.js')], {
			cwd: root,
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, TMPDIR: work, TEMP: work, TMP: work },
			windowsHide: true,
		});
		let printed = '';
		const keep = (piece) => {
			printed = (printed + piece).slice(-20_000);
		};
		child.stdout.on('data', keep);
		child.stderr.on('data', keep);

		const folders = [work, join(packageFolder, 'dist')];
		let size = -1;
		let movedAt = Date.now();
		let hung = false;
		const watch = setInterval(() => {
			const now = folders.reduce((sum, folder) => sum + (existsSync(folder) ? sizeOf(folder) : 0), 0);
			if (now !== size) movedAt = Date.now();
			size = now;
			if (Date.now() - movedAt < stillness) return;
			hung = true;
			child.kill('SIGKILL');
		}, 1_000);

		const end = (signal) => child.kill(signal);
		const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
		for (const signal of signals) process.once(signal, end);
		const done = (outcome) => {
			clearInterval(watch);
			for (const signal of signals) process.removeListener(signal, end);
			settle(outcome);
		};
		child.once('error', (error) => done(error.message));
		child.once('close', (code) =>
			done(hung ? 'hung' : code === 0 ? 'done' : `its download was refused (${reasonIn(printed)})`),
		);
	});
}

/** The one line of a stack trace that says what happened, short enough for a sentence. */
function reasonIn(printed) {
	const lines = printed.split('\n').map((line) => line.trim());
	const cause =
		lines.findLast((line) => /Error\b|\bE[A-Z]{4,}\b|\bHTTP\b/.test(line) && !line.startsWith('at ')) ??
		'no reason given';
	return cause.replace(/^\[?(cause\]?:\s*)?(\w*Error:\s*)?/, '').slice(0, 160);
}
