/**
 * What differs between runs of a task that failed for one cause and runs that succeeded: per field a table of its values against the
 * outcome, tested by Williams' G-test, and ranked by how much knowing the field says about the outcome. Pure.
 */
import { chiSquareTail } from './chi-square.ts';
import type { Query } from './query.ts';
import { formatQuery } from './query-format.ts';
import type { CallArguments, Value } from './value.ts';

/** A run as it is compared; null: not known. Times in epoch ms. */
export interface ComparedRun {
	readonly failed: boolean;
	readonly queue: string | null;
	readonly worker: string | null;
	readonly priority: number | null;
	/** Which attempt of its task it was. */
	readonly attempt: number;
	readonly publishedAt: number | null;
	readonly startedAt: number | null;
	readonly runtimeMs: number | null;
	readonly call: CallArguments | null;
}

/** One value of a field: in how many of the failing and of the succeeding runs it was. */
export interface DifferingValue {
	readonly text: string;
	readonly failing: number;
	readonly succeeding: number;
	/** The value in the query language; null where that has no word for it. */
	readonly query: string | null;
}

/** A field in which failing and succeeding runs differ. */
export interface Difference {
	/** `queue`, `worker`, `priority`, `attempt`, `waited`, `runtime`, `hour`, or a path: `kwargs.user.country`. */
	readonly field: string;
	/** How much of whether a run fails is known once the field is known, 0 to 1, less what chance alone would give. */
	readonly explains: number;
	/** The statistic, corrected for small samples; its degrees of freedom. */
	readonly g: number;
	readonly df: number;
	/** How likely chance gives as much in any of the fields that were tested. */
	readonly p: number;
	/** Runs of which the field is known. */
	readonly failing: number;
	readonly succeeding: number;
	/** The values that tell most, at most five. */
	readonly values: readonly DifferingValue[];
}

/** What came of comparing. */
export interface Differences {
	/** The fields that say most first; empty: none differs more than by chance. */
	readonly items: readonly Difference[];
	/** Fields that had at least two values to compare. */
	readonly tested: number;
	/** False: there are fewer runs of one kind than say anything. */
	readonly enough: boolean;
}

/** Runs needed of each kind. */
export const RUNS_NEEDED = 10;
/** What chance may give in one comparison of a thousand is no difference. */
export const CHANCE = 0.001;

const ITEMS = 20;
const VALUES = 5;
/** Values told apart in a field, and runs that one must be in; the rest is one value. */
const KINDS = 50;
const RUNS_OF_A_KIND = 10;
const TEXT = 60;
/** Of a call: how deep, how many places. */
const DEPTH = 4;
const PLACES = 100;
const FIELDS = 400;
const ABSENT = '(not there)';
const OTHER = '(another)';

interface Field {
	readonly name: string;
	/** Per run: what it has; null: not known. Runs that are not in it have `missing`. */
	readonly cells: Map<number, Cell>;
	/** For runs that have no cell: a path that is not in their arguments. Null: they don't count. */
	readonly missing: string | null;
}

interface Cell {
	readonly text: string;
	/** Set where values have an order. */
	readonly amount: number | null;
	readonly query: Query | null;
}

/** Compares runs. */
export function differences(runs: readonly ComparedRun[]): Differences {
	const failing = runs.filter((run) => run.failed).length;
	if (failing < RUNS_NEEDED || runs.length - failing < RUNS_NEEDED) return { items: [], tested: 0, enough: false };
	const tables = fieldsOf(runs)
		.map((field) => tableOf(field, runs))
		.filter((table) => table !== null);
	const items = tables
		.map((table) => differenceOf(table, tables.length))
		.filter((one) => one.p < CHANCE && one.explains > 0)
		.sort((a, b) => b.explains - a.explains || (a.field < b.field ? -1 : 1))
		.slice(0, ITEMS);
	return { items, tested: tables.length, enough: true };
}

function fieldsOf(runs: readonly ComparedRun[]): readonly Field[] {
	const fields = new Map<string, Field>();
	const put = (at: number, name: string, cell: Cell, missing: string | null = null) => {
		let field = fields.get(name);
		if (field === undefined) {
			if (fields.size >= FIELDS) return;
			field = { name, cells: new Map(), missing };
			fields.set(name, field);
		}
		field.cells.set(at, cell);
	};
	for (const [at, run] of runs.entries()) {
		for (const name of ['queue', 'worker'] as const) {
			const text = run[name];
			if (text !== null)
				put(at, name, { text, amount: null, query: { kind: 'field', field: name, any: [{ kind: 'equals', text }] } });
		}
		if (run.priority !== null) {
			const query: Query = { kind: 'number', field: 'priority', op: '=', value: run.priority };
			put(at, 'priority', { text: String(run.priority), amount: null, query });
		}
		put(at, 'attempt', { text: run.attempt > 4 ? 'later' : String(run.attempt), amount: null, query: null });
		if (run.startedAt !== null) {
			const hour = String(new Date(run.startedAt).getHours()).padStart(2, '0');
			put(at, 'hour', { text: `${hour}:00 to ${hour}:59`, amount: null, query: null });
			if (run.publishedAt !== null) put(at, 'waited', lasting(run.startedAt - run.publishedAt));
		}
		if (run.runtimeMs !== null) put(at, 'runtime', lasting(run.runtimeMs));
		if (run.call !== null) for (const place of placesOf(run.call)) put(at, place.name, place.cell, ABSENT);
	}
	return [...fields.values()];
}

const SPANS: readonly (readonly [number, string])[] = [
	[10, 'under 10 ms'],
	[100, '10 to 100 ms'],
	[1_000, '100 ms to 1 s'],
	[10_000, '1 to 10 s'],
	[60_000, '10 s to 1 min'],
	[600_000, '1 to 10 min'],
];

/** Durations by their order of magnitude. */
function lasting(ms: number): Cell {
	const text = SPANS.find(([below]) => ms < below)?.[1] ?? '10 min and more';
	return { text, amount: null, query: null };
}

/** The places of a call that hold one thing: `args[0]`, `kwargs.user.id`. */
function placesOf(call: CallArguments): readonly { readonly name: string; readonly cell: Cell }[] {
	const places: { readonly name: string; readonly cell: Cell }[] = [];
	const visit = (root: 'args' | 'kwargs', path: readonly string[], name: string, value: Value): void => {
		if (places.length >= PLACES) return;
		const below = (part: string, mark: string, item: Value) => visit(root, [...path, part], name + mark, item);
		if (value.kind === 'dict' && value.entries.length > 0 && path.length < DEPTH) {
			for (const [key, item] of value.entries) if (key.kind === 'str') below(key.value, partText(key.value), item);
			return;
		}
		if ((value.kind === 'list' || value.kind === 'tuple') && value.items.length > 0 && path.length < DEPTH) {
			for (const [at, item] of value.items.slice(0, 10).entries()) below(String(at), `[${at}]`, item);
			return;
		}
		places.push({ name, cell: cellOf(root, path, value) });
	};
	for (const [at, item] of call.args.slice(0, 20).entries()) visit('args', [String(at)], `args[${at}]`, item);
	for (const [key, item] of call.kwargs) visit('kwargs', [key], `kwargs${partText(key)}`, item);
	return places;
}

function partText(key: string): string {
	const short = key.slice(0, TEXT);
	return /^[^\s.:()",[\]]+$/.test(short) ? `.${short}` : `.${JSON.stringify(short)}`;
}

function cellOf(root: 'args' | 'kwargs', path: readonly string[], value: Value): Cell {
	const is = (text: string, quoted: boolean): Query => ({
		kind: 'path',
		root,
		path,
		any: [{ kind: 'is', text, quoted }],
	});
	switch (value.kind) {
		case 'str':
			if (value.value.length > TEXT) return { text: 'a longer text', amount: null, query: null };
			return { text: JSON.stringify(value.value), amount: null, query: is(value.value, true) };
		case 'int':
		case 'float': {
			const amount = Number(value.text);
			return {
				text: value.text.slice(0, TEXT),
				amount: Number.isFinite(amount) ? amount : null,
				query: is(value.text, false),
			};
		}
		case 'bool':
			return { text: value.value ? 'true' : 'false', amount: null, query: is(String(value.value), false) };
		case 'none':
			return { text: 'null', amount: null, query: is('null', false) };
		case 'list':
		case 'tuple':
		case 'dict':
			return { text: `a ${value.kind}`, amount: null, query: null };
		default:
			return { text: value.kind, amount: null, query: null };
	}
}

interface Row {
	readonly text: string;
	readonly query: Query | null;
	failing: number;
	succeeding: number;
}

interface Table {
	readonly field: string;
	readonly rows: readonly Row[];
	readonly failing: number;
	readonly succeeding: number;
}

/**
 * Values against the outcome. Which values are told apart is decided by how often they are, whatever the outcome, or the test would find
 * what was chosen for it. Numbers too different to be told apart are cut into quarters.
 */
function tableOf(field: Field, runs: readonly ComparedRun[]): Table | null {
	const counts = new Map<string, number>();
	for (const { text } of field.cells.values()) counts.set(text, (counts.get(text) ?? 0) + 1);
	const least = Math.max(RUNS_OF_A_KIND, field.cells.size / 200);
	const kept = new Set(
		[...counts]
			.filter(([, count]) => count >= least)
			.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
			.slice(0, KINDS)
			.map(([text]) => text),
	);
	const cuts = quarters(
		[...field.cells.values()].flatMap((cell) => (kept.has(cell.text) || cell.amount === null ? [] : [cell.amount])),
	);
	const rows = new Map<string, Row>();
	let [failing, succeeding] = [0, 0];
	for (const [at, run] of runs.entries()) {
		const cell = field.cells.get(at);
		if (cell === undefined && (field.missing === null || run.call === null)) continue;
		const text = cell === undefined ? ABSENT : kept.has(cell.text) ? cell.text : (spanOf(cuts, cell.amount) ?? OTHER);
		let row = rows.get(text);
		if (row === undefined) {
			row = { text, query: cell !== undefined && kept.has(cell.text) ? cell.query : null, failing: 0, succeeding: 0 };
			rows.set(text, row);
		}
		if (run.failed) {
			row.failing += 1;
			failing += 1;
		} else {
			row.succeeding += 1;
			succeeding += 1;
		}
	}
	// In one order, whatever the runs' is, so that sums come out the same to the last digit.
	const merged = withoutRare([...rows.values()].sort((a, b) => (a.text < b.text ? -1 : 1)));
	if (merged.length < 2 || failing < RUNS_NEEDED || succeeding < RUNS_NEEDED) return null;
	return { field: field.name, rows: merged, failing, succeeding };
}

/** Three amounts that cut into four about equal parts; none where there are too few. */
function quarters(amounts: readonly number[]): readonly number[] {
	if (amounts.length < RUNS_OF_A_KIND * 4) return [];
	const sorted = amounts.toSorted((a, b) => a - b);
	const cuts = [1, 2, 3].map((part) => sorted[Math.floor((sorted.length * part) / 4)] ?? 0);
	return cuts.filter((cut, at) => cut !== cuts[at - 1]);
}

function spanOf(cuts: readonly number[], amount: number | null): string | null {
	const [first] = cuts;
	if (amount === null || first === undefined) return null;
	const at = cuts.findIndex((cut) => amount < cut);
	if (at === 0) return `below ${first}`;
	return at < 0 ? `${cuts.at(-1)} and more` : `${cuts[at - 1]} to below ${cuts[at]}`;
}

/** Values in too few runs become one, since the test's tail holds for counts that are not tiny. */
function withoutRare(rows: readonly Row[]): readonly Row[] {
	const rare = rows.filter((row) => row.failing + row.succeeding < RUNS_OF_A_KIND);
	if (rare.length === 0) return rows;
	const sum: Row = { text: OTHER, query: null, failing: 0, succeeding: 0 };
	for (const row of rare) {
		sum.failing += row.failing;
		sum.succeeding += row.succeeding;
	}
	const rest = rows.filter((row) => !rare.includes(row));
	// Still too few: they are left out rather than counted to something that they are not.
	return sum.failing + sum.succeeding < RUNS_OF_A_KIND ? rest : [...rest, sum];
}

/**
 * G = 2 Σ O ln(O / E), divided by Williams' correction. `explains` is mutual information (G / 2N) over the entropy of the outcome, its
 * most; from both, the mean of G where nothing differs, its degrees of freedom, is taken off first. Without that fields with many values
 * would come first; taken off one only, a field that says everything would not come to 1.
 */
function differenceOf(table: Table, tested: number): Difference {
	const failing = table.rows.reduce((sum, row) => sum + row.failing, 0);
	const succeeding = table.rows.reduce((sum, row) => sum + row.succeeding, 0);
	const all = failing + succeeding;
	const df = table.rows.length - 1;
	const part = (seen: number, of: number, row: Row) =>
		seen === 0 ? 0 : seen * Math.log((seen * all) / (of * (row.failing + row.succeeding)));
	const weight = (row: Row) => part(row.failing, failing, row) + part(row.succeeding, succeeding, row);
	// How far the failing runs with a value are from as many as they would be by chance.
	const off = (row: Row) => {
		const expected = ((row.failing + row.succeeding) * failing) / all;
		return (row.failing - expected) ** 2 / expected;
	};
	const raw = 2 * table.rows.reduce((sum, row) => sum + weight(row), 0);
	const byOutcome = all / failing + all / succeeding - 1;
	const byValue = table.rows.reduce((sum, row) => sum + all / (row.failing + row.succeeding), 0) - 1;
	const correction = 1 + (byOutcome * byValue) / (6 * all * df);
	const g = raw / correction;
	const share = failing / all;
	const entropy = -(share * Math.log(share) + (1 - share) * Math.log(1 - share));
	const most = (2 * all * entropy) / correction;
	return {
		field: table.field,
		explains: most <= df ? 0 : Math.min(1, Math.max(0, (g - df) / (most - df))),
		g,
		df,
		p: Math.min(1, chiSquareTail(g, df) * tested),
		failing,
		succeeding,
		values: table.rows
			.toSorted((a, b) => off(b) - off(a) || (a.text < b.text ? -1 : 1))
			.slice(0, VALUES)
			.map(({ text, query, ...counts }) => ({ text, ...counts, query: query === null ? null : formatQuery(query) })),
	};
}
