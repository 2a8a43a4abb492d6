/** How long one profile's history is kept: the rules as they are, a draft of others, and what a clean-up would take under it. */
import {
	FINISHED_STATES,
	type FinishedState,
	type RetentionPolicy,
	type RetentionShare,
} from '#main/domain/retention.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput, Output } from '#main/ipc/contract.ts';
import { Change } from './change.svelte.ts';
import type { Engine } from './engine.ts';
import { timeText } from './set-form.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

export type RetentionView = Output<'retention.show'>;
export type RetentionPreview = Output<'retention.preview'>;
type Rules = Omit<CallerInput<'retention.preview'>, 'profile'>;

/** The rules of one state as they are typed; empty: no such rule. */
export interface DraftRule {
	after: string;
	max: string;
}

interface Draft {
	states: Record<FinishedState, DraftRule>;
	deleted: string;
	decided: string;
}

export class Retention implements Disposable {
	view: RetentionView | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	draft: Draft | null = $state(null);
	/** What would go under the draft; null: not known yet, or something in it cannot be read. */
	shares: readonly RetentionShare[] | null = $state.raw(null);
	busy = $state(false);
	/** What the engine refused, by field: a state, `deleted` or `decided`. */
	refused: Readonly<Record<string, string>> = $state.raw({});
	readonly change: Change<null, RetentionPreview, Output<'retention.run'>>;
	readonly #engine: Engine;
	readonly #profile: string;
	#turn = 0;

	constructor(engine: Engine, profile: string, toasts: Toasts) {
		this.#engine = engine;
		this.#profile = profile;
		this.change = new Change({
			review: () => engine.call('retention.preview', { profile }),
			run: (_plan, _review, options) => engine.call('retention.run', { profile }, options),
			done: (_plan, { done }) => {
				toasts.show('done', done === 0 ? 'Nothing was due' : `${done.toLocaleString('en')} records removed`);
				void this.read();
			},
			failed: (_plan, error) => void toasts.show('failed', 'The clean-up did not finish', { text: error.message }),
		});
		void this.read();
	}

	/** Reads the rules. A draft that somebody is at stays. */
	async read(): Promise<void> {
		const answer = await this.#engine.call('retention.show', { profile: this.#profile });
		if (!answer.ok) {
			this.error = answer.error;
			return;
		}
		const untouched = this.draft === null || !this.changed;
		this.error = null;
		this.view = answer.value;
		if (untouched) this.draft = draftOf(answer.value.policy);
		await this.preview();
	}

	/** Whether the draft differs from the rules. */
	get changed(): boolean {
		return this.#changes.length > 0;
	}

	/** What is wrong with a number, in words. */
	fault(state: FinishedState): string | null {
		const max = this.draft?.states[state].max.trim() ?? '';
		if (max !== '' && !(/^\d{1,10}$/.test(max) && Number(max) <= 1_000_000_000)) return 'A whole number of tasks';
		return this.refused[state] ?? null;
	}

	/** Back to the rules as they are. */
	reset(): void {
		if (this.view === null) return;
		this.draft = draftOf(this.view.policy);
		this.refused = {};
		void this.preview();
	}

	/** Asks what would go under the draft, rule by rule: each rule takes from its own records only. */
	async preview(): Promise<void> {
		this.#turn += 1;
		const turn = this.#turn;
		const shares = new Map<string, RetentionShare>();
		const refused: Record<string, string> = {};
		for (const [field, rules] of [['', {}] as const, ...this.#changes]) {
			const answer = await this.#engine.call('retention.preview', { ...rules, profile: this.#profile });
			if (turn !== this.#turn) return;
			if (!answer.ok) {
				refused[field] = answer.error.message.replace(/^\w+: /, '');
				continue;
			}
			for (const share of answer.value.shares) {
				if (field === '' || share.what === field || (field === 'decided' && share.what === 'quarantine'))
					shares.set(share.what, share);
			}
		}
		this.refused = refused;
		this.shares = Object.keys(refused).length === 0 ? [...shares.values()] : null;
	}

	/** Saves what was changed. True: all of it. */
	async save(): Promise<boolean> {
		if (this.busy) return false;
		this.busy = true;
		const refused: Record<string, string> = {};
		for (const [field, rules] of this.#changes) {
			const answer = await this.#engine.call('retention.set', { ...rules, profile: this.#profile });
			if (answer.ok) this.view = answer.value;
			else refused[field] = answer.error.message.replace(/^\w+: /, '');
		}
		this.busy = false;
		this.refused = refused;
		if (Object.keys(refused).length > 0) return false;
		await this.read();
		return true;
	}

	/** Back to how it is out of the box. */
	async restore(): Promise<void> {
		const answer = await this.#engine.call('retention.set', { profile: this.#profile, default: true });
		if (!answer.ok) {
			this.error = answer.error;
			return;
		}
		this.view = answer.value;
		this.reset();
	}

	[Symbol.dispose](): void {
		this.#turn += 1;
		this.change[Symbol.dispose]();
	}

	get #changes(): readonly (readonly [string, Rules])[] {
		const { draft, view } = this;
		if (draft === null || view === null) return [];
		const now = draftOf(view.policy);
		const changes: (readonly [string, Rules])[] = [];
		for (const state of FINISHED_STATES) {
			const { after, max } = draft.states[state];
			const rules: { after?: string; max?: number; noMax?: boolean } = {};
			if (after.trim() !== now.states[state].after) rules.after = after.trim() === '' ? 'never' : after.trim();
			if (max.trim() !== now.states[state].max) {
				if (max.trim() === '') rules.noMax = true;
				else rules.max = Number(max.trim());
			}
			if (Object.keys(rules).length > 0) changes.push([state, { states: [state], ...rules }]);
		}
		if (draft.deleted.trim() !== now.deleted) changes.push(['deleted', { deleted: draft.deleted.trim() || 'never' }]);
		if (draft.decided.trim() !== now.decided) changes.push(['decided', { decided: draft.decided.trim() || 'never' }]);
		return changes;
	}
}

function draftOf(policy: RetentionPolicy): Draft {
	const states = Object.fromEntries(
		FINISHED_STATES.map((state) => {
			const { afterMs, maxRows } = policy.states[state];
			return [state, { after: timeText(afterMs), max: maxRows === null ? '' : String(maxRows) }];
		}),
	) as Record<FinishedState, DraftRule>;
	return { states, deleted: timeText(policy.deletedAfterMs), decided: timeText(policy.quarantineAfterMs) };
}
