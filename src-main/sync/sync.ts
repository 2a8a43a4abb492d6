/** Syncing one book: reads it, receives what changed there, merges, and sends what waits here. */
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { type Failure, ok, type Result } from '#main/domain/result.ts';
import type {
	BookEntry,
	BookFact,
	BookWrite,
	BrokenEntry,
	ScheduleChange,
	SyncItem,
	SyncReport,
	WriteOutcome,
} from '#main/domain/schedule.ts';
import type { ExpectedChange, ScheduleStep } from '#main/store/store.ts';
import { sightsOf } from './look.ts';
import { type PlanFacts, type Sending, type Sight, type Taken, take } from './plan.ts';
import type { SyncTarget } from './ports.ts';
import { type Desk, type SendRun, sendAll } from './send.ts';

export interface SyncOptions {
	/** Only say what would be done: reads the book and changes nothing, here or there. */
	readonly dryRun?: boolean;
	/** Only these schedules. Few are asked for one by one; the book as a whole is then not marked as read. */
	readonly keys?: readonly string[];
	/** Whether edits that the book refused are sent again as they are; default true. What syncs by itself says false. */
	readonly refusedAgain?: boolean;
	/** Takes in what the book has and sends nothing; says why, for whoever reads the report. */
	readonly receiveOnly?: string;
	/** Stops before the next write. */
	readonly signal?: AbortSignal;
	/** Edits taken care of, of all that are to be sent. */
	readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** So many schedules are asked for one by one rather than with the whole book. */
const FEW_KEYS = 20;
/** Steps of one transaction. */
const BATCH_STEPS = 500;
/** Schedules that are looked at before others get their turn. */
const LOOP_SHARE = 500;
/** Edits that were made while this sync went on are sent too, so many times over. */
const MOST_ROUNDS = 3;

/**
 * Syncs a book. What cannot be reached is `offline` or `partly` in the report, with nothing half done; what is left waits. Fails with
 * `busy` while another sync of this book goes on, and `cancelled` before its turn came.
 */
export async function syncBook(target: SyncTarget, options: SyncOptions = {}): Promise<Result<SyncReport>> {
	if (options.dryRun === true) return ok(await runSync(target, options));
	const taken = await target.turns.take(target.profile, target.book.kind, options.signal);
	if (!taken.ok) return taken;
	await using turn = taken.value;
	const signals = options.signal === undefined ? [turn.signal] : [turn.signal, options.signal];
	return ok(await runSync(target, { ...options, signal: AbortSignal.any(signals) }));
}

interface Known {
	readonly stored: readonly BookEntry[];
	readonly changes: readonly ScheduleChange[];
	/** The book was never read as a whole. */
	readonly first: boolean;
}

interface Seen {
	readonly entries: readonly BookEntry[];
	readonly broken: readonly BrokenEntry[];
	/** Null where only some keys were asked for. */
	readonly facts: readonly BookFact[] | null;
}

async function runSync(target: SyncTarget, options: SyncOptions): Promise<SyncReport> {
	const { profile, book, now } = target;
	const known = await knownOf(target, options.keys ?? null);
	const seen = await seenOf(target, options, known);
	if (!seen.ok) return offline(target, options, known, seen.error);
	const { entries, broken, facts } = seen.value;
	const whole = facts !== null;
	const asked = options.keys === undefined ? null : new Set(options.keys);
	const { renames } = book.capabilities;
	const sights = sightsOf({ entries, broken, stored: known.stored, changes: known.changes, renames, whole }).filter(
		(sight) => asked === null || asked.has(sight.key) || (sight.from !== null && asked.has(sight.from)),
	);
	const dry = options.dryRun === true;
	const names = new Map([...broken.map((one) => [one.name, one.key] as const), ...entries.map(nameAndKey)]);
	const theirs = new Map(entries.map((entry) => [entry.key, entry]));
	let done = 0;
	let total = 0;
	const run: SendRun = {
		...{ profile, book, now, names, theirs },
		desk: dry ? pretending(known.changes, names) : realDesk(target),
		items: new Map<string, SyncItem>(),
		stopped: () =>
			options.receiveOnly ?? (options.signal?.aborted === true ? 'It was stopped. What is left waits here.' : null),
		onSent: () => options.onProgress?.({ done: ++done, total }),
	};
	const planFacts: PlanFacts = { profile, book: book.kind, first: known.first, now: now() };
	const readStep: readonly ScheduleStep[] =
		facts === null || asked !== null
			? []
			: [{ kind: 'read', stored: { book: book.kind, readAt: planFacts.now, broken, facts } }];
	let sendings = await receive(run, sights, planFacts, readStep);
	let note: string | null = null;
	for (let round = 1; ; round += 1) {
		const ready = leaveRefused(run, sendings, options.refusedAgain ?? true);
		total += ready.length;
		note = await sendAll(run, ready);
		if (note !== null || dry || asked !== null || round === MOST_ROUNDS) break;
		const late = await lateEdits(target, run);
		if (late.length === 0) break;
		sendings = await receive(run, lateSights(run, late), planFacts, []);
	}
	const told = new Set([...run.items.values()].flatMap(({ key, formerKey = key }) => [key, formerKey]));
	const unchanged = sights.filter((sight) => sight.theirs !== null && !told.has(sight.key)).length;
	const state = note === null ? 'done' : 'partly';
	return { book: book.kind, at: planFacts.now, state, dryRun: dry, items: [...run.items.values()], unchanged, note };
}

function nameAndKey({ key, definition }: BookEntry): readonly [string, string] {
	return [definition.name, key];
}

async function knownOf({ profile, book, store }: SyncTarget, keys: readonly string[] | null): Promise<Known> {
	const first = (await store.books(profile)).find((one) => one.book === book.kind)?.readAt == null;
	if (keys !== null && keys.length <= FEW_KEYS) {
		const changes = await Promise.all(keys.map((key) => store.change(profile, book.kind, key)));
		const stored = await Promise.all(keys.map((key) => store.entry(profile, book.kind, key)));
		return { stored: stored.filter(isThere), changes: changes.filter(isThere), first };
	}
	const changes = (await store.changes(profile)).filter((change) => change.book === book.kind);
	const stored = await store.entries(profile, book.kind);
	return { stored, changes, first };
}

function isThere<T>(value: T | null): value is T {
	return value !== null;
}

async function seenOf({ book }: SyncTarget, { keys, signal }: SyncOptions, known: Known): Promise<Result<Seen>> {
	if (keys !== undefined && keys.length <= FEW_KEYS) {
		const some = await seenSome(book, keys, known);
		if (!some.ok) return some;
		if (some.value !== null) return ok(some.value);
	}
	const reading = await book.read(signal);
	if (!reading.ok) return reading;
	const { entries, broken, facts } = reading.value;
	return ok({ entries, broken, facts });
}

/** Asks for some schedules one by one. Null: one of them may be there under another key, which only the whole book tells. */
async function seenSome(book: SyncTarget['book'], keys: readonly string[], known: Known): Promise<Result<Seen | null>> {
	const changes = new Map(known.changes.map((change) => [change.key, change]));
	const stored = new Set(known.stored.map(({ key }) => key));
	const entries: BookEntry[] = [];
	for (const key of keys) {
		const change = changes.get(key);
		// What was made here, and never sent, is in no book.
		if (change?.kind === 'create' && change.sending === null) continue;
		const found = await book.get(key);
		if (!found.ok) return found;
		if (found.value !== null) entries.push(found.value);
		else if (change?.sending != null || (stored.has(key) && !book.capabilities.renames)) return ok(null);
	}
	return ok({ entries, broken: [], facts: null });
}

/** The book did not answer: all that waits goes on waiting. */
function offline(
	{ book, now }: SyncTarget,
	{ keys, dryRun }: SyncOptions,
	{ changes }: Known,
	error: Failure,
): SyncReport {
	const items = changes
		.filter((change) => keys === undefined || keys.includes(change.key))
		.map(({ key, mine, base, conflict, problem }): SyncItem => {
			const name = (mine ?? base)?.name ?? '';
			// What was known of it when the book last answered is still so.
			const outcome = conflict !== null ? 'conflict' : problem !== null ? 'refused' : 'waiting';
			const fields = conflict?.fields ?? [];
			return { book: book.kind, key, name, outcome, fields, resumed: null, message: problem };
		});
	const unchanged = 0;
	return {
		...{ book: book.kind, at: now(), state: 'offline', dryRun: dryRun === true },
		...{ items, unchanged, note: error.message },
	};
}

/** Takes in what the book has, some hundred steps a transaction; the edits that are left to be sent, oldest first. */
async function receive(
	run: SendRun,
	sights: readonly Sight[],
	facts: PlanFacts,
	last: readonly ScheduleStep[],
): Promise<readonly Sending[]> {
	const sendings: Sending[] = [];
	const resumed = new Set<string>();
	let batch: { readonly sight: Sight; readonly taken: Taken }[] = [];
	let steps = 0;
	const close = async (more: readonly ScheduleStep[]) => {
		for (const { sight, taken } of await commitBatch(run, batch, facts, more)) {
			if (taken.item !== null) run.items.set(sight.key, taken.item);
			if (taken.send === null) continue;
			sendings.push(taken.send);
			if (sight.change?.sending != null) resumed.add(sight.key);
		}
		batch = [];
		steps = 0;
	};
	for (const [index, sight] of sights.entries()) {
		const taken = take(sight, facts);
		batch.push({ sight, taken });
		steps += taken.steps.length;
		if (steps >= BATCH_STEPS) await close([]);
		if (index % LOOP_SHARE === LOOP_SHARE - 1) await turnOfLoop();
	}
	await close(last);
	// Those that broke a sync before come last, so that one that always does cannot keep the others from being sent.
	const late = ({ change }: Sending) => (resumed.has(change.key) ? 1 : 0);
	return sendings.toSorted((a, b) => late(a) - late(b) || a.change.createdAt - b.change.createdAt);
}

async function commitBatch(
	{ desk }: SendRun,
	batch: readonly { readonly sight: Sight; readonly taken: Taken }[],
	facts: PlanFacts,
	more: readonly ScheduleStep[],
): Promise<readonly { readonly sight: Sight; readonly taken: Taken }[]> {
	let items = batch;
	for (;;) {
		const steps = [...items.flatMap(({ taken }) => taken.steps), ...more];
		const expected = items.flatMap(({ taken }) => taken.expected);
		if (steps.length === 0 || (await desk.commit(expected, steps))) return items;
		// Somebody edited one of these here meanwhile: decide about each of them as it is now.
		const again: { readonly sight: Sight; readonly taken: Taken }[] = [];
		for (const { sight } of items) {
			const change = await desk.change(sight.from ?? sight.key);
			// Edited under the key that it is about to get: that is for the next sync to sort out.
			if (sight.from !== null && (await desk.change(sight.key)) !== null) continue;
			const fresh = { ...sight, change };
			again.push({ sight: fresh, taken: take(fresh, facts) });
		}
		items = again;
	}
}

/** Edits that the book has refused as they are, told once more but not sent once more. */
function leaveRefused(run: SendRun, sendings: readonly Sending[], again: boolean): readonly Sending[] {
	if (again) return sendings;
	return sendings.filter(({ change, resumed }) => {
		const { book, key, mine, base, problem } = change;
		if (problem === null) return true;
		const name = (mine ?? base)?.name ?? '';
		run.items.set(key, { book, key, name, outcome: 'refused', fields: [], resumed, message: problem });
		return false;
	});
}

/** Edits that were made since this sync looked: of schedules that nobody was editing then, or that it had settled. */
async function lateEdits({ profile, book, store }: SyncTarget, { items }: SendRun): Promise<readonly ScheduleChange[]> {
	const left: readonly unknown[] = ['waiting', 'refused', 'conflict'] satisfies SyncItem['outcome'][];
	const changes = await store.changes(profile);
	return changes.filter((change) => change.book === book.kind && !left.includes(items.get(change.key)?.outcome));
}

function lateSights({ theirs }: SendRun, changes: readonly ScheduleChange[]): readonly Sight[] {
	return changes.map((change) => {
		const entry = theirs.get(change.key) ?? null;
		return { key: change.key, theirs: entry, stored: entry, change, from: null, broken: null };
	});
}

function realDesk({ profile, book, store }: SyncTarget): Desk {
	return {
		commit: (expected, steps) => store.commitIf(profile, expected, steps),
		change: (key) => store.change(profile, book.kind, key),
		get: (key) => book.get(key),
		write: (write) => book.write(write),
	};
}

/** A desk for dry runs: everything succeeds, but for names that are taken. */
function pretending(changes: readonly ScheduleChange[], names: ReadonlyMap<string, string>): Desk {
	const waiting = new Map(changes.map((change) => [change.key, change]));
	return {
		commit: (_expected: readonly ExpectedChange[], _steps: readonly ScheduleStep[]) => Promise.resolve(true),
		change: (key) => Promise.resolve(waiting.get(key) ?? null),
		get: () => Promise.resolve(ok(null)),
		write: (write) => Promise.resolve(ok(pretend(write, names))),
	};
}

function pretend(write: BookWrite, names: ReadonlyMap<string, string>): WriteOutcome {
	if (write.kind === 'remove') return { kind: 'written', entry: null };
	const { key, definition } = write;
	const holder = names.get(definition.name);
	if (holder !== undefined && holder !== key) return { kind: 'name-taken', by: holder };
	const unknown = { changedAt: null, lastRunAt: null, nextRunAt: null, totalRuns: null, remarks: [] };
	return { kind: 'written', entry: { key, version: '', definition, ...unknown } };
}
