/** Schedules and runs for tests of books and ledgers. */
import { profileId } from '#main/domain/ids.ts';
import type { Result } from '#main/domain/result.ts';
import {
	type BookEntry,
	type BookWrite,
	NEW_SCHEDULE,
	type ScheduleDefinition,
	type ScheduleRun,
	type WriteOutcome,
} from '#main/domain/schedule.ts';
import type { ScheduleBook } from '#main/scheduler/book.ts';
import { must } from './brokers.ts';

/** A definition that every book of ours takes. */
export function schedule(name: string, more: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
	return { ...NEW_SCHEDULE, name, task: 'shop.tasks.tidy', queue: 'default', ...more };
}

/** A run that somebody has just claimed. */
export function claimed(key: string, dueAt: number, more: Partial<ScheduleRun> = {}): ScheduleRun {
	return {
		profile: profileId('shop'),
		book: 'shared',
		key,
		name: key,
		dueAt,
		manual: false,
		state: 'claimed',
		firedAt: null,
		messageId: `message-${key}-${dueAt}`,
		taskId: null,
		by: 'here:1',
		tries: 1,
		note: null,
		updatedAt: dueAt,
		...more,
	};
}

/** The same, published. */
export function fired(run: ScheduleRun, firedAt = run.dueAt): ScheduleRun {
	return { ...run, state: 'fired', firedAt };
}

/** The entry of a write that has to be in force. */
export function entryOf(outcome: Result<WriteOutcome>): BookEntry {
	const value = must(outcome);
	if (value.kind !== 'written' || value.entry === null) throw new Error(`It was not written: ${JSON.stringify(value)}`);
	return value.entry;
}

/** Makes a schedule in a book. */
export async function create(book: ScheduleBook, key: string, definition: ScheduleDefinition): Promise<BookEntry> {
	return entryOf(await book.write({ kind: 'create', key, definition } satisfies BookWrite));
}
