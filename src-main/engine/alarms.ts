/** Alarms of a profile: what is amiss by its source, by rules that are kept with the profile, told through the host. */
import { randomUUID } from 'node:crypto';
import {
	ALARM_NAMES,
	ALARM_RULES,
	type AlarmBoard,
	type AlarmChange,
	type AlarmSettings,
	alarmRound,
	changedAlarms,
	DEFAULT_ALARMS,
	EMPTY_BOARD,
	isQuiet,
	readAlarmSettings,
} from '#main/domain/alarm.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { AlarmView } from '#main/ipc/contract/alarm.ts';
import type { ClusterList } from '#main/ipc/contract/cluster.ts';
import { ClusterSymptoms } from '#main/monitor/django-q/symptoms.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Store } from '#main/store/store.ts';
import type { Clusters } from './clusters.ts';
import type { Ports } from './ports.ts';

/** Between two looks, ms. */
const EVERY_MS = 2_000;
/** How often profiles that came or were edited are looked for. */
const PROFILES_MS = 10_000;
const KIND = 'alarm-rules';
const KEY = 'settings';
/** How long the right to notify is kept without a sign of life, ms. */
const LEASE_MS = 10_000;

export interface Alarms extends AsyncDisposable {
	/** As it stands; where nobody watches, after one look, which can raise nothing that must last. `unsupported` without a source. */
	list(profile: Profile): Promise<Result<AlarmView>>;
	set(profile: Profile, change: AlarmChange): Promise<Result<AlarmView>>;
	/** Tells of each round until disposed of. `notifies`: whoever is told notifies a person, unless another console does. */
	watch(profile: Profile, tell: (view: AlarmView) => void, notifies: boolean): Promise<Result<Disposable>>;
}

/** A profile that is watched, shared by all who want it. */
interface Live {
	board: AlarmBoard;
	readonly symptoms: ClusterSymptoms;
	readonly listeners: Set<(view: AlarmView) => void>;
	/** Listeners that notify a person. */
	notifiers: number;
	/** Whether it is this process that notifies: of several consoles at one home one does. */
	tells: boolean;
	users: number;
	/** Nobody wants it any more: what is under way for it comes too late. */
	over: boolean;
	looking: Disposable | null;
	/** Whether it could be watched, once that is known. */
	ready: Promise<Result<void>>;
	/** The list of the newest look that waits for its round, and the rounds under way; null: none. */
	next: { readonly profile: Profile; readonly list: ClusterList } | null;
	rounds: Promise<void> | null;
}

/** Keeps the alarms of one engine. In a window or a served console every profile that has a source is watched. */
export function createAlarms(ports: Ports, profiles: Profiles, store: Store, clusters: Clusters): Alarms {
	const { clock, log } = ports;
	const live = new Map<ProfileId, Live>();
	let stopping = false;
	const holder = randomUUID();
	const leaseOf = (id: ProfileId): string => `alarms ${id}`;
	/** Rights on their way back, and rounds under way: also of what nobody wants any more. */
	const returning = new Set<Promise<void>>();
	const rounds = new Set<Promise<void>>();

	/** Whoever else watches need not wait until it lapses. */
	function giveBack(id: ProfileId): void {
		const done: Promise<void> = store.leases
			.release(leaseOf(id), holder)
			.catch((error: unknown) => log.warn('alarm.lease', { reason: String(error) }))
			.finally(() => returning.delete(done));
		returning.add(done);
	}

	/** Takes or keeps the right to notify, where there is a way to. */
	async function keepRight(id: ProfileId, entry: Live): Promise<void> {
		if (ports.notify !== undefined || entry.notifiers > 0) {
			const { ok: tells } = await store.leases.hold(leaseOf(id), holder, LEASE_MS);
			// Where it ended meanwhile, whoever watches the profile here now asks for it itself.
			if (!entry.over) entry.tells = tells;
			else if (tells && !live.has(id)) giveBack(id);
		} else if (entry.tells) {
			entry.tells = false;
			await store.leases.release(leaseOf(id), holder);
		}
	}

	async function settingsOf(id: ProfileId): Promise<AlarmSettings> {
		// Read for each round: another process of this home may have changed them.
		const [note] = await store.watching.list(id, KIND, 1);
		return note === undefined ? DEFAULT_ALARMS : readAlarmSettings(note.body);
	}

	function round(profile: Profile, entry: Pick<Live, 'board' | 'symptoms'>, rules: AlarmSettings, list: ClusterList) {
		const now = clock.now();
		const symptoms = entry.symptoms.take({
			now,
			queues: list.queues,
			clusters: list.items,
			named: (profile.djangoQ?.prefixes.length ?? 0) > 0,
			problem: list.problem,
		});
		const time = new Date(now);
		const quiet = isQuiet(rules.quiet, time.getHours() * 60 + time.getMinutes());
		return alarmRound(entry.board, symptoms, rules, { now, quiet, partial: list.problem !== null });
	}

	async function take(profile: Profile, entry: Live, list: ClusterList): Promise<void> {
		await keepRight(profile.id, entry);
		const rules = await settingsOf(profile.id);
		if (entry.over) return;
		const { board, raised, cleared, tell } = round(profile, entry, rules, list);
		entry.board = board;
		for (const { rule, subject, words } of raised)
			log.warn('alarm.raised', { profile: profile.id, rule, subject, words });
		for (const { rule, subject } of cleared) log.info('alarm.cleared', { profile: profile.id, rule, subject });
		const [first] = tell;
		if (first !== undefined && entry.tells) {
			const more = tell.length === 1 ? '' : ` And ${tell.length - 1} more.`;
			ports.notify?.({ title: `${profile.name}: ${ALARM_RULES[first.rule].words}`, body: `${first.words}${more}` });
		}
		const view = viewOf(board, rules, { watched: true, tells: entry.tells });
		for (const listener of entry.listeners) listener(view);
	}

	/** One round at a time, of the newest look: rounds that overtake each other would bring the board back to what it was. */
	async function takeAll(id: ProfileId, entry: Live): Promise<void> {
		for (let next = entry.next; next !== null && !entry.over; next = entry.next) {
			entry.next = null;
			await take(next.profile, entry, next.list).catch((error: unknown) =>
				log.error('alarm.round-failed', { profile: id, reason: String(error) }),
			);
		}
		// In the turn of the last look at it: what comes from now on begins anew.
		entry.rounds = null;
	}

	async function hold(profile: Profile): Promise<Result<Live>> {
		if (stopping) return fail('gone', 'Warren is ending.');
		const known = live.get(profile.id);
		if (known !== undefined) {
			known.users += 1;
			const ready = await known.ready;
			return ready.ok ? ok(known) : ready;
		}
		const entry: Live = {
			board: EMPTY_BOARD,
			symptoms: new ClusterSymptoms(),
			listeners: new Set(),
			notifiers: 0,
			tells: false,
			users: 1,
			over: false,
			looking: null,
			ready: Promise.resolve(ok(undefined)),
			next: null,
			rounds: null,
		};
		live.set(profile.id, entry);
		entry.ready = begin(profile, entry).catch((error: unknown) => {
			drop(profile.id, entry);
			throw error;
		});
		const ready = await entry.ready;
		return ready.ok ? ok(entry) : ready;
	}

	async function begin(profile: Profile, entry: Live): Promise<Result<void>> {
		const looking = await clusters.watch(profile, EVERY_MS, (list, seen) => {
			entry.next = { profile: seen, list };
			if (entry.rounds !== null) return;
			const taking = takeAll(profile.id, entry).finally(() => rounds.delete(taking));
			entry.rounds = taking;
			rounds.add(taking);
		});
		if (!looking.ok) {
			drop(profile.id, entry);
			return looking;
		}
		if (entry.over) looking.value[Symbol.dispose]();
		else entry.looking = looking.value;
		return ok(undefined);
	}

	function release(id: ProfileId, entry: Live, by = 1): void {
		entry.users -= by;
		if (entry.users <= 0) drop(id, entry);
	}

	function drop(id: ProfileId, entry: Live): void {
		if (entry.over) return;
		entry.over = true;
		entry.looking?.[Symbol.dispose]();
		if (live.get(id) === entry) live.delete(id);
		if (!entry.tells) return;
		entry.tells = false;
		giveBack(id);
	}

	/** Watches every profile that has a source, and those that are edited anew. */
	function watchAll(): AsyncDisposable {
		const held = new Map<ProfileId, { readonly made: number; readonly entry: Live }>();
		let timer: Disposable | null = null;
		let work: Promise<void> = Promise.resolve();
		const look = async (): Promise<void> => {
			const all = (await profiles.list()).filter((one) => watchable(one).ok);
			for (const [id, { made, entry }] of held) {
				if (all.some((one) => one.id === id && one.updatedAt === made)) continue;
				held.delete(id);
				release(id, entry);
			}
			for (const profile of all) {
				if (stopping || held.has(profile.id)) continue;
				const entry = await hold(profile);
				if (entry.ok) held.set(profile.id, { made: profile.updatedAt, entry: entry.value });
			}
		};
		const again = (): void => {
			work = look()
				.catch((error: unknown) => log.error('alarm.watch-failed', { reason: String(error) }))
				.then(() => {
					if (!stopping) timer = clock.after(PROFILES_MS, again);
				});
		};
		again();
		return {
			async [Symbol.asyncDispose]() {
				timer?.[Symbol.dispose]();
				await work;
				for (const [id, { entry }] of held) release(id, entry);
			},
		};
	}

	const watcher = ports.host === 'shell' || ports.host === 'serve' ? watchAll() : null;

	async function list(profile: Profile): Promise<Result<AlarmView>> {
		const can = watchable(profile);
		if (!can.ok) return can;
		const rules = await settingsOf(profile.id);
		const entry = live.get(profile.id);
		if (entry !== undefined) return ok(viewOf(entry.board, rules, { watched: true, tells: entry.tells }));
		const looked = await clusters.list(profile);
		if (!looked.ok) return looked;
		const once = { board: EMPTY_BOARD, symptoms: new ClusterSymptoms() };
		return ok(viewOf(round(profile, once, rules, looked.value).board, rules, { watched: false, tells: false }));
	}

	return {
		list,
		async set(profile, change) {
			const can = watchable(profile);
			if (!can.ok) return can;
			const next = changedAlarms(await settingsOf(profile.id), change);
			if (!next.ok) return next;
			await store.watching.put(profile.id, KIND, [{ key: KEY, at: clock.now(), body: JSON.stringify(next.value) }], 1);
			return list(profile);
		},
		async watch(profile, tell, notifies) {
			const can = watchable(profile);
			if (!can.ok) return can;
			const held = await hold(profile);
			if (!held.ok) return held;
			const entry = held.value;
			const rules = await settingsOf(profile.id).catch((error: unknown) => {
				release(profile.id, entry);
				throw error;
			});
			entry.listeners.add(tell);
			if (notifies) entry.notifiers += 1;
			tell(viewOf(entry.board, rules, { watched: true, tells: entry.tells }));
			let mine = true;
			return ok({
				[Symbol.dispose]() {
					if (!mine) return;
					mine = false;
					entry.listeners.delete(tell);
					if (notifies) entry.notifiers -= 1;
					release(profile.id, entry);
				},
			});
		},
		async [Symbol.asyncDispose]() {
			stopping = true;
			await watcher?.[Symbol.asyncDispose]();
			for (const [id, entry] of [...live]) drop(id, entry);
			// Before the store closes: rounds under way, and the rights that they or the end give back.
			await Promise.all(rounds);
			await Promise.all(returning);
		},
	};
}

/** Only django-q's clusters are a source so far. */
function watchable(profile: Profile): Result<void> {
	return profile.framework === 'django-q' && profile.broker.kind === 'redis'
		? ok(undefined)
		: fail(
				'unsupported',
				`Alarms watch clusters of django-q in a Redis; "${profile.name}" is of ${profile.framework}.`,
			);
}

function viewOf(board: AlarmBoard, settings: AlarmSettings, how: Pick<AlarmView, 'watched' | 'tells'>): AlarmView {
	const rules = ALARM_NAMES.map((rule) => ({ rule, ...ALARM_RULES[rule], ...settings.rules[rule] }));
	return { items: board.alarms, total: board.alarms.length, at: board.at, ...how, rules, quiet: settings.quiet };
}
