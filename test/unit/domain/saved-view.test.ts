/** Saved views on the rail. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { pinnedAt, pinnedViews, type SavedView } from '#main/domain/saved-view.ts';

const view = (name: string, more: Partial<SavedView> = {}): SavedView => ({
	...{ name, profile: profileId('shop'), query: `app:${name}`, sort: null, columns: null, updatedAt: 1 },
	...more,
});

/** All views once those that are to be saved have been. */
function put(all: readonly SavedView[], changed: readonly SavedView[]): readonly SavedView[] {
	const same = (a: SavedView, b: SavedView) => a.name === b.name && a.profile === b.profile;
	return [...all.filter((one) => !changed.some((other) => same(one, other))), ...changed];
}
const names = (all: readonly SavedView[]) => pinnedViews(all).map(({ name }) => name);

describe('saved views on the rail', () => {
	it('stand where they were put, whatever was moved before, and none other joins them', () => {
		const moves = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(6)), { maxLength: 120 });
		fc.assert(
			fc.property(moves, (asked) => {
				let all: readonly SavedView[] = ['a', 'b', 'c', 'd', 'e', 'never'].map((name) => view(name));
				let expected: readonly string[] = [];
				for (const [name, place] of asked) {
					const moved = all.find((one) => one.name === name);
					if (moved === undefined) throw new Error(`${name} is gone`);
					all = put(all, pinnedAt(all, moved, place));
					const others = expected.filter((one) => one !== name);
					expected = others.toSpliced(Math.min(place, others.length), 0, name);
					expect(names(all)).toEqual(expected);
				}
			}),
		);
	});

	it('are moved by saving one of them, until no number is left between two', () => {
		let all: readonly SavedView[] = [view('first', { pin: 1 }), view('x', { pin: 2 }), view('y', { pin: 3 })];
		let most = 0;
		for (let turn = 0; turn < 200; turn += 1) {
			const last = pinnedViews(all).at(-1);
			if (last === undefined) throw new Error('none');
			const changed = pinnedAt(all, last, 1);
			most = Math.max(most, changed.length);
			all = put(all, changed);
			expect(names(all)).toEqual(turn % 2 === 0 ? ['first', 'y', 'x'] : ['first', 'x', 'y']);
		}
		expect(most).toBe(3);
	});

	it('tell one of a profile from one of every profile by the same name', () => {
		const [own, of] = [view('bills', { pin: 0 }), view('bills', { profile: null, pin: 5 })];
		expect(pinnedAt([own, of], of, 0)).toEqual([{ ...of, pin: -1 }]);
	});
});
