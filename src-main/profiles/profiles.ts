/**
 * Saved deployments: adding, editing, copying, removing. A profile's row holds no secret; its secrets live in the vault under
 * keys made of the profile's id, so a renamed profile keeps them and a removed one leaves none behind.
 */
import { randomUUID } from 'node:crypto';
import { type ProfileId, profileId } from '#main/domain/ids.ts';
import { type Profile, SECRET_NAMES, type SecretName } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ProfileStore } from '#main/store/store.ts';

/** The part of a vault that profiles need. */
export interface Secrets {
	get(key: string): Promise<Result<string | null>>;
	set(key: string, secret: string): Promise<Result<void>>;
	remove(key: string): Promise<Result<void>>;
}

export interface Profiles {
	/** By name, the sandbox first. */
	list(): Promise<readonly Profile[]>;
	/** By name or id; `not-found` lists what there is. */
	find(nameOrId: string): Promise<Result<Profile>>;
	/** `conflict` when the name is taken. `secrets` are stored under the new profile. */
	add(profile: NewProfile, secrets: SecretChanges): Promise<Result<Profile>>;
	/** Replaces a profile; a secret that is not mentioned stays, null removes it. */
	put(profile: Profile, secrets: SecretChanges): Promise<Result<Profile>>;
	duplicate(nameOrId: string, as: string): Promise<Result<Profile>>;
	/** Removes it with its history and secrets. The sandbox can't be removed. */
	remove(nameOrId: string): Promise<Result<Profile>>;
	secret(id: ProfileId, name: SecretName): Promise<Result<string | null>>;
	/** Which secrets there are, never what they are. */
	hasSecrets(id: ProfileId): Promise<Readonly<Record<SecretName, boolean>>>;
	onChange(listener: () => void): Disposable;
}

/** A profile before it is saved. */
export type NewProfile = Omit<Profile, 'id' | 'createdAt' | 'updatedAt' | 'secretsAt'>;

export type SecretChanges = { readonly [S in SecretName]?: string | null };

/** Makes the profiles of one home. `now` in epoch ms. */
export function createProfiles(store: ProfileStore, secrets: Secrets, now: () => number): Profiles {
	async function list(): Promise<readonly Profile[]> {
		const profiles = [...(await store.list())];
		return profiles.sort((a, b) => Number(b.sandbox) - Number(a.sandbox) || a.name.localeCompare(b.name));
	}

	async function find(nameOrId: string): Promise<Result<Profile>> {
		const profiles = await list();
		const found = profiles.find((p) => p.name === nameOrId) ?? profiles.find((p) => p.id === nameOrId);
		if (found !== undefined) return ok(found);
		const names = profiles.map((p) => p.name).join(', ');
		return fail('not-found', `There is no profile "${nameOrId}". There are: ${names}.`, { details: { names } });
	}

	async function applySecrets(id: ProfileId, changes: SecretChanges): Promise<Result<void>> {
		for (const name of SECRET_NAMES) {
			const change = changes[name];
			if (change === undefined) continue;
			const key = secretKey(id, name);
			const done = change === null ? await secrets.remove(key) : await secrets.set(key, change);
			if (!done.ok) return done;
		}
		return ok(undefined);
	}

	async function put(profile: Profile, changes: SecretChanges): Promise<Result<Profile>> {
		const updatedAt = Math.max(now(), profile.updatedAt + 1);
		const known = Object.values(changes).every((change) => change === undefined);
		const stamped = known ? { ...profile, updatedAt } : { ...profile, updatedAt, secretsAt: updatedAt };
		// Secrets first: a profile that is listed but cannot log in would be worse than a secret nobody refers to yet.
		const kept = await applySecrets(stamped.id, changes);
		if (!kept.ok) return kept;
		const stored = await store.put(stamped);
		return stored.ok ? ok(stamped) : stored;
	}

	async function add(profile: NewProfile, changes: SecretChanges) {
		const taken = (await list()).some((p) => p.name === profile.name);
		if (taken)
			return fail('conflict', `There is a profile "${profile.name}" already. Choose another name, or edit that one.`);
		const at = now();
		const id = newId(profile.name);
		const added = await put({ ...profile, id, createdAt: at, updatedAt: at - 1 }, changes);
		if (!added.ok) await forgetSecrets(id);
		return added;
	}

	async function forgetSecrets(id: ProfileId): Promise<Result<void>> {
		return applySecrets(id, Object.fromEntries(SECRET_NAMES.map((name) => [name, null])));
	}

	return {
		list,
		find,
		put,
		add,
		async duplicate(nameOrId, as) {
			const source = await find(nameOrId);
			if (!source.ok) return source;
			const copied: Record<string, string> = {};
			for (const name of SECRET_NAMES) {
				const secret = await secrets.get(secretKey(source.value.id, name));
				if (!secret.ok) return secret;
				if (secret.value !== null) copied[name] = secret.value;
			}
			const { id: _id, createdAt: _created, updatedAt: _updated, secretsAt: _secrets, ...rest } = source.value;
			return add({ ...rest, name: as, sandbox: false }, copied);
		},
		async remove(nameOrId) {
			const found = await find(nameOrId);
			if (!found.ok) return found;
			if (found.value.sandbox) {
				return fail(
					'unsupported',
					'The sandbox belongs to Warren and stays. Its tasks can be deleted like any others.',
				);
			}
			await store.remove(found.value.id);
			const forgotten = await forgetSecrets(found.value.id);
			return forgotten.ok ? ok(found.value) : forgotten;
		},
		secret: (id, name) => secrets.get(secretKey(id, name)),
		async hasSecrets(id) {
			const has = async (name: SecretName) => {
				const secret = await secrets.get(secretKey(id, name));
				return secret.ok && secret.value !== null;
			};
			const held = await Promise.all(SECRET_NAMES.map(async (name) => [name, await has(name)] as const));
			return Object.fromEntries(held) as Record<SecretName, boolean>;
		},
		onChange: (listener) => store.onChange(listener),
	};
}

/** Where the vault keeps a profile's secret. */
function secretKey(id: ProfileId, name: SecretName): string {
	return `profile/${id}/${name}`;
}

/** A readable id that never collides: it names the profile's folder. */
function newId(name: string): ProfileId {
	const slug = name
		.normalize('NFKD')
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-+|-+$/g, '')
		.slice(0, 40);
	return profileId(`${slug === '' ? 'profile' : slug}-${randomUUID().slice(0, 8)}`);
}
