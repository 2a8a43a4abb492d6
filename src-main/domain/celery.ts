/** What a Celery message says beside its task and arguments. JSON-safe, so that it crosses the wire as it is. */
import type { FieldTable } from './message.ts';
import type { CallArguments, Value } from './value.ts';

/** A task to be called later: in a chain, as a callback, as the body of a chord. */
export interface CelerySignature {
	/** Empty where the signature names none. */
	readonly task: string;
	readonly call: CallArguments;
	/** `queue`, `task_id`, `link_error` …, as they were written. */
	readonly options: readonly (readonly [string, Value])[];
	/** `chain`, `group`, `chord` for those; null for a task. */
	readonly subtaskType: string | null;
	/** Does not take its parent's result as first argument. */
	readonly immutable: boolean;
}

/** How the body was packed. */
export interface CeleryBody {
	readonly contentType: string;
	readonly contentEncoding: string | null;
	/** Content type of the compression; null: none. */
	readonly compression: string | null;
	/** The body is signed (`application/data`); Warren has no certificates to check it with. */
	readonly signed: 'not-checked' | null;
}

/** One Celery message of protocol 1 or 2. Null: it does not say. */
export interface CeleryMessage {
	readonly protocol: 1 | 2;
	readonly id: string;
	readonly retries: number | null;
	/** As the message holds them: ISO 8601. */
	readonly eta: string | null;
	readonly expires: string | null;
	readonly group: string | null;
	readonly groupIndex: number | null;
	readonly rootId: string | null;
	readonly parentId: string | null;
	/** Seconds. */
	readonly timeLimits: { readonly hard: number | null; readonly soft: number | null };
	readonly shadow: string | null;
	/** Who sent it: `gen4711@host`. */
	readonly origin: string | null;
	readonly replyTo: string | null;
	/** True and false override the task's own setting. */
	readonly ignoreResult: boolean | null;
	/** The arguments as the sender printed them for events; cut, hidden or whole. */
	readonly argsRepr: string | null;
	readonly kwargsRepr: string | null;
	/** Headers that are not Celery's own. */
	readonly custom: FieldTable;
	readonly callbacks: readonly CelerySignature[];
	readonly errbacks: readonly CelerySignature[];
	/** The rest of the chain, next one first. */
	readonly chain: readonly CelerySignature[];
	/** What runs when the whole group is done. */
	readonly chord: CelerySignature | null;
	readonly body: CeleryBody;
	/** What a worker would refuse the message for, or what else is odd about it, in words. */
	readonly doubts: readonly string[];
}

/** One thing that is known of a task beside its name and arguments, and from where. */
export interface CeleryFact {
	/** As Celery calls it: `root_id`, `eta`, `timelimit` … */
	readonly name: string;
	readonly value: string;
	/** message: the kept message of its newest attempt that has one. event: what was told of it. */
	readonly source: 'message' | 'event';
}
