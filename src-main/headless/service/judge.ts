/** From a service's facts to one state, one sentence and one exit code. Pure. */
import type { ConsumerSetView } from '#main/domain/consumer.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { ServiceFacts, ServiceState, ServiceStatus } from './spec.ts';

/** A worker that is silent for longer than this is not believed to work, in ms. */
export const SILENT_MS = 15_000;

/** What to say of a service. */
export function judge(facts: ServiceFacts): ServiceStatus {
	const [state, words] = verdict(facts);
	return { ...facts, state, words };
}

function verdict(facts: ServiceFacts): readonly [ServiceState, string] {
	const { report, stopping } = facts;
	if (stopping !== null) return ['draining', drainWords(report?.sets ?? [])];
	if (facts.workerPid === null) {
		const why = facts.problem?.message ?? facts.lastEnd ?? 'It has not been started yet.';
		const away = facts.problem?.code === 'unreachable' || facts.problem?.code === 'timeout';
		if (away) return ['waiting-for-broker', `The broker cannot be reached: ${why}`];
		return ['restarting', `The consumers' process is not up: ${why}`];
	}
	if (facts.heartbeatAgeMs !== null && facts.heartbeatAgeMs > SILENT_MS) {
		const seconds = Math.round(facts.heartbeatAgeMs / 1_000);
		return ['hung', `The consumers' process ${facts.workerPid} has said nothing for ${seconds} s.`];
	}
	if (report === null) return ['starting', 'The consumers are starting.'];
	const { sets } = report;
	if (sets.length === 0) return ['starting', 'The consumers are starting.'];
	const away = sets.find((set) => set.state === 'waiting-for-broker');
	if (away !== undefined)
		return ['waiting-for-broker', `The broker cannot be reached: ${away.note ?? connectionWords(report)}`];
	const stopped = sets.find((set) => set.state === 'stopped' || set.state === 'draining');
	if (stopped !== undefined)
		return ['degraded', `${nameOf(stopped)} has stopped: ${stopped.note ?? 'somebody stopped it.'}`];
	const starting = sets.find((set) => set.state === 'starting');
	if (starting !== undefined) {
		// A set whose queues the broker refuses stays in this state; it says so.
		return starting.note === null
			? ['starting', 'The consumers are starting.']
			: ['degraded', `${nameOf(starting)} takes no tasks: ${starting.note}`];
	}
	const slots = sets.flatMap((set) => set.slots);
	const usable = slots.filter((slot) => slot.state.kind === 'idle' || slot.state.kind === 'running').length;
	if (usable === 0)
		return slots.some((slot) => slot.state.kind === 'stopped')
			? ['degraded', `No task can run: ${sets.find((set) => set.note !== null)?.note ?? 'no runner could be started.'}`]
			: ['starting', 'The runners are starting.'];
	const troubled = sets.find((set) => set.note !== null);
	if (troubled !== undefined) return ['degraded', `${nameOf(troubled)}: ${troubled.note}`];
	const busy = slots.filter((slot) => slot.state.kind === 'running').length;
	return ['running', `${usable} of ${slots.length} slots work, ${busy} of them on a task.`];
}

function nameOf(set: ConsumerSetView): string {
	return `"${set.saved?.name ?? set.intent.queues.join(', ')}"`;
}

function connectionWords(report: NonNullable<ServiceFacts['report']>): string {
	const { connection } = report;
	return connection.kind === 'reconnecting' || connection.kind === 'refused'
		? connection.reason
		: 'it does not answer.';
}

function drainWords(sets: readonly ConsumerSetView[]): string {
	const busy = sets.flatMap((set) => set.slots).filter((slot) => slot.state.kind === 'running').length;
	if (busy === 0) return 'It is stopping.';
	return busy === 1 ? 'It is stopping: one task still runs.' : `It is stopping: ${busy} tasks still run.`;
}

/** What `consumer status` ends with: 0 for a service that does its work, 4 where the broker is at fault, 1 otherwise. */
export function exitOf(state: ServiceState): number {
	if (state === 'running') return EXIT.done;
	return state === 'waiting-for-broker' ? EXIT.unreachable : EXIT.failed;
}
