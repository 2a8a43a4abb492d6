import { describe, expect, it } from 'vitest';
import { CARROT_DIALECT, type Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { createProfiles, type Secrets } from '#main/profiles/profiles.ts';
import type { ProfileStore } from '#main/store/store.ts';

type NewProfile = Omit<Profile, 'id' | 'createdAt' | 'updatedAt'>;

function draft(name: string): NewProfile {
	return {
		name,
		framework: 'carrot',
		broker: { kind: 'amqp', host: 'h', port: 5672, vhost: '/', username: 'u', tls: null, heartbeat: 60 },
		environment: 'development',
		readOnly: false,
		monitorUrl: null,
		managementUrl: null,
		dialect: CARROT_DIALECT,
		queues: [],
		sandbox: false,
	};
}

function setUp(options: { readonly vaultFails?: boolean } = {}) {
	const rows = new Map<string, Profile>();
	const vault = new Map<string, string>();
	const store: ProfileStore = {
		list: async () => [...rows.values()],
		put: async (profile) => {
			rows.set(profile.id, profile);
			return ok(undefined);
		},
		remove: async (id) => {
			rows.delete(id);
		},
		onChange: () => ({ [Symbol.dispose]() {} }),
	};
	const secrets: Secrets = {
		get: async (key) => ok(vault.get(key) ?? null),
		set: async (key, secret): Promise<Result<void>> => {
			if (options.vaultFails === true) return fail('refused', 'The vault is locked.');
			vault.set(key, secret);
			return ok(undefined);
		},
		remove: async (key) => {
			vault.delete(key);
			return ok(undefined);
		},
	};
	return { rows, vault, profiles: createProfiles(store, secrets, () => 42) };
}

function must<T>(result: Result<T>): T {
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

describe('profiles', () => {
	it('keep a password in the vault and never in the row', async () => {
		const { rows, profiles } = setUp();
		const added = must(await profiles.add(draft('shop'), { broker: 'canary-5f2c' }));
		expect(JSON.stringify([...rows.values()])).not.toContain('canary-5f2c');
		expect(must(await profiles.secret(added.id, 'broker'))).toBe('canary-5f2c');
		expect(await profiles.hasSecrets(added.id)).toEqual({
			broker: true,
			monitor: false,
			management: false,
			shared: false,
			redbeat: false,
			django: false,
			results: false,
		});
	});

	it('keep secrets through a rename, drop them on null, and keep those not mentioned', async () => {
		const { profiles } = setUp();
		const added = must(await profiles.add(draft('shop'), { broker: 'a', monitor: 'b' }));
		const renamed = must(await profiles.put({ ...added, name: 'store' }, { monitor: null }));
		expect(must(await profiles.find('store')).id).toBe(renamed.id);
		expect(await profiles.hasSecrets(added.id)).toEqual({
			broker: true,
			monitor: false,
			management: false,
			shared: false,
			redbeat: false,
			django: false,
			results: false,
		});
	});

	it('copy secrets when duplicated and leave none behind when removed', async () => {
		const { vault, profiles } = setUp();
		must(await profiles.add(draft('shop'), { broker: 'a' }));
		const copy = must(await profiles.duplicate('shop', 'shop 2'));
		expect(must(await profiles.secret(copy.id, 'broker'))).toBe('a');
		must(await profiles.remove('shop'));
		expect(must(await profiles.secret(copy.id, 'broker'))).toBe('a');
		must(await profiles.remove('shop 2'));
		expect([...vault.keys()]).toEqual([]);
	});

	it('refuse a name that is taken and say so', async () => {
		const { profiles } = setUp();
		must(await profiles.add(draft('shop'), {}));
		const again = await profiles.add(draft('shop'), {});
		expect(again.ok ? null : again.error.code).toBe('conflict');
	});

	it('are not saved when the vault will not keep their secret', async () => {
		const { rows, profiles } = setUp({ vaultFails: true });
		const added = await profiles.add(draft('shop'), { broker: 'a' });
		expect(added.ok ? null : added.error.message).toContain('locked');
		expect(rows.size).toBe(0);
	});

	it('name what there is when one is not found', async () => {
		const { profiles } = setUp();
		must(await profiles.add(draft('shop'), {}));
		const found = await profiles.find('shp');
		expect(found.ok ? '' : found.error.message).toContain('shop');
	});

	it('keep the sandbox', async () => {
		const { profiles } = setUp();
		must(await profiles.add({ ...draft('sandbox'), sandbox: true, broker: { kind: 'embedded' } }, {}));
		const removed = await profiles.remove('sandbox');
		expect(removed.ok ? null : removed.error.code).toBe('unsupported');
	});

	it('never share an id, even when their names differ only in signs', async () => {
		const { profiles } = setUp();
		const a = must(await profiles.add(draft('shop eu'), {}));
		const b = must(await profiles.add(draft('shop.eu'), {}));
		expect(a.id).not.toBe(b.id);
		expect(a.id).toMatch(/^[a-z0-9-]+$/);
	});
});
