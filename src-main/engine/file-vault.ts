/**
 * Secrets in an encrypted file, for hosts without a keychain: `vault.json` in the home folder, AES-256-GCM, one entry per
 * secret with its name as authenticated data. The key is made from `WARREN_VAULT_KEY` by scrypt, or lies beside it in
 * `vault.key`, mode 0600, which protects against copies of the vault alone; the description says which it is.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Vault, VaultDescription } from './ports.ts';

interface Sealed {
	readonly iv: string;
	readonly tag: string;
	readonly data: string;
}
type KeySource =
	| { readonly kind: 'key-file' }
	| { readonly kind: 'scrypt'; readonly salt: string; readonly cost: number };
interface VaultFile {
	readonly format: 1;
	readonly key: KeySource;
	/** A known text under the key, so that a wrong key is told from a broken entry. */
	readonly check: Sealed;
	readonly entries: Readonly<Record<string, Sealed>>;
}

const CHECK_NAME = ':check';
const CHECK_TEXT = 'warren';
const SCRYPT_COST = 2 ** 15;
/** A lock older than this, in ms, was left behind by a process that died. */
const LOCK_STALE_MS = 10_000;
const LOCK_TRIES = 200;

/** The vault of a host without a keychain, as `WARREN_VAULT` and `WARREN_VAULT_KEY` choose it. */
export function chooseVault(home: string, env: NodeJS.ProcessEnv): Vault {
	if (env.WARREN_VAULT === 'memory') return memoryVault();
	return fileVault({ home, passphrase: env.WARREN_VAULT_KEY || null });
}

/** Keeps secrets until the process ends. */
export function memoryVault(): Vault {
	const secrets = new Map<string, string>();
	return {
		describe: () => ({ kind: 'memory', words: 'Passwords are kept in memory only and forgotten when Warren ends.' }),
		get: async (key) => ok(secrets.get(key) ?? null),
		async set(key, secret) {
			secrets.set(key, secret);
			return ok(undefined);
		},
		async remove(key) {
			secrets.delete(key);
			return ok(undefined);
		},
	};
}

/** `passphrase`: null takes (or makes) the key file. Wrong keys fail and change nothing. */
export function fileVault(options: { readonly home: string; readonly passphrase: string | null }): Vault {
	const path = join(options.home, 'vault.json');
	const keyPath = join(options.home, 'vault.key');
	/** Keys made so far, by salt: scrypt is slow on purpose. */
	const made = new Map<string, Buffer>();

	async function keyFor(source: KeySource, make: boolean): Promise<Result<Buffer>> {
		if (source.kind === 'scrypt') {
			if (options.passphrase === null) {
				return fail('refused', 'The password vault was locked with WARREN_VAULT_KEY. Set it to read saved passwords.');
			}
			const id = `${source.salt}:${source.cost}`;
			const known = made.get(id);
			if (known !== undefined) return ok(known);
			const key = await scryptKey(options.passphrase, Buffer.from(source.salt, 'base64'), source.cost);
			made.set(id, key);
			return ok(key);
		}
		if (options.passphrase !== null) {
			return fail(
				'refused',
				`The password vault ${path} was locked with ${keyPath}, not with WARREN_VAULT_KEY. Unset the variable, or remove vault.json and enter the passwords again.`,
			);
		}
		return readKeyFile(keyPath, make);
	}

	async function read(): Promise<Result<VaultFile | null>> {
		const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
			if (error.code === 'ENOENT') return null;
			throw error;
		});
		if (text === null) return ok(null);
		const file = parseVault(text);
		return file === null
			? fail('undecodable', `${path} is no vault that this version of Warren can read. It was left as it is.`)
			: ok(file);
	}

	/** The vault with its key, proven to be the right one; a new one when there is none and `make` is set. */
	async function unlock(make: boolean): Promise<Result<{ readonly file: VaultFile; readonly key: Buffer } | null>> {
		const found = await read();
		if (!found.ok) return found;
		if (found.value === null) {
			if (!make) return ok(null);
			const source: KeySource =
				options.passphrase === null
					? { kind: 'key-file' }
					: { kind: 'scrypt', salt: randomBytes(16).toString('base64'), cost: SCRYPT_COST };
			const key = await keyFor(source, true);
			if (!key.ok) return key;
			const check = seal(key.value, CHECK_NAME, CHECK_TEXT);
			return ok({ file: { format: 1, key: source, check, entries: {} }, key: key.value });
		}
		const key = await keyFor(found.value.key, false);
		if (!key.ok) return key;
		if (unseal(key.value, CHECK_NAME, found.value.check) === CHECK_TEXT)
			return ok({ file: found.value, key: key.value });
		const what = found.value.key.kind === 'scrypt' ? 'WARREN_VAULT_KEY is not the key' : `${keyPath} is not the key`;
		return fail('refused', `${what} of the password vault ${path}. Nothing was overwritten.`);
	}

	async function change(entries: (file: VaultFile, key: Buffer) => VaultFile['entries'] | null): Promise<Result<void>> {
		return withLock(`${path}.lock`, async () => {
			const vault = await unlock(true);
			if (!vault.ok) return vault;
			if (vault.value === null) return ok(undefined);
			const changed = entries(vault.value.file, vault.value.key);
			if (changed !== null)
				await writeWhole(path, JSON.stringify({ ...vault.value.file, entries: changed }, null, '\t'));
			return ok(undefined);
		});
	}

	return {
		describe: () => describeFile(options.passphrase !== null, keyPath),
		get: (name) =>
			guarded(path, async () => {
				const vault = await unlock(false);
				if (!vault.ok) return vault;
				const sealed = vault.value?.file.entries[name];
				if (vault.value === null || sealed === undefined) return ok(null);
				const secret = unseal(vault.value.key, name, sealed);
				return secret === null
					? fail('undecodable', `A saved password in ${path} is damaged. Enter it again.`)
					: ok(secret);
			}),
		set: (name, secret) =>
			guarded(path, () => change((file, key) => ({ ...file.entries, [name]: seal(key, name, secret) }))),
		remove: (name) =>
			guarded(path, async () => {
				const found = await read();
				if (!found.ok) return found;
				if (found.value?.entries[name] === undefined) return ok(undefined);
				return change((file) => {
					const { [name]: _removed, ...rest } = file.entries;
					return rest;
				});
			}),
	};
}

function describeFile(passphrase: boolean, keyPath: string): VaultDescription {
	return passphrase
		? {
				kind: 'file-with-environment-key',
				words: 'Passwords are kept in an encrypted file whose key comes from WARREN_VAULT_KEY.',
			}
		: {
				kind: 'file-with-key-file',
				words: `Passwords are kept in an encrypted file; its key lies beside it in ${keyPath}, readable by you only. Set WARREN_VAULT_KEY for a key of your own, or WARREN_VAULT=memory to keep none.`,
			};
}

/** Disk troubles as failures. */
async function guarded<T>(path: string, work: () => Promise<Result<T>>): Promise<Result<T>> {
	try {
		return await work();
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		return fail('refused', `The password vault ${path} cannot be used: ${reason}`);
	}
}

async function readKeyFile(path: string, make: boolean): Promise<Result<Buffer>> {
	if (make) {
		try {
			await writeFile(path, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
		} catch (error) {
			// One that is there already is the one to use.
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
		}
	}
	const found = await stat(path).catch(() => null);
	if (found === null) {
		return fail(
			'refused',
			`The key of the password vault, ${path}, is missing. Put it back, or remove vault.json and enter the passwords again.`,
		);
	}
	if (process.platform !== 'win32' && (found.mode & 0o077) !== 0) {
		return fail('refused', `${path} can be read by others on this machine. Run: chmod 600 '${path}'`);
	}
	const key = Buffer.from((await readFile(path, 'utf8')).trim(), 'base64');
	return key.length === 32 ? ok(key) : fail('refused', `${path} is not a key of a password vault.`);
}

function scryptKey(passphrase: string, salt: Buffer, cost: number): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		scrypt(passphrase, salt, 32, { N: cost, r: 8, p: 1, maxmem: 256 * cost * 8 }, (error, key) => {
			if (error === null) resolve(key);
			else reject(error);
		});
	});
}

function seal(key: Buffer, name: string, secret: string): Sealed {
	const iv = randomBytes(12);
	const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(name));
	const data = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
	return { iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64'), data: data.toString('base64') };
}

/** The text, or null when the key, the name or the bytes are not those it was sealed with. */
function unseal(key: Buffer, name: string, sealed: Sealed): string | null {
	try {
		const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(sealed.iv, 'base64'), { authTagLength: 16 });
		decipher.setAAD(Buffer.from(name)).setAuthTag(Buffer.from(sealed.tag, 'base64'));
		return Buffer.concat([decipher.update(Buffer.from(sealed.data, 'base64')), decipher.final()]).toString('utf8');
	} catch {
		// GCM says by an exception that the tag does not fit; that is the answer, not a defect.
		return null;
	}
}

function parseVault(text: string): VaultFile | null {
	try {
		const file = JSON.parse(text) as Partial<VaultFile> | null;
		const sound =
			file?.format === 1 && file.key !== undefined && file.check !== undefined && file.entries !== undefined;
		return sound ? (file as VaultFile) : null;
	} catch {
		return null;
	}
}

/** Replaces a file by a whole one: at any crash there is the old or the new, never half of one. */
async function writeWhole(path: string, text: string): Promise<void> {
	const fresh = `${path}.${process.pid}.new`;
	const handle = await open(fresh, 'w', 0o600);
	try {
		await handle.writeFile(text);
		await handle.sync();
	} finally {
		await handle.close();
	}
	await rename(fresh, path);
}

/** One process of a home changes the vault at a time. */
async function withLock<T>(path: string, work: () => Promise<Result<T>>): Promise<Result<T>> {
	for (let tries = 0; ; tries += 1) {
		try {
			await (await open(path, 'wx', 0o600)).close();
			break;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
			const made = await stat(path).catch(() => null);
			if (made !== null && Date.now() - made.mtimeMs > LOCK_STALE_MS) await rm(path, { force: true });
			else if (tries >= LOCK_TRIES) return fail('busy', `Another Warren holds the password vault (${path}).`);
			else await new Promise((resolve) => setTimeout(resolve, 25));
		}
	}
	try {
		return await work();
	} finally {
		await rm(path, { force: true });
	}
}
