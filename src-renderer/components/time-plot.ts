/** Draws lines over time on a canvas, by uPlot. The only file that knows uPlot; `TimeChart.svelte` is what others use. */
import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import { barAt, barEnd, lineFade, type Part, partAt, stackEdges } from './chart-stack.ts';
import { tokenColour } from './terminal-theme.ts';
import { type ChartLine, emptySpans, lineDash, lineToken, lonePoints, tickTexts } from './time-chart.ts';

/** What is drawn. */
export interface PlotData {
	/** Epoch ms, rising. */
	readonly times: readonly number[];
	readonly lines: readonly ChartLine[];
	/** Ends of the time axis; null: those of `times`. */
	readonly from: number | null;
	readonly to: number | null;
	/** Lines that are left out, by their index. */
	readonly hidden: ReadonlySet<number>;
}

/** How it is drawn; another way of drawing is another plot. */
export interface PlotStyle {
	readonly shape: 'line' | 'steps' | 'stack';
	/** How long the bars of a stack are, in ms. */
	readonly span: number;
	readonly zone: string | undefined;
	/** Ticks at whole numbers only. */
	readonly whole: boolean;
	/** What is written at a tick of the upright axis. */
	readonly tick: (value: number) => string;
}

/** A drawing in an element; disposing of it takes it away. */
export interface TimePlot extends Disposable {
	/** Whether these data have the lines and bands that this plot was made for. */
	fits(data: PlotData): boolean;
	show(data: PlotData): void;
	/** Puts the upright hair at a moment, by its index; null takes it away. */
	point(index: number | null): void;
	/** Puts a frame around a part of a bar; null takes it away. */
	mark(part: Part | null): void;
	resize(width: number, height: number): void;
	/** Reads the colours again: the theme has changed. */
	recolour(): void;
	readonly canvas: HTMLCanvasElement;
}

/** Whether this page can draw at all. */
export function canDraw(page: Document): boolean {
	return page.createElement('canvas').getContext('2d') !== null;
}

/** uPlot counts whole px only when it scales a font, so the small text's 11.5 px cannot be used here. */
const FONT = "11px 'Inter Variable', system-ui, sans-serif";
const WHOLE_STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** What a plot tells of the pointer. */
export interface PlotTold {
	/** The moment under it has changed, by its index, and in a stack the line (null: none). */
	point(index: number | null, line: number | null): void;
	/** A part of a bar was clicked; null: clicks do nothing. */
	readonly pick: ((line: number, index: number) => void) | null;
}

/** Makes a plot. */
export function createTimePlot(host: HTMLElement, first: PlotData, style: PlotStyle, tell: PlotTold): TimePlot {
	let data = first;
	let colours = readColours(host, data.lines);
	/** The keyboard puts the hair somewhere too; that must not be told as the pointer's doing. */
	let telling = true;
	const bands = data.lines.map((line) => line.low !== undefined && line.high !== undefined);
	const banded = data.lines.flatMap((_, index) => (bands[index] === true ? [index] : []));
	const edge = (position: number): number => 1 + data.lines.length + 2 * position;
	const stack = style.shape === 'stack';
	let marked: Part | null = null;
	const frame = document.createElement('div');
	frame.className = 'part-frame';
	frame.hidden = true;
	let edges = stack ? stackEdges(data.lines, data.hidden, data.times.length) : [];
	const stepped = uPlot.paths.stepped?.({ align: 1 });
	const ink = () => colours.ink;
	const axis = { stroke: ink, font: FONT, grid: { stroke: () => colours.grid, width: 1 }, ticks: { show: false } };

	const plot = new uPlot(
		{
			width: Math.max(1, host.clientWidth),
			height: Math.max(1, host.clientHeight),
			ms: 1,
			legend: { show: false },
			...(style.zone !== undefined && { tzDate: (at: number) => uPlot.tzDate(new Date(at), style.zone ?? 'UTC') }),
			cursor: {
				y: false,
				drag: { x: false, y: false, setScale: false },
				points: {
					...(stack && { show: false }),
					size: 7,
					width: 1.5,
					fill: () => colours.ground,
					stroke: (_, series) => colours.lines[series - 1] ?? '',
				},
			},
			scales: {
				x: { time: true, range: (_, least, most) => [data.from ?? least, data.to ?? most + (stack ? style.span : 0)] },
				y: { range: (_, least, most) => [Math.min(0, least ?? 0), Math.max(1, (most ?? 0) * 1.08)] },
			},
			axes: [
				{
					...axis,
					size: 22,
					space: 64,
					values: (_, splits, __, ___, step) => tickTexts(splits, step, style.zone),
				},
				{
					...axis,
					space: 28,
					size: (_, texts) => Math.max(34, 14 + 6.5 * Math.max(0, ...(texts ?? []).map((text) => `${text}`.length))),
					...(style.whole && { incrs: WHOLE_STEPS }),
					values: (_, splits) => splits.map(style.tick),
				},
			],
			series: [
				{},
				...data.lines.map((line, index): uPlot.Series => {
					return {
						label: line.label,
						width: stack ? 0 : 1.5,
						dash: [...lineDash(index)],
						stroke: () => colours.lines[index] ?? '',
						...(style.shape === 'steps' && stepped !== undefined && { paths: stepped }),
						...(stack && { paths: partsOf, fill: () => faded(colours.lines[index] ?? '', lineFade(index)) }),
						points: {
							show: false,
							size: 4,
							fill: () => colours.lines[index] ?? '',
							...(!stack && { filter: () => lonePoints(data.lines[index]?.values ?? []) }),
						},
					};
				}),
				...banded.flatMap((): uPlot.Series[] => [
					{ width: 0, points: { show: false } },
					{ width: 0, points: { show: false } },
				]),
			],
			bands: banded.map((index, position) => ({
				series: [edge(position), edge(position) + 1],
				fill: () => `${colours.lines[index]}26`,
			})),
			hooks: { drawClear: [shadeGaps], setCursor: [told], draw: [placeFrame] },
		},
		aligned(data),
		host,
	);
	plot.over.append(frame);
	hide();
	if (tell.pick !== null) plot.over.addEventListener('click', picked);

	function aligned({ times, lines }: PlotData): uPlot.AlignedData {
		if (stack) return [[...times], ...edges.map((line) => line.map((edge) => edge?.[1] ?? null))];
		const bandEdges = banded.flatMap((index) => [[...(lines[index]?.high ?? [])], [...(lines[index]?.low ?? [])]]);
		return [[...times], ...lines.map((line) => [...line.values]), ...bandEdges];
	}
	function hide(): void {
		for (let index = 0; index < data.lines.length; index += 1) {
			const show = !data.hidden.has(index);
			if (plot.series[index + 1]?.show !== show) plot.setSeries(index + 1, { show });
			const position = banded.indexOf(index);
			if (position < 0 || plot.series[edge(position)]?.show === show) continue;
			plot.setSeries(edge(position), { show });
			plot.setSeries(edge(position) + 1, { show });
		}
	}
	/** Where nothing is known the ground is darker: a gap reads as a gap also at the axis, where nought would lie. */
	function shadeGaps(self: uPlot): void {
		const { left, top, width, height } = self.bbox;
		const place = (index: number, otherwise: number): number => {
			const at = data.times[index];
			return at === undefined ? otherwise : Math.min(left + width, Math.max(left, self.valToPos(at, 'x', true)));
		};
		self.ctx.save();
		self.ctx.fillStyle = colours.gap;
		for (const [from, to] of emptySpans(data.lines, data.times.length)) {
			const start = place(from - 1, left);
			self.ctx.fillRect(start, top, place(to + 1, left + width) - start, height);
		}
		self.ctx.restore();
	}
	/** The parts of a line in its bars. A hair of ground stays between neighbours where there is room, so that colour alone does not part them. */
	function partsOf(self: uPlot, series: number): uPlot.Series.Paths {
		const fill = new Path2D();
		const hair = devicePixelRatio;
		for (const [index, edge] of (edges[series - 1] ?? []).entries()) {
			if (edge === null || edge[0] === edge[1]) continue;
			const left = self.valToPos(data.times[index] ?? 0, 'x', true);
			const right = self.valToPos(barEnd(data.times, index, style.span), 'x', true);
			const top = self.valToPos(edge[1], 'y', true);
			const bottom = self.valToPos(edge[0], 'y', true);
			const across = right - left > 4 * hair ? hair : 0;
			const up = bottom - top > 3 * hair ? hair : 0;
			fill.rect(left, top, Math.max(1, right - left - across), Math.max(1, bottom - top - up));
		}
		return { stroke: null, fill };
	}
	/** An element and not a stroke on the canvas: its colours are those of every focus, in either theme. */
	function placeFrame(self: uPlot): void {
		const edge = marked === null ? null : (edges[marked.line]?.[marked.index] ?? null);
		frame.hidden = marked === null || edge === null;
		if (marked === null || edge === null) return;
		const left = self.valToPos(data.times[marked.index] ?? 0, 'x');
		const right = self.valToPos(barEnd(data.times, marked.index, style.span), 'x');
		const top = self.valToPos(edge[1], 'y');
		frame.style.left = `${left}px`;
		frame.style.top = `${top}px`;
		frame.style.width = `${Math.max(3, right - left - 1)}px`;
		frame.style.height = `${Math.max(3, self.valToPos(edge[0], 'y') - top - 1)}px`;
	}
	/** What lies under the pointer of a stack. */
	function under(self: uPlot): { readonly index: number | null; readonly line: number | null } {
		const { left = -1, top = -1 } = self.cursor;
		const index = left < 0 ? null : barAt(data.times, self.posToVal(left, 'x'), style.span);
		return { index, line: index === null ? null : partAt(edges, index, self.posToVal(top, 'y')) };
	}
	function told(self: uPlot): void {
		if (!telling) return;
		if (!stack) {
			tell.point((self.cursor.left ?? -1) < 0 ? null : (self.cursor.idx ?? null), null);
			return;
		}
		const { index, line } = under(self);
		self.over.style.cursor = line !== null && tell.pick !== null ? 'pointer' : '';
		tell.point(index, line);
	}
	function picked(): void {
		if (!stack) return;
		const { index, line } = under(plot);
		if (index !== null && line !== null) tell.pick?.(line, index);
	}

	return {
		canvas: plot.ctx.canvas,
		fits: ({ lines }) =>
			lines.length === bands.length &&
			lines.every((line, index) => (line.low !== undefined && line.high !== undefined) === bands[index]),
		show(next) {
			data = next;
			colours = readColours(host, data.lines);
			if (stack) edges = stackEdges(data.lines, data.hidden, data.times.length);
			plot.batch(() => {
				plot.setData(aligned(data));
				hide();
			});
		},
		point(index) {
			telling = false;
			const at = index === null ? undefined : data.times[index];
			plot.setCursor(
				at === undefined
					? { left: -10, top: -10 }
					: { left: plot.valToPos(at + (stack ? style.span / 2 : 0), 'x'), top: 0 },
			);
			telling = true;
		},
		mark(part) {
			marked = part;
			placeFrame(plot);
		},
		resize(width, height) {
			if (width > 0 && height > 0) plot.setSize({ width, height });
		},
		recolour() {
			colours = readColours(host, data.lines);
			plot.redraw(false);
		},
		[Symbol.dispose]() {
			plot.destroy();
		},
	};
}

/** `#rrggbb` and how much of it. */
function faded(colour: string, share: number): string {
	return share === 1
		? colour
		: `${colour}${Math.round(share * 255)
				.toString(16)
				.padStart(2, '0')}`;
}

function readColours(host: HTMLElement, lines: readonly ChartLine[]) {
	return {
		ink: tokenColour('--ink-3', host),
		grid: tokenColour('--line', host),
		gap: tokenColour('--raised-2', host),
		ground: tokenColour('--bg', host),
		lines: lines.map((line, index) => tokenColour(lineToken(index, line.tone), host)),
	};
}
