/** Children that lead a process group of their own: ended with all they started, and never outliving this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { waitFor } from './wait.ts';

/** Kills a child's whole process group and waits until nothing of it is left. */
export async function endGroup(server: ChildProcess): Promise<void> {
	const pid = server.pid;
	if (pid === undefined) return;
	const signal = (name: NodeJS.Signals | 0) => {
		try {
			process.kill(-pid, name);
			return true;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
			throw error;
		}
	};
	signal('SIGKILL');
	await waitFor('the process group to end', () => !signal(0), 30_000);
}

/**
 * Starts a shell script that ends in `exec "$0" "$@" 3<&-`, as the leader of a group. A watchdog in the group ends all of it when
 * this process is gone, however that happened.
 */
export function startGroup(
	script: string,
	command: readonly [string, ...string[]],
	options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): ChildProcess {
	return spawn('/bin/sh', ['-c', `(read _ <&3; kill -9 0) >/dev/null 2>&1 & ${script}`, ...command], {
		...options,
		detached: true,
		stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
	});
}
