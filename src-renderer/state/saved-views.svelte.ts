/** Saved views of a profile: filters with a name. What is kept is the whole query, so that the command line finds by it what the list does. */
import { pinnedViews, type SavedView } from '#main/domain/saved-view.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Answer, Engine } from './engine.ts';
import { LIST_VIEWS, type ListView } from './route.svelte.ts';

/** The query of each list, before anybody filters it. */
export type ListBases = Readonly<Record<ListView, { readonly base: string }>>;

/** A list's own query together with what was typed into its filter. */
export function wholeQuery(base: string, filter: string): string {
	const typed = filter.trim();
	return typed === '' ? base : `${base} (${typed})`;
}

/** The list that a view was saved from, and what was typed there; null: it was saved elsewhere and is about no list in particular. */
export function placeOfView(
	view: SavedView,
	bases: ListBases,
): { readonly list: ListView; readonly filter: string } | null {
	for (const list of LIST_VIEWS) {
		const { base } = bases[list];
		if (view.query === base) return { list, filter: '' };
		if (view.query.startsWith(`${base} (`) && view.query.endsWith(')')) {
			return { list, filter: view.query.slice(base.length + 2, -1) };
		}
	}
	return null;
}

export class SavedViews {
	/** Null: not read yet. */
	items: readonly SavedView[] | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	readonly #engine: Engine;
	readonly #profile: string;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
	}

	/** Those on the rail, in their order. */
	readonly pinned: readonly SavedView[] = $derived(pinnedViews(this.items ?? []));

	async load(): Promise<void> {
		const answer = await this.#engine.call('view.list', { profile: this.#profile });
		if (answer.ok) this.items = answer.value.items;
		this.error = answer.ok ? null : answer.error;
	}

	/** Saves a query under a name, in the place of a view of that name. Null: done; else why not. */
	save(name: string, query: string, sort: SavedView['sort'], everywhere = false): Promise<string | null> {
		const order = sort === null ? {} : { sort: sort.field, ascending: !sort.descending };
		return this.#done(
			this.#engine.call('view.save', {
				profile: this.#profile,
				name,
				query,
				...order,
				...(everywhere ? { everywhere } : {}),
			}),
		);
	}

	/** Under another name: the new one is there before the old one goes. */
	async rename(view: SavedView, name: string): Promise<string | null> {
		if (name === view.name) return null;
		if (this.items?.some((one) => one.name === name && one.profile === view.profile) === true) {
			return `There is a view called ${name} already.`;
		}
		const everywhere = view.profile === null ? { everywhere: true } : {};
		const { field = undefined, descending = true } = view.sort ?? {};
		const kept = await this.#engine.call('view.save', {
			...{ profile: this.#profile, name, query: view.query, ...everywhere },
			...(field === undefined ? {} : { sort: field, ascending: !descending }),
			...(view.columns === null ? {} : { columns: [...view.columns] }),
		});
		if (!kept.ok) return kept.error.message;
		const place = this.pinned.findIndex((one) => one.name === view.name && one.profile === view.profile);
		if (place >= 0) {
			const pin = { profile: this.#profile, name, place: place + 1, ...everywhere };
			const pinned = await this.#engine.call('view.pin', pin);
			if (!pinned.ok) return pinned.error.message;
		}
		return this.remove(view);
	}

	/** Puts a view on the rail at a place (from 0; none: the last), or takes it off (null). */
	pin(view: SavedView, place?: number | null): Promise<string | null> {
		const named = {
			profile: this.#profile,
			name: view.name,
			...(view.profile === null ? { everywhere: true } : {}),
		};
		if (place === null) return this.#done(this.#engine.call('view.unpin', named));
		return this.#done(this.#engine.call('view.pin', place === undefined ? named : { ...named, place: place + 1 }));
	}

	remove(view: SavedView): Promise<string | null> {
		const everywhere = view.profile === null ? { everywhere: true } : {};
		return this.#done(this.#engine.call('view.remove', { profile: this.#profile, name: view.name, ...everywhere }));
	}

	async #done(answer: Promise<Answer<unknown>>): Promise<string | null> {
		const { ok, ...rest } = await answer;
		await this.load();
		return ok || !('error' in rest) ? null : rest.error.message;
	}
}
