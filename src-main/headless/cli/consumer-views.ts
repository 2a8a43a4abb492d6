/** What saved sets, quarantine and clean-up look like to a person. */
import type { ConsumerSetView } from '#main/domain/consumer.ts';
import type { QuarantineItem } from '#main/domain/quarantine.ts';
import { FINISHED_STATES, type RetentionPolicy, type RetentionPreview } from '#main/domain/retention.ts';
import type { ImportedQueue, SavedSetView } from '#main/ipc/contract/consumer.ts';
import type { QuarantinedMessage, QuarantineOutcome, RetentionView } from '#main/ipc/contract/quarantine.ts';
import {
	type Column,
	count,
	counted,
	harmless,
	lasted,
	oneLine,
	paint,
	pairs,
	type Style,
	table,
	when,
} from './text.ts';

const SET_COLUMNS: readonly Column<SavedSetView>[] = [
	{ title: 'SET', cell: ({ set }) => set.name },
	{
		title: 'QUEUES',
		cell: ({ set }) => set.queues.map((one) => (one.consumable ? one.queue : `${one.queue} (not consumed)`)).join(', '),
		shrink: true,
	},
	{ title: 'SLOTS', cell: ({ set }) => count(set.intent.concurrency), right: true },
	{
		title: 'RUNS IN',
		cell: ({ set: { intent } }) => `${intent.runner.kind} ${intent.runner.project}`,
		shrink: true,
	},
	{ title: 'STARTS BY ITSELF', cell: ({ set }) => (set.autoStart ? 'yes' : 'no') },
];

const QUARANTINE_COLUMNS: readonly Column<QuarantineItem>[] = [
	{ title: 'NUMBER', cell: (row) => String(row.id), right: true },
	{ title: 'SINCE', cell: (row) => when(row.at) },
	{ title: 'STATE', cell: (row) => (row.settledTo === null ? row.state : `${row.state} to ${row.settledTo}`) },
	{ title: 'CAUSE', cell: (row) => row.cause },
	{ title: 'QUEUE', cell: (row) => row.queue, shrink: true },
	{ title: 'TASK', cell: (row) => row.name ?? '-', shrink: true },
	{ title: 'BYTES', cell: (row) => count(row.bytes), right: true },
	{ title: 'ALIKE', cell: (row) => (row.alike > 1 ? count(row.alike) : '-'), right: true },
	{ title: 'REASON', cell: (row) => row.reason, shrink: true },
];

const IMPORT_COLUMNS: readonly Column<ImportedQueue>[] = [
	{ title: 'QUEUE', cell: (row) => row.queue },
	{ title: 'OUTCOME', cell: (row) => row.outcome, paint: (row) => (row.outcome === 'skipped' ? 'yellow' : null) },
	{ title: 'REMARKS', cell: (row) => row.remarks.join(' ') || '-', shrink: true },
];

function showOutcome(outcome: QuarantineOutcome, style: Style): string {
	const past = { release: 'released', send: 'sent', discard: 'discarded', restore: 'held again' }[outcome.action];
	const parts = [`${counted(outcome.done, 'message')} ${outcome.dryRun ? 'would be ' : ''}${past}`];
	if (outcome.failed > 0) parts.push(paint(style, 'red', `${count(outcome.failed)} failed`));
	if (outcome.skipped > 0) parts.push(`${count(outcome.skipped)} skipped`);
	const reasons = outcome.items
		.filter((item) => item.reason !== null)
		.slice(0, 20)
		.map((item) => `  ${item.id}  ${item.outcome}: ${oneLine(item.reason ?? '')}`);
	return [`${parts.join(', ')}.`, ...reasons].join('\n');
}

function showMessage(shown: QuarantinedMessage, style: Style): string {
	const { item } = shown;
	const today =
		shown.task === null
			? `unreadable: ${shown.fault?.reason ?? ''}`
			: `${shown.task.name} with ${shown.task.argsJson} ${shown.task.kwargsJson}`;
	const head = pairs(style, [
		['number', String(item.id)],
		['state', item.settledTo === null ? item.state : `${item.state} to ${item.settledTo}, ${when(item.settledAt)}`],
		['set aside', `${when(item.at)}, ${item.cause}`],
		['reason', item.reason],
		['queue', item.queue],
		['reads today', today.slice(0, 2_000)],
		['task', item.taskId],
		...Object.entries(shown.properties).map(([name, value]) => [name, String(value)] as const),
		[
			'headers',
			JSON.stringify(
				Object.fromEntries(shown.headers.map(([name, value]) => [name, 'text' in value ? value.text : value])),
			),
		],
		['body', `${count(item.bytes)} bytes${shown.cut ? ', cut here; --whole shows all' : ''}`],
	]);
	return `${head}\n\n${harmless(shown.bodyText ?? shown.bodyBase64)}`;
}

function policyRows(policy: RetentionPolicy): readonly (readonly [string, string])[] {
	const states = FINISHED_STATES.map((state) => {
		const { afterMs, maxRows } = policy.states[state];
		const age = afterMs === null ? 'for ever' : `for ${span(afterMs)}`;
		return [state, maxRows === null ? age : `${age}, the newest ${count(maxRows)} at most`] as const;
	});
	return [
		...states,
		['deleted', `for ${span(policy.deletedAfterMs)}`],
		['left quarantine', `for ${span(policy.quarantineAfterMs)}`],
	];
}

function span(ms: number): string {
	const days = ms / 86_400_000;
	return days >= 1 && Number.isInteger(days) ? counted(days, 'day') : lasted(ms);
}

function showRetention(view: RetentionView, style: Style): string {
	const ran = view.ranAt === null ? 'never' : when(view.ranAt);
	return pairs(style, [
		...policyRows(view.policy),
		['cleaned up', ran],
		['rules', view.isDefault ? 'as out of the box' : 'set for this profile'],
	]);
}

function showPreview(preview: RetentionPreview & { readonly policy: RetentionPolicy }, style: Style): string {
	if (preview.rows === 0) return 'Nothing would be removed.';
	const rows = table(style, preview.shares, [
		{ title: 'WHAT', cell: (share) => share.what },
		{ title: 'RECORDS', cell: (share) => count(share.rows), right: true },
		{ title: 'ABOUT', cell: (share) => size(share.bytesAbout), right: true },
		{ title: 'OLDEST', cell: (share) => when(share.oldest) },
	]);
	return `${rows}\n${counted(preview.rows, 'record')} would be removed, about ${size(preview.bytesAbout)}.`;
}

function size(bytes: number): string {
	if (bytes < 1_024) return `${bytes} bytes`;
	return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(0)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

const outcomeView = { text: showOutcome };
const retentionView = { text: showRetention };
const startedView = {
	text: (set: ConsumerSetView) =>
		`${set.saved?.name ?? set.id}: ${set.state}, ${counted(set.intent.concurrency, 'slot')}.`,
};

/** Views of routes, as `views.ts` has them. */
export const CONSUMER_VIEWS = {
	'consumer.sets': {
		text: ({ items }: { readonly items: readonly SavedSetView[] }, style: Style) =>
			items.length === 0 ? 'No consumer set is saved: "consumer save" makes one.' : table(style, items, SET_COLUMNS),
	},
	'consumer.save': { text: (view: SavedSetView, style: Style) => table(style, [view], SET_COLUMNS) },
	'consumer.forget': { text: ({ forgotten }: { readonly forgotten: string }) => `Forgot ${harmless(forgotten)}.` },
	'consumer.import': {
		text: ({ items }: { readonly items: readonly ImportedQueue[] }, style: Style) =>
			table(style, items, IMPORT_COLUMNS),
	},
	'consumer.resize': startedView,
	'consumer.cancel': { text: () => 'Cancelled.' },
	'quarantine.list': {
		text: (page: { readonly items: readonly QuarantineItem[]; readonly total: number }, style: Style) => {
			if (page.items.length === 0) return 'Nothing is in quarantine.';
			const more =
				page.total > page.items.length
					? `\n${paint(style, 'dim', `${count(page.items.length)} of ${count(page.total)}.`)}`
					: '';
			return table(style, page.items, QUARANTINE_COLUMNS) + more;
		},
	},
	'quarantine.show': { text: showMessage },
	'quarantine.release': outcomeView,
	'quarantine.send': outcomeView,
	'quarantine.discard': outcomeView,
	'quarantine.restore': outcomeView,
	'retention.show': retentionView,
	'retention.set': retentionView,
	'retention.preview': { text: showPreview },
	'retention.run': {
		text: ({ done, took }: { readonly done: number; readonly took: number }) =>
			`Removed ${counted(done, 'record')} in ${lasted(took)}.`,
	},
} as const;
