import { expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import type { ObservedCall } from '#main/domain/observed.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { directStore } from './open.ts';

const PROFILE = profileId('p');
const call = (more: Partial<ObservedCall>): ObservedCall => ({
	name: 't',
	argsText: null,
	kwargsText: null,
	call: null,
	argsJson: null,
	kwargsJson: null,
	rootId: null,
	parentId: null,
	retries: 0,
	at: 1,
	...more,
});
const told = (key: string, more: Partial<ObservedCall>): HistoryOp => ({
	kind: 'observed',
	profile: PROFILE,
	at: 5,
	key,
	facts: [{ kind: 'received', type: 'task-received', at: 1, host: 'w', pid: 1, clock: 1, retries: 0 }],
	call: call(more),
});

it('finds the tasks of a root and of a group, from whichever of them it is asked', () => {
	using store = directStore();
	store.apply(
		told('a', { rootId: 'a' }),
		told('b', { rootId: 'a', parentId: 'a' }),
		told('c', { rootId: 'a', parentId: 'b', groupId: 'g' }),
		told('d', { groupId: 'g' }),
		told('alone', { rootId: 'alone', parentId: 'alone' }),
	);
	const of = (id: string) =>
		store.calls
			.relatives(PROFILE, [id], 100)
			.map((one) => one.id)
			.sort();
	expect(of('a')).toEqual(['a', 'b', 'c']);
	expect(of('c')).toEqual(['a', 'b', 'c', 'd']);
	expect(of('alone')).toEqual(['alone']);
	expect(store.calls.relatives(PROFILE, ['b'], 100)).toContainEqual({
		id: 'b',
		name: 't',
		state: 'queued',
		rootId: 'a',
		parentId: 'a',
		groupId: null,
	});
	expect(store.calls.relatives(PROFILE, ['a'], 2)).toHaveLength(2);
});

it('keeps no row of a task that stands alone, and learns the group later', () => {
	using store = directStore();
	store.apply(
		told('a', { rootId: 'a' }),
		told('b', { rootId: 'r' }),
		told('b', { groupId: 'g', at: 0, argsText: '()' }),
	);
	const rows = store.db
		.read<{ key: string; root: string; grp: string }>('all', 'SELECT key, root, grp FROM lineage')
		.all();
	expect(rows).toEqual([{ key: 'b', root: 'r', grp: 'g' }]);
});
