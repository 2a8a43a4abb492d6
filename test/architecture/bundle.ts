/** The rules about what was built, as pure functions over the texts of `out/`. */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { importsOf } from './scan.ts';
import type { Tree, Violation } from './violation.ts';

/** Packages and files that one built entry loads, directly or by its chunks. */
export function loadedBy(
	tree: Tree,
	entry: string,
): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
	const files = new Set<string>([entry]);
	const packages = new Set<string>();
	const queue = [entry];
	for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
		for (const { specifier } of importsOf(path, tree.get(path) ?? '')) {
			if (!specifier.startsWith('.')) {
				if (!specifier.startsWith('node:') && !builtinModules.includes(specifier)) packages.add(specifier);
				continue;
			}
			const target = posix.join(posix.dirname(path), specifier);
			if (files.has(target)) continue;
			files.add(target);
			queue.push(target);
		}
	}
	return { files, packages };
}

/** Entries of the main bundle that run without Electron. */
const plainEntries = ['out/main/cli.js', 'out/main/store-thread.js', 'out/main/embedded-thread.js'];
const allEntries = [...plainEntries, 'out/main/shell.js'];

/** What the main bundle must not do: load Electron outside the shell, or one entry from another. */
export function checkMain(tree: Tree): readonly Violation[] {
	return allEntries.flatMap((entry) => {
		if (!tree.has(entry)) return [{ where: entry, found: 'nothing', rule: 'every entry is built' }];
		const { files, packages } = loadedBy(tree, entry);
		const found: Violation[] = [...files]
			.filter((path) => path !== entry && allEntries.includes(path))
			.map((path) => ({
				where: entry,
				found: `loads ${path}`,
				rule: 'entries share chunks and never load each other',
			}));
		if (entry === 'out/main/shell.js') return found;
		for (const name of packages) {
			if (/^electron(\/|-store|$)/.test(name))
				found.push({ where: entry, found: `loads ${name}`, rule: 'only the shell knows Electron' });
		}
		return found;
	});
}

/** A sandboxed preload can load nothing but Electron. */
export function checkBuiltPreload(tree: Tree): readonly Violation[] {
	const files = [...tree.keys()].filter((path) => path.startsWith('out/preload/'));
	const found: Violation[] = [];
	if (files.length !== 1 || files[0] !== 'out/preload/index.cjs') {
		found.push({
			where: 'out/preload',
			found: files.join(', ') || 'nothing',
			rule: 'the preload is one CommonJS file',
		});
	}
	for (const name of files.flatMap((path) => importsOf(path, tree.get(path) ?? '').map(({ specifier }) => specifier))) {
		if (name !== 'electron')
			found.push({
				where: 'out/preload/index.cjs',
				found: `requires ${name}`,
				rule: 'a sandboxed preload loads electron only',
			});
	}
	return found;
}

/** Traces that minifying leaves in place, each of something that has no business in the page. */
const foreign: readonly { readonly trace: RegExp; readonly what: string }[] = [
	{ trace: /\b_zod\b/, what: 'zod' },
	{ trace: /\bdevDependencies\b/, what: 'the package file' },
	{ trace: /["'`]node:[a-z]+["'`]/, what: 'a module of Node' },
	{ trace: /\brequire\(["'`]/, what: 'a CommonJS require' },
];

/** What must not be in the page's bundle. */
export function checkBuiltPage(tree: Tree): readonly Violation[] {
	const scripts = [...tree].filter(([path]) => /^out\/renderer\/.*\.js$/.test(path));
	const found: Violation[] = scripts.flatMap(([path, text]) =>
		foreign
			.filter(({ trace }) => trace.test(text))
			.map(({ what }) => ({
				where: path,
				found: what,
				rule: 'the page holds its own code and the libraries of its components',
			})),
	);
	if (scripts.length === 0) found.push({ where: 'out/renderer', found: 'no script', rule: 'the page is built' });
	return found;
}
