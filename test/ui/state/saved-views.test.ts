import { describe, expect, test } from 'vitest';
import type { SavedView } from '#main/domain/saved-view.ts';
import { LISTS } from '#renderer/state/deployment.svelte.ts';
import { placeOfView, SavedViews, wholeQuery } from '#renderer/state/saved-views.svelte.ts';
import { FakeEngine, failure } from './fake-engine.ts';

const view = (name: string, query: string, more: Partial<SavedView> = {}): SavedView => ({
	...{ name, query, profile: 'sandbox' as SavedView['profile'], sort: null, columns: null, updatedAt: 1 },
	...more,
});

describe('a saved view', () => {
	test.each(['', 'app:billing', 'a OR b', '(a) OR (b)'])(
		'of a list filtered by "%s" opens that list so filtered',
		(filter) => {
			for (const list of ['queued', 'failed', 'completed'] as const) {
				const saved = view('v', wholeQuery(LISTS[list].base, filter));
				expect(placeOfView(saved, LISTS)).toEqual({ list, filter });
			}
		},
	);

	test('that was saved on the command line belongs to no list', () => {
		expect(placeOfView(view('v', 'app:billing since:24h'), LISTS)).toBe(null);
	});

	test('is renamed by being saved anew before the old one goes, and only where the new name is free', async () => {
		const engine = new FakeEngine();
		const there = [
			view('bills', 'app:billing', { sort: { field: 'runtimeMs', descending: false } }),
			view('lost', 'is:lost'),
		];
		engine.handlers.set('view.list', () => ({ ok: true, value: { items: there, total: 2 } }));
		engine.handlers.set('view.save', () => ({ ok: true, value: there[0] }));
		engine.handlers.set('view.remove', () => ({ ok: true, value: { removed: 'bills' } }));
		const views = new SavedViews(engine, 'sandbox');
		await views.load();
		const [bills] = there;
		if (bills === undefined) throw new Error('There is none');
		expect(await views.rename(bills, 'lost')).toContain('already');
		expect(engine.called('view.save')).toEqual([]);
		expect(await views.rename(bills, 'invoices')).toBe(null);
		expect(engine.called('view.save')[0]?.input).toEqual({
			...{ profile: 'sandbox', name: 'invoices', query: 'app:billing', sort: 'runtimeMs', ascending: true },
		});
		expect(engine.called('view.remove')[0]?.input).toEqual({ profile: 'sandbox', name: 'bills' });
		// Nothing is removed that was not saved under its new name first.
		engine.handlers.set('view.save', () => failure('read-only', 'sandbox is read-only'));
		expect(await views.rename(bills, 'others')).toBe('sandbox is read-only');
		expect(engine.called('view.remove')).toHaveLength(1);
	});

	test('keeps its place on the rail when it is renamed, and is moved there by its neighbours', async () => {
		const engine = new FakeEngine();
		const there = [view('bills', 'app:billing', { pin: 3 }), view('lost', 'is:lost', { pin: 1 }), view('x', 'x')];
		engine.handlers.set('view.list', () => ({ ok: true, value: { items: there, total: 3 } }));
		for (const route of ['view.save', 'view.pin', 'view.unpin', 'view.remove'] as const)
			engine.handlers.set(route, () => ({ ok: true, value: {} }));
		const views = new SavedViews(engine, 'sandbox');
		await views.load();
		expect(views.pinned.map(({ name }) => name)).toEqual(['lost', 'bills']);
		const [bills, , x] = there;
		if (bills === undefined || x === undefined) throw new Error('There is none');
		expect(await views.rename(bills, 'invoices')).toBe(null);
		expect(engine.called('view.pin')[0]?.input).toEqual({ profile: 'sandbox', name: 'invoices', place: 2 });
		await views.pin(bills, 0);
		await views.pin(x);
		expect(
			engine
				.called('view.pin')
				.slice(1)
				.map(({ input }) => input),
		).toEqual([
			{ profile: 'sandbox', name: 'bills', place: 1 },
			{ profile: 'sandbox', name: 'x' },
		]);
		await views.pin(bills, null);
		expect(engine.called('view.unpin')[0]?.input).toEqual({ profile: 'sandbox', name: 'bills' });
	});
});
