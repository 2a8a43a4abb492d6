/** What a carrot site's rows, schedules and findings look like to a person. */
import type {
	SiteFact,
	SitePage,
	SiteReconciliation,
	SiteRowDetail,
	SiteRowView,
	SiteStatus,
} from '#main/domain/site.ts';
import type { SiteOutcome, SiteScheduleView } from '#main/ipc/contract/site.ts';
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

const ROW_COLUMNS: readonly Column<SiteRowView>[] = [
	{ title: 'ROW', cell: (row) => String(row.id), right: true },
	{ title: 'STATUS', cell: (row) => row.status, paint: (row) => (row.status === 'FAILED' ? 'red' : null) },
	{ title: 'TASK', cell: (row) => row.task, shrink: true },
	{ title: 'QUEUE', cell: (row) => row.queue ?? '-', shrink: true },
	{ title: 'TIME', cell: (row) => when(row.failedAt ?? row.completedAt ?? row.publishedAt) },
	{ title: 'ARGUMENTS OR ERROR', cell: (row) => row.exception ?? row.preview, shrink: true },
];

const SCHEDULE_COLUMNS: readonly Column<SiteScheduleView>[] = [
	{ title: 'NUMBER', cell: (row) => String(row.id), right: true },
	{ title: 'NAME', cell: (row) => row.name ?? '-', shrink: true },
	{ title: 'TASK', cell: (row) => row.task, shrink: true },
	{ title: 'QUEUE', cell: (row) => row.queue ?? '-' },
	{ title: 'EVERY', cell: (row) => `${row.intervalCount} ${row.intervalType}` },
	{ title: 'ACTIVE', cell: (row) => (row.active ? 'yes' : 'no') },
];

/** Views of the routes about a site. */
export const SITE_VIEWS = {
	'site.status': { text: showStatus },
	'site.list': {
		text: (page: SitePage<SiteRowView>, style: Style) => {
			if (page.items.length === 0) return 'The site has no such rows.';
			const rest =
				page.more || page.page > 1
					? `\n${paint(style, 'dim', `Page ${page.page}, ${count(page.total)} rows in all; --page N shows others.`)}`
					: '';
			return table(style, page.items, ROW_COLUMNS) + rest;
		},
	},
	'site.show': { text: showRow },
	'site.collect': {
		text: ({ rows, complete }: { readonly rows: number; readonly complete: boolean }) =>
			`History knows ${counted(rows, 'row')} of the site${complete ? '.' : '; there were more, or they moved meanwhile.'}`,
	},
	'site.schedules': {
		text: ({ items }: { readonly items: readonly SiteScheduleView[] }, style: Style) =>
			items.length === 0 ? 'The site has no schedules.' : table(style, items, SCHEDULE_COLUMNS),
	},
	'site.reconcile': { text: showReconciliation },
	'site.requeue': { text: showOutcome },
	'site.delete': { text: showOutcome },
} as const;

function showStatus(status: SiteStatus, style: Style): string {
	const doors = status.doors.map((one) => [one.door, `${one.state}: ${one.words}`] as const);
	const { counts } = status;
	const rows =
		counts === null
			? null
			: `${count(counts.published)} waiting or running, ${count(counts.failed)} failed, ${count(counts.completed)} completed`;
	const told = pairs(style, [['address', status.url], ...doors, ['login', status.login], ['rows', rows]]);
	return [told, ...status.warnings.map((one) => paint(style, 'yellow', harmless(one)))].join('\n');
}

function showRow(detail: SiteRowDetail, style: Style): string {
	const { row, forecast } = detail;
	const told = pairs(style, [
		['row', String(row.id)],
		['task', row.task],
		['status', row.status],
		['message', row.uuid],
		['queue', row.queue],
		['priority', String(row.priority)],
		['arguments', row.preview === '' ? '-' : row.preview],
		['published', when(row.publishedAt)],
		['ended', when(row.failedAt ?? row.completedAt)],
		['exception', row.exception],
		['output', detail.output],
		['worker', detail.log.worker],
		['requeue', forecast.siteCan ? 'the site can' : `the site cannot: ${forecast.reason}`],
	]);
	const log = detail.log.lines.map(
		(line) => `${when(line.at)} ${line.level.toUpperCase().padEnd(8)} ${harmless(line.text)}`,
	);
	const stale = detail.log.stale ? ["The row holds the log of its worker's previous task; it is left out."] : [];
	const trace = detail.traceback === null ? [] : ['', harmless(detail.traceback.trimEnd())];
	return [told, ...trace, ...(log.length + stale.length > 0 ? ['', ...stale, ...log] : [])].join('\n');
}

function showReconciliation({ findings, cannotTell }: SiteReconciliation, style: Style): string {
	const found = findings.map((one) =>
		[
			`${paint(style, one.certainty === 'certain' ? 'red' : 'yellow', `${one.certainty}:`)} ${harmless(one.title)}`,
			`  ${one.evidence.map(factWords).join(' · ')}`,
			...(one.rows.length > 0 ? [`  rows ${one.rows.map((row) => row.id).join(' ')}`] : []),
			...(one.messages.length > 0 ? [`  messages ${one.messages.map(oneLine).join(' ')}`] : []),
			`  Why: ${harmless(one.cause)}`,
			`  Next: ${harmless(one.next)}`,
		].join('\n'),
	);
	const open = cannotTell.map((one) =>
		paint(style, 'dim', harmless(`Cannot tell (${one.kind}): ${one.reason} ${one.cure}`)),
	);
	return [...(found.length === 0 ? ['Nothing that does not fit.'] : found), ...open].join('\n');
}

function factWords(fact: SiteFact): string {
	const value = fact.unit === 'time' ? when(fact.value) : fact.unit === 'ms' ? lasted(fact.value) : count(fact.value);
	return `${fact.label}: ${value} (${fact.source}, ${when(fact.at)})`;
}

function showOutcome(outcome: SiteOutcome, style: Style): string {
	const verb = outcome.action === 'requeue' ? 'requeued' : 'deleted';
	const head = `${outcome.dryRun ? 'Would have ' : ''}${verb} ${counted(outcome.done, 'row')}${outcome.failed > 0 ? `, ${count(outcome.failed)} failed` : ''}${outcome.skipped > 0 ? `, ${count(outcome.skipped)} left out` : ''}${outcome.cancelled ? ', then cancelled' : ''}.`;
	const told = outcome.items.filter((item) => item.reason !== null).slice(0, 20);
	const reasons = told.map((item) => {
		const line = `  row ${item.id}: ${harmless(item.reason ?? '')}`;
		return item.outcome === 'failed' ? paint(style, 'red', line) : line;
	});
	const skipped =
		outcome.review?.skipped.map((one) => `  ${counted(one.count, 'row')} left out: ${harmless(one.reason)}`) ?? [];
	const warnings = outcome.review?.warnings.map((one) => `  ${harmless(one)}`) ?? [];
	return [head[0]?.toUpperCase() + head.slice(1), ...reasons, ...skipped, ...warnings].join('\n');
}
