/** The service's log: plain lines, turned over by size. Whoever writes a URL into it, its password does not get there. */
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { strikeText } from '#main/ipc/strike.ts';

const TURN_AT = 10 * 1024 * 1024;
/** Old files that are kept: `service.log.1` is the youngest. */
const KEPT = 4;

export interface ServiceLog {
	/** A line of the service's own. */
	say(text: string): void;
	/** A finished line of the worker's, as it is. */
	pass(line: string): void;
}

/**
 * Opens a log. Each line is appended by itself to whatever file has that name, so that a tool that moves logs away needs no signal.
 * A full disk costs lines, never the service; `also` gets every line besides.
 */
export function serviceLog(
	path: string,
	options: {
		readonly now: () => number;
		readonly also?: ((line: string) => void) | null;
		readonly turnAt?: number;
	},
): ServiceLog {
	let lost = 0;

	function write(line: string): void {
		options.also?.(line);
		try {
			turn(path, options.turnAt ?? TURN_AT);
			const before =
				lost === 0 ? '' : `${stamp(options.now())} warning  warren: ${lost} lines could not be written here\n`;
			appendFileSync(path, `${before}${line}\n`, { mode: 0o600 });
			lost = 0;
		} catch {
			// There is nowhere to say so but here, once there is room again.
			lost += 1;
		}
	}

	return {
		say: (text) => write(`${stamp(options.now())} info     warren: ${strikeText(text)}`),
		pass: (line) => write(strikeText(line)),
	};
}

/** Time as the log's lines begin. */
export function stamp(now: number): string {
	return new Date(now).toISOString();
}

function turn(path: string, turnAt: number): void {
	if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < turnAt) return;
	for (let age = KEPT; age >= 1; age -= 1) {
		const from = age === 1 ? path : `${path}.${age - 1}`;
		if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, `${path}.${age}`);
	}
}
