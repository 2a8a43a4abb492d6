/** What a person reads about changes of waiting messages, and about taking changes back. */
import type { AuditVerdict } from '#main/domain/audit.ts';
import type { WaitingOutcome } from '#main/domain/waiting.ts';
import type { UndoRow } from '#main/ipc/contract/waiting.ts';
import { type Column, count, counted, harmless, oneLine, paint, type Style, table, when } from './text.ts';

const UNDO_COLUMNS: readonly Column<UndoRow>[] = [
	{ title: 'ID', cell: (row) => String(row.id), right: true },
	{ title: 'WHEN', cell: (row) => when(row.at) },
	{ title: 'WHAT', cell: (row) => oneLine(row.title), shrink: true },
	{ title: 'STATE', cell: (row) => row.state },
	{ title: 'UNDO', cell: (row) => (row.able ? 'can' : 'cannot') },
	{ title: 'WHICH MEANS', cell: (row) => oneLine(row.words), shrink: true },
];

/** A count per outcome, the reasons of what did not go through, and how to take it back. */
export function showWaitingOutcome(outcome: WaitingOutcome, style: Style): string {
	const lines = [
		outcome.dryRun
			? `${counted(outcome.done, 'message')} would be changed. Nothing was changed.`
			: `${counted(outcome.done, 'message')} changed${outcome.cancelled ? ', then it was stopped' : ''}.`,
	];
	const reasons = new Map<string, number>();
	for (const item of outcome.items) {
		if (item.reason !== null) reasons.set(item.reason, (reasons.get(item.reason) ?? 0) + 1);
	}
	for (const [reason, n] of reasons) lines.push(paint(style, 'yellow', `${count(n)}: ${harmless(reason)}`));
	if (outcome.undo !== null) lines.push(paint(style, 'dim', `Taken back by: undo apply ${outcome.undo}`));
	return lines.join('\n');
}

/** Changes, newest first. */
export function showUndoList(items: readonly UndoRow[], style: Style): string {
	return items.length === 0 ? 'Nothing was changed yet.' : table(style, items, UNDO_COLUMNS);
}

/** Whether the audit is whole, and where it is not. */
export function showVerdict({ ok, lines, unsealed, broken }: AuditVerdict): string {
	const old = unsealed === 0 ? '' : ` ${counted(unsealed, 'line')} of before there were seals cannot be judged.`;
	if (ok || broken === null) return `The audit is whole: ${counted(lines, 'line')}.${old}`;
	return `The audit is not whole, from line ${broken.line} on: ${broken.what}.${old}`;
}
