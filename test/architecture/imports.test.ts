import { describe, expect, it } from 'vitest';
import { checkCycles, checkImports, edgesOf, reach } from './imports.ts';
import { importsOf } from './scan.ts';
import { readTree } from './tree.ts';
import { lines, type Tree } from './violation.ts';

const folders = ['src-main', 'src-preload', 'src-renderer', 'resources', 'test'];
const source = ['src-main', 'src-preload', 'src-renderer'];

/** A small project for planting violations: file and text. */
function planted(files: Readonly<Record<string, string>>): Tree {
	return new Map(Object.entries(files));
}

function violations(files: Readonly<Record<string, string>>): readonly string[] {
	return lines(checkImports(edgesOf(planted(files), folders)));
}

const driver = {
	'src-main/brokers/driver.ts': '',
	'src-main/domain/task.ts': '',
	'src-main/store/store.ts': '',
	'src-main/store/client.ts': '',
};

describe('the house as it stands', () => {
	const tree = readTree();
	const edges = edgesOf(tree, folders);

	it('keeps every import inside the plan', () => {
		expect(lines(checkImports(edges))).toEqual([]);
	});

	it('has no circle of imports', () => {
		expect(
			lines(checkCycles(edges.filter(({ from }) => source.some((folder) => from.startsWith(`${folder}/`))))),
		).toEqual([]);
	});

	it('reaches neither Electron nor the page from the command line', () => {
		const { files, packages } = reach(edges, ['src-main/headless/cli/main.ts']);
		expect(files.size).toBeGreaterThan(40);
		expect([...packages].filter((name) => name.startsWith('electron'))).toEqual([]);
		expect([...files].filter((path) => path.startsWith('src-main/shell/') || path.startsWith('src-renderer/'))).toEqual(
			[],
		);
	});

	it('keeps schemas, sockets and databases out of the page', () => {
		const { files, packages } = reach(edges, ['src-renderer/main.ts']);
		expect(files.size).toBeGreaterThan(40);
		expect(
			[...packages].filter((name) => ['zod', 'ws', 'conf', 'better-sqlite3', 'amqplib', 'electron'].includes(name)),
		).toEqual([]);
		expect([...files].filter((path) => path.startsWith('src-main/ipc/contract'))).toEqual([]);
	});
});

describe('the checker', () => {
	it('refuses an import of the domain from above', () => {
		expect(violations({ ...driver, 'src-main/domain/bad.ts': "import { open } from '../store/store.ts';" })).toEqual([
			'src-main/domain/bad.ts:1: imports src-main/store/store.ts. Rule: src-main/domain may import nothing',
		]);
	});

	it('refuses siblings that meet in the engine', () => {
		const files = {
			'src-main/monitor/fold.ts': "\nimport type { A } from '#main/consumer/set.ts';",
			'src-main/consumer/set.ts': '',
		};
		expect(violations(files)).toEqual([
			'src-main/monitor/fold.ts:2: imports the types of src-main/consumer/set.ts. Rule: src-main/monitor, src-main/consumer, src-main/scheduler, src-main/sync never import each other',
		]);
	});

	it('lets a folder see another through its interface only', () => {
		const good = { ...driver, 'src-main/consumer/a.ts': "import type { Driver } from '#main/brokers/driver.ts';" };
		expect(violations(good)).toEqual([]);
		const bad = { ...driver, 'src-main/consumer/a.ts': "import { openStore } from '#main/store/client.ts';" };
		expect(violations(bad)[0]).toContain('imports src-main/store/client.ts');
	});

	it('refuses a package in a folder that does not own it, and one that nobody owns', () => {
		const files = {
			'src-main/engine/a.ts': "import Database from 'better-sqlite3';",
			'src-main/store/b.ts': "import { chunk } from 'lodash/fp';",
		};
		expect(violations(files)).toEqual([
			'src-main/engine/a.ts:1: imports better-sqlite3. Rule: src-main/engine may import no package',
			'src-main/store/b.ts:1: imports lodash. Rule: src-main/store may import of packages only better-sqlite3',
		]);
	});

	it('lets the page have the types of the contract, never its values', () => {
		const contract = { 'src-main/ipc/contract.ts': '' };
		const good = {
			...contract,
			'src-renderer/state/a.svelte.ts': "import type { Contract } from '#main/ipc/contract.ts';",
		};
		expect(violations(good)).toEqual([]);
		const bad = {
			...contract,
			'src-renderer/state/a.svelte.ts': "import { type Contract } from '#main/ipc/contract.ts';",
		};
		expect(violations(bad)[0]).toContain('imports src-main/ipc/contract.ts');
	});

	it('keeps components from knowing state, and pages from using Node', () => {
		const files = {
			'src-renderer/state/tasks.svelte.ts': '',
			'src-renderer/components/Bad.svelte':
				'<p>x</p>\n<script lang="ts">\n\timport { tasks } from \'../state/tasks.svelte.ts\';\n</script>',
			'src-renderer/views/tasks/Bad.svelte': "<script>\nimport fs from 'fs';\n</script>",
		};
		expect(violations(files)).toEqual([
			'src-renderer/components/Bad.svelte:3: imports src-renderer/state/tasks.svelte.ts. Rule: src-renderer/components may import src-main/domain',
			'src-renderer/views/tasks/Bad.svelte:2: imports fs. Rule: src-renderer/views uses no module of Node',
		]);
	});

	it('refuses an import that names no file, and a file in no room', () => {
		const files = { 'src-main/engine/a.ts': "import './b';", 'src-main/extra/c.ts': "import './c.ts';" };
		expect(violations(files)).toEqual([
			'src-main/engine/a.ts:1: imports ./b, which is no file (extensions are written out). Rule: an import names a file that is there, with its extension',
			'src-main/extra/c.ts:1: no room of the plan holds this file. Rule: every source file lives in a folder of the plan',
		]);
	});

	it('finds circles, however long', () => {
		const files = planted({
			'src-main/domain/a.ts': "import './b.ts';",
			'src-main/domain/b.ts': "export * from './c.ts';",
			'src-main/domain/c.ts': "type A = import('./a.ts').A;",
			'src-main/domain/d.ts': "import './a.ts';",
		});
		expect(lines(checkCycles(edgesOf(files, source)))).toEqual([
			'src-main/domain/a.ts: src-main/domain/a.ts -> src-main/domain/b.ts -> src-main/domain/c.ts -> src-main/domain/a.ts. Rule: files never import each other in a circle',
		]);
	});

	it('reaches through values and not through types', () => {
		const files = planted({
			'src-main/engine/a.ts': "import type { B } from './b.ts';\nimport { c } from './c.ts';",
			'src-main/engine/b.ts': "import 'electron';",
			'src-main/engine/c.ts': "await import('zod');",
		});
		const { files: reached, packages } = reach(edgesOf(files, source), ['src-main/engine/a.ts']);
		expect([...reached]).toEqual(['src-main/engine/a.ts', 'src-main/engine/c.ts']);
		expect([...packages]).toEqual(['zod']);
	});
});

describe('the scanner', () => {
	const names = (path: string, text: string) =>
		importsOf(path, text).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' (types)' : ''}`);

	it('sees every way to import in a script', () => {
		const text = [
			"import a from 'one';",
			"import type { B } from 'two';",
			"export { c } from 'three';",
			"export type * from 'four';",
			"const d = await import('five');",
			"const e = require('six');",
			"const f = import.meta.resolve('seven');",
			"type G = import('eight').G;",
			"import { type H } from 'nine';",
			"// import 'not this';",
			'const text = "import x from \'nor this\'";',
		].join('\n');
		expect(names('a.ts', text)).toEqual([
			'one',
			'two (types)',
			'three',
			'four (types)',
			'five',
			'six',
			'seven',
			'eight (types)',
			'nine',
		]);
	});

	it('sees the scripts, the markup and the styles of a component', () => {
		const text = [
			'<script module lang="ts">',
			"import type { A } from 'one';",
			'</script>',
			'<script lang="ts">',
			"import B from './B.svelte';",
			'</script>',
			"{#await import('./C.svelte')}…{/await}",
			"<style>@import './d.css';</style>",
		].join('\n');
		expect(importsOf('X.svelte', text)).toEqual([
			{ specifier: 'one', typeOnly: true, line: 2 },
			{ specifier: './B.svelte', typeOnly: false, line: 5 },
			{ specifier: './d.css', typeOnly: false, line: 8 },
			{ specifier: './C.svelte', typeOnly: false, line: 7 },
		]);
	});

	it('leaves comments of a style sheet alone', () => {
		expect(names('a.css', "/* @import 'one'; */\n@import url('two');")).toEqual(['two']);
	});
});
