/** What Celery's result backend keeps of the task in the drawer, and how far its group is: read when it is shown, and followed until both have ended. */
import type { GroupProgress } from '#main/domain/celery-result.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { TaskResultView } from '#main/ipc/contract/result.ts';
import { type Engine, LOADING, type Loaded, loaded } from './engine.ts';
import { follow } from './following.ts';

/** A task or group that a task started. */
export type KeptBranch = TaskResultView['branches'][number];

export class KeptResult implements Disposable {
	result: Loaded<TaskResultView> = $state.raw(LOADING);
	/** Null: it is in no group, or that is not known. */
	group: Loaded<GroupProgress> | null = $state.raw(null);
	/** Why the last look failed, while what an earlier one found is still shown. */
	trouble: WireError | null = $state.raw(null);
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
		const stale = !answer.ok && this.result.kind === 'ready';
		this.trouble = stale ? answer.error : null;
		if (stale) return;
		this.result = loaded(answer);
		const group = answer.ok ? (answer.value.result?.groupId ?? null) : null;
		if (group === null) return;
		const progress = await this.#engine.call('task.group', { profile: this.#profile, id: group });
		if (asked !== this.#asked) return;
		// A chord that is through leaves nothing behind: that is an answer. Anything else may pass.
		const gone = !progress.ok && progress.error.code === 'not-found';
		if (!progress.ok && !gone && this.group?.kind === 'ready') this.trouble = progress.error;
		else this.group = loaded(progress);
	}

	/** Whether something is still to come: of the task itself, or of the others in its group. */
	get moving(): boolean {
		const result = this.result.kind === 'ready' ? this.result.value.result : null;
		const group = this.group?.kind === 'ready' ? this.group.value : null;
		return (
			(result !== null && !result.ready) ||
			(group !== null && group.done < (group.size ?? Number.POSITIVE_INFINITY)) ||
			this.trouble !== null
		);
	}

	/** Reads again while something is to come, until disposed of. */
	follow(): Disposable {
		return follow(
			() => this.moving,
			() => this.read(),
		);
	}

	[Symbol.dispose](): void {
		this.#asked += 1;
	}
}
