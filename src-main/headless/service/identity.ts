/**
 * Which process a number means. Numbers are used again, soon after a restart of the machine even the same ones for the same
 * services, so that a process is named by its number, its start time, and the boot it belongs to.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
	readonly pid: number;
	/** As the system tells it, in whatever unit; null where it does not. */
	readonly started: string | null;
	/** Differs after a restart of the machine; null where there is no such thing. */
	readonly boot: string | null;
	readonly host: string;
}

/** What is known of a process that was written down earlier. */
export type Presence =
	| 'alive'
	/** Gone, or its number belongs to another process by now. */
	| 'gone'
	/** Written on another machine, or in another container: nothing here can tell. */
	| 'elsewhere';

/** This process, or another one that is alive. */
export function identify(pid: number = process.pid): ProcessIdentity {
	return { pid, started: startOf(pid), boot: bootOf(), host: hostname() };
}

/** Whether that very process is alive. One that has ended and waits to be reaped is gone. */
export function presence(of: ProcessIdentity): Presence {
	const boot = bootOf();
	if (of.host !== hostname())
		return of.boot !== null && boot !== null && of.boot === boot && matches(of) ? 'alive' : 'elsewhere';
	if (of.boot !== null && boot !== null && of.boot !== boot) return 'gone';
	return matches(of) ? 'alive' : 'gone';
}

function matches(of: ProcessIdentity): boolean {
	if (!exists(of.pid)) return false;
	const started = startOf(of.pid);
	return of.started === null || started === null || started === of.started;
}

/** Whether a process of this number runs, whoever's it is. */
export function exists(pid: number): boolean {
	if (!Number.isSafeInteger(pid) || pid <= 0) return false;
	try {
		process.kill(pid, 0);
	} catch (error) {
		// Somebody else's process is one too.
		if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
	}
	return statOf(pid)?.state !== 'Z';
}

/** State letter and start time by /proc; null where there is no /proc or no such process. */
function statOf(pid: number): { readonly state: string; readonly started: string } | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
		// The second field is the command in brackets, which may hold anything.
		const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		const [state, started] = [fields[0], fields[19]];
		return state === undefined || started === undefined ? null : { state, started };
	} catch {
		// Not Linux, or gone: the callers tell these apart.
		return null;
	}
}

function startOf(pid: number): string | null {
	const stat = statOf(pid);
	if (stat !== null) return stat.started;
	if (process.platform === 'linux' || process.platform === 'win32') return null;
	try {
		const told = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
		return told === '' ? null : told;
	} catch {
		// No such process.
		return null;
	}
}

function bootOf(): string | null {
	try {
		return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
	} catch {
		// Not Linux: the start time has to do.
		return null;
	}
}
