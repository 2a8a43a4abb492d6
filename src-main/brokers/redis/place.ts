/** Where a walk through a list has come to, while others take from the end at which it began. */
import type { Failure } from '../../domain/result.ts';
import type { Settled } from '../waiting.ts';

/** So many entries were left behind; the last of them is the anchor, by which they are found again. */
export interface Place {
	passed: number;
	anchor: Buffer | null;
}

/** Goes past those of a window that are still there after what was done with them. */
export function goPast(place: Place, entries: readonly Buffer[], outcomes: readonly Settled[]): void {
	entries.forEach((entry, at) => {
		const { kind } = outcomes[at] ?? { kind: 'gone' };
		if (kind === 'removed' || kind === 'replaced' || kind === 'gone') return;
		place.passed += 1;
		place.anchor = entry;
	});
}

/** The first failure after which nobody knows what became of an entry; null: all is known. */
export function unknownAmong(outcomes: readonly Settled[]): { readonly ok: false; readonly error: Failure } | null {
	const lost = outcomes.find((outcome) => outcome.kind === 'unknown');
	return lost?.kind === 'unknown' ? { ok: false, error: lost.failure } : null;
}
