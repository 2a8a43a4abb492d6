/** A cluster at one moment, as its events tell it: what a camera hands on. JSON-safe; times are epoch ms. */
import type { WorkerView } from './worker.ts';

/** A task as it stood. `state` in Celery's words; an event of the application's own gives its upper-cased name. */
export interface SnapshotTask {
	readonly id: string;
	readonly name: string | null;
	readonly state: string;
	readonly worker: string | null;
	readonly queue: string | null;
	/** As the sender printed them, perhaps cut. */
	readonly args: string | null;
	readonly kwargs: string | null;
	readonly retries: number;
	readonly eta: string | null;
	readonly expires: string | null;
	readonly rootId: string | null;
	readonly parentId: string | null;
	readonly result: string | null;
	readonly runtimeMs: number | null;
	readonly exception: { readonly type: string; readonly message: string } | null;
	readonly traceback: string | null;
	/** When the last event of each kind was sent, by its sender's clock. */
	readonly times: Readonly<Record<string, number>>;
}

export interface Snapshot {
	/** From 1 on; a shot that found nothing new has none. */
	readonly number: number;
	readonly at: number;
	/** Since when `eventCount` and `taskCount` are counted. */
	readonly since: number;
	/** Events heard, and tasks first heard of. */
	readonly eventCount: number;
	readonly taskCount: number;
	readonly workers: readonly WorkerView[];
	readonly tasks: readonly SnapshotTask[];
	/** Tasks that were let go because there were too many; 0: all are here. */
	readonly dropped: number;
	/** Events that could not be read. */
	readonly unreadable: number;
	/** Why nothing is heard at the moment; null: it is. */
	readonly trouble: string | null;
}
