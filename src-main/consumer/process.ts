/** A runner's process as Warren holds it, whatever started it: a child process here, a utility process in the Electron shell. */
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** How a process ended. `error` is set when it could not be started at all. */
export interface ProcessEnd {
	readonly exitCode: number | null;
	readonly signal: string | null;
	readonly error: (Error & { readonly code?: string }) | null;
}

export interface ProcessHandlers {
	/** Bytes of the message channel. */
	message(chunk: Buffer): void;
	/** Bytes that reached the real output descriptors. */
	output(source: 'stdout' | 'stderr', chunk: Buffer): void;
	/** Told once, after the last message and output. */
	ended(end: ProcessEnd): void;
}

export interface RunnerProcess {
	readonly pid: number | null;
	/** Writes one job line. */
	send(line: string): void;
	/** Says that there are no more jobs; a runner then ends by itself. */
	endInput(): void;
	/** Ends it and all it started, now. */
	kill(): void;
	/** Stops and goes on reading messages and output. */
	pause(): void;
	resume(): void;
}

/** What to start. */
export interface ProcessSpec {
	readonly command: string;
	readonly args: readonly string[];
	readonly cwd: string;
	readonly env: Readonly<Record<string, string>>;
}

/** Starts a process; a failure to start is told by `ended`. */
export type SpawnProcess = (spec: ProcessSpec, handlers: ProcessHandlers) => RunnerProcess;

/** How long output may trickle in after the process is gone: what it started may hold the pipes open for ever. */
const LAST_WORDS_MS = 500;

/** Starts a child process that leads its own process group: a Ctrl+C meant for Warren spares it, and its children die with it. */
export const spawnChild: SpawnProcess = (spec, handlers) => {
	const child = spawn(spec.command, [...spec.args], {
		cwd: spec.cwd,
		env: { ...spec.env },
		stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
		detached: process.platform !== 'win32',
		windowsHide: true,
	});
	const input = child.stdin as Writable;
	const streams = [child.stdio[3] as Readable, child.stdout as Readable, child.stderr as Readable] as const;
	let failure: ProcessEnd['error'] = null;
	let exit: { readonly exitCode: number | null; readonly signal: string | null } | null = null;
	let told = false;

	const killGroup = (): void => {
		if (child.pid === undefined) return;
		try {
			if (process.platform === 'win32') child.kill('SIGKILL');
			else process.kill(-child.pid, 'SIGKILL');
		} catch (error) {
			// Nothing is left of the group, which is what was wanted.
			if ((error as NodeJS.ErrnoException).code !== 'ESRCH') child.kill('SIGKILL');
		}
	};
	const tell = (): void => {
		if (told) return;
		told = true;
		for (const stream of streams) stream.destroy();
		handlers.ended({ exitCode: exit?.exitCode ?? null, signal: exit?.signal ?? null, error: failure });
	};

	streams[0].on('data', (chunk: Buffer) => handlers.message(chunk));
	streams[1].on('data', (chunk: Buffer) => handlers.output('stdout', chunk));
	streams[2].on('data', (chunk: Buffer) => handlers.output('stderr', chunk));
	// A pipe that breaks tells nothing that `exit` doesn't tell better.
	for (const stream of [...streams, input]) stream.on('error', () => {});
	child.on('error', (error) => {
		failure = error;
		if (child.pid === undefined) tell();
	});
	child.on('exit', (exitCode, signal) => {
		exit = { exitCode, signal };
		killGroup();
		setTimeout(tell, LAST_WORDS_MS).unref();
		for (const stream of streams) stream.resume();
	});
	child.on('close', tell);

	return {
		pid: child.pid ?? null,
		send(line) {
			if (input.writable) input.write(line);
		},
		endInput() {
			input.end();
		},
		kill: killGroup,
		pause() {
			for (const stream of streams) stream.pause();
		},
		resume() {
			for (const stream of streams) stream.resume();
		},
	};
};
