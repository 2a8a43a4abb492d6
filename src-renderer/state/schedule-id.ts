/** How the page names a schedule: its book and its key, as one text. */
import { BOOK_KINDS, type BookKind } from '#main/domain/schedule.ts';

/** A schedule by book and key, with what it is called. */
export interface ScheduleName {
	readonly book: BookKind;
	readonly key: string;
	readonly name: string;
}

/** The id of the schedule that is being made. */
export const NEW_ID = 'new';

/** `<book>/<key>`: stays through renames. */
export function scheduleId(of: { readonly book: BookKind; readonly key: string }): string {
	return `${of.book}/${of.key}`;
}

/** Book and key of an id; null for what is none, such as `new`. */
export function splitScheduleId(id: string): { readonly book: BookKind; readonly key: string } | null {
	const cut = id.indexOf('/');
	const book = BOOK_KINDS.find((kind) => kind === id.slice(0, cut));
	return cut < 0 || book === undefined || cut === id.length - 1 ? null : { book, key: id.slice(cut + 1) };
}
