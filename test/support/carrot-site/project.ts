/** A real Django project with carrot's tables in a SQLite database of its own, and its rows. */
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RunnerSpec } from '#main/domain/consumer.ts';

const SOURCE = fileURLToPath(new URL('../../fixtures/projects/carrotsite', import.meta.url));
const PYTHON = '/usr/bin/python3';
const run = promisify(execFile);

/** A row as the database holds it; times in ISO form. */
export interface DatabaseRow {
	readonly id: number;
	readonly status: string;
	readonly uuid: string;
	readonly task: string;
	readonly task_args: string | null;
	readonly content: string | null;
	readonly priority: number;
	readonly exception: string | null;
	readonly traceback: string | null;
	readonly output: string | null;
	readonly log: string | null;
	readonly publish_time: string | null;
	readonly failure_time: string | null;
	readonly completion_time: string | null;
}

export interface SiteProject extends Disposable {
	readonly folder: string;
	readonly env: Readonly<Record<string, string>>;
	/** What runs its tasks. */
	spec(more?: { readonly settings?: string; readonly env?: Readonly<Record<string, string>> }): RunnerSpec;
	add(row: Readonly<Record<string, unknown>>): Promise<number>;
	rows(): Promise<readonly DatabaseRow[]>;
	/** Holds a write lock on the database until the answer is called; resolves once it is held. */
	lock(): Promise<() => Promise<void>>;
}

/** Makes the project and its tables in a temporary folder. */
export async function makeSiteProject(env: Readonly<Record<string, string>> = {}): Promise<SiteProject> {
	const folder = mkdtempSync(join(tmpdir(), 'warren-carrotsite-'));
	cpSync(SOURCE, folder, { recursive: true });
	const all = { SITE_DATABASE: join(folder, 'site.db'), PYTHONDONTWRITEBYTECODE: '1', ...env };
	const python = async (...args: readonly string[]): Promise<string> => {
		const options = { cwd: folder, env: { ...process.env, ...all }, maxBuffer: 64 * 1024 * 1024 };
		return (await run(PYTHON, ['tables.py', ...args], options)).stdout;
	};
	await python('create');
	let locks = 0;
	return {
		folder,
		env: all,
		spec: (more = {}) => ({
			kind: 'python',
			executable: PYTHON,
			project: folder,
			settingsModule: more.settings ?? 'carrotsite.settings',
			env: { ...all, ...more.env },
		}),
		add: async (row) => Number(await python('add', JSON.stringify(row))),
		rows: async () => JSON.parse(await python('rows')) as readonly DatabaseRow[],
		async lock() {
			const release = join(folder, `release-${++locks}`);
			const child = spawn(PYTHON, ['tables.py', 'lock', release], { cwd: folder, env: { ...process.env, ...all } });
			await new Promise<void>((resolve, reject) => {
				child.once('error', reject);
				child.once('exit', (code) => reject(new Error(`the lock ended with ${code}`)));
				child.stdout.once('data', () => resolve());
			});
			return async () => {
				const ended = new Promise((resolve) => child.once('exit', resolve));
				writeFileSync(release, '');
				await ended;
			};
		},
		[Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
	};
}
