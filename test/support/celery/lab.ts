/** A Celery cluster for tests: Debian's Celery on a broker of the test's own, with tasks that succeed, fail, retry and sleep. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endGroup, startGroup } from '../process-group.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const PYTHON = '/usr/bin/python3';
const run = promisify(execFile);

export interface LabWorker extends AsyncDisposable {
	/** Ends it and its pool without a chance to tidy up. */
	kill9(): Promise<void>;
	/** Whether its main process has ended. */
	ended(): boolean;
	/** What it has printed, the end of it. */
	output(): string;
}

export interface WorkerOptions {
	/** Whether it sends events of tasks (-E); default: it does. */
	readonly events?: boolean;
	/** More of its command line, e.g. `--autoscale=3,1`. */
	readonly flags?: readonly string[];
}

export interface CeleryLab {
	/** Starts a worker; resolves at once. Its node is `<name>@lab`. */
	worker(name: string, options?: WorkerOptions): LabWorker;
	/** Sends a task and gives its id. */
	send(task: string, ...args: readonly (string | number)[]): Promise<string>;
	/** Revokes a task; `terminate` ends its process. */
	revoke(id: string, terminate: boolean): Promise<void>;
	/** Runs lines of Python with `app` at hand; answers what they printed. */
	python(lines: readonly string[]): Promise<string>;
}

/** The cluster on a broker, with Celery settings of its own. */
export function celeryLab(broker: string, settings: Readonly<Record<string, unknown>> = {}): CeleryLab {
	const env = {
		...process.env,
		WARREN_LAB_BROKER: broker,
		WARREN_LAB_CONF: JSON.stringify(settings),
		PYTHONPATH: FOLDER,
		PYTHONDONTWRITEBYTECODE: '1',
		C_FORCE_ROOT: '1',
	};
	const python = async (lines: readonly string[]) => {
		const { stdout } = await run(PYTHON, ['-W', 'ignore', '-c', ['from warrenlab import app', ...lines].join('\n')], {
			env,
		});
		return stdout.trim();
	};
	return {
		python,
		worker(name, { events = true, flags = [] } = {}) {
			const args = ['-W', 'ignore', '-m', 'celery', '-A', 'warrenlab', 'worker', '-n', `${name}@lab`];
			const scaled = flags.some((flag) => flag.startsWith('--autoscale')) ? [] : ['--concurrency', '2'];
			const command = [PYTHON, ...args, ...(events ? ['-E'] : []), ...scaled, '--loglevel', 'ERROR', ...flags] as const;
			const child = startGroup('exec "$0" "$@" 3<&-', command, { env, cwd: FOLDER });
			let said = '';
			for (const stream of [child.stdout, child.stderr]) {
				stream?.setEncoding('utf8').on('data', (text: string) => {
					said = (said + text).slice(-20_000);
				});
			}
			const end = () => endGroup(child);
			return {
				kill9: end,
				ended: () => child.exitCode !== null || child.signalCode !== null,
				output: () => said,
				[Symbol.asyncDispose]: end,
			};
		},
		send: (task, ...args) =>
			python([`print(app.send_task(${JSON.stringify(`warrenlab.${task}`)}, ${JSON.stringify(args)}).id)`]),
		async revoke(id, terminate) {
			await python([`app.control.revoke(${JSON.stringify(id)}, terminate=${terminate ? 'True' : 'False'})`]);
		},
	};
}
