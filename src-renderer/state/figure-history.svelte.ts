/** Figures over time as a page follows them: asked for again while somebody looks, for a span that a person chooses. */
import type { Answer } from './engine.ts';
import { Reading } from './reading.svelte.ts';

/** Spans that can be chosen. */
export const HISTORY_SPANS = [
	{ value: '1h', label: '1 h' },
	{ value: '24h', label: '24 h' },
	{ value: '7d', label: '7 d' },
] as const;
export type HistorySpan = (typeof HISTORY_SPANS)[number]['value'];

/** New samples come every few seconds; a chart of minutes shows them soon enough. */
const EVERY_MS = 10_000;

export class FigureHistoryReading<T> implements Disposable {
	readonly reading: Reading<T>;
	#span: HistorySpan = $state('1h');

	constructor(ask: (since: HistorySpan) => Promise<Answer<T>>) {
		this.reading = new Reading(() => ask(this.#span));
	}

	get span(): HistorySpan {
		return this.#span;
	}

	/** What is shown stays until the other span has been read. */
	set span(span: HistorySpan) {
		if (span === this.#span) return;
		this.#span = span;
		void this.reading.read();
	}

	/** Follows it until disposed of. */
	follow(): Disposable {
		return this.reading.every(EVERY_MS);
	}

	[Symbol.dispose](): void {
		this.reading[Symbol.dispose]();
	}
}
