/** What needs a person, with the reason and the next step. Only what is known for sure; silence is not good news. */

import type { Alarm } from '#main/domain/alarm.ts';
import type { ConsumerSetView } from '#main/domain/consumer.ts';
import type { QueueFigures } from '#main/domain/queue.ts';
import { counted } from '../../components/format.ts';
import type { BookView, ProfileView, ScheduleCounts } from '../../state/engine.ts';
import type { Warren } from '../../state/warren.svelte.ts';
import { brokerGone, connectionWords, tasks } from '../words.ts';
import { alarmFindings } from './alarm-findings.ts';
import type { Finding } from './finding.ts';
import { type Left, leftoverFindings } from './leftover-findings.ts';
import { scheduleFindings } from './schedule-findings.ts';

/** What `findings` looks at. */
export interface Situation {
	readonly view: ProfileView;
	/** Null: not read yet. */
	readonly queues: readonly QueueFigures[] | null;
	readonly consumers: readonly ConsumerSetView[];
	/** Messages in quarantine that wait for a decision; null or left out: not known. */
	readonly held?: number | null;
	/** Counts and books of schedules; null or left out: not known. */
	readonly schedules?: { readonly counts: ScheduleCounts; readonly books: readonly BookView[] } | null;
	/** What is watched for and amiss; left out: nothing is watched. */
	readonly alarms?: readonly Alarm[];
	/** What dead workers and askers left; left out: not known. */
	readonly left?: Left;
	readonly now: number;
}

/** What a situation asks of a person, gravest first. */
export function assess({
	view,
	queues,
	consumers,
	held = null,
	schedules = null,
	alarms = [],
	left = { orphans: null, replies: null },
	now,
}: Situation): readonly Finding[] {
	const found: Finding[] = [];
	const { counts, connection } = view;
	const gone = brokerGone(view, now);
	if (gone !== null) {
		const words = connectionWords(connection, now);
		found.push({
			id: 'connection',
			icon: words.icon,
			tone: words.tone,
			title: gone.title,
			reason: `${gone.reason} History can be read all the same.`,
			next:
				connection.kind === 'refused'
					? { kind: 'go', label: 'Check the profile', view: 'settings' }
					: { kind: 'connect', label: 'Try now' },
		});
	}
	found.push(...alarmFindings(alarms, now));
	if (counts.lost > 0) {
		found.push({
			id: 'lost',
			icon: 'state-lost',
			tone: 'warning',
			title: `${tasks(counts.lost)} lost`,
			reason: 'The worker ended without telling what became of them. They may have run, wholly or in part.',
			next: { kind: 'go', label: 'Look at them', view: 'failed', filter: 'state:lost' },
		});
	}
	const failed = counts.failed + counts.rejected;
	if (failed > 0) {
		found.push({
			id: 'failed',
			icon: 'state-failed',
			tone: 'failed',
			title: `${tasks(failed)} failed`,
			reason:
				counts.rejected === 0
					? failed === 1
						? 'It raised an exception and waits for somebody to mend the cause.'
						: 'They raised an exception and wait for somebody to mend the cause.'
					: `They raised an exception, or could not be read (${counts.rejected}).`,
			next: { kind: 'go', label: 'Show the failures', view: 'failed' },
		});
	}
	if (held !== null && held > 0) {
		found.push({
			id: 'quarantine',
			icon: 'quarantine',
			tone: 'warning',
			title: held === 1 ? '1 message is in quarantine' : `${counted(held, 'message')} are in quarantine`,
			reason: 'Nothing runs them until somebody releases them, sends them on mended, or discards them.',
			next: { kind: 'go', label: 'Decide', view: 'quarantine' },
		});
	}
	found.push(...leftoverFindings(left));
	if (schedules !== null) found.push(...scheduleFindings(schedules.counts, schedules.books));
	for (const queue of queues ?? []) {
		const taken = consumers.some((set) => set.state !== 'stopped' && set.intent.queues.includes(queue.name));
		if (queue.exists && (queue.ready ?? 0) > 0 && queue.consumers === 0 && !taken) {
			found.push({
				id: `queue:${queue.name}`,
				icon: 'queues',
				tone: 'warning',
				title: `Nobody takes from ${queue.name}`,
				reason: `${queue.ready === 1 ? '1 message waits' : `${queue.ready} messages wait`} and the queue has no consumer.`,
				next: { kind: 'consumer', label: 'Start a consumer', queue: queue.name },
			});
		}
	}
	for (const set of consumers) {
		const stopped = set.slots.filter((slot) => slot.state.kind === 'stopped');
		if (set.state === 'stopped' && set.note !== null && set.intent.untilEmpty === false) {
			found.push({
				id: `set:${set.id}`,
				icon: 'workers',
				tone: 'warning',
				title: `The consumer of ${set.intent.queues.join(', ')} stopped`,
				reason: set.note,
				next: { kind: 'go', label: 'Look at the workers', view: 'workers' },
			});
		} else if (set.state === 'running' && stopped.length > 0) {
			const first = stopped[0];
			found.push({
				id: `slots:${set.id}`,
				icon: 'workers',
				tone: 'warning',
				title: `${stopped.length} of ${set.slots.length} slots do not run`,
				reason: first !== undefined && first.state.kind === 'stopped' ? first.state.reason : 'They stopped.',
				next: { kind: 'go', label: 'Look at the workers', view: 'workers' },
			});
		}
	}
	return found;
}

/** The same for what the page knows now. */
export function findings(warren: Warren): readonly Finding[] {
	const view = warren.profile;
	const deployment = warren.deployment;
	if (view === null || deployment === null) return [];
	return assess({
		view,
		queues: deployment.queues.value?.items ?? null,
		consumers: deployment.consumers.sets,
		held: deployment.quarantine.held,
		schedules: deployment.schedules.watch.tick,
		alarms: deployment.alarms.raised,
		left: { orphans: deployment.leftovers.orphans.value, replies: deployment.leftovers.replies.value },
		now: warren.now.value,
	});
}
