/**
 * A chart as a picture that stands by itself, for files: an SVG text with its title, its axes and its legend, in colours that are
 * given. Pure; every text is escaped, so that a task's name stays a name.
 */
import { barEnd, lineFade, stackEdges } from './chart-stack.ts';
import { type Dot, logAxis, placeOn, ticksOf, tickText } from './dot-chart.ts';
import { cellText, type Figures } from './figures.ts';
import { compactCount, middleTruncate } from './format.ts';
import { lineDash } from './time-chart.ts';

/** Colours as `#rrggbb`. */
export interface PictureColours {
	readonly ground: string;
	readonly ink: string;
	readonly quiet: string;
	readonly line: string;
	/** Of a bar, line or group, by its place. */
	readonly series: (place: number) => string;
}

export type PictureBody =
	| { readonly kind: 'bars'; readonly bars: readonly { label: string; value: number; text: string }[] }
	| {
			readonly kind: 'lines';
			/** Bars of so many ms, in which the lines lie one on another; null: lines. */
			readonly stack: number | null;
			readonly times: readonly number[];
			readonly lines: readonly { label: string; values: readonly (number | null)[] }[];
			readonly moment: (at: number) => string;
	  }
	| { readonly kind: 'dots'; readonly dots: readonly Dot[]; readonly x: string; readonly y: string }
	| { readonly kind: 'table'; readonly figures: Figures };

export interface Picture {
	readonly title: string;
	/** What it was computed of. */
	readonly note: string;
	readonly body: PictureBody;
}

export interface DrawnPicture {
	readonly svg: string;
	readonly width: number;
	readonly height: number;
}

const WIDTH = 960;
const PAD = 24;
const TOP = 78;
const ROW = 24;
/** More rows than this are left out of a picture, which says so. */
const MOST_ROWS = 60;

/** Draws it. */
export function drawPicture(picture: Picture, colours: PictureColours): DrawnPicture {
	const { svg, height } = bodyOf(picture.body, colours);
	const whole = TOP + height + PAD;
	return {
		width: WIDTH,
		height: whole,
		svg: [
			`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${whole}" viewBox="0 0 ${WIDTH} ${whole}" font-family="Inter, system-ui, sans-serif" font-size="13">`,
			`<rect width="${WIDTH}" height="${whole}" fill="${colours.ground}"/>`,
			text(PAD, 34, picture.title, colours.ink, 'font-size="18" font-weight="600"'),
			text(PAD, 56, picture.note, colours.quiet, 'font-size="12"'),
			`<g transform="translate(0 ${TOP})">${svg}</g></svg>`,
		].join(''),
	};
}

function bodyOf(body: PictureBody, colours: PictureColours): { readonly svg: string; readonly height: number } {
	switch (body.kind) {
		case 'bars':
			return bars(body.bars, colours);
		case 'lines':
			return lines(body, colours);
		case 'dots':
			return dots(body, colours);
		case 'table':
			return table(body.figures, colours);
	}
}

function bars(
	all: readonly { label: string; value: number; text: string }[],
	colours: PictureColours,
): { readonly svg: string; readonly height: number } {
	const most = all.reduce((top, { value }) => Math.max(top, value), 0);
	const from = 290;
	const room = WIDTH - from - 130;
	const shown = all.slice(0, MOST_ROWS);
	const svg = shown.map(({ label, value, text: written }, place) => {
		const width = most === 0 ? 0 : Math.max(1, (value / most) * room);
		return (
			text(from - 12, place * ROW + 15, middleTruncate(label, 40), colours.ink, 'text-anchor="end"') +
			`<rect x="${from}" y="${place * ROW + 3}" width="${width.toFixed(1)}" height="15" rx="2" fill="${colours.series(place)}"/>` +
			text(from + width + 8, place * ROW + 15, written, colours.quiet)
		);
	});
	return withRest(svg, shown.length, all.length, colours);
}

function withRest(svg: readonly string[], shown: number, all: number, colours: PictureColours) {
	const rest =
		shown < all ? text(PAD, shown * ROW + 16, `${all - shown} more are not in this picture`, colours.quiet) : '';
	return { svg: svg.join('') + rest, height: (shown + (shown < all ? 1 : 0)) * ROW };
}

const PLOT = { left: 64, right: WIDTH - PAD, height: 320 };

function lines(
	{ times, lines: all, moment, stack }: Extract<PictureBody, { kind: 'lines' }>,
	colours: PictureColours,
): { readonly svg: string; readonly height: number } {
	const first = times[0] ?? 0;
	const span = Math.max(1, (times.at(-1) ?? 0) + (stack ?? 0) - first);
	const edges = stack === null ? null : stackEdges(all, new Set(), times.length);
	const highs = edges?.map((line) => line.map((edge) => edge?.[1] ?? 0)) ?? all.map(({ values }) => values);
	const most = highs.reduce((high, values) => values.reduce<number>((a, b) => Math.max(a, b ?? 0), high), 0) || 1;
	// Quarters of it are what is written at them.
	const top = most >= 8 ? Math.ceil(most / 4) * 4 : most;
	const x = (at: number): number => PLOT.left + ((at - first) / span) * (PLOT.right - PLOT.left);
	const y = (value: number): number => PLOT.height - (value / top) * (PLOT.height - 8);
	const out: string[] = [];
	for (let step = 0; step <= 4; step += 1) {
		const value = (top * step) / 4;
		const written = top >= 8 ? compactCount(Math.round(value)) : String(Number(value.toPrecision(2)));
		out.push(rule(PLOT.left, y(value), PLOT.right, y(value), colours));
		out.push(text(PLOT.left - 8, y(value) + 4, written, colours.quiet, 'text-anchor="end" font-size="12"'));
		const at = first + (span * step) / 4;
		const anchor = step === 0 ? 'start' : step === 4 ? 'end' : 'middle';
		out.push(text(x(at), PLOT.height + 18, moment(at), colours.quiet, `text-anchor="${anchor}" font-size="12"`));
	}
	all.forEach((line, place) => {
		const row = PLOT.height + 46 + place * 20;
		out.push(text(PLOT.left + 38, row, middleTruncate(line.label, 90), colours.ink));
		if (stack !== null) {
			const fill = `fill="${colours.series(place)}" fill-opacity="${lineFade(place)}"`;
			for (const [index, edge] of (edges?.[place] ?? []).entries()) {
				if (edge === null || edge[0] === edge[1]) continue;
				const left = x(times[index] ?? 0);
				const width = Math.max(0.5, x(barEnd(times, index, stack)) - left - 0.5);
				const height = Math.max(0.5, y(edge[0]) - y(edge[1]) - 0.5);
				out.push(
					`<rect x="${left.toFixed(1)}" y="${y(edge[1]).toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" ${fill}/>`,
				);
			}
			out.push(`<rect x="${PLOT.left + 4}" y="${row - 10}" width="20" height="11" rx="1" ${fill}/>`);
			return;
		}
		const dash = lineDash(place).join(' ');
		const stroke = `fill="none" stroke="${colours.series(place)}" stroke-width="1.8"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
		for (const part of runsOf(line.values)) {
			const points = part.map((index) => `${x(times[index] ?? 0).toFixed(1)},${y(line.values[index] ?? 0).toFixed(1)}`);
			if (points.length === 1) {
				const [cx = '0', cy = '0'] = (points[0] ?? '').split(',');
				out.push(`<circle cx="${cx}" cy="${cy}" r="2.4" fill="${colours.series(place)}"/>`);
			} else out.push(`<polyline ${stroke} points="${points.join(' ')}"/>`);
		}
		out.push(`<line x1="${PLOT.left}" x2="${PLOT.left + 28}" y1="${row - 4}" y2="${row - 4}" ${stroke}/>`);
	});
	return { svg: out.join(''), height: PLOT.height + 40 + all.length * 20 };
}

/** Stretches of values without a gap, by their indexes. */
function runsOf(values: readonly (number | null)[]): readonly (readonly number[])[] {
	const runs: number[][] = [];
	let open: number[] | null = null;
	values.forEach((value, index) => {
		if (value === null) open = null;
		else if (open === null) {
			open = [index];
			runs.push(open);
		} else open.push(index);
	});
	return runs;
}

function dots(
	{ dots: all, x: xLabel, y: yLabel }: Extract<PictureBody, { kind: 'dots' }>,
	colours: PictureColours,
): { readonly svg: string; readonly height: number } {
	const xAxis = logAxis(all.map((dot) => dot.x));
	const yAxis = logAxis(all.map((dot) => dot.y));
	const x = (value: number): number => PLOT.left + placeOn(xAxis, value) * (PLOT.right - PLOT.left);
	const y = (value: number): number => PLOT.height - placeOn(yAxis, value) * (PLOT.height - 8);
	const groups = [...new Set(all.map((dot) => dot.group))];
	const out = [
		...ticksOf(xAxis).flatMap((tick) => [
			rule(x(tick), 8, x(tick), PLOT.height, colours),
			text(x(tick), PLOT.height + 18, tickText(tick), colours.quiet, 'text-anchor="middle" font-size="12"'),
		]),
		...ticksOf(yAxis).flatMap((tick) => [
			rule(PLOT.left, y(tick), PLOT.right, y(tick), colours),
			text(PLOT.left - 8, y(tick) + 4, tickText(tick), colours.quiet, 'text-anchor="end" font-size="12"'),
		]),
		...all.map(
			(dot) =>
				`<circle cx="${x(dot.x).toFixed(1)}" cy="${y(dot.y).toFixed(1)}" r="4.5" fill="${colours.series(groups.indexOf(dot.group))}" fill-opacity="0.75"/>`,
		),
		text(PLOT.right, PLOT.height + 38, `Across: ${xLabel}. Up: ${yLabel}.`, colours.quiet, 'text-anchor="end"'),
	];
	return { svg: out.join(''), height: PLOT.height + 44 };
}

function table({ columns, rows }: Figures, colours: PictureColours): { readonly svg: string; readonly height: number } {
	const first = columns.length > 6 ? 320 : (WIDTH - 2 * PAD) / Math.max(1, columns.length);
	const other = (WIDTH - 2 * PAD - first) / Math.max(1, columns.length - 1);
	const place = (index: number): number => (index === 0 ? PAD : PAD + first + index * other);
	const anchor = (index: number): string => (index === 0 ? 'font-size="12"' : 'text-anchor="end" font-size="12"');
	const shown = rows.slice(0, MOST_ROWS);
	const svg = [
		columns.map(({ label }, index) => text(place(index), 15, label, colours.quiet, anchor(index))).join(''),
		...shown.map(({ cells }, row) =>
			columns
				.map(({ kind }, index) =>
					text(
						place(index),
						(row + 1) * ROW + 15,
						middleTruncate(cellText(cells[index] ?? null, kind), 44),
						colours.ink,
						anchor(index),
					),
				)
				.join(''),
		),
	];
	return withRest(svg, shown.length + 1, rows.length + 1, colours);
}

function rule(x1: number, y1: number, x2: number, y2: number, { line }: PictureColours): string {
	const at = [x1, y1, x2, y2].map((value) => value.toFixed(1));
	return `<line x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}" stroke="${line}"/>`;
}

function text(x: number, y: number, words: string, fill: string, more = ''): string {
	return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${fill}" ${more}>${escaped(words)}</text>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** XML has no place for most control characters, nor for half of a pair. */
function escaped(words: string): string {
	return words
		.toWellFormed()
		.replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, '\uFFFD')
		.replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);
}
