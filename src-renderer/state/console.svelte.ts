/** The live log of everything that runs here for one profile. */

import type { ConsoleLine } from '#main/domain/consumer.ts';
import { LOG_LEVELS, type LogLevel } from '#main/domain/task.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Engine } from './engine.ts';

/** Lines kept for drawing again when the level changes; all of them are in the tasks' logs. */
const KEPT = 10_000;

/** What draws the lines: a terminal. */
export interface ConsoleScreen {
	clear(): void;
	add(lines: readonly ConsoleLine[], lost: number): void;
}

export class LiveConsole implements Disposable {
	level: LogLevel = $state('debug');
	/** Lines seen since this page opened. */
	seen = $state(0);
	/** Lines dropped because the page could not keep up. */
	lost = $state(0);
	error: WireError | null = $state.raw(null);
	#lines: ConsoleLine[] = [];
	#screen: ConsoleScreen | null = null;
	readonly #stream: Disposable;

	constructor(engine: Engine, profile: string) {
		this.#stream = engine.open(
			'console.watch',
			{ profile },
			{
				snapshot: (items) => {
					this.#lines = [...items];
					this.seen = items.length;
					this.error = null;
					this.#redraw();
				},
				change: (items, lost) => {
					this.#lines.push(...items);
					if (this.#lines.length > KEPT) this.#lines = this.#lines.slice(-KEPT / 2);
					this.seen += items.length;
					this.lost += lost;
					this.#screen?.add(
						items.filter((line) => this.#shows(line)),
						lost,
					);
				},
				end: (error) => {
					this.error = error;
				},
			},
		);
	}

	/** Draws on this screen from now on. */
	attach(screen: ConsoleScreen): Disposable {
		this.#screen = screen;
		this.#redraw();
		return {
			[Symbol.dispose]: () => {
				if (this.#screen === screen) this.#screen = null;
			},
		};
	}

	choose(level: LogLevel): void {
		this.level = level;
		this.#redraw();
	}

	clear(): void {
		this.#lines = [];
		this.seen = 0;
		this.lost = 0;
		this.#screen?.clear();
	}

	[Symbol.dispose](): void {
		this.#stream[Symbol.dispose]();
		this.#screen = null;
	}

	#shows(line: ConsoleLine): boolean {
		return LOG_LEVELS[line.level] >= LOG_LEVELS[this.level];
	}

	#redraw(): void {
		this.#screen?.clear();
		this.#screen?.add(
			this.#lines.filter((line) => this.#shows(line)),
			0,
		);
	}
}
