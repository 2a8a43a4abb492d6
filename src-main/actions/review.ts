/**
 * Reviews. A change of many things is decided on a frozen set of ids: what a filter matches a second later, or what the list
 * shows by then, has no part in it.
 */
import { randomUUID } from 'node:crypto';
import type { ActionKind, ArgumentSource, Review, TaskSource } from '#main/domain/action.ts';
import type { ProfileId, TaskId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { TaskRow } from '#main/domain/task.ts';
import { whyNot } from '#main/domain/task-acts.ts';
import type { GroupStore, HistoryStore } from '#main/store/store.ts';
import { countSources } from './argument-sources.ts';

/** The most that one change may cover. */
export const MOST_TASKS = 100_000;
const GOOD_FOR_MS = 10 * 60_000;
const SAMPLE = 20;
const ROWS_AT_ONCE = 1_000;

interface Frozen {
	readonly profile: ProfileId;
	readonly action: ActionKind;
	readonly ids: readonly TaskId[];
	readonly until: number;
}

export interface Reviews {
	/** Freezes the tasks named, or those that match now. */
	freeze(profile: ProfileId, action: 'requeue' | 'delete', what: Selection): Promise<Result<Review>>;
	/** The ids that a review froze; once. `conflict` when it is unknown, used, too old, or was made for something else. */
	take(token: string, profile: ProfileId, action: ActionKind): Result<readonly TaskId[]>;
	/** The ids of a selection without a review, for one task or a script. */
	resolve(profile: ProfileId, what: Selection): Promise<Result<readonly TaskId[]>>;
}

export interface Selection {
	readonly ids?: readonly string[] | undefined;
	readonly where?: string | undefined;
	/** The failed tasks of this failure group; those of them that match, with `where`. */
	readonly group?: string | undefined;
	/** Of a requeue: a person gives the arguments, so that it does not matter where their own are. */
	readonly given?: boolean | undefined;
}

/** Where the arguments of tasks are, for a review; one per review, since it remembers whom it asked. */
export interface SourceLook {
	/** Of these tasks, by id. */
	of(rows: readonly TaskRow[]): Promise<ReadonlyMap<TaskId, SeenSource>>;
	/** What a person should know about all of it. */
	warnings(counts: ReadonlyMap<ArgumentSource, number>): readonly string[];
}

/** Where a task's arguments are; or why they are nowhere, in the same words for all of that kind (`cause`) and for this one. */
export type SeenSource =
	| { readonly source: ArgumentSource }
	| { readonly source: null; readonly cause: string; readonly reason: string };

/** Makes the reviews of one engine; they live in memory and die with it. */
export function createReviews(
	history: HistoryStore,
	groups: Pick<GroupStore, 'ids'>,
	now: () => number,
	look: (profile: ProfileId) => Promise<SourceLook | null> = async () => null,
): Reviews {
	const frozen = new Map<string, Frozen>();

	function forgetOld(): void {
		for (const [token, review] of frozen) if (review.until < now()) frozen.delete(token);
	}

	async function resolve(profile: ProfileId, what: Selection): Promise<Result<readonly TaskId[]>> {
		if (what.ids !== undefined && what.ids.length > 0)
			return ok([...new Set(what.ids)] as unknown as readonly TaskId[]);
		if (what.where === undefined && what.group === undefined) {
			return fail('invalid-input', 'Name the tasks: by id, or with a query (--where).');
		}
		const ids =
			what.group === undefined
				? await history.ids(profile, what.where ?? '', MOST_TASKS + 1)
				: await groups.ids(profile, what.group, what.where ?? '', MOST_TASKS + 1);
		if (!ids.ok) return ids;
		if (ids.value.length > MOST_TASKS) {
			return fail('too-large', `More than ${MOST_TASKS} tasks match. Narrow the query, for example by time: since:2h.`);
		}
		return ids;
	}

	return {
		resolve,
		async freeze(profile, action, what) {
			forgetOld();
			const ids = await resolve(profile, what);
			if (!ids.ok) return ids;
			const taken: TaskId[] = [];
			const sample: TaskRow[] = [];
			const skipped = new Map<string, number>();
			let waiting = 0;
			const sources = action === 'requeue' && what.given !== true ? await look(profile) : null;
			const counts = new Map<ArgumentSource, number>();
			const told: TaskSource[] = [];
			let refused = 0;
			for (let at = 0; at < ids.value.length; at += ROWS_AT_ONCE) {
				const asked = ids.value.slice(at, at + ROWS_AT_ONCE);
				const rows = await history.rows(profile, asked);
				const missing = asked.length - rows.length;
				if (missing > 0) skipped.set('is not in history', (skipped.get('is not in history') ?? 0) + missing);
				const seen = await sources?.of(rows.filter(({ state }) => whyNot(action, state) === null));
				for (const row of rows) {
					const source = seen?.get(row.id);
					const reason = whyNot(action, row.state) ?? (source?.source === null ? source.cause : null);
					if (source?.source === null) {
						if (refused < SAMPLE) told.push({ id: row.id, source: null, reason: source.reason });
						refused += 1;
					}
					if (reason !== null) {
						skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
						continue;
					}
					if (source?.source != null) {
						counts.set(source.source, (counts.get(source.source) ?? 0) + 1);
						if (sample.length < SAMPLE) told.push({ id: row.id, source: source.source, reason: null });
					}
					taken.push(row.id);
					if (row.state === 'queued') waiting += 1;
					if (sample.length < SAMPLE) sample.push(row);
				}
			}
			const warnings: string[] = [];
			if (action === 'delete' && waiting > 0) {
				warnings.push(
					waiting === 1
						? 'One of them still waits in its queue: its message is removed there too, so it will not run.'
						: `${waiting} of them still wait in their queues: their messages are removed there too, so they will not run.`,
				);
			}
			const succeeded = sample.some((row) => row.state === 'succeeded');
			if (action === 'requeue' && succeeded) warnings.push('Some of them had succeeded and will run once more.');
			warnings.push(...(sources?.warnings(counts) ?? []));
			const token = randomUUID();
			frozen.set(token, { profile, action, ids: taken, until: now() + GOOD_FOR_MS });
			return ok({
				token,
				action,
				count: taken.length,
				sample,
				skipped: [...skipped].map(([reason, count]) => ({ reason, count })),
				warnings,
				...(sources === null ? {} : { sources: countSources(counts), tasks: told }),
			});
		},
		take(token, profile, action) {
			forgetOld();
			const review = frozen.get(token);
			if (review === undefined || review.profile !== profile || review.action !== action) {
				return fail('conflict', 'This review is no longer good. Review the tasks again and confirm then.');
			}
			frozen.delete(token);
			return ok(review.ids);
		},
	};
}
