import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildCanvas, type CanvasLater, type CanvasTask } from '#main/domain/canvas.ts';

const task = (id: string, more: Partial<CanvasTask> = {}): CanvasTask => ({
	id,
	name: `t.${id}`,
	state: 'succeeded',
	parentId: null,
	groupId: null,
	children: [],
	later: [],
	...more,
});
const edgesOf = (canvas: ReturnType<typeof buildCanvas>) =>
	canvas.edges.map(({ from, to, tie }) => `${from} ${tie} ${to}`);
const members = (count: number) =>
	Array.from({ length: count }, (_, n) => task(`m${n}`, { groupId: 'g', parentId: 'p' }));

describe('a canvas', () => {
	it('of a chain shows what ran, what runs and what was not sent yet, in order', () => {
		const rest: CanvasLater[] = [
			{ role: 'chain', id: 'c', name: 't.c' },
			{ role: 'chain', id: null, name: 't.d' },
		];
		const canvas = buildCanvas([task('a'), task('b', { parentId: 'a', state: 'running', later: rest })], 'b');
		expect(canvas.nodes.map(({ kind, name, layer }) => [kind, name, layer])).toEqual([
			['task', 't.a', 0],
			['task', 't.b', 1],
			['pending', 't.c', 2],
			['pending', 't.d', 3],
		]);
		expect(edgesOf(canvas)[0]).toBe('task:a called task:b');
		expect(canvas.nodes[1]?.focus).toBe(true);
	});

	it('has a link of a chain once, however many of its tasks carry the rest', () => {
		const canvas = buildCanvas(
			[
				task('a', {
					later: [
						{ role: 'chain', id: 'b', name: 't.b' },
						{ role: 'chain', id: 'c', name: 't.c' },
					],
				}),
				task('b', { parentId: 'a', later: [{ role: 'chain', id: 'c', name: 't.c' }] }),
			],
			'a',
		);
		expect(canvas.nodes.map(({ key }) => key)).toEqual(['task:a', 'task:b', 'pending:c']);
	});

	it('of a group has the group before its members, which their parent leads to', () => {
		const canvas = buildCanvas([task('p'), ...members(2)], 'p');
		expect(edgesOf(canvas)).toEqual(['group:g member task:m0', 'task:p called group:g', 'group:g member task:m1']);
		expect(canvas.nodes.find(({ kind }) => kind === 'group')).toMatchObject({
			collapsed: false,
			counts: { succeeded: 2 },
		});
	});

	it('has a big group stand for its members, but for the one that was asked about, until it is opened', () => {
		const all = [
			task('p'),
			...members(40),
			task('x', { groupId: 'g', state: 'failed' }),
			task('y', { parentId: 'm3' }),
		];
		const canvas = buildCanvas(all, 'x');
		expect(canvas.nodes.map(({ key }) => key).sort()).toEqual(['group:g', 'task:p', 'task:x', 'task:y']);
		expect(canvas.nodes.find(({ kind }) => kind === 'group')?.counts).toEqual({ succeeded: 40, failed: 1 });
		expect(edgesOf(canvas)).toContain('group:g called task:y');
		expect(buildCanvas(all, 'x', { expanded: ['g'] }).nodes).toHaveLength(44);
	});

	it('of a chord leads from its header to its body, known or not', () => {
		const body: CanvasLater[] = [{ role: 'chord', id: 'body', name: 't.body' }];
		const header = [
			task('m0', { groupId: 'g', later: body }),
			task('m1', { groupId: 'g', later: body, state: 'failed' }),
		];
		expect(edgesOf(buildCanvas(header, 'm0'))).toContain('group:g chord pending:body');
		const ran = buildCanvas([...header, task('body', { parentId: 'm1' })], 'm0');
		expect(edgesOf(ran)).toContain('group:g chord task:body');
		expect(ran.nodes.some(({ kind }) => kind === 'pending')).toBe(false);
	});

	it('shows who is named and not known', () => {
		const canvas = buildCanvas([task('a', { parentId: 'gone', children: ['later'] })], 'a');
		expect(canvas.nodes.map(({ kind, task: id }) => [kind, id])).toEqual([
			['missing', 'gone'],
			['task', 'a'],
			['missing', 'later'],
		]);
	});

	it('cuts a circle and says so', () => {
		const canvas = buildCanvas([task('a', { parentId: 'b' }), task('b', { parentId: 'a' })], 'a');
		expect(canvas.circles).toBe(1);
		expect(canvas.edges).toHaveLength(1);
	});

	it('keeps what is nearest to the task, and counts the rest', () => {
		const chain = Array.from({ length: 50 }, (_, n) => task(`n${n}`, { parentId: n === 0 ? null : `n${n - 1}` }));
		const canvas = buildCanvas(chain, 'n25', { nodes: 5 });
		expect(canvas.nodes.map(({ task: id }) => id)).toEqual(['n23', 'n24', 'n25', 'n26', 'n27']);
		expect(canvas.dropped).toBe(45);
	});

	it('is whole and layered, whatever the ties say', () => {
		const id = fc.integer({ min: 0, max: 30 }).map(String);
		const later = fc.record({
			role: fc.constantFrom('chain' as const, 'callback' as const, 'errback' as const, 'chord' as const),
			id: fc.option(id, { nil: null }),
			name: fc.constant('t'),
		});
		const any = fc.record({
			id,
			name: fc.option(fc.constant('t'), { nil: null }),
			state: fc.constantFrom('failed' as const, 'running' as const, null),
			parentId: fc.option(id, { nil: null }),
			groupId: fc.option(fc.constantFrom('g', 'h'), { nil: null }),
			children: fc.array(id, { maxLength: 4 }),
			later: fc.array(later, { maxLength: 3 }),
		});
		fc.assert(
			fc.property(
				fc.uniqueArray(any, { selector: (one) => one.id, maxLength: 31 }),
				id,
				fc.integer({ min: 1, max: 40 }),
				(tasks, focus, most) => {
					const canvas = buildCanvas(tasks, focus, { nodes: most, members: 3 });
					const layer = new Map(canvas.nodes.map((node) => [node.key, node.layer]));
					expect(layer.size).toBe(canvas.nodes.length);
					expect(canvas.nodes.length).toBeLessThanOrEqual(most);
					for (const edge of canvas.edges) {
						expect(layer.get(edge.from) ?? Infinity).toBeLessThan(layer.get(edge.to) ?? -Infinity);
					}
					if (canvas.dropped === 0) {
						for (const one of tasks) {
							const collapsed = canvas.nodes.find(({ key }) => key === `group:${one.groupId}`)?.collapsed === true;
							if (!collapsed) expect(layer.has(`task:${one.id}`)).toBe(true);
						}
						const counted = canvas.nodes.flatMap(({ counts }) => Object.values(counts ?? {}));
						expect(counted.reduce((sum, one) => sum + one, 0)).toBe(tasks.filter((one) => one.groupId !== null).length);
					}
				},
			),
		);
	});
});
