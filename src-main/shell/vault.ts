/** Secrets under the system's keychain, where there is one; else in the encrypted file that the other hosts use too. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { safeStorage } from 'electron';
import type { Result } from '#main/domain/result.ts';
import { chooseVault } from '#main/engine/file-vault.ts';
import type { Vault } from '#main/engine/ports.ts';

/** `WARREN_VAULT` and `WARREN_VAULT_KEY` choose the file or memory, as on the command line. Call when the app is ready. */
export function shellVault(home: string, env: NodeJS.ProcessEnv): Vault {
	if (env.WARREN_VAULT === 'memory' || env.WARREN_VAULT_KEY) return chooseVault(home, env);
	const missing = whyNoKeychain();
	if (missing === null) return keychainVault(home);
	const file = chooseVault(home, env);
	return {
		...file,
		describe: () => ({ ...file.describe(), words: `${missing} ${file.describe().words}` }),
	};
}

/** Linux without a keyring offers "basic_text": a fixed password that everybody knows. That is no keychain. */
function whyNoKeychain(): string | null {
	if (!safeStorage.isEncryptionAvailable()) return 'The system offers no keychain.';
	if (process.platform !== 'linux' || safeStorage.getSelectedStorageBackend() !== 'basic_text') return null;
	return 'The system offers no keychain (basic_text: plain text under a password that everybody knows).';
}

function keychainVault(home: string): Vault {
	const path = join(home, 'keychain.json');
	let queue: Promise<unknown> = Promise.resolve();

	async function read(): Promise<Readonly<Record<string, string>>> {
		const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
			if (error.code === 'ENOENT') return '{}';
			throw error;
		});
		return JSON.parse(text) as Readonly<Record<string, string>>;
	}

	/** One change after the other: this process is the only one that writes the file. */
	function change(next: (entries: Readonly<Record<string, string>>) => Readonly<Record<string, string>>) {
		const done = queue.then(() =>
			guarded(path, async () => {
				await writeFile(`${path}.new`, JSON.stringify(next(await read()), null, '\t'), { mode: 0o600 });
				await rename(`${path}.new`, path);
			}),
		);
		queue = done;
		return done;
	}

	return {
		describe: () => ({
			kind: 'keychain',
			words: "Passwords are locked by the system's keychain, for this window only: the command line keeps its own.",
		}),
		get: (key) =>
			guarded(path, async () => {
				const sealed = (await read())[key];
				return sealed === undefined ? null : safeStorage.decryptString(Buffer.from(sealed, 'base64'));
			}),
		set: (key, secret) =>
			change((entries) => ({ ...entries, [key]: safeStorage.encryptString(secret).toString('base64') })),
		remove: (key) =>
			change((entries) => {
				const { [key]: _removed, ...rest } = entries;
				return rest;
			}),
	};
}

/** A keychain that says no (locked, denied, another user's) is an outcome, not a defect. */
async function guarded<T>(path: string, work: () => Promise<T>): Promise<Result<T>> {
	try {
		return { ok: true, value: await work() };
	} catch (error) {
		const reason = error instanceof Error ? error.message : String(error);
		const message = `The system's keychain or ${path} refused: ${reason}`;
		return { ok: false, error: { code: 'refused', message, retryable: false } };
	}
}
