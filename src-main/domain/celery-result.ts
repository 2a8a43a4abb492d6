/** What Celery's result backend keeps of tasks, groups and chords. JSON-safe, so that it crosses the wire as it is. */
import type { TaskException, TaskState } from './task.ts';
import type { Value } from './value.ts';

/** How a backend wrote a result down. */
export type ResultSerializer = 'json' | 'pickle' | 'yaml' | 'msgpack';

/** A task's result as it is kept. Null: it does not say. */
export interface CeleryResult {
	readonly id: string;
	/** Celery's word, or the application's own for a state of progress. */
	readonly status: string;
	/** What that is in Warren's words; null: a state of the application's own, of a task that runs. */
	readonly state: TaskState | null;
	/** Whether it is over: nothing follows but expiry. */
	readonly ready: boolean;
	/** What was returned, or told of progress; null where there is an exception. */
	readonly value: Value | null;
	/** The same as JSON text where JSON can say all of it. */
	readonly valueJson: string | null;
	/** The same in Python's notation, cut at 100,000 characters. */
	readonly valueText: string | null;
	readonly exception: (TaskException & { readonly module: string | null; readonly args: readonly Value[] }) | null;
	readonly traceback: string | null;
	/** Ids of the tasks that it started, groups with their members. */
	readonly children: readonly ResultNode[];
	/** Epoch ms. */
	readonly doneAt: number | null;
	readonly groupId: string | null;
	readonly parentId: string | null;
	/** Only with the application's `result_extended`. */
	readonly name: string | null;
	readonly args: Value | null;
	readonly kwargs: Value | null;
	readonly worker: string | null;
	readonly retries: number | null;
	/** The routing key it came by, which mostly is the queue. */
	readonly queue: string | null;
	readonly serializer: ResultSerializer;
}

/** A task in a tree of results, or a group (with `members`). */
export interface ResultNode {
	readonly id: string;
	/** Null: a task. */
	readonly members: readonly ResultNode[] | null;
}

/** How far a group is, counted from what its members' results say. */
export interface GroupProgress {
	readonly id: string;
	/** How many there are to be; null: nobody says. */
	readonly size: number | null;
	readonly done: number;
	readonly failed: number;
	readonly members: readonly GroupMember[];
	/** Counters of a chord that still waits for its members; null: none are kept (it is over, has failed, or is no chord). */
	readonly chord: ChordCounters | null;
	/** In words: why it does not go on; null: it does, or is over. */
	readonly stuck: string | null;
	/** Members were left out, since there are too many. */
	readonly cut: boolean;
}

export interface GroupMember {
	readonly id: string;
	/** Null: no result is kept, so it waits, runs, or keeps none. */
	readonly status: string | null;
	readonly state: TaskState | null;
	readonly name: string | null;
}

export interface ChordCounters {
	/** How many members the header has; null: it is not written yet (a member of a group that is still being sent). */
	readonly size: number | null;
	/** How many have counted. */
	readonly counted: number;
	/** When the counters go, epoch ms; null: they do not. */
	readonly expiresAt: number | null;
}

/** Where a result was read. */
export interface ResultSource {
	readonly kind: 'redis';
	/** The key. */
	readonly place: string;
	/** Epoch ms, by our clock. */
	readonly readAt: number;
	/** When it goes; null: never, or it cannot be said. */
	readonly expiresAt: number | null;
}
