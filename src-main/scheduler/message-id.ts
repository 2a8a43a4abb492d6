/** The ids of scheduled messages: known before they are sent, and the same whoever sends them. */
import { createHash } from 'node:crypto';

/**
 * The message id of a due time, shaped as a UUID (version 8, whose bits are the maker's own). `book` names the book for everybody who
 * works on it, so that a message found in a queue or in history proves that its due time was fired.
 */
export function dueMessageId(book: string, key: string, dueAt: number): string {
	const hex = createHash('sha256')
		.update(JSON.stringify([book, key, dueAt]))
		.digest('hex');
	const variant = (8 + (Number.parseInt(hex.slice(16, 17), 16) % 4)).toString(16);
	return [
		hex.slice(0, 8),
		hex.slice(8, 12),
		`8${hex.slice(13, 16)}`,
		variant + hex.slice(17, 20),
		hex.slice(20, 32),
	].join('-');
}
