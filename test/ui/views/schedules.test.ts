import { cleanup, configure, fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NEW_SCHEDULE } from '#main/domain/schedule.ts';
import type { ProfileView } from '#renderer/state/engine.ts';
import { scheduleFindings } from '#renderer/views/attention/schedule-findings.ts';
import { columnsFor, SCHEDULE_COLUMNS } from '#renderer/views/scheduled/columns.ts';
import {
	differing,
	lateness,
	missingBooks,
	nextWords,
	notKept,
	offlineWords,
	runnerWords,
	timingLines,
	valueWords,
	wallClock,
	zoneOptions,
} from '#renderer/views/scheduled/words.ts';
import type { FakeEngine } from '../state/fake-engine.ts';
import { bookView, CARROT, definition, EVERYTHING, scheduleView } from '../state/fake-schedules.ts';
import { drawConsole } from './drawing.ts';
import { LOOKED_AT } from './schedule-world.ts';
import { profile, profileView } from './world.ts';

// A whole console is drawn each time, on whatever machine.
configure({ asyncUtilTimeout: 10_000 });
const open: Disposable[] = [];
// Only the calendar stands still: everything else goes on.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: LOOKED_AT }));
afterEach(() => {
	cleanup();
	for (const each of open.splice(0)) each[Symbol.dispose]();
	vi.useRealTimers();
});

function show(
	hash: string,
	views: ProfileView[] = [profileView(profile('shop-eu'))],
	prepare?: (engine: FakeEngine) => void,
): ReturnType<typeof drawConsole> {
	const drawn = drawConsole(hash, views, prepare);
	open.push(drawn.warren);
	return drawn;
}
const NIGHTLY = '#/shop-eu/scheduled?schedule=shared%2Fk-nightly-invoices';
/** The row of a schedule. */
async function rowOf(name: string): Promise<HTMLElement> {
	const cell = await within(await screen.findByRole('grid', { name: 'Schedules' })).findByText(name);
	const row = cell.closest<HTMLElement>('[role="row"]');
	if (row === null) throw new Error(`${name} has no row`);
	return row;
}

describe('the list of schedules drawn', () => {
	test('tells of each when it runs next, or why not, and where it stands, by word', async () => {
		show('#/shop-eu/scheduled');
		expect((await rowOf('heartbeat')).textContent).toMatch(/every minute.*due 3 min ago/);
		expect((await rowOf('heartbeat')).textContent).toContain('3 troubled');
		expect((await rowOf('import-bank-file')).textContent).toMatch(/paused.*edited/);
		expect((await rowOf('nightly-invoices')).textContent).toMatch(/Europe\/Berlin.*in 13 h.*conflict/);
		expect((await rowOf('old-export')).textContent).toMatch(/never again.*removed/);
		expect((await rowOf('vat-report')).textContent).toMatch(/failed.*synced/);
	});

	test('says which book does not answer, since when, what waits and when it is tried again', async () => {
		show('#/shop-eu/scheduled');
		const bar = await screen.findByText(/The shared book offline since \d\d:\d\d/);
		expect(bar.closest('[role="status"]')?.textContent).toContain('6 edits wait. Next try in 20 s.');
		await fireEvent.click(screen.getByRole('button', { name: 'Review 6 edits' }));
		const dialog = await screen.findByRole('dialog', { name: 'Review 6 edits' });
		expect(await within(dialog).findByText(/1 to send, 1 to receive, 1 in conflict/)).toBeTruthy();
		await fireEvent.click(within(dialog).getByRole('button', { name: 'dunning' }));
		expect(await within(dialog).findByText('mail')).toBeTruthy();
	});

	test('pauses one by its switch without opening it', async () => {
		const { engine, warren } = show('#/shop-eu/scheduled');
		const row = await rowOf('refresh-rates');
		await fireEvent.click(within(row).getByRole('switch'));
		await waitFor(() => expect(within(row).getByRole('switch').getAttribute('aria-checked')).toBe('false'));
		expect(engine.called('schedule.pause').at(-1)?.input).toMatchObject({ names: ['k-refresh-rates'], book: 'shared' });
		expect(warren.route.place.schedule).toBeNull();
	});

	test('narrows by tab and search, which its address keeps', async () => {
		const { engine, warren } = show('#/shop-eu/scheduled?part=conflict&filter=night');
		await rowOf('nightly-invoices');
		expect(engine.called('schedule.list').at(-1)?.input).toMatchObject({ show: 'conflict', query: 'night' });
		await fireEvent.click(screen.getByRole('radio', { name: /Paused/ }));
		expect(warren.route.place).toMatchObject({ part: 'paused', filter: 'night' });
		expect(await screen.findByText('Nothing matches')).toBeTruthy();
	});

	test('offers what would fill it when it is empty', async () => {
		show('#/shop-eu/scheduled', undefined, (engine) => {
			engine.handlers.set('schedule.list', () => ({
				ok: true,
				value: { items: [], total: 0, counts: null, books: [], revision: 1 },
			}));
		});
		expect(await screen.findByText('No schedules')).toBeTruthy();
		expect(screen.getByText(/the site's book or RedBeat/)).toBeTruthy();
	});
});

describe('by the keyboard', () => {
	test('a schedule is opened, stepped from, paused and asked about; without Shift nothing is removed', async () => {
		const { engine, warren } = show('#/shop-eu/scheduled');
		await rowOf('heartbeat');
		await fireEvent.keyDown(document.body, { key: 'j' });
		await fireEvent.keyDown(document.body, { key: 'Enter' });
		expect(warren.route.place.schedule).toBe('local/k-heartbeat');
		await fireEvent.keyDown(document.body, { key: 'j' });
		expect(warren.route.place.schedule).toBe('shared/k-refresh-rates');
		await screen.findByRole('complementary', { name: 'Schedule refresh-rates' });
		await fireEvent.keyDown(document.body, { key: 'p' });
		await waitFor(() => expect(engine.called('schedule.pause').length).toBe(1));
		await fireEvent.keyDown(document.body, { key: 'd' });
		expect(engine.called('schedule.remove')).toEqual([]);
		await fireEvent.keyDown(document.body, { key: 'D', shiftKey: true });
		expect(await screen.findByRole('alertdialog', { name: 'Remove 1 schedule' })).toBeTruthy();
	});

	test('keys typed into a form stay there', async () => {
		const { warren } = show('#/shop-eu/scheduled?schedule=new');
		const name = await screen.findByRole('textbox', { name: 'Name' });
		name.focus();
		await fireEvent.keyDown(name, { key: 'j' });
		await fireEvent.keyDown(name, { key: '3' });
		expect(warren.route.place).toMatchObject({ view: 'scheduled', schedule: 'new' });
	});

	test('production asks for the name before schedules are removed', async () => {
		const { engine } = show('#/shop-eu/scheduled', [profileView(profile('shop-eu', { environment: 'production' }))]);
		await rowOf('heartbeat');
		await fireEvent.keyDown(document.body, { key: 'j' });
		await fireEvent.keyDown(document.body, { key: 'D', shiftKey: true });
		const dialog = await screen.findByRole('alertdialog', { name: 'Remove 1 schedule' });
		const go = within(dialog).getByRole('button', { name: 'Remove 1 schedule' }) as HTMLButtonElement;
		expect(go.disabled).toBe(true);
		await fireEvent.input(within(dialog).getByRole('textbox'), { target: { value: 'shop-eu' } });
		await fireEvent.click(go);
		await waitFor(() => expect(engine.called('schedule.remove').at(-1)?.confirm).toBe('shop-eu'));
	});
});

describe('a schedule drawn', () => {
	test('shows both sides of a conflict, and resolves it once every field has a side', async () => {
		const { engine } = show(NIGHTLY);
		const panel = await screen.findByRole('region', { name: 'Conflict' });
		const resolve = within(panel).getByRole('button', { name: 'Resolve' }) as HTMLButtonElement;
		expect(resolve.disabled).toBe(true);
		await fireEvent.click(within(panel).getByRole('button', { name: 'Yours, Runs: 30 2 * * 1-5' }));
		expect(resolve.disabled).toBe(true);
		await fireEvent.click(within(panel).getByRole('button', { name: 'Theirs, Queue: invoices' }));
		await fireEvent.click(resolve);
		await waitFor(() =>
			expect(engine.called('schedule.resolve').at(-1)?.input).toMatchObject({
				name: 'k-nightly-invoices',
				mine: ['recurrence'],
				theirs: ['queue'],
			}),
		);
	});

	test('points at a mistake in its line and column, and counts what stands against saving', async () => {
		const { warren } = show(NIGHTLY, undefined, (engine) => {
			const answer = engine.handlers.get('schedule.preview');
			engine.handlers.set('schedule.preview', (input) => {
				if (!String(input.kwargs).includes('broken')) return answer?.(input) ?? { ok: true, value: null };
				const problem = { field: 'kwargs', message: 'a word needs quotes', line: 3, column: 19, offset: 60 };
				const nothing = { definition: null, words: null, coming: [], hints: [], message: null, messageNote: null };
				return { ok: true, value: { ...nothing, problems: [problem] } };
			});
		});
		await screen.findByRole('complementary', { name: 'Schedule nightly-invoices' });
		await waitFor(() => expect(warren.deployment?.schedules.editor).toBeTruthy());
		const editor = warren.deployment?.schedules.editor;
		if (editor === null || editor === undefined) throw new Error('There is no editor');
		editor.form.kwargs = '{"tags": [broken]}';
		expect(await screen.findByText('Line 3, column 19: a word needs quotes')).toBeTruthy();
		expect(await screen.findByText('1 problem above')).toBeTruthy();
		expect((screen.getByRole('button', { name: /^Save/ }) as HTMLButtonElement).disabled).toBe(true);
	});

	test('says what is missing of a new one only after it was tried, and offers what its book keeps', async () => {
		show('#/shop-eu/scheduled?schedule=new', undefined, (engine) => {
			const base = engine.answerStreams;
			engine.answerStreams = (name) => {
				const items = base?.(name) ?? [];
				if (name !== 'schedule.watch') return items;
				const [{ tick }] = items as [{ tick: { books: unknown[] } }];
				return [{ key: 'p', tick: { ...tick, books: [bookView('local'), bookView('carrot')] } }];
			};
		});
		await screen.findByText('name and task are needed');
		expect(screen.queryByText('Its name is missing.')).toBeNull();
		await fireEvent.keyDown(document.body, { key: 's', ctrlKey: true });
		expect(await screen.findByText('Its name is missing.')).toBeTruthy();
		expect(screen.getByRole('radio', { name: 'Cron' })).toBeTruthy();
		await fireEvent.change(screen.getByRole('combobox', { name: 'Book' }), { target: { value: 'carrot' } });
		await waitFor(() => expect(screen.queryByRole('radio', { name: 'Cron' })).toBeNull());
		expect(screen.getByText(/This book keeps no .*time zone/)).toBeTruthy();
		expect(screen.queryByRole('combobox', { name: 'Time zone' })).toBeNull();
	});

	test('shows its next runs with clock changes marked', async () => {
		show(NIGHTLY);
		const runs = await screen.findByRole('table', { name: 'Next runs' });
		expect(within(runs).getByText(/clocks went forward 1 h/)).toBeTruthy();
		await fireEvent.click(screen.getByRole('button', { name: 'Show the next 10' }));
		expect(within(runs).getAllByRole('row').length).toBe(11);
	});

	test('leads from a run to its task, and comes back to the schedule', async () => {
		const { warren } = show(NIGHTLY);
		await fireEvent.click(await screen.findByRole('tab', { name: /^Runs/ }));
		const runs = await screen.findByRole('list', { name: 'Runs' });
		expect(within(runs).getByText(/1 min 35 s late, 3 tries/)).toBeTruthy();
		expect(within(runs).getByText(/It is not published again by itself/)).toBeTruthy();
		await fireEvent.click(within(runs).getByTitle('9b2f1c3a-7a64-4a7e-8f52-0d1c6da2e871'));
		expect(warren.route.place).toMatchObject({ view: 'scheduled', task: '9b2f1c3a-7a64-4a7e-8f52-0d1c6da2e871' });
		warren.route.closeTask();
		expect(await screen.findByRole('complementary', { name: 'Schedule nightly-invoices' })).toBeTruthy();
	});

	test('brings back a version, and the values that were given up in one', async () => {
		const { engine } = show(NIGHTLY);
		await fireEvent.click(await screen.findByRole('tab', { name: /^History/ }));
		const past = await screen.findByRole('list', { name: 'History' });
		await fireEvent.click(within(past).getByRole('button', { name: 'Restore these values' }));
		await waitFor(() =>
			expect(engine.called('schedule.restore').at(-1)?.input).toMatchObject({ version: 2, overwritten: true }),
		);
		const [newest] = within(past).getAllByRole('button', { name: 'Back to before' });
		if (newest === undefined) throw new Error('Nothing can be brought back');
		await fireEvent.click(newest);
		await waitFor(() =>
			expect(engine.called('schedule.restore').at(-1)?.input).toEqual({ profile: 'shop-eu', version: 3 }),
		);
	});

	test('of a read-only profile can be read and not changed', async () => {
		const { engine, warren } = show(NIGHTLY, [profileView(profile('shop-eu', { readOnly: true }))]);
		const drawer = await screen.findByRole('complementary', { name: 'Schedule nightly-invoices' });
		for (const name of [/^Save/, /^Run now/, /^Remove/, 'Resolve', 'All theirs'])
			expect((within(drawer).getByRole('button', { name }) as HTMLButtonElement).disabled).toBe(true);
		expect((within(drawer).getByRole('textbox', { name: 'Name' }) as HTMLInputElement).disabled).toBe(true);
		expect(within(drawer).getByText('shop-eu is read-only')).toBeTruthy();
		for (const key of ['n', 'p', 'r', 'c']) await fireEvent.keyDown(document.body, { key });
		expect(warren.dialog.kind).toBe('none');
		expect(engine.calls.filter((call) => /^schedule\.(?:pause|run|add|edit|sync)$/.test(call.route))).toEqual([]);
	});

	test('leaving the page with something unsaved is asked about, and with nothing it is not', async () => {
		const { warren } = show(NIGHTLY);
		await waitFor(() => expect(warren.deployment?.schedules.editor).toBeTruthy());
		const leave = (): boolean => {
			const event = new Event('beforeunload', { cancelable: true });
			window.dispatchEvent(event);
			return event.defaultPrevented;
		};
		expect(leave()).toBe(false);
		const editor = warren.deployment?.schedules.editor;
		if (editor === null || editor === undefined) throw new Error('There is no editor');
		editor.form.queue = 'bulk';
		expect(leave()).toBe(true);
	});
});

describe('what schedules ask of a person', () => {
	const counts = { all: 3, active: 3, paused: 0, edited: 2, conflict: 0, refused: 0, troubled: 0 };
	test('is nothing while all is well', () => {
		expect(scheduleFindings(counts, [bookView('local', { schedules: 3 })])).toEqual([]);
	});

	test('is each with the part of the list to go to', () => {
		const found = scheduleFindings({ ...counts, conflict: 1, refused: 2, troubled: 3 }, [
			bookView('local', { schedules: 3, runner: { here: false, holder: null, note: 'No service runs.' } }),
		]);
		expect(found.map(({ id, next }) => [id, next.kind === 'go' ? next.part : null])).toEqual([
			['schedules:runner:local', 'all'],
			['schedules:conflict', 'conflict'],
			['schedules:refused', 'edited'],
			['schedules:troubled', 'troubled'],
		]);
		expect(found[0]).toMatchObject({
			title: "Nobody runs the schedules of this machine's book",
			reason: 'No service runs.',
		});
	});

	test('says nothing of a book without schedules, or of one that does not answer', () => {
		const runner = { here: false, holder: null, note: 'No service runs.' };
		const away = { kind: 'reconnecting', since: 0, nextTryAt: null, attempt: 1, reason: 'x' } as const;
		expect(scheduleFindings(counts, [bookView('shared', { schedules: 0, runner })])).toEqual([]);
		expect(scheduleFindings(counts, [bookView('shared', { schedules: 3, runner, state: away })])).toEqual([]);
	});
});

describe('words about schedules', () => {
	const at = (more: Parameters<typeof scheduleView>[1]) => nextWords(scheduleView('s', more), LOOKED_AT);

	test('say when it runs next, or why there is no time', () => {
		expect(at({ nextRunAt: LOOKED_AT + 12_000 })).toMatchObject({ words: 'in 12 s', on: null, late: false });
		expect(at({ nextRunAt: LOOKED_AT + 26 * 3_600_000 }).on).toMatch(/^tomorrow \d\d:\d\d$/);
		expect(at({ nextRunAt: LOOKED_AT - 180_000 })).toMatchObject({ words: 'due 3 min ago', late: true });
		expect(at({ nextRunAt: LOOKED_AT - 2_000 }).late).toBe(false);
		expect(at({ definition: definition('s', { active: false }), nextRunAt: LOOKED_AT + 1 }).words).toBe('paused');
		expect(at({ sync: 'removed' }).words).toBe('never again');
		expect(at({ definition: definition('s', { recurrence: { kind: 'once', at: 5 } }) }).words).toBe('never again');
		expect(at({}).words).toBe('its book knows');
	});

	test('take the zone out of a timing only where the words name it', () => {
		const one = (words: string) =>
			timingLines(scheduleView('s', { words, definition: definition('s', { zone: 'Asia/Tokyo' }) }));
		expect(one('every day at 02:30, Asia/Tokyo, from 1 Jan 2027, 00:00')).toEqual({
			words: 'every day at 02:30, from 1 Jan 2027, 00:00',
			zone: 'Asia/Tokyo',
		});
		expect(one('every 6 hours')).toEqual({ words: 'every 6 hours', zone: null });
	});

	test('tell how late a run was', () => {
		expect(lateness({ dueAt: 0, firedAt: 12, manual: false })).toBe('on time');
		expect(lateness({ dueAt: 0, firedAt: 95_000, manual: false })).toBe('1 min 35 s late');
		expect(lateness({ dueAt: 0, firedAt: 95_000, manual: true })).toBeNull();
		expect(lateness({ dueAt: 0, firedAt: null, manual: false })).toBeNull();
	});

	test('name every field and write every value', () => {
		const said = { ...NEW_SCHEDULE, name: 'n', zone: 'Europe/Berlin', endAt: Date.UTC(2026, 11, 24, 17) };
		expect(valueWords('endAt', said)).toBe('Thu 24 Dec 2026 18:00');
		expect(valueWords('missed', { ...said, missed: { kind: 'all', most: 5 } })).toBe('run, the newest 5');
		expect(valueWords('recurrence', said)).toBe('every hour');
		expect(valueWords('exchange', said)).toBe('(default)');
		// A zone that nobody here knows is no reason to say nothing.
		expect(valueWords('endAt', { ...said, zone: 'Mars/Olympus' })).toContain('2026');
		expect(differing(said, { ...said, queue: 'x', active: false })).toEqual(['queue', 'active']);
	});

	test('tell of a book what it does not keep, who runs it, and since when it is away', () => {
		expect(notKept(EVERYTHING)).toBeNull();
		expect(notKept(CARROT)).toContain('time zone');
		expect(runnerWords(bookView('carrot')).words).toBe("the site's own service");
		expect(runnerWords(bookView('local')).words).toBe('this Warren');
		expect(offlineWords(bookView('local'), 0)).toBeNull();
		expect(missingBooks([bookView('local')])).toEqual(['shared', 'carrot', 'redbeat']);
	});

	test('write a wall clock by day and time, with the year where it is another', () => {
		expect(wallClock('2026-12-24T18:00:00', LOOKED_AT)).toEqual({ day: 'Thu 24 Dec', time: '18:00' });
		expect(wallClock('2027-01-04T18:00:05', LOOKED_AT)).toEqual({ day: 'Mon 4 Jan 2027', time: '18:00:05' });
	});

	test('offer this machine’s zone first, and every zone once', () => {
		const zones = zoneOptions().map((option) => option.value);
		expect(zones[0]).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone);
		expect(new Set(zones).size).toBe(zones.length);
		expect(zones).toContain('Europe/Berlin');
	});
});

describe('the columns of schedules', () => {
	test('keep what it is and when it runs next however narrow, and lose nothing when wide', () => {
		expect(columnsFor(200).map((column) => column.id)).toEqual(['active', 'schedule', 'next']);
		expect(columnsFor(2_000)).toEqual(SCHEDULE_COLUMNS);
	});
});
