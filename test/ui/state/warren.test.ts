import { afterEach, describe, expect, test } from 'vitest';
import type { ActionOutcome, Review } from '#main/domain/action.ts';
import { type AddressBar, formatPlace } from '#renderer/state/route.svelte.ts';
import { Warren } from '#renderer/state/warren.svelte.ts';
import { WireStatus } from '#renderer/state/wire.svelte.ts';
import { profile, profileView, world } from '../views/world.ts';
import { type FakeEngine, settle } from './fake-engine.ts';

const open: Disposable[] = [];
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
});

function bar(hash: string): AddressBar {
	let now = hash;
	return {
		read: () => now,
		push: (next) => {
			now = next;
		},
		replace: (next) => {
			now = next;
		},
		onMove: () => ({ [Symbol.dispose]: () => {} }),
	};
}

async function start(
	hash: string,
	readOnly = false,
): Promise<{ readonly warren: Warren; readonly engine: FakeEngine }> {
	const views = [
		profileView(profile('shop-eu', { environment: 'production', readOnly })),
		profileView(profile('sandbox', { sandbox: true })),
	];
	const engine = world(views);
	engine.handlers.set('task.review', (input) => {
		const review: Review = {
			token: 'frozen',
			action: input.action as 'delete',
			count: (input.ids as readonly string[]).length,
			sample: [],
			skipped: [],
			warnings: [],
		};
		return { ok: true, value: review };
	});
	engine.handlers.set('task.delete', () => {
		engine.tasks.delete('f1');
		const outcome: ActionOutcome = {
			action: 'delete',
			done: 1,
			failed: 0,
			skipped: 0,
			cancelled: false,
			dryRun: false,
			items: [],
		};
		return { ok: true, value: outcome };
	});
	const warren = new Warren(engine, new WireStatus(), bar(hash));
	open.push(warren);
	await settle();
	warren.follow();
	await settle();
	warren.follow();
	const list = warren.list;
	if (list !== null) list.show('', list.sort);
	await settle();
	return { warren, engine };
}

describe('the page as a whole', () => {
	test('starts in the sandbox when nothing else was said, and writes that into the address', async () => {
		const { warren } = await start('');
		expect(warren.route.place.profile).toBe('sandbox');
		expect(warren.deployment?.id).toBe('sandbox');
	});

	test('a reload comes back to profile, view, task and filter', async () => {
		const place = {
			profile: 'shop-eu',
			view: 'failed',
			task: 'f2',
			item: null,
			schedule: null,
			part: null,
			filter: 'report',
			sort: 'name',
			asked: null,
		} as const;
		const { warren } = await start(formatPlace(place));
		expect(warren.route.place).toEqual(place);
		expect(warren.deployment?.open?.id).toBe('f2');
	});

	test('a profile that does not exist opens nothing', async () => {
		const { warren } = await start('#/nowhere/failed');
		expect(warren.deployment).toBeNull();
		expect(warren.mayChange).not.toBe(true);
	});

	test('leaving a profile closes all its streams and takes its selection along', async () => {
		const { warren, engine } = await start('#/shop-eu/failed?part=tasks');
		warren.list?.selection.set(['f1'], true);
		const before = engine.streams.filter((stream) => !stream.closed).map((stream) => stream.name);
		expect(before).toContain('task.watch');
		warren.route.go('failed', { profile: 'sandbox', part: 'tasks' });
		warren.follow();
		await settle();
		const inputs = engine.streams
			.filter((stream) => !stream.closed && stream.name !== 'profile.watch')
			.map((stream) => (stream.input as { profile?: string }).profile);
		expect(inputs.filter((name) => name !== undefined)).not.toContain('shop-eu');
		expect(warren.list?.selection.empty).toBe(true);
	});

	test('a command is aimed at what is ticked, else at the open task, else at the row of the keyboard', async () => {
		const { warren } = await start('#/shop-eu/failed?part=tasks');
		expect(warren.aim).toBeNull();
		warren.list?.focus('f2');
		expect(warren.aim).toEqual({ scope: { ids: ['f2'] }, count: 1 });
		warren.route.openTask('f1');
		expect(warren.aim).toEqual({ scope: { ids: ['f1'] }, count: 1 });
		warren.list?.selection.set(['f3', 'f4'], true);
		expect(warren.aim).toEqual({ scope: { ids: ['f3', 'f4'] }, count: 2 });
	});

	test('a read-only profile starts nothing, whoever asks', async () => {
		const { warren, engine } = await start('#/shop-eu/failed?part=tasks', true);
		await warren.act('requeue', { ids: ['f1'] });
		await warren.act('delete', { ids: ['f1'] });
		expect(engine.called('task.requeue')).toEqual([]);
		expect(engine.called('task.review')).toEqual([]);
		expect(warren.mayChange).toBe('shop-eu is read-only');
	});

	test('after deleting the open task the next one takes its place', async () => {
		const { warren, engine } = await start('#/shop-eu/failed?part=tasks&task=f1');
		warren.list?.focus('f1');
		await warren.act('delete', { ids: ['f1'] });
		await warren.confirmAction('shop-eu');
		await settle();
		expect(engine.called('task.delete').map((call) => call.confirm)).toEqual(['shop-eu']);
		expect(warren.list?.count).toBe(3);
		expect(warren.route.place.task).toBe('f2');
	});
});
