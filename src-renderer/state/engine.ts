/** The engine as the page's state sees it: calls and streams by the contract's names, whatever wire they cross. */
import type { Answer, Client } from '#main/ipc/client.ts';
import type { WireError } from '#main/ipc/codes.ts';

export type { Answer, CallOptions, ClientState, StreamReader } from '#main/ipc/client.ts';
export type { WireError } from '#main/ipc/codes.ts';
export type { AlarmView } from '#main/ipc/contract/alarm.ts';
export type { ClusterList, ClusterView } from '#main/ipc/contract/cluster.ts';
export type { ProfileView } from '#main/ipc/contract/profile.ts';
export type {
	BookView,
	ComingRun,
	MessagePreview,
	ScheduleCounts,
	ScheduleDetail,
	ScheduleOutcome,
	SchedulePreview,
	ScheduleView,
} from '#main/ipc/contract/schedule-answers.ts';
export type { RawMessage, TaskLogLine } from '#main/ipc/contract/task.ts';
export type { CallerInput, Output } from '#main/ipc/contract.ts';

/** Calls never reject: what goes wrong is an answer. Streams re-open by themselves after a reconnect. */
export type Engine = Pick<Client, 'call' | 'open'>;

/** Something being read: not yet, read, or refused. */
export type Loaded<T> =
	| { readonly kind: 'loading' }
	| { readonly kind: 'ready'; readonly value: T }
	| { readonly kind: 'failed'; readonly error: WireError };

export const LOADING: { readonly kind: 'loading' } = { kind: 'loading' };

/** Turns an answer into something to show. */
export function loaded<T>(answer: Answer<T>): Loaded<T> {
	return answer.ok ? { kind: 'ready', value: answer.value } : { kind: 'failed', error: answer.error };
}
