/** What came of asking or telling workers something. JSON-safe; times are epoch ms by our clock. */

/** One answer of one process. */
export interface WorkerAnswer {
	readonly at: number;
	/** Since the request went out. */
	readonly tookMs: number;
	/** False: the worker refused, or failed at it. */
	readonly ok: boolean;
	/** What it says in words, where it does: of an error, with what to do; never to be parsed. */
	readonly words: string | null;
	/** Its value as JSON text, with every digit. NaN and the infinities stand bare in it, as Python writes them. */
	readonly json: string;
}

/**
 * asked: no answer yet. silent: it did not answer in time, which is not "gone". stopped: it said that it ends (after `shutdown`).
 */
export type NodeState = 'asked' | 'answered' | 'failed' | 'silent' | 'stopped';

/** A node and what it answered. */
export interface NodeAnswers {
	readonly node: string;
	readonly state: NodeState;
	/** More than one: several processes share the name. */
	readonly answers: readonly WorkerAnswer[];
	/** Of a silent one: why that may be. Of one that answered twice: what that means. */
	readonly note: string | null;
}

/** How a request went, so far or in the end, without the answers. */
export interface ControlSummary {
	readonly method: string;
	/** The arguments as they were sent. */
	readonly arguments: Readonly<Record<string, unknown>>;
	readonly sentAt: number;
	readonly tookMs: number;
	/** Everybody's answers are there, or waiting has ended. */
	readonly complete: boolean;
	/** How many got the request, where the broker tells (Redis; on RabbitMQ 0 for nobody); null: cannot tell. */
	readonly receivers: number | null;
	/** Nodes that answered or are expected to. */
	readonly total: number;
	readonly answered: number;
	readonly failed: number;
	readonly silent: number;
	/** Answers that could not be read: `monitor.unreadable` shows them. */
	readonly unreadable: number;
	/** What a person should know about this, in words. */
	readonly notes: readonly string[];
}

/** The same with every node's answers, by name. */
export interface ControlOutcome extends ControlSummary {
	readonly items: readonly NodeAnswers[];
}

/** A task that was to be revoked, and what workers said of it just before. */
export interface RevokedTask {
	readonly id: string;
	/** active: it ran. reserved: a worker had taken it and it waited there. ready: it had ended. null: no worker knew it. */
	readonly where: string | null;
	readonly node: string | null;
	readonly name: string | null;
}
