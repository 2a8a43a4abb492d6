/** A site's rows as screens and scripts get them. */
import { argumentTexts, rowArguments } from '#main/dialects/carrot/row-arguments.ts';
import { forecastRequeue } from '#main/dialects/carrot/row-forecast.ts';
import { previewCall } from '#main/dialects/python/write.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { SiteReview, SiteRow, SiteRowDetail, SiteRowView } from '#main/domain/site.ts';
import { readRowLog } from '#main/monitor/carrot-site/row-log.ts';
import type { HistoryStore } from '#main/store/store.ts';

type Known = Pick<HistoryStore, 'taskOfMessage'>;

const SAMPLE = 20;

/** A row for a list. */
export async function viewOfRow(history: Known, profile: ProfileId, row: SiteRow): Promise<SiteRowView> {
	const {
		log,
		traceback: _traceback,
		output: _output,
		argsText: _args,
		content: _content,
		utcOffset: _offset,
		...rest
	} = row;
	const call = rowArguments(row);
	const texts = call.ok ? argumentTexts(call.value) : call;
	return {
		...rest,
		argsJson: texts.ok ? texts.value.argsJson : null,
		kwargsJson: texts.ok ? texts.value.kwargsJson : null,
		preview: call.ok ? previewCall(call.value.args, call.value.kwargs) : (row.argsText ?? '').slice(0, 200),
		logLines: log === null || log === '' ? 0 : log.split('\n').length,
		taskId: row.uuid === '' ? null : await history.taskOfMessage(profile, row.uuid),
	};
}

/** A row with everything. */
export async function detailOf(history: Known, profile: ProfileId, row: SiteRow): Promise<SiteRowDetail> {
	const call = rowArguments(row);
	return {
		row: await viewOfRow(history, profile, row),
		args: call.ok ? call.value.args : null,
		kwargs: call.ok ? call.value.kwargs : null,
		argumentsProblem: call.ok ? null : call.error.message,
		argsText: row.argsText,
		content: row.content,
		output: row.output,
		traceback: row.traceback,
		log: readRowLog(row),
		forecast: forecastRequeue(row),
	};
}

/** What a change of these rows would do. `missing` rows are gone from the site. */
export async function reviewOf(
	history: Known,
	profile: ProfileId,
	kind: 'requeue' | 'delete',
	rows: readonly SiteRow[],
	missing: number,
	skip: (row: SiteRow) => string | null,
): Promise<SiteReview> {
	const skipped = new Map<string, number>();
	const taken: SiteRow[] = [];
	for (const row of rows) {
		const reason = skip(row);
		if (reason === null) taken.push(row);
		else skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
	}
	if (missing > 0) skipped.set('is no longer on the site', missing);
	const sample = await Promise.all(
		taken.slice(0, SAMPLE).map(async (row) => ({
			row: await viewOfRow(history, profile, row),
			forecast: forecastRequeue(row),
		})),
	);
	return {
		ids: taken.map((row) => row.id),
		sample,
		skipped: [...skipped].map(([reason, count]) => ({ reason, count })),
		warnings: warningsOf(kind, taken),
	};
}

function warningsOf(kind: 'requeue' | 'delete', rows: readonly SiteRow[]): readonly string[] {
	const count = (status: SiteRow['status']) => rows.filter((row) => row.status === status).length;
	const warnings: string[] = [];
	const add = (number: number, words: string) => {
		if (number > 0) warnings.push(`${number} of them ${words}`);
	};
	add(
		count('PUBLISHED'),
		'still wait: their messages stay in the queue without a row, and each stalls a worker of the site for 5 seconds or more, unless they are taken out as well (--messages).',
	);
	if (kind === 'requeue') {
		add(count('IN_PROGRESS'), 'are in progress and may run twice. Make sure that their worker is gone.');
		add(count('COMPLETED'), 'had succeeded and will run once more.');
		const cannot = rows.filter((row) => !forecastRequeue(row).siteCan).length;
		add(cannot, "have arguments that the site cannot read itself: they need the site's project and settings, or fail.");
	} else {
		add(count('IN_PROGRESS'), 'are in progress: their worker puts the row back when it ends.');
	}
	return warnings;
}
