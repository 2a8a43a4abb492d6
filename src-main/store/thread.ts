/** Entry of the store's worker threads: the role comes with the worker's data. */
import { isMainThread, type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Failure } from '#main/domain/result.ts';
import { failureOf } from './failures.ts';
import { openForReading } from './handles.ts';
import { prepareFile } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';
import type { ReadCalls, Reply, Request, ThreadData } from './protocol.ts';
import { readCalls } from './reader.ts';
import { Writer } from './writer.ts';

/** Operations in one transaction at most, so that the first caller does not wait for all that came after. */
const GROUP = 64;

if (!isMainThread && parentPort !== null) {
	const data = workerData as ThreadData;
	if (data.role === 'writer') runWriter(parentPort, data);
	else runReader(parentPort, data);
}

function send(port: MessagePort, reply: Reply): void {
	port.postMessage(reply);
}

function runReader(port: MessagePort, data: ThreadData): void {
	let db: ReturnType<typeof openForReading>;
	try {
		db = openForReading(data.file, (name, ms) => send(port, { kind: 'slow', name, ms }));
	} catch (error) {
		send(port, { kind: 'opened', result: { ok: false, error: failureOf(error, data.file) } });
		port.close();
		return;
	}
	const calls = readCalls(db);
	port.on('message', (request: Request) => {
		if (request.kind === 'close') {
			db[Symbol.dispose]();
			port.close();
			return;
		}
		if (request.kind !== 'call') return;
		try {
			const value = callNamed(calls, request.name)(...request.args);
			send(port, { kind: 'done', id: request.id, value });
		} catch (error) {
			send(port, { kind: 'failed', id: request.id, failure: failureOf(error, data.file) });
		}
	});
	send(port, { kind: 'opened', result: { ok: true, value: { from: null, schema: 0, backup: null } } });
}

function callNamed(calls: ReadCalls, name: string): (...args: readonly unknown[]) => unknown {
	if (!Object.hasOwn(calls, name)) throw new Error(`The reader has no call "${name}"`);
	return calls[name as keyof ReadCalls] as (...args: readonly unknown[]) => unknown;
}

function runWriter(port: MessagePort, data: ThreadData): void {
	const prepared = prepareFile(data.file, data.now);
	if (!prepared.ok) {
		send(port, { kind: 'opened', result: { ok: false, error: prepared.error } });
		port.close();
		return;
	}
	const writer = new Writer(prepared.db, data.file, (name, ms) => send(port, { kind: 'slow', name, ms }));
	const waiting: Extract<Request, { kind: 'call' }>[] = [];
	const settling: number[] = [];
	let closing = false;
	let resting: NodeJS.Timeout | null = null;
	let busy = false;

	function take(request: Request): void {
		if (request.kind === 'call') waiting.push(request);
		else if (request.kind === 'settle') settling.push(request.id);
		else closing = true;
	}

	function drain(first: Request): void {
		busy = true;
		take(first);
		for (;;) {
			// What has come while the last transaction ran shares the next.
			for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
				take(next.message as Request);
			}
			if (waiting.length === 0) break;
			const group = waiting.splice(0, GROUP);
			const outcomes = writer.run(group);
			for (const [at, { id }] of group.entries()) {
				const outcome = outcomes[at];
				if (outcome?.ok === true) send(port, { kind: 'done', id, value: outcome.value });
				else send(port, { kind: 'failed', id, failure: outcome?.failure ?? lost });
			}
		}
		if (settling.length > 0) settle();
		if (closing) close();
		else rest(0);
	}

	/**
	 * Background work in small steps, each followed by a pause as long, so that other processes get their turn; by a much
	 * longer one while requests keep coming.
	 */
	function rest(pauseMs: number): void {
		resting ??= setTimeout(() => {
			resting = null;
			const started = performance.now();
			const share = busy ? 20 : 1;
			busy = false;
			try {
				if (writer.step()) rest(Math.max(2, (performance.now() - started) * share));
			} catch (error) {
				// Nothing depends on it at once; the next request tries again.
				send(port, { kind: 'trouble', failure: failureOf(error, data.file) });
			}
		}, pauseMs);
	}

	function settle(): void {
		for (const id of settling.splice(0)) {
			try {
				while (writer.step());
				send(port, { kind: 'done', id, value: null });
			} catch (error) {
				send(port, { kind: 'failed', id, failure: failureOf(error, data.file) });
			}
		}
	}

	function close(): void {
		if (resting !== null) clearTimeout(resting);
		writer[Symbol.dispose]();
		port.close();
	}

	port.on('message', drain);
	send(port, {
		kind: 'opened',
		result: {
			ok: true,
			value: { from: prepared.from, schema: MIGRATIONS.at(-1)?.version ?? 0, backup: prepared.backup },
		},
	});
	rest(0);
}

const lost: Failure = { code: 'internal', message: 'The store lost track of a request.', retryable: false };
