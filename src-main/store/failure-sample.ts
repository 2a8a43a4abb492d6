/** Samples of a failure group's runs and of runs of the same task that succeeded, compared. */
import { type ComparedRun, differences } from '#main/domain/failure-differs.ts';
import type { GroupDiffers } from '#main/domain/failure-group.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { STATE_CODES } from './codes.ts';
import { findGroup, noGroup } from './failure-groups.ts';
import type { ReadHandle } from './handles.ts';
import { profileKeyOf } from './profile-keys.ts';
import { callOf } from './tasks.ts';

/** Runs of each kind that are compared at most. */
const SAMPLE = 2_000;
/** Rows gone through for those that succeeded. */
const PASSED = 100_000;
/** With fewer from the same time, the newest from any time are taken. */
const ENOUGH = 100;
/** Around the first and the last failure. */
const MARGIN_MS = 600_000;

interface RunRow {
	readonly queue: string | null;
	readonly worker: string | null;
	readonly priority: number | null;
	readonly attempt: number;
	readonly published_at: number | null;
	readonly started_at: number | null;
	readonly runtime_ms: number | null;
	readonly typed: string | null;
	readonly args: string | null;
	readonly kwargs: string | null;
}

/**
 * Compares the newest failures of a group with runs of the same task that succeeded, from the same time where there are any. Failures of
 * several tasks are compared by one of them, else all that differs between the tasks would be found.
 */
export function groupDiffers(
	db: ReadHandle,
	profile: ProfileId,
	text: string,
	task: string | null,
): Result<GroupDiffers> {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		const found = findGroup(db, key, text);
		if (!found.ok) return found;
		if (key === null) return noGroup(text);
		const names = namesOf(db, found.value.id);
		const name = task ?? names[0]?.name;
		if (name === undefined) {
			return fail('not-found', 'None of the runs that failed in this group is in history any more.');
		}
		const failures = newestFailures(db, found.value.id, name);
		if (failures.length === 0) {
			return fail(
				'not-found',
				`No run of ${name} has failed in this group. Its tasks: ${names.map((one) => one.name).join(', ')}.`,
			);
		}
		const from = (failures.at(-1)?.at ?? 0) - MARGIN_MS;
		const until = (failures[0]?.at ?? 0) + MARGIN_MS;
		const near = succeededBetween(db, key, name, from, until);
		const sameTime = near.seqs.length >= ENOUGH;
		const seqs = sameTime ? near.seqs : newestSucceeded(db, key, name);
		// Where not all of that time was gone through, failures before it have nothing to be compared with.
		const compared = sameTime ? failures.filter((one) => one.at >= near.from) : failures;
		const kept = compared.length === 0 ? failures : compared;
		const failing = failedRuns(
			db,
			kept.map((one) => one.attempt),
		);
		const succeeding = succeededRuns(db, spread(seqs, SAMPLE));
		return ok({
			group: found.value.key,
			task: name,
			tasks: names.map((one) => one.name),
			failing: failing.length,
			succeeding: succeeding.length,
			sameTime,
			...differences([...failing, ...succeeding]),
		});
	});
}

/** Tasks of the newest failures, the most frequent first. */
function namesOf(db: ReadHandle, group: number): readonly { readonly name: string; readonly n: number }[] {
	return db
		.read<{ name: string; n: number }>(
			'tasks of group',
			`SELECT a.name AS name, count(*) AS n FROM (SELECT attempt FROM failures WHERE print IN
				(SELECT id FROM failure_prints WHERE grp = ?) ORDER BY at DESC LIMIT ${SAMPLE}) f
			CROSS JOIN attempts a ON a.id = f.attempt GROUP BY a.name ORDER BY n DESC, a.name LIMIT 20`,
		)
		.all(group);
}

function newestFailures(
	db: ReadHandle,
	group: number,
	name: string,
): readonly { readonly attempt: number; readonly at: number }[] {
	return db
		.read<{ attempt: number; at: number }>(
			'newest failures of task',
			`SELECT f.attempt AS attempt, f.at AS at FROM (SELECT attempt, at FROM failures WHERE print IN
				(SELECT id FROM failure_prints WHERE grp = ?) ORDER BY at DESC LIMIT ${SAMPLE * 10}) f
			CROSS JOIN attempts a ON a.id = f.attempt WHERE a.name = ? ORDER BY f.at DESC LIMIT ${SAMPLE}`,
		)
		.all(group, name);
}

function succeededBetween(
	db: ReadHandle,
	profile: number,
	name: string,
	from: number,
	until: number,
): { readonly seqs: readonly number[]; readonly from: number } {
	const rows = db
		.read<{ seq: number; at: number; same: number }>(
			'succeeded between',
			`SELECT seq, finished_at AS at, name = ? AS same FROM tasks INDEXED BY tasks_finished WHERE profile = ?
				AND state = ${STATE_CODES.succeeded} AND removed_at IS NULL AND finished_at BETWEEN ? AND ?
			ORDER BY finished_at DESC LIMIT ${PASSED}`,
		)
		.all(name, profile, from, until);
	const seqs = rows.filter((row) => row.same === 1).map((row) => row.seq);
	return { seqs, from: rows.length < PASSED ? from : (rows.at(-1)?.at ?? from) };
}

function newestSucceeded(db: ReadHandle, profile: number, name: string): readonly number[] {
	return db
		.read<{ seq: number }>(
			'newest succeeded',
			`SELECT seq FROM (SELECT seq, state FROM tasks INDEXED BY tasks_name WHERE profile = ? AND name = ? AND removed_at IS NULL
				ORDER BY seq DESC LIMIT ${PASSED}) WHERE state = ${STATE_CODES.succeeded} LIMIT ${SAMPLE}`,
		)
		.all(profile, name)
		.map((row) => row.seq);
}

/** At most so many, evenly from all of them: the newest only would say more about the hour than about the task. */
function spread(all: readonly number[], most: number): readonly number[] {
	if (all.length <= most) return all;
	return Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)] ?? 0);
}

function failedRuns(db: ReadHandle, attempts: readonly number[]): readonly ComparedRun[] {
	return db
		.read<RunRow>(
			'failed runs',
			`SELECT a.queue, a.worker, a.priority, a.number AS attempt, a.published_at, a.started_at, a.runtime_ms, x.typed, x.args, x.kwargs
			FROM json_each(?) c CROSS JOIN attempts a ON a.id = c.value JOIN task_texts x ON x.seq = a.task`,
		)
		.all(JSON.stringify(attempts))
		.map((row) => runOf(row, true));
}

function succeededRuns(db: ReadHandle, seqs: readonly number[]): readonly ComparedRun[] {
	return db
		.read<RunRow>(
			'succeeded runs',
			`SELECT t.queue, t.worker, t.priority, t.attempts AS attempt, t.published_at, t.started_at, t.runtime_ms, x.typed, x.args, x.kwargs
			FROM json_each(?) c CROSS JOIN tasks t ON t.seq = c.value JOIN task_texts x ON x.seq = t.seq`,
		)
		.all(JSON.stringify(seqs))
		.map((row) => runOf(row, false));
}

function runOf(row: RunRow, failed: boolean): ComparedRun {
	return {
		failed,
		queue: row.queue,
		worker: row.worker,
		priority: row.priority,
		attempt: row.attempt,
		publishedAt: row.published_at,
		startedAt: row.started_at,
		runtimeMs: row.runtime_ms,
		call: callOf(row.typed, row.args, row.kwargs),
	};
}
