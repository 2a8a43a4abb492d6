/** Warren's own log: JSON lines in the home folder, turned over by size. */
import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log, LogFacts } from '#main/domain/log.ts';
import { strikeText } from '#main/ipc/strike.ts';

const LEVELS = { debug: 0, info: 1, warning: 2, error: 3, critical: 4 } as const;

export interface FileLogOptions {
	/** `logs/warren.log` in here. */
	readonly home: string;
	/** Least severe level that is written. */
	readonly level: keyof typeof LEVELS;
	readonly now: () => number;
	/** Bytes after which a file is put aside; three old ones are kept. */
	readonly turnAt?: number;
	/** Told once when lines cannot be written (a full disk); the host goes on without a log. */
	readonly trouble?: (words: string) => void;
}

const TURN_AT = 5 * 1024 * 1024;
const KEPT = 3;
const TEXT_MAX = 8_000;

/**
 * Opens the log. Lines are appended at once and whole, so that several processes may share the file and a crash loses none.
 * Texts are cut at 8,000 characters, and credentials in URLs are struck out whoever put them there.
 */
export function fileLog(options: FileLogOptions): Log {
	const folder = join(options.home, 'logs');
	const path = join(folder, 'warren.log');
	let troubled = false;

	function write(level: keyof typeof LEVELS, event: string, facts: LogFacts = {}): void {
		if (LEVELS[level] < LEVELS[options.level]) return;
		const safe = Object.fromEntries(
			Object.entries(facts).map(([key, value]) => [
				key,
				typeof value === 'string' ? strikeText(value.slice(0, TEXT_MAX)) : value,
			]),
		);
		const line = JSON.stringify({ at: new Date(options.now()).toISOString(), level, pid: process.pid, event, ...safe });
		try {
			mkdirSync(folder, { recursive: true, mode: 0o700 });
			turn(path, options.turnAt ?? TURN_AT);
			appendFileSync(path, `${line}\n`, { mode: 0o600 });
		} catch (error) {
			if (troubled) return;
			troubled = true;
			options.trouble?.(`The log ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
		}
	}

	return {
		debug: (event, facts) => write('debug', event, facts),
		info: (event, facts) => write('info', event, facts),
		warn: (event, facts) => write('warning', event, facts),
		error: (event, facts) => write('error', event, facts),
	};
}

function turn(path: string, turnAt: number): void {
	const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
	if (size < turnAt) return;
	for (let age = KEPT; age >= 1; age -= 1) {
		const from = age === 1 ? path : path.replace(/\.log$/, `.${age - 1}.log`);
		if (statSync(from, { throwIfNoEntry: false }) !== undefined)
			renameSync(from, path.replace(/\.log$/, `.${age}.log`));
	}
}
