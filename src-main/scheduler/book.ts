/** The one interface to a place that keeps schedules, whoever runs them. */

import type { Result } from '#main/domain/result.ts';
import type {
	BookCapabilities,
	BookEntry,
	BookKind,
	BookReading,
	BookState,
	BookWrite,
	ScheduleDefinition,
	ScheduleField,
	WriteOutcome,
} from '#main/domain/schedule.ts';

/** What a book would not keep of a definition, by field. */
export interface FieldProblem {
	readonly field: ScheduleField;
	/** What is wrong, and what would be right. */
	readonly message: string;
	/** Where in the field's text, where that can be told: line and column from 1, offset from 0. */
	readonly at?: { readonly line: number; readonly column: number; readonly offset: number };
}

/**
 * Rules every book keeps:
 * - a write is in force, or nothing of it is; one whose answer never came fails with `details.sent: true`, and reading tells;
 * - a write against another version than the book has is refused with what the book has (`changed`), never carried out;
 * - what cannot be read is reported as broken and never overwritten;
 * - reading never changes anything.
 *
 * Failures of reading and writing: `unreachable`, `timeout`, `refused`, `invalid-input` (`details.problems`: FieldProblem[]),
 * `unsupported`.
 */
export interface ScheduleBook extends AsyncDisposable {
	readonly kind: BookKind;
	readonly capabilities: BookCapabilities;
	state(): BookState;
	onState(listener: (state: BookState) => void): Disposable;
	/** Something in the book may have changed; also after a reconnect. Within seconds while connected. */
	onChange(listener: () => void): Disposable;
	/** Everything in it. */
	read(signal?: AbortSignal): Promise<Result<BookReading>>;
	/** One entry; null: there is none of that key. */
	get(key: string): Promise<Result<BookEntry | null>>;
	write(write: BookWrite): Promise<Result<WriteOutcome>>;
	/** What of this definition the book would not keep; empty: all is well. Needs no connection. */
	check(definition: ScheduleDefinition): readonly FieldProblem[];
	/** Has the book's owner run it now, where only that owner can (carrot); absent: Warren publishes by itself. */
	runNow?(key: string): Promise<Result<void>>;
	/** Tasks that the book's owner offers; absent or null: it has no such list. */
	tasks?(): Promise<Result<readonly string[] | null>>;
}
