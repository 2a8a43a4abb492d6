/** All that was told about a message's task, as it is kept: its facts, each once, and what it was called with. */
import { byTime, factKey, type ObservedCall, type TaskFact } from '#main/domain/observed.ts';

export interface ObservedLog {
	readonly facts: readonly TaskFact[];
	/** Facts that were left out, because there were too many. */
	readonly dropped: number;
	/** Of what it was called with, where this is from. */
	readonly call: Omit<ObservedCall, 'call' | 'argsJson' | 'kwargsJson'> | null;
}

export const EMPTY_LOG: ObservedLog = { facts: [], dropped: 0, call: null };

/** Facts kept per message: far more than any task that does not report its own progress has. */
export const MOST_FACTS = 1_000;

/** A log with further facts; null: nothing of it is news. `called`: what it was called with is better known now. */
export function grown(
	log: ObservedLog,
	facts: readonly TaskFact[],
	call: ObservedCall | null,
): { readonly log: ObservedLog; readonly called: boolean } | null {
	const fresh = news(log.facts, facts);
	const called = call !== null && better(call, log.call);
	if (fresh.length === 0 && !called) return null;
	const all = [...log.facts, ...fresh];
	const over = all.length - MOST_FACTS;
	const { call: _call, argsJson: _args, kwargsJson: _kwargs, ...told } = call ?? NO_CALL;
	return {
		log: {
			facts: over > 0 ? thinned(all, over) : all,
			dropped: log.dropped + Math.max(0, over),
			call: called ? told : log.call,
		},
		called,
	};
}

const NO_CALL: ObservedCall = {
	name: null,
	argsText: null,
	kwargsText: null,
	call: null,
	argsJson: null,
	kwargsJson: null,
	rootId: null,
	parentId: null,
	retries: 0,
	at: 0,
};

function news(known: readonly TaskFact[], facts: readonly TaskFact[]): readonly TaskFact[] {
	const keys = new Set(known.map(factKey));
	return facts.filter((fact) => {
		const key = factKey(fact);
		if (keys.has(key)) return false;
		keys.add(key);
		return true;
	});
}

/** Whether one telling is to be preferred, whichever came first: with arguments, then the earliest. */
function better(one: ObservedCall, other: ObservedLog['call']): boolean {
	if (other === null) return true;
	const rank = (call: NonNullable<ObservedLog['call']>) => [
		call.name === null ? 1 : 0,
		call.argsText === null ? 1 : 0,
		call.retries,
		call.at,
	];
	const [mine, theirs] = [rank(one), rank(other)];
	for (const [at, value] of mine.entries()) {
		const against = theirs[at] ?? 0;
		if (value !== against) return value < against;
	}
	return false;
}

/** Without so many facts: the application's own go first, then the oldest. */
function thinned(facts: readonly TaskFact[], over: number): readonly TaskFact[] {
	const order = [...facts].sort((a, b) => Number(b.kind === 'custom') - Number(a.kind === 'custom') || byTime(a, b));
	const gone = new Set(order.slice(0, over));
	return facts.filter((fact) => !gone.has(fact));
}
