/** What every connection over TCP and TLS has in common, whatever is spoken over it: files, and errors put into words. */
import { readFile } from 'node:fs/promises';
import type { TlsOptions } from '../domain/profile.ts';

/** Where something listens, and how it is spoken to. */
export interface NetworkPlace {
	/** Name, IPv4 or IPv6 without brackets. */
	readonly host: string;
	readonly port: number;
	readonly tls: TlsOptions | null;
}

/** A file that TLS needs could not be read. */
export class UnreadableFile extends Error {
	readonly file: string;
	constructor(file: string, cause: unknown) {
		super(`The file ${file} cannot be read: ${(cause as Error).message}`, { cause });
		this.file = file;
	}
}

/** `host:port` as a person writes it. */
export function place({ host, port }: NetworkPlace): string {
	return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An error's text and system code (empty without one); of a name with several addresses the first error tells as much as any. */
export function whatWasSaid(error: unknown): { readonly text: string; readonly code: string } {
	const first: unknown = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error;
	const code: unknown = first instanceof Error ? Reflect.get(first, 'code') : undefined;
	return { text: first instanceof Error ? first.message : String(first), code: typeof code === 'string' ? code : '' };
}

/** What the network says before anybody has answered, in plain words; null when it is something else. */
export function networkProblem(
	code: string,
	address: NetworkPlace,
): { readonly at: 'dns' | 'tcp'; readonly reason: string } | null {
	const where = place(address);
	switch (code) {
		case 'ENOTFOUND':
		case 'EAI_AGAIN':
		case 'EAI_NODATA':
			return { at: 'dns', reason: `The host name "${address.host}" is not known here.` };
		case 'ECONNREFUSED':
			return { at: 'tcp', reason: `Nothing listens on ${where} (connection refused).` };
		case 'EHOSTUNREACH':
		case 'ENETUNREACH':
			return { at: 'tcp', reason: `There is no way to ${where} from here (${code}).` };
		default:
			return null;
	}
}

/** What Node's TLS says, in plain words; null when it is not about TLS. `who` is what was to answer: `broker`. */
export function tlsProblem(code: string, text: string, address: NetworkPlace, who: string): string | null {
	const name = address.tls?.serverName ?? address.host;
	switch (code) {
		case 'CERT_HAS_EXPIRED':
			return `The certificate of the ${who} has expired.`;
		case 'CERT_NOT_YET_VALID':
			return `The certificate of the ${who} is not valid yet (or the clock of this machine is wrong).`;
		case 'DEPTH_ZERO_SELF_SIGNED_CERT':
		case 'SELF_SIGNED_CERT_IN_CHAIN':
			return `The certificate of the ${who} is self-signed, or signed by a private authority that is not trusted here.`;
		case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
		case 'UNABLE_TO_GET_ISSUER_CERT':
		case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
		case 'CERT_UNTRUSTED':
		case 'CERT_SIGNATURE_FAILURE':
			return `The certificate of the ${who} was signed by an authority that is not trusted here.`;
		case 'ERR_TLS_CERT_ALTNAME_INVALID':
			return `The certificate of the ${who} is for another name than "${name}".`;
	}
	if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || /wrong version number|packet length too long/i.test(text)) {
		return `What answers on ${place(address)} does not speak TLS.`;
	}
	if (/handshake failure|certificate required|bad certificate|unknown ca|alert number (40|42|48|116)/i.test(text)) {
		return `The ${who} refused this side's certificate (${text.replace(/^.*?:error:/i, 'error:').slice(0, 120)}).`;
	}
	if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_OSSL_') || code.startsWith('ERR_TLS_')) {
		return `TLS with ${place(address)} failed: ${text}`;
	}
	return null;
}

/** Options for a TLS socket. Reads the files at each connect, so that a renewed certificate is used without a restart. */
export async function tlsSettings(tls: TlsOptions): Promise<{
	readonly ca?: Buffer;
	readonly cert?: Buffer;
	readonly key?: Buffer;
	readonly servername?: string;
	readonly rejectUnauthorized: boolean;
}> {
	const read = async (file: string) => {
		try {
			return await readFile(file);
		} catch (error) {
			throw new UnreadableFile(file, error);
		}
	};
	return {
		...(tls.caFile === null ? {} : { ca: await read(tls.caFile) }),
		...(tls.certFile === null ? {} : { cert: await read(tls.certFile) }),
		...(tls.keyFile === null ? {} : { key: await read(tls.keyFile) }),
		...(tls.serverName === null ? {} : { servername: tls.serverName }),
		rejectUnauthorized: tls.verify,
	};
}
