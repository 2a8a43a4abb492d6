/** The same shell on Electron's own runtime, where there is one. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { waitFor } from '#test/support/wait.ts';

const root = resolve(import.meta.dirname, '../..');

/** Electron's executable, or why there is none that could be started. */
function runtime(): { readonly path: string } | { readonly missing: string } {
	const folder = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
	const name = join(folder, 'path.txt');
	if (!existsSync(name)) return { missing: "Electron's runtime was never fetched here" };
	const path = join(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(folder, 'dist'), readFileSync(name, 'utf8').trim());
	if (!existsSync(path)) return { missing: `Electron's runtime is not at ${path}` };
	if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
		return { missing: 'there is no display for its window' };
	}
	if (process.platform === 'linux' && process.getuid?.() === 0) {
		return { missing: 'Electron does not run as root with its sandbox on' };
	}
	return { path };
}

const found = runtime();

describe('on the real runtime', () => {
	it('the page greets the engine over its port, and the shell ends cleanly', async (context) => {
		if ('missing' in found) {
			context.skip(found.missing);
			return;
		}
		const home = mkdtempSync(join(tmpdir(), 'warren-electron-'));
		const child = spawn(found.path, [root, '--home', home], {
			env: { ...process.env, WARREN_VAULT: 'memory' },
			stdio: 'inherit',
		});
		const ended = new Promise<number | null>((done) => child.once('exit', done));
		try {
			const log = join(home, 'logs', 'warren.log');
			await waitFor(
				'the page to say hello',
				() => existsSync(log) && readFileSync(log, 'utf8').includes('wire.greeted'),
				60_000,
			);
			child.kill('SIGTERM');
			expect(await ended).toBe(0);
			expect(readFileSync(log, 'utf8')).not.toContain('shell.defect');
		} finally {
			child.kill('SIGKILL');
			rmSync(home, { recursive: true, force: true });
		}
	});
});
