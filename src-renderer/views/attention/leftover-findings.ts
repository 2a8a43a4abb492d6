/** What dead workers and askers left behind, and what to do about it. */

import { age, bytes, counted } from '../../components/format.ts';
import type { Output } from '../../state/engine.ts';
import type { Finding } from './finding.ts';

/** As it was last looked at; null: not yet, or this broker leaves nothing behind. */
export interface Left {
	readonly orphans: Output<'queue.orphans'> | null;
	readonly replies: Output<'queue.replies'> | null;
}

/** Messages that nobody holds any more, then answers that nobody fetched. */
export function leftoverFindings({ orphans, replies }: Left): readonly Finding[] {
	const found: Finding[] = [];
	if (orphans !== null && orphans.total > 0) {
		const { rescuable, total } = orphans;
		const held = orphans.items.map(({ heldMs }) => heldMs).filter((ms) => ms !== null);
		const oldest = held.length === 0 ? '' : ` The oldest for ${age(0, Math.max(...held))}.`;
		const unsure = total - rescuable;
		if (rescuable > 0) {
			found.push({
				id: 'orphans',
				icon: 'state-lost',
				tone: 'warning',
				title: `${counted(rescuable, 'message')} of dead workers ${rescuable === 1 ? 'waits' : 'wait'} for nothing`,
				reason: `Taken from ${rescuable === 1 ? 'its queue' : 'their queues'} and held by nobody.${oldest} Redis gives them back by itself only after the visibility timeout.${unsure === 0 ? '' : ` Of ${unsure} more it cannot be told.`}`,
				next: { kind: 'leftovers', label: 'Give them back', action: 'rescue' },
			});
		} else {
			found.push({
				id: 'orphans',
				icon: 'state-lost',
				tone: 'warning',
				title: `Of ${counted(unsure, 'message')} nobody says who holds ${unsure === 1 ? 'it' : 'them'}`,
				reason: `${orphans.items[0]?.reason ?? ''}${oldest}`,
				next: { kind: 'go', label: 'Look at the workers', view: 'workers' },
			});
		}
	}
	if (replies !== null && replies.total > 0) {
		const sizes = replies.items.map((one) => one.bytes).filter((size) => size !== null);
		const idle = Math.max(...replies.items.map(({ idleMs }) => idleMs));
		found.push({
			id: 'replies',
			icon: 'queues',
			tone: 'warning',
			title: `${counted(replies.total, 'list')} of answers that nobody fetched`,
			reason: `Who asked the workers left before they answered.${sizes.length === 0 ? '' : ` They take ${bytes(sizes.reduce((sum, size) => sum + size, 0))} of Redis’s memory.`} Untouched for up to ${age(0, idle)}.`,
			next: { kind: 'leftovers', label: 'Remove them', action: 'clean' },
		});
	}
	return found;
}
