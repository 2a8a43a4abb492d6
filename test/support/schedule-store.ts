/** What syncing needs of a store, in memory: as strict as the real one about waiting edits, and quick. */
import { fail, ok } from '#main/domain/result.ts';
import type { BookKind, ScheduleChange, ScheduleVersion } from '#main/domain/schedule.ts';
import type { LeaseStore, ScheduleStep, StoredBook, StoredEntry } from '#main/store/store.ts';
import type { SyncStore } from '#main/sync/ports.ts';

export interface MemoryScheduleStore extends SyncStore {
	/** All of the past, oldest first. */
	readonly past: readonly ScheduleVersion[];
	/** Transactions so far. */
	readonly commits: number;
}

/** The store of one profile. */
export function memoryScheduleStore(): MemoryScheduleStore {
	const entries = new Map<string, StoredEntry>();
	const books = new Map<BookKind, StoredBook>();
	/** As text, as SQLite has them. */
	const changes = new Map<string, string>();
	let past: ScheduleVersion[] = [];
	let commits = 0;
	const idOf = (book: BookKind, key: string) => `${book}/${key}`;
	const changeOf = (book: BookKind, key: string): ScheduleChange | null => {
		const body = changes.get(idOf(book, key));
		return body === undefined ? null : (JSON.parse(body) as ScheduleChange);
	};
	const take = (step: ScheduleStep): void => {
		switch (step.kind) {
			case 'entry':
				entries.set(idOf(step.book, step.entry.key), { ...step.entry, book: step.book, seenAt: step.seenAt });
				return;
			case 'gone':
				entries.delete(idOf(step.book, step.key));
				return;
			case 'read':
				books.set(step.stored.book, step.stored);
				return;
			case 'change':
				changes.set(idOf(step.change.book, step.change.key), JSON.stringify(step.change));
				return;
			case 'settled':
				changes.delete(idOf(step.book, step.key));
				return;
			case 'rekeyed':
				past = past.map((one) => (one.book === step.book && one.key === step.from ? { ...one, key: step.to } : one));
				return;
			case 'version':
				past.push({ ...step.version, id: past.length + 1 });
				return;
			case 'ran':
				return;
		}
	};
	const commit = (steps: readonly ScheduleStep[]): void => {
		for (const step of steps) take(step);
		commits += 1;
	};
	return {
		get past() {
			return past;
		},
		get commits() {
			return commits;
		},
		entries: async (_profile, book) => [...entries.values()].filter((one) => book === null || one.book === book),
		entry: async (_profile, book, key) => entries.get(idOf(book, key)) ?? null,
		books: async () => [...books.values()],
		changes: async () =>
			[...changes.values()]
				.map((body) => JSON.parse(body) as ScheduleChange)
				.toSorted((a, b) => a.createdAt - b.createdAt || (a.key < b.key ? -1 : 1)),
		change: async (_profile, book, key) => changeOf(book, key),
		commit: async (_profile, steps) => commit(steps),
		commitIf: async (_profile, expected, steps) => {
			const stands = expected.every(({ book, key, change }) => {
				const body = changes.get(idOf(book, key)) ?? null;
				return body === (change === null ? null : JSON.stringify(change));
			});
			if (stands) commit(steps);
			return stands;
		},
	};
}

/** Leases in memory, by whatever clock. */
export function memoryLeases(now: () => number): LeaseStore {
	const held = new Map<string, { readonly holder: string; readonly until: number }>();
	return {
		hold: async (name, holder, ttlMs) => {
			const other = held.get(name);
			if (other !== undefined && other.holder !== holder && other.until > now()) {
				return fail('busy', `"${name}" is held by ${other.holder}.`, { details: { ...other } });
			}
			held.set(name, { holder, until: now() + ttlMs });
			return ok(undefined);
		},
		release: async (name, holder) => {
			if (held.get(name)?.holder === holder) held.delete(name);
		},
		holder: async (name) => {
			const one = held.get(name);
			return one !== undefined && one.until > now() ? one.holder : null;
		},
		expired: async () => [],
	};
}
