import { describe, expect, it } from 'vitest';
import { checkFolders, checkLengths, checkNames, checkReadmes } from './layout.ts';
import { readTree } from './tree.ts';
import { lines, type Tree } from './violation.ts';

function planted(files: Readonly<Record<string, string>>): Tree {
	return new Map(Object.entries(files));
}

describe('the house as it stands', () => {
	const tree = readTree();

	it('has only the folders of the plan', () => {
		expect(lines(checkFolders(tree))).toEqual([]);
	});

	it('explains every folder in a few lines', () => {
		expect(lines(checkReadmes(tree))).toEqual([]);
	});

	it('keeps its files short', () => {
		expect(lines(checkLengths(tree))).toEqual([]);
	});

	it('names its files by the house style', () => {
		expect(lines(checkNames(tree))).toEqual([]);
	});
});

describe('the checker', () => {
	it('refuses a folder outside the plan, at any level of it', () => {
		expect(
			lines(
				checkFolders(planted({ 'src-main/magic/a.ts': '', 'tools/b.ts': '', 'src-renderer/views/tasks/c.ts': '' })),
			),
		).toEqual([
			expect.stringContaining('src-main/magic: a folder outside the plan. Rule: src-main holds only actions, '),
			'tools: a folder outside the plan. Rule: the root holds only .ci, docs, resources, src-main, src-preload, src-renderer, test',
		]);
	});

	it('refuses a folder whose name says nothing', () => {
		expect(lines(checkFolders(planted({ 'src-renderer/views/utils/a.ts': '' })))).toEqual([
			'src-renderer/views/utils: the name utils. Rule: a folder is named for what lives in it',
		]);
	});

	it('refuses a folder without a README and one with a long one', () => {
		const tree = planted({ 'src-main/store/store.ts': '', 'src-main/ipc/README.md': 'line\n'.repeat(31) });
		expect(lines(checkReadmes(tree, ['src-main/store', 'src-main/ipc']))).toEqual([
			expect.stringContaining('src-main/store: no README.md'),
			expect.stringContaining('src-main/ipc/README.md: 31 lines'),
		]);
	});

	it('asks for READMEs of the folders in the plan that are there', () => {
		expect(
			checkReadmes(planted({ 'src-main/store/store.ts': '' }))
				.map(({ where }) => where)
				.sort(),
		).toEqual(['src-main', 'src-main/store']);
	});

	it('refuses a file that is too long', () => {
		const tree = planted({ 'src-main/store/long.ts': 'x\n'.repeat(601), 'src-main/store/fair.ts': 'x\n'.repeat(600) });
		expect(lines(checkLengths(tree))).toEqual([expect.stringContaining('src-main/store/long.ts: 601 lines')]);
	});

	it('refuses barrels and names outside the house style', () => {
		const tree = planted({
			'src-main/store/index.ts': '',
			'src-main/store/TaskTable.ts': '',
			'src-renderer/components/list-row.svelte': '',
			'resources/sandbox/Bad-Tasks.py': '',
			'src-preload/index.ts': '',
			'src-renderer/state/task-list.svelte.ts': '',
		});
		expect(checkNames(tree).map(({ where }) => where)).toEqual([
			'src-main/store/index.ts',
			'src-main/store/TaskTable.ts',
			'src-renderer/components/list-row.svelte',
			'resources/sandbox/Bad-Tasks.py',
		]);
	});
});
