/**
 * Where the arguments of tasks are from whose message is not kept, most certain first: workers that have them, the result backend, and
 * what events printed of them where that can have been nothing else. Asked for many at once, never for each.
 */
import { argumentsOfRepr } from '#main/dialects/python/repr-arguments.ts';
import { repairOfRepr } from '#main/dialects/python/repr-repair.ts';
import type { ArgumentRepair, ArgumentSource } from '#main/domain/action.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { Result } from '#main/domain/result.ts';
import type { PrintedArguments, TaskState } from '#main/domain/task.ts';
import type { CallArguments } from '#main/domain/value.ts';

/** A task's call as somebody told it. */
export interface ToldArguments {
	readonly call: CallArguments;
	/** Null: not told. */
	readonly name: string | null;
	readonly queue: string | null;
}

/** Whom one can ask for arguments, by the ids of messages; who knows nothing of one leaves it out. */
export interface ArgumentDoors {
	workers(ids: readonly string[]): Promise<Result<ReadonlyMap<string, ToldArguments>>>;
	/** Null: the deployment keeps no results that can be read. */
	readonly results: ((ids: readonly string[]) => Promise<Result<ReadonlyMap<string, ToldArguments>>>) | null;
}

/** A task whose arguments are looked for. */
export interface Wanted {
	readonly id: TaskId;
	readonly state: TaskState;
	/** Of its newest attempt. */
	readonly messageId: string;
	readonly printed: PrintedArguments | null;
}

export type FoundArguments =
	| ({ readonly kind: 'found'; readonly source: ArgumentSource } & ToldArguments)
	/** `cause`: the same words for all that are refused for this; `reason`: of this one. */
	| {
			readonly kind: 'refused';
			readonly cause: string;
			readonly reason: string;
			readonly repair: ArgumentRepair | null;
	  };

/** Tasks that workers are asked about in one change: one question holds them all, and its answers bring every argument. */
export const MOST_ASKED = 500;
/** A worker lets go of a task that has ended; one of these it may still hold. */
const HELD: ReadonlySet<TaskState> = new Set(['running', 'retrying', 'revoked', 'lost']);
const WAY_OUT = 'give them with --args and --kwargs';

/** Looks for arguments in the course of one change. */
export class ArgumentSearch {
	readonly #doors: ArgumentDoors | null;
	#left = MOST_ASKED;
	#unread: string | null = null;

	constructor(doors: ArgumentDoors | null) {
		this.#doors = doors;
	}

	/** Why results could not be read; null: they could, or nobody tried. */
	get trouble(): string | null {
		return this.#unread;
	}

	/** What was found of each. */
	async find(wanted: readonly Wanted[]): Promise<ReadonlyMap<TaskId, FoundArguments>> {
		const found = new Map<TaskId, FoundArguments>();
		const take = (source: ArgumentSource, told: ReadonlyMap<string, ToldArguments>) => {
			for (const { id, messageId } of wanted) {
				const one = found.has(id) ? undefined : told.get(messageId);
				if (one !== undefined) found.set(id, { kind: 'found', source, ...one });
			}
		};
		const held = wanted.filter(({ state, messageId }) => HELD.has(state) && messageId !== '').slice(0, this.#left);
		if (this.#doors !== null && held.length > 0) {
			// One question a change: who is silent is waited for once.
			this.#left = 0;
			const told = await this.#doors.workers(held.map(({ messageId }) => messageId));
			if (told.ok) take('worker', told.value);
		}
		const rest = wanted.filter(({ id, messageId }) => !found.has(id) && messageId !== '');
		const results = this.#doors?.results ?? null;
		// A backend that does not answer is not tried again for the next ones.
		if (results !== null && rest.length > 0 && this.#unread === null) {
			const told = await results(rest.map(({ messageId }) => messageId));
			if (told.ok) take('result', told.value);
			else this.#unread = told.error.message;
		}
		for (const one of wanted) if (!found.has(one.id)) found.set(one.id, this.#printed(one));
		return found;
	}

	#printed({ printed }: Wanted): FoundArguments {
		const unread = this.#unread === null ? '' : ` (its result could not be read: ${this.#unread})`;
		if (printed === null) {
			const cause = 'its message was not kept, and nothing tells its arguments';
			return { kind: 'refused', cause, reason: `${cause}${unread}; ${WAY_OUT}`, repair: null };
		}
		const read = argumentsOfRepr(printed.args ?? '', printed.kwargs ?? '');
		if (read.ok) return { kind: 'found', source: 'event', call: read.value, name: null, queue: null };
		const repair = repairOfRepr(printed.args, printed.kwargs);
		const cause = 'its message was not kept, and what events printed of its arguments is not certain';
		return {
			kind: 'refused',
			cause,
			reason: `its message was not kept${unread}, and what events printed of its arguments is not certain: ${repair.words}. Check them, and ${WAY_OUT}`,
			repair,
		};
	}
}

/** The sources by their certainty, each with its count; those of none left out. */
export function countSources(
	counts: ReadonlyMap<ArgumentSource, number>,
): readonly { readonly source: ArgumentSource; readonly count: number }[] {
	const order: readonly ArgumentSource[] = ['given', 'message', 'worker', 'result', 'event'];
	return order.map((source) => ({ source, count: counts.get(source) ?? 0 })).filter(({ count }) => count > 0);
}
