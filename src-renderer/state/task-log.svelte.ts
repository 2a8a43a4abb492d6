/**
 * The log of one attempt: pages of what is stored, filtered and searched by the engine (so that a search finds lines that were
 * never drawn), and the lines that come while it runs.
 */

import type { LogLevel } from '#main/domain/task.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { TaskLogLine } from '#main/ipc/contract/task.ts';
import type { Engine } from './engine.ts';

const PAGE = 2_000;

export class TaskLog implements Disposable {
	lines: readonly TaskLogLine[] = $state.raw([]);
	/** Lines of the attempt that match level and search. */
	total = $state(0);
	status: 'loading' | 'ready' | 'failed' = $state('loading');
	error: WireError | null = $state.raw(null);
	level: LogLevel = $state('debug');
	search = $state('');
	/** Lines that were dropped because the page could not keep up; they are in the stored log. */
	lost = $state(0);
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #attempt: number;
	#generation = 0;
	#following: Disposable | null = null;

	constructor(engine: Engine, profile: string, attempt: number) {
		this.#engine = engine;
		this.#profile = profile;
		this.#attempt = attempt;
		void this.read();
	}

	get more(): boolean {
		return this.lines.length < this.total;
	}

	/** Chooses level and search and reads from the first line. */
	filter(level: LogLevel, search: string): void {
		if (level === this.level && search === this.search) return;
		this.level = level;
		this.search = search;
		void this.read();
	}

	/** Reads the first page. */
	async read(): Promise<void> {
		this.#generation += 1;
		this.status = this.lines.length === 0 ? 'loading' : this.status;
		await this.#read(this.#generation, -1, []);
	}

	/** Reads the page after what is here. */
	async readMore(): Promise<void> {
		const last = this.lines.at(-1);
		if (this.more && last !== undefined) await this.#read(this.#generation, last.seq, this.lines);
	}

	/** Every line that matches, read to the end: what copy and export take. */
	async all(): Promise<readonly TaskLogLine[]> {
		while (this.more && this.status !== 'failed') {
			const before = this.lines.length;
			await this.readMore();
			if (this.lines.length === before) break;
		}
		return this.lines;
	}

	/** Hands over the lines of the attempt of this number as they come while it runs; `fresh`: from the first one on. */
	follow(task: string, number: number, onLines: (lines: readonly TaskLogLine[], fresh: boolean) => void): Disposable {
		this.#following?.[Symbol.dispose]();
		const mine = (items: readonly (TaskLogLine & { readonly attempt: number })[]): readonly TaskLogLine[] =>
			items.filter((line) => line.attempt === number);
		this.#following = this.#engine.open(
			'task.follow',
			{ profile: this.#profile, id: task },
			{
				snapshot: (items) => onLines(mine(items), true),
				change: (items, lost) => {
					this.lost += lost;
					onLines(mine(items), false);
				},
				end: () => {
					this.#following = null;
				},
			},
		);
		return {
			[Symbol.dispose]: () => {
				this.#following?.[Symbol.dispose]();
				this.#following = null;
			},
		};
	}

	[Symbol.dispose](): void {
		this.#generation += 1;
		this.#following?.[Symbol.dispose]();
		this.#following = null;
	}

	async #read(generation: number, afterSeq: number, before: readonly TaskLogLine[]): Promise<void> {
		const answer = await this.#engine.call('task.log', {
			profile: this.#profile,
			attempt: this.#attempt,
			afterSeq,
			limit: PAGE,
			level: this.level,
			search: this.search,
		});
		if (generation !== this.#generation) return;
		if (!answer.ok) {
			this.status = 'failed';
			this.error = answer.error;
			return;
		}
		this.lines = [...before, ...answer.value.lines];
		this.total = answer.value.total;
		this.status = 'ready';
		this.error = null;
	}
}
