/**
 * A task's runs from what was told about it. All facts are looked at anew whenever one comes, so neither their order nor how often
 * they come matters. Few facts say which run they are about: `sent` and `received` count the retries, the others are found by who
 * told them and when.
 */
import { byTime, FROM_RESULT, FROM_WORKER, NO_WORKER, type TaskFact } from '#main/domain/observed.ts';
import type { AttemptCause, TaskState } from '#main/domain/task.ts';

/** One run of a task, as told. */
export interface ObservedRun {
	/** Retries that led to it; of a run whose beginning was missed, the likely number. */
	readonly retries: number;
	readonly cause: AttemptCause;
	readonly state: TaskState;
	readonly sent: TaskFact | null;
	readonly received: TaskFact | null;
	readonly started: TaskFact | null;
	/** What decides its state, once it is over. */
	readonly ending: TaskFact | null;
	readonly worker: string | null;
}

interface Draft {
	/** Null: its beginning was missed. */
	retries: number | null;
	sent: TaskFact | null;
	received: TaskFact | null;
	started: TaskFact | null;
	endings: TaskFact[];
	/** Who runs it, as far as known. */
	host: string | null;
	pid: number | null;
	clock: number | null;
	/** When it was first heard of. */
	at: number;
	/** Something happened to it, although nobody told that it began. */
	touched: boolean;
}

/** Endings by weight: of two for one run (revoked, and done all the same) the first here is the state; both stay among the facts. */
const WEIGHT: readonly TaskFact['kind'][] = ['succeeded', 'failed', 'revoked', 'rejected', 'retried'];
/** States by weight, for runs of one message that was handed out more than once. */
const STATES: readonly TaskState[] = [
	'succeeded',
	'failed',
	'revoked',
	'running',
	'queued',
	'rejected',
	'retrying',
	'lost',
];

/**
 * The runs, in the order in which history shows them: by retries, then by time; the one that decides the task's state stands last.
 */
export function runsOf(facts: readonly TaskFact[]): readonly ObservedRun[] {
	const sorted = needed(facts).sort(byTime);
	const drafts = opened(sorted);
	for (const fact of sorted) if (fact.kind !== 'sent' && fact.kind !== 'received') attach(drafts, fact);
	number(drafts);
	const shown = visible(drafts);
	shown.sort((a, b) => (a.retries ?? 0) - (b.retries ?? 0) || a.at - b.at);
	const runs = shown.map((draft, at) => runOf(draft, shown[at - 1]));
	return headlineLast(runs);
}

/** A worker's clock against itself: its answers and its events tell of one moment by different roads. In ms. */
const SAME_MOMENT_MS = 1_000;

/**
 * Without what a worker answered about a run whose beginning it told by an event as well, be that event on its way when the worker was
 * asked: two beginnings would be two runs.
 */
function needed(facts: readonly TaskFact[]): TaskFact[] {
	return facts.filter((fact) => {
		if (!fact.type.startsWith(FROM_WORKER)) return true;
		return !facts.some(
			(other) =>
				!other.type.startsWith(FROM_WORKER) &&
				other.host === fact.host &&
				(fact.kind === 'received'
					? other.kind !== 'sent' && other.kind !== 'custom'
					: other.kind === 'received'
						? other.at <= fact.at + SAME_MOMENT_MS
						: other.kind === 'started' && Math.abs(other.at - fact.at) <= SAME_MOMENT_MS),
		);
	});
}

/** Runs that were told to begin: the nth delivery of a message belongs to the nth time it was sent. */
function opened(sorted: readonly TaskFact[]): Draft[] {
	const drafts: Draft[] = [];
	const of = (kind: TaskFact['kind']) => {
		const found = new Map<number, TaskFact[]>();
		for (const fact of sorted) {
			if (fact.kind !== kind) continue;
			const retries = fact.retries ?? 0;
			const some = found.get(retries);
			if (some === undefined) found.set(retries, [fact]);
			else some.push(fact);
		}
		return found;
	};
	const sent = of('sent');
	const received = of('received');
	for (const retries of new Set([...sent.keys(), ...received.keys()])) {
		const publications = sent.get(retries) ?? [];
		const deliveries = received.get(retries) ?? [];
		for (let at = 0; at < Math.max(publications.length, deliveries.length); at += 1) {
			const delivery = deliveries[at] ?? null;
			const publication = publications[at] ?? null;
			drafts.push({
				retries,
				sent: publication,
				received: delivery,
				started: null,
				endings: [],
				host: delivery?.host ?? null,
				pid: delivery?.pid ?? null,
				clock: delivery?.clock ?? null,
				at: delivery?.at ?? publication?.at ?? 0,
				touched: false,
			});
		}
	}
	return drafts;
}

function attach(drafts: Draft[], fact: TaskFact): void {
	const run = runFor(drafts, fact);
	run.touched = true;
	if (fact.kind === 'custom') return;
	if (run.host === null && fact.host !== NO_WORKER) {
		run.host = fact.host;
		run.pid = fact.pid;
		run.clock = fact.clock;
	}
	if (fact.kind === 'started') run.started = fact;
	else run.endings.push(fact);
}

/** The run that a fact is about. */
function runFor(drafts: Draft[], fact: TaskFact): Draft {
	// A result says nothing of who ran it, or a name that events spell otherwise: it is the last word about the task.
	const kept = fact.type.startsWith(FROM_RESULT) ? ranFor(drafts, fact) : undefined;
	if (kept !== undefined) return kept;
	const there = within(
		drafts.filter((draft) => draft.host === fact.host && follows(fact, draft)),
		fact,
	);
	if (there !== undefined) return there;
	// Whoever revokes need not be who runs it, and an event of the application's own may come from anywhere.
	if (fact.kind === 'revoked' || fact.kind === 'custom') {
		const any = latest(drafts.filter((draft) => draft.at <= fact.at)) ?? drafts[0];
		if (any !== undefined) return any;
	} else {
		const waiting = drafts.find((draft) => draft.host === null);
		if (waiting !== undefined) return waiting;
	}
	const missed: Draft = {
		retries: null,
		sent: null,
		received: null,
		started: null,
		endings: [],
		host: fact.kind === 'custom' || fact.host === NO_WORKER ? null : fact.host,
		pid: fact.pid,
		clock: fact.clock,
		at: fact.at,
		touched: true,
	};
	drafts.push(missed);
	return missed;
}

/** The run that a result is of: the one with its number of retries, else the last; undefined: none was told of. */
function ranFor(drafts: readonly Draft[], fact: TaskFact): Draft | undefined {
	const same = fact.retries === undefined ? [] : drafts.filter((draft) => draft.retries === fact.retries);
	return latest(same.length > 0 ? same : drafts);
}

/** Which of the runs on a fact's own node it is about; undefined: one that nobody told of. */
function within(begun: readonly Draft[], fact: TaskFact): Draft | undefined {
	const last = latest(begun);
	if (fact.kind === 'custom' || last === undefined) return last;
	const open = begun.filter(
		(draft) => draft.endings.length === 0 && (fact.kind !== 'started' || draft.started === null),
	);
	// A retry's message may be there before the run that asked for it is told to be over: what ends, has begun.
	const begins = fact.kind === 'started' || (fact.kind === 'revoked' && fact.terminated !== true);
	const likely = open.filter((draft) => (draft.started === null) === begins);
	if (open.length > 0) return latest(likely.length > 0 ? likely : open);
	// Nothing follows a retry but the next run.
	if (fact.kind === 'started' || (fact.kind !== 'revoked' && endingOf(last)?.kind === 'retried')) return undefined;
	return last;
}

/** Whether a fact came after a run's beginning, by the wall clock or, should that have been set back, by the process's own. */
function follows(fact: TaskFact, draft: Draft): boolean {
	if (draft.at <= fact.at) return true;
	return fact.pid === draft.pid && fact.clock !== null && draft.clock !== null && draft.clock < fact.clock;
}

function latest(drafts: readonly Draft[]): Draft | undefined {
	return drafts.reduce<Draft | undefined>(
		(best, one) => (best === undefined || one.at >= best.at ? one : best),
		undefined,
	);
}

/** Gives runs whose beginning was missed their likely number of retries. */
function number(drafts: Draft[]): void {
	drafts.sort((a, b) => a.at - b.at);
	for (const [at, draft] of drafts.entries()) {
		if (draft.retries !== null) continue;
		const before = drafts[at - 1];
		const after = drafts.slice(at + 1).find((one) => one.retries !== null);
		if (before !== undefined) {
			draft.retries = (before.retries ?? 0) + (endingOf(before)?.kind === 'retried' ? 1 : 0);
		} else draft.retries = Math.max(0, (after?.retries ?? 0) - (endingOf(draft)?.kind === 'retried' ? 1 : 0));
	}
}

/** A retry that was sent and that no worker has yet is no run of its own beside the one that asked for it. */
function visible(drafts: readonly Draft[]): Draft[] {
	const begun = drafts.filter((draft) => draft.received !== null || draft.touched);
	return drafts.filter((draft) => {
		if (draft.received !== null || draft.touched) return true;
		return (draft.retries ?? 0) === 0 || !begun.some((other) => (other.retries ?? 0) < (draft.retries ?? 0));
	});
}

function runOf(draft: Draft, before: Draft | undefined): ObservedRun {
	const ending = endingOf(draft);
	return {
		retries: draft.retries ?? 0,
		cause: causeOf(draft, before),
		state:
			ending === null
				? draft.started !== null || (draft.touched && draft.received === null)
					? 'running'
					: 'queued'
				: STATE_OF[ending.kind],
		sent: draft.sent,
		received: draft.received,
		started: draft.started,
		ending,
		// A file that facts were taken from need not know who ran it.
		worker: draft.host === '' ? null : draft.host,
	};
}

function causeOf(draft: Draft, before: Draft | undefined): AttemptCause {
	if ((draft.retries ?? 0) > (before?.retries ?? 0)) return 'retried';
	if (before === undefined) return 'published';
	return draft.sent === null ? 'redelivered' : 'requeued';
}

function endingOf(draft: Draft): TaskFact | null {
	for (const kind of WEIGHT) {
		const found = draft.endings.find((fact) => fact.kind === kind);
		if (found !== undefined) return found;
	}
	return null;
}

const STATE_OF: Readonly<Record<TaskFact['kind'], TaskState>> = {
	sent: 'queued',
	received: 'queued',
	started: 'running',
	custom: 'running',
	succeeded: 'succeeded',
	failed: 'failed',
	retried: 'retrying',
	rejected: 'rejected',
	revoked: 'revoked',
};

/** Of the runs with the most retries, the one whose state weighs most decides; of equals the latest. */
function headlineLast(runs: readonly ObservedRun[]): readonly ObservedRun[] {
	const most = runs.at(-1)?.retries;
	const weight = (run: ObservedRun) => STATES.indexOf(run.state);
	let best: ObservedRun | undefined;
	for (const run of runs) {
		if (run.retries === most && (best === undefined || weight(run) <= weight(best))) best = run;
	}
	if (best === undefined || best === runs.at(-1)) return runs;
	return [...runs.filter((run) => run !== best), best];
}
