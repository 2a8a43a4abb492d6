/** A Celery worker that keeps results, for tests of results, canvas and requeue. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endGroup, startGroup } from '../process-group.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const PYTHON = '/usr/bin/python3';
const run = promisify(execFile);

/** One run of `shaky` that succeeded. */
export interface ShakyRun {
	readonly id: string;
	readonly root: string | null;
	readonly args: string;
	readonly kwargs: string;
}

export interface ResultLab extends AsyncDisposable {
	/** Runs Python with `app`, its tasks and `chain`, `group`, `chord`; gives the JSON that it prints. */
	python<T>(...lines: readonly string[]): Promise<T>;
	/** Starts a worker; with `events` it sends them. */
	worker(name: string, events: boolean): AsyncDisposable;
	/** Lets waiting tasks end (`open`), or shaky ones succeed (`good`). */
	let(what: 'open' | 'good'): void;
	not(what: 'open' | 'good'): void;
	ran(): readonly ShakyRun[];
}

/** The lab on a broker and a result backend. */
export function resultLab(broker: string, results: string, serializer = 'json'): ResultLab {
	const place = mkdtempSync(join(tmpdir(), 'warren-results-'));
	const env = {
		...process.env,
		WARREN_LAB_BROKER: broker,
		WARREN_LAB_RESULTS: results,
		WARREN_LAB_SERIALIZER: serializer,
		WARREN_LAB_PLACE: place,
		PYTHONPATH: FOLDER,
		PYTHONDONTWRITEBYTECODE: '1',
		C_FORCE_ROOT: '1',
	};
	const workers: AsyncDisposable[] = [];
	return {
		async python(...lines) {
			const begin = ['import json', 'from celery import chain, chord, group', 'from resultlab import *'];
			const { stdout } = await run(PYTHON, ['-W', 'ignore', '-c', [...begin, ...lines].join('\n')], { env });
			return JSON.parse(stdout);
		},
		worker(name, events) {
			const args = [
				'-W',
				'ignore',
				'-m',
				'celery',
				'-A',
				'resultlab',
				'worker',
				'-n',
				`${name}@lab`,
				'--concurrency',
				'2',
			];
			const quiet = ['--loglevel', 'ERROR', '--without-mingle', '--without-gossip', ...(events ? ['-E'] : [])];
			const child = startGroup('exec "$0" "$@" 3<&-', [PYTHON, ...args, ...quiet], { env, cwd: FOLDER });
			// Unread output would fill its pipe and stop it.
			child.stdout?.resume();
			child.stderr?.resume();
			let ended: Promise<void> | null = null;
			const worker = {
				async [Symbol.asyncDispose]() {
					ended ??= endGroup(child);
					await ended;
				},
			};
			workers.push(worker);
			return worker;
		},
		let: (what) => writeFileSync(join(place, what), ''),
		not: (what) => rmSync(join(place, what), { force: true }),
		ran() {
			const file = join(place, 'ran.jsonl');
			if (!existsSync(file)) return [];
			const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
			return lines.map((line) => JSON.parse(line) as ShakyRun);
		},
		async [Symbol.asyncDispose]() {
			for (const worker of workers) await worker[Symbol.asyncDispose]();
			rmSync(place, { recursive: true, force: true });
		},
	};
}
