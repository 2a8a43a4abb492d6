/**
 * Audit lines: who did what through which host. Each line carries a digest of itself and of the digest before it, so that a line that
 * was changed or taken out later is noticed. Who can write the file can also make the whole chain anew; it guards against accidents
 * and against quiet edits, not against a thief with time.
 */
import { createHash } from 'node:crypto';
import type { AuditEntry, AuditPage, AuditRequest, AuditVerdict } from '#main/domain/audit.ts';
import type { AuditWords } from '#main/domain/query-languages.ts';
import { parseQueryOf } from '#main/domain/query-parse.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { compilePlain, type SqlWords } from './plain-search.ts';
import type { SqlTests } from './sql-pieces.ts';

interface ChainRow extends AuditEntry {
	readonly id: number;
	readonly digest: string | null;
}

const COLUMNS = 'at, host, actor, route, profile, input, outcome, changed';

const WORDS: SqlWords<AuditWords> = {
	free: ['route', 'actor', 'profile', 'input', 'outcome'],
	texts: {
		route: ['route'],
		actor: ['actor'],
		host: ['host'],
		profile: ['profile'],
		input: ['input'],
		outcome: ['outcome'],
	},
	numbers: { changed: 'changed' },
	times: { activity: 'at' },
	has: { profile: 'profile IS NOT NULL', changed: 'changed IS NOT NULL' },
	is: { done: "outcome = 'done'", failed: "outcome <> 'done'" },
};

/** Newest first. `invalid-input` where the query does not parse. */
export function auditList(db: ReadHandle, tests: SqlTests, request: AuditRequest, now: number): Result<AuditPage> {
	const query = parseQueryOf('audit', request.query, now);
	if (!query.ok) return query;
	tests.clear();
	const { sql, values } = compilePlain(query.value, WORDS, tests);
	return db.snapshot(() => {
		const rows = db
			.read<AuditEntry & { id: number }>(
				'audit list',
				`SELECT id, ${COLUMNS} FROM audit WHERE id < ? AND ${sql} ORDER BY id DESC LIMIT ?`,
				true,
			)
			.all(request.before ?? Number.MAX_SAFE_INTEGER, ...values, request.limit + 1);
		const total = db.read<{ n: number }>('audit count', `SELECT count(*) AS n FROM audit WHERE ${sql}`, true);
		const shown = rows.slice(0, request.limit);
		return ok({
			items: shown.map(({ id: _id, ...entry }) => entry),
			total: total.get(...values)?.n ?? 0,
			next: rows.length > shown.length ? (shown.at(-1)?.id ?? null) : null,
		});
	});
}

/** Goes through all lines, oldest first, and names the first that does not fit. */
export function verifyAudit(db: ReadHandle): AuditVerdict {
	return db.snapshot(() => {
		const rows = db.read<ChainRow>('audit chain', `SELECT id, ${COLUMNS}, digest FROM audit ORDER BY id`);
		let lines = 0;
		let unsealed = 0;
		let before = '';
		let next = 1;
		let broken: AuditVerdict['broken'] = null;
		for (const row of rows.iterate()) {
			lines += 1;
			if (row.id !== next && broken === null) {
				const gone = row.id - next;
				const what = gone === 1 ? `line ${next} is missing` : `lines ${next} to ${row.id - 1} are missing`;
				broken = { line: next, at: row.at, what };
			}
			next = row.id + 1;
			if (row.digest === null) {
				unsealed += 1;
				if (before !== '' && broken === null) broken = { line: row.id, at: row.at, what: 'its seal was taken off' };
				continue;
			}
			if (broken === null && digestOf(row.id, row, before) !== row.digest) {
				broken = { line: row.id, at: row.at, what: 'it says something else than when it was written' };
			}
			before = row.digest;
		}
		// SQLite remembers the highest number ever given, so that lines missing at the end are noticed too.
		const highest =
			db.read<{ seq: number }>('audit sequence', "SELECT seq FROM sqlite_sequence WHERE name = 'audit'").get()?.seq ??
			0;
		if (broken === null && highest >= next) {
			broken = { line: next, at: null, what: `the newest lines are missing, up to ${highest}` };
		}
		return { ok: broken === null, lines, unsealed, broken };
	});
}

/** Appends audit lines. */
export function auditWriter(db: WriteHandle): (entry: AuditEntry) => void {
	const last = db.read<{ digest: string | null }>('audit last', 'SELECT digest FROM audit ORDER BY id DESC LIMIT 1');
	const insert = db.write('audit', `INSERT INTO audit (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
	const seal = db.write('seal audit', 'UPDATE audit SET digest = ? WHERE id = ?');
	return (entry) => {
		const before = last.get()?.digest ?? '';
		const e = { ...entry, at: Math.trunc(entry.at) };
		const id = insert.run(e.at, e.host, e.actor, e.route, e.profile, e.input, e.outcome, e.changed).lastInsertRowid;
		seal.run(digestOf(id, e, before), id);
	};
}

function digestOf(id: number, e: AuditEntry, before: string): string {
	const line = [before, id, e.at, e.host, e.actor, e.route, e.profile, e.input, e.outcome, e.changed];
	return createHash('sha256').update(JSON.stringify(line)).digest('hex');
}
