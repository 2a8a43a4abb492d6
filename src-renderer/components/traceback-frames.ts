/** What a traceback is made of. */

/** What was raised. `type` is empty where the text names none. */
export interface TraceException {
	readonly type: string;
	readonly message: string;
}

/** A line of source with the parts that Python marked: `~` is the expression, `^` its heart. Columns from 0, end excluded. */
export interface TraceSource {
	readonly text: string;
	readonly marks: readonly { readonly start: number; readonly end: number; readonly heart: boolean }[];
}

/** One frame as printed. */
export interface TraceFrame {
	/** As printed, without a `file://` before it. */
	readonly file: string;
	/** Short enough for a heading: from the project, the package or the last folders on. */
	readonly shortFile: string;
	readonly line: number | null;
	readonly column: number | null;
	/** The function; null at the place of a syntax error and in anonymous functions. */
	readonly name: string | null;
	readonly source: readonly TraceSource[];
	/** How many more times in a row it was there. */
	readonly repeated: number;
	/** The person's own code, as against a library's, the language's or the runner's. */
	readonly own: boolean;
	/** The package that a library's frame belongs to: `celery`, `python`, `node`. */
	readonly origin: string;
}

/** One exception with its frames. */
export interface TraceSection {
	/** raised: the one that ended the task. cause: what it was raised from. context: what was being handled when it was raised. */
	readonly relation: 'raised' | 'cause' | 'context';
	readonly exception: TraceException | null;
	/** In the order in which they were printed. */
	readonly frames: readonly TraceFrame[];
	/** The exceptions of a group, each with its own chain. */
	readonly group: readonly (readonly TraceSection[])[];
	/** What else was printed about it, such as the properties of a Node error. */
	readonly details: string;
}

/** A traceback that was understood; the exception that ended it all comes first in `chain`. */
export interface ParsedTraceback {
	readonly language: 'python' | 'node';
	/** What stood before it. */
	readonly preamble: string;
	readonly chain: readonly TraceSection[];
}
