/** A terminal for the command line in a test's own process: what it is given, and what it wrote. */
import type { Io } from '#main/headless/cli/io.ts';

export interface TestIo extends Io {
	readonly out: () => string;
	readonly err: () => string;
	/** Presses Ctrl+C. */
	interrupt(): void;
	/** Questions that were asked. */
	readonly asked: string[];
}

/** `answers` and `lines` are what a person types and what standard input holds; without answers nobody is there. */
export function testIo(
	args: readonly string[],
	options: {
		readonly env?: NodeJS.ProcessEnv;
		readonly answers?: readonly string[];
		readonly lines?: readonly string[];
		readonly columns?: number;
	} = {},
): TestIo {
	let out = '';
	let err = '';
	const answers = [...(options.answers ?? [])];
	const lines = [...(options.lines ?? [])];
	const asked: string[] = [];
	const listeners: (() => void)[] = [];
	const stream = (write: (text: string) => void) => ({
		write(text: string) {
			write(text);
			return true;
		},
		isTTY: options.columns !== undefined,
		columns: options.columns ?? 80,
		writableLength: 0,
	});
	return {
		args,
		env: options.env ?? {},
		stdout: stream((text) => {
			out += text;
		}),
		stderr: stream((text) => {
			err += text;
		}),
		interactive: options.answers !== undefined,
		readLine: async () => lines.shift() ?? null,
		async ask(question) {
			asked.push(question);
			return answers.shift() ?? null;
		},
		onInterrupt(listener) {
			listeners.push(listener);
			return { [Symbol.dispose]: () => void listeners.splice(listeners.indexOf(listener), 1) };
		},
		out: () => out,
		err: () => err,
		interrupt: () => listeners.at(-1)?.(),
		asked,
	};
}
