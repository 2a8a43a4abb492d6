import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedHeap } from '#main/scheduler/heap.ts';

interface Item {
	readonly key: string;
	readonly at: number;
}
const before = (a: Item, b: Item) => (a.at === b.at ? a.key < b.key : a.at < b.at);
const sorted = (items: Iterable<Item>) => [...items].sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1));

const step = fc.oneof(
	fc.record({
		do: fc.constant('put' as const),
		key: fc.integer({ min: 0, max: 30 }),
		at: fc.integer({ min: 0, max: 20 }),
	}),
	fc.record({ do: fc.constant('remove' as const), key: fc.integer({ min: 0, max: 30 }) }),
	fc.record({ do: fc.constant('pop' as const) }),
);

describe('a heap with keys', () => {
	it('is at every moment what a sorted list of the newest item per key would be', () => {
		fc.assert(
			fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
				const heap = new KeyedHeap<Item>(before);
				const model = new Map<string, Item>();
				for (const one of steps) {
					if (one.do === 'put') {
						const item = { key: `k${one.key}`, at: one.at };
						heap.put(item);
						model.set(item.key, item);
					} else if (one.do === 'remove') {
						expect(heap.remove(`k${one.key}`)).toEqual(model.get(`k${one.key}`) ?? null);
						model.delete(`k${one.key}`);
					} else {
						const [first] = sorted(model.values());
						expect(heap.pop()).toEqual(first ?? null);
						if (first !== undefined) model.delete(first.key);
					}
					const [first] = sorted(model.values());
					expect(heap.peek()).toEqual(first ?? null);
					expect(heap.size).toBe(model.size);
				}
				for (const [key, item] of model) expect(heap.get(key)).toBe(item);
				const out: (Item | null)[] = [];
				while (heap.size > 0) out.push(heap.pop());
				expect(out).toEqual(sorted(model.values()));
				expect(heap.pop()).toBeNull();
			}),
			{ numRuns: 500 },
		);
	});

	it('takes a number of comparisons per change that grows like a logarithm, not like its size', () => {
		let compared = 0;
		const heap = new KeyedHeap<Item>((a, b) => {
			compared += 1;
			return before(a, b);
		});
		const size = 10_000;
		for (let n = 0; n < size; n += 1) heap.put({ key: `k${n}`, at: (n * 7_919) % size });
		compared = 0;
		for (let n = 0; n < size; n += 1) heap.put({ key: `k${n}`, at: (n * 104_729) % size });
		// Two comparisons a level, fourteen levels, once up and once down.
		expect(compared / size).toBeLessThan(60);
	});
});
