import { describe, expect, it } from 'vitest';
import {
	checkDanger,
	checkLock,
	checkShipped,
	checkUndeclared,
	checkUnused,
	checkVersions,
	checkWords,
} from './content.ts';
import { edgesOf } from './imports.ts';
import { readTree } from './tree.ts';
import { lines, type Tree } from './violation.ts';

/** Packages that are run by name, or by another tool, rather than imported. */
const tools = new Set([
	'@biomejs/biome',
	'node',
	'svelte-check',
	// Peers of libraries that are imported.
	'@internationalized/date',
	'typescript',
	'happy-dom',
	'electron',
	'electron-vite',
	'vite',
	'vitest',
]);

function planted(files: Readonly<Record<string, string>>): Tree {
	return new Map(Object.entries(files));
}

describe('the texts of the house as they stand', () => {
	const tree = readTree();
	const packageJson = tree.get('package.json') ?? '';

	it('neither run a text nor take it for markup', () => {
		expect(lines(checkDanger(tree))).toEqual([]);
	});

	it('say nothing of the machine they were written on', () => {
		expect(lines(checkWords(tree))).toEqual([]);
	});

	it('ask for exact versions', () => {
		expect(lines(checkVersions(packageJson))).toEqual([]);
	});

	const config = new Map(
		[...tree].filter(([path]) => /^[^/]+\.config\.ts$/.test(path)).map(([path, text]) => [`test/${path}`, text]),
	);
	const packagesOf = (edges: ReturnType<typeof edgesOf>) =>
		new Set(edges.flatMap(({ to }) => (to.kind === 'package' ? [to.name] : [])));
	const edges = edgesOf(tree, ['src-main', 'src-preload', 'src-renderer', 'test']);
	const imported = packagesOf([...edges, ...edgesOf(config, ['test'])]);

	it('ask for no package that nothing uses', () => {
		expect(lines(checkUnused(packageJson, imported, tools))).toEqual([]);
	});

	it('ask for every package that they import', () => {
		expect(lines(checkUndeclared(packageJson, imported))).toEqual([]);
	});

	it('pack what runs outside the page', () => {
		const running = edges.filter(({ from, typeOnly }) => from.startsWith('src-main/') && !typeOnly);
		expect(lines(checkShipped(packageJson, packagesOf(running)))).toEqual([]);
	});

	it('lock packages by hash and name no host', () => {
		expect(lines(checkLock(tree.get('package-lock.json') ?? ''))).toEqual([]);
	});
});

describe('the checker', () => {
	const found = (path: string, text: string) =>
		checkDanger(planted({ [path]: text })).map((violation) => violation.found);

	it('refuses to run a text', () => {
		expect(found('src-main/dialects/a.ts', "eval('1');\nnew Function('return 1');\nvm.runInNewContext('1');")).toEqual([
			'a call of eval',
			'a function made from text',
			'.runInNewContext',
		]);
	});

	it('refuses markup from a text, in scripts and in components', () => {
		expect(found('src-renderer/state/a.ts', 'node.innerHTML = text;\ndocument.write(text);')).toEqual([
			'.innerHTML',
			'document.write',
		]);
		expect(
			found(
				'src-renderer/views/A.svelte',
				'<script>\nnode.insertAdjacentHTML("x", text);\n</script>\n<p>{@html text}</p>',
			),
		).toEqual(['.insertAdjacentHTML', '{@html']);
	});

	it('lets comments and texts speak of what code may not do', () => {
		expect(found('src-main/dialects/a.ts', "// never eval(this)\nconst text = 'eval(1)';")).toEqual([]);
		expect(found('src-renderer/views/A.svelte', '<!-- no {@html text} here --><p>fine</p>')).toEqual([]);
	});

	it('refuses paths of one machine and hosts of registries', () => {
		const path = ['', 'work', 'main'].join('/');
		const host = ['registry', 'npmjs', 'org'].join('.');
		const tree = planted({
			'docs/a.md': `run it in ${path}/here`,
			'test/b.ts': `const from = 'https://${host}/x';`,
			'docs/c.md': 'its work/life balance',
		});
		expect(checkWords(tree).map(({ where }) => where)).toEqual(['docs/a.md', 'test/b.ts']);
	});

	it('refuses versions that float', () => {
		const text = JSON.stringify({
			dependencies: { a: '1.2.3', b: '^1.2.3' },
			devDependencies: { c: '~1.0.0', d: 'latest', e: '1.0.0-beta.2' },
		});
		expect(checkVersions(text).map(({ found: what }) => what)).toEqual(['b ^1.2.3', 'c ~1.0.0', 'd latest']);
	});

	it('refuses a lock file with addresses, without hashes, or without the binaries of other systems', () => {
		const text = JSON.stringify({
			packages: {
				'': {},
				'node_modules/a': { integrity: 'sha512-x', optionalDependencies: { 'a-linux': '1.0.0', 'a-darwin': '1.0.0' } },
				'node_modules/b': { resolved: 'https://host/b.tgz', integrity: 'sha512-x' },
				'node_modules/c': {},
				'node_modules/a/node_modules/a-linux': { integrity: 'sha512-x' },
			},
		});
		expect(checkLock(text).map(({ where, found: what }) => `${where}: ${what}`)).toEqual([
			'package-lock.json node_modules/a: a-darwin is not locked',
			'package-lock.json node_modules/b: an address',
			'package-lock.json node_modules/c: no hash',
		]);
	});

	it('refuses a package that nothing uses', () => {
		const text = JSON.stringify({
			dependencies: { used: '1.0.0', idle: '1.0.0' },
			devDependencies: { tool: '1.0.0', '@types/used': '1.0.0' },
		});
		expect(checkUnused(text, new Set(['used']), new Set(['tool'])).map(({ found: what }) => what)).toEqual(['idle']);
	});

	it('refuses a package that is imported and not asked for, and one that would not be packed', () => {
		const text = JSON.stringify({ dependencies: { ws: '1.0.0' }, devDependencies: { zod: '1.0.0' } });
		expect(checkUndeclared(text, new Set(['ws', 'zod', 'lucky'])).map(({ found: what }) => what)).toEqual([
			'lucky is imported',
		]);
		expect(checkShipped(text, new Set(['ws', 'zod', 'electron'])).map(({ found: what }) => what)).toEqual([
			'zod is used at run time',
		]);
	});
});
