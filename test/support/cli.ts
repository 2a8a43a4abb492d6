/** Running Warren's command line, as a person would, in a home of its own. */
import { spawn } from 'node:child_process';
import { MAIN } from './entry.ts';

export interface CliRun {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs `warren <args>`; resolves when it ends. `stdin` is empty unless given. */
export function warren(
	home: string,
	args: readonly string[],
	options: { readonly stdin?: string } = {},
): Promise<CliRun> {
	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, [MAIN, '--home', home, ...args], {
			stdio: ['pipe', 'pipe', 'pipe'],
			env: { ...process.env, NO_COLOR: '1' },
		});
		let stdout = '';
		let stderr = '';
		child.stdout.setEncoding('utf8').on('data', (text: string) => {
			stdout += text;
		});
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			stderr += text;
		});
		child.on('error', reject);
		child.on('close', (code, signal) => {
			resolve({ code: code ?? (signal === null ? 1 : 128), stdout, stderr });
		});
		child.stdin.end(options.stdin ?? '');
	});
}

/** Runs `warren --json <args>` and reads the one document it prints; throws with what it said when it fails. */
export async function warrenJson<T>(home: string, args: readonly string[]): Promise<T> {
	const run = await warren(home, ['--json', ...args]);
	if (run.code !== 0) throw new Error(`warren ${args.join(' ')} ended with ${run.code}:\n${run.stdout}\n${run.stderr}`);
	return JSON.parse(run.stdout) as T;
}
