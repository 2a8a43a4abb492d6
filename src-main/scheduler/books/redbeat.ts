/**
 * The RedBeat book: schedules in the keys of Celery's RedBeat, which Celery's beat runs. `redbeat-entry.ts` says how they lie there.
 *
 * A write reads the entry, makes the new text of the one that is there, and puts it in one MULTI under WATCH; where the definition
 * changed in between, nothing is written. An entry's `meta` is beat's: it is made with a new entry and cleared for a run at once, and
 * otherwise left alone.
 */
import type { KeyCommand, KeyReply, Keyspace } from '#main/brokers/keyspace.ts';
import { asRedbeatKeeps, type RedbeatWorld, writeRedbeat } from '#main/dialects/celery/redbeat.ts';
import { clearedRedbeatMeta, newRedbeatMeta, readRedbeatMeta } from '#main/dialects/celery/redbeat-meta.ts';
import { ruleStart } from '#main/dialects/celery/redbeat-rule.ts';
import type { Clock } from '#main/domain/clock.ts';
import { type Failure, fail, ok, type Result } from '#main/domain/result.ts';
import {
	type BookCapabilities,
	type BookEntry,
	type BookReading,
	type BookWrite,
	type BrokenEntry,
	canonicalText,
	type ScheduleDefinition,
	type WriteOutcome,
} from '#main/domain/schedule.ts';
import type { FieldProblem, ScheduleBook } from '../book.ts';
import { knowsZone } from '../zones.ts';
import { checkRedbeat, redbeatCapabilities } from './redbeat-check.ts';
import { BEAT_LOOKS_EVERY, freshScore, instantOfTime } from './redbeat-due.ts';
import {
	brokenSight,
	type RedbeatKeys,
	type RedbeatRaw,
	type RedbeatSight,
	readSight,
	redbeatKeys,
	type SightWorld,
	TextMemory,
} from './redbeat-entry.ts';
import { redbeatFacts } from './redbeat-facts.ts';
import { RedbeatListing } from './redbeat-listing.ts';
import { RedbeatWatch } from './redbeat-watch.ts';

/** How often a write begins again when beat runs the entry meanwhile, before it gives up. */
const TRIES = 8;

export interface RedbeatBookDeps {
	/** Not disposed of with the book. */
	readonly keyspace: Keyspace;
	/** RedBeat's `redbeat_key_prefix`; `redbeat:` by default. */
	readonly prefix: string;
	/** The app's `timezone`, in which its crontabs are read. */
	readonly zone: string;
	readonly clock: Clock;
}

/** The RedBeat book under a prefix. It connects when it is first read, written or listened to. */
export function createRedbeatBook(deps: RedbeatBookDeps): ScheduleBook & Required<Pick<ScheduleBook, 'runNow'>> {
	return new RedbeatBook(deps);
}

class RedbeatBook implements ScheduleBook {
	readonly kind = 'redbeat';
	readonly capabilities: BookCapabilities;
	readonly #deps: RedbeatBookDeps;
	readonly #keys: RedbeatKeys;
	readonly #watch: RedbeatWatch;
	readonly #listing: RedbeatListing;
	readonly #texts = new TextMemory();
	/** When each entry was last edited from here, for as long as beat may not have noticed. */
	readonly #edited = new Map<string, number>();

	constructor(deps: RedbeatBookDeps) {
		this.#deps = deps;
		this.capabilities = redbeatCapabilities(deps.zone);
		this.#keys = redbeatKeys(deps.prefix);
		this.#watch = new RedbeatWatch(deps.keyspace, this.#keys, deps.clock);
		this.#listing = new RedbeatListing(deps.keyspace, this.#keys, deps.clock);
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
		keyspace.connect();
		const listed = await this.#listing.list(signal);
		if (!listed.ok) return listed;
		const about = await keyspace.pipeline([
			['PTTL', this.#keys.lock],
			// Each by itself, since a user may be denied any of them.
			['INFO', 'memory'],
			['INFO', 'replication'],
		]);
		if (!about.ok) return about;
		const at = clock.now();
		const [lock = null, memory = null, replication = null] = about.value.map((one) => (one.ok ? one.value : null));
		this.#texts.next();
		const world = { ...this.#world(), readText: this.#texts.read };
		const sights: RedbeatSight[] = [];
		const broken: BrokenEntry[] = [...listed.value.broken];
		for (const raw of listed.value.found) {
			const sight = readSight(raw, world);
			if (sight.ok) sights.push(sight.value);
			else broken.push(brokenSight(raw, sight.error.message));
		}
		const facts = redbeatFacts(
			{
				keys: this.#keys,
				lockMs: typeof lock === 'number' ? lock : null,
				memory: typeof memory === 'string' ? memory : null,
				replication: typeof replication === 'string' ? replication : null,
				unsought: listed.value.unsought,
				now: at,
			},
			sights,
		);
		return ok({ at, entries: sights.map(({ entry }) => entry), broken, facts });
	}

	async get(key: string): Promise<Result<BookEntry | null>> {
		this.#deps.keyspace.connect();
		const sight = await this.#look(key);
		return sight.ok ? ok(sight.value?.entry ?? null) : sight;
	}

	async write(write: BookWrite): Promise<Result<WriteOutcome>> {
		if (write.kind !== 'remove') {
			const problems = this.check(write.definition);
			const [first] = problems;
			if (first !== undefined) return fail('invalid-input', first.message, { details: { problems, sent: false } });
		}
		this.#deps.keyspace.connect();
		for (let tried = 0; tried < TRIES; tried += 1) {
			const outcome =
				write.kind === 'create'
					? await this.#create(write.definition)
					: write.kind === 'remove'
						? await this.#remove(write)
						: await this.#change(write);
			if (!outcome.ok) return outcome;
			if (outcome.value !== null) return ok(outcome.value);
		}
		return busy();
	}

	check(definition: ScheduleDefinition): readonly FieldProblem[] {
		return checkRedbeat(definition, this.#world());
	}

	/**
	 * Has beat run it as soon as it looks, once, by clearing what its next run counts from; its runs stay counted. A rule does not run
	 * before its start, whatever it is told.
	 */
	async runNow(key: string): Promise<Result<void>> {
		this.#deps.keyspace.connect();
		for (let tried = 0; tried < TRIES; tried += 1) {
			const seen = await this.#look(key);
			if (!seen.ok) return unsent(seen.error);
			const sight = seen.value;
			if (sight === null) return fail('not-found', `RedBeat has no ${key} any more.`, { details: { sent: false } });
			const now = this.#deps.clock.now();
			const refused = notRunnable(sight, now);
			if (refused !== null) return refused;
			const commands: readonly KeyCommand[] = [
				['HSET', key, 'meta', clearedRedbeatMeta(sight.raw.meta)],
				['ZADD', this.#keys.schedule, Math.floor(now / 1_000), key],
			];
			const done = await this.#put(commands, sight.raw);
			if (!done.ok) return done;
			if (done.value) return ok(undefined);
		}
		return busy();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#watch[Symbol.dispose]();
	}

	#world(): SightWorld {
		const { clock, zone } = this.#deps;
		const now = clock.now();
		for (const [key, at] of this.#edited) if (now - at > BEAT_LOOKS_EVERY) this.#edited.delete(key);
		return { zone, knowsZone, now, editedAt: (key) => this.#edited.get(key) ?? null };
	}

	/** What stands under a key; null: nothing. Fails (`refused`) where that is no schedule. */
	async #look(key: string): Promise<Result<RedbeatSight | null>> {
		const raw = await this.#listing.one(key);
		if (!raw.ok) return raw;
		if (raw.value === null) return ok(null);
		const sight = readSight(raw.value, this.#world());
		if (sight.ok) return sight;
		const message = `RedBeat has something under this key that is left alone: ${sight.error.message}`;
		return fail('refused', message, { details: { sent: false } });
	}

	/** Null, here and below: the entry is another by now. */
	async #create(definition: ScheduleDefinition): Promise<Result<WriteOutcome | null>> {
		const world = this.#world();
		const key = this.#keys.of(definition.name);
		const seen = await this.#listing.one(key);
		if (!seen.ok) return unsent(seen.error);
		const there = seen.value;
		if (there !== null && (there.definition !== null || there.score !== null)) {
			const sight = readSight(there, world);
			const same =
				sight.ok && canonicalText(sight.value.entry.definition) === canonicalText(asRedbeatKeeps(definition, world));
			// The same again: its answer was lost on the way.
			return ok(same ? { kind: 'written', entry: sight.value.entry } : { kind: 'name-taken', by: key });
		}
		const text = writeRedbeat(definition, null, world);
		if (!text.ok) return unsent(text.error);
		// As RedBeat's own `save` has it. With no last run at all, beat would take the entry for due as soon as it sees it, and it looks
		// ahead by one entry: what is meant for tomorrow at nine would run up to five minutes early, and then again at nine.
		const meta = there?.meta ?? newRedbeatMeta(world.now);
		const score = freshScore(definition, lastOf(meta, world), world.now);
		const raw: RedbeatRaw = {
			key,
			name: definition.name,
			definition: null,
			meta: there?.meta ?? null,
			score: null,
			isStatic: false,
		};
		const done = await this.#put(
			[
				['HSET', key, 'definition', text.value],
				['HSETNX', key, 'meta', meta],
				['ZADD', this.#keys.schedule, score, key],
			],
			raw,
		);
		if (!done.ok || !done.value) return done.ok ? ok(null) : done;
		return this.#written({ ...raw, definition: text.value, meta, score, isStatic: there?.isStatic ?? false });
	}

	async #change(write: Extract<BookWrite, { readonly kind: 'change' }>): Promise<Result<WriteOutcome | null>> {
		const { definition } = write;
		const seen = await this.#look(write.key);
		if (!seen.ok) return unsent(seen.error);
		const sight = seen.value;
		if (sight === null || sight.entry.version !== write.expect) {
			return ok({ kind: 'changed', current: sight?.entry ?? null });
		}
		const { raw, entry, last } = sight;
		const world = this.#world();
		// An entry that beat does not know is paused whatever its text says, and that text is not touched by other edits.
		const active = definition.active === entry.definition.active ? sight.enabled : definition.active;
		const text = writeRedbeat({ ...definition, active }, { text: raw.definition, name: raw.name }, world);
		if (!text.ok) return unsent(text.error);
		const renamed = definition.name !== raw.name;
		const key = this.#keys.of(definition.name);
		const anew =
			(definition.active && (!entry.definition.active || raw.score === null)) ||
			(raw.score !== null && JSON.stringify(definition.recurrence) !== JSON.stringify(entry.definition.recurrence));
		const score = anew ? freshScore(definition, last, world.now) : raw.score;
		if (renamed) {
			const other = await this.#listing.one(key);
			if (!other.ok) return unsent(other.error);
			if (other.value !== null && (other.value.definition !== null || other.value.score !== null)) {
				return ok({ kind: 'name-taken', by: key });
			}
		}
		const commands: KeyCommand[] = [
			...(renamed ? ([['RENAME', raw.key, key]] as const) : []),
			...(text.value === raw.definition ? [] : ([['HSET', key, 'definition', text.value]] as const)),
			...(renamed && raw.score !== null ? ([['ZREM', this.#keys.schedule, raw.key]] as const) : []),
			...(score !== null && (anew || renamed) ? ([['ZADD', this.#keys.schedule, score, key]] as const) : []),
		];
		const done =
			commands.length === 0
				? ok(true)
				: await this.#put(commands, raw, { free: renamed ? key : null, byMeta: anew || renamed });
		if (!done.ok || !done.value) return done.ok ? ok(null) : done;
		// Under its new name it is no longer the app's own, which comes back when beat starts.
		return this.#written({
			...raw,
			key,
			name: definition.name,
			definition: text.value,
			score,
			isStatic: raw.isStatic && !renamed,
		});
	}

	async #remove(write: Extract<BookWrite, { readonly kind: 'remove' }>): Promise<Result<WriteOutcome | null>> {
		const seen = await this.#look(write.key);
		if (!seen.ok) return unsent(seen.error);
		const sight = seen.value;
		if (sight === null || sight.entry.version !== write.expect) {
			return ok({ kind: 'changed', current: sight?.entry ?? null });
		}
		const { key } = sight.raw;
		const done = await this.#put(
			[
				['ZREM', this.#keys.schedule, key],
				['DEL', key],
			],
			sight.raw,
			{ byMeta: false },
		);
		if (!done.ok || !done.value) return done.ok ? ok(null) : done;
		this.#edited.delete(key);
		return ok({ kind: 'written', entry: null });
	}

	#written(raw: RedbeatRaw): Result<WriteOutcome> {
		this.#edited.set(raw.key, this.#deps.clock.now());
		const sight = readSight(raw, this.#world());
		if (!sight.ok) return fail('internal', `What was written cannot be read: ${sight.error.message}`);
		return ok({ kind: 'written', entry: sight.value.entry });
	}

	/**
	 * All or nothing, if the definition is the one that was read, and (for what was worked out from it) the meta as well, and there is
	 * nothing under `free`. False: it is not so, or beat ran the entry in that very moment.
	 */
	async #put(
		commands: readonly KeyCommand[],
		raw: RedbeatRaw,
		{ free = null, byMeta = true }: { readonly free?: string | null; readonly byMeta?: boolean } = {},
	): Promise<Result<boolean>> {
		const done = await this.#deps.keyspace.transaction(commands, {
			watch: free === null ? [raw.key] : [raw.key, free],
			check: async (read) => {
				const texts = await read('HMGET', raw.key, 'definition', 'meta');
				if (!texts.ok) return texts;
				const [definition, meta] = texts.value as readonly KeyReply[];
				if (definition !== raw.definition || (byMeta && meta !== raw.meta)) return ok(false);
				if (free === null) return ok(true);
				const taken = await read('HEXISTS', free, 'definition');
				return taken.ok ? ok(taken.value === 0) : taken;
			},
		});
		return done.ok ? ok(done.value !== null) : done;
	}
}

function lastOf(meta: string, world: RedbeatWorld): number | null {
	const { last } = readRedbeatMeta(meta, world);
	return last === null ? null : instantOfTime(last);
}

/** Why beat would not run it now; null: it would. */
function notRunnable(sight: RedbeatSight, now: number): Result<never> | null {
	const no = (message: string) => fail('conflict', message, { details: { sent: false } });
	const { definition } = sight.entry;
	const [problem] = sight.problems;
	if (problem !== undefined) return no(`Beat cannot run it: ${problem.message}`);
	if (!definition.active) return no('It is paused, and beat runs no paused schedule. Resume it first.');
	const start = ruleStart(definition.recurrence);
	if (start !== null && start > now)
		return no('Beat runs no rule before its start. Publish the task instead, or start it earlier.');
	return null;
}

/** The failure of what came before a write: whatever became of it, nothing was changed. */
function unsent(error: Failure): Result<never> {
	return { ok: false, error: { ...error, details: { ...error.details, sent: false } } };
}

function busy(): Result<never> {
	return fail('refused', 'Others change this schedule again and again at the moment. Try again later.', {
		retryable: true,
		details: { sent: false },
	});
}
