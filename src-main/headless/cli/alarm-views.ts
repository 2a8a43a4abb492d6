/** What alarms look like on a terminal. */
import { type Alarm, type AlarmState, quietWords } from '#main/domain/alarm.ts';
import type { AlarmView } from '#main/ipc/contract/alarm.ts';
import { type Column, count, harmless, lasted, paint, type Style, table } from './text.ts';

const STATES: Readonly<Record<AlarmState, string>> = { building: 'not yet', raised: 'ALARM', calming: 'calming' };

type Rule = AlarmView['rules'][number];

const RULES: readonly Column<Rule>[] = [
	{ title: 'RULE', cell: ({ rule }) => rule },
	{ title: '', cell: ({ enabled }) => (enabled ? 'on' : 'off'), paint: ({ enabled }) => (enabled ? null : 'dim') },
	{
		title: 'FROM',
		cell: ({ threshold, unit }) => (unit === null ? '-' : `${threshold === null ? '?' : count(threshold)} ${unit}`),
	},
	{ title: 'FOR', cell: ({ forMs }) => lasted(forMs), right: true },
	{ title: 'WHAT', cell: ({ words }) => words, shrink: true },
];

/** What is amiss now, one line each. */
export function showAlarms({ items, watched }: AlarmView, style: Style): string {
	const line = ({ state, words }: Alarm): string => {
		const mark = STATES[state].padEnd(7);
		return `${state === 'raised' ? paint(style, 'red', mark) : paint(style, 'yellow', mark)} ${harmless(words)}`;
	};
	const shown = items.length === 0 ? 'Nothing is amiss.' : items.map(line).join('\n');
	return watched
		? shown
		: `${shown}\n${paint(style, 'dim', 'This is one look; "alarm watch" sees what lasts, and so does an open window.')}`;
}

function showAll(view: AlarmView, style: Style): string {
	return `${showAlarms(view, style)}\n\n${table(style, view.rules, RULES)}\nQuiet hours: ${quietWords(view.quiet)}`;
}

/** Views of the routes about alarms. */
export const ALARM_VIEWS = { 'alarm.list': { text: showAll }, 'alarm.set': { text: showAll } } as const;
