/** What Celery's result backend keeps of the task in the drawer, and how far its group is: read when it is shown and when the task goes on. */
import type { GroupProgress } from '#main/domain/celery-result.ts';
import type { TaskResultView } from '#main/ipc/contract/result.ts';
import { type Engine, LOADING, type Loaded, loaded } from './engine.ts';

/** A task or group that a task started. */
export type KeptBranch = TaskResultView['branches'][number];

export class KeptResult implements Disposable {
	result: Loaded<TaskResultView> = $state.raw(LOADING);
	/** Null: it is in no group, or that is not known. */
	group: Loaded<GroupProgress> | null = $state.raw(null);
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #id: string;
	#asked = 0;

	constructor(engine: Engine, profile: string, id: string) {
		this.#engine = engine;
		this.#profile = profile;
		this.#id = id;
	}

	/** What is shown stays until the answer is there; an answer to an older question comes too late. */
	async read(): Promise<void> {
		this.#asked += 1;
		const asked = this.#asked;
		const answer = await this.#engine.call('task.result', { profile: this.#profile, id: this.#id });
		if (asked !== this.#asked) return;
		this.result = loaded(answer);
		const group = answer.ok ? (answer.value.result?.groupId ?? null) : null;
		if (group === null) return;
		const progress = await this.#engine.call('task.group', { profile: this.#profile, id: group });
		if (asked === this.#asked) this.group = loaded(progress);
	}

	[Symbol.dispose](): void {
		this.#asked += 1;
	}
}
