/**
 * One request to workers and its answers: who was expected to answer, who did, and whether there is anything left to wait for. Pure but
 * for what it gathers; it takes the time and never looks at a clock.
 */
import { type ControlReply, explainControlError } from '#main/dialects/celery/control.ts';
import type { WorkerLiveness } from '#main/domain/worker.ts';
import type { ControlOutcome, ControlSummary, NodeAnswers, WorkerAnswer } from '#main/domain/worker-control.ts';

/** Nodes that may answer, and how they were last heard. */
export type KnownNodes = ReadonlyMap<string, WorkerLiveness>;

export interface RoundOptions {
	readonly method: string;
	readonly arguments: Readonly<Record<string, unknown>>;
	/** Named by whoever asks; null: everybody is asked. */
	readonly destination: readonly string[] | null;
	readonly pattern: { readonly text: string; readonly matcher: 'glob' | 'pcre' } | null;
	readonly known: KnownNodes;
	/** Whether `known` is up to date: somebody watches. */
	readonly watched: boolean;
	readonly startedAt: number;
}

/** Answers kept of one node: more are only counted as answers of a name that several share. */
const MOST_ANSWERS = 8;
/** Nodes that answer at most. */
const MOST_NODES = 10_000;

/** Why a round ended before those who are silent had their time. deaf: the connection for answers was lost meanwhile. */
export type CutShort = 'cancelled' | 'deaf';

interface Node {
	readonly answers: WorkerAnswer[];
	stopped: boolean;
}

export class ControlRound {
	readonly #options: RoundOptions;
	readonly #nodes = new Map<string, Node>();
	readonly #expected: ReadonlySet<string>;
	#receivers: number | null = null;
	#sentAt: number;
	#endedAt: number | null = null;
	#cut: CutShort | null = null;
	#answers = 0;
	#unreadable = 0;

	constructor(options: RoundOptions) {
		this.#options = options;
		this.#sentAt = options.startedAt;
		this.#expected = expectedOf(options);
		for (const name of this.#expected) this.#nodes.set(name, { answers: [], stopped: false });
	}

	/** It went out, to so many where the broker tells. */
	sent(at: number, receivers: number | null): void {
		this.#sentAt = at;
		this.#receivers = receivers;
	}

	take(replies: readonly ControlReply[], at: number): void {
		if (this.#endedAt !== null) return;
		for (const { node: name, kind, words, json } of replies) {
			let node = this.#nodes.get(name);
			if (node === undefined) {
				if (this.#nodes.size >= MOST_NODES) continue;
				node = { answers: [], stopped: false };
				this.#nodes.set(name, node);
			}
			this.#answers += 1;
			if (node.answers.length >= MOST_ANSWERS) continue;
			node.answers.push({
				at,
				tookMs: Math.max(0, at - this.#sentAt),
				ok: kind !== 'error',
				words: kind === 'error' && words !== null ? explainControlError(this.#options.method, words) : words,
				json,
			});
		}
	}

	/** A node said that it ends. */
	stopped(name: string): void {
		if (this.#endedAt !== null) return;
		const node = this.#nodes.get(name);
		if (node !== undefined) node.stopped = true;
		else if (this.#mayBeAsked(name)) this.#nodes.set(name, { answers: [], stopped: true });
	}

	unreadable(): void {
		if (this.#endedAt !== null) return;
		this.#unreadable += 1;
	}

	/**
	 * now: nothing can come any more. linger: all that were expected answered, but somebody unknown or a second process of one name
	 * may still. wait: somebody has not.
	 */
	left(): 'now' | 'linger' | 'wait' {
		if (this.#receivers === 0) return 'now';
		const open = [...this.#expected].some((name) => !this.#hasAnswered(name));
		if (open) return 'wait';
		const everybody = this.#options.destination === null && this.#options.pattern === null;
		if (everybody && this.#receivers !== null) return this.#answers >= this.#receivers ? 'now' : 'wait';
		// Without anybody known, and nobody who tells how many there are, only time tells.
		return this.#expected.size === 0 || (everybody && !this.#options.watched) ? 'wait' : 'linger';
	}

	end(at: number, cut: CutShort | null = null): void {
		if (this.#endedAt !== null) return;
		this.#endedAt = at;
		this.#cut = cut;
	}

	outcome(now: number): ControlOutcome {
		const items = [...this.#nodes]
			.map(([name, node]) => this.#item(name, node))
			.sort((a, b) => (a.node < b.node ? -1 : 1));
		return { ...this.summary(now), items };
	}

	summary(now: number): ControlSummary {
		const complete = this.#endedAt !== null;
		const items = [...this.#nodes].map(([name, node]) => this.#item(name, node));
		const count = (state: NodeAnswers['state']) => items.filter((one) => one.state === state).length;
		return {
			method: this.#options.method,
			arguments: this.#options.arguments,
			sentAt: this.#sentAt,
			tookMs: Math.max(0, (this.#endedAt ?? now) - this.#sentAt),
			complete,
			receivers: this.#receivers,
			total: items.length,
			answered: count('answered') + count('stopped'),
			failed: count('failed'),
			silent: count('silent'),
			unreadable: this.#unreadable,
			notes: complete ? this.#notes(items) : [],
		};
	}

	/** How one node stands, for whoever follows. */
	item(name: string): NodeAnswers | null {
		const node = this.#nodes.get(name);
		return node === undefined ? null : this.#item(name, node);
	}

	/** Whether the request may be for somebody whom it does not expect. */
	#mayBeAsked(name: string): boolean {
		const { destination, pattern } = this.#options;
		if (destination !== null) return destination.includes(name);
		return pattern === null || pattern.matcher === 'pcre' || globPattern(pattern.text).test(name);
	}

	#hasAnswered(name: string): boolean {
		const node = this.#nodes.get(name);
		return node !== undefined && (node.stopped || node.answers.length > 0);
	}

	#item(name: string, { answers, stopped }: Node): NodeAnswers {
		if (stopped) return { node: name, state: 'stopped', answers, note: null };
		if (answers.length > 0) {
			const twice =
				answers.length > 1
					? `${answers.length} answers came under this name: several workers share it. Give each a name of its own (-n); until then every command reaches all of them, and their figures alternate.`
					: null;
			return { node: name, state: answers.some((one) => one.ok) ? 'answered' : 'failed', answers, note: twice };
		}
		if (this.#endedAt === null) return { node: name, state: 'asked', answers, note: null };
		return { node: name, state: 'silent', answers, note: this.#why(name) };
	}

	/** Why a node may not have answered. It never means that it is gone. */
	#why(name: string): string {
		const { known, method } = this.#options;
		const state = known.get(name);
		if (this.#receivers === 0) return 'Nobody received the request: no worker listens on this broker.';
		if (this.#cut === 'cancelled') {
			return 'The round was cancelled before it answered. A command may be carried out all the same.';
		}
		if (method === 'shutdown') {
			return 'It has not said yet that it ends: a warm shutdown waits for running tasks. "worker list" shows it as stopped once it has.';
		}
		if (this.#cut === 'deaf') {
			return 'Its answer may have been lost: the connection to the broker broke while answers were waited for. Ask again; a command may have been carried out.';
		}
		switch (state) {
			case 'online':
			case 'late':
				return 'It lives, by its heartbeats, and did not answer in time: a solo pool cannot answer while it runs a task, remote control may be switched off there (worker_enable_remote_control), or it lost its ear for commands after a reconnect and needs a restart. A command may still be carried out later.';
			case 'lost':
				return 'It was silent before as well: see "worker list" for since when.';
			case 'stopped':
				return 'It said before that it ended.';
			case undefined:
				return 'No worker of this name was ever heard here. Check its spelling, as in name@host.';
		}
	}

	#notes(items: readonly NodeAnswers[]): readonly string[] {
		const { method, pattern } = this.#options;
		const notes: string[] = [];
		const answered = items.some((one) => one.answers.length > 0 || one.state === 'stopped');
		const silent = items.some((one) => one.state === 'silent');
		if (this.#cut === 'cancelled') {
			notes.push('It was cancelled after it had been sent: who is silent may answer, and act, all the same.');
		} else if (this.#cut === 'deaf' && method !== 'shutdown' && this.#receivers !== 0) {
			notes.push(
				silent || items.length === 0
					? 'The connection to the broker broke while answers were waited for: some may have been lost, and who is silent may have answered. Ask again.'
					: 'The connection to the broker broke while answers were waited for: more may have been lost.',
			);
		} else if (!answered && method !== 'shutdown') {
			notes.push(
				this.#receivers === 0
					? 'Nobody received it: no worker listens for commands on this broker (or its control_exchange is another one).'
					: pattern !== null && items.length === 0
						? `No worker whose name matches ${pattern.text} answered.`
						: 'Nobody answered in time. That is not "gone": "worker list" tells who is heard of.',
			);
		}
		const missing = this.#receivers === null || this.#options.pattern !== null ? 0 : this.#receivers - this.#answers;
		if (
			answered &&
			missing > 0 &&
			this.#cut !== 'cancelled' &&
			this.#options.destination === null &&
			method !== 'shutdown'
		) {
			notes.push(`${this.#receivers} processes received it, ${this.#answers} answered.`);
		}
		if (this.#unreadable > 0) {
			notes.push(`${this.#unreadable} answers could not be read; "monitor unreadable" shows them.`);
		}
		const effect = EFFECTS[method];
		if (effect !== undefined && answered) notes.push(effect);
		return notes;
	}
}

/** What a command's own answer does not tell. */
const EFFECTS: Readonly<Record<string, string>> = {
	revoke:
		'Workers keep revoked ids in memory: a worker that starts later learns them from others that run, and without --statedb all is forgotten once the last one ends. A revoked task that waits stays in its queue until a worker takes it and throws it away.',
	revoke_by_stamped_headers:
		'Workers keep revoked stamps in memory: without --statedb they are forgotten once the last worker ends.',
	rate_limit: 'It holds until the worker restarts. Tasks that wait for their turn are held by the worker, in no list.',
	// Seen with 5.2, whose requests take the limits that their worker read when it connected.
	time_limit:
		'Not all versions work by it at once: a worker of Celery 5.2 answers that it is set, and goes on with the limits it read when it connected to the broker.',
	disable_events:
		'A worker that was started with -E goes on sending events of tasks whatever it answers; "worker list" shows what is heard.',
	cancel_consumer:
		'Messages that a worker had taken already still run. Without any worker on it the queue waits; add_consumer resumes it.',
	pool_grow: 'It holds until the worker restarts.',
	pool_shrink: 'It holds until the worker restarts.',
};

function expectedOf({ destination, pattern, known }: RoundOptions): ReadonlySet<string> {
	if (destination !== null) return new Set(destination);
	const alive = [...known].filter(([, state]) => state === 'online' || state === 'late').map(([name]) => name);
	// Celery matches with Python's own patterns: what ours says of a name is a guess, so nobody is expected by them but by globs.
	if (pattern === null) return new Set(alive);
	if (pattern.matcher === 'pcre') return new Set();
	const fits = globPattern(pattern.text);
	return new Set(alive.filter((name) => fits.test(name)));
}

/** Python's fnmatch as an expression. */
export function globPattern(glob: string): RegExp {
	let source = '';
	for (let at = 0; at < glob.length; at += 1) {
		const char = glob[at] ?? '';
		if (char === '*') source += '.*';
		else if (char === '?') source += '.';
		else if (char === '[') {
			const end = glob.indexOf(']', at + (glob[at + 1] === '!' || glob[at + 1] === ']' ? 2 : 1));
			if (end === -1) source += '\\[';
			else {
				const inner = glob.slice(at + 1, end).replaceAll(/[\\\]^]/g, '\\$&');
				source += `[${inner.startsWith('!') ? `^${inner.slice(1)}` : inner}]`;
				at = end;
			}
		} else source += char.replace(/[\\^$.|+(){}]/, '\\$&');
	}
	try {
		return new RegExp(`^${source}$`, 's');
	} catch {
		// A range that runs backwards matches nothing, as in Python.
		return /(?!)/;
	}
}
