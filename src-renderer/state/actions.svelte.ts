/**
 * Requeue and delete, from the review to the note that it is done. What runs is what the review froze, whatever happens to
 * filter, order or selection while the question is on the screen.
 */

import type { ActionOutcome, ActionProgress, ArgumentRepair, Review } from '#main/domain/action.ts';
import type { Environment } from '#main/domain/profile.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Engine } from './engine.ts';
import type { SelectionScope } from './selection.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

export type TaskAction = 'requeue' | 'delete';

/** What an action is aimed at, fixed when it starts. */
export interface ActionTarget {
	readonly profile: string;
	readonly environment: Environment;
	readonly scope: SelectionScope;
}

export type ActionStage =
	| { readonly kind: 'none' }
	| { readonly kind: 'reviewing'; readonly action: TaskAction; readonly target: ActionTarget }
	| {
			readonly kind: 'asking';
			readonly action: TaskAction;
			readonly target: ActionTarget;
			readonly review: Review;
			/** The name has to be typed. */
			readonly guarded: boolean;
			readonly error: WireError | null;
	  }
	| {
			readonly kind: 'running';
			readonly action: TaskAction;
			readonly target: ActionTarget;
			readonly count: number;
			/** Out of the way: it goes on, and tells when it is done. */
			readonly hidden: boolean;
	  }
	| {
			readonly kind: 'failed';
			readonly action: TaskAction;
			readonly target: ActionTarget;
			readonly error: WireError;
	  }
	/** One task's arguments are not certain: what could be read of them is to be mended. */
	| {
			readonly kind: 'repair';
			readonly action: 'requeue';
			readonly target: ActionTarget;
			readonly id: string;
			readonly reason: string;
			readonly repair: ArgumentRepair;
			readonly busy: boolean;
			readonly error: WireError | null;
	  }
	/** It ran, and not all of it worked: what became of which. */
	| { readonly kind: 'report'; readonly action: TaskAction; readonly outcome: ActionOutcome };

export class Actions implements Disposable {
	stage: ActionStage = $state.raw({ kind: 'none' });
	progress: readonly ActionProgress[] = $state.raw([]);
	readonly #engine: Engine;
	readonly #toasts: Toasts;
	readonly #stream: Disposable;
	/** A review that was closed, or overtaken by another, must not open a question. */
	#turn = 0;

	constructor(engine: Engine, toasts: Toasts) {
		this.#engine = engine;
		this.#toasts = toasts;
		this.#stream = engine.open(
			'action.watch',
			{},
			{
				snapshot: (items) => {
					this.progress = items;
				},
				change: (items) => {
					const next = new Map(this.progress.map((item) => [item.key, item]));
					for (const item of items) next.set(item.key, item);
					this.progress = [...next.values()].slice(-50);
				},
				end: () => {},
			},
		);
	}

	/** How far the change on the screen has come, where the engine has told. */
	get current(): ActionProgress | null {
		const stage = this.stage;
		if (stage.kind !== 'running') return null;
		return this.progress.findLast((item) => item.state === 'running') ?? null;
	}

	/** Resolves when it is over, true when something was changed. One task is requeued without a question. */
	async start(action: TaskAction, target: ActionTarget): Promise<boolean> {
		if (this.stage.kind !== 'none') return false;
		this.#turn += 1;
		const turn = this.#turn;
		const one = 'ids' in target.scope && target.scope.ids.length === 1;
		if (action === 'requeue' && one) return this.#run(turn, action, target, null, 1, undefined);
		this.stage = { kind: 'reviewing', action, target };
		const answer = await this.#engine.call('task.review', {
			profile: target.profile,
			action,
			...scopeInput(target.scope),
		});
		if (turn !== this.#turn) return false;
		if (!answer.ok) {
			this.stage = { kind: 'failed', action, target, error: answer.error };
			return false;
		}
		const guarded = target.environment === 'production' && action === 'delete';
		this.stage = { kind: 'asking', action, target, review: answer.value, guarded, error: null };
		return false;
	}

	/** Carries out what the question on the screen was about. `name`: as typed, where that was asked for. */
	async confirm(name?: string): Promise<boolean> {
		const stage = this.stage;
		if (stage.kind !== 'asking') return false;
		return this.#run(this.#turn, stage.action, stage.target, stage.review, stage.review.count, name);
	}

	/** Sends the task whose arguments were mended; true when it was sent. */
	async mend(args: string, kwargs: string): Promise<boolean> {
		const stage = this.stage;
		if (stage.kind !== 'repair' || stage.busy) return false;
		const turn = this.#turn;
		this.stage = { ...stage, busy: true, error: null };
		const input = { profile: stage.target.profile, ids: [stage.id], args, kwargs };
		const answer = await this.#engine.call('task.requeue', input);
		const onScreen = turn === this.#turn && this.stage.kind === 'repair';
		if (!answer.ok) {
			if (onScreen) this.stage = { ...stage, busy: false, error: answer.error };
			else this.#toasts.show('failed', 'Could not requeue', { text: answer.error.message });
			return false;
		}
		if (onScreen) this.stage = { kind: 'none' };
		this.#tell('requeue', answer.value);
		return answer.value.done > 0;
	}

	/** Asks the engine to stop after the item it is at. */
	async cancel(): Promise<void> {
		const current = this.current;
		if (current !== null) await this.#engine.call('action.cancel', { key: current.key });
	}

	/** Closes question or report; something that runs goes on, out of the way. */
	dismiss(): void {
		if (this.stage.kind === 'running') {
			this.stage = { ...this.stage, hidden: true };
			return;
		}
		this.#turn += 1;
		this.stage = { kind: 'none' };
	}

	/** From a failure back to a fresh review of the same target. */
	async retry(): Promise<boolean> {
		const stage = this.stage;
		if (stage.kind !== 'failed') return false;
		this.dismiss();
		return this.start(stage.action, stage.target);
	}

	[Symbol.dispose](): void {
		this.#turn += 1;
		this.#stream[Symbol.dispose]();
	}

	async #run(
		turn: number,
		action: TaskAction,
		target: ActionTarget,
		review: Review | null,
		count: number,
		name: string | undefined,
	): Promise<boolean> {
		// One task is quick: a dialog for it would only flash.
		this.stage = { kind: 'running', action, target, count, hidden: review === null };
		const input = {
			profile: target.profile,
			...(review !== null
				? { review: review.token }
				: 'group' in target.scope
					? {}
					: 'ids' in target.scope
						? { ids: [...target.scope.ids] }
						: { where: target.scope.where }),
		};
		const route = action === 'requeue' ? 'task.requeue' : 'task.delete';
		const answer = await this.#engine.call(route, input, name === undefined ? {} : { confirm: name });
		const onScreen = turn === this.#turn && this.stage.kind === 'running';
		if (!answer.ok) {
			const guarded = target.environment === 'production' && action === 'delete';
			if (onScreen && answer.error.code === 'not-confirmed' && review !== null) {
				this.stage = { kind: 'asking', action, target, review, guarded, error: answer.error };
			} else if (onScreen) this.stage = { kind: 'failed', action, target, error: answer.error };
			else this.#toasts.show('failed', `Could not ${action}`, { text: answer.error.message });
			return false;
		}
		if (onScreen) this.stage = { kind: 'none' };
		const [only] = answer.value.items;
		if (onScreen && review === null && only?.repair !== undefined) {
			const { id, reason, repair } = only;
			this.stage = {
				kind: 'repair',
				action: 'requeue',
				target,
				id,
				reason: reason ?? '',
				repair,
				busy: false,
				error: null,
			};
			return false;
		}
		this.#tell(action, answer.value);
		return answer.value.done > 0;
	}

	#tell(action: TaskAction, outcome: ActionOutcome): void {
		const verb = action === 'requeue' ? 'requeued' : 'deleted';
		const done = `${tasks(outcome.done)} ${verb}`;
		if (outcome.failed === 0 && outcome.skipped === 0 && !outcome.cancelled) {
			this.#toasts.show('done', outcome.done === 0 ? `Nothing to ${action}` : done);
			return;
		}
		const parts = [
			...(outcome.failed > 0 ? [`${outcome.failed} failed`] : []),
			...(outcome.skipped > 0 ? [`${outcome.skipped} left out`] : []),
			...(outcome.cancelled ? ['stopped before the end'] : []),
		];
		const first = outcome.items.find((item) => item.outcome !== 'done')?.reason ?? '';
		this.#toasts.show(outcome.failed > 0 ? 'failed' : 'note', `${done}, ${parts.join(', ')}`, {
			text: first === '' ? first : `${first.charAt(0).toUpperCase()}${first.slice(1)}.`.replace(/\.\.$/, '.'),
			action: {
				label: 'Show which',
				run: () => {
					if (this.stage.kind === 'none') this.stage = { kind: 'report', action, outcome };
				},
			},
		});
	}
}

/** What a review is asked to freeze. */
function scopeInput(scope: SelectionScope): { ids?: string[]; where?: string; group?: string } {
	if ('group' in scope) return { group: scope.group, ...(scope.where === undefined ? {} : { where: scope.where }) };
	return 'ids' in scope ? { ids: [...scope.ids] } : { where: scope.where };
}

/** "1 task", "1,284 tasks". */
export function tasks(count: number): string {
	return count === 1 ? '1 task' : `${count.toLocaleString('en')} tasks`;
}
