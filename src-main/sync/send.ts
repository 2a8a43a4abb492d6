/** Sends waiting edits to their book, one by one, so that a break at any moment leaves each of them sent, not sent, or marked as unknown. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { Failure, Result } from '#main/domain/result.ts';
import type {
	BookEntry,
	BookWrite,
	ScheduleChange,
	ScheduleDefinition,
	SyncItem,
	WriteOutcome,
} from '#main/domain/schedule.ts';
import type { ExpectedChange, ScheduleStep } from '#main/store/store.ts';
import { sameDefinitions } from './meaning.ts';
import { type Meeting, meet } from './meet.ts';
import { pastStep, whatBecame } from './past.ts';
import { changedBy, moved, type Sending, settling, take } from './plan.ts';
import type { SyncBook } from './ports.ts';

/** What a sync does to the world. A dry run has one that only pretends. */
export interface Desk {
	commit(expected: readonly ExpectedChange[], steps: readonly ScheduleStep[]): Promise<boolean>;
	change(key: string): Promise<ScheduleChange | null>;
	get(key: string): Promise<Result<BookEntry | null>>;
	write(write: BookWrite): Promise<Result<WriteOutcome>>;
}

/** One sync under way. */
export interface SendRun {
	readonly profile: ProfileId;
	readonly book: Pick<SyncBook, 'kind' | 'check'>;
	readonly desk: Desk;
	readonly now: () => number;
	/** What the book has, by key, as far as it was read; kept up to date. */
	readonly theirs: Map<string, BookEntry>;
	/** Who has a name, by name, as far as it was read; kept up to date. */
	readonly names: Map<string, string>;
	/** What came of each schedule so far, by the key that it had when it was looked at. */
	readonly items: Map<string, SyncItem>;
	/** Why to stop before the next write; null: go on. */
	readonly stopped: () => string | null;
	readonly onSent: () => void;
}

/** How often one edit is merged and sent again when somebody else writes at the same time. */
const MOST_TRIES = 5;
/** So many refusals in a row are about the connection, such as a login that ended, and not about the edits. */
const MOST_REFUSALS = 5;

type Sent =
	| { readonly kind: 'done' }
	| { readonly kind: 'refused'; readonly failure: Failure | null }
	| { readonly kind: 'stopped'; readonly note: string };

/**
 * Sends edits in this order, but one that wants a name after the one that gives it up. Null when all were taken care of, else why it
 * stopped; what was not reached is told as waiting.
 */
export async function sendAll(run: SendRun, sendings: readonly Sending[]): Promise<string | null> {
	const queue = new Map(sendings.map((sending) => [sending.change.key, sending]));
	/** Edits that wait for a name, by the key that has it; and the keys of those edits. */
	const waiters = new Map<string, Sending[]>();
	const waiting = new Set<string>();
	let deferring = true;
	let refusals = 0;
	let note: string | null = null;
	while (note === null) {
		const next = queue.entries().next().value ?? null;
		if (next === null) {
			if (waiters.size === 0) break;
			// A ring of names that each wait for another: nobody begins, so the book says no.
			for (const one of [...waiters.values()].flat()) queue.set(one.change.key, one);
			waiters.clear();
			deferring = false;
			continue;
		}
		const [key, sending] = next;
		queue.delete(key);
		const holder = deferring ? holderOf(run, sending.change) : null;
		if (holder !== null && (givesUpName(run, queue.get(holder)) || waiting.has(holder))) {
			const others = waiters.get(holder);
			if (others === undefined) waiters.set(holder, [sending]);
			else others.push(sending);
			waiting.add(key);
			continue;
		}
		note = run.stopped();
		if (note !== null) {
			queue.set(key, sending);
			break;
		}
		const sent = await sendOne(run, sending);
		refusals = sent.kind === 'refused' && sent.failure?.code === 'refused' ? refusals + 1 : 0;
		if (sent.kind === 'stopped') note = sent.note;
		else if (refusals >= MOST_REFUSALS && sent.kind === 'refused') note = sent.failure?.message ?? null;
		for (const one of waiters.get(key) ?? []) {
			queue.set(one.change.key, one);
			waiting.delete(one.change.key);
		}
		waiters.delete(key);
		run.onSent();
	}
	for (const { change } of [...queue.values(), ...[...waiters.values()].flat()]) {
		tell(run, change, { outcome: 'waiting', fields: [], resumed: null, message: null });
	}
	return note;
}

function holderOf({ names }: SendRun, { key, mine }: ScheduleChange): string | null {
	const holder = mine === null ? undefined : names.get(mine.name);
	return holder === undefined || holder === key ? null : holder;
}

function givesUpName({ theirs }: SendRun, sending: Sending | undefined): boolean {
	if (sending === undefined) return false;
	const { key, mine } = sending.change;
	return mine === null || mine.name !== theirs.get(key)?.definition.name;
}

async function sendOne(run: SendRun, sending: Sending): Promise<Sent> {
	let { change, merged, notes } = sending;
	const { resumed } = sending;
	for (let tries = 0; tries < MOST_TRIES; tries += 1) {
		const problems = change.mine === null ? [] : run.book.check(change.mine);
		if (problems.length > 0) {
			const words = problems.map(({ message }) => message).join(' ');
			return refuse(run, change, words, resumed, null);
		}
		const under: ScheduleChange = {
			...change,
			sending: { at: run.now(), definition: change.mine },
			problem: null,
		};
		if (!(await run.desk.commit([expected(change)], [{ kind: 'change', change: under }]))) {
			// Somebody edited it here in the meantime: judge it anew, as it is now.
			const again = await rejudge(run, change.key);
			if (again === null) return { kind: 'done' };
			({ change, merged, notes } = again);
			continue;
		}
		const answer = await run.desk.write(writeOf(change));
		if (!answer.ok) return failed(run, under, answer.error, resumed);
		const outcome = answer.value;
		if (outcome.kind === 'name-taken') return nameTaken(run, under, outcome.by, resumed);
		const next =
			outcome.kind === 'written'
				? await written(run, under, outcome.entry, { ...sending, merged, notes })
				: await changedThere(run, under, outcome.current, resumed);
		if (next === null) return { kind: 'done' };
		({ change, notes } = next);
		merged = next.merged || (merged && outcome.kind === 'changed');
	}
	if (!run.items.has(change.key)) {
		const message = 'Others change it all the time. The next sync tries again.';
		tell(run, change, { outcome: 'waiting', fields: [], resumed, message });
	}
	return { kind: 'done' };
}

function writeOf({ kind, key, mine, baseVersion }: ScheduleChange): BookWrite {
	const expect = baseVersion ?? '';
	if (mine === null) return { kind: 'remove', key, expect };
	return kind === 'create' ? { kind, key, definition: mine } : { kind: 'change', key, expect, definition: mine };
}

function expected(change: ScheduleChange): ExpectedChange {
	return { book: change.book, key: change.key, change };
}

/** Commits what is decided about the edit as the store has it, deciding anew when somebody edited it in between. Null: it is gone. */
async function amend<T>(
	run: SendRun,
	known: ScheduleChange,
	decide: (change: ScheduleChange) => { readonly steps: readonly ScheduleStep[]; readonly value: T },
): Promise<T | null> {
	let change: ScheduleChange | null = known;
	while (change !== null) {
		const { steps, value } = decide(change);
		if (await run.desk.commit([expected(change)], steps)) return value;
		change = await run.desk.change(known.key);
	}
	return null;
}

/** An edit that was edited here before it was sent. Null: there is nothing left to send. */
async function rejudge(run: SendRun, key: string): Promise<Sending | null> {
	const change = await run.desk.change(key);
	if (change === null) return null;
	const theirs = run.theirs.get(key) ?? null;
	return judged(run, change, theirs, theirs, (one) => one);
}

/** The book has it. What was edited here while it was on its way is left to be sent. */
async function written(
	run: SendRun,
	under: ScheduleChange,
	entry: BookEntry | null,
	{ merged, notes, resumed }: Sending,
): Promise<Sending | null> {
	const { profile } = run;
	const { book, key: from } = under;
	const key = entry?.key ?? from;
	// What was made anew replaced nothing: where names are keys, another one may have taken the key that it had here.
	const before = under.kind === 'create' ? null : (run.theirs.get(from)?.definition ?? null);
	const after = entry?.definition ?? null;
	const past = pastStep({ profile, book, key }, run.now(), {
		by: merged ? 'merge' : 'here',
		what: whatBecame(before, after),
		before,
		after,
		note: notes.length === 0 ? null : notes.join(' '),
	});
	const kept: readonly ScheduleStep[] = [
		...(key === from ? [] : leaving(run, under, key, before !== null)),
		entry === null ? { kind: 'gone', book, key } : { kind: 'entry', book, entry, seenAt: run.now() },
		past,
	];
	const free = key === from || (await run.desk.change(key)) === null;
	const met = await amend<Meeting | null>(run, under, (change) => {
		const value = meet(free ? { ...change, key } : change, entry, run.now(), true);
		return { steps: [...kept, ...settling(change, key, value)], value };
	});
	// Somebody else has settled it meanwhile; what was written is true all the same.
	if (met === null) await run.desk.commit([], kept);
	if (under.kind !== 'create') forget(run, from);
	if (entry !== null) remember(run, entry);
	const fields = after === null ? [] : changedBy(before, after);
	const name = (after ?? before ?? under.mine)?.name ?? '';
	run.items.set(from, {
		book,
		key,
		name,
		outcome: merged ? 'merged' : 'sent',
		fields,
		resumed,
		message: notes.length === 0 ? null : notes.join(' '),
		...(key === from ? {} : { formerKey: from }),
	});
	return met?.kind === 'waits' && met.change !== null ? { ...met, change: met.change } : null;
}

/** The edit's schedule goes on under another key. A key that is another schedule's by now keeps its entry, its past and its runs. */
function leaving(
	{ theirs }: SendRun,
	{ book, key, kind }: ScheduleChange,
	to: string,
	stored: boolean,
): readonly ScheduleStep[] {
	return kind === 'create' && theirs.has(key) ? [{ kind: 'settled', book, key }] : moved(book, key, to, stored, true);
}

/** Somebody wrote between our reading and our writing, and nothing of ours was written: receive that, and merge again. */
async function changedThere(
	run: SendRun,
	under: ScheduleChange,
	current: BookEntry | null,
	resumed: SyncItem['resumed'],
): Promise<Sending | null> {
	const before = run.theirs.get(under.key) ?? null;
	forget(run, under.key);
	if (current !== null) remember(run, current);
	const again = await judged(run, under, current, before, (change) => ({ ...change, sending: null }));
	return again === null ? null : { ...again, resumed };
}

/** Judges the edit (`as` it is to be taken) against what the book has, and keeps what comes of it. Null: nothing is left to send. */
async function judged(
	run: SendRun,
	known: ScheduleChange,
	theirs: BookEntry | null,
	stored: BookEntry | null,
	as: (change: ScheduleChange) => ScheduleChange,
): Promise<Sending | null> {
	const { profile, book, now } = run;
	const taken = await amend(run, known, (change) => {
		const sight = { key: known.key, theirs, stored, change: as(change), from: null, broken: null };
		const value = take(sight, { profile, book: book.kind, first: false, now: now() }, change);
		return { steps: value.steps, value };
	});
	if (taken?.item != null) run.items.set(known.key, taken.item);
	return taken?.send ?? null;
}

async function nameTaken(run: SendRun, under: ScheduleChange, by: string, resumed: SyncItem['resumed']): Promise<Sent> {
	const { mine, book, key } = under;
	const holder = mine === null ? by : (run.names.get(mine.name) ?? by);
	const other = run.theirs.get(holder) ?? (await lookUp(run, holder));
	const alike = under.kind === 'create' && mine !== null && other !== null && sameDefinitions(mine, other.definition);
	if (alike && (await run.desk.change(other.key)) === null) {
		const steps: readonly ScheduleStep[] = [
			...leaving(run, under, other.key, false),
			{ kind: 'entry', book, entry: other, seenAt: run.now() },
		];
		const nobody = { book, key: other.key, change: null };
		if (await run.desk.commit([expected(under), nobody], steps)) {
			remember(run, other);
			const message = 'The same was made elsewhere.';
			run.items.set(key, {
				...{ book, key: other.key, name: other.definition.name, outcome: 'received', fields: [] },
				...{ resumed, message, formerKey: key },
			});
			return { kind: 'done' };
		}
	}
	const words =
		under.kind === 'create'
			? `The book has another schedule "${mine?.name}". Rename this one, or take that one over: then these values become an edit of it.`
			: `The book has another schedule "${mine?.name}". Give this one another name, or rename that one first.`;
	return refuse(run, under, words, resumed, null);
}

async function lookUp(run: SendRun, key: string): Promise<BookEntry | null> {
	const found = await run.desk.get(key);
	return found.ok ? found.value : null;
}

async function failed(
	run: SendRun,
	under: ScheduleChange,
	failure: Failure,
	resumed: SyncItem['resumed'],
): Promise<Sent> {
	if (failure.details?.sent === true) {
		const message = 'It was sent, but no answer came. The next sync finds out whether it arrived.';
		tell(run, under, { outcome: 'waiting', fields: [], resumed, message });
		return { kind: 'stopped', note: failure.message };
	}
	if (!failure.retryable && failure.code !== 'cancelled') return refuse(run, under, failure.message, resumed, failure);
	await unsend(run, under, null);
	tell(run, under, { outcome: 'waiting', fields: [], resumed, message: null });
	return { kind: 'stopped', note: failure.message };
}

async function refuse(
	run: SendRun,
	change: ScheduleChange,
	words: string,
	resumed: SyncItem['resumed'],
	failure: Failure | null,
): Promise<Sent> {
	await unsend(run, change, words);
	tell(run, change, { outcome: 'refused', fields: [], resumed, message: words });
	return { kind: 'refused', failure };
}

/** Nothing was written, and that is certain. */
async function unsend(run: SendRun, known: ScheduleChange, problem: string | null): Promise<void> {
	await amend(run, known, (change) => ({
		steps: [{ kind: 'change', change: { ...change, sending: null, problem } }],
		value: null,
	}));
}

function forget(run: SendRun, key: string): void {
	const before = run.theirs.get(key)?.definition.name;
	if (before !== undefined && run.names.get(before) === key) run.names.delete(before);
	run.theirs.delete(key);
}

function remember(run: SendRun, entry: BookEntry): void {
	run.theirs.set(entry.key, entry);
	run.names.set(entry.definition.name, entry.key);
}

function tell(
	run: SendRun,
	{ book, key, mine, base }: ScheduleChange,
	facts: Pick<SyncItem, 'outcome' | 'fields' | 'resumed' | 'message'>,
): void {
	const definition: ScheduleDefinition | null = mine ?? base;
	run.items.set(key, { book, key, name: definition?.name ?? '', ...facts });
}
