/** The rules about Electron's switches, the preload and the page's policy, as pure functions over texts. */
import ts from 'typescript';
import type { Tree, Violation } from './violation.ts';

function parse(path: string, text: string): ts.SourceFile {
	return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

function each(source: ts.SourceFile, look: (node: ts.Node) => void): void {
	const visit = (node: ts.Node): void => {
		look(node);
		ts.forEachChild(node, visit);
	};
	visit(source);
}

/** The name of what is called: `app.enableSandbox()` and `enableSandbox()` are both `enableSandbox`. */
function calledName(node: ts.Node): string | null {
	if (!ts.isCallExpression(node)) return null;
	if (ts.isPropertyAccessExpression(node.expression)) return node.expression.name.text;
	return ts.isIdentifier(node.expression) ? node.expression.text : null;
}

/** Web preferences that weaken a window, and the one value each may have when it is written at all. */
const onlySafe: Readonly<Record<string, string>> = {
	nodeIntegration: 'false',
	nodeIntegrationInWorker: 'false',
	nodeIntegrationInSubFrames: 'false',
	contextIsolation: 'true',
	sandbox: 'true',
	webSecurity: 'true',
	allowRunningInsecureContent: 'false',
	experimentalFeatures: 'false',
	enableBlinkFeatures: 'never',
	webviewTag: 'false',
};

const windowFile = 'src-main/shell/window.ts';

/** Every window of the shell: where it is made and with which preferences. */
export function checkWindows(tree: Tree): readonly Violation[] {
	const found: Violation[] = [];
	let windows = 0;
	for (const [path, text] of tree) {
		if (!path.startsWith('src-main/') || !path.endsWith('.ts')) continue;
		each(parse(path, text), (node) => {
			if (!ts.isNewExpression(node)) return;
			const name = ts.isPropertyAccessExpression(node.expression)
				? node.expression.name.text
				: node.expression.getText();
			if (!/^(BrowserWindow|BaseWindow|WebContentsView|BrowserView)$/.test(name)) return;
			windows += 1;
			if (path !== windowFile)
				found.push({ where: path, found: `new ${name}`, rule: `windows are made in ${windowFile} only` });
			found.push(...checkOptions(path, node.arguments?.[0]));
		});
	}
	if (windows === 0) found.push({ where: windowFile, found: 'no window', rule: 'the shell makes its window here' });
	return found;
}

function checkOptions(path: string, options: ts.Expression | undefined): readonly Violation[] {
	const plain = 'window options are written out as literals, so that they can be read here';
	if (options === undefined || !ts.isObjectLiteralExpression(options))
		return [{ where: path, found: 'options from elsewhere', rule: plain }];
	const found: Violation[] = [];
	for (const property of options.properties) {
		if (ts.isSpreadAssignment(property)) {
			// A saved position and size may be spread in; web preferences may not hide there.
			if (/webPreferences/i.test(property.getText()))
				found.push({ where: path, found: property.getText(), rule: plain });
			continue;
		}
		if (property.name?.getText() !== 'webPreferences') continue;
		if (!ts.isPropertyAssignment(property) || !ts.isObjectLiteralExpression(property.initializer)) {
			found.push({ where: path, found: 'webPreferences from elsewhere', rule: plain });
			continue;
		}
		for (const preference of property.initializer.properties) {
			const name = preference.name?.getText() ?? preference.getText();
			if (!ts.isPropertyAssignment(preference) && name in onlySafe) {
				found.push({ where: path, found: name, rule: plain });
			}
			if (ts.isSpreadAssignment(preference)) found.push({ where: path, found: preference.getText(), rule: plain });
			if (!ts.isPropertyAssignment(preference)) continue;
			const safe = onlySafe[name];
			const value = preference.initializer.getText();
			if (safe !== undefined && value !== safe) {
				found.push({
					where: path,
					found: `${name}: ${value}`,
					rule: safe === 'never' ? 'never set' : `${name} is ${safe}, or left at its default`,
				});
			}
		}
	}
	return found;
}

/** What the shell must do before its first window, each as the call that does it. */
const lockdownCalls: readonly string[] = [
	'enableSandbox',
	'registerSchemesAsPrivileged',
	'setPermissionRequestHandler',
	'setPermissionCheckHandler',
	'setWindowOpenHandler',
];
const lockdownEvents: readonly string[] = ['will-navigate', 'will-attach-webview'];
const weakeningSwitches =
	/^(no-sandbox|disable-web-security|disable-site-isolation-trials|allow-running-insecure-content|remote-debugging-port|ignore-certificate-errors|js-flags)$/;

/** The shell's locks: all there, and nothing that opens one. */
export function checkLockdown(tree: Tree): readonly Violation[] {
	const found: Violation[] = [];
	const calls = new Map<string, string[]>();
	const events = new Set<string>();
	for (const [path, text] of tree) {
		if (!path.startsWith('src-main/shell/') || !path.endsWith('.ts')) continue;
		each(parse(path, text), (node) => {
			const name = calledName(node);
			if (name === null || !ts.isCallExpression(node)) return;
			calls.set(name, [...(calls.get(name) ?? []), path]);
			const first = node.arguments[0];
			const literal = first !== undefined && ts.isStringLiteralLike(first) ? first.text : null;
			if (/^(on|once|addListener)$/.test(name) && literal !== null) events.add(literal);
			if (name === 'appendSwitch' && literal !== null && weakeningSwitches.test(literal)) {
				found.push({ where: path, found: `the switch ${literal}`, rule: 'no switch weakens Chromium' });
			}
			if (name === 'loadURL' && literal !== null && !literal.startsWith('app://')) {
				found.push({ where: path, found: `loads ${literal}`, rule: 'the window shows app:// only' });
			}
			if (name === 'loadFile') found.push({ where: path, found: 'loadFile', rule: 'no file:// page' });
		});
	}
	for (const name of lockdownCalls) {
		if (!calls.has(name))
			found.push({ where: 'src-main/shell', found: `no call of ${name}`, rule: 'every lock of the shell is set' });
	}
	for (const name of lockdownEvents) {
		if (!events.has(name))
			found.push({
				where: 'src-main/shell',
				found: `nothing listens to ${name}`,
				rule: 'every lock of the shell is set',
			});
	}
	const opened = calls.get('openExternal') ?? [];
	if (opened.length > 1)
		found.push({
			where: opened.join(', '),
			found: `${opened.length} calls of openExternal`,
			rule: 'links leave through one function',
		});
	return found;
}

/** The preload: one door, and nothing of Electron itself through it. */
export function checkPreload(path: string, text: string): readonly Violation[] {
	const source = parse(path, text);
	const found: Violation[] = [];
	let doors = 0;
	each(source, (node) => {
		if (calledName(node) === 'exposeInMainWorld' && ts.isCallExpression(node)) {
			doors += 1;
			const exposed = node.arguments[1];
			if (exposed !== undefined) found.push(...leaks(path, exposed));
		}
		if (
			ts.isImportDeclaration(node) &&
			ts.isStringLiteral(node.moduleSpecifier) &&
			node.moduleSpecifier.text === 'electron'
		) {
			const names = node.importClause?.namedBindings;
			if (names === undefined || !ts.isNamedImports(names)) {
				found.push({ where: path, found: 'all of electron', rule: 'the preload names what it uses of electron' });
				return;
			}
			for (const { name } of names.elements) {
				if (name.text === 'contextBridge' || name.text === 'ipcRenderer') continue;
				found.push({
					where: path,
					found: `${name.text} of electron`,
					rule: 'the preload uses contextBridge and ipcRenderer only',
				});
			}
		}
	});
	if (doors !== 1)
		found.push({ where: path, found: `${doors} calls of exposeInMainWorld`, rule: 'the page gets one object' });
	return found;
}

/** Ways in which Electron's own objects would reach the page. */
function leaks(path: string, exposed: ts.Expression): readonly Violation[] {
	const rule = "the page gets functions of ours, never Electron's own, and never hands a callback to ipcRenderer";
	const found: Violation[] = [];
	const visit = (node: ts.Node): void => {
		if (ts.isIdentifier(node) && node.text === 'ipcRenderer') {
			const { parent } = node;
			const used =
				ts.isPropertyAccessExpression(parent) &&
				ts.isCallExpression(parent.parent) &&
				parent.parent.expression === parent;
			if (!used) found.push({ where: path, found: parent.getText(), rule });
			else if (/^(on|once|addListener)$/.test(parent.name.text)) {
				const listener = parent.parent.arguments[1];
				if (listener === undefined || !(ts.isArrowFunction(listener) || ts.isFunctionExpression(listener))) {
					found.push({ where: path, found: parent.parent.getText(), rule });
				}
			}
		}
		ts.forEachChild(node, visit);
	};
	visit(exposed);
	return found;
}

/** What the page's policy must say, directive by directive. */
const policy: Readonly<Record<string, string>> = {
	'default-src': "'none'",
	'script-src': "'self'",
	'font-src': "'self'",
	'connect-src': "'self'",
	'base-uri': "'none'",
	'form-action': "'none'",
	'frame-ancestors': "'none'",
};

/** Whether one policy is as strict as it must be. */
export function checkPolicy(where: string, text: string): readonly Violation[] {
	const directives = new Map(
		text
			.split(';')
			.map((part) => part.trim().split(/\s+/))
			.filter(([name]) => name)
			.map(([name = '', ...values]) => [name, values.join(' ')] as const),
	);
	const found: Violation[] = [];
	for (const [name, wanted] of Object.entries(policy)) {
		if (directives.get(name) !== wanted)
			found.push({ where, found: `${name} ${directives.get(name) ?? 'is missing'}`, rule: `${name} is ${wanted}` });
	}
	for (const [name, value] of directives) {
		if (
			/unsafe-eval|(^|\s)(\*|https?:|data:|blob:)(\s|$)/.test(value) &&
			!(name === 'img-src' && value === "'self' data:")
		) {
			found.push({ where, found: `${name} ${value}`, rule: 'the page loads from its own origin only' });
		}
	}
	return found;
}

/** Every policy written anywhere in the sources: file and text. */
export function policiesIn(tree: Tree): readonly { readonly path: string; readonly text: string }[] {
	return [...tree].flatMap(([path, text]) => {
		if (/^src-.*\.html$/.test(path)) {
			return [...text.matchAll(/content="([^"]*default-src[^"]*)"/g)].map((match) => ({ path, text: match[1] ?? '' }));
		}
		if (!/^src-.*\.ts$/.test(path)) return [];
		const found: { readonly path: string; readonly text: string }[] = [];
		each(parse(path, text), (node) => {
			if (
				ts.isStringLiteralLike(node) &&
				node.text.includes('default-src') &&
				!ts.isArrayLiteralExpression(node.parent)
			)
				found.push({ path, text: node.text });
			if (
				ts.isArrayLiteralExpression(node) &&
				node.elements.some((item) => ts.isStringLiteralLike(item) && item.text.startsWith('default-src'))
			) {
				found.push({
					path,
					text: node.elements.map((item) => (ts.isStringLiteralLike(item) ? item.text : '?')).join('; '),
				});
			}
		});
		return found;
	});
}

/** Inline scripts and handlers in a page, which its policy would refuse. */
export function checkPage(path: string, text: string): readonly Violation[] {
	const rule = "the page's policy allows no inline script";
	const found: Violation[] = [];
	for (const match of text.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)) {
		if (!/\bsrc=/.test(match[1] ?? '') || (match[2] ?? '').trim() !== '')
			found.push({ where: path, found: match[0].slice(0, 80), rule });
	}
	for (const match of text.matchAll(/\son[a-z]+\s*=\s*["']/g))
		found.push({ where: path, found: match[0].trim(), rule });
	return found;
}

/** Electron's fuses, as packaging must set them. */
const fuses: Readonly<Record<string, boolean>> = {
	runAsNode: false,
	enableCookieEncryption: true,
	enableNodeOptionsEnvironmentVariable: false,
	enableNodeCliInspectArguments: false,
	enableEmbeddedAsarIntegrityValidation: true,
	onlyLoadAppFromAsar: true,
	grantFileProtocolExtraPrivileges: false,
};

/** Fuses of the packaging settings in package.json. */
export function checkFuses(packageJson: string): readonly Violation[] {
	const build = (
		JSON.parse(packageJson) as {
			readonly build?: { readonly asar?: unknown; readonly electronFuses?: Readonly<Record<string, unknown>> };
		}
	).build;
	const found: Violation[] = [];
	if (build?.asar !== true)
		found.push({
			where: 'package.json build',
			found: `asar ${String(build?.asar)}`,
			rule: 'the app is packed into one archive',
		});
	for (const [name, wanted] of Object.entries(fuses)) {
		const is = build?.electronFuses?.[name];
		if (is !== wanted)
			found.push({ where: 'package.json build', found: `fuse ${name} ${String(is)}`, rule: `it is ${wanted}` });
	}
	return found;
}
