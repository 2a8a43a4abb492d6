/** The schedule in the drawer: everything about it, brought up to date with each tick, and its runs. */
import type { BookKind, ScheduleRun, ScheduleVersion } from '#main/domain/schedule.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { ScheduleDetail } from '#main/ipc/contract/schedule-answers.ts';
import type { Engine } from './engine.ts';
import { scheduleId } from './schedule-id.ts';
import type { ScheduleWatch } from './schedule-watch.svelte.ts';

/** Ticks come with every run of any schedule; this one is read again at most this often. */
const PACE_MS = 1_000;
const PAGE = 50;
/** The most that a route gives. */
const MOST = 500;

export interface OpenScheduleHooks {
	/** It was read. */
	read(detail: ScheduleDetail): void;
	/** Its book knows it by another key by now, as after its first sync. */
	moved(id: string): void;
}

export class OpenSchedule implements Disposable {
	readonly id: string;
	readonly book: BookKind;
	detail: ScheduleDetail | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	runs: readonly ScheduleRun[] | null = $state.raw(null);
	runsTotal = $state(0);
	runsError: WireError | null = $state.raw(null);
	/** All of its past, once asked for; until then the detail has the newest of it. */
	past: readonly ScheduleVersion[] | null = $state.raw(null);
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #key: string;
	readonly #hooks: OpenScheduleHooks;
	readonly #ticking: Disposable;
	#turn = 0;
	#runsTurn = 0;
	#runsWanted = 0;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#closed = false;

	constructor(
		engine: Engine,
		watch: ScheduleWatch,
		profile: string,
		of: { readonly book: BookKind; readonly key: string },
		hooks: OpenScheduleHooks,
	) {
		this.#engine = engine;
		this.#profile = profile;
		this.#hooks = hooks;
		this.id = scheduleId(of);
		this.book = of.book;
		this.#key = of.key;
		let revision = watch.tick?.revision ?? null;
		this.#ticking = watch.on((tick) => {
			if (tick.revision === revision) return;
			revision = tick.revision;
			this.#soon();
		});
		void this.read();
	}

	/** Reads it now; answers that are still on their way are dropped. */
	async read(): Promise<void> {
		const turn = ++this.#turn;
		const answer = await this.#show(this.#key);
		if (turn !== this.#turn || this.#closed) return;
		if (answer.ok) {
			this.#take(answer.value);
			return;
		}
		// What was made here gets its book's own key with its first sync; it is the one of the same name then.
		const name = this.detail?.view.definition.name;
		if (answer.error.code === 'not-found' && name !== undefined && this.detail?.view.sync !== 'removed') {
			const renamed = await this.#show(name);
			if (turn !== this.#turn || this.#closed) return;
			if (renamed.ok && scheduleId(renamed.value.view) !== this.id) {
				this.#hooks.moved(scheduleId(renamed.value.view));
				return;
			}
		}
		this.error = answer.error;
	}

	/** Reads its runs, and again with every tick from now on. */
	async watchRuns(): Promise<void> {
		if (this.#runsWanted === 0) this.#runsWanted = PAGE;
		await this.#readRuns();
	}

	/** Older runs as well. */
	async moreRuns(): Promise<void> {
		this.#runsWanted = Math.min(MOST, this.#runsWanted + PAGE * 3);
		await this.#readRuns();
	}

	/** Whether more runs can be asked for. */
	get runsEnd(): boolean {
		return (this.runs?.length ?? 0) >= Math.min(MOST, this.runsTotal);
	}

	async readPast(): Promise<void> {
		const answer = await this.#engine.call('schedule.history', {
			profile: this.#profile,
			book: this.book,
			name: this.#key,
			limit: MOST,
		});
		if (this.#closed) return;
		if (answer.ok) this.past = answer.value.items;
		else this.error = answer.error;
	}

	[Symbol.dispose](): void {
		this.#closed = true;
		this.#turn += 1;
		clearTimeout(this.#timer);
		this.#ticking[Symbol.dispose]();
	}

	#show(name: string) {
		return this.#engine.call('schedule.show', { profile: this.#profile, book: this.book, name });
	}

	#take(detail: ScheduleDetail): void {
		this.detail = detail;
		this.error = null;
		// The rest of its past may have grown with it.
		if (this.past !== null && this.past[0]?.id !== detail.versions[0]?.id) void this.readPast();
		this.#hooks.read(detail);
	}

	async #readRuns(): Promise<void> {
		const turn = ++this.#runsTurn;
		const answer = await this.#engine.call('schedule.runs', {
			profile: this.#profile,
			book: this.book,
			name: this.#key,
			limit: this.#runsWanted,
		});
		if (turn !== this.#runsTurn || this.#closed) return;
		if (answer.ok) {
			this.runs = answer.value.items;
			this.runsTotal = answer.value.total;
			this.runsError = null;
		} else this.runsError = answer.error;
	}

	#soon(): void {
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			void this.read();
			if (this.#runsWanted > 0) void this.#readRuns();
		}, PACE_MS);
	}
}
