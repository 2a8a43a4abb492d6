/** Publishing as django-carrot does: Debian's python3-pika, carrot's properties and body, byte for byte. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./publish_carrot.py', import.meta.url));

export interface CarrotJob {
	readonly task: string;
	readonly args?: readonly unknown[];
	readonly kwargs?: Readonly<Record<string, unknown>>;
	readonly priority?: number;
	readonly id?: string;
	/** Overrides the body, for malformed messages. */
	readonly body?: string;
	/** Overrides the headers; null: none at all. */
	readonly headers?: Readonly<Record<string, unknown>> | null;
}

/** Publishes the jobs in order and resolves with their message ids. */
export function publishCarrot(
	url: string,
	queue: string,
	jobs: readonly CarrotJob[],
	options: { readonly declare?: boolean } = {},
): Promise<readonly string[]> {
	return new Promise((resolve, reject) => {
		const args = [SCRIPT, url, queue, ...(options.declare === true ? ['--declare'] : [])];
		const child = spawn('/usr/bin/python3', args, { stdio: ['pipe', 'pipe', 'pipe'] });
		let stdout = '';
		let stderr = '';
		child.stdout.setEncoding('utf8').on('data', (text: string) => {
			stdout += text;
		});
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			stderr += text;
		});
		child.on('error', reject);
		child.on('close', (code) => {
			if (code === 0) resolve(stdout.trim().split('\n'));
			else reject(new Error(`publishing failed: ${stderr}`));
		});
		child.stdin.end(jobs.map((job) => `${JSON.stringify(job)}\n`).join(''));
	});
}
