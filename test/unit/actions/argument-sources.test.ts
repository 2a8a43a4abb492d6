import { describe, expect, it } from 'vitest';
import {
	type ArgumentDoors,
	ArgumentSearch,
	MOST_ASKED,
	type ToldArguments,
	type Wanted,
} from '#main/actions/argument-sources.ts';
import { taskId } from '#main/domain/ids.ts';
import { fail, ok } from '#main/domain/result.ts';
import type { TaskState } from '#main/domain/task.ts';

const wanted = (id: string, state: TaskState, args: string | null = null): Wanted => ({
	id: taskId(id),
	state,
	messageId: `m-${id}`,
	printed: args === null ? null : { args, kwargs: '{}' },
});
const told = (text: string): ToldArguments => ({
	call: { args: [{ kind: 'int', text }], kwargs: [] },
	name: 'a.b',
	queue: 'q',
});

/** Doors that note what they were asked. */
function doors(knows: { workers?: string[]; results?: string[] | 'gone' }) {
	const asked: { workers: (readonly string[])[]; results: (readonly string[])[] } = { workers: [], results: [] };
	const some = (ids: readonly string[], known: readonly string[], text: string) =>
		ok(new Map(ids.filter((id) => known.includes(id)).map((id) => [id, told(text)])));
	const made: ArgumentDoors = {
		workers: async (ids) => {
			asked.workers.push(ids);
			return some(ids, knows.workers ?? [], '1');
		},
		results: async (ids) => {
			asked.results.push(ids);
			return knows.results === 'gone'
				? fail('unreachable', 'Redis does not answer.')
				: some(ids, knows.results ?? [], '2');
		},
	};
	return { asked, made };
}

describe('arguments of tasks whose message is not kept', () => {
	it('are taken from a worker before a result, and from a result before a print', async () => {
		const { made, asked } = doors({ workers: ['m-a'], results: ['m-a', 'm-b'] });
		const tasks = [wanted('a', 'lost', '(9,)'), wanted('b', 'failed', '(9,)'), wanted('c', 'failed', '(9,)')];
		const found = await new ArgumentSearch(made).find([...tasks, wanted('d', 'failed')]);
		const sources = [...found].map(([id, one]) => [id, one.kind === 'found' ? one.source : one.cause]);
		expect(Object.fromEntries(sources)).toEqual({
			a: 'worker',
			b: 'result',
			c: 'event',
			d: 'its message was not kept, and nothing tells its arguments',
		});
		// A worker has let go of what has failed.
		expect(asked.workers).toEqual([['m-a']]);
		expect(asked.results).toEqual([['m-b', 'm-c', 'm-d']]);
	});

	it('cost workers one question in a whole change, however many tasks there are', async () => {
		const { made, asked } = doors({});
		const search = new ArgumentSearch(made);
		for (let round = 0; round < 5; round += 1) {
			await search.find(Array.from({ length: 1_000 }, (_, at) => wanted(`${round}-${at}`, 'lost')));
		}
		expect(asked.workers.map((ids) => ids.length)).toEqual([MOST_ASKED]);
		expect(asked.results.map((ids) => ids.length)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000]);
	});

	it('are refused with the reason where the result backend is gone, which is tried once', async () => {
		const { made, asked } = doors({ results: 'gone' });
		const search = new ArgumentSearch(made);
		await search.find([wanted('a', 'failed', '(1,)')]);
		const found = await search.find([wanted('b', 'failed', "('x...',)")]);
		expect(found.get(taskId('b'))).toMatchObject({
			kind: 'refused',
			reason: expect.stringContaining('(its result could not be read: Redis does not answer.)'),
			repair: { args: "<positional argument 1 was cut: 'x...'>" },
		});
		expect(asked.results).toHaveLength(1);
		expect(search.trouble).toBe('Redis does not answer.');
	});
});
