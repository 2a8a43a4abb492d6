/** Processor time of other processes, which Linux tells in /proc; null elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';

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

/** User and system time of this process's threads so far, in microseconds, by their names; those of one name together. */
export function threadTimes(): Readonly<Record<string, number>> | null {
	if (process.platform !== 'linux') return null;
	const times: Record<string, number> = {};
	for (const thread of readdirSync('/proc/self/task')) {
		const name = readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim();
		const [ran] = readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ');
		times[name] = (times[name] ?? 0) + Number(ran) / 1000;
	}
	return times;
}
