/** Handlers of the routes that carry history out and in. */
import type { CsvLayout } from '#main/dialects/csv.ts';
import { type AppNames, appNamesWith } from '#main/domain/app-name.ts';
import type { ExportPage, ExportPlace } from '#main/domain/export.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { taskId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ExportedPiece } from '#main/ipc/contract/history.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { Core } from '../core.ts';
import { type CsvFile, fullFile, logFile, taskLine } from '../history-export.ts';
import {
	type HistoryPiece,
	type HistoryRecord,
	isImported,
	opsOf,
	readLogFile,
	readTaskLines,
} from '../history-import.ts';

/** Records per transaction. */
const BATCH = 500;
const MOST_PROBLEMS = 20;

export function historyHandlers(core: Core): Pick<CallHandlers, 'task.export' | 'task.import'> {
	const { history } = core.store;
	return {
		'task.export': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const names = appNamesWith(profile.value.appNames ?? []);
			const place = readPlace(input.place);
			if (!place.ok) return place;
			const request = { profile: profile.value.id, query: input.query, place: place.value, limit: input.limit };
			if (input.format === 'jsonl') {
				const page = await history.exportTasks(request);
				return page.ok ? ok(pieceOf(page.value, page.value.rows.map((task) => taskLine(task, names)).join(''))) : page;
			}
			const layout: CsvLayout = { delimiter: ';', neutralise: input.formulas !== true };
			const header = place.value === null;
			if (input.full === true) {
				const page = await history.exportTasks(request);
				return page.ok ? ok(csvPiece(page.value, fullFile, { layout, header, names })) : page;
			}
			const page = await history.exportRuns(request);
			return page.ok ? ok(csvPiece(page.value, logFile, { layout, header, names })) : page;
		},
		'task.import': async (input) => {
			const profile = await core.profiles.find(input.profile);
			if (!profile.ok) return profile;
			const last = input.last === true;
			const piece: Result<HistoryPiece> =
				input.format === 'csv' ? readLogFile(input.text, input.header, last) : ok(readTaskLines(input.text, last));
			if (!piece.ok) return piece;
			const { id } = profile.value;
			const { records, problems, rest, header } = piece.value;
			let taken = 0;
			for (let from = 0; from < records.length; from += BATCH) {
				const wanted = await ours(id, records.slice(from, from + BATCH));
				taken += wanted.length;
				await history.apply(opsOf(id, core.ports.clock.now(), wanted));
			}
			return ok({
				taken,
				known: records.length - taken,
				refused: problems.length,
				problems: problems.slice(0, MOST_PROBLEMS),
				rest,
				header,
			});
		},
	};

	/** Records of tasks that nobody but a file has told of. */
	async function ours(profile: ProfileId, records: readonly HistoryRecord[]): Promise<readonly HistoryRecord[]> {
		const free = new Map<string, boolean>();
		for (const { taskId: key } of records) {
			if (free.has(key)) continue;
			const known = await history.taskOfMessage(profile, key);
			const detail = await history.detail(profile, known ?? taskId(key));
			free.set(key, detail === null || isImported(detail.events));
		}
		return records.filter((record) => free.get(record.taskId) === true);
	}
}

/** How a piece of CSV is written: with its heading or without, and by which names of apps. */
interface CsvWay {
	readonly layout: CsvLayout;
	readonly header: boolean;
	readonly names: AppNames;
}

function csvPiece<Row>(page: ExportPage<Row>, file: CsvFile<Row>, { layout, header, names }: CsvWay): ExportedPiece {
	const lines = page.rows.map((row) => file.line(row, layout, names));
	return pieceOf(page, (header ? file.header(layout) : '') + lines.join(''));
}

function pieceOf(page: ExportPage<unknown>, text: string): ExportedPiece {
	return {
		text,
		rows: page.rows.length,
		total: page.total,
		next: page.next === null ? null : writePlace(page.next),
	};
}

function writePlace({ after, until, now }: ExportPlace): string {
	return `${after}.${until}.${now}`;
}

function readPlace(text: string | undefined): Result<ExportPlace | null> {
	if (text === undefined) return ok(null);
	const found = /^(\d{1,16})\.(\d{1,16})\.(\d{1,16}(?:\.\d+)?)$/.exec(text);
	if (found === null)
		return fail('invalid-input', 'place: take it from the piece before.', { details: { field: 'place' } });
	return ok({ after: Number(found[1]), until: Number(found[2]), now: Number(found[3]) });
}
