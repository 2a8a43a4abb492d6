import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readMemory, sumTrees } from '#main/consumer/memory.ts';
import { waitFor } from '#test/support/wait.ts';

describe('memory of process trees', () => {
	it('is summed over children of children, from a listing of all processes', () => {
		const listing = '  1 0 100\n 10 1 5\n 11 10 7\n 12 11 1\n 20 1 50\nnonsense\n';
		expect(sumTrees(listing, [10, 20, 99])).toEqual(
			new Map([
				[10, 13 * 1024],
				[20, 50 * 1024],
			]),
		);
	});

	it('does not go round for ever in a listing that goes in circles', () => {
		expect(sumTrees('1 2 3\n2 1 4\n', [1])).toEqual(new Map([[1, 7 * 1024]]));
	});

	it('counts what a process started, and leaves out what is gone', async () => {
		const program = 'require("child_process").spawn(process.execPath, ["-e", "setInterval(()=>{},1e6)"])';
		const child = spawn(process.execPath, ['-e', program], { detached: true, stdio: 'ignore' });
		const pid = child.pid as number;
		const gone = new Promise((resolve) => child.once('exit', resolve));
		try {
			// Each of the two takes about 40 MB.
			await waitFor('both to be counted', async () => ((await readMemory([pid])).get(pid) ?? 0) > 60_000_000);
		} finally {
			process.kill(-pid, 'SIGKILL');
			await gone;
		}
		expect(await readMemory([pid])).toEqual(new Map());
	});
});
