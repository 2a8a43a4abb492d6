/** Who takes old history away: what stays does, what answers one question does not. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commands } from '#main/headless/cli/grammar.ts';
import { looksAfterHome } from '#main/headless/cli/run.ts';
import { bootEngine } from '#test/support/engine.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { waitFor } from '#test/support/wait.ts';

vi.setConfig({ testTimeout: 120_000 });

const OLD = `id;app_name;exception;parent_id;priority;retries;received;runtime;started;state;task_id;task_name;timestamp\r
1;mail;;;;0;2020-02-29 13:00:00+00:00;1.5;2020-02-29 13:00:00+00:00;success;t-2;mail.tasks.send;2020-02-29 13:00:01.500000+00:00\r
`;
const HOUR = 3_600_000;

let home: string;
beforeAll(() => {
	home = mkdtempSync(join(tmpdir(), 'warren-keeping-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('old history', () => {
	it('stays while one command reads it, however long that takes, and goes once something stays', async () => {
		const clock = manualClock(Date.parse('2026-01-01'));
		{
			await using engine = await bootEngine({ home, ports: { clock }, cleans: false });
			const profile = 'sandbox';
			await engine.call('task.import', { profile, format: 'csv', text: OLD, last: true });
			// As many looks as a clean-up would need many times over.
			for (let hour = 0; hour < 20; hour += 1) {
				await clock.advance(HOUR);
				expect(await engine.call('task.count', { profile, query: 'state:succeeded' })).toEqual({ total: 1 });
			}
			expect((await engine.call('retention.show', { profile })).ranAt).toBeNull();
		}
		await using engine = await bootEngine({ home, ports: { clock } });
		await waitFor(
			'the clean-up',
			async () => {
				await clock.advance(HOUR);
				const { total } = await engine.call('task.count', { profile: 'sandbox', query: 'state:succeeded' });
				return total === 0;
			},
			60_000,
		);
	});

	it('is looked after by commands that stay, and by no other', () => {
		const stays = commands()
			.map(({ name }) => name)
			.filter(looksAfterHome);
		expect(stays.sort()).toEqual(['consumer run', 'monitor run', 'serve']);
	});
});
