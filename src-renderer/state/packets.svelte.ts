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
	/** A look anew is on its way. */
	looking = $state(false);
	/** Epoch ms of what was read last; null: nothing was. */
	at: number | null = $state(null);
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
	#asked = new Set<number>();
	/** The rows that were last in sight. */
	#sight: readonly [number, number] = [0, 0];
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
		this.#sight = [start, end];
		if (this.filtered) return;
		for (let page = Math.floor(start / PAGE); page * PAGE < Math.max(end, 1); page += 1) void this.#page(page);
	}

	/** Looks anew, with this filter; what is ticked stays so if it is to be kept. What was read before stays until the answer is there, also when it is an error. */
	async look(filter: PacketFilter = this.filter, keep = false): Promise<void> {
		this.#turn += 1;
		const turn = this.#turn;
		const wanted = { func: filter.func.trim(), group: filter.group.trim() };
		this.busy = true;
		this.looking = true;
		const answer = await this.#list(0, wanted);
		if (turn !== this.#turn) return;
		this.busy = false;
		this.looking = false;
		if (!answer.ok) {
			// What was on its way for the look before is not taken any more, and may be asked for again.
			this.#asked = new Set(this.#pages.keys());
			this.error = answer.error;
			return;
		}
		this.error = null;
		this.at = Date.now();
		this.filter = wanted;
		this.total = answer.value.total;
		if (!keep) this.ticked = new Set();
		this.#found = this.filtered ? answer.value.items : [];
		this.scanned = this.filtered ? answer.value.scanned : 0;
		this.next = this.filtered ? answer.value.next : null;
		this.#pages = this.filtered ? new Map() : new Map([[0, answer.value.items]]);
		this.#asked = new Set(this.#pages.keys());
		if (!this.filtered) this.show(...this.#sight);
	}

	/** Goes on behind what was gone through. */
	async more(): Promise<void> {
		const from = this.next;
		if (from === null || this.busy) return;
		const turn = this.#turn;
		this.busy = true;
		const answer = await this.#list(from, this.filter);
		if (turn !== this.#turn) return;
		this.busy = false;
		if (!answer.ok) {
			this.error = answer.error;
			return;
		}
		this.error = null;
		this.at = Date.now();
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
		const answer = await this.#list(page * PAGE, this.filter);
		if (turn !== this.#turn) return;
		this.busy = false;
		if (!answer.ok) {
			this.#asked.delete(page);
			this.error = answer.error;
			return;
		}
		this.error = null;
		this.at = Date.now();
		this.total = answer.value.total;
		const pages = new Map([...this.#pages, [page, answer.value.items] as const]);
		for (const old of [...pages.keys()].slice(0, Math.max(0, pages.size - KEPT))) {
			pages.delete(old);
			this.#asked.delete(old);
		}
		this.#pages = pages;
	}

	#list(from: number, { func, group }: PacketFilter) {
		return this.#engine.call('packet.list', {
			...this.#site,
			from,
			limit: PAGE,
			...(func === '' ? {} : { func }),
			...(group === '' ? {} : { group }),
		});
	}

	get #site() {
		return { profile: this.#profile, queue: this.queue };
	}
}
