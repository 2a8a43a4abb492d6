import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import ListHarness from './ListHarness.svelte';

afterEach(cleanup);
const grid = (): HTMLElement => screen.getByRole('grid');
const press = async (key: string, more: object = {}): Promise<void> => {
	await fireEvent.keyDown(grid(), { key, ...more });
};
const focused = (): string => screen.getByRole('status').textContent ?? '';

describe('a windowed list', () => {
	it('builds only the rows in sight of a million, and tells all of them', () => {
		const onWindow = vi.fn();
		render(ListHarness, { count: 1_000_000, onWindow });
		expect(screen.getAllByRole('row').length).toBeLessThan(40);
		expect(grid().getAttribute('aria-rowcount')).toBe('1000000');
		expect(onWindow).toHaveBeenCalledTimes(1);
		expect(onWindow.mock.calls[0]?.[0]).toBe(0);
	});

	it('walks with J, K, arrows and the page keys, and stays inside', async () => {
		render(ListHarness, { count: 1_000_000 });
		await press('j');
		await press('ArrowDown');
		expect(focused()).toBe('1');
		await press('k');
		await press('ArrowUp');
		await press('k');
		expect(focused()).toBe('0');
		await press('End');
		expect(focused()).toBe('999999');
		expect(screen.getByText('row-999999')).toBeTruthy();
		await press('PageUp');
		expect(Number(focused())).toBeLessThan(999_999);
		await press('Home');
		await press('PageDown');
		expect(Number(focused())).toBeGreaterThan(5);
	});

	it('opens with Enter and with a click', async () => {
		const onActivate = vi.fn();
		render(ListHarness, { count: 10, onActivate });
		await press('j');
		await press('Enter');
		await fireEvent.click(screen.getByText('row-4'));
		expect(onActivate.mock.calls).toEqual([[0], [4]]);
		expect(focused()).toBe('4');
	});

	it('selects with Space, and a range with Shift from the row one starts at', async () => {
		const onSelect = vi.fn();
		const onActivate = vi.fn();
		render(ListHarness, { count: 10, onSelect, onActivate });
		await press('j');
		await press(' ');
		await press('ArrowDown', { shiftKey: true });
		expect(onSelect.mock.calls).toEqual([
			[0, 'toggle'],
			[0, 'extend'],
			[1, 'extend'],
		]);
		onSelect.mockClear();
		await fireEvent.click(screen.getByText('row-5'), { ctrlKey: true });
		await fireEvent.click(screen.getByText('row-7'), { shiftKey: true });
		expect(onSelect.mock.calls).toEqual([
			[5, 'toggle'],
			[7, 'extend'],
		]);
		expect(onActivate).not.toHaveBeenCalled();
	});

	it('points screen readers at the row that the keyboard is on', async () => {
		render(ListHarness, { count: 10, onSelect: () => {}, chosen: [0] });
		await press('j');
		const row = document.getElementById(grid().getAttribute('aria-activedescendant') ?? '');
		expect(row?.getAttribute('aria-rowindex')).toBe('1');
		expect(row?.getAttribute('aria-selected')).toBe('true');
	});

	it('holds a place for rows that are not loaded yet', () => {
		render(ListHarness, { count: 10, loaded: (index: number) => index !== 3 });
		const rows = screen.getAllByRole('row');
		expect(rows).toHaveLength(10);
		expect(rows.map((row) => row.getAttribute('aria-busy'))[3]).toBe('true');
	});

	it('survives two pages that hold the same row', () => {
		render(ListHarness, { count: 10, keyOf: (index: number) => `row-${index === 5 ? 4 : index}` });
		expect(screen.getAllByRole('row')).toHaveLength(10);
	});

	it('leaves keys with Ctrl to the window, and shows the end of a list that has become shorter', async () => {
		const view = render(ListHarness, { count: 1_000 });
		await press('j', { ctrlKey: true });
		expect(focused()).toBe('-1');
		await press('End');
		await view.rerender({ count: 3 });
		expect(screen.getByText('row-2')).toBeTruthy();
		expect(screen.getAllByRole('row')).toHaveLength(3);
	});
});
