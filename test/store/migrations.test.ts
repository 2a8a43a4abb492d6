import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { profileId, taskId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { openStore } from '#main/store/client.ts';
import { APPLICATION_ID, prepareFile } from '#main/store/migrate.ts';
import { MIGRATIONS } from '#main/store/migrations/all.ts';
import type { Migration } from '#main/store/migrations/migration.ts';
import { published } from '#test/support/history.ts';
import { storeOf, THREAD, testHome } from './open.ts';

const newest = MIGRATIONS.at(-1)?.version ?? 0;

function version(file: string): number {
	using db = opened(file);
	return Number(db.pragma('user_version', { simple: true }));
}

function opened(file: string): Database.Database & Disposable {
	const db = new Database(file);
	return Object.assign(db, { [Symbol.dispose]: () => void db.close() });
}

describe('the list of steps', () => {
	it('is numbered from 1 without a gap, so that each step of a file runs once and in order', () => {
		expect(MIGRATIONS.map((step) => step.version)).toEqual(MIGRATIONS.map((_, at) => at + 1));
	});
});

describe('step 7, views', () => {
	it('keeps views of a profile and of all, and lets those of a removed profile go', async () => {
		using home = testHome();
		const before = prepareFile(home.file, 1, MIGRATIONS.slice(0, 6));
		if (!before.ok) throw new Error(before.error.message);
		before.db.close();
		await using store = await storeOf(home.home);
		expect(version(home.file)).toBe(newest);
		const [mine, other] = [profileId('p'), profileId('q')];
		const view = { name: 'bills', query: 'app:billing', sort: null, columns: null, updatedAt: 1 };
		for (const profile of [mine, other, null]) await store.views.put({ ...view, profile });
		await store.views.put({ ...view, profile: mine, query: 'app:mail' });
		expect((await store.views.list(mine)).map(({ profile, query }) => [profile, query])).toEqual([
			[mine, 'app:mail'],
			[null, 'app:billing'],
		]);
		await store.profiles.remove(mine);
		expect((await store.views.list(mine)).map(({ profile }) => profile)).toEqual([null]);
		expect(await store.views.remove(null, 'bills')).toBe(true);
		expect(await store.views.remove(null, 'bills')).toBe(false);
		expect(await store.views.list(other)).toHaveLength(1);
	});
});

describe('step 10, undo', () => {
	it('leaves audit and journal as they were: lines without a seal, changes that are over', async () => {
		using home = testHome();
		const before = prepareFile(home.file, 1, MIGRATIONS.slice(0, 9));
		if (!before.ok) throw new Error(before.error.message);
		before.db.exec(`INSERT INTO audit (at, host, actor, route, input, outcome) VALUES (1, 'cli', 'me', 'a.b', '{}', 'done');
			INSERT INTO journal (at, profile, action, title, before) VALUES (1, 'p', 'task.delete', 'Deleted 1 task', '{"ids":["t"]}')`);
		before.db.close();
		await using store = await storeOf(home.home);
		expect(await store.records.verifyAudit()).toEqual({ ok: true, lines: 1, unsealed: 1, broken: null });
		expect(await store.journal.list(profileId('p'), 10)).toMatchObject([
			{ action: 'task.delete', state: 'done', undoOf: null, kept: {} },
		]);
	});
});

describe('step 5, observed', () => {
	it('leaves the tasks of a file of step 4 as they were, and knows of nobody who told of them', async () => {
		using home = testHome();
		const before = prepareFile(home.file, 1, MIGRATIONS.slice(0, 4));
		if (!before.ok) throw new Error(before.error.message);
		before.db.exec(`INSERT INTO profile_keys (id) VALUES ('p');
			INSERT INTO tasks (profile, id, name, state, attempts, updated_at) VALUES (1, 't', 'shop.add', 2, 1, 7);
			INSERT INTO task_texts (seq, preview) VALUES (1, '1');
			INSERT INTO attempts (profile, task, number, cause, message_key, has_message_id, state, name)
			VALUES (1, 1, 1, 'published', 't', 1, 2, 'shop.add')`);
		before.db.close();
		await using store = await storeOf(home.home);
		expect(version(home.file)).toBe(newest);
		const detail = await store.history.detail(profileId('p'), taskId('t'));
		expect(detail).toMatchObject({ name: 'shop.add', state: 'succeeded', attempts: 1 });
		expect(detail).not.toHaveProperty('events');
	});
});

describe('step 6, fewer writes', () => {
	it('finds every message of a file of step 5, and searches what was indexed as well as what was not', async () => {
		using home = testHome();
		const before = prepareFile(home.file, 1, MIGRATIONS.slice(0, 5));
		if (!before.ok) throw new Error(before.error.message);
		// Of three tasks the second was sent again under another id, and the third is not indexed yet.
		before.db.exec(`INSERT INTO profile_keys (id) VALUES ('p');
			INSERT INTO tasks (profile, id, name, state, attempts, updated_at)
			VALUES (1, 'a', 'shop.add', 2, 1, 7), (1, 'b', 'shop.mul', 2, 2, 8), (1, 'c', 'shop.sub', 0, 1, 9);
			INSERT INTO task_texts (seq, preview) VALUES (1, '1'), (2, '2'), (3, '3');
			INSERT INTO attempts (profile, task, number, cause, message_key, has_message_id, state, name)
			VALUES (1, 1, 1, 'published', 'a', 1, 2, 'shop.add'), (1, 2, 1, 'published', 'b', 1, 3, 'shop.mul'),
				(1, 2, 2, 'requeued', 'b2', 1, 2, 'shop.mul'), (1, 3, 1, 'published', 'c', 1, 0, 'shop.sub');
			INSERT INTO counts VALUES (1, 0, 1), (1, 2, 2);
			INSERT INTO search_grams (rowid, text) VALUES (1, 'shop.add\n\n'), (2, 'shop.mul\n\n');
			INSERT INTO search_facts (rowid, facts) VALUES (1, ''), (2, '');
			INSERT INTO search_dirty (seq) VALUES (3)`);
		before.db.close();
		await using store = await storeOf(home.home);
		expect(version(home.file)).toBe(newest);
		const profile = profileId('p');
		const tasks = await Promise.all(['a', 'b', 'b2', 'c', 'd'].map((id) => store.history.taskOfMessage(profile, id)));
		expect(tasks).toEqual(['a', 'b', 'b', 'c', null]);
		expect(await store.history.foresee?.(profile, ['b2'])).toEqual([{ attemptNumber: 3, earlierOutcome: 'succeeded' }]);
		// A task of the new schema, which has no mark.
		await store.history.apply([published(1, { id: 'e', name: 'shop.div', profile })]);
		for (const settled of [false, true]) {
			if (settled) await store.settle();
			const found = await Promise.all(['add', 'mul', 'sub', 'div'].map((word) => store.history.ids(profile, word, 10)));
			expect(found).toEqual(['a', 'b', 'c', 'e'].map((id) => ({ ok: true, value: [id] })));
		}
	});
});

describe('step 9, lineage', () => {
	it('finds the relatives of tasks that a file of step 8 was told of', async () => {
		using home = testHome();
		const before = prepareFile(
			home.file,
			1,
			MIGRATIONS.filter((step) => step.version < 9),
		);
		if (!before.ok) throw new Error(before.error.message);
		const log = (root: string, parent: string | null) =>
			JSON.stringify({ facts: [], dropped: 0, call: { rootId: root, parentId: parent } });
		before.db.exec(`INSERT INTO profile_keys (id) VALUES ('p');
			INSERT INTO tasks (profile, id, name, state, attempts, updated_at)
			VALUES (1, 'a', 'shop.add', 2, 1, 7), (1, 'b', 'shop.mul', 2, 1, 8), (1, 'c', 'shop.sub', 0, 1, 9);
			INSERT INTO attempts (profile, task, number, cause, message_key, has_message_id, state, name)
			VALUES (1, 1, 1, 'published', 'a', 1, 2, 'shop.add'), (1, 2, 1, 'published', 'b', 1, 3, 'shop.mul'),
				(1, 3, 1, 'published', 'c', 1, 0, 'shop.sub');
			INSERT INTO attempt_events VALUES (1, '${log('a', null)}'), (2, '${log('a', 'a')}'), (3, '${log('c', 'c')}')`);
		before.db.close();
		await using store = await storeOf(home.home);
		const related = await store.history.relatives(profileId('p'), ['b'], 10);
		expect(related.map(({ id, parentId }) => [id, parentId])).toEqual([
			['b', 'a'],
			['a', null],
		]);
		expect((await store.history.relatives(profileId('p'), ['c'], 10)).map(({ id }) => id)).toEqual(['c']);
	});
});

describe('step 12, number words', () => {
	it('finds arguments of a file of step 11 by comparing, before and after their numbers are worked off', async () => {
		using home = testHome();
		const before = prepareFile(home.file, 1, MIGRATIONS.slice(0, 11));
		if (!before.ok) throw new Error(before.error.message);
		before.db.exec(`INSERT INTO profile_keys (id) VALUES ('p');
			INSERT INTO tasks (profile, id, name, state, attempts, updated_at)
			VALUES (1, 'a', 'shop.add', 2, 1, 7), (1, 'b', 'shop.mul', 2, 1, 8), (1, 'c', 'shop.sub', 0, 1, 9);
			INSERT INTO task_texts (seq, args, kwargs, preview)
			VALUES (1, '[5]', '{}', '5'), (2, '[50]', '{}', '50'), (3, '["x"]', '{}', 'x');
			INSERT INTO counts VALUES (1, 0, 1), (1, 2, 2);
			INSERT INTO search_grams (rowid, text) VALUES (1, 'shop.add\n\n'), (2, 'shop.mul\n\n'), (3, 'shop.sub\n\n');
			INSERT INTO search_facts (rowid, facts) VALUES (1, ''), (2, ''), (3, '');
			UPDATE search_upto SET seq = 3`);
		before.db.close();
		await using store = await storeOf(home.home);
		const profile = profileId('p');
		for (const settled of [false, true]) {
			if (settled) await store.settle();
			expect(await store.history.ids(profile, 'args[0]:>5', 10)).toEqual({ ok: true, value: ['b'] });
			expect(await store.history.ids(profile, 'args[0]:<=5', 10)).toEqual({ ok: true, value: ['a'] });
		}
		await store[Symbol.asyncDispose]();
		using db = opened(home.file);
		expect(db.prepare('SELECT seq FROM search_numbers').pluck().all()).toEqual([0]);
	});
});

describe('step 1, history', () => {
	it('makes every table strict, in a file marked as Warren’s own', () => {
		using home = testHome();
		const prepared = prepareFile(home.file, 1);
		if (!prepared.ok) throw new Error(prepared.error.message);
		prepared.db.close();
		using db = opened(home.file);
		expect(Number(db.pragma('application_id', { simple: true }))).toBe(APPLICATION_ID);
		expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
		const loose = db
			.prepare("SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'")
			.pluck()
			.all();
		expect(loose).toEqual([]);
		const tables = db
			.prepare("SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 1 ORDER BY name")
			.pluck()
			.all();
		expect(tables).toEqual(
			expect.arrayContaining([
				'attempts',
				'audit',
				'counts',
				'journal',
				'leases',
				'log_lines',
				'messages',
				'profiles',
				'schedule_entries',
				'schedule_runs',
				'tasks',
			]),
		);
	});

	it('walks an index for every sort, and sorts nothing', () => {
		using home = testHome();
		const prepared = prepareFile(home.file, 1);
		if (!prepared.ok) throw new Error(prepared.error.message);
		prepared.db.close();
		using db = opened(home.file);
		for (const [column, index] of [
			['published_at', 'tasks_published'],
			['started_at', 'tasks_started'],
			['name', 'tasks_name'],
			['queue', 'tasks_queue'],
			['priority', 'tasks_priority'],
			['runtime_ms', 'tasks_runtime'],
		]) {
			const plan = db
				.prepare(
					`EXPLAIN QUERY PLAN SELECT seq FROM tasks WHERE profile = 1 AND removed_at IS NULL AND ${column} IS NOT NULL ORDER BY ${column} DESC, seq DESC`,
				)
				.all() as { detail: string }[];
			expect(plan.map((row) => row.detail).join()).toContain(String(index));
			expect(plan.map((row) => row.detail).join()).not.toContain('TEMP B-TREE');
		}
	});
});

const FIRST: Migration = { version: 1, name: 'one', sql: 'CREATE TABLE things (name TEXT) STRICT' };
const SECOND: Migration = { version: 2, name: 'two', sql: 'ALTER TABLE things ADD COLUMN size INTEGER' };
const BROKEN: Migration = {
	version: 3,
	name: 'three',
	sql: 'CREATE TABLE more (a TEXT) STRICT; SELECT nothing FROM nowhere',
};

function upTo(file: string, steps: readonly Migration[], now = 1) {
	const prepared = prepareFile(file, now, steps);
	if (prepared.ok) prepared.db.close();
	return prepared;
}

describe('an upgrade', () => {
	it('copies the file first, with what is only in the write-ahead log, and keeps what was in it', () => {
		using home = testHome();
		upTo(home.file, [FIRST]);
		{
			using db = opened(home.file);
			db.exec("INSERT INTO things VALUES ('kept')");
		}
		const prepared = upTo(home.file, [FIRST, SECOND], 1_234);
		expect(prepared).toMatchObject({ ok: true, from: 1, backup: `${home.file}.backup-v1-1234` });
		expect(version(home.file)).toBe(2);
		expect(version(`${home.file}.backup-v1-1234`)).toBe(1);
		using copy = opened(`${home.file}.backup-v1-1234`);
		expect(copy.prepare('SELECT name FROM things').pluck().all()).toEqual(['kept']);
		using db = opened(home.file);
		expect(db.prepare('SELECT name, size FROM things').all()).toEqual([{ name: 'kept', size: null }]);
	});

	it('makes no copy where there is nothing to upgrade', () => {
		using home = testHome();
		upTo(home.file, [FIRST, SECOND]);
		upTo(home.file, [FIRST, SECOND]);
		expect(readdirSync(home.home).filter((name) => name.includes('backup'))).toEqual([]);
	});

	it('that fails leaves the file as it was, and the copy beside it', () => {
		using home = testHome();
		upTo(home.file, [FIRST, SECOND]);
		const prepared = upTo(home.file, [FIRST, SECOND, BROKEN], 77);
		expect(prepared).toMatchObject({ ok: false, error: { code: 'internal' } });
		expect(version(home.file)).toBe(2);
		using db = opened(home.file);
		expect(db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'more'").pluck().get()).toBe(0);
		expect(readdirSync(home.home)).toContain('warren.db.backup-v2-77');
	});
});

describe('opening', () => {
	it('refuses a newer schema in words, and changes nothing', async () => {
		using home = testHome();
		await (await storeOf(home.home))[Symbol.asyncDispose]();
		{
			using db = opened(home.file);
			db.pragma(`user_version = ${newest + 1}`);
		}
		const before = readFileSync(home.file);
		const result = await openStore({ home: home.home, thread: THREAD, log: silentLog });
		expect(result).toMatchObject({ ok: false, error: { code: 'unsupported', details: { kind: 'newer-schema' } } });
		expect(result.ok ? '' : result.error.message).toMatch(/newer Warren.*Update Warren/s);
		expect(readFileSync(home.file).equals(before)).toBe(true);
	});

	it('refuses a file that is no database, names it, and leaves it alone', async () => {
		using home = testHome();
		writeFileSync(home.file, 'This is not a database, but it may be dear to somebody.'.repeat(50));
		const before = readFileSync(home.file);
		const result = await openStore({ home: home.home, thread: THREAD, log: silentLog });
		expect(result).toMatchObject({
			ok: false,
			error: { code: 'internal', details: { kind: 'corrupt', file: home.file } },
		});
		expect(result.ok ? '' : result.error.message).toMatch(/Nothing was deleted/);
		expect(readFileSync(home.file).equals(before)).toBe(true);
	});

	it('refuses the database of another program', async () => {
		using home = testHome();
		{
			using db = opened(home.file);
			db.exec('CREATE TABLE bookmarks (url TEXT)');
		}
		const result = await openStore({ home: home.home, thread: THREAD, log: silentLog });
		expect(result).toMatchObject({ ok: false, error: { code: 'refused' } });
		using db = opened(home.file);
		expect(db.prepare('SELECT name FROM sqlite_schema').pluck().all()).toEqual(['bookmarks']);
	});

	it('says what is wrong when the home cannot be made', async () => {
		using home = testHome();
		writeFileSync(`${home.home}/file`, '');
		const result = await openStore({ home: `${home.home}/file/home`, thread: THREAD, log: silentLog });
		expect(result).toMatchObject({ ok: false, error: { code: expect.stringMatching(/refused|internal/) } });
		expect(result.ok ? '' : result.error.message).toContain(home.home);
	});

	it('makes the home and its file where there are none, and finds its history again', async () => {
		using home = testHome();
		mkdirSync(`${home.home}/deep`);
		{
			await using store = await storeOf(`${home.home}/deep/home`);
			await store.history.apply([published(1, { id: 'm1' })]);
		}
		await using store = await storeOf(`${home.home}/deep/home`);
		expect(await store.history.detail(published(1, {}).profile, 'm1' as never)).toMatchObject({
			id: 'm1',
			state: 'queued',
		});
	});
});
