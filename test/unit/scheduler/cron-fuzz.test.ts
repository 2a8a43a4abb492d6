import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const LONG = process.env.WARREN_LONG !== undefined;
const COUNT = LONG ? 500_000 : 8_000;
const FUZZ = fileURLToPath(new URL('../../support/cron-fuzz.ts', import.meta.url));
/** In the young and old space of the child; croner's own object takes 80 KB an expression. */
const MEMORY_MIB = 48;
/** A hang is ended, and is then no answer. */
const DEADLINE_MS = LONG ? 1_800_000 : 100_000;

describe('cron expressions from anywhere', () => {
	it('are read or refused, and worked out, within little memory and without ever hanging', {
		timeout: DEADLINE_MS + 20_000,
	}, () => {
		for (const seed of LONG ? [1, 2, 3] : [process.pid]) {
			const child = spawnSync(
				process.execPath,
				[`--max-old-space-size=${MEMORY_MIB}`, FUZZ, String(seed), String(COUNT)],
				{
					encoding: 'utf8',
					timeout: DEADLINE_MS,
				},
			);
			expect({ seed, status: child.status, signal: child.signal, said: child.stderr }).toEqual({
				seed,
				status: 0,
				signal: null,
				said: '',
			});
			const { taken, refused, never, rssMiB } = JSON.parse(child.stdout) as Record<string, number>;
			// It has seen all kinds.
			for (const seen of [taken, refused]) expect(seen).toBeGreaterThan(COUNT / 10);
			expect(never).toBeGreaterThan(0);
			expect(rssMiB).toBeLessThan(300);
		}
	});
});
