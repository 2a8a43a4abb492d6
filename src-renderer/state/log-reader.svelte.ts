/**
 * A log to read, however long: which lines a level and a search leave is asked piece by piece, and of the lines themselves only those
 * around what is in sight are here. Growing logs are told by `grow`.
 */

import { readLogSearch } from '#main/domain/log-search.ts';
import type { LogLevel, LogLine } from '#main/domain/task.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Answer } from './engine.ts';

/** A line with its place in the log, from 0. */
export type NumberedLine = LogLine & { readonly seq: number };

/** Lines of a log, where they are kept. Lines are numbered from 0. */
export interface LogSource {
	/** Numbers of the lines that level and search leave, after a line; as far as was looked. */
	find(
		after: number,
		level: LogLevel,
		search: string,
	): Promise<
		Answer<{ readonly seqs: readonly number[]; readonly seen: number; readonly lines: number; readonly done: boolean }>
	>;
	/** So many lines from a number on; fewer where they are long. */
	range(from: number, count: number): Promise<Answer<readonly NumberedLine[]>>;
	/** Lines by their numbers; fewer where they are long. */
	lines(seqs: readonly number[]): Promise<Answer<readonly NumberedLine[]>>;
}

/** Lines that are asked for together. */
const BLOCK = 250;
/** Blocks that are kept. */
const KEPT = 24;

/** What one level and one search leave of the log, as far as is known. */
class Sieve {
	readonly level: LogLevel;
	readonly search: string;
	/** Numbers of lines, rising; `count` tells when there are more. */
	readonly seqs: number[] = [];
	count = $state(0);
	/** Whether all lines there are were looked at. */
	done = $state(false);
	/** Why it finds nothing, and where in what was typed. */
	problem: {
		readonly message: string;
		readonly place: { readonly position: number; readonly length: number } | null;
	} | null = $state.raw(null);
	seen = -1;
	looking = false;

	constructor(level: LogLevel, search: string) {
		this.level = level;
		this.search = search;
	}

	/** The place of the first number that is not smaller. */
	from(seq: number): number {
		let low = 0;
		let high = this.seqs.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((this.seqs[middle] ?? 0) < seq) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}

interface Block {
	lines: readonly NumberedLine[];
	loading: boolean;
}

export class LogReader implements Disposable {
	/** Lines of the log in all. */
	whole = $state(0);
	error: WireError | null = $state.raw(null);
	level: LogLevel = $state('debug');
	search = $state('');
	/** Only lines that were searched for are shown. */
	only = $state(false);
	readonly #source: LogSource;
	/** Null: every line is shown. */
	#view: Sieve | null = $state.raw(null);
	#hits: Sieve | null = $state.raw(null);
	readonly #errors = new Sieve('error', '');
	readonly #blocks = new Map<number, Block>();
	/** Counts what has come, since the blocks themselves tell nobody. */
	#came = $state(0);
	#generation = 0;
	#closed = false;
	#sight: readonly [number, number] = [0, 0];

	constructor(source: LogSource, whole: number) {
		this.#source = source;
		this.whole = whole;
		void this.#look(this.#errors);
	}

	/** Lines shown. */
	get count(): number {
		return this.#view === null ? this.whole : this.#view.count;
	}

	/** Whether all lines were looked at for what is shown. */
	get settled(): boolean {
		return this.#view === null || this.#view.done;
	}

	/** How many of the lines shown have this number or a later one. */
	since(seq: number): number {
		return this.#view === null ? Math.max(0, this.whole - seq) : this.#view.count - this.#view.from(seq);
	}

	/** What the search has found so far; null: nothing is searched. */
	get hits(): Pick<Sieve, 'count' | 'done' | 'problem'> | null {
		return this.#hits;
	}

	/** Errors and what is graver. */
	get errors(): { readonly count: number; readonly done: boolean } {
		return this.#errors;
	}

	/** The text to mark in lines; null: none. */
	get marked(): string | null {
		const read = readLogSearch(this.search);
		return read.ok ? (read.value?.text ?? null) : null;
	}

	/** The log goes on: it has so many lines now. */
	grow(whole: number): void {
		if (whole <= this.whole) return;
		this.whole = whole;
		for (const sieve of [this.#errors, this.#view, this.#hits]) if (sieve !== null) void this.#look(sieve);
		this.show(...this.#sight);
	}

	/** Chooses what is shown and what is searched. */
	choose(wanted: {
		readonly level?: LogLevel | undefined;
		readonly search?: string | undefined;
		readonly only?: boolean | undefined;
	}): void {
		const { level = this.level, search = this.search, only = this.only } = wanted;
		if (level === this.level && search === this.search && only === this.only) return;
		const searchAnew = level !== this.level || search !== this.search;
		Object.assign(this, { level, search, only });
		if (searchAnew) this.#hits = search === '' ? null : new Sieve(level, search);
		const before = this.#view;
		const narrowed = only && this.#hits !== null;
		if (narrowed) this.#view = this.#hits;
		else if (level === 'debug') this.#view = null;
		else if (before === null || before.search !== '' || before.level !== level) this.#view = new Sieve(level, '');
		if (this.#view !== before) this.#forget();
		for (const sieve of new Set([this.#view, this.#hits])) if (sieve !== null) void this.#look(sieve);
	}

	/** The line at a place among those shown; null: it is not here yet. */
	at(row: number): NumberedLine | null {
		void this.#came;
		return this.#blocks.get(Math.floor(row / BLOCK))?.lines[row % BLOCK] ?? null;
	}

	/** Says which lines are in sight, end excluded, so that they are read. */
	show(from: number, to: number): void {
		this.#sight = [from, to];
		const first = Math.max(0, Math.floor(from / BLOCK));
		const last = Math.floor(Math.max(from, Math.min(to, this.count) - 1) / BLOCK);
		for (let at = first; at <= last; at += 1) void this.#read(at);
		if (this.#blocks.size <= KEPT) return;
		const far = [...this.#blocks.keys()].sort((a, b) => Math.abs(b - first) - Math.abs(a - first));
		for (const at of far.slice(0, this.#blocks.size - KEPT)) this.#blocks.delete(at);
	}

	/** The next or previous hit beside a line, round the ends; where it is shown, its number, and which of all it is. */
	stepHit(
		seq: number,
		direction: 1 | -1,
	): { readonly row: number; readonly seq: number; readonly rank: number } | null {
		return this.#hits === null ? null : this.#step(this.#hits, seq, direction);
	}

	/** The same for errors. */
	stepError(
		seq: number,
		direction: 1 | -1,
	): { readonly row: number; readonly seq: number; readonly rank: number } | null {
		return this.#step(this.#errors, seq, direction);
	}

	/** Every line that is shown, in pieces; waits until it is known which those are. Throws the failure of a read. */
	async *pieces(): AsyncGenerator<readonly LogLine[]> {
		const view = this.#view;
		if (view === null) {
			const end = this.whole;
			for (let from = 0; from < end; ) {
				const read = await this.#source.range(from, Math.min(4 * BLOCK, end - from));
				if (!read.ok) throw new LogUnreadable(read.error);
				if (read.value.length === 0) return;
				yield read.value;
				from += read.value.length;
			}
			return;
		}
		await this.#look(view);
		for (let from = 0; from < view.seqs.length; ) {
			const read = await this.#source.lines(view.seqs.slice(from, from + 4 * BLOCK));
			if (!read.ok) throw new LogUnreadable(read.error);
			if (read.value.length === 0) return;
			yield read.value;
			from += read.value.length;
		}
	}

	/** Tries again after something went wrong. */
	retry(): void {
		this.error = null;
		this.show(...this.#sight);
		for (const sieve of new Set([this.#errors, this.#view, this.#hits])) if (sieve !== null) void this.#look(sieve);
	}

	[Symbol.dispose](): void {
		this.#closed = true;
		this.#generation += 1;
	}

	#step(
		sieve: Sieve,
		seq: number,
		direction: 1 | -1,
	): { readonly row: number; readonly seq: number; readonly rank: number } | null {
		const { length } = sieve.seqs;
		if (length === 0) return null;
		const next = direction === 1 ? sieve.from(seq + 1) : sieve.from(seq) - 1;
		const rank = (next + length) % length;
		const found = sieve.seqs[rank] ?? 0;
		return { row: this.#view === null ? found : this.#view.from(found), seq: found, rank };
	}

	#forget(): void {
		this.#generation += 1;
		this.#blocks.clear();
		this.#came += 1;
	}

	#wanted(sieve: Sieve): boolean {
		return !this.#closed && (sieve === this.#errors || sieve === this.#view || sieve === this.#hits);
	}

	/** Looks on from where a sieve stands to the end of the log, or until nobody wants it any more. */
	async #look(sieve: Sieve): Promise<void> {
		if (sieve.looking || sieve.problem !== null) return;
		sieve.looking = true;
		while (this.#wanted(sieve) && sieve.seen < this.whole - 1) {
			sieve.done = false;
			const answer = await this.#source.find(sieve.seen, sieve.level, sieve.search);
			if (!answer.ok) {
				if (answer.error.code === 'invalid-input') sieve.problem = problemOf(answer.error);
				else if (this.#wanted(sieve)) this.error = answer.error;
				break;
			}
			const { seqs, seen, lines } = answer.value;
			for (const seq of seqs) sieve.seqs.push(seq);
			sieve.count = sieve.seqs.length;
			if (sieve === this.#view) this.show(...this.#sight);
			if (lines > this.whole) this.whole = lines;
			if (seen <= sieve.seen) break;
			sieve.seen = seen;
		}
		sieve.looking = false;
		sieve.done = sieve.problem !== null || sieve.seen >= this.whole - 1;
	}

	async #read(at: number): Promise<void> {
		const block = this.#blocks.get(at) ?? { lines: [], loading: false };
		const from = at * BLOCK + block.lines.length;
		const count = Math.min((at + 1) * BLOCK, this.count) - from;
		if (block.loading || count <= 0 || this.error !== null) return;
		this.#blocks.set(at, block);
		block.loading = true;
		const generation = this.#generation;
		const read = await (this.#view === null
			? this.#source.range(from, count)
			: this.#source.lines(this.#view.seqs.slice(from, from + count)));
		block.loading = false;
		if (generation !== this.#generation) return;
		if (!read.ok) {
			this.error = read.error;
			return;
		}
		block.lines = [...block.lines, ...read.value];
		this.#came += 1;
		// Long lines come in several pages; and while one was on its way, the log may have gone on.
		if (read.value.length > 0 && this.#blocks.get(at) === block) void this.#read(at);
	}
}

function problemOf({ message, details }: WireError): NonNullable<Sieve['problem']> {
	const { position, length } = details ?? {};
	return {
		message: message.replace(/^search: /i, ''),
		place: typeof position === 'number' ? { position, length: Number(length ?? 1) } : null,
	};
}

/** A read of the log that went wrong while all of it was collected. */
export class LogUnreadable extends Error {
	readonly error: WireError;

	constructor(error: WireError) {
		super(error.message);
		this.error = error;
	}
}
