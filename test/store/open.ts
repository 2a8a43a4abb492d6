/** A store of its own for a test, in a folder that goes with it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, silentLog } from '#main/domain/log.ts';
import { type OpenStore, openStore, STORE_FILE } from '#main/store/client.ts';

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
