/** Signals to a real process of the command line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { warrenJson } from '#test/support/cli.ts';
import { MAIN } from '#test/support/entry.ts';
import { waitFor } from '#test/support/wait.ts';

/** A task that says that it has begun, and ends when it is let go. */
const TASK = `
import { existsSync, writeFileSync } from 'node:fs';
export async function hold({ args: [folder] }) {
	writeFileSync(folder + '/begun', '');
	while (!existsSync(folder + '/go')) await new Promise((resolve) => setTimeout(resolve, 20));
	return 'done';
}
`;

let folder: string;
let home: string;
let child: ChildProcess;
let told: string;
let ended: Promise<number | null>;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'warren-signals-'));
	home = join(folder, 'home');
	writeFileSync(join(folder, 'slow.mjs'), TASK);
	await warrenJson(home, ['task', 'delete', '--where', '', '--yes']);
});
afterEach(() => {
	child?.kill('SIGKILL');
	rmSync(folder, { recursive: true, force: true });
});

/** Publishes the task, runs a consumer, and comes back when the task has begun. */
async function hold(): Promise<string> {
	const args = ['task', 'publish', 'slow.hold', '--args', JSON.stringify(folder)];
	const { id } = await warrenJson<{ readonly id: string }>(home, args);
	const run = ['consumer', 'run', 'default', '--project', folder, '--node', 'slow.mjs'];
	child = spawn(process.execPath, [MAIN, '--home', home, ...run], { stdio: ['ignore', 'ignore', 'pipe'] });
	told = '';
	child.stderr?.setEncoding('utf8').on('data', (text: string) => {
		told += text;
	});
	ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
	await waitFor('the task to begin', () => existsSync(join(folder, 'begun')));
	return id;
}
const stateOf = async (id: string) => (await warrenJson<{ readonly state: string }>(home, ['task', 'show', id])).state;

describe('one Ctrl+C', () => {
	it('lets a consumer finish what it runs, and end well', async () => {
		const id = await hold();
		child.kill('SIGINT');
		await waitFor('the consumer to have heard', () => told.includes('Finishing'));
		writeFileSync(join(folder, 'go'), '');
		expect(await ended).toBe(0);
		expect(await stateOf(id)).toBe('succeeded');
	});
});

describe('two', () => {
	it('stop it at once, and the task goes back to its queue', async () => {
		const id = await hold();
		child.kill('SIGINT');
		await waitFor('the consumer to have heard', () => told.includes('Finishing'));
		child.kill('SIGINT');
		expect(await ended).toBe(0);
		expect(await stateOf(id)).not.toBe('succeeded');
		const { items } = await warrenJson<{ readonly items: readonly { readonly ready: number }[] }>(home, [
			'queue',
			'list',
		]);
		expect(items[0]?.ready).toBe(1);
	});
});
