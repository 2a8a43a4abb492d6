/** A project of a few files, with the real launch scripts and stand-ins for everything that they start. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const launch = resolve(import.meta.dirname, '../../../resources/launch');

/** Stands in for npm: makes what `npm ci` would, and notes that it ran. */
const npm = `
const fs = require('node:fs');
// The script that fetches the project's own Node, which is there already.
if (process.argv[2] === 'rebuild') process.exit(0);
fs.appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
if (fs.existsSync('npm-fails')) { console.error('npm ERR! no such luck'); process.exit(7); }
fs.rmSync('node_modules', { recursive: true, force: true });
fs.mkdirSync('node_modules/node/bin', { recursive: true });
fs.symlinkSync(process.execPath, 'node_modules/node/bin/node');
fs.mkdirSync('node_modules/electron-vite/bin', { recursive: true });
fs.copyFileSync('fake-vite.js', 'node_modules/electron-vite/bin/electron-vite.js');
const { packages } = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
delete packages[''];
fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }));
`;

/** Stands in for electron-vite: copies the one source over as the bundle, and notes that it ran. */
const vite = `
const fs = require('node:fs');
fs.appendFileSync('build-calls', 'build\\n');
if (fs.existsSync('build-fails')) { console.error('a mistake in line 1'); process.exit(1); }
for (const path of ['out/main', 'out/preload', 'out/renderer']) fs.mkdirSync(path, { recursive: true });
fs.copyFileSync('src-main/headless/cli/main.ts', 'out/main/cli.js');
for (const path of ['out/main/shell.js', 'out/preload/index.cjs', 'out/renderer/index.html']) fs.writeFileSync(path, '');
`;

/** Stands in for the command line: serves until it is ended, waits, echoes, or says how it was called. */
const cli = `
import { appendFileSync } from 'node:fs';
const args = process.argv.slice(2);
const root = process.env.SMALL_PROJECT;
if (args.includes('serve')) {
	process.on('SIGTERM', () => { appendFileSync(root + '/served', 'ended\\n'); process.exit(0); });
	console.log(JSON.stringify({ url: 'http://127.0.0.1:9/?token=once' }));
	setInterval(() => {}, 1000);
} else if (args.includes('wait')) {
	process.on('SIGTERM', () => { console.log('told to end'); process.exit(5); });
	console.log('waiting');
	setInterval(() => {}, 1000);
} else {
	let typed = '';
	for await (const piece of process.stdin) typed += piece;
	console.log(JSON.stringify({ args, typed, entry: process.argv[1], cwd: process.cwd() }));
	process.exit(Number(args.at(-1)) || 0);
}
`;

/** Stands in for a browser: locks its profile as Chromium does, notes its arguments, and stays until it is ended or its window is closed. */
const browser = `#!${process.execPath}
const fs = require('node:fs');
const root = process.env.SMALL_PROJECT;
const profile = process.argv.find((arg) => arg.startsWith('--user-data-dir=')).slice('--user-data-dir='.length);
fs.mkdirSync(profile, { recursive: true });
fs.symlinkSync('a-machine-' + process.pid, profile + '/SingletonLock');
fs.writeFileSync(root + '/browser-arguments', JSON.stringify(process.argv.slice(2)));
setInterval(() => {
	if (!fs.existsSync(root + '/window-closed')) return;
	fs.unlinkSync(profile + '/SingletonLock');
	process.exit(0);
}, 20);
`;

/** What one run of a script printed, and how it ended. */
export interface Ended {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** A script that is running. */
export interface Running {
	readonly child: ChildProcess;
	/** What it has printed so far. */
	printed(): string;
	readonly ended: Promise<Ended>;
}

export class SmallProject implements AsyncDisposable {
	readonly root: string;
	readonly #children = new Set<ChildProcess>();

	private constructor(root: string) {
		this.root = root;
	}

	/** Makes a fresh clone: scripts, lock file and sources, nothing installed. */
	static async make(): Promise<SmallProject> {
		const project = new SmallProject(await mkdtemp(join(tmpdir(), 'warren-launch-')));
		await cp(launch, join(project.root, 'resources/launch'), { recursive: true });
		await project.write('package.json', '{ "name": "small", "type": "commonjs" }');
		await project.write('out/package.json', '{ "type": "module" }');
		await project.write('src-main/package.json', '{ "type": "module" }');
		await project.lock('1.0.0');
		await project.write('npm-cli.js', npm);
		await project.write('fake-vite.js', vite);
		await project.write('src-main/headless/cli/main.ts', cli);
		await project.write('browser', browser, 0o755);
		return project;
	}

	/** Writes the lock file: one package in this version. */
	async lock(version: string): Promise<void> {
		const packages = { '': {}, 'node_modules/one': { version, integrity: `sha512-${version}` } };
		await this.write('package-lock.json', JSON.stringify({ packages }));
	}

	async write(path: string, text: string, mode = 0o644): Promise<void> {
		await mkdir(dirname(join(this.root, path)), { recursive: true });
		await writeFile(join(this.root, path), text, { mode });
	}

	/** Links a name to a place of the machine. */
	async link(path: string, to: string): Promise<void> {
		await symlink(to, join(this.root, path));
	}

	/** Starts one of the launch scripts. No display unless `env` gives one. */
	start(
		script: 'start' | 'warren' | 'build',
		args: readonly string[] = [],
		env: Readonly<Record<string, string>> = {},
		input = '',
	): Running {
		const {
			DISPLAY: _display,
			WAYLAND_DISPLAY: _wayland,
			WARREN_HOME: _home,
			npm_lifecycle_event: _event,
			...rest
		} = process.env;
		const child = spawn(process.execPath, [join(this.root, `resources/launch/${script}.mjs`), ...args], {
			cwd: this.root,
			env: {
				...rest,
				SMALL_PROJECT: this.root,
				npm_execpath: join(this.root, 'npm-cli.js'),
				INIT_CWD: this.root,
				...env,
			},
			stdio: 'pipe',
		});
		this.#children.add(child);
		let stdout = '';
		let stderr = '';
		child.stdout.on('data', (piece) => {
			stdout += piece;
		});
		child.stderr.on('data', (piece) => {
			stderr += piece;
		});
		child.stdin.end(input);
		const ended = new Promise<Ended>((settle) => {
			child.once('close', (code, signal) => {
				this.#children.delete(child);
				settle({ code, signal, stdout, stderr });
			});
		});
		return { child, printed: () => stdout, ended };
	}

	/** Runs one of the launch scripts to its end. */
	run(...start: Parameters<SmallProject['start']>): Promise<Ended> {
		return this.start(...start).ended;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const child of this.#children) child.kill('SIGTERM');
		await Promise.all([...this.#children].map((child) => new Promise((settle) => child.once('close', settle))));
		await rm(this.root, { recursive: true, force: true });
	}
}
