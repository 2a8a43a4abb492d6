/** Log lines found in all tasks' logs. */
import type { ProfileId } from './ids.ts';
import type { LogLevel, LogSource } from './task.ts';

/** Which lines. */
export interface LogSearchRequest {
	readonly profile: ProfileId;
	/** The query language, over log lines; empty: all. */
	readonly query: string;
	readonly limit: number;
	/** Where the answer before this one ended; null: from the newest on. */
	readonly cursor: string | null;
}

/** A line, and whose it is. */
export interface FoundLine {
	/** Of the task. */
	readonly id: string;
	readonly name: string;
	/** Which attempt of its task, from 1; and its own number, by which `task log` reads it. */
	readonly attempt: number;
	readonly attemptId: number;
	readonly queue: string | null;
	readonly worker: string | null;
	/** Place in its log, from 0. */
	readonly seq: number;
	/** Epoch ms. */
	readonly at: number;
	readonly level: LogLevel;
	readonly source: LogSource;
	readonly logger: string | null;
	readonly text: string;
}

/** The newest attempts' lines first, each log from its end. */
export interface LogFindings {
	readonly items: readonly FoundLine[];
	/** About how many lines were gone through for this answer. */
	readonly looked: number;
	/** What to ask for further lines with; null: all were gone through. */
	readonly next: string | null;
	/** How many match; null: not all were gone through, so nobody knows. */
	readonly total: number | null;
}
