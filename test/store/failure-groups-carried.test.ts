/**
 * Groups of failures are of the failures alone: a process that starts anew finds the same ones, and so does an empty home that takes in what
 * another wrote to a file. WARREN_LONG=1: of 100,000 failures.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fingerprint } from '#main/domain/failure-print.ts';
import { type ProfileId, profileId } from '#main/domain/ids.ts';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { testIo } from '#test/support/cli-io.ts';
import { adjustedRandIndex, CAUSES, madeFailures } from '#test/support/failures.ts';
import { finished, started } from '#test/support/history.ts';
import { storeOf, type TestHome, testHome } from './open.ts';

const LONG = process.env.WARREN_LONG !== undefined;
const COUNT = LONG ? 100_000 : 600;
/** Tasks whose facts are written at once. */
const BATCH = 1_000;
const FIRST = Date.UTC(2026, 0, 1);

async function warren(home: TestHome, ...args: readonly string[]) {
	const io = testIo(['--home', home.home, '--json', ...args]);
	const code = await runCommandLine(io);
	if (code !== 0) throw new Error(`warren ${args.join(' ')} ended with ${code}: ${io.err()}${io.out()}`);
	return JSON.parse(io.out());
}

/** A profile that connects nowhere, and its id. */
async function profileIn(home: TestHome): Promise<ProfileId> {
	await warren(home, 'profile', 'add', 'shop', '--framework', 'celery', '--broker', 'redis://127.0.0.1:1/0');
	return profileId((await warren(home, 'profile', 'show', 'shop')).id);
}

/** What a home has of groups: each by what it says of itself, and the group of every task. */
async function groupsIn(home: TestHome, profile: ProfileId) {
	await using store = await storeOf(home.home);
	await store.settle();
	const list = await store.groups.list({
		...{ profile, query: '', states: [], sort: 'failures', window: '24h', limit: 500 },
	});
	if (!list.ok) throw new Error(list.error.message);
	expect(list.value).toMatchObject({ ungrouped: 0, total: list.value.items.length });
	const groupOf = new Map<string, string>();
	for (const { key } of list.value.items) {
		const ids = await store.groups.ids(profile, key, '', COUNT);
		if (!ids.ok) throw new Error(ids.error.message);
		for (const id of ids.value) {
			expect(groupOf.has(id), `${id} is in one group`).toBe(false);
			groupOf.set(id, key);
		}
	}
	const said = list.value.items.map(({ key, type, message, frame, tasks, failures, prints, firstAt, lastAt }) => ({
		...{ key, type, message, frame, tasks, failures, prints, firstAt, lastAt },
	}));
	return { groups: said.sort((a, b) => (a.key < b.key ? -1 : 1)), groupOf };
}

it(`${COUNT} failures of forty causes are in the same groups after a restart, and in an empty home that takes them in from a file`, {
	timeout: LONG ? 3_600_000 : 300_000,
}, async () => {
	using home = testHome();
	using empty = testHome();
	const made = madeFailures(COUNT, 17);
	const profile = await profileIn(home);
	const ids = made.map((_, at) => `t${at}`);
	{
		await using store = await storeOf(home.home);
		for (let from = 0; from < made.length; from += BATCH) {
			await store.history.apply(
				made.slice(from, from + BATCH).flatMap((one, place) => {
					const at = FIRST + (from + place) * 1_000;
					const run = { id: `t${from + place}`, name: one.task, profile };
					const { type, message, traceback } = one;
					const outcome = { state: 'failed', exception: { type, message }, traceback } as const;
					return [
						started(at, `run-${from + place}`, { ...run, worker: 'w1' }),
						finished(at + 500, `run-${from + place}`, outcome, 500, profile),
					];
				}),
			);
		}
	}
	const before = await groupsIn(home, profile);
	const causes = made.map((one) => one.cause);
	const keys = (of: ReadonlyMap<string, string>) => ids.map((id) => of.get(id) ?? `${id} is in no group`);
	expect(before.groups).toHaveLength(CAUSES.length);
	expect(adjustedRandIndex(causes, keys(before.groupOf))).toBeGreaterThanOrEqual(0.98);
	// A group is known by the fingerprint of its failures, which depends on them alone.
	expect(keys(before.groupOf)).toEqual(made.map((one) => fingerprint(one).hash));

	expect(await groupsIn(home, profile)).toEqual(before);

	const file = join(home.home, 'history.jsonl');
	expect(await warren(home, '--profile', 'shop', 'task', 'export', '--format', 'jsonl', '--out', file)).toMatchObject({
		rows: COUNT,
	});
	const there = await profileIn(empty);
	expect(await warren(empty, '--profile', 'shop', 'task', 'import', file)).toMatchObject({
		...{ taken: COUNT, known: 0, refused: 0 },
	});
	const after = await groupsIn(empty, there);
	expect(keys(after.groupOf)).toEqual(keys(before.groupOf));
	expect(after).toEqual(before);
});
