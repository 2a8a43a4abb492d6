/**
 * How a profile keeps the way into a site's monitor: the address and certificates in the profile, user and password together as one
 * secret of the vault, in JSON.
 */
import type { Profile, TlsOptions } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import { readSiteAddress } from '#main/monitor/carrot-site/address.ts';
import type { SiteCredentials } from '#main/monitor/carrot-site/session.ts';
import type { SecretChanges } from '#main/profiles/profiles.ts';

type MonitorInput = Pick<
	HandlerInput<'profile.add'>,
	'monitor' | 'monitorUser' | 'monitorPassword' | 'monitorCaFile' | 'monitorInsecure'
>;

/**
 * What a person gave about the monitor, laid over what there is. User and password may also stand in the address; they are taken out
 * of it. An empty user removes both, an empty address everything.
 */
export function readMonitor(
	input: MonitorInput,
	old: Profile | null,
	oldSecret: string | null,
): Result<{ readonly url: string | null; readonly tls: TlsOptions | null; readonly secret: SecretChanges }> {
	if (input.monitor === '') return ok({ url: null, tls: null, secret: { monitor: null } });
	const address = input.monitor === undefined ? null : readSiteAddress(input.monitor);
	if (address !== null && !address.ok) return address;
	const base = address?.value ?? null;
	const url = base?.base ?? old?.monitorUrl ?? null;
	const before = readCredentials(oldSecret);
	const username = input.monitorUser ?? base?.username ?? null;
	const password = input.monitorPassword ?? base?.password ?? null;
	const given = { caFile: input.monitorCaFile, insecure: input.monitorInsecure };
	const tls = laidOver(given, old?.monitorTls ?? null);
	if (username === null && password === null) return ok({ url, tls, secret: {} });
	if (username === '') return ok({ url, tls, secret: { monitor: null } });
	const made: SiteCredentials = {
		username: username ?? before?.username ?? '',
		// Another user's password is another one.
		password: password ?? (username === null || username === before?.username ? (before?.password ?? '') : ''),
	};
	return ok({ url, tls, secret: { monitor: JSON.stringify(made) } });
}

/** The vault's secret as user and password; null: there is none, or it is not ours. */
export function readCredentials(secret: string | null): SiteCredentials | null {
	if (secret === null) return null;
	try {
		const { username, password } = JSON.parse(secret) as Partial<SiteCredentials>;
		return typeof username === 'string' && typeof password === 'string' ? { username, password } : null;
	} catch {
		// Written by something else: as good as none, and it must not be repeated in a message.
		return null;
	}
}

/** TLS options of a door, with what was given laid over what there is; an empty file is none any more. */
export function laidOver(
	given: { readonly caFile: string | undefined; readonly insecure: boolean | undefined },
	old: TlsOptions | null,
): TlsOptions | null {
	if (given.caFile === undefined && given.insecure === undefined) return old;
	const base: TlsOptions = old ?? { caFile: null, certFile: null, keyFile: null, serverName: null, verify: true };
	return {
		...base,
		caFile: given.caFile === undefined ? base.caFile : given.caFile === '' ? null : given.caFile,
		verify: given.insecure === undefined ? base.verify : !given.insecure,
	};
}
