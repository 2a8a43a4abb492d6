/** The commands that exist everywhere. What a command is aimed at is settled when it runs, not when the list is read. */
import type { TaskAct } from '#main/domain/task-acts.ts';
import { tasks } from './actions.svelte.ts';
import type { Command } from './commands.svelte.ts';
import type { View } from './route.svelte.ts';
import type { Theme } from './settings.svelte.ts';
import type { Warren } from './warren.svelte.ts';
import { workerCommands } from './worker-commands.ts';

const GO: readonly { readonly view: View; readonly label: string; readonly key: string | null }[] = [
	{ view: 'attention', label: 'Attention', key: '1' },
	{ view: 'queued', label: 'Queued', key: '2' },
	{ view: 'failed', label: 'Failed', key: '3' },
	{ view: 'completed', label: 'Completed', key: '4' },
	{ view: 'scheduled', label: 'Scheduled', key: '5' },
	{ view: 'queues', label: 'Queues', key: '6' },
	{ view: 'workers', label: 'Workers', key: '7' },
	{ view: 'quarantine', label: 'Quarantine', key: 'q' },
	{ view: 'site', label: 'Site', key: 's' },
	{ view: 'console', label: 'Console', key: '8' },
	{ view: 'reports', label: 'Reports', key: '0' },
	{ view: 'all', label: 'All tasks', key: null },
	{ view: 'settings', label: 'Settings', key: '9' },
];

/** What only the view on the screen can do: reach its search box, put the keyboard into its list. */
export interface ViewHands {
	focusSearch(): void;
	/** From list to drawer, and back to where the keyboard was. */
	switchPane(): void;
}

function inList(warren: Warren): true | string {
	return warren.list === null && !warren.grouped ? 'There is no task list in this view' : true;
}

function mayAct(warren: Warren, act: TaskAct): true | string {
	const may = act === 'revoke' ? warren.mayRevoke : warren.mayChange;
	if (may !== true) return may;
	const busy = warren.actions.stage.kind !== 'none' && warren.actions.stage.kind !== 'report';
	if (act !== 'revoke' && busy) return 'Something is being done';
	const { aim } = warren;
	return aim === null ? 'No task is chosen' : warren.mayDo(act, aim.scope);
}

function openName(warren: Warren): string | null {
	return warren.deployment?.open?.task?.name ?? null;
}

function siteThere(warren: Warren): true | string {
	return warren.profile?.profile.monitorUrl == null ? 'The profile names no carrot monitor' : true;
}

async function copyLink(warren: Warren): Promise<void> {
	const { link } = warren.route;
	try {
		await navigator.clipboard.writeText(link);
		warren.toasts.show('done', 'Link copied', { text: link });
	} catch {
		// The system refused its clipboard: the link can still be taken by hand.
		warren.toasts.show('failed', 'The clipboard is not to be had. The link is:', { text: link });
	}
}

/** All of them, for this page. */
export function appCommands(warren: Warren, hands: ViewHands): readonly Command[] {
	const always = (): true => true;
	const profileOpen = (): true | string => (warren.deployment === null ? 'No profile is open' : true);
	const act = (action: 'requeue' | 'delete') => (): void => {
		const aim = warren.aim;
		if (aim !== null) void warren.act(action, aim.scope);
	};
	const aimed = (verb: string): string => {
		const count = warren.aim?.count ?? 0;
		return count === 0 ? `${verb} tasks` : `${verb} ${tasks(count)}`;
	};
	return [
		{
			id: 'task.requeue',
			label: aimed('Requeue'),
			group: 'Tasks',
			key: 'r',
			enabled: () => mayAct(warren, 'requeue'),
			run: act('requeue'),
		},
		{
			id: 'task.delete',
			label: aimed('Delete'),
			group: 'Tasks',
			key: 'Shift+d',
			destructive: true,
			enabled: () => mayAct(warren, 'delete'),
			run: act('delete'),
		},
		{
			id: 'task.revoke',
			label: aimed('Revoke'),
			group: 'Tasks',
			key: 'Shift+x',
			destructive: true,
			enabled: () => mayAct(warren, 'revoke'),
			run: () => {
				const aim = warren.aim;
				if (aim !== null) warren.revoke(aim.scope);
			},
		},
		{
			id: 'task.publish',
			label: 'Publish a task',
			group: 'Tasks',
			key: 'n',
			enabled: () => (warren.deployment === null ? 'No profile is open' : warren.mayChange),
			run: () => warren.ask({ kind: 'publish' }),
		},
		{
			id: 'task.select',
			label: 'Tick or untick the row',
			group: 'Tasks',
			key: ' ',
			enabled: () => (inList(warren) === true && warren.list?.focused !== null ? true : 'No row is at the keyboard'),
			run: () => {
				const list = warren.list;
				if (list?.focused != null) list.selection.toggle(list.focused);
			},
		},
		{
			id: 'task.select-all',
			label: 'Tick everything that matches',
			group: 'Tasks',
			key: 'Mod+a',
			enabled: () => inList(warren),
			run: () => warren.list?.selectEverything(),
		},
		{
			id: 'task.next',
			label: 'Next task',
			group: 'Tasks',
			key: 'j',
			enabled: () => inList(warren),
			run: () => warren.step(1),
		},
		{
			id: 'task.previous',
			label: 'Previous task',
			group: 'Tasks',
			key: 'k',
			enabled: () => inList(warren),
			run: () => warren.step(-1),
		},
		{
			id: 'task.open',
			label: 'Open the task',
			group: 'Tasks',
			key: 'Enter',
			enabled: () => (inList(warren) === true && warren.list?.focused !== null ? true : 'No row is at the keyboard'),
			run: () => {
				const id = warren.list?.focused;
				if (id != null) warren.route.openTask(id);
			},
		},
		{
			id: 'task.statistics',
			label: 'Statistics of the open task',
			group: 'Tasks',
			key: null,
			enabled: () => (openName(warren) === null ? 'No task is open' : true),
			run: () => {
				const name = openName(warren);
				if (name !== null) warren.route.go('reports', { part: 'task', item: name });
			},
		},
		{
			id: 'group.resolve',
			label: 'Resolve the group',
			group: 'Tasks',
			key: 'm',
			enabled: () => {
				if (warren.mayChange !== true) return warren.mayChange;
				return warren.grouped && warren.deployment?.groups.focused != null
					? true
					: 'No failure group is at the keyboard';
			},
			run: () => {
				const groups = warren.deployment?.groups;
				if (groups?.focused != null) void groups.resolve(groups.focused);
			},
		},
		{
			id: 'group.switch',
			label: 'Failures by cause, or task by task',
			group: 'Tasks',
			key: 'g',
			enabled: () => (warren.route.place.view === 'failed' ? true : 'Failed tasks are not on the screen'),
			run: () => warren.showFailed(warren.grouped ? 'tasks' : 'groups'),
		},
		{
			id: 'list.refresh',
			label: 'Show what is new',
			group: 'Tasks',
			key: '.',
			enabled: () => inList(warren),
			run: () => (warren.grouped ? void warren.deployment?.groups.reload() : warren.list?.reload()),
		},
		{
			id: 'list.search',
			label: 'Filter',
			group: 'Tasks',
			key: '/',
			enabled: () => inList(warren),
			run: () => hands.focusSearch(),
		},
		{
			id: 'window.back',
			label: 'Close the drawer, or untick',
			group: 'Window',
			key: 'Escape',
			enabled: always,
			run: () => {
				if (warren.route.place.task !== null) warren.route.closeTask();
				else if (warren.route.place.item !== null) warren.route.closeItem();
				else if (warren.route.place.schedule !== null) warren.route.closeSchedule();
				else if (warren.list !== null && !warren.list.selection.empty) warren.list.selection.clear();
				else warren.list?.focus(null);
			},
		},
		{
			id: 'window.drawer',
			label: 'Into the drawer, and back',
			group: 'Window',
			key: 'F6',
			enabled: () => {
				const { task, item, schedule } = warren.route.place;
				return (task ?? item ?? schedule) ? true : 'No drawer is open';
			},
			run: () => hands.switchPane(),
		},
		...GO.map(
			({ view, label, key }): Command => ({
				id: `view.${view}`,
				label,
				group: 'Go to',
				key,
				enabled: view === 'site' ? () => siteThere(warren) : always,
				run: () => warren.route.go(view),
			}),
		),
		...warren.profiles.items.map(
			(item): Command => ({
				id: `profile.open.${item.profile.id}`,
				label: `Open ${item.profile.name}`,
				group: 'Profiles',
				key: null,
				enabled: always,
				run: () => warren.route.go('queued', { profile: item.profile.name }),
			}),
		),
		{
			id: 'view.saved',
			label: 'Saved views',
			group: 'Go to',
			key: 'v',
			enabled: profileOpen,
			run: () => warren.ask({ kind: 'views' }),
		},
		...(warren.deployment?.views.items ?? []).map(
			(view): Command => ({
				id: `view.open.${view.profile ?? ''}.${view.name}`,
				label: `Open the view ${view.name}`,
				group: 'Go to',
				key: null,
				enabled: profileOpen,
				run: () => warren.openView(view),
			}),
		),
		{
			id: 'profile.add',
			label: 'Add a profile',
			group: 'Profiles',
			key: null,
			enabled: always,
			run: () => warren.ask({ kind: 'profile', edit: null }),
		},
		{
			id: 'profile.connect',
			label: 'Try to connect now',
			group: 'Profiles',
			key: null,
			enabled: profileOpen,
			run: () => {
				const profile = warren.profile?.profile;
				if (profile !== undefined) void warren.engine.call('profile.connect', { name: profile.id });
			},
		},
		{
			id: 'consumer.start',
			label: 'Start a consumer',
			group: 'Workers',
			key: null,
			enabled: () => (warren.deployment === null ? 'No profile is open' : warren.mayChange),
			run: () => warren.ask({ kind: 'consumer', queue: null }),
		},
		...workerCommands(warren),
		{
			id: 'undo.list',
			label: 'Undo: changes that can be taken back',
			group: 'Tasks',
			key: 'u',
			enabled: profileOpen,
			run: () => warren.ask({ kind: 'undo' }),
		},
		{
			id: 'window.palette',
			label: 'All commands',
			group: 'Window',
			key: 'Mod+k',
			enabled: always,
			run: () => warren.ask({ kind: 'palette' }),
			whileTyping: true,
		},
		{
			id: 'window.link',
			label: 'Copy a link to what is shown',
			group: 'Window',
			key: null,
			enabled: profileOpen,
			run: () => void copyLink(warren),
		},
		{
			id: 'window.help',
			label: 'Keys',
			group: 'Window',
			key: '?',
			enabled: always,
			run: () => warren.ask({ kind: 'help' }),
		},
		...(['system', 'light', 'dark'] as const).map(
			(theme: Theme): Command => ({
				id: `window.theme.${theme}`,
				label: `Use the ${theme} theme`,
				group: 'Window',
				key: null,
				enabled: always,
				run: () => void warren.settings.change({ theme }),
			}),
		),
	];
}
