/**
 * What is done when a task has failed for good. A hook that fails or hangs is told in lines of the attempt's log and changes
 * nothing else.
 */
import { spawn } from 'node:child_process';
import type { FailureHook, RunnerSpec } from '#main/domain/consumer.ts';
import { assertNever } from '#main/domain/result.ts';
import type { TaskException } from '#main/domain/task.ts';
import { runnerEnvironment } from './environment.ts';

/** The failure as hooks are told it; JSON on a command's standard input and the body of a POST. Times are epoch ms. */
export interface FailureReport {
	readonly task: string;
	readonly taskId: string;
	readonly messageId: string;
	readonly queue: string;
	readonly attempt: number;
	readonly worker: string;
	readonly profile: string;
	readonly at: number;
	readonly exception: TaskException;
	readonly traceback: string | null;
	/** JSON text, with all digits. */
	readonly args: string;
	readonly kwargs: string;
	/** Texts of the last lines of its log. */
	readonly log: readonly string[];
}

/** How a hook went. */
export type HookOutcome =
	| { readonly kind: 'done'; readonly words: string }
	| { readonly kind: 'failed'; readonly reason: string };

/** Most bytes of a command's output or a server's answer that are quoted. */
const QUOTED = 2000;
/** Redirects followed, to the same host only. */
const REDIRECTS = 3;

/** The name of a hook for a log line. */
export function hookName(hook: FailureHook): string {
	switch (hook.kind) {
		case 'command':
			return `command ${hook.command[0] ?? '(none)'}`;
		case 'http':
			return `POST to ${hostOf(hook.url)}`;
		case 'function':
			return `function ${hook.path}`;
		default:
			return assertNever(hook);
	}
}

/** Without path and query, which may hold a secret. */
function hostOf(url: string): string {
	return URL.canParse(url) ? new URL(url).host : 'an address that cannot be read';
}

/** Runs a command with the failure on its standard input; it leads its own process group, which is killed when time is up. */
export function runCommandHook(
	hook: Extract<FailureHook, { kind: 'command' }>,
	report: FailureReport,
	spec: RunnerSpec,
	signal: AbortSignal,
): Promise<HookOutcome> {
	const [program, ...args] = hook.command;
	if (program === undefined) return Promise.resolve({ kind: 'failed', reason: 'The command is empty.' });
	return new Promise((resolve) => {
		const child = spawn(program, args, {
			cwd: spec.project,
			env: runnerEnvironment(spec, process.env),
			stdio: ['pipe', 'pipe', 'pipe'],
			detached: process.platform !== 'win32',
			windowsHide: true,
		});
		let words = '';
		let why: string | null = null;
		const kill = (reason: string) => {
			why ??= reason;
			if (child.pid === undefined) return;
			try {
				if (process.platform === 'win32') child.kill('SIGKILL');
				else process.kill(-child.pid, 'SIGKILL');
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code !== 'ESRCH') child.kill('SIGKILL');
			}
		};
		const timer = setTimeout(() => kill(`it took longer than ${hook.timeoutMs} ms and was killed`), hook.timeoutMs);
		const stop = () => kill('the consumer stopped');
		signal.addEventListener('abort', stop, { once: true });
		for (const stream of [child.stdout, child.stderr]) {
			stream.on('data', (chunk: Buffer) => {
				if (words.length < QUOTED) words = (words + chunk.toString()).slice(0, QUOTED);
			});
		}
		// A command that does not read its input is no failure.
		child.stdin.on('error', () => {});
		child.stdin.end(JSON.stringify(report));
		const finish = (outcome: HookOutcome) => {
			clearTimeout(timer);
			signal.removeEventListener('abort', stop);
			resolve(outcome);
		};
		child.on('error', (error) => finish({ kind: 'failed', reason: error.message }));
		child.on('exit', (code, how) => {
			// What it started goes with it, and must not keep its pipes open.
			kill('');
			for (const stream of [child.stdout, child.stderr]) stream.destroy();
			const said = words.trim() === '' ? '' : ` It said: ${words.trim()}`;
			if (why !== null && why !== '') finish({ kind: 'failed', reason: `${why}.${said}` });
			else if (code === 0) finish({ kind: 'done', words: said.trim() });
			else finish({ kind: 'failed', reason: `it ended with ${how ?? `exit code ${code}`}.${said}` });
		});
	});
}

/** Posts the failure as JSON. Redirects to other hosts are not followed: the report would go to who knows whom. */
export async function runHttpHook(
	hook: Extract<FailureHook, { kind: 'http' }>,
	report: FailureReport,
	signal: AbortSignal,
): Promise<HookOutcome> {
	const deadline = AbortSignal.timeout(hook.timeoutMs);
	const both = AbortSignal.any([signal, deadline]);
	try {
		let url = new URL(hook.url);
		for (let hop = 0; hop <= REDIRECTS; hop += 1) {
			const answer = await fetch(url, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify(report),
				redirect: 'manual',
				signal: both,
			});
			await answer.body?.cancel();
			if (answer.ok) return { kind: 'done', words: `It answered ${answer.status}.` };
			const location = answer.headers.get('location');
			if (answer.status < 300 || answer.status > 399 || location === null) {
				return { kind: 'failed', reason: `it answered ${answer.status} ${answer.statusText}`.trim() };
			}
			const next = new URL(location, url);
			if (next.host !== url.host || next.protocol !== url.protocol) {
				return { kind: 'failed', reason: `it redirects to ${next.host}, which is not followed` };
			}
			url = next;
		}
		return { kind: 'failed', reason: 'it redirects in circles' };
	} catch (error) {
		if (signal.aborted) return { kind: 'failed', reason: 'the consumer stopped' };
		if (deadline.aborted) return { kind: 'failed', reason: `it did not answer within ${hook.timeoutMs} ms` };
		const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
		return { kind: 'failed', reason: `${error instanceof Error ? error.message : String(error)}${cause}` };
	}
}
