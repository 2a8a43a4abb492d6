/** A Celery cluster for tests: Debian's Celery on a broker of the test's own, with tasks that succeed, fail, retry and sleep. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endGroup, startGroup } from '../process-group.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const PYTHON = '/usr/bin/python3';
const run = promisify(execFile);

export interface CeleryLab {
	/** Starts a worker that sends events; resolves at once. Its node is `<name>@lab`. */
	worker(name: string): AsyncDisposable;
	/** Sends a task and gives its id. */
	send(task: string, ...args: readonly (string | number)[]): Promise<string>;
	/** Revokes a task; `terminate` ends its process. */
	revoke(id: string, terminate: boolean): Promise<void>;
}

/** The cluster on a broker. */
export function celeryLab(broker: string): CeleryLab {
	const env = { ...process.env, WARREN_LAB_BROKER: broker, PYTHONPATH: FOLDER, PYTHONDONTWRITEBYTECODE: '1' };
	const python = async (lines: readonly string[]) => {
		const { stdout } = await run(PYTHON, ['-W', 'ignore', '-c', ['from warrenlab import app', ...lines].join('\n')], {
			env,
		});
		return stdout.trim();
	};
	return {
		worker(name) {
			const args = ['-W', 'ignore', '-m', 'celery', '-A', 'warrenlab', 'worker', '-E', '-n', `${name}@lab`];
			const command = [PYTHON, ...args, '--concurrency', '2', '--loglevel', 'ERROR'] as const;
			const child = startGroup('exec "$0" "$@" 3<&-', command, { env, cwd: FOLDER });
			// Unread output would fill its pipe and stop it.
			child.stdout?.resume();
			child.stderr?.resume();
			return { [Symbol.asyncDispose]: () => endGroup(child) };
		},
		send: (task, ...args) =>
			python([`print(app.send_task(${JSON.stringify(`warrenlab.${task}`)}, ${JSON.stringify(args)}).id)`]),
		async revoke(id, terminate) {
			await python([`app.control.revoke(${JSON.stringify(id)}, terminate=${terminate ? 'True' : 'False'})`]);
		},
	};
}
