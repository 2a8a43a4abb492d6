/** What workers answer about tasks that they hold as what history is told: of those that began before anybody listened. Pure. */

import { memberOf } from '#main/dialects/celery/message-signatures.ts';
import { readTaskInfo, type TaskInfo } from '#main/dialects/celery/task-info.ts';
import { readJson } from '#main/dialects/json/read.ts';
import { writeJson } from '#main/dialects/json/write.ts';
import { safeRepr } from '#main/dialects/python/repr.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { FROM_WORKER, type ObservedCall } from '#main/domain/observed.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import type { Value } from '#main/domain/value.ts';
import type { ControlOutcome } from '#main/domain/worker-control.ts';

/** Where a worker has a task. */
export type HeldAs = 'active' | 'reserved' | 'scheduled';

export interface HeldTask {
	readonly node: string;
	readonly as: HeldAs;
	readonly info: TaskInfo;
}

/** Before this moment no epoch time lies: Celery 3 told of when a run began by a clock that starts with the machine. In ms. */
const NO_EPOCH_MS = 10 ** 12;

/** Answers to `active`, `reserved` or `scheduled`: `[info, …]`, or `[{eta, request: info}, …]`. */
export function heldInLists(as: HeldAs, outcome: Pick<ControlOutcome, 'items'>): readonly HeldTask[] {
	return [...answered(outcome)].flatMap(([node, answer]) =>
		answer.kind !== 'list'
			? []
			: answer.items.flatMap((item) => held(node, as, as === 'scheduled' ? memberOf(item, 'request') : item)),
	);
}

/** Answers to `query_task`: `{id: ["active", info]}`. A `ready` one is over, and its end is told by an event. */
export function heldInQuery(outcome: Pick<ControlOutcome, 'items'>): readonly HeldTask[] {
	return [...answered(outcome)].flatMap(([node, answer]) =>
		answer.kind !== 'dict'
			? []
			: answer.entries.flatMap(([, entry]) => {
					const [as, info] = entry.kind === 'list' ? entry.items : [];
					if (as?.kind !== 'str' || (as.value !== 'active' && as.value !== 'reserved')) return [];
					return held(node, as.value, info ?? null);
				}),
	);
}

function held(node: string, as: HeldAs, value: Value | null): readonly HeldTask[] {
	const info = value === null ? null : readTaskInfo(value);
	return info === null ? [] : [{ node, as, info }];
}

function* answered({ items }: Pick<ControlOutcome, 'items'>): Iterable<readonly [string, Value]> {
	for (const { node, answers } of items) {
		for (const answer of answers) {
			const read = answer.ok ? readJson(answer.json) : null;
			if (read?.ok === true) yield [node, read.value];
		}
	}
}

/** What history is told, by the task's id. `at`: when workers were asked, epoch ms by our clock. */
export function observedAnswer(profile: ProfileId, { node, as, info }: HeldTask, at: number): HistoryOp {
	const began = info.startedAt !== null && info.startedAt > NO_EPOCH_MS ? info.startedAt : at;
	const fact = {
		kind: as === 'active' ? 'started' : 'received',
		type: `${FROM_WORKER}${as}`,
		at: as === 'active' ? began : at,
		host: node,
		pid: info.pid,
		clock: null,
		readAt: at,
	} as const;
	return { kind: 'observed', profile, at, key: info.id, facts: [fact], call: callOf(info, at) };
}

function callOf({ name, call }: TaskInfo, at: number): ObservedCall {
	const list: Value | null = call === null ? null : { kind: 'list', items: call.args };
	const dict: Value | null =
		call === null
			? null
			: { kind: 'dict', entries: call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const) };
	return {
		name,
		argsText: list === null ? null : safeRepr(list),
		kwargsText: dict === null ? null : safeRepr(dict),
		call,
		argsJson: jsonOf(list),
		kwargsJson: jsonOf(dict),
		rootId: null,
		parentId: null,
		retries: 0,
		at,
	};
}

function jsonOf(value: Value | null): string | null {
	const written = value === null ? null : writeJson(value, 'readable');
	return written?.ok === true ? written.value : null;
}
