/** The local book: schedules in this home's own history file. It is always there, and everything can be kept in it. */
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import { fail, ok } from '#main/domain/result.ts';
import {
	type BookCapabilities,
	type BookEntry,
	SCHEDULE_FIELDS,
	type ScheduleDefinition,
} from '#main/domain/schedule.ts';
import { INTERVAL_UNITS } from '#main/domain/timing.ts';
import type { ScheduleStore, StoredEntry } from '#main/store/store.ts';
import type { FieldProblem, ScheduleBook } from '../book.ts';
import { checkCapabilities, checkDefinition } from '../check-definition.ts';

/** What the local book keeps: all but options, which only RedBeat publishes with. */
export const LOCAL_CAPABILITIES: BookCapabilities = {
	runBy: 'warren',
	fields: SCHEDULE_FIELDS.filter((field) => field !== 'options'),
	recurrences: ['every', 'cron', 'once'],
	units: INTERVAL_UNITS,
	aligns: ['clock', 'last-run'],
	renames: true,
	notes: ['Kept on this machine, and run while Warren or its service runs here.'],
};

export interface LocalBookDeps {
	readonly profile: ProfileId;
	readonly schedules: ScheduleStore;
	readonly clock: Clock;
	readonly log: Log;
}

/** Everything that the local book would not keep of a definition. */
export function checkLocal(definition: ScheduleDefinition): readonly FieldProblem[] {
	return [...checkDefinition(definition), ...checkCapabilities(definition, LOCAL_CAPABILITIES, 'The local book')];
}

/** The local book of a profile. Its store's defects (a full disk) reject, as everywhere else. */
export function createLocalBook(deps: LocalBookDeps): ScheduleBook {
	const { profile, schedules, clock, log } = deps;
	const since = clock.now();
	const listeners = new Set<() => void>();
	let watching: Disposable | null = null;
	/** The entries' revision that every listener knows of; null: nobody has read or been told anything yet. */
	let known: number | null = null;
	let asked: Promise<void> = Promise.resolve();

	/** The store's tick also comes with every run; only those of definitions are passed on. */
	async function look(): Promise<void> {
		try {
			const revision = await schedules.definitions(profile, 'local');
			const moved = revision !== known;
			known = revision;
			if (moved) for (const listener of [...listeners]) listener();
		} catch (error) {
			// The store's next tick asks again.
			log.warn('schedules.revision-unread', { reason: error instanceof Error ? error.message : String(error) });
		}
	}

	return {
		kind: 'local',
		capabilities: LOCAL_CAPABILITIES,
		state: () => ({ kind: 'connected', since, server: null }),
		onState: () => ({ [Symbol.dispose]: () => {} }),
		onChange(listener) {
			const own = () => listener();
			listeners.add(own);
			watching ??= schedules.onChange(profile, () => {
				asked = asked.then(look);
			});
			return {
				[Symbol.dispose]: () => {
					listeners.delete(own);
					if (listeners.size > 0) return;
					watching?.[Symbol.dispose]();
					watching = null;
					known = null;
				},
			};
		},
		async read() {
			// Asked for before, so that what is written meanwhile is told as a change.
			const revision = await schedules.definitions(profile, 'local');
			const entries = await schedules.entries(profile, 'local');
			if (watching !== null) known ??= revision;
			return ok({ at: clock.now(), entries: entries.map(plain), broken: [], facts: [] });
		},
		async get(key) {
			const entry = await schedules.entry(profile, 'local', key);
			return ok(entry === null ? null : plain(entry));
		},
		async write(write) {
			const problems = write.kind === 'remove' ? [] : checkLocal(write.definition);
			const [first] = problems;
			if (first !== undefined) return fail('invalid-input', first.message, { details: { problems } });
			return ok(await schedules.writeLocal(profile, write, clock.now()));
		},
		check: checkLocal,
		async [Symbol.asyncDispose]() {
			listeners.clear();
			watching?.[Symbol.dispose]();
			watching = null;
			await asked;
		},
	};
}

function plain({ book: _book, seenAt: _seenAt, ...entry }: StoredEntry): BookEntry {
	return entry;
}
