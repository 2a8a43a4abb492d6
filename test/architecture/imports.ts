/** The rules about imports, as a pure function over the texts of a project. */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { type Door, rooms as houseRooms, strangers as houseStrangers, type Room } from './house.ts';
import { importsOf } from './scan.ts';
import type { Tree, Violation } from './violation.ts';

/** One import, resolved: to a file of the project, an npm package or a module of Node. */
interface Edge {
	readonly from: string;
	readonly line: number;
	readonly typeOnly: boolean;
	readonly to:
		| { readonly kind: 'file'; readonly path: string }
		| { readonly kind: 'package'; readonly name: string }
		| { readonly kind: 'node'; readonly name: string }
		| { readonly kind: 'nothing'; readonly specifier: string };
}

const builtins = new Set(builtinModules);

/** Every import of every file below the given folders. */
export function edgesOf(tree: Tree, folders: readonly string[]): readonly Edge[] {
	return [...tree]
		.filter(([path]) => folders.some((folder) => path.startsWith(`${folder}/`)))
		.flatMap(([from, text]) =>
			importsOf(from, text).map(({ specifier, typeOnly, line }) => ({
				from,
				line,
				typeOnly,
				to: resolve(tree, from, specifier),
			})),
		);
}

function resolve(tree: Tree, from: string, written: string): Edge['to'] {
	const specifier = written.replace(/\?(raw|url|inline)$/, '');
	if (specifier.startsWith('node:') || builtins.has(specifier)) return { kind: 'node', name: specifier };
	const path = projectPath(from, specifier);
	if (path === null) {
		const parts = specifier.split('/');
		return { kind: 'package', name: specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier) };
	}
	return tree.has(path) ? { kind: 'file', path } : { kind: 'nothing', specifier };
}

function projectPath(from: string, specifier: string): string | null {
	const inside = /^#(main|renderer|test)\/(.+)$/.exec(specifier);
	if (inside !== null) return `${inside[1] === 'test' ? 'test' : `src-${inside[1]}`}/${inside[2]}`;
	return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : null;
}

const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** The room whose rules hold for a file: the one with the longest path. */
export function roomOf(path: string, rooms: readonly Room[] = houseRooms): Room | null {
	return rooms.filter((room) => isIn(path, room.path)).sort((a, b) => b.path.length - a.path.length)[0] ?? null;
}

/** Every import that the plan does not allow. */
export function checkImports(
	edges: readonly Edge[],
	rooms: readonly Room[] = houseRooms,
	strangers: readonly (readonly string[])[] = houseStrangers,
): readonly Violation[] {
	return edges.flatMap((edge) => {
		const room = roomOf(edge.from, rooms);
		const where = `${edge.from}:${edge.line}`;
		if (room === null)
			return [
				{
					where,
					found: 'no room of the plan holds this file',
					rule: 'every source file lives in a folder of the plan',
				},
			];
		const broken = brokenRule(edge, room, rooms, strangers);
		return broken === null
			? []
			: [{ where, found: `${edge.typeOnly ? 'imports the types of' : 'imports'} ${nameOf(edge)}`, rule: broken }];
	});
}

function nameOf({ to }: Edge): string {
	if (to.kind === 'file') return to.path;
	return to.kind === 'nothing' ? `${to.specifier}, which is no file (extensions are written out)` : to.name;
}

function brokenRule(
	edge: Edge,
	room: Room,
	rooms: readonly Room[],
	strangers: readonly (readonly string[])[],
): string | null {
	const { to } = edge;
	if (to.kind === 'nothing') return 'an import names a file that is there, with its extension';
	if (to.kind === 'node') {
		if (room.node === 'all' || (room.node !== 'none' && room.node.includes(to.name)) || edge.typeOnly) return null;
		return `${room.path} uses ${room.node === 'none' ? 'no module of Node' : `of Node only ${room.node.join(', ')}`}`;
	}
	if (to.kind === 'package') {
		const listed = [...room.packages, ...(edge.typeOnly ? (room.packageTypes ?? []) : [])];
		if (listed.some((name) => name === to.name || (name.endsWith('/') && to.name.startsWith(name)))) return null;
		return `${room.path} may import ${listed.length === 0 ? 'no package' : `of packages only ${listed.join(', ')}`}`;
	}
	for (const group of strangers) {
		const mine = group.find((path) => isIn(edge.from, path));
		const theirs = group.find((path) => isIn(to.path, path));
		if (mine !== undefined && theirs !== undefined && mine !== theirs)
			return `${group.join(', ')} never import each other`;
	}
	if (roomOf(to.path, rooms) === room || isIn(to.path, room.path)) return null;
	const doors = room.may.filter((door) => isIn(to.path, door.to));
	if (doors.some((door) => opens(door, to.path, edge.typeOnly))) return null;
	return `${room.path} may import ${room.may.length === 0 ? 'nothing' : room.may.map(inWords).join(', ')}`;
}

function opens(door: Door, path: string, typeOnly: boolean): boolean {
	return (door.as !== 'types' || typeOnly) && (door.files === undefined || door.files.includes(path));
}

function inWords(door: Door): string {
	return `${door.files?.join(' and ') ?? door.to}${door.as === 'types' ? ' (types only)' : ''}`;
}

/** Files that import each other in a circle, types included: each circle once, as the way round it. */
export function checkCycles(edges: readonly Edge[]): readonly Violation[] {
	const next = new Map<string, Set<string>>();
	for (const { from, to } of edges) {
		// A component that shows a tree imports itself: that is how Svelte spells recursion.
		if (to.kind !== 'file' || to.path === from) continue;
		const targets = next.get(from) ?? new Set();
		next.set(from, targets.add(to.path));
	}
	const done = new Set<string>();
	const found: Violation[] = [];
	const walk = (path: string, trail: readonly string[]): void => {
		const at = trail.indexOf(path);
		if (at !== -1) {
			const circle = [...trail.slice(at), path];
			found.push({ where: path, found: circle.join(' -> '), rule: 'files never import each other in a circle' });
			return;
		}
		if (done.has(path)) return;
		for (const target of next.get(path) ?? []) walk(target, [...trail, path]);
		done.add(path);
	};
	for (const path of next.keys()) walk(path, []);
	return found;
}

/** Packages and files that can be reached from some files when they run: type imports are gone by then. */
export function reach(
	edges: readonly Edge[],
	from: readonly string[],
): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
	const files = new Set<string>(from);
	const packages = new Set<string>();
	const queue = [...from];
	for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
		for (const { from: origin, to, typeOnly } of edges) {
			if (origin !== path || typeOnly) continue;
			if (to.kind === 'package') packages.add(to.name);
			if (to.kind !== 'file' || files.has(to.path)) continue;
			files.add(to.path);
			queue.push(to.path);
		}
	}
	return { files, packages };
}
