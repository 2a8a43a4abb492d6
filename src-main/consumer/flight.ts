/** One delivery on its way: from the broker, perhaps through a slot, to a committed outcome and its acknowledgement. */
import type { Delivery } from '#main/brokers/driver.ts';
import { LOG_LINES_CAP, LOG_SIZE_CAP } from '#main/domain/log-bounds.ts';
import type { BrokerMessage } from '#main/domain/message.ts';
import type { LogLine, StartedFacts, TaskState } from '#main/domain/task.ts';
import type { Foresight, StoredLogLine } from '#main/store/store.ts';
import type { AttemptListener, Decoded } from './ports.ts';

/** A delivery that waits for a slot. */
export interface Held {
	readonly delivery: Delivery;
	readonly decoded: Decoded;
	/** The message id, or a key of Warren's own. */
	readonly key: string;
	readonly queue: string;
	/** Connection it came by; a held delivery of an earlier one is the broker's again. */
	readonly epoch: number;
	/** How many deliveries had landed when history was asked about it. */
	readonly askedAfter: number;
	/** What history knows of the message; null: unknown, so that the commit of `started` has to tell. */
	foresight: Foresight | null;
}

/**
 * Lines and characters taken per attempt: what is beyond costs no way to history. A little less than history keeps, so that the words
 * about what is missing have a place.
 */
const LINES_KEPT = LOG_LINES_CAP - 10;
const CHARACTERS_KEPT = LOG_SIZE_CAP - 1024 * 1024;
/** Lines and characters of each that hooks are told. */
const TEXTS_KEPT = 500;
const TEXT_KEPT = 2000;

/** Lines to write, and how many of the same run went before. */
export interface Lines {
	readonly from: number;
	readonly lines: readonly LogLine[];
}

/** The log of one attempt while it runs: what is not yet written, what was too much, and who listens. */
export class Flight {
	readonly held: Held;
	readonly run: string;
	readonly listeners = new Set<AttemptListener>();
	/** The same message, handed out again by a later connection while this one is still on its way. */
	readonly repeats: Held[] = [];
	facts: StartedFacts | null = null;
	/** Number of the slot that runs it; null for what needs none. */
	slot: number | null = null;
	/** Its run was handed to a runner. */
	begun = false;
	/** Its run has ended, whatever is still to be written. */
	over = false;
	/** Settled with the broker; nothing more comes. */
	landed = false;
	/** Told once how it ended. */
	readonly onOver: ((state: TaskState) => void)[] = [];
	/** A person stopped it: its end is a loss, whatever the process says. */
	stopped = false;
	#waiting: LogLine[] = [];
	#lines = 0;
	#characters = 0;
	#dropped = 0;
	#taken = 0;
	#committed = 0;

	/** Texts of its last lines, where somebody is to be told of a failure. */
	readonly #texts: string[] | null;

	/** `keepTexts`: hooks will want the last lines. */
	constructor(held: Held, run: string, keepTexts = false) {
		this.held = held;
		this.run = run;
		this.#texts = keepTexts ? [] : null;
	}

	/** Texts of the last lines, as many as are kept for hooks. */
	get texts(): readonly string[] {
		return this.#texts ?? [];
	}

	get message(): BrokerMessage {
		return this.held.delivery.message;
	}

	get name(): string {
		const { decoded } = this.held;
		return decoded.kind === 'task' ? decoded.task.name : (decoded.fault.name ?? '(unknown)');
	}

	get waiting(): number {
		return this.#waiting.length;
	}

	/** Adds lines, within bounds. */
	add(lines: readonly LogLine[]): void {
		for (const line of lines) {
			if (this.#lines >= LINES_KEPT || this.#characters >= CHARACTERS_KEPT) {
				this.#dropped += 1;
				continue;
			}
			this.#lines += 1;
			this.#characters += line.text.length;
			this.#waiting.push(line);
			this.#texts?.push(line.text.slice(0, TEXT_KEPT));
		}
		if (this.#texts !== null && this.#texts.length > TEXTS_KEPT) this.#texts.splice(0, this.#texts.length - TEXTS_KEPT);
	}

	/** Takes what is to be written next, and how many lines went before. */
	take(): Lines {
		const lines = this.#waiting;
		const from = this.#taken;
		this.#waiting = [];
		this.#taken += lines.length;
		return { from, lines };
	}

	/** Takes the rest at the attempt's end, with a word about what was too much. */
	takeLast(now: number): Lines {
		if (this.#dropped > 0) {
			const text = `${this.#dropped} more lines were not kept: an attempt's log has its bounds.`;
			this.#waiting.push({ at: now, level: 'warning', source: 'warren', logger: null, text });
		}
		return this.take();
	}

	/** Tells listeners of lines that are committed now. */
	committed(lines: readonly LogLine[]): void {
		const first = this.#committed;
		this.#committed += lines.length;
		if (this.listeners.size === 0) return;
		const stored = lines.map((line, index): StoredLogLine => ({ ...line, seq: first + index }));
		for (const listener of this.listeners) listener.lines(stored);
	}
}
