/** The rules about folders, names, READMEs and lengths, as pure functions over the texts of a project. */
import { closedFolders, emptyNames, longestFile, longestReadme, longestTest, rooms } from './house.ts';
import type { Tree, Violation } from './violation.ts';

const code = /\.(ts|mjs|cjs|js|svelte|css|py)$/;

/** Every folder of the tree that holds a file, directly or further down. */
function foldersOf(tree: Tree): ReadonlySet<string> {
	const found = new Set<string>();
	for (const path of tree.keys()) {
		const parts = path.split('/').slice(0, -1);
		parts.forEach((_, index) => {
			found.add(parts.slice(0, index + 1).join('/'));
		});
	}
	return found;
}

/** Folders that the plan does not know, and names that say nothing. */
export function checkFolders(
	tree: Tree,
	closed: Readonly<Record<string, readonly string[]>> = closedFolders,
): readonly Violation[] {
	return [...foldersOf(tree)].flatMap((folder) => {
		const at = folder.lastIndexOf('/');
		const parent = at === -1 ? '' : folder.slice(0, at);
		const name = folder.slice(at + 1);
		const violations: Violation[] = [];
		const allowed = closed[parent];
		if (allowed !== undefined && !allowed.includes(name)) {
			const inside = allowed.length === 0 ? 'no folders' : `only ${allowed.join(', ')}`;
			violations.push({
				where: folder,
				found: 'a folder outside the plan',
				rule: `${parent || 'the root'} holds ${inside}`,
			});
		}
		if (emptyNames.includes(name) && !folder.startsWith('test/fixtures/')) {
			violations.push({ where: folder, found: `the name ${name}`, rule: 'a folder is named for what lives in it' });
		}
		return violations;
	});
}

/** Folders that need a README: those of the plan that hold something, and those above them. */
function plannedFolders(tree: Tree): readonly string[] {
	const present = foldersOf(tree);
	const planned = new Set(rooms.map((room) => room.path));
	for (const parent of ['', 'src-main', 'resources', 'test']) {
		for (const child of closedFolders[parent] ?? []) planned.add(parent === '' ? child : `${parent}/${child}`);
	}
	// Hidden from people, and one line long.
	planned.delete('.ci');
	return [...planned].filter((folder) => present.has(folder));
}

/** Planned folders without a README, or with one that nobody will read. */
export function checkReadmes(tree: Tree, folders: readonly string[] = plannedFolders(tree)): readonly Violation[] {
	const rule = `each folder has a README.md of at most ${longestReadme} lines: what lives here, what may not`;
	return folders.flatMap((folder) => {
		const text = tree.get(`${folder}/README.md`);
		if (text === undefined) return [{ where: folder, found: 'no README.md', rule }];
		const count = text.trimEnd().split('\n').length;
		return count > longestReadme ? [{ where: `${folder}/README.md`, found: `${count} lines`, rule }] : [];
	});
}

/** Files that are too long. */
export function checkLengths(tree: Tree): readonly Violation[] {
	return [...tree].flatMap(([path, text]) => {
		if (!code.test(path) || path.startsWith('test/fixtures/')) return [];
		const count = text.trimEnd().split('\n').length;
		const most = path.endsWith('.test.ts') ? longestTest : longestFile;
		if (count <= most) return [];
		return [
			{
				where: path,
				found: `${count} lines`,
				rule: `a file has at most ${most} lines; find the second thing that lives in it`,
			},
		];
	});
}

/** Files whose names do not follow the house: kebab-case, components in PascalCase, no barrels. */
export function checkNames(tree: Tree): readonly Violation[] {
	return [...tree.keys()].flatMap((path) => {
		if (!code.test(path) || path.startsWith('test/fixtures/')) return [];
		const name = path.slice(path.lastIndexOf('/') + 1);
		if (name === 'index.ts' && path !== 'src-preload/index.ts') {
			return [{ where: path, found: 'an index file', rule: 'no barrels: a file is imported by its own name' }];
		}
		if (name.endsWith('.svelte')) {
			return /^[A-Z][A-Za-z0-9]*\.svelte$/.test(name)
				? []
				: [{ where: path, found: `the name ${name}`, rule: 'components are PascalCase' }];
		}
		if (name.endsWith('.py')) {
			return /^[a-z_][a-z0-9_]*\.py$/.test(name)
				? []
				: [{ where: path, found: `the name ${name}`, rule: 'Python modules are snake_case' }];
		}
		return /^[a-z0-9]+([-.][a-z0-9]+)*$/.test(name)
			? []
			: [{ where: path, found: `the name ${name}`, rule: 'files are kebab-case' }];
	});
}
