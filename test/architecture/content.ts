/** The rules about what a text may hold and what a package file may ask for, as pure functions. */
import ts from 'typescript';
import type { Tree, Violation } from './violation.ts';

const script = /\.([cm]?[jt]s|svelte)$/;

/** What a page or an engine must never do with a text: run it, or take it for markup. */
export function checkDanger(tree: Tree): readonly Violation[] {
	return [...tree].flatMap(([path, text]) => {
		if (!script.test(path) || path.startsWith('test/')) return [];
		const found = path.endsWith('.svelte')
			? [...scriptsOf(text).flatMap((body) => dangersIn(path, body)), ...markupDangers(path, text)]
			: dangersIn(path, text);
		return found;
	});
}

function scriptsOf(text: string): readonly string[] {
	return [...text.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1] ?? '');
}

const contentRule = 'content is hostile: text only, never markup, never code';

function markupDangers(path: string, text: string): readonly Violation[] {
	const markup = text.replace(/<!--[\s\S]*?-->/g, '');
	return /\{@html\b/.test(markup) ? [{ where: path, found: '{@html', rule: contentRule }] : [];
}

const markupSinks = new Set(['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'srcdoc', 'createContextualFragment']);

function dangersIn(path: string, text: string): readonly Violation[] {
	const source = ts.createSourceFile(`${path}.ts`, text, ts.ScriptTarget.Latest, true);
	const found: Violation[] = [];
	const add = (what: string) => found.push({ where: path, found: what, rule: contentRule });
	const visit = (node: ts.Node): void => {
		if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && ts.isIdentifier(node.expression)) {
			if (node.expression.text === 'eval') add('a call of eval');
			if (node.expression.text === 'Function') add('a function made from text');
		}
		if (ts.isPropertyAccessExpression(node)) {
			if (markupSinks.has(node.name.text)) add(`.${node.name.text}`);
			if (node.name.text === 'write' && ts.isIdentifier(node.expression) && node.expression.text === 'document')
				add('document.write');
			if (/^runIn\w*Context$/.test(node.name.text)) add(`.${node.name.text}`);
		}
		ts.forEachChild(node, visit);
	};
	visit(source);
	return found;
}

/** Written in pieces, so that this file does not hold the words that it looks for. */
const privateWords: readonly { readonly pattern: RegExp; readonly rule: string }[] = [
	{
		pattern: new RegExp(`(^|[\\s"'\`(=:])/(wor${'k'}|roo${'t'})/`, 'm'),
		rule: 'no path of the machine it was written on',
	},
	{
		pattern: new RegExp(`regist${'ry'}\\.(npmjs|yarnpkg)|npm${'mirror'}`, 'i'),
		rule: "no package registry's host: each machine has its own",
	},
	{ pattern: /<{7} |>{7} /, rule: 'no leftovers of a merge' },
];

/** Words that belong to one machine or to a moment, anywhere in the project. */
export function checkWords(tree: Tree): readonly Violation[] {
	return [...tree].flatMap(([path, text]) =>
		privateWords.flatMap(({ pattern, rule }) => {
			const match = pattern.exec(text);
			return match === null ? [] : [{ where: path, found: JSON.stringify(match[0].trim()), rule }];
		}),
	);
}

interface PackageFile {
	readonly dependencies?: Readonly<Record<string, string>>;
	readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Versions that float. */
export function checkVersions(packageJson: string): readonly Violation[] {
	const parsed = JSON.parse(packageJson) as PackageFile;
	return Object.entries({ ...parsed.dependencies, ...parsed.devDependencies })
		.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
		.map(([name, version]) => ({
			where: 'package.json',
			found: `${name} ${version}`,
			rule: 'versions are exact: two clones are the same',
		}));
}

interface LockedPackage {
	readonly resolved?: string;
	readonly integrity?: string;
	readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A lock file that names where its packages were fetched, that lacks hashes, or that knows one system's binaries only. */
export function checkLock(lockText: string): readonly Violation[] {
	const packages =
		(JSON.parse(lockText) as { readonly packages?: Readonly<Record<string, LockedPackage>> }).packages ?? {};
	const locked = new Set(
		Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)),
	);
	return Object.entries(packages).flatMap(([path, entry]) => {
		const where = `package-lock.json ${path}`;
		if (path === '') return [];
		const found: Violation[] = [];
		if (entry.resolved !== undefined) {
			found.push({
				where,
				found: 'an address',
				rule: 'the lock file names no host: each machine has its own registry',
			});
		}
		if (entry.integrity === undefined)
			found.push({ where, found: 'no hash', rule: 'every package is held to its hash' });
		for (const name of Object.keys(entry.optionalDependencies ?? {})) {
			if (!locked.has(name)) {
				found.push({
					where,
					found: `${name} is not locked`,
					rule: 'binaries of all systems are locked, or npm ci refuses the file',
				});
			}
		}
		return found;
	});
}

/** npm packages that are asked for and that nothing uses: neither an import nor a tool by name. */
export function checkUnused(
	packageJson: string,
	imported: ReadonlySet<string>,
	tools: ReadonlySet<string>,
): readonly Violation[] {
	const parsed = JSON.parse(packageJson) as PackageFile;
	return Object.keys({ ...parsed.dependencies, ...parsed.devDependencies })
		.filter((name) => !imported.has(name) && !tools.has(name) && !name.startsWith('@types/'))
		.map((name) => ({ where: 'package.json', found: name, rule: 'a package is there because something uses it' }));
}

/** npm packages that are imported but not asked for: they are there by luck, in whatever version somebody else wants. */
export function checkUndeclared(packageJson: string, imported: ReadonlySet<string>): readonly Violation[] {
	const parsed = JSON.parse(packageJson) as PackageFile;
	const declared = new Set(Object.keys({ ...parsed.dependencies, ...parsed.devDependencies }));
	return [...imported]
		.filter((name) => !declared.has(name))
		.map((name) => ({
			where: 'package.json',
			found: `${name} is imported`,
			rule: 'what is imported is asked for by name',
		}));
}

/** Packages that run outside the page but would not be installed with the packed app. */
export function checkShipped(packageJson: string, atRunTime: ReadonlySet<string>): readonly Violation[] {
	const { dependencies = {} } = JSON.parse(packageJson) as PackageFile;
	return [...atRunTime]
		.filter((name) => name !== 'electron' && !(name in dependencies))
		.map((name) => ({
			where: 'package.json',
			found: `${name} is used at run time`,
			rule: 'it is among dependencies, because only those are packed',
		}));
}
