#!/usr/bin/env node
/** Top of the command line's process. Nothing but Node's own modules is loaded before its version is known to do. */
import process from 'node:process';
import { createInterface, type Interface } from 'node:readline';
import type { Io } from './io.ts';

const OLDEST_NODE = 24;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
	process.stderr.write(`warren: this is Node ${process.versions.node}; Warren needs ${OLDEST_NODE} or newer.\n`);
	process.exit(1);
}

/** Whoever reads may have enough (`| head`): that ends the output, not in an error. */
for (const stream of [process.stdout, process.stderr]) {
	stream.on('error', (error: NodeJS.ErrnoException) => {
		if (error.code === 'EPIPE') process.exit(0);
		throw error;
	});
}

const interrupts: (() => void)[] = [];
let signals = 0;
function interrupted(signal: NodeJS.Signals): void {
	signals += 1;
	const listener = interrupts.at(-1);
	// A command that does not end after three is not listening.
	if (listener === undefined || signals > 3) process.exit(signal === 'SIGINT' ? 130 : 143);
	listener();
}
/**
 * Signals are ours alone. A library beneath conf listens as well and, having tidied up, sends the signal to this process once
 * more: one Ctrl+C would count as two, and a consumer would drop what it runs instead of finishing it.
 */
function takeSignals(): void {
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
		process.removeAllListeners(signal);
		process.on(signal, interrupted);
	}
}
takeSignals();

const reading: { input: Interface | null; lines: AsyncIterator<string> | null } = { input: null, lines: null };
async function readLine(): Promise<string | null> {
	reading.input ??= createInterface({ input: process.stdin });
	reading.lines ??= reading.input[Symbol.asyncIterator]();
	const next = await reading.lines.next();
	return next.done === true ? null : next.value;
}

const io: Io = {
	args: process.argv.slice(2),
	env: process.env,
	stdout: process.stdout,
	stderr: process.stderr,
	interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
	readLine,
	async ask(question) {
		process.stderr.write(question);
		return readLine();
	},
	onInterrupt(listener) {
		interrupts.push(listener);
		return {
			[Symbol.dispose]: () => {
				interrupts.splice(interrupts.indexOf(listener), 1);
			},
		};
	},
};

let code: number;
try {
	const { runCommandLine } = await import('./run.ts');
	takeSignals();
	code = await runCommandLine(io);
} catch (error) {
	// A defect of Warren's own: here, at the top, its stack is all there is to say.
	process.stderr.write(`warren: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
	code = 1;
}
reading.input?.close();
// Output to a pipe may still be on its way; exit() would cut it.
await Promise.all(
	[process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))),
);
process.exit(code);
