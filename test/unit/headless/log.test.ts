import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileLog } from '#main/engine/file-log.ts';
import { defaultHome, openHome } from '#main/engine/home.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'warren-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const lines = () =>
	readFileSync(join(folder, 'logs', 'warren.log'), 'utf8')
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line));

describe("Warren's log", () => {
	it('is one JSON line per event, from its level on', () => {
		const log = fileLog({ home: folder, level: 'info', now: () => 0 });
		log.debug('unseen');
		log.info('seen', { n: 1, text: 'two\nlines' });
		log.error('bad', { ok: null });
		expect(lines()).toMatchObject([
			{ at: '1970-01-01T00:00:00.000Z', level: 'info', event: 'seen', n: 1, text: 'two\nlines' },
			{ level: 'error', event: 'bad', ok: null },
		]);
		expect(statSync(join(folder, 'logs', 'warren.log')).mode & 0o777).toBe(0o600);
	});

	it('holds no password of an address, whoever logs it', () => {
		const log = fileLog({ home: folder, level: 'info', now: () => 0 });
		log.warn('broker.away', { reason: 'connect to amqp://me:s3cret@host:5672/v failed' });
		expect(JSON.stringify(lines())).not.toContain('s3cret');
		expect(JSON.stringify(lines())).toContain('host:5672');
	});

	it('is turned over by size, and keeps three old files', () => {
		const log = fileLog({ home: folder, level: 'info', now: () => 0, turnAt: 500 });
		for (let i = 0; i < 100; i += 1) log.info('event', { i });
		expect(readdirSync(join(folder, 'logs')).toSorted()).toEqual([
			'warren.1.log',
			'warren.2.log',
			'warren.3.log',
			'warren.log',
		]);
		expect(lines().at(-1)).toMatchObject({ i: 99 });
	});

	it('that cannot be written is complained of once, and stops nothing', () => {
		writeFileSync(join(folder, 'logs'), 'in the way');
		const troubles: string[] = [];
		const log = fileLog({ home: folder, level: 'info', now: () => 0, trouble: (words) => troubles.push(words) });
		log.info('one');
		log.info('two');
		expect(troubles).toHaveLength(1);
	});
});

describe('the home folder', () => {
	it("is what was asked for, else WARREN_HOME, and is its owner's alone", () => {
		const asked = openHome(join(folder, 'a', 'b'), { WARREN_HOME: join(folder, 'c') });
		expect(asked).toEqual({ ok: true, value: join(folder, 'a', 'b') });
		expect(statSync(join(folder, 'a', 'b')).mode & 0o777).toBe(0o700);
		expect(openHome(undefined, { WARREN_HOME: join(folder, 'c') })).toEqual({ ok: true, value: join(folder, 'c') });
	});

	it("is the system's folder for applications otherwise", () => {
		expect(defaultHome('linux', { XDG_CONFIG_HOME: '/x' })).toBe('/x/Warren');
		expect(defaultHome('darwin', {})).toMatch(/Library\/Application Support\/Warren$/);
		expect(defaultHome('win32', { APPDATA: '/roaming' })).toBe('/roaming/Warren');
	});

	it('that cannot be one is refused with what to do', () => {
		writeFileSync(join(folder, 'file'), '');
		const refused = openHome(join(folder, 'file'), {});
		expect(refused.ok ? '' : refused.error.message).toContain('--home');
	});
});
