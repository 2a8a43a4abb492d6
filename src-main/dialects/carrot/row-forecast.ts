/**
 * Whether the site could requeue a row. Its own code cuts the text of the positional arguments at every comma and reads each piece as
 * a literal, so every string with a comma and every list with two items makes it fail; and it cannot read a row without arguments
 * text at all. Nothing is published when it fails this way.
 */

import type { RequeueForecast, SiteRow } from '#main/domain/site.ts';
import type { Value } from '#main/domain/value.ts';
import { siteReads } from './schedule-args.ts';

/** What a requeue by the site would do to this row. */
export function forecastRequeue(row: SiteRow): RequeueForecast {
	const reason = sitesTrouble(row.argsText);
	const warnings: string[] = [];
	if (row.status === 'IN_PROGRESS') {
		warnings.push(
			'It is in progress: it would run a second time, and the first run puts its old row back when it ends.',
		);
	}
	if (row.status === 'PUBLISHED') {
		warnings.push(
			'It still waits: its old message stays in the queue without a row, and stalls a worker for 5 seconds or more.',
		);
	}
	if (row.status === 'COMPLETED') warnings.push('It had succeeded and would run once more.');
	return { siteCan: reason === null, reason, warnings };
}

function sitesTrouble(argsText: string | null): string | null {
	if (argsText === null) return 'the row has no text of positional arguments, which the site cannot do without';
	const inner = argsText.trim().replace(/^\(/, '').replace(/\)$/, '');
	const pieces = inner.split(',').map((piece) => piece.trim());
	for (const piece of pieces) {
		if (piece === '') continue;
		if (siteReads(piece)) continue;
		const cut = piece.length > 60 ? `${piece.slice(0, 60)}…` : piece;
		return inner.includes(',')
			? `the site cuts the arguments at every comma and cannot read the piece ${cut}`
			: `the site cannot read the argument ${cut}`;
	}
	return null;
}

/**
 * The text of positional arguments for a schedule that runs once, which publishes every piece between commas as a string, unread,
 * yet only accepts pieces that are literals. Null where that would change an argument: almost always, unless there are none.
 */
export function scheduleArgsText(args: readonly Value[]): string | null {
	const pieces: string[] = [];
	for (const value of args) {
		if (value.kind !== 'str') return null;
		const text = value.value;
		if (text === '' || text !== text.trim() || text.includes(',') || !siteReads(text)) return null;
		pieces.push(text);
	}
	return pieces.join(', ');
}
