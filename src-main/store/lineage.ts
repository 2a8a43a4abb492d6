/** Which tasks belong together: rows only for those that something ties to others. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { TaskLineage } from '#main/domain/observed.ts';
import { cutName } from './caps.ts';
import { stateName } from './codes.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { profileKeyOf } from './profile-keys.ts';
import type { Relative } from './store.ts';

export interface LineageTable {
	/** Notes where a message's task stands; what is known already stays, and what is alone is not noted. */
	note(profile: number, key: string, lineage: TaskLineage): void;
}

export function lineageTable(db: WriteHandle): LineageTable {
	const note = db.write(
		'note lineage',
		`INSERT INTO lineage (profile, key, root, parent, grp) VALUES (?, ?, ?, ?, ?) ON CONFLICT (profile, key) DO UPDATE SET
			root = coalesce(root, excluded.root), parent = coalesce(parent, excluded.parent), grp = coalesce(grp, excluded.grp)`,
	);
	return {
		note(profile, key, { rootId, parentId, groupId = null }) {
			// The parent of a retry is the task itself.
			const parent = parentId === key ? null : parentId;
			const root = rootId === key ? null : rootId;
			if (parent === null && root === null && groupId === null) return;
			note.run(profile, cutName(key), cutOrNull(root), cutOrNull(parent), cutOrNull(groupId));
		},
	};
}

function cutOrNull(text: string | null): string | null {
	return text === null ? null : cutName(text);
}

interface Row {
	readonly key: string;
	readonly root: string | null;
	readonly parent: string | null;
	readonly grp: string | null;
}

/** The tasks that share the root or the group of these, and these themselves; at most so many. */
export function relatives(
	db: ReadHandle,
	profile: ProfileId,
	keys: readonly string[],
	limit: number,
): readonly Relative[] {
	return db.snapshot(() => {
		const owner = profileKeyOf(db, profile);
		if (owner === null) return [];
		const one = db.read<Row>('lineage', 'SELECT key, root, parent, grp FROM lineage WHERE profile = ? AND key = ?');
		const byRoot = db.read<Row>(
			'lineage of root',
			'SELECT key, root, parent, grp FROM lineage WHERE profile = ? AND root = ? ORDER BY key LIMIT ?',
		);
		const byGroup = db.read<Row>(
			'lineage of group',
			'SELECT key, root, parent, grp FROM lineage WHERE profile = ? AND grp = ? ORDER BY key LIMIT ?',
		);
		const found = new Map<string, Row>();
		const roots = new Set<string>();
		const groups = new Set<string>();
		const take = (row: Row) => {
			if (found.size < limit && !found.has(row.key)) found.set(row.key, row);
		};
		for (const key of keys) {
			const row = one.get(owner, key) ?? { key, root: null, parent: null, grp: null };
			take(row);
			roots.add(row.root ?? key);
			if (row.grp !== null) groups.add(row.grp);
		}
		for (const group of groups) {
			for (const row of byGroup.all(owner, group, limit)) {
				take(row);
				if (row.root !== null) roots.add(row.root);
			}
		}
		for (const root of roots) {
			take(one.get(owner, root) ?? { key: root, root: null, parent: null, grp: null });
			for (const row of byRoot.all(owner, root, limit)) take(row);
		}
		return [...found.values()].map((row) => relativeOf(db, owner, row));
	});
}

function relativeOf(db: ReadHandle, owner: number, row: Row): Relative {
	const task =
		db
			.read<{ name: string; state: number }>('relative', 'SELECT name, state FROM tasks WHERE profile = ? AND id = ?')
			.get(owner, row.key) ??
		db
			.read<{ name: string; state: number }>(
				'relative sent again',
				`SELECT a.name, a.state FROM attempts a WHERE a.profile = ? AND a.message_key = ? AND a.stray = 1 ORDER BY a.number DESC LIMIT 1`,
			)
			.get(owner, row.key);
	return {
		id: row.key,
		name: task?.name ?? null,
		state: task === undefined ? null : stateName(task.state),
		rootId: row.root,
		parentId: row.parent,
		groupId: row.grp,
	};
}
