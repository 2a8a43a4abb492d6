/**
 * A model of several people who edit the schedules of one shared book, each from a console of their own, while everything goes wrong that
 * can: consoles cut off, answers lost after the write took effect, processes killed at any await, clocks that disagree, and somebody who
 * edits the book by other means. Every value typed is a token of its own, so that it can be told where each one ended up.
 */
import { profileId } from '#main/domain/ids.ts';
import {
	type BookWrite,
	NEW_SCHEDULE,
	type ScheduleDefinition,
	type ScheduleVersion,
	type SyncReport,
} from '#main/domain/schedule.ts';
import type { ExpectedChange, LeaseStore } from '#main/store/store.ts';
import { chooseSides, editSchedule, removeSchedule, revertSchedule } from '#main/sync/change-set.ts';
import { adopt, type Decide, editOne } from '#main/sync/edits.ts';
import type { SyncBook, SyncStore } from '#main/sync/ports.ts';
import { type SyncOptions, syncBook } from '#main/sync/sync.ts';
import { BookTurns } from '#main/sync/turns.ts';
import { randomFrom } from './deployment.ts';
import { type MortalProcess, mortal } from './mortal-process.ts';
import { type KeyStyle, SharedBook, type VersionStyle, type Weather } from './shared-book.ts';
import { checkPerson, TOKEN_FIELDS, TOKENS, tokensOf, wishes } from './sync-model-facts.ts';

export const MODEL_PROFILE = profileId('model');

export interface ModelOptions {
	readonly seed: number;
	readonly steps: number;
	readonly keys: KeyStyle;
	readonly versions: VersionStyle;
	readonly clients?: number;
	/** Nobody else edits the book: no foreign hands, and names that nobody takes twice. */
	readonly alone?: boolean;
	/** A store for one client, and all of its past; oldest first. */
	readonly open: (client: string, now: () => number) => Promise<ModelStore>;
}

export interface ModelStore {
	readonly store: SyncStore;
	readonly leases: LeaseStore;
	past(): Promise<readonly ScheduleVersion[]>;
}

/** How often what happened, so that a test sees that it did. */
export type Tally = Record<string, number>;

/** One person's home, on which a console works, or two. */
interface Home extends ModelStore {
	readonly name: string;
	readonly skew: number;
	connected: boolean;
	/** Values that its person typed, as `field value`. */
	readonly typed: Set<string>;
	/** What its person wanted in full knowledge: `field: this instead of that`, and definitions to be removed. */
	readonly wanted: Set<string>;
	/** Values that its person took back, each with the first write of the book's log that may not bring it there. */
	readonly takenBack: Map<string, number>;
}

/** What an edit under way types, and what it takes back as `takenBack` has it: both count when the edit is made. */
interface Draft {
	typed: readonly string[];
	letsGo: ReadonlyMap<string, number>;
}

type Drafted = (standing: Parameters<Decide>[0], draft: Draft) => ReturnType<Decide>;

interface Client {
	readonly name: string;
	readonly home: Home;
	process: MortalProcess;
	book: SyncBook;
	store: SyncStore;
	turns: BookTurns;
	syncing: boolean;
}

/** So many schedules are enough for people to get in each other's way. */
const MOST_SCHEDULES = 10;
const NAMES = ['nightly', 'hourly', 'weekly'];

export class SyncModel {
	readonly tally: Tally = {};
	readonly book: SharedBook;
	readonly clients: Client[] = [];
	readonly #homes: Home[] = [];
	readonly #random: () => number;
	readonly #options: ModelOptions;
	#time = 1_700_000_000_000;
	#tokens = 0;
	#quiet = false;
	/** Whether something happens in the middle of calls. */
	#meddling = 0;

	private constructor(options: ModelOptions) {
		this.#options = options;
		this.#random = randomFrom(options.seed);
		this.book = new SharedBook(options.keys, options.versions);
	}

	/** Runs it all: so many random steps, then everybody connects and syncs until nothing is left, then what must hold is checked. */
	static async run(options: ModelOptions): Promise<Tally> {
		const model = new SyncModel(options);
		try {
			await model.#open(options.clients ?? 3);
			for (let step = 0; step < options.steps; step += 1) await model.#step();
			await model.#settle();
			await model.#check();
		} catch (error) {
			const { seed, steps, keys, versions } = options;
			const how = `seed ${seed}, ${steps} steps, keys ${keys}, versions ${versions}`;
			throw new Error(`${how}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
		}
		return model.tally;
	}

	async #open(count: number): Promise<void> {
		for (const name of ['ann', 'bob', 'cleo'].slice(0, count)) {
			const skew = this.#below(7_200_000) - 3_600_000;
			const opened = await this.#options.open(name, () => this.#time + skew);
			const sets = { typed: new Set<string>(), wanted: new Set<string>(), takenBack: new Map<string, number>() };
			const home: Home = { ...opened, name, skew, connected: true, ...sets };
			this.#homes.push(home);
			// The first has a service that works on the same home as the console.
			for (const who of name === 'ann' ? [name, `${name}'s service`] : [name]) {
				this.clients.push({ name: who, home, ...this.#process(who, home), syncing: false });
			}
		}
	}

	/** A process of a console: a store and a book that die with it, and turns under its own name. */
	#process(name: string, home: Home): Pick<Client, 'process' | 'book' | 'store' | 'turns'> {
		const { skew } = home;
		const process: MortalProcess = { dead: false, fuse: null };
		const clock = {
			now: () => this.#time + skew,
			monotonic: () => this.#time,
			after: () => ({ [Symbol.dispose]() {} }),
		};
		const leases = this.#wired(home.leases, process, name);
		const book = this.book.connect(home.name, (call) => this.#weather(home, call));
		return {
			process,
			book: this.#wired(book, process, name),
			store: this.#wired(home.store, process, name),
			turns: new BookTurns({ leases, holder: `${name}:${this.#below(1e9)}`, clock, patienceMs: 0 }),
		};
	}

	/** Calls of a process: others come in between, and the fuse burns. */
	#wired<T extends object>(target: T, process: MortalProcess, name: string): T {
		return mortal(target, process, (call, args) => this.#meddle(name, keyOf(call, args)));
	}

	#weather(home: Home, call: 'read' | 'get' | 'write'): Weather {
		if (this.#quiet) return 'fine';
		if (!home.connected) return 'cut';
		const dice = this.#random();
		if (dice < 0.01) {
			this.#note('cut off midway');
			home.connected = false;
			return 'cut';
		}
		if (call === 'write' && dice < 0.06) {
			this.#note('answer lost');
			return 'lost';
		}
		return 'fine';
	}

	/** Now and then somebody does something in the middle of a call, most often about the schedule at hand. */
	async #meddle(name: string, about: string | null): Promise<void> {
		if (this.#quiet || this.#meddling > 0 || this.#random() > (about === null ? 0.02 : 0.08)) return;
		this.#meddling += 1;
		const client = this.#client(name);
		const dice = this.#random();
		const key = about !== null && this.#random() < 0.6 ? about : null;
		// So late that the other process of this home believes this one dead. Where names are keys, two who send one rename at the same
		// time end in a conflict that is none: there the lease alone keeps them apart.
		if (this.#options.keys !== 'names' && this.#random() < 0.2) this.#time += 20_000;
		if (dice < 0.25) this.#foreign(key);
		// Its own person goes on editing while the sync is under way.
		else if (dice < 0.55) await (this.#random() < 0.8 ? this.#edit(client, key) : this.#revert(client, key));
		else await this.#act(this.#pick(this.clients.filter((one) => !one.syncing)));
		this.#note('came in between');
		this.#meddling -= 1;
	}

	async #step(): Promise<void> {
		this.#time += this.#below(60_000);
		const dice = this.#random();
		const client = this.#pick(this.clients);
		if (dice < 0.04) client.home.connected = !client.home.connected;
		else if (dice < 0.07) this.#foreign(null);
		else if (dice < 0.1) await this.#rehearse(client);
		else await this.#act(client);
	}

	async #act(client: Client): Promise<void> {
		const dice = this.#random();
		if (dice < 0.45) await this.#edit(client);
		else if (dice < 0.52)
			await (this.book.entries.length < MOST_SCHEDULES ? this.#create(client) : this.#remove(client));
		else if (dice < 0.57)
			await this.#decide(client, null, 'removed', (standing) => removeSchedule(standing, this.#now(client)));
		else if (dice < 0.6) await this.#revert(client);
		else if (dice < 0.63) await this.#restore(client);
		else if (dice < 0.7) await this.#choose(client);
		else if (dice < 0.73) await this.#settleRefused(client);
		else if (dice < 0.8) await this.#kill(client);
		else if (dice < 0.88) await this.#syncSome(client);
		else await this.#sync(client);
	}

	// What people do.

	async #edit(client: Client, key: string | null = null): Promise<void> {
		await this.#decide(client, key, 'edited', (standing, draft) => {
			const shown = standing.change?.mine ?? standing.entry?.definition;
			if (shown === undefined) return removeSchedule(standing, this.#now(client));
			// Who edits what was to be removed sees it as the book has it, and brings that back.
			if (standing.change?.mine === null) this.#askAgain(shown);
			const edited = this.#typed(client, shown);
			draft.typed = typedIn(edited, shown);
			return { ok: true, value: editSchedule(standing, edited, this.#now(client)) };
		});
	}

	async #create(client: Client): Promise<void> {
		const key = `own-${++this.#tokens}`;
		const definition = this.#typed(client, { ...NEW_SCHEDULE, name: this.#name(), task: `tasks.${key}` });
		await this.#carryOut(client, key, 'created', (standing, draft) => {
			draft.typed = typedIn(definition, NEW_SCHEDULE);
			return { ok: true, value: editSchedule(standing, definition, this.#now(client)) };
		});
	}

	async #remove(client: Client): Promise<void> {
		await this.#decide(client, null, 'removed', (standing) => removeSchedule(standing, this.#now(client)));
	}

	async #revert(client: Client, key: string | null = null): Promise<void> {
		await this.#decide(client, key, 'reverted', (standing, draft) => {
			const { base = null, mine = null, sending = null } = standing.change ?? {};
			const before = new Set(tokensOf(base ?? {}));
			// Who takes a removal back wants what was to be removed: as the book has it, or had it when the removal went out.
			if (standing.change?.mine === null)
				this.#askAgain(sending === null ? (standing.entry?.definition ?? null) : base);
			const since = new Map(tokensOf(mine ?? {}).map((token) => [token, this.book.log.length]));
			// What is being sent may be there already, and is to be gone again.
			for (const token of tokensOf(sending?.definition ?? {})) since.set(token, 0);
			draft.letsGo = new Map([...since].filter(([token]) => !before.has(token)));
			return revertSchedule(standing, this.#now(client));
		});
	}

	/** Brings a schedule back to how it was, removed ones too: values come back that were there before. */
	async #restore(client: Client): Promise<void> {
		const version = this.#maybe((await client.home.past()).slice(-60));
		const definition = version?.before ?? version?.after ?? null;
		if (version === undefined || definition === null) return;
		this.#askAgain(definition);
		await this.#carryOut(client, version.key, 'restored', (standing) => ({
			ok: true,
			value: editSchedule(standing, definition, this.#now(client)),
		}));
	}

	async #choose(client: Client): Promise<void> {
		const changes = await this.#alive(client, () => client.store.changes(MODEL_PROFILE));
		const change = this.#maybe(changes?.filter((one) => one.conflict !== null) ?? []);
		const conflict = change?.conflict ?? null;
		if (change == null || conflict === null) return;
		const whole = conflict.theirs === null || change.mine === null;
		const side = this.#random() < 0.5 ? 'mine' : 'theirs';
		const fields = whole || this.#quiet ? conflict.fields : conflict.fields.filter(() => this.#random() < 0.7);
		const one = () => (whole ? side : this.#random() < 0.5 ? 'mine' : 'theirs');
		const choices = Object.fromEntries(fields.map((field) => [field, one()]));
		await this.#carryOut(client, change.key, 'chosen', (standing) => {
			const seen = standing.change?.conflict?.theirs ?? null;
			const { mine } = standing.change ?? { mine: null };
			this.#askAgain(mine);
			this.#askAgain(seen);
			if (seen !== null && mine === null) this.#want(client, seen, null);
			if (seen !== null && mine !== null)
				for (const field of fields) this.#want(client, seen, { ...seen, [field]: mine[field] });
			return chooseSides(standing, choices, this.#now(client));
		});
	}

	/** Does about a refused edit what it was told to: another name, or taking the other one over; or lets it go. */
	async #settleRefused(client: Client): Promise<void> {
		const changes = await this.#alive(client, () => client.store.changes(MODEL_PROFILE));
		const change = this.#maybe(changes?.filter((one) => one.problem !== null) ?? []);
		if (change == null || change.mine === null) return;
		const { mine } = change;
		const dice = this.#random();
		if (dice < 0.4 && change.kind === 'create') {
			const entries = await this.#alive(client, () => client.store.entries(MODEL_PROFILE, this.book.kind));
			const other = entries?.find((entry) => entry.definition.name === mine.name);
			if (other === undefined) return;
			const { book: _book, seenAt: _seenAt, ...entry } = other;
			this.#want(client, entry.definition, mine);
			this.#askAgain(mine);
			const adopted = await this.#alive(client, () => adopt(client.store, change, entry, this.#now(client)));
			if (adopted?.ok === true) this.#note('adopted');
		} else if (dice < 0.5) {
			await this.#revert(client, change.key);
		} else {
			const renamed = { ...mine, name: `renamed-${++this.#tokens}` };
			await this.#carryOut(client, change.key, 'renamed after a refusal', (standing) => ({
				ok: true,
				value: editSchedule(standing, renamed, this.#now(client)),
			}));
		}
	}

	/** Decides about a schedule that this console shows. */
	async #decide(client: Client, key: string | null, what: string, decide: Drafted): Promise<void> {
		const shown = key ?? (await this.#alive(client, () => this.#anyShown(client)));
		if (shown !== null) await this.#carryOut(client, shown, what, decide);
	}

	async #carryOut(client: Client, key: string, what: string, decide: Drafted): Promise<void> {
		const { home } = client;
		const of = { profile: MODEL_PROFILE, book: this.book.kind, key };
		// Its own: in the middle of this edit the same person may make another one.
		let draft: Draft = { typed: [], letsGo: new Map() };
		const result = await this.#alive(client, () =>
			editOne(client.store, of, (standing) => {
				draft = { typed: [], letsGo: new Map() };
				const decided = decide(standing, draft);
				// Its person knows what the book was last known to have, and what is being sent to it.
				const { change } = decided.ok ? decided.value : { change: null };
				const mine = change === null ? null : change.mine;
				for (const known of [change?.base, change?.sending?.definition])
					if (known != null) this.#want(client, known, mine);
				return decided;
			}),
		);
		if (result?.ok !== true || result.value.steps.length === 0) return;
		for (const token of draft.typed) home.typed.add(token);
		for (const [token, since] of draft.letsGo) home.takenBack.set(token, since);
		this.#note(what);
	}

	/** What somebody asks for again is not taken back any more. */
	#askAgain(definition: ScheduleDefinition | null): void {
		for (const token of tokensOf(definition ?? {})) for (const { takenBack } of this.#homes) takenBack.delete(token);
	}

	/** Its person wants this instead of that: field by field, or all of it gone. */
	#want({ home }: Client, known: ScheduleDefinition, wanted: ScheduleDefinition | null): void {
		for (const one of wishes(known, wanted)) home.wanted.add(one);
	}

	async #anyShown({ store }: Client): Promise<string | null> {
		const entries = await store.entries(MODEL_PROFILE, this.book.kind);
		const changes = await store.changes(MODEL_PROFILE);
		const keys = [...new Set([...entries, ...changes].map(({ key }) => key))].toSorted();
		return this.#maybe(keys) ?? null;
	}

	/** Somebody edits the book by other means. */
	#foreign(key: string | null): void {
		if (this.#options.alone === true) return;
		const entry = this.book.entries.find((one) => one.key === key) ?? this.#maybe(this.book.entries);
		this.#note('edited by other means');
		if (entry === undefined || this.book.entries.length < 4) {
			const token = `x${++this.#tokens}`;
			const definition = { ...NEW_SCHEDULE, name: `foreign-${token}`, task: `tasks.${token}` };
			this.book.write('somebody', { kind: 'create', key: `foreign-${token}`, definition });
			return;
		}
		const { version: expect, definition } = entry;
		const token = `x${++this.#tokens}`;
		const dice = this.#random();
		if (dice < 0.15) this.book.write('somebody', { kind: 'remove', key: entry.key, expect });
		else {
			const edited = dice < 0.3 ? { name: `foreign-${token}` } : { queue: `q-${token}` };
			const changed = { kind: 'change', key: entry.key, expect, definition: { ...definition, ...edited } } as const;
			this.book.write('somebody', changed);
		}
	}

	// What consoles do.

	async #sync(client: Client, options: SyncOptions = {}): Promise<SyncReport | null> {
		if (client.syncing) return null;
		client.syncing = true;
		const { book, store, turns } = client;
		const now = () => this.#now(client);
		const target = { profile: MODEL_PROFILE, book, store, turns, now };
		const report = await this.#alive(client, () => syncBook(target, options));
		client.syncing = false;
		if (report === null) return null;
		if (!report.ok && report.error.code === 'busy') {
			this.#note('busy');
			return null;
		}
		if (!report.ok) throw new Error(`A sync failed: ${report.error.message}`);
		this.#note(`sync ${report.value.state}`);
		for (const item of report.value.items) {
			this.#note(item.outcome);
			if (item.resumed !== null) this.#note(`resumed ${item.resumed}`);
		}
		if (options.dryRun !== true && options.keys === undefined && this.#meddling === 0)
			await this.#nothingHalfDone(client, report.value);
		return report.value;
	}

	async #syncSome(client: Client): Promise<void> {
		const key = await this.#alive(client, () => this.#anyShown(client));
		if (key !== null) await this.#sync(client, { keys: [key] });
	}

	/** Its process is killed in the middle of a sync, and another one starts. */
	async #kill(client: Client): Promise<void> {
		if (client.syncing) return;
		client.process.fuse = { left: this.#below(40), takesEffect: this.#random() < 0.5 };
		await this.#sync(client);
		client.process.fuse = null;
		if (client.process.dead) this.#restart(client);
	}

	#restart(client: Client): void {
		this.#note('killed');
		client.syncing = false;
		// Its lease runs out before the next one is up.
		this.#time += 20_000;
		Object.assign(client, this.#process(client.name, client.home));
	}

	/** What a dry run says is what the sync then does, when nothing comes in between. */
	async #rehearse(client: Client): Promise<void> {
		if (!client.home.connected) return;
		// A killed process may still have its turn.
		this.#time += 20_000;
		const wasQuiet = this.#quiet;
		this.#quiet = true;
		const said = await this.#sync(client, { dryRun: true });
		const done = await this.#sync(client);
		this.#quiet = wasQuiet;
		if (said === null || done === null) throw new Error('A rehearsed sync was killed');
		const [dry, real] = [said, done].map((report) => this.#comparable(report));
		if (dry !== real) throw new Error(`A dry run said\n${dry}\nand the sync did\n${real}`);
		this.#note('rehearsed');
	}

	#comparable({ state, items, unchanged, note }: SyncReport): string {
		const lines = items.map(({ key, name, outcome, fields, resumed, message, formerKey }) => {
			// Only the book itself knows what key it will give.
			const known = this.#options.keys === 'chosen' ? `${key} ${formerKey}` : '';
			return [known, name, outcome, fields.join(), resumed, message].join(' | ');
		});
		return [state, unchanged, note, ...lines.toSorted()].join('\n');
	}

	async #nothingHalfDone(client: Client, report: SyncReport): Promise<void> {
		const waiting = (await client.home.store.changes(MODEL_PROFILE)).filter((change) => change.sending !== null);
		if (waiting.length > (report.state === 'done' ? 0 : 1) && report.state !== 'offline') {
			throw new Error(`${waiting.length} edits are half sent after a sync that was ${report.state}`);
		}
		for (const { key, version, definition } of await client.home.store.entries(MODEL_PROFILE, this.book.kind)) {
			if (this.book.history.get(`${key} ${version}`) !== JSON.stringify(definition)) {
				throw new Error(`${client.home.name} believes of ${key} what the book never had`);
			}
		}
	}

	/** What a process answers; null when it was killed meanwhile. */
	async #alive<T>(client: Client, does: () => Promise<T>): Promise<T | null> {
		const { process } = client;
		try {
			return await does();
		} catch (error) {
			if (!process.dead) throw error;
			return null;
		}
	}

	// The end.

	/** Everybody connects, chooses, and syncs until nothing is left to do. */
	async #settle(): Promise<void> {
		this.#quiet = true;
		this.#time += 20_000;
		for (const client of this.clients) if (client.process.dead) this.#restart(client);
		for (let round = 0; round < 60; round += 1) {
			let busy = false;
			for (const client of this.clients) {
				const report = await this.#sync(client);
				if (report?.state !== 'done')
					throw new Error(`Nothing is in the way, and a sync is ${report?.state}: ${report?.note}`);
				if (report.items.length > 0) busy = true;
				await this.#choose(client);
				await this.#settleRefused(client);
			}
			if (!busy) return;
		}
		throw new Error('They sync and sync and never come to an end');
	}

	async #check(): Promise<void> {
		const final = this.book.entries.map((entry) => JSON.stringify(entry)).toSorted();
		const inBook = new Set(this.book.entries.flatMap(({ definition }) => tokensOf(definition)));
		for (const home of this.#homes) {
			const { name, store } = home;
			const changes = await store.changes(MODEL_PROFILE);
			if (changes.length > 0) throw new Error(`${name} still has ${changes.length} edits that wait`);
			const entries = await store.entries(MODEL_PROFILE, this.book.kind);
			const known = entries.map(({ book: _book, seenAt: _seenAt, ...entry }) => JSON.stringify(entry)).toSorted();
			if (known.join('\n') !== final.join('\n')) {
				throw new Error(`${name} knows\n${known.join('\n')}\nand the book has\n${final.join('\n')}`);
			}
			const knownByName = this.#options.keys !== 'chosen';
			checkPerson({ ...home, past: await home.past(), knownByName }, inBook, this.book.log);
		}
	}

	// Values.

	/** One to three fields of a schedule typed anew. */
	#typed(client: Client, from: ScheduleDefinition): ScheduleDefinition {
		let edited = from;
		for (let more = 1 + this.#below(3); more > 0; more -= 1) edited = { ...edited, ...this.#field(client) };
		return edited;
	}

	#field(client: Client): Partial<ScheduleDefinition> {
		const dice = this.#random();
		if (dice < 0.08) return { name: this.#name() };
		if (dice < 0.14) return { active: this.#random() < 0.5 };
		if (dice < 0.18) return { startAt: this.#random() < 0.3 ? null : 100 * this.#below(100) };
		if (dice < 0.22) return { endAt: this.#random() < 0.3 ? null : 100 * this.#below(100) };
		if (dice < 0.26) return { recurrence: { kind: 'every', count: 1 + this.#below(9), unit: 'hours', align: 'clock' } };
		if (dice < 0.3) return { zone: this.#pick(['UTC', 'Europe/London', 'Asia/Tokyo']) };
		const field = this.#pick(TOKEN_FIELDS);
		return { [field]: TOKENS[field]?.(this.#token(client), this.#tokens) };
	}

	#token({ home }: Client): string {
		return `${home.name}${++this.#tokens}`;
	}

	#name(): string {
		const common = this.#options.alone !== true && this.#random() < 0.4;
		return common ? this.#pick(NAMES) : `job-${++this.#tokens}`;
	}

	#now({ home }: Client): number {
		return this.#time + home.skew;
	}

	#client(name: string): Client {
		const client = this.clients.find((one) => one.name === name);
		if (client === undefined) throw new Error(`There is no client ${name}`);
		return client;
	}

	#note(what: string): void {
		this.tally[what] = (this.tally[what] ?? 0) + 1;
	}

	#below(limit: number): number {
		return Math.floor(this.#random() * limit);
	}

	#pick<T>(of: readonly T[]): T {
		return of[this.#below(of.length)] as T;
	}

	#maybe<T>(of: readonly T[]): T | undefined {
		return of[this.#below(of.length)];
	}
}

function typedIn(edited: ScheduleDefinition, from: ScheduleDefinition): readonly string[] {
	const before = new Set(tokensOf(from));
	return tokensOf(edited).filter((token) => !before.has(token));
}

/** The schedule that a call is about, where it is about one. */
function keyOf(call: string | symbol, args: readonly unknown[]): string | null {
	if (call === 'write') return (args[0] as BookWrite).key;
	return call === 'commitIf' ? ((args[1] as readonly ExpectedChange[])[0]?.key ?? null) : null;
}
