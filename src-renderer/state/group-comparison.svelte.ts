/** What differs between the failing runs of the open failure group and runs of the same task that succeeded. */
import type { GroupDiffers } from '#main/domain/failure-group.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Engine } from './engine.ts';

export class GroupComparison {
	/** The answer for the open group; null: none is open, or it is being compared, or it failed. */
	found: GroupDiffers | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	busy = $state(false);
	readonly #engine: Engine;
	readonly #profile: string;
	#epoch = 0;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
	}

	/** Compares the runs of a group. `task`: one of its tasks, by name; without it the one that fails most. What was shown stays until the answer is there. */
	async compare(group: string, task?: string): Promise<void> {
		this.#epoch += 1;
		const epoch = this.#epoch;
		if (this.found !== null && !this.found.group.startsWith(group)) this.found = null;
		this.busy = true;
		const answer = await this.#engine.call('group.differs', {
			profile: this.#profile,
			group,
			...(task === undefined ? {} : { task }),
		});
		if (epoch !== this.#epoch) return;
		this.busy = false;
		this.found = answer.ok ? answer.value : null;
		this.error = answer.ok ? null : answer.error;
	}

	/** Forgets what was compared; an answer on its way is dropped. */
	clear(): void {
		this.#epoch += 1;
		this.busy = false;
		this.found = null;
		this.error = null;
	}
}
