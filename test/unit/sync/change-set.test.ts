import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '#main/domain/result.ts';
import type { BookEntry, ScheduleChange, ScheduleConflict, ScheduleVersion } from '#main/domain/schedule.ts';
import {
	adoptSchedule,
	chooseSides,
	type Edited,
	editSchedule,
	removeSchedule,
	revertSchedule,
	type Standing,
} from '#main/sync/change-set.ts';
import { identicalDefinitions } from '#main/sync/meaning.ts';
import { changeOf, DEFINITION, editOf, entryOf, RUNS, SHOP, schedule } from './definitions.ts';

const base = schedule('nightly', { queue: 'default', args: '1' });
const mine = { ...base, queue: 'bulk' };
const theirs = { ...base, queue: 'mail', args: '2' };

function standing(change: ScheduleChange | null, entry: BookEntry | null = entryOf('k', base)): Standing {
	return { profile: SHOP, book: 'shared', key: 'k', entry, change };
}
function done(result: Result<Edited>): Edited {
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}
function versions({ steps }: Edited): readonly ScheduleVersion[] {
	return steps.flatMap((step) => (step.kind === 'version' ? [step.version] : []));
}
/** Whether the store ends up with what was decided. */
function lands({ change, steps }: Edited): boolean {
	const put = steps.findLast((step) => step.kind === 'change' || step.kind === 'settled');
	return change === null ? put?.kind === 'settled' : put?.kind === 'change' && put.change === change;
}
const conflict = (more: Partial<ScheduleConflict> = {}): ScheduleConflict => ({
	theirs,
	theirVersion: 'v2',
	fields: ['queue'],
	choices: {},
	seenAt: 5,
	...more,
});

describe('an edit', () => {
	it('waits with the version it was made against', () => {
		const edited = editSchedule(standing(null), mine, 10);
		expect(edited.change).toEqual(changeOf('k', base, mine, { createdAt: 10, updatedAt: 10 }));
		expect(lands(edited)).toBe(true);
	});

	it('makes a schedule where there is none', () => {
		expect(editSchedule(standing(null, null), mine, 10).change).toMatchObject({ kind: 'create', base: null, mine });
	});

	it('is none when nothing is different', () => {
		expect(editSchedule(standing(null), { ...base }, 10)).toEqual({ change: null, steps: [] });
		const waiting = changeOf('k', base, mine);
		expect(editSchedule(standing(waiting), { ...mine }, 10)).toEqual({ change: waiting, steps: [] });
	});

	it('can be revised; what it said before is kept', () => {
		const edited = editSchedule(standing(changeOf('k', base, mine)), { ...base, queue: 'slow' }, 10);
		expect(edited.change).toMatchObject({ base, mine: { queue: 'slow' }, createdAt: 1, updatedAt: 10 });
		expect(versions(edited)).toMatchObject([
			{ by: 'here', what: 'changed', before: mine, overwritten: { queue: 'bulk' } },
		]);
		const more = editSchedule(standing(changeOf('k', base, mine)), { ...mine, priority: 5 }, 10);
		expect(versions(more)).toEqual([]);
	});

	it('disappears when it comes back to what the book has', () => {
		const edited = editSchedule(standing(changeOf('k', base, mine)), base, 10);
		expect(edited.change).toBeNull();
		expect(lands(edited)).toBe(true);
		expect(versions(edited)).toMatchObject([{ overwritten: { queue: 'bulk' } }]);
	});

	it('keeps its base when the book was read anew meanwhile', () => {
		const edited = editSchedule(
			standing(changeOf('k', base, mine), entryOf('k', theirs, 'v2')),
			{ ...mine, priority: 1 },
			10,
		);
		expect(edited.change).toMatchObject({ base, baseVersion: 'v1' });
	});

	it('brings back what was to be removed', () => {
		const removed = changeOf('k', base, null);
		expect(editSchedule(standing(removed), base, 10).change).toBeNull();
		expect(editSchedule(standing(removed), mine, 10).change).toMatchObject({ kind: 'change', mine });
	});

	it('is tried again after the book refused what it was', () => {
		const refused = changeOf('k', base, mine, { problem: 'No such queue.' });
		expect(editSchedule(standing(refused), { ...mine, queue: 'x' }, 10).change?.problem).toBeNull();
	});

	it('stays while it is being sent, even back at the base: nobody knows what the book has', () => {
		const sending = changeOf('k', base, mine, { sending: { at: 9, definition: mine } });
		const edited = editSchedule(standing(sending), base, 10);
		expect(edited.change).toMatchObject({ mine: base, sending: { definition: mine } });
	});
});

describe('a removal', () => {
	it('waits, and keeps what was typed before', () => {
		expect(done(removeSchedule(standing(null), 10)).change).toMatchObject({ kind: 'remove', base, mine: null });
		const edited = done(removeSchedule(standing(changeOf('k', base, mine)), 10));
		expect(edited.change).toMatchObject({ kind: 'remove', mine: null });
		expect(versions(edited)).toMatchObject([{ what: 'removed', before: mine, overwritten: { queue: 'bulk' } }]);
		expect(done(removeSchedule(standing(edited.change), 11)).steps).toEqual([]);
	});

	it('takes one that was only made here away at once', () => {
		const edited = done(removeSchedule(standing(changeOf('k', null, mine), null), 10));
		expect(edited.change).toBeNull();
		expect(lands(edited)).toBe(true);
		expect(versions(edited)).toMatchObject([{ what: 'removed', before: mine, after: null }]);
	});

	it('of one that is being made has to follow it to the book', () => {
		const sending = changeOf('k', null, mine, { sending: { at: 9, definition: mine } });
		expect(done(removeSchedule(standing(sending, null), 10)).change).toMatchObject({
			kind: 'remove',
			base: null,
			mine: null,
		});
	});

	it('of nothing says so', () => {
		expect(removeSchedule(standing(null, null), 10)).toMatchObject({ ok: false, error: { code: 'not-found' } });
	});
});

describe('taking back', () => {
	it('leaves the schedule as its book has it, and keeps what was typed', () => {
		const edited = done(revertSchedule(standing(changeOf('k', base, mine)), 10));
		expect(edited.change).toBeNull();
		expect(lands(edited)).toBe(true);
		expect(versions(edited)).toMatchObject([
			{ what: 'reverted', before: mine, after: base, overwritten: { queue: 'bulk' } },
		]);
		const made = done(revertSchedule(standing(changeOf('k', null, mine), null), 10));
		expect(versions(made)).toMatchObject([{ what: 'reverted', before: mine, after: null }]);
	});

	it('ends a conflict with what the book has', () => {
		const waiting = changeOf('k', base, mine, { conflict: conflict() });
		const edited = done(revertSchedule(standing(waiting, entryOf('k', theirs, 'v2')), 10));
		expect(edited.change).toBeNull();
		expect(versions(edited)).toMatchObject([{ before: mine, after: theirs }]);
	});

	it('of what is being sent writes the old values back', () => {
		const sending = changeOf('k', base, mine, { sending: { at: 9, definition: mine } });
		expect(done(revertSchedule(standing(sending), 10)).change).toMatchObject({ kind: 'change', mine: base });
		const making = changeOf('k', null, mine, { sending: { at: 9, definition: mine } });
		expect(done(revertSchedule(standing(making, null), 10)).change).toMatchObject({ kind: 'remove', mine: null });
	});

	it('of nothing says so', () => {
		expect(revertSchedule(standing(null), 10)).toMatchObject({ ok: false, error: { code: 'not-found' } });
	});
});

describe('choosing', () => {
	const both = changeOf(
		'k',
		base,
		{ ...mine, args: '3', priority: 7 },
		{ conflict: conflict({ fields: ['queue', 'args'] }) },
	);

	it('is done when every field has a side, and keeps the values of the other', () => {
		const half = done(chooseSides(standing(both), { queue: 'mine' }, 10));
		expect(half.change?.conflict).toMatchObject({ fields: ['queue', 'args'], choices: { queue: 'mine' } });
		expect(versions(half)).toEqual([]);
		const all = done(chooseSides(standing(half.change), { args: 'theirs' }, 11));
		const resolved = { ...base, queue: 'bulk', args: '2', priority: 7 };
		expect(all.change).toMatchObject({
			base: theirs,
			baseVersion: 'v2',
			mine: resolved,
			conflict: null,
			updatedAt: 11,
		});
		expect(versions(all)).toMatchObject([
			{ by: 'merge', before: theirs, after: resolved, overwritten: { queue: 'mail', args: '3' } },
		]);
		expect(versions(all)[0]?.note).toBe('Kept as here: queue. Taken from the book: args.');
	});

	it('can be changed until it is done', () => {
		const half = done(chooseSides(standing(both), { queue: 'mine' }, 10));
		const other = done(chooseSides(standing(half.change), { queue: 'theirs' }, 11));
		expect(other.change?.conflict?.choices).toEqual({ queue: 'theirs' });
	});

	it('leaves nothing to send when all is taken from the book', () => {
		const only = changeOf('k', base, mine, { conflict: conflict({ theirs: { ...base, queue: 'mail' } }) });
		const edited = done(chooseSides(standing(only), { queue: 'theirs' }, 10));
		expect(edited.change).toBeNull();
		expect(lands(edited)).toBe(true);
		expect(versions(edited)).toMatchObject([{ overwritten: { queue: 'bulk' } }]);
	});

	it('refuses fields that are in no conflict, and schedules without one', () => {
		expect(chooseSides(standing(both), { zone: 'mine' }, 10)).toMatchObject({
			ok: false,
			error: { code: 'invalid-input', details: { fields: ['zone'] } },
		});
		expect(chooseSides(standing(changeOf('k', base, mine)), { queue: 'mine' }, 10)).toMatchObject({
			ok: false,
			error: { code: 'not-found' },
		});
	});

	it('between an edit and a removal in the book keeps the schedule or lets it go, as a whole', () => {
		const gone = conflict({ theirs: null, theirVersion: null, fields: ['queue', 'args'] });
		const waiting = changeOf('k', base, { ...mine, args: '3' }, { conflict: gone });
		const kept = done(chooseSides(standing(waiting, null), { queue: 'mine' }, 10));
		expect(kept.change).toMatchObject({
			kind: 'create',
			base: null,
			baseVersion: null,
			mine: { args: '3' },
			conflict: null,
		});
		const left = done(chooseSides(standing(waiting, null), { queue: 'theirs', args: 'theirs' }, 10));
		expect(left.change).toBeNull();
		expect(versions(left)).toMatchObject([{ what: 'removed', overwritten: { queue: 'bulk', args: '3' } }]);
		expect(chooseSides(standing(waiting, null), { queue: 'mine', args: 'theirs' }, 10)).toMatchObject({
			ok: false,
			error: { code: 'invalid-input' },
		});
	});

	it('between a removal here and an edit in the book removes it all the same, or keeps it', () => {
		const waiting = changeOf('k', base, null, { conflict: conflict({ fields: ['queue', 'args'] }) });
		const removed = done(chooseSides(standing(waiting), { queue: 'mine' }, 10));
		expect(removed.change).toMatchObject({ kind: 'remove', base: theirs, baseVersion: 'v2', conflict: null });
		expect(done(chooseSides(standing(waiting), { queue: 'theirs' }, 10)).change).toBeNull();
	});
});

describe('editing while a conflict stands', () => {
	const waiting = changeOf(
		'k',
		base,
		{ ...mine, args: '3' },
		{
			conflict: conflict({ fields: ['queue', 'args'], choices: { args: 'mine' } }),
		},
	);

	it('ends it where the edit comes to what the book has', () => {
		const only = changeOf('k', base, mine, { conflict: conflict() });
		const edited = editSchedule(standing(only), { ...base, queue: 'mail' }, 10);
		expect(edited.change).toBeNull();
		expect(versions(edited)).toMatchObject([{ overwritten: { queue: 'bulk' } }]);
	});

	it('keeps choices of fields that the edit left alone, and no others', () => {
		const other = editSchedule(standing(waiting), { ...mine, args: '3', queue: 'slow' }, 10);
		expect(other.change?.conflict).toMatchObject({ fields: ['queue', 'args'], choices: { args: 'mine' } });
		const same = editSchedule(standing(waiting), { ...mine, args: '4' }, 10);
		expect(same.change?.conflict).toMatchObject({ fields: ['queue', 'args'], choices: {} });
	});

	it('ends it with earlier choices when they are all that is left of it', () => {
		const edited = editSchedule(standing(waiting), { ...base, queue: 'mail', args: '3' }, 10);
		expect(edited.change).toMatchObject({ base: theirs, mine: { queue: 'mail', args: '3' }, conflict: null });
		expect(versions(edited).map(({ overwritten }) => overwritten)).toEqual([{ queue: 'bulk' }, { args: '2' }]);
	});

	it('lets a removal meet the other side’s edit or removal', () => {
		const removed = done(removeSchedule(standing(waiting), 10));
		expect(removed.change?.conflict).toMatchObject({ fields: ['queue', 'args'], choices: {} });
		const gone = changeOf('k', base, mine, { conflict: conflict({ theirs: null, theirVersion: null }) });
		expect(done(removeSchedule(standing(gone, null), 10)).change).toBeNull();
	});
});

describe('taking another one over', () => {
	const made = changeOf('own', null, mine, { problem: 'The name is taken.' });
	const at = { ...standing(made, null), key: 'own' };

	it('makes a creation an edit of the schedule that has its name', () => {
		const edited = done(adoptSchedule(at, entryOf('17', theirs, 'v9'), null, 10));
		expect(edited.change).toMatchObject({
			key: '17',
			kind: 'change',
			base: theirs,
			baseVersion: 'v9',
			mine,
			problem: null,
		});
		expect(edited.steps.map(({ kind }) => kind)).toEqual(['settled', 'rekeyed', 'change']);
	});

	it('is refused while the other one is being edited, and for anything but a creation', () => {
		expect(adoptSchedule(at, entryOf('17', theirs), changeOf('17', theirs, base), 10)).toMatchObject({
			ok: false,
			error: { code: 'conflict' },
		});
		expect(adoptSchedule(standing(changeOf('k', base, mine)), entryOf('17', theirs), null, 10)).toMatchObject({
			ok: false,
			error: { code: 'invalid-input' },
		});
	});
});

describe('whatever is typed', () => {
	it('is in the waiting edit or in the past, after any edits, removals and takings back', () => {
		const actions = fc.array(
			fc.oneof(fc.constant('remove' as const), fc.constant('revert' as const), DEFINITION.chain(editOf)),
			{
				maxLength: 8,
			},
		);
		fc.assert(
			fc.property(fc.option(DEFINITION), actions, (start, acts) => {
				const entry = start === null ? null : entryOf('k', start);
				let change: ScheduleChange | null = null;
				const past: ScheduleVersion[] = [];
				for (const act of acts) {
					const before: Standing = standing(change, entry);
					const decided: Result<Edited> =
						act === 'remove'
							? removeSchedule(before, 1)
							: act === 'revert'
								? revertSchedule(before, 1)
								: { ok: true, value: editSchedule(before, act, 1) };
					if (!decided.ok) continue;
					past.push(...versions(decided.value));
					change = decided.value.change;
				}
				for (const typed of acts.filter((act) => typeof act === 'object')) {
					const kept = [change?.mine, entry?.definition, ...past.map(({ before }) => before)];
					const there = (field: keyof typeof typed) => kept.some((one) => one != null && one[field] === typed[field]);
					expect(there('name') && there('args') && there('kwargs') && there('description')).toBe(true);
				}
				if (change !== null && change.base !== null && change.mine !== null) {
					expect(identicalDefinitions(change.base, change.mine)).toBe(false);
				}
			}),
			{ numRuns: RUNS },
		);
	});
});
