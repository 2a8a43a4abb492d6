/**
 * Gives each failure its fingerprint and group, in the transaction that writes the failure; and those of older history, or of an older
 * version of the fingerprint, bit by bit in the background. Nothing here runs for a task that succeeds.
 */
import type { SplitBy } from '#main/domain/failure-group.ts';
import { frameText } from '#main/domain/failure-group.ts';
import { FINGERPRINT_VERSION, type Fingerprint, fingerprint, hash64 } from '#main/domain/failure-print.ts';
import { STATE_CODES } from './codes.ts';
import type { WriteHandle } from './handles.ts';

/** Codes of the states that are failures. */
export const FAILING_CODES: readonly number[] = [STATE_CODES.failed, STATE_CODES.rejected, STATE_CODES.lost];
/** The same for SQL. */
export const FAILING_SQL = FAILING_CODES.join(', ');

/**
 * Where one place fails with more different messages than this, what they say is mostly a name that nothing could tell from a word:
 * from then on its failures are one group.
 */
const MESSAGES_OF_A_PLACE = 100;
/** Different fingerprints of a profile; what comes after is one group, so that made-up names cannot fill the disk. */
const PRINTS_OF_A_PROFILE = 10_000;
const OTHERS = 'others';
/** Rows of tasks that a background step reads, and failures that it looks into. */
const STEP_ROWS = 3_000;
const STEP_FAILURES = 60;
const REMEMBERED = 10_000;

/** A failed attempt as the fingerprint needs it. */
interface FailedRow {
	readonly state: number;
	readonly name: string;
	readonly queue: string | null;
	readonly finished_at: number | null;
	readonly exception_type: string | null;
	readonly exception_message: string | null;
	readonly traceback: string | null;
}

/** A fingerprint's row. */
export interface PrintRow {
	readonly id: number;
	readonly hash: string;
	readonly base: string;
	readonly version: number;
	readonly grp: number;
}

/** Columns of a `PrintRow`. */
export const PRINT_COLUMNS = 'id, hash, base, version, grp';

export interface FailureKeeper {
	/** The attempt that a task's row shows has failed (or is told anew to have). */
	failed(profile: number, seq: number, attempt: number): void;
	/** A task that was failed is not any more. */
	left(seq: number): void;
	dropAttempt(attempt: number): void;
	/** One step through older history in the open transaction; false: there is nothing left to look at. */
	work(): boolean;
	/** A removed profile's groups. */
	drop(profile: number): void;
	/** Forgets what is remembered, since another process, a split or a rollback may have changed it. */
	forget(): void;
}

/** What failures with one fingerprint have in common where its group is split. */
export function partOf(by: SplitBy, row: Pick<FailedRow, 'name' | 'queue' | 'exception_message'>): string {
	if (by === 'task') return row.name;
	if (by === 'queue') return row.queue ?? '';
	return (row.exception_message ?? '').slice(0, 500);
}

/** The fingerprint of a part. */
export function partHash(base: string, by: SplitBy, value: string): string {
	return hash64(`${base}\u0000${by}\u0000${value}`);
}

export function failureKeeper(db: WriteHandle): FailureKeeper {
	const prints = new Map<string, PrintRow>();
	let rules: Map<string, SplitBy> | null = null;
	let caughtUp = false;

	const row = db.read<FailedRow>(
		'failed attempt',
		`SELECT state, name, queue, finished_at, exception_type, exception_message, traceback FROM attempts WHERE id = ?`,
	);
	const known = db.read<PrintRow>(
		'failure print',
		`SELECT ${PRINT_COLUMNS} FROM failure_prints WHERE profile = ? AND hash = ?`,
	);
	const byId = db.read<PrintRow>('failure print by id', `SELECT ${PRINT_COLUMNS} FROM failure_prints WHERE id = ?`);
	const ofPlace = db.read<{ n: number }>(
		'messages of place',
		'SELECT count(*) AS n FROM failure_prints WHERE profile = ? AND place = ?',
	);
	const ofProfile = db.read<{ n: number }>(
		'prints of profile',
		'SELECT count(*) AS n FROM failure_prints WHERE profile = ?',
	);
	const insert = db.write(
		'new failure print',
		`INSERT INTO failure_prints (profile, hash, base, place, version, grp, type, message, frame, why, part, first_at, last_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	);
	const groupByKey = db.read<{ id: number }>(
		'failure group by key',
		'SELECT id FROM failure_groups WHERE profile = ? AND key = ?',
	);
	const newGroup = db.write('new failure group', 'INSERT INTO failure_groups (profile, key) VALUES (?, ?)');
	const countUp = db.write(
		'count failure',
		'UPDATE failure_prints SET n = n + 1, first_at = min(first_at, ?), last_at = max(last_at, ?) WHERE id = ?',
	);
	const countDown = db.write('uncount failure', 'UPDATE failure_prints SET n = n - 1 WHERE id = ?');
	const regress = db.write(
		'group regressed',
		'UPDATE failure_groups SET regressed_at = ? WHERE id = ? AND regressed_at IS NULL AND resolved_at < ?',
	);
	const before = db.read<{ print: number }>('failure', 'SELECT print FROM failures WHERE attempt = ?');
	const put = db.write('put failure', 'INSERT OR REPLACE INTO failures (attempt, print, at) VALUES (?, ?, ?)');
	const take = db.write('drop failure', 'DELETE FROM failures WHERE attempt = ?');
	const mark = db.write('task failed for', 'UPDATE tasks SET failure = ? WHERE seq = ? AND failure IS NOT ?');
	const allRules = db.read<{ profile: number; base: string; by: SplitBy }>(
		'split rules',
		'SELECT profile, base, by FROM failure_rules',
	);
	const move = db.write('move print', 'UPDATE failure_prints SET grp = ? WHERE id = ?');
	const untouched = db.read<{ id: number }>(
		'group as it began',
		`SELECT id FROM failure_groups WHERE id = ? AND key = ? AND resolved_at IS NULL AND regressed_at IS NULL
			AND ignore_until IS NULL AND ignore_count IS NULL AND note = ''`,
	);

	function ruleOf(profile: number, base: string): SplitBy | undefined {
		rules ??= new Map(allRules.all().map((rule) => [`${rule.profile} ${rule.base}`, rule.by]));
		return rules.get(`${profile} ${base}`);
	}

	function remember(profile: number, print: PrintRow): PrintRow {
		if (prints.size >= REMEMBERED) prints.clear();
		prints.set(`${profile} ${print.hash}`, print);
		return print;
	}

	function find(profile: number, hash: string): PrintRow | undefined {
		const remembered = prints.get(`${profile} ${hash}`);
		if (remembered !== undefined) return remembered;
		const found = known.get(profile, hash);
		return found === undefined ? undefined : remember(profile, found);
	}

	function homeOf(profile: number, key: string): number {
		return groupByKey.get(profile, key)?.id ?? newGroup.run(profile, key).lastInsertRowid;
	}

	/** The fingerprint's row, made if need be. `group`: where a new one belongs; null: to a group of its own. */
	function printOf(profile: number, failed: FailedRow, at: number, group: number | null): PrintRow {
		const made = fingerprint({
			task: failed.name,
			type: failed.exception_type ?? '',
			message: failed.exception_message ?? '',
			traceback: failed.traceback,
		});
		const by = ruleOf(profile, made.hash);
		const value = by === undefined ? null : partOf(by, failed);
		const hash = by === undefined || value === null ? made.hash : partHash(made.hash, by, value);
		const found = find(profile, hash);
		if (found !== undefined) return found;
		if (by === undefined && (ofPlace.get(profile, made.place)?.n ?? 0) >= MESSAGES_OF_A_PLACE) {
			return (
				find(profile, made.place) ??
				create(profile, { ...made, hash: made.place }, { hash: made.place, part: null, at, group })
			);
		}
		if ((ofProfile.get(profile)?.n ?? 0) >= PRINTS_OF_A_PROFILE) {
			const others = hash64(OTHERS);
			const rest: Fingerprint = {
				...made,
				hash: others,
				place: others,
				type: '',
				message: 'All further kinds of failure',
				frame: null,
			};
			return find(profile, others) ?? create(profile, rest, { hash: others, part: null, at, group });
		}
		const part = by === undefined ? null : JSON.stringify({ by, value });
		return create(profile, made, { hash, part, at, group });
	}

	function create(
		profile: number,
		made: Fingerprint,
		of: { readonly hash: string; readonly part: string | null; readonly at: number; readonly group: number | null },
	): PrintRow {
		const grp = of.group ?? homeOf(profile, of.hash);
		const frame = made.frame === null ? null : frameText(made.frame);
		const id = insert.run(
			profile,
			of.hash,
			made.hash,
			made.place,
			FINGERPRINT_VERSION,
			grp,
			made.type,
			made.message,
			frame,
			JSON.stringify(made.why),
			of.part,
			of.at,
			of.at,
		).lastInsertRowid;
		return remember(profile, { id, hash: of.hash, base: made.hash, version: FINGERPRINT_VERSION, grp });
	}

	/** Writes a failure down; its fingerprint. */
	function settle(profile: number, attempt: number): number | null {
		const failed = row.get(attempt);
		if (failed === undefined || !FAILING_CODES.includes(failed.state)) return null;
		const at = failed.finished_at ?? 0;
		const earlier = before.get(attempt)?.print;
		const old = earlier === undefined ? undefined : byId.get(earlier);
		const outdated = old !== undefined && old.version < FINGERPRINT_VERSION ? old : undefined;
		let print = printOf(profile, failed, at, outdated?.grp ?? null);
		// A newer version may have met this failure in the meantime: what people decided about the older one's group goes on.
		if (outdated !== undefined && print.grp !== outdated.grp && untouched.get(print.grp, print.hash) !== undefined) {
			move.run(outdated.grp, print.id);
			print = remember(profile, { ...print, grp: outdated.grp });
		}
		if (earlier === print.id) return print.id;
		put.run(attempt, print.id, at);
		countUp.run(at, at, print.id);
		if (earlier !== undefined) countDown.run(earlier);
		else regress.run(at, print.grp, at);
		return print.id;
	}

	const progress = db.read<{ version: number; seq: number; done: number }>(
		'failure mark',
		'SELECT version, seq, done FROM failure_mark WHERE id = 1',
	);
	const setProgress = db.write(
		'set failure mark',
		`INSERT INTO failure_mark (id, version, seq, done) VALUES (1, ?, ?, ?)
		ON CONFLICT DO UPDATE SET version = excluded.version, seq = excluded.seq, done = excluded.done`,
	);
	const tasks = db.read<{ seq: number; profile: number; state: number }>(
		'tasks to group',
		'SELECT seq, profile, state FROM tasks WHERE seq > ? ORDER BY seq LIMIT ?',
	);
	const attempts = db.read<{ id: number; number: number; state: number }>(
		'attempts to group',
		`SELECT id, number, state FROM attempts WHERE task = ?`,
	);
	const leave = db.write('task fails no more', 'UPDATE tasks SET failure = NULL WHERE seq = ?');
	const emptyPrints = db.write(
		'outdated prints',
		`DELETE FROM failure_prints WHERE version < ? AND NOT EXISTS (SELECT 1 FROM failures f WHERE f.print = failure_prints.id)`,
	);

	return {
		failed(profile, seq, attempt) {
			const print = settle(profile, attempt);
			if (print !== null) mark.run(print, seq, print);
		},
		left: (seq) => void leave.run(seq),
		dropAttempt: (attempt) => void take.run(attempt),
		work() {
			if (caughtUp) return false;
			const stands = progress.get();
			if (
				stands !== undefined &&
				(stands.version > FINGERPRINT_VERSION || (stands.done === 1 && stands.version === FINGERPRINT_VERSION))
			) {
				caughtUp = true;
				return false;
			}
			const from = stands?.version === FINGERPRINT_VERSION ? stands.seq : 0;
			const batch = tasks.all(from, STEP_ROWS);
			let looked = 0;
			let reached = from;
			for (const task of batch) {
				const all = attempts.all(task.seq).sort((a, b) => a.number - b.number);
				for (const one of all) {
					if (!FAILING_CODES.includes(one.state)) continue;
					const print = settle(task.profile, one.id);
					looked += 1;
					if (print !== null && one === all.at(-1)) mark.run(print, task.seq, print);
				}
				reached = task.seq;
				if (looked >= STEP_FAILURES) break;
			}
			const done = batch.length < STEP_ROWS && reached === (batch.at(-1)?.seq ?? from);
			if (done) emptyPrints.run(FINGERPRINT_VERSION);
			setProgress.run(FINGERPRINT_VERSION, reached, done ? 1 : 0);
			return !done;
		},
		drop(profile) {
			for (const table of ['failure_groups', 'failure_prints', 'failure_rules']) {
				db.write(`drop ${table}`, `DELETE FROM ${table} WHERE profile = ?`).run(profile);
			}
		},
		forget() {
			prints.clear();
			rules = null;
		},
	};
}
