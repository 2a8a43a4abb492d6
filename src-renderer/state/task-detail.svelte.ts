/** The task in the drawer: read when opened, read again when its profile's tasks change, one attempt chosen. */

import type { CanvasNode, CanvasView } from '#main/domain/canvas.ts';
import type { Attempt, TaskDetail, TaskState } from '#main/domain/task.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { RawMessage } from '#main/ipc/contract/task.ts';
import { type Engine, LOADING, type Loaded, loaded } from './engine.ts';
import { follow } from './following.ts';
import type { TaskTicks } from './task-ticks.ts';

export class OpenTask implements Disposable {
	readonly profile: string;
	readonly id: string;
	task: TaskDetail | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	/** The attempt a person chose; null: the newest, also when a newer one comes. */
	#chosen: number | null = $state(null);
	#message: { readonly attempt: number; readonly whole: boolean; readonly state: Loaded<RawMessage> } | null =
		$state.raw(null);
	/** The tasks that belong to it; null until `readCanvas` was called. */
	canvas: Loaded<CanvasView> | null = $state.raw(null);
	/** Why the last look at them failed, while what an earlier one found is still shown. */
	canvasTrouble: WireError | null = $state.raw(null);
	/** Tasks of the profile have changed since they were read. */
	#canvasOld = false;
	#drawn = 0;
	#expanded: readonly string[] = [];
	readonly #engine: Engine;
	readonly #ticking: Disposable;
	#reading = false;
	#again = false;
	#closed = false;

	constructor(engine: Engine, ticks: TaskTicks, profile: string, id: string) {
		this.#engine = engine;
		this.profile = profile;
		this.id = id;
		this.#ticking = ticks.on(() => {
			this.#canvasOld = true;
			void this.read();
		});
		void this.read();
	}

	/** The attempt whose traceback, log and message are shown. */
	get attempt(): Attempt | null {
		const history = this.task?.history ?? [];
		return history.find((attempt) => attempt.id === this.#chosen) ?? history.at(-1) ?? null;
	}

	/** Whether the attempt shown is the newest one. */
	get newest(): boolean {
		return this.attempt !== null && this.attempt.id === this.task?.history.at(-1)?.id;
	}

	/** Shows another attempt; the newest one is followed when it is chosen again. */
	choose(id: number): void {
		this.#chosen = this.task?.history.at(-1)?.id === id ? null : id;
	}

	async read(): Promise<void> {
		if (this.#reading) {
			this.#again = true;
			return;
		}
		this.#reading = true;
		do {
			this.#again = false;
			const answer = await this.#engine.call('task.show', { profile: this.profile, id: this.id });
			if (this.#closed) return;
			if (answer.ok) {
				this.task = answer.value;
				this.error = null;
			} else this.error = answer.error;
		} while (this.#again);
		this.#reading = false;
	}

	/** The raw message of the attempt shown; null until `readMessage` was called for it. */
	get message(): Loaded<RawMessage> | null {
		return this.#message !== null && this.#message.attempt === this.attempt?.id ? this.#message.state : null;
	}

	/** Reads the raw message of the attempt shown, all of it when `whole`. */
	async readMessage(whole = false): Promise<void> {
		const attempt = this.attempt?.id;
		if (attempt === undefined) return;
		if (this.#message?.attempt === attempt && (this.#message.whole || !whole) && this.#message.state.kind !== 'failed')
			return;
		const asked = { attempt, whole, state: LOADING };
		this.#message = asked;
		const answer = await this.#engine.call('task.message', { profile: this.profile, attempt, whole });
		// The beginning of a message may come after all of it, which was asked for meanwhile.
		if (!this.#closed && this.#message === asked) this.#message = { attempt, whole, state: loaded(answer) };
	}

	/** Reads what belongs together, these groups member by member. What is shown stays until the answer is there. */
	async readCanvas(expand: readonly string[] = this.#expanded): Promise<void> {
		this.#expanded = expand;
		this.#drawn += 1;
		const asked = this.#drawn;
		if (this.canvas?.kind !== 'ready') this.canvas = LOADING;
		this.#canvasOld = false;
		const answer = await this.#engine.call('task.canvas', { profile: this.profile, id: this.id, expand: [...expand] });
		// An answer to an older question comes too late.
		if (this.#closed || asked !== this.#drawn) return;
		const stale = !answer.ok && this.canvas?.kind === 'ready';
		this.canvasTrouble = stale ? answer.error : null;
		if (!stale) this.canvas = loaded(answer);
	}

	/** Reads them again while tasks change or one of them has not ended, until disposed of. */
	followCanvas(): Disposable {
		const nodes = () => (this.canvas?.kind === 'ready' ? this.canvas.value.nodes : []);
		return follow(
			() => this.#canvasOld || this.canvasTrouble !== null || nodes().some(isMoving),
			() => this.readCanvas(),
		);
	}

	[Symbol.dispose](): void {
		this.#closed = true;
		this.#ticking[Symbol.dispose]();
	}
}

const MOVING: readonly TaskState[] = ['queued', 'running', 'retrying'];

/** Whether a task, or a member of a group that is drawn as one, has not ended. */
function isMoving({ state, counts }: CanvasNode): boolean {
	return MOVING.some((one) => state === one || (counts?.[one] ?? 0) > 0);
}
