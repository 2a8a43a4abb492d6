/** What can be done with a site's rows by key and palette, while that view is shown. */
import type { SiteTab } from '#main/domain/site.ts';
import type { Command } from './commands.svelte.ts';
import { SITE_PARTS, type Site, type SitePart, type SitePlan } from './site.svelte.ts';
import type { Warren } from './warren.svelte.ts';

/** What each part of the view is called. */
export const PART_WORDS: Readonly<Record<SitePart, string>> = {
	failed: 'Failed rows',
	published: 'Waiting and running rows',
	completed: 'Completed rows',
	schedules: "The site's schedules",
	reconcile: 'What does not fit',
	doors: 'Doors',
};

/** The part that a place shows. */
export function sitePart(part: string | null): SitePart {
	return SITE_PARTS.find((known) => known === part) ?? 'failed';
}

/** The list that a part shows; null: it shows none. */
export function siteTab(part: SitePart): SiteTab | null {
	return part === 'failed' || part === 'published' || part === 'completed' ? part : null;
}

/** What a command for rows is aimed at: what is ticked, else the open row, else the row at the keyboard. Null: nothing. */
export function siteAim(
	warren: Warren,
	site: Site,
): { readonly target: SitePlan['target']; readonly count: number } | null {
	const tab = siteTab(sitePart(warren.route.place.part));
	const list = tab === null ? null : site.list(tab);
	if (list !== null && tab !== null && !list.selection.empty) {
		const { everything, ids, count } = list.selection;
		if (everything !== null)
			return { target: { all: tab, search: everything.where, except: everything.except }, count };
		return { target: { ids: [...ids].map(Number).sort((a, b) => a - b) }, count };
	}
	const one = site.open?.id ?? (list?.cursor.id == null ? null : Number(list.cursor.id));
	return one === null ? null : { target: { ids: [one] }, count: 1 };
}

/** Reviews a change of rows, then asks. Rows that wait or run are only touched once somebody has said so. */
export function askSite(site: Site, action: SitePlan['action'], target: SitePlan['target'], waiting = false): void {
	void site.change.ask({ action, target, running: false, waiting, messages: false });
}

export function siteCommands(warren: Warren, site: Site, hands: { focusSearch(): void }): readonly Command[] {
	const part = sitePart(warren.route.place.part);
	const tab = siteTab(part);
	const list = tab === null ? null : site.list(tab);
	const mayChange = (): true | string => {
		if (warren.mayChange !== true) return warren.mayChange;
		// What lies on top is meant: a task that was opened from here has commands of its own.
		if (warren.route.place.task !== null) return 'A task is open';
		if (!site.change.free) return 'Something is being done';
		return siteAim(warren, site) === null ? 'No row is chosen' : true;
	};
	const here = (): true | string => (list === null || list.rows.length === 0 ? 'There is no row here' : true);
	const atRow = (): true | string => (list === null || list.cursor.place < 0 ? 'No row is at the keyboard' : true);
	const act = (action: SitePlan['action']) => (): void => {
		const aim = siteAim(warren, site);
		if (aim !== null) askSite(site, action, aim.target);
	};
	const of = (verb: string): string => {
		const count = siteAim(warren, site)?.count ?? 0;
		return count === 0 ? `${verb} rows of the site` : `${verb} ${count === 1 ? '1 row' : `${count} rows`} of the site`;
	};
	const step = (by: number) => (): void => {
		const id = list?.cursor.move(by) ?? null;
		if (id !== null && warren.route.place.item !== null) warren.route.openItem(id);
	};
	return [
		{ id: 'site.requeue', label: of('Requeue'), group: 'Site', key: 'r', enabled: mayChange, run: act('requeue') },
		{
			id: 'site.delete',
			label: of('Delete'),
			group: 'Site',
			key: 'Shift+d',
			destructive: true,
			enabled: mayChange,
			run: act('delete'),
		},
		{ id: 'site.next', label: 'Next row', group: 'Site', key: 'j', enabled: here, run: step(1) },
		{ id: 'site.previous', label: 'Previous row', group: 'Site', key: 'k', enabled: here, run: step(-1) },
		{
			id: 'site.open',
			label: 'Open the row',
			group: 'Site',
			key: 'Enter',
			enabled: atRow,
			run: () => {
				if (list?.cursor.id != null) warren.route.openItem(list.cursor.id);
			},
		},
		{
			id: 'site.select',
			label: 'Tick or untick the row of the site',
			group: 'Site',
			key: ' ',
			enabled: atRow,
			run: () => {
				if (list?.cursor.id != null) list.selection.toggle(list.cursor.id);
			},
		},
		{
			id: 'site.select-all',
			label: 'Tick every row that matches',
			group: 'Site',
			key: 'Mod+a',
			enabled: here,
			run: () => list?.selection.selectEverything(list.search, list.total ?? 0),
		},
		{
			id: 'site.untick',
			label: 'Untick all rows of the site',
			group: 'Site',
			key: 'Escape',
			enabled: () => {
				const { task, item } = warren.route.place;
				return task === null && item === null && list !== null && !list.selection.empty ? true : 'Nothing is ticked';
			},
			run: () => list?.selection.clear(),
		},
		{
			id: 'site.refresh',
			label: 'Show the site as it is now',
			group: 'Site',
			key: '.',
			enabled: () => true,
			run: () => {
				if (list === null) void (part === 'schedules' ? site.schedules.read() : site.status.read());
				else if (list.pending !== null) list.showPending();
				else void list.reload();
			},
		},
		{
			id: 'site.search',
			label: 'Search the rows',
			group: 'Site',
			key: '/',
			enabled: () => (list === null ? 'There is no list in this part' : true),
			run: () => hands.focusSearch(),
		},
		{
			id: 'site.next-page',
			label: 'Next page of rows',
			group: 'Site',
			key: ']',
			enabled: () => (list !== null && list.page < list.pages ? true : 'This is the last page'),
			run: () => void list?.go(list.page + 1),
		},
		{
			id: 'site.previous-page',
			label: 'Previous page of rows',
			group: 'Site',
			key: '[',
			enabled: () => (list !== null && list.page > 1 ? true : 'This is the first page'),
			run: () => void list?.go(list.page - 1),
		},
		{
			id: 'site.collect',
			label: site.collecting ? 'Stop collecting rows' : 'Collect all rows into history',
			group: 'Site',
			key: null,
			enabled: () => true,
			run: () => void site.collect(),
		},
		{
			id: 'site.reconcile',
			label: 'Compare rows, messages, consumers and schedules',
			group: 'Site',
			key: null,
			enabled: () => true,
			run: () => {
				warren.route.showPart('reconcile');
				void site.reconcile.look();
			},
		},
		...SITE_PARTS.map(
			(each): Command => ({
				id: `site.part.${each}`,
				label: PART_WORDS[each],
				group: 'Site',
				key: null,
				enabled: () => true,
				run: () => warren.route.showPart(each),
			}),
		),
	];
}
