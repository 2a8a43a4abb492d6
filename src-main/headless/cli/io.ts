/** What the command line needs of its process; tests give their own. */

export interface OutStream {
	write(text: string): boolean;
	readonly isTTY: boolean;
	/** Characters per line of a terminal. */
	readonly columns: number;
	/** Bytes that were written and not yet taken by whoever reads. */
	readonly writableLength: number;
}

export interface Io {
	readonly args: readonly string[];
	readonly env: NodeJS.ProcessEnv;
	readonly stdout: OutStream;
	readonly stderr: OutStream;
	/** Whether somebody sits there to answer questions. */
	readonly interactive: boolean;
	/** Next line of standard input; null at its end. */
	readLine(): Promise<string | null>;
	/** Asks on standard error and reads the answer; null when there is none. */
	ask(question: string): Promise<string | null>;
	/** Ctrl+C or a request to end. Only the newest listener is called. */
	onInterrupt(listener: () => void): Disposable;
}
