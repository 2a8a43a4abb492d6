/**
 * Free TCP ports on the loopback interface.
 *
 * They lie below the range from which systems give ports to outgoing connections (from 32768 on Linux, 49152 elsewhere):
 * a server that a test kills and starts again finds its port as it left it, and not in a client's hands meanwhile.
 */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

const lowest = 11_000;
const highest = 32_000;

/**
 * Ports that were free a moment ago. Held ports are asked for together and given back together, so that several calls at
 * once never answer the same number.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
	const held: { readonly port: number; readonly server: Server }[] = [];
	try {
		for (let tries = 0; held.length < count; tries += 1) {
			if (tries > 1_000) throw new Error(`No free port between ${lowest} and ${highest}.`);
			const port = randomInt(lowest, highest);
			const server = await hold(port);
			if (server !== null) held.push({ port, server });
		}
		return held.map(({ port }) => port);
	} finally {
		await Promise.all(held.map(({ server }) => new Promise((resolve) => server.close(resolve))));
	}
}

/** One free port. */
export async function freePort(): Promise<number> {
	const [port] = await freePorts(1);
	if (port === undefined) throw new Error('No free port.');
	return port;
}

/** A server on the port; null when somebody has it. */
function hold(port: number): Promise<Server | null> {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.once('error', (error: NodeJS.ErrnoException) => {
			if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
			else reject(error);
		});
		server.listen(port, '127.0.0.1', () => resolve(server));
	});
}
