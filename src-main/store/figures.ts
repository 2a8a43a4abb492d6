/** Figures over time: samples go into their minute and their hour at once, and are read back as lines. */
import {
	FIGURE_TIERS,
	type FigureHistory,
	type FigureLine,
	type FigureName,
	type FigureRound,
	type FigureSubject,
	type FigureTier,
	figureLine,
	type KeptFigure,
	spanStarts,
	tierStart,
} from '#main/domain/figure.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { autoBucket, bucketCount, buckets, MOST_BUCKETS } from '#main/domain/report-buckets.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import type { FigureRequest } from './store.ts';

const TABLES: Readonly<Record<FigureTier, string>> = { minute: 'figure_minutes', hour: 'figure_hours' };
const TIERS: readonly FigureTier[] = ['minute', 'hour'];

interface Series {
	readonly id: number;
	readonly name: string;
	readonly figure: FigureName;
	readonly label: string | null;
}
interface Row {
	readonly start: number;
	readonly samples: number;
	readonly sum: number;
	readonly least: number;
	readonly most: number;
	readonly last: number;
	readonly last_at: number;
}

export interface FigureTable {
	add(profile: ProfileId, round: FigureRound): void;
	/** Removes at most `limit` rows of what began before, per tier, and what has nothing left; how many rows went. */
	sweep(profile: ProfileId, before: Readonly<Record<FigureTier, number>>, limit: number): number;
	/** Cuts a removed profile off from its figures, which `purge` takes afterwards. */
	detach(profile: ProfileId): void;
	/** Removes at most `limit` rows of removed profiles; whether there may be more. */
	purge(limit: number): boolean;
}

export function figureTable(db: WriteHandle): FigureTable {
	const find = db.read<{ id: number; label: string | null }>(
		'figure series',
		'SELECT id, label FROM figure_series WHERE profile = ? AND kind = ? AND name = ? AND figure = ?',
	);
	const make = db.write(
		'new figure series',
		'INSERT INTO figure_series (profile, kind, name, figure, label) VALUES (?, ?, ?, ?, ?)',
	);
	const name = db.write('label figure series', 'UPDATE figure_series SET label = ? WHERE id = ?');
	const puts = TIERS.map((tier) => {
		// `joinFigures`, as SQL; test/store holds the two to the same.
		const put = db.write(
			`put figure of the ${tier}`,
			`INSERT INTO ${TABLES[tier]} (series, start, samples, sum, least, most, last, last_at)
			VALUES (?, ?, 1, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET samples = samples + 1, sum = sum + excluded.sum,
				least = min(least, excluded.least), most = max(most, excluded.most),
				last = iif(excluded.last_at >= last_at, excluded.last, last), last_at = max(last_at, excluded.last_at)`,
		);
		return (series: number, value: number, at: number) => {
			const start = tierStart(tier, at);
			put.run(series, start / FIGURE_TIERS[tier], value, value, value, value, at - start);
		};
	});
	const ofProfile = db.read<{ id: number }>('figures of a profile', 'SELECT id FROM figure_series WHERE profile = ?');
	const removed = db.read<{ id: number }>(
		'figures of nobody',
		'SELECT id FROM figure_series WHERE profile IS NULL LIMIT 1',
	);
	const deletes = TIERS.map((tier) => ({
		tier,
		old: db.write(
			`old figures of the ${tier}`,
			`DELETE FROM ${TABLES[tier]} WHERE series = ? AND start IN
				(SELECT start FROM ${TABLES[tier]} WHERE series = ? AND start < ? ORDER BY start LIMIT ?)`,
		),
	}));
	const some = db.read<{ one: number }>(
		'any figure',
		`SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM figure_minutes WHERE series = ?)
			OR EXISTS (SELECT 1 FROM figure_hours WHERE series = ?)`,
	);
	const drop = db.write('drop figure series', 'DELETE FROM figure_series WHERE id = ?');
	const cut = db.write('detach figures', 'UPDATE figure_series SET profile = NULL WHERE profile = ?');

	/** Ends a series that has nothing left. */
	const prune = (id: number): boolean => {
		if (some.get(id, id) !== undefined) return false;
		drop.run(id);
		return true;
	};
	const seriesOf = (profile: ProfileId, kind: string, subject: string, figure: string, label: string | null) => {
		const known = find.get(profile, kind, subject, figure);
		if (known === undefined) return make.run(profile, kind, subject, figure, label).lastInsertRowid;
		if (known.label !== label) name.run(label, known.id);
		return known.id;
	};
	return {
		add(profile, { at, samples }) {
			for (const { kind, name: subject, label, values } of samples) {
				for (const [figure, value] of Object.entries(values)) {
					if (value === undefined || !Number.isSafeInteger(value)) continue;
					const series = seriesOf(profile, kind, subject, figure, label);
					for (const put of puts) put(series, value, Math.trunc(at));
				}
			}
		},
		sweep(profile, before, limit) {
			let went = 0;
			for (const { id } of ofProfile.all(profile)) {
				let here = 0;
				for (const { tier, old } of deletes) {
					if (went + here >= limit) return went + here;
					here += old.run(id, id, Math.floor(before[tier] / FIGURE_TIERS[tier]), limit - went - here).changes;
				}
				if (here > 0) prune(id);
				went += here;
			}
			return went;
		},
		detach: (profile) => void cut.run(profile),
		purge(limit) {
			let went = 0;
			while (went < limit) {
				const series = removed.get();
				if (series === undefined) return false;
				for (const { old } of deletes)
					if (went < limit) went += old.run(series.id, series.id, Number.MAX_SAFE_INTEGER, limit - went).changes;
				if (went < limit && !prune(series.id)) return true;
			}
			return true;
		},
	};
}

/** Series of a profile; of one subject alone, or all. */
export function figureSeries(db: ReadHandle, profile: ProfileId, kind: string, only: string | null): readonly Series[] {
	return db
		.read<Series>(
			'list figure series',
			`SELECT id, name, figure, label FROM figure_series
			WHERE profile = ? AND kind = ? AND name = coalesce(?, name) ORDER BY name, id`,
		)
		.all(profile, kind, only);
}

/** What is kept of one series in a tier, oldest first. Epoch ms, half-open. */
export function* keptFigures(
	db: ReadHandle,
	tier: FigureTier,
	series: number,
	since: number,
	until: number,
): Iterable<KeptFigure> {
	const width = FIGURE_TIERS[tier];
	const rows = db
		.read<Row>(
			`figures of the ${tier}`,
			`SELECT start, samples, sum, least, most, last, last_at FROM ${TABLES[tier]}
			WHERE series = ? AND start >= ? AND start < ? ORDER BY start`,
		)
		.all(series, Math.floor(since / width), Math.ceil(until / width));
	for (const { start, last_at, ...rest } of rows)
		yield { ...rest, start: start * width, lastAt: start * width + last_at };
}

/** Figures over time. `invalid-input` where the spans are too many. */
export function figureHistory(db: ReadHandle, request: FigureRequest, minutesSince: number): Result<FigureHistory> {
	const { profile, kind, since, until, zone } = request;
	// What is older is there by the hour alone.
	const least = since < minutesSince ? '1h' : '1m';
	const wanted = request.bucket === 'auto' ? autoBucket(since, until) : request.bucket;
	const bucket = request.bucket === 'auto' && least === '1h' && wanted !== '1d' ? '1h' : wanted;
	if (bucketCount(bucket, since, until) > MOST_BUCKETS) {
		return fail(
			'invalid-input',
			`bucket: ${bucket} makes more than ${MOST_BUCKETS} of that time. Take a wider one, or less time.`,
			{ details: { field: 'bucket' } },
		);
	}
	const tier: FigureTier = bucket === '1h' || bucket === '1d' ? 'hour' : 'minute';
	return db.snapshot(() => {
		const time = buckets(bucket, zone);
		const times = spanStarts(time, since, until);
		const from = times[0] ?? since;
		const newest = db.read<{ start: number | null }>(
			`newest figure of the ${tier}`,
			`SELECT max(start) AS start FROM ${TABLES[tier]} WHERE series = ? AND start >= ? AND start < ?`,
		);
		const width = FIGURE_TIERS[tier];
		const subjects = new Map<string, { readonly series: Series[]; last: number }>();
		for (const one of figureSeries(db, profile, kind, request.name)) {
			if (request.name === null && one.name === '') continue;
			const last = newest.get(one.id, Math.floor(from / width), Math.ceil(until / width))?.start ?? null;
			if (last === null) continue;
			const subject = subjects.get(one.name) ?? { series: [], last };
			subject.series.push(one);
			subject.last = Math.max(subject.last, last);
			subjects.set(one.name, subject);
		}
		const chosen = [...subjects]
			.sort((a, b) => b[1].last - a[1].last || (a[0] < b[0] ? -1 : 1))
			.slice(0, request.limit);
		const items = chosen.map(([name, { series }]): FigureSubject => {
			const figures: Partial<Record<FigureName, FigureLine>> = {};
			for (const { id, figure } of series) {
				if (request.figures !== null && !request.figures.includes(figure)) continue;
				figures[figure] = figureLine(keptFigures(db, tier, id, from, until), time, times);
			}
			return { name, label: series[0]?.label ?? null, figures };
		});
		return ok({ items, total: subjects.size, times, bucket, since, until, minutesSince });
	});
}
