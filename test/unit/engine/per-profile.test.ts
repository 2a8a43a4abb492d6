/** One live thing per profile: over edits, old readings of a profile, and holders. */
import { expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { CARROT_DIALECT, type Profile } from '#main/domain/profile.ts';
import { PerProfile } from '#main/engine/per-profile.ts';

const first: Profile = {
	id: profileId('shop'),
	name: 'shop',
	framework: 'carrot',
	broker: { kind: 'embedded' },
	environment: 'development',
	readOnly: false,
	monitorUrl: null,
	managementUrl: null,
	dialect: CARROT_DIALECT,
	queues: [],
	sandbox: false,
	createdAt: 1,
	updatedAt: 1,
};
const edited = (updatedAt: number, name: string): Profile => ({ ...first, name, updatedAt });

/** Things that are named by number, with what became of them. */
function things() {
	const closed: number[] = [];
	const failed: string[] = [];
	let made = 0;
	const live = new PerProfile<number>({
		madeOf: ({ name }) => name,
		make: () => ++made,
		close: (value) => {
			closed.push(value);
			if (value === 13) throw new Error('stuck');
		},
		onCloseFailed: (_id, error) => failed.push(String(error)),
	});
	return { live, closed, failed };
}

it('keeps a thing over edits that do not concern it, and makes it anew after one that does', () => {
	const { live, closed } = things();
	expect(live.peek(first.id)).toBeNull();
	expect(live.of(first)).toBe(1);
	expect(live.of(edited(2, 'shop'))).toBe(1);
	expect(closed).toEqual([]);
	expect(live.of(edited(3, 'store'))).toBe(2);
	expect(closed).toEqual([1]);
	expect(live.peek(first.id)).toBe(2);
});

it('gives an old reading of the profile what others have by now', () => {
	const { live, closed } = things();
	live.of(edited(5, 'store'));
	expect(live.of(first)).toBe(1);
	live.renew(first);
	expect(live.hold(edited(4, 'before')).value).toBe(1);
	expect(closed).toEqual([]);
	// An edit that concerns nothing is newer all the same.
	live.of(edited(6, 'store'));
	expect(live.of(edited(5, 'other'))).toBe(1);
});

it('keeps what was replaced open for whoever holds it', () => {
	const { live, closed } = things();
	const one = live.hold(first);
	const two = live.hold(first);
	live.renew(edited(2, 'store'));
	expect(live.peek(first.id)).toBeNull();
	expect(live.of(edited(2, 'store'))).toBe(2);
	one[Symbol.dispose]();
	one[Symbol.dispose]();
	expect(closed).toEqual([]);
	two[Symbol.dispose]();
	expect(closed).toEqual([1]);
	const three = live.hold(edited(2, 'store'));
	three[Symbol.dispose]();
	expect(closed).toEqual([1]);
});

it('closes all of a removed profile, and everything in the end, once', async () => {
	const { live, closed } = things();
	const held = live.hold(first);
	live.of(edited(2, 'store'));
	await live.drop(first.id);
	expect(closed.toSorted()).toEqual([1, 2]);
	held[Symbol.dispose]();
	live.of({ ...first, id: profileId('other') });
	live.hold(first);
	await live[Symbol.asyncDispose]();
	expect(closed.toSorted()).toEqual([1, 2, 3, 4]);
});

it('tells what could not be closed, and goes on', async () => {
	const { live, closed, failed } = things();
	for (let at = 1; at <= 14; at += 1) live.of(edited(at, `shop ${at}`));
	await live.drop(first.id);
	expect(failed).toEqual(['Error: stuck']);
	expect(closed).toHaveLength(14);
});
