/** The journal's messages and the audit's chain. */
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '#main/domain/audit.ts';
import { profileId } from '#main/domain/ids.ts';
import type { KeptMessageItem } from '#main/domain/journal.ts';
import { storeOf, testHome } from './open.ts';

const profile = profileId('p');
const entry = { at: 1_000, profile, action: 'queue.purge', title: 'Purged 2 messages from q', before: '{}' };

function item(seq: number): KeptMessageItem {
	return {
		seq,
		state: 'kept',
		queue: 'q',
		print: `print-${seq}`,
		messageId: null,
		other: seq === 0 ? null : { queue: 'r', content: 'c' },
		message: {
			exchange: '',
			routingKey: 'q',
			properties: { headers: [['n', { type: 'int64', text: '9007199254740993' }]], priority: 3 },
			body: Uint8Array.from([0, 255, seq]),
		},
		entry: seq === 0 ? Uint8Array.from([1, 2]) : null,
	};
}

function line(route: string): AuditEntry {
	return { at: 5, host: 'test', actor: 'me', route, profile: null, input: '{}', outcome: 'done', changed: null };
}

describe('the journal', () => {
	it('keeps messages byte for byte, until it is told that nothing happened to them', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const id = await store.journal.begin(entry, null);
		await store.journal.keep(id, [item(0), item(1), item(2)]);
		expect(await store.journal.get(profile, id)).toMatchObject({ state: 'open', kept: { kept: 3 } });
		await store.journal.settle(id, [
			{ seq: 0, state: 'removed' },
			{ seq: 1, state: null },
		]);
		const states = ['removed', 'kept'] as const;
		expect(await store.journal.messages(id, { states, afterSeq: -1, limit: 10 })).toEqual([
			{ ...item(0), state: 'removed' },
			item(2),
		]);
		await store.journal.close(id, { state: 'done', title: 'Purged 1 message from q', before: null });
		expect(await store.journal.list(profile, 10)).toMatchObject([
			{ id, state: 'done', title: 'Purged 1 message from q', before: '{}', kept: { removed: 1, kept: 1 } },
		]);
		expect(await store.journal.get(profileId('other'), id)).toBeNull();
	});

	it('forgets a change of which nothing came, and messages after eight days', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const empty = await store.journal.begin(entry, null);
		await store.journal.keep(empty, [item(0)]);
		await store.journal.close(empty, { state: 'done', title: null, before: null });
		expect(await store.journal.list(profile, 10)).toEqual([]);
		const old = await store.journal.begin(entry, null);
		await store.journal.keep(old, [item(0)]);
		await store.journal.begin({ ...entry, at: entry.at + 9 * 24 * 3_600_000 }, null);
		expect(await store.journal.get(profile, old)).toMatchObject({ kept: {} });
	});
});

describe('the audit', () => {
	it('is whole while nobody touches it', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		for (const route of ['a.b', 'c.d', 'e.f']) await store.records.audit(line(route));
		expect(await store.records.verifyAudit()).toEqual({ ok: true, lines: 3, unsealed: 0, broken: null });
	});

	it.each([
		['changed', "UPDATE audit SET outcome = 'refused' WHERE id = 2", 2],
		['taken out', 'DELETE FROM audit WHERE id = 2', 2],
		['taken off its end', 'DELETE FROM audit WHERE id = 3', 3],
		['robbed of a seal', 'UPDATE audit SET digest = NULL WHERE id = 2', 2],
	])('is not whole when a line was %s', async (_what, sql, at) => {
		using home = testHome();
		await using store = await storeOf(home.home);
		for (const route of ['a.b', 'c.d', 'e.f']) await store.records.audit(line(route));
		const db = new Database(home.file);
		db.exec(sql);
		db.close();
		expect(await store.records.verifyAudit()).toMatchObject({ ok: false, broken: { line: at } });
	});
});
