/**
 * A process of its own that writes to a store and says what was acknowledged, one JSON line each: `{"ready":true}`, then
 * `{"id":…,"state":…}`. Arguments: home, prefix of ids, how many (0: until killed).
 */
import { writeSync } from 'node:fs';
import { failed, finished, line, logged, PROFILE, published, started } from '#test/support/history.ts';
import { storeOf } from './open.ts';

const [home = '', prefix = '', count = '0'] = process.argv.slice(2);
const most = Number(count) || Number.POSITIVE_INFINITY;
await using store = await storeOf(home);

/** At once and unbuffered: what was said must be out before the next write begins. */
function say(what: unknown): void {
	writeSync(1, `${JSON.stringify(what)}\n`);
}

async function one(at: number): Promise<void> {
	const made = { id: `${prefix}-${at}`, args: [at, 'x'.repeat(at % 300)], worker: prefix };
	await store.history.apply([published(at, made)]);
	say({ id: made.id, state: 'queued' });
	await store.history.apply([started(at + 1, made.id, made), logged(made.id, [line(at, 'a'), line(at, 'b')], 0)]);
	say({ id: made.id, state: 'running' });
	await store.history.apply([finished(at + 2, made.id, failed())]);
	say({ id: made.id, state: 'failed' });
}

say({ ready: true });
for (let at = 0; at < most; at += 4)
	await Promise.all([0, 1, 2, 3].filter((more) => at + more < most).map((more) => one(at + more)));
say({ done: (await store.history.counts(PROFILE)).failed });
