import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { taskId } from '#main/domain/ids.ts';
import type { TaskTick } from '#main/domain/page.ts';
import type { TaskState } from '#main/domain/task.ts';
import { StoreError } from '#main/store/failures.ts';
import { prepareFile } from '#main/store/migrate.ts';
import { Writer } from '#main/store/writer.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { PROFILE, published } from '#test/support/history.ts';
import { waitFor } from '#test/support/wait.ts';
import { storeOf, testHome } from './open.ts';

const ROUNDS = process.env.WARREN_LONG === undefined ? 10 : 500;
const CHILD = fileURLToPath(new URL('writing-child.ts', import.meta.url));

interface Said {
	readonly id?: string;
	readonly state?: TaskState;
	readonly ready?: boolean;
	readonly done?: number;
}

interface Child extends AsyncDisposable {
	readonly process: ChildProcess;
	readonly said: readonly Said[];
	ended(): Promise<void>;
}

function child(home: string, prefix: string, count = 0): Child {
	const started = spawn(process.execPath, [CHILD, home, prefix, String(count)], { stdio: ['ignore', 'pipe', 'pipe'] });
	const said: Said[] = [];
	let problem = '';
	started.stderr.on('data', (text) => {
		problem += String(text);
	});
	createInterface({ input: started.stdout }).on('line', (text) => said.push(JSON.parse(text) as Said));
	const closed = once(started, 'close');
	return {
		process: started,
		said,
		async ended() {
			await closed;
			if (started.exitCode !== 0 && started.signalCode === null) throw new Error(problem);
		},
		async [Symbol.asyncDispose]() {
			started.kill('SIGKILL');
			await closed;
		},
	};
}

function integrity(file: string): unknown {
	const db = new Database(file);
	try {
		return db.pragma('integrity_check', { simple: true });
	} finally {
		db.close();
	}
}

const REACHED: readonly TaskState[] = ['queued', 'running', 'failed'];

describe('a process killed while it writes', () => {
	it(`loses nothing that it had acknowledged, and leaves a sound file, ${ROUNDS} times`, {
		timeout: 60_000 + ROUNDS * 30_000,
	}, async () => {
		using home = testHome();
		const random = randomFrom(ROUNDS);
		const acknowledged = new Map<string, TaskState>();
		for (let round = 0; round < ROUNDS; round += 1) {
			await using writing = child(home.home, `r${round}`);
			const enough = 1 + Math.floor(random() * 120);
			await waitFor(`${enough} acknowledgements in round ${round}`, () => {
				if (writing.process.exitCode !== null) return writing.ended().then(() => null);
				return writing.said.length > enough;
			});
			writing.process.kill('SIGKILL');
			await writing.ended();
			for (const { id, state } of writing.said)
				if (id !== undefined && state !== undefined) acknowledged.set(id, state);
			expect(integrity(home.file)).toBe('ok');
		}
		await using store = await storeOf(home.home);
		await store.settle();
		for (const [id, state] of acknowledged) {
			const detail = await store.history.detail(PROFILE, taskId(id));
			expect(detail, id).not.toBeNull();
			expect(REACHED.indexOf(detail?.state ?? 'queued'), id).toBeGreaterThanOrEqual(REACHED.indexOf(state));
			if (state !== 'queued') expect(detail?.history[0]?.logLines).toBe(2);
		}
		const counts = await store.history.counts(PROFILE);
		for (const state of REACHED) {
			const ids = await store.history.ids(PROFILE, `state:${state}`, 1_000_000);
			expect(ids.ok ? ids.value.length : ids.error).toBe(counts[state as 'failed']);
		}
		expect(integrity(home.file)).toBe('ok');
	});
});

describe('several processes in one home', () => {
	it('all write, none is refused, and the counts are right', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using one = child(home.home, 'one', 60);
		await using two = child(home.home, 'two', 60);
		for (let at = 0; at < 60; at += 1) await store.history.apply([published(at, { id: `own-${at}` })]);
		await Promise.all([one.ended(), two.ended()]);
		expect(await store.history.counts(PROFILE)).toMatchObject({ queued: 60, failed: 120, running: 0 });
		expect(one.said.filter((said) => said.state === 'failed')).toHaveLength(60);
		expect(two.said.filter((said) => said.state === 'failed')).toHaveLength(60);
	});

	it('may make the file at the same moment', async () => {
		using home = testHome();
		const stores = await Promise.all([storeOf(home.home), storeOf(home.home), storeOf(home.home)]);
		for (const [at, store] of stores.entries()) await store.history.apply([published(1, { id: `m${at}` })]);
		for (const store of stores) expect((await store.history.counts(PROFILE)).queued).toBe(3);
		for (const store of stores) await store[Symbol.asyncDispose]();
	});

	it('hear of each other’s changes', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ticks: TaskTick[] = [];
		using _listening = store.history.onTick(PROFILE, (tick) => ticks.push(tick));
		await using other = child(home.home, 'other', 8);
		await other.ended();
		await waitFor('a tick with all of it', () => ticks.at(-1)?.counts.failed === 8);
		const revisions = ticks.map((tick) => tick.revision);
		expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
	});
});

/** A writer whose file may have so many pages. */
function confined(file: string, pages: number) {
	const prepared = prepareFile(file, 1);
	if (!prepared.ok) throw new Error(prepared.error.message);
	const { db } = prepared;
	const writer = new Writer(db, file, () => {});
	const used = Number(db.pragma('page_count', { simple: true }));
	db.pragma(`max_page_count = ${used + pages}`);
	return { db, writer };
}

describe('a full disk', () => {
	it('fails in words, takes nothing in half, and goes on once there is space', () => {
		using home = testHome();
		const { db, writer } = confined(home.file, 40);
		using _closing = writer;
		const write = (at: number) => {
			const ops = [published(at, { id: `m${at}`, body: new Uint8Array(20_000) }), published(at, { id: `n${at}` })];
			return writer.run([{ name: 'apply', args: [ops] }])[0];
		};
		let written = 0;
		let failure = null;
		for (let at = 0; at < 100 && failure === null; at += 1) {
			const outcome = write(at);
			if (outcome?.ok === false) failure = outcome.failure;
			else written += 1;
		}
		expect(failure).toMatchObject({
			code: 'refused',
			retryable: true,
			details: { kind: 'disk-full', file: home.file },
		});
		expect(failure?.message).toMatch(/no space left.*Nothing was written.*try again/);
		const count = () => Number(db.prepare('SELECT count(*) FROM tasks').pluck().get());
		expect(count()).toBe(written * 2);
		expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
		db.pragma('max_page_count = 100000');
		expect(write(999)).toMatchObject({ ok: true });
		expect(count()).toBe(written * 2 + 2);
		expect(Number(db.prepare('SELECT sum(n) FROM counts').pluck().get())).toBe(count());
	});

	it('fails all that shared a transaction, not only the one that filled it', () => {
		using home = testHome();
		const { db, writer } = confined(home.file, 20);
		using _closing = writer;
		const apply = (id: string, size: number) => ({
			name: 'apply',
			args: [[published(1, { id, body: new Uint8Array(size) })]],
		});
		const outcomes = writer.run([apply('small', 10), apply('large', 5_000_000), apply('late', 10)]);
		expect(outcomes.map((outcome) => outcome.ok)).toEqual([false, false, false]);
		expect(Number(db.prepare('SELECT count(*) FROM tasks').pluck().get())).toBe(0);
		expect(writer.run([apply('small', 10)])[0]).toMatchObject({ ok: true });
	});

	it.runIf(process.getuid?.() === 0 && process.platform === 'linux')(
		'of a real file system (root only) is told as such, and nothing is lost',
		async () => {
			using home = testHome();
			const small = join(home.home, 'small');
			mkdirSync(small);
			execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'warren-test', small]);
			try {
				await using store = await storeOf(small);
				let written = 0;
				let problem: unknown = null;
				while (problem === null && written < 1_000) {
					const op = published(written, { id: `m${written}`, body: new Uint8Array(100_000) });
					await store.history.apply([op]).then(
						() => {
							written += 1;
						},
						(error: unknown) => {
							problem = error;
						},
					);
				}
				expect(problem).toBeInstanceOf(StoreError);
				expect(problem instanceof StoreError ? problem.failure.details?.kind : null).toBe('disk-full');
				expect((await store.history.counts(PROFILE)).queued).toBe(written);
				execFileSync('mount', ['-o', 'remount,size=60m', small]);
				await store.history.apply([published(5_000, { id: 'after' })]);
				expect((await store.history.counts(PROFILE)).queued).toBe(written + 1);
			} finally {
				execFileSync('umount', ['--lazy', small]);
			}
		},
	);
});
