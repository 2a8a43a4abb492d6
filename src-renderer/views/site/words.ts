/** How a carrot site's rows, doors and findings are told. Pure: `now` is always given. */
import type { ActionProgress } from '#main/domain/action.ts';
import type {
	SiteDoorView,
	SiteFact,
	SiteFindingKind,
	SiteLink,
	SiteRowStatus,
	SiteRowView,
} from '#main/domain/site.ts';
import type { TaskState } from '#main/domain/task.ts';
import { absoluteTime, duration, grouped, relativeTime } from '../../components/format.ts';
import type { IconName } from '../../components/icon-paths.ts';
import type { Tone } from '../../components/states.ts';

/** A row's status as the state of a task. */
export const ROW_STATES: Readonly<Record<SiteRowStatus, TaskState>> = {
	PUBLISHED: 'queued',
	IN_PROGRESS: 'running',
	FAILED: 'failed',
	COMPLETED: 'succeeded',
};

/** When what a row shows happened. */
export function rowTime(row: SiteRowView): number | null {
	return row.failedAt ?? row.completedAt ?? row.publishedAt;
}

export interface DoorLook {
	readonly icon: IconName;
	readonly tone: Tone;
	readonly word: string;
}

export const DOOR_STATES: Readonly<Record<SiteDoorView['state'], DoorLook>> = {
	open: { icon: 'state-succeeded', tone: 'succeeded', word: 'open' },
	closed: { icon: 'state-lost', tone: 'warning', word: 'closed' },
	'not-set': { icon: 'state-queued', tone: 'neutral', word: 'not set' },
};

export const DOORS: Readonly<Record<SiteDoorView['door'], string>> = {
	monitor: 'Monitor',
	broker: 'Broker',
	database: 'Database',
};

export const FINDING_LOOKS: Readonly<Record<SiteFindingKind, { readonly icon: IconName; readonly word: string }>> = {
	'rows-without-messages': { icon: 'task', word: 'Rows without messages' },
	'messages-without-rows': { icon: 'queues', word: 'Messages without rows' },
	'running-without-consumer': { icon: 'state-running', word: 'Running rows that nobody runs' },
	'dead-schedule': { icon: 'scheduled', word: 'Schedules that do not fire' },
	'fewer-consumers': { icon: 'workers', word: 'Fewer consumers than there should be' },
};

const SOURCES: Readonly<Record<SiteFact['source'], string>> = {
	site: 'the site',
	broker: 'the broker',
	person: 'you',
	warren: 'seen by Warren',
};

/** The number of a fact as people read it. */
export function factValue(fact: SiteFact): string {
	switch (fact.unit) {
		case 'count':
			return grouped(fact.value);
		case 'ms':
			return duration(fact.value);
		case 'time':
			return absoluteTime(fact.value);
	}
}

/** Where a number comes from and how old it is. */
export function factSource(fact: SiteFact, now: number): string {
	return `${SOURCES[fact.source]}, ${relativeTime(fact.at, now)}`;
}

const WAYS: Readonly<Record<SiteLink['way'], string>> = {
	site: 'by the site itself',
	database: 'by a row and a message of Warren',
	schedule: 'by a schedule that ran once',
};

/** What a requeue made of a row. */
export function linkWords(link: SiteLink): string {
	const to = link.newId === null ? 'a new row, which could not be told from others' : `row ${link.newId}`;
	return `${to}, ${WAYS[link.way]}`;
}

/** The engine speaks to scripts as well: what it calls a flag is a switch of this page. */
export function pageWords(text: string): string {
	return text
		.replace(/ \(allow it with --\w+\)/g, '')
		.replace(/ \(--messages\)/g, '')
		.replace(/ \(--project, --settings\)/g, '')
		.replace(/ ?\(with --peek\)/g, ' as well')
		.replace(/ with --peek/g, ' as well')
		.replace(/Say it: --expect \S+=N\./g, 'Write down, above, how many there should be.')
		.replace(/: --project DIR --settings MODULE\./g, '.')
		.replace(/A consumer with --settings/g, 'A consumer with Django settings')
		.replace(/Set its address: profile edit --monitor \S+/g, 'Set its address in the profile.')
		.replace(/ Narrow them with --search,/g, ' Narrow them by a search,');
}

/** How far a change of this site's rows is, where one runs. */
export function siteProgress(
	progress: readonly ActionProgress[],
	profile: string,
): { readonly done: number; readonly failed: number; readonly total: number } | null {
	return (
		progress.findLast(
			(item) => item.profile === profile && item.state === 'running' && item.title.endsWith('of the site'),
		) ?? null
	);
}
