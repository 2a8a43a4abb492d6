/** One question to Celery's workers, asked when somebody wants to know: answers as they come, and who has not answered. */

import type { ControlSummary, NodeAnswers } from '#main/domain/worker-control.ts';
import type { InspectMethod } from '#main/domain/worker-methods.ts';
import type { Engine } from './engine.ts';

export class WorkerQuestion implements Disposable {
	readonly method: InspectMethod;
	/** By node. While it is asked again, the last answers stay until new ones come. */
	nodes: readonly NodeAnswers[] = $state.raw([]);
	summary: ControlSummary | null = $state.raw(null);
	/** Why nothing could be asked; null: it could. */
	failure: string | null = $state(null);
	busy = $state(false);
	/** When it was answered in full last, epoch ms; null: never. */
	at: number | null = $state(null);
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #destination: readonly string[] | null;
	#stream: Disposable | null = null;

	/** `destination`: whom to ask, by name; null: everybody. Nothing is asked yet. */
	constructor(engine: Engine, profile: string, method: InspectMethod, destination: readonly string[] | null) {
		this.#engine = engine;
		this.#profile = profile;
		this.method = method;
		this.#destination = destination;
	}

	/** How one node stands; null: it was not asked, or nobody has told. */
	node(name: string): NodeAnswers | null {
		return this.nodes.find((one) => one.node === name) ?? null;
	}

	/** Asks, anew where it was asked before. */
	ask(): void {
		this.#stream?.[Symbol.dispose]();
		this.busy = true;
		this.failure = null;
		const told = new Set<string>();
		const take = (items: readonly InspectLine[]): void => {
			const nodes = new Map(this.nodes.map((one) => [one.node, one]));
			for (const { key, node, summary, failure } of items) {
				told.add(key);
				if (key === '') {
					this.summary = summary;
					if (failure !== null) this.failure = failure.message;
					if (summary?.complete === true) this.at = summary.sentAt + summary.tookMs;
				} else if (node !== null && !(node.state === 'asked' && nodes.has(key))) nodes.set(key, node);
			}
			this.nodes = [...nodes.values()];
		};
		this.#stream = this.#engine.open(
			'worker.inspect',
			{
				profile: this.#profile,
				method: this.method,
				...(this.#destination === null ? {} : { destination: [...this.#destination] }),
			},
			{
				snapshot: take,
				change: take,
				end: (error) => {
					this.busy = false;
					if (error !== null) this.failure = error.message;
					// Whoever was not asked this time says nothing: what it said before is an answer to another question.
					else if (this.failure === null) this.nodes = this.nodes.filter(({ node }) => told.has(node));
				},
			},
		);
	}

	[Symbol.dispose](): void {
		this.#stream?.[Symbol.dispose]();
	}
}

interface InspectLine {
	readonly key: string;
	readonly node: NodeAnswers | null;
	readonly summary: ControlSummary | null;
	readonly failure: { readonly message: string } | null;
}
