import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Toasts } from '#renderer/state/toasts.svelte.ts';

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	vi.useRealTimers();
});
const act = { label: 'Undo', run: () => {} };

describe('notes', () => {
	it('go by themselves, those with something to do later, failures never', () => {
		const toasts = new Toasts();
		toasts.show('done', 'Saved');
		toasts.show('done', 'Held', { action: act });
		toasts.show('failed', 'Not done');
		const titles = () => toasts.items.map(({ title }) => title);
		vi.advanceTimersByTime(6_000);
		expect(titles()).toEqual(['Held', 'Not done']);
		vi.advanceTimersByTime(60_000);
		expect(titles()).toEqual(['Not done']);
	});
	it('stay while somebody is about to use one, and go then', () => {
		const toasts = new Toasts();
		toasts.show('done', 'Held', { action: act });
		toasts.hold(true);
		vi.advanceTimersByTime(60_000);
		expect(toasts.items).toHaveLength(1);
		toasts.hold(false);
		expect(toasts.items).toEqual([]);
	});
	it('are not kept for ever by a pointer whose note was dismissed', () => {
		const toasts = new Toasts();
		const id = toasts.show('done', 'Held', { action: act });
		toasts.hold(true);
		toasts.dismiss(id);
		toasts.show('done', 'Saved');
		vi.advanceTimersByTime(6_000);
		expect(toasts.items).toEqual([]);
	});
});
