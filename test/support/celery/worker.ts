/** Debian's Celery worker on a test's broker, and what its tasks were called with. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endGroup, startGroup } from '../process-group.ts';
import { waitFor } from '../wait.ts';

const FOLDER = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);

/** One run of a task, as the task itself saw it; `args` and `kwargs` as Python prints them. */
export interface Ran {
	readonly id: string;
	readonly root: string | null;
	readonly parent: string | null;
	readonly retries: number;
	readonly origin: string | null;
	readonly argsrepr: string | null;
	readonly kwargsrepr: string | null;
	readonly ignore_result: boolean | null;
	readonly args: string;
	readonly kwargs: string;
	readonly outcome: 'fine' | 'failed';
}

export interface CeleryWorker extends AsyncDisposable {
	/** The folder its tasks look into. */
	readonly place: string;
	ran(): readonly Ran[];
	/** Waits for the run of a task and gives it. */
	hasRun(what: string, is: (run: Ran) => boolean): Promise<Ran>;
}

/** Starts a worker of `worker_app.py` on these queues; ready when it says so. */
export async function startCeleryWorker(broker: string, queues: readonly string[]): Promise<CeleryWorker> {
	const place = mkdtempSync(join(tmpdir(), 'warren-celery-'));
	const command = ['-m', 'celery', '-A', 'worker_app', 'worker', '-P', 'solo', '-Q', queues.join(','), '-l', 'INFO'];
	const child = startGroup('exec "$0" "$@" 3<&-', ['/usr/bin/python3', ...command, '--without-mingle'], {
		cwd: FOLDER,
		env: { ...process.env, BROKER: broker, PLACE: place, PYTHONPATH: FOLDER, PYTHONDONTWRITEBYTECODE: '1' },
	});
	let said = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream?.setEncoding('utf8').on('data', (text: string) => {
			said = (said + text).slice(-20_000);
		});
	}
	const stop = async () => {
		await endGroup(child);
		rmSync(place, { recursive: true, force: true });
	};
	const ran = (): readonly Ran[] => {
		const file = join(place, 'ran.jsonl');
		if (!existsSync(file)) return [];
		return readFileSync(file, 'utf8')
			.split('\n')
			.filter(Boolean)
			.map((line) => JSON.parse(line) as Ran);
	};
	try {
		await waitFor('the Celery worker to be ready', () => child.exitCode !== null || / ready\./.test(said), 60_000);
		if (child.exitCode !== null) throw new Error(`The worker ended:\n${said}`);
	} catch (error) {
		await stop();
		throw error;
	}
	return {
		place,
		ran,
		async hasRun(what, is) {
			const found = await waitFor(
				`${what}; the worker said:\n${said.slice(-2_000)}`,
				() => ran().find(is) ?? null,
				30_000,
			);
			return found;
		},
		[Symbol.asyncDispose]: stop,
	};
}

/** Runs Python with the app imported as `app`, as a client of Celery's would; gives what it printed. */
export async function withCeleryApp(broker: string, script: string): Promise<string> {
	const env = { ...process.env, BROKER: broker, PYTHONPATH: FOLDER, PYTHONDONTWRITEBYTECODE: '1' };
	const { stdout } = await run('/usr/bin/python3', ['-W', 'ignore', '-c', `from worker_app import app\n${script}`], {
		env,
	});
	return stdout;
}
