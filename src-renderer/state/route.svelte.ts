/** Where the person is: profile, view, open task and filter, kept in the address so that a reload comes back to it. */
import { LINK_VIEWS, type LinkView, linkOf, REPORT_FIELDS } from '#main/domain/link.ts';

/** Every view; links name them too. */
export const VIEWS = LINK_VIEWS;
export type View = LinkView;

/** Views that list tasks. */
export const LIST_VIEWS = ['queued', 'failed', 'completed', 'all'] as const;
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
	/** What else is open in the drawer: a message in quarantine or a row of a site by its number, a worker by its name. A task lies over it. */
	readonly item: string | null;
	/** The schedule in the drawer: `<book>/<key>`, or `new`. A task lies over it. */
	readonly schedule: string | null;
	/** The part of the view that is shown, where it has several; null: its first. */
	readonly part: string | null;
	/** What was typed into the filter. */
	readonly filter: string;
	/** `field` or `-field` (descending); null: the view's own order. */
	readonly sort: string | null;
	/** How a report is asked for, where it is not the usual way: `since=7d&bucket=1d`, of the keys in `REPORT_FIELDS`; null: the usual way. */
	readonly asked: string | null;
}

const START: Place = {
	profile: null,
	view: 'queued',
	task: null,
	item: null,
	schedule: null,
	part: null,
	filter: '',
	sort: null,
	asked: null,
};

/** Reads `#/<profile>/<view>?task=…&item=…&schedule=…&part=…&filter=…&sort=…`. What it doesn't understand falls back to the start. */
export function parsePlace(hash: string): Place {
	const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
	const [profile = '', view = ''] = path.split('/').map(decoded);
	const fields = new URLSearchParams(search);
	return {
		profile: profile === '' ? null : profile,
		view: VIEWS.find((known) => known === view) ?? START.view,
		task: fields.get('task'),
		item: fields.get('item'),
		schedule: fields.get('schedule'),
		part: fields.get('part'),
		filter: fields.get('filter') ?? '',
		sort: fields.get('sort'),
		asked: askedOf(fields),
	};
}

/** The other way round; `parsePlace(formatPlace(p))` is `p`. */
export function formatPlace(place: Place): string {
	const fields = new URLSearchParams();
	if (place.task !== null) fields.set('task', place.task);
	if (place.item !== null) fields.set('item', place.item);
	if (place.schedule !== null) fields.set('schedule', place.schedule);
	if (place.part !== null) fields.set('part', place.part);
	if (place.filter !== '') fields.set('filter', place.filter);
	if (place.sort !== null) fields.set('sort', place.sort);
	for (const [key, value] of new URLSearchParams(place.asked ?? '')) fields.set(key, value);
	const search = fields.toString();
	return `#/${encodeURIComponent(place.profile ?? '')}/${place.view}${search === '' ? '' : `?${search}`}`;
}

function askedOf(fields: URLSearchParams): string | null {
	const asked = new URLSearchParams();
	for (const key of REPORT_FIELDS) {
		const value = fields.get(key);
		if (value !== null && value !== '') asked.set(key, value);
	}
	const text = asked.toString();
	return text === '' ? null : text;
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
	/** Part, filter, order and way of asking of each view, for coming back to it. */
	readonly #left = new Map<string, Pick<Place, 'part' | 'filter' | 'sort' | 'asked'>>();

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

	/** A link to this place, for others. */
	get link(): string {
		return linkOf(formatPlace(this.#place));
	}

	/** Goes to a view (and profile), with the filter it was left with; a new entry in the history. */
	go(
		view: View,
		more: {
			readonly profile?: string;
			readonly filter?: string;
			readonly task?: string;
			readonly item?: string;
			readonly schedule?: string;
			readonly part?: string;
		} = {},
	): void {
		const from = this.#place;
		const profile = more.profile ?? from.profile;
		this.#left.set(`${from.profile}/${from.view}`, {
			part: from.part,
			filter: from.filter,
			sort: from.sort,
			asked: from.asked,
		});
		const left = this.#left.get(`${profile}/${view}`) ?? { part: null, filter: '', sort: null, asked: null };
		this.#set(
			{
				profile,
				view,
				task: more.task ?? null,
				item: more.item ?? null,
				schedule: more.schedule ?? null,
				part: more.part ?? left.part,
				filter: more.filter ?? left.filter,
				sort: left.sort,
				asked: left.asked,
			},
			view === from.view && profile === from.profile ? 'replace' : 'push',
		);
	}

	openTask(id: string): void {
		this.#set({ ...this.#place, task: id }, 'replace');
	}

	closeTask(): void {
		if (this.#place.task !== null) this.#set({ ...this.#place, task: null }, 'replace');
	}

	/** Opens what is listed in a view of its own; a task that lies over it is closed. */
	openItem(id: string): void {
		this.#set({ ...this.#place, item: id, task: null }, 'replace');
	}

	closeItem(): void {
		if (this.#place.item !== null) this.#set({ ...this.#place, item: null }, 'replace');
	}

	/** Opens a schedule; a task that lies over it is closed. */
	openSchedule(id: string): void {
		this.#set({ ...this.#place, schedule: id, task: null }, 'replace');
	}

	closeSchedule(): void {
		if (this.#place.schedule !== null) this.#set({ ...this.#place, schedule: null }, 'replace');
	}

	/** Shows another part of a list whose search and open thing stay. */
	narrowTo(part: string | null): void {
		if (part !== this.#place.part) this.#set({ ...this.#place, part }, 'replace');
	}

	/** Shows another part of the view. What is open belongs to the part that was left. */
	showPart(part: string): void {
		if (part !== this.#place.part) this.#set({ ...this.#place, part, item: null, task: null, filter: '' }, 'replace');
	}

	/** Shows what one thing of the list is made of, as another part with a filter; going back comes back to the list. */
	lookInto(part: string, filter: string): void {
		this.#set({ ...this.#place, part, filter, task: null, item: null }, 'push');
	}

	/** Asks for reports another way; null: the usual one. */
	askBy(asked: string | null): void {
		if (asked !== this.#place.asked) this.#set({ ...this.#place, asked }, 'replace');
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
