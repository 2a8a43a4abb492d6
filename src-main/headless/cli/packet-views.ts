/** What packets in django-q's lists look like to a person, and to a script. */
import type { PacketFacts } from '#main/domain/packet.ts';
import { exactJson } from '#main/domain/task-json.ts';
import type { PacketGroup, PacketsMoved, PacketView } from '#main/ipc/contract/packet.ts';
import type { Output } from '#main/ipc/contract.ts';
import { type Column, count, counted, harmless, lasted, oneLine, paint, type Style, table, when } from './text.ts';

/** Whether a packet's signature is right, in a word. */
export function signedWords(packet: PacketFacts | null): string {
	const verified = packet?.signature.verified ?? null;
	return verified === null ? 'not checked' : verified ? 'yes' : 'WRONG';
}

const COLUMNS: readonly Column<PacketView>[] = [
	{ title: 'PLACE', cell: ({ place }) => count(place), right: true },
	{ title: 'FUNCTION', cell: ({ task, fault }) => task?.name ?? `(${fault?.reason ?? 'unreadable'})`, shrink: true },
	{ title: 'GROUP', cell: ({ packet }) => packet?.group ?? '-', shrink: true },
	{ title: 'ID', cell: ({ task, print }) => task?.messageId ?? print },
	{ title: 'WAITED', cell: ({ waitingMs }) => (waitingMs === null ? '-' : lasted(waitingMs)), right: true },
	{
		title: 'SIGNED',
		cell: ({ packet }) => signedWords(packet),
		paint: ({ packet }) => (packet?.signature.verified === false ? 'red' : null),
	},
	{
		title: 'ARGUMENTS',
		cell: ({ task }) => (task === null ? '-' : `${task.argsJson.slice(0, 200)} ${task.kwargsJson.slice(0, 200)}`),
		shrink: true,
	},
];

const GROUP_COLUMNS: readonly Column<PacketGroup>[] = [
	{ title: 'NAME', cell: ({ name }) => name ?? '(none)', shrink: true },
	{ title: 'PACKETS', cell: (group) => count(group.count), right: true },
	{ title: 'OLDEST', cell: ({ oldest }) => (oldest === null ? '-' : when(oldest)) },
];

/** A packet with its arguments as JSON beside their exact values. */
export function packetJson(view: PacketView): Readonly<Record<string, unknown>> {
	if (view.task === null) return { ...view };
	const { argsJson, kwargsJson, ...task } = view.task;
	return { ...view, task: { ...task, args: exactJson(argsJson), kwargs: exactJson(kwargsJson) } };
}

function doubts(items: readonly PacketView[]): readonly string[] {
	return [...new Set(items.flatMap(({ packet }) => packet?.signature.doubt ?? []))];
}

function showList({ items, queue, total, next }: Output<'packet.list'>, style: Style): string {
	const parts = [items.length === 0 ? `Nothing of that waits in ${harmless(queue)}.` : table(style, items, COLUMNS)];
	for (const doubt of doubts(items)) parts.push(paint(style, 'red', harmless(doubt)));
	const rest = next === null ? '' : ` --from ${next} goes on.`;
	parts.push(paint(style, 'dim', `${counted(total, 'packet')} in ${harmless(queue)}.${rest}`));
	return parts.join('\n');
}

function showMoved(moved: PacketsMoved, style: Style): string {
	const { from, to, done, skipped, failed, cancelled, dryRun, items, undo } = moved;
	const where = from === to ? `in ${oneLine(from)}` : `from ${oneLine(from)} to ${oneLine(to)}`;
	const stopped = cancelled ? ', then it was stopped' : '';
	const lines = [`${dryRun ? 'Would move' : 'Moved'} ${counted(done, 'packet')} ${where}${stopped}.`];
	if (skipped > 0)
		lines.push(`${counted(skipped, 'packet')} left out: a cluster has taken them, or they were not there.`);
	if (failed > 0) lines.push(paint(style, 'red', `${counted(failed, 'packet')} failed.`));
	for (const { id, outcome, reason } of items) {
		if (outcome !== 'done') lines.push(paint(style, 'dim', `${harmless(id)}: ${harmless(reason ?? outcome)}`));
	}
	if (undo !== null) lines.push(paint(style, 'dim', `Taken back by: undo apply ${undo}`));
	return lines.join('\n');
}

function showPacket(view: Output<'packet.show'>, style: Style): string {
	const lines = [table(style, [view], COLUMNS.slice(1))];
	const { packet } = view;
	if (packet !== null) {
		const { name, hook, timeout, cluster, chained, compressed, size, enqueuedAt } = packet;
		const facts = [
			`name ${name}`,
			`enqueued ${when(enqueuedAt)}`,
			`${counted(size, 'byte')}${compressed ? ', compressed' : ''}`,
			hook === null ? null : `hook ${hook}`,
			timeout === null ? null : `timeout ${timeout} s`,
			cluster === null ? null : `cluster ${cluster}`,
			chained === 0 ? null : `${counted(chained, 'call')} to follow`,
		];
		lines.push(harmless(facts.filter((fact) => fact !== null).join(' · ')));
	}
	for (const doubt of doubts([view])) lines.push(paint(style, 'red', harmless(doubt)));
	for (const { offset, name, argument } of view.instructions) {
		lines.push(harmless(`${String(offset).padStart(6)}  ${name}${argument === null ? '' : ` ${argument}`}`));
	}
	if (view.ended !== null) lines.push(paint(style, 'yellow', harmless(view.ended)));
	return lines.join('\n');
}

/** Views of the routes about packets. */
export const PACKET_VIEWS = {
	'packet.list': {
		text: showList,
		json: ({ items, ...rest }: Output<'packet.list'>) => ({ items: items.map(packetJson), ...rest }),
	},
	'packet.groups': {
		text: ({ items, queue, total, complete }: Output<'packet.groups'>, style: Style) =>
			[
				items.length === 0 ? `Nothing waits in ${harmless(queue)}.` : table(style, items, GROUP_COLUMNS),
				complete ? `${counted(total, 'packet')} counted.` : `${counted(total, 'packet')} counted; there are more.`,
			].join('\n'),
	},
	'packet.show': { text: showPacket, json: packetJson },
	'packet.next': { text: showMoved },
	'packet.hold': { text: showMoved },
	'packet.release': { text: showMoved },
	'packet.clone': {
		text: ({ id, queue, note, undo }: Output<'packet.clone'>, style: Style) =>
			[
				`Enqueued ${id} in ${harmless(queue)}`,
				...(note === null ? [] : [paint(style, 'yellow', harmless(note))]),
				paint(style, 'dim', `Taken back by: undo apply ${undo}`),
			].join('\n'),
	},
} as const;
