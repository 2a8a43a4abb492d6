/** `warren monitor run` in a process of its own: told to stop, killed, and looked at from outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ENGINE_FLAGS, MAIN } from '../entry.ts';
import { waitFor } from '../wait.ts';

/** A process that collects. */
export interface Collecting extends AsyncDisposable {
	/** Ends it, and waits until it is gone; as it goes, its most memory is noted. `SIGINT` lets it finish what it began. */
	end(signal: 'SIGINT' | 'SIGKILL'): Promise<void>;
	/** The most memory that it ever had, in MiB; null where the system does not tell. */
	peakMiB(): number | null;
	/** What it said of events it took, when it stopped as it was told to. */
	taken(): number;
}

/**
 * Starts watching a profile in durable mode: what is sent while nobody watches is kept for it. Null: another process of this home is taken
 * to be watching still.
 */
export async function startCollecting(home: string, profile: string): Promise<Collecting | null> {
	const options = ['--home', home, '--profile', profile, '--json', 'monitor', 'run', '--keep', '30'];
	const child = spawn(process.execPath, [...ENGINE_FLAGS, MAIN, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
	const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	let said = '';
	child.stdout?.setEncoding('utf8').on('data', (text: string) => {
		said += text;
	});
	let peak: number | null = null;
	const ended = () => child.exitCode !== null || child.signalCode !== null;
	const look = () => {
		if (process.platform === 'linux' && !ended()) peak = highWater(child) ?? peak;
	};
	const end = async (signal: 'SIGINT' | 'SIGKILL') => {
		look();
		if (!ended()) child.kill(signal);
		await gone;
	};
	try {
		await waitFor('the monitor to listen', () => said.includes('"event":"started"') || ended(), 120_000);
	} catch (error) {
		await end('SIGKILL');
		throw error;
	}
	if (ended()) return null;
	return {
		end,
		peakMiB() {
			look();
			return peak;
		},
		taken() {
			const lines = said.trim().split('\n');
			const last = JSON.parse(lines.at(-1) ?? '') as { readonly event: string; readonly eventsThisRun: number };
			if (last.event !== 'stopped') throw new Error(`It did not stop by itself, and said last: ${lines.at(-1)}`);
			return last.eventsThisRun;
		},
		[Symbol.asyncDispose]: () => end('SIGKILL'),
	};
}

/** Null: it is just ending. */
function highWater({ pid }: ChildProcess): number | null {
	const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
	return found === null ? null : Number(found[1]) / 1024;
}
