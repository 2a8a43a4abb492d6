/**
 * What waits in one of django-q's lists, read a window at a time: a list of a million costs what is looked at. Behind a filter the engine
 * goes through so much of it at a time, and what was found so far stands here.
 */

import type { WireError } from '#main/ipc/codes.ts';
import type { PacketGroup, PacketView } from '#main/ipc/contract/packet.ts';
import type { Engine } from './engine.ts';

/** Packets of one read. */
const PAGE = 100;
/** Reads that are kept; the least recently looked at leave first. */
const KEPT = 30;

/** Which packets are wanted; empty: whatever it is. */
export interface PacketFilter {
	readonly func: string;
	readonly group: string;
}

export class Packets {
	/** Packets in the whole list; null: not known yet. */
	total: number | null = $state(null);
	error: WireError | null = $state.raw(null);
	busy = $state(false);
	filter: PacketFilter = $state.raw({ func: '', group: '' });
	/** Where a filtered look goes on; null: it came to the end. */
	next: number | null = $state(null);
	/** How many were gone through for the filter. */
	scanned = $state(0);
	/** Prints of those that are ticked. */
	ticked: ReadonlySet<string> = $state.raw(new Set());
	/** How many there are of each function or group; null: nobody asked. */
	groups: readonly PacketGroup[] | null = $state.raw(null);
	groupsComplete = $state(true);
	counting = $state(false);
	readonly queue: string;
	readonly #engine: Engine;
	readonly #profile: string;
	#pages: ReadonlyMap<number, readonly PacketView[]> = $state.raw(new Map());
	#found: readonly PacketView[] = $state.raw([]);
	readonly #asked = new Set<number>();
	/** What was asked before the last change is not taken any more. */
	#turn = 0;

	constructor(engine: Engine, profile: string, queue: string) {
		this.#engine = engine;
		this.#profile = profile;
		this.queue = queue;
	}

	get filtered(): boolean {
		return this.filter.func !== '' || this.filter.group !== '';
	}

	/** How many rows there are to show. */
	get count(): number {
		return this.filtered ? this.#found.length : (this.total ?? 0);
	}

	/** The packet of a row; null: not read yet. */
	row(index: number): PacketView | null {
		if (this.filtered) return this.#found[index] ?? null;
		return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE] ?? null;
	}

	/** Reads what comes into sight. */
	show(start: number, end: number): void {
		if (this.filtered) return;
		for (let page = Math.floor(start / PAGE); page * PAGE < Math.max(end, 1); page += 1) void this.#page(page);
	}

	/** Looks anew, with this filter. */
	async look(filter: PacketFilter = this.filter): Promise<void> {
		this.#turn += 1;
		this.filter = { func: filter.func.trim(), group: filter.group.trim() };
		this.#asked.clear();
		this.#pages = new Map();
		this.#found = [];
		this.next = null;
		this.scanned = 0;
		this.ticked = new Set();
		if (this.filtered) await this.more(0);
		else await this.#page(0);
	}

	/** Goes on behind what was gone through. */
	async more(from: number | null = this.next): Promise<void> {
		if (from === null) return;
		const turn = this.#turn;
		this.busy = true;
		const { func, group } = this.filter;
		const answer = await this.#engine.call('packet.list', {
			...this.#site,
			from,
			limit: PAGE,
			...(func === '' ? {} : { func }),
			...(group === '' ? {} : { group }),
		});
		if (turn !== this.#turn) return;
		this.busy = false;
		if (!answer.ok) {
			this.error = answer.error;
			return;
		}
		this.error = null;
		this.total = answer.value.total;
		this.scanned = from + answer.value.scanned;
		this.#found = [...this.#found, ...answer.value.items];
		this.next = answer.value.next;
	}

	/** Counts the whole list by function or group. */
	async countBy(by: 'func' | 'group'): Promise<void> {
		this.counting = true;
		this.groups = null;
		const answer = await this.#engine.call('packet.groups', { ...this.#site, by });
		this.counting = false;
		if (!answer.ok) {
			this.error = answer.error;
			return;
		}
		this.groups = answer.value.items;
		this.groupsComplete = answer.value.complete;
	}

	tick(print: string, on: boolean): void {
		const next = new Set(this.ticked);
		if (on) next.add(print);
		else next.delete(print);
		this.ticked = next;
	}

	async #page(page: number): Promise<void> {
		if (this.#asked.has(page)) return;
		this.#asked.add(page);
		const turn = this.#turn;
		this.busy = true;
		const answer = await this.#engine.call('packet.list', { ...this.#site, from: page * PAGE, limit: PAGE });
		if (turn !== this.#turn) return;
		this.busy = false;
		if (!answer.ok) {
			this.#asked.delete(page);
			this.error = answer.error;
			return;
		}
		this.error = null;
		this.total = answer.value.total;
		const pages = new Map([...this.#pages, [page, answer.value.items] as const]);
		for (const old of [...pages.keys()].slice(0, Math.max(0, pages.size - KEPT))) {
			pages.delete(old);
			this.#asked.delete(old);
		}
		this.#pages = pages;
	}

	get #site() {
		return { profile: this.#profile, queue: this.queue };
	}
}
