/**
 * Lines of all tasks' logs that match a query, the newest attempts first. A search that finds little would read every line there is, so
 * one goes through a limited number of them and says where to go on.
 */
import type { FoundLine, LogFindings, LogSearchRequest } from '#main/domain/log-findings.ts';
import type { TextMatch } from '#main/domain/query.ts';
import type { LogWords, TargetQuery } from '#main/domain/query-languages.ts';
import { parseQueryOf } from '#main/domain/query-parse.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { LogSource } from '#main/domain/task.ts';
import { levelName } from './codes.ts';
import type { ListReader } from './lists.ts';
import { compilePlain, type SqlWords } from './plain-search.ts';
import { profileKeyOf } from './profile-keys.ts';
import { nameMatches, type SearchScope } from './search.ts';
import type { SqlTests } from './sql-pieces.ts';

/** Lines gone through for one answer. */
export const LINES_LOOKED_AT = 200_000;
/** Lines between two looks at whether enough were gone through. */
const STRIDE = 20_000;

interface Row {
	readonly attempt: number;
	readonly seq: number;
	readonly at: number;
	readonly level: number;
	readonly source: LogSource;
	readonly logger: string | null;
	readonly text: string;
	readonly id: string;
	readonly name: string;
	readonly number: number;
	readonly queue: string | null;
	readonly worker: string | null;
}

interface Place {
	readonly attempt: number;
	readonly seq: number;
}

const FROM = 'log_lines l CROSS JOIN attempts a ON a.id = l.attempt CROSS JOIN tasks t ON t.seq = a.task';
const VISIBLE = 'a.profile = ? AND t.removed_at IS NULL';

/** One page. `invalid-input` where the query or the cursor does not parse. */
export function searchLogs(reader: ListReader, request: LogSearchRequest, now: number): Result<LogFindings> {
	const query = parseQueryOf('logs', request.query, now);
	if (!query.ok) return query;
	const from = request.cursor === null ? null : readPlace(request.cursor);
	if (request.cursor !== null && from === null) {
		return fail('invalid-input', 'The cursor is not one that an answer before this gave. Begin again without it.');
	}
	return reader.db.snapshot(() => {
		const profile = profileKeyOf(reader.db, request.profile);
		if (profile === null) return ok({ items: [], looked: 0, next: null, total: 0 });
		return ok(walk(reader, profile, query.value, request.limit, from));
	});
}

function walk(
	{ db, tests, grams }: ListReader,
	profile: number,
	query: TargetQuery['logs'],
	limit: number,
	from: Place | null,
): LogFindings {
	tests.clear();
	const { sql, values } = compilePlain(query, wordsOf({ db, profile, grams }, tests), tests);
	const page = db.read<Row>(
		'log findings',
		`SELECT l.*, t.id, t.name, a.number, a.queue, a.worker FROM ${FROM}
		WHERE (l.attempt, l.seq) < (?, ?) AND (l.attempt, l.seq) >= (?, ?) AND ${VISIBLE} AND ${sql}
		ORDER BY l.attempt DESC, l.seq DESC LIMIT ?`,
		true,
	);
	// The first line beyond so many, by the key alone: cheap beside comparing them.
	const ahead = db.read<Place>(
		'log stride',
		`SELECT attempt, seq FROM log_lines WHERE (attempt, seq) < (?, ?) ORDER BY attempt DESC, seq DESC LIMIT 1 OFFSET ${STRIDE - 1}`,
	);
	const items: FoundLine[] = [];
	let place = from ?? { attempt: Number.MAX_SAFE_INTEGER, seq: 0 };
	let looked = 0;
	while (looked < LINES_LOOKED_AT) {
		const end = ahead.get(place.attempt, place.seq) ?? null;
		const stop = end ?? { attempt: -1, seq: -1 };
		const rows = page.all(
			place.attempt,
			place.seq,
			stop.attempt,
			stop.seq,
			profile,
			...values,
			limit + 1 - items.length,
		);
		items.push(...rows.map(lineOf));
		if (items.length > limit) {
			const last = rows.at(-2) ?? place;
			return { items: items.slice(0, limit), looked, next: writePlace(last), total: null };
		}
		looked += STRIDE;
		if (end === null) return { items, looked, next: null, total: from === null ? items.length : null };
		place = end;
	}
	return { items, looked, next: writePlace(place), total: null };
}

function wordsOf(scope: SearchScope, tests: SqlTests): SqlWords<LogWords> {
	/** Tasks share few names: which of them match is found out once. */
	const called = (kind: 'name' | 'app') => (any: readonly TextMatch[]) => nameMatches(scope, kind, any, tests);
	return {
		free: ['l.text', 'l.logger'],
		texts: {
			text: ['l.text'],
			logger: ['l.logger'],
			source: ['l.source'],
			name: called('name'),
			app: called('app'),
			queue: ['a.queue'],
			worker: ['a.worker'],
			id: ['t.id'],
		},
		numbers: { level: 'l.level', attempt: 'a.number', line: '(l.seq + 1)' },
		times: { activity: 'l.at' },
		has: { logger: 'l.logger IS NOT NULL' },
		is: {},
	};
}

function lineOf(row: Row): FoundLine {
	return {
		id: row.id,
		name: row.name,
		attempt: row.number,
		attemptId: row.attempt,
		queue: row.queue,
		worker: row.worker,
		seq: row.seq,
		at: row.at,
		level: levelName(row.level),
		source: row.source,
		logger: row.logger,
		text: row.text,
	};
}

function writePlace({ attempt, seq }: Place): string {
	return `${attempt}.${seq}`;
}

function readPlace(text: string): Place | null {
	const [, attempt, seq] = /^(\d{1,15})\.(\d{1,15})$/.exec(text) ?? [];
	return attempt === undefined ? null : { attempt: Number(attempt), seq: Number(seq) };
}
