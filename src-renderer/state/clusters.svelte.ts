/**
 * django-q's clusters as the page follows them while somebody looks. Rows hold still: they stand in the order in which they were first shown,
 * or in which a person had them put, and new ones come at the end.
 */
import type { WireError } from '#main/ipc/codes.ts';
import type { ClusterList, ClusterView } from '#main/ipc/contract/cluster.ts';
import type { Engine } from './engine.ts';

/** Columns by which rows can be put in order. */
export type ClusterField = 'host' | 'state' | 'pool' | 'tq' | 'rq' | 'rc' | 'up';

const BY: Readonly<Record<ClusterField, (view: ClusterView) => string | number>> = {
	host: ({ beat }) => beat.host,
	state: ({ beat, presence }) => (presence === 'live' || presence === 'late' ? beat.status : presence),
	pool: ({ beat }) => beat.workers.length,
	tq: ({ beat }) => beat.taskQueue,
	rq: ({ beat }) => beat.resultQueue,
	rc: ({ beat }) => beat.reincarnations,
	up: ({ uptimeMs }) => uptimeMs,
};

export class ClusterWatch implements Disposable {
	/** As it was last told; null: not yet. */
	list: ClusterList | null = $state.raw(null);
	/** Why nothing is told; null: it is. */
	error: WireError | null = $state.raw(null);
	paused = $state(false);
	sort: { readonly field: ClusterField; readonly descending: boolean } | null = $state.raw(null);
	readonly #engine: Engine;
	readonly #profile: string;
	#order: readonly string[] = $state.raw([]);
	/** Clusters that are gone and were taken off the screen, with since when they were gone. */
	#dismissed: ReadonlyMap<string, number> = $state.raw(new Map());
	#stream: Disposable | null = null;
	#watchers = 0;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
	}

	/** The rows, in their places. */
	get items(): readonly ClusterView[] {
		const found = new Map(this.list?.items.map((view) => [view.beat.clusterId, view]));
		return this.#order.flatMap((id) => found.get(id) ?? []);
	}

	/** Null: there is no such cluster, or none is known yet. */
	item(id: string): ClusterView | null {
		return this.list?.items.find(({ beat }) => beat.clusterId === id) ?? null;
	}

	/** Follows the clusters until disposed of, unless it is paused. */
	watch(): Disposable {
		this.#watchers += 1;
		this.#follow();
		return {
			[Symbol.dispose]: () => {
				this.#watchers -= 1;
				this.#follow();
			},
		};
	}

	/** Holds the screen as it is, or goes on. */
	pause(on: boolean): void {
		this.paused = on;
		this.#follow();
	}

	/** Asks again after a refusal. */
	again(): void {
		this.#stream?.[Symbol.dispose]();
		this.#stream = null;
		this.error = null;
		this.#follow();
	}

	/** Puts the rows in order as they are now; from then on they hold still. The same field again turns the order round. */
	sortBy(field: ClusterField): void {
		const descending = this.sort?.field === field && !this.sort.descending;
		this.sort = { field, descending };
		const value = BY[field];
		const sorted = [...this.items].sort((a, b) => {
			const [x, y] = [value(a), value(b)];
			return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1);
		});
		this.#order = sorted.map(({ beat }) => beat.clusterId);
	}

	/** Takes a cluster that is gone off the screen. It comes back when it beats again. */
	dismiss(id: string): void {
		const view = this.item(id);
		if (view === null || (view.presence !== 'stopped' && view.presence !== 'lost')) return;
		this.#dismissed = new Map([...this.#dismissed, [id, view.since]]);
		if (this.list !== null) this.#take(this.list);
	}

	[Symbol.dispose](): void {
		this.#watchers = 0;
		this.#follow();
	}

	#follow(): void {
		const wanted = this.#watchers > 0 && !this.paused;
		if (!wanted) {
			this.#stream?.[Symbol.dispose]();
			this.#stream = null;
			return;
		}
		const take = (items: readonly { readonly list: ClusterList }[]): void => {
			const list = items.at(-1)?.list;
			if (list !== undefined) this.#take(list);
		};
		this.#stream ??= this.#engine.open(
			'cluster.watch',
			{ profile: this.#profile },
			{
				snapshot: take,
				change: take,
				end: (error) => {
					this.error = error;
				},
			},
		);
	}

	#take(list: ClusterList): void {
		const shown = list.items.filter(({ beat, since }) => this.#dismissed.get(beat.clusterId) !== since);
		const here = new Set(shown.map(({ beat }) => beat.clusterId));
		const kept = this.#order.filter((id) => here.has(id));
		const known = new Set(kept);
		this.#order = [...kept, ...[...here].filter((id) => !known.has(id))];
		this.list = { ...list, items: shown };
		this.error = null;
	}
}
