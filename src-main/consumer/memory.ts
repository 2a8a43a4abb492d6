/** Resident memory of runners with all that they started: from /proc on Linux, from `ps` elsewhere. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

/** Bytes per process tree, by the pid of its root; trees that are gone are left out. Never rejects. */
export type ReadMemory = (pids: readonly number[]) => Promise<ReadonlyMap<number, number>>;

/** What this system offers. */
export const readMemory: ReadMemory = (pids) =>
	pids.length === 0 ? Promise.resolve(new Map()) : process.platform === 'linux' ? fromProc(pids) : fromPs(pids);

async function fromProc(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
	const found = new Map<number, number>();
	await Promise.all(
		pids.map(async (pid) => {
			const bytes = await treeBytes(pid, 0);
			if (bytes !== null) found.set(pid, bytes);
		}),
	);
	return found;
}

/** Deep enough for any tree of children; a loop by reused pids must not go on for ever. */
const DEEPEST = 16;

async function treeBytes(pid: number, depth: number): Promise<number | null> {
	const [status, children] = await Promise.all([textOf(`/proc/${pid}/status`), childrenOf(pid)]);
	const own = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '');
	if (own === null) return null;
	let bytes = Number(own[1]) * 1024;
	if (depth < DEEPEST) {
		for (const child of await Promise.all(children.map((one) => treeBytes(one, depth + 1)))) bytes += child ?? 0;
	}
	return bytes;
}

/** A child is listed with the thread that started it. */
async function childrenOf(pid: number): Promise<readonly number[]> {
	const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
	const lists = await Promise.all(threads.map((thread) => textOf(`/proc/${pid}/task/${thread}/children`)));
	return lists.flatMap((list) => (list ?? '').split(' ').filter((word) => word !== '')).map(Number);
}

/** Null when the process is gone, which is an answer too. */
async function textOf(file: string): Promise<string | null> {
	try {
		return await readFile(file, 'utf8');
	} catch {
		return null;
	}
}

function fromPs(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
	return new Promise((resolve) => {
		execFile('ps', ['-A', '-o', 'pid=,ppid=,rss='], { maxBuffer: 8 * 1024 * 1024 }, (error, stdout) => {
			// Windows has no ps: memory stays unknown there, and a memory limit without effect.
			resolve(error === null ? sumTrees(stdout, pids) : new Map());
		});
	});
}

/** Sums `pid ppid rss-in-KiB` lines into trees. */
export function sumTrees(listing: string, roots: readonly number[]): ReadonlyMap<number, number> {
	const children = new Map<number, number[]>();
	const own = new Map<number, number>();
	for (const line of listing.split('\n')) {
		const [pid, parent, kib] = line.trim().split(/\s+/).map(Number);
		if (pid === undefined || parent === undefined || kib === undefined || Number.isNaN(kib)) continue;
		own.set(pid, kib * 1024);
		children.set(parent, [...(children.get(parent) ?? []), pid]);
	}
	const sums = new Map<number, number>();
	for (const root of roots) {
		if (!own.has(root)) continue;
		let bytes = 0;
		const seen = new Set<number>();
		const pending = [root];
		for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
			if (seen.has(pid)) continue;
			seen.add(pid);
			bytes += own.get(pid) ?? 0;
			pending.push(...(children.get(pid) ?? []));
		}
		sums.set(root, bytes);
	}
	return sums;
}
