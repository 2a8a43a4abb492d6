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
	/** Epoch ms. */
	readonly updatedAt: number;
}
