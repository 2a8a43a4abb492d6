/**
 * The shared book: schedules in a Redis, for several consoles and services. `shared-layout.ts` says how they lie there.
 *
 * A write reads the entry, decides by what it read, and has a script put the new text in the place of exactly the text that was read.
 * So nothing is ever overwritten that was not read and understood, whoever wrote it, and of two writers at once the second is told.
 */
import { createHash } from 'node:crypto';
import type { KeyReply, Keyspace } from '#main/brokers/keyspace.ts';
import type { Clock } from '#main/domain/clock.ts';
import { type Failure, fail, ok, type Result } from '#main/domain/result.ts';
import {
	type BookCapabilities,
	type BookEntry,
	type BookReading,
	type BookWrite,
	type BrokenEntry,
	canonicalText,
	SCHEDULE_FIELDS,
	type ScheduleDefinition,
	type WriteOutcome,
} from '#main/domain/schedule.ts';
import { INTERVAL_UNITS } from '#main/domain/timing.ts';
import type { FieldProblem, ScheduleBook } from '../book.ts';
import { checkCapabilities, checkDefinition } from '../check-definition.ts';
import { readDefinition } from '../read-definition.ts';
import { definitionVersion } from '../version.ts';
import { listOf, pairsOf, wholeOf } from './redis-replies.ts';
import { redisFacts } from './shared-facts.ts';
import { brokenEntry, readEntry, type SharedKeys, sharedKeys } from './shared-layout.ts';
import { WRITE_ENTRY } from './shared-scripts.ts';
import { RevisionWatch } from './shared-watch.ts';

/** How often a write begins again when the entry changes under it, before it gives up. */
const TRIES = 8;

/** What the shared book keeps: all but options, which only RedBeat publishes with. */
export const SHARED_CAPABILITIES: BookCapabilities = {
	runBy: 'warren',
	fields: SCHEDULE_FIELDS.filter((field) => field !== 'options'),
	recurrences: ['every', 'cron', 'once'],
	units: INTERVAL_UNITS,
	aligns: ['clock', 'last-run'],
	renames: true,
	notes: [
		'Kept in Redis for several consoles and services. One of them runs the schedules at a time; when it ends, another takes over.',
		'No due time runs twice as long as Redis keeps what it has confirmed: with appendonly on, and without changing over to a replica that lags behind.',
	],
};

export interface SharedBookDeps {
	/** Not disposed of with the book: the ledger uses it too. */
	readonly keyspace: Keyspace;
	/** What begins all keys of the book. */
	readonly prefix: string;
	readonly clock: Clock;
}

/** Everything that the shared book would not keep of a definition. */
export function checkShared(definition: ScheduleDefinition): readonly FieldProblem[] {
	return [...checkDefinition(definition), ...checkCapabilities(definition, SHARED_CAPABILITIES, 'The shared book')];
}

/** The shared book under a prefix. It connects when it is first read, written or listened to. */
export function createSharedBook(deps: SharedBookDeps): ScheduleBook {
	return new SharedBook(deps);
}

/** An entry as it was read just now. */
interface Seen {
	readonly raw: string | null;
	readonly entry: BookEntry | null;
}

interface Parsed {
	readonly raw: string;
	readonly read: Result<BookEntry>;
}

class SharedBook implements ScheduleBook {
	readonly kind = 'shared';
	readonly capabilities = SHARED_CAPABILITIES;
	readonly #deps: SharedBookDeps;
	readonly #keys: SharedKeys;
	readonly #watch: RevisionWatch;
	/** What the texts of the last reading came to, so that of thousands only those that changed are read again. */
	#lastRead: ReadonlyMap<string, Parsed> = new Map();

	constructor(deps: SharedBookDeps) {
		this.#deps = deps;
		this.#keys = sharedKeys(deps.prefix);
		this.#watch = new RevisionWatch(deps.keyspace, this.#keys, deps.clock);
	}

	state() {
		return this.#deps.keyspace.state();
	}

	onState(listener: Parameters<ScheduleBook['onState']>[0]): Disposable {
		return this.#deps.keyspace.onState(listener);
	}

	onChange(listener: () => void): Disposable {
		this.#deps.keyspace.connect();
		return this.#watch.add(listener);
	}

	async read(signal?: AbortSignal): Promise<Result<BookReading>> {
		const { keyspace, clock } = this.#deps;
		const { revision, entries, ran, total, lease } = this.#keys;
		keyspace.connect();
		if (isCancelled(signal)) return cancelled();
		const asked = clock.now();
		const [all, about] = await Promise.all([
			keyspace.transaction([
				['GET', revision],
				['HGETALL', entries],
				['HGETALL', ran],
				['HGETALL', total],
				['GET', lease],
				['TIME'],
			]),
			// Each by itself, since a user may be denied any of them.
			keyspace.pipeline([
				['INFO', 'memory'],
				['INFO', 'persistence'],
				['INFO', 'replication'],
			]),
		]);
		const at = clock.now();
		if (isCancelled(signal)) return cancelled();
		if (!all.ok) return all;
		if (!about.ok) return about;
		const [number, texts, runs, totals, holder, time] = all.value ?? [];
		const [memory = null, persistence = null, replication = null] = about.value.map((one) =>
			one.ok && typeof one.value === 'string' ? one.value : null,
		);
		this.#watch.knows(typeof number === 'string' ? number : null);
		const facts = redisFacts({
			lease: typeof holder === 'string' ? holder : null,
			time: timeOf(time) ?? asked,
			asked,
			answered: at,
			memory,
			persistence,
			replication,
		});
		const { found, broken } = this.#readAll(pairsOf(texts), new Map(pairsOf(runs)), new Map(pairsOf(totals)));
		return ok({ at, entries: found, broken, facts });
	}

	async get(key: string): Promise<Result<BookEntry | null>> {
		this.#deps.keyspace.connect();
		const seen = await this.#look(key);
		return seen.ok ? ok(seen.value.entry) : seen;
	}

	async write(write: BookWrite): Promise<Result<WriteOutcome>> {
		if (write.kind !== 'remove') {
			const problems = this.check(write.definition);
			const [first] = problems;
			if (first !== undefined) return fail('invalid-input', first.message, { details: { problems } });
			// What others could not read must not get in.
			const sound = readDefinition(write.definition);
			if (!sound.ok) return fail('invalid-input', sound.error.message);
		}
		this.#deps.keyspace.connect();
		for (let tried = 0; tried < TRIES; tried += 1) {
			const seen = await this.#look(write.key);
			// Nothing was sent yet that could change anything.
			if (!seen.ok) return unsent(seen.error);
			const { raw, entry } = seen.value;
			const standing = standsInTheWay(write, entry);
			if (standing !== null) return ok(standing);
			const done = await this.#put(write, raw, entry);
			if (!done.ok) return done;
			if (done.value !== null) return ok(done.value);
		}
		return fail('refused', 'Others change this schedule again and again at the moment. Try again later.', {
			retryable: true,
			details: { sent: false },
		});
	}

	check(definition: ScheduleDefinition): readonly FieldProblem[] {
		return checkShared(definition);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#watch[Symbol.dispose]();
	}

	async #look(key: string): Promise<Result<Seen>> {
		const { entries, ran, total } = this.#keys;
		const answers = await this.#deps.keyspace.transaction([
			['HGET', entries, key],
			['HGET', ran, key],
			['HGET', total, key],
		]);
		if (!answers.ok) return answers;
		const [raw, lastRun, runs] = answers.value ?? [];
		if (typeof raw !== 'string') return ok({ raw: null, entry: null });
		const read = readEntry(key, raw, checkShared);
		if (read.ok) return ok({ raw, entry: withRuns(read.value, lastRun, runs) });
		return fail('refused', `The book has something under this key that is left alone: ${read.error.message}`, {
			details: { sent: false },
		});
	}

	/** Null: the entry is another by now. */
	async #put(write: BookWrite, raw: string | null, entry: BookEntry | null): Promise<Result<WriteOutcome | null>> {
		const keys = this.#keys;
		const done = await this.#deps.keyspace.script(
			WRITE_ENTRY,
			[
				keys.entries,
				keys.names,
				keys.revision,
				`${keys.runs}${write.key}`,
				keys.cursors,
				keys.ran,
				keys.total,
				keys.touched,
			],
			[
				write.key,
				raw === null ? '' : createHash('sha1').update(raw).digest('hex'),
				entry?.definition.name ?? '',
				write.kind === 'remove' ? '' : write.definition.name,
				write.kind === 'remove' ? '' : canonicalText(write.definition),
				keys.changes,
			],
		);
		if (!done.ok) return done;
		const [outcome, more] = listOf(done.value);
		if (outcome === 'moved') return ok(null);
		if (outcome === 'taken') return ok({ kind: 'name-taken', by: String(more) });
		if (write.kind === 'remove') return ok({ kind: 'written', entry: null });
		const written = readEntry(write.key, String(more), checkShared);
		if (!written.ok) return fail('internal', `What was written cannot be read: ${written.error.message}`);
		const { lastRunAt = null, totalRuns = 0 } = entry ?? {};
		return ok({ kind: 'written', entry: { ...written.value, lastRunAt, totalRuns } });
	}

	#readAll(
		texts: readonly (readonly [key: string, raw: string])[],
		runs: ReadonlyMap<string, string>,
		totals: ReadonlyMap<string, string>,
	): { readonly found: readonly BookEntry[]; readonly broken: readonly BrokenEntry[] } {
		const found: BookEntry[] = [];
		const broken: BrokenEntry[] = [];
		const named = new Map<string, number>();
		const parsed = new Map<string, Parsed>();
		for (const [key, raw] of texts) {
			const last = this.#lastRead.get(key);
			const read = last?.raw === raw ? last.read : readEntry(key, raw, checkShared);
			parsed.set(key, { raw, read });
			if (!read.ok) {
				broken.push(brokenEntry(key, raw, read.error.message));
				continue;
			}
			const { name } = read.value.definition;
			named.set(name, (named.get(name) ?? 0) + 1);
			found.push(withRuns(read.value, runs.get(key), totals.get(key)));
		}
		this.#lastRead = parsed;
		return { found: found.map((entry) => withTwins(entry, named.get(entry.definition.name) ?? 1)), broken };
	}
}

/** What makes a write pointless, as its outcome; null: nothing does. */
function standsInTheWay(write: BookWrite, current: BookEntry | null): WriteOutcome | null {
	if (write.kind !== 'create') return current?.version === write.expect ? null : { kind: 'changed', current };
	if (current === null) return null;
	// The same again: its answer was lost on the way.
	const same = current.version === definitionVersion(write.definition);
	return same ? { kind: 'written', entry: current } : { kind: 'changed', current };
}

function withRuns(entry: BookEntry, lastRun: KeyReply | undefined, runs: KeyReply | undefined): BookEntry {
	return { ...entry, lastRunAt: wholeOf(lastRun), totalRuns: wholeOf(runs) ?? 0 };
}

/** A name twice can only come from something else than Warren; both run. */
function withTwins(entry: BookEntry, times: number): BookEntry {
	if (times === 1) return entry;
	const words = `${times} schedules of this book have this name. Rename all but one.`;
	return { ...entry, remarks: [...entry.remarks, { tone: 'warning', words }] };
}

/** Redis's clock from its answer to TIME, epoch ms. */
function timeOf(reply: KeyReply | undefined): number | null {
	const [seconds, micros] = listOf(reply);
	const time = Number(seconds) * 1_000 + Number(micros) / 1_000;
	return Number.isFinite(time) ? time : null;
}

/** The failure of a look that came before a write: whatever became of it, nothing was changed. */
function unsent(error: Failure): Result<never> {
	return { ok: false, error: { ...error, details: { ...error.details, sent: false } } };
}

function isCancelled(signal: AbortSignal | undefined): boolean {
	return signal?.aborted === true;
}

function cancelled(): Result<never> {
	return fail('cancelled', 'Reading the shared book was cancelled.');
}
