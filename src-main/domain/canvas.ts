/**
 * Tasks that belong together, as a graph: chains, groups, chords, and what a task called. Pure: from what is known of each task to
 * nodes and edges in layers, whatever the data says, circles and strangers included.
 */
import type { TaskState } from './task.ts';

/** A task as far as it is known, with what ties it to others. Null: not known. */
export interface CanvasTask {
	readonly id: string;
	readonly name: string | null;
	readonly state: TaskState | null;
	readonly parentId: string | null;
	readonly groupId: string | null;
	/** Tasks that it started, as its result tells. */
	readonly children: readonly string[];
	/** What its message carries for later: the rest of its chain, callbacks, the body of its chord. */
	readonly later: readonly CanvasLater[];
}

/** A task that is to be sent later. */
export interface CanvasLater {
	readonly role: 'chain' | 'callback' | 'errback' | 'chord';
	/** The id it will have; null: it gets one when it is sent. */
	readonly id: string | null;
	/** Its task, or `group`, `chain`, `chord`. */
	readonly name: string;
}

/** `group`: stands before its members, or for all of them. `pending`: not sent. `missing`: named by others, and not known. */
export type CanvasKind = 'task' | 'group' | 'pending' | 'missing';
export type CanvasTie = 'called' | 'chain' | 'member' | 'chord' | 'callback' | 'errback';

export interface CanvasNode {
	/** Unique in its canvas. */
	readonly key: string;
	readonly kind: CanvasKind;
	/** The task to open; null: there is none. */
	readonly task: string | null;
	readonly name: string | null;
	readonly state: TaskState | null;
	/** Of a group: how many members are in which state; `unknown` of those of which nothing is known. */
	readonly counts: Readonly<Partial<Record<TaskState | 'unknown', number>>> | null;
	/** Of a group whose members are not drawn one by one. */
	readonly collapsed: boolean;
	/** The task that was asked about. */
	readonly focus: boolean;
	/** 0 for what nothing comes before. */
	readonly layer: number;
}

export interface CanvasEdge {
	readonly from: string;
	readonly to: string;
	readonly tie: CanvasTie;
}

export interface Canvas {
	/** By layer, then in the order in which they were given. */
	readonly nodes: readonly CanvasNode[];
	readonly edges: readonly CanvasEdge[];
	/** Nodes left out, those furthest from the task asked about. */
	readonly dropped: number;
	/** Ties left out because they close a circle, which no real canvas has. */
	readonly circles: number;
}

/** Tasks that belong together, and what the picture was made of. */
export interface CanvasView extends Canvas {
	/** How many tasks history, results and messages told of. */
	readonly told: { readonly history: number; readonly results: number; readonly messages: number };
	/** Why results are not part of it; null: they are. */
	readonly without: string | null;
}

/** Members of a group that are drawn one by one; of more than these it stands for them all. */
export const MOST_MEMBERS = 12;
/** Nodes of one canvas. */
export const MOST_NODES = 300;

interface Draft {
	key: string;
	kind: CanvasKind;
	task: string | null;
	name: string | null;
	state: TaskState | null;
	counts: Partial<Record<TaskState | 'unknown', number>> | null;
	collapsed: boolean;
}

/** Builds the graph around a task. `expanded`: groups whose members are drawn one by one, however many. */
export function buildCanvas(
	tasks: readonly CanvasTask[],
	focus: string,
	limits: { readonly members?: number; readonly nodes?: number; readonly expanded?: readonly string[] } = {},
): Canvas {
	const most = limits.nodes ?? MOST_NODES;
	const known = new Map(tasks.map((task) => [task.id, task]));
	const nodes = new Map<string, Draft>();
	const edges = new Map<string, CanvasEdge>();
	const groups = groupsOf(tasks);
	/** The node that stands for a task: its own, or its group's. */
	const standIn = new Map<string, string>();
	const tie = (from: string, to: string, kind: CanvasTie) => {
		const key = `${from}\n${to}`;
		if (from !== to && !edges.has(key)) edges.set(key, { from, to, tie: kind });
	};
	for (const [id, members] of groups) {
		const big = members.length > (limits.members ?? MOST_MEMBERS);
		const collapsed = big && limits.expanded?.includes(id) !== true;
		nodes.set(groupKey(id), {
			key: groupKey(id),
			kind: 'group',
			task: null,
			name: null,
			state: null,
			counts: countsOf(members),
			collapsed,
		});
		for (const member of members) if (collapsed && member.id !== focus) standIn.set(member.id, groupKey(id));
	}
	for (const task of tasks) {
		if (standIn.has(task.id)) continue;
		nodes.set(taskKey(task.id), draftOf(task));
		standIn.set(task.id, taskKey(task.id));
	}
	/** The node of an id, made where nothing is known of it. */
	const nodeOf = (id: string): string => {
		const there = standIn.get(id);
		if (there !== undefined) return there;
		const key = taskKey(id);
		nodes.set(key, { key, kind: 'missing', task: id, name: null, state: null, counts: null, collapsed: false });
		standIn.set(id, key);
		return key;
	};
	for (const task of tasks) {
		const own = nodeOf(task.id);
		// The first link of what a group's members have in common leads to the group.
		const entry = task.groupId === null ? own : groupKey(task.groupId);
		if (task.groupId !== null) tie(entry, own, 'member');
		if (task.parentId !== null && task.parentId !== task.id) tie(nodeOf(task.parentId), entry, 'called');
		for (const child of task.children) {
			if (child === task.id) continue;
			const group = known.get(child)?.groupId ?? null;
			tie(own, group === null || group === task.groupId ? nodeOf(child) : groupKey(group), 'called');
		}
	}
	for (const task of tasks) addLater(task, { nodes, standIn, tie, own: nodeOf(task.id) });
	return arranged([...nodes.values()], [...edges.values()], standIn.get(focus) ?? taskKey(focus), most);
}

function addLater(
	task: CanvasTask,
	into: {
		readonly nodes: Map<string, Draft>;
		readonly standIn: ReadonlyMap<string, string>;
		readonly tie: (from: string, to: string, kind: CanvasTie) => void;
		readonly own: string;
	},
): void {
	const { nodes, standIn, tie, own } = into;
	let last = own;
	for (const [at, later] of task.later.entries()) {
		const from =
			later.role === 'chain' ? last : later.role === 'chord' && task.groupId !== null ? groupKey(task.groupId) : own;
		let to = later.id === null ? undefined : standIn.get(later.id);
		if (to === undefined) {
			// All members of a group carry the same chord, and all links of a chain those that follow: one id, one node.
			const shared = later.role === 'chord' && task.groupId !== null ? groupKey(task.groupId) : task.id;
			to = later.id === null ? `pending:${shared}:${later.role}:${at}` : `pending:${later.id}`;
			if (!nodes.has(to)) {
				nodes.set(to, {
					key: to,
					kind: 'pending',
					task: null,
					name: later.name,
					state: null,
					counts: null,
					collapsed: false,
				});
			}
		}
		tie(from, to, later.role);
		if (later.role === 'chain') last = to;
	}
}

function groupsOf(tasks: readonly CanvasTask[]): ReadonlyMap<string, readonly CanvasTask[]> {
	const groups = new Map<string, CanvasTask[]>();
	for (const task of tasks) {
		if (task.groupId === null) continue;
		const some = groups.get(task.groupId);
		if (some === undefined) groups.set(task.groupId, [task]);
		else some.push(task);
	}
	return groups;
}

function draftOf(task: CanvasTask): Draft {
	// A task of which nothing but its id is known is named by others only.
	const stranger = task.name === null && task.state === null;
	return {
		key: taskKey(task.id),
		kind: stranger ? 'missing' : 'task',
		task: task.id,
		name: task.name,
		state: task.state,
		counts: null,
		collapsed: false,
	};
}

function countsOf(members: readonly CanvasTask[]): NonNullable<Draft['counts']> {
	const counts: NonNullable<Draft['counts']> = {};
	for (const { state } of members) counts[state ?? 'unknown'] = (counts[state ?? 'unknown'] ?? 0) + 1;
	return counts;
}

/** Keeps what is nearest to the focus, and puts it in layers. */
function arranged(drafts: readonly Draft[], edges: readonly CanvasEdge[], focus: string, most: number): Canvas {
	const near = nearest(drafts, edges, focus, most);
	const kept = drafts.filter(({ key }) => near.has(key));
	const ties = edges.filter(({ from, to }) => near.has(from) && near.has(to));
	const { layers, cut } = layersOf(kept, ties);
	const nodes = kept.map(
		(draft): CanvasNode => ({ ...draft, focus: draft.key === focus, layer: layers.get(draft.key) ?? 0 }),
	);
	nodes.sort((a, b) => a.layer - b.layer);
	return {
		nodes,
		edges: ties.filter((edge) => !cut.has(edge)),
		dropped: drafts.length - kept.length,
		circles: cut.size,
	};
}

/** The keys nearest to the focus, whichever way ties lead; then the others, as far as there is room. */
function nearest(
	drafts: readonly Draft[],
	edges: readonly CanvasEdge[],
	focus: string,
	most: number,
): ReadonlySet<string> {
	if (drafts.length <= most) return new Set(drafts.map(({ key }) => key));
	const beside = new Map<string, string[]>();
	const add = (from: string, to: string) => {
		const some = beside.get(from);
		if (some === undefined) beside.set(from, [to]);
		else some.push(to);
	};
	for (const { from, to } of edges) {
		add(from, to);
		add(to, from);
	}
	const seen = new Set<string>();
	const queue: string[] = [];
	for (const start of [focus, ...drafts.map(({ key }) => key)]) {
		queue.push(start);
		for (let at = queue.length - 1; at < queue.length; at += 1) {
			const key = queue[at] as string;
			if (seen.size >= most) return seen;
			if (seen.has(key)) continue;
			seen.add(key);
			queue.push(...(beside.get(key) ?? []));
		}
	}
	return seen;
}

/** A layer for each node, later than all that lead to it; edges that close a circle are cut. */
function layersOf(
	nodes: readonly Draft[],
	edges: readonly CanvasEdge[],
): { readonly layers: ReadonlyMap<string, number>; readonly cut: ReadonlySet<CanvasEdge> } {
	const incoming = new Map<string, Set<CanvasEdge>>(nodes.map(({ key }) => [key, new Set()]));
	const outgoing = new Map<string, CanvasEdge[]>(nodes.map(({ key }) => [key, []]));
	for (const edge of edges) {
		incoming.get(edge.to)?.add(edge);
		outgoing.get(edge.from)?.push(edge);
	}
	const layers = new Map<string, number>();
	const cut = new Set<CanvasEdge>();
	const ready = nodes.filter(({ key }) => incoming.get(key)?.size === 0).map(({ key }) => key);
	const waiting = new Set(nodes.map(({ key }) => key));
	const layerOf = new Map<string, number>();
	for (let at = 0; waiting.size > 0; at += 1) {
		let key = ready[at];
		if (key === undefined) {
			// Only circles are left: the first of them is taken as their beginning.
			key = waiting.values().next().value as string;
			for (const edge of incoming.get(key) ?? []) cut.add(edge);
			ready.push(key);
		}
		if (!waiting.delete(key)) continue;
		const layer = layerOf.get(key) ?? 0;
		layers.set(key, layer);
		for (const edge of outgoing.get(key) ?? []) {
			if (cut.has(edge)) continue;
			layerOf.set(edge.to, Math.max(layerOf.get(edge.to) ?? 0, layer + 1));
			const left = incoming.get(edge.to);
			left?.delete(edge);
			if (left?.size === 0 && waiting.has(edge.to)) ready.push(edge.to);
		}
	}
	return { layers, cut };
}

function taskKey(id: string): string {
	return `task:${id}`;
}

function groupKey(id: string): string {
	return `group:${id}`;
}
