/** A book in memory that several clients write to, over connections that can fail in every way that matters. */
import { createHash } from 'node:crypto';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type {
	BookEntry,
	BookKind,
	BookWrite,
	BrokenEntry,
	ScheduleDefinition,
	WriteOutcome,
} from '#main/domain/schedule.ts';
import type { SyncBook } from '#main/sync/ports.ts';

/** How a book knows its schedules: by keys we choose (shared), keys it gives (carrot), or their names (RedBeat). */
export type KeyStyle = 'chosen' | 'given' | 'names';
/** counter: rises with every write. content: the same definition is the same version. */
export type VersionStyle = 'counter' | 'content';

/** What a call meets on its way. cut: nothing gets through. lost: a write takes effect, and its answer gets lost. */
export type Weather = 'fine' | 'cut' | 'lost';

/** One write that took effect. */
export interface WriteRecord {
	readonly by: string;
	readonly before: ScheduleDefinition | null;
	readonly after: ScheduleDefinition | null;
}

const KIND: Readonly<Record<KeyStyle, BookKind>> = { chosen: 'shared', given: 'carrot', names: 'redbeat' };

export class SharedBook {
	readonly kind: BookKind;
	readonly log: WriteRecord[] = [];
	/** Every version that any schedule ever had, as `key version` with the definition as text. */
	readonly history = new Map<string, string>();
	broken: readonly BrokenEntry[] = [];
	/** Refused like a login that ended, or a value it cannot keep: why; null: it takes the write. */
	refuses: (write: BookWrite) => Result<never> | null = () => null;
	readonly #keys: KeyStyle;
	readonly #versions: VersionStyle;
	readonly #entries = new Map<string, BookEntry>();
	/** Keys by name. */
	readonly #names = new Map<string, string>();
	#counter = 0;

	constructor(keys: KeyStyle, versions: VersionStyle) {
		this.kind = KIND[keys];
		this.#keys = keys;
		this.#versions = versions;
	}

	get entries(): readonly BookEntry[] {
		return [...this.#entries.values()];
	}

	/** The book as one client sees it. */
	connect(client: string, weather: (call: 'read' | 'get' | 'write') => Weather = () => 'fine'): SyncBook {
		const through = async <T>(call: 'read' | 'get' | 'write', carryOut: () => Result<T>): Promise<Result<T>> => {
			const met = weather(call);
			if (met === 'cut') return fail('unreachable', 'The book cannot be reached.');
			const answer = carryOut();
			return met === 'fine'
				? answer
				: fail('timeout', 'No answer came in time.', { details: { sent: call === 'write' } });
		};
		return {
			kind: this.kind,
			capabilities: { renames: this.#keys !== 'names' },
			check: (definition) => (definition.name === '' ? [{ message: 'A schedule needs a name.' }] : []),
			read: () => through('read', () => ok({ at: 0, entries: this.entries, broken: this.broken, facts: [] })),
			get: (key) => through('get', () => ok(this.#entries.get(key) ?? null)),
			write: (write) => through('write', () => this.refuses(write) ?? ok(this.write(client, write))),
		};
	}

	/** A write that arrives. */
	write(by: string, write: BookWrite): WriteOutcome {
		const current = this.#entries.get(write.key) ?? null;
		if (write.kind === 'create') {
			if (this.#keys === 'chosen' && current !== null) {
				const same = JSON.stringify(current.definition) === JSON.stringify(write.definition);
				return same ? { kind: 'written', entry: current } : { kind: 'changed', current };
			}
		} else if (current === null || current.version !== write.expect) {
			return { kind: 'changed', current };
		}
		if (write.kind === 'remove') {
			this.#drop(current);
			this.log.push({ by, before: current?.definition ?? null, after: null });
			return { kind: 'written', entry: null };
		}
		const { definition } = write;
		const before = write.kind === 'change' ? current : null;
		const holder = this.#names.get(definition.name);
		if (holder !== undefined && holder !== before?.key) return { kind: 'name-taken', by: holder };
		const entry = this.#entry(this.#keyFor(write), definition);
		this.#drop(before);
		this.#entries.set(entry.key, entry);
		this.#names.set(definition.name, entry.key);
		this.log.push({ by, before: before?.definition ?? null, after: definition });
		this.history.set(`${entry.key} ${entry.version}`, JSON.stringify(definition));
		return { kind: 'written', entry };
	}

	#drop(entry: BookEntry | null): void {
		if (entry === null) return;
		this.#entries.delete(entry.key);
		this.#names.delete(entry.definition.name);
	}

	#keyFor(write: Exclude<BookWrite, { readonly kind: 'remove' }>): string {
		if (this.#keys === 'names') return `redbeat:${write.definition.name}`;
		return write.kind === 'create' && this.#keys === 'given' ? String(++this.#counter) : write.key;
	}

	#entry(key: string, definition: ScheduleDefinition): BookEntry {
		const version =
			this.#versions === 'counter'
				? `v${++this.#counter}`
				: createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 16);
		const times = { changedAt: null, lastRunAt: null, nextRunAt: null, totalRuns: null };
		return { key, version, definition, ...times, remarks: [] };
	}
}
