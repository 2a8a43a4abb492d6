/** A Celery app of a test, its workers and its publishers: Debian's Celery over a private Redis. */
import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endGroup, startGroup } from '../process-group.ts';
import { waitFor } from '../wait.ts';

const PYTHON = '/usr/bin/python3';
const run = promisify(execFile);

export interface CeleryApp extends AsyncDisposable {
	/** Runs lines of Python with `app` and its tasks at hand; answers what they printed. */
	python(...lines: readonly string[]): Promise<string>;
	/** Starts a worker and waits until it takes tasks. */
	worker(queue: string): Promise<CeleryWorker>;
}

export interface CeleryWorker {
	/** Ends it and its pool without a chance to tidy up. */
	kill9(): Promise<void>;
	/** What it has printed. */
	output(): string;
}

/** Makes an app. `body` defines its tasks; `app` is there already, with Redis as broker and for results. */
export async function celeryApp(url: string, body: readonly string[]): Promise<CeleryApp> {
	const folder = await mkdtemp(join(tmpdir(), 'warren-celery-'));
	const head = [
		'from celery import Celery',
		`app = Celery('labapp', broker=${JSON.stringify(url)}, backend=${JSON.stringify(url)})`,
		'app.conf.worker_prefetch_multiplier = 1',
	];
	await writeFile(join(folder, 'labapp.py'), `${[...head, ...body].join('\n')}\n`);
	const workers = new Set<ChildProcess>();
	return {
		async python(...lines) {
			const { stdout } = await run(PYTHON, ['-W', 'ignore', '-c', ['from labapp import *', ...lines].join('\n')], {
				cwd: folder,
			});
			return stdout;
		},
		async worker(queue) {
			const options = [
				'worker',
				'-Q',
				queue,
				'--concurrency',
				'1',
				'--loglevel',
				'INFO',
				'--without-mingle',
				'--without-gossip',
			];
			const child = startGroup(
				'exec "$0" "$@" 3<&-',
				[PYTHON, '-W', 'ignore', '-m', 'celery', '-A', 'labapp', ...options],
				{ cwd: folder, env: { ...process.env, C_FORCE_ROOT: '1', LANG: 'C.UTF-8' } },
			);
			workers.add(child);
			let output = '';
			for (const stream of [child.stdout, child.stderr]) {
				stream?.on('data', (chunk: Buffer) => {
					output = (output + chunk.toString()).slice(-20_000);
				});
			}
			await waitFor(
				'the worker to be ready',
				() => {
					if (child.exitCode !== null) throw new Error(`Celery ended: ${output}`);
					return / ready\./.test(output);
				},
				120_000,
			);
			return {
				output: () => output,
				kill9: () => endGroup(child).then(() => void workers.delete(child)),
			};
		},
		async [Symbol.asyncDispose]() {
			await Promise.all([...workers].map(endGroup));
			await rm(folder, { recursive: true, force: true });
		},
	};
}
