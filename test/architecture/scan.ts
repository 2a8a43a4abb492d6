/** Finds every import of a source file: TypeScript, JavaScript, Svelte (scripts, markup and styles) and CSS. */
import ts from 'typescript';

export interface Import {
	/** The specifier as written. */
	readonly specifier: string;
	/** Nothing of it is left when types are stripped. */
	readonly typeOnly: boolean;
	/** Line in the file, from 1. */
	readonly line: number;
}

/** Every import of one file, in the order of the text. Unknown file types have none. */
export function importsOf(path: string, text: string): readonly Import[] {
	if (path.endsWith('.css')) return cssImports(text, 1);
	if (path.endsWith('.svelte')) return svelteImports(path, text);
	if (/\.[cm]?[jt]s$/.test(path)) return scriptImports(path, text, 1);
	return [];
}

function lineAt(text: string, offset: number): number {
	return text.slice(0, offset).split('\n').length;
}

function svelteImports(path: string, text: string): readonly Import[] {
	const found: Import[] = [];
	let markup = text;
	for (const match of text.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)) {
		const [whole, body = ''] = match;
		const firstLine = lineAt(text, match.index + whole.indexOf(body));
		found.push(...scriptImports(`${path}.ts`, body, firstLine));
		markup = markup.replace(whole, blank(whole));
	}
	for (const match of text.matchAll(/<style\b[^>]*>([\s\S]*?)<\/style>/g)) {
		const [whole, body = ''] = match;
		found.push(...cssImports(body, lineAt(text, match.index + whole.indexOf(body))));
		markup = markup.replace(whole, blank(whole));
	}
	// `{#await import('…')}` and the like.
	for (const match of markup.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
		found.push({ specifier: match[1] ?? '', typeOnly: false, line: lineAt(text, match.index) });
	}
	return found;
}

/** As many lines of nothing, so that later offsets keep their line. */
function blank(text: string): string {
	return text.replace(/[^\n]/g, ' ');
}

function cssImports(text: string, firstLine: number): readonly Import[] {
	const bare = text.replace(/\/\*[\s\S]*?\*\//g, blank);
	return [...bare.matchAll(/@import\s+(?:url\(\s*)?['"]([^'"]+)['"]/g)].map((match) => ({
		specifier: match[1] ?? '',
		typeOnly: false,
		line: firstLine - 1 + lineAt(bare, match.index),
	}));
}

function scriptImports(path: string, text: string, firstLine: number): readonly Import[] {
	const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
	const found: Import[] = [];
	const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean) => {
		if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
		const line = firstLine + source.getLineAndCharacterOfPosition(node.getStart(source)).line;
		found.push({ specifier: specifier.text, typeOnly, line });
	};
	const visit = (node: ts.Node): void => {
		if (ts.isImportDeclaration(node)) {
			// `import { type A }` keeps the import itself under verbatimModuleSyntax, so only the whole clause counts.
			add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
		} else if (ts.isExportDeclaration(node)) {
			add(node, node.moduleSpecifier, node.isTypeOnly);
		} else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
			add(node, node.argument.literal, true);
		} else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
			add(node, node.moduleReference.expression, node.isTypeOnly);
		} else if (ts.isCallExpression(node) && isLoader(node.expression)) {
			add(node, node.arguments[0], false);
		}
		ts.forEachChild(node, visit);
	};
	visit(source);
	return found;
}

/** `import(…)`, `require(…)`, `require.resolve(…)`, `import.meta.resolve(…)`. */
function isLoader(callee: ts.Expression): boolean {
	if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
	if (ts.isIdentifier(callee)) return callee.text === 'require';
	if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'resolve') return false;
	return (
		ts.isMetaProperty(callee.expression) || (ts.isIdentifier(callee.expression) && callee.expression.text === 'require')
	);
}
