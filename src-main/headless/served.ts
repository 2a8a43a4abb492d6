/** Where the console of a home is being served, for other processes of the same person: an address and nothing that lets one in. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'served.json';

/** Notes the address while it is served; of several, the newest stands. What cannot be noted is no reason not to serve. */
export function markServed(home: string, origin: string): Disposable {
	const path = join(home, FILE);
	const text = JSON.stringify({ origin, pid: process.pid });
	try {
		writeFileSync(path, text, { mode: 0o600 });
	} catch {
		// A full disk, say: "open" will not find the console, and says how to come there by hand.
		return { [Symbol.dispose]: () => undefined };
	}
	return {
		[Symbol.dispose]() {
			if (read(path) === text) rmSync(path, { force: true });
		},
	};
}

/** The address that answers as a console now; null when none does. */
export async function servedOrigin(home: string): Promise<string | null> {
	const [, origin] =
		/"origin":"(http:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d{1,5})"/.exec(read(join(home, FILE)) ?? '') ?? [];
	if (origin === undefined) return null;
	try {
		// It lets nobody in without a session, which is how it is told from whatever else took the port since.
		const answer = await fetch(`${origin}/`, {
			method: 'HEAD',
			redirect: 'manual',
			signal: AbortSignal.timeout(5_000),
		});
		return answer.status === 403 && answer.headers.has('content-security-policy') ? origin : null;
	} catch {
		return null;
	}
}

function read(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return null;
	}
}
