/** Where the person is: profile, view, open task and filter, kept in the address so that a reload comes back to it. */

export const VIEWS = [
	'attention',
	'queued',
	'failed',
	'completed',
	'scheduled',
	'queues',
	'workers',
	'console',
	'settings',
] as const;
export type View = (typeof VIEWS)[number];

/** Views that list tasks. */
export const LIST_VIEWS = ['queued', 'failed', 'completed'] as const;
export type ListView = (typeof LIST_VIEWS)[number];

export function isListView(view: View): view is ListView {
	return (LIST_VIEWS as readonly string[]).includes(view);
}

export interface Place {
	/** Name of the profile; null: the one used last, else the sandbox. */
	readonly profile: string | null;
	readonly view: View;
	/** Id of the task in the drawer. */
	readonly task: string | null;
	/** What was typed into the filter. */
	readonly filter: string;
	/** `field` or `-field` (descending); null: the view's own order. */
	readonly sort: string | null;
}

const START: Place = { profile: null, view: 'queued', task: null, filter: '', sort: null };

/** Reads `#/<profile>/<view>?task=…&filter=…&sort=…`. What it doesn't understand falls back to the start. */
export function parsePlace(hash: string): Place {
	const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
	const [profile = '', view = ''] = path.split('/').map(decoded);
	const fields = new URLSearchParams(search);
	return {
		profile: profile === '' ? null : profile,
		view: VIEWS.find((known) => known === view) ?? START.view,
		task: fields.get('task'),
		filter: fields.get('filter') ?? '',
		sort: fields.get('sort'),
	};
}

/** The other way round; `parsePlace(formatPlace(p))` is `p`. */
export function formatPlace(place: Place): string {
	const fields = new URLSearchParams();
	if (place.task !== null) fields.set('task', place.task);
	if (place.filter !== '') fields.set('filter', place.filter);
	if (place.sort !== null) fields.set('sort', place.sort);
	const search = fields.toString();
	return `#/${encodeURIComponent(place.profile ?? '')}/${place.view}${search === '' ? '' : `?${search}`}`;
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		// A stray % in an address that somebody typed: take it as it stands.
		return text;
	}
}

/** The address bar, or a stand-in for tests. */
export interface AddressBar {
	read(): string;
	/** A new entry in the history. */
	push(hash: string): void;
	/** The same entry, changed. */
	replace(hash: string): void;
	/** Calls back when the person goes back or forward. */
	onMove(listener: () => void): Disposable;
}

export function windowAddressBar(): AddressBar {
	return {
		read: () => location.hash,
		push: (hash) => history.pushState(null, '', hash),
		replace: (hash) => history.replaceState(null, '', hash),
		onMove(listener) {
			window.addEventListener('popstate', listener);
			window.addEventListener('hashchange', listener);
			return {
				[Symbol.dispose]: () => {
					window.removeEventListener('popstate', listener);
					window.removeEventListener('hashchange', listener);
				},
			};
		},
	};
}

export class Route implements Disposable {
	#place: Place = $state.raw(START);
	readonly #bar: AddressBar;
	readonly #moves: Disposable;
	/** Filter and order of each view, for coming back to it. */
	readonly #left = new Map<string, { readonly filter: string; readonly sort: string | null }>();

	constructor(bar: AddressBar) {
		this.#bar = bar;
		this.#place = parsePlace(bar.read());
		this.#moves = bar.onMove(() => {
			this.#place = parsePlace(bar.read());
		});
	}

	get place(): Place {
		return this.#place;
	}

	/** Goes to a view (and profile), with the filter it was left with; a new entry in the history. */
	go(view: View, more: { readonly profile?: string; readonly filter?: string; readonly task?: string } = {}): void {
		const from = this.#place;
		const profile = more.profile ?? from.profile;
		this.#left.set(`${from.profile}/${from.view}`, { filter: from.filter, sort: from.sort });
		const left = this.#left.get(`${profile}/${view}`) ?? { filter: '', sort: null };
		this.#set(
			{ profile, view, task: more.task ?? null, filter: more.filter ?? left.filter, sort: left.sort },
			view === from.view && profile === from.profile ? 'replace' : 'push',
		);
	}

	openTask(id: string): void {
		this.#set({ ...this.#place, task: id }, 'replace');
	}

	closeTask(): void {
		if (this.#place.task !== null) this.#set({ ...this.#place, task: null }, 'replace');
	}

	filterBy(filter: string): void {
		if (filter !== this.#place.filter) this.#set({ ...this.#place, filter }, 'replace');
	}

	sortBy(sort: string | null): void {
		this.#set({ ...this.#place, sort }, 'replace');
	}

	/** Writes the name of the profile that was chosen for an address without one. */
	settle(profile: string): void {
		this.#set({ ...this.#place, profile }, 'replace');
	}

	[Symbol.dispose](): void {
		this.#moves[Symbol.dispose]();
	}

	#set(place: Place, how: 'push' | 'replace'): void {
		this.#place = place;
		const hash = formatPlace(place);
		if (how === 'push') this.#bar.push(hash);
		else this.#bar.replace(hash);
	}
}
