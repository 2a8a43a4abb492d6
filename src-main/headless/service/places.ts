/** Where a service's files lie. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';

export interface ServicePlaces {
	readonly pidFile: string;
	readonly logFile: string;
	readonly channel: string;
}

/** Longest path of a socket on the systems that have them, with some room. */
const SOCKET_MAX = 100;

/**
 * One service per profile and home, unless another pid file is named: then that file stands for another service. The channel
 * follows from the pid file, so that whoever knows the one finds the other.
 */
export function servicePlaces(
	home: string,
	profile: string,
	given: { readonly pidFile?: string | undefined; readonly logFile?: string | undefined },
): ServicePlaces {
	const pidFile = resolve(given.pidFile ?? join(home, 'service', `${profile}.pid`));
	const logFile = resolve(given.logFile ?? join(home, 'logs', `service-${profile}.log`));
	return { pidFile, logFile, channel: channelOf(pidFile) };
}

function channelOf(pidFile: string): string {
	const name = createHash('sha256').update(pidFile).digest('hex').slice(0, 20);
	if (process.platform === 'win32') return `\\\\.\\pipe\\warren-${name}`;
	const beside = `${pidFile}.sock`;
	if (Buffer.byteLength(beside) <= SOCKET_MAX) return beside;
	return join(tmpdir(), `warren-${process.getuid?.() ?? 0}`, `${name}.sock`);
}

/** Makes the folders that these files need, for their owner only. */
export function makeFolders(places: ServicePlaces): void {
	for (const file of [places.pidFile, places.logFile, places.channel]) {
		if (!file.startsWith('\\\\.\\')) mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
	}
}
