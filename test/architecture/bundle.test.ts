import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkBuiltPage, checkBuiltPreload, checkMain } from './bundle.ts';
import { checkPage } from './security.ts';
import { root } from './tree.ts';
import { lines, type Tree } from './violation.ts';

/** Texts of everything built. The runner builds first; by hand, `npm run build` does. */
function readBuild(): Tree {
	const entries = readdirSync(join(root, 'out'), { withFileTypes: true, recursive: true });
	return new Map(
		entries
			.filter((entry) => entry.isFile() && /\.(c?js|html|css)$/.test(entry.name))
			.map((entry) => join(entry.parentPath, entry.name))
			.map((path) => [path.slice(root.length + 1).replaceAll('\\', '/'), readFileSync(path, 'utf8')]),
	);
}

function planted(files: Readonly<Record<string, string>>): Tree {
	return new Map(Object.entries(files));
}

describe('what was built', () => {
	let tree: Tree = new Map();
	beforeAll(() => {
		tree = readBuild();
	});

	it('loads Electron in the shell only, and no entry from another', () => {
		expect(lines(checkMain(tree))).toEqual([]);
	});

	it('has a preload that a sandbox can load', () => {
		expect(lines(checkBuiltPreload(tree))).toEqual([]);
	});

	it('has a page without schemas, Node or the package file', () => {
		expect(lines(checkBuiltPage(tree))).toEqual([]);
		expect(
			lines(checkPage('out/renderer/index.html', tree.get('out/renderer/index.html') ?? '<script>missing</script>')),
		).toEqual([]);
	});
});

describe('the checker', () => {
	const fine = {
		'out/main/cli.js': '',
		'out/main/store-thread.js': '',
		'out/main/embedded-thread.js': '',
		'out/main/shell.js': "import 'electron';",
	};

	it('follows chunks to Electron', () => {
		expect(lines(checkMain(planted(fine)))).toEqual([]);
		const bad = {
			...fine,
			'out/main/cli.js': "import { a } from './chunk-a.js';",
			'out/main/chunk-a.js': "const e = await import('electron');",
		};
		expect(lines(checkMain(planted(bad)))).toEqual([
			'out/main/cli.js: loads electron. Rule: only the shell knows Electron',
		]);
	});

	it('refuses an entry that loads another, and a missing one', () => {
		const { 'out/main/store-thread.js': _, ...rest } = { ...fine, 'out/main/shell.js': "import './cli.js';" };
		expect(lines(checkMain(planted(rest)))).toEqual([
			'out/main/store-thread.js: nothing. Rule: every entry is built',
			'out/main/shell.js: loads out/main/cli.js. Rule: entries share chunks and never load each other',
		]);
	});

	it('refuses a preload that a sandbox cannot load', () => {
		expect(lines(checkBuiltPreload(planted({ 'out/preload/index.cjs': 'const e = require("electron");' })))).toEqual(
			[],
		);
		expect(
			lines(
				checkBuiltPreload(
					planted({ 'out/preload/index.cjs': 'const e = require("./chunk.cjs");', 'out/preload/chunk.cjs': '' }),
				),
			),
		).toHaveLength(2);
		expect(lines(checkBuiltPreload(planted({ 'out/preload/index.cjs': 'require("node:fs");' })))).toHaveLength(1);
	});

	it('refuses foreign things in the page', () => {
		expect(lines(checkBuiltPage(planted({ 'out/renderer/assets/a.js': 'const a=1;' })))).toEqual([]);
		expect(
			lines(checkBuiltPage(planted({ 'out/renderer/assets/a.js': 'a._zod.def;"devDependencies";import("node:fs")' }))),
		).toHaveLength(3);
		expect(
			lines(checkBuiltPage(planted({ 'out/renderer/assets/a.js': 'a._zod.def;b={devDependencies:1}' }))),
		).toHaveLength(2);
		expect(lines(checkBuiltPage(planted({})))).toHaveLength(1);
	});
});
