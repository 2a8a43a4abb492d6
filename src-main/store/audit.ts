/** Audit lines: who did what through which host. */
import type { AuditEntry } from '#main/domain/audit.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

/** Newest first. */
export function auditList(db: ReadHandle, limit: number): readonly AuditEntry[] {
	return db
		.read<AuditEntry>(
			'audit list',
			'SELECT at, host, actor, route, profile, input, outcome, changed FROM audit ORDER BY id DESC LIMIT ?',
		)
		.all(limit);
}

/** Appends audit lines. */
export function auditWriter(db: WriteHandle): (entry: AuditEntry) => void {
	const insert = db.write(
		'audit',
		'INSERT INTO audit (at, host, actor, route, profile, input, outcome, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
	);
	return (e) => {
		insert.run(Math.trunc(e.at), e.host, e.actor, e.route, e.profile, e.input, e.outcome, e.changed);
	};
}
