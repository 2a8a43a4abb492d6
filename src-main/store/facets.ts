/**
 * What values tasks have, and how often, for suggestions. Looks at the newest tasks only: how long it takes doesn't grow with
 * history, and needs no index.
 */
import type { ProfileId } from '#main/domain/ids.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import type { FacetColumn, FacetValue } from '#main/domain/query-suggest.ts';
import type { CallArguments } from '#main/domain/value.ts';
import { SEEN, stateName } from './codes.ts';
import type { SqlValue } from './handles.ts';
import type { ListReader } from './lists.ts';
import { profileKeyOf } from './profile-keys.ts';
import { compileQuery } from './search.ts';
import { seenTexts } from './seen.ts';
import type { Facet } from './store.ts';
import { callOf } from './tasks.ts';

/** So many tasks are counted. */
const COUNTED = 20_000;
/** So many rows, of whatever profile, are gone through for them; fewer where each must be compared. */
const PASSED = 200_000;
const COMPARED = 40_000;
const VALUES = 50;
const CALLS = 300;

const COLUMNS: Readonly<Record<FacetColumn, string>> = {
	state: 't.state',
	name: 't.name',
	queue: 't.queue',
	worker: 't.worker',
	exception: 't.exception_type',
	group: '(SELECT g.key FROM failure_prints p JOIN failure_groups g ON g.id = p.grp WHERE p.id = t.failure)',
	priority: 't.priority',
	attempts: 't.attempts',
};

/** FROM and WHERE of the newest tasks that match a query; a query that does not parse counts as everything. */
function newest(
	reader: ListReader,
	profile: number,
	query: string,
	texts: boolean,
	now: number,
): { readonly sql: string; readonly values: readonly SqlValue[]; readonly reach: number } {
	const parsed = parseQuery(query, now);
	const meant = parsed.ok ? parsed.value : ({ kind: 'all' } as const);
	reader.tests.clear();
	const condition =
		meant.kind === 'all' ? null : compileQuery(meant, { db: reader.db, profile, grams: reader.grams }, reader.tests);
	const reach = condition === null ? PASSED : COMPARED;
	const last = reader.db.read<{ n: number | null }>('newest task', 'SELECT max(seq) AS n FROM tasks').get()?.n ?? 0;
	const join = texts || condition?.texts === true ? 'CROSS JOIN task_texts x ON x.seq = t.seq' : '';
	return {
		sql: `FROM tasks t NOT INDEXED ${join} WHERE t.seq > ? AND t.profile = ? AND t.removed_at IS NULL
			AND ${condition?.sql ?? '1'} ORDER BY t.seq DESC LIMIT ?`,
		values: [last - reach, profile, ...(condition?.values ?? [])],
		reach: last - reach,
	};
}

/** The values of a column among the newest tasks that match a query, the commonest first, then those known from before. */
export function facetOf(
	reader: ListReader,
	profile: ProfileId,
	query: string,
	column: FacetColumn,
	now: number,
): Facet {
	const { db } = reader;
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return { values: [], tasks: 0, all: true };
		const from = newest(reader, key, query, false, now);
		const rows = db
			.read<{ v: string | number | null; n: number }>(
				'count values',
				`SELECT v, count(*) AS n FROM (SELECT ${COLUMNS[column]} AS v ${from.sql}) GROUP BY v ORDER BY n DESC, v`,
				true,
			)
			.all(...from.values, COUNTED);
		const tasks = rows.reduce((sum, row) => sum + row.n, 0);
		const values: FacetValue[] = rows
			.filter((row) => row.v !== null)
			.slice(0, VALUES)
			.map(({ v, n }) => ({ value: column === 'state' ? stateName(Number(v)) : String(v), count: n }));
		if (column === 'name' || column === 'queue' || column === 'worker') {
			const there = new Set(values.map(({ value }) => value));
			for (const value of seenTexts(db, key, SEEN[column], VALUES * 4)) {
				if (!there.has(value)) values.push({ value, count: null });
			}
		}
		return { values, tasks, all: tasks < COUNTED && from.reach <= 0 };
	});
}

/** The arguments of some of the newest tasks that match a query. */
export function callsOf(reader: ListReader, profile: ProfileId, query: string, now: number): readonly CallArguments[] {
	const { db } = reader;
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return [];
		const from = newest(reader, key, query, true, now);
		return db
			.read<{ typed: string | null; args: string | null; kwargs: string | null }>(
				'some calls',
				`SELECT x.typed, x.args, x.kwargs ${from.sql}`,
				true,
			)
			.all(...from.values, CALLS)
			.map((row) => callOf(row.typed, row.args, row.kwargs))
			.filter((call) => call !== null);
	});
}
