/** What can be done in the quarantine by key and palette, while that view is shown. */
import type { Command } from './commands.svelte.ts';
import type { Quarantine } from './quarantine.svelte.ts';
import type { Warren } from './warren.svelte.ts';

export function quarantineCommands(warren: Warren, list: Quarantine): readonly Command[] {
	const mayDecide = (): true | string => {
		if (warren.mayChange !== true) return warren.mayChange;
		// What lies on top is meant: a task that was opened from here has commands of its own.
		if (warren.route.place.task !== null) return 'A task is open';
		if (!list.change.free) return 'Something is being done';
		return list.aim.length === 0 ? 'No message is chosen' : true;
	};
	const here = (): true | string => (list.items.length === 0 ? 'There is no message here' : true);
	const atRow = (): true | string => (list.cursor.place < 0 ? 'No row is at the keyboard' : true);
	const step = (by: number) => (): void => {
		const id = list.cursor.move(by);
		if (id !== null && warren.route.place.item !== null) warren.route.openItem(id);
	};
	const of = (verb: string): string => {
		const count = list.aim.length;
		return count === 0 ? `${verb} messages` : `${verb} ${count === 1 ? '1 message' : `${count} messages`}`;
	};
	return [
		{
			id: 'quarantine.release',
			label: of('Release'),
			group: 'Quarantine',
			key: 'r',
			enabled: mayDecide,
			run: () => void list.change.ask({ action: 'release', ids: list.aim }),
		},
		{
			id: 'quarantine.send',
			label: `${of('Send')} to a queue`,
			group: 'Quarantine',
			key: 'e',
			enabled: mayDecide,
			run: () => warren.ask({ kind: 'send', ids: list.aim }),
		},
		{
			id: 'quarantine.discard',
			label: of('Discard'),
			group: 'Quarantine',
			key: 'Shift+d',
			destructive: true,
			enabled: mayDecide,
			run: () => void list.change.ask({ action: 'discard', ids: list.aim }),
		},
		{
			id: 'quarantine.restore',
			label: `${of('Hold')} again`,
			group: 'Quarantine',
			key: null,
			enabled: mayDecide,
			run: () => void list.change.ask({ action: 'restore', ids: list.aim }),
		},
		{
			id: 'quarantine.next',
			label: 'Next message',
			group: 'Quarantine',
			key: 'j',
			enabled: here,
			run: step(1),
		},
		{
			id: 'quarantine.previous',
			label: 'Previous message',
			group: 'Quarantine',
			key: 'k',
			enabled: here,
			run: step(-1),
		},
		{
			id: 'quarantine.open',
			label: 'Open the message',
			group: 'Quarantine',
			key: 'Enter',
			enabled: atRow,
			run: () => {
				if (list.cursor.id !== null) warren.route.openItem(list.cursor.id);
			},
		},
		{
			id: 'quarantine.select',
			label: 'Tick or untick the message',
			group: 'Quarantine',
			key: ' ',
			enabled: atRow,
			run: () => {
				if (list.cursor.id !== null) list.selection.toggle(list.cursor.id);
			},
		},
		{
			id: 'quarantine.select-all',
			label: 'Tick every message that matches',
			group: 'Quarantine',
			key: 'Mod+a',
			enabled: here,
			run: () => void list.selectEverything(),
		},
		{
			id: 'quarantine.untick',
			label: 'Untick all messages',
			group: 'Quarantine',
			key: 'Escape',
			enabled: () => {
				const { task, item } = warren.route.place;
				return task === null && item === null && !list.selection.empty ? true : 'Nothing is ticked';
			},
			run: () => list.selection.clear(),
		},
		{
			id: 'quarantine.refresh',
			label: 'Show what is new in quarantine',
			group: 'Quarantine',
			key: '.',
			enabled: () => true,
			run: () => list.reload(),
		},
	];
}
