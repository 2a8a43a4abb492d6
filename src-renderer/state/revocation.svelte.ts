/** Telling Celery's workers not to run tasks, and to end those that run: which, fixed when it is asked, and what workers said of each. */

import type { TaskRow } from '#main/domain/task.ts';
import { whyNot } from '#main/domain/task-acts.ts';
import type { ControlOutcome, RevokedTask } from '#main/domain/worker-control.ts';
import { tasks } from './actions.svelte.ts';
import { Change } from './change.svelte.ts';
import type { Answer, CallerInput, Engine, Output } from './engine.ts';
import { quoted, type SelectionScope } from './selection.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

export interface RevokePlan {
	readonly scope: SelectionScope;
	/** Also ends the processes of those that run. */
	readonly terminate: boolean;
	readonly signal: 'SIGTERM' | 'SIGKILL';
	/** What the first review found, so that a switch asks nobody anew. */
	readonly found: RevokeReview | null;
}

export interface RevokeReview {
	/** Exactly these. */
	readonly ids: readonly string[];
	/** The first of them, as history has them. */
	readonly sample: readonly TaskRow[];
	/** How many are left out since they have ended: nothing is left of them to throw away. */
	readonly ended: number;
	/** More match than can be revoked at once. */
	readonly more: boolean;
}

export type RevokeOutcome = ControlOutcome & { readonly done: number; readonly tasks: readonly RevokedTask[] };

/** Of one command; the route takes no more. */
const MOST_IDS = 10_000;
const PAGE = 200;
const SAMPLE = 8;
/** The query language allows a hundred terms. */
const IDS_PER_LOOK = 50;

export class Revocation implements Disposable {
	readonly change: Change<RevokePlan, RevokeReview, RevokeOutcome>;
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #toasts: Toasts;

	constructor(engine: Engine, profile: string, toasts: Toasts) {
		this.#engine = engine;
		this.#profile = profile;
		this.#toasts = toasts;
		this.change = new Change({
			review: (plan) => this.#review(plan),
			run: (plan, review, options) =>
				engine.call(
					'task.revoke',
					{
						profile,
						ids: [...review.ids],
						...(plan.terminate ? { terminate: true, signal: plan.signal } : {}),
					},
					options,
				),
			done: (plan, outcome) => this.#done(plan, outcome),
			failed: (_plan, error) => void toasts.show('failed', 'Nothing was revoked', { text: error.message }),
		});
	}

	/** Reviews which tasks these are, then asks. */
	ask(scope: SelectionScope): void {
		void this.change.ask({ scope, terminate: false, signal: 'SIGTERM', found: null });
	}

	[Symbol.dispose](): void {
		this.change[Symbol.dispose]();
	}

	async #review(plan: RevokePlan): Promise<Answer<RevokeReview>> {
		if (plan.found !== null) return { ok: true, value: plan.found };
		const { scope } = plan;
		if ('ids' in scope) return this.#these(scope.ids);
		if (!('group' in scope)) return this.#matching(scope.where);
		const also = scope.where === undefined || scope.where === '' ? '' : ` (${scope.where})`;
		return this.#matching(`group:${quoted(scope.group)}${also}`);
	}

	/** Those of these that have not ended; one that history does not know is among them, since a worker may know it. */
	async #these(wanted: readonly string[]): Promise<Answer<RevokeReview>> {
		const ids = wanted.slice(0, MOST_IDS);
		const over = new Set<string>();
		const sample: TaskRow[] = [];
		for (let at = 0; at < ids.length; at += IDS_PER_LOOK) {
			const page = await this.#page(idQuery(ids.slice(at, at + IDS_PER_LOOK)), null);
			if (!page.ok) return page;
			for (const row of page.value.items) {
				if (whyNot('revoke', row.state) !== null) over.add(row.id);
				else if (sample.length < SAMPLE) sample.push(row);
			}
		}
		const left = ids.filter((id) => !over.has(id));
		return { ok: true, value: { ids: left, sample, ended: over.size, more: wanted.length > MOST_IDS } };
	}

	async #matching(query: string): Promise<Answer<RevokeReview>> {
		const ids: string[] = [];
		const sample: TaskRow[] = [];
		let ended = 0;
		let cursor: string | null = null;
		do {
			const page = await this.#page(query, cursor);
			if (!page.ok) return page;
			for (const row of page.value.items) {
				if (whyNot('revoke', row.state) !== null) {
					ended += 1;
					continue;
				}
				ids.push(row.id);
				if (sample.length < SAMPLE) sample.push(row);
			}
			cursor = page.value.next;
		} while (cursor !== null && ids.length <= MOST_IDS);
		return { ok: true, value: { ids: ids.slice(0, MOST_IDS), sample, ended, more: ids.length > MOST_IDS } };
	}

	#page(query: string, cursor: string | null): Promise<Answer<Output<'task.list'>>> {
		const input: CallerInput<'task.list'> = {
			profile: this.#profile,
			query,
			limit: PAGE,
			...(cursor === null ? {} : { cursor }),
		};
		return this.#engine.call('task.list', input);
	}

	#done(plan: RevokePlan, outcome: RevokeOutcome): void {
		const ran = outcome.tasks.filter((task) => task.where === 'active').length;
		const what = plan.terminate ? 'revoked and ended where they run' : 'revoked';
		const heard = outcome.answered > 0;
		this.#toasts.show(
			heard && outcome.failed === 0 ? 'done' : 'note',
			heard ? `${tasks(outcome.done)} ${what}` : 'No worker answered: nobody may have heard it',
			{
				text:
					ran > 0 && !plan.terminate
						? `${tasks(ran)} ${ran === 1 ? 'runs' : 'run'} already, and ${ran === 1 ? 'goes' : 'go'} on to the end.`
						: '',
				action: { label: 'Show the answers', run: () => this.change.report(plan, outcome) },
			},
		);
	}
}

function idQuery(ids: readonly string[]): string {
	return `id:${ids.map((id) => JSON.stringify(id)).join(',')}`;
}
