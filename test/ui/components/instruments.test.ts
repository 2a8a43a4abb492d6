import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LogLine } from '../../../src-main/domain/task.ts';
import type { Value } from '../../../src-main/domain/value.ts';
import JsonEditor from '../../../src-renderer/components/JsonEditor.svelte';
import LogView from '../../../src-renderer/components/LogView.svelte';
import Traceback from '../../../src-renderer/components/Traceback.svelte';
import ValueTree from '../../../src-renderer/components/ValueTree.svelte';
import { LogReader } from '../../../src-renderer/state/log-reader.svelte.ts';
import { givenLog } from '../../../src-renderer/state/log-sources.ts';
import celery from './tracebacks/celery.txt?raw';
import group from './tracebacks/group.txt?raw';

afterEach(cleanup);

describe('the traceback viewer', () => {
	it('shows the exception, own code open and libraries folded, and opens them on request', async () => {
		render(Traceback, { text: celery, exception: null, projectHint: '/srv/shop' });
		expect(screen.getByText('orders.errors.PaymentDeclined:')).toBeTruthy();
		expect(screen.getAllByText('your code')).toHaveLength(2);
		expect(screen.queryByText('trace_task')).toBeNull();
		const fold = screen.getByRole('button', { name: /3 frames in celery, django/ });
		expect(fold.getAttribute('aria-expanded')).toBe('false');
		await fireEvent.click(fold);
		expect(screen.getByText('trace_task')).toBeTruthy();
	});

	it('opens a place in the editor where there is one', async () => {
		const onOpenFile = vi.fn();
		render(Traceback, { text: celery, exception: null, onOpenFile });
		await fireEvent.click(screen.getByRole('button', { name: 'orders/gateway.py:113' }));
		expect(onOpenFile).toHaveBeenCalledWith('/srv/shop/orders/gateway.py', 113);
	});

	it('numbers the exceptions of a group', () => {
		render(Traceback, { text: group, exception: null });
		expect(screen.getByText('2 of 3')).toBeTruthy();
		expect(screen.getAllByText('While handling').length).toBeGreaterThan(0);
	});

	it('shows the original, character for character', async () => {
		render(Traceback, { text: celery, exception: null });
		await fireEvent.click(screen.getByRole('radio', { name: 'Original' }));
		expect(screen.getByRole('region', { name: 'Traceback as printed' }).textContent).toBe(celery);
	});

	it('shows any other text as it is, under the exception that the runner told', () => {
		render(Traceback, { text: 'Segmentation fault', exception: { type: 'ProcessDied', message: 'signal 11' } });
		expect(screen.getByText('ProcessDied:')).toBeTruthy();
		expect(screen.getByText('Segmentation fault')).toBeTruthy();
	});
});

const int = (text: string): Value => ({ kind: 'int', text });
const str = (value: string): Value => ({ kind: 'str', value });

describe('the value tree', () => {
	it('keeps every digit, every type and the order', () => {
		render(ValueTree, {
			label: 'args',
			value: {
				kind: 'tuple',
				items: [
					int('92233720368547758099999'),
					{ kind: 'float', text: '1.50' },
					{ kind: 'bool', value: true },
					{ kind: 'none' },
					{ kind: 'bytes', base64: 'AAEn' },
				],
			},
		});
		const items = screen
			.getAllByRole('treeitem')
			.slice(1)
			.map((item) => item.querySelector('.text')?.textContent?.trim());
		expect(items).toEqual(['92233720368547758099999', '1.50', 'True', 'None', "b'\\x00\\x01\\''"]);
	});

	it('opens a large collection a part at a time', async () => {
		render(ValueTree, {
			label: 'rows',
			value: {
				kind: 'dict',
				entries: [
					[str('rows'), { kind: 'list', items: Array.from({ length: 450 }, (_, index) => int(String(index))) }],
				],
			},
		});
		expect(screen.getAllByRole('treeitem')).toHaveLength(2);
		await fireEvent.click(screen.getAllByRole('treeitem')[1]?.querySelector('.line') as Element);
		expect(screen.getAllByRole('treeitem')).toHaveLength(202);
		await fireEvent.click(screen.getByRole('button', { name: /show 200 more of 250/ }));
		expect(screen.getAllByRole('treeitem')).toHaveLength(402);
	});

	it('walks and folds with the arrows', async () => {
		render(ValueTree, {
			label: 'kwargs',
			value: { kind: 'dict', entries: [[str('user'), { kind: 'dict', entries: [[str('id'), int('42')]] }]] },
		});
		const [root, user] = screen.getAllByRole('treeitem');
		root?.focus();
		await fireEvent.keyDown(root as Element, { key: 'ArrowDown' });
		expect(document.activeElement).toBe(user);
		await fireEvent.keyDown(user as Element, { key: 'ArrowLeft' });
		expect(user?.getAttribute('aria-expanded')).toBe('false');
		expect(screen.getAllByRole('treeitem')).toHaveLength(2);
	});

	it('names characters that can not be seen, and tells unreadable from none', () => {
		const view = render(ValueTree, { value: str('a\u202eb') });
		expect(screen.getByTitle('right-to-left override').textContent).toBe('U+202E');
		view.unmount();
		render(ValueTree, { label: 'kwargs', value: null });
		expect(screen.getByText('kwargs: could not be read')).toBeTruthy();
	});

	it('asks the caller for the text to copy', async () => {
		const onCopy = vi.fn();
		render(ValueTree, { value: int('1'), onCopy });
		await fireEvent.click(screen.getByRole('button', { name: 'Copy as Python' }));
		expect(onCopy).toHaveBeenCalledWith('python');
	});
});

const line = (text: string, more: Partial<LogLine> = {}): LogLine => ({
	at: 0,
	level: 'info',
	source: 'log',
	logger: 'app',
	text,
	...more,
});

const reader = (lines: readonly LogLine[]) => new LogReader(givenLog(lines), lines.length);

describe('the log', () => {
	const lines = [
		line('start'),
		line('Charging card', { level: 'warning' }),
		line('card refused', { level: 'error' }),
		line('to stderr', { source: 'stderr', logger: null }),
	];

	it('shows the lines of a least level', async () => {
		render(LogView, { log: reader(lines) });
		await vi.waitFor(() => expect(screen.getByRole('log').textContent).toContain('start'));
		await fireEvent.change(screen.getByLabelText('Least level'), { target: { value: 'warning' } });
		await vi.waitFor(() => expect(screen.getByRole('log').textContent).toContain('to stderr'));
		expect(screen.getByRole('log').textContent).not.toContain('start');
	});

	it('counts what a search finds in all lines, and steps through it', async () => {
		render(LogView, { log: reader(lines) });
		const search = screen.getByLabelText('Search the log');
		await fireEvent.input(search, { target: { value: 'CARD' } });
		await screen.findByText('1 of 2');
		await fireEvent.keyDown(search, { key: 'Enter' });
		await screen.findByText('2 of 2');
		await fireEvent.keyDown(search, { key: 'Enter' });
		await screen.findByText('1 of 2');
		expect(within(screen.getByRole('log')).getAllByText(/card/i, { selector: 'mark' })).toHaveLength(2);
	});

	it('suggests fields of lines and their levels while one types, and only then Enter steps', async () => {
		render(LogView, { log: reader(lines) });
		const search = screen.getByRole<HTMLInputElement>('combobox', { name: 'Search the log' });
		await fireEvent.input(search, { target: { value: 'card le' } });
		await screen.findByRole('option', { name: /^level:/ });
		await fireEvent.keyDown(search, { key: 'ArrowDown' });
		await fireEvent.keyDown(search, { key: 'Tab' });
		await screen.findByRole('option', { name: 'error' });
		expect(search.value).toBe('card level:');
		// The value that is missing is about to be chosen: that is no mistake yet.
		expect(screen.queryByRole('alert')).toBeNull();
		await fireEvent.pointerDown(screen.getByRole('option', { name: 'error' }), { button: 0 });
		await screen.findByText('1 of 1');
		expect(search.value).toBe('card level:error ');
		await screen.findByRole('option', { name: /^line:/ });
		await fireEvent.keyDown(search, { key: 'Escape' });
		expect(search.getAttribute('aria-expanded')).toBe('false');
		expect(search.value).toBe('card level:error ');
		await fireEvent.input(search, { target: { value: 'levl:error' } });
		const alert = await screen.findByRole('alert');
		expect(alert.textContent).toContain('Did you mean level?');
		expect(alert.querySelector('.wrong')?.textContent).toBe('levl');
	});

	it('says why it is empty', async () => {
		render(LogView, { log: reader([line('x', { level: 'debug' })]) });
		await fireEvent.change(screen.getByLabelText('Least level'), { target: { value: 'error' } });
		await screen.findByText('None of 1 line is that grave.');
	});
});

describe('the JSON editor', () => {
	const text = '{\n  "customer": 9223372036854775809,\n  "tags": ["vip", urgent]\n}';

	it('says what is wrong where, below and in the text', async () => {
		const view = render(JsonEditor, {
			label: 'Keyword arguments',
			value: text,
			problem: { message: 'a word needs quotes in JSON', line: 3, column: 19, offset: text.indexOf('urgent') },
		});
		await tick();
		expect(screen.getByText('Line 3, column 19: a word needs quotes in JSON')).toBeTruthy();
		const root = view.container.querySelector('.host')?.shadowRoot;
		expect(root?.querySelector('.cm-content')?.textContent).toContain('9223372036854775809');
		expect(root?.querySelector('.cm-wrong-line')?.textContent).toContain('urgent');
		await view.rerender({ problem: null });
		expect(root?.querySelector('.cm-wrong-line')).toBeNull();
	});

	it('takes a new text from outside without asking anybody', async () => {
		const onchange = vi.fn();
		const view = render(JsonEditor, { label: 'Keyword arguments', value: '{}', onchange });
		await view.rerender({ value: '{"a": 1.50}' });
		expect(view.container.querySelector('.host')?.shadowRoot?.querySelector('.cm-content')?.textContent).toBe(
			'{"a": 1.50}',
		);
		expect(onchange).not.toHaveBeenCalled();
	});
});
