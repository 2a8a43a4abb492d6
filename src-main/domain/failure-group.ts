/** Failure groups: failures with one cause, and what people have decided about them. */
import type { Differences } from './failure-differs.ts';
import type { PrintedException, WhyGrouped } from './failure-print.ts';
import type { ProfileId } from './ids.ts';
import type { TaskRow, TaskState } from './task.ts';

/** The states in which a task counts as a failure. */
export const FAILING_STATES: readonly TaskState[] = ['failed', 'rejected', 'lost'];

/**
 * Where a group stands. resolved: a person says that it is mended. regressed: it has failed again since. ignored: until a time, or
 * until it has failed so often.
 */
export type GroupState = 'open' | 'regressed' | 'resolved' | 'ignored';
export const GROUP_STATES: readonly GroupState[] = ['open', 'regressed', 'resolved', 'ignored'];

/** What a person has decided about a group. Times are epoch milliseconds. */
export interface GroupMarks {
	readonly resolvedAt: number | null;
	readonly regressedAt: number | null;
	readonly ignoreUntil: number | null;
	/** Failures after which it is no longer ignored; null: not by number. */
	readonly ignoreCount: number | null;
	/** How many failures it had had when it was ignored. */
	readonly ignoreFrom: number;
	readonly note: string;
}

/** Where a group stands now, given how often it has failed in all. */
export function groupState(marks: GroupMarks, failures: number, now: number): GroupState {
	if (marks.regressedAt !== null) return 'regressed';
	if (marks.resolvedAt !== null) return 'resolved';
	const byTime = marks.ignoreUntil !== null && marks.ignoreUntil > now;
	const byCount = marks.ignoreCount !== null && failures - marks.ignoreFrom < marks.ignoreCount;
	return byTime || byCount ? 'ignored' : 'open';
}

/** How a group is split: each of its fingerprints, or within each by what its failures say. */
export type SplitBy = 'cause' | 'message' | 'task' | 'queue';
export const SPLITS: readonly SplitBy[] = ['cause', 'message', 'task', 'queue'];

/** How far back a trend looks, and in how many steps. */
export const TREND_WINDOWS = {
	'1h': { ms: 3_600_000, buckets: 30 },
	'24h': { ms: 86_400_000, buckets: 24 },
	'7d': { ms: 604_800_000, buckets: 28 },
	'30d': { ms: 2_592_000_000, buckets: 30 },
} as const;
export type TrendWindow = keyof typeof TREND_WINDOWS;

/** How many tasks of those looked at have a value. */
export interface Share {
	readonly text: string;
	readonly count: number;
}

/** A group in a list. */
export interface FailureGroup {
	/** Its permanent name: 16 hexadecimal digits, the fingerprint that it began with. */
	readonly key: string;
	readonly state: GroupState;
	/** Of the exception, module and class; empty: none is known. */
	readonly type: string;
	/** With tokens for what differs. */
	readonly message: string;
	/** Own code nearest to the failure: `capture (orders/gateway.py)`; null: none is known. */
	readonly frame: string | null;
	/** Tasks that are failed now, and match. */
	readonly tasks: number;
	/** How often it has failed as long as anybody watched, requeued and deleted tasks included. */
	readonly failures: number;
	readonly firstAt: number;
	readonly lastAt: number;
	/** Failures per step of the trend, the oldest first. */
	readonly trend: readonly number[];
	/** Most frequent first, by the newest tasks of the group. */
	readonly names: readonly Share[];
	readonly queues: readonly Share[];
	readonly workers: readonly Share[];
	/** How many tasks these were counted on. */
	readonly looked: number;
	/** How many fingerprints are in it: more than one after a merge. */
	readonly prints: number;
	readonly marks: GroupMarks;
}

export interface FailureGroupList {
	readonly items: readonly FailureGroup[];
	/** Groups that match, listed or not. */
	readonly total: number;
	/** Failed tasks in them. */
	readonly tasks: number;
	/** Groups in each state, whatever states were asked for. */
	readonly states: Readonly<Record<GroupState, number>>;
	/** Failed tasks of older history that have yet to be looked at. */
	readonly ungrouped: number;
	readonly trend: { readonly from: number; readonly stepMs: number };
	readonly revision: number;
}

/** A fingerprint within a group. */
export interface GroupPrint {
	readonly hash: string;
	readonly failures: number;
	readonly firstAt: number;
	readonly lastAt: number;
	readonly why: WhyGrouped;
	/** Where the group was split by something: what these have in common. */
	readonly part: { readonly by: SplitBy; readonly value: string } | null;
}

/** A group with everything about it. */
export interface FailureGroupDetail extends FailureGroup {
	readonly why: readonly GroupPrint[];
	/** The newest failed tasks, at most as many as were asked for. */
	readonly newest: readonly TaskRow[];
}

/** How a group's failing runs differ from succeeding ones of the same task. */
export interface GroupDiffers extends Differences {
	readonly group: string;
	/** The task that was compared; and all that fail in this group, the most frequent first. */
	readonly task: string;
	readonly tasks: readonly string[];
	/** Runs that were compared: the newest failures, and a sample of what succeeded. */
	readonly failing: number;
	readonly succeeding: number;
	/** Whether those that succeeded are from the time of the failures; else hours and workers may differ for that alone. */
	readonly sameTime: boolean;
}

/** A place of code as it is shown. */
export function frameText(frame: PrintedException['frames'][number]): string {
	return `${frame.name} (${frame.file})`;
}

/** Which groups, among which tasks. */
export interface GroupRequest {
	readonly profile: ProfileId;
	/** The query language, over failed tasks; empty: all. */
	readonly query: string;
	/** Empty: any. */
	readonly states: readonly GroupState[];
	readonly sort: 'lastAt' | 'firstAt' | 'tasks' | 'failures';
	readonly window: TrendWindow;
	/** 1 to 500. */
	readonly limit: number;
}

/** A change that a person makes to a group. */
export type GroupChange =
	| { readonly kind: 'resolve' }
	| { readonly kind: 'reopen' }
	| { readonly kind: 'ignore'; readonly until: number | null; readonly count: number | null }
	| { readonly kind: 'note'; readonly note: string }
	/** Other groups become part of it. */
	| { readonly kind: 'merge'; readonly others: readonly string[] }
	| { readonly kind: 'split'; readonly by: SplitBy };

/** What a change did. */
export interface GroupChanged {
	readonly key: string;
	/** The groups it is now: more than one after a split. */
	readonly groups: readonly string[];
	/** As it was before, for the journal. */
	readonly before: GroupBefore;
}

export interface GroupBefore {
	readonly marks: GroupMarks;
	/** The fingerprints of each group that took part, by the group's key. */
	readonly prints: Readonly<Record<string, readonly string[]>>;
}
