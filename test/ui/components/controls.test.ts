import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { createRawSnippet, tick } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TASK_STATES } from '../../../src-main/domain/task.ts';
import Checkbox from '../../../src-renderer/components/Checkbox.svelte';
import Combobox from '../../../src-renderer/components/Combobox.svelte';
import ConfirmDialog from '../../../src-renderer/components/ConfirmDialog.svelte';
import CopyButton from '../../../src-renderer/components/CopyButton.svelte';
import Dialog from '../../../src-renderer/components/Dialog.svelte';
import ProgressBar from '../../../src-renderer/components/ProgressBar.svelte';
import RelativeTime from '../../../src-renderer/components/RelativeTime.svelte';
import SearchBox from '../../../src-renderer/components/SearchBox.svelte';
import Segmented from '../../../src-renderer/components/Segmented.svelte';
import StateBadge from '../../../src-renderer/components/StateBadge.svelte';
import Switch from '../../../src-renderer/components/Switch.svelte';
import { STATE_LOOKS } from '../../../src-renderer/components/states.ts';
import Tabs from '../../../src-renderer/components/Tabs.svelte';
import Toasts from '../../../src-renderer/components/Toasts.svelte';

afterEach(cleanup);
const words = (text: string) => createRawSnippet(() => ({ render: () => `<p>${text}</p>` }));

describe('states', () => {
	it('each have a shape and a word of their own', () => {
		const looks = TASK_STATES.map((state) => STATE_LOOKS[state]);
		expect(new Set(looks.map((look) => look.icon)).size).toBe(TASK_STATES.length);
		expect(new Set(looks.map((look) => look.word)).size).toBe(TASK_STATES.length);
	});
	it('say their word even where only the shape is seen', () => {
		render(StateBadge, { state: 'failed', compact: true });
		expect(screen.getByText('Failed')).toBeTruthy();
	});
});

describe('a confirmation', () => {
	it('waits for the words that must be typed', async () => {
		const onConfirm = vi.fn();
		render(ConfirmDialog, {
			open: true,
			title: 'Purge payments',
			body: words('1,284 messages'),
			confirmLabel: 'Purge 1,284 messages',
			danger: true,
			typeToConfirm: 'shop-eu',
			onConfirm,
			onCancel: () => {},
		});
		const button = await screen.findByRole('button', { name: 'Purge 1,284 messages' });
		const field = screen.getByLabelText('Type shop-eu to confirm');
		expect(button).toHaveProperty('disabled', true);
		await fireEvent.input(field, { target: { value: 'shop-e' } });
		expect(button).toHaveProperty('disabled', true);
		await fireEvent.submit(field.closest('form') as Element);
		expect(onConfirm).not.toHaveBeenCalled();
		await fireEvent.input(field, { target: { value: 'shop-eu' } });
		expect(button).toHaveProperty('disabled', false);
		await fireEvent.submit(field.closest('form') as Element);
		expect(onConfirm).toHaveBeenCalledTimes(1);
	});

	it('is an alert dialog with its title for a name, and Cancel cancels', async () => {
		const onCancel = vi.fn();
		render(ConfirmDialog, {
			open: true,
			title: 'Requeue',
			body: words('12 tasks'),
			confirmLabel: 'Requeue 12 tasks',
			onConfirm: () => {},
			onCancel,
		});
		await screen.findByRole('alertdialog', { name: 'Requeue' });
		await fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
		expect(onCancel).toHaveBeenCalledTimes(1);
		await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
	});
});

describe('the query line', () => {
	it('hands over the query on Enter, and its emptiness on Escape', async () => {
		const onSubmit = vi.fn();
		render(SearchBox, { value: 'state:failed', onSubmit });
		const box = screen.getByRole('textbox', { name: 'Search' });
		await fireEvent.submit(box.closest('form') as Element);
		await fireEvent.keyDown(box, { key: 'Escape' });
		expect(onSubmit.mock.calls).toEqual([['state:failed'], ['']]);
	});
	it('underlines the part that is wrong and tells why', () => {
		const view = render(SearchBox, {
			value: 'name:x ma:y',
			onSubmit: () => {},
			error: { message: 'There is no field "ma".', position: 7 },
		});
		expect(view.container.querySelector('.bad')?.textContent).toBe('ma:y');
		expect(screen.getByRole('textbox').getAttribute('aria-invalid')).toBe('true');
		expect(screen.getByText('There is no field "ma".')).toBeTruthy();
	});
});

describe('suggestions in the query line', () => {
	const states = async (text: string, at: number) => {
		const typed = text.slice(text.lastIndexOf(':', at - 1) + 1, at);
		const items = ['failed', 'lost', 'running']
			.filter((state) => state.startsWith(typed))
			.map((state, place) => ({ text: state, note: null, count: place + 1, open: false }));
		return { start: at - typed.length, end: at, items, counted: { tasks: 10, all: false } };
	};
	async function typing(text: string) {
		const onSubmit = vi.fn();
		const view = render(SearchBox, { value: '', onSubmit, suggest: states });
		const box = screen.getByRole<HTMLInputElement>('combobox', { name: 'Search' });
		await fireEvent.input(box, { target: { value: text } });
		box.setSelectionRange(text.length, text.length);
		return { view, box, onSubmit };
	}
	it('are chosen with the arrows and taken with Enter, which searches only when none is chosen', async () => {
		const { box, onSubmit } = await typing('state:');
		await screen.findByRole('option', { name: /lost/ });
		expect(box.getAttribute('aria-expanded')).toBe('true');
		await fireEvent.keyDown(box, { key: 'ArrowDown' });
		await fireEvent.keyDown(box, { key: 'ArrowDown' });
		const active = document.getElementById(box.getAttribute('aria-activedescendant') ?? '');
		expect(active?.textContent).toContain('lost');
		expect(active?.getAttribute('aria-selected')).toBe('true');
		await fireEvent.keyDown(box, { key: 'Enter' });
		await waitFor(() => expect(box.value).toBe('state:lost '));
		expect(onSubmit).not.toHaveBeenCalled();
		await fireEvent.submit(box.closest('form') as Element);
		expect(onSubmit.mock.calls).toEqual([['state:lost ']]);
	});
	it('are left with Escape, which keeps what was typed', async () => {
		const { box, onSubmit } = await typing('state:f');
		await screen.findByRole('option');
		await fireEvent.keyDown(box, { key: 'Escape' });
		await waitFor(() => expect(screen.queryByRole('option')).toBeNull());
		expect(box.value).toBe('state:f');
		expect(onSubmit).not.toHaveBeenCalled();
	});
	it('are not shown when all they offer stands there already', async () => {
		const { box } = await typing('state:failed');
		await fireEvent.keyDown(box, { key: 'ArrowDown' });
		await Promise.resolve();
		expect(screen.queryByRole('option')).toBeNull();
	});
});

describe('choices', () => {
	it('of one among few move with the arrows', async () => {
		const onchange = vi.fn();
		render(Segmented, {
			label: 'View',
			value: 'a',
			options: [
				{ value: 'a', label: 'A' },
				{ value: 'b', label: 'B', count: 1200 },
			],
			onchange,
		});
		await fireEvent.keyDown(screen.getByRole('radiogroup'), { key: 'ArrowRight' });
		expect(onchange).toHaveBeenCalledWith('b');
		expect(screen.getByRole('radio', { name: 'B 1,200' }).getAttribute('aria-checked')).toBe('true');
	});
	it('of a tab do too, and go round', async () => {
		const onchange = vi.fn();
		render(Tabs, {
			tabs: [
				{ id: 'one', label: 'One' },
				{ id: 'two', label: 'Two' },
			],
			active: 'one',
			onchange,
		});
		await fireEvent.keyDown(screen.getByRole('tablist'), { key: 'ArrowLeft' });
		expect(onchange).toHaveBeenCalledWith('two');
	});
	it('of on and off are told to screen readers', async () => {
		const onchange = vi.fn();
		render(Switch, { label: 'Active', checked: true, onchange });
		await fireEvent.click(screen.getByRole('switch', { name: 'Active' }));
		expect(onchange).toHaveBeenCalledWith(false);
		render(Checkbox, { label: 'All', indeterminate: true });
		expect(screen.getByRole('checkbox', { name: 'All' }).getAttribute('aria-checked')).toBe('mixed');
	});
	it('with suggestions allow any other text', async () => {
		const onchange = vi.fn();
		render(Combobox, { label: 'Queue', value: '', options: ['payments', 'reports'], onchange });
		await fireEvent.input(screen.getByLabelText('Queue'), { target: { value: 'rep' } });
		expect(await screen.findByRole('option', { name: /reports/ })).toBeTruthy();
		expect(screen.queryByRole('option', { name: /payments/ })).toBeNull();
		expect(onchange).toHaveBeenLastCalledWith('rep');
	});
});

describe('small tellers', () => {
	it('announce failures at once and the rest politely', () => {
		render(Toasts, {
			items: [
				{ id: '1', tone: 'succeeded', text: 'Requeued 2 tasks' },
				{ id: '2', tone: 'failed', text: 'Nothing was changed' },
			],
			onDismiss: () => {},
		});
		expect(screen.getByRole('alert').textContent).toContain('Nothing was changed');
		expect(screen.getByRole('region', { name: 'Notes' }).getAttribute('aria-live')).toBe('polite');
	});
	it('come into an open dialog, which keeps the keyboard inside, and out of it again', async () => {
		const notes = render(Toasts, {
			items: [{ id: '1', tone: 'succeeded', text: 'Held 2', action: { label: 'Undo', onSelect: () => {} } }],
			onDismiss: () => {},
		});
		const region = screen.getByRole('region', { name: 'Notes' });
		const outside = region.parentElement;
		const first = render(Dialog, { open: true, title: 'Packets', children: words('one') });
		const inFirst = await screen.findByRole('dialog', { name: 'Packets' });
		await waitFor(() => expect(inFirst.contains(region)).toBe(true));
		const undo = screen.getByRole('button', { name: 'Undo' });
		undo.focus();
		await tick();
		expect(document.activeElement).toBe(undo);
		// A question on top takes them, and gives them back.
		const second = render(Dialog, { open: true, title: 'Sure?', alert: true, children: words('two') });
		const question = await screen.findByRole('alertdialog', { name: 'Sure?' });
		await waitFor(() => expect(question.contains(region)).toBe(true));
		second.unmount();
		await waitFor(() => expect(inFirst.contains(region)).toBe(true));
		first.unmount();
		await waitFor(() => expect(region.parentElement).toBe(outside));
		notes.unmount();
		expect(document.body.contains(region)).toBe(false);
	});
	it('say whether copying worked', async () => {
		const write = vi.fn().mockRejectedValueOnce(new Error('denied')).mockResolvedValue(undefined);
		render(CopyButton, { text: () => 'original', label: 'Copy traceback', write });
		await fireEvent.click(screen.getByRole('button', { name: 'Copy traceback' }));
		expect(await screen.findByRole('button', { name: 'Not copied' })).toBeTruthy();
		await fireEvent.click(screen.getByRole('button', { name: 'Not copied' }));
		expect(await screen.findByRole('button', { name: 'Copied' })).toBeTruthy();
		expect(write).toHaveBeenLastCalledWith('original');
	});
	it('tell progress in numbers, and not at all where nobody knows', () => {
		const view = render(ProgressBar, { label: 'Requeueing', value: 132, max: 287 });
		expect(screen.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('132');
		view.unmount();
		render(ProgressBar, { label: 'Counting', value: 5, max: null });
		expect(screen.getByRole('progressbar').hasAttribute('aria-valuenow')).toBe(false);
	});
	it('tell a moment relatively, with the absolute at hand', () => {
		const now = Date.UTC(2026, 10, 21, 12);
		render(RelativeTime, { at: now - 360_000, now });
		expect(screen.getByText('6 min ago').getAttribute('title')).toMatch(/^Sat 21 Nov 2026/);
	});
});
