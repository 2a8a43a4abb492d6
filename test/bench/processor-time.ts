/** Processor time of other processes, which Linux tells in /proc; null elsewhere. */
import { readFileSync } from 'node:fs';

/** User and system time of a process so far, in microseconds. */
export function processorTime(pid: number): number | null {
	if (process.platform !== 'linux') return null;
	const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	// In hundredths of a second.
	return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** The same of several processes together. */
export function processorTimeOf(pids: readonly (number | null)[]): number | null {
	if (process.platform !== 'linux') return null;
	return pids.reduce<number>((sum, pid) => sum + (pid === null ? 0 : (processorTime(pid) ?? 0)), 0);
}

/** The same of a process and its children. */
export function familyTime(pid: number): number | null {
	if (process.platform !== 'linux') return null;
	const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
	return processorTimeOf([pid, ...children.filter((word) => word !== '').map(Number)]);
}
