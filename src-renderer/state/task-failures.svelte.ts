/** The latest tasks that stand as failed, of those that match a query. */
import type { TaskRow } from '#main/domain/task.ts';
import type { WireError } from '#main/ipc/codes.ts';
import { LISTS } from './deployment.svelte.ts';
import type { Engine } from './engine.ts';

const MOST = 10;

export class TaskFailures {
	/** Newest first; null: not known yet. */
	rows: readonly TaskRow[] | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	readonly #engine: Engine;
	readonly #profile: string;
	#turn = 0;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
	}

	async read(query: string): Promise<void> {
		this.#turn += 1;
		const turn = this.#turn;
		const answer = await this.#engine.call('task.list', {
			profile: this.#profile,
			query: `${LISTS.failed.base} (${query})`,
			sort: 'finishedAt',
			limit: MOST,
		});
		if (turn !== this.#turn) return;
		this.error = answer.ok ? null : answer.error;
		if (answer.ok) this.rows = answer.value.items;
	}
}
