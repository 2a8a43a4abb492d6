/** What was done, by whom, and how to take it back. */
import type { FailureCode } from './result.ts';

/** One line per command that reached the router. `input` is JSON with secrets already struck out. */
export interface AuditEntry {
	readonly at: number;
	/** Which host the command came through. */
	readonly host: 'shell' | 'serve' | 'cli' | 'test';
	readonly actor: string;
	readonly route: string;
	readonly profile: string | null;
	readonly input: string;
	readonly outcome: 'done' | FailureCode;
	/** How many things it changed, where that was counted. */
	readonly changed: number | null;
}

/** Which lines of the audit. */
export interface AuditRequest {
	/** The query language, over the audit; empty: all. */
	readonly query: string;
	readonly limit: number;
	/** Only lines before this one, by number; null: from the newest on. */
	readonly before: number | null;
}

/** Lines of the audit, newest first. */
export interface AuditPage {
	readonly items: readonly AuditEntry[];
	/** How many match, on this page or not. */
	readonly total: number;
	/** What to ask for the lines after these with; null: there are none. */
	readonly next: number | null;
}

/** Whether the audit is whole. */
export interface AuditVerdict {
	readonly ok: boolean;
	readonly lines: number;
	/** Lines of before there was a chain: nothing can be said of them. */
	readonly unsealed: number;
	/** The first line that does not fit; null: all do. */
	readonly broken: { readonly line: number; readonly at: number | null; readonly what: string } | null;
}

/** A change that can be taken back: enough of the world before it to do so. */
export interface JournalEntry {
	readonly at: number;
	readonly profile: string;
	/** e.g. `task.requeue`. */
	readonly action: string;
	/** For a person: "Requeued 12 tasks". */
	readonly title: string;
	/** JSON whose shape belongs to the action. */
	readonly before: string;
}
