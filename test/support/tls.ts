/** A private certificate authority for tests, made with openssl. Keys are for loopback servers that live for seconds. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificate {
	readonly certFile: string;
	readonly keyFile: string;
}

export interface Authority extends AsyncDisposable {
	readonly caFile: string;
	/** A certificate for these names and addresses (`DNS:localhost`, `IP:127.0.0.1`), valid from and for so many days. */
	issue(options: {
		readonly name: string;
		readonly alternativeNames: readonly string[];
		/** Valid from today unless it is to be expired already. */
		readonly expired?: boolean;
	}): Promise<Certificate>;
}

/** Makes an authority in a temporary folder, which goes with it. */
export async function createAuthority(name: string): Promise<Authority> {
	const folder = await mkdtemp(join(tmpdir(), 'warren-ca-'));
	const caFile = join(folder, 'ca.pem');
	const caKey = join(folder, 'ca.key');
	const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
	await run('openssl', [
		...['req', '-x509', ...curve, '-keyout', caKey, '-out', caFile, '-days', '30', '-subj', `/CN=${name}`],
		...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
	]);
	let issued = 0;
	return {
		caFile,
		async issue(options) {
			const stem = join(folder, `${issued++}`);
			const [certFile, keyFile, request, extensions] = [`${stem}.pem`, `${stem}.key`, `${stem}.csr`, `${stem}.ext`];
			await run('openssl', [
				'req',
				'-new',
				...curve,
				'-keyout',
				keyFile,
				'-out',
				request,
				'-subj',
				`/CN=${options.name}`,
			]);
			await writeFile(
				extensions,
				`basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n${
					options.alternativeNames.length > 0 ? `subjectAltName=${options.alternativeNames.join(',')}\n` : ''
				}`,
			);
			// `-days` with a negative number makes a certificate that ended yesterday.
			await run('openssl', [
				...['x509', '-req', '-in', request, '-CA', caFile, '-CAkey', caKey, '-CAcreateserial', '-out', certFile],
				...['-days', options.expired === true ? '-1' : '30', '-extfile', extensions],
			]);
			return { certFile, keyFile };
		},
		[Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
	};
}
