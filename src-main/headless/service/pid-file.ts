/**
 * The pid file is the lock: it is made in one step with all its content, and whoever takes one away first looks whose it is. Two
 * that find the same stale file at once cannot both keep the place, because an owner looks again whether the file is still its.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { identify, type ProcessIdentity, presence } from './identity.ts';

export interface PidRecord extends ProcessIdentity {
	readonly profile: string;
	readonly home: string;
	readonly channel: string;
	readonly logFile: string;
	/** Epoch ms. */
	readonly at: number;
	/** Makes each file its own. */
	readonly token: string;
}

export type PidState =
	| { readonly kind: 'none' }
	| { readonly kind: 'running'; readonly record: PidRecord }
	/** `record` is null where the file is not one of ours or was cut short. */
	| { readonly kind: 'stale'; readonly record: PidRecord | null; readonly why: string };

/** A service elsewhere that shares this file (a volume of containers) touches it this often, and is believed for so long. */
export const TOUCH_MS = 5_000;
const BELIEVED_MS = 30_000;

/** What a pid file says, and whether it is true. */
export function readPidFile(path: string, now: number): PidState {
	const text = readOrNull(path);
	if (text === null) return { kind: 'none' };
	const record = parse(text);
	if (record === null) return { kind: 'stale', record: null, why: `${path} is not a pid file of Warren's` };
	switch (presence(record)) {
		case 'alive':
			return { kind: 'running', record };
		case 'gone':
			return { kind: 'stale', record, why: `the process ${record.pid} that it names is gone` };
		case 'elsewhere': {
			const age = now - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
			return age < BELIEVED_MS
				? { kind: 'running', record }
				: { kind: 'stale', record, why: `the service on ${record.host} that wrote it has not touched it for a while` };
		}
	}
}

/** Whose a place is. `unknown`: the file cannot be looked at just now (its volume is away), which is no reason to give it up. */
export type PidPlace =
	| { readonly kind: 'own' }
	| { readonly kind: 'taken' }
	| { readonly kind: 'unknown'; readonly why: string };

export interface PidFile extends Disposable {
	/** Whether the file is still this process's; `touch`: says in it that this process is still there. */
	keep(touch: boolean): PidPlace;
}

/** Takes the place that a file stands for. `busy` with the owner's number while somebody has it; a stale file is replaced. */
export function takePidFile(
	path: string,
	about: Pick<PidRecord, 'profile' | 'home' | 'channel' | 'logFile'>,
	now: number,
	tidied: (why: string) => void,
): Result<PidFile> {
	const token = randomBytes(9).toString('base64url');
	const record: PidRecord = { ...identify(), ...about, at: now, token };
	const draft = `${path}.${token}`;
	try {
		writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600, flag: 'wx' });
	} catch (error) {
		return fail('refused', `The pid file ${path} cannot be written: ${words(error)}. Name another with --pidfile.`);
	}
	try {
		for (let tries = 0; tries < 20; tries += 1) {
			if (link(draft, path)) return ok(held(path, token));
			const state = readPidFile(path, now);
			if (state.kind === 'running') {
				return fail('busy', `It runs already, as process ${state.record.pid}.`, { details: { pid: state.record.pid } });
			}
			if (state.kind === 'stale' && setAside(path, state.record?.token ?? null, token)) tidied(state.why);
		}
		return fail('busy', `Others are starting or ending a service with ${path} just now. Try again.`);
	} finally {
		rmSync(draft, { force: true });
	}
}

/** Removes a stale file, unless a living one has taken its place. */
export function removeStale(path: string, now: number): boolean {
	const state = readPidFile(path, now);
	return state.kind === 'stale' && setAside(path, state.record?.token ?? null, randomBytes(9).toString('base64url'));
}

/** Moves the file away if it is still the one that was looked at; a living one that came in between is put back. */
function setAside(path: string, expected: string | null, suffix: string): boolean {
	const aside = `${path}.stale-${suffix}`;
	try {
		renameSync(path, aside);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
		throw error;
	}
	const found = parse(readOrNull(aside) ?? '')?.token ?? null;
	const right = found === expected;
	if (!right) link(aside, path);
	rmSync(aside, { force: true });
	return right;
}

function held(path: string, token: string): PidFile {
	const keep = (touch: boolean): PidPlace => {
		try {
			if (parse(readOrNull(path) ?? '')?.token !== token) return { kind: 'taken' };
			const at = new Date();
			if (touch) utimesSync(path, at, at);
			return { kind: 'own' };
		} catch (error) {
			return { kind: 'unknown', why: words(error) };
		}
	};
	return {
		keep,
		[Symbol.dispose]() {
			if (keep(false).kind === 'own') rmSync(path, { force: true });
		},
	};
}

function link(from: string, to: string): boolean {
	try {
		linkSync(from, to);
		return true;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'EEXIST') return false;
		// A file system without hard links: made in one step all the same, only its content comes a moment later.
		if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
		try {
			writeFileSync(to, readFileSync(from), { mode: 0o600, flag: 'wx' });
			return true;
		} catch (second) {
			if ((second as NodeJS.ErrnoException).code === 'EEXIST') return false;
			throw second;
		}
	}
}

function readOrNull(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
		throw error;
	}
}

function parse(text: string): PidRecord | null {
	try {
		const record = JSON.parse(text) as PidRecord;
		const whole =
			typeof record === 'object' &&
			record !== null &&
			Number.isSafeInteger(record.pid) &&
			typeof record.host === 'string' &&
			typeof record.channel === 'string' &&
			typeof record.token === 'string';
		return whole ? record : null;
	} catch {
		// Another program's file, or one that was cut short: both are "not ours".
		return null;
	}
}

function words(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
