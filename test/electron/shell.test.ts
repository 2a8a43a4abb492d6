/** The shipped shell and preload files against a stand-in `electron`: every lock, and a page that talks to a real engine. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

interface Answer {
	readonly status: number;
	readonly type: string | null;
	readonly policy: string | null;
	readonly size: number;
}
interface Facts {
	readonly journal: readonly string[];
	readonly userData: string;
	readonly windowOptions: { readonly webPreferences: Readonly<Record<string, unknown>>; readonly show: boolean };
	readonly schemes: readonly { readonly scheme: string; readonly privileges: Readonly<Record<string, boolean>> }[];
	readonly script: string;
	readonly answers: Readonly<Record<string, Answer>>;
	readonly [name: string]: unknown;
}

let home: string;
let facts: Facts;

function drive(folder: string, env: NodeJS.ProcessEnv = {}, words: readonly string[] = []): Facts {
	const ran = spawnSync(process.execPath, [join(import.meta.dirname, 'drive.ts'), '--home', folder, ...words], {
		cwd: root,
		env: { ...process.env, WARREN_VAULT: '', WARREN_VAULT_KEY: '', ...env },
		encoding: 'utf8',
		timeout: 240_000,
	});
	if (ran.status !== 0)
		throw new Error(`The shell ended with ${ran.status ?? ran.signal}:\n${ran.stdout}\n${ran.stderr}`);
	return JSON.parse(ran.stdout) as Facts;
}

beforeAll(() => {
	const built = spawnSync(process.execPath, [join(root, 'resources/launch/build.mjs')], {
		cwd: root,
		encoding: 'utf8',
	});
	if (built.status !== 0) throw new Error(`The build failed:\n${built.stdout}\n${built.stderr}`);
	home = mkdtempSync(join(tmpdir(), 'warren-shell-'));
	facts = drive(home);
}, 180_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('before its first window the shell', () => {
	it('turns the sandbox on and registers its scheme, while Electron is not ready yet', () => {
		const before = facts.journal.slice(0, facts.journal.indexOf('ready'));
		expect(before).toEqual(
			expect.arrayContaining(['enableSandbox', 'registerSchemesAsPrivileged', 'requestSingleInstanceLock']),
		);
		expect(before).not.toContain('new BrowserWindow');
		expect(facts.schemes).toEqual([
			{ scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
		]);
	});

	it("keeps Chromium's own files inside the home, apart from Warren's", () => {
		expect(facts.userData).toBe(join(home, 'shell'));
	});
});

describe('the window', () => {
	it('has safe preferences and nothing that weakens them', () => {
		const { preload, ...rest } = facts.windowOptions.webPreferences;
		expect(preload).toBe(join(root, 'out/preload/index.cjs'));
		expect(rest).toEqual({
			sandbox: true,
			contextIsolation: true,
			nodeIntegration: false,
			webSecurity: true,
			webviewTag: false,
			spellcheck: false,
		});
		expect(facts.journal).toContain('loadURL app://console/');
	});

	it('goes nowhere else, opens no other, and takes no webview', () => {
		expect(facts.navigation).toEqual({
			'will-navigate': [false, true, true, true, true, true],
			'will-frame-navigate': [false, true, true, true, true, true],
			'will-redirect': [false, true, true, true, true, true],
		});
		expect(facts.windowOpens).toEqual(Array.from({ length: 7 }, () => 'deny'));
		expect(facts.webview).toBe(true);
	});

	it('saves a text of its own page where a person says, and nothing else', () => {
		const refused = { stopped: true, where: null };
		expect(facts.saves).toEqual([
			{ stopped: false, where: join('/downloads', 'sandbox-schedules.json') },
			{ stopped: false, where: join('/downloads', 'sandbox-report.csv') },
			{ stopped: false, where: join('/downloads', 'sandbox-report.SVG') },
			{ stopped: false, where: join('/downloads', 'sandbox-report.png') },
			{ stopped: false, where: join('/downloads', '.bashrc.json') },
			...Array.from({ length: 7 }, () => refused),
		]);
		expect(facts.saveFailure).toMatchObject([expect.stringContaining('sandbox-schedules.json could not be written')]);
	});

	it('may put text on the clipboard, and nothing else', () => {
		expect(facts.requested).toEqual(['clipboard-sanitized-write']);
		expect(facts.checked).toEqual(['clipboard-sanitized-write']);
		expect(facts.foreign).toEqual([]);
		expect(facts.devices).toBe(false);
	});

	it('lets only https and editor links out', () => {
		expect(facts.openedByWindow).toEqual(['https://example.org/a', 'vscode://file/x.py:3']);
		expect(facts.links).toEqual([true, false, false, true, false, false, false]);
		expect(facts.opened).toEqual(['https://example.org/a', 'vscode://file/x.py:3']);
	});
});

describe('app://console', () => {
	it('has the built page under the strict policy', () => {
		const page = facts.answers['GET app://console/'];
		expect(page).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
		expect(page?.policy).toMatch(/^default-src 'none'; script-src 'self'/);
		expect(page?.policy).not.toContain('unsafe');
		expect(facts.answers[`GET app://console${facts.script}`]).toMatchObject({
			status: 200,
			type: 'text/javascript; charset=utf-8',
		});
	});

	it('has nothing else', () => {
		const others = Object.entries(facts.answers).filter(([, answer]) => answer.status !== 200);
		expect(others.map(([request]) => request)).toHaveLength(Object.keys(facts.answers).length - 2);
		expect(others.map(([, answer]) => answer.status)).toEqual(others.map(() => 404));
	});
});

describe('the preload script', () => {
	it('loads electron only and gives the page one object of functions', () => {
		expect(facts.required).toEqual(['electron']);
		expect(facts.exposed).toEqual({
			warrenShell: {
				platform: 'string',
				connect: 'function',
				openExternal: 'function',
				pickFile: 'function',
				pickFolder: 'function',
			},
		});
	});
});

describe('a page', () => {
	it('in the main frame gets a port on which a real engine answers', () => {
		expect(facts.info).toMatchObject({
			ok: true,
			value: { host: 'shell', home, vault: { kind: 'keychain' } },
		});
		expect(facts.profiles).toBe(1);
	});

	it('that asks again loses its old port and is served on the new one', () => {
		expect(facts.afterReload).toBe(true);
	});

	it('in any other frame, or gone elsewhere, gets nothing', () => {
		expect(facts.refusals).toEqual({
			subframe: { ports: 0, opened: false, picked: null },
			foreign: { ports: 0, opened: false, picked: null },
			navigatedAway: 0,
		});
		expect(facts.openedByStrangers).toEqual([]);
	});

	it('lets a person choose files and folders', () => {
		expect(facts.picked).toEqual(['/chosen', '/chosen']);
		expect(facts.dialogs).toMatchObject([
			{ properties: ['openFile', 'showHiddenFiles'] },
			{ properties: ['openDirectory', 'showHiddenFiles'] },
		]);
	});
});

describe('a link from outside', () => {
	it('moves the page that is open, and only moves it', () => {
		expect(facts.wentTo).toEqual([
			'#/sandbox/failed?filter=app%3Ashop',
			...Array.from({ length: 4 }, () => '#/sandbox/all?task=t1'),
		]);
		expect(facts.linkKept).toBe(false);
	});

	it('is refused in words, one at a time, where it says anything else', () => {
		expect(facts.refusedLinks).toEqual([expect.stringMatching(/^This link cannot be opened: .*links do not/)]);
	});

	it('is where the window begins that it starts; of a checkout the system is told nothing', () => {
		const folder = mkdtempSync(join(tmpdir(), 'warren-shell-'));
		try {
			const { journal } = drive(folder, { STAND_IN_END: 'signal' }, ['warren://sandbox/failed?task=t1']);
			expect(journal).toContain('loadURL app://console/#/sandbox/failed?task=t1');
			expect(journal.filter((entry) => entry.startsWith('setAsDefault'))).toEqual([]);
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	}, 120_000);
});

describe('a password', () => {
	it('goes to the keychain and into no other file', () => {
		expect(facts.setPassword).toMatchObject({ ok: true, value: { secrets: { broker: true } } });
		const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
		expect(files.map((file) => file.name)).toContain('keychain.json');
		expect(files.map((file) => file.name)).not.toContain('vault.json');
		const holding = files.filter((file) => readFileSync(join(file.parentPath, file.name)).includes('hunter2'));
		expect(holding).toEqual([]);
	});

	it('goes to the encrypted file where the system has no keychain, and the profile form says so', () => {
		const folder = mkdtempSync(join(tmpdir(), 'warren-shell-'));
		try {
			const without = drive(folder, { STAND_IN_KEYCHAIN: 'basic_text', STAND_IN_END: 'signal' });
			expect(without.info).toMatchObject({ value: { vault: { kind: 'file-with-key-file' } } });
			expect(JSON.stringify(without.info)).toContain('basic_text');
			expect(readdirSync(folder)).toEqual(expect.arrayContaining(['vault.json', 'vault.key']));
			// Ended by a signal, with edits unsaved: nobody is there to be asked.
			expect(without).toMatchObject({ questions: [], exitCode: 0, errors: [] });
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	}, 120_000);
});

describe('the end', () => {
	it('is asked about while edits are unsaved, and the window stays unless a person lets them go', () => {
		expect(facts.stayed).toBe(true);
		const question = {
			message: 'There are edits that are not saved.',
			buttons: ['Keep editing', 'Close without saving'],
		};
		// By the window's own button, by quitting, and once more with the other answer.
		expect(facts.questions).toEqual([question, question, question]);
	});

	it('comes after the engine was closed, without an error', () => {
		expect(facts.exitCode).toBe(0);
		expect(facts.errors).toEqual([]);
	});

	it('leaves the place of the window for the next start', () => {
		expect(JSON.parse(readFileSync(join(home, 'window.json'), 'utf8'))).toEqual({
			place: { x: 10, y: 20, width: 1000, height: 700, maximized: false },
		});
	});
});
