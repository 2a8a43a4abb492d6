import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseVault, fileVault } from '#main/engine/file-vault.ts';

let home: string;
beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), 'warren-vault-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));
const file = () => readFileSync(join(home, 'vault.json'), 'utf8');

describe.each([
	['a key file', null],
	['WARREN_VAULT_KEY', 'open sesame'],
])('a vault under %s', (_name, passphrase) => {
	it('gives back what was put in, also to the next process, and shows none of it', async () => {
		const vault = fileVault({ home, passphrase });
		expect(await vault.get('p:broker')).toEqual({ ok: true, value: null });
		expect(await vault.set('p:broker', 'grüße ␀ s3cret')).toEqual({ ok: true, value: undefined });
		expect(await vault.set('q:broker', 'other')).toEqual({ ok: true, value: undefined });
		expect(await fileVault({ home, passphrase }).get('p:broker')).toEqual({ ok: true, value: 'grüße ␀ s3cret' });
		expect(file()).not.toContain('s3cret');
		expect(statSync(join(home, 'vault.json')).mode & 0o777).toBe(0o600);
		await vault.remove('p:broker');
		expect(await vault.get('p:broker')).toEqual({ ok: true, value: null });
		expect(await vault.get('q:broker')).toEqual({ ok: true, value: 'other' });
	});

	it('loses nothing when many are put in at once, by two that share it', async () => {
		const vaults = [fileVault({ home, passphrase }), fileVault({ home, passphrase })];
		const names = Array.from({ length: 12 }, (_, i) => `n${i}`);
		const put = await Promise.all(names.map((name, i) => vaults[i % 2]?.set(name, name)));
		expect(put.every((one) => one?.ok)).toBe(true);
		const got = await Promise.all(names.map((name) => vaults[0]?.get(name)));
		expect(got.map((one) => (one?.ok ? one.value : null))).toEqual(names);
	});

	it('refuses an entry that was moved under another name', async () => {
		const vault = fileVault({ home, passphrase });
		await vault.set('a', 'one');
		const stored = JSON.parse(file());
		writeFileSync(join(home, 'vault.json'), JSON.stringify({ ...stored, entries: { b: stored.entries.a } }));
		expect(await vault.get('b')).toMatchObject({ ok: false, error: { code: 'undecodable' } });
	});

	it('leaves a file alone that it cannot read', async () => {
		writeFileSync(join(home, 'vault.json'), '{"format": 99}');
		const vault = fileVault({ home, passphrase });
		expect(await vault.set('a', 'one')).toMatchObject({ ok: false, error: { code: 'undecodable' } });
		expect(file()).toBe('{"format": 99}');
	});
});

describe('a wrong key', () => {
	it('is named as such, and changes nothing', async () => {
		await fileVault({ home, passphrase: 'right' }).set('a', 'one');
		const before = file();
		const wrong = fileVault({ home, passphrase: 'wrong' });
		expect(await wrong.get('a')).toMatchObject({ ok: false, error: { code: 'refused' } });
		expect(await wrong.set('a', 'two')).toMatchObject({ ok: false, error: { code: 'refused' } });
		const none = await fileVault({ home, passphrase: null }).set('a', 'two');
		expect(none.ok ? '' : none.error.message).toContain('WARREN_VAULT_KEY');
		expect(file()).toBe(before);
		expect(await fileVault({ home, passphrase: 'right' }).get('a')).toEqual({ ok: true, value: 'one' });
	});

	it('is also a key file that is missing, foreign, or open to others', async () => {
		const vault = fileVault({ home, passphrase: null });
		await vault.set('a', 'one');
		const key = join(home, 'vault.key');
		expect(statSync(key).mode & 0o777).toBe(0o600);
		const kept = readFileSync(key);
		const before = file();
		await chmod(key, 0o644);
		const open = await vault.get('a');
		expect(open.ok ? '' : open.error.message).toContain('chmod 600');
		await chmod(key, 0o600);
		writeFileSync(key, Buffer.alloc(32).toString('base64'));
		expect((await vault.set('a', 'two')).ok).toBe(false);
		await rm(key);
		expect((await vault.set('a', 'two')).ok).toBe(false);
		expect(file()).toBe(before);
		writeFileSync(key, kept, { mode: 0o600 });
		expect(await vault.get('a')).toEqual({ ok: true, value: 'one' });
	});
});

describe('the environment', () => {
	it('chooses where secrets are kept, and the description says which', async () => {
		expect(chooseVault(home, {}).describe().kind).toBe('file-with-key-file');
		expect(chooseVault(home, { WARREN_VAULT_KEY: 'x' }).describe().kind).toBe('file-with-environment-key');
		const memory = chooseVault(home, { WARREN_VAULT: 'memory' });
		expect(memory.describe().kind).toBe('memory');
		await memory.set('a', 'one');
		expect(await memory.get('a')).toEqual({ ok: true, value: 'one' });
		expect(() => file()).toThrow(/ENOENT/);
	});
});
