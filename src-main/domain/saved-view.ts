/** A saved view: a query with a name, and how its list looks. */
import type { ProfileId } from './ids.ts';
import type { TaskSort } from './page.ts';

export interface SavedView {
	/** Unique among those of its profile, and among those of all. */
	readonly name: string;
	/** Null: of every profile. */
	readonly profile: ProfileId | null;
	/** In the query language, relative times kept as they were written. */
	readonly query: string;
	/** Null: the list's own order. */
	readonly sort: TaskSort | null;
	/** Columns in order; null: the list's own. */
	readonly columns: readonly string[] | null;
	/** Where it stands on the rail, the smallest first; absent: not there. Any number may be between two others. */
	readonly pin?: number;
	/** Epoch ms. */
	readonly updatedAt: number;
}

/** Views on the rail, in their order. */
export function pinnedViews(views: readonly SavedView[]): readonly SavedView[] {
	return views
		.filter((view) => view.pin !== undefined)
		.sort((a, b) => (a.pin ?? 0) - (b.pin ?? 0) || a.updatedAt - b.updatedAt);
}

/**
 * The views to save so that one of them stands at a place of the rail (from 0; beyond the end: last). Usually that one alone, with a number
 * between its neighbours', since a view of every profile stands on other rails too; all of them where no number is left in between.
 */
export function pinnedAt(views: readonly SavedView[], view: SavedView, place: number): readonly SavedView[] {
	const others = pinnedViews(views).filter((one) => one.name !== view.name || one.profile !== view.profile);
	const at = Math.min(Math.max(0, place), others.length);
	const before = others[at - 1]?.pin;
	const after = others[at]?.pin;
	if (before === undefined && after === undefined) return [{ ...view, pin: 0 }];
	const pin =
		before === undefined ? (after ?? 0) - 1 : after === undefined ? before + 1 : before + (after - before) / 2;
	if (pin !== before && pin !== after) return [{ ...view, pin }];
	return others.toSpliced(at, 0, view).map((one, number) => ({ ...one, pin: number }));
}
