/** Saving a log as a file: every line that is shown, also those that were never drawn. */
import type { LogLine } from '#main/domain/task.ts';
import type { LogReader } from './log-reader.svelte.ts';
import { LogUnreadable } from './log-reader.svelte.ts';

/** Collects a log and hands it to the browser. */
export class SavedLog implements Disposable {
	busy = $state(false);
	/** Lines collected so far. */
	lines = $state(0);
	/** Why the last one was not saved; null: it was, or was cancelled. */
	error: string | null = $state(null);
	#run = 0;

	async save(reader: LogReader, format: 'text' | 'jsonl', name: string): Promise<void> {
		this.#run += 1;
		const run = this.#run;
		[this.busy, this.lines, this.error] = [true, 0, null];
		const write = format === 'text' ? logText : logJson;
		// Pieces become blobs at once, which the browser keeps on its disk where they are many.
		const parts: Blob[] = [];
		try {
			for await (const piece of reader.pieces()) {
				if (run !== this.#run) return;
				parts.push(new Blob([piece.map(write).join('')]));
				this.lines += piece.length;
			}
			if (run === this.#run) download(new Blob(parts, { type: 'text/plain;charset=utf-8' }), name);
		} catch (error) {
			if (!(error instanceof LogUnreadable)) throw error;
			if (run === this.#run) this.error = error.message;
		}
		if (run === this.#run) this.busy = false;
	}

	/** Nothing is saved. */
	cancel(): void {
		this.#run += 1;
		this.busy = false;
	}

	[Symbol.dispose](): void {
		this.cancel();
	}
}

/** A line of a saved log: time in UTC, level, logger, text; a text of several lines goes on indented. */
export function logText(line: LogLine): string {
	const from = line.logger === null ? '' : `${line.logger}: `;
	const word = line.source === 'log' ? line.level.toUpperCase() : line.source;
	const text = line.text.replace(/\r?\n$/, '').replaceAll('\n', '\n    ');
	return `${new Date(line.at).toISOString()} ${word.padEnd(8)} ${from}${text}\n`;
}

function logJson({ at, level, source, logger, text }: LogLine): string {
	return `${JSON.stringify({ at, level, source, logger, text })}\n`;
}

function download(blob: Blob, name: string): void {
	const url = URL.createObjectURL(blob);
	const link = document.createElement('a');
	link.href = url;
	link.download = name;
	link.click();
	// The browser has taken it over by then; kept for ever, it would hold the whole log.
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
