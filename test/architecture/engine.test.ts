import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from './tree.ts';

const run = promisify(execFile);

/** Loaded before everything else: whoever asks for Electron, or for what needs it, fails. */
const refuseElectron = `
	import { registerHooks } from 'node:module';
	registerHooks({
		resolve(specifier, context, next) {
			if (/^electron(\\/|-store|$)/.test(specifier)) throw new Error('asked for ' + specifier + ' in ' + context.parentURL);
			return next(specifier, context);
		},
	});
`;

describe('the engine without Electron', () => {
	let folder = '';
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'warren-architecture-'));
		await writeFile(join(folder, 'refuse.mjs'), refuseElectron);
	});
	afterEach(() => rm(folder, { recursive: true, force: true }));

	const node = (...args: readonly string[]) =>
		run(process.execPath, ['--import', join(folder, 'refuse.mjs'), ...args], {
			cwd: root,
			env: { ...process.env, WARREN_VAULT_KEY: 'a key for this test' },
		});

	it('boots from source under the command line and lists the sandbox', async () => {
		const { stdout } = await node(
			'src-main/headless/cli/main.ts',
			'--home',
			join(folder, 'home'),
			'--json',
			'profile',
			'list',
		);
		const { items } = JSON.parse(stdout) as { readonly items: readonly { readonly name: string }[] };
		expect(items.map(({ name }) => name)).toContain('sandbox');
	});

	it('boots from the bundle as well', async () => {
		const { stdout } = await node('out/main/cli.js', '--home', join(folder, 'home'), '--json', 'profile', 'list');
		const { items } = JSON.parse(stdout) as { readonly items: readonly { readonly name: string }[] };
		expect(items.map(({ name }) => name)).toContain('sandbox');
	});

	it('would be caught asking for Electron', async () => {
		await writeFile(join(folder, 'asks.mjs'), "await import('electron');");
		await expect(node(join(folder, 'asks.mjs'))).rejects.toThrow(/asked for electron/);
	});
});
