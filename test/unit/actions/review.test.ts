import { describe, expect, it } from 'vitest';
import { createReviews, MOST_TASKS } from '#main/actions/review.ts';
import { profileId, taskId } from '#main/domain/ids.ts';
import { ok } from '#main/domain/result.ts';
import type { TaskRow, TaskState } from '#main/domain/task.ts';
import type { HistoryStore } from '#main/store/store.ts';

const PROFILE = profileId('p');
const OTHER = profileId('other');

function row(id: string, state: TaskState): TaskRow {
	return {
		id: taskId(id),
		name: 'shop.charge',
		state,
		queue: 'default',
		priority: 0,
		argsJson: '[]',
		kwargsJson: '{}',
		preview: '',
		publishedAt: 1,
		startedAt: null,
		finishedAt: null,
		runtimeMs: null,
		worker: null,
		attempts: 1,
		exception: null,
		updatedAt: 1,
	};
}

/** A history whose rows a test may change between a review and its use. */
function historyOf(rows: Map<string, TaskRow>): HistoryStore {
	const some: Pick<HistoryStore, 'ids' | 'rows'> = {
		ids: async (_profile, _query, limit) => ok([...rows.values()].slice(0, limit).map((one) => one.id)),
		rows: async (_profile, ids) => ids.flatMap((id) => rows.get(id) ?? []),
	};
	return some as HistoryStore;
}

function setUp(...rows: readonly TaskRow[]) {
	const table = new Map(rows.map((one) => [one.id as string, one]));
	const clock = { now: 1_000 };
	const groups = {
		ids: async () => ok([...table.values()].filter((one) => one.state === 'failed').map((one) => one.id)),
	};
	return { table, clock, reviews: createReviews(historyOf(table), groups, () => clock.now) };
}

async function frozen(reviews: ReturnType<typeof createReviews>, what: { ids?: string[]; where?: string }) {
	const review = await reviews.freeze(PROFILE, 'requeue', what);
	if (!review.ok) throw new Error(review.error.message);
	return review.value;
}

describe('a review', () => {
	it('freezes exactly the tasks that matched, whatever matches afterwards', async () => {
		const { table, reviews } = setUp(row('a', 'failed'), row('b', 'failed'));
		const review = await frozen(reviews, { where: 'state:failed' });
		table.set('c', row('c', 'failed'));
		table.delete('a');
		const taken = reviews.take(review.token, PROFILE, 'requeue');
		expect(taken).toEqual(ok(['a', 'b']));
	});

	it('leaves out what waits or runs, and says how many and why', async () => {
		const { reviews } = setUp(row('a', 'failed'), row('b', 'queued'), row('c', 'running'), row('d', 'running'));
		const review = await frozen(reviews, { ids: ['a', 'b', 'c', 'd', 'nowhere'] });
		expect(review.count).toBe(1);
		expect(review.skipped).toEqual(
			expect.arrayContaining([
				{ reason: 'is not in history', count: 1 },
				{ reason: 'still waits in its queue', count: 1 },
				{ reason: 'is running', count: 2 },
			]),
		);
	});

	it('counts a task once however often it is named', async () => {
		const { reviews } = setUp(row('a', 'failed'));
		expect((await frozen(reviews, { ids: ['a', 'a', 'a'] })).count).toBe(1);
	});

	it('serves once, for its own profile and its own action', async () => {
		const { reviews } = setUp(row('a', 'failed'));
		const { token } = await frozen(reviews, { ids: ['a'] });
		expect(reviews.take(token, OTHER, 'requeue').ok).toBe(false);
		expect(reviews.take(token, PROFILE, 'delete').ok).toBe(false);
		expect(reviews.take(token, PROFILE, 'requeue').ok).toBe(true);
		const again = reviews.take(token, PROFILE, 'requeue');
		expect(again.ok ? null : again.error.code).toBe('conflict');
	});

	it('is refused after ten minutes', async () => {
		const { reviews, clock } = setUp(row('a', 'failed'));
		const { token } = await frozen(reviews, { ids: ['a'] });
		clock.now += 10 * 60_000 + 1;
		expect(reviews.take(token, PROFILE, 'requeue').ok).toBe(false);
	});

	it('refuses a selection that names nothing, and one that is too large to be reviewed', async () => {
		const { table, reviews } = setUp();
		const nothing = await reviews.freeze(PROFILE, 'requeue', {});
		expect(nothing.ok ? null : nothing.error.code).toBe('invalid-input');
		for (let n = 0; n <= MOST_TASKS; n += 1) table.set(`t${n}`, row(`t${n}`, 'failed'));
		const tooMany = await reviews.freeze(PROFILE, 'requeue', { where: '' });
		expect(tooMany.ok ? null : tooMany.error.code).toBe('too-large');
	});

	it('warns that deleting a waiting task also takes its message from the queue', async () => {
		const { reviews } = setUp(row('a', 'queued'), row('b', 'failed'));
		const review = await reviews.freeze(PROFILE, 'delete', { ids: ['a', 'b'] });
		expect(review.ok && review.value.count).toBe(2);
		expect(review.ok && review.value.warnings.join(' ')).toContain('waits in its queue');
	});
});
