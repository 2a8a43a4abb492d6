/**
 * The Celery workers of one profile: who is heard, what they say of themselves, how watching goes, and what is told to them. Nothing is
 * asked before somebody looks.
 */

import type { WorkerView } from '#main/domain/worker.ts';
import type { ControlOutcome } from '#main/domain/worker-control.ts';
import type { InspectMethod } from '#main/domain/worker-methods.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Output } from '#main/ipc/contract.ts';
import { Change } from './change.svelte.ts';
import { Cursor } from './cursor.svelte.ts';
import type { Answer, Engine } from './engine.ts';
import { itemsOf, valueOfJson } from './json-value.ts';
import { LongRows } from './long-rows.svelte.ts';
import { Pauses } from './pauses.svelte.ts';
import { Reading } from './reading.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';
import { newPlan, planFault, planInput, planTitle, type WorkerPlan, type WorkerReview } from './worker-plan.ts';
import { WorkerQuestion } from './worker-question.svelte.ts';

const BEAT_MS = 2_000;
/** Every look asks each worker three questions; heartbeats tell the rest. */
const LOOK_MS = 30_000;
/** How long to listen where nobody watches, in seconds. */
const LISTEN_S = 3;

/** Who takes from a queue. */
export interface QueueTakers {
	readonly queue: string;
	readonly nodes: readonly string[];
	/** Those that were told to leave it, and still do. */
	readonly paused: readonly string[];
}

export class CeleryWorkers implements Disposable {
	readonly status: Reading<Output<'monitor.status'>>;
	/** In an order that holds still: those that come later stand below. */
	rows: readonly WorkerView[] = $state.raw([]);
	/** Where the list is from; null: not read yet. */
	source: Output<'worker.list'>['source'] | null = $state(null);
	/** Why nothing is heard, in words; null: it is. */
	trouble: string | null = $state(null);
	error: WireError | null = $state.raw(null);
	/** The list is being read; with `asking`, the workers are being asked as well. */
	listening = $state(false);
	asking = $state(false);
	/** A change of the switch is on its way. */
	switching = $state(false);
	/** What is drawn of them, up to the row at the keyboard at least. */
	readonly table: LongRows<WorkerView> = new LongRows(
		() => this.rows,
		({ name }) => name,
		() => this.cursor.place,
	);
	readonly cursor: Cursor = new Cursor(() => this.table.found.map((row) => row.name));
	readonly change: Change<WorkerPlan, WorkerReview, ControlOutcome>;
	readonly pauses: Pauses;
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #toasts: Toasts;
	readonly #reserved: WorkerQuestion;
	#order: readonly string[] = [];
	#turn = 0;

	constructor(engine: Engine, profile: string, toasts: Toasts) {
		this.#engine = engine;
		this.#profile = profile;
		this.#toasts = toasts;
		this.status = new Reading(() => engine.call('monitor.status', { profile }));
		this.pauses = new Pauses(profile);
		this.#reserved = new WorkerQuestion(engine, profile, 'reserved', null);
		this.change = new Change({
			review: (plan) => this.#review(plan),
			run: async (plan, review, options) => {
				const fault = planFault(plan);
				if (fault !== null)
					return { ok: false, error: { code: 'invalid-input', message: fault, retryable: false, ref: '' } };
				return engine.call('worker.control', planInput(profile, plan, review.nodes), options);
			},
			done: (plan, outcome) => this.#done(plan, outcome),
			failed: (plan, error) =>
				void toasts.show('failed', `${planTitle(plan, plan.found)}: not done`, { text: error.message }),
		});
	}

	/** Whether anything was read. */
	get known(): boolean {
		return this.source !== null;
	}

	row(name: string): WorkerView | null {
		return this.rows.find((one) => one.name === name) ?? null;
	}

	/** Messages that a worker holds and has not begun; null: it has not said. */
	reserved(name: string): number | null {
		const answer = this.#reserved.node(name)?.answers[0];
		return answer?.ok === true ? (itemsOf(valueOfJson(answer.json))?.length ?? null) : null;
	}

	/** Workers that may be told something, by name. */
	get reachable(): readonly string[] {
		return this.rows.flatMap((one) => (one.state === 'online' || one.state === 'late' ? [one.name] : []));
	}

	/** Queues that workers take from, or were told to leave, by name. */
	get queues(): readonly QueueTakers[] {
		const takers = new Map<string, string[]>();
		const paused = new Map<string, readonly string[]>();
		for (const row of this.rows) {
			if (row.state !== 'online' && row.state !== 'late') continue;
			for (const queue of row.details?.queues ?? []) takers.set(queue, [...(takers.get(queue) ?? []), row.name]);
		}
		for (const { queue, nodes } of this.pauses.items) {
			// A worker that has restarted takes from its queues again, and one that has gone is nobody's pause.
			const still = nodes.filter((name) => this.reachable.includes(name) && takers.get(queue)?.includes(name) !== true);
			if (still.length > 0) paused.set(queue, still);
		}
		return [...new Set([...takers.keys(), ...paused.keys()])].sort().map((queue) => ({
			queue,
			nodes: takers.get(queue) ?? [],
			paused: paused.get(queue) ?? [],
		}));
	}

	/** Follows heartbeats, and asks the workers now and then, until disposed of. */
	watch(): Disposable {
		const polling = this.status.every(BEAT_MS);
		void this.look();
		const seen = (): boolean => document.visibilityState === 'visible' && this.status.value?.running === true;
		const beat = setInterval(() => {
			if (seen() && !this.listening) void this.#read(false, 0);
		}, BEAT_MS);
		const looking = setInterval(() => {
			if (seen() && !this.asking) void this.look();
		}, LOOK_MS);
		return {
			[Symbol.dispose]: () => {
				polling[Symbol.dispose]();
				clearInterval(beat);
				clearInterval(looking);
			},
		};
	}

	/** Reads the list and asks the workers about themselves. Where nobody watches, listens for a moment. */
	async look(): Promise<void> {
		this.asking = true;
		this.#reserved.ask();
		// Heartbeats first: the answers may take their time.
		if (!this.known) await this.#read(false, 0);
		await this.#read(true, LISTEN_S);
		this.asking = false;
	}

	/** Has the deployment watched, or left alone. */
	async switchTo(on: boolean): Promise<void> {
		this.switching = true;
		const answer = await this.#engine.call('monitor.switch', { profile: this.#profile, to: on ? 'on' : 'off' });
		this.switching = false;
		if (!answer.ok) {
			this.#toasts.show('failed', `Monitoring was not switched ${on ? 'on' : 'off'}`, { text: answer.error.message });
			return;
		}
		await this.status.read();
		if (on) void this.look();
	}

	/** A question to one worker, not asked yet; whoever takes it disposes of it. */
	question(method: InspectMethod, name: string): WorkerQuestion {
		return new WorkerQuestion(this.#engine, this.#profile, method, [name]);
	}

	/** Reviews a plan, then asks. */
	ask(plan: WorkerPlan): void {
		void this.change.ask(plan);
	}

	/** Leaves a queue on every worker that takes from it. */
	askPause(queue: string): void {
		this.ask(newPlan('cancel_consumer', null, { queue }));
	}

	[Symbol.dispose](): void {
		this.#turn += 1;
		this.status[Symbol.dispose]();
		this.change[Symbol.dispose]();
		this.#reserved[Symbol.dispose]();
	}

	async #read(details: boolean, listen: number): Promise<void> {
		this.#turn += 1;
		const turn = this.#turn;
		this.listening = true;
		const answer = await this.#engine.call('worker.list', { profile: this.#profile, listen, details });
		// A look that takes its time is not undone by a heartbeat that was read meanwhile.
		if (turn !== this.#turn && !details) return;
		if (turn === this.#turn) this.listening = false;
		if (!answer.ok) {
			this.error = answer.error;
			return;
		}
		this.error = null;
		this.source = answer.value.source;
		this.trouble = answer.value.trouble;
		this.#place(answer.value.items, details);
	}

	#place(items: readonly WorkerView[], asked: boolean): void {
		const before = new Map(this.rows.map((row) => [row.name, row]));
		const next = new Map(
			items.map((item) => [item.name, { ...item, details: item.details ?? before.get(item.name)?.details ?? null }]),
		);
		// Workers that answer and are never heard are in no list of heartbeats.
		if (!asked) for (const [name, row] of before) if (row.events === 'none' && !next.has(name)) next.set(name, row);
		const known = new Set(this.#order);
		const fresh = [...next.keys()].filter((name) => !known.has(name)).sort();
		this.#order = [...this.#order.filter((name) => next.has(name)), ...fresh];
		this.rows = this.#order.flatMap((name) => next.get(name) ?? []);
	}

	async #review(plan: WorkerPlan): Promise<Answer<WorkerReview>> {
		if (plan.found !== null) return { ok: true, value: plan.found };
		const answer = await this.#engine.call('worker.list', { profile: this.#profile, listen: 0, details: true });
		if (!answer.ok) return answer;
		this.#place(answer.value.items, true);
		const { queue = '' } = plan.values;
		const alive = answer.value.items.filter((one) => one.state === 'online' || one.state === 'late');
		const nodes =
			plan.nodes ?? alive.flatMap((one) => (one.details?.queues?.includes(queue) === true ? [one.name] : []));
		const unsure = plan.nodes === null ? alive.flatMap((one) => (one.details?.queues == null ? [one.name] : [])) : [];
		const workers = answer.value.items.filter((one) => nodes.includes(one.name));
		return { ok: true, value: { nodes, workers, unsure } };
	}

	#done(plan: WorkerPlan, outcome: ControlOutcome): void {
		const did = outcome.items.flatMap((one) => (one.state === 'answered' ? [one.node] : []));
		const queue = (plan.values.queue ?? '').trim();
		if (plan.method === 'cancel_consumer') this.pauses.add(queue, did);
		if (plan.method === 'add_consumer') this.pauses.remove(queue, did);
		void this.look();
		const words = [
			...(outcome.answered > 0 ? [`${outcome.answered} did`] : []),
			...(outcome.failed > 0 ? [`${outcome.failed} refused`] : []),
			...(outcome.silent > 0 ? [`${outcome.silent} did not answer`] : []),
		].join(', ');
		const fine = outcome.failed === 0 && outcome.silent === 0 && outcome.total > 0;
		const title = planTitle(plan, { nodes: outcome.items.map((one) => one.node), workers: [], unsure: [] });
		this.#toasts.show(
			fine ? 'done' : outcome.failed > 0 ? 'failed' : 'note',
			fine ? `${title}: done` : `${title}: ${words === '' ? 'nobody answered' : words}`,
			{
				text: outcome.items.find((one) => one.state === 'failed')?.answers[0]?.words ?? '',
				action: { label: 'Show the answers', run: () => this.change.report(plan, outcome) },
			},
		);
	}
}
