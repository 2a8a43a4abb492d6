/** How far a group or chord is, from what its backend keeps and what its members' results say. Pure. */
import type { GroupMember, GroupProgress } from '#main/domain/celery-result.ts';
import type { FoundGroup } from './results.ts';

/** Members shown. */
export const MOST_SHOWN = 1_000;

const OVER = new Set(['SUCCESS', 'FAILURE', 'REVOKED']);
const BAD = new Set(['FAILURE', 'REVOKED']);

/**
 * `known` are members with what is known of each, from results and history; those that have counted for the chord and are not among
 * them are added.
 */
export function progressOf(id: string, found: FoundGroup, known: readonly GroupMember[]): GroupProgress {
	const members = new Map(known.map((member) => [member.id, member]));
	for (const { id: one, status } of found.counted) {
		const before = members.get(one);
		if (before?.status != null) continue;
		const state = status === 'SUCCESS' ? 'succeeded' : status === 'REVOKED' ? 'revoked' : 'failed';
		members.set(one, { id: one, status, state, name: before?.name ?? null });
	}
	const all = [...members.values()];
	const done = all.filter(({ status }) => status !== null && OVER.has(status)).length;
	const failed = all.filter(({ status }) => status !== null && BAD.has(status));
	const size = found.counters?.size ?? found.members?.length ?? null;
	return {
		id,
		size,
		done,
		failed: failed.length,
		members: all.slice(0, MOST_SHOWN),
		chord: found.counters,
		stuck: stuckWords(found, failed),
		cut: all.length > MOST_SHOWN,
	};
}

function stuckWords(found: FoundGroup, failed: readonly GroupMember[]): string | null {
	const { counters } = found;
	if (counters === null) return null;
	const { size, counted } = counters;
	if (size === null)
		return 'The size of its header is not written, so its body cannot start: the group was not sent to its end, or the counter is gone.';
	const [first] = failed;
	const more = failed.length > 1 ? ` and ${failed.length - 1} more` : '';
	if (counted > size) {
		return `More members have counted (${counted}) than its header has (${size}): one of them ran again. Its body will not start any more.`;
	}
	if (first !== undefined) {
		const then = counted < size ? `Once the other ${size - counted} have ended, its` : 'Its';
		return `A member of its header failed (${first.id}${more}). ${then} body ends with a ChordError, without having run.`;
	}
	if (counted === size)
		return 'All members have counted, and its body has not been sent: whoever was to send it has failed or ended.';
	return null;
}
