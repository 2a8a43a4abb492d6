/** A whole engine in the test's own process, on a home of its own, with a vault in memory. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#main/domain/clock.ts';
import { silentLog } from '#main/domain/log.ts';
import { ok } from '#main/domain/result.ts';
import { createEngine } from '#main/engine/engine.ts';
import { DEFAULT_SETTINGS, type Ports, type Vault } from '#main/engine/ports.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput, CallName, Item, Output, StreamName } from '#main/ipc/contract.ts';

const ROOT = new URL('../../', import.meta.url);

export interface TestEngine extends AsyncDisposable {
	readonly home: string;
	/** Calls a route; throws what it refuses. */
	call<R extends CallName>(route: R, input: CallerInput<R>, confirm?: string): Promise<Output<R>>;
	/** Calls a route that is to be refused; throws when it is not. */
	refusal<R extends CallName>(route: R, input: CallerInput<R>, confirm?: string): Promise<WireError>;
	/** Opens a stream; `items` grows with everything it sends. */
	open<S extends StreamName>(stream: S, input: CallerInput<S>): Promise<{ readonly items: Item<S>[] } & Disposable>;
}

/** A vault that forgets everything with the process. */
export function memoryVault(): Vault {
	const secrets = new Map<string, string>();
	return {
		describe: () => ({ kind: 'memory', words: 'Secrets are kept in memory only.' }),
		get: async (key) => ok(secrets.get(key) ?? null),
		set: async (key, secret) => {
			secrets.set(key, secret);
			return ok(undefined);
		},
		remove: async (key) => {
			secrets.delete(key);
			return ok(undefined);
		},
	};
}

/** Boots an engine. Without `home` it gets a temporary one, removed on disposal. */
export async function bootEngine(
	options: { readonly home?: string; readonly ports?: Partial<Ports>; readonly cleans?: boolean } = {},
): Promise<TestEngine> {
	const folder = options.home === undefined ? mkdtempSync(join(tmpdir(), 'warren-engine-')) : null;
	const home = options.home ?? join(folder as string, 'home');
	mkdirSync(home, { recursive: true });
	let settings = DEFAULT_SETTINGS;
	const ports: Ports = {
		host: 'test',
		home,
		resources: fileURLToPath(new URL('resources', ROOT)),
		storeThread: new URL('src-main/store/thread.ts', ROOT),
		embeddedThread: new URL('src-main/brokers/embedded/thread.ts', ROOT),
		clock: systemClock,
		log: silentLog,
		vault: memoryVault(),
		settings: {
			get: () => settings,
			set: (change) => {
				settings = { ...settings, ...change };
				return settings;
			},
		},
		version: '0.0.0-test',
		...options.ports,
	};
	const made = await createEngine(ports, { cleans: options.cleans ?? true });
	if (!made.ok) throw new Error(made.error.message);
	const engine = made.value;
	const closing = new AbortController();
	const context = { host: 'test', actor: 'test', signal: closing.signal } as const;
	return {
		home,
		async call(route, input, confirm) {
			const answer = await engine.router.call(route, input, context, confirm);
			if (!answer.ok) throw new Error(`${route}: ${answer.error.code}: ${answer.error.message}`);
			return answer.data as never;
		},
		async refusal(route, input, confirm) {
			const answer = await engine.router.call(route, input, context, confirm);
			if (answer.ok) throw new Error(`${route} was not refused: ${JSON.stringify(answer.data)}`);
			return answer.error;
		},
		async open(stream, input) {
			const items: never[] = [];
			const sink = {
				snapshot: (all: readonly unknown[]) => items.splice(0, items.length, ...(all as never[])),
				put: (more: readonly unknown[]) => items.push(...(more as never[])),
				end() {},
			};
			const opened = await engine.router.open(stream, input, sink, context);
			if (!opened.ok) throw new Error(`${stream}: ${opened.error.message}`);
			return { items, [Symbol.dispose]: () => opened.value[Symbol.dispose]() };
		},
		async [Symbol.asyncDispose]() {
			closing.abort();
			await engine[Symbol.asyncDispose]();
			if (folder !== null) rmSync(folder, { recursive: true, force: true });
		},
	};
}
