/** What a person decides about a failure group: written down, and with what it was before in the journal. */
import type { GroupChange } from '#main/domain/failure-group.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { GroupStore, RecordStore } from '#main/store/store.ts';

/** What it needs of an engine. */
export interface GroupDesk {
	readonly groups: Pick<GroupStore, 'change'>;
	readonly records: Pick<RecordStore, 'journal'>;
	now(): number;
}

/** Carries out a decision about a group, named by its key or the beginning of it. */
export async function changeGroup(
	desk: GroupDesk,
	profile: ProfileId,
	group: string,
	change: GroupChange,
): Promise<Result<{ readonly group: string; readonly groups: readonly string[]; readonly words: string }>> {
	const changed = await desk.groups.change(profile, group, change);
	if (!changed.ok) return changed;
	const { key, groups, before } = changed.value;
	const words = wordsOf(change, key, groups);
	await desk.records.journal({
		at: desk.now(),
		profile,
		action: `group.${change.kind}`,
		title: words,
		before: JSON.stringify({ key, groups, ...before }),
	});
	return ok({ group: key, groups, words });
}

function wordsOf(change: GroupChange, key: string, groups: readonly string[]): string {
	const name = key.slice(0, 8);
	switch (change.kind) {
		case 'resolve':
			return `Resolved group ${name}`;
		case 'reopen':
			return `Reopened group ${name}`;
		case 'ignore':
			return `Ignored group ${name} for now`;
		case 'note':
			return change.note === '' ? `Took the note of group ${name} away` : `Noted something about group ${name}`;
		case 'merge':
			return `Merged ${change.others.length === 1 ? 'a group' : `${change.others.length} groups`} into ${name}`;
		case 'split':
			return `Split group ${name} into ${groups.length} by ${change.by}`;
	}
}
