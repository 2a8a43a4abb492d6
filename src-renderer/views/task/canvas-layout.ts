/** Where the nodes of a canvas stand: a row per layer, or several where it is wide, each node near those that lead to it. Pure. */
import type { Canvas, CanvasEdge, CanvasNode } from '#main/domain/canvas.ts';

export const NODE_WIDTH = 176;
export const NODE_HEIGHT = 46;
const GAP_X = 16;
const GAP_Y = 38;
/** Between rows of one layer. */
const GAP_WITHIN = 12;
const MARGIN = 8;

export interface PlacedNode {
	readonly node: CanvasNode;
	readonly x: number;
	readonly y: number;
}

export interface PlacedEdge {
	readonly edge: CanvasEdge;
	/** For `d` of a path. */
	readonly path: string;
	readonly labelX: number;
	readonly labelY: number;
}

export interface CanvasLayout {
	readonly nodes: readonly PlacedNode[];
	readonly edges: readonly PlacedEdge[];
	readonly width: number;
	readonly height: number;
}

/** How many nodes fit beside each other in so many px; at least one. */
export function nodesIn(width: number): number {
	return Math.max(1, Math.floor((width - 2 * MARGIN + GAP_X) / (NODE_WIDTH + GAP_X)));
}

/** Places a canvas, at most so many nodes beside each other. The same canvas is placed the same each time. */
export function layoutOf(canvas: Canvas, across = Number.POSITIVE_INFINITY): CanvasLayout {
	const rows: CanvasNode[][] = [];
	for (const node of canvas.nodes) {
		rows[node.layer] ??= [];
		rows[node.layer]?.push(node);
	}
	const before = new Map<string, string[]>();
	for (const { from, to } of canvas.edges) before.set(to, [...(before.get(to) ?? []), from]);
	const column = new Map<string, number>();
	const top = new Map<string, number>();
	let y = MARGIN;
	let widest = 1;
	for (const row of rows) {
		// Around the middle of what leads there; equals in their order.
		const wish = new Map(row.map((node, at) => [node.key, middle(before.get(node.key) ?? [], column) ?? at]));
		row.sort((a, b) => (wish.get(a.key) ?? 0) - (wish.get(b.key) ?? 0));
		const lines = Math.ceil(row.length / across) || 1;
		// Filled evenly, so that no node stands alone under many.
		const each = Math.ceil(row.length / lines);
		for (const [at, node] of row.entries()) {
			const line = Math.floor(at / each);
			const length = Math.min(each, row.length - line * each);
			column.set(node.key, at - line * each - (length - 1) / 2);
			top.set(node.key, y + line * (NODE_HEIGHT + GAP_WITHIN));
		}
		widest = Math.max(widest, each);
		y += lines * (NODE_HEIGHT + GAP_WITHIN) - GAP_WITHIN + GAP_Y;
	}
	const width = widest * (NODE_WIDTH + GAP_X) - GAP_X + 2 * MARGIN;
	const place = new Map<string, PlacedNode>();
	for (const node of canvas.nodes) {
		const x = width / 2 + (column.get(node.key) ?? 0) * (NODE_WIDTH + GAP_X) - NODE_WIDTH / 2;
		place.set(node.key, { node, x, y: top.get(node.key) ?? MARGIN });
	}
	const edges = canvas.edges.flatMap((edge): PlacedEdge[] => {
		const [from, to] = [place.get(edge.from), place.get(edge.to)];
		if (from === undefined || to === undefined) return [];
		const [x1, y1] = [from.x + NODE_WIDTH / 2, from.y + NODE_HEIGHT];
		const [x2, y2] = [to.x + NODE_WIDTH / 2, to.y];
		const half = (y2 - y1) / 2;
		const path = `M${x1},${y1} C${x1},${y1 + half} ${x2},${y2 - half} ${x2},${y2}`;
		return [{ edge, path, labelX: (x1 + x2) / 2, labelY: (y1 + y2) / 2 }];
	});
	const height = y - GAP_Y + MARGIN;
	return { nodes: canvas.nodes.flatMap((node) => place.get(node.key) ?? []), edges, width, height };
}

function middle(keys: readonly string[], column: ReadonlyMap<string, number>): number | null {
	const known = keys.map((key) => column.get(key)).filter((at) => at !== undefined);
	return known.length === 0 ? null : known.reduce((sum, at) => sum + at, 0) / known.length;
}
