/** Routes that carry history out of Warren and into it, piece by piece: no side ever holds all of it. */
import * as z from 'zod';
import { profileName, queryText } from './fields.ts';
import { command, query, returns } from './route.ts';

/** `csv`: one line per finished run with aa-taskmonitor's columns, or `full`: one per task. `jsonl`: one document per task. */
export const HISTORY_FORMATS = ['csv', 'jsonl'] as const;

export interface ExportedPiece {
	/** Whole lines. The first piece of a CSV file begins with the line of its columns. */
	readonly text: string;
	/** Records in it. */
	readonly rows: number;
	/** Records in all; with the first piece only. */
	readonly total: number | null;
	/** To be given for the next piece; null: this was the last. */
	readonly next: string | null;
}

export interface ImportedPiece {
	/** Records that were taken in; those that were taken in before change nothing and count too. */
	readonly taken: number;
	/** Records of tasks that Warren knows from elsewhere, and left as they are. */
	readonly known: number;
	/** Records that could not be read, each with its reason; the first 20 of the piece. */
	readonly problems: readonly { readonly record: number; readonly reason: string }[];
	readonly refused: number;
	/** The end of `text` that is no whole record yet: it goes before the next piece. */
	readonly rest: string;
	/** The line of the columns; to be given with the next piece. */
	readonly header: string | null;
}

/** Longest piece that is taken in at once. */
export const PIECE_CHARS = 4_000_000;

export const historyRoutes = {
	'task.export': query({
		scope: 'deployment',
		summary: 'Write tasks that match a query to a file or to standard output',
		input: z.strictObject({
			profile: profileName,
			query: queryText.default(''),
			format: z
				.enum(HISTORY_FORMATS)
				.default('jsonl')
				.describe("csv (a task log's: finished runs, aa-taskmonitor's columns) or jsonl (tasks with their attempts)"),
			full: z.boolean().optional().describe('CSV with one line per task and all columns'),
			formulas: z
				.boolean()
				.optional()
				.describe('Leave texts as they are that a spreadsheet would run (default: an apostrophe goes before them)'),
			place: z.string().max(200).optional().describe('From another piece'),
			limit: z.int().min(1).max(1_000).default(1_000).describe('Records a piece at most'),
		}),
		output: returns<ExportedPiece>(),
		cli: { positional: ['query'] },
	}),
	'task.import': command({
		scope: 'deployment',
		needs: 'write',
		summary: "Take in history from a file: Warren's JSON Lines, or aa-taskmonitor's CSV",
		input: z.strictObject({
			profile: profileName,
			format: z.enum(HISTORY_FORMATS).default('csv').describe('How the file is written'),
			text: z.string().max(PIECE_CHARS).describe('Piece of the file'),
			header: z.string().max(10_000).optional().describe('From the piece before'),
			last: z.boolean().optional().describe('Nothing follows'),
		}),
		output: returns<ImportedPiece>(),
	}),
};
