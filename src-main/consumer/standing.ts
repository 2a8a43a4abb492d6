/** How a set stands, in a word and in a sentence. Pure. */
import type { ConsumerSetView } from '#main/domain/consumer.ts';
import type { ConnectionState } from '#main/domain/profile.ts';

/** What the state alone depends on, which is asked for with every task. */
export interface Footing {
	readonly ended: boolean;
	readonly stopping: boolean;
	readonly broker: ConnectionState;
	/** At least one queue hands out messages. */
	readonly inForce: boolean;
}

export interface Standing extends Footing {
	/** Why it ended by itself, where that needs saying. */
	readonly endNote: string | null;
	/** What keeps queues from handing out messages. */
	readonly queueProblems: readonly string[];
	/** Why history can't be written. */
	readonly storeProblem: string | null;
	/** Why slots have no runner; null for each that has. */
	readonly slotProblems: readonly (string | null)[];
}

/** The set's state. */
export function stateOf(footing: Footing): ConsumerSetView['state'] {
	if (footing.ended) return 'stopped';
	if (footing.stopping) return 'draining';
	if (footing.broker.kind !== 'connected') return 'waiting-for-broker';
	return footing.inForce ? 'running' : 'starting';
}

/** What a person should know about it, the most urgent first; null when all is well. */
export function noteOf(standing: Standing): string | null {
	if (standing.ended) return standing.endNote;
	if (standing.storeProblem !== null) return `${standing.storeProblem} Nothing is acknowledged meanwhile.`;
	const broken = standing.slotProblems.filter((problem) => problem !== null);
	const [reason] = broken;
	if (reason !== undefined) {
		const { length } = standing.slotProblems;
		return broken.length === length ? reason : `${broken.length} of ${length} slots have no runner: ${reason}`;
	}
	const { broker, queueProblems } = standing;
	if (broker.kind === 'reconnecting' || broker.kind === 'refused') return broker.reason;
	return queueProblems.length === 0 ? null : queueProblems.join(' ');
}
