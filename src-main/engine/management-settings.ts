/**
 * How a profile keeps the way into RabbitMQ's management API: address and certificates in the profile, user and password together as
 * one secret of the vault. Without any, the broker's own login is used.
 */
import { createManagement, type Management } from '#main/brokers/rabbitmq/management.ts';
import type { Profile, TlsOptions } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { Profiles, SecretChanges } from '#main/profiles/profiles.ts';
import { laidOver, readCredentials } from './monitor-settings.ts';

type ManagementInput = Pick<
	HandlerInput<'profile.add'>,
	'management' | 'managementUser' | 'managementPassword' | 'managementCaFile' | 'managementInsecure'
>;

/** What a person gave about the API, laid over what there is. A login in the address is taken out of it. */
export function readManagement(
	input: ManagementInput,
	old: Profile | null,
	oldSecret: string | null,
): Result<{ readonly url: string | null; readonly tls: TlsOptions | null; readonly secret: SecretChanges }> {
	if (input.management === '') return ok({ url: null, tls: null, secret: { management: null } });
	let url = old?.managementUrl ?? null;
	let written: { readonly username: string; readonly password: string } | null = null;
	if (input.management !== undefined) {
		const parsed = new URL(input.management);
		const login = loginOf(parsed);
		if (!login.ok) return login;
		written = login.value;
		parsed.username = '';
		parsed.password = '';
		parsed.hash = '';
		parsed.search = '';
		url = parsed.href.replace(/\/(?:api\/?)?$/, '');
	}
	const given = { caFile: input.managementCaFile, insecure: input.managementInsecure };
	const tls = laidOver(given, old?.managementTls ?? null);
	const username = input.managementUser ?? written?.username ?? null;
	const password = input.managementPassword ?? written?.password ?? null;
	if (username === null && password === null) return ok({ url, tls, secret: {} });
	if (username === '') return ok({ url, tls, secret: { management: null } });
	const before = readCredentials(oldSecret);
	const who = username ?? before?.username;
	if (who === undefined) {
		return fail('invalid-input', 'A password of the management API needs its user: give --management-user too.');
	}
	const same = username === null || username === before?.username;
	const made = { username: who, password: password ?? (same ? (before?.password ?? '') : '') };
	return ok({ url, tls, secret: { management: JSON.stringify(made) } });
}

/** A client of the profile's management API; null: it has none, or no RabbitMQ. */
export function managementOf(profiles: Profiles, profile: Profile, now: () => number): Management | null {
	const { managementUrl: url, broker } = profile;
	if (url === null || broker.kind !== 'amqp') return null;
	return createManagement({
		url,
		tls: profile.managementTls ?? null,
		now,
		async login() {
			const own = await profiles.secret(profile.id, 'management');
			const credentials = readCredentials(own.ok ? own.value : null);
			if (credentials !== null) return credentials;
			const secret = await profiles.secret(profile.id, 'broker');
			const password = secret.ok ? secret.value : null;
			return { username: broker.username, password: password ?? (broker.username === 'guest' ? 'guest' : '') };
		},
	});
}

function loginOf(url: URL): Result<{ readonly username: string; readonly password: string } | null> {
	if (url.username === '' && url.password === '') return ok(null);
	try {
		return ok({ username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) });
	} catch {
		return fail(
			'invalid-input',
			'The login in the management address has a "%" that is not an escape. Write it as %25.',
		);
	}
}
