/** What can be done with schedules by key and palette, while that view is shown. */
import type { Command } from './commands.svelte.ts';
import { type ScheduleAction, schedules } from './schedule-changes.ts';
import { NEW_ID } from './schedule-id.ts';
import type { Schedules, ScheduleTab } from './schedules.svelte.ts';
import type { Warren } from './warren.svelte.ts';

/** What only the view on the screen can do. */
export interface ScheduleHands {
	focusSearch(): void;
}

const TABS: readonly (readonly [ScheduleTab, string])[] = [
	['edit', 'Edit the schedule'],
	['runs', 'Show its runs'],
	['message', 'Show its message'],
	['history', 'Show its history'],
];

export function scheduleCommands(warren: Warren, all: Schedules, hands: ScheduleHands): readonly Command[] {
	const { list } = all;
	const mayChange = (): true | string => {
		if (warren.mayChange !== true) return warren.mayChange;
		// What lies on top is meant: a task that was opened from here has commands of its own.
		return warren.route.place.task === null ? true : 'A task is open';
	};
	const mayAct = (): true | string => {
		const may = mayChange();
		if (may !== true) return may;
		if (!all.change.free) return 'Something is being done';
		return all.aim.length === 0 ? 'No schedule is chosen' : true;
	};
	const maySave = (): true | string => {
		const may = mayChange();
		if (may !== true) return may;
		return all.editor === null ? 'No schedule is open' : true;
	};
	const one = () => {
		const id = all.open?.id ?? list.focused;
		return all.open?.detail?.view ?? (id === null || id === undefined ? null : list.row(id)?.view) ?? null;
	};
	const mayOne = (): true | string => {
		const may = mayChange();
		if (may !== true) return may;
		return one() === null ? 'No schedule is chosen' : true;
	};
	const openHere = (): true | string =>
		warren.route.place.task !== null ? 'A task is open' : all.open === null ? 'No schedule is open' : true;
	const noTask = (): true | string => (warren.route.place.task === null ? true : 'A task is open');
	const here = (): true | string => {
		if (warren.route.place.task !== null) return 'A task is open';
		return list.count === 0 ? 'There is no schedule here' : true;
	};
	const atRow = (): true | string => (list.focused === null ? 'No row is at the keyboard' : true);
	const step = (by: number) => (): void => {
		const id = list.moveFocus(by);
		const open = warren.route.place.schedule;
		if (id !== null && open !== null && open !== id) warren.route.openSchedule(id);
	};
	const of = (verb: string): string => `${verb} ${all.aim.length === 0 ? 'schedules' : schedules(all.aim.length)}`;
	const act = (id: string, verb: string, action: ScheduleAction, key: string | null): Command => ({
		id: `schedule.${id}`,
		label: of(verb),
		group: 'Schedules',
		key,
		...(action === 'remove' ? { destructive: true } : {}),
		enabled: mayAct,
		run: () => all.ask(action, all.aim),
	});
	return [
		{
			id: 'schedule.new',
			label: 'New schedule',
			group: 'Schedules',
			key: 'n',
			enabled: mayChange,
			run: () => all.begin(),
		},
		{
			id: 'schedule.save',
			label: 'Save the schedule',
			group: 'Schedules',
			key: 'Mod+s',
			enabled: maySave,
			run: () => void all.save(),
			whileTyping: true,
		},
		{
			id: 'schedule.discard',
			label: 'Throw away what was typed and not saved',
			group: 'Schedules',
			key: null,
			enabled: () => (all.editor?.dirty === true ? true : 'Nothing is unsaved'),
			run: () => all.discard(),
		},
		{
			id: 'schedule.toggle',
			label: 'Pause the schedule, or let it run again',
			group: 'Schedules',
			key: 'p',
			enabled: mayOne,
			run: () => {
				const view = one();
				if (list.selection.ids.size > 0) all.ask('pause', all.aim);
				else if (view !== null) void all.toggle(view);
			},
		},
		act('pause', 'Pause', 'pause', null),
		act('resume', 'Resume', 'resume', null),
		act('run', 'Run', 'run', 'r'),
		act('remove', 'Remove', 'remove', 'Shift+d'),
		{
			id: 'schedule.duplicate',
			label: 'Duplicate the schedule',
			group: 'Schedules',
			key: 'c',
			enabled: mayOne,
			run: () => {
				const view = one();
				if (view !== null) warren.ask({ kind: 'duplicate-schedule', view });
			},
		},
		{
			id: 'schedule.revert',
			label: 'Take back the edit that waits',
			group: 'Schedules',
			key: null,
			enabled: () => {
				const may = mayOne();
				if (may !== true) return may;
				return one()?.sync === 'synced' ? 'No edit of it waits' : true;
			},
			run: () => {
				const view = one();
				if (view !== null) void all.revert(view);
			},
		},
		{
			id: 'schedule.review',
			label: 'Review and sync edits that wait',
			group: 'Schedules',
			key: 'y',
			enabled: noTask,
			run: () => void all.sync.review(null, warren.mayChange === true),
		},
		{
			id: 'schedule.books',
			label: 'Show the books of schedules',
			group: 'Schedules',
			key: 'b',
			enabled: noTask,
			run: () => warren.ask({ kind: 'books' }),
		},
		{
			id: 'schedule.import',
			label: 'Import schedules',
			group: 'Schedules',
			key: null,
			enabled: mayChange,
			run: () => warren.ask({ kind: 'import-schedules' }),
		},
		{
			id: 'schedule.export',
			label: list.selection.ids.size === 0 ? 'Export all schedules' : of('Export'),
			group: 'Schedules',
			key: null,
			enabled: noTask,
			run: () => warren.ask({ kind: 'export-schedules', ids: [...list.selection.ids] }),
		},
		...TABS.map(
			([tab, label]): Command => ({
				id: `schedule.tab.${tab}`,
				label,
				group: 'Schedules',
				key: tab === 'edit' ? 'e' : null,
				enabled: openHere,
				run: () => {
					all.tab = tab;
				},
			}),
		),
		{
			id: 'schedule.next',
			label: 'Next schedule',
			group: 'Schedules',
			key: 'j',
			enabled: here,
			run: step(1),
		},
		{
			id: 'schedule.previous',
			label: 'Previous schedule',
			group: 'Schedules',
			key: 'k',
			enabled: here,
			run: step(-1),
		},
		{
			id: 'schedule.open',
			label: 'Open the schedule',
			group: 'Schedules',
			key: 'Enter',
			enabled: atRow,
			run: () => {
				if (list.focused !== null) warren.route.openSchedule(list.focused);
			},
		},
		{
			id: 'schedule.select',
			label: 'Tick or untick the schedule',
			group: 'Schedules',
			key: ' ',
			enabled: atRow,
			run: () => {
				if (list.focused !== null) list.selection.toggle(list.focused);
			},
		},
		{
			id: 'schedule.select-all',
			label: 'Tick every schedule that matches',
			group: 'Schedules',
			key: 'Mod+a',
			enabled: here,
			run: () => void list.selectEverything(),
		},
		{
			id: 'schedule.untick',
			label: 'Untick all schedules',
			group: 'Schedules',
			key: 'Escape',
			enabled: () => {
				const { task, schedule } = warren.route.place;
				return task === null && schedule === null && !list.selection.empty ? true : 'Nothing is ticked';
			},
			run: () => list.selection.clear(),
		},
		{
			id: 'schedule.search',
			label: 'Search schedules',
			group: 'Schedules',
			key: '/',
			enabled: noTask,
			run: () => hands.focusSearch(),
		},
		{
			id: 'schedule.refresh',
			label: 'Show the schedules as they are now',
			group: 'Schedules',
			key: '.',
			enabled: noTask,
			run: () => list.reload(),
		},
		{
			id: 'schedule.unsaved',
			label: 'Go to an unsaved edit',
			group: 'Schedules',
			key: null,
			enabled: () => (all.unsaved.length === 0 ? 'No edit is unsaved' : true),
			run: () => {
				const id = all.unsaved.find((each) => each !== (warren.route.place.schedule ?? NEW_ID)) ?? all.unsaved[0];
				if (id !== undefined) warren.route.openSchedule(id);
			},
		},
	];
}
