/** What reaches a book, and what does not, when nobody asked for a sync: watched schedules, lists that read first, and profiles that are read-only. */
import { expect, it } from 'vitest';
import { startStandIn } from '#test/support/carrot-site/server.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { startRedis } from '#test/support/redis.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'sandbox';
const book = 'shared';

/** Names and descriptions in the book, as this engine lists them. */
async function listed(engine: TestEngine, fetch: boolean): Promise<Readonly<Record<string, string>>> {
	const { items } = await engine.call('schedule.list', { profile, book, fetch });
	return Object.fromEntries(items.map(({ definition }) => [definition.name, definition.description]));
}

it('edits of a read-only profile wait while it receives, and go when it may be changed again', async () => {
	await using redis = await startRedis({ own: true });
	await using proxy = await startProxy({ port: redis.port });
	await using here = await bootEngine();
	await using there = await bootEngine();
	await here.call('profile.edit', { name: profile, book: { shared: `redis://127.0.0.1:${proxy.port}/0` } });
	await there.call('profile.edit', { name: profile, book: { shared: redis.url } });
	await here.call('schedule.add', { profile, book, name: 'nightly', task: 'orders.total', every: '1 day' });
	expect(await listed(there, true)).toEqual({ nightly: '' });

	proxy.refuse();
	proxy.cut();
	await waitFor('the edit to wait', async () => {
		const edit = { profile, book, name: 'nightly', queue: 'mine' } as const;
		return (await here.call('schedule.edit', edit)).outcome === 'waiting';
	});
	const away = await here.call('schedule.list', { profile, fetch: true });
	expect(away.unread).toMatchObject([{ book }]);
	await here.call('profile.edit', { name: profile, readOnly: true });
	await there.call('schedule.edit', { profile, book, name: 'nightly', description: 'theirs' });

	proxy.allow();
	using _watch = await here.open('schedule.watch', { profile });
	await waitFor('their edit', async () => (await listed(here, false)).nightly === 'theirs');
	// A second look at the book, begun after the first was over: nothing was sent by either.
	await there.call('schedule.add', { profile, book, name: 'second', task: 'orders.total', every: '1 day' });
	await waitFor('their second', async () => 'second' in (await listed(here, false)));
	const waiting = await here.call('schedule.show', { profile, name: 'nightly' });
	expect(waiting.view).toMatchObject({ sync: 'edited', changed: ['queue'], definition: { queue: 'mine' } });
	await listed(there, true);
	const unsent = await there.call('schedule.show', { profile, name: 'nightly' });
	expect(unsent.view.definition).toMatchObject({ queue: 'default', description: 'theirs' });

	// The same watch goes on with the profile as it is now.
	await here.call('profile.edit', { name: profile, readOnly: false });
	await waitFor('the edit at the book', async () => {
		await listed(there, true);
		return (await there.call('schedule.show', { profile, name: 'nightly' })).view.definition.queue === 'mine';
	});
});

it('a list that reads its books first sends none of the edits that wait', async () => {
	await using redis = await startRedis({ own: true });
	await using proxy = await startProxy({ port: redis.port });
	await using here = await bootEngine();
	await using there = await bootEngine();
	await here.call('profile.edit', { name: profile, book: { shared: `redis://127.0.0.1:${proxy.port}/0` } });
	await there.call('profile.edit', { name: profile, book: { shared: redis.url } });
	expect((await here.call('schedule.list', { profile })).unread).toBeNull();
	expect((await here.call('schedule.list', { profile, fetch: true })).unread).toEqual([]);
	proxy.refuse();
	proxy.cut();
	await waitFor('the schedule to wait', async () => {
		const name = `made-${crypto.randomUUID().slice(0, 8)}`;
		const made = await here.call('schedule.add', { profile, book, name, task: 'orders.total', every: '1 day' });
		return made.outcome === 'waiting';
	});
	await there.call('schedule.add', { profile, book, name: 'elsewhere', task: 'orders.total', every: '1 day' });
	expect(await listed(here, false)).not.toHaveProperty('elsewhere');
	proxy.allow();
	await waitFor('what was made elsewhere', async () => 'elsewhere' in (await listed(here, true)));
	const { items } = await here.call('schedule.list', { profile, show: 'edited' });
	expect(items).toMatchObject([{ sync: 'new' }]);
	expect(await listed(there, true)).not.toHaveProperty(items[0]?.definition.name ?? '');
});

it('an edit that its book refused is not sent again by itself, and is when somebody asks', async () => {
	await using site = await startStandIn({ taskChoices: ['shop.tasks.dun'] });
	const row = site.addSchedule({ task: 'shop.tasks.dun', task_name: 'dunning', queue: 'default' });
	await using engine = await bootEngine();
	const of = { profile: 'site', book: 'carrot', name: 'dunning' } as const;
	await engine.call('profile.add', { name: 'site', framework: 'carrot', broker: 'embedded:', monitor: site.url });
	await engine.call('schedule.list', { profile: 'site', fetch: true });
	site.mishap(/PATCH .*scheduled-tasks/, { status: 400, body: '{"queue": ["No such queue here."]}' });
	expect(await engine.call('schedule.edit', { ...of, queue: 'nowhere' })).toMatchObject({ outcome: 'refused' });
	const writes = () => site.requests.filter((one) => one.startsWith('PATCH')).length;
	const before = writes();

	using _watch = await engine.open('schedule.watch', { profile: 'site' });
	for (const task_name of ['second', 'third']) {
		site.addSchedule({ task: 'shop.tasks.dun', task_name, queue: 'default' });
		await waitFor(`${task_name} to be received`, async () => {
			const { items } = await engine.call('schedule.list', { profile: 'site' });
			return items.some((one) => one.definition.name === task_name);
		});
	}
	expect(writes()).toBe(before);
	await engine.call('schedule.sync', { profile: 'site', book: 'carrot' });
	expect(writes()).toBe(before + 1);
	expect(site.schedules.get(row.id)?.queue).toBe('nowhere');
});
