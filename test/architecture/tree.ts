/** Reads the project's own texts: everything that is kept under version control or would be, and nothing that is made. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Tree } from './violation.ts';

/** The project's root. */
export const root = resolve(import.meta.dirname, '..', '..');

const made = new Set(['.git', 'node_modules', 'out', 'dist', 'coverage', 'test-results', '__pycache__']);
const binary = /\.(png|ico|icns|woff2?|gz|db|sqlite|p12|der)$/;

/** Texts of all files by path from the root. */
export function readTree(): Tree {
	const tree = new Map<string, string>();
	const visit = (folder: string): void => {
		for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
			if (made.has(entry.name)) continue;
			const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
			if (entry.isDirectory()) visit(path);
			else if (entry.isFile() && !binary.test(entry.name)) tree.set(path, readFileSync(join(root, path), 'utf8'));
		}
	};
	visit('');
	return tree;
}
