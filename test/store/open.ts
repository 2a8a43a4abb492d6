/** Stores of their own for tests, in folders that go with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, silentLog } from '#main/domain/log.ts';
import type { HistoryOp, StartedFacts } from '#main/domain/task.ts';
import { type OpenStore, openStore, STORE_FILE } from '#main/store/client.ts';
import { openForReading, type ReadHandle } from '#main/store/handles.ts';
import { LIST_LIMITS, type ListLimits } from '#main/store/lists.ts';
import { prepareFile } from '#main/store/migrate.ts';
import { beginnings, type PackedFacts, unpackFacts } from '#main/store/packed-ops.ts';
import type { ReadCalls } from '#main/store/protocol.ts';
import { readCalls } from '#main/store/reader.ts';
import { Writer } from '#main/store/writer.ts';

export const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);

export interface TestHome extends Disposable {
	readonly home: string;
	readonly file: string;
}

/** An empty folder, removed at the end. */
export function testHome(): TestHome {
	const home = mkdtempSync(join(tmpdir(), 'warren-store-'));
	return { home, file: join(home, STORE_FILE), [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) };
}

/** The store of a home; throws where it cannot be opened. */
export async function storeOf(home: string, log: Log = silentLog): Promise<OpenStore> {
	const opened = await openStore({ home, thread: THREAD, log });
	if (!opened.ok) throw new Error(opened.error.message);
	return opened.value;
}

/** The store's inside without its threads: what they run, called at once. For properties with many small histories. */
export interface DirectStore extends Disposable {
	readonly writer: Writer;
	readonly calls: ReadCalls;
	readonly db: ReadHandle;
	/** Where the history is, for what only another connection may do. */
	readonly file: string;
	apply(...ops: readonly HistoryOp[]): readonly (StartedFacts | null)[];
	/** Works off what waits in the background. */
	settle(): void;
}

export function directStore(limits: ListLimits = LIST_LIMITS): DirectStore {
	const home = testHome();
	const prepared = prepareFile(home.file, Date.now());
	if (!prepared.ok) throw new Error(prepared.error.message);
	// A crash is another test's business, and these are many.
	prepared.db.pragma('synchronous = OFF');
	const writer = new Writer(prepared.db, home.file, () => {});
	prepared.db.pragma('synchronous = OFF');
	const db = openForReading(home.file, () => {});
	return {
		writer,
		db,
		file: home.file,
		calls: readCalls(db, limits),
		apply(...ops) {
			const [outcome] = writer.run([{ name: 'apply', args: [ops] }]);
			if (outcome?.ok !== true) throw new Error(outcome?.failure.message);
			return unpackFacts(beginnings(ops), outcome.value as PackedFacts);
		},
		settle() {
			while (writer.step());
		},
		[Symbol.dispose]() {
			db[Symbol.dispose]();
			writer[Symbol.dispose]();
			home[Symbol.dispose]();
		},
	};
}
